//! A connection that is made while the caller waits for something else, such as a keyring, which takes about as long.

use std::fmt;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time;

use ureq::http::Uri;
use ureq::unversioned::resolver::Resolver as _;
use ureq::unversioned::transport::time::{Duration, Instant};
use ureq::unversioned::transport::{ConnectionDetails, Connector, NextTimeout, Transport};
use ureq::{Agent, Error};

use super::names::RememberingResolver;
use super::tcp::left;

type Made = Result<Option<Box<dyn Transport>>, Error>;

/// The connectors of a client for one host, and the connection that was begun before it is needed.
#[derive(Clone)]
pub(super) struct Early {
    connect: Arc<dyn Fn(&ConnectionDetails) -> Made + Send + Sync>,
    begun: Arc<Mutex<Option<Receiver<Made>>>>,
}

impl Early {
    pub fn new(connector: impl Connector<()>) -> Self {
        let connect = move |details: &ConnectionDetails| {
            let made = connector.connect(details, None)?;
            Ok(made.map(|transport| Box::new(transport) as Box<dyn Transport>))
        };
        Self { connect: Arc::new(connect), begun: Arc::default() }
    }

    /// Begins to connect to `uri` as `agent` would, and returns at once. What goes wrong is told to the request that follows.
    pub fn begin(&self, agent: Agent, uri: Uri, limit: time::Duration) {
        let (sender, receiver) = mpsc::channel();
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(receiver);
        let connect = self.connect.clone();
        std::thread::spawn(move || {
            // Nobody takes it where the caller waited in vain.
            let _ = sender.send(made(&*connect, &agent, &uri, limit));
        });
    }
}

impl Connector<()> for Early {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<Self::Out>, Error> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).take();
        let wait = |begun: Receiver<Made>| match left(details).after {
            Duration::Exact(limit) => begun.recv_timeout(limit),
            Duration::NotHappening => Ok(begun.recv()?),
        };
        match begun.map(wait) {
            Some(Err(RecvTimeoutError::Timeout)) => Err(Error::Timeout(details.timeout.reason)),
            // Should the server have closed it meanwhile, the request is sent again: whether it did cannot be seen, since session
            // tickets may wait to be read.
            Some(Ok(made)) => made,
            _ => (self.connect)(details),
        }
    }
}

impl fmt::Debug for Early {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Early")
    }
}

/// Looks the host up and connects, with what ureq would tell its connectors where there is no proxy.
fn made(connect: &dyn Fn(&ConnectionDetails) -> Made, agent: &Agent, uri: &Uri, limit: time::Duration) -> Made {
    let (config, resolver) = (agent.config(), RememberingResolver::default());
    let (now, timeout) = (Instant::now(), NextTimeout { after: limit.into(), ..NextTimeout::default() });
    connect(&ConnectionDetails {
        uri,
        addrs: resolver.resolve(uri, config, timeout)?,
        config,
        request_level: false,
        resolver: &resolver,
        now,
        timeout,
        current_time: Arc::new(Instant::now),
        run_connector: Arc::new(|_| Err(Error::ConnectionFailed)),
        register_shutdown: Arc::new(|_| Ok(())),
    })
}
