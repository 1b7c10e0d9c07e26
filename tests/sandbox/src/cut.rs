//! A connection that can be told to break off in the middle of a reply.
//!
//! It sits below hyper and above TLS, since hyper will not write half a header, and a clean end of TLS is just what a
//! broken network does not send.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Where a reply breaks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Nothing of it is sent.
    BeforeReply,
    /// Within the header block.
    MidHeaders,
    /// After so many bytes of the body; `clean` says goodbye as TLS asks for.
    Body { keep: usize, clean: bool },
}

/// The handle by which a request handler orders a cut of its own connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scissors(Arc<Mutex<Option<Cut>>>);

impl Scissors {
    pub(crate) fn order(&self, cut: Cut) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(cut);
    }

    fn ordered(&self) -> Option<Cut> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stream that obeys [`Scissors`].
#[derive(Debug)]
pub(crate) struct Cuttable<S> {
    inner: S,
    scissors: Scissors,
    /// How much of the reply may still be sent, once a cut was ordered and the reply has begun.
    left: Option<usize>,
}

impl<S> Cuttable<S> {
    pub(crate) fn new(inner: S, scissors: Scissors) -> Cuttable<S> {
        Cuttable { inner, scissors, left: None }
    }
}

impl Cut {
    /// How many bytes of a reply that begins with `reply` are let through.
    fn allows(self, reply: &[u8]) -> usize {
        let headers = reply.windows(4).position(|four| four == b"\r\n\r\n").map_or(reply.len(), |at| at + 4);
        match self {
            Cut::BeforeReply => 0,
            Cut::MidHeaders => headers / 2,
            Cut::Body { keep, .. } => headers + keep,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Cuttable<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Cuttable<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let Some(cut) = this.scissors.ordered() else {
            return Pin::new(&mut this.inner).poll_write(context, bytes);
        };
        let left = *this.left.get_or_insert_with(|| cut.allows(bytes));
        if left == 0 {
            ready!(Pin::new(&mut this.inner).poll_flush(context))?;
            if let Cut::Body { clean: true, .. } = cut {
                ready!(Pin::new(&mut this.inner).poll_shutdown(context))?;
            }
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::BrokenPipe, "cut on request")));
        }
        let written = ready!(Pin::new(&mut this.inner).poll_write(context, &bytes[..left.min(bytes.len())]))?;
        this.left = Some(left - written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A cut connection ends without close_notify, or has sent it already.
        if self.scissors.ordered().is_some() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
