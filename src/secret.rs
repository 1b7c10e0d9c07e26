//! A value that must not leak: no `Display`, no `Serialize`, a `Debug` that says nothing, zeroed on drop.

use std::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::{Zeroize, Zeroizing};

/// Wraps a secret. The only way to its content is [`Secret::expose`], which marks the boundary in the code.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes ownership of `value`, which is zeroed when the secret is dropped.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The content. Callers put it on the wire or compare it, and nowhere else.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl Secret<Vec<u8>> {
    /// The content, to be filled from a reader.
    pub fn expose_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// Adds bytes at the end. What is moved for want of room is zeroed where it was.
    pub fn extend(&mut self, bytes: &[u8]) {
        let mut all = Zeroizing::new(Vec::with_capacity(self.0.len() + bytes.len()));
        all.extend_from_slice(&self.0);
        all.extend_from_slice(bytes);
        self.0 = all;
    }

    /// Keeps the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("REDACTED")
    }
}

impl<'de> Deserialize<'de> for Secret<String> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_content() {
        let secret = Secret::new(String::from("hunter2"));
        assert_eq!(format!("{secret:?}"), "REDACTED");
        assert_eq!(secret.expose(), "hunter2");
    }
}
