//! The catalogue's rows as they lie in the executable: numbers, and places in one text. A pointer per string would cost 40
//! bytes of it and a relocation at every start, whoever asks. A row becomes a [`Provider`] when it is first wanted.

use std::borrow::Cow;
use std::sync::OnceLock;

use super::provider::{Provider, ProviderHost};
use super::template::{Authentication, HeaderTemplate};
use crate::target::Scheme;

include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

/// Where a string begins in `TEXT`, and its length.
#[derive(Clone, Copy)]
struct Text(u16, u8);

impl Text {
    fn get(self) -> &'static str {
        &TEXT[usize::from(self.0)..][..usize::from(self.1)]
    }
}

/// Where a row's part of a table begins, and its length.
#[derive(Clone, Copy)]
struct Part(u16, u8);

impl Part {
    fn of<T>(self, table: &'static [T]) -> &'static [T] {
        &table[usize::from(self.0)..][..usize::from(self.1)]
    }
}

struct Row {
    id: Text,
    slug: Text,
    base: Text,
    places: Part,
    tenants: Part,
    auth: u8,
    git_username: Option<Text>,
    registry_username: Option<Text>,
    variables: Part,
    ignore_case: bool,
    whole_host: bool,
}

struct PackedPlace {
    scheme: Scheme,
    host: Text,
    port: Option<u16>,
    path: Text,
    git: bool,
    registry: bool,
}

/// The rows that were wanted, which are kept for good.
static PROVIDERS: [OnceLock<&Provider>; ROWS.len()] = [const { OnceLock::new() }; ROWS.len()];

/// How many rows there are.
pub(super) const COUNT: usize = ROWS.len();

/// The row at this place in the order of the slugs.
pub(super) fn row(at: usize) -> &'static Provider {
    PROVIDERS[at].get_or_init(|| {
        let row = &ROWS[at];
        let texts = |texts: &[Text]| &*texts.iter().map(|text| text.get()).collect::<Vec<_>>().leak();
        Box::leak(Box::new(Provider {
            id: row.id.get(),
            slug: row.slug.get(),
            base: row.base.get(),
            places: row.places.of(&PLACES).iter().map(place).collect::<Vec<_>>().leak(),
            tenants: texts(row.tenants.of(&TENANTS)),
            auth: AUTHENTICATIONS[usize::from(row.auth)].clone(),
            git_username: row.git_username.map(Text::get),
            registry_username: row.registry_username.map(Text::get),
            variables: texts(row.variables.of(&VARIABLES)),
            ignore_case: row.ignore_case,
            whole_host: row.whole_host,
        }))
    })
}

fn place(packed: &PackedPlace) -> ProviderHost {
    let &PackedPlace { scheme, host, port, path, git, registry } = packed;
    ProviderHost { scheme, host: host.get(), port, path: path.get(), git, registry }
}

/// Where the row with this slug is.
pub(super) fn by_slug(slug: &str) -> Option<usize> {
    ROWS.binary_search_by_key(&slug, |row| row.slug.get()).ok()
}

/// Where the row with this identifier is, in any case.
pub(super) fn by_id(id: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.id.get().eq_ignore_ascii_case(id))
}

/// The places on this host: their providers' rows, and which of their places it is.
pub(super) fn by_host(host: &str) -> impl Iterator<Item = (usize, usize)> {
    let from = BY_HOST.partition_point(|(other, ..)| other.get() < host);
    let to = from + BY_HOST[from..].partition_point(|(other, ..)| other.get() == host);
    BY_HOST[from..to].iter().map(|(_, row, place)| (usize::from(*row), usize::from(*place)))
}

/// The domains that have tenants, each with the row that it is the own of.
pub(super) fn tenants() -> impl Iterator<Item = (usize, &'static str)> {
    TENANTS_OF.iter().zip(&TENANTS).map(|(row, domain)| (usize::from(*row), domain.get()))
}

/// Whether some row has this user name for git or a registry.
pub(super) fn has_username(username: &str) -> bool {
    ROWS.iter().any(|row| [row.git_username, row.registry_username].iter().flatten().any(|text| text.get() == username))
}

/// The page that names the hosts of the row with this slug.
pub(super) fn source(slug: &str) -> &'static str {
    by_slug(slug).map_or("", |at| SOURCES[at])
}
