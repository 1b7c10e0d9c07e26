//! `login` on a pseudo-terminal, as a person sees it: what is asked, what is hidden, what Ctrl-C leaves behind.

use crate::common::keyring::{Desk, needed};
use crate::common::{EXE, Finished, finish};

/// Runs `script` with expect(1): `$exe`, `$url`, `$id` and `$secret` are given, and whatever the terminal shows is what
/// comes back on stdout. Exit statuses from 96 on say that what the script waited for did not come.
fn on_terminal(desk: &Desk, script: &str) -> Finished {
    const PROLOGUE: &str = r#"
        set timeout 10
        proc see {text} {
            expect {
                -ex $text {}
                timeout { exit 99 }
                eof { exit 97 }
            }
        }
        proc echo_is {state} {
            for {set i 0} {$i < 1000} {incr i} {
                global spawn_out
                set modes [exec stty -a <$spawn_out(slave,name)]
                if {[regexp {(^| )-echo( |;|$)} $modes] == ($state eq "off")} return
                after 10
            }
            exit 98
        }
        proc ended {} {
            expect {
                -ex {[Y/n]} { send "n\r"; exp_continue }
                eof {}
                timeout { exit 96 }
            }
            set end [wait]
            if {[lindex $end 4] eq "CHILDKILLED"} { puts "killed by [lindex $end 5]" }
            exit [lindex $end 3]
        }
        foreach name {exe url id secret} { set $name $env($name) }
    "#;
    let sandbox = &desk.world.sandbox;
    let mut expect = desk.command(needed("expect", "expect"));
    expect.env("exe", EXE).env("url", sandbox.url()).env("id", sandbox.client_id());
    expect.env("secret", sandbox.client_secret());
    finish(expect.args(["-c", &format!("{PROLOGUE}\n{script}")]), "")
}

/// The same, with all three values asked for, and `typing` at the last one.
fn login(desk: &Desk, typing: &str) -> Finished {
    let dialogue = format!(
        r#"
        spawn -noecho $exe login
        see "Environment URL"
        send "$url\r"
        see "Client id"
        send "$id\r"
        {typing}
        "#
    );
    on_terminal(desk, &dialogue)
}

fn holds_secret(desk: &Desk, shown: &Finished) -> bool {
    let secret = desk.world.sandbox.client_secret();
    shown.stdout.contains(secret) || shown.stderr.contains(secret)
}

#[test]
fn all_three_values_are_asked_for_and_the_secret_stays_hidden() {
    let desk = Desk::new();
    let shown = login(&desk, r#"see "Client secret: "; send "$secret\r"; ended"#).ok();
    assert!(shown.stdout.contains(desk.world.sandbox.url()), "what is no secret is shown: {shown:?}");
    assert!(shown.stdout.contains("logged in to"), "{shown:?}");
    assert!(!holds_secret(&desk, &shown), "{shown:?}");
    assert_eq!(desk.items("default")[0]["client_secret"], desk.world.sandbox.client_secret());
}

#[test]
fn a_secret_typed_a_while_after_the_prompt_and_with_corrections_is_hidden_too() {
    let desk = Desk::new();
    // \025 clears the line, \177 takes one character back.
    let typing = r#"see "Client secret: "; after 300; send "wrong\025${secret}x"; after 100; send "\177\r"; ended"#;
    let shown = login(&desk, typing).ok();
    assert!(!holds_secret(&desk, &shown), "{shown:?}");
    assert_eq!(desk.items("default").len(), 1);
}

#[test]
fn a_secret_typed_before_the_prompt_appears_is_hidden() {
    let desk = Desk::new();
    // Ctrl-S holds the output back, so that the prompt cannot appear before the secret was typed.
    let script = r#"
        spawn -noecho sh -c {echo ready; read go; exec "$exe" login --env-url "$url" --client-id "$id"}
        see "ready"
        send "go\r\023"
        echo_is off
        send "$secret\r"
        after 200
        send "\021"
        see "Client secret: "
        ended
    "#;
    let shown = on_terminal(&desk, script).ok();
    assert!(!holds_secret(&desk, &shown), "{shown:?}");
    assert_eq!(desk.items("default").len(), 1);
}

#[test]
fn ctrl_c_at_the_secret_ends_the_program_and_gives_the_terminal_back() {
    let desk = Desk::new();
    let typing = r#"see "Client secret: "; send "half\003"; echo_is on; ended"#;
    let shown = login(&desk, typing);
    assert!(shown.stdout.contains("killed by SIGINT"), "{shown:?}");
    assert!(!shown.stdout.contains("half"), "{shown:?}");
    assert!(desk.items("default").is_empty());
    assert!(!desk.world.config_file("config.json").exists());
    assert_eq!(desk.world.sandbox.requests(), []);
}

#[test]
fn the_terminal_is_as_before_after_ctrl_c_and_after_a_login() {
    for typing in [r#"send "half\003""#, r#"send "$secret\r""#] {
        let desk = Desk::new();
        let script = format!(
            r#"
            spawn -noecho sh -c {{trap : INT; stty -g; "$exe" login --env-url "$url" --client-id "$id"; stty -g; echo done}}
            see "Client secret: "
            {typing}
            expect {{
                -ex {{[Y/n]}} {{ send "n\r"; exp_continue }}
                timeout {{ exit 99 }}
                -ex "done" {{}}
            }}
            "#
        );
        let shown = on_terminal(&desk, &script).ok();
        let modes: Vec<_> = shown.stdout.lines().filter(|line| line.matches(':').count() > 30).collect();
        assert!(modes.len() == 2 && modes[0] == modes[1], "{shown:?}");
    }
}

#[test]
fn an_empty_secret_and_a_closed_input_store_nothing() {
    for (typing, code) in [(r#"send "\r""#, 2), (r#"send "\004""#, 1)] {
        let desk = Desk::new();
        let shown = login(&desk, &format!(r#"see "Client secret: "; {typing}; ended"#)).exit(code);
        assert!(shown.stdout.contains("scalekit-auth: "), "{shown:?}");
        assert!(desk.items("default").is_empty());
        assert_eq!(desk.world.sandbox.requests(), []);
    }
}

#[test]
fn after_an_import_the_secret_is_removed_from_the_file_only_on_yes() {
    for (answer, removed) in [("y", true), ("yes", true), ("n", false), ("", false), ("quite", false)] {
        let desk = Desk::new();
        let sandbox = &desk.world.sandbox;
        let text = format!(
            "SCALEKIT_ENV_URL={}\nSCALEKIT_CLIENT_ID={}\nSCALEKIT_CLIENT_SECRET={}\n",
            sandbox.url(),
            sandbox.client_id(),
            sandbox.client_secret()
        );
        std::fs::write(desk.world.path(".env"), &text).unwrap();
        let script = format!(
            r#"
            spawn -noecho $exe login --import .env
            see "Remove the client secret from .env? "
            send "{answer}\r"
            ended
            "#
        );
        let shown = on_terminal(&desk, &script).ok();
        let left = std::fs::read_to_string(desk.world.path(".env")).unwrap();
        assert_eq!(left.contains(sandbox.client_secret()), !removed, "{answer}: {shown:?}");
        assert_eq!(left == text, !removed, "{answer}");
        assert!(left.contains(sandbox.client_id()));
        assert!(shown.stdout.contains(if removed { "is removed from" } else { "still holds" }), "{shown:?}");
        assert!(!holds_secret(&desk, &shown), "{shown:?}");
        assert_eq!(desk.items("default").len(), 1);
    }
}

#[test]
fn a_typo_is_asked_for_again_and_https_is_assumed() {
    let desk = Desk::new();
    let script = r#"
        spawn -noecho $exe login
        see "Environment URL"
        send "http//acme scalekit\r"
        see "is not a URL"
        see "Environment URL"
        send "[string map {https:// {}} $url]\r"
        see "Client id"
        send "\r"
        see "may not be empty"
        see "Client id"
        send "$id\r"
        see "Client secret: "
        send "$secret\r"
        ended
    "#;
    on_terminal(&desk, script).ok();
    assert_eq!(desk.items("default").len(), 1);
    let desk = Desk::new();
    let script = r#"
        spawn -noecho $exe login
        see "Environment URL"
        send "a b\r"
        see "Environment URL"
        send "a b\r"
        see "Environment URL"
        send "a b\r"
        ended
    "#;
    let shown = on_terminal(&desk, script).exit(3);
    assert_eq!(shown.stdout.matches("Environment URL").count(), 3, "{shown:?}");
}

#[test]
fn a_second_login_offers_what_is_stored_and_asks_before_it_replaces_another_url() {
    let desk = Desk::new();
    login(&desk, r#"see "Client secret: "; send "$secret\r"; ended"#).ok();
    let script = r#"
        spawn -noecho $exe login
        see "Environment URL (https://...) \[$url\]: "
        send "\r"
        see "Client id (skc_...) \[$id\]: "
        send "\r"
        see "Client secret: "
        send "$secret\r"
        ended
    "#;
    on_terminal(&desk, script).ok();
    let before = std::fs::read_to_string(desk.world.config_file("config.json")).unwrap();
    for (answer, says) in [("n", "nothing was changed"), ("", "--environment NAME"), ("y", "cannot be reached")] {
        let script = format!(
            r#"
            spawn -noecho $exe login
            see "Environment URL"
            send "https://localhost:9\r"
            see "Client id (skc_...): "
            send "$id\r"
            see "Client secret: "
            send "$secret\r"
            see "The environment default is logged in to $url. Replace it with https://localhost:9? \[y/N\] "
            send "{answer}\r"
            ended
            "#
        );
        let shown = on_terminal(&desk, &script);
        assert!(shown.code != Some(0) && shown.stdout.contains(says), "{answer}: {shown:?}");
        assert_eq!(std::fs::read_to_string(desk.world.config_file("config.json")).unwrap(), before);
    }
}

#[test]
fn a_secret_for_stdin_is_asked_for_and_hidden_where_stdin_is_a_terminal() {
    let desk = Desk::new();
    for command in [
        r#"login --env-url "$url" --client-id "$id" --client-secret-stdin"#,
        r#"config machine --client-id m2morg_1 --env-url "$url" --secret-stdin"#,
    ] {
        let script = format!(
            r#"
            spawn -noecho sh -c {{exec "$exe" {command}}}
            see "Client secret: "
            echo_is off
            send "$secret\r"
            ended
            "#
        );
        let shown = on_terminal(&desk, &script);
        assert!(!holds_secret(&desk, &shown), "{shown:?}");
        // The sandbox knows no such API client.
        assert_eq!(shown.code, Some(if command.starts_with("login") { 0 } else { 6 }), "{shown:?}");
    }
}
