//! Programs for files and requests, each with the lines that `setup` prints for it.

use crate::common::keyring::needed;
use crate::common::setup::{move_program, printed, write};
use crate::common::{Finished, World, finish};
use crate::serves;
use crate::site::Site;

/// A WebDAV folder with one file, for the token `tok-1`.
fn folder() -> Site {
    Site::start("Bearer tok-1", "Bearer realm=\"files\"", |_| {
        let entry = |path: &str, kind: &str| {
            format!(
                "<D:response><D:href>{path}</D:href><D:propstat><D:prop><D:resourcetype>{kind}</D:resourcetype>\
                 <D:getcontentlength>5</D:getcontentlength></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
            )
        };
        let entries = entry("/dav/", "<D:collection/>") + &entry("/dav/hello.txt", "");
        let list = format!("<?xml version=\"1.0\"?><D:multistatus xmlns:D=\"DAV:\">{entries}</D:multistatus>");
        vec![("/dav/".to_owned(), list.into_bytes()), ("/dav/hello.txt".to_owned(), b"hello".to_vec())]
    })
}

/// A world whose program is in this directory, and whose service is the site.
fn world(site: &Site, directory: &str) -> World {
    let world = World::new();
    serves(&world, &site.origin());
    move_program(&world, directory);
    world
}

/// What `setup` prints for a tool, with this URL.
fn lines(world: &World, directory: &str, tool: &str, url: &str) -> String {
    let printed = printed(world, directory, tool);
    assert!(printed.contains("https://HOST/PATH"), "{printed}");
    printed.replace("https://HOST/PATH", url)
}

/// Runs a program for at most 20 seconds. It shows the token nowhere.
#[track_caller]
fn quiet(world: &World, args: &[&str], input: &str) -> Finished {
    let mut command = world.command("timeout");
    command.arg("20").args(args).env("RESTIC_PASSWORD", "of the repository");
    let got = finish(&mut command, input);
    assert!(!got.stdout.contains("tok-1") && !got.stderr.contains("tok-1"), "{got:?}");
    got
}

#[test]
fn rclone_lists_a_folder_with_a_token() {
    let site = folder();
    let world = world(&site, "programs");
    let text = lines(&world, "programs", "rclone", &format!("{}/dav", site.origin()));
    write(&world.path(".config/rclone/rclone.conf"), &text);
    let got = quiet(&world, &[needed("rclone", "rclone"), "lsf", "files:"], "");
    assert!(got.code == Some(0), "{got:?} {:?}", site.seen());
    assert_eq!(got.stdout, "hello.txt\n");
    site.was_asked("PROPFIND /dav/ known");
}

#[test]
fn rclone_of_1_72_gets_a_path_with_a_space_in_quotes_of_its_own() {
    let site = folder();
    let world = world(&site, "my programs");
    let program = world.path("my programs/scalekit-auth").display().to_string();
    let text = printed(&world, "my programs", "rclone");
    assert!(text.contains(&format!("bearer_token_command = \"{program}\" token https://HOST/PATH\n")), "{text}");
    // Debian's is older there, but knows such quotes where a command tells the password of its configuration.
    let command = text.lines().find_map(|line| line.strip_prefix("bearer_token_command = ")).unwrap();
    let command = command.replace("https://HOST/PATH", &format!("{}/dav", site.origin()));
    let nonce = "A".repeat(64);
    write(
        &world.path("rclone.conf"),
        &format!("# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\n{nonce}\n"),
    );
    let args =
        ["rclone", "--config", "rclone.conf", "--ask-password=false", "--password-command", &command, "listremotes"];
    let before = world.sandbox.counts().tcp_connections;
    let got = quiet(&world, &args, "");
    assert!(world.sandbox.counts().tcp_connections > before, "{got:?}");
}

#[test]
fn restic_comes_to_a_folder_by_rclone() {
    let site = folder();
    let world = world(&site, "programs");
    let text = lines(&world, "programs", "restic", &format!("{}/dav", site.origin()));
    let (section, command) = text.split_once("# Then each time:\n").unwrap();
    write(&world.path(".config/rclone/rclone.conf"), section);
    let command: Vec<&str> = command.trim_end().split(' ').collect();
    assert_eq!(command[0], needed("restic", "restic"));
    // There is no repository.
    let got = quiet(&world, &command, "");
    assert!(got.code == Some(1), "{got:?}");
    assert!(site.seen().iter().any(|line| line.ends_with("/dav/FOLDER/config known")), "{got:?} {:?}", site.seen());
    assert!(site.seen().iter().all(|line| line.ends_with(" known")), "{:?}", site.seen());
}

#[test]
fn httpie_reads_the_header_from_a_pipe() {
    needed("http", "httpie");
    let site = folder();
    let world = world(&site, "my programs");
    let url = format!("{}/dav/hello.txt", site.origin());
    let text = lines(&world, "my programs", "httpie", &url).replace(" FILE", " body.txt");
    write(&world.path("body.txt"), "body");
    let commands: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    for (shell, command, seen) in
        [("sh", commands[0], "GET /dav/hello.txt known"), ("bash", commands[1], "POST /dav/hello.txt known")]
    {
        let got = quiet(&world, &[shell, "-c", command], "");
        assert!(got.code == Some(0), "{command}: {got:?} {:?}", site.seen());
        assert!(got.stdout.ends_with("hello"), "{got:?}");
        site.was_asked(seen);
    }
}
