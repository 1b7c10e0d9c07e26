//! Everything a sandbox knows, behind one lock.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::client::{Client, Secret};
use crate::connection::Connection;
use crate::control::VerifyMode;
use crate::error::Refusal;
use crate::faults::Faults;
use crate::grant::Grant;
use crate::keys::Keys;
use crate::provider::Provider;
use crate::sandbox::Logged;
use crate::wire::{Absent, Style};

#[derive(Debug)]
struct ClientToken {
    token: String,
    good_until: Instant,
    /// Whether it is the environment's client that got it; only that one may use the API.
    opens_api: bool,
}

/// A magic link that was handed out.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) account: String,
    pub(crate) good_until: Instant,
    /// Empty if the client gave none.
    pub(crate) user_verify_url: String,
    /// Likewise.
    pub(crate) state: String,
}

/// A consent that the client has to confirm.
#[derive(Debug)]
pub(crate) struct AuthRequest {
    pub(crate) account: String,
    pub(crate) link: String,
}

/// A create that another client wins.
#[derive(Debug)]
pub(crate) struct Race {
    pub(crate) connection: String,
    pub(crate) identifier: String,
    pub(crate) status: u16,
}

/// What differs from the usual discovery document.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    pub(crate) jwks_uri: Option<String>,
    pub(crate) missing: bool,
}

/// What a sandbox starts from, and comes back to.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) absent: Absent,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) origin: Origin,
    pub(crate) client_secret: String,
    pub(crate) absent: Absent,
    pub(crate) token_lifetime: u64,
    pub(crate) link_lifetime: u64,
    pub(crate) verify_url_required: bool,
    pub(crate) verify_mode: VerifyMode,
    pub(crate) consent_page: bool,
    /// Where a verification sends the browser; the sandbox's own page if nobody said otherwise.
    pub(crate) post_verify_redirect: Option<String>,
    pub(crate) mcp_configs: Vec<String>,
    /// Session tokens, each with the path of the server that it opens.
    pub(crate) mcp_sessions: Vec<(String, String, Instant)>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) providers: Vec<Provider>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) organizations: Vec<String>,
    pub(crate) clients: Vec<Client>,
    pub(crate) keys: Keys,
    pub(crate) keys_max_age: Option<u64>,
    pub(crate) discovery: Discovery,
    pub(crate) links: HashMap<String, Link>,
    pub(crate) auth_requests: HashMap<String, AuthRequest>,
    pub(crate) races: Vec<Race>,
    pub(crate) faults: Faults,
    pub(crate) log: Vec<Logged>,
    pub(crate) routes: BTreeMap<String, u64>,
    pub(crate) violations: Vec<String>,
    /// How many consents took effect.
    consents: u64,
    client_tokens: Vec<ClientToken>,
    plain_secrets: Vec<String>,
    serial: u64,
    turn: usize,
}

impl State {
    pub(crate) fn new(origin: Origin) -> State {
        State {
            client_secret: origin.client_secret.clone(),
            absent: origin.absent,
            origin,
            token_lifetime: 86_399,
            link_lifetime: 60,
            verify_url_required: false,
            verify_mode: VerifyMode::None,
            consent_page: false,
            post_verify_redirect: None,
            mcp_configs: Vec::new(),
            mcp_sessions: Vec::new(),
            connections: Vec::new(),
            providers: Vec::new(),
            accounts: Vec::new(),
            organizations: Vec::new(),
            clients: Vec::new(),
            keys: Keys::default(),
            keys_max_age: None,
            discovery: Discovery::default(),
            links: HashMap::new(),
            auth_requests: HashMap::new(),
            races: Vec::new(),
            faults: Faults::default(),
            log: Vec::new(),
            routes: BTreeMap::new(),
            violations: Vec::new(),
            consents: 0,
            client_tokens: Vec::new(),
            plain_secrets: Vec::new(),
            serial: 0,
            turn: 0,
        }
    }

    /// Forgets everything, but gives no id out twice.
    pub(crate) fn reset(&mut self) {
        let serial = self.serial;
        *self = State::new(self.origin.clone());
        self.serial = serial;
    }

    /// An id in the form of the real ones: a prefix and digits.
    pub(crate) fn next_id(&mut self, prefix: &str) -> String {
        self.serial += 1;
        format!("{prefix}_{}", 24_834_495_392_000_000 + self.serial)
    }

    /// How the next reply writes what is absent.
    pub(crate) fn next_style(&mut self) -> Style {
        self.turn += 1;
        Style { absent: self.absent, turn: self.turn }
    }

    pub(crate) fn connection(&self, name: &str) -> Result<&Connection, Refusal> {
        let found = self.connections.iter().find(|connection| connection.name == name);
        found.ok_or_else(|| Refusal::NotFound(format!("connection {name}")))
    }

    /// The place of an account in `accounts`.
    pub(crate) fn position(&self, connection: &str, identifier: &str) -> Option<usize> {
        self.accounts.iter().position(|account| account.connection == connection && account.identifier == identifier)
    }

    /// Adds an account that waits for its user, and tells its place.
    pub(crate) fn add_pending(&mut self, connection: &str, identifier: &str) -> usize {
        let id = self.next_id("ca");
        self.accounts.push(Account::pending(id, connection, identifier));
        self.accounts.len() - 1
    }

    /// Lets a user's consent take effect.
    pub(crate) fn activate(&mut self, place: usize) -> Result<(), Refusal> {
        let connection = self.connection(&self.accounts[place].connection)?;
        let authorization_type = connection.authorization_type().to_owned();
        self.consents += 1;
        self.accounts[place].activate(&authorization_type, format!("sandbox-token-{}", self.consents));
        Ok(())
    }

    /// Takes an account away, and whatever leads to it.
    pub(crate) fn delete(&mut self, place: usize) {
        let id = self.accounts.remove(place).id;
        self.links.retain(|_, link| link.account != id);
        self.auth_requests.retain(|_, request| request.account != id);
    }

    /// Issues a client access token.
    pub(crate) fn issue(&mut self, grant: &Grant) -> String {
        let token = self.keys.sign(&self.keys.header(), &grant.claims(&self.origin.url));
        let (good_until, opens_api) = (after(grant.lifetime), grant.organization.is_none());
        self.client_tokens.push(ClientToken { token: token.clone(), good_until, opens_api });
        token
    }

    /// A new secret for a client.
    pub(crate) fn new_secret(&mut self) -> Secret {
        let secret = Secret::new(self.next_id("sks"));
        self.plain_secrets.push(secret.plain.clone());
        secret
    }

    pub(crate) fn plain_secrets(&self) -> Vec<String> {
        self.plain_secrets.clone()
    }

    pub(crate) fn client_tokens(&self) -> Vec<String> {
        self.client_tokens.iter().map(|issued| issued.token.clone()).collect()
    }

    pub(crate) fn expire_client_tokens(&mut self) {
        let now = Instant::now();
        self.client_tokens.iter_mut().for_each(|issued| issued.good_until = now);
    }

    /// Whether an `Authorization` header carries a client access token that is still good.
    pub(crate) fn check_bearer(&self, authorization: Option<&str>) -> Result<(), Refusal> {
        let token = authorization.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        if token.is_empty() {
            return Err(Refusal::Unauthenticated("Token empty"));
        }
        let issued = self.client_tokens.iter().find(|issued| issued.token == token);
        match issued {
            None => Err(Refusal::Unauthenticated("Token invalid")),
            Some(issued) if issued.good_until <= Instant::now() => Err(Refusal::Unauthenticated("Token expired")),
            Some(issued) if !issued.opens_api => Err(Refusal::Forbidden),
            Some(_) => Ok(()),
        }
    }
}

/// The moment that is `seconds` away, or as far as the clock goes.
pub(crate) fn after(seconds: u64) -> Instant {
    const FAR: u64 = 1_000_000_000;
    Instant::now() + Duration::from_secs(seconds.min(FAR))
}
