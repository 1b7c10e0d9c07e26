//! npm's launchers: a script for each name, in a package that has the executable of this system in another one.
//! `release/pack.py` writes them.

use std::path::{Path, PathBuf};

use crate::programs::is_same_file;

/// Room for a launcher, and for what npm and pnpm put on PATH where they make no links.
const LONGEST: u64 = 4096;
/// How such a stand-in for a link, of Windows or a shell, begins to name a file beside it.
const BESIDE: [&str; 2] = ["\"%dp0%\\", "\"$basedir/"];

/// Whether node would start `program` for whoever starts the file at `path`.
pub(super) fn starts(path: &Path, program: &Path) -> bool {
    let Ok(program) = dunce::canonicalize(program) else { return false };
    let below_modules = || {
        let folder = program.parent()?.parent()?.file_name()?.to_str()?;
        folder.starts_with("scalekit-auth-").then(|| Path::new("node_modules").join(folder).join("bin"))
    };
    let (Some(package), Some(folder), Some(name)) = (package(path), below_modules(), program.file_name()) else {
        return false;
    };
    package.ancestors().any(|above| is_same_file(&above.join(&folder).join(name), &program))
}

/// The folder of the package whose launcher is at `path`.
pub(super) fn package(path: &Path) -> Option<PathBuf> {
    let script = script(path)?;
    let name = script.file_stem()?.to_str()?;
    let expected = format!("#!/usr/bin/env node\nrequire(\"../launch.js\")(\"{name}\");\n");
    (short_text(&script)? == expected).then(|| script.parent()?.parent().map(Path::to_owned)).flatten()
}

/// The script of node's that a link, or what stands for one, leads to.
fn script(path: &Path) -> Option<PathBuf> {
    let file = dunce::canonicalize(path).ok()?;
    let is_script = |path: &Path| path.extension().is_some_and(|extension| extension == "js");
    if is_script(&file) {
        return Some(file);
    }
    let (text, folder) = (short_text(&file)?, file.parent()?);
    let named = BESIDE.iter().flat_map(|begin| text.split(begin).skip(1)).filter_map(|rest| rest.split('"').next());
    named.map(|name| folder.join(name)).find(|named| is_script(named)).and_then(|named| dunce::canonicalize(named).ok())
}

fn short_text(path: &Path) -> Option<String> {
    let data = path.metadata().ok()?;
    (data.is_file() && data.len() <= LONGEST).then(|| std::fs::read_to_string(path).ok()).flatten()
}
