//! Checks the tokens that Scalekit issues (JWTs signed with RS256) when somebody else brings them, as an HTTP API does.
//!
//! ```no_run
//! use scalekit_auth::verify::{EnvironmentUrl, Error, Verifier, bearer};
//!
//! // One for the whole program: it keeps the environment's keys. Threads share it.
//! let environment = EnvironmentUrl::parse("https://acme.scalekit.com").unwrap();
//! let verifier = Verifier::new(environment).audience("deployment-api.acme.com");
//!
//! /// What to answer with: the status, and the header `WWW-Authenticate`.
//! fn deploy(verifier: &Verifier, authorization: Option<&str>) -> Result<String, (u16, Option<String>)> {
//!     let check = || -> Result<String, Error> {
//!         let claims = verifier.verify(bearer(authorization)?)?;
//!         claims.require("deploy:apps")?;
//!         Ok(format!("deployed for {}", claims.subject().unwrap_or("somebody")))
//!     };
//!     check().map_err(|error| (error.status(), error.www_authenticate()))
//! }
//! ```
//!
//! An environment signs access tokens and ID tokens with the same keys. Naming the audience tells them apart.
//!
//! The cryptography is that of the crate `jsonwebtoken`, whose backend is chosen once for a process. The first [`Verifier`]
//! chooses one that knows RS256 alone; an application that uses `jsonwebtoken` for more installs its own before that.

mod claims;
mod error;
mod head;
mod held;
mod jwks;
mod keys;
mod saved;
mod signature;

use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use serde::de::IgnoredAny;

pub use claims::Claims;
pub use error::Error;

use crate::clock;
pub use crate::service::EnvironmentUrl;
use crate::vault::{self, Limit};
use keys::{Keys, Source};

/// No real token comes near this many bytes.
pub const LONGEST_TOKEN: usize = 64 * 1024;
/// By how much clocks may differ if nobody says otherwise.
pub const USUAL_LEEWAY: Duration = Duration::from_secs(30);
/// The most that a leeway can be.
pub const MOST_LEEWAY: Duration = Duration::from_secs(300);

/// How long a token may have to wait for keys.
const FETCH_LIMIT: Duration = Duration::from_secs(5);

/// Checks tokens of one environment. The keys are fetched with the first token and kept as long as the environment says.
#[derive(Debug)]
pub struct Verifier {
    keys: Keys,
    issuer: String,
    validation: Validation,
}

impl Verifier {
    /// For tokens that `environment` issued, whomever they are for. Nothing is sent yet.
    pub fn new(environment: EnvironmentUrl) -> Self {
        let issuer = environment.to_string();
        Self::with(issuer, Source::Environment(environment))
    }

    /// For tokens of `issuer` whose keys are those of the JWK set `jwks`; nothing is ever fetched.
    pub fn offline(issuer: impl Into<String>, jwks: &[u8]) -> Result<Self, Error> {
        let keys = jwks::parse(jwks).ok_or(vault::Error::Unreadable("the request for its keys"))?;
        Ok(Self::with(issuer.into(), Source::Given(keys)))
    }

    fn with(issuer: String, source: Source) -> Self {
        signature::install();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.leeway = USUAL_LEEWAY.as_secs();
        validation.validate_nbf = true;
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["exp", "iss"]);
        let verifier = Self { keys: Keys::new(source, Limit::Each(FETCH_LIMIT)), issuer: String::new(), validation };
        verifier.issuer(issuer)
    }

    /// Expects this `iss`, to the letter, instead of the environment's URL. The keys stay the environment's.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = issuer.into();
        self.validation.set_issuer(&[&self.issuer]);
        self
    }

    /// Expects this `aud`; of several, one is enough.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.validation.aud.get_or_insert_default().insert(audience.into());
        self.validation.validate_aud = true;
        self.validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        self
    }

    /// By how much `exp` may have passed and `nbf` may be to come: [`USUAL_LEEWAY`] if nobody says, at most [`MOST_LEEWAY`].
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.validation.leeway = leeway.min(MOST_LEEWAY).as_secs();
        self
    }

    /// How long a token may have to wait for keys; five seconds if nobody says.
    #[must_use]
    pub fn limit(mut self, limit: Limit) -> Self {
        self.keys.limit = limit;
        self
    }

    /// Hands the keys to the next process, by a file in the user's runtime directory if there is one. Programs that run for
    /// long have no need of it.
    #[must_use]
    pub fn keep_keys(mut self) -> Self {
        self.keys.keep();
        self
    }

    /// The claims of `token`, if it is valid now.
    pub fn verify(&self, token: &str) -> Result<Claims, Error> {
        let kid = head::key_id(token)?;
        let key = self.keys.find(&kid)?;
        let now = clock::wall();
        // The library computes with unsigned seconds; such a clock is not set, and every token is of the future.
        if now < MOST_LEEWAY.as_secs().cast_signed() {
            return Err(Error::NotYetValid);
        }
        jsonwebtoken::decode::<IgnoredAny>(token, &key, &self.validation)
            .map_err(|error| self.explain(error.kind()))?;
        let claims = Claims::of_checked(token)?;
        // The library is content with a list of issuers, and with the very second of the expiry.
        if claims.get("iss").and_then(serde_json::Value::as_str) != Some(&self.issuer) {
            return Err(Error::Issuer(self.issuer.clone()));
        }
        if claims.expires_at().saturating_add(self.validation.leeway.cast_signed()) <= now {
            return Err(Error::Expired);
        }
        Ok(claims)
    }

    fn explain(&self, kind: &ErrorKind) -> Error {
        match kind {
            ErrorKind::InvalidSignature => Error::Signature,
            ErrorKind::ExpiredSignature => Error::Expired,
            ErrorKind::ImmatureSignature => Error::NotYetValid,
            ErrorKind::InvalidIssuer => Error::Issuer(self.issuer.clone()),
            ErrorKind::InvalidAudience => Error::Audience,
            ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => Error::Algorithm,
            ErrorKind::MissingRequiredClaim(name) | ErrorKind::InvalidClaimFormat(name) => match name.as_str() {
                "exp" => Error::Claim("exp"),
                "nbf" => Error::Claim("nbf"),
                "aud" => Error::Claim("aud"),
                _ => Error::Claim("iss"),
            },
            _ => Error::Malformed("it is not a signed token (JWT)"),
        }
    }
}

/// The token in the value of an HTTP request's `Authorization` (RFC 6750, 2.1). Another scheme than Bearer brings none.
pub fn bearer(authorization: Option<&str>) -> Result<&str, Error> {
    let (scheme, token) = authorization.and_then(|value| value.trim().split_once(' ')).ok_or(Error::Missing)?;
    let token = token.trim_start_matches(' ');
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() { Ok(token) } else { Err(Error::Missing) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bearer_scheme_brings_a_token() {
        assert_eq!(bearer(Some("Bearer a.b.c")), Ok("a.b.c"));
        assert_eq!(bearer(Some("bearer  a.b.c ")), Ok("a.b.c"));
        for other in [None, Some(""), Some("Bearer"), Some("Bearer "), Some("Basic a.b.c"), Some("a.b.c")] {
            assert_eq!(bearer(other), Err(Error::Missing), "{other:?}");
        }
    }
}
