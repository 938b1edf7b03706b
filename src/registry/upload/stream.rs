//! Sends bytes whose digest and size are known only when they have been sent: layers that are compressed on their way.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use super::session::{Session, Sessions};
use super::transfer::{Attempts, Sent, Transfer};
use crate::oci::{Descriptor, Digest, Hasher, MediaType};
use crate::registry::Error;

/// The size of a chunk, in bytes: the most that some servers take.
const CHUNK: usize = 4 << 20;
/// How many chunks are ready before they are sent, so that compressing and sending do not wait for each other.
const AHEAD: usize = 1;

/// A chunk, or why there is none.
type Chunk = io::Result<Arc<Vec<u8>>>;

impl Transfer<'_> {
    /// Sends what `stream` gives; returns its digest and size. The session is kept under `key`: one of an earlier run
    /// goes on behind the bytes that it has.
    pub(super) fn stream(
        &self,
        stream: &mut (dyn Read + Send),
        key: &Digest,
        sessions: &dyn Sessions,
    ) -> Result<(Digest, u64), Error> {
        let kept = sessions.find(key).and_then(|url| self.continued(&url));
        let (session, there) = kept.map_or_else(|| Ok((self.begin()?, 0)), Ok::<_, Error>)?;
        let size = session.least.and_then(|least| usize::try_from(least).ok()).unwrap_or(0).max(CHUNK);
        let sent = std::thread::scope(|scope| {
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
            self.chunks((session, there), size, &chunks, &|url| sessions.keep(key, url))
        });
        if matches!(sent, Ok(_) | Err(Error::Refused { .. } | Error::Stored { .. } | Error::UploadLost { .. })) {
            sessions.forget(key);
        }
        sent
    }

    /// Sends chunks of `size` bytes, but for the last one, to a session that has the first `there` bytes.
    fn chunks(
        &self,
        (mut session, there): (Session, u64),
        size: usize,
        chunks: &Receiver<Chunk>,
        keep: &dyn Fn(&str),
    ) -> Result<(Digest, u64), Error> {
        let (mut hasher, mut at) = (Hasher::new(), 0);
        let mut rest_of_it = (Arc::default(), 0);
        for chunk in chunks {
            let chunk = chunk.map_err(|source| self.unreadable(source))?;
            hasher.update(&chunk);
            let has = usize::try_from(there.saturating_sub(at)).unwrap_or(usize::MAX).min(chunk.len());
            let left = chunk.len() - has;
            at += chunk.len() as u64;
            if is_too_little(&session, left) {
                if chunk.len() == size && left > 0 {
                    return Err(self.lost());
                }
                // It comes with the end.
                rest_of_it = (chunk, has);
            } else if left > 0 {
                keep(&session.url.to_string());
                session = self.chunk(session, at - (has + left) as u64, has, &chunk)?;
            }
        }
        if there > at {
            return Err(self.lost());
        }
        let blob = Descriptor::new(MediaType::default(), hasher.finish(), at);
        self.end(&blob, &session, &rest_of_it).map(|()| (blob.digest, blob.size))
    }

    /// Sends one chunk, which begins at `from` and of which the server has `sent` bytes, as often as it takes.
    fn chunk(&self, mut session: Session, from: u64, mut sent: usize, chunk: &Arc<Vec<u8>>) -> Result<Session, Error> {
        let mut attempts = Attempts::default();
        while sent < chunk.len() {
            let at = from + sent as u64;
            let open = |position: u64| Ok(Box::new(rest(chunk, position - from)) as Box<dyn Read + Send>);
            match self.patch(&session, at, (chunk.len() - sent) as u64, &open)? {
                Sent::Done(response) => return session.moved(&response, &self.what()),
                Sent::TooMuch(error) | Sent::Wrong(error) => return Err(error),
                Sent::Lost => return Err(self.lost()),
                Sent::Broken(error, wait) => {
                    attempts.next(error, wait)?;
                    let at;
                    (session, at) = self.state_of(session)?;
                    let there = at.checked_sub(from).and_then(|there| usize::try_from(there).ok());
                    sent = there.filter(|there| *there <= chunk.len()).ok_or_else(|| self.lost())?;
                    if is_too_little(&session, chunk.len() - sent) && sent < chunk.len() {
                        return Err(self.lost());
                    }
                }
            }
        }
        Ok(session)
    }

    /// Ends a session that has all bytes but the last ones, of which `has` are there too.
    fn end(&self, blob: &Descriptor, session: &Session, (last, has): &(Arc<Vec<u8>>, usize)) -> Result<(), Error> {
        let mut attempts = Attempts::default();
        let from = blob.size - (last.len() - has) as u64;
        let start = blob.size - last.len() as u64;
        loop {
            match self.put(blob, session, from, &|position| Ok(Box::new(rest(last, position - start))))? {
                Sent::Done(response) => return self.check(blob, &response),
                Sent::TooMuch(error) | Sent::Wrong(error) => return Err(error),
                Sent::Broken(error, wait) => attempts.next(error, wait)?,
                // The answer to an earlier attempt may be what was lost.
                Sent::Lost if self.has(&blob.digest)? => return Ok(()),
                Sent::Lost => return Err(self.lost()),
            }
        }
    }
}

/// Whether a server does not take so few bytes as a chunk.
fn is_too_little(session: &Session, bytes: usize) -> bool {
    session.least.is_some_and(|least| (bytes as u64) < least)
}

/// The bytes of a chunk from `at` on.
fn rest(chunk: &Arc<Vec<u8>>, at: u64) -> impl Read + Send + use<> {
    struct Shared(Arc<Vec<u8>>);
    impl AsRef<[u8]> for Shared {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    let mut cursor = io::Cursor::new(Shared(Arc::clone(chunk)));
    cursor.set_position(at);
    cursor
}

/// The next bytes: fewer than `size` only at the end.
fn read_chunk(stream: &mut dyn Read, size: usize) -> Chunk {
    let mut chunk = Vec::new();
    stream.take(size as u64).read_to_end(&mut chunk)?;
    Ok(Arc::new(chunk))
}
