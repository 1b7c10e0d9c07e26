//! An organization with API clients, and the ways in which a program is killed while it changes one.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use scalekit_sandbox::Control;
use serde_json::Value;

use super::keyring::{Desk, Killed, until};
use super::{EXE, Finished, files_below};

/// The organization.
pub const ORG: &str = "org_1";

pub const TOKEN: &str = "POST /oauth/token";
pub const CREATE: &str = "POST /api/v1/organizations/{organization_id}/clients";
pub const GET: &str = "GET /api/v1/organizations/{organization_id}/clients/{client_id}";
pub const DELETE: &str = "DELETE /api/v1/organizations/{organization_id}/clients/{client_id}";
pub const ADD_SECRET: &str = "POST /api/v1/organizations/{organization_id}/clients/{client_id}/secrets";
pub const DELETE_SECRET: &str =
    "DELETE /api/v1/organizations/{organization_id}/clients/{client_id}/secrets/{secret_id}";

/// When a program is killed that has sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    /// The request has no effect.
    Before,
    /// It has, but the program never sees the reply.
    After,
    /// The program has seen the reply and waits for a keyring that does not answer.
    Frozen,
}

/// A machine with a keyring, whose environment's client credentials are in the environment variables.
pub fn desk() -> Desk {
    let mut desk = Desk::new();
    desk.world.credentials_in_variables = true;
    desk.world.control(Control::SeedOrganization { id: ORG.into() });
    desk
}

/// Creates a client that is the service `api` of `api.example.com`, and returns its id.
#[track_caller]
pub fn create(desk: &Desk, more: &[&str]) -> String {
    let args =
        ["client", "create", "--org", ORG, "--name", "CI", "--service", "api", "--host", "api.example.com", "--json"];
    let created = object(&desk.run(&[&args, more].concat()).ok());
    created["client_id"].as_str().unwrap().to_owned()
}

/// The one object that a command printed.
#[track_caller]
pub fn object(finished: &Finished) -> Value {
    assert_eq!(finished.stdout.matches('\n').count(), 1, "{finished:?}");
    let object: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(object["version"], 1, "{finished:?}");
    object
}

/// Nothing but the file `home` holds a secret of a client, and no output does.
#[track_caller]
pub fn assert_no_leak(desk: &Desk, outputs: &[&Finished], home: Option<&std::path::Path>) {
    let secrets = desk.world.sandbox.plain_secrets();
    assert!(!secrets.is_empty());
    for output in outputs {
        let clean = secrets.iter().all(|secret| !output.stdout.contains(secret) && !output.stderr.contains(secret));
        assert!(clean, "{output:?}");
    }
    for file in files_below(desk.world.home.path()) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        let found = |secret: &String| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(Some(&*file) == home || !secrets.iter().any(found), "{}", file.display());
    }
}

/// Runs the program and kills it at its `nth` request of `route`.
pub fn killed(desk: &Desk, args: &[&str], route: &str, nth: u64, kill: Kill) {
    let delay = |millis| Control::Delay { route: Some(route.into()), times: 1, millis };
    for _ in 1..nth {
        desk.world.control(delay(0));
    }
    desk.world.control(delay(if kill == Kill::Before { 60_000 } else { 300 }));
    let before = desk.world.count(route);
    let mut command = desk.command(EXE);
    let child = command.args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut child = Killed(child);
    until("the request arrives", || desk.world.count(route) == before + nth);
    match kill {
        Kill::Before => {}
        Kill::After => child.signal("STOP"),
        Kill::Frozen => desk.keyring.freeze(),
    }
    if kill != Kill::Before {
        sleep(Duration::from_millis(900));
    }
    assert!(child.0.try_wait().unwrap().is_none(), "it is still at work: {kill:?} {route}");
    drop(child);
    if kill == Kill::Frozen {
        desk.keyring.thaw();
    }
}
