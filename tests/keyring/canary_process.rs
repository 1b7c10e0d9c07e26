//! No trace of a process shows a secret to anybody else.

use std::fs;
use std::os::unix::process::ExitStatusExt;

use crate::common::canary::{REFRESH, SECRET, TOKEN, TOKEN_ROUTE, look_at_files, pending, shown, world};
use crate::common::keyring::{Desk, Killed, needed, until};
use crate::common::user::User;
use crate::common::{EXE, files_below};

#[test]
fn proc_shows_no_secret_of_a_running_process() {
    let desk = Desk::with(world());
    desk.login(&[], SECRET).ok();
    let child = pending(&desk.world, desk.command(EXE).args(["token", "github"]));
    let issued = desk.world.sandbox.client_tokens();
    let secrets: Vec<&str> = [SECRET, TOKEN, REFRESH].into_iter().chain(issued.iter().map(String::as_str)).collect();
    for name in ["cmdline", "environ", "comm", "status"] {
        // Only root may read some of it, which is as good.
        let content = fs::read(format!("/proc/{}/{name}", child.0.id())).unwrap_or_default();
        assert_eq!(shown(&content, &secrets), None, "{name}");
    }
    look_at_files(&desk.world, "while it runs", &secrets);
}

#[test]
fn an_aborted_process_leaves_no_core() {
    let user = User::with(world());
    let abort = |mut child: Killed| {
        child.signal("ABRT");
        child.0.wait().unwrap()
    };
    let with_cores = |program: &str| {
        let mut shell = user.command(needed("bash", "bash"));
        shell.args(["-c", "ulimit -c \"$(ulimit -H -c)\"; exec \"$@\"", "bash", program]);
        shell
    };
    let other = Killed(with_cores("sleep").arg("60").spawn().unwrap());
    let name = format!("/proc/{}/comm", other.0.id());
    until("sleep runs", || fs::read_to_string(&name).is_ok_and(|name| name == "sleep\n"));
    assert!(abort(other).core_dumped(), "this machine writes no core of any process, so this test shows nothing");
    let mut cores = files_below(user.world.home.path());
    cores.retain(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("core")));
    cores.iter().for_each(|core| fs::remove_file(core).unwrap());
    // The second one has its client token from the cache, and both ask for the account.
    let files =
        || files_below(user.world.home.path()).into_iter().filter(|file| !file.starts_with(user.world.path("run")));
    let before: Vec<_> = files().collect();
    for _ in 0..2 {
        let status = abort(pending(&user.world, with_cores("scalekit-auth").args(["token", "github"])));
        assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
        assert_eq!(files().collect::<Vec<_>>(), before);
    }
    assert_eq!(user.world.count(TOKEN_ROUTE), 1);
}

#[test]
fn no_other_process_of_the_same_user_looks_inside() {
    let world = world();
    let open = world.copy_for_everybody();
    // Root may look everywhere, so that the user has to be another one.
    let as_user = |program: &str| world.command_as_another(open.path(), program);
    let reads = |child: &Killed, name: &str| {
        let mut command = as_user("dd");
        command.arg(format!("if=/proc/{}/{name}", child.0.id())).args(["bs=1", "count=1"]);
        let output = command.output().unwrap();
        // What stands at the first address cannot be read, but that is found out only after opening.
        output.status.success() || !String::from_utf8_lossy(&output.stderr).contains("Permission denied")
    };
    let sleep = Killed(as_user("sleep").arg("60").spawn().unwrap());
    until("sleep runs and can be looked into", || reads(&sleep, "environ"));
    let exe = open.path().join("exe");
    let child = pending(&world, as_user(exe.to_str().unwrap()).args(["token", "github"]));
    for name in ["environ", "mem", "maps"] {
        assert!(!reads(&child, name), "{name}");
    }
}
