//! The file that was imported still holds the client secret: taking it out of there.

use std::io::{IsTerminal, Write};
use std::path::Path;

use super::super::note;
use super::super::terminal::read_line;
use crate::error::{Error, Kind};
use crate::secret::Secret;
use crate::service::ClientCredentials;
use crate::store::SECRET_VARIABLES;

/// Offers to take the secret out of the file it came from, now that it lives in its home.
pub(super) fn clean_source(file: &Path, credentials: &ClientCredentials, without_asking: bool) -> Result<(), Error> {
    let shown = file.display();
    if !without_asking {
        if !std::io::stdin().is_terminal() {
            note(format!("{shown} still holds the client secret; --delete-source removes it"));
            return Ok(());
        }
        eprint!("Remove the client secret from {shown}? [y/N] ");
        let answer = read_line()?;
        if !matches!(answer.expose().trim(), "y" | "Y" | "yes") {
            note(format!("{shown} still holds the client secret"));
            return Ok(());
        }
    }
    remove_secret(file, credentials.client_secret.expose()).map_err(|error| {
        Error::new(Kind::Failed, format!("the client secret could not be removed from {shown}"))
            .why(error)
            .next("delete the line yourself; the login itself is done")
    })?;
    note(format!("the client secret is removed from {shown}"));
    Ok(())
}

/// Rewrites `file` without the lines that set a client secret; all or nothing.
fn remove_secret(file: &Path, secret: &str) -> std::io::Result<()> {
    let text = Secret::new(std::fs::read_to_string(file)?);
    let kept: Secret<String> =
        Secret::new(text.expose().split_inclusive('\n').filter(|line| !sets_secret(line)).collect());
    if kept.expose().contains(secret) {
        return Err(std::io::Error::other("it stands there in a way that cannot be taken out line by line"));
    }
    let target = std::fs::canonicalize(file)?;
    let mut new = tempfile::NamedTempFile::new_in(target.parent().unwrap_or(Path::new("/")))?;
    new.write_all(kept.expose().as_bytes())?;
    new.as_file().set_permissions(std::fs::metadata(&target)?.permissions())?;
    new.as_file().sync_all()?;
    new.persist(&target)?;
    Ok(())
}

fn sets_secret(line: &str) -> bool {
    // The first line may begin with a byte order mark.
    let line = line.trim_start_matches('\u{feff}').trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    SECRET_VARIABLES.iter().any(|name| line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('=')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_goes_and_the_rest_of_the_file_stays() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(".env");
        std::fs::write(
            &file,
            "\u{feff}SCALEKIT_CLIENT_SECRET=abc\n# mine\nA=1\nexport SCALEKIT_CLIENT_SECRET = \"abc\"\nB=2",
        )
        .unwrap();
        remove_secret(&file, "abc").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "# mine\nA=1\nB=2");
    }

    #[test]
    fn a_file_that_would_still_hold_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(".env");
        let text = "SCALEKIT_CLIENT_SECRET=abc\n# was abc\n";
        std::fs::write(&file, text).unwrap();
        assert!(remove_secret(&file, "abc").is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
}
