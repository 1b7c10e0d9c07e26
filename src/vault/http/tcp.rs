//! TCP below ureq: ureq's own connector gives nobody its sockets, and these acknowledge what arrives at once.
//!
//! A server that writes head and body of an answer one by one holds the body back until the head is acknowledged, and systems wait
//! up to 40 ms with that, in the hope of something to send along.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use ureq::Error;
use ureq::unversioned::transport::time::{Duration as Span, Instant};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
};

use crate::system;

/// What fits into one record of TLS (RFC 8446, 5.1).
pub(super) const RECORD: usize = 16 * 1024;
/// What each address has at least.
const LEAST: Duration = Duration::from_millis(10);
/// The longest time that every system can count.
const MOST: Duration = Duration::from_secs(3600);

/// Connects to the first address that answers.
#[derive(Debug, Default)]
pub(super) struct TcpConnector;

impl<In: Transport> Connector<In> for TcpConnector {
    type Out = Either<In, TcpTransport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        if let Some(through_proxy) = chained {
            return Ok(Some(Either::A(through_proxy)));
        }
        let socket = first(details)?;
        socket.set_nodelay(true)?;
        let config = details.config;
        let buffers = match details.needs_tls() {
            true => LazyBuffers::new(RECORD, RECORD),
            false => LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
        };
        Ok(Some(Either::B(TcpTransport { buffers, socket, read_limit: None, write_limit: None })))
    }
}

/// What a connection has left of its time limit.
pub(super) fn left(details: &ConnectionDetails) -> NextTimeout {
    let mut timeout = details.timeout;
    if let (Span::Exact(limit), Instant::Exact(start)) = (timeout.after, details.now) {
        timeout.after = Span::Exact(limit.saturating_sub(start.elapsed()));
    }
    timeout
}

/// The first address has half of the time, and each further one half of what is left, so that one that never answers
/// leaves the others some.
fn first(details: &ConnectionDetails) -> Result<TcpStream, Error> {
    let mut error = Error::Io(ErrorKind::ConnectionRefused.into());
    for (at, address) in details.addrs.iter().enumerate() {
        let left: Duration = *left(details).after;
        if left.is_zero() {
            return Err(Error::Timeout(details.timeout.reason));
        }
        let share = if at + 1 == details.addrs.len() { left } else { left / 2 };
        match TcpStream::connect_timeout(address, share.clamp(LEAST, MOST)) {
            Ok(socket) => return Ok(socket),
            Err(why) if why.kind() == ErrorKind::TimedOut => error = Error::Timeout(details.timeout.reason),
            Err(why) => error = why.into(),
        }
    }
    Err(error)
}

/// Bytes through a socket.
#[derive(Debug)]
pub(super) struct TcpTransport {
    buffers: LazyBuffers,
    socket: TcpStream,
    /// The socket's own limits: setting one takes a system call.
    read_limit: Option<Duration>,
    write_limit: Option<Duration>,
}

fn limit(timeout: &NextTimeout) -> Option<Duration> {
    match timeout.after {
        Span::Exact(left) => Some(left.max(Duration::from_millis(1))),
        Span::NotHappening => None,
    }
}

fn explain(error: std::io::Error, timeout: &NextTimeout) -> Error {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Error::Timeout(timeout.reason),
        _ => error.into(),
    }
}

/// macOS sets no limit once the other side has closed; what it sent before can still be read.
fn tolerate(set: std::io::Result<()>) -> std::io::Result<()> {
    set.or_else(|error| if error.kind() == ErrorKind::InvalidInput { Ok(()) } else { Err(error) })
}

impl Transport for TcpTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let limit = limit(&timeout);
        if limit != self.write_limit {
            tolerate(self.socket.set_write_timeout(limit))?;
            self.write_limit = limit;
        }
        self.socket.write_all(&self.buffers.output()[..amount]).map_err(|error| explain(error, &timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let limit = limit(&timeout);
        if limit != self.read_limit {
            tolerate(self.socket.set_read_timeout(limit))?;
            self.read_limit = limit;
        }
        // The system forgets it again whenever it sees a conversation.
        system::acknowledge_at_once(&self.socket);
        let amount = loop {
            match self.socket.read(self.buffers.input_append_buf()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read.map_err(|error| explain(error, &timeout))?,
            }
        };
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    /// Nothing that we did not ask for has come, and no end.
    fn is_open(&mut self) -> bool {
        let probe = || {
            self.socket.set_nonblocking(true)?;
            let read = (&self.socket).read(&mut [0]);
            self.socket.set_nonblocking(false)?;
            read
        };
        probe().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}
