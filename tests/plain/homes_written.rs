//! What `login` and `logout` do with files: which they write and remove, which stay the user's, and which environment
//! they belong to.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::common::homes::{Machine, SECRET, at, mode, set_mode, with_secret_file};
use crate::common::{Finished, World, finish};
use scalekit_sandbox::{Control, Options, Sandbox};
use serde_json::json;

#[track_caller]
fn says(got: &Finished, words: &[&str]) {
    for word in words {
        assert!(got.stderr.contains(word), "{word}: {got:?}");
    }
}

#[test]
fn a_file_of_the_users_own_is_neither_overwritten_nor_removed() {
    let machine = Machine::new();
    let file = machine.file("mine", "my notes\n", 0o600);
    let got = machine.login_with_secret(&["--home", &at(&file)], SECRET).exit(2);
    says(&got, &["the file is not overwritten", "was not written by `scalekit-auth login`"]);
    let got = machine.login_with_secret(&["--environment", "dev", "--home", &at(&file)], SECRET).exit(2);
    says(&got, &["not overwritten"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "my notes\n");
    assert!(machine.home().is_null());
    assert_eq!(machine.world.sandbox.requests(), [], "that is found out before anything is sent");

    let (machine, file) = with_secret_file(machine);
    let got = machine.run(&["logout"]).ok();
    says(&got, &["logged out of", "still holds the client secret", "yours to remove"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{SECRET}\n"));
    assert!(machine.home().is_null());
}

#[test]
fn a_file_that_login_writes_is_private_and_goes_with_the_logout() {
    let machine = Machine::unprivileged();
    let file = machine.world.path(".config/scalekit-auth/secret");
    machine.login_with_secret(&["--home", &at(&file)], SECRET).ok();
    assert_eq!((mode(&file), machine.home()), (0o600, json!({"file": file, "written": true})));
    let kept: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(kept, machine.object(SECRET));
    machine.works();
    assert_eq!(machine.holders(), [file.as_path()]);

    machine.login_with_secret(&[], "wrong").exit(6);
    machine.works();
    machine.world.control(Control::RotateClientSecret { secret: "rotated".into() });
    machine.login_with_secret(&[], "rotated").ok();
    assert_eq!(machine.home(), json!({"file": file, "written": true}), "without --home it stays where it is");
    assert_eq!((mode(&file), machine.holders().len()), (0o600, 0));
    machine.works();
    // Named again, it is read and still ours.
    machine.run(&["login", "--home", &at(&file)]).ok();
    assert_eq!(machine.home()["written"], json!(true));

    let beside = fs::read_dir(file.parent().unwrap()).unwrap().count();
    machine.run(&["logout"]).ok();
    assert!(!file.exists());
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), beside - 1, "no other file was left");
    machine.run(&["token", "github"]).exit(3);
}

#[test]
fn a_symbolic_link_stays_one_when_the_file_behind_it_is_written() {
    let machine = Machine::new();
    fs::create_dir(machine.world.path("dotfiles")).unwrap();
    let (link, file) = (machine.world.path("link"), machine.world.path("dotfiles/secret"));
    symlink("dotfiles/secret", &link).unwrap();
    for secret in [SECRET, "rotated"] {
        machine.world.control(Control::RotateClientSecret { secret: secret.into() });
        machine.login_with_secret(&["--home", &at(&link)], secret).ok();
        assert!(link.is_symlink() && !file.is_symlink() && mode(&file) == 0o600);
        machine.works();
    }
    machine.run(&["logout"]).ok();
    assert!(link.is_symlink() && !file.exists());
}

#[test]
fn what_cannot_be_written_leaves_nothing_behind() {
    let machine = Machine::unprivileged();
    fs::create_dir(machine.world.path("closed")).unwrap();
    set_mode(&machine.world.path("closed"), 0o555);
    for path in [machine.world.path("closed/secret"), machine.world.path("missing/secret"), "/proc/secret".into()] {
        let got = machine.login_with_secret(&["--home", &at(&path)], SECRET).exit(4);
        says(&got, &[path.to_str().unwrap(), "login --home file:PATH"]);
        assert!(machine.home().is_null() && !path.exists());
    }
    assert_eq!(machine.holders(), [] as [&Path; 0]);
}

#[test]
fn a_url_or_client_id_that_differs_never_gets_the_secret() {
    let machine = Machine::new();
    let file = machine.file("all.json", machine.object(SECRET).to_string(), 0o600);
    machine.run(&["login", "--home", &at(&file)]).ok();
    let config = machine.world.config_file("config.json");
    let text = fs::read_to_string(&config).unwrap();
    let thief = Sandbox::start();
    let (url, id) = (machine.world.sandbox.url(), machine.world.sandbox.client_id());
    for (from, to) in [(url, thief.url()), (id, "skc_other")] {
        fs::write(&config, text.replace(from, to)).unwrap();
        says(&machine.run(&["token", "github"]).exit(3), &["is not what was stored", "in the file"]);
        assert_eq!(machine.get().ok().stdout, "");
        let got = machine.run(&["login", "--home", &at(&file)]).exit(3);
        says(&got, &["those of another environment", "logout"]);
    }
    fs::write(&config, &text).unwrap();
    let elsewhere = ["login", "--home", &at(&file), "--env-url", thief.url()];
    says(&machine.run(&elsewhere).exit(3), &["those of another environment"]);
    assert_eq!((thief.requests().len(), fs::read_to_string(&config).unwrap()), (0, text));
    machine.works();
}

#[test]
fn a_part_of_the_variables_beside_a_file_is_refused_and_all_of_them_win() {
    let (machine, file) = with_secret_file(Machine::new());
    let sandbox = &machine.world.sandbox;
    let before = sandbox.counts();
    for (name, value) in
        [("SCALEKIT_CLIENT_SECRET", SECRET), ("SCALEKIT_ENV_URL", sandbox.url()), ("TOOL_CLIENT_ID", "skc_1")]
    {
        let got = finish(machine.command("scalekit-auth").args(["token", "github"]).env(name, value), "").exit(3);
        says(&got, &["incomplete", name]);
    }
    assert_eq!(sandbox.counts(), before);
    fs::remove_file(file).unwrap();
    let mut all = machine.command("scalekit-auth");
    all.env("SCALEKIT_ENV_URL", sandbox.url()).env("SCALEKIT_CLIENT_ID", sandbox.client_id());
    all.env("SCALEKIT_CLIENT_SECRET", SECRET).args(["token", "github"]);
    assert_eq!(finish(&mut all, "").ok().stdout, "token-1\n");
}

#[test]
fn a_dotenv_file_is_imported_into_a_file() {
    let machine = Machine::new();
    let (url, id) = (machine.world.sandbox.url(), machine.world.sandbox.client_id());
    let source =
        machine.file(".env", format!("TOOL_ENV_URL={url}\nTOOL_CLIENT_ID={id}\nTOOL_CLIENT_SECRET={SECRET}\n"), 0o600);
    let file = machine.world.path("secret");
    says(&machine.run(&["login", "--import", ".env", "--home", &at(&source)]).exit(2), &["not overwritten"]);
    machine.run(&["login", "--import", ".env", "--delete-source", "--home", &at(&file)]).ok();
    machine.works();
    assert_eq!(machine.holders(), [file]);
}

#[test]
fn each_environment_has_a_home_of_its_own() {
    let (machine, file) = with_secret_file(Machine::new());
    let options = Options { client_id: "skc_dev".into(), client_secret: "dev-secret".into(), ..Options::default() };
    let dev = World::with(Sandbox::with(options).unwrap());
    let dev_file = machine.world.path("dev.json");
    let mut login = machine.command("scalekit-auth");
    login.args(["login", "--environment", "dev", "--env-url", dev.sandbox.url(), "--client-id", "skc_dev"]);
    login.args(["--client-secret-stdin", "--home", &at(&dev_file)]).env("SSL_CERT_FILE", dev.sandbox.ca_pem());
    finish(&mut login, "dev-secret").ok();
    let status = machine.run(&["status"]).ok().stdout;
    for file in [&file, &dev_file] {
        assert!(status.contains(&format!("in the file {}\n", file.display())), "{status}");
    }
    // The file of one environment is nothing that another may write.
    machine.login_with_secret(&["--home", &at(&dev_file)], SECRET).exit(2);
    machine.works();
    machine.run(&["logout", "--environment", "dev"]).ok();
    assert!(!dev_file.exists());
    machine.works();
}

#[test]
fn a_file_that_another_environment_uses_stays() {
    let machine = Machine::new();
    let file = machine.world.path("shared");
    machine.login_with_secret(&["--home", &at(&file)], SECRET).ok();
    machine.login(&["--environment", "same", "--home", &at(&file)]).ok();
    says(&machine.run(&["logout"]).ok(), &["another environment uses that file"]);
    assert!(file.exists());
}

#[test]
fn without_a_keyring_nothing_is_chosen_for_the_user() {
    let machine = Machine::new();
    let got = machine.login_with_secret(&[], SECRET).exit(4);
    says(
        &got,
        &[
            "no keyring can be reached: this session has no D-Bus",
            "`scalekit-auth login --home file:PATH`",
            "SCALEKIT_CLIENT_SECRET together",
        ],
    );
    assert!(machine.home().is_null());
    assert_eq!(machine.holders(), [] as [&Path; 0]);
    let (machine, _) = with_secret_file(machine);
    // A move into nowhere.
    machine.run(&["login", "--home", "keyring"]).exit(4);
    machine.works();
}
