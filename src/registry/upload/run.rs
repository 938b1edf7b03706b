//! A blob on its way in a session, until the server has it.

use std::time::Duration;

use super::session::{Session, Sessions};
use super::transfer::{Attempts, OpenBlob, Sent, Transfer};
use crate::oci::Descriptor;
use crate::registry::Error;

/// The size of chunks for a server that refuses a blob in one, or keeps nothing of what broke, in bytes.
const CHUNK: u64 = 4 << 20;
/// The least size to which chunks are made smaller for a server that does not take so much at once, in bytes.
pub(super) const LEAST_CHUNK: u64 = 64 << 10;
/// From how many bytes on it is worth it to keep a session for a later run.
const KEPT: u64 = 128 << 10;
/// How many sessions a blob may take.
const SESSIONS: u32 = 6;
/// After so many attempts without a byte of progress a new session is begun.
const STUCK: u32 = 2;

/// A blob on its way.
pub(super) struct Run<'a> {
    transfer: &'a Transfer<'a>,
    blob: &'a Descriptor,
    open: OpenBlob<'a>,
    sessions: &'a dyn Sessions,
    session: Session,
    /// How many bytes the server has.
    at: u64,
    /// How many bytes it may have at most.
    sent: u64,
    /// Whether some of its bytes are of an earlier session or request, and may be others than ours.
    is_resumed: bool,
    /// The size of chunks, if it is sent so.
    chunk: Option<u64>,
    /// Whether the server has refused the blob in one piece.
    refuses_whole: bool,
    attempts: Attempts,
    /// How many sessions were begun in place of the first.
    others: u32,
}

impl<'a> Run<'a> {
    /// A blob of which the session that was begun has nothing yet.
    pub(super) fn new(
        transfer: &'a Transfer<'a>,
        blob: &'a Descriptor,
        open: OpenBlob<'a>,
        sessions: &'a dyn Sessions,
        session: Session,
    ) -> Self {
        let (at, sent, is_resumed, chunk, refuses_whole) = (0, 0, false, None, false);
        let (attempts, others) = (Attempts::default(), 0);
        Self { transfer, blob, open, sessions, session, at, sent, is_resumed, chunk, refuses_whole, attempts, others }
    }

    /// The same with a session of an earlier run, which has the first `at` bytes.
    pub(super) fn resumed(self, at: u64) -> Self {
        Self { at, sent: self.blob.size, is_resumed: at > 0, ..self }
    }

    /// Sends it to the end.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        loop {
            if self.blob.size >= KEPT {
                self.sessions.keep(&self.blob.digest, &self.session.url.to_string());
            }
            let is_there = self.step();
            // A later run would meet the same bytes.
            if matches!(is_there, Ok(true) | Err(Error::Refused { .. } | Error::Stored { .. })) {
                self.sessions.forget(&self.blob.digest);
            }
            if is_there? {
                return Ok(());
            }
        }
    }

    /// Sends what is to be sent at once; gives whether the server has the blob.
    fn step(&mut self) -> Result<bool, Error> {
        let (from, left) = (self.at, self.blob.size - self.at);
        let least = self.session.least.unwrap_or(0);
        let count = self.chunk.map_or(left, |chunk| chunk.max(least).min(left));
        // In one piece, if nothing speaks against it; what is too little for a chunk comes with the end.
        let is_whole = from == 0 && (self.takes_no_chunks() || (self.chunk.is_none() && least == 0));
        let is_last = left < least || left == 0 || is_whole;
        let count = if is_last { left } else { count };
        self.sent = self.sent.max(from + count);
        let sent = if is_last {
            self.transfer.put(self.blob, &self.session, from, self.open)?
        } else {
            self.transfer.patch(&self.session, from, count, self.open)?
        };
        match sent {
            Sent::Done(response) if is_last => self.transfer.check(self.blob, &response).map(|()| true),
            Sent::Done(response) => {
                self.session = self.session.clone().moved(&response, &self.transfer.what())?;
                (self.at, self.attempts) = (from + count, Attempts::default());
                Ok(false)
            }
            Sent::TooMuch(error) => self.smaller(error, count),
            Sent::Broken(error, wait) => self.broken(error, wait, count > 0),
            Sent::Wrong(_) if self.is_resumed => self.anew().map(|()| false),
            Sent::Taken(error) => self.taken(error, count > 0),
            // Some look only at what comes in chunks, and some make of chunks what they are not.
            Sent::Unwanted(error) | Sent::Wrong(error) => self.otherwise(error, is_whole),
            Sent::Lost => self.lost(),
            Sent::Moved(_) => Err(self.transfer.lost()),
        }
    }

    fn takes_no_chunks(&self) -> bool {
        self.transfer.refuses_chunks() && !self.refuses_whole
    }

    /// So many bytes were too many.
    fn smaller(&mut self, error: Error, refused: u64) -> Result<bool, Error> {
        let mut chunk = CHUNK;
        while chunk >= refused {
            chunk /= 4;
        }
        if chunk < LEAST_CHUNK.max(self.session.least.unwrap_or(0)) || self.transfer.refuses_chunks() {
            return Err(error);
        }
        (self.chunk, self.refuses_whole) = (Some(chunk), true);
        self.ask()
    }

    /// The server does not take the blob as it was sent: in one piece, or in parts.
    fn otherwise(&mut self, error: Error, was_whole: bool) -> Result<bool, Error> {
        // Some refuse what somebody else has sent meanwhile.
        if self.transfer.has(&self.blob.digest)? {
            return Ok(true);
        }
        if was_whole {
            self.refuses_whole = true;
            if self.transfer.refuses_chunks() {
                return Err(error);
            }
            self.chunk = Some(CHUNK);
            return self.ask();
        }
        if self.refuses_whole {
            return Err(error);
        }
        self.transfer.has_refused_chunks();
        self.chunk = None;
        self.anew().map(|()| false)
    }

    /// Somebody else has sent the blob, or the server has not seen yet that nobody sends any more what broke: what is on
    /// its way to it counts.
    fn taken(&mut self, error: Error, had_bytes: bool) -> Result<bool, Error> {
        Ok(self.transfer.has(&self.blob.digest)? || self.broken(error, None, had_bytes)?)
    }

    /// The connection broke, or the server was busy and said how long to wait.
    fn broken(&mut self, error: Error, wait: Option<Duration>, had_bytes: bool) -> Result<bool, Error> {
        let from = self.at;
        self.attempts.next(error, wait)?;
        if had_bytes && self.takes_no_chunks() {
            // All again, unless only the answer was lost.
            return Ok(self.transfer.has(&self.blob.digest)? || self.anew().map(|()| false)?);
        }
        if self.attempts.count() > STUCK {
            return self.anew().map(|()| false);
        }
        let is_there = self.ask()?;
        if self.at > from {
            self.attempts = Attempts::default();
        } else if had_bytes && wait.is_none() {
            self.chunk = Some(CHUNK.min(self.chunk.unwrap_or(CHUNK)));
        }
        Ok(is_there)
    }

    /// Asks the server how far it is; gives whether it has the blob.
    fn ask(&mut self) -> Result<bool, Error> {
        match self.transfer.state_of(self.session.clone()) {
            // It can not have more than was sent to it.
            Ok((session, at)) if at <= self.sent => {
                (self.session, self.at) = (session, at);
                self.is_resumed |= at > 0;
                Ok(false)
            }
            Ok(_) => self.anew().map(|()| false),
            Err(Error::UploadLost { .. }) => self.lost(),
            Err(error) => Err(error),
        }
    }

    /// The session is gone: the answer to its end may be what was lost.
    fn lost(&mut self) -> Result<bool, Error> {
        if self.sent == self.blob.size && self.transfer.has(&self.blob.digest)? {
            return Ok(true);
        }
        self.attempts.next(self.transfer.lost(), None)?;
        self.chunk = Some(CHUNK);
        self.anew().map(|()| false)
    }

    fn anew(&mut self) -> Result<(), Error> {
        self.others += 1;
        if self.others == SESSIONS {
            return Err(self.transfer.lost());
        }
        self.session = self.transfer.begin()?;
        (self.at, self.sent, self.is_resumed) = (0, 0, false);
        Ok(())
    }
}
