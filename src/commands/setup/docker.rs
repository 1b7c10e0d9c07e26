//! `setup docker`: one line for each registry in `credHelpers` of docker's config.json, which podman, skopeo, buildah,
//! nerdctl and helm read as well. `credsStore` is never touched: it would be asked for every registry.
//!
//! The file's text is edited, not rewritten, so that layout stays and `--undo` gives back every byte. What was put there
//! and what it replaced is noted in `setup.json` beside our other configuration.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::cred_helpers::{HELPER, Helpers, without_entry};
use super::edit::Edit;
use crate::broker::Broker;
use crate::config::{self, SetupRecords};
use crate::error::{Error, Kind};
use crate::protocol::docker::wire::{HUB_KEY, key_of};
use crate::resolve::rules;
use crate::service::Service;
use crate::suggest;
use crate::system::places::Places;

/// The notes in setup.json.
const NOTES: &str = "docker";

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
    let mut note = SetupRecords::load(&broker.directory)?.note(NOTES, edit.path()).unwrap_or_else(|| json!({}));
    let before = edit.exists().then(|| edit.before());
    let after = match with_helpers(before, &wanted, replace, &mut note) {
        Ok(Ok(after)) => after,
        Ok(Err(Taken { registry, helper })) => {
            return Err(Error::new(
                Kind::Usage,
                format!("docker asks another helper for {registry} already: {helper}"),
            )
            .next("--replace puts ours in its place; `setup --undo` brings it back"));
        }
        Err(why) => return Err(unreadable(&edit, why)),
    };
    Ok(Plan { edit, after, note, registries: wanted })
}

/// Another tool's helper for a registry.
struct Taken {
    registry: String,
    helper: String,
}

/// The text with our helper for each of `registries`, of which none stands twice, and what has to be noted for its undoing.
/// As for docker, a file of no bytes is an empty object.
fn with_helpers(
    before: Option<&str>,
    registries: &[String],
    replace: bool,
    note: &mut Value,
) -> Result<Result<String, Taken>, serde_json::Error> {
    let text = before.unwrap_or_default();
    if text.trim().is_empty() {
        match before {
            Some(text) => note["empty"] = text.into(),
            None => note["created_file"] = true.into(),
        }
        note["created_key"] = true.into();
        registries.iter().for_each(|registry| note["added"][registry] = true.into());
        return Ok(Ok(fresh(registries)));
    }
    // Reads strictly first: a key that stands twice is found here.
    config::json::parse_as::<Map<String, Value>>(text.as_bytes())?;
    let mut after = text.to_owned();
    for registry in registries {
        let helpers = Helpers::find(&after)?;
        match helpers.entry(registry) {
            Some((_, HELPER)) => {}
            Some((_, other)) if !replace => {
                return Ok(Err(Taken { registry: registry.clone(), helper: other.to_owned() }));
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
    Ok(Ok(after))
}

/// A new file, laid out as docker does it.
fn fresh(registries: &[String]) -> String {
    let entries: Vec<String> = registries.iter().map(|registry| format!("\t\t\"{registry}\": \"{HELPER}\"")).collect();
    format!("{{\n\t\"credHelpers\": {{\n{}\n\t}}\n}}\n", entries.join(",\n"))
}

fn unreadable(edit: &Edit, why: serde_json::Error) -> Error {
    Error::new(Kind::NotConfigured, format!("{} cannot be read and is left as it is", edit.path().display()))
        .why(why)
        .next(format!("correct {}, which docker cannot read either", edit.path().display()))
}

impl Plan {
    /// Notes what is about to change, then changes it.
    pub(super) fn carry_out(&self, broker: &Broker) -> Result<(), Error> {
        SetupRecords::put(&broker.directory, NOTES, self.edit.path(), Some(&self.note))?;
        self.edit.write(Some(&self.after))
    }
}

/// The change that takes our lines out again and brings back what they replaced; `None` if nothing was noted.
pub(super) fn undo(broker: &Broker) -> Result<Option<(Edit, Option<String>)>, Error> {
    let edit = Edit::open(&file()?)?;
    let Some(note) = SetupRecords::load(&broker.directory)?.note(NOTES, edit.path()) else { return Ok(None) };
    if !edit.exists() {
        return Ok(Some((edit, None)));
    }
    match without_helpers(edit.before(), &note) {
        Ok(after) => Ok(Some((edit, after))),
        Err(why) => Err(unreadable(&edit, why)),
    }
}

/// The reverse of [`with_helpers`]; `None` is a file that was not there.
fn without_helpers(text: &str, note: &Value) -> Result<Option<String>, serde_json::Error> {
    let names = |key: &str| note.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
    let mut after = text.to_owned();
    // The last one in was put first, so the first one in goes last.
    for registry in names("added").keys().rev() {
        let helpers = Helpers::find(&after)?;
        if let Some((span, HELPER)) = helpers.entry(registry) {
            after = without_entry(&after, registry, span);
        }
    }
    for (registry, other) in names("replaced") {
        let helpers = Helpers::find(&after)?;
        if let (Some((span, HELPER)), Some(other)) = (helpers.entry(&registry), other.as_str()) {
            after.replace_range(span, &format!("\"{other}\""));
        }
    }
    let helpers = Helpers::find(&after)?;
    let is_empty = helpers.entries.is_empty();
    if let (Some(true), true, Some(span)) = (note["created_key"].as_bool(), is_empty, helpers.span.clone()) {
        after = without_entry(&after, "credHelpers", span);
    }
    let is_bare = after.split_whitespace().collect::<String>() == "{}";
    Ok(match (is_bare, note["created_file"].as_bool(), note["empty"].as_str()) {
        (true, Some(true), _) => None,
        (true, _, Some(empty)) => Some(empty.to_owned()),
        _ => Some(after),
    })
}

/// Forgets what was noted, once it is undone.
pub(super) fn forget(broker: &Broker, edit: &Edit) -> Result<(), Error> {
    Ok(SetupRecords::put(&broker.directory, NOTES, edit.path(), None)?)
}

/// Which helper docker asks for `registry`: that of `credHelpers`, else of `credsStore` if that is ours. Another one there is for
/// all registries, and yields to `credHelpers`.
pub(super) fn helper_of(registry: &str) -> Result<Option<String>, Error> {
    let edit = Edit::open(&file()?)?;
    let helpers = Helpers::find(edit.before()).map_err(|why| unreadable(&edit, why))?;
    let of_all = || {
        let document: Value = serde_json::from_slice(edit.before().as_bytes()).ok()?;
        (document.get("credsStore")? == HELPER).then(|| HELPER.to_owned())
    };
    Ok(helpers.entry(registry).map(|(_, value)| value.to_owned()).or_else(of_all))
}

/// `config.json` in `$DOCKER_CONFIG` or `~/.docker`.
fn file() -> Result<PathBuf, Error> {
    if let Some(directory) = std::env::var_os("DOCKER_CONFIG").filter(|path| !path.is_empty()) {
        return Ok(PathBuf::from(directory).join("config.json"));
    }
    Ok(Places::here()?.home(".docker/config.json"))
}

/// The registries of `services`, as docker spells them. Docker asks for the host alone, so rules with a path
/// would never be met.
pub(in crate::commands) fn registries<'a>(services: impl Iterator<Item = &'a Service>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for rule in services.flat_map(rules).filter(|rule| rule.registry_username.is_some()) {
        let name = key_of(&rule.pattern.authority().to_string()).to_owned();
        if rule.pattern.origin().is_some() && !rule.pattern.has_path() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn wanted(broker: &Broker, registries_asked: &[String]) -> Result<Vec<String>, Error> {
    let known = registries(broker.services.iter());
    let missing = |name: &str| {
        Error::new(Kind::NotConfigured, format!("no configured service has the registry {name}"))
            .next(format!("{} if one should", suggest::config_host("REGISTRY")))
    };
    let mut asked: Vec<String> = Vec::new();
    for name in registries_asked.iter().map(|name| spelled(name)) {
        if !asked.contains(&name) {
            asked.push(name);
        }
    }
    match asked.iter().find(|name| !known.contains(name)) {
        Some(name) => Err(missing(name)),
        None if known.is_empty() => Err(Error::new(Kind::NotConfigured, "no configured service has a registry")
            .next(format!("{} first", suggest::config_new("SERVICE")))),
        None if asked.is_empty() => Ok(known),
        None => Ok(asked),
    }
}

/// A registry as docker's configuration spells it.
pub(in crate::commands) fn spelled(name: &str) -> String {
    let place = name.strip_prefix("https://").unwrap_or(name);
    let host = place.split('/').next().unwrap_or_default();
    match key_of(host) {
        HUB_KEY => HUB_KEY.to_owned(),
        _ => place.trim_end_matches('/').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
                now = without_entry(&now, registry, span);
            }
            if created {
                let span = Helpers::find(&now).unwrap().span.unwrap();
                now = without_entry(&now, "credHelpers", span);
            }
            assert_eq!(now, text);
        }
    }

    #[test]
    fn a_member_is_taken_out_wherever_another_program_moved_it() {
        let text = "{\"credHelpers\": {\"a\": \"b\",\n \"ghcr.io\": \"scalekit\"}}";
        let span = Helpers::find(text).unwrap().entry("ghcr.io").unwrap().0;
        assert_eq!(without_entry(text, "ghcr.io", span), "{\"credHelpers\": {\"a\": \"b\"}}");
    }

    #[test]
    fn a_new_file_is_laid_out_as_docker_does_it_and_an_empty_one_is_an_object() {
        let wanted = ["ghcr.io".to_owned(), "r.x:5000".to_owned()];
        for before in [None, Some(""), Some(" \n")] {
            let mut note = json!({});
            let Ok(Ok(text)) = with_helpers(before, &wanted, false, &mut note) else { panic!("{before:?}") };
            let entries = "\t\t\"ghcr.io\": \"scalekit\",\n\t\t\"r.x:5000\": \"scalekit\"";
            assert_eq!(text, format!("{{\n\t\"credHelpers\": {{\n{entries}\n\t}}\n}}\n"));
            assert_eq!(without_helpers(&text, &note).unwrap().as_deref(), before);
        }
    }

    proptest! {
        #[test]
        fn an_undo_after_any_set_ups_gives_back_every_byte(
            before in prop_oneof![
                Just(None),
                Just(Some(String::new())),
                "(\\{\\}|\\{ \\}\n|\\{\n\t\"auths\": \\{\\}\n\\})".prop_map(Some),
                "\\{(\n\t|)\"credHelpers\": ?\\{(\n|)\"a\\.b\": ?\"gcloud\"(, \"c\\.d\":\"x\\\\/y\"|)\\}(\n|)\\}\n?".prop_map(Some),
            ],
            set_ups in proptest::collection::vec(
                (proptest::collection::btree_set("(a\\.b|c\\.d|e\\.f|https://index\\.docker\\.io/v1/)", 1..4), any::<bool>()), 1..5),
        ) {
            let (mut text, mut note) = (before.clone(), json!({}));
            for (registries, replace) in set_ups {
                let registries: Vec<String> = registries.into_iter().collect();
                let mut noted = note.clone();
                if let Ok(after) = with_helpers(text.as_deref(), &registries, replace, &mut noted).unwrap() {
                    config::json::parse(after.as_bytes()).unwrap();
                    for registry in &registries {
                        prop_assert_eq!(Helpers::find(&after).unwrap().entry(registry).unwrap().1, HELPER);
                    }
                    (text, note) = (Some(after), noted);
                }
            }
            let after = text.map_or(Ok(None), |text| without_helpers(&text, &note)).unwrap();
            prop_assert_eq!(after, before);
        }
    }
}
