//! Bytes as hexadecimal digits.

use ring::rand::{SecureRandom, SystemRandom};

/// Two lower-case digits for each byte.
pub(crate) fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// So many random bytes; `None` where the system has none.
pub(crate) fn random(bytes: usize) -> Option<String> {
    let mut random = vec![0; bytes];
    SystemRandom::new().fill(&mut random).ok()?;
    Some(encode(&random))
}
