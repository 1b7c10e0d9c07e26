//! A delay line: a far away server's round trip in front of one on loopback, by forwarding in user space.
//!
//! Every chunk of bytes arrives half a round trip after it was sent, in either direction. Setting up the connection costs a
//! whole one besides: the kernel accepts a client's connection at once, so what the client says before it has heard anything
//! is held back by as much as its SYN and the answer to it would have taken. That is exact for a client that does nothing
//! between connecting and its first word, and a little too much for one that does; never too little.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A port that leads to another one, as far away as was said last. It is there until the process ends.
pub struct Line {
    port: u16,
    round_trip: Arc<AtomicU64>,
}

impl Line {
    /// To a port of loopback; no distance at first.
    pub fn start(to: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let round_trip = Arc::new(AtomicU64::new(0));
        let distance = Arc::clone(&round_trip);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let round_trip = Duration::from_micros(distance.load(Ordering::SeqCst));
                // A server that refuses is a closed connection to the client.
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)) else { continue };
                join(client, server, round_trip);
            }
        });
        Self { port, round_trip }
    }

    /// Where clients connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The distance for connections that come from now on.
    pub fn set(&self, round_trip: Duration) {
        let micros = u64::try_from(round_trip.as_micros()).expect("a round trip is short");
        self.round_trip.store(micros, Ordering::SeqCst);
    }
}

/// Forwards both ways until both sides have ended.
fn join(client: TcpStream, server: TcpStream, round_trip: Duration) {
    let half = round_trip / 2;
    let has_heard = Arc::new(AtomicBool::new(false));
    for stream in [&client, &server] {
        // Nagle's algorithm would add what no distance adds.
        stream.set_nodelay(true).expect("an open socket takes it");
    }
    let copy = |stream: &TcpStream| stream.try_clone().expect("a socket can be had twice");
    let heard = Arc::clone(&has_heard);
    let up = move || if heard.load(Ordering::SeqCst) { half } else { round_trip + half };
    carry(copy(&client), copy(&server), up, || {});
    carry(server, client, move || half, move || has_heard.store(true, Ordering::SeqCst));
}

/// Carries one direction: each chunk is due `delay` after it was read; `arriving` is called right before it is there.
fn carry(
    mut from: TcpStream,
    mut to: TcpStream,
    delay: impl Fn() -> Duration + Send + 'static,
    arriving: impl Fn() + Send + 'static,
) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        // The end, or an error as its end, is an empty chunk that takes as long as any other.
        loop {
            let read = from.read(&mut buffer).unwrap_or(0);
            let is_over = sender.send((Instant::now() + delay(), buffer[..read].to_vec())).is_err() || read == 0;
            if is_over {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (due, chunk) in receiver {
            wait_until(due);
            arriving();
            if chunk.is_empty() || to.write_all(&chunk).is_err() {
                break;
            }
        }
        // It may be closed already.
        let _ = to.shutdown(Shutdown::Write);
    });
}

/// A sleep ends late, by more than a short round trip can bear; so the last moment is waited for awake.
fn wait_until(due: Instant) {
    const LATE: Duration = Duration::from_micros(200);
    thread::sleep(due.saturating_duration_since(Instant::now()).saturating_sub(LATE));
    while Instant::now() < due {
        std::hint::spin_loop();
    }
}

/// What a delay line set to `round_trip` really costs, in milliseconds by the median: a connection with its first reply, which
/// should be two round trips, and a later reply, which should be one.
pub fn measured(round_trip: Duration) -> (f64, f64) {
    const TRIES: usize = 9;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    let line = Line::start(listener.local_addr().expect("it is bound").port());
    line.set(round_trip);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten().take(TRIES) {
            let mut byte = [0];
            while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
        }
    });
    let ask = |stream: &mut TcpStream| {
        let mut byte = *b"?";
        stream.write_all(&byte).and_then(|()| stream.read_exact(&mut byte)).expect("the echo answers");
    };
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for _ in 0..TRIES {
        let start = Instant::now();
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, line.port())).expect("the line accepts");
        ask(&mut stream);
        first.push(super::measure::milliseconds(start.elapsed()));
        let start = Instant::now();
        ask(&mut stream);
        later.push(super::measure::milliseconds(start.elapsed()));
    }
    (super::measure::median(first), super::measure::median(later))
}
