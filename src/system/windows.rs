//! Windows. Files get the rights of the directory that they are made in: what lies below the user's profile is for this user, the
//! system and administrators.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::net::TcpStream;
use std::os::windows::fs::FileExt;
use std::os::windows::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Asker, Guard};
use crate::secret::Secret;

/// What a curl config of ours may hold at most, as on other systems.
const PIPE: usize = 64 * 1024;

/// Makes a directory, and those above it.
pub(crate) fn private_directory(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)
}

/// A file that is made with these options has the rights of its directory.
pub(crate) fn for_owner_alone(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Opens what is to be looked at before it is read.
pub(crate) fn check_private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Opens a file to read it and to write to its end; it is made if it is not there. Nothing is opened by a symbolic link.
pub(crate) fn append_to_own(path: &Path) -> io::Result<File> {
    open_directly(OpenOptions::new().read(true).append(true), path)
}

/// Whether [`append_to_own`] would open the file, as far as its attributes say. Nothing is made.
pub(crate) fn can_append(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(io::Error::other(super::NOT_OURS)),
        Ok(metadata) if metadata.permissions().readonly() => Err(io::ErrorKind::PermissionDenied.into()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Opens a file; it is made if it is not there. Nothing is opened by a symbolic link.
pub(crate) fn open_directly(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    open_there(options.create(true), path)
}

/// Opens a file that is there. Nothing is opened by a symbolic link.
pub(crate) fn open_there(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(io::Error::other(super::NOT_OURS));
    }
    options.open(path)
}

/// Without unsafe code it is not known who started us.
pub(crate) fn asker() -> Option<Asker> {
    None
}

/// Nothing is known: reading an access control list takes unsafe code, and this user's profile keeps others out.
pub(crate) fn guard(_: &Metadata) -> Guard {
    Guard { stranger: None, mode: 0o600 }
}

/// Files belong to whoever makes them.
pub(crate) fn keep_owner(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

/// A directory of the user's local application data.
pub(crate) fn runtime_directory() -> Option<PathBuf> {
    let directory =
        super::variable("LOCALAPPDATA").filter(|path| path.is_absolute())?.join("scalekit-auth").join("run");
    (directory.is_dir() || fs::create_dir_all(&directory).is_ok()).then_some(directory)
}

/// The same without making it: where it is, and whether it can be used.
pub(crate) fn runtime_place() -> (PathBuf, bool) {
    let local = super::variable("LOCALAPPDATA").filter(|path| path.is_absolute());
    let is_ready = local.as_deref().is_some_and(Path::is_dir);
    (local.unwrap_or_default().join("scalekit-auth").join("run"), is_ready)
}

/// Whether a program stands there; the name's end says so.
pub(crate) fn is_program(file: &Path) -> bool {
    let is_named_so = |extension: &str| file.extension().is_some_and(|end| end.eq_ignore_ascii_case(extension));
    ["exe", "cmd", "bat", "com"].into_iter().any(is_named_so) && file.is_file()
}

/// Whether both paths lead to one file.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    same_file::is_same_file(one, other).unwrap_or(false)
}

/// Whether the path still leads to the open file.
pub(crate) fn is_file_at(file: &File, path: &Path) -> bool {
    let open = file.try_clone().and_then(same_file::Handle::from_file);
    matches!((open, same_file::Handle::from_path(path)), (Ok(one), Ok(other)) if one == other)
}

/// Makes `link` another name of `program`. Symbolic links need a right that users do not have.
pub(crate) fn link(program: &Path, link: &Path) -> io::Result<()> {
    fs::hard_link(program, link)
}

/// The file system's own journal does that.
pub(crate) fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// What stands at the beginning of a file.
pub(crate) fn read_at(file: &File, bytes: &mut [u8]) -> io::Result<usize> {
    file.seek_read(bytes, 0)
}

/// Writes the beginning of a file.
pub(crate) fn write_at(file: &File, bytes: &[u8]) -> io::Result<()> {
    let mut written = 0;
    while written < bytes.len() {
        written += match file.seek_write(&bytes[written..], written as u64)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            some => some,
        };
    }
    Ok(())
}

/// Runs the command to its end, and ends with its exit status; returns why it could not be started. Ctrl-C is the command's.
pub(crate) fn become_command(mut command: Command) -> io::Error {
    match command.spawn() {
        Ok(child) => end_with(child),
        Err(error) => error,
    }
}

fn end_with(mut child: Child) -> io::Error {
    // The console tells every process; ours has to stay until the command has ended.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::new(AtomicBool::new(false)));
    match child.wait() {
        Ok(status) => std::process::exit(exit_code(status)),
        Err(error) => error,
    }
}

/// Keeps Ctrl-C of our console from the command.
pub(crate) fn detach(command: &mut Command) {
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

/// Ends a child that was not waited for. What it started goes on.
pub(crate) fn kill_with_helpers(child: &mut Child) {
    // Nobody is left to tell.
    let _ = child.kill();
    let _ = child.wait();
}

/// The exit status as it is.
pub(crate) fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(1)
}

/// Windows writes no core dumps unless an administrator says so, and its error reports are the user's own to send.
pub(crate) fn harden() {}

/// How long the output of a child that has ended may still be on its way through a thread of ours.
pub(crate) const GRACE: Duration = Duration::from_millis(200);

/// A child's output, of which as much is read as is there.
pub(crate) struct Waitless {
    chunks: Receiver<Secret<Vec<u8>>>,
    rest: Secret<Vec<u8>>,
    at: usize,
}

impl Waitless {
    pub(crate) fn new(mut pipe: impl Read + Send + 'static) -> io::Result<Self> {
        let (sender, chunks) = channel();
        std::thread::Builder::new().spawn(move || {
            loop {
                let mut chunk = Secret::new(vec![0; 4096]);
                match pipe.read(chunk.expose_mut()) {
                    Ok(0) | Err(_) => return,
                    Ok(length) => chunk.truncate(length),
                }
                if sender.send(chunk).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { chunks, rest: Secret::new(Vec::new()), at: 0 })
    }
}

impl Read for Waitless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.rest.expose().len() {
            self.rest = match self.chunks.try_recv() {
                Ok(chunk) => chunk,
                Err(TryRecvError::Empty) => return Err(io::ErrorKind::WouldBlock.into()),
                Err(TryRecvError::Disconnected) => return Ok(0),
            };
            self.at = 0;
        }
        let rest = &self.rest.expose()[self.at..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        Ok(length)
    }
}

/// A secret on its way to a command, by its stdin: a handle that is inherited has no name that a program could open.
pub(crate) struct Handed(Secret<Vec<u8>>);

impl Handed {
    /// Whether it comes by stdin, so that the command has no other.
    pub(crate) const BY_STDIN: bool = true;

    /// # Errors
    /// What is longer than on other systems.
    pub(crate) fn new(secret: &[u8]) -> io::Result<Self> {
        if secret.len() > PIPE {
            return Err(io::Error::other("it is too long"));
        }
        Ok(Self(Secret::new(secret.to_owned())))
    }

    /// The file that the command reads it from.
    pub(crate) fn file(&self) -> String {
        "-".to_owned()
    }

    /// Starts the command with it.
    pub(crate) fn spawn(self, command: &mut Command) -> io::Result<Child> {
        let mut child = command.stdin(Stdio::piped()).spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that ends at once has its reasons, and tells them.
            let _ = stdin.write_all(self.0.expose());
        }
        Ok(child)
    }

    /// Runs the command with it to its end, and ends with its exit status; returns why it could not be started.
    pub(crate) fn become_command(self, mut command: Command) -> io::Error {
        match self.spawn(&mut command) {
            Ok(child) => end_with(child),
            Err(error) => error,
        }
    }
}

/// No command writes to a pipe of ours as to a file.
pub(crate) fn heads_pipe() -> io::Result<Option<(PipeReader, PipeWriter, String)>> {
    Ok(None)
}

/// The columns of a console's usual width are taken.
pub(crate) fn columns() -> usize {
    0
}

/// Asks on the console with echo off.
pub(crate) fn read_hidden(prompt: &str) -> io::Result<String> {
    eprint!("{prompt}");
    rpassword::read_password()
}

/// Nanoseconds of the clock on the wall: the one that runs from the machine's start takes unsafe code. Nothing that needs it is kept
/// here; whoever sets the clock back makes a wait longer at most by its limit.
pub(crate) fn nanoseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// There is no such setting.
pub(crate) fn acknowledge_at_once(_: &TcpStream) {}
