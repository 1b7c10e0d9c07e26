//! `client rotate`: gives the API client of a service a new secret. A crash at any point leaves a secret that works where the
//! service looks for it, and enough beside it for the next run to finish or to undo.
//!
//! | step | afterwards there is |
//! |---|---|
//! | 1 | a note of the secrets that were there before |
//! | 2 | a new secret in the vault |
//! | 3 | the new secret stored beside the old one |
//! | 4 | the same, proven |
//! | 5 | the new secret in the old one's place |
//! | 6 | no old secret in the vault |
//! | 7 | no note, then nothing beside the new secret: a note without a secret beside means that step 3 was not done |

mod orphans;
mod under_way;

use std::fs::{File, TryLockError};
use std::path::Path;

use serde_json::json;

use super::selected::{self, Selected};
use super::{Done, Failed};
use crate::broker::Broker;
use crate::error::{Error, Kind, plain};
use crate::service::{Environment, HomeChoice};
use crate::suggest;
use crate::system::private_directory;
use under_way::UnderWay;

/// Beside the configuration's own lock, which is never held while the vault is asked.
const LOCK: &str = ".rotate-lock";

/// Give the API client of a service a new secret
///
/// The new secret is proven and stored before the old one is deleted, so that the service has one that works at every moment.
/// After an interruption the same command finishes what was begun, or undoes it.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The service
    service: String,
    /// Its organization, org_123, where neither the service nor its token says it
    #[arg(long = "org", value_name = "ORG")]
    organization: Option<String>,
    /// Leave the old secret in the vault, for other places that use it
    #[arg(long)]
    keep_old: bool,
}

/// What became of the old secret in the vault.
enum Old {
    Deleted(String),
    Kept,
    Unknown(String),
}

pub(super) fn run(arguments: &Arguments, broker: &Broker) -> Result<Done, Failed> {
    let _lock = lock(&broker.directory)?;
    let asked = selected::Arguments { client: arguments.service.clone(), organization: arguments.organization.clone() };
    let selected = Selected::find(&asked, broker)?;
    let Some((name, machine)) = selected.service.as_ref().map(|service| &service.name).zip(selected.machine()) else {
        return Err(Error::new(Kind::Usage, format!("no service stands for {}", arguments.service))
            .why("the new secret has to be stored where a service looks for it")
            .next(format!("{} makes one", suggest::config_client("SERVICE", &arguments.service)))
            .into());
    };
    let place = machine.environment();
    if !matches!(place.home, HomeChoice::Keyring | HomeChoice::File { written: true, .. }) {
        return Err(Error::new(Kind::Usage, format!("the secret of {name} cannot be replaced by us"))
            .why(format!("it is {}, where something else put it", place.home))
            .next(format!(
                "let that rotate it, or move it: {}",
                suggest::config_client(name, &machine.client_id).option("--home", "keyring").word("--secret-stdin")
            ))
            .into());
    }
    let rotation =
        UnderWay { selected: &selected, directory: &broker.directory, name, place: &place, next: next_of(&place) };
    let (note, resumed) = match rotation.begun()? {
        Some(note) => (note, true),
        None => (rotation.begin()?, false),
    };
    rotation.make_current()?;
    selected.forget_tokens();
    let old = rotation.drop_old(&note, arguments.keep_old)?;
    rotation.end()?;
    Ok(done(&selected, name, &place, old, resumed))
}

/// Where the new secret is stored until it takes the old one's place.
pub(super) fn next_of(place: &Environment) -> Environment {
    let mut next = place.clone();
    next.name.push_str("/next");
    if let HomeChoice::File { path, .. } = &mut next.home {
        path.as_mut_os_string().push(".next");
    }
    next
}

/// Two at once would each take the other's new secret for the leftover of a crash.
fn lock(directory: &Path) -> Result<File, Error> {
    let failed = |error: std::io::Error| {
        Error::new(Kind::Failed, format!("cannot lock {}", directory.join(LOCK).display())).why(error)
    };
    private_directory(directory).map_err(failed)?;
    let file = File::options().write(true).create(true).truncate(false).open(directory.join(LOCK)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::new(Kind::Failed, "another `client rotate` is under way")
            .next("wait until it has ended, then again")),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn done(selected: &Selected, name: &str, place: &Environment, old: Old, resumed: bool) -> Done {
    let mut text = String::new();
    if resumed {
        text += "A rotation that was broken off is finished now.\n";
    }
    text += &format!("{name} ({}) has a new secret, {}\n", selected.client_id, place.home);
    let (word, id, why) = match &old {
        Old::Deleted(id) => ("deleted", Some(id.as_str()), None),
        Old::Kept => ("kept", None, None),
        Old::Unknown(why) => ("unknown", None, Some(why.as_str())),
    };
    text += &match &old {
        Old::Deleted(id) => format!("the old one ({id}) is deleted\n"),
        Old::Kept => "the old one still works\n".to_owned(),
        Old::Unknown(why) => format!(
            "the old one is not deleted: {}; {} shows what is there, and Scalekit's dashboard deletes it\n",
            plain(why),
            suggest::client("secrets").word(name)
        ),
    };
    let object = json!({
        "service": name,
        "client_id": selected.client_id,
        "organization": selected.organization,
        "stored": place.home.to_string(),
        "old_secret": word,
        "old_secret_id": id,
        "old_secret_reason": why,
        "resumed": resumed,
    });
    Done { object, text }
}
