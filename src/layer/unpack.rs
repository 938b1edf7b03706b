//! A decoder that enforces the limits and reads its input to the very end.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::compression::{Compression, DamagedError};
use super::limits::Limits;

/// Decompressed bytes, counted against the compressed ones.
pub(crate) struct Unpack<'a> {
    decoder: Box<dyn Read + Send + 'a>,
    compression: Compression,
    gauge: Arc<Gauge>,
    limits: Limits,
    unpacked: u64,
    state: State,
}

/// The state of an [`Unpack`].
enum State {
    Reading,
    Ended,
    /// After an error, which was this, a decoder is not asked again: not all of them stand it.
    Failed(io::ErrorKind, String),
}

/// What a decoder has read of its input.
#[derive(Default)]
struct Gauge {
    /// How many compressed bytes were consumed.
    used: AtomicU64,
    /// Whether its end was reached.
    ended: AtomicBool,
    /// Whether reading it failed.
    failed: AtomicBool,
}

/// The compressed bytes, with a [`Gauge`].
pub(crate) struct Gauged<R> {
    inner: R,
    gauge: Arc<Gauge>,
}

impl<'a> Unpack<'a> {
    /// Decodes `packed` with `decode`.
    pub(crate) fn new<R: BufRead, D: Read + Send + 'a>(
        packed: R,
        compression: Compression,
        limits: &Limits,
        decode: impl FnOnce(Gauged<R>) -> io::Result<D>,
    ) -> io::Result<Self> {
        let gauge = Arc::<Gauge>::default();
        let decoder = Box::new(decode(Gauged { inner: packed, gauge: Arc::clone(&gauge) })?);
        Ok(Self { decoder, compression, gauge, limits: limits.clone(), unpacked: 0, state: State::Reading })
    }

    fn damaged(&self, source: io::Error) -> io::Error {
        if self.gauge.failed.load(Relaxed) {
            return source; // not the data's fault
        }
        let at = self.gauge.used.load(Relaxed);
        io::Error::new(io::ErrorKind::InvalidData, DamagedError { compression: self.compression, at, source })
    }

    fn advance(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.decoder.read(buffer).map_err(|error| self.damaged(error))?;
        if count == 0 && !self.gauge.ended.load(Relaxed) {
            return Err(self.damaged(io::Error::new(io::ErrorKind::InvalidData, "other data follows it")));
        }
        self.unpacked += count as u64;
        self.limits.check(self.gauge.used.load(Relaxed), self.unpacked).map_err(io::Error::other)?;
        Ok(count)
    }
}

impl Read for Unpack<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.state {
            State::Failed(kind, text) => return Err(self.damaged(io::Error::new(*kind, text.clone()))),
            State::Ended => return Ok(0),
            State::Reading if buffer.is_empty() => return Ok(0),
            State::Reading => {}
        }
        let result = self.advance(buffer);
        match &result {
            Ok(0) => self.state = State::Ended,
            Err(error) => {
                let said = said_by_decoder(error);
                self.state = State::Failed(said.kind(), said.to_string());
            }
            Ok(_) => {}
        }
        result
    }
}

/// What the decoder itself said, which tells data that was cut from data that was changed.
fn said_by_decoder(error: &io::Error) -> &io::Error {
    let damaged = error.get_ref().and_then(|inner| inner.downcast_ref::<DamagedError>());
    damaged.map_or(error, |damaged| &damaged.source)
}

impl<R> Gauged<R> {
    fn use_up(&self, bytes: usize) {
        // Only this side writes, so that load and store lose no update.
        self.gauge.used.store(self.gauge.used.load(Relaxed) + bytes as u64, Relaxed);
    }
}

impl<R: BufRead> Read for Gauged<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = retry(|| self.inner.read(buffer));
        match &result {
            Ok(0) if !buffer.is_empty() => self.gauge.ended.store(true, Relaxed),
            Ok(count) => self.use_up(*count),
            Err(_) => self.gauge.failed.store(true, Relaxed),
        }
        result
    }
}

impl<R: BufRead> BufRead for Gauged<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        // Called twice, because a borrow cannot be retried in a loop; the second call finds the buffer filled.
        match retry(|| self.inner.fill_buf().map(<[u8]>::is_empty)) {
            Ok(false) => {}
            Ok(true) => self.gauge.ended.store(true, Relaxed),
            Err(error) => {
                self.gauge.failed.store(true, Relaxed);
                return Err(error);
            }
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.inner.consume(bytes);
        self.use_up(bytes);
    }
}

/// Retries when a signal interrupted the call.
pub(crate) fn retry<T>(mut ask: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match ask() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
