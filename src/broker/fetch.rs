//! What the vault holds for an account, or gives to an API client.

use super::{Broker, selector};
use crate::cache::Entry;
use crate::consent::{Consent, Failure, NoLink};
use crate::error::{Error, Kind, Mark};
use crate::refusals;
use crate::service::{Account, ApiClient, Credential, Service};
use crate::store;
use crate::suggest::{self, Subject};
use crate::vault::{self, ConnectedAccount, Facts, Grant, NoCredential, Selector, Status, Vault};

/// The error of a token that a server refused a moment ago.
pub fn refused(service: &Service, subject: &Subject) -> Error {
    Error::new(Kind::NeedsAuthorization, format!("the token of {} was refused", service.name))
        .why(refusals::REPORTED)
        .next(subject.after_refusal())
}

impl Broker {
    /// What the vault holds for the connected account, which is created if it is missing there.
    pub(super) fn token_of(
        &self,
        vault: &Vault,
        service: &Service,
        account: &Account,
    ) -> Result<(Entry, Facts), Failure> {
        if let Some(client) = &service.client {
            return Ok((client_token(vault, service, client)?, Facts::default()));
        }
        if let Some(session) = &service.mcp {
            return Ok((self.session_token(vault, service, session, account)?, Facts::default()));
        }
        let found = read(vault, service, |vault| read_or_create(vault, selector(service, account)).map(Some))?;
        let subject = self.subject(service, account);
        let Some(found) = found else { return Err(nobody_authorized(service, None).into()) };
        if found.status != Status::Active {
            let link = self.link(vault, service, account, &found.status).map_err(NoLink::Refused);
            let consent = Consent::new(service, &account.identifier, subject, found.status, link);
            return Err(Failure::Consent(Box::new(consent)));
        }
        self.cache().forget_link(&self.key(service, account)?);
        let credential = found.credential.map_err(|error| no_credential(service, &subject, error))?;
        Ok((Entry { credential, expires_at: found.expires_at, refused_scopes: Vec::new() }, found.facts))
    }

    /// Why the account would give no token now, if it would not; else its credential. Nothing is created.
    pub fn inspect(&self, vault: &Vault, service: &Service, account: &Account) -> Result<Entry, Error> {
        let found = read(vault, service, |vault| match vault.account(selector(service, account)) {
            Err(vault::Error::NotFound) => Ok(None),
            other => other.map(Some),
        })?;
        let subject = self.subject(service, account);
        let needs = |why: String| {
            Error::new(Kind::NeedsAuthorization, format!("authorization needed for {}", service.name))
                .why(why)
                .next(format!("{} gives a link for consent", subject.connect()))
        };
        let identifier = &account.identifier;
        match found {
            None if service.learned.is_org_wide => Err(nobody_authorized(service, None)),
            None => Err(needs(format!("the vault has no account {identifier} of {}", service.connection))),
            Some(found) if found.status != Status::Active => {
                Err(needs(format!("the account {identifier} is {}", found.status.word())))
            }
            Some(found) => match found.credential {
                Ok(credential) if refusals::is_refused(credential.secret().expose()) => Err(refused(service, &subject)),
                Ok(credential) => Ok(Entry { credential, expires_at: found.expires_at, refused_scopes: Vec::new() }),
                Err(error) => Err(no_credential(service, &subject, error)),
            },
        }
    }
}

/// The account as `own` reads it, else the one that holds the credential for everybody; the others are records of consent then.
fn read(
    vault: &Vault,
    service: &Service,
    own: impl FnOnce(&Vault) -> Result<Option<ConnectedAccount>, vault::Error>,
) -> Result<Option<ConnectedAccount>, Error> {
    let found = if service.learned.is_org_wide { None } else { own(vault)? };
    match found {
        Some(found) if !found.is_withheld() => Ok(Some(found)),
        found => Ok(shared_account(vault, service)?.or(found)),
    }
}

/// A JWT for an API client.
fn client_token(vault: &Vault, service: &Service, client: &ApiClient) -> Result<Entry, Error> {
    let config = suggest::config(service);
    let grant = match vault.grant(&client.scopes) {
        Err(error @ vault::Error::Credentials { .. }) => grant_after_rotation(vault, client, error),
        other => other,
    };
    let grant = grant.map_err(|error| match &error {
        vault::Error::Credentials { reason, .. } if reason.contains("invalid_scope") => {
            Error::new(Kind::VaultRefused, format!("the vault refused the scopes of {}", service.name))
                .why(&error)
                .next(format!("{} asks for others", config.clone().option("--scope", "SCOPE")))
        }
        vault::Error::Credentials { .. } => {
            Error::new(Kind::VaultRefused, format!("the vault refused the client credentials of {}", service.name))
                .why(&error)
                .next(format!("{} stores another secret of this client", config.clone().word("--secret-stdin")))
        }
        _ => error.clone().into(),
    })?;
    let expires_at = grant.expires_at();
    let granted = grant.scopes.as_ref().unwrap_or(&client.scopes);
    let refused_scopes = client.scopes.iter().filter(|scope| !granted.contains(scope)).cloned().collect();
    Ok(Entry { credential: Credential::bearer(grant.token), expires_at, refused_scopes })
}

/// A rotation may have put another secret in place after ours was read, and deleted ours since.
fn grant_after_rotation(vault: &Vault, client: &ApiClient, error: vault::Error) -> Result<Grant, vault::Error> {
    match store::credentials(&client.environment()) {
        Ok(now) if !vault.has_secret(&now.client_secret) => vault.reopened(now)?.grant(&client.scopes),
        _ => Err(error),
    }
}

/// Where somebody else created the account in the meantime, it is read again.
pub fn read_or_create(vault: &Vault, selector: Selector<'_>) -> Result<ConnectedAccount, vault::Error> {
    match vault.account(selector) {
        Err(vault::Error::NotFound) => match vault.create_account(selector) {
            Err(vault::Error::Exists) => vault.account(selector),
            other => other,
        },
        other => other,
    }
}

/// The account that holds the credential for everybody, if the connection has one. One that cannot be used is a matter of the
/// dashboard's: nobody else may consent for it.
fn shared_account(vault: &Vault, service: &Service) -> Result<Option<ConnectedAccount>, Error> {
    let shared = match vault.shared_account(&service.connection) {
        // Who may read a credential need not be allowed to list accounts.
        Err(vault::Error::Refused { status: 400 | 403 | 404 | 501, .. }) if !service.learned.is_org_wide => None,
        shared => shared?,
    };
    let Some(shared) = shared else { return Ok(None) };
    let found = vault.account_by_id(&shared.id)?;
    match &found.status {
        Status::Active => Ok(Some(found)),
        status => Err(nobody_authorized(service, Some(status))),
    }
}

/// The error for an organization-wide connection without a usable account.
fn nobody_authorized(service: &Service, status: Option<&Status>) -> Error {
    let what = format!("authorization needed for {}", service.name);
    let why = match status {
        Some(status) => format!("the account that its connection shares with everybody is {}", status.word()),
        None => "the account that its connection shares with everybody is not there yet".to_owned(),
    };
    Error::new(Kind::NeedsAuthorization, what)
        .why(why)
        .next("an administrator authorizes it in Scalekit dashboard, AgentKit > Connections")
}

fn no_credential(service: &Service, subject: &Subject, why: NoCredential) -> Error {
    let error = Error::new(Kind::VaultRefused, format!("the vault has no token for {}", service.name)).why(why);
    match why {
        NoCredential::Withheld => error
            .next(format!("the vault makes the call itself with {}", subject.curl().word("URL")))
            .marked(Mark::Withheld),
        NoCredential::Malformed => error.next(format!("{} to enter it again", subject.renew())),
        NoCredential::TrustedIdp | NoCredential::OAuth1 | NoCredential::NoAuth => error,
    }
}
