//! A blob while it arrives: one thread appends to its file, another reads the file behind it.
//!
//! ```text
//! feed ─▶ PartialWriter ─▶ partial/<hex> ─▶ Follower ─▶ scan        (the bytes go through the page cache)
//!               └── how many bytes there are ──▲ │
//!               ▲────── why it is refused ───────┘
//! ```
//!
//! The follower starts at the first byte, so that what an earlier transfer left is verified with the rest. Whatever ends
//! the writer (its success, an error, a panic) ends the follower too.

use std::cell::Cell;
use std::io::{self, Read};
use std::marker::PhantomData;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Error;
use super::partial::PartialFile;
use crate::cancel::Token;
use crate::layer::ScanError;
use crate::oci::{Descriptor, Digest, Hasher};

/// How many bytes the follower waits for, unless the blob ends before: waking it up for less would only cost.
const CHUNK: usize = 256 << 10;

/// After so many bytes the system begins to write them to the disk.
const SYNC: u64 = 8 << 20;

/// A blob that is being received.
pub(super) struct Arrival<'a> {
    file: &'a PartialFile,
    expected: &'a Descriptor,
    what: &'a str,
    job: &'a Token,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How many bytes the file has.
    written: u64,
    /// How often the transfer was started anew.
    restarts: u64,
    /// The follower sleeps until so many bytes are there.
    wanted: u64,
    /// The writer is done.
    ended: bool,
    /// The writer was not done when it ended.
    given_up: bool,
    /// Why no more bytes are taken.
    refused: Option<Refused>,
    /// Why the follower cannot follow, through no fault of the bytes.
    lost: Option<Lost>,
}

/// Why no more bytes are taken.
enum Refused {
    TooLong { size: u64 },
    NotALayer { why: String },
    Broken { error: io::Error },
}

/// Why the follower cannot follow.
enum Lost {
    /// The writer ended before the blob was complete, or with an error.
    GivenUp,
    /// The file cannot be read, or the job was cancelled.
    Io(io::Error),
}

/// What the follower has found.
pub(super) enum Found<T> {
    /// The blob is complete, and this came out of the scan.
    Whole(T),
    /// The writer ended before the blob was complete, or with an error.
    GivenUp,
    /// The scan failed. If the blob is complete, its digest is known all the same.
    Bad(ScanError, Option<Digest>),
    /// The bytes could not be read, or the index not be written: nothing is known about the bytes.
    Io(io::Error),
}

impl<'a> Arrival<'a> {
    /// A blob whose first bytes may be in the file already.
    pub(super) fn new(
        file: &'a PartialFile,
        expected: &'a Descriptor,
        what: &'a str,
        job: &'a Token,
    ) -> Result<Self, Error> {
        let state = State { written: file.size()?, ..State::default() };
        Ok(Self { file, expected, what, job, state: Mutex::new(state), changed: Condvar::new() })
    }

    /// The writer.
    pub(super) fn writer(&self) -> PartialWriter<'_> {
        PartialWriter { arrival: self, one_thread: PhantomData }
    }

    /// Whether all bytes came in this transfer.
    pub(super) fn is_new(&self) -> bool {
        self.state().restarts > 0
    }

    /// Whether all bytes are there.
    pub(super) fn is_complete(&self) -> bool {
        self.state().written == self.expected.size
    }

    /// What the blob must be.
    pub(super) fn expected(&self) -> &Descriptor {
        self.expected
    }

    /// Why bytes were refused.
    pub(super) fn refusal(&self) -> Option<Error> {
        self.state().refused.as_ref().map(|refused| self.error(refused))
    }

    /// The refusal of more bytes than the blob may have.
    pub(super) fn excess(&self) -> Option<Error> {
        let state = self.state();
        state
            .refused
            .as_ref()
            .filter(|refused| matches!(refused, Refused::TooLong { .. }))
            .map(|refused| self.error(refused))
    }

    /// The blob was ended before its time.
    pub(super) fn too_short(&self) -> Error {
        self.size_error(self.state().written)
    }

    /// The scan has failed.
    pub(super) fn not_a_layer(&self, source: ScanError) -> Error {
        Error::Layer { what: self.what.to_owned(), source }
    }

    /// The blob or its index could not be read or written.
    pub(super) fn unreadable(&self, source: io::Error) -> Error {
        Error::io(self.file.path())(source)
    }

    /// Ends the transfer when it is dropped: as one that is given up, unless it is said to be done.
    pub(super) fn ending(&self) -> Ending<'_> {
        Ending { arrival: self, is_done: false }
    }

    /// Runs `scan` on all bytes, also on those that are still to come; again if the transfer is started anew. Returns
    /// when the writer has ended.
    pub(super) fn follow<T>(&self, mut scan: impl FnMut(Follower<'_>) -> Result<T, ScanError>) -> Found<T> {
        loop {
            let restarts = self.state().restarts;
            let result = scan(Follower { arrival: self, at: 0, synced: 0, restarts });
            let mut state = self.state();
            if state.restarts == restarts
                && let Err(error) = &result
            {
                let refused = refused(error, state.lost.as_ref());
                state.refused = state.refused.take().or(refused);
            }
            // Until the writer has ended it may start anew.
            while !state.ended && state.restarts == restarts {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.restarts == restarts {
                let (lost, is_whole) = (state.lost.take(), state.written == self.expected.size);
                drop(state);
                return self.found(result, lost, is_whole);
            }
        }
    }

    fn found<T>(&self, result: Result<T, ScanError>, lost: Option<Lost>, is_whole: bool) -> Found<T> {
        match (result, lost) {
            (Ok(scanned), None) => Found::Whole(scanned),
            (Err(ScanError::Index { source }), None) => Found::Io(source),
            (Err(error), None) if is_whole => match self.digest() {
                Ok(actual) => Found::Bad(error, Some(actual)),
                Err(error) => Found::Io(error),
            },
            (Err(error), None) => Found::Bad(error, None),
            (_, Some(Lost::GivenUp)) => Found::GivenUp,
            (_, Some(Lost::Io(error))) => Found::Io(error),
        }
    }

    /// The digest of the complete file.
    fn digest(&self) -> io::Result<Digest> {
        let (mut hasher, mut buffer, mut at) = (Hasher::new(), vec![0; CHUNK], 0);
        loop {
            self.job.check()?;
            match self.file.read_at(&mut buffer, at) {
                Ok(0) => return Ok(hasher.finish()),
                Ok(got) => {
                    hasher.update(&buffer[..got]);
                    at += got as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn error(&self, refused: &Refused) -> Error {
        match refused {
            Refused::TooLong { size } => self.size_error(*size),
            Refused::NotALayer { why } => Error::NotALayer { what: self.what.to_owned(), why: why.clone() },
            Refused::Broken { error } => self.unreadable(again(error)),
        }
    }

    fn size_error(&self, actual: u64) -> Error {
        Error::Size { digest: self.expected.digest, expected: self.expected.size, actual }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why no more bytes are taken after the scan has failed.
fn refused(error: &ScanError, lost: Option<&Lost>) -> Option<Refused> {
    match (error, lost) {
        (_, Some(Lost::GivenUp)) => None,
        (_, Some(Lost::Io(error))) | (ScanError::Index { source: error }, None) => {
            Some(Refused::Broken { error: again(error) })
        }
        (error, None) => Some(Refused::NotALayer { why: error.to_string() }),
    }
}

/// The same error once more.
fn again(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

/// Ends a transfer when it is dropped: as one that is given up, unless it is said to be done.
pub(super) struct Ending<'a> {
    arrival: &'a Arrival<'a>,
    is_done: bool,
}

impl Ending<'_> {
    /// No more bytes come, since they all came.
    pub(super) fn done(mut self) {
        self.is_done = true;
    }
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let mut state = self.arrival.state();
        (state.ended, state.given_up) = (true, !self.is_done);
        self.arrival.changed.notify_all();
    }
}

/// Takes the bytes of a blob while they arrive.
pub struct PartialWriter<'a> {
    arrival: &'a Arrival<'a>,
    /// Bytes have an order.
    one_thread: PhantomData<Cell<()>>,
}

impl PartialWriter<'_> {
    /// The number of bytes that are there: where the transfer goes on.
    pub fn size(&self) -> u64 {
        self.arrival.state().written
    }

    /// Appends bytes; many at a time cost less. Fails once it is known that the blob cannot be kept.
    pub fn append(&self, bytes: &[u8]) -> Result<(), Error> {
        let Arrival { file, expected, changed, .. } = self.arrival;
        let mut state = self.arrival.state();
        let size = state.written.saturating_add(bytes.len() as u64);
        if size > expected.size {
            state.refused.get_or_insert(Refused::TooLong { size });
        }
        if let Some(refused) = &state.refused {
            return Err(self.arrival.error(refused));
        }
        drop(state);
        let appended = file.append(bytes);
        let mut state = self.arrival.state();
        if let Err(source) = appended {
            // A part of them may be in the file, so that nothing can follow.
            state.refused = Some(Refused::Broken { error: again(&source) });
            return Err(Error::io(file.path())(source));
        }
        state.written = size;
        if size >= state.wanted || size == expected.size {
            changed.notify_all();
        }
        Ok(())
    }

    /// Drops all bytes, for a sender that cannot go on in the middle.
    pub fn restart(&self) -> Result<(), Error> {
        let Arrival { file, changed, .. } = self.arrival;
        let mut state = self.arrival.state();
        file.clear().map_err(Error::io(file.path()))?;
        *state = State { restarts: state.restarts + 1, ..State::default() };
        changed.notify_all();
        Ok(())
    }
}

/// Reads the bytes of a blob while they arrive, from the first one to the last.
pub(super) struct Follower<'a> {
    arrival: &'a Arrival<'a>,
    at: u64,
    /// So far the system is writing the bytes to the disk.
    synced: u64,
    restarts: u64,
}

impl Follower<'_> {
    /// Waits until up to `most` bytes can be read, and returns how many; none at the end of the blob.
    fn wait(&self, most: usize) -> io::Result<usize> {
        let Arrival { expected, changed, .. } = self.arrival;
        let most = most.min(CHUNK) as u64;
        let mut state = self.arrival.state();
        loop {
            if state.restarts != self.restarts {
                return Err(io::Error::other("the transfer was started anew"));
            }
            if state.given_up || state.ended && state.written < expected.size {
                state.lost = Some(Lost::GivenUp);
                return Err(io::Error::other("the transfer was given up"));
            }
            let there = state.written.saturating_sub(self.at);
            if there >= most || state.written == expected.size {
                return Ok(usize::try_from(there.min(most)).unwrap_or(CHUNK));
            }
            state.wanted = self.at + most;
            state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn read_some(&self, into: &mut [u8]) -> io::Result<usize> {
        self.arrival.job.check()?;
        let ready = self.wait(into.len())?;
        let got = self.arrival.file.read_at(&mut into[..ready], self.at)?;
        if got == 0 && ready > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter"));
        }
        Ok(got)
    }
}

impl Read for Follower<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.read_some(into) {
            Ok(got) => {
                self.at += got as u64;
                if self.at - self.synced >= SYNC {
                    self.arrival.file.begin_to_sync(self.synced, self.at - self.synced);
                    self.synced = self.at;
                }
                Ok(got)
            }
            // Whoever reads tries again.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let mut state = self.arrival.state();
                if state.restarts == self.restarts && state.lost.is_none() {
                    state.lost = Some(Lost::Io(again(&error)));
                }
                Err(error)
            }
        }
    }
}
