//! Whose account it is.

/// An identifier and who decided on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The identifier.
    pub identifier: String,
    /// Where it came from, for `which`.
    pub source: &'static str,
    /// Whether the request itself says so, by an option, a user name or a path: a command about this account has to say it again.
    pub was_named: bool,
}

/// By what else than the identifier an environment tells accounts apart: ids of Scalekit's own organizations and users.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// `organization_id`, such as `org_123`.
    pub organization_id: Option<String>,
    /// `user_id`, such as `usr_123`.
    pub user_id: Option<String>,
}

impl Owner {
    /// Whether it names neither.
    pub fn is_empty(&self) -> bool {
        self.organization_id.is_none() && self.user_id.is_none()
    }

    /// Takes over what `other` names.
    pub fn change(&mut self, other: Self) {
        self.organization_id = other.organization_id.or(self.organization_id.take());
        self.user_id = other.user_id.or(self.user_id.take());
    }

    /// The names of Scalekit's fields, each with its value if there is one.
    pub fn fields(&self) -> [(&'static str, Option<&str>); 2] {
        [("organization_id", self.organization_id.as_deref()), ("user_id", self.user_id.as_deref())]
    }
}

impl Account {
    /// What `source` says where nobody named an identifier.
    pub const BUILT_IN: &'static str = "the built-in default";
}
