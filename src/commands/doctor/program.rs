//! This program, and the names by which tools start it.

use std::path::Path;

use super::check::Check;
use super::versions::said;
use crate::commands::setup::{Links, Standing, links, remove_from_path};
use crate::error::{Error, Kind, plain};
use crate::programs::on_path;
use crate::protocol::PROTOCOLS;
use crate::suggest;

const PROGRAM: &str = "program";
const NAMES: &str = "names";

pub(super) fn look() -> (Check, Names) {
    match links() {
        Ok(links) => (program(&links), names(&links)),
        Err(error) => {
            let others = Check::behind(NAMES, PROGRAM);
            (Check::broken(PROGRAM, &error), Names { wrong: Vec::new(), others })
        }
    }
}

fn program(links: &Links) -> Check {
    let own = links.program();
    let found = format!("scalekit-auth {}, {}", env!("CARGO_PKG_VERSION"), own.display());
    match on_path("scalekit-auth").next() {
        Some(first) if links.leads_here(&first) => Check::ok(PROGRAM, found),
        Some(first) => {
            let said = said(&first, &["--version"]);
            let version = said.as_deref().and_then(|said| said.lines().next()).unwrap_or("which tells no version");
            let found = format!("{found}; but first on PATH is another one, {} ({})", first.display(), plain(version));
            Check::note(PROGRAM, found, format!("remove one of the two, or {}", put_on_path(links)))
        }
        None => Check::note(PROGRAM, format!("{found}, which is not on PATH"), put_on_path(links)),
    }
}

fn names(links: &Links) -> Names {
    let mut missing = Vec::new();
    let mut wrong = Vec::new();
    for name in PROTOCOLS.map(|protocol| protocol.link) {
        match links.standing(name) {
            // That another installation comes first was told.
            Standing::Ours => {}
            Standing::Foreign(place) => wrong.push((name, in_the_way(&place, "does not lead to this program"))),
            Standing::Unstartable(place) => wrong.push((name, in_the_way(&place, "cannot be started"))),
            Standing::Missing => missing.push(name),
        }
    }
    if missing.is_empty() {
        return Names { wrong, others: Check::ok(NAMES, "every protocol name on PATH leads to this program") };
    }
    let next = match missing.iter().all(|name| links.path_of(name).is_some()) {
        true => put_on_path(links),
        false => format!("{} makes them beside the program", suggest::setup_alone()),
    };
    Names { wrong, others: Check::note(NAMES, format!("not on PATH: {}", missing.join(", ")), next) }
}

/// What stands in the way of protocol names, and how the others are.
pub(super) struct Names {
    wrong: Vec<(&'static str, Check)>,
    others: Check,
}

impl Names {
    /// The link: one that `is_asked` for is broken, else another one is noted.
    pub(super) fn told(self, is_asked: impl Fn(&str) -> bool) -> Check {
        let (mut asked, others): (Vec<_>, Vec<_>) = self.wrong.into_iter().partition(|(name, _)| is_asked(name));
        if !asked.is_empty() {
            return asked.swap_remove(0).1;
        }
        others.into_iter().next().map_or(self.others, |(_, check)| check.or_note())
    }
}

fn in_the_way(place: &Path, what: &str) -> Check {
    let target = place.read_link().map(|to| format!(" (a link to {})", to.display())).unwrap_or_default();
    let error = Error::new(Kind::Failed, format!("{}{target} {what}", place.display())).next(remove_from_path(place));
    Check::broken(NAMES, &error)
}

fn put_on_path(links: &Links) -> String {
    format!("`{}`", links.put_on_path())
}
