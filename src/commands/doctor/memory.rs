//! Where tokens may rest, and where it is noted for a moment what servers refused.

use super::check::Check;
use crate::broker::Broker;
use crate::{cache, runtime};

/// The links.
pub(super) const NAMES: [&str; 2] = ["cache", "runtime"];

pub(super) fn look(broker: &Broker) -> [Check; 2] {
    [cache(broker), runtime()]
}

fn cache(broker: &Broker) -> Check {
    const NAME: &str = NAMES[0];
    let limits = broker.environments.cache;
    if cache::is_switched_off() {
        return Check::note(NAME, "SCALEKIT_AUTH_CACHE switches it off for this call", "`unset SCALEKIT_AUTH_CACHE`");
    }
    if !cache::is_available() {
        let found = "this kernel offers no memory for tokens here, so that the vault is asked every time";
        return Check::note(NAME, found, "none is needed; on Linux the calls add_key and keyctl have to be allowed");
    }
    Check::ok(NAME, format!("accounts rest for at most {} s, clients for {} s", limits.account, limits.client))
}

fn runtime() -> Check {
    const NAME: &str = NAMES[1];
    let (directory, is_usable) = runtime::place();
    let shown = directory.display();
    if is_usable {
        return Check::ok(NAME, format!("{shown}"));
    }
    let found = format!("{shown} is not there, or not yours alone, so that nobody remembers which tokens were refused");
    Check::note(NAME, found, "`export XDG_RUNTIME_DIR=DIRECTORY` with a directory of yours of the mode 0700")
}
