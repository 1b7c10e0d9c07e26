//! Consent: the link where a person gives it, and saying who it was.

use serde_json::json;
use ureq::http::Method;

use super::wire::{LinkReply, VerifyReply};
use super::{Call, Error, Selector, Vault};
use crate::header::is_visible_ascii;

const LINK: &str = "POST /api/v1/connected_accounts/magic_link";
const VERIFY: &str = "POST /api/v1/connected_accounts/user/verify";

/// Where the browser goes after consent, in environments that verify who consented.
#[derive(Debug, Clone, Copy)]
pub struct Return<'a> {
    /// `user_verify_url`.
    pub url: &'a str,
    /// Comes back with the browser, to tell this consent from others.
    pub state: &'a str,
}

/// Where a person consents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MagicLink {
    /// The link.
    pub link: String,
    /// Until when it works, in seconds since 1970.
    pub expires_at: Option<i64>,
}

impl Vault {
    /// A link where a person grants or renews consent (`POST /api/v1/connected_accounts/magic_link`).
    pub fn magic_link(&self, selector: Selector<'_>, back: Option<Return<'_>>) -> Result<MagicLink, Error> {
        let back = back.map(|Return { url, state }| json!({"user_verify_url": url, "state": state}));
        let call = Call {
            body: selector.body(back.unwrap_or_default()),
            ..Call::new(LINK, Method::POST, "/api/v1/connected_accounts/magic_link")
        };
        read_link(self.call(&call)?.expose())
    }

    /// Says who it was that consented (`POST /api/v1/connected_accounts/user/verify`), never twice: the id is good once. Returns
    /// where the vault wants the browser sent, if anywhere.
    pub fn verify_user(&self, auth_request_id: &str, identifier: &str) -> Result<Option<String>, Error> {
        let body = json!({"auth_request_id": auth_request_id, "identifier": identifier});
        let call = Call {
            body: body.to_string().into_bytes(),
            repeatable: false,
            ..Call::new(VERIFY, Method::POST, "/api/v1/connected_accounts/user/verify")
        };
        let reply = self.call(&call)?;
        // It is verified, whatever else the reply holds.
        let reply: Option<VerifyReply> = serde_json::from_slice(reply.expose()).ok();
        Ok(reply.and_then(|reply| reply.post_user_verify_redirect_url.get().map(str::to_owned)))
    }
}

fn read_link(body: &[u8]) -> Result<MagicLink, Error> {
    let reply: LinkReply = serde_json::from_slice(body).map_err(|_| Error::Unreadable(LINK))?;
    let link = reply.link.get().filter(|link| is_visible_ascii(link)).ok_or(Error::Unreadable(LINK))?;
    Ok(MagicLink { link: link.to_owned(), expires_at: reply.expiry.seconds() })
}
