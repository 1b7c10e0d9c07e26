//! Below which names strangers register their own (<https://publicsuffix.org>).

use public_suffix::{DEFAULT_PROVIDER, EffectiveTLDProvider};

/// Whether `host` is an IP address and no name.
pub(crate) fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// Whether anybody may register a name below `host` (<https://publicsuffix.org>); names without a dot are such.
pub(crate) fn is_public_suffix(host: &str) -> bool {
    registrable(host).is_none()
}

/// The domain that somebody registered, to which `host` belongs.
pub(crate) fn registrable(host: &str) -> Option<&str> {
    DEFAULT_PROVIDER.effective_tld_plus_one(host).ok()
}
