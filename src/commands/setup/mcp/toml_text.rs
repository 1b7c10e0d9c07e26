//! Tables below one key in the text of a TOML file, put in at the end and taken out in place: layout and comments stay.

use serde_json::{Value, json};
use toml_edit::{DocumentMut, Item, TableLike};

use super::Existing;
use crate::commands::setup::toml_line::parse;

type Span = std::ops::Range<usize>;

/// The tables below `key`.
pub(super) fn entries(text: &str, key: &str) -> Result<Vec<Existing>, String> {
    let document = parse(text)?;
    let Some(tables) = tables(document.as_table(), key)? else { return Ok(Vec::new()) };
    let entries = tables.iter().map(|(name, item)| Existing {
        name: name.to_owned(),
        text: span(item).map(|span| text[span].to_owned()).unwrap_or_default(),
        value: to_json(item),
    });
    Ok(entries.collect())
}

/// `text` with the table `[key.name]` at its end; what was put in goes into `note`.
pub(super) fn insert(text: &str, key: &str, name: &str, entry: &Value, note: &mut Value) -> Result<String, String> {
    let end = line_end(text);
    let glue = match text {
        "" => String::new(),
        _ if text.ends_with(&end.repeat(2)) => String::new(),
        _ if text.ends_with('\n') => end.to_owned(),
        _ => end.repeat(2),
    };
    let table = glue + &table(key, name, entry, end) + end;
    note["tables"][name] = table.as_str().into();
    checked(format!("{text}{table}"), key, name, entry)
}

/// `text` with another table in the place of one that is there.
pub(super) fn replace(text: &str, key: &str, name: &str, entry: &Value) -> Result<String, String> {
    let span = span_of(text, key, name)?;
    let table = table(key, name, entry, line_end(text));
    checked(format!("{}{table}{}", &text[..span.start], &text[span.end..]), key, name, entry)
}

/// `text` with this text as the table that is there.
pub(super) fn restore(text: &str, key: &str, name: &str, table: &str) -> Result<String, String> {
    let span = span_of(text, key, name)?;
    Ok(format!("{}{table}{}", &text[..span.start], &text[span.end..]))
}

/// The reverse of [`insert`].
pub(super) fn remove(text: &str, key: &str, name: &str, note: &Value) -> Result<String, String> {
    let noted = note["tables"][name].as_str().filter(|table| !table.is_empty());
    if let Some((before, after)) = noted.and_then(|table| text.rsplit_once(table)) {
        let left = format!("{before}{after}");
        if !entries(&left, key)?.iter().any(|entry| entry.name == name) {
            return Ok(left);
        }
    }
    let Span { start, end } = span_of(text, key, name)?;
    let rest = &text[end..];
    let rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')).unwrap_or(rest);
    Ok(format!("{}{rest}", &text[..start]))
}

fn tables<'a>(document: &'a dyn TableLike, key: &str) -> Result<Option<&'a dyn TableLike>, String> {
    match document.get(key) {
        None => Ok(None),
        Some(item) => item.as_table_like().map(Some).ok_or_else(|| format!("{key} is not a table")),
    }
}

/// Only a text that reads as meant is written.
fn checked(text: String, key: &str, name: &str, entry: &Value) -> Result<String, String> {
    let read = entries(&text, key);
    let is_meant = read.is_ok_and(|entries| entries.iter().any(|one| one.name == name && one.value == *entry));
    let why =
        || format!("{key} is an inline table or has dotted keys there; write each server as a table [{key}.NAME]");
    if is_meant { Ok(text) } else { Err(why()) }
}

/// Where the table of this name stands in one piece, from its head to the end of its last value.
fn span_of(text: &str, key: &str, name: &str) -> Result<Span, String> {
    let document = parse(text)?;
    let item = tables(document.as_table(), key)?.and_then(|tables| tables.get(name));
    let is_written_on_its_own = item.is_some_and(|item| item.as_table().is_some_and(|table| !table.is_implicit()));
    let in_the_way = || format!("{name} does not stand there as one table [{key}.{name}]; write it so, or remove it");
    let span = item.and_then(span).filter(|_| is_written_on_its_own).ok_or_else(in_the_way)?;
    // Nothing else may stand in between, and nothing of it elsewhere.
    let mut without = document.clone().into_mut();
    if let Some(tables) = without.get_mut(key).and_then(Item::as_table_like_mut) {
        tables.remove(name);
    }
    let left = format!("{}{}", &text[..span.start], &text[span.end..]);
    let left: DocumentMut = left.parse().map_err(|_| in_the_way())?;
    let as_json = |document: &DocumentMut| {
        let mut value = to_json(document.as_item());
        if let Some(object) = value.as_object_mut()
            && object.get(key) == Some(&json!({}))
        {
            object.remove(key);
        }
        value
    };
    if as_json(&left) == as_json(&without) { Ok(span) } else { Err(in_the_way()) }
}

/// From an item's first byte to the last of what is in it.
fn span(item: &Item) -> Option<Span> {
    let below = item.as_table_like().into_iter().flat_map(|table| table.iter().filter_map(|(_, item)| span(item)));
    let tables = item.as_array_of_tables().into_iter().flat_map(|array| array.iter().filter_map(|table| table.span()));
    item.span().into_iter().chain(below).chain(tables).reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
}

fn to_json(item: &Item) -> Value {
    if let Some(table) = item.as_table_like() {
        return table.iter().map(|(name, item)| (name.to_owned(), to_json(item))).collect();
    }
    match item {
        Item::Value(toml_edit::Value::String(text)) => text.value().as_str().into(),
        Item::Value(toml_edit::Value::Array(values)) => {
            values.iter().map(|value| to_json(&Item::Value(value.clone()))).collect()
        }
        // Of other values only whether they are the same is of interest.
        other => json!({"toml": other.to_string().trim()}),
    }
}

/// Head and keys, without the last line's end.
fn table(key: &str, name: &str, entry: &Value, end: &str) -> String {
    let mut text = format!("[{key}.{name}]");
    for (field, value) in entry.as_object().into_iter().flatten() {
        let value = toml_edit::Value::from(value.as_str().unwrap_or_default());
        text += &format!("{end}{field} = {value}");
    }
    text
}

fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "mcp_servers";

    fn entry(url: &str) -> Value {
        json!({"url": url, "http_headers_helper": format!("'/a b/scalekit-auth' mcp-headers {url}")})
    }

    #[test]
    fn a_table_stands_at_the_end_and_what_cannot_be_added_to_is_refused() {
        let put = |text: &str| insert(text, KEY, "a", &json!({"url": "u\"\\"}), &mut json!({}));
        assert_eq!(put("").unwrap(), "[mcp_servers.a]\nurl = 'u\"\\'\n");
        assert_eq!(put("x = 1").unwrap(), "x = 1\n\n[mcp_servers.a]\nurl = 'u\"\\'\n");
        assert_eq!(put("x = 1\r\n").unwrap(), "x = 1\r\n\r\n[mcp_servers.a]\r\nurl = 'u\"\\'\r\n");
        for text in ["x", "mcp_servers = 1", "mcp_servers = {}", "[mcp_servers.a]\nurl = \"x\"", "x = \"\"\"\n"] {
            assert!(put(text).is_err(), "{text}");
        }
    }

    #[test]
    fn another_table_of_the_name_is_replaced_in_its_place_and_comes_back() {
        let text = "# all\n[mcp_servers.a] # mine\nurl = \"x\" # y\nargs = [\n  1,\n]\n[mcp_servers.a.env]\nK = \"v\"\n\n[mcp_servers.b]\nurl = \"b\"\n";
        let old = entries(text, KEY).unwrap().remove(0).text;
        let now = replace(text, KEY, "a", &json!({"url": "new"})).unwrap();
        assert_eq!(now, "# all\n[mcp_servers.a]\nurl = \"new\"\n\n[mcp_servers.b]\nurl = \"b\"\n");
        assert_eq!(restore(&now, KEY, "a", &old).unwrap(), text);
        for text in [
            "[mcp_servers.a]\nurl = \"x\"\n[b]\n[mcp_servers.a.env]\nK = \"v\"\n",
            "mcp_servers.a.url = \"x\"\n",
            "[mcp_servers]\na = {url = \"x\"}\n",
        ] {
            assert!(replace(text, KEY, "a", &entry("u")).is_err(), "{text}");
        }
    }

    #[test]
    fn a_table_that_was_changed_since_is_taken_out_where_it_stands() {
        let text = "x = 1\n\n[mcp_servers.a]\nurl = \"u\"\nenabled = true\n\n[b]\n";
        assert_eq!(remove(text, KEY, "a", &json!({})).unwrap(), "x = 1\n\n\n[b]\n");
    }

    proptest! {
        #[test]
        fn what_is_put_in_comes_out_to_the_byte(
            text in "((# [a-z\\[\\]]{0,5}|[a-z]{1,3} = (1|\"x\"|\\[\n1,\n\\])|\\[[a-z]{1,3}\\]|\\[mcp_servers\\.[a-z]{1,2}\\]|)\r?\n){0,6}(# end)?",
            names in proptest::collection::vec("[a-z]{3,5}", 1..4), written_below in any::<bool>()) {
            prop_assume!(parse(&text).is_ok());
            let (mut now, mut note) = (text.clone(), json!({}));
            let mut unique = names.clone();
            unique.sort_unstable();
            unique.dedup();
            for name in &unique {
                now = insert(&now, KEY, name, &entry(name), &mut note).unwrap();
            }
            let below = if written_below { "[mcp_servers.z9]\nurl = \"z\"\n" } else { "" };
            now += below;
            for name in unique.iter().rev() {
                now = remove(&now, KEY, name, &note).unwrap();
            }
            if !written_below || text.is_empty() || text.ends_with('\n') {
                prop_assert_eq!(now, text + below);
            }
        }
    }
}
