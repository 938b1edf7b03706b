//! Receives a blob and verifies it while it arrives, in one pass.
//!
//! A transfer that was interrupted goes on where it stopped. If what it had left turns out to be wrong, all is fetched
//! anew. A blob that another process receives is waited for and shared, not fetched twice.

use std::fs::{File, Metadata};
use std::io::{self, BufWriter, Read, Write as _};
use std::path::Path;
use std::thread;

use super::Error;
use super::arrival::{Arrival, Found, PartialWriter};
use super::partial::{PartialFile, is_whole};
use super::quarantine::{BlobBytes, Quarantine, VerifiedLayer};
use crate::image::copy::send;
use crate::layer::{Scan, ScanError, scan};
use crate::layout::{BLOBS, Durable};
use crate::oci::{Descriptor, Digest};

/// Where a blob is after it was received.
#[derive(Debug)]
pub enum Received<T> {
    /// In the quarantine.
    Kept(T),
    /// In the store: another process has put it there meanwhile. The quarantine counts on it.
    InStore,
}

/// Why a blob was not received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError<E> {
    /// Its bytes do not come any more. Those that came stay, for the next transfer.
    #[error(transparent)]
    Feed(E),
    /// It is wrong, or cannot be stored.
    #[error(transparent)]
    Store(#[from] Error),
}

impl<E: From<Error>> ReceiveError<E> {
    /// The error, for callers that do not care which of the two it is.
    pub fn into_feed(self) -> E {
        match self {
            Self::Feed(error) => error,
            Self::Store(error) => error.into(),
        }
    }
}

/// Who has the file of a blob.
enum Claim {
    Ours(PartialFile),
    /// Another process has received it; this is a name of our own for the same file.
    Theirs(Durable),
    InStore,
}

/// Why an attempt has failed.
enum Failure<E> {
    Feed(E),
    /// Through no fault of the bytes.
    Store(Error),
    /// The bytes are wrong.
    Bytes(Error),
    /// The bytes are those that were expected, but are no layer.
    Content(Error),
}

/// Reads a blob to its end, and gives its digest and what else was found.
type Scanner<'a, T> = dyn Fn(&mut (dyn Read + Send)) -> Result<(Digest, T), ScanError> + Sync + 'a;
/// Appends the bytes of a blob.
type Feed<'a, E> = dyn FnMut(&PartialWriter<'_>) -> Result<(), E> + 'a;

impl Quarantine {
    /// Keeps a layer that `feed` appends, from [`PartialWriter::size`] on. `feed` is not called if all is there already,
    /// and called again, with nothing there, if what an earlier transfer has left was wrong. `what` names the layer in
    /// errors.
    ///
    /// The layer is decompressed, hashed and indexed while its bytes arrive, and must match its descriptor; one that does
    /// not, or that is no layer, is deleted.
    pub fn receive_layer<E>(
        &self,
        expected: &Descriptor,
        what: &str,
        feed: impl FnMut(&PartialWriter<'_>) -> Result<(), E>,
    ) -> Result<Received<VerifiedLayer>, ReceiveError<E>> {
        self.receive_layer_or_wait(expected, what, feed, &|| {})
    }

    /// The same; calls `waiting` if another process receives the layer, which is then waited for.
    pub fn receive_layer_or_wait<E>(
        &self,
        expected: &Descriptor,
        what: &str,
        mut feed: impl FnMut(&PartialWriter<'_>) -> Result<(), E>,
        waiting: &dyn Fn(),
    ) -> Result<Received<VerifiedLayer>, ReceiveError<E>> {
        match self.receive((expected, what), &mut feed, &|bytes| self.index(bytes), waiting)? {
            Received::Kept(((scanned, index), blob)) => Ok(Received::Kept(self.put_layer(scanned, blob, index)?)),
            Received::InStore => Ok(Received::InStore),
        }
    }

    /// Keeps a blob of any kind in the same way. It is only hashed.
    pub fn receive_blob<E>(
        &self,
        expected: &Descriptor,
        what: &str,
        mut feed: impl FnMut(&PartialWriter<'_>) -> Result<(), E>,
    ) -> Result<Received<()>, ReceiveError<E>> {
        let scan = |bytes: &mut (dyn Read + Send)| Ok((send(bytes, &mut io::sink(), &|_| {})?.0, ()));
        match self.receive((expected, what), &mut feed, &scan, &|| {})? {
            Received::Kept(((), blob)) => Ok(Received::Kept(self.put(expected.digest, blob, None)?)),
            Received::InStore => Ok(Received::InStore),
        }
    }

    fn receive<T: Send, E>(
        &self,
        (expected, what): (&Descriptor, &str),
        feed: &mut Feed<'_, E>,
        scan: &Scanner<'_, T>,
        waiting: &dyn Fn(),
    ) -> Result<Received<(T, BlobBytes)>, ReceiveError<E>> {
        loop {
            let file = match self.claim(expected, waiting)? {
                Claim::Ours(file) => file,
                Claim::Theirs(link) => {
                    let scanned = scan_link(&link, expected, what, scan)?;
                    return Ok(Received::Kept((scanned, BlobBytes::Draft(link))));
                }
                Claim::InStore => return Ok(Received::InStore),
            };
            let left = file.size()?;
            let arrival = Arrival::new(&file, expected, what, self.store.job())?;
            let attempt = attempt(&arrival, feed, scan);
            let may_be_left = left > 0 && !arrival.is_new();
            match attempt {
                Ok(scanned) => {
                    file.make_whole()?;
                    return Ok(Received::Kept((scanned, BlobBytes::Partial(file))));
                }
                Err(Failure::Feed(error)) => {
                    if file.size()? == 0 {
                        file.discard()?;
                    }
                    return Err(ReceiveError::Feed(error));
                }
                Err(Failure::Store(error)) => return Err(error.into()),
                // What an earlier transfer left may be to blame.
                Err(Failure::Bytes(_)) if may_be_left => file.discard()?,
                Err(Failure::Bytes(error) | Failure::Content(error)) => {
                    file.discard()?;
                    return Err(error.into());
                }
            }
        }
    }

    /// Finds out who has the file of a blob, and waits while another process receives it.
    fn claim(&self, expected: &Descriptor, waiting: &dyn Fn()) -> Result<Claim, Error> {
        let path = self.store.partial_path(&expected.digest)?;
        let (mut seen, mut looks, mut is_waiting) = (None, 0, false);
        loop {
            self.store.job().check().map_err(Error::io(&path))?;
            if let Some(file) = PartialFile::claim(&path)? {
                if self.is_in_store(expected)? {
                    file.discard()?;
                    return Ok(Claim::InStore);
                }
                let size = file.size()?;
                if size == expected.size || size < expected.size && !file.is_whole()? {
                    return Ok(Claim::Ours(file));
                }
                // It is not what its name says; other processes may have links to it, so that it is left as it is.
                file.discard()?;
                continue;
            }
            if let Some(link) = self.link(&path, expected) {
                return Ok(Claim::Theirs(link));
            }
            let size = path.metadata().ok().map(|metadata| metadata.len());
            if !is_waiting {
                waiting();
                is_waiting = true;
            }
            looks = if size == seen { looks + 1 } else { 0 };
            if looks > self.patience.looks {
                return Err(Error::Busy { path });
            }
            seen = size;
            thread::sleep(self.patience.pause);
        }
    }

    /// A link to the file of another process, if it is whole and the file system has links.
    fn link(&self, path: &Path, expected: &Descriptor) -> Option<Durable> {
        let is_it = |metadata: Metadata| is_whole(&metadata) && metadata.len() == expected.size;
        path.metadata().ok().filter(|metadata| is_it(metadata.clone()))?;
        let link = Durable::linked(path, self.new_path(), self.store.job()).ok()?;
        // The name may be of another file by now.
        link.path().metadata().is_ok_and(is_it).then_some(link)
    }

    /// Whether the store has the blob; then the quarantine counts on it.
    fn is_in_store(&self, expected: &Descriptor) -> Result<bool, Error> {
        let path = self.store.root().join(BLOBS).join(expected.digest.hex());
        if !path.metadata().is_ok_and(|metadata| metadata.len() == expected.size) {
            return Ok(false);
        }
        match self.count_on([expected.digest]) {
            Ok(()) => Ok(true),
            Err(Error::Removed { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Scans a layer and writes its index.
    fn index(&self, layer: &mut (dyn Read + Send)) -> Result<(Digest, (Scan, Durable)), ScanError> {
        let index = self.draft().map_err(|error| ScanError::Index { source: io::Error::other(error) })?;
        let mut writer = BufWriter::new(index.file());
        let scanned = scan(layer, &self.limits, &mut writer)?;
        writer.flush().map_err(|source| ScanError::Index { source })?;
        drop(writer);
        Ok((scanned.blob, (scanned, index)))
    }
}

/// Receives the rest of a blob and scans all of it.
fn attempt<T: Send, E>(arrival: &Arrival<'_>, feed: &mut Feed<'_, E>, scan: &Scanner<'_, T>) -> Result<T, Failure<E>> {
    let (result, found) = thread::scope(|scope| {
        let follower = scope.spawn(|| arrival.follow(|mut follower| scan(&mut follower)));
        let ending = arrival.ending();
        let result = if arrival.is_complete() { Ok(()) } else { feed(&arrival.writer()) };
        if result.is_ok() {
            ending.done();
        } else {
            drop(ending);
        }
        (result, follower.join())
    });
    let found = found.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    if let Some(error) = arrival.excess() {
        return Err(Failure::Bytes(error));
    }
    let expected = arrival.expected();
    match (found, result) {
        (Found::Bad(source, actual), _) => Err(match actual {
            Some(actual) if actual != expected.digest => Failure::Bytes(unlike(expected, actual)),
            Some(_) => Failure::Content(arrival.not_a_layer(source)),
            None => Failure::Bytes(arrival.not_a_layer(source)),
        }),
        (_, Err(error)) => Err(arrival.refusal().map_or(Failure::Feed(error), Failure::Store)),
        (Found::Whole((actual, _)), Ok(())) if actual != expected.digest => {
            Err(Failure::Bytes(unlike(expected, actual)))
        }
        (Found::Whole((_, scanned)), Ok(())) => Ok(scanned),
        (Found::GivenUp, Ok(())) => Err(Failure::Store(arrival.refusal().unwrap_or_else(|| arrival.too_short()))),
        (Found::Io(error), Ok(())) => Err(Failure::Store(arrival.unreadable(error))),
    }
}

/// Scans the file that another process has received.
fn scan_link<T>(link: &Durable, expected: &Descriptor, what: &str, scan: &Scanner<'_, T>) -> Result<T, Error> {
    let mut file = File::open(link.path()).map_err(Error::io(link.path()))?;
    match scan(&mut file) {
        Ok((actual, scanned)) if actual == expected.digest => Ok(scanned),
        Ok((actual, _)) => Err(unlike(expected, actual)),
        Err(ScanError::Index { source }) => Err(Error::io(link.path())(source)),
        Err(source) => Err(Error::Layer { what: what.to_owned(), source }),
    }
}

fn unlike(expected: &Descriptor, actual: Digest) -> Error {
    Error::Digest { expected: expected.digest, actual }
}

#[cfg(test)]
mod tests;
