//! A provider as data: its hosts, and how its tokens travel.

use super::template::Authentication;
use crate::target::Scheme;

/// A provider as Scalekit's catalogue names it, and the places that are its own.
#[derive(Debug)]
pub struct Provider {
    /// Scalekit's identifier, upper case.
    pub id: &'static str,
    /// What people call it in service and connection names; also the name of its page in Scalekit's documentation.
    pub slug: &'static str,
    /// The slug of the provider whose hosts these are: its own, or that of another with the same hosts.
    pub base: &'static str,
    /// Hosts, and path prefixes where providers share a host.
    pub places: &'static [ProviderHost],
    /// Its tenants live under these names; which host is a user's own is learned from the account, or said by the user.
    pub tenants: &'static [&'static str],
    /// How its requests carry a credential.
    pub auth: Authentication,
    /// The user name that git sends beside a token, for providers with repositories.
    pub git_username: Option<&'static str>,
    /// The user name that docker and its kin send beside a token, for providers with a container registry.
    pub registry_username: Option<&'static str>,
    /// Environment variables that the provider's own tools read the token from.
    pub variables: &'static [&'static str],
    /// Whether it compares paths without case.
    pub ignore_case: bool,
    /// Whether its token is good for the paths that other rows claim on its hosts, too.
    pub whole_host: bool,
}

/// One exact host of a provider.
#[derive(Debug)]
pub struct ProviderHost {
    /// `https`, or one of mail's.
    pub scheme: Scheme,
    /// Lower case.
    pub host: &'static str,
    /// `None` is the scheme's own.
    pub port: Option<u16>,
    /// Empty, or the prefix that tells providers on one host apart.
    pub path: &'static str,
    /// Whether git repositories are served there.
    pub git: bool,
    /// Whether it is a container registry.
    pub registry: bool,
}
