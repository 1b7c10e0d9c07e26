//! What goes wrong between us and a proxy, told apart from what goes wrong behind it.

use std::fmt;
use std::io::ErrorKind;

use ureq::Error;
use ureq::unversioned::transport::{ConnectionDetails, Connector, Transport};

use crate::vault::ProxyProblem;

/// ureq's connector for a kind of proxy, whose failures are marked.
#[derive(Debug, Default)]
pub(super) struct Through<C>(C);

impl<In: Transport, C: Connector<In>> Connector<In> for Through<C> {
    type Out = C::Out;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        let is_at_proxy = chained.is_none() && details.config.proxy().is_some();
        let outcome = self.0.connect(details, chained);
        outcome.map_err(|error| if is_at_proxy { Error::Other(Box::new(AtProxy(error))) } else { error })
    }
}

/// A failure before the proxy led anywhere.
#[derive(Debug)]
pub(super) struct AtProxy(pub Error);

impl fmt::Display for AtProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for AtProxy {}

/// What the proxy does, if the failure is that of a proxy that took the connection.
pub(super) fn problem(error: &Error) -> Option<ProxyProblem> {
    const STATUS: &str = "proxy server responded ";
    Some(match error {
        Error::Timeout(_) => ProxyProblem::Silent,
        Error::ConnectProxyFailed(reason) => {
            match reason.strip_prefix(STATUS).and_then(|status| status.split('/').next()) {
                Some("407") => ProxyProblem::Login("status 407".to_owned()),
                Some(status) => ProxyProblem::Refused(format!("status {status}")),
                None => ProxyProblem::Foreign,
            }
        }
        Error::Protocol(_) => ProxyProblem::Foreign,
        Error::Io(error) => {
            let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            match (error.kind(), error.to_string().as_str()) {
                (_, _) if tls.is_some_and(|tls| !matches!(tls, rustls::Error::InvalidCertificate(_))) => {
                    ProxyProblem::Foreign
                }
                (_, _) if tls.is_some() => return None,
                (ErrorKind::TimedOut | ErrorKind::WouldBlock, _) => ProxyProblem::Silent,
                (ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset, _) => {
                    ProxyProblem::Foreign
                }
                // ureq's own words for the answers of RFC 1928 and RFC 1929.
                (
                    _,
                    why @ ("no acceptable auth methods" | "unknown auth method" | "password authentication failed"),
                ) => ProxyProblem::Login(why.to_owned()),
                (ErrorKind::Other | ErrorKind::PermissionDenied, why) => ProxyProblem::Refused(why.to_owned()),
                _ => return None,
            }
        }
        _ => return None,
    })
}
