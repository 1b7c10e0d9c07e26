//! A file as the home of the client credentials: who may use it, what it may hold, and what is never touched.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::homes::{Machine, SECRET, USER, at, is_root, set_mode, with_secret_file};
use crate::common::{Finished, finish};
use scalekit_sandbox::Control;
use serde_json::json;

#[track_caller]
fn says(got: &Finished, words: &[&str]) {
    for word in words {
        assert!(got.stderr.contains(word), "{word}: {got:?}");
    }
}

#[test]
fn a_file_with_the_secret_alone_serves_everything() {
    let (machine, file) = with_secret_file(Machine::new());
    machine.works();
    assert_eq!(machine.home(), json!({"file": file, "written": false}));
    let place = format!("in the file {}", file.display());
    assert!(machine.run(&["status", "--check"]).ok().stdout.contains(&place));
    assert!(machine.run(&["which", "github.com"]).ok().stdout.contains(&format!("credentials  {place} (environment")));
    assert_eq!(machine.holders(), [file], "the secret is copied nowhere");
}

#[test]
fn a_file_with_all_three_needs_nothing_else() {
    let machine = Machine::new();
    let file = machine.file("all.json", format!("{:#}\n", machine.object(SECRET)), 0o600);
    machine.run(&["login", "--home", &at(&file)]).ok();
    machine.works();
    let secret = machine.file("secret", SECRET, 0o600);
    // URL and client id are known by now.
    machine.run(&["login", "--home", &at(&secret)]).ok();
    machine.works();
    machine.run(&["logout"]).ok();
    says(&machine.run(&["login", "--home", &at(&secret)]).exit(2), &["--env-url is missing"]);
    assert!(machine.home().is_null());
}

#[test]
fn a_relative_path_is_remembered_as_an_absolute_one() {
    let machine = Machine::new();
    let file = machine.file("secret", SECRET, 0o600);
    machine.login(&["--home", "file:./secret"]).ok();
    assert_eq!(machine.home()["file"], json!(file));
    let elsewhere = finish(machine.command("scalekit-auth").args(["token", "github"]).current_dir("/"), "").ok();
    assert_eq!(elsewhere.stdout, "token-1\n");
    says(&machine.login(&["--home", "file:~/secret"]).exit(2), &["file:$HOME/..."]);
    for home in ["file:", "file", "/etc/secret", "vault", ""] {
        says(&machine.login(&["--home", home]).exit(2), &["keyring, file:PATH or command"]);
    }
    says(&machine.login(&["--home", "keyring", "--allow-world-readable"]).exit(2), &["file:PATH"]);
}

#[test]
fn every_mode_is_refused_that_lets_others_write_or_everybody_read() {
    let (machine, file) = with_secret_file(Machine::new());
    let login_allowing = ["login", "--home", &at(&file), "--allow-world-readable"];
    for allowed in [false, true] {
        if allowed {
            set_mode(&file, 0o644);
            machine.run(&login_allowing).ok();
            assert_eq!(machine.home(), json!({"file": file, "written": false, "allow_world_readable": true}));
        }
        for mode in 0..=0o777 {
            if !is_root() && mode & 0o400 == 0 {
                continue;
            }
            set_mode(&file, mode);
            let status = machine.run(&["status"]);
            let fix = if mode & 0o022 != 0 {
                Some(format!("chmod go-w {}", file.display()))
            } else if mode & 0o004 != 0 && !allowed {
                Some(format!("chmod o-r {}", file.display()))
            } else {
                None
            };
            match fix {
                Some(fix) => says(&status.exit(4), &[&fix, &format!("(mode {mode:04o})")]),
                None => assert!(status.ok().stdout.contains("can be read"), "{mode:o}"),
            }
        }
    }
    set_mode(&file, 0o644);
    machine.works();
    // The permission is this file's alone and is not inherited.
    machine.run(&["login", "--home", &at(&file)]).exit(4);
    set_mode(&file, 0o664);
    machine.fails(&["its group or other users may write it (mode 0664)", "chmod go-w"]);
    machine.run(&login_allowing).exit(4);
    set_mode(&file, 0o440);
    machine.run(&["login", "--home", &at(&file)]).ok();
    set_mode(&file, 0o444);
    machine.fails(&["every user of this machine may read it (mode 0444)", "chmod o-r", "--allow-world-readable"]);
}

#[test]
fn the_owner_must_be_the_user_or_root() {
    const STRANGER: u32 = 4242;
    if !is_root() {
        eprintln!("not run: only root can give files away");
        return;
    }
    let (machine, file) = with_secret_file(Machine::new());
    chown(&file, Some(STRANGER), None).unwrap();
    machine.fails(&["it belongs to the user with the id 4242, neither to you nor to root", "chown", "chmod 600"]);

    let (machine, file) = with_secret_file(Machine::unprivileged());
    machine.works();
    let own = |owner: u32, group: u32, mode: u32| {
        chown(&file, Some(owner), Some(group)).unwrap();
        set_mode(&file, mode);
    };
    own(STRANGER, USER, 0o440);
    machine.fails(&["the user with the id 4242"]);
    own(0, USER, 0o440);
    machine.works();
    own(0, 0, 0o440);
    machine.fails(&["Permission denied"]);
    own(USER, USER, 0o400);
    machine.works();
    own(USER, USER, 0o040);
    machine.fails(&["Permission denied"]);
    own(USER, USER, 0o604);
    machine.fails(&["every user of this machine may read it"]);
    own(USER, USER, 0o600);
    set_mode(machine.world.home.path(), 0o300);
    machine.works();
}

#[test]
fn links_as_kubernetes_makes_them_are_followed_while_they_are_swapped() {
    let machine = Machine::new();
    let volume = machine.world.path("volume");
    let version = |name: &str, content: &str, mode: u32| {
        fs::create_dir_all(volume.join(name)).unwrap();
        let file = volume.join(name).join("secret");
        fs::write(&file, content).unwrap();
        set_mode(&file, mode);
        // As the kubelet does it: a link beside, renamed over.
        symlink(name, volume.join("..data_tmp")).unwrap();
        fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
    };
    version("..2026_01", SECRET, 0o440);
    symlink("..data/secret", volume.join("secret")).unwrap();
    let path = volume.join("secret");
    machine.login(&["--home", &at(&path)]).ok();
    machine.works();
    assert_eq!(machine.home()["file"], json!(path), "the link is remembered, not what it led to");

    machine.world.control(Control::RotateClientSecret { secret: "rotated-by-kubernetes".into() });
    machine.run(&["token", "github"]).exit(6);
    version("..2026_02", "rotated-by-kubernetes", 0o440);
    machine.works();
    version("..2026_03", "rotated-by-kubernetes", 0o644);
    machine.fails(&["every user of this machine may read it (mode 0644)", "defaultMode: 0440"]);
    version("..2026_04", "rotated-by-kubernetes", 0o460);
    machine.fails(&["may write it (mode 0460)"]);
    version("..2026_05", "rotated-by-kubernetes", 0o400);

    std::thread::scope(|scope| {
        let swapping = scope.spawn(|| {
            (0..2000).for_each(|round| version(&format!("..2027_{round}"), "rotated-by-kubernetes", 0o440));
        });
        while !swapping.is_finished() {
            machine.run(&["status"]).ok();
        }
    });
    machine.works();

    let link = |name: &str, to: &str| {
        symlink(to, machine.world.path(name)).unwrap();
        at(&machine.world.path(name))
    };
    let looping = link("loop", "loop");
    says(&machine.run(&["login", "--home", &looping]).exit(4), &["symbolic links"]);
    let readable = machine.file("readable", SECRET, 0o644);
    let to_readable = link("to-readable", readable.to_str().unwrap());
    says(&machine.run(&["login", "--home", &to_readable]).exit(4), &["every user of this machine may read it"]);
}

#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    let machine = Machine::new();
    fs::create_dir(machine.world.path("directory")).unwrap();
    let fifo = machine.world.path("fifo");
    finish(machine.command("mkfifo").args(["-m", "600"]).arg(&fifo), "").ok();
    let _listener = UnixListener::bind(machine.world.path("socket")).unwrap();
    set_mode(&machine.world.path("socket"), 0o600);
    let start = Instant::now();
    for (path, why) in [
        (machine.world.path("directory").as_path(), "it is not a regular file"),
        (&fifo, "it is not a regular file"),
        (Path::new("/dev/null"), "it is not a regular file"),
        (Path::new("/dev/zero"), "it is not a regular file"),
        (&machine.world.path("socket"), "No such device"),
        (&machine.world.path("directory/nothing/there"), "--client-secret-stdin"),
    ] {
        let got = machine.login(&["--home", &at(path)]);
        assert!(matches!(got.code, Some(2 | 4)) && got.stderr.contains(why), "{}: {got:?}", path.display());
    }
    assert!(machine.home().is_null());
    let (machine, file) = with_secret_file(machine);
    fs::remove_file(&file).unwrap();
    machine.fails(&["No such file or directory", &file.display().to_string()]);
    finish(machine.command("mkfifo").args(["-m", "600"]).arg(&file), "").ok();
    machine.fails(&["it is not a regular file"]);
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}

#[test]
fn what_is_neither_a_secret_nor_an_object_is_refused_without_being_shown() {
    let (machine, file) = with_secret_file(Machine::new());
    let two = format!("{SECRET}\n{SECRET}\n");
    let half = machine.object(SECRET).to_string();
    let partial = json!({"client_secret": SECRET}).to_string();
    for (content, why) in [
        (&b""[..], "there is nothing in it"),
        (b"\n\n", "there is nothing in it"),
        (two.as_bytes(), "more than one line"),
        (b"\xff\xfe\x00canary", "not plain text"),
        (b"canary\x1b[2J", "not plain text"),
        (&[b'a'; 64 * 1024 + 1], "larger than 64 KiB"),
        (&half.as_bytes()[..half.len() - 4], "not a JSON object with environment_url"),
        (partial.as_bytes(), "not a JSON object with environment_url"),
    ] {
        fs::write(&file, content).unwrap();
        machine.fails(&[why, &file.display().to_string()]);
        says(&machine.login(&["--home", &at(&file)]).exit(4), &[why]);
    }
    fs::write(&file, format!("{SECRET}\r\n")).unwrap();
    machine.works();
}
