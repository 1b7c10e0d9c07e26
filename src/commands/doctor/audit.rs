//! Whether the audit can be written.

use super::check::Check;
use crate::audit::{directory, path};
use crate::suggest;
use crate::system::can_append;

/// Nothing is created.
pub(super) fn look() -> Check {
    const NAME: &str = "audit";
    let (path, directory) = match path().and_then(|path| Ok((path, directory()?))) {
        Ok(places) => places,
        Err(error) => return Check::broken(NAME, &error).or_note(),
    };
    let shown = path.display();
    match can_append(&path) {
        Ok(()) => Check::ok(NAME, format!("{shown}")),
        Err(why) => {
            let found = format!("{shown} cannot be written, so answers are missing in the audit: {why}");
            let off = suggest::typed(&["audit", "off"]);
            Check::note(NAME, found, format!("make {} writable for yourself, or {off}", directory.display()))
        }
    }
}
