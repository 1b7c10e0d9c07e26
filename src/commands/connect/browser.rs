//! Opening the person's browser, where there is one.

use std::io::IsTerminal;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::store::SECRET_VARIABLES;
use crate::system::{self, System};

/// How long an opener that fails takes to say so.
const FAILS_WITHIN: Duration = Duration::from_millis(500);

/// Whether a browser may be opened: somebody sits at a terminal, and nothing says otherwise.
pub(super) fn is_welcome() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let has_screen = System::HERE != System::Linux
        || ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "BROWSER"].into_iter().any(is_set);
    std::io::stderr().is_terminal() && has_screen && !is_set("CI") && !is_set("SCALEKIT_AUTH_NO_BROWSER")
}

/// Tries `$BROWSER`, then what the system opens pages with; `false` if none starts. None of them sees the client secret.
pub(super) fn open(link: &str) -> bool {
    let browsers = std::env::var("BROWSER").unwrap_or_default();
    let own = browsers.split(':').filter(|browser| !browser.is_empty()).filter_map(|browser| named(browser, link));
    own.chain(open::commands(link)).any(starts)
}

/// An entry of `$BROWSER`, whose `%s` is the link.
fn named(browser: &str, link: &str) -> Option<Command> {
    let mut words = browser.split_whitespace();
    let mut command = Command::new(words.next()?);
    let words: Vec<&str> = words.collect();
    if words.iter().any(|word| word.contains("%s")) {
        command.args(words.iter().map(|word| word.replace("%s", link)));
    } else {
        command.args(words).arg(link);
    }
    Some(command)
}

fn starts(mut command: Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    for name in SECRET_VARIABLES {
        command.env_remove(name);
    }
    // Ctrl-C at our terminal is not meant for the browser.
    system::detach(&mut command);
    let Ok(mut child) = command.spawn() else { return false };
    let start = Instant::now();
    while start.elapsed() < FAILS_WITHIN {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
            Err(_) => break,
        }
    }
    true
}
