//! Systems whose keyring we do not speak with yet: every call says so.

use super::problem::Problem;
use crate::secret::Secret;

/// An item that is not to be had.
#[derive(Debug)]
pub struct Item;

impl Item {
    /// The item of nobody.
    pub fn new(_: &str, _: &str) -> Self {
        Self
    }

    /// Its secret.
    pub fn get(&self) -> Result<Secret<Vec<u8>>, Problem> {
        Err(unknown())
    }

    /// Gives it another secret.
    pub fn set(&self, _: &[u8]) -> Result<(), Problem> {
        Err(unknown())
    }

    /// Removes it.
    pub fn delete(&self) -> Result<(), Problem> {
        Err(unknown())
    }
}

fn unknown() -> Problem {
    Problem::Refused("this system's keyring is not supported yet".to_owned())
}
