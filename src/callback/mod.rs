//! The loopback port where the browser comes back after consent (RFC 8252, 7.3), open while `connect` waits and no longer.
//!
//! The port is the system's choice, states are random, and one matching request is all that is ever taken: whatever else
//! hits the port gets 404 and changes nothing.

pub mod page;
pub mod request;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::hex;
use crate::secret::Secret;
use page::Page;
use request::Request;

/// A browser that does not finish its request holds nobody up for longer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections looked at at once; more are closed.
const MOST_CONNECTIONS: usize = 16;

/// The browser came back.
pub struct Returned {
    /// What `user/verify` wants.
    pub auth_request_id: Secret<String>,
    page: Sender<Page>,
    shown: Receiver<()>,
}

impl Returned {
    /// Shows the person how it ended, and waits until that is written.
    pub fn show(&self, page: Page) {
        if self.page.send(page).is_ok() {
            // Whoever closed the browser needs no page.
            let _ = self.shown.recv_timeout(PATIENCE);
        }
    }
}

/// The open port.
pub struct Callback {
    host: String,
    states: Arc<Mutex<Vec<String>>>,
}

impl Callback {
    /// Opens a port and tells `returned` when the browser comes back.
    pub fn open(returned: impl Fn(Returned) + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let host = listener.local_addr()?.to_string();
        let callback = Self { host, states: Arc::default() };
        let door = Arc::new(Door {
            host: callback.host.clone(),
            states: callback.states.clone(),
            open: AtomicUsize::new(0),
            returned: Box::new(returned),
        });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let door = door.clone();
                if door.open.fetch_add(1, Ordering::Relaxed) < MOST_CONNECTIONS {
                    thread::spawn(move || {
                        // What goes wrong with a browser is not ours to tell.
                        let _ = door.serve(stream);
                        door.open.fetch_sub(1, Ordering::Relaxed);
                    });
                } else {
                    door.open.fetch_sub(1, Ordering::Relaxed);
                }
            }
        });
        Ok(callback)
    }

    /// `user_verify_url` for the vault.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.host, request::PATH)
    }

    /// A state for a new link. Those before still count: whoever opened a link in time may sign in at the provider for
    /// longer than the link was good.
    pub fn new_state(&self) -> Option<String> {
        let state = hex::random(32)?;
        self.states.lock().unwrap_or_else(PoisonError::into_inner).push(state.clone());
        Some(state)
    }
}

struct Door {
    host: String,
    /// One of these the browser has to bring; all are gone once it did.
    states: Arc<Mutex<Vec<String>>>,
    open: AtomicUsize,
    returned: Box<dyn Fn(Returned) + Send + Sync>,
}

impl Door {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_write_timeout(Some(PATIENCE))?;
        let nonce = hex::random(16).unwrap_or_default();
        let Some(auth_request_id) = self.read(&mut stream)? else {
            return stream.write_all(&Page::not_found().response(&nonce));
        };
        let ((page, told), (ready, shown)) = (channel(), channel());
        (self.returned)(Returned { auth_request_id, page, shown });
        if let Ok(page) = told.recv() {
            stream.write_all(&page.response(&nonce))?;
            stream.shutdown(std::net::Shutdown::Write)?;
        }
        // Nobody waits for it any more if `connect` has ended.
        let _ = ready.send(());
        Ok(())
    }

    fn read(&self, stream: &mut TcpStream) -> io::Result<Option<Secret<String>>> {
        let mut head = Secret::new(vec![0; request::LONGEST]);
        let mut length = 0;
        let end = Instant::now() + PATIENCE;
        loop {
            // Zero would mean no limit. Byte by byte it may not take longer either.
            let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            stream.set_read_timeout(Some(left))?;
            let count = stream.read(&mut head.expose_mut()[length..])?;
            length += count;
            let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
            match request::read(&head.expose()[..length], &self.host, &states) {
                Request::Incomplete if count > 0 => {}
                Request::Returned(id) => {
                    states.clear();
                    return Ok(Some(id));
                }
                _ => return Ok(None),
            }
        }
    }
}
