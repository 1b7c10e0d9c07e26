//! Entries of one object in the text of a JSON file with comments, put in and taken out in place: layout and comments stay.

use jsonc_parser::ast::{Object, Value as Node};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Value, json};

use super::Existing;
use crate::commands::setup::member::{Span, with_member, without_member};

/// As editors read their settings: with comments and trailing commas, and otherwise strictly.
const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_loose_object_property_names: false,
    allow_trailing_commas: true,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// The entries of the object `key`, which may be missing.
pub(super) fn entries(text: &str, key: &str) -> Result<Vec<Existing>, String> {
    let top = top(text)?;
    let Some((_, object)) = object(&top, key)? else { return Ok(Vec::new()) };
    let names: Vec<&str> = object.properties.iter().map(|entry| entry.name.as_str()).collect();
    if let Some(name) = names.iter().find(|name| names.iter().filter(|other| other == name).count() > 1) {
        return Err(format!("{name} stands there twice"));
    }
    let entries = object.properties.iter().map(|entry| Existing {
        name: entry.name.as_str().to_owned(),
        text: text[entry.value.start()..entry.value.end()].to_owned(),
        value: entry.value.clone().into(),
    });
    Ok(entries.collect())
}

/// `text` with the entry `name` as the first of the object `key`; what has to be known for its undoing goes into `note`.
pub(super) fn insert(text: &str, key: &str, name: &str, entry: &Value, note: &mut Value) -> Result<String, String> {
    if text.trim().is_empty() {
        note["empty"] = text.into();
        note["created_key"] = true.into();
        return Ok(laid_out(&json!({key: {name: entry}}), "", "  ") + "\n");
    }
    let top = top(text)?;
    let unit = indent_in(text, &top).unwrap_or("  ").to_owned();
    let Some((_, object)) = object(&top, key)? else {
        note["created_key"] = true.into();
        return Ok(put_first(text, &top, "", &unit, key, &json!({name: entry}), note));
    };
    let brace_indent = indent_of_line(text, object.start());
    Ok(put_first(text, object, brace_indent, &unit, name, entry, note))
}

/// `text` with another value for an entry that is there.
pub(super) fn replace(text: &str, key: &str, name: &str, entry: &Value) -> Result<String, String> {
    let top = top(text)?;
    let unit = indent_in(text, &top).unwrap_or("  ").to_owned();
    let Some(span) = span_of_value(&top, key, name)? else { return Ok(text.to_owned()) };
    let indent = indent_of_line(text, span.start);
    let value = match text[..span.start].contains('\n') {
        true => with_line_ends(text, &laid_out(entry, indent, &unit)),
        false => entry.to_string(),
    };
    Ok(with_value(text, span, &value))
}

/// `text` with this text as the value of an entry that is there.
pub(super) fn restore(text: &str, key: &str, name: &str, value: &str) -> Result<String, String> {
    let top = top(text)?;
    Ok(match span_of_value(&top, key, name)? {
        Some(span) => with_value(text, span, value),
        None => text.to_owned(),
    })
}

/// The reverse of [`insert`].
pub(super) fn remove(text: &str, key: &str, name: &str, note: &Value) -> Result<String, String> {
    let removed = |text: &str, whole: Span| {
        let is_inside = |object: &Object<'_>| object.start() < whole.start && whole.end < object.end();
        let parsed = top(text)?;
        // The innermost object that the entry stands in, by its braces once the entry is gone.
        let inner = object(&parsed, key)?.map(|(_, inner)| inner).filter(|inner| is_inside(inner));
        let is_only = inner.unwrap_or(&parsed).properties.len() == 1;
        let (from, end) = inner.map_or((parsed.start(), parsed.end()), |inner| (inner.start(), inner.end()));
        let mut after = without_member(text, whole);
        let left = end - (text.len() - after.len());
        if let (true, Some(inside)) = (is_only, note["inside"].as_str())
            && after[from + 1..left - 1].trim() == inside.trim()
        {
            after.replace_range(from + 1..left - 1, inside);
        }
        Ok::<_, String>(after)
    };
    let Some(whole) = span_of_entry(&top(text)?, key, name)? else { return Ok(text.to_owned()) };
    let after = removed(text, whole)?;
    let parsed = top(&after)?;
    match object(&parsed, key)? {
        Some((whole, object)) if note["created_key"] == true && object.properties.is_empty() => {
            let is_bare = after[object.start() + 1..object.end() - 1].trim().is_empty();
            if is_bare { removed(&after, whole) } else { Ok(after.clone()) }
        }
        _ => Ok(after.clone()),
    }
}

/// Whether nothing is left in it but braces.
pub(super) fn is_bare(text: &str) -> bool {
    text.split_whitespace().collect::<String>() == "{}"
}

fn top(text: &str) -> Result<Object<'_>, String> {
    let parsed = parse_to_ast(text, &CollectOptions::default(), &OPTIONS).map_err(|error| error.to_string())?;
    match parsed.value {
        Some(Node::Object(object)) => Ok(object),
        _ => Err("it holds no object".to_owned()),
    }
}

/// The object that is the value of `key`, and where the whole member stands.
fn object<'b, 'a>(top: &'b Object<'a>, key: &str) -> Result<Option<(Span, &'b Object<'a>)>, String> {
    let mut found = top.properties.iter().filter(|member| member.name.as_str() == key);
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(format!("{key} stands there twice")),
        (Some(member), None) => match &member.value {
            Node::Object(object) => Ok(Some((member.start()..member.end(), object))),
            _ => Err(format!("{key} is not an object")),
        },
    }
}

fn span_of_entry(top: &Object<'_>, key: &str, name: &str) -> Result<Option<Span>, String> {
    let Some((_, object)) = object(top, key)? else { return Ok(None) };
    let found = object.properties.iter().find(|entry| entry.name.as_str() == name);
    Ok(found.map(|entry| entry.start()..entry.end()))
}

fn span_of_value(top: &Object<'_>, key: &str, name: &str) -> Result<Option<Span>, String> {
    let Some((_, object)) = object(top, key)? else { return Ok(None) };
    let found = object.properties.iter().find(|entry| entry.name.as_str() == name);
    Ok(found.map(|entry| entry.value.start()..entry.value.end()))
}

fn with_value(text: &str, span: Span, value: &str) -> String {
    format!("{}{value}{}", &text[..span.start], &text[span.end..])
}

/// Puts a member first into `object`, laid out as its neighbours are; one that has none is spread over lines.
fn put_first(
    text: &str,
    object: &Object<'_>,
    brace_indent: &str,
    unit: &str,
    name: &str,
    value: &Value,
    note: &mut Value,
) -> String {
    let (open, close) = (object.start() + 1, object.end() - 1);
    let inside = &text[open..close];
    let member = |indent: &str| {
        let value = with_line_ends(text, &laid_out(value, indent, unit));
        format!("{}: {value}", Value::from(name))
    };
    if object.properties.is_empty() {
        let (indent, end) = (format!("{brace_indent}{unit}"), line_end(text));
        note["inside"] = inside.into();
        let rest = if inside.trim().is_empty() { format!("{end}{brace_indent}") } else { inside.to_owned() };
        return format!("{}{end}{indent}{}{rest}{}", &text[..open], member(&indent), &text[close..]);
    }
    let layout = &inside[..inside.len() - inside.trim_start().len()];
    let member = match layout.rsplit_once('\n') {
        Some((_, indent)) => member(indent),
        None => format!("{}: {value}", Value::from(name)),
    };
    with_member(text, object.start(), &member)
}

/// The indentation of an object's first member, where that stands on a line of its own.
fn indent_in<'a>(text: &'a str, object: &Object<'_>) -> Option<&'a str> {
    let first = object.properties.first()?.start();
    let indent = indent_of_line(text, first);
    (text[..first].ends_with(indent) && text[object.start()..first].contains('\n')).then_some(indent)
}

/// The blanks that the line begins with in which `at` is.
fn indent_of_line(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = &text[start..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

fn with_line_ends(text: &str, value: &str) -> String {
    value.replace('\n', line_end(text))
}

/// A value over several lines, of which all but the first begin with `indent`.
fn laid_out(value: &Value, indent: &str, unit: &str) -> String {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(unit.as_bytes()));
    // Strings and objects of our own always have a text.
    let _ = serde::Serialize::serialize(value, &mut serializer);
    String::from_utf8_lossy(&bytes).replace('\n', &format!("\n{indent}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "mcpServers";

    fn entry(url: &str) -> Value {
        json!({"command": "/usr/bin/scalekit-auth", "args": ["mcp", url]})
    }

    #[test]
    fn an_entry_is_laid_out_as_its_neighbours_are() {
        let put = |text: &str| insert(text, KEY, "a", &json!({"url": "u"}), &mut json!({})).unwrap();
        assert_eq!(put(""), "{\n  \"mcpServers\": {\n    \"a\": {\n      \"url\": \"u\"\n    }\n  }\n}\n");
        assert_eq!(
            put("{\n\t// why\n\t\"x\": 1\n}\n"),
            "{\n\t\"mcpServers\": {\n\t\t\"a\": {\n\t\t\t\"url\": \"u\"\n\t\t}\n\t},\n\t// why\n\t\"x\": 1\n}\n"
        );
        assert_eq!(
            put("{\r\n  \"mcpServers\": {},\r\n}"),
            "{\r\n  \"mcpServers\": {\r\n    \"a\": {\r\n      \"url\": \"u\"\r\n    }\r\n  },\r\n}"
        );
        assert_eq!(put("{\"mcpServers\":{\"b\":{}}}"), "{\"mcpServers\":{\"a\": {\"url\":\"u\"},\"b\":{}}}");
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["[]", "{", "{\"mcpServers\": []}", "{\"mcpServers\": {}, \"mcpServers\": {}}", "{'a': 1}", "null"]
        {
            assert!(insert(text, KEY, "a", &json!({}), &mut json!({})).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_put_in_comes_out_to_the_byte(
            head in "(// [a-z{}]{0,4}\n|/\\* [a-z\"]{0,3} \\*/)?",
            blanks in proptest::collection::vec("( |\t|\r?\n| // [a-z,}]{0,3}\n){0,3}", 8),
            members in 0usize..3, has_key in any::<bool>(), entries in 0usize..3, comma in any::<bool>(),
            names in proptest::collection::vec("[a-z]{1,5}-new", 1..4)) {
            let mut blank = blanks.iter().cycle();
            let mut blank = || blank.next().unwrap().as_str();
            let object = |members: Vec<String>, blank: &mut dyn FnMut() -> String, comma: bool| {
                let mut text = format!("{{{}", blank());
                let last = members.len();
                for (at, member) in members.into_iter().enumerate() {
                    text += &member;
                    if at + 1 < last || comma { text += &blank(); text.push(','); }
                    text += &blank();
                }
                text.push('}');
                text
            };
            let mut own = || blank().to_owned();
            let inner = (0..entries).map(|at| format!("\"e{at}\":{}{{\"url\": \"x\"}}", own())).collect();
            let inner = object(inner, &mut own, comma);
            let mut all: Vec<String> = (0..members).map(|at| format!("\"m{at}\": {at}")).collect();
            if has_key { all.push(format!("\"{KEY}\":{}{inner}", own())); }
            let text = format!("{head}{}{}", object(all, &mut own, comma), own());
            prop_assume!(top(&text).is_ok());

            let (mut now, mut note) = (text.clone(), json!({}));
            let mut unique = names.clone();
            unique.sort_unstable();
            unique.dedup();
            for name in &unique {
                now = insert(&now, KEY, name, &entry(name), &mut note).unwrap();
                let there = super::entries(&now, KEY).unwrap();
                prop_assert_eq!(&there.iter().find(|one| one.name == *name).unwrap().value, &entry(name), "{}", now);
                let other = replace(&now, KEY, name, &entry("other")).unwrap();
                prop_assert!(top(&other).is_ok());
                let old = &there.iter().find(|one| one.name == *name).unwrap().text;
                prop_assert_eq!(restore(&other, KEY, name, old).unwrap(), now.clone());
            }
            for name in &unique {
                now = remove(&now, KEY, name, &note).unwrap();
            }
            prop_assert_eq!(now, text);
        }
    }
}
