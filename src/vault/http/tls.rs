//! TLS below ureq: ureq's own connector takes a list of roots that must be read before it connects, or a verifier that
//! reads all of the platform's files; this one takes ours ([`Verifier`]), and nothing that only a server or a client
//! certificate would need.

use std::io::{Read, Write};
use std::sync::{Arc, OnceLock};

use rustls::crypto::{CryptoProvider, KeyProvider, ring};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::sign::SigningKey;
use rustls::{CipherSuite, ClientConfig, ClientConnection, StreamOwned};
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};

use super::roots::Verifier;
use super::tcp::{RECORD, left};
use crate::secret::Secret;

/// Wraps the connection to an `https` URL in TLS.
#[derive(Debug, Default)]
pub(super) struct TlsConnector {
    config: OnceLock<(Arc<ClientConfig>, Arc<Verifier>)>,
}

impl TlsConnector {
    fn config(&self) -> &(Arc<ClientConfig>, Arc<Verifier>) {
        self.config.get_or_init(|| {
            let provider = Arc::new(provider());
            let verifier = Arc::new(Verifier::new(provider.clone()));
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .expect("the provider has suites for both versions")
                .dangerous()
                .with_custom_certificate_verifier(verifier.clone())
                .with_no_client_auth();
            (Arc::new(config), verifier)
        })
    }
}

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, TlsTransport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        let Some(transport) = chained else { return Ok(None) };
        if !details.needs_tls() || transport.is_tls() {
            return Ok(Some(Either::A(transport)));
        }
        let (config, verifier) = self.config();
        let host = details.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| Error::BadUri("no name for TLS".to_owned()))?;
        let mut connection = ClientConnection::new(config.clone(), name).map_err(std::io::Error::other)?;
        let mut socket = TransportAdapter::new(transport.boxed(), details.current_time.clone());
        socket.set_timeout(left(details));
        while connection.wants_write() {
            connection.write_tls(&mut socket)?;
        }
        // While our first message travels.
        verifier.prepare();
        connection.complete_io(&mut socket)?;
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Either::B(TlsTransport {
            buffers,
            stream: StreamOwned::new(connection, socket),
            unsent: Secret::new(Vec::new()),
        })))
    }
}

/// Bytes through TLS.
pub(super) struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
    /// Head and body of a request, which come one by one and leave together.
    unsent: Secret<Vec<u8>>,
}

impl TlsTransport {
    fn send(&mut self) -> Result<(), Error> {
        let unsent = std::mem::replace(&mut self.unsent, Secret::new(Vec::new()));
        if !unsent.expose().is_empty() {
            self.stream.write_all(unsent.expose())?;
        }
        Ok(())
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.sock.set_timeout(timeout);
        if self.unsent.expose().len() + amount > RECORD {
            self.send()?;
        }
        let output = &self.buffers.output()[..amount];
        match amount > RECORD {
            true => Ok(self.stream.write_all(output)?),
            false => {
                self.unsent.extend(output);
                Ok(())
            }
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.sock.set_timeout(timeout);
        self.send()?;
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl std::fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsTransport")
    }
}

/// ring's algorithms, without those for private keys of our own: we have none. The suite that browsers ask for first comes
/// first here, too: processors have instructions for SHA-256, and the handshake hashes more than it encrypts.
fn provider() -> CryptoProvider {
    let mut provider = CryptoProvider { key_provider: &NoKeys, ..ring::default_provider() };
    let suites = &mut provider.cipher_suites;
    if let Some(at) = suites.iter().position(|suite| suite.suite() == CipherSuite::TLS13_AES_128_GCM_SHA256) {
        suites.swap(0, at);
    }
    provider
}

#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(&self, _: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        Err(rustls::Error::General("client certificates are not used".to_owned()))
    }
}
