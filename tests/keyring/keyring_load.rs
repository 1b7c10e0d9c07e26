//! Many processes at once read one gnome-keyring, which can abort when clients open their sessions carelessly. The bench
//! of the same name does this on a larger scale.

use crate::common::EXE;
use crate::common::keyring::{Desk, load};

#[test]
fn processes_that_read_at_once_all_get_the_secret_and_the_daemon_lives() {
    let mut desk = Desk::new();
    desk.login(&[], desk.world.sandbox.client_secret()).ok();
    let outcome = load::run(&mut desk, 8, 200, |desk| {
        let mut command = desk.command(EXE);
        command.arg("status");
        command
    });
    assert_eq!((outcome.failed, outcome.deaths), (0, 0), "{outcome:?}");
}
