//! A blob on its way in a session, until the server has it.

use super::session::{Session, Sessions};
use super::transfer::{Attempts, OpenBlob, Sent, Transfer};
use crate::oci::Descriptor;
use crate::registry::Error;

/// The size of chunks for a server that refuses a blob in one, or keeps nothing of what broke, in bytes.
const CHUNK: u64 = 4 << 20;
/// From how many bytes on it is worth it to keep a session for a later run.
const KEPT: u64 = 1 << 20;
/// How many sessions a blob may take.
const SESSIONS: u32 = 5;
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
        let (at, sent, is_resumed, chunk, attempts, others) = (0, 0, false, None, Attempts::default(), 0);
        Self { transfer, blob, open, sessions, session, at, sent, is_resumed, chunk, attempts, others }
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
        let is_last = left < least || left == 0 || (from == 0 && count == left && self.chunk.is_none() && least == 0);
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
            Sent::TooMuch(error) if self.chunk.is_some() => Err(error),
            Sent::TooMuch(_) => {
                self.chunk = Some(CHUNK);
                self.ask()
            }
            Sent::Broken(error, wait) => {
                self.attempts.next(error, wait)?;
                if self.attempts.count() > STUCK {
                    self.anew()?;
                    return Ok(false);
                }
                let is_there = self.ask()?;
                if self.at > from {
                    self.attempts = Attempts::default();
                } else if count > 0 {
                    self.chunk = Some(CHUNK);
                }
                Ok(is_there)
            }
            Sent::Wrong(_) if self.is_resumed => self.anew().map(|()| false),
            Sent::Wrong(error) => Err(error),
            Sent::Lost => self.lost(),
        }
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
