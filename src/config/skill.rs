//! What the Python skill left behind: the name in its identity file, which served as the default identifier.

use crate::service::is_identifier;
use crate::system;

/// The `**Name:**` of `~/.openclaw/workspace/IDENTITY.md`, in lower case, if there is one that can be an identifier.
pub fn name_in_identity_file() -> Option<String> {
    let path = etcetera::home_dir().ok()?.join(".openclaw/workspace/IDENTITY.md");
    let (bytes, _) = system::read_regular(&path).ok()?;
    name_in(str::from_utf8(&bytes).ok()?)
}

fn name_in(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| {
        let (before, after) = line.split_once("**Name:**")?;
        before.chars().all(|c| c.is_whitespace() || "-*+\u{feff}".contains(c)).then_some(after)
    })?;
    let name = line.trim().to_lowercase();
    is_identifier(&name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_line_is_found_and_lower_cased() {
        assert_eq!(name_in("# Me\n- **Name:** Mess \n- **Name:** Other\n").as_deref(), Some("mess"));
        assert_eq!(name_in("**Name:** Ada").as_deref(), Some("ada"));
        assert_eq!(name_in("\u{feff}**Name:** Ada").as_deref(), Some("ada"));
        assert_eq!(name_in("**Name:**   \n"), None);
        assert_eq!(name_in("nothing here"), None);
    }
}
