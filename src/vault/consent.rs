//! Consent: the link where a person gives it, and saying who it was.

use ureq::http::Method;

use super::wire::LinkReply;
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
        let mut body = serde_json::json!({"connector": selector.connection, "identifier": selector.identifier});
        if let Some(Return { url, state }) = back {
            body["user_verify_url"] = url.into();
            body["state"] = state.into();
        }
        let call = Call {
            body: body.to_string().into_bytes(),
            ..Call::new(LINK, Method::POST, "/api/v1/connected_accounts/magic_link")
        };
        read_link(self.call(&call)?.expose())
    }

    /// Says who it was that consented (`POST /api/v1/connected_accounts/user/verify`), never twice: the id is good once.
    pub fn verify_user(&self, auth_request_id: &str, identifier: &str) -> Result<(), Error> {
        let body = serde_json::json!({"auth_request_id": auth_request_id, "identifier": identifier});
        let call = Call {
            body: body.to_string().into_bytes(),
            repeatable: false,
            ..Call::new(VERIFY, Method::POST, "/api/v1/connected_accounts/user/verify")
        };
        self.call(&call).map(drop)
    }
}

fn read_link(body: &[u8]) -> Result<MagicLink, Error> {
    let reply: LinkReply = serde_json::from_slice(body).map_err(|_| Error::Unreadable(LINK))?;
    let link = reply.link.get().filter(|link| is_visible_ascii(link)).ok_or(Error::Unreadable(LINK))?;
    Ok(MagicLink { link: link.to_owned(), expires_at: reply.expiry.seconds() })
}
