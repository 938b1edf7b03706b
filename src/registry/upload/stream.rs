//! Sends bytes whose digest and size are known only when they have been sent: layers that are compressed on their way.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, sync_channel};

use super::session::Session;
use super::transfer::{Attempts, Sent, Transfer};
use crate::oci::{Descriptor, Digest, Hasher, MediaType};
use crate::registry::Error;

/// The size of a chunk, in bytes: the most that some servers take.
const CHUNK: usize = 4 << 20;
/// How many chunks are ready before they are sent, so that compressing and sending do not wait for each other.
const AHEAD: usize = 2;

impl Transfer<'_> {
    /// Sends what `stream` gives; returns its digest and size.
    pub(super) fn stream(&self, stream: &mut (dyn Read + Send)) -> Result<(Digest, u64), Error> {
        let session = self.begin()?;
        let size = session.least.and_then(|least| usize::try_from(least).ok()).unwrap_or(0).max(CHUNK);
        std::thread::scope(|scope| {
            let (to, chunks) = sync_channel(AHEAD);
            scope.spawn(move || {
                loop {
                    let chunk = read_chunk(stream, size);
                    let is_last = chunk.as_ref().map_or(true, |chunk| chunk.len() < size);
                    // Who sends has given up.
                    if to.send(chunk).is_err() || is_last {
                        return;
                    }
                }
            });
            self.chunks(session, &chunks)
        })
    }

    fn chunks(&self, mut session: Session, chunks: &Receiver<io::Result<Vec<u8>>>) -> Result<(Digest, u64), Error> {
        let (mut hasher, mut at) = (Hasher::new(), 0);
        for chunk in chunks {
            let chunk = chunk.map_err(|source| self.unreadable(source))?;
            hasher.update(&chunk);
            if !chunk.is_empty() {
                session = self.chunk(session, at, &chunk)?;
                at += chunk.len() as u64;
            }
        }
        let digest = hasher.finish();
        let blob = Descriptor::new(MediaType::default(), digest, at);
        match self.put_of(&blob, &session, at)? {
            Sent::Done(response) => self.check_of(&blob, &response).map(|()| (digest, at)),
            Sent::Broken(error) | Sent::TooMuch(error) => Err(error),
            Sent::Lost => Err(Error::UploadLost { what: self.what() }),
        }
    }

    /// Sends one chunk, as often as it takes.
    fn chunk(&self, mut session: Session, from: u64, chunk: &[u8]) -> Result<Session, Error> {
        let (mut sent, mut attempts) = (0, Attempts::default());
        while sent < chunk.len() {
            let rest = &chunk[sent..];
            let open = |_| Ok(Box::new(io::Cursor::new(rest.to_vec())) as Box<dyn Read + Send>);
            match self.patch_from(&session, from + sent as u64, rest.len() as u64, &open)? {
                Sent::Done(response) => return session.moved(&response, &self.what()),
                Sent::TooMuch(error) => return Err(error),
                Sent::Lost => return Err(Error::UploadLost { what: self.what() }),
                Sent::Broken(error) => {
                    attempts.next(error)?;
                    let at;
                    (session, at) = self.state_of(session)?;
                    let there = at.checked_sub(from).and_then(|there| usize::try_from(there).ok());
                    sent = there
                        .filter(|there| *there <= chunk.len())
                        .ok_or_else(|| Error::UploadLost { what: self.what() })?;
                }
            }
        }
        Ok(session)
    }
}

/// The next bytes: fewer than `size` only at the end.
fn read_chunk(stream: &mut dyn Read, size: usize) -> io::Result<Vec<u8>> {
    let mut chunk = Vec::with_capacity(size);
    stream.take(size as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}
