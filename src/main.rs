//! The executable: hands its arguments to the library and returns its exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    let args = std::env::args_os().collect();
    ExitCode::from(scalekit_auth::run(args))
}
