//! What a shell completes: the scripts and manual pages of a release against the tree of commands, the names that the program
//! gives, and real shells.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use clap::Command;
use tempfile::TempDir;

use crate::common::expect::on_terminal;
use crate::common::keyring::needed;
use crate::common::{EXE, World, finish};

const SERVICES: &str = r#"{
    "github": {"connection_name": "github-x", "accounts": {"work": "alice@acme.com"}},
    "gmail": {"connection_name": "gmail-x", "identifier": "ada", "accounts": {"home": "ada@home.example"}},
    "desk": {"connection_name": "desk-x", "environment": "dev", "hosts": ["desk.example.com:8443", "*.desk.example.net"]}}"#;

fn released() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    scalekit_release::write(directory.path()).unwrap();
    directory
}

fn configured(environments: &[&str]) -> World {
    let world = World::new();
    world.write_connections(SERVICES);
    let entry = |name: &&str| {
        let home =
            serde_json::json!({"url": "https://acme.scalekit.com", "client_id": "skc_hidden", "home": "keyring"});
        ((*name).to_owned(), home)
    };
    let entries: serde_json::Map<_, _> = environments.iter().map(entry).collect();
    let config = serde_json::json!({"version": 1, "environments": entries});
    fs::write(world.config_file("config.json"), config.to_string()).unwrap();
    world
}

/// Each command but `help`, with the words that call it.
fn each(command: &Command, path: &[&str], visit: &mut dyn FnMut(&[&str], &Command)) {
    visit(path, command);
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        each(below, &[path, &[below.get_name()]].concat(), visit);
    }
}

fn commands(visit: &mut dyn FnMut(&[&str], &Command)) {
    let mut tree = scalekit_auth::commands::tree();
    tree.build();
    each(&tree, &[], visit);
}

fn options(command: &Command) -> impl Iterator<Item = &str> {
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    shown.flat_map(|arg| arg.get_long_and_visible_aliases().unwrap_or_default())
}

#[test]
fn every_command_and_option_is_in_every_script() {
    let release = released();
    let read = |name: &str| fs::read_to_string(release.path().join("completions").join(name)).unwrap();
    let (bash, zsh) = (read("scalekit-auth.bash"), read("_scalekit-auth"));
    let (fish, powershell) = (read("scalekit-auth.fish"), read("_scalekit-auth.ps1"));
    let mut count = 0;
    commands(&mut |path, command| {
        count += 1;
        let words: String = path.iter().map(|word| format!(" {word}")).collect();
        let row = bash.split(&format!("    '{words}')\n")).nth(1).expect(&words).split(";;").next().unwrap();
        let name = path.last().copied().unwrap_or("scalekit-auth");
        let case = powershell.split(&format!("'scalekit-auth{}' {{", words.replace(' ', ";"))).nth(1).expect(&words);
        let case = case.split("break").next().unwrap();
        let using = match path {
            [] => "__fish_scalekit_auth_needs_command".to_owned(),
            [name] => format!("__fish_scalekit_auth_using_subcommand {name}"),
            [name, below, ..] => {
                format!("__fish_scalekit_auth_using_subcommand {name}; and __fish_seen_subcommand_from {below}\"")
            }
        };
        assert!(zsh.contains(&format!("({name})")) || path.is_empty(), "{words}");
        for option in options(command) {
            assert!(
                row.contains(&format!(" --{option} ")) || row.contains(&format!("'--{option} ")),
                "{words} {option}"
            );
            assert!(zsh.contains(&format!("--{option}")), "{words} {option}");
            assert!(case.contains(&format!("'--{option}'")), "{words} {option}");
            let of_fish = |line: &str| line.contains(&using) && line.contains(&format!(" -l {option} "));
            assert!(fish.lines().any(of_fish), "{words} {option}");
        }
    });
    assert!(count > 30);
}

#[test]
fn every_command_has_a_manual_page_without_faults() {
    let release = released();
    let man = release.path().join("man");
    let page = |name: &str| fs::read_to_string(man.join(format!("man1/{name}.1"))).expect(name);
    let mut names = Vec::new();
    commands(&mut |path, command| {
        let name = [&["scalekit-auth"], path].concat().join("-");
        let text = page(&name);
        for option in options(command) {
            assert!(text.contains(&format!(r"\-\-{}", option.replace('-', r"\-"))), "{name} {option}");
        }
        names.push(name);
    });
    for protocol in scalekit_auth::protocol::PROTOCOLS {
        let text = page(protocol.link);
        assert!(text.contains(&format!(".TH {} 1", protocol.link)) && text.contains("CONFIGURATION"), "{text}");
        names.push(protocol.link.to_owned());
    }
    assert_eq!(fs::read_dir(man.join("man1")).unwrap().count(), names.len());
    for name in names {
        let file = format!("man1/{name}.1");
        let run = |program: &'static str, package: &str, args: &[&str]| {
            let mut command = std::process::Command::new(needed(program, package));
            finish(command.args(args).arg(&file).current_dir(&man).env("MANPAGER", "cat").env("LC_ALL", "C.UTF-8"), "")
        };
        run("mandoc", "mandoc", &["-T", "lint", "-W", "error"]).ok();
        let shown = run("man", "man-db", &["--warnings", "-l"]).ok();
        assert_eq!(shown.stderr, "", "{name}");
        for heading in ["SYNOPSIS", "FILES", "ENVIRONMENT", "EXIT STATUS", "SEE ALSO"] {
            assert!(shown.stdout.contains(heading), "{name} {heading}: {shown:?}");
        }
        assert!(shown.stdout.contains("SCALEKIT_AUTH_TRACE") && !shown.stdout.contains("EXTRA"), "{name}");
        // What people call by words of their own has an example.
        let is_typed = ["EXAMPLES", "Examples:", "CONFIGURATION"].iter().any(|heading| shown.stdout.contains(heading));
        assert!(is_typed || name.matches('-').count() > 1, "{name}");
    }
    let audit = page("scalekit-auth-audit");
    assert!(audit.contains(r"[\fB\-\-since\fR \fITIME\fR] [\fB\-\-service\fR \fISERVICE\fR]"), "{audit}");
}

#[test]
fn every_example_of_a_manual_page_is_a_command() {
    let release = released();
    let mut count = 0;
    for entry in fs::read_dir(release.path().join("man/man1")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap().replace("\\-", "-");
        for line in text.lines().filter_map(|line| line.strip_prefix("\\fBscalekit-auth ")?.strip_suffix("\\fR")) {
            if line.contains("\\f") {
                continue; // The synopsis.
            }
            // What follows is another program's.
            let words = line.split(" | ").next().unwrap().split(" < ").next().unwrap().split(' ');
            let parsed =
                scalekit_auth::commands::tree().try_get_matches_from(["scalekit-auth"].into_iter().chain(words));
            assert!(parsed.is_ok(), "{line}: {parsed:?}");
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
}

#[test]
fn names_come_from_the_configuration_alone() {
    let world = configured(&["default", "dev", "a\u{1b}[2J", "a\nb"]);
    let names = |words: &[&str]| {
        let got = world.ok(&[&["complete"], words].concat());
        assert_eq!(got.stderr, "");
        assert!(!got.stdout.contains("skc_hidden") && !got.stdout.contains(world.sandbox.client_secret()));
        got.stdout
    };
    assert_eq!(names(&["services"]), "desk\ngithub\ngmail\n");
    assert_eq!(names(&["services", "g"]), "github\ngmail\n");
    assert_eq!(names(&["places", "gi"]), "github\n");
    assert_eq!(names(&["places", "api.gith"]), "api.github.com\n");
    assert_eq!(names(&["places", "desk."]), "desk.example.com:8443\n");
    assert_eq!(names(&["places", "https://desk"]), "https://desk.example.com:8443/\n");
    assert_eq!(names(&["urls", "https://desk"]), "https://desk.example.com:8443/\n");
    assert_eq!(names(&["hosts", "", "desk"]), "desk.example.com:8443\n");
    assert_eq!(names(&["environments", ""]), "default\ndev\n");
    assert_eq!(names(&["accounts"]), "home\nwork\n");
    assert_eq!(names(&["accounts", "", "use", "github"]), "work\n");
    assert_eq!(names(&["accounts", "", "token", "https://api.github.com/user", "--as"]), "work\n");
    assert_eq!(names(&["identifiers", "", "token", "gmail"]), "ada\nada@home.example\n");
    for nothing in [&[][..], &["secrets"], &["services", "x"], &["--help"]] {
        assert_eq!(names(nothing), "", "{nothing:?}");
    }
    assert_eq!(world.sandbox.counts().routes.values().sum::<u64>(), 0);
}

#[test]
fn a_broken_configuration_completes_to_nothing() {
    for file in ["connections.json", "config.json", "synced.json"] {
        let world = configured(&["default"]);
        fs::write(world.config_file(file), "{\"github\": oops").unwrap();
        for kind in ["services", "accounts", "environments", "places"] {
            let got = world.ok(&["complete", kind, ""]);
            assert_eq!((got.stdout.as_str(), got.stderr.as_str()), ("", ""), "{file} {kind}");
        }
    }
    let world = configured(&["default"]);
    let got = finish(world.command(EXE).args(["complete", "services"]).env_remove("HOME"), "").ok();
    assert_eq!(got.stderr, "");
}

/// Lets `shell` start with `start`, types each line with a Tab at its end, and sees what it called.
fn typed(world: &World, shell: &str, start: &str, lines: &[(&str, &str)]) {
    let program = world.path("bin/scalekit-auth");
    fs::remove_file(&program).unwrap();
    let shim = format!(
        "#!/bin/sh\n[ \"$1\" != complete ] || exec {EXE} \"$@\"\nprintf called\nprintf ' <%s>' \"$@\"\necho ' end'\n"
    );
    fs::write(&program, shim).unwrap();
    fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let mut script = format!("spawn {shell}\nsend -- {{{start}; echo rea''dy}}\nsend \"\\r\"\nsee ready\n");
    for (line, called) in lines {
        script += &format!("send -- {{scalekit-auth {line}}}\nsend \"\\t\\r\"\nsee {{called {called} end}}\n");
    }
    script += "send \"exit\\r\"\nended\n";
    let variables = [("TERM", "dumb"), ("COLUMNS", "500")];
    let script = format!("set stty_init {{columns 500 rows 40}}\n{script}");
    on_terminal(world, &variables, &script).ok();
}

const LINES: &[(&str, &str)] = &[
    ("tok", "<token>"),
    ("client cr", "<client> <create>"),
    ("token --js", "<token> <--json>"),
    ("token gi", "<token> <github>"),
    ("token api.gith", "<token> <api.github.com>"),
    ("curl https://api.gith", "<curl> <https://api.github.com/>"),
    ("use github ", "<use> <github> <work>"),
    ("token --environment=def", "<token> <--environment=default>"),
    ("token --environment def", "<token> <--environment> <default>"),
    ("token github --as ", "<token> <github> <--as> <work>"),
    ("token github --identifier alice@ac", "<token> <github> <--identifier> <alice@acme.com>"),
    ("doctor gi", "<doctor> <github>"),
    ("doctor api.gith", "<doctor> <api.github.com>"),
    ("config github --only dock", "<config> <github> <--only> <docker>"),
    ("login --home key", "<login> <--home> <keyring>"),
    ("help logi", "<help> <login>"),
    ("setup gi", "<setup> <git>"),
    ("setup git des", "<setup> <git> <desk>"),
    ("logout --environment a", "<logout> <--environment> <a$(touch evil)>"),
];

fn shell_completes(shell: &str, start: impl Fn(&Path) -> String) {
    let release = released();
    let world = configured(&["default", "dev", "a$(touch evil)"]);
    typed(&world, shell, &start(&release.path().join("completions")), LINES);
    assert!(!world.path("evil").exists(), "no name is run");
}

#[test]
fn bash_completes() {
    shell_completes(&format!("{} --norc --noprofile -i", needed("bash", "bash")), |completions| {
        format!("source {}/scalekit-auth.bash", completions.display())
    });
}

#[test]
fn zsh_completes() {
    shell_completes(&format!("{} -f -i", needed("zsh", "zsh")), |completions| {
        format!("fpath=({} $fpath); autoload -U compinit; compinit -u -D", completions.display())
    });
}

#[test]
fn fish_completes() {
    shell_completes(&format!("{} --no-config --private -i", needed("fish", "fish")), |completions| {
        format!("source {}/scalekit-auth.fish", completions.display())
    });
}
