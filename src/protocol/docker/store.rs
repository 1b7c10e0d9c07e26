//! `store`, after `docker login`: nothing is stored.

use std::time::Instant;

use subtle::ConstantTimeEq;

use super::read;
use super::wire::{self, Key, Login, NO_SERVER_URL, NO_USERNAME, key_of};
use crate::broker::Broker;
use crate::error::{Error, Kind};
use crate::protocol::{Reply, driver::find};
use crate::refusals::{Refusals, Sent};
use crate::suggest;

/// Makes `store` of what is not the account's own token succeed, storing nothing all the same.
const IGNORE_STORE: &str = "SCALEKIT_AUTH_IGNORE_STORE";

/// The answer to `store`.
pub(super) fn store(deadline: Instant) -> Reply {
    match answered(deadline) {
        Err(refusal) if !ignores_store() => Reply::failed(refusal),
        _ => Reply::done(""),
    }
}

/// Nothing is ever stored. What we answered a moment ago is acknowledged, because `docker login` brings it back; the
/// error is all that stdout gets otherwise.
fn answered(deadline: Instant) -> Result<(), String> {
    let refused = |error: wire::Error| match error {
        wire::Error::NoServerUrl => NO_SERVER_URL.to_owned(),
        wire::Error::NoUsername => NO_USERNAME.to_owned(),
        error => line(&nothing_stored(Kind::Usage).why(format!("the request is refused because {error}"))),
    };
    let login =
        read().map_err(|error| line(&error)).and_then(|input| Login::decode(input.expose()).map_err(refused))?;
    let key = Key::decode(login.server_url.as_bytes()).map_err(refused)?;
    let broker = Broker::load(deadline).map_err(|error| line(&error))?;
    let place = key_of(&key.targets[0].authority.to_string()).to_owned();
    let Some((_, resolved)) = find(&broker, &key).map_err(|error| line(&error))? else {
        let error = nothing_stored(Kind::NotConfigured)
            .why(format!("scalekit-auth keeps no passwords, and no configured service answers for {place}"))
            .next(format!(
                "{} lets one; to store a password elsewhere, remove {place} from credHelpers in docker's config.json",
                suggest::config_host(&place)
            ));
        return Err(line(&error));
    };
    let sent = Sent { token: login.secret.expose(), ..resolved.sent(None, "basic") };
    if Refusals::open().is_some_and(|refusals| refusals.was_answered(&sent)) {
        return Ok(());
    }
    // A token that another command of ours gave, such as `token`, is as much the account's own.
    let own = resolved.token(&broker, None, |_, _| true).map(|(token, _)| token.credential.secret().clone());
    match own {
        Ok(own) if bool::from(own.expose().as_bytes().ct_eq(login.secret.expose().as_bytes())) => return Ok(()),
        Ok(_) => {}
        Err(error) => return Err(line(&nothing_stored(error.kind()).why(error.line()))),
    }
    let name = &resolved.rule.service.name;
    let error = nothing_stored(Kind::Usage)
        .why(format!(
            "scalekit-auth keeps no passwords, and the token for {place} comes from the vault (service {name})"
        ))
        .next(format!(
            "{} chooses another account; to use a password, remove {place} from credHelpers in docker's config.json",
            suggest::config_new(name)
        ));
    Err(line(&error))
}

/// Whether a `store` that stores nothing shall be no failure, for scripts whose `docker login` cannot be left out.
fn ignores_store() -> bool {
    std::env::var_os(IGNORE_STORE).is_some_and(|value| !["", "0", "false"].contains(&value.to_string_lossy().trim()))
}

fn nothing_stored(kind: Kind) -> Error {
    Error::new(kind, "nothing was stored")
}

fn line(error: &Error) -> String {
    format!("scalekit-auth: {}\n", error.line())
}
