//! The tools themselves: which version is first on PATH, and what that version cannot do.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::check::{Check, LOCAL, Pending};
use crate::commands::curl::KEEPS_CREDENTIALS;
use crate::programs::{on_path, version};
use crate::protocol::git::chain::{KNOWS_AUTHTYPE, KNOWS_EXPIRY};
use crate::store::credential_variables;
use crate::system;

/// No version line comes near this.
const LARGEST: u64 = 16 * 1024;

/// A version, and what older ones cannot do.
type Limit = ((u32, u32), &'static str);

struct Tool {
    check: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    /// What stands before the number.
    before: &'static str,
    /// The oldest first.
    limits: &'static [Limit],
}

const TOOLS: [Tool; 4] = [
    Tool {
        check: "git_version",
        program: "git",
        arguments: &["--version"],
        before: "git version ",
        limits: &[
            (KNOWS_EXPIRY, "is not told when a token expires"),
            (KNOWS_AUTHTYPE, "cannot send a Bearer token, and a refused one fails the command"),
        ],
    },
    Tool {
        check: "docker_version",
        program: "docker",
        arguments: &["--version"],
        before: "Docker version ",
        limits: &[],
    },
    Tool {
        check: "curl_version",
        program: "curl",
        arguments: &["-q", "--version"],
        before: "curl ",
        limits: &[(KEEPS_CREDENTIALS, "could send the token on to where a redirect leads, so that -L is refused")],
    },
    Tool { check: "gh_version", program: "gh", arguments: &["--version"], before: "gh version ", limits: &[] },
];

/// Asks all of them at once.
pub(super) fn start() -> Vec<(&'static str, Pending<Check>)> {
    TOOLS.iter().map(|tool| (tool.check, Pending::start(|| look(tool)))).collect()
}

fn look(tool: &Tool) -> Check {
    let name = tool.check;
    let Some(path) = on_path(tool.program).next() else {
        return Check::skipped(name, format!("there is no {} on PATH", tool.program));
    };
    let shown = path.display();
    let Some(found) = said(&path, tool.arguments).and_then(|said| version(&said, tool.before)) else {
        return Check::note(
            name,
            format!("{shown} does not tell its version"),
            format!("`{shown} --version` shows what it says"),
        );
    };
    let (major, minor) = found;
    match tool.limits.iter().find(|(since, _)| found < *since) {
        None => Check::ok(name, format!("{shown} is {major}.{minor}")),
        Some((_, limit)) => {
            let (newest, least) = tool.limits.last().map_or(found, |(since, _)| *since);
            let next = format!("install {} {newest}.{least} or later", tool.program);
            Check::note(name, format!("{shown} is {major}.{minor}, which {limit}"), next)
        }
    }
}

/// What a program prints; nothing of one that cannot be started, or does not end in time.
pub(super) fn said(program: &Path, arguments: &[&str]) -> Option<String> {
    let until = Instant::now() + LOCAL;
    let mut command = Command::new(program);
    // gh would look for updates, and write down that it did.
    command.args(arguments).env("GH_NO_UPDATE_NOTIFIER", "1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    credential_variables().for_each(|name| _ = command.env_remove(name));
    system::detach(&mut command);
    let mut child = command.spawn().ok()?;
    let output = child.stdout.take()?;
    let text = Pending::start(move || {
        let mut bytes = Vec::new();
        output.take(LARGEST).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    });
    let text = text.by(until).flatten();
    system::kill_with_helpers(&mut child);
    text
}
