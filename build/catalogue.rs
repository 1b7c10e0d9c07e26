//! Turns the catalogue's rows into static tables, so that the program reads and parses nothing of it when it starts. The
//! tables hold numbers instead of pointers; `src/catalogue/rows.rs` says why, and reads them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use serde::Deserialize;

const CATALOGUE: &str = "src/catalogue/catalogue.toml";

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
    auth: Vec<String>,
    git_username: Option<String>,
    registry_username: Option<String>,
    variables: Vec<String>,
    ignore_case: bool,
    whole_host: bool,
    source: String,
    pages: Vec<String>,
}

impl Row {
    /// Its places, each with whether it is git's and a registry's.
    fn places(&self) -> impl Iterator<Item = (Place<'_>, bool, bool)> {
        let lists = [(&self.git, true, false), (&self.hosts, false, false), (&self.registries, false, true)];
        lists.into_iter().flat_map(|(list, git, registry)| list.iter().map(move |text| (split(text), git, registry)))
    }
}

/// A host of the catalogue, `[scheme://]host[:port][/path]`.
struct Place<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<u16>,
    path: &'a str,
}

/// Writes `catalogue.rs` into OUT_DIR.
pub fn write_tables() {
    println!("cargo::rerun-if-changed={CATALOGUE}");
    let text = fs::read_to_string(CATALOGUE).expect("the catalogue is there");
    let mut rows: BTreeMap<String, Row> =
        toml::from_str(&text).expect("the catalogue is TOML of the form it describes");
    for row in rows.values_mut() {
        row.hosts = row.hosts.iter().flat_map(|text| spelled_out(text)).collect();
    }
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("catalogue.rs"), Tables::of(&rows).code()).expect("OUT_DIR can be written");
}

/// The tables, as `src/catalogue/rows.rs` declares their elements.
#[derive(Default)]
struct Tables<'a> {
    text: String,
    rows: Vec<String>,
    sources: Vec<&'a str>,
    places: Vec<String>,
    /// Host, row, place among the row's own.
    by_host: Vec<(&'a str, usize, usize)>,
    tenants: Vec<String>,
    tenants_of: Vec<usize>,
    variables: Vec<String>,
    authentications: Vec<String>,
}

impl<'a> Tables<'a> {
    fn of(rows: &'a BTreeMap<String, Row>) -> Self {
        let mut tables = Self { text: text_of(rows), ..Self::default() };
        let mut own = BTreeMap::new();
        for (index, (slug, row)) in rows.iter().enumerate() {
            if row.same_as.is_none() {
                own.insert(slug, tables.add_hosts(index, row));
            }
        }
        for (slug, row) in rows {
            let base = row.same_as.as_ref().unwrap_or(slug);
            tables.add_row(slug, row, base, &rows[base], &own[base]);
        }
        tables.by_host.sort_unstable();
        tables
    }

    /// Adds the places and tenants of a row that is no other's twin, and says where they are.
    fn add_hosts(&mut self, index: usize, row: &'a Row) -> (String, String) {
        let (places, tenants) = (self.places.len(), self.tenants.len());
        for (nth, (Place { scheme, host, port, path }, git, registry)) in row.places().enumerate() {
            self.by_host.push((host, index, nth));
            let (host, path) = (self.at(host), self.at(path));
            self.places.push(format!(
                "PackedPlace {{ scheme: Scheme::{scheme}, host: {host}, port: {port:?}, path: {path}, git: {git}, \
                 registry: {registry} }}"
            ));
        }
        for domain in &row.tenants {
            self.tenants.push(self.at(domain));
            self.tenants_of.push(index);
        }
        (part(places, self.places.len()), part(tenants, self.tenants.len()))
    }

    fn add_row(&mut self, slug: &str, row: &'a Row, base: &str, of_base: &Row, (places, tenants): &(String, String)) {
        let mut pages = row.pages.iter().chain([&row.source]);
        assert!(pages.all(|page| page.starts_with("https://")), "{slug} has no source");
        self.sources.push(&row.source);
        let variables = self.variables.len();
        for name in if row.variables.is_empty() { &of_base.variables } else { &row.variables } {
            self.variables.push(self.at(name));
        }
        let auth = auth(&row.auth);
        let known = self.authentications.iter().position(|other| *other == auth);
        let auth_at = known.unwrap_or(self.authentications.len());
        if known.is_none() {
            self.authentications.push(auth);
        }
        let username =
            |name: &Option<String>| name.as_ref().map_or("None".to_owned(), |n| format!("Some({})", self.at(n)));
        self.rows.push(format!(
            "Row {{ id: {}, slug: {}, base: {}, places: {places}, tenants: {tenants}, auth: {auth_at}, git_username: {}, \
             registry_username: {}, variables: {}, ignore_case: {}, whole_host: {} }}",
            self.at(&id(slug, row)),
            self.at(slug),
            self.at(base),
            username(&of_base.git_username),
            username(&of_base.registry_username),
            part(variables, self.variables.len()),
            of_base.ignore_case,
            of_base.whole_host,
        ));
    }

    fn at(&self, string: &str) -> String {
        let start = self.text.find(string).expect("the text holds all strings");
        format!("Text({start}, {})", string.len())
    }

    fn code(&self) -> String {
        let by_host = self.by_host.iter().map(|(host, row, place)| format!("({}, {row}, {place})", self.at(host)));
        let mut code = format!("static TEXT: &str = {:?};\n", self.text);
        let mut table = |name: &str, element: &str, values: Vec<String>| {
            let length = values.len();
            writeln!(code, "static {name}: [{element}; {length}] = [{}];", values.join(", ")).expect("it is a String");
        };
        table("ROWS", "Row", self.rows.clone());
        table("SOURCES", "&str", self.sources.iter().map(|source| format!("{source:?}")).collect());
        table("PLACES", "PackedPlace", self.places.clone());
        table("BY_HOST", "(Text, u16, u8)", by_host.collect());
        table("TENANTS", "Text", self.tenants.clone());
        table("TENANTS_OF", "u16", self.tenants_of.iter().map(usize::to_string).collect());
        table("VARIABLES", "Text", self.variables.clone());
        table("AUTHENTICATIONS", "Authentication", self.authentications.clone());
        code
    }
}

/// One text that holds every string of the rows. The longest come first, since many others are parts of them.
fn text_of(rows: &BTreeMap<String, Row>) -> String {
    let mut strings = BTreeSet::new();
    for (slug, row) in rows {
        let places = row.places().flat_map(|(place, ..)| [place.host.to_owned(), place.path.to_owned()]);
        strings.extend(places.chain([slug.clone(), id(slug, row)]));
        strings.extend(
            row.tenants.iter().chain(&row.variables).chain(&row.git_username).chain(&row.registry_username).cloned(),
        );
    }
    let mut strings: Vec<String> = strings.into_iter().collect();
    strings.sort_by_key(|string| Reverse(string.len()));
    strings.iter().fold(String::new(), |text, string| if text.contains(string) { text } else { text + string })
}

fn id(slug: &str, row: &Row) -> String {
    row.id.clone().unwrap_or_else(|| slug.to_ascii_uppercase())
}

fn part(start: usize, end: usize) -> String {
    format!("Part({start}, {})", end - start)
}

/// All that `text` stands for: of `(a|b)` one of the two.
fn spelled_out(text: &str) -> Vec<String> {
    let Some((before, rest)) = text.split_once('(') else { return vec![text.to_owned()] };
    let (choices, after) = rest.split_once(')').expect("a bracket is closed");
    choices.split('|').flat_map(|choice| spelled_out(&format!("{before}{choice}{after}"))).collect()
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
        Some((host, port)) => (host, Some(port.parse().expect("a port is a number"))),
        None => (authority, None),
    };
    Place { scheme, host, port, path }
}

/// What `src/catalogue/template.rs` reads at run time stands here as it is; a test holds it to the form.
fn auth(lines: &[String]) -> String {
    match lines {
        [] => return "Authentication::BEARER".to_owned(),
        [one] if one == "sign-in" => return "Authentication::SignIn".to_owned(),
        _ => {}
    }
    let headers = lines.iter().map(|line| {
        let (name, value) = line.split_once(": ").expect("auth is a header, a colon, a space and the value");
        format!("HeaderTemplate {{ name: Cow::Borrowed({name:?}), value: Cow::Borrowed({value:?}) }}")
    });
    format!("Authentication::Headers(Cow::Borrowed(&[{}]))", headers.collect::<Vec<_>>().join(", "))
}
