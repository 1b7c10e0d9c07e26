//! Which certificates are trusted: those of `SSL_CERT_FILE` and `SSL_CERT_DIR`, else the platform's.
//!
//! A Linux system has its authorities once in a file and once more in a directory of a file for each. Reading both takes 3 ms
//! longer, half of a call, and the one file nearly always holds the authority, so it is read first; what it does not vouch
//! for is held against all of them. An authority that an administrator added in either place counts, and one
//! that the platform's owner took out does not, as it would with a list of our own.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::system::System;

/// What marks the error of a machine without any root.
pub(super) const NO_AUTHORITIES: &str = "no authorities";

/// Reads the roots when the first certificate is to be verified.
#[derive(Debug)]
pub(super) struct Verifier {
    provider: Arc<CryptoProvider>,
    bundle: OnceLock<Option<Arc<WebPkiServerVerifier>>>,
    all: OnceLock<Option<Arc<WebPkiServerVerifier>>>,
}

impl Verifier {
    pub fn new(provider: Arc<CryptoProvider>) -> Self {
        Self { provider, bundle: OnceLock::new(), all: OnceLock::new() }
    }

    /// Reads what the verification will most likely need.
    pub fn prepare(&self) {
        if self.bundle().is_none() {
            self.all();
        }
    }

    /// The platform's one file; none where the environment says otherwise.
    fn bundle(&self) -> Option<&WebPkiServerVerifier> {
        let read = || {
            // On the others the file is not what the owner of the machine decides in.
            if is_said() || System::HERE != System::Linux {
                return None;
            }
            let file = openssl_probe::probe().cert_file?;
            self.trusting(rustls_native_certs::load_certs_from_paths(Some(&file), None).certs)
        };
        self.bundle.get_or_init(read).as_deref()
    }

    /// All that the environment or the platform has.
    fn all(&self) -> Option<&WebPkiServerVerifier> {
        let read = || {
            if is_said() || System::HERE != System::Linux {
                return self.trusting(rustls_native_certs::load_native_certs().certs);
            }
            // The library takes an empty variable for a file without a name.
            let places = openssl_probe::probe();
            let file = rustls_native_certs::load_certs_from_paths(places.cert_file.as_deref(), None).certs;
            let directories = places.cert_dir.iter();
            let others = directories
                .flat_map(|directory| rustls_native_certs::load_certs_from_paths(None, Some(directory)).certs);
            self.trusting(file.into_iter().chain(others).collect())
        };
        self.all.get_or_init(read).as_deref()
    }

    /// Certificates that cannot be read are passed over, as other programs do; none at all trust nobody.
    fn trusting(&self, certificates: Vec<CertificateDer<'static>>) -> Option<Arc<WebPkiServerVerifier>> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates);
        WebPkiServerVerifier::builder_with_provider(roots.into(), self.provider.clone()).build().ok()
    }
}

/// The variables by which the environment names certificates; an empty one counts as unset.
pub(super) fn variables() -> &'static str {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match (is_set("SSL_CERT_FILE"), is_set("SSL_CERT_DIR")) {
        (true, true) => "SSL_CERT_FILE and SSL_CERT_DIR",
        (true, false) => "SSL_CERT_FILE",
        (false, true) => "SSL_CERT_DIR",
        (false, false) => "",
    }
}

fn is_said() -> bool {
    !variables().is_empty()
}

/// Where the certificates come from, in words.
pub(crate) fn authorities() -> String {
    let words = |what: String, path: &Path| {
        let state = if path.metadata().is_ok() { "" } else { ", which is not there" };
        format!("{what}{}{state}", path.display())
    };
    if is_said() {
        let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
        let named = named.iter().filter_map(|name| Some((name, crate::system::variable(name)?)));
        return named.map(|(name, path)| words(format!("{name}="), &path)).collect::<Vec<_>>().join(" and ");
    }
    if System::HERE != System::Linux {
        return "the system's own".to_owned();
    }
    let places = openssl_probe::probe();
    let all: Vec<String> =
        places.cert_file.iter().chain(&places.cert_dir).map(|path| words(String::new(), path)).collect();
    if all.is_empty() { "none were found on this system".to_owned() } else { all.join(" and ") }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let by = |roots: &WebPkiServerVerifier| roots.verify_server_cert(end_entity, intermediates, name, ocsp, now);
        if let Some(Ok(verified)) = self.bundle().map(by) {
            return Ok(verified);
        }
        let all = self.all().ok_or_else(|| Error::General(NO_AUTHORITIES.to_owned()))?;
        by(all)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
