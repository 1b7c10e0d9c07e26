//! The schemes that are answered.

/// The part before `://`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// TLS.
    Https,
    /// Plain; answered for listed loopback hosts only.
    Http,
    /// Mail submission, with STARTTLS (RFC 6409); git send-email names it so.
    Smtp,
    /// Mail submission over TLS (RFC 8314).
    Smtps,
    /// Mail reading over TLS (RFC 8314).
    Imaps,
}

impl Scheme {
    const ALL: [Self; 5] = [Self::Https, Self::Http, Self::Smtp, Self::Smtps, Self::Imaps];

    /// Reads a scheme, in any case; `None` for all but these.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name().eq_ignore_ascii_case(text))
    }

    /// The name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Smtp => "smtp",
            Self::Smtps => "smtps",
            Self::Imaps => "imaps",
        }
    }

    /// Whether it is mail's, where the user name beside a token is the mailbox.
    pub fn is_mail(self) -> bool {
        matches!(self, Self::Smtp | Self::Smtps | Self::Imaps)
    }

    /// The port that need not be said.
    pub(crate) fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
            Self::Smtp => 25,
            Self::Smtps => 465,
            Self::Imaps => 993,
        }
    }
}
