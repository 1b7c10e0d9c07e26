//! Environments whose connections and providers `sync` reads.

// Each test file uses a part of it.
#![allow(dead_code)]

use std::process::Command;

use scalekit_sandbox::{Control, Credential, Sandbox};
use serde_json::{Value, json};

use crate::common::{EXE, Finished, World, finish};

pub const CONNECTIONS: &str = "GET /api/v1/connections/app";
pub const PROVIDERS: &str = "GET /api/v1/providers";

/// A provider whose API is at `proxy_url`.
pub fn provider(identifier: &str, proxy_url: Option<&str>, is_custom: bool) -> Control {
    Control::SeedProvider {
        identifier: identifier.into(),
        display_name: None,
        proxy_url: proxy_url.map(str::to_owned),
        auth_patterns: None,
        is_custom,
    }
}

/// A connection that can be used, with an MCP server.
pub fn with_mcp(connection: &str, provider: &str, mcp_server_url: &str) -> Control {
    Control::SeedConnection {
        name: connection.into(),
        provider: provider.into(),
        enabled: true,
        mcp_server_url: Some(mcp_server_url.into()),
        status: "COMPLETED".into(),
        kind: "OAUTH".into(),
    }
}

/// An ACTIVE account that says `api_config` about its tenant, with the token [`token_of`].
pub fn account(connection: &str, identifier: &str, api_config: Value) -> Control {
    Control::SeedAccount {
        connection: connection.into(),
        identifier: identifier.into(),
        status: "ACTIVE".into(),
        credential: crate::common::oauth(&token_of(connection, identifier)),
        expires_in: Some(3600),
        expires_at: None,
        authorization_type: None,
        api_config: Some(api_config),
    }
}

/// The same, where the token's own `domain` says it.
pub fn account_with_domain(connection: &str, identifier: &str, domain: &str) -> Control {
    let mut control = account(connection, identifier, json!({}));
    if let Control::SeedAccount { credential: Credential::OauthToken { domain: place, .. }, api_config, .. } =
        &mut control
    {
        *place = Some(domain.into());
        *api_config = None;
    }
    control
}

pub fn token_of(connection: &str, identifier: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("canary-{}-{identifier}", connection.chars().map(plain).collect::<String>())
}

impl World {
    /// A connection of this provider that nobody configured, with an account of the usual identifier.
    pub fn connection(&self, name: &str, provider: &str) {
        self.control(Control::connection(name, provider));
        self.control(account(name, "agent", json!({})));
    }

    /// A custom provider of its own, whose API is at `proxy_url`.
    pub fn custom(&self, name: &str, identifier: &str, proxy_url: &str) {
        self.control(provider(identifier, Some(proxy_url), true));
        self.connection(name, identifier);
    }

    pub fn synced(&self) -> Value {
        serde_json::from_str(&self.synced_text()).unwrap()
    }

    pub fn synced_text(&self) -> String {
        std::fs::read_to_string(self.config_file("synced.json")).unwrap()
    }

    /// What `list` says, as cells; without the head.
    #[track_caller]
    pub fn rows(&self) -> Vec<Vec<String>> {
        rows(&self.ok(&["list"]))
    }

    /// Asks for the token of a place, and finds that of this connection's usual account.
    #[track_caller]
    pub fn gives(&self, place: &str, connection: &str) {
        self.gives_as(place, connection, "agent");
    }

    #[track_caller]
    pub fn gives_as(&self, place: &str, connection: &str, identifier: &str) {
        assert_eq!(self.ok(&["token", place]).stdout, format!("{}\n", token_of(connection, identifier)), "{place}");
    }

    /// Asks for the token of a place, and finds nobody's.
    #[track_caller]
    pub fn refuses(&self, place: &str) {
        let got = self.run(&["token", place]).exit(3);
        assert_eq!(got.stdout, "", "{place}");
    }
}

pub fn rows(list: &Finished) -> Vec<Vec<String>> {
    let cells = |line: &str| {
        let cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
        cells.map(str::to_owned).collect()
    };
    list.stdout.lines().skip(1).map(cells).collect()
}

/// One user with two environments, `default` and `dev`, whose client secrets live in files.
pub struct Two {
    pub world: World,
    pub other: Sandbox,
}

impl Two {
    pub fn new() -> Self {
        let mut world = World::new();
        world.credentials_in_variables = false;
        let two = Self { world, other: Sandbox::start() };
        let roots = [&two.world.sandbox, &two.other].map(|sandbox| std::fs::read_to_string(sandbox.ca_pem()).unwrap());
        std::fs::write(two.world.path("roots.pem"), roots.concat()).unwrap();
        two
    }

    pub fn command(&self) -> Command {
        let mut command = self.world.command(EXE);
        command.env("SSL_CERT_FILE", self.world.path("roots.pem"));
        command
    }

    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> Finished {
        finish(self.command().args(args), "").ok()
    }

    pub fn run(&self, args: &[&str]) -> Finished {
        finish(self.command().args(args), "")
    }

    #[track_caller]
    pub fn login(&self, name: &str, sandbox: &Sandbox) {
        let home = format!("file:{}", self.world.path(&format!("secret-of-{name}")).display());
        let mut command = self.command();
        command.args(["login", "--environment", name, "--home", &home, "--env-url", sandbox.url()]);
        command.args(["--client-id", sandbox.client_id(), "--client-secret-stdin"]);
        finish(&mut command, sandbox.client_secret()).ok();
    }
}

impl Drop for Two {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.other.violations(), Vec::<String>::new());
        }
    }
}
