//! What is said about texts that people, files and servers gave: never their secrets, wherever they stand.

use crate::common::{Finished, World, finish};
use scalekit_sandbox::Control;
use serde_json::json;

fn world() -> World {
    let world = World::new();
    world.seed("github-x", "GITHUB", "gho_abc");
    world.ok(&["config", "github", "github-x", "--identifier", "ada"]);
    world
}

#[track_caller]
fn hides(got: Finished, words: &[&str]) {
    let all = format!("{}{}", got.stdout, got.stderr);
    assert!(!all.contains("HUNTER"), "{all}");
    for word in words {
        assert!(all.contains(word), "{word}: {all}");
    }
}

#[test]
fn of_a_url_neither_user_name_nor_query_nor_fragment_is_shown() {
    let world = world();
    for url in [
        "https://ann:HUNTER@unknown.example/a?x=HUNTER#HUNTER",
        "https://unknown.example/a b?x=HUNTER",
        "http://unknown.example/a?x=HUNTER#HUNTER",
        "ftp://unknown.example/a?HUNTER",
        "https://u:SEC/RET@unknown.example?HUNTER",
        "unknown.example/a b?HUNTER",
    ] {
        for args in [
            &["doctor"][..],
            &["doctor", "--json"],
            &["token"],
            &["token", "--json"],
            &["which"],
            &["header"],
            &["curl"],
            &["mcp"],
            &["mcp-headers"],
            &["setup", "git"],
            &["login", "--client-id", "skc_1", "--env-url"],
            &["config", "x", "x-1", "--host"],
            &["verify", "--issuer"],
        ] {
            hides(finish(world.command("scalekit-auth").args(args).arg(url), ""), &[]);
        }
    }
    hides(world.run(&["token", "https://h.com/a b?x=HUNTER"]), &["\"https://h.com/a b?[...]\" is neither"]);
    // git leaves the query in the path.
    hides(world.helper("get", "protocol=https\nhost=gist.github.example\npath=a?k=HUNTER\n\n"), &[]);
}

#[test]
fn a_url_in_a_file_or_variable_is_shown_as_little() {
    let mut world = world();
    for (url, shown) in [
        ("HUNTER", "\"[...]\" is not a URL"),
        ("https://u:x@host.example?k=HUNTER", "\"https://[...]@host.example?[...]\""),
        ("https://host.example#HUNTER", "\"https://host.example#[...]\""),
    ] {
        let mut command = world.command("scalekit-auth");
        hides(finish(command.args(["doctor", "github.com"]).env("SCALEKIT_ENV_URL", url), ""), &[shown]);
    }
    world.credentials_in_variables = false;
    let secret = world.path("secret");
    let content = json!({"environment_url": "HUNTER", "client_id": "skc_1", "client_secret": "x"});
    std::fs::write(&secret, content.to_string()).unwrap();
    crate::common::homes::set_mode(&secret, 0o600);
    let home = format!("file:{}", secret.display());
    hides(world.run(&["login", "--home", &home]).exit(4), &["\"[...]\" is not a URL"]);
    for url in ["https://u:HUNTER@x.scalekit.com", "HUNTER", "https://x.scalekit.com?HUNTER"] {
        let stored =
            json!({"version": 1, "environments": {"default": {"url": url, "client_id": "skc_1", "home": "keyring"}}});
        std::fs::write(world.config_file("config.json"), stored.to_string()).unwrap();
        for args in [&["doctor"][..], &["status"], &["which", "github"], &["logout"], &["token", "github", "--json"]] {
            hides(world.run(args), &["[...]"]);
        }
    }
    std::fs::remove_file(world.config_file("config.json")).unwrap();
    for host in ["https://u:HUNTER@github.com/x?HUNTER", "github.com/a?HUNTER", "ghp_HUNTER@h", "x=HUNTER"] {
        world.write_connections(&json!({"github": {"connection_name": "x", "hosts": [host]}}).to_string());
        for args in [&["doctor"][..], &["list"], &["token", "github"]] {
            hides(world.run(args), &["[...]"]);
        }
    }
    let client = json!({"kind": "api_client", "environment_url": "https://u:HUNTER@h.com", "client_id": "m2morg_1", "home": "keyring"});
    world.write_connections(&json!({"api": client}).to_string());
    hides(world.run(&["which", "api"]).exit(3), &["https://[...]@h.com"]);
}

#[test]
fn a_token_in_the_place_of_a_user_name_is_not_shown() {
    let world = world();
    world.seed_as("bob", "github-x", "GITHUB", "gho_bob");
    for name in ["ada", "bob"] {
        world.ok(&["config", "github", "github-x", "--identifier", name, "--as", name]);
    }
    for user in ["ghp_HUNTER", "github_pat_HUNTER", "glpat-HUNTER", "xoxb-HUNTER", "HUNTER0123456789abcdef"] {
        let url = format!("https://{user}@github.com/a");
        let words = ["no account [...] among", "--identifier IDENTIFIER --as NAME"];
        hides(world.run(&["doctor", &url]), &words);
        hides(world.run(&["which", "--json", &url]).exit(8), &words);
        let asked = format!("protocol=https\nhost=github.com\nusername={user}\n\n");
        hides(world.helper("get", &asked).ok(), &words);
    }
    hides(world.run(&["which", "https://carol@github.com/a"]).exit(8), &["no account carol among", "--as carol"]);
    hides(world.run(&["token", "ghp_HUNTER"]), &[]);
}

#[test]
fn what_a_server_says_is_passed_on_without_tokens() {
    let world = world();
    for (body, shown) in [
        (json!({"code": 13, "message": "cannot refresh gho_HUNTER for ada"}), "cannot refresh [...] for ada"),
        (
            json!({"code": 13, "message": "HUNTER, it was", "details": [{"access_token": "HUNTER"}]}),
            ", [secret], it was",
        ),
        (
            json!({"code": 13, "message": "sent Bearer HUNTER1 to https://u:HUNTER@h.com/a?HUNTER"}),
            "https://[...]@h.com/a",
        ),
    ] {
        for args in [&["token", "github"][..], &["token", "github", "--json"], &["doctor", "github.com"]] {
            world.control(Control::FailNext {
                route: Some("GET /api/v1/connected_accounts/auth".into()),
                times: 1,
                status: 500,
                error_code: None,
                body: Some(body.to_string()),
                retry_after: None,
            });
            hides(world.run(args), &[shown]);
        }
    }
}

#[test]
fn json_moves_no_cursor() {
    let world = world();
    world.ok(&["audit", "on"]);
    let input = "protocol=https\nhost=github.com\npath=a\u{9b}31m\u{202e}\u{7f}b\n\n";
    world.helper("get", input).ok();
    let log = std::fs::read_to_string(world.path(".local/state/scalekit-auth/audit.jsonl")).unwrap();
    let told = world.ok(&["audit", "--json"]).stdout;
    for text in [log, told] {
        assert!(text.contains(r"a\u009b31m\u202e\u007fb") && text.is_ascii(), "{text:?}");
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["target"], "https://github.com/a\u{9b}31m\u{202e}\u{7f}b");
    }
}

#[test]
fn an_object_of_status_holds_nothing_that_reorders_a_line() {
    let world = World::new();
    let document = json!({"version": 1, "environments": {"default": {"url": world.sandbox.url(), "client_id": "skc_1",
        "home": {"file": "/nowhere/a\u{202e}b"}}}});
    std::fs::create_dir_all(world.config_file("config.json").parent().unwrap()).unwrap();
    std::fs::write(world.config_file("config.json"), document.to_string()).unwrap();
    let got = world.run(&["status", "--json"]);
    assert!(got.stdout.contains(r"/nowhere/a\u202eb") && got.stdout.is_ascii(), "{got:?}");
}
