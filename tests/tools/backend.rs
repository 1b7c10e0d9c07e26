//! twine and poetry, which import the module keyring, with our backend for it in `python/`.

use std::path::PathBuf;
use std::process::Command;

use base64::Engine;

use crate::common::setup::{read, write};
use crate::common::{Finished, World, finish};
use crate::site::Site;
use crate::{installed, serves};

const WHEEL: &str = "demo_pkg-1.0-py3-none-any.whl";

/// A world whose service has this package index, which takes the user name `oauth2` with the token.
fn index(pages: &[(&str, Vec<u8>)]) -> (World, Site) {
    let world = crate::common::setup::world();
    let pair = base64::prelude::BASE64_STANDARD.encode("oauth2:tok-1");
    let pages = pages.iter().map(|(path, page)| ((*path).to_owned(), page.clone())).collect();
    let site = Site::start(&format!("Basic {pair}"), "Basic realm=\"index\"", |_| pages);
    serves(&world, &site.origin());
    write_program(&world, "printf '%s %s\\n' \"$SCALEKIT_AUTH_KEYRING\" \"$*\" >>asked; exec bin/scalekit-auth \"$@\"");
    (world, site)
}

/// What stands in for the program; by default it notes what it is asked, and asks the real one.
fn write_program(world: &World, script: &str) {
    let file = world.path("program");
    write(&file, &format!("#!/bin/sh\ncd {} && {script}\n", world.path("").display()));
    assert!(Command::new("chmod").arg("+x").arg(&file).status().unwrap().success());
}

/// What the program was asked, and how often.
fn asked(world: &World) -> Vec<String> {
    std::fs::read_to_string(world.path("asked")).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// A tool of the virtual environment, with our program and without other backends.
fn tool(world: &World, program: &str) -> Command {
    let mut command = world.command(installed("tools/backend/bin").join(program));
    command.env("PATH", format!("{}:/usr/bin:/bin", world.path("bin").display()));
    command.env("SCALEKIT_AUTH", world.path("program"));
    command
}

#[track_caller]
fn says_no_token(world: &World, finished: Finished) -> Finished {
    assert!(!finished.stdout.contains("tok-1") && !finished.stderr.contains("tok-1"), "{finished:?}");
    assert!(asked(world).iter().all(|line| !line.contains("tok-1")));
    finished
}

/// A wheel with nothing in it, as poetry builds it, in `project/dist`.
fn built(world: &World) -> PathBuf {
    let project = "[project]\nname = \"demo-pkg\"\nversion = \"1.0\"\nrequires-python = \">=3.9\"\n\
        [build-system]\nrequires = [\"poetry-core\"]\nbuild-backend = \"poetry.core.masonry.api\"\n";
    write(&world.path("project/pyproject.toml"), project);
    write(&world.path("project/demo_pkg.py"), "");
    finish(tool(world, "poetry").args(["-C", "project", "build", "--format", "wheel"]), "").ok();
    world.path("project/dist").join(WHEEL)
}

/// A second backend for this world, which knows one password for everything, and stores what it is given.
fn add_other(world: &World, command: &mut Command) {
    write(
        &world.path("other/other.py"),
        "from keyring.backend import KeyringBackend\n\
         class Other(KeyringBackend):\n    \
             priority = 5\n    \
             def get_password(self, service, username): return 'of-another'\n    \
             def set_password(self, service, username, password): print('stored', service)\n    \
             def delete_password(self, service, username): print('deleted', service)\n",
    );
    write(&world.path("other/other-1.0.dist-info/METADATA"), "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n");
    write(&world.path("other/other-1.0.dist-info/entry_points.txt"), "[keyring.backends]\nother = other\n");
    command.env("PYTHONPATH", world.path("other"));
}

/// The command keyring, where another backend comes after ours.
fn keyring(world: &World, args: &[&str]) -> Finished {
    let mut command = tool(world, "keyring");
    add_other(world, &mut command);
    finish(command.args(args), "new-password")
}

#[test]
fn twine_uploads_with_a_token() {
    let (world, site) = index(&[("/legacy/", Vec::new())]);
    let wheel = built(&world);
    let mut twine = tool(&world, "twine");
    twine.args(["upload", "--non-interactive", "--verbose", "--disable-progress-bar", "--repository-url"]);
    let done = finish(twine.arg(format!("{}/legacy/", site.origin())).arg(wheel), "");
    says_no_token(&world, done).ok();
    site.was_asked("POST /legacy/ known");
    let url = format!("{}/legacy/", site.origin());
    let words = [format!("1 keyring --mode=creds --output=json get {url}"), format!("1 keyring get {url} oauth2")];
    assert_eq!(asked(&world), words);
}

#[test]
fn twine_is_told_what_a_person_must_do() {
    let (world, site) = index(&[("/legacy/", Vec::new())]);
    let wheel = built(&world);
    world.order(
        serde_json::json!({"op": "set_status", "connection": "mine-x", "identifier": "ada", "status": "PENDING_AUTH"}),
    );
    let mut twine = tool(&world, "twine");
    twine.args(["upload", "--non-interactive", "--repository-url", &format!("{}/legacy/", site.origin())]);
    let done = finish(twine.arg(wheel), "").exit(1);
    assert!(done.stderr.contains("scalekit-auth connect mine"), "{done:?}");
    assert_eq!(site.seen(), Vec::<String>::new());
}

#[test]
fn poetry_publishes_with_a_token() {
    let (world, site) = index(&[("/legacy/", Vec::new())]);
    built(&world);
    let mut poetry = tool(&world, "poetry");
    poetry.env("POETRY_REPOSITORIES_MINE_URL", format!("{}/legacy/", site.origin()));
    poetry.args(["-C", "project", "publish", "--no-interaction", "-vvv", "--repository", "mine"]);
    says_no_token(&world, finish(&mut poetry, "")).ok();
    site.was_asked("POST /legacy/ known");
}

#[test]
fn poetry_installs_from_an_index_with_a_token() {
    let wheel = std::fs::read(built(&index(&[]).0)).unwrap();
    let page = format!("<html><body><a href=\"/files/{WHEEL}\">{WHEEL}</a></body></html>");
    let (world, site) = index(&[("/simple/demo-pkg/", page.into()), (&format!("/files/{WHEEL}"), wheel)]);
    let project = format!(
        "[project]\nname = \"app\"\nversion = \"1.0\"\nrequires-python = \">=3.9\"\n\
         [tool.poetry]\npackage-mode = false\n\
         [[tool.poetry.source]]\nname = \"mine\"\nurl = \"{}/simple/\"\n",
        site.origin()
    );
    write(&world.path("app/pyproject.toml"), &project);
    let mut poetry = tool(&world, "poetry");
    poetry.env("POETRY_VIRTUALENVS_IN_PROJECT", "true");
    poetry.args(["-C", "app", "add", "--no-interaction", "-vvv", "demo-pkg"]);
    says_no_token(&world, finish(&mut poetry, "")).ok();
    site.was_asked(&format!("GET /files/{WHEEL} known"));
    assert!(!read(&world.path("app/poetry.lock")).contains("tok-1"));
    let installed = crate::common::files_below(&world.path("app/.venv/lib"));
    assert!(installed.iter().any(|file| file.ends_with("demo_pkg.py")));
}

#[test]
fn what_is_not_ours_is_the_next_backends() {
    let (world, site) = index(&[]);
    let ours = site.origin();
    assert_eq!(keyring(&world, &["get", &ours, "ada"]).ok().stdout, "tok-1\n");
    assert_eq!(
        keyring(&world, &["--mode=creds", "get", &format!("{ours}/simple/?a=b#c")]).ok().stdout,
        "oauth2\ntok-1\n"
    );
    // The program is asked about a foreign place, and starts no other keyring.
    let place = "https://elsewhere.example/simple/";
    let got = keyring(&world, &["get", place, "ada"]).ok();
    assert_eq!((got.stdout.as_str(), got.stderr.as_str()), ("of-another\n", ""));
    assert_eq!(asked(&world).last(), Some(&format!("1 keyring get {place} ada")));
    // No URL, a URL with a password, or a user name that looks like an option: no process at all.
    std::fs::remove_file(world.path("asked")).unwrap();
    assert_eq!(keyring(&world, &["get", "--", &ours, "-h"]).ok().stdout, "of-another\n");
    let with_password = ours.replace("//", "//ada:secret@");
    for place in [
        "poetry-repository-mine",
        "elsewhere.example",
        "[::1]:8443",
        "--help",
        "gh:github.com",
        "ftp://x.example",
        "https://a b",
        "https://[",
        "x\n.y",
        "",
        &with_password,
    ] {
        assert_eq!(keyring(&world, &["get", "--", place, "ada"]).ok().stdout, "of-another\n", "{place}");
    }
    assert_eq!(asked(&world), Vec::<String>::new());
}

#[test]
fn our_own_command_keyring_before_it_on_path_is_no_loop() {
    let (world, site) = index(&[]);
    std::fs::hard_link(world.path("bin/scalekit-auth"), world.path("bin/keyring")).unwrap();
    for (place, answer, times) in [("https://elsewhere.example", "of-another\n", 1), (&site.origin(), "tok-1\n", 0)] {
        std::fs::remove_file(world.path("asked")).unwrap_or_default();
        let mut command = tool(&world, "keyring");
        add_other(&world, &mut command);
        let venv = installed("tools/backend/bin");
        let path = format!("{}:{}:/usr/bin:/bin", world.path("bin").display(), venv.display());
        let mut first = world.command(world.path("bin/keyring"));
        first.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("PATH", path);
        assert_eq!(finish(first.args(["get", place, "ada"]), "").ok().stdout, answer);
        assert_eq!(asked(&world).len(), times, "{:?}", asked(&world));
    }
}

#[test]
fn nothing_is_stored_or_deleted_for_what_is_ours() {
    let (world, site) = index(&[]);
    let url = format!("{}/simple/", site.origin());
    let reason = format!("scalekit-auth answers for {url}: its token comes from the Scalekit vault");
    for (action, error, done) in [("set", "PasswordSetError", "stored"), ("del", "PasswordDeleteError", "deleted")] {
        let refused = says_no_token(&world, keyring(&world, &[action, &url, "ada"]).exit(1));
        assert!(refused.stderr.contains(&format!("{error}: {reason}")), "{refused:?}");
        assert!(!refused.stderr.contains("new-password"));
        for place in ["https://elsewhere.example/", "poetry-repository-mine"] {
            assert_eq!(keyring(&world, &[action, place, "ada"]).ok().stdout, format!("{done} {place}\n"));
        }
        // Without another backend it is the error that every tool expects.
        let alone = finish(tool(&world, "keyring").args([action, "poetry-repository-mine", "ada"]), "new-password");
        assert!(alone.exit(1).stderr.contains(&format!("{error}: scalekit-auth only hands out tokens")));
    }
    assert_eq!(world.count("GET /api/v1/connected_accounts/auth"), 0, "nobody fetched a token");
}

#[test]
fn an_answer_that_never_ends_or_makes_no_sense_is_none_and_shows_no_token() {
    let (world, site) = index(&[]);
    let url = site.origin();
    let get = |what: &str| {
        let code = "import keyring_scalekit as backend\nbackend.TIMEOUT = 1\nours = backend.ScalekitKeyring()";
        let got = finish(tool(&world, "python").args(["-c", &format!("{code}\nprint(ours.{what})")]), "").ok();
        assert_eq!(got.stdout, "None\n", "{what}");
        assert!(!got.stderr.contains("tok-1"), "{got:?}");
        got.stderr
    };
    let (credential, password) = (format!("get_credential('{url}', None)"), format!("get_password('{url}', 'ada')"));
    for (script, stderr) in [
        ("echo tok-1; exec sleep 30", "keyring-scalekit: scalekit-auth gave no answer within 1 s\n"),
        ("printf 'tok-1 \\377'", ""),
        ("echo tok-1; echo why >&2; exit 1", "why\n"),
        ("exit 0", ""),
    ] {
        write_program(&world, script);
        assert_eq!(get(&credential), stderr);
        assert_eq!(get(&password), stderr);
    }
    for script in ["echo '{\"username\": \"tok-1\"'", "echo '[\"tok-1\"]'", "echo '{\"username\": \"tok-1\"}'"] {
        write_program(&world, script);
        assert_eq!(get(&credential), "");
    }
    assert_eq!(get(&format!("get_credential('{url}', 'a\\0b')")), "");
}

#[test]
fn without_the_program_the_backend_is_none() {
    let (world, _site) = index(&[]);
    let backends = |command: &mut Command| finish(command.arg("--list-backends"), "").ok().stdout;
    let ours = "keyring_scalekit.ScalekitKeyring (priority: 9.95)";
    assert!(backends(&mut tool(&world, "keyring")).contains(ours));
    // A relative name counts for nothing, in the variable and on PATH.
    assert!(backends(tool(&world, "keyring").env("SCALEKIT_AUTH", "program")).contains(ours));
    for (program, path) in
        [("/nowhere/scalekit-auth", "bin"), ("bin/scalekit-auth", "/usr/bin:/bin"), ("", "bin:/usr/bin")]
    {
        let said = backends(tool(&world, "keyring").env("SCALEKIT_AUTH", program).env("PATH", path));
        assert!(!said.contains("scalekit"), "{said}");
    }
    let code = "import keyring_scalekit\nkeyring_scalekit.ScalekitKeyring.priority";
    let said = finish(tool(&world, "python").env("SCALEKIT_AUTH", "/nowhere").args(["-c", code]), "").exit(1);
    assert!(said.stderr.contains("RuntimeError: scalekit-auth is not on PATH"), "{said:?}");
}
