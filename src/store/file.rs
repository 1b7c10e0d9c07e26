//! A file as a home: one that `login` wrote, or one that something else puts there, such as systemd's credentials and the
//! secret volumes of Kubernetes and docker.
//!
//! The file is opened once, symbolic links followed, and what was opened is what is checked and read. So a volume may
//! swap its links at any time.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::content::{Buffer, Content, ContentError};
use super::{ClientCredentials, Error, Home, Undo, within_deadline};
use crate::secret::Secret;
use crate::suggest;
use crate::system::{self, Guard};

/// The file of one environment.
#[derive(Debug, Clone)]
pub struct FileHome {
    path: PathBuf,
    allow_world_readable: bool,
}

/// Why a file is not used as a home.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The operating system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A directory, a pipe, a device.
    #[error("it is not a regular file")]
    Kind,
    /// Its owner could change it.
    #[error("it belongs to the user with the id {0}, neither to you nor to root")]
    Owner(u32),
    /// Others than its owner could change it.
    #[error("its group or other users may write it (mode {0:04o})")]
    Writable(u32),
    /// Nobody allowed that.
    #[error("every user of this machine may read it (mode {0:04o})")]
    WorldReadable(u32),
    /// What it holds is neither a secret nor a set of client credentials.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// It is somebody else's.
    #[error("it exists, and was not written by `scalekit-auth login` for this environment")]
    Exists,
    /// A hanging network mount, for instance.
    #[error("it could not be read in time")]
    Silent,
}

impl FileError {
    /// What the user does about it.
    pub(super) fn next(&self, path: &Path, environment: &str) -> String {
        let shown = suggest::quoted(&path.to_string_lossy());
        let login = |path: &str| suggest::credentials_of(environment).option("--home", format!("file:{path}"));
        let this = login(&path.to_string_lossy());
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                format!("put the file there, as a mounted secret for instance, or {} with another one", login("PATH"))
            }
            Self::Io(_) | Self::Silent => format!("{} with a file that can be read", login("PATH")),
            Self::Kind => "give the path of the file itself".into(),
            Self::Owner(_) => format!("`chown \"$(id -u)\" {shown}` and `chmod 600 {shown}`, if it is yours"),
            Self::Writable(_) => format!("`chmod go-w {shown}` (a Kubernetes volume: defaultMode: 0440)"),
            Self::WorldReadable(_) => format!(
                "`chmod o-r {shown}` (a Kubernetes volume: defaultMode: 0440), or {}",
                this.word("--allow-world-readable")
            ),
            Self::Content(_) => format!("correct {shown}, or choose another home: {}", login("PATH")),
            Self::Exists => format!("{this} without a secret to use it as it is, or choose another path"),
        }
    }
}

impl FileHome {
    /// The file `path`; refused if every user may read it, unless that is allowed.
    pub fn new(path: &Path, allow_world_readable: bool) -> Self {
        Self { path: path.to_owned(), allow_world_readable }
    }

    fn explain(&self, problem: impl Into<FileError>) -> Error {
        Error::HomeFile(self.path.clone(), problem.into())
    }

    fn load(&self) -> Result<Buffer, FileError> {
        let mut options = File::options();
        let mut file = system::check_private(options.read(true)).open(&self.path)?;
        self.check(&file.metadata()?)?;
        let mut buffer = Buffer::new();
        while buffer.fill(&mut file)? {}
        Ok(buffer)
    }

    fn check(&self, metadata: &Metadata) -> Result<(), FileError> {
        let Guard { stranger, mode } = system::guard(metadata);
        if !metadata.is_file() {
            Err(FileError::Kind)
        } else if let Some(owner) = stranger {
            Err(FileError::Owner(owner))
        } else if mode & 0o022 != 0 {
            Err(FileError::Writable(mode))
        } else if mode & 0o004 != 0 && !self.allow_world_readable {
            Err(FileError::WorldReadable(mode))
        } else {
            Ok(())
        }
    }

    /// Puts `content` into the file in one step, mode 0600, behind a symbolic link if it is one.
    fn put(&self, content: &[u8], replace: bool) -> Result<(), FileError> {
        let target = target(&self.path);
        let directory = target.parent().unwrap_or(Path::new("/"));
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        if replace {
            file.persist(&target).map_err(|error| error.error)?;
        } else {
            file.persist_noclobber(&target).map_err(|error| match error.error.kind() {
                io::ErrorKind::AlreadyExists => FileError::Exists,
                _ => error.error.into(),
            })?;
        }
        // The old home is emptied soon: by then the new one must survive a power cut.
        system::sync_directory(directory)?;
        Ok(())
    }

    fn delete(&self) -> io::Result<bool> {
        match fs::remove_file(target(&self.path)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Home for FileHome {
    fn read(&self) -> Result<Content, Error> {
        let home = self.clone();
        let buffer = within_deadline(move || home.load()).unwrap_or(Err(FileError::Silent));
        buffer.and_then(|buffer| Ok(Content::parse(buffer.content())?)).map_err(|error| self.explain(error))
    }

    fn write(&self, credentials: &ClientCredentials, replace: bool) -> Result<Undo, Error> {
        let before = match self.load() {
            // Without leave to replace, writing succeeds only where nothing was.
            _ if !replace => None,
            Ok(before) => Some(before),
            Err(FileError::Io(error)) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(self.explain(error)),
        };
        let content = Secret::new([credentials.to_json().expose(), &b"\n"[..]].concat());
        self.put(content.expose(), replace).map_err(|error| self.explain(error))?;
        let home = self.clone();
        Ok(Box::new(move || match before {
            Some(before) => home.put(before.content(), true).map_err(|error| home.explain(error)),
            None => home.delete().map(drop).map_err(|error| home.explain(error)),
        }))
    }

    fn remove(&self) -> Result<bool, Error> {
        self.delete().map_err(|error| self.explain(error))
    }
}

/// The file behind the symbolic links of the last part of `path`, whether it exists or not.
fn target(path: &Path) -> PathBuf {
    const MOST_LINKS: usize = 40;
    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(link) = fs::read_link(&target) else { break };
        target = target.parent().unwrap_or(Path::new("/")).join(link);
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::EnvironmentUrl;

    #[test]
    fn what_appears_just_before_the_write_is_not_overwritten_and_an_undo_puts_back_what_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        let home = FileHome::new(&path, false);
        let credentials = ClientCredentials {
            url: EnvironmentUrl::parse("https://acme.scalekit.com").unwrap(),
            client_id: "skc_1".into(),
            client_secret: Secret::new("s".into()),
            origin: super::super::CredentialsOrigin::Given,
        };
        home.write(&credentials, false).unwrap()().unwrap();
        assert!(!path.exists());
        home.put(b"old", false).unwrap();
        assert!(matches!(home.write(&credentials, false), Err(Error::HomeFile(_, FileError::Exists))));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        let undo = home.write(&credentials, true).unwrap();
        assert_ne!(fs::read(&path).unwrap(), b"old");
        undo().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }
}
