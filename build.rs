//! Turns the catalogue's rows into static tables, so that the program reads and parses nothing of it when it starts.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use serde::Deserialize;

const CATALOGUE: &str = "src/resolve/catalogue.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Row {
    id: Option<String>,
    hosts: Vec<String>,
    git: Vec<String>,
    registries: Vec<String>,
    tenants: Vec<String>,
    same_as: Option<String>,
    auth: Option<String>,
    git_username: Option<String>,
    registry_username: Option<String>,
    variables: Vec<String>,
    source: String,
}

/// A host of the catalogue, `[scheme://]host[:port][/path]`.
struct Place<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<&'a str>,
    path: &'a str,
}

fn main() {
    println!("cargo::rerun-if-changed={CATALOGUE}");
    let text = fs::read_to_string(CATALOGUE).expect("the catalogue is there");
    let rows: BTreeMap<String, Row> = toml::from_str(&text).expect("the catalogue is TOML of the form it describes");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("catalogue.rs"), tables(&rows)).expect("OUT_DIR can be written");
}

fn tables(rows: &BTreeMap<String, Row>) -> String {
    let mut code = String::from("static PROVIDERS: &[Provider] = &[\n");
    let mut hosts = Vec::new();
    for (index, (slug, row)) in rows.iter().enumerate() {
        let base = row.same_as.as_ref().map_or(row, |base| &rows[base]);
        let mut places = Vec::new();
        for (list, git, registry) in
            [(&base.git, true, false), (&base.hosts, false, false), (&base.registries, false, true)]
        {
            for text in list {
                let Place { scheme, host, port, path } = split(text);
                if row.same_as.is_none() {
                    hosts.push((host, index, places.len()));
                }
                places.push(format!(
                    "Place {{ scheme: Scheme::{scheme}, host: {host:?}, port: {}, path: {path:?}, git: {git}, registry: {registry} }}",
                    port.map_or("None".to_owned(), |port| format!("Some({port})")),
                ));
            }
        }
        let id = row.id.clone().unwrap_or_else(|| slug.to_ascii_uppercase());
        code.push_str(&format!(
            "Provider {{ id: {id:?}, slug: {slug:?}, base: {:?}, places: &[{}], tenants: &{:?}, auth: {}, git_username: {:?}, \
             registry_username: {:?}, variables: &{:?}, source: {:?} }},\n",
            row.same_as.as_ref().unwrap_or(slug),
            places.join(", "),
            base.tenants,
            auth(row.auth.as_deref()),
            base.git_username,
            base.registry_username,
            if row.variables.is_empty() { &base.variables } else { &row.variables },
            row.source,
        ));
    }
    hosts.sort_unstable();
    code.push_str(
        "];\n/// Host, place of its provider in PROVIDERS, place among the provider's places; sorted by host.\n",
    );
    code.push_str(&format!("static BY_HOST: &[(&str, usize, usize)] = &{hosts:?};\n"));
    code
}

fn split(text: &str) -> Place<'_> {
    let (scheme, rest) = match text.split_once("://") {
        Some(("smtp", rest)) => ("Smtp", rest),
        Some(("smtps", rest)) => ("Smtps", rest),
        Some(("imaps", rest)) => ("Imaps", rest),
        Some((other, _)) => panic!("{text}: the scheme {other} is none of the catalogue's"),
        None => ("Https", text),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    Place { scheme, host, port, path }
}

fn auth(text: Option<&str>) -> String {
    let (name, prefix) = match text {
        None => ("Authorization", "Bearer "),
        Some(text) if text.starts_with("Basic") => {
            let username = text.strip_prefix("Basic ");
            return format!("Authentication::Basic {{ username: {username:?} }}");
        }
        Some(header) => header.split_once(": ").expect("auth is a header, a colon, a space and the prefix"),
    };
    format!("Authentication::Header {{ name: Cow::Borrowed({name:?}), prefix: Cow::Borrowed({prefix:?}) }}")
}
