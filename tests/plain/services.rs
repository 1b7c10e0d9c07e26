//! Services: how they are configured, kept and listed, and whose account they are about.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;

use crate::common::{EXE, Finished, World, finish};
use serde_json::{Value, json};

const AUTH: &str = "/api/v1/connected_accounts/auth";

/// A world whose `connections.json` is `document`.
fn with(document: Value) -> World {
    let world = World::new();
    world.write_connections(&document.to_string());
    world
}

fn connections(world: &World) -> Value {
    serde_json::from_slice(&fs::read(world.config_file("connections.json")).unwrap()).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn get(world: &World, lines: &str) -> Finished {
    world.helper("get", &format!("{lines}\n\n")).ok()
}

#[test]
fn config_writes_the_skills_format_for_this_user_alone() {
    let world = World::new();
    let got = world.ok(&["config", "gmail", "gmail_u3134a", "--identifier", "mess"]);
    assert!(got.stderr.contains("it answers for gmail.googleapis.com, www.googleapis.com/gmail"), "{got:?}");
    assert_eq!((got.stdout.as_str(), world.sandbox.counts().tcp_connections), ("", 0));
    let file = world.config_file("connections.json");
    let text = "{\n  \"gmail\": {\n    \"connection_name\": \"gmail_u3134a\",\n    \"identifier\": \"mess\"\n  }\n}\n";
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
}

#[test]
fn config_changes_what_it_was_told_and_keeps_the_rest_in_its_order() {
    let mut document = json!({
        "_comment": ["kept", 1.5],
        "zeta": {"note": {"of": "mine"}, "connection_name": "conn z", "hosts": ["z.example.com"], "identifier": "zoe"},
        "alpha": {"connection_name": "conn_a"}, "version": 3,
    });
    let world = with(document.clone());
    world.ok(&["config", "zeta", "conn_new"]);
    world.ok(&["config", "alpha", "conn_a", "--host", "*.a.example.com", "--host", "b.example.com/team"]);
    document["zeta"]["connection_name"] = "conn_new".into();
    document["alpha"]["hosts"] = json!(["*.a.example.com", "b.example.com/team"]);
    assert_eq!(connections(&world).to_string(), document.to_string());
    world.ok(&["remove", "zeta"]);
    document.as_object_mut().unwrap().shift_remove("zeta");
    assert_eq!(connections(&world).to_string(), document.to_string());
    for name in ["zeta", "version", "_comment"] {
        world.run(&["remove", name]).exit(3);
    }
    world.run(&["config", "version", "conn_a"]).exit(3);
    assert_eq!(connections(&world).to_string(), document.to_string());
}

#[test]
fn the_provider_comes_from_the_names_unless_they_disagree() {
    let world = World::new();
    assert!(world.ok(&["config", "github-work", "conn_1"]).stderr.contains("it answers for github.com"));
    assert!(world.ok(&["config", "code", "GitLab_u12"]).stderr.contains("it answers for gitlab.com"));
    let before = connections(&world);
    let got = world.run(&["config", "gmail", "slack-x"]).exit(2);
    assert!(
        got.stderr.contains("GMAIL") && got.stderr.contains("SLACK") && got.stderr.contains("--provider"),
        "{got:?}"
    );
    assert_eq!(connections(&world), before);
    world.ok(&["config", "gmail", "slack-x", "--provider", "slack"]);
    assert_eq!(connections(&world)["gmail"]["provider"], "SLACK");
    let got = world.ok(&["config", "thing", "conn_2"]);
    assert!(got.stderr.contains("no provider is known") && got.stderr.contains("--host"), "{got:?}");
}

#[test]
fn tenants_hosts_are_the_users_to_name_one_by_one() {
    let world = World::new();
    for (name, suffix) in [("zendesk", "zendesk.com"), ("salesforce", "my.salesforce.com")] {
        let got = world.ok(&["config", name, "conn_1"]);
        assert!(got.stderr.contains(&format!("--host NAME.{suffix}")), "{got:?}");
        let place = format!("https://acme.{suffix}/api");
        assert!(world.run(&["which", &place]).exit(3).stderr.contains(&format!("--host acme.{suffix}")));
        for pattern in [format!("*.{suffix}"), format!("*.{}", suffix.split_once('.').unwrap().1), "*".into()] {
            world.run(&["config", name, "conn_1", "--host", &pattern]).exit(2);
        }
        world.ok(&["config", name, "conn_1", "--host", &format!("acme.{suffix}")]);
        assert!(world.ok(&["which", &place]).stdout.contains("(user)"));
        world.run(&["which", &place.replace("acme", "other")]).exit(3);
    }
}

#[test]
fn what_cannot_be_a_name_or_a_host_is_refused() {
    let world = World::new();
    for args in [
        &["Gmail", "conn"][..],
        &["-", "conn"],
        &["a.b", "conn"],
        &["a", "conn/1"],
        &["a", ""],
        &["a", "conn", "--identifier", ""],
        &["a", "conn", "--identifier", "x\ny"],
        &["a", "conn", "--environment", "../x"],
        &["a", "conn", "--host", "http://example.com"],
        &["a", "conn", "--host", "example.com/../x"],
        &["a", "conn", "--host", "ada@example.com"],
        &[],
    ] {
        world.run(&[&["config"], args].concat()).exit(2);
    }
    world.run(&["config", "a"]).exit(3);
    assert!(!world.config_file("connections.json").exists());
}

#[test]
fn a_broken_file_is_reported_with_its_place_and_left_as_it_is() {
    let world = World::new();
    for (text, place) in [
        ("{\"github\": {\n  oops", "line 2, column 3"),
        ("[1]", "line 1, column 1"),
        ("", "line 1"),
        ("{\"a\": {},\n\"a\": {}}", "line 2"),
    ] {
        world.write_connections(text);
        for args in [
            &["config", "github", "github_x"][..],
            &["remove", "github"],
            &["list"],
            &["which", "github"],
            &["token", "github"],
        ] {
            let got = world.run(args).exit(3);
            assert!(got.stderr.contains("connections.json") && got.stderr.contains(place), "{args:?}: {got:?}");
        }
        let declined = get(&world, "protocol=https\nhost=github.com");
        assert_eq!((declined.stdout.as_str(), declined.stderr.lines().count()), ("", 1), "{declined:?}");
        assert_eq!(fs::read_to_string(world.config_file("connections.json")).unwrap(), text);
    }
    assert_eq!(world.sandbox.counts().tcp_connections, 0);
}

#[test]
fn a_file_that_every_user_may_write_is_not_used() {
    let world = with(json!({"github": {"connection_name": "github_x"}}));
    let file = world.config_file("connections.json");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    for args in [&["token", "github"][..], &["config", "gmail", "gmail_1"], &["list"]] {
        assert!(world.run(args).exit(3).stderr.contains(&format!("chmod 600 {}", file.display())));
    }
    assert_eq!(get(&world, "protocol=https\nhost=github.com").stdout, "");
    assert_eq!(world.sandbox.counts().tcp_connections, 0);
}

#[test]
fn a_symbolic_link_of_a_dotfile_manager_stays_one() {
    let world = World::new();
    let (link, target) = (world.config_file("connections.json"), world.path("dotfiles.json"));
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    fs::write(&target, "{}").unwrap();
    symlink(&target, &link).unwrap();
    world.ok(&["config", "github", "github_x"]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&target).unwrap().contains("github_x"));
}

#[test]
fn twenty_at_once_lose_nothing() {
    let world = World::new();
    let start =
        |n| world.command(EXE).args(["config", &format!("s{n}"), "conn"]).stderr(Stdio::null()).spawn().unwrap();
    let children: Vec<_> = (0..20).map(start).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(connections(&world).as_object().unwrap().len(), 20);
}

#[test]
fn a_list_is_there_for_programs_too() {
    let world = with(json!({
        "github": {"connection_name": "github-x", "identifier": "ada", "accounts": {"work": {"identifier": "a@b", "hosts": ["github.com/acme"]}}},
        "bad": 7,
    }));
    let told: Value = serde_json::from_str(&world.ok(&["list", "--json"]).stdout).unwrap();
    assert_eq!((&told["version"], &told["status"]), (&json!(1), &json!("ok")));
    let service = &told["services"][0];
    assert_eq!(service["accounts"], json!([{"name": "work", "identifier": "a@b", "hosts": ["github.com/acme"]}]));
    assert_eq!(service["hosts"][0], "github.com/acme (as work)");
    assert_eq!((&service["from"], &service["environment"]), (&json!("you"), &json!("default")));
    assert_eq!(told["unusable"], json!([{"service": "bad", "reason": "it is not an object"}]));
    assert!(world.ok(&["list", "--environment", "dev"]).stdout.contains("  dev  "));
}

#[test]
fn a_place_is_understood_as_people_type_it() {
    let world = with(json!({"github": {"connection_name": "github-x", "identifier": "ada"}}));
    assert!(
        world.ok(&["which", "github.com/acme/app"]).stdout.starts_with("target       https://github.com/acme/app\n")
    );
    let got = world.run(&["token", "Github"]).exit(3);
    assert!(got.stderr.contains("did you mean github?"), "{got:?}");
    let got = world.run(&["which", "http://api.github.com/user"]).exit(3);
    assert_eq!(got.stderr.matches("github claims api.github.com over https alone").count(), 1, "{got:?}");
    assert!(got.stderr.contains("use https"), "{got:?}");
}

#[test]
fn one_bad_entry_hides_no_other() {
    let world = with(json!({
        "bad": {"connection_name": 5}, "worse": {"connection_name": "c", "hosts": ["*.zendesk.com"]},
        "github": {"connection_name": "github_x", "identifier": "ada"},
    }));
    world.seed("github_x", "GITHUB", "gho_one");
    assert_eq!(world.ok(&["token", "github"]).stdout, "gho_one\n");
    assert!(get(&world, "protocol=https\nhost=github.com").stdout.contains("password=gho_one\n"));
    let got = world.ok(&["list"]);
    assert!(got.stdout.contains("github_x") && got.stderr.contains("bad in connections.json is not used"), "{got:?}");
    assert!(got.stderr.contains("worse") && got.stderr.contains("zendesk.com"), "{got:?}");
    assert!(world.run(&["token", "bad"]).exit(3).stderr.contains("connection_name is not text"));
    world.ok(&["config", "bad", "conn_1"]);
    assert!(!world.ok(&["list"]).stderr.contains("bad"));
}

#[test]
fn list_shows_a_table_and_reads_nothing_from_the_working_directory() {
    let world = World::new();
    fs::write(world.path("connections.json"), r#"{"github": {"connection_name": "planted"}}"#).unwrap();
    let got = world.ok(&["list"]);
    assert!(got.stdout.is_empty() && got.stderr.contains("no services yet"), "{got:?}");
    world.ok(&["config", "notion", "notion_1", "--identifier", "ada", "--environment", "prod"]);
    world.ok(&["config", "thing", "conn"]);
    assert_eq!(
        world.ok(&["list"]).stdout,
        "SERVICE  CONNECTION  IDENTIFIER  ENVIRONMENT  FROM  HOSTS\n\
         notion   notion_1    ada         prod         you   api.notion.com\n\
         thing    conn        agent       default      you   -\n"
    );
}

#[test]
fn import_takes_over_what_is_new_and_nothing_of_a_broken_file() {
    let world = with(json!({"gmail": {"connection_name": "mine"}, "slack": {"connection_name": "same"}}));
    let skills = world.path("skill.json");
    let import = || world.run(&["config", "--import", skills.to_str().unwrap()]);
    import().exit(2);
    fs::write(&skills, "{\"notion\": {\n\"connection_name\": }}").unwrap();
    assert!(import().exit(3).stderr.contains("skill.json, line 2, column 20"));
    assert_eq!(connections(&world).as_object().unwrap().len(), 2);
    let theirs = json!({
        "gmail": {"connection_name": "theirs"}, "slack": {"connection_name": "same"},
        "notion": {"connection_name": "notion_1", "identifier": "mess", "extra": true}, "version": 1,
    });
    fs::write(&skills, theirs.to_string()).unwrap();
    let got = import().ok();
    assert!(got.stderr.contains("taken over: slack, notion") && got.stderr.contains("gmail, version"), "{got:?}");
    let ours = connections(&world);
    assert_eq!((&ours["gmail"]["connection_name"], &ours["notion"]), (&"mine".into(), &theirs["notion"]));
    assert_eq!(ours.get("version"), None);
    let path = skills.to_str().unwrap();
    world.run(&["config", "gmail", "gmail_1", "--import", path]).exit(2);
}

#[test]
fn the_identity_files_name_serves_a_config_without_identifier() {
    let world = World::new();
    fs::create_dir_all(world.path(".openclaw/workspace")).unwrap();
    fs::write(world.path(".openclaw/workspace/IDENTITY.md"), "# Who\n- **Name:** Mess\n").unwrap();
    world.ok(&["config", "gmail", "gmail_1"]);
    world.ok(&["config", "slack", "slack_1", "--identifier", "ada"]);
    world.ok(&["config", "slack", "slack_2"]);
    let ours = connections(&world);
    assert_eq!((&ours["gmail"]["identifier"], &ours["slack"]["identifier"]), (&"mess".into(), &"ada".into()));
}

#[test]
fn identifiers_win_in_the_documented_order() {
    let world =
        with(json!({"own": {"connection_name": "c", "identifier": "of-service"}, "none": {"connection_name": "c"}}));
    world.seed("c", "GITHUB", "gho_one");
    let asked = |service: &str, options: &[&str], variables: &[(&str, &str)]| {
        let args = |command| [&[command, service], options].concat();
        let run = |command| finish(world.command(EXE).args(args(command)).envs(variables.iter().copied()), "");
        let shown = run("which").ok().stdout;
        run("token").exit(5);
        let requests = world.sandbox.requests();
        let query = &requests.iter().rev().find(|request| request.path == AUTH).unwrap().query;
        let sent = query.iter().find(|(name, _)| name == "identifier").unwrap().1.clone();
        assert!(shown.contains(&format!("identifier   {sent} (from ")), "{sent}: {shown}");
        sent
    };
    let variables = [("SCALEKIT_IDENTIFIER", "of-scalekit"), ("TOOL_IDENTIFIER", "of-tool")];
    assert_eq!(asked("none", &[], &[]), "agent");
    fs::write(world.config_file("config.json"), r#"{"version": 1, "default_identifier": "of-file"}"#).unwrap();
    assert_eq!(asked("none", &[], &[("SCALEKIT_IDENTIFIER", "")]), "of-file");
    assert_eq!(asked("none", &[], &variables[1..]), "of-tool");
    assert_eq!(asked("none", &[], &variables), "of-scalekit");
    assert_eq!(asked("own", &[], &variables), "of-service");
    assert_eq!(asked("own", &["--identifier", "of-call"], &variables), "of-call");
    world.run(&["token", "own", "--identifier", "x\ty"]).exit(2);
}
