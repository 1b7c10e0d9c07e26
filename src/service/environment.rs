//! An environment without its secret, and where that is.

use std::fmt;
use std::path::PathBuf;

/// The environment that `login` fills when no other is named.
pub const DEFAULT_ENVIRONMENT: &str = "default";

/// One environment as `config.json` knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// The user's name for it.
    pub name: String,
    /// Its URL, without a trailing slash.
    pub url: String,
    /// The client id.
    pub client_id: String,
    /// Where the secret is.
    pub home: HomeChoice,
}

/// The home of an environment's client credentials, as its user chose it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HomeChoice {
    /// The OS keyring.
    Keyring,
    /// A file.
    File {
        /// Its absolute path.
        path: PathBuf,
        /// Whether it may be readable for every user of the machine.
        allow_world_readable: bool,
        /// Whether `login` wrote it; if not, it is the user's own and never removed.
        written: bool,
    },
    /// What a command prints: the absolute path of a program, and its arguments.
    Command(Vec<String>),
}

/// Where the client credentials are, in words. Of a command only the program: an argument could hold a secret by mistake.
impl fmt::Display for HomeChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyring => f.write_str("in the keyring"),
            Self::File { path, .. } => write!(f, "in the file {}", path.display()),
            Self::Command(argv) => {
                let program = argv.first().map_or("", String::as_str);
                write!(f, "from the command {program}{}", if argv.len() > 1 { " ..." } else { "" })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_of_a_command_are_not_shown() {
        let command = HomeChoice::Command(vec!["/bin/x".into(), "--token=hunter2".into()]);
        assert_eq!(command.to_string(), "from the command /bin/x ...");
    }
}
