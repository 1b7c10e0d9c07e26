//! `connect` and `disconnect` on a pseudo-terminal, as a person sees them: the line that counts down, the browser that
//! opens, and what Ctrl-C leaves behind.

use std::fs;

use crate::common::consent::pending;
use crate::common::expect::{arguments, browser, on_terminal};
use crate::common::{Finished, World};
use scalekit_sandbox::{Control, VerifyMode};

const LINK: &str = "POST /api/v1/connected_accounts/magic_link";
/// What takes the line back, so that something else can stand there.
const CLEAR: &str = "\r\u{1b}[2K";

/// `connect github` with more arguments, until it ends.
fn opens(world: &World, variables: &[(&str, &str)], more: &str) -> Finished {
    on_terminal(world, variables, &format!("spawn -noecho $exe connect github {more}; ended"))
}

fn link_in(shown: &Finished) -> String {
    let mut words = shown.stdout.split_whitespace();
    words.find(|word| word.starts_with("https://")).unwrap_or_else(|| panic!("no link: {shown:?}")).to_owned()
}

/// The line each time it was drawn.
fn drawn(shown: &Finished) -> Vec<&str> {
    shown.stdout.split(CLEAR).filter(|text| text.starts_with("waiting: ")).collect()
}

fn seconds_in(line: &str) -> u64 {
    let after = line.split("link good for ").nth(1).unwrap_or_else(|| panic!("no seconds in {line:?}"));
    after.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn one_line_shows_the_state_and_counts_the_links_seconds_down() {
    let world = pending();
    world.ok(&["config", "github", "github-x", "--identifier", &format!("{}@example.com", "a".repeat(60))]);
    world.control(Control::MagicLinkLifetime { seconds: 90 });
    for columns in [30, 47, 80, 200] {
        let script = format!(
            "set stty_init {{columns {columns} rows 24}}; spawn -noecho $exe connect github --timeout 2; ended"
        );
        let shown = on_terminal(&world, &[], &script).exit(5);
        let lines = drawn(&shown);
        assert!(lines.len() >= 2, "{shown:?}");
        for line in &lines {
            assert!(line.len() < columns && !line.contains(char::is_control), "{columns}: {line:?}");
            assert!(line.starts_with("waiting: PENDING_AUTH"), "{line:?}");
        }
        assert_eq!(lines[0].contains("github (aaa"), columns > 50, "{lines:?}");
        if columns > 40 {
            let seconds: Vec<u64> = lines.iter().map(|line| seconds_in(line)).collect();
            assert!(seconds.windows(2).all(|pair| pair[1] < pair[0]) && seconds[0] <= 90, "{seconds:?}");
        }
        assert!(shown.stdout.contains(&format!("{CLEAR}scalekit-auth: no consent within 2 s; ")), "{shown:?}");
    }
}

#[test]
fn a_link_that_runs_out_is_replaced_and_the_line_goes_on() {
    let world = pending();
    world.control(Control::MagicLinkLifetime { seconds: 2 });
    let script = r#"
        spawn -noecho $exe connect github
        set first [link]
        see "good for 1 s"
        set second [link]
        see "link good for"
        if {$first eq $second} { exit 95 }
        send "\003"
        ended
    "#;
    let shown = on_terminal(&world, &[], script).exit(130);
    assert!(shown.stdout.contains(&format!("{CLEAR}authorization needed for github (identifier ada): ")), "{shown:?}");
    assert!(shown.stdout.matches(CLEAR).count() >= 4, "{shown:?}");
}

#[test]
fn each_link_leads_to_the_callers_url_and_renewing_waits_for_it() {
    let world = pending();
    world.seed("github-x", "GITHUB", "token-before");
    world.control(Control::VerifyMode { mode: VerifyMode::B2b });
    world.control(Control::MagicLinkLifetime { seconds: 2 });
    let script = r#"
        spawn -noecho $exe connect github --renew --user-verify-url https://agents.example.com/back
        link
        puts "to [exec curl -sS -o /dev/null -w "%{redirect_url}" --cacert $ca [link]] "
        send "\003"
        ended
    "#;
    let shown = on_terminal(&world, &[], script).exit(130);
    assert!(shown.stdout.contains("to https://agents.example.com/back?auth_request_id="), "{shown:?}");
    assert!(shown.stdout.contains("&state="), "{shown:?}");
}

#[test]
fn a_clock_that_finds_every_link_over_does_not_ask_for_links_without_end() {
    let world = pending();
    world.control(Control::MagicLinkLifetime { seconds: 0 });
    opens(&world, &[], "--timeout 3").exit(5);
    assert!(world.count(LINK) <= 2, "{}", world.count(LINK));
}

#[test]
fn a_vault_that_gives_no_new_link_is_asked_again() {
    let world = pending();
    world.control(Control::MagicLinkLifetime { seconds: 2 });
    let script = r#"
        spawn -noecho sh -c {"$exe" connect github --timeout 30}
        link
        exec curl -sS --cacert $ca $env(SCALEKIT_ENV_URL)/_sandbox/control -d $env(order)
        see "no new link"
        see "waiting: PENDING_AUTH; github"
        exec curl -sSL --cacert $ca [link]
        ended
    "#;
    let order = format!(r#"{{"op":"fail_next","route":"{LINK}","times":1,"status":403,"error_code":"x"}}"#);
    let shown = on_terminal(&world, &[("order", &order)], script).ok();
    assert!(shown.stdout.ends_with("github is connected (identifier ada)\r\n"), "{shown:?}");
}

#[test]
fn json_stays_the_only_thing_on_stdout_while_links_are_replaced() {
    let world = pending();
    world.control(Control::MagicLinkLifetime { seconds: 1 });
    let script = r#"
        spawn -noecho sh -c {"$exe" connect github --json --timeout 4 >out.json}
        link; link
        ended
    "#;
    on_terminal(&world, &[], script).exit(5);
    let object: serde_json::Value = serde_json::from_slice(&fs::read(world.path("out.json")).unwrap()).unwrap();
    assert_eq!(object["status"], "needs_authorization");
}

#[test]
fn ctrl_c_clears_the_line_says_how_to_go_on_and_leaves_the_terminal_as_it_was() {
    let world = pending();
    let script = r#"
        spawn -noecho sh -c {trap : INT; stty -g; "$exe" connect github; echo "exit $?"; stty -g; echo done}
        see "link good for"
        send "\003"
        see "done"
        ended
    "#;
    let shown = on_terminal(&world, &[], script).ok();
    let after = shown.stdout.rsplit(CLEAR).next().unwrap();
    assert!(after.starts_with("scalekit-auth: stopped waiting for github"), "{shown:?}");
    assert!(after.contains("`scalekit-auth connect github --wait-only`") && after.contains("exit 130"), "{shown:?}");
    let modes: Vec<_> = shown.stdout.lines().filter(|line| line.matches(':').count() > 30).collect();
    assert!(modes.len() == 2 && modes[0] == modes[1], "{shown:?}");
}

#[test]
fn success_clears_the_line() {
    for mode in [VerifyMode::None, VerifyMode::B2b] {
        let world = pending();
        world.control(Control::VerifyMode { mode });
        let script = r#"
            spawn -noecho $exe connect github
            set link [link]
            see "link good for"
            exec curl -sSL --cacert $ca $link
            ended
        "#;
        let shown = on_terminal(&world, &[], script).ok();
        assert!(shown.stdout.ends_with(&format!("{CLEAR}github is connected (identifier ada)\r\n")), "{shown:?}");
    }
}

#[test]
fn the_browser_named_in_the_environment_brings_it_to_its_end() {
    let world = pending();
    world.control(Control::VerifyMode { mode: VerifyMode::B2b });
    let ca = world.sandbox.ca_pem().display();
    let shown = opens(&world, &[("BROWSER", &format!("curl -sSL -o page --cacert {ca}"))], "").ok();
    assert!(shown.stdout.ends_with(&format!("{CLEAR}github is connected (identifier ada)\r\n")), "{shown:?}");
    assert!(fs::read_to_string(world.path("page")).unwrap().contains("<h1>Connected</h1>"));
}

#[test]
fn the_browser_gets_the_link_as_its_only_argument_unless_told_otherwise() {
    for (entries, words) in [
        ("see", vec!["LINK"]),
        ("see %s", vec!["LINK"]),
        ("see -new-tab %s -x", vec!["-new-tab", "LINK", "-x"]),
        ("see --open=%s", vec!["--open=LINK"]),
        ("see -q", vec!["-q", "LINK"]),
        ("fails:see", vec!["LINK"]),
        (":no-such-program %s:fails:see:other", vec!["LINK"]),
    ] {
        let world = pending();
        browser(&world, "see", "");
        browser(&world, "fails", "exit 3");
        browser(&world, "other", "");
        let shown = opens(&world, &[("BROWSER", entries)], "--timeout 1").exit(5);
        let link = link_in(&shown);
        let expected: Vec<String> = words.iter().map(|word| word.replace("LINK", &link)).collect();
        assert_eq!(arguments(&world, "see"), expected, "{entries}");
        assert_eq!(world.path("fails.args").exists(), entries.contains("fails"), "{entries}");
        assert!(!world.path("other.args").exists(), "one browser is enough: {entries}");
        assert!(!shown.stdout.contains("no browser"), "{shown:?}");
    }
}

#[test]
fn the_browser_sees_no_secret() {
    let world = pending();
    browser(&world, "see", "");
    let sandbox = &world.sandbox;
    let variables = [
        ("BROWSER", "see"),
        ("TOOL_ENV_URL", sandbox.url()),
        ("TOOL_CLIENT_ID", sandbox.client_id()),
        ("TOOL_CLIENT_SECRET", sandbox.client_secret()),
        ("SCALEKIT_ACCESS_TOKEN", "acc3ss"),
    ];
    opens(&world, &variables, "--timeout 1").exit(5);
    let environment = fs::read_to_string(world.path("see.env")).unwrap();
    for part in ["CLIENT_SECRET", "ACCESS_TOKEN", sandbox.client_secret(), "acc3ss"] {
        assert!(!environment.contains(part), "{part}: {environment}");
    }
    assert!(environment.contains("HOME=") && environment.contains("SCALEKIT_CLIENT_ID="), "{environment}");
}

#[test]
fn ctrl_c_is_not_meant_for_the_browser() {
    let world = pending();
    let goes_on = "trap 'touch ctrl-c' INT HUP; trap 'touch ended; exit' TERM; while :; do sleep 0.1; done";
    browser(&world, "see", goes_on);
    // It ends before expect does: it holds expect's own output.
    let script = r#"
        spawn -noecho $exe connect github
        see "link good for"
        set browser [string trim [content_of see.pid]]
        send "\003"
        expect eof
        after 300
        exec kill $browser
        content_of ended
        exit [lindex [wait] 3]
    "#;
    on_terminal(&world, &[("BROWSER", "see")], script).exit(130);
    assert!(!world.path("ctrl-c").exists());
}

#[test]
fn no_browser_starts_where_it_is_not_wanted() {
    for (variable, option) in [(("CI", "1"), ""), (("SCALEKIT_AUTH_NO_BROWSER", "1"), ""), (("CI", ""), "--no-browser")]
    {
        let world = pending();
        browser(&world, "see", "");
        let shown = opens(&world, &[("BROWSER", "see"), variable], &format!("--timeout 1 {option}")).exit(5);
        assert!(link_in(&shown).contains("/magicLink/") && !drawn(&shown).is_empty(), "{shown:?}");
        assert!(!world.path("see.args").exists(), "{variable:?} {option}");
    }
}

#[test]
fn a_browser_that_does_not_start_leaves_the_link_to_the_person() {
    let world = pending();
    // Everything that opens pages on this machine is out of reach.
    let variables = [("BROWSER", "no-such-program")];
    let script = "set env(PATH) $env(HOME)/bin; spawn -noecho $exe connect github --timeout 1; ended";
    let shown = on_terminal(&world, &variables, script).exit(5);
    assert!(shown.stdout.contains("no browser could be opened; open the link yourself"), "{shown:?}");
    link_in(&shown);
}

#[test]
fn disconnect_asks_and_takes_no_for_an_answer() {
    for (answer, is_removed) in [("n", false), ("", false), ("\\004", false), ("y", true), ("YES", true)] {
        let world = World::new();
        world.seed("github-x", "GITHUB", "token-1");
        world.ok(&["config", "github", "github-x", "--identifier", "ada"]);
        let script = format!(
            r#"
            spawn -noecho $exe disconnect github
            see "Remove the account ada of the connection github-x with its tokens? \[y/N\] "
            send "{answer}\r"
            ended
            "#
        );
        let shown = on_terminal(&world, &[], &script).exit(if is_removed { 0 } else { 1 });
        assert_eq!(shown.stdout.contains("nothing was removed"), !is_removed, "{answer}: {shown:?}");
        world.run(&["token", "github"]).exit(if is_removed { 5 } else { 0 });
    }
}
