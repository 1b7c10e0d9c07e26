//! A command as the home of the client credentials: how it is run, and everything that can go wrong with it.

use crate::common;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use common::homes::{Machine, SECRET, at};
use common::keyring::{needed, until};
use common::{Finished, finish};
use serde_json::json;

#[track_caller]
fn says(got: &Finished, words: &[&str]) {
    for word in words {
        assert!(got.stderr.contains(word), "{word}: {got:?}");
    }
}

/// A machine that uses a command, and the script that can be changed behind it.
fn with_command() -> (Machine, String) {
    let machine = Machine::new();
    let program = machine.program("manager", &format!("echo {SECRET}"));
    machine.login(&["--home", "command", "--", &program]).ok();
    (machine, program)
}

fn runs(process: &str) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn a_command_serves_everything_and_its_arguments_are_not_shown() {
    let machine = Machine::new();
    let program = machine.program("manager", &format!("[ \"$1 $2\" = 'get canary-argument' ] && echo {SECRET}"));
    machine.login(&["--home", "command", "--", &program, "get", "canary-argument"]).ok();
    machine.works();
    assert_eq!(machine.home(), json!({"command": [program, "get", "canary-argument"]}));
    let place = format!("from the command {program} ...");
    for args in [&["status"][..], &["status", "--check"], &["which", "github.com"]] {
        let got = machine.run(args).ok();
        assert!(got.stdout.contains(&place) && !got.stdout.contains("canary-argument"), "{got:?}");
    }
    let got = machine.run(&["logout"]).ok();
    says(&got, &["logged out of", "still comes from the command", "yours to remove"]);
    assert!(!got.stderr.contains("canary-argument") && machine.home().is_null(), "{got:?}");
}

#[test]
fn a_command_may_print_all_three() {
    let machine = Machine::new();
    let object = machine.object(SECRET);
    let program = machine.program("manager", &format!("cat <<'END'\n{object:#}\nEND"));
    machine.run(&["login", "--home", "command", "--", &program]).ok();
    machine.works();
    let other = json!({"environment_url": object["environment_url"], "client_id": "other", "client_secret": SECRET});
    machine.program("manager", &format!("echo '{other}'"));
    says(&machine.run(&["token", "github"]).exit(3), &["is not what was stored"]);
}

#[test]
fn it_gets_its_arguments_as_they_are_and_none_of_our_secrets() {
    let machine = Machine::new();
    let seen = machine.world.path("seen");
    let body = format!("{{ pwd; cat; env; printf '<%s>' \"$@\"; }} >{}; echo {SECRET}", seen.display());
    let program = machine.program("manager", &body);
    let arguments = ["$(id)", "a b", "", "'\"`x`", "--home", "*", "; exit 3", "\u{e4}"];
    let sandbox = &machine.world.sandbox;
    let mut login = machine.command("scalekit-auth");
    login.args(["login", "--env-url", sandbox.url(), "--client-id", sandbox.client_id(), "--home", "command", "--"]);
    login.arg(&program).args(arguments);
    for name in ["SCALEKIT_CLIENT_SECRET", "TOOL_CLIENT_SECRET", "SCALEKIT_ACCESS_TOKEN"] {
        login.env(name, "canary-variable");
    }
    finish(login.env("GPG_TTY", "/dev/pts/0").env("VAULT_ADDR", "kept"), "canary-stdin").ok();
    let seen = fs::read_to_string(seen).unwrap();
    assert!(seen.starts_with("/\n") && seen.contains("VAULT_ADDR=kept") && !seen.contains("canary"), "{seen}");
    assert!(!seen.contains("GPG_TTY"), "{seen}");
    let expected: String = arguments.iter().map(|argument| format!("<{argument}>")).collect();
    assert!(seen.ends_with(&expected), "{seen}");
}

#[test]
fn the_program_must_be_named_by_an_absolute_path() {
    let machine = Machine::new();
    for program in ["pass", "./manager", "bin/pass", ""] {
        says(&machine.login(&["--home", "command", "--", program]).exit(2), &["absolute path"]);
    }
    for args in [&["--home", "command"][..], &["--home", "keyring", "--", "/bin/true"]] {
        says(&machine.login(args).exit(2), &["--home command -- PROGRAM"]);
    }
    machine.login(&["--", "/bin/true"]).exit(2);
    let file = machine.file("not-executable", "", 0o600);
    for (program, why) in
        [("/nothing/there", "No such file"), ("/", "Permission denied"), (file.to_str().unwrap(), "Permission denied")]
    {
        says(&machine.login(&["--home", "command", "--", program]).exit(4), &["it cannot be run", why, program]);
    }
    assert!(machine.home().is_null());
}

#[test]
fn a_command_takes_no_secret() {
    let (machine, program) = with_command();
    let marker = machine.world.path("marker");
    machine.program("manager", &format!("touch {}; echo {SECRET}", marker.display()));
    machine.login_with_secret(&["--home", "command", "--", &program], SECRET).exit(2);
    // The environment keeps its home, and that is a command.
    let got = machine.login_with_secret(&[], SECRET).exit(2);
    says(&got, &["nothing can be written to it", "the secret manager's own program"]);
    assert!(!marker.exists());
    machine.run(&["login"]).ok();
    assert!(marker.exists(), "without a secret it is read");
}

#[test]
fn garbage_and_failures_are_told_apart_and_show_nothing() {
    let (machine, program) = with_command();
    let object = json!({"environment_url": "x", "client_id": "skc_1", "client_secret": SECRET});
    for (body, why) in [
        ("true".to_owned(), &["its output cannot be used", "there is nothing in it"][..]),
        (format!("echo {SECRET}; echo {SECRET}"), &["more than one line"]),
        (format!("printf '{SECRET}\\033[1m'"), &["not plain text"]),
        (format!("printf '\\377\\376{SECRET}'"), &["not plain text"]),
        (format!("printf '{{\"client_secret\": \"{SECRET}\"}}'"), &["not a JSON object"]),
        ("head -c 65537 /dev/zero | tr '\\0' a".into(), &["larger than 64 KiB"]),
        ("yes canary".into(), &["larger than 64 KiB"]),
        (
            "yes canary >&2 & sleep 0.3; kill $!; exit 3".into(),
            &["it failed (exit status: 3)", "says: canary; ...; canary\n"],
        ),
        ("exit 3".into(), &["it failed (exit status: 3)"]),
        ("kill -9 $$".into(), &["it failed (signal: 9"]),
        ("echo 'no item named scalekit' >&2; exit 1".into(), &["exit status: 1", "says: no item named scalekit\n"]),
        (format!("echo {SECRET}; echo 'bad secret {SECRET}!' >&2; exit 3"), &["says: bad secret [output]!"]),
        (
            format!("echo '{object}'; printf '\\033[31mrefused {SECRET}\\n\\tsee manual\\n' >&2; exit 3"),
            &["says: [31mrefused [output]; see manual\n"],
        ),
        (format!("printf '%s\\n' {SECRET} {SECRET}; echo '{SECRET}' >&2"), &["more than one line", "says: [output]"]),
    ] {
        machine.program("manager", &body);
        let start = Instant::now();
        // What it says itself goes to stderr alone, and is in nothing that is kept or pasted.
        let (said, why): (Vec<&str>, Vec<&str>) = why.iter().partition(|word| word.starts_with("says: "));
        machine.fails(&why);
        machine.fails(&["the command", &program]);
        says(&machine.get().ok(), &said);
        assert!(!machine.run(&["doctor", "--json"]).stdout.contains("says: "));
        assert!(start.elapsed() < Duration::from_secs(10), "{body}: {:?}", start.elapsed());
        let login = machine.login(&["--home", "command", "--", &program]).exit(4);
        says(&login, &why);
        says(&login, &said);
        assert!(!login.stderr.contains('\x1b') && login.stderr.len() < 2000, "{login:?}");
    }
}

#[test]
fn a_command_that_hangs_is_ended_with_all_that_it_started() {
    let (machine, program) = with_command();
    let pids = machine.world.path("pids");
    for (body, ends) in [
        ("echo $$ >>PIDS; exec sleep 60", true),
        ("echo $$ >>PIDS; trap '' TERM INT HUP; while :; do sleep 0.2; done", true),
        ("echo $$ >>PIDS; sleep 60 & echo $! >>PIDS; wait", true),
        ("echo $$ >>PIDS; exec >&- 2>&-; sleep 60", true),
        ("echo $$ >>PIDS; kill -STOP $$", true),
        // One that leaves the group is out of reach; it must not hold us up.
        ("echo $$ >>PIDS; setsid sleep 15 & wait", false),
    ] {
        let _ = fs::remove_file(&pids);
        machine.program("manager", &body.replace("PIDS", pids.to_str().unwrap()));
        let start = Instant::now();
        let declined = machine.get().ok();
        assert!(declined.stdout.is_empty() && declined.stderr.lines().count() == 1, "{declined:?}");
        says(&declined, &["it did not end within 3 seconds", &program]);
        let took = start.elapsed();
        assert!(took > Duration::from_secs(3) && took < Duration::from_secs(6), "{body}: {took:?}");
        let pids = fs::read_to_string(&pids).unwrap();
        assert!(!pids.is_empty());
        if ends {
            until("all of them are gone", || !pids.lines().any(runs));
        }
    }
    says(&machine.login(&["--home", "command", "--", &program]).exit(4), &["did not end within"]);
}

#[test]
fn the_connection_is_made_while_the_command_runs() {
    let (machine, _) = with_command();
    let seen = machine.world.path("seen");
    machine.program("manager", &format!("until [ -e '{}' ]; do sleep 0.02; done; echo {SECRET}", seen.display()));
    let connections = || machine.world.sandbox.counts().tcp_connections;
    let before = connections();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            until("there is a connection", || connections() > before);
            fs::write(&seen, "").unwrap();
        });
        machine.run(&["token", "github"]).ok();
    });
    assert_eq!(connections(), before + 1, "the requests go over the one that was made early");
}

#[test]
fn what_a_command_leaves_behind_holds_nothing_up() {
    let (machine, _) = with_command();
    for body in [
        format!("sleep 8 & echo {SECRET}"),
        format!("(trap '' HUP TERM; sleep 8; echo late) & echo {SECRET}"),
        format!("setsid sleep 8 & echo {SECRET}"),
        format!("sleep 8 >&2 & echo {SECRET}"),
    ] {
        machine.program("manager", &body);
        let start = Instant::now();
        machine.works();
        assert!(start.elapsed() < Duration::from_secs(3), "{body}: {:?}", start.elapsed());
    }
    // All that was printed before the end is taken, however much it is.
    let all = machine.object(SECRET).to_string();
    let padded = all.replacen('{', &format!("{{\"padding\":\"{}\",", "x".repeat(60 * 1024)), 1);
    let long = machine.file("long", &padded, 0o600);
    machine.program("manager", &format!("sleep 8 & cat {}", long.display()));
    (0..20).for_each(|_| assert_eq!(machine.run(&["token", "github"]).ok().stdout, "token-1\n"));
}

#[test]
fn a_command_cannot_ask_on_the_terminal() {
    let (machine, _) = with_command();
    machine.program("manager", "read answer </dev/tty; echo \"$answer\"");
    let script = r#"
        set timeout 10
        spawn -noecho scalekit-auth token github
        send "typed\r"
        expect {
            "did not end within" {}
            timeout { exit 99 }
        }
        expect eof
        exit [lindex [wait] 3]
    "#;
    finish(machine.command(needed("expect", "expect")).args(["-c", script]), "").exit(4);
}

#[test]
fn pass_with_gpg_is_a_home() {
    let machine = Machine::new();
    // gpg-agent's socket has to fit into 108 bytes.
    let gnupg = tempfile::Builder::new().prefix("gpg-").tempdir().unwrap();
    let home = gnupg.path().display();
    for program in ["gpg", "gpgconf"] {
        needed(program, "gnupg");
    }
    let pass = format!("/usr/bin/{}", needed("pass", "pass"));
    let run = |script: &str| {
        let mut shell = machine.command("sh");
        shell.args(["-e", "-c", script]).env("GNUPGHOME", gnupg.path());
        common::homes::shows_no_secret(finish(&mut shell, ""))
    };
    let key = "Key-Type: eddsa\nKey-Curve: ed25519\nSubkey-Type: ecdh\nSubkey-Curve: cv25519\nName-Email: ada@example.com\n\
               %no-protection\n%commit\n";
    let insert = |secret: &str| run(&format!("echo '{secret}' | pass insert --echo --force scalekit >/dev/null"));
    run(&format!("gpg --batch --quiet --generate-key <<'END'\n{key}END\npass init ada@example.com")).ok();
    insert(SECRET).ok();
    let sandbox = &machine.world.sandbox;
    let (url, id) = (sandbox.url(), sandbox.client_id());
    run(&format!("scalekit-auth login --home command --env-url {url} --client-id {id} -- {pass} show scalekit")).ok();
    assert_eq!(run("scalekit-auth token github").ok().stdout, "token-1\n");
    assert!(run("scalekit-auth status --check").ok().stdout.contains("from the command /usr/bin/pass ..."));
    // A laptop whose user moves from there into a file, and another one into pass again.
    let file = machine.world.path("secret");
    run(&format!("scalekit-auth login --home {}", at(&file))).ok();
    assert_eq!(run("scalekit-auth token github").ok().stdout, "token-1\n");
    let got = run(&format!("scalekit-auth login --home command -- {pass} show scalekit")).ok();
    assert!(!Path::new(&file).exists(), "{got:?}");
    says(
        &run(&format!("scalekit-auth login --home command -- {pass} show nothing")).exit(4),
        &["exit status: 1", "nothing is not in the password store"],
    );
    insert("a-wrong-one").ok();
    run("scalekit-auth token github").exit(6);
    run(&format!("rm -r {home}/private-keys-v1.d; gpgconf --kill gpg-agent")).ok();
    says(&run("scalekit-auth token github").exit(4), &["exit status: 2", "decryption failed"]);
    run("gpgconf --kill all").ok();
}
