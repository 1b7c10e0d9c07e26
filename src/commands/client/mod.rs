//! `client`: API clients of an organization, the machines that call your API with JWTs. Each call is made with the client
//! credentials of the environment.

mod create;
mod delete;
mod input;
mod list;
mod prepared;
mod rotate;
mod secret;
mod selected;
mod show;
mod update;

use serde_json::{Value, json};

use super::print;
use crate::consent::Failure;
use crate::error::Error;
use crate::output::json_line;
use crate::secret::Secret;

/// Create, list, change and delete API clients of an organization, and replace their secrets
///
/// The calls are made with the client credentials of the environment (`scalekit-auth login`). A secret is shown by the vault
/// once; it goes into its home and is not printed.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The environment whose client credentials make the calls
    #[arg(long, global = true, value_name = "NAME")]
    environment: Option<String>,
    /// Print a JSON object
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Create an API client and store its secret
    Create(create::Arguments),
    /// List the API clients of an organization
    List(list::Arguments),
    /// Show an API client
    Get(selected::Arguments),
    /// Change an API client; what is not given stays
    Update(update::Arguments),
    /// Delete an API client with its secrets, also the stored one
    Delete(delete::Arguments),
    /// List the secrets of an API client, without the secrets themselves
    Secrets(selected::Arguments),
    /// Give the API client of a service a new secret, and delete the old one once the new one is proven and stored
    Rotate(rotate::Arguments),
}

/// What a command did, in both forms.
struct Done {
    /// What the object of `--json` says beside version and status.
    object: Value,
    text: String,
}

/// Why a command did not do it.
struct Failed {
    error: Error,
    /// A client that is there all the same, and its secret, which is stored nowhere.
    left: Option<Box<(String, Secret<String>)>>,
}

impl<E: Into<Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self { error: error.into(), left: None }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Error> {
    let broker = super::load(arguments.environment.as_deref(), std::time::Instant::now())?;
    let done = match &arguments.command {
        Command::Create(own) => create::run(own, &broker, arguments.json),
        Command::List(own) => list::run(own, &broker, arguments.json),
        Command::Get(own) => show::get(own, &broker),
        Command::Update(own) => update::run(own, &broker),
        Command::Delete(own) => delete::run(own, &broker),
        Command::Secrets(own) => show::secrets(own, &broker),
        Command::Rotate(own) => rotate::run(own, &broker),
    };
    match done {
        Ok(done) if arguments.json => print(&line(done.object)),
        Ok(done) => print(&done.text),
        Err(failed) => {
            tell(&failed, arguments.json)?;
            Err(failed.error)
        }
    }
}

/// One object on one line, with the version and the status that every one has.
fn line(own: Value) -> String {
    let mut object = json!({"version": 1, "status": "ok"});
    if let Value::Object(own) = own {
        own.into_iter().for_each(|(key, value)| object[key] = value);
    }
    json_line(object)
}

/// What belongs on stdout although the command failed: a secret that would else be lost, and the object of `--json`.
fn tell(failed: &Failed, json: bool) -> Result<(), Error> {
    let text = match (&failed.left, json) {
        (None, false) => return Ok(()),
        (Some(left), false) => Secret::new(format!("{}\n", left.1.expose())),
        (left, true) => {
            let mut object = Failure::from(failed.error.clone()).to_json();
            if let Some((client_id, secret)) = left.as_deref() {
                object["client_id"] = client_id.as_str().into();
                object["client_secret"] = secret.expose().as_str().into();
            }
            Secret::new(format!("{object}\n"))
        }
    };
    print(text.expose())
}
