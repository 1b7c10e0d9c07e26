//! A certificate authority that lives as long as the servers that use it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use tempfile::TempDir;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate authority made for one test run, and a server certificate of it for `localhost`, `127.0.0.1` and some
/// names to which a test's proxy can lead.
///
/// Clones share the authority, so that one trusted file serves several servers.
#[derive(Debug, Clone)]
pub struct Ca(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Removes `pem` in the end.
    _directory: TempDir,
    pem: PathBuf,
    server: Arc<ServerConfig>,
}

impl Ca {
    /// Makes keys and certificates, and writes the authority's certificate to a temporary directory.
    pub fn new() -> io::Result<Ca> {
        let authority_key = KeyPair::generate().map_err(io::Error::other)?;
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "scalekit sandbox, do not trust");
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_certificate = authority.self_signed(&authority_key).map_err(io::Error::other)?;
        let issuer = Issuer::new(authority, authority_key);

        let server_key = KeyPair::generate().map_err(io::Error::other)?;
        let names = ["localhost", "127.0.0.1", "vault.example.test", "github.com", "gmail.googleapis.com"];
        let names = names.map(str::to_owned);
        let mut server = CertificateParams::new(names).map_err(io::Error::other)?;
        server.distinguished_name.push(DnType::CommonName, "localhost");
        server.use_authority_key_identifier_extension = true;
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let server_certificate = server.signed_by(&server_key, &issuer).map_err(io::Error::other)?;

        // The provider is named because a test binary may link a second one, and rustls then refuses to choose.
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(
                vec![server_certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server_key.serialize_der())),
            )
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];

        let directory = tempfile::Builder::new().prefix("scalekit-sandbox-ca-").tempdir()?;
        let pem = directory.path().join("ca.pem");
        std::fs::write(&pem, authority_certificate.pem())?;
        Ok(Ca(Arc::new(Inner { _directory: directory, pem, server: Arc::new(config) })))
    }

    /// The authority's certificate, PEM. The file goes away with the last clone.
    pub fn pem(&self) -> &Path {
        &self.0.pem
    }

    pub(crate) fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.server)
    }
}
