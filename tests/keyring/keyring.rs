//! `login`, `status` and `logout` against a real gnome-keyring, and what the keyring's states do to everything else.

use crate::common;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use common::keyring::{ADDRESS, Bus, Desk, Keyring};
use common::{EXE, Finished, World, finish};
use scalekit_sandbox::{Control, Options, Sandbox};
use serde_json::{Value, json};

/// What one item holds for the environment of `world`, with this client secret.
fn item(world: &World, secret: &str) -> Value {
    let sandbox = &world.sandbox;
    json!({"environment_url": sandbox.url(), "client_id": sandbox.client_id(), "client_secret": secret})
}

#[test]
fn a_login_stores_one_item_that_everything_else_works_with() {
    let desk = Desk::logged_in();
    let secret = desk.world.sandbox.client_secret();
    assert_eq!(desk.items("default"), [item(&desk.world, secret)]);
    let before = desk.world.sandbox.requests().len();
    assert!(desk.run(&["status"]).ok().stdout.contains("the client secret can be read\n"));
    assert_eq!(desk.world.sandbox.requests().len(), before, "status alone asks nobody");
    assert!(desk.run(&["status", "--check"]).ok().stdout.contains("can be read, and the vault accepts it\n"));
    assert_eq!(desk.run(&["token", "github"]).ok().stdout, "token-1\n");
    assert!(desk.get().ok().stdout.contains("password=token-1\n"));
    for file in common::files_below(desk.world.home.path()) {
        let content = fs::read(&file).unwrap();
        assert!(!content.windows(secret.len()).any(|window| window == secret.as_bytes()), "{}", file.display());
    }
}

#[test]
fn a_refused_login_leaves_the_stored_item_and_a_rotated_secret_replaces_it() {
    let desk = Desk::logged_in();
    let old = item(&desk.world, desk.world.sandbox.client_secret());
    desk.login(&[], "wrong").exit(6);
    assert_eq!(desk.items("default"), [old]);
    desk.world.control(Control::RotateClientSecret { secret: "rotated".into() });
    desk.run(&["token", "github"]).exit(6);
    desk.login(&[], "rotated\n").ok();
    assert_eq!(desk.items("default"), [item(&desk.world, "rotated")]);
    assert_eq!(desk.run(&["token", "github"]).ok().stdout, "token-1\n");
}

#[test]
fn environments_are_kept_apart_and_a_logout_takes_one_of_them() {
    let desk = Desk::logged_in();
    let other = Options { client_id: "skc_dev".into(), client_secret: "dev-secret".into(), ..Options::default() };
    let dev = World::with(Sandbox::with(other).unwrap());
    dev.seed("github-x", "GITHUB", "dev-token");
    let run = |args: &[&str], input: &str| {
        finish(desk.command(EXE).env("SSL_CERT_FILE", dev.sandbox.ca_pem()).args(args), input)
    };
    let args = ["--environment", "dev", "--env-url", dev.sandbox.url(), "--client-id", "skc_dev"];
    run(&[&["login", "--client-secret-stdin"][..], &args].concat(), "dev-secret").ok();
    run(&["config", "gitlab", "github-x", "--provider", "github", "--identifier", "ada", "--environment", "dev"], "")
        .ok();
    assert_eq!(run(&["token", "gitlab"], "").ok().stdout, "dev-token\n");
    assert_eq!(desk.run(&["token", "github"]).ok().stdout, "token-1\n");
    assert_eq!((desk.items("default").len(), desk.items("dev")), (1, vec![item(&dev, "dev-secret")]));
    let status = desk.run(&["status"]).ok().stdout;
    assert!(status.contains("default: ") && status.contains("dev: "), "{status}");

    desk.run(&["logout"]).ok();
    assert_eq!((desk.items("default"), desk.items("dev").len()), (vec![], 1));
    for args in [&["logout"][..], &["logout", "--environment", "prod"]] {
        let told = desk.run(args).ok().stderr;
        assert!(told.contains("nothing to remove"), "{told}");
    }
    assert!(desk.run(&["token", "github"]).exit(3).stderr.contains("scalekit-auth login"));
    assert_eq!(run(&["token", "gitlab"], "").ok().stdout, "dev-token\n");
    assert!(desk.run(&["list"]).ok().stdout.contains("github"), "the services stay");
}

#[test]
fn a_dotenv_file_of_every_convention_is_imported_and_cleaned_on_request() {
    let desk = Desk::new();
    let (url, id) = (desk.world.sandbox.url(), desk.world.sandbox.client_id());
    let secret = desk.world.sandbox.client_secret();
    let file = desk.world.path("project.env");
    for (names, clean) in [
        (["SCALEKIT_ENV_URL", "SCALEKIT_CLIENT_ID", "SCALEKIT_CLIENT_SECRET"], false),
        (["SCALEKIT_ENVIRONMENT_URL", "SCALEKIT_CLIENT_ID", "SCALEKIT_CLIENT_SECRET"], true),
        (["TOOL_ENV_URL", "TOOL_CLIENT_ID", "TOOL_CLIENT_SECRET"], true),
    ] {
        let kept = format!("# mine\nOTHER='a b'\nexport {}={url}\n{}=\"{id}\"\n", names[0], names[1]);
        let text = format!("{kept}{}={secret}\nLAST=1\n", names[2]);
        fs::write(&file, &text).unwrap();
        let mut login = desk.command(EXE);
        login.args(["login", "--import", "project.env"]).args(clean.then_some("--delete-source"));
        let said = finish(&mut login, "").ok().stderr;
        assert_eq!(desk.items("default"), [item(&desk.world, secret)], "{names:?}");
        let expected = if clean { format!("{kept}LAST=1\n") } else { text };
        assert_eq!(fs::read_to_string(&file).unwrap(), expected, "{names:?}");
        assert_eq!(said.contains("still holds the client secret"), !clean, "{said}");
        desk.run(&["logout"]).ok();
    }
    fs::write(&file, format!("SCALEKIT_ENV_URL={url}\nSCALEKIT_CLIENT_ID={id}\n")).unwrap();
    desk.run(&["login", "--import", "project.env"]).exit(3);
    let text = format!("TOOL_ENV_URL={url}\nTOOL_CLIENT_ID={id}\nTOOL_CLIENT_SECRET=wrong\n");
    fs::write(&file, &text).unwrap();
    desk.run(&["login", "--import", "project.env", "--delete-source"]).exit(6);
    assert_eq!(fs::read_to_string(&file).unwrap(), text, "what was not stored is not removed");
    assert!(desk.items("default").is_empty());
}

#[test]
fn with_a_broken_configuration_nothing_is_stored() {
    let desk = Desk::new();
    fs::create_dir_all(desk.world.path(".config/scalekit-auth")).unwrap();
    let file = desk.world.config_file("config.json");
    for text in ["{\n  \"version\": 1,\n  oops", "[]", r#"{"version": 7}"#, r#"{"environments": 3}"#] {
        fs::write(&file, text).unwrap();
        let said = desk.login(&[], desk.world.sandbox.client_secret()).exit(3).stderr;
        assert!(said.contains("config.json"), "{said}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
        assert!(desk.items("default").is_empty());
    }
    assert_eq!(desk.world.sandbox.requests(), []);
}

#[test]
fn a_url_changed_by_hand_never_gets_the_secret() {
    let desk = Desk::logged_in();
    let file = desk.world.config_file("config.json");
    let thief = Sandbox::start();
    let text = fs::read_to_string(&file).unwrap();
    for (from, to) in [(desk.world.sandbox.url(), thief.url()), (desk.world.sandbox.client_id(), "skc_other")] {
        fs::write(&file, text.replace(from, to)).unwrap();
        let before = desk.world.sandbox.requests().len();
        for args in [&["token", "github"][..], &["status", "--check"]] {
            let said = desk.run(args).exit(3).stderr;
            assert!(said.contains("is not what was stored"), "{said}");
        }
        assert_eq!(desk.get().ok().stdout, "");
        assert_eq!((thief.requests().len(), desk.world.sandbox.requests().len()), (0, before));
    }
}

#[test]
fn a_part_of_the_variables_beside_a_stored_environment_is_refused_before_any_request() {
    let desk = Desk::logged_in();
    let sandbox = &desk.world.sandbox;
    let set = [
        ("SCALEKIT_ENV_URL", sandbox.url()),
        ("SCALEKIT_CLIENT_ID", sandbox.client_id()),
        ("SCALEKIT_CLIENT_SECRET", sandbox.client_secret()),
    ];
    let before = sandbox.counts();
    for subset in 1..7 {
        let chosen: Vec<_> = (0..3).filter(|bit| subset & (1 << bit) != 0).map(|bit| set[bit]).collect();
        let run = |program: &str, args: &[&str], input: &str| {
            finish(desk.command(program).envs(chosen.iter().copied()).args(args), input)
        };
        for args in [
            &["token", "github"][..],
            &["token", "github", "--json"],
            &["status"],
            &["status", "--check"],
            &["connect", "github"],
        ] {
            let Finished { stderr, .. } = run(EXE, args, "").exit(3);
            assert!(stderr.contains("incomplete") && !stderr.contains(sandbox.client_secret()), "{stderr}");
        }
        let declined = run("git-credential-scalekit", &["get"], "protocol=https\nhost=github.com\n\n").ok();
        assert_eq!((declined.stdout.as_str(), declined.stderr.lines().count()), ("", 1), "{declined:?}");
    }
    assert_eq!(sandbox.counts(), before);
}

/// What every call promises, whatever happens.
const PROMISED: Duration = Duration::from_secs(8);
/// As long as one home may take to answer: who needs less has waited for nothing.
const AT_ONCE: Duration = Duration::from_secs(3);

/// Checks what every command does with `desk`'s keyring while it cannot be read, and that it does so in `time`.
fn unreadable(desk: &Desk, change: impl Fn(&mut Command) + Sync, why: &str, time: Duration) {
    let run = &|program: &str, args: &[&str], input: &str| {
        let mut command = desk.command(program);
        change(&mut command);
        let start = Instant::now();
        let finished = finish(command.args(args), input);
        assert!(start.elapsed() < time, "{args:?} took {:?}", start.elapsed());
        finished
    };
    let sandbox = &desk.world.sandbox;
    let login = ["login", "--env-url", sandbox.url(), "--client-id", sandbox.client_id(), "--client-secret-stdin"];
    std::thread::scope(|scope| {
        for args in [&["status"][..], &["status", "--check"], &["token", "github"], &["logout"], &login] {
            scope.spawn(move || {
                let said = run(EXE, args, sandbox.client_secret()).exit(4).stderr;
                assert!(said.contains(why), "{args:?}: {said}");
                assert!(said.contains("SCALEKIT_ENV_URL, SCALEKIT_CLIENT_ID and SCALEKIT_CLIENT_SECRET"), "{said}");
            });
        }
        scope.spawn(|| {
            let declined = run("git-credential-scalekit", &["get"], "protocol=https\nhost=github.com\n\n").ok();
            assert_eq!((declined.stdout.as_str(), declined.stderr.lines().count()), ("", 1), "{declined:?}");
            assert!(declined.stderr.contains(why), "{declined:?}");
        });
    });
    assert!(desk.run(&["list"]).ok().stdout.contains("github"));
    let config = fs::read_to_string(desk.world.config_file("config.json")).unwrap();
    assert!(config.contains(sandbox.url()), "a failed logout loses nothing: {config}");
}

#[test]
fn a_locked_keyring_is_reported_and_nobody_is_prompted() {
    let desk = Desk::logged_in();
    desk.keyring.lock(&desk.world);
    unreadable(&desk, |_| {}, "the keyring is locked", AT_ONCE);
    assert!(!desk.prompted());
}

#[test]
fn a_prompt_that_waits_for_somebody_holds_nothing_up() {
    let desk = Desk::logged_in();
    desk.keyring.lock(&desk.world);
    let _waiting = desk.prompt_waiting();
    unreadable(&desk, |_| {}, "the keyring is locked", AT_ONCE);
}

#[test]
fn a_frozen_keyring_or_bus_ends_the_call_in_time() {
    let desk = Desk::logged_in();
    desk.keyring.freeze();
    unreadable(&desk, |_| {}, "did not answer", PROMISED);
    desk.keyring.thaw();
    assert_eq!(desk.run(&["token", "github"]).ok().stdout, "token-1\n");
    desk.keyring.bus.freeze();
    unreadable(&desk, |_| {}, "did not answer", PROMISED);
}

#[test]
fn without_a_keyring_or_a_bus_the_choices_are_named() {
    let desk = Desk::logged_in();
    let world = World::new();
    let empty = Bus::start(&world);
    let dead = format!("unix:path={}", world.path("nothing").display());
    for address in [&empty.address, &dead, "nonsense", ""] {
        let change = |command: &mut Command| _ = command.env(ADDRESS, address);
        unreadable(&desk, change, "no keyring can be reached", AT_ONCE);
    }
    unreadable(&desk, |command| _ = command.env_remove(ADDRESS), "no keyring can be reached", AT_ONCE);
}

#[test]
fn a_keyring_that_was_never_set_up_is_reported_as_a_locked_one() {
    let mut world = World::new();
    world.credentials_in_variables = false;
    let desk = Desk { keyring: Keyring::start_bare(&world), world };
    let said = desk.login(&[], desk.world.sandbox.client_secret()).exit(4).stderr;
    assert!(said.contains("gnome-keyring-daemon --unlock"), "{said}");
    assert!(!desk.prompted());
    assert!(!desk.world.config_file("config.json").exists());
}
