//! What each protocol says in its own words: an answer, a host of nobody's, an account that waits for consent, hostile hosts.

use std::os::unix::fs::symlink;

use crate::common::{EXE, Finished, World, finish};
use crate::world;
use serde_json::json;

const HOST: &str = "pkg.example.com";

/// How a tool asks about a host, and what it gets for our own, for another one, and where a person must act: text, status.
struct Case {
    name: &'static str,
    ask: fn(&World, &str) -> Finished,
    ours: &'static str,
    others: (&'static str, i32),
    waits: i32,
}

fn named(world: &World, name: &str, words: &[&str]) -> Finished {
    let link = world.path("bin").join(name);
    if !link.exists() {
        symlink(EXE, &link).unwrap();
    }
    // A keyring of this machine's own is asked in a test of its own.
    finish(world.command(&link).args(words).env("SCALEKIT_AUTH_KEYRING", "1"), "")
}

fn cargo(world: &World, host: &str) -> Finished {
    let registry = json!({"index-url": format!("sparse+https://{host}/index/"), "name": "mine", "headers": []});
    let request = json!({"v": 1, "registry": registry, "kind": "get", "operation": "read", "args": []});
    finish(world.command("cargo-credential-scalekit").arg("--cargo-plugin"), &format!("{request}\n"))
}

fn kubernetes(world: &World, host: &str) -> Finished {
    let info = json!({"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1beta1",
        "spec": {"cluster": {"server": format!("https://{host}")}, "interactive": false}});
    finish(world.command(EXE).arg("kubernetes").env("KUBERNETES_EXEC_INFO", info.to_string()), "")
}

const CASES: &[Case] = &[
    Case {
        name: "keyring get",
        ask: |world, host| named(world, "keyring", &["get", &format!("https://{host}/simple/"), "ada"]),
        ours: "tok-1\n",
        others: ("", 1),
        waits: 1,
    },
    Case {
        name: "keyring creds",
        ask: |world, host| named(world, "keyring", &["get", &format!("https://{host}/simple/"), "--mode", "creds"]),
        ours: "oauth2\ntok-1\n",
        others: ("", 1),
        waits: 1,
    },
    Case {
        name: "keyring json",
        ask: |world, host| {
            named(world, "keyring", &["--mode=creds", "--output=json", "get", &format!("https://{host}/simple/")])
        },
        ours: "{\"username\":\"oauth2\",\"password\":\"tok-1\"}\n",
        others: ("", 1),
        waits: 1,
    },
    Case {
        name: "pnpm",
        ask: |world, host| named(world, &format!("scalekit-token@{host}"), &[]),
        ours: "Bearer tok-1\n",
        others: ("", 1),
        waits: 1,
    },
    Case {
        name: "terraform",
        ask: |world, host| named(world, "terraform-credentials-scalekit", &["--own", "get", host]),
        ours: "{\"token\":\"tok-1\"}\n",
        others: ("{}\n", 0),
        waits: 1,
    },
    Case {
        name: "goauth",
        ask: |world, host| {
            finish(world.command(EXE).args(["goauth", &format!("https://{host}/m?go-get=1")]), "HTTP/1.1 401\n\n")
        },
        ours: "https://pkg.example.com\n\nAuthorization: Bearer tok-1\n\n",
        others: ("", 0),
        waits: 1,
    },
    Case {
        name: "askpass",
        ask: |world, host| named(world, "scalekit-askpass", &[&format!("Password for 'https://oauth2@{host}': ")]),
        ours: "tok-1\n",
        others: ("", 1),
        waits: 1,
    },
    Case {
        name: "askpass user",
        ask: |world, host| named(world, "scalekit-askpass", &[&format!("Username for 'https://{host}': ")]),
        ours: "oauth2\n",
        others: ("", 1),
        waits: 1,
    },
    Case {
        name: "cargo",
        ask: cargo,
        ours: "{\"v\":[1]}\n{\"Ok\":{\"kind\":\"get\",\"token\":\"Bearer tok-1\",\"cache\":\"expires\",\"operation_independent\":true,\"expiration\":",
        others: ("{\"v\":[1]}\n{\"Err\":{\"kind\":\"url-not-supported\"}}\n", 0),
        waits: 0,
    },
    Case {
        name: "kubernetes",
        ask: kubernetes,
        ours: "{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"tok-1\",\"expirationTimestamp\":",
        others: ("", 1),
        waits: 1,
    },
];

#[test]
fn each_tool_gets_the_token_of_its_own_host_and_nothing_for_another() {
    for case in CASES {
        let world = world(HOST);
        let got = (case.ask)(&world, HOST).ok();
        let is_whole = !case.ours.ends_with(':');
        assert!(
            if is_whole { got.stdout == case.ours } else { got.stdout.starts_with(case.ours) },
            "{}: {got:?}",
            case.name
        );
        let before = world.sandbox.requests().len();
        for host in ["other.example.com", "pkg.example.com.evil.net", "evilpkg.example.com", "pkg.example.com:8443"] {
            let got = (case.ask)(&world, host);
            assert_eq!(
                (got.stdout.as_str(), got.code),
                (case.others.0, Some(case.others.1)),
                "{} {host}: {got:?}",
                case.name
            );
        }
        assert_eq!(world.sandbox.requests().len(), before, "{} asks nobody about it", case.name);
    }
}

#[test]
fn who_must_consent_is_said_where_the_tool_shows_it() {
    for case in CASES {
        let world = world(HOST);
        world.order(json!({"op": "set_status", "connection": "mine-x", "identifier": "ada", "status": "PENDING_AUTH"}));
        let got = (case.ask)(&world, HOST);
        assert_eq!(got.code, Some(case.waits), "{}: {got:?}", case.name);
        assert!(got.stderr.contains("/magicLink/"), "{}: {got:?}", case.name);
        match case.name {
            "cargo" => {
                assert!(got.stdout.contains("\"kind\":\"other\"") && got.stdout.contains("/magicLink/"), "{got:?}")
            }
            name => assert_eq!(got.stdout, "", "{name}"),
        }
    }
}

#[test]
fn the_cache_serves_each_protocol() {
    for case in CASES {
        let mut world = world(HOST);
        world.has_cache = true;
        let status: serde_json::Value = serde_json::from_str(&world.ok(&["cache", "status", "--json"]).stdout).unwrap();
        for _ in 0..3 {
            (case.ask)(&world, HOST).ok();
        }
        let wanted = if status["available"] == true { 1 } else { 3 };
        assert_eq!(world.count("GET /api/v1/connected_accounts/auth"), wanted, "{}", case.name);
    }
}

#[test]
fn what_is_not_a_question_is_answered_as_the_protocol_has_it() {
    let world = world(HOST);
    assert_eq!(named(&world, "terraform-credentials-scalekit", &["store", HOST]).exit(1).stdout, "");
    assert_eq!(named(&world, "terraform-credentials-scalekit", &["forget", HOST]).ok().stdout, "");
    assert_eq!(finish(world.command(EXE).arg("goauth"), "").ok().stdout, "", "Go's first call says nothing yet");
    assert!(finish(world.command(EXE).arg("kubernetes"), "").exit(1).stderr.contains("provideClusterInfo"));
    let cargo =
        |input: &str| finish(world.command("cargo-credential-scalekit").arg("--cargo-plugin"), input).ok().stdout;
    assert_eq!(cargo(""), "{\"v\":[1]}\n");
    let logout = json!({"v": 1, "registry": {"index-url": format!("sparse+https://{HOST}/")}, "kind": "logout"});
    assert!(cargo(&format!("{logout}\n")).contains("operation-not-supported"));
    assert!(cargo("{}\n").contains("\"kind\":\"other\""));
    for words in [&["set", "https://pkg.example.com", "ada"][..], &["get"], &["--version"]] {
        assert_eq!(named(&world, "keyring", words).exit(1).stdout, "");
    }
}

#[test]
fn another_keyring_is_asked_about_what_is_not_ours() {
    let world = world(HOST);
    let other = world.path("other/keyring");
    crate::common::setup::write(&other, "#!/bin/sh\necho \"the other one: $*\"\nexit 7\n");
    std::fs::set_permissions(&other, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let ask = |words: &[&str]| {
        symlink(EXE, world.path("bin/keyring")).ok();
        let mut command = world.command(world.path("bin/keyring"));
        let path = format!("{}:{}:/usr/bin:/bin", world.path("bin").display(), world.path("other").display());
        finish(command.args(words).env("PATH", path), "")
    };
    assert_eq!(ask(&["get", "https://pkg.example.com/simple/", "ada"]).ok().stdout, "tok-1\n");
    assert_eq!(ask(&["get", "system", "ada"]).exit(7).stdout, "the other one: get system ada\n");
    assert_eq!(ask(&["set", "system", "ada"]).exit(7).stdout, "the other one: set system ada\n");
    // Two copies of ours do not call each other for ever.
    std::fs::copy(EXE, &other).unwrap();
    assert_eq!(ask(&["get", "system", "ada"]).exit(1).stdout, "");
}

#[test]
fn user_names_are_those_of_the_host() {
    let world = World::new();
    world.seed("google-x", "BIGQUERY", "ya29");
    world.ok(&[
        "config",
        "packages",
        "google-x",
        "--provider",
        "bigquery",
        "--identifier",
        "ada",
        "--host",
        "europe-python.pkg.dev",
    ]);
    let got = named(&world, "keyring", &["get", "https://europe-python.pkg.dev/p/r/simple/", "--mode", "creds"]).ok();
    assert_eq!(got.stdout, "oauth2accesstoken\nya29\n");
}

#[test]
fn what_carries_another_header_is_said_to_do_so() {
    let world = World::new();
    world.control(scalekit_sandbox::Control::connection("brave-x", "BRAVE"));
    let details = json!({"api_key": "K"}).as_object().unwrap().clone();
    world.seed_account("brave-x", scalekit_sandbox::Credential::StaticAuth { details }, None);
    world.ok(&["config", "brave", "brave-x", "--identifier", "ada"]);
    let got = named(&world, "scalekit-token@api.search.brave.com", &[]).exit(1);
    assert!(got.stderr.contains("X-Subscription-Token") && got.stdout.is_empty(), "{got:?}");
    world.run(&["header", "brave", "--value"]).exit(6);
}

#[test]
fn header_prints_the_value_alone_and_exec_tells_for_how_long() {
    let world = world(HOST);
    assert_eq!(world.ok(&["header", "mine", "--value"]).stdout, "Bearer tok-1\n");
    let got = world.ok(&["exec", "--with", "mine=TOK", "--expires-in", "LEFT", "--", "sh", "-c", "echo $TOK $LEFT"]);
    let (token, left) = got.stdout.trim().split_once(' ').unwrap();
    assert!(token == "tok-1" && (3000..=3600).contains(&left.parse::<u32>().unwrap()), "{got:?}");
    world.run(&["exec", "--with", "mine=TOK", "--expires-in", "TOK", "--", "true"]).exit(2);
    world.run(&["exec", "--with", "mine=TOK", "--expires-in", "PATH", "--", "true"]).exit(2);
}

#[test]
fn in_its_last_minute_a_token_is_not_said_to_last() {
    let world = world(HOST);
    world.seed_account("mine-x", crate::common::oauth("tok-1"), Some(45));
    let got = world.ok(&["exec", "--with", "mine=TOK", "--expires-in", "LEFT", "--", "printenv", "LEFT"]);
    assert!(got.stdout.trim().parse::<u32>().unwrap() <= 45, "{got:?}");
    assert!(cargo(&world, HOST).ok().stdout.contains("\"cache\":\"expires\""));
    assert!(kubernetes(&world, HOST).ok().stdout.contains("expirationTimestamp"));
}
