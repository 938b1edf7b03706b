//! What stands between a socket and hyper: requests that two readers could take differently are spoiled, and clients that
//! send or take nothing in the middle of a request are not waited for.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep_until};

use super::framing::{Framing, Wrong};

/// A head with more bytes is large.
const LARGE: usize = 8 << 10;
/// No head of a request and no size of a chunk has this byte: hyper answers that the request is bad.
const SPOILED: u8 = 0;

/// A guarded socket.
#[derive(Debug)]
pub(super) struct Guard<S> {
    socket: S,
    framing: Framing,
    is_spoiled: bool,
    in_head: Arc<AtomicBool>,
    /// How many connections may have a large head at a time.
    large: Arc<Semaphore>,
    is_large: Option<OwnedSemaphorePermit>,
    stall: Duration,
    reading: Patience,
    writing: Patience,
}

/// Ends when something has not happened for a while.
#[derive(Debug, Default)]
struct Patience(Option<Pin<Box<Sleep>>>);

impl Patience {
    fn calm(&mut self) {
        self.0 = None;
    }

    fn poll<T>(&mut self, stall: Duration, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + stall)));
        ready!(sleep.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S> Guard<S> {
    pub(super) fn new(socket: S, stall: Duration, large: Arc<Semaphore>) -> Self {
        Self {
            socket,
            framing: Framing::new(),
            is_spoiled: false,
            in_head: Arc::default(),
            large,
            is_large: None,
            stall,
            reading: Patience::default(),
            writing: Patience::default(),
        }
    }

    /// Tells whether the client is in the middle of the head of a request.
    pub(super) fn in_head(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.in_head)
    }

    /// What has come of a write.
    fn written<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_pending() {
            return self.writing.poll(self.stall, context);
        }
        self.writing.calm();
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.is_spoiled {
            return Poll::Ready(Ok(()));
        }
        let before = into.filled().len();
        let read = Pin::new(&mut this.socket).poll_read(context, into);
        match read {
            Poll::Pending if this.framing.in_body() => return this.reading.poll(this.stall, context),
            Poll::Pending => return Poll::Pending,
            Poll::Ready(result) => result?,
        }
        this.reading.calm();
        if let Err(Wrong(at)) = this.framing.feed(&into.filled()[before..]) {
            this.is_spoiled = true;
            into.filled_mut()[before + at] = SPOILED;
            into.set_filled(before + at + 1);
        }
        let head = this.framing.head_size();
        this.in_head.store(head > 0, Ordering::Relaxed);
        if head <= LARGE {
            this.is_large = None;
        } else if this.is_large.is_none() {
            this.is_large = Some(Arc::clone(&this.large).try_acquire_owned().map_err(io::Error::other)?);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.written(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, pieces);
        self.written(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.socket).poll_flush(context);
        self.written(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.socket).poll_shutdown(context);
        self.written(shut, context)
    }
}
