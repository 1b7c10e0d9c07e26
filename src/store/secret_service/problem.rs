//! What a keyring may answer instead of a secret.

/// Why the keyring did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// It would take a person to go on.
    #[error("it is locked")]
    Locked,
    /// There is no default collection: the keyring was never set up.
    #[error("it was never set up")]
    NoCollection,
    /// There is no such item.
    #[error("it holds no such item")]
    NoItem,
    /// No answer came.
    #[error("no answer came")]
    Silent,
    /// There is no session bus to ask on.
    #[error("this session has no D-Bus session bus, as over SSH and in containers")]
    NoBus,
    /// Nobody on the bus keeps secrets.
    #[error("no Secret Service runs in this session")]
    NoService,
    /// It refuses; its own words.
    #[error("{0}")]
    Refused(String),
    /// It answers with something else than the specification says.
    #[error("its answer is not what the Secret Service specification says")]
    MalformedReply,
}
