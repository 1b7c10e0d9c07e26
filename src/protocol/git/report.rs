//! What git reports after a request: `store` and `erase`. Nothing is stored.

use std::time::Instant;

use super::serves;
use super::wire::{LONGEST_INPUT, Request};
use crate::broker::Broker;
use crate::cache::Entry;
use crate::error::{Error, Kind};
use crate::protocol::{Reply, Resolved, read_stdin};
use crate::refusals::{Refusals, Sent};
use crate::trace::step;

/// `store`: the server took the credential.
pub(super) fn accepted(deadline: Instant) -> Reply {
    // It has no answer, and a failure to take note is no failure of git's.
    let _ = take_note(true, deadline);
    Reply::done("")
}

/// `erase`: the server refused it.
pub(super) fn refused(deadline: Instant) -> Reply {
    let _ = take_note(false, deadline);
    Reply::done("")
}

/// `store` says that a server took the credential, `erase` that it refused it. Nothing is stored; what is erased is the
/// cache's copy of this very token, if there is one.
fn take_note(is_accepted: bool, deadline: Instant) -> Result<(), Error> {
    let request = Request::decode(read_stdin(LONGEST_INPUT)?.expose())
        .map_err(|error| Error::new(Kind::Usage, "the request is refused").why(error))?;
    let Some(target) = request.target() else { return Ok(()) };
    let origin = target.authority.to_string();
    let tokens = request.sent();
    let sent: Vec<Sent<'_>> = tokens
        .iter()
        .map(|(scheme, token)| Sent { origin: &origin, path: request.path(), scheme, token: token.expose() })
        .collect();
    // Its fingerprints tell what is ours, so a `store` needs no configuration.
    if let Some(mut refusals) = Refusals::open() {
        let note = |sent| if is_accepted { refusals.accepted(sent) } else { refusals.refused(sent) };
        let ours = sent.iter().map(note).filter(|is_ours| *is_ours).count();
        step!(
            "reported: {origin} {} a credential, {}",
            if is_accepted { "took" } else { "refused" },
            if ours > 0 { "which is one of ours and is noted" } else { "which is none that was handed out lately" }
        );
    }
    if !is_accepted {
        // After the note, which keeps others from putting it back.
        let broker = Broker::load(deadline)?;
        let username = request.username.as_deref();
        let found =
            Resolved::find(&broker, &target, username, |rule, account| serves(username, rule, &target, account))?;
        let Some(resolved) = found else { return Ok(()) };
        let is_named = |entry: &Entry| sent.iter().any(|sent| sent.token == entry.secret().expose());
        broker.evict(resolved.rule.service, is_named);
    }
    Ok(())
}
