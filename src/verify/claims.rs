//! What a valid token says.

use serde_json::{Map, Value};

use super::{Error, head};

/// The claims of a token that was valid when it was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// The claims of `token`, whose signature and times hold.
    pub(super) fn of_checked(token: &str) -> Result<Self, Error> {
        let [_, claims, _] = head::parts(token)?;
        let claims = Self(head::object(claims).ok_or(Error::Malformed("its claims are not plain JSON"))?);
        claims.exp().ok_or(Error::Claim("exp"))?;
        Ok(claims)
    }

    /// The claim of this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// All of them, in the token's order.
    pub fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Who the token is about: a client id (`skc_...`, `m2morg_...`) or a user (`sub`).
    pub fn subject(&self) -> Option<&str> {
        self.get("sub")?.as_str()
    }

    /// The organization (`oid`).
    pub fn organization(&self) -> Option<&str> {
        self.get("oid")?.as_str()
    }

    /// When it expires (`exp`), in seconds since 1970.
    pub fn expires_at(&self) -> i64 {
        self.exp().unwrap_or(0)
    }

    /// A fraction of a second is dropped, so that nothing lasts longer than it says.
    fn exp(&self) -> Option<i64> {
        let exp = self.get("exp")?;
        #[allow(clippy::cast_possible_truncation)]
        let whole = |seconds: f64| seconds as i64;
        exp.as_i64().or_else(|| exp.as_u64().map(|_| i64::MAX)).or_else(|| exp.as_f64().map(whole))
    }

    /// The scopes: the list `scopes`, else the words of `scope`. A list with anything but texts in it grants nothing.
    pub fn scopes(&self) -> Vec<&str> {
        match (self.get("scopes"), self.get("scope")) {
            (Some(Value::Array(list)), _) => list.iter().map(Value::as_str).collect::<Option<_>>().unwrap_or_default(),
            (None, Some(Value::String(words))) => words.split(' ').filter(|word| !word.is_empty()).collect(),
            _ => Vec::new(),
        }
    }

    /// Refuses (403) unless the token has this scope.
    pub fn require(&self, scope: &str) -> Result<(), Error> {
        if self.scopes().contains(&scope) { Ok(()) } else { Err(Error::Scope(scope.to_owned())) }
    }

    /// Refuses (403) unless the token is of this organization.
    pub fn require_organization(&self, organization: &str) -> Result<(), Error> {
        if self.organization() == Some(organization) {
            Ok(())
        } else {
            Err(Error::Organization(organization.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(value: Value) -> Claims {
        Claims(value.as_object().unwrap().clone())
    }

    #[test]
    fn scopes_are_a_list_or_the_words_of_a_text() {
        let scopes = |value: Value| claims(value).scopes().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(scopes(json!({"scopes": ["a:b", "c"]})), ["a:b", "c"]);
        assert_eq!(scopes(json!({"scope": "a:b  c "})), ["a:b", "c"]);
        assert_eq!(scopes(json!({"scopes": [], "scope": "a"})), [""; 0]);
        assert_eq!(scopes(json!({"scopes": ["a", 1]})), [""; 0]);
        assert_eq!(scopes(json!({"scopes": "a"})), [""; 0]);
        assert_eq!(scopes(json!({"scope": ["a"]})), [""; 0]);
        assert_eq!(scopes(json!({})), [""; 0]);
    }

    #[test]
    fn a_scope_is_required_to_the_letter() {
        let claims = claims(json!({"scopes": ["deploy:apps", "a b"], "oid": "org_1"}));
        assert_eq!(claims.require("deploy:apps"), Ok(()));
        for other in ["deploy", "Deploy:apps", "deploy:apps ", "a", "", "*"] {
            assert_eq!(claims.require(other), Err(Error::Scope(other.into())), "{other:?}");
        }
        assert_eq!(claims.require_organization("org_1"), Ok(()));
        assert!(claims.require_organization("org_2").is_err());
    }

    #[test]
    fn an_expiry_is_whole_seconds() {
        for (exp, seconds) in [(json!(7), 7), (json!(7.9), 7), (json!(u64::MAX), i64::MAX), (json!(1e300), i64::MAX)] {
            assert_eq!(claims(json!({"exp": exp})).expires_at(), seconds, "{exp}");
        }
        assert_eq!(claims(json!({"exp": "7"})).exp(), None);
    }
}
