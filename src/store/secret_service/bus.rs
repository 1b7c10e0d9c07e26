//! The few calls of the Secret Service that one item takes, over D-Bus. What is called "the specification" here is the
//! "Secret Service API Draft" of freedesktop.org; the headings of its sections stand beside the calls. Whatever answers is
//! outside input: only the types that the specification names are taken, and of a list only its first entry.
//!
//! A plain session, the algorithm that every service must have ("Transfer of Secrets", "Algorithm: plain"): the other one
//! guards nothing against a process of the same user, who may ask for the secret as well, and costs 5 ms of arithmetic.

use std::collections::HashMap;
use std::time::Duration;

use dbus::arg::{Arg, ArgType, Get, Iter, Variant};
use dbus::channel::{BusType, Channel};
use dbus::{Message, Path};

use super::problem::Problem;

const NAME: &str = "org.freedesktop.secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// What stands where there is no object and no prompt.
const NOTHING: &str = "/";
const CONTENT_TYPE: &str = "text/plain";
/// Longer than callers wait: it ends a thread that was left behind, not the call.
const REPLY_TIME: Duration = Duration::from_secs(3);
/// The longest secret in bytes.
const LARGEST: usize = 64 * 1024;

impl From<dbus::Error> for Problem {
    fn from(error: dbus::Error) -> Self {
        match error.name() {
            // "Errors".
            Some("org.freedesktop.Secret.Error.IsLocked") => Self::Locked,
            Some("org.freedesktop.Secret.Error.NoSuchObject") => Self::NoItem,
            Some("org.freedesktop.DBus.Error.NoReply" | "org.freedesktop.DBus.Error.TimedOut") => Self::Silent,
            Some(name) if name == "org.freedesktop.DBus.Error.ServiceUnknown" || name.contains(".Error.Spawn.") => {
                Self::NoService
            }
            _ => Self::Refused(error.message().unwrap_or("for no reason given").to_owned()),
        }
    }
}

/// The Secret Service of this user.
pub struct Service {
    channel: Channel,
    default: Path<'static>,
}

/// What a search finds.
pub struct Found {
    /// The first item whose secret can be read.
    pub unlocked: Option<Path<'static>>,
    /// Whether there are others, which cannot be read.
    pub some_locked: bool,
}

/// An open session; it ends with the connection.
pub struct Session(Path<'static>);

/// A session that was asked for: the number of that call.
pub struct Opening(u32);

impl Service {
    /// Connects to the session bus and finds the default collection ("Collections", `ReadAlias`).
    ///
    /// That comes before anything else for a reason of its own: gnome-keyring-daemon 42, when many ask at once, may not
    /// know a client yet whose first message it answers. `OpenSession` can abort it then; `ReadAlias` at worst finds
    /// nothing, for which reason nothing is believed only the second time.
    pub fn connect() -> Result<Self, Problem> {
        // The library's own words are about X11, which it would start a bus with.
        let channel = Channel::get_private(BusType::Session).map_err(|_| Problem::NoBus)?;
        let mut service = Self { channel, default: Path::from(NOTHING) };
        for _ in 0..2 {
            let reply = service.call(SERVICE_PATH, SERVICE, "ReadAlias", |message| message.append1("default"))?;
            service.default = path(&mut reply.iter_init())?;
            if *service.default != *NOTHING {
                return Ok(service);
            }
        }
        Err(Problem::NoCollection)
    }

    /// Whether the default collection is locked ("Locking and Unlocking", property `Locked`).
    pub fn is_locked(&self) -> Result<bool, Problem> {
        let reply = self.call(&self.default, PROPERTIES, "Get", |message| message.append2(COLLECTION, "Locked"))?;
        let Variant(locked) = read::<Variant<bool>>(&mut reply.iter_init())?;
        Ok(locked)
    }

    /// The items with these attributes in all collections ("Lookup Attributes", `SearchItems`). KeePassXC shows a dialog
    /// when everything is locked, so that is to be known before.
    pub fn search(&self, attributes: &HashMap<&str, &str>) -> Result<Found, Problem> {
        let reply = self.call(SERVICE_PATH, SERVICE, "SearchItems", |message| message.append1(attributes))?;
        let mut lists = reply.iter_init();
        let unlocked = first_path(&mut lists)?;
        lists.next();
        Ok(Found { unlocked, some_locked: first_path(&mut lists)?.is_some() })
    }

    /// Asks for a plain session ("Sessions", `OpenSession`) and returns at once: what is called next does not need it, and a
    /// round trip by way of the bus is saved.
    pub fn begin_session(&self) -> Result<Opening, Problem> {
        self.channel.send(open_session()?).map(Opening).map_err(|()| Problem::Silent)
    }

    /// The session. It is there already where the service answers one call after the other; elsewhere another one is opened.
    pub fn session(&self, opening: &Opening) -> Result<Session, Problem> {
        let mut there = std::iter::from_fn(|| self.channel.pop_message());
        let mut reply = match there.find(|message| message.get_reply_serial() == Some(opening.0)) {
            Some(reply) => reply,
            None => self.reply(open_session()?)?,
        };
        let mut results = reply.as_result()?.iter_init();
        // The output, empty for a plain session.
        results.next();
        path(&mut results).map(Session)
    }

    /// The secret of an item ("Items", `GetSecret`). What libdbus keeps of the reply is freed and not overwritten.
    pub fn secret(&self, item: &Path<'_>, session: &Session) -> Result<Vec<u8>, Problem> {
        let reply = self.call(item, ITEM, "GetSecret", |message| message.append1(&session.0))?;
        // "Types", structure Secret: session, parameters, value, content type.
        let (_, _, value, _) = read::<(Path<'_>, &[u8], &[u8], &str)>(&mut reply.iter_init())?;
        if value.len() > LARGEST {
            return Err(Problem::MalformedReply);
        }
        Ok(value.to_vec())
    }

    /// Gives an item another secret ("Items", `SetSecret`).
    pub fn set_secret(&self, item: &Path<'_>, session: &Session, secret: &[u8]) -> Result<(), Problem> {
        let secret = (&session.0, NO_PARAMETERS, secret, CONTENT_TYPE);
        self.call(item, ITEM, "SetSecret", |message| message.append1(secret)).map(drop)
    }

    /// A new item in the default collection, in the place of one with the same attributes ("Items", `CreateItem`).
    pub fn create(
        &self,
        label: &str,
        attributes: &HashMap<&str, &str>,
        session: &Session,
        secret: &[u8],
    ) -> Result<(), Problem> {
        let secret = (&session.0, NO_PARAMETERS, secret, CONTENT_TYPE);
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let properties: dbus::arg::PropMap = HashMap::from([
            (format!("{ITEM}.Label"), Variant(Box::new(label.to_owned()) as _)),
            (format!("{ITEM}.Attributes"), Variant(Box::new(attributes.collect::<HashMap<_, _>>()) as _)),
        ]);
        let replace = true;
        let reply =
            self.call(&self.default, COLLECTION, "CreateItem", |message| message.append3(properties, secret, replace))?;
        let mut results = reply.iter_init();
        path(&mut results)?;
        results.next();
        self.without_prompt(&path(&mut results)?)
    }

    /// Removes an item ("Items", `Delete`).
    pub fn delete(&self, item: &Path<'_>) -> Result<(), Problem> {
        let reply = self.call(item, ITEM, "Delete", |message| message)?;
        self.without_prompt(&path(&mut reply.iter_init())?)
    }

    /// Whatever would ask a person is given up ("Prompts", `Dismiss`): it counts as locked.
    fn without_prompt(&self, prompt: &Path<'_>) -> Result<(), Problem> {
        if **prompt == *NOTHING {
            return Ok(());
        }
        // It was never shown, so that nothing is lost if the service keeps it.
        let _ = self.call(prompt, PROMPT, "Dismiss", |message| message);
        Err(Problem::Locked)
    }

    fn call<'a>(
        &self,
        object: impl Into<Path<'a>>,
        interface: &str,
        method: &str,
        arguments: impl FnOnce(Message) -> Message,
    ) -> Result<Message, Problem> {
        self.reply(arguments(method_call(object, interface, method)?))
    }

    fn reply(&self, call: Message) -> Result<Message, Problem> {
        Ok(self.channel.send_with_reply_and_block(call, REPLY_TIME)?)
    }
}

fn open_session() -> Result<Message, Problem> {
    Ok(method_call(SERVICE_PATH, SERVICE, "OpenSession")?.append2("plain", Variant("")))
}

fn method_call<'a>(object: impl Into<Path<'a>>, interface: &str, method: &str) -> Result<Message, Problem> {
    Message::new_method_call(NAME, object, interface, method).map_err(Problem::Refused)
}

const SERVICE_PATH: &str = "/org/freedesktop/secrets";
/// Of a plain session.
const NO_PARAMETERS: &[u8] = &[];

fn read<'a, T: Arg + Get<'a>>(results: &mut Iter<'a>) -> Result<T, Problem> {
    results.get().ok_or(Problem::MalformedReply)
}

fn path(results: &mut Iter<'_>) -> Result<Path<'static>, Problem> {
    read::<Path<'_>>(results).map(Path::into_static)
}

/// The first entry of a list of object paths, however long it is.
fn first_path(results: &mut Iter<'_>) -> Result<Option<Path<'static>>, Problem> {
    let mut list = results.recurse(ArgType::Array).ok_or(Problem::MalformedReply)?;
    match list.arg_type() {
        ArgType::Invalid => Ok(None),
        _ => path(&mut list).map(Some),
    }
}
