//! `setup` of MCP clients: an entry for each MCP server in the client's own configuration, which asks us for headers or starts our
//! bridge.
//!
//! As docker's file, it is edited and not rewritten; what was put there and what it replaced is noted in `setup.json`.

mod clients;
mod json_text;
mod servers;
mod toml_text;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::edit::Edit;
use super::finding::Finding;
use crate::broker::{Broker, may_have};
use crate::config::SetupRecords;
use crate::error::{Error, Kind};
use crate::programs;
use crate::suggest;

use clients::unreadable;
pub(in crate::commands) use clients::{CLIENTS, Client};
pub(in crate::commands) use servers::known as known_servers;

/// The notes in setup.json.
const NOTES: &str = "mcp";

/// An entry that stands in a configuration.
struct Existing {
    name: String,
    /// Its value as it is spelled; in TOML the whole table.
    text: String,
    value: Value,
}

/// The change, and what has to be noted for its undoing.
pub(super) struct Plan {
    pub(super) edit: Edit,
    pub(super) after: String,
    note: Value,
    pub(super) names: Vec<String>,
}

/// Plans the entries; refuses where another server has the name, unless `replace`.
pub(super) fn plan(
    broker: &Broker,
    client: Client,
    program: &Path,
    asked: &[String],
    replace: bool,
    mut left_out: impl FnMut(String),
) -> Result<Plan, Error> {
    let servers = servers::wanted(broker, client.name(), asked, &mut left_out)?;
    let edit = Edit::open(&client.file()?)?;
    let existing = client.entries(&edit)?;
    let mut note = SetupRecords::load(&broker.directory)?.note(NOTES, edit.path()).unwrap_or_else(|| json!({}));
    if !edit.exists() {
        note["created_file"] = true.into();
    }
    let mut after = edit.before().to_owned();
    note["client"] = client.name().into();
    let mut names = Vec::new();
    let mut in_turn: Vec<_> = servers.iter().collect();
    if client.puts_first() {
        in_turn.reverse();
    }
    for server in in_turn {
        let (name, entry) = (&server.name, client.entry(program, server));
        let changed = match existing.iter().find(|existing| existing.name == *name) {
            Some(existing) if existing.value == entry => {
                names.push(name.clone());
                continue;
            }
            Some(existing) => {
                let is_noted = note["added"][name] == true || note["replaced"][name].is_string();
                if !is_noted && existing.program().is_none() && !replace {
                    let what = format!("{} has another MCP server named {name} already", client.title());
                    let error = Error::new(Kind::Usage, what)
                        .next("--replace puts ours in its place; `setup --undo` brings it back");
                    // One that nobody asked for by its name is not in the way of the others.
                    if !asked.is_empty() || servers.len() == 1 {
                        return Err(error);
                    }
                    left_out(format!("{name} is left out: {}", error.line()));
                    continue;
                }
                if !is_noted {
                    note["replaced"][name] = existing.text.as_str().into();
                }
                client.replace(&after, name, &entry)
            }
            None => {
                note["added"][name] = true.into();
                client.insert(&after, name, &entry, &mut note)
            }
        };
        after = changed.map_err(|why| unreadable(edit.path(), why))?;
        names.push(name.clone());
    }
    if client.puts_first() {
        names.reverse();
    }
    Ok(Plan { edit, after, note, names })
}

impl Plan {
    /// Notes what is about to change, then changes it.
    pub(super) fn carry_out(&self, broker: &Broker) -> Result<(), Error> {
        SetupRecords::put(&broker.directory, NOTES, self.edit.path(), Some(&self.note))?;
        self.edit.write(Some(&self.after))
    }
}

/// The changes that take our entries out again and bring back what they replaced, in each file that was set up. `told` hears what
/// else goes.
pub(super) fn undo(
    broker: &Broker,
    client: Client,
    mut told: impl FnMut(String),
) -> Result<Vec<(Edit, Option<String>)>, Error> {
    let own = Edit::open(&client.file()?)?;
    let noted = SetupRecords::load(&broker.directory)?.notes(NOTES);
    // A file elsewhere, where a variable named it then.
    let is_ours = |(path, note): &(PathBuf, Value)| path == own.path() || note["client"] == client.name();
    noted.into_iter().filter(is_ours).map(|(path, note)| undo_in(client, &path, &note, &mut told)).collect()
}

fn undo_in(
    client: Client,
    path: &Path,
    note: &Value,
    told: &mut impl FnMut(String),
) -> Result<(Edit, Option<String>), Error> {
    let edit = Edit::open(path)?;
    if !edit.exists() {
        return Ok((edit, None));
    }
    let mut after = edit.before().to_owned();
    // What a person wrote over our entry since then is not ours.
    let ours: Vec<Existing> = client.entries(&edit)?.into_iter().filter(|entry| entry.program().is_some()).collect();
    for entry in &ours {
        let server = servers::Server { name: entry.name.clone(), url: entry.url().unwrap_or_default().to_owned() };
        if entry.has_more_than(&client.entry(Path::new("scalekit-auth"), &server)) {
            told(format!("{} was added to in {}, which goes with it", entry.name, edit.path().display()));
        }
    }
    let is_ours = |name: &String| ours.iter().any(|entry| entry.name == *name);
    let names = |key: &str| note[key].as_object().cloned().unwrap_or_default().into_iter();
    let changed = |why: String| unreadable(edit.path(), why);
    for (name, _) in names("added").rev().filter(|(name, _)| is_ours(name)) {
        after = client.remove(&after, &name, note).map_err(changed)?;
    }
    for (name, old) in names("replaced").filter(|(name, _)| is_ours(name)) {
        after = client.restore(&after, &name, old.as_str().unwrap_or_default()).map_err(changed)?;
    }
    let is_bare = after.trim().is_empty() || json_text::is_bare(&after);
    let after = match (is_bare, note["created_file"] == true, note["empty"].as_str()) {
        (true, true, _) => None,
        (true, _, Some(empty)) => Some(empty.to_owned()),
        _ => Some(after),
    };
    Ok((edit, after))
}

/// Forgets what was noted, once it is undone.
pub(super) fn forget(broker: &Broker, edit: &Edit) -> Result<(), Error> {
    Ok(SetupRecords::put(&broker.directory, NOTES, edit.path(), None)?)
}

/// What `status` says of a client: whether it would ask us for the MCP servers; nothing about one that is not here.
pub(in crate::commands) fn line(broker: &Broker, client: Client, servers: &[String]) -> Option<Finding> {
    let set_up = suggest::setup(client.name());
    let read = client.file().and_then(|file| Edit::open(&file)).and_then(|edit| client.entries(&edit));
    let entries = match read {
        Ok(entries) => entries,
        Err(error) => return Some(Finding::unreadable(&error)),
    };
    let (ours, others): (Vec<Existing>, Vec<Existing>) =
        entries.into_iter().partition(|entry| entry.program().is_some());
    let title = client.title();
    for entry in &ours {
        let name = &entry.name;
        let is_service = broker.services.iter().any(|service| service.name == *name);
        if !is_service {
            return Some(Finding::wrong(
                format!("{title} asks us for {name}, which is no service any more"),
                set_up.word("--undo"),
            ));
        }
        if let Some(program) = entry.program().filter(|program| !is_startable(program)) {
            let again = entry.url().map_or(name.clone(), |url| format!("{name}={url}"));
            let text = format!("{title} is set up for {name}, but {} cannot be started", program.display());
            return Some(Finding::wrong(text, set_up.word(again)));
        }
    }
    let names: Vec<&str> = ours.iter().map(|entry| entry.name.as_str()).collect();
    let refusal = |name: &str| may_have(client.command(), broker.services.get(name)?).err();
    if let Some((name, error)) = names.iter().find_map(|name| Some((name, refusal(name)?))) {
        return Some(Finding::declined(title, name, &error));
    }
    let servers = servers.iter().map(String::as_str).filter(|name| refusal(name).is_none());
    let missing: Vec<&str> = servers.filter(|name| !names.contains(name)).collect();
    let is_taken = others.iter().any(|entry| missing.contains(&entry.name.as_str()));
    let fix = if is_taken { set_up.word("--replace") } else { set_up };
    match (names.is_empty(), missing.is_empty()) {
        (true, true) => None,
        (true, false) if !client.is_installed() => None,
        (true, false) => Some(Finding::missing(format!("{title} does not ask us for {}", missing.join(", ")), fix)),
        (false, true) => Some(Finding::good(format!("{title} asks us for {}", names.join(", ")))),
        (false, false) => {
            let text = format!("{title} asks us for {}, not for {}", names.join(", "), missing.join(", "));
            Some(Finding::missing(text, fix))
        }
    }
}

fn is_startable(program: &Path) -> bool {
    match program.parent().is_some_and(|parent| !parent.as_os_str().is_empty()) {
        true => programs::is_startable(program),
        false => programs::on_path(&program.to_string_lossy()).next().is_some(),
    }
}
