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
use crate::broker::Broker;
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
    left_out: impl FnMut(String),
) -> Result<Plan, Error> {
    let servers = servers::wanted(broker, client.name(), asked, left_out)?;
    let edit = Edit::open(&client.file()?)?;
    let existing = client.entries(&edit)?;
    let mut note = SetupRecords::load(&broker.directory)?.note(NOTES, edit.path()).unwrap_or_else(|| json!({}));
    if !edit.exists() {
        note["created_file"] = true.into();
    }
    let mut after = edit.before().to_owned();
    let mut in_turn: Vec<_> = servers.iter().collect();
    if client.puts_first() {
        in_turn.reverse();
    }
    for server in in_turn {
        let (name, entry) = (&server.name, client.entry(program, server));
        let changed = match existing.iter().find(|existing| existing.name == *name) {
            Some(existing) if existing.value == entry => continue,
            Some(existing) => {
                let is_noted = note["added"][name] == true || note["replaced"][name].is_string();
                if !is_noted && existing.program().is_none() && !replace {
                    return Err(Error::new(
                        Kind::Usage,
                        format!("{} has another MCP server named {name} already", client.title()),
                    )
                    .next("--replace puts ours in its place; `setup --undo` brings it back"));
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
    }
    Ok(Plan { edit, after, note, names: servers.into_iter().map(|server| server.name).collect() })
}

impl Plan {
    /// Notes what is about to change, then changes it.
    pub(super) fn carry_out(&self, broker: &Broker) -> Result<(), Error> {
        SetupRecords::put(&broker.directory, NOTES, self.edit.path(), Some(&self.note))?;
        self.edit.write(Some(&self.after))
    }
}

/// The change that takes our entries out again and brings back what they replaced; `None` if nothing was noted.
pub(super) fn undo(broker: &Broker, client: Client) -> Result<Option<(Edit, Option<String>)>, Error> {
    let edit = Edit::open(&client.file()?)?;
    let Some(note) = SetupRecords::load(&broker.directory)?.note(NOTES, edit.path()) else { return Ok(None) };
    if !edit.exists() {
        return Ok(Some((edit, None)));
    }
    let mut after = edit.before().to_owned();
    // What a person wrote over our entry since then is not ours.
    let ours: Vec<String> =
        client.entries(&edit)?.into_iter().filter(|entry| entry.program().is_some()).map(|entry| entry.name).collect();
    let names = |key: &str| note[key].as_object().cloned().unwrap_or_default().into_iter();
    let changed = |why: String| unreadable(edit.path(), why);
    for (name, _) in names("added").rev().filter(|(name, _)| ours.contains(name)) {
        after = client.remove(&after, &name, &note).map_err(changed)?;
    }
    for (name, old) in names("replaced").filter(|(name, _)| ours.contains(name)) {
        after = client.restore(&after, &name, old.as_str().unwrap_or_default()).map_err(changed)?;
    }
    let is_bare = after.trim().is_empty() || json_text::is_bare(&after);
    let after = match (is_bare, note["created_file"] == true, note["empty"].as_str()) {
        (true, true, _) => None,
        (true, _, Some(empty)) => Some(empty.to_owned()),
        _ => Some(after),
    };
    Ok(Some((edit, after)))
}

/// Forgets what was noted, once it is undone.
pub(super) fn forget(broker: &Broker, edit: &Edit) -> Result<(), Error> {
    Ok(SetupRecords::put(&broker.directory, NOTES, edit.path(), None)?)
}

/// What `status` says of a client: whether it would ask us for the MCP servers; nothing about one that is not here.
pub(in crate::commands) fn line(client: Client, servers: &[String]) -> Option<String> {
    let fix = suggest::setup(client.name()).line();
    let read = client.file().and_then(|file| Edit::open(&file)).and_then(|edit| client.entries(&edit));
    let entries = match read {
        Ok(entries) => entries,
        Err(error) => return Some(error.line()),
    };
    let ours: Vec<(String, PathBuf)> = entries
        .into_iter()
        .filter_map(|entry| Some((entry.program()?, entry.name)))
        .map(|(p, name)| (name, p))
        .collect();
    let title = client.title();
    if let Some((name, program)) = ours.iter().find(|(_, program)| !is_startable(program)) {
        return Some(format!("{title} is set up for {name}, but {} cannot be started; fix: {fix}", program.display()));
    }
    let names: Vec<&str> = ours.iter().map(|(name, _)| name.as_str()).collect();
    let missing: Vec<&str> = servers.iter().map(String::as_str).filter(|name| !names.contains(name)).collect();
    match (names.is_empty(), missing.is_empty()) {
        (true, true) => None,
        (true, false) if !client.is_installed() => None,
        (true, false) => Some(format!("{title} does not ask us for {}; fix: {fix}", missing.join(", "))),
        (false, true) => Some(format!("{title} asks us for {}", names.join(", "))),
        (false, false) => {
            Some(format!("{title} asks us for {}, not for {}; fix: {fix}", names.join(", "), missing.join(", ")))
        }
    }
}

fn is_startable(program: &Path) -> bool {
    match program.parent().is_some_and(|parent| !parent.as_os_str().is_empty()) {
        true => programs::is_startable(program),
        false => programs::on_path(&program.to_string_lossy()).next().is_some(),
    }
}
