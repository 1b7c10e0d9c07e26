//! The listener that the vault and the git server have in common.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;

use crate::Ca;
use crate::cut::{Cuttable, Scissors};

/// Any body, whole or streamed.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A body that is at hand.
pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// How many connections were made.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    pub(crate) tcp: AtomicU64,
    pub(crate) tls: AtomicU64,
}

/// A listening socket and the threads behind it.
#[derive(Debug)]
pub(crate) struct Server {
    runtime: Option<Runtime>,
    port: u16,
    tls: bool,
}

impl Server {
    /// Takes a port of 127.0.0.1 without answering on it yet, so that its address can be known before anyone calls.
    pub(crate) fn bind(port: u16) -> io::Result<TcpListener> {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port))
    }

    /// Answers every request on `listener` with `handler`.
    pub(crate) fn start<H, F>(
        listener: TcpListener,
        ca: Option<&Ca>,
        meter: Arc<Meter>,
        handler: H,
    ) -> io::Result<Server>
    where
        H: Fn(Request<Incoming>, Scissors) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let port = listener.local_addr()?.port();
        listener.set_nonblocking(true)?;
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("sandbox").enable_all().build()?;
        let acceptor = ca.map(|ca| TlsAcceptor::from(ca.server_config()));
        let tls = acceptor.is_some();
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        runtime.spawn(accept(listener, acceptor, meter, handler));
        Ok(Server { runtime: Some(runtime), port, tls })
    }

    /// Where the server is reached.
    pub(crate) fn url(&self) -> String {
        url(self.tls, self.port)
    }
}

/// `localhost` with TLS, as in a certificate; a bare address without, as nothing has to match it.
pub(crate) fn url(tls: bool, port: u16) -> String {
    if tls { format!("https://localhost:{port}") } else { format!("http://127.0.0.1:{port}") }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waits for the sockets to close, so that a stopped server is one that refuses connections.
            runtime.shutdown_timeout(Duration::from_secs(2));
        }
    }
}

async fn accept<H, F>(listener: tokio::net::TcpListener, acceptor: Option<TlsAcceptor>, meter: Arc<Meter>, handler: H)
where
    H: Fn(Request<Incoming>, Scissors) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: let the other connections give some back.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        meter.tcp.fetch_add(1, Ordering::SeqCst);
        // Replies are small; Nagle's algorithm would only show up as 40 ms in somebody's measurements. A socket that
        // refuses is closed already.
        if socket.set_nodelay(true).is_err() {
            continue;
        }
        let (acceptor, meter, handler) = (acceptor.clone(), Arc::clone(&meter), handler.clone());
        tokio::spawn(async move {
            match acceptor {
                None => serve(socket, handler).await,
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(socket).await {
                        meter.tls.fetch_add(1, Ordering::SeqCst);
                        serve(stream, handler).await;
                    }
                }
            }
        });
    }
}

async fn serve<S, H, F>(stream: S, handler: H)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Fn(Request<Incoming>, Scissors) -> F,
    F: Future<Output = Response<Body>>,
{
    let scissors = Scissors::default();
    let stream = TokioIo::new(Cuttable::new(stream, scissors.clone()));
    let service = service_fn(|request| {
        let reply = handler(request, scissors.clone());
        async move { Ok::<_, Infallible>(reply.await) }
    });
    // A connection that ends badly is the client's doing or was asked for; the next one is not affected.
    drop(hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await);
}
