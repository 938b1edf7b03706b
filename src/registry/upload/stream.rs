//! Sends bytes whose digest and size are known only when they have been sent: layers that are compressed on their way.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use super::buffer::Buffer;
use super::run::LEAST_CHUNK;
use super::session::{Session, Sessions};
use super::transfer::{Attempts, Sent, Transfer};
use crate::oci::{Descriptor, Digest, Hasher, MediaType};
use crate::registry::Error;

/// The size of a chunk, in bytes: the most that some servers take.
const CHUNK: usize = 4 << 20;
/// How many chunks are ready before they are sent, so that compressing and sending do not wait for each other.
const AHEAD: usize = 1;

/// A chunk, or why there is none.
type Chunk = io::Result<Arc<Buffer>>;

/// What became of a chunk.
enum Taken {
    /// The server has it: the session goes on there.
    Yes(Session),
    /// The server does not take chunks.
    Unwanted,
}

impl Transfer<'_> {
    /// Sends what `stream` gives; returns its digest and size. The session is kept under `key`: one of an earlier run
    /// goes on behind the bytes that it has.
    pub(super) fn stream(
        &self,
        stream: &mut (dyn Read + Send),
        key: &Digest,
        sessions: &dyn Sessions,
    ) -> Result<(Digest, u64), Error> {
        let kept = sessions.find(key).filter(|_| !self.refuses_chunks()).and_then(|url| self.continued(&url));
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
            if self.refuses_chunks() {
                return self.at_once(&session, None, chunks);
            }
            self.chunks((session, there), size, chunks, &|url| sessions.keep(key, url))
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
        chunks: Receiver<Chunk>,
        keep: &dyn Fn(&str),
    ) -> Result<(Digest, u64), Error> {
        let (mut hasher, mut at, mut most) = (Hasher::new(), 0, size);
        let mut rest_of_it = (Arc::default(), 0);
        while let Ok(chunk) = chunks.recv() {
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
                let from = at - (has + left) as u64;
                session = match self.chunk(session, from, has, &chunk, &mut most)? {
                    Taken::Yes(session) => session,
                    // Nothing of it is lost yet: all that there is goes in one request.
                    Taken::Unwanted if from == 0 && has == 0 => {
                        self.has_refused_chunks();
                        return self.at_once(&self.begin()?, Some(chunk), chunks);
                    }
                    Taken::Unwanted => return Err(self.again_at_once()),
                };
            }
        }
        if there > at {
            return Err(self.lost());
        }
        let blob = Descriptor::new(MediaType::default(), hasher.finish(), at);
        self.end(&blob, &session, &rest_of_it).map(|()| (blob.digest, blob.size))
    }

    /// Sends all in one request, as docker does, to a server that does not take chunks: those that are in memory, and
    /// those that come. What breaks has to be sent again from the start.
    fn at_once(
        &self,
        session: &Session,
        first: Option<Arc<Buffer>>,
        chunks: Receiver<Chunk>,
    ) -> Result<(Digest, u64), Error> {
        let mut all =
            All { chunk: first.unwrap_or_default(), at: 0, chunks, hasher: Hasher::new(), size: 0, error: None };
        let sent = self.patch_all(session, &mut all);
        if let Some(source) = all.error {
            return Err(self.unreadable(source));
        }
        let session = match sent? {
            Sent::Done(response) => session.clone().moved(&response, &self.what())?,
            Sent::TooMuch(error) | Sent::Unwanted(error) | Sent::Taken(error) | Sent::Wrong(error) => {
                return Err(error);
            }
            Sent::Broken(..) | Sent::Lost | Sent::Moved(_) => return Err(self.lost()),
        };
        let blob = Descriptor::new(MediaType::default(), all.hasher.finish(), all.size);
        self.end(&blob, &session, &Default::default()).map(|()| (blob.digest, blob.size))
    }

    /// The server takes no chunks: who asks again does without.
    fn again_at_once(&self) -> Error {
        self.has_refused_chunks();
        self.lost()
    }

    /// Sends one chunk, which begins at `from` and of which the server has `sent` bytes, as often as it takes, and in as
    /// many parts of at most `most` bytes.
    fn chunk(
        &self,
        mut session: Session,
        from: u64,
        mut sent: usize,
        chunk: &Arc<Buffer>,
        most: &mut usize,
    ) -> Result<Taken, Error> {
        let mut attempts = Attempts::default();
        while sent < chunk.len() {
            let (at, count) = (from + sent as u64, (chunk.len() - sent).min(*most));
            let open = |position: u64| Ok(Box::new(rest(chunk, position - from)) as Box<dyn Read + Send>);
            let answer = match self.patch(&session, at, count as u64, &open)? {
                // The server has not seen yet that an earlier run does not send any more.
                Sent::Taken(error) => Sent::Broken(error, None),
                other => other,
            };
            match answer {
                Sent::Done(response) => {
                    session = session.moved(&response, &self.what())?;
                    (sent, attempts) = (sent + count, Attempts::default());
                }
                Sent::TooMuch(error) => {
                    let smaller = count / 4;
                    if (smaller as u64) < LEAST_CHUNK || is_too_little(&session, smaller) {
                        return Err(error);
                    }
                    *most = smaller;
                }
                Sent::Unwanted(_) => return Ok(Taken::Unwanted),
                Sent::Taken(error) | Sent::Wrong(error) => return Err(error),
                Sent::Lost | Sent::Moved(_) => return Err(self.lost()),
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
        Ok(Taken::Yes(session))
    }

    /// Ends a session that has all bytes but the last ones, of which `has` are there too.
    fn end(&self, blob: &Descriptor, session: &Session, (last, has): &(Arc<Buffer>, usize)) -> Result<(), Error> {
        let mut attempts = Attempts::default();
        let from = blob.size - (last.len() - has) as u64;
        let start = blob.size - last.len() as u64;
        loop {
            match self.put(blob, session, from, &|position| Ok(Box::new(rest(last, position - start))))? {
                Sent::Done(response) => return self.check(blob, &response),
                // It has chunks that it does not like, and says so only now.
                Sent::Unwanted(_) if !self.refuses_chunks() => return Err(self.again_at_once()),
                Sent::TooMuch(error) | Sent::Unwanted(error) | Sent::Wrong(error) => return Err(error),
                Sent::Broken(error, wait) => attempts.next(error, wait)?,
                // The answer to an earlier attempt may be what was lost.
                Sent::Taken(_) | Sent::Lost if self.has(&blob.digest)? => return Ok(()),
                Sent::Taken(error) => attempts.next(error, None)?,
                Sent::Lost | Sent::Moved(_) => return Err(self.lost()),
            }
        }
    }
}

/// All chunks, as one stream that is hashed while it is read.
struct All {
    chunk: Arc<Buffer>,
    at: usize,
    chunks: Receiver<Chunk>,
    hasher: Hasher,
    size: u64,
    /// Why there are no more.
    error: Option<io::Error>,
}

impl Read for All {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            match self.chunks.recv() {
                Ok(Ok(chunk)) => (self.chunk, self.at) = (chunk, 0),
                Ok(Err(error)) => {
                    let shown = io::Error::new(error.kind(), error.to_string());
                    self.error = Some(error);
                    return Err(shown);
                }
                // Who gives them has ended.
                Err(_) => return Ok(0),
            }
        }
        let got = (&self.chunk[self.at..]).read(into)?;
        self.hasher.update(&self.chunk[self.at..][..got]);
        (self.at, self.size) = (self.at + got, self.size + got as u64);
        Ok(got)
    }
}

/// Whether a server does not take so few bytes as a chunk.
fn is_too_little(session: &Session, bytes: usize) -> bool {
    session.least.is_some_and(|least| (bytes as u64) < least)
}

/// The bytes of a chunk from `at` on.
fn rest(chunk: &Arc<Buffer>, at: u64) -> impl Read + Send + use<> {
    struct Shared(Arc<Buffer>);
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
    let mut chunk = Buffer::take(size);
    stream.take(size as u64).read_to_end(&mut chunk.0)?;
    Ok(Arc::new(chunk))
}
