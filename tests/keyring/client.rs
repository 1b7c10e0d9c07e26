//! API clients of an organization: what is checked before a call, where the secret goes, and what is told of a client.

use crate::common;
use crate::common::expect::on_terminal;
use common::keyring::{Desk, until};
use common::organization::{self, CREATE, DELETE, GET, ORG, assert_no_leak, create, object};
use common::{Finished, World};
use scalekit_sandbox::{Control, When};
use serde_json::{Value, json};

const LIST: &str = "GET /api/v1/organizations/{organization_id}/clients";
const UPDATE: &str = "PATCH /api/v1/organizations/{organization_id}/clients/{client_id}";

const MINIMUM: [&str; 6] = ["client", "create", "--org", ORG, "--name", "CI"];

fn fail(world: &World, route: &str, status: u16) {
    world.fail_next(route, 1, status, Some("PERMISSION_DENIED"));
}

/// `client create` with `more`, into a file of this name.
fn create_in_file(desk: &Desk, file: &str, more: &[&str]) -> Finished {
    let home = format!("file:{}", desk.world.path(file).display());
    desk.run(&[&MINIMUM, more, &["--home", &home]].concat())
}

#[test]
fn a_client_that_is_created_as_a_service_gets_tokens_at_once_and_its_secret_is_shown_nowhere() {
    let desk = organization::desk();
    let more =
        ["--description", "Deploys", "--scope", "deploy:apps", "--scope", "read:logs", "--audience", "api.example.com"];
    let rest = ["--claim", "team=ops", "--expiry", "1800", "--service", "api", "--host", "api.example.com", "--json"];
    let created = desk.run(&[&MINIMUM[..], &more, &rest].concat()).ok();
    let mut told = object(&created);
    let client_id = told["client_id"].take();
    let client_id = client_id.as_str().unwrap();
    let secrets = told["secrets"].take();
    assert_eq!((secrets.as_array().unwrap().len(), &secrets[0]["status"]), (1, &"ACTIVE".into()));
    let expected = json!({
        "version": 1, "status": "ok", "client_id": null, "organization": ORG, "name": "CI", "description": "Deploys",
        "scopes": ["deploy:apps", "read:logs"], "audience": ["api.example.com"], "claims": {"team": "ops"},
        "expiry": 1800, "secrets": null, "service": "api", "stored": "in the keyring",
    });
    assert_eq!(told, expected);
    assert_eq!(created.stderr, "");
    let item = &desk.items(&format!("client/{client_id}"))[0];
    assert!(desk.world.sandbox.plain_secrets().contains(&item["client_secret"].as_str().unwrap().to_owned()));
    let token = object(&desk.run(&["token", "https://api.example.com/v1", "--json"]).ok());
    assert_eq!((&token["service"], &token["connection"]), (&"api".into(), &client_id.into()));
    let shown = desk.run(&["client", "get", "api"]).ok();
    for part in [client_id, "deploy:apps read:logs", "1800 s", "team=ops", "api.example.com", ORG] {
        assert!(shown.stdout.contains(part), "{part}: {shown:?}");
    }
    assert_no_leak(&desk, &[&created, &shown], None);
}

#[test]
fn a_file_that_holds_the_secret_is_new_and_nobody_elses() {
    use std::os::unix::fs::PermissionsExt;
    let desk = organization::desk();
    let created = create_in_file(&desk, "api.json", &["--service", "api", "--host", "api.example.com"]).ok();
    let file = desk.world.path("api.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    assert!(created.stdout.contains("in the file "), "{created:?}");
    assert!(!desk.world.path("api.json.next").exists());
    desk.run(&["token", "api"]).ok();
    assert_no_leak(&desk, &[&created], Some(&file));
}

#[test]
fn what_the_api_would_not_take_is_refused_before_any_request() {
    let desk = organization::desk();
    let long = |count| "x".repeat(count);
    let (name, description, claim) = (long(129), long(513), format!("{}=1", long(129)));
    let of = |more: &[&str]| desk.run(&[&MINIMUM[..], more].concat());
    for (more, why) in [
        (vec!["--description", &description], "512 are allowed"),
        (vec!["--description", ""], "it is empty"),
        (vec!["--claim", &claim], "128 are allowed"),
        (vec!["--claim", "team"], "--claim KEY=VALUE"),
        (vec!["--claim", "team=a", "--claim", "team=b"], "stands twice"),
        (vec!["--expiry", "0"], "number of seconds from 1 up"),
        (vec!["--scope", "a:b c:d"], "cannot be a scope"),
        (vec!["--host", "api.example.com"], "--service"),
        (vec!["--service", "API"], "cannot be a service"),
        (vec!["--service", "api", "--host", "*.zendesk.com"], "host pattern"),
        (vec!["--hand-over", "--json"], "leave one of them out"),
        (vec!["--hand-over", "--service", "api"], "cannot be used with"),
        (vec!["--home", "command"], "a command takes no secret"),
    ] {
        let refused = of(&more);
        assert!(refused.code == Some(2) && refused.stderr.contains(why), "{more:?}: {refused:?}");
    }
    let own = desk.world.sandbox.url().trim_start_matches("https://").to_owned();
    assert!(of(&["--service", "api", "--host", &own]).exit(2).stderr.contains("environment's own host"));
    for (org, name) in [("1", "CI"), ("org_", "CI"), ("org_1/x", "CI"), (ORG, &name), (ORG, "")] {
        desk.run(&["client", "create", "--org", org, "--name", name]).exit(2);
    }
    let json = desk.run(&["client", "list", "--org", "x", "--json"]).exit(2);
    assert_eq!((&object(&json)["status"], &object(&json)["code"]), (&"error".into(), &"usage".into()));
    assert_eq!(desk.world.sandbox.counts().tcp_connections, 0);
}

#[test]
fn a_home_that_cannot_be_used_is_found_out_before_any_request() {
    let desk = organization::desk();
    std::fs::write(desk.world.path("there.json"), "mine\n").unwrap();
    let refused = create_in_file(&desk, "there.json", &[]).exit(2);
    assert!(refused.stderr.contains("is not overwritten"), "{refused:?}");
    assert_eq!(std::fs::read_to_string(desk.world.path("there.json")).unwrap(), "mine\n");
    create_in_file(&desk, "no-such-directory/api.json", &[]).exit(4);
    desk.run(&[&MINIMUM[..], &["--service", "api"]].concat()).ok();
    let again = desk.run(&[&MINIMUM[..], &["--service", "api"]].concat()).exit(2);
    assert!(again.stderr.contains("there is a service api already"), "{again:?}");
    desk.keyring.lock(&desk.world);
    assert!(desk.run(&MINIMUM).exit(4).stderr.contains("locked"));
    assert_eq!(desk.world.count(CREATE), 1);
}

#[test]
fn a_scope_of_another_form_is_taken_with_a_warning() {
    let desk = organization::desk();
    let created = create_in_file(&desk, "api.json", &["--scope", "deploy", "--scope", "a:b"]).ok();
    assert!(created.stderr.contains("the scope deploy is not of the form resource:action"), "{created:?}");
    assert_eq!(created.stderr.lines().count(), 1);
}

#[test]
fn a_secret_that_is_handed_over_is_alone_on_stdout_and_stored_nowhere() {
    let desk = organization::desk();
    let created = desk.run(&[&MINIMUM[..], &["--hand-over"]].concat()).ok();
    let secrets = desk.world.sandbox.plain_secrets();
    assert_eq!(created.stdout, format!("{}\n", secrets[0]));
    assert!(created.stderr.contains("m2morg_") && !created.stderr.contains(&secrets[0]), "{created:?}");
    assert_no_leak(&desk, &[], None);
}

#[test]
fn a_client_whose_secret_cannot_be_stored_is_deleted_again_or_its_secret_is_handed_over() {
    for (delete_fails, json) in [(false, false), (true, false), (true, true)] {
        let desk = organization::desk();
        let directory = desk.world.path("home");
        std::fs::create_dir(&directory).unwrap();
        let delay = Control::Delay { route: Some(CREATE.into()), times: 1, millis: 1000 };
        desk.world.control(delay);
        if delete_fails {
            fail(&desk.world, DELETE, 500);
        }
        let more: &[&str] = if json { &["--json"] } else { &[] };
        let failed = std::thread::scope(|scope| {
            let failed = scope.spawn(|| create_in_file(&desk, "home/api.json", more));
            until("the client is being created", || desk.world.count(CREATE) == 1);
            std::fs::remove_dir(&directory).unwrap();
            failed.join().unwrap().exit(4)
        });
        let secret = desk.world.sandbox.plain_secrets()[0].clone();
        let left = object(&desk.run(&["client", "list", "--org", ORG, "--json"]).ok());
        assert_eq!(left["clients"].as_array().unwrap().len(), usize::from(delete_fails));
        assert!(!failed.stderr.contains(&secret), "{failed:?}");
        match (delete_fails, json) {
            (false, _) => assert!(failed.stdout.is_empty() && failed.stderr.contains("deleted again"), "{failed:?}"),
            (true, false) => {
                assert_eq!(failed.stdout, format!("{secret}\n"));
                assert!(failed.stderr.contains("its secret is stored nowhere: it is on stdout"), "{failed:?}");
            }
            (true, true) => {
                let told = object(&failed);
                assert_eq!((&told["status"], &told["client_secret"]), (&"error".into(), &secret.as_str().into()));
                assert_eq!(told["client_id"], left["clients"][0]["client_id"]);
            }
        }
    }
}

#[test]
fn a_create_whose_reply_is_lost_is_not_repeated_and_says_where_to_look() {
    let desk = organization::desk();
    desk.world.control(Control::Drop { route: Some(CREATE.into()), times: 1, when: When::BeforeReply });
    let lost = desk.run(&MINIMUM).exit(7);
    assert!(lost.stderr.contains("not known whether") && lost.stderr.contains("client list --org org_1"), "{lost:?}");
    assert_eq!((desk.world.count(CREATE), desk.items("client/new").len()), (1, 0));
}

#[test]
fn all_pages_of_a_list_are_shown() {
    let desk = organization::desk();
    let api = create(&desk, &[]);
    for _ in 0..30 {
        desk.run(&[&MINIMUM[..], &["--hand-over"]].concat()).ok();
    }
    let told = object(&desk.run(&["client", "list", "--org", ORG, "--json"]).ok());
    assert_eq!((told["clients"].as_array().unwrap().len(), desk.world.count(LIST)), (31, 2));
    let shown = desk.run(&["client", "list", "--org", ORG]).ok().stdout;
    let row = shown.lines().find(|line| line.starts_with(&api)).unwrap();
    assert!(shown.lines().count() == 32 && row.ends_with("api"), "{shown}");
}

#[test]
fn an_update_changes_what_is_given_and_nothing_else() {
    let desk = organization::desk();
    let client = create(&desk, &["--scope", "a:b", "--claim", "team=ops", "--expiry", "60"]);
    let change = ["client", "update", &client, "--name", "CD", "--scope", "c:d", "--json"];
    let told = object(&desk.run(&change).ok());
    assert_eq!((&told["name"], &told["scopes"], &told["expiry"]), (&"CD".into(), &json!(["c:d"]), &60.into()));
    assert_eq!((&told["claims"], told["secrets"].as_array().unwrap().len()), (&json!({"team": "ops"}), 1));
    for nothing in [vec![], vec!["--description", ""], vec!["--expiry", "0"], vec!["--scope", ""]] {
        desk.run(&[&["client", "update", "api"][..], &nothing].concat()).exit(2);
    }
    assert_eq!(desk.world.count(UPDATE), 1);
}

#[test]
fn secrets_are_listed_without_themselves() {
    let desk = organization::desk();
    create(&desk, &[]);
    desk.run(&["token", "api"]).ok();
    let told = desk.run(&["client", "secrets", "api", "--json"]).ok();
    let secret = &object(&told)["secrets"][0];
    let plain = &desk.world.sandbox.plain_secrets()[0];
    assert!(plain.ends_with(secret["suffix"].as_str().unwrap()) && secret["created_at"].is_string(), "{secret}");
    let shown = desk.run(&["client", "secrets", "api"]).ok();
    assert!(shown.stdout.contains("ACTIVE") && shown.stdout.contains("ENDS WITH"), "{shown:?}");
    assert_no_leak(&desk, &[&told, &shown], None);
}

#[test]
fn a_client_is_deleted_with_its_stored_secret_once_that_is_confirmed() {
    for home in [None, Some("api.json")] {
        let desk = organization::desk();
        let file = home.map(|name| desk.world.path(name));
        let option = file.iter().map(|file| format!("--home=file:{}", file.display())).collect::<Vec<_>>();
        let client = create(&desk, &option.iter().map(String::as_str).collect::<Vec<_>>());
        desk.run(&["client", "delete", "api"]).exit(2);
        assert_eq!(desk.world.count(DELETE), 0);
        let done = desk.run(&["client", "delete", "api", "--yes"]).ok();
        assert!(done.stdout.contains("`scalekit-auth remove api`"), "{done:?}");
        assert_eq!(desk.items(&format!("client/{client}")), Vec::<Value>::new());
        assert!(!file.is_some_and(|file| file.exists()));
        let gone = desk.run(&["client", "get", "api"]).exit(6);
        assert!(
            gone.stderr.contains("there is no API client") && gone.stderr.contains("client list --org"),
            "{gone:?}"
        );
    }
}

#[test]
fn each_refusal_says_what_to_do() {
    let desk = organization::desk();
    let unknown = desk.run(&["client", "list", "--org", "org_2"]).exit(6);
    assert!(unknown.stderr.contains("no organization org_2"), "{unknown:?}");
    let unknown = desk.run(&["client", "get", "m2morg_1", "--org", ORG]).exit(6);
    assert!(unknown.stderr.contains("no API client m2morg_1 in org_1"), "{unknown:?}");
    let nowhere = desk.run(&["client", "get", "m2morg_1"]).exit(2);
    assert!(nowhere.stderr.contains("--org org_123"), "{nowhere:?}");
    fail(&desk.world, CREATE, 403);
    let refused = desk.run(&MINIMUM).exit(6);
    assert!(refused.stderr.contains("api_credentials:write"), "{refused:?}");
    fail(&desk.world, CREATE, 400);
    assert!(desk.run(&MINIMUM).exit(6).stderr.contains("refused what it was given"));
    fail(&desk.world, GET, 403);
    let refused = desk.run(&["client", "get", "m2morg_1", "--org", ORG, "--json"]).exit(6);
    assert_eq!(object(&refused)["code"], "vault_refused");
    desk.run(&["config", "github", "github-x"]).ok();
    assert!(desk.run(&["client", "get", "github"]).exit(2).stderr.contains("is a connection"));
    let elsewhere = desk.run(&["client", "list", "--org", ORG, "--environment", "dev"]).exit(3);
    assert!(elsewhere.stderr.contains("--environment dev"), "{elsewhere:?}");
}

#[test]
fn a_service_is_asked_about_in_the_environment_it_belongs_to() {
    let desk = organization::desk();
    create(&desk, &[]);
    let other = World::new();
    let mut command = desk.command(common::EXE);
    command.args(["client", "get", "api"]).env("SCALEKIT_ENV_URL", other.sandbox.url());
    let refused = common::finish(&mut command, "").exit(3);
    assert!(refused.stderr.contains("not logged in to"), "{refused:?}");
    assert_eq!((desk.world.count(GET), other.count("POST /oauth/token")), (0, 0));
    desk.login(&["--environment", "dev"], desk.world.sandbox.client_secret()).ok();
    desk.run(&["client", "get", "api", "--environment", "dev"]).ok();
    let mut command = desk.command(common::EXE);
    command.args(["client", "get", "api"]).env("SCALEKIT_ENV_URL", other.sandbox.url());
    common::finish(&mut command, "").ok();
}

#[test]
fn on_a_terminal_a_deletion_is_asked_about_and_a_secret_on_the_screen_is_warned_of() {
    let desk = organization::desk();
    let client = create(&desk, &[&format!("--home=file:{}", desk.world.path("api.json").display())]);
    let ask = |answer: &str| {
        let script = format!("spawn -noecho $exe client delete api; see {{[y/N] }}; send \"{answer}\\r\"; ended");
        on_terminal(&desk.world, &[], &script)
    };
    let kept = ask("n").exit(1);
    assert!(
        kept.stdout.contains(&format!("{client} (CI) of {ORG}")) && kept.stdout.contains("nothing was deleted"),
        "{kept:?}"
    );
    assert_eq!(desk.world.count(DELETE), 0);
    ask("y").exit(0);
    assert_eq!(desk.world.count(DELETE), 1);

    let shown =
        on_terminal(&desk.world, &[], "spawn -noecho $exe client create --org org_1 --name CI --hand-over; ended");
    assert!(shown.exit(0).stdout.contains("the secret will be on the screen"));
}
