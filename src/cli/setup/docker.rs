//! `setup docker`: one line for each registry in `credHelpers` of docker's config.json, which podman, skopeo, buildah,
//! nerdctl and helm read as well. `credsStore` is never touched: it would be asked for every registry.
//!
//! The file's text is edited, not rewritten, so that layout stays and `--undo` gives back every byte. What was put there
//! and what it replaced is noted in `setup.json` beside our other configuration.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::edit::Edit;
use crate::broker::Broker;
use crate::config::{self, Notes};
use crate::error::{Error, Kind};
use crate::resolve::rules;

/// The suffix of `docker-credential-scalekit`.
const HELPER: &str = "scalekit";

/// The change, and what has to be noted for its undoing.
pub(super) struct Plan {
    pub(super) edit: Edit,
    pub(super) after: String,
    note: Value,
    pub(super) registries: Vec<String>,
}

/// Plans the change for `registries`, by default those of all services; refuses where another helper is configured for
/// one of them, unless `replace`.
pub(super) fn plan(broker: &Broker, registries: &[String], replace: bool) -> Result<Plan, Error> {
    let edit = Edit::open(&file()?)?;
    let wanted = wanted(broker, registries)?;
    let mut note = Notes::load(&broker.directory)?.docker(edit.path()).unwrap_or_else(|| json!({}));
    let mut after = edit.before().to_owned();
    if !edit.exists() {
        after = "{\n}\n".into();
        note["created_file"] = true.into();
    }
    let unreadable = |why| unreadable(&edit, why);
    // Reads strictly first: a key that stands twice is found here.
    config::json::parse_as::<Map<String, Value>>(after.as_bytes()).map_err(unreadable)?;
    for registry in &wanted {
        let helpers = Helpers::find(&after).map_err(unreadable)?;
        match helpers.entry(registry) {
            Some((_, value)) if value == HELPER => {}
            Some((_, other)) if !replace => {
                return Err(Error::new(
                    Kind::Usage,
                    format!("docker asks another helper for {registry} already: {other}"),
                )
                .next("--replace puts ours in its place; `setup --undo` brings it back"));
            }
            Some((span, other)) => {
                note["replaced"][registry] = other.into();
                after.replace_range(span, &format!("\"{HELPER}\""));
            }
            None => {
                if helpers.span.is_none() {
                    note["created_key"] = true.into();
                }
                after = helpers.insert(&after, registry);
                note["added"][registry] = true.into();
            }
        }
    }
    Ok(Plan { edit, after, note, registries: wanted })
}

fn unreadable(edit: &Edit, why: serde_json::Error) -> Error {
    Error::new(Kind::NotConfigured, format!("{} cannot be read and is left as it is", edit.path().display())).why(why)
}

impl Plan {
    /// Notes what is about to change, then changes it.
    pub(super) fn carry_out(&self, broker: &Broker) -> Result<(), Error> {
        Notes::put_docker(&broker.directory, self.edit.path(), Some(&self.note))?;
        self.edit.write(Some(&self.after))
    }
}

/// The change that takes our lines out again and brings back what they replaced; `None` if nothing was noted.
pub(super) fn undo(broker: &Broker) -> Result<Option<(Edit, Option<String>)>, Error> {
    let edit = Edit::open(&file()?)?;
    let Some(note) = Notes::load(&broker.directory)?.docker(edit.path()) else { return Ok(None) };
    if !edit.exists() {
        return Ok(Some((edit, None)));
    }
    let unreadable = |why| unreadable(&edit, why);
    let names = |key: &str| note.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
    let mut after = edit.before().to_owned();
    // The last one in was put first, so the first one in goes last.
    for registry in names("added").keys().rev() {
        let helpers = Helpers::find(&after).map_err(unreadable)?;
        if let Some((span, HELPER)) = helpers.entry(registry) {
            after = without_member(&after, registry, span);
        }
    }
    for (registry, other) in names("replaced") {
        let helpers = Helpers::find(&after).map_err(unreadable)?;
        if let Some((span, HELPER)) = helpers.entry(&registry) {
            after.replace_range(span, &other.to_string());
        }
    }
    let helpers = Helpers::find(&after).map_err(unreadable)?;
    let is_empty = helpers.entries.is_empty();
    if let (Some(true), true, Some(span)) = (note["created_key"].as_bool(), is_empty, helpers.span.clone()) {
        after = without_member(&after, "credHelpers", span);
    }
    let is_ours = note["created_file"] == true && after.split_whitespace().collect::<String>() == "{}";
    Ok(Some((edit, (!is_ours).then_some(after))))
}

/// Forgets what was noted, once it is undone.
pub(super) fn forget(broker: &Broker, edit: &Edit) -> Result<(), Error> {
    Ok(Notes::put_docker(&broker.directory, edit.path(), None)?)
}

/// Which helper docker asks for `registry`, as far as `credHelpers` says.
pub fn helper_of(registry: &str) -> Option<String> {
    let edit = Edit::open(&file().ok()?).ok()?;
    let helpers = Helpers::find(edit.before()).ok()?;
    helpers.entry(registry).map(|(_, value)| value.to_owned())
}

/// `config.json` in `$DOCKER_CONFIG` or `~/.docker`.
fn file() -> Result<PathBuf, Error> {
    if let Some(directory) = std::env::var_os("DOCKER_CONFIG").filter(|path| !path.is_empty()) {
        return Ok(PathBuf::from(directory).join("config.json"));
    }
    let home =
        etcetera::home_dir().map_err(|error| Error::new(Kind::Failed, "there is no home directory").why(error))?;
    Ok(home.join(".docker/config.json"))
}

/// The registries of the configured services, as docker spells them. Docker asks for the host alone, so rules with a path
/// would never be met.
pub fn registries(broker: &Broker) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for rule in broker.services.iter().flat_map(rules).filter(|rule| rule.registry_username.is_some()) {
        let name = rule.pattern.authority().to_string();
        if rule.pattern.origin().is_some() && !rule.pattern.has_path() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn wanted(broker: &Broker, registries_asked: &[String]) -> Result<Vec<String>, Error> {
    let known = registries(broker);
    let missing = |name: &str| {
        Error::new(Kind::NotConfigured, format!("no configured service has the registry {name}"))
            .next("`scalekit-auth config SERVICE CONNECTION --host REGISTRY` if one should")
    };
    match registries_asked.iter().find(|name| !known.contains(name)) {
        Some(name) => Err(missing(name)),
        None if known.is_empty() => Err(Error::new(Kind::NotConfigured, "no configured service has a registry")
            .next("`scalekit-auth config SERVICE CONNECTION` first")),
        None if registries_asked.is_empty() => Ok(known),
        None => Ok(registries_asked.to_vec()),
    }
}

type Span = std::ops::Range<usize>;

/// Where `credHelpers` and its entries stand in the text.
struct Helpers<'a> {
    span: Option<Span>,
    entries: Vec<(String, Span, &'a str)>,
}

impl<'a> Helpers<'a> {
    fn find(text: &'a str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Top<'a> {
            #[serde(borrow, rename = "credHelpers", default)]
            helpers: Option<&'a RawValue>,
        }
        let span_of = |raw: &'a RawValue| {
            let start = raw.get().as_ptr() as usize - text.as_ptr() as usize;
            start..start + raw.get().len()
        };
        let top: Top<'a> = serde_json::from_slice(if text.trim().is_empty() { b"{}" } else { text.as_bytes() })?;
        let Some(raw) = top.helpers.filter(|raw| raw.get() != "null") else {
            return Ok(Self { span: None, entries: Vec::new() });
        };
        let values: std::collections::BTreeMap<String, &'a RawValue> = serde_json::from_slice(raw.get().as_bytes())?;
        let entries = values.into_iter().map(|(name, value)| (name, span_of(value), value.get().trim_matches('"')));
        Ok(Self { span: Some(span_of(raw)), entries: entries.collect() })
    }

    fn entry(&self, registry: &str) -> Option<(Span, &'a str)> {
        let found = self.entries.iter().find(|(name, ..)| name == registry);
        found.map(|(_, span, value)| (span.clone(), *value))
    }

    /// `text` with `registry` as the first entry, laid out like its neighbours.
    fn insert(&self, text: &str, registry: &str) -> String {
        let entry = format!("\"{registry}\": \"{HELPER}\"");
        match &self.span {
            Some(span) => with_member(text, span.start, &entry),
            None => with_member(text, text.find('{').unwrap_or(0), &format!("\"credHelpers\": {{{entry}}}")),
        }
    }
}

/// Puts `member` first into the object that opens at `brace`.
fn with_member(text: &str, brace: usize, member: &str) -> String {
    let (head, tail) = text.split_at(brace + 1);
    let layout = &tail[..tail.len() - tail.trim_start().len()];
    if tail.trim_start().starts_with('}') {
        format!("{head}{member}{tail}")
    } else {
        format!("{head}{layout}{member},{tail}")
    }
}

/// Takes the member `name` out, whose value stands at `value`: the reverse of [`with_member`], and valid JSON wherever the
/// member stands by now.
fn without_member(text: &str, name: &str, value: Span) -> String {
    let start = text[..value.start].rfind(&format!("\"{name}\"")).unwrap_or(value.start);
    let head = text[..start].trim_end();
    let after = &text[value.end..];
    if let Some(rest) = after.trim_start().strip_prefix(',') {
        return format!("{head}{rest}");
    }
    match head.strip_suffix(',') {
        Some(head) => format!("{}{after}", head.trim_end()),
        None => format!("{}{after}", &text[..start]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out_to_the_byte() {
        for text in [
            "{}",
            "{\n}\n",
            "{\"auths\": {}}",
            "{\n\t\"auths\": {\n\t\t\"x\": {}\n\t},\n\t\"credHelpers\": {\n\t\t\"gcr.io\": \"gcloud\"\n\t}\n}",
            "{ \"credHelpers\" : { } }",
            "{\"credHelpers\":{\"a\":\"b\"},\"credsStore\":\"pass\"}\n\n",
        ] {
            let before = Helpers::find(text).unwrap();
            let created = before.span.is_none();
            let mut now = before.insert(text, "ghcr.io");
            now = Helpers::find(&now).unwrap().insert(&now, "r.x:5000");
            let helpers = Helpers::find(&now).unwrap();
            assert_eq!(helpers.entry("ghcr.io").unwrap().1, HELPER, "{now}");
            config::json::parse(now.as_bytes()).unwrap();
            for registry in ["r.x:5000", "ghcr.io"] {
                let span = Helpers::find(&now).unwrap().entry(registry).unwrap().0;
                now = without_member(&now, registry, span);
            }
            if created {
                let span = Helpers::find(&now).unwrap().span.unwrap();
                now = without_member(&now, "credHelpers", span);
            }
            assert_eq!(now, text);
        }
    }

    #[test]
    fn a_member_is_taken_out_wherever_another_program_moved_it() {
        let text = "{\"credHelpers\": {\"a\": \"b\",\n \"ghcr.io\": \"scalekit\"}}";
        let span = Helpers::find(text).unwrap().entry("ghcr.io").unwrap().0;
        assert_eq!(without_member(text, "ghcr.io", span), "{\"credHelpers\": {\"a\": \"b\"}}");
    }
}
