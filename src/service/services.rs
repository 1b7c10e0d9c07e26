//! All services of a user, and the entries that are none.

use super::Service;

/// All configured services, in the file's order.
#[derive(Debug, Default)]
pub struct Services {
    pub(crate) list: Vec<Service>,
    /// Entries that cannot be used; the others work all the same.
    pub unusable: Vec<Unusable>,
    /// Keys that look misspelled, in words.
    pub misspelled: Vec<String>,
}

impl Services {
    /// The service of this name.
    pub fn get(&self, name: &str) -> Option<&Service> {
        self.list.iter().find(|service| service.name == name)
    }

    /// The entry of this name that cannot be used.
    pub fn unusable(&self, name: &str) -> Option<&Unusable> {
        self.unusable.iter().find(|unusable| unusable.claim.name == name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Service> {
        self.list.iter()
    }

    #[cfg(test)]
    pub(crate) fn push(&mut self, service: Service) {
        self.list.push(service);
    }

    #[cfg(test)]
    pub(crate) fn each(&mut self, change: impl Fn(&mut Service)) {
        self.list.iter_mut().for_each(change);
    }
}

/// An entry of connections.json that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// What it claims, as far as that can be read.
    pub claim: Service,
    /// Why it cannot be used.
    pub reason: String,
}
