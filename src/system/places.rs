//! Where programs keep a user's settings.

use std::path::PathBuf;

use super::{System, variable};
use crate::error::{Error, Kind};

/// The directories of one user, on one system.
pub(crate) struct Places {
    pub(crate) system: System,
    home: PathBuf,
    variable: fn(&str) -> Option<PathBuf>,
}

impl Places {
    /// This user's.
    ///
    /// # Errors
    /// There is no home directory.
    pub(crate) fn here() -> Result<Self, Error> {
        let home =
            etcetera::home_dir().map_err(|error| Error::new(Kind::Failed, "there is no home directory").why(error))?;
        Ok(Self { system: System::HERE, home, variable })
    }

    #[cfg(test)]
    pub(crate) fn of(system: System, home: &str, variable: fn(&str) -> Option<PathBuf>) -> Self {
        Self { system, home: home.into(), variable }
    }

    /// A file below the home directory.
    pub(crate) fn home(&self, below: &str) -> PathBuf {
        self.home.join(below)
    }

    /// The path that a variable names.
    pub(crate) fn variable(&self, name: &str) -> Option<PathBuf> {
        (self.variable)(name)
    }

    /// Where programs from Linux keep their settings: `$XDG_CONFIG_HOME`, else `~/.config`; on Windows `%APPDATA%`.
    pub(crate) fn settings(&self) -> PathBuf {
        match self.system {
            System::Windows => self.roaming(),
            _ => self.variable("XDG_CONFIG_HOME").unwrap_or_else(|| self.home(".config")),
        }
    }

    /// Where programs for each system's own ways keep theirs: on macOS `~/Library/Application Support`.
    pub(crate) fn native_settings(&self) -> PathBuf {
        match self.system {
            System::MacOs => self.home("Library/Application Support"),
            _ => self.settings(),
        }
    }

    /// Where programs keep what is worth keeping and is no setting, such as logs: `$XDG_STATE_HOME`, else `~/.local/state`; on Windows
    /// `%LOCALAPPDATA%`.
    pub(crate) fn state(&self) -> PathBuf {
        let (variable, usual) = match self.system {
            System::Windows => ("LOCALAPPDATA", "AppData/Local"),
            _ => ("XDG_STATE_HOME", ".local/state"),
        };
        // What is not absolute is to be ignored, says the XDG specification.
        self.variable(variable).filter(|path| path.is_absolute()).unwrap_or_else(|| self.home(usual))
    }

    fn roaming(&self) -> PathBuf {
        self.variable("APPDATA").unwrap_or_else(|| self.home("AppData/Roaming"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_has_its_own_places() {
        let at = |system| Places::of(system, "/h", |_| None);
        assert_eq!(at(System::Linux).settings(), PathBuf::from("/h/.config"));
        assert_eq!(at(System::Linux).native_settings(), PathBuf::from("/h/.config"));
        assert_eq!(at(System::MacOs).settings(), PathBuf::from("/h/.config"));
        assert_eq!(at(System::MacOs).native_settings(), PathBuf::from("/h/Library/Application Support"));
        assert_eq!(at(System::Windows).settings(), PathBuf::from("/h/AppData/Roaming"));
        assert_eq!(at(System::Linux).state(), PathBuf::from("/h/.local/state"));
        assert_eq!(at(System::MacOs).state(), PathBuf::from("/h/.local/state"));
        assert_eq!(at(System::Windows).state(), PathBuf::from("/h/AppData/Local"));
        let state = |variable| Places::of(System::Linux, "/h", variable).state();
        assert_eq!(state(|name| Some(format!("/{name}").into())), PathBuf::from("/XDG_STATE_HOME"));
        assert_eq!(state(|_| Some("relative".into())), PathBuf::from("/h/.local/state"));
        let moved = |system| Places::of(system, "/h", |name| Some(format!("/{name}").into())).native_settings();
        assert_eq!(moved(System::Windows), PathBuf::from("/APPDATA"));
        assert_eq!(moved(System::Linux), PathBuf::from("/XDG_CONFIG_HOME"));
        assert_eq!(moved(System::MacOs), PathBuf::from("/h/Library/Application Support"));
    }
}
