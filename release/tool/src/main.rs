//! `scalekit-release DIRECTORY` writes the completions and manual pages of scalekit-auth into a directory.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let (Some(directory), None) = (words.next(), words.next()) else {
        eprintln!("usage: scalekit-release DIRECTORY");
        return ExitCode::from(2);
    };
    match scalekit_release::write(Path::new(&directory)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scalekit-release: cannot write to {}: {error}", Path::new(&directory).display());
            ExitCode::FAILURE
        }
    }
}
