//! What Linux and macOS have in common.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use rustix::fs::{Access, OFlags, access, fcntl_getfl, fcntl_setfl};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, Signal, geteuid, getpid, kill_process, kill_process_group};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use rustix::time::{ClockId, clock_gettime};

use super::Guard;

/// What a pipe holds before anybody reads it.
const PIPE: usize = 64 * 1024;

/// Makes a directory that is for its owner alone, and those above it.
pub(crate) fn private_directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

/// A file that is made with these options is for its owner alone.
pub(crate) fn for_owner_alone(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// Opens what is to be looked at before it is read: a pipe without a writer must not hang us until it is known to be one.
pub(crate) fn check_private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed())
}

/// Opens a file to read it and to write to its end, and makes it for its owner alone if it is not there. Nothing is opened by a symbolic link, nor
/// anything that is no file of this user's. One that others may read or write is from then on for its owner alone.
pub(crate) fn append_to_own(path: &Path) -> io::Result<File> {
    let file = open_directly(OpenOptions::new().read(true).append(true), path)?;
    let metadata = file.metadata()?;
    if metadata.uid() != geteuid().as_raw() {
        return Err(io::Error::other(super::NOT_OURS));
    }
    if metadata.mode() & 0o077 != 0 {
        // A file system without modes has none to change.
        let _ = file.set_permissions(Permissions::from_mode(0o600));
    }
    Ok(file)
}

/// Opens a file, and makes it for its owner alone if it is not there; otherwise as [`open_there`].
pub(crate) fn open_directly(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    open_there(options.create(true).mode(0o600), path)
}

/// Opens a file that is there. Nothing is opened by a symbolic link, nor anything that is no regular file.
pub(crate) fn open_there(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let not_ours = || io::Error::other(super::NOT_OURS);
    let file = options.custom_flags(flags.bits().cast_signed()).open(path).map_err(|error| {
        let is_other = fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file());
        if is_other { not_ours() } else { error }
    })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(not_ours()) }
}

/// How well a file is kept from others.
pub(crate) fn guard(metadata: &Metadata) -> Guard {
    const ROOT: u32 = 0;
    let owner = metadata.uid();
    let stranger = (owner != ROOT && owner != geteuid().as_raw()).then_some(owner);
    Guard { stranger, mode: metadata.mode() & 0o7777 }
}

/// Where what is of no use after the user has gone is kept: a directory of this user alone, which may still have to be made.
/// `None` unless it is ours alone.
pub(crate) fn runtime_directory(usual: Option<PathBuf>) -> Option<PathBuf> {
    let directory = named_for_runtime(usual);
    // Most calls find it there.
    let is_ready = is_ours_alone(&directory) || (private_directory(&directory).is_ok() && is_ours_alone(&directory));
    is_ready.then_some(directory)
}

/// Gives a new file the owner of the one that it replaces; only root can, and need.
pub(crate) fn keep_owner(file: &File, of: &Metadata) -> io::Result<()> {
    let now = file.metadata()?;
    match now.uid() == of.uid() {
        true => Ok(()),
        false => std::os::unix::fs::fchown(file, Some(of.uid()), Some(of.gid())),
    }
}

/// The same without making it: where it is, and whether it is ours alone or could be made.
pub(crate) fn runtime_place(usual: Option<PathBuf>) -> (PathBuf, bool) {
    let directory = named_for_runtime(usual);
    let could_be_made = || {
        // A link to nowhere is there, and in the way.
        let above = directory.ancestors().find(|path| fs::symlink_metadata(path).is_ok());
        above.is_some_and(|path| *path != *directory && path.is_dir() && access(path, Access::WRITE_OK).is_ok())
    };
    let is_ready = is_ours_alone(&directory) || could_be_made();
    (directory, is_ready)
}

/// Whether [`append_to_own`] would open the file, or make it and the directories above it. Nothing is made.
pub(crate) fn can_append(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.uid() == geteuid().as_raw() => {
            Ok(access(path, Access::WRITE_OK)?)
        }
        Ok(_) => Err(io::Error::other(super::NOT_OURS)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = path.ancestors().skip(1).find(|path| fs::symlink_metadata(path).is_ok());
            let above = above.unwrap_or(Path::new("/"));
            match above.is_dir() {
                true => Ok(access(above, Access::WRITE_OK | Access::EXEC_OK)?),
                false => Err(io::Error::other(format!("{} is not a directory", above.display()))),
            }
        }
        Err(error) => Err(error),
    }
}

fn named_for_runtime(usual: Option<PathBuf>) -> PathBuf {
    let given = super::variable("XDG_RUNTIME_DIR").filter(|path| path.is_absolute());
    match given.or(usual) {
        Some(directory) => directory.join("scalekit-auth"),
        None => std::env::temp_dir().join(format!("scalekit-auth-{}", geteuid().as_raw())),
    }
}

fn is_ours_alone(directory: &Path) -> bool {
    let own = geteuid().as_raw();
    fs::symlink_metadata(directory)
        .is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == own && metadata.mode() & 0o077 == 0)
}

/// Whether this user may start the file.
pub(crate) fn is_program(file: &Path) -> bool {
    file.is_file() && access(file, Access::EXEC_OK).is_ok()
}

/// Whether both paths lead to one file.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    let file = |path: &Path| path.metadata().map(|data| (data.dev(), data.ino()));
    matches!((file(one), file(other)), (Ok(one), Ok(other)) if one == other)
}

/// Whether the path, itself no link, still leads to the open file.
pub(crate) fn is_file_at(file: &File, path: &Path) -> bool {
    let of = |data: io::Result<Metadata>| data.map(|data| (data.dev(), data.ino()));
    matches!((of(file.metadata()), of(fs::symlink_metadata(path))), (Ok(one), Ok(other)) if one == other)
}

/// Makes `link` another name of `program`. Beside the program it is relative, so that the directory can be moved as a whole.
pub(crate) fn link(program: &Path, link: &Path) -> io::Result<()> {
    let is_beside = program.parent() == link.parent();
    let target = if is_beside { Path::new(program.file_name().unwrap_or_default()) } else { program };
    std::os::unix::fs::symlink(target, link)
}

/// Lets what was put into a directory survive a power cut.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// What stands at the beginning of a file.
pub(crate) fn read_at(file: &File, bytes: &mut [u8]) -> io::Result<usize> {
    file.read_at(bytes, 0)
}

/// Writes the beginning of a file.
pub(crate) fn write_at(file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all_at(bytes, 0)
}

/// Becomes the command; returns why that was impossible.
pub(crate) fn become_command(mut command: Command) -> io::Error {
    command.exec()
}

/// Keeps signals of our terminal from the command, and the terminal's input.
pub(crate) fn detach(command: &mut Command) {
    command.process_group(0);
}

/// Ends a detached child that was not waited for, and what it started.
pub(crate) fn kill_with_helpers(child: &mut Child) {
    // Nobody is left to tell.
    if let Some(group) = Pid::from_raw(child.id().cast_signed()) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// The exit status as a shell tells it.
pub(crate) fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(1)
}

/// How long the output of a child that has ended may still be on its way.
pub(crate) const GRACE: Duration = Duration::ZERO;

/// A child's output, of which as much is read as is there.
pub(crate) struct Waitless<P>(P);

impl<P: AsFd + Read> Waitless<P> {
    pub(crate) fn new(pipe: P) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        Ok(Self(pipe))
    }
}

impl<P: Read> Read for Waitless<P> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

/// A secret on its way to a command, by a pipe that the command inherits.
pub(crate) struct Handed(PipeReader);

impl Handed {
    /// Whether it comes by stdin, so that the command has no other.
    pub(crate) const BY_STDIN: bool = false;

    /// # Errors
    /// What is longer than a pipe holds.
    pub(crate) fn new(secret: &[u8]) -> io::Result<Self> {
        if secret.len() > PIPE {
            return Err(io::Error::other("it is too long"));
        }
        let (reader, mut writer) = io::pipe()?;
        // Nobody reads yet: what does not fit has to fail.
        fcntl_setfl(&writer, fcntl_getfl(&writer)? | OFlags::NONBLOCK)?;
        writer.write_all(secret)?;
        fcntl_setfd(&reader, FdFlags::empty())?;
        Ok(Self(reader))
    }

    /// The file that the command reads it from.
    pub(crate) fn file(&self) -> String {
        format!("/dev/fd/{}", self.0.as_raw_fd())
    }

    /// Starts the command with it.
    pub(crate) fn spawn(self, command: &mut Command) -> io::Result<Child> {
        command.spawn()
    }

    /// Becomes the command with it; returns why that was impossible.
    pub(crate) fn become_command(self, command: Command) -> io::Error {
        become_command(command)
    }
}

/// A pipe that a command writes to as to a file: our end, the command's end, and the file's name.
pub(crate) fn heads_pipe() -> io::Result<Option<(PipeReader, PipeWriter, String)>> {
    let (reader, writer) = io::pipe()?;
    fcntl_setfd(&writer, FdFlags::empty())?;
    let name = format!("/dev/fd/{}", writer.as_raw_fd());
    Ok(Some((reader, writer, name)))
}

/// What a clock shows.
pub(super) fn nanoseconds_of(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    seconds.unwrap_or_default().saturating_mul(1_000_000_000).saturating_add(nanoseconds.unwrap_or_default())
}

/// The columns of the terminal at stderr; 0 where they are not known.
pub(crate) fn columns() -> usize {
    tcgetwinsize(io::stderr()).map_or(0, |size| usize::from(size.ws_col))
}

/// Asks on the terminal with echo off. The echo is off before the prompt appears: somebody who pastes at once is not faster
/// than we are.
pub(crate) fn read_hidden(prompt: &str) -> io::Result<String> {
    let quiet = EchoOff::new()?;
    eprint!("{prompt}");
    let config = rpassword::ConfigBuilder::new().input_reader(Keys(quiet.before.clone())).output_discard().build();
    let line = rpassword::read_password_with_config(config);
    eprintln!();
    line
}

/// The terminal without echo, and with keys instead of lines and signals, until dropped.
struct EchoOff {
    before: Termios,
}

impl EchoOff {
    fn new() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(io::stdin(), OptionalActions::Now, &quiet)?;
        Ok(Self { before })
    }
}

impl Drop for EchoOff {
    fn drop(&mut self) {
        // The terminal is gone if this fails.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// What is typed. Ctrl-C ends the program as it does elsewhere, but the terminal is put back first: a signal leaves no
/// time for that.
struct Keys(Termios);

impl Read for Keys {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        const CTRL_C: u8 = 3;
        let read = io::stdin().read(buffer)?;
        if buffer[..read].contains(&CTRL_C) {
            tcsetattr(io::stdin(), OptionalActions::Now, &self.0)?;
            eprintln!();
            kill_process(getpid(), Signal::INT)?;
        }
        Ok(read)
    }
}
