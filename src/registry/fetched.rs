//! Blobs of an image that is only read: layers are fetched once, into a file without a name, or pass by; documents are
//! held in memory.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{BlobStream, Error, Repository, manifest};
use crate::image::blob::OpenFile;
use crate::image::{Blob, Reopen};
use crate::oci::{Descriptor, Digest, Hasher};

/// What is nearer than a registry.
pub trait Near: Send + Sync {
    /// The blob, if it is here.
    fn blob(&self, descriptor: &Descriptor) -> Option<Blob>;

    /// A new file without a name, which a layer fits into.
    fn file(&self) -> io::Result<File>;
}

/// A layer that is fetched when it is first read, or when [`RemoteLayer::fetch`] is called, and then lies in a file
/// without a name. Threads may share one.
pub(super) struct RemoteLayer {
    pub(super) repository: Repository,
    pub(super) descriptor: Descriptor,
    pub(super) near: Arc<dyn Near>,
    pub(super) file: Mutex<Option<Arc<File>>>,
}

impl RemoteLayer {
    /// Fetches the layer if that is not done yet, and once more if it is not what it should be. `moved` is told how many
    /// bytes have come, and may end it.
    pub(super) fn fetch(&self, moved: &dyn Fn(u64) -> io::Result<()>) -> io::Result<Arc<File>> {
        // Other threads wait: they want the same file.
        let mut fetched = lock(&self.file);
        if let Some(file) = &*fetched {
            return Ok(Arc::clone(file));
        }
        let (mut file, mut actual) = self.fetch_once(moved)?;
        if actual != self.descriptor.digest {
            (file, actual) = self.fetch_once(&|_| Ok(()))?;
        }
        check(&self.repository, &self.descriptor, actual)?;
        Ok(Arc::clone(fetched.insert(Arc::new(file))))
    }

    /// Whether it was fetched already.
    pub(super) fn is_here(&self) -> bool {
        lock(&self.file).is_some()
    }

    fn fetch_once(&self, moved: &dyn Fn(u64) -> io::Result<()>) -> io::Result<(File, Digest)> {
        let mut file = self.near.file()?;
        let mut stream = Opened::new(&self.repository, &self.descriptor, 0)?;
        let (mut hasher, mut buffer) = (Hasher::new(), vec![0; crate::image::copy::CHUNK]);
        loop {
            let got = stream.read(&mut buffer)?;
            if got == 0 {
                return Ok((file, hasher.finish()));
            }
            hasher.update(&buffer[..got]);
            file.write_all(&buffer[..got])?;
            moved(got as u64)?;
        }
    }
}

impl OpenFile for RemoteLayer {
    fn open_file(&self) -> io::Result<Arc<File>> {
        self.fetch(&|_| Ok(()))
    }

    fn pass_on(&self, offset: u64) -> io::Result<Option<Box<dyn Read + Send>>> {
        if self.is_here() {
            return Ok(None);
        }
        let stream = Opened::new(&self.repository, &self.descriptor, offset)?;
        if offset > 0 {
            return Ok(Some(Box::new(stream)));
        }
        let (repository, expected) = (self.repository.clone(), self.descriptor.clone());
        Ok(Some(Box::new(VerifiedStream { stream, repository, expected, hasher: Hasher::new(), at: 0 })))
    }
}

/// A stream of a whole blob. If it is another blob, the end of it is an error and is not passed on.
struct VerifiedStream {
    stream: Opened,
    repository: Repository,
    expected: Descriptor,
    hasher: Hasher,
    at: u64,
}

impl Read for VerifiedStream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.stream.read(into)?;
        self.hasher.update(&into[..got]);
        self.at += got as u64;
        if got > 0 && self.at == self.expected.size {
            check(&self.repository, &self.expected, self.hasher.clone().finish())?;
        }
        Ok(got)
    }
}

/// A small blob that is fetched when it is first read, into memory.
pub(super) struct RemoteDocument {
    pub(super) repository: Repository,
    pub(super) descriptor: Descriptor,
    pub(super) bytes: Mutex<Option<Blob>>,
}

impl RemoteDocument {
    /// Whether a blob is small enough to be held in memory.
    pub(super) fn is_one(descriptor: &Descriptor) -> bool {
        !descriptor.media_type.is_layer() && descriptor.size <= manifest::LIMIT
    }

    /// Fetches it, and once more if it is not what it should be.
    fn fetch(&self) -> io::Result<Blob> {
        let fetch = || {
            let mut bytes = Vec::new();
            Opened::new(&self.repository, &self.descriptor, 0)?.read_to_end(&mut bytes)?;
            Ok::<_, io::Error>(bytes)
        };
        let mut bytes = fetch()?;
        if Digest::of(&bytes) != self.descriptor.digest {
            bytes = fetch()?;
        }
        check(&self.repository, &self.descriptor, Digest::of(&bytes))?;
        Ok(Blob::bytes(bytes))
    }
}

impl Reopen for RemoteDocument {
    fn reopen(&self) -> io::Result<Box<dyn Read + Send>> {
        let mut fetched = lock(&self.bytes);
        let blob = match &*fetched {
            Some(blob) => blob.clone(),
            None => fetched.insert(self.fetch()?).clone(),
        };
        Ok(Box::new(blob.open()?))
    }
}

/// Why something could not be fetched, where that says nothing of what the registry has.
pub(super) type Failure = Arc<Mutex<Option<Error>>>;

/// A blob that is fetched each time that it is read, and kept nowhere. Its bytes are not verified.
pub(super) struct PassingBlob {
    pub(super) repository: Repository,
    pub(super) descriptor: Descriptor,
    pub(super) failure: Failure,
}

impl Reopen for PassingBlob {
    fn reopen(&self) -> io::Result<Box<dyn Read + Send>> {
        let opened = Opened::new(&self.repository, &self.descriptor, 0).map_err(|error| self.noted(error))?;
        Ok(Box::new(Passing { opened, failure: Arc::clone(&self.failure) }))
    }
}

impl PassingBlob {
    fn noted(&self, error: io::Error) -> io::Error {
        note(&self.failure, error)
    }
}

struct Passing {
    opened: Opened,
    failure: Failure,
}

impl Read for Passing {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.opened.read(into).map_err(|error| note(&self.failure, error))
    }
}

/// Keeps the first error that is not about what the registry has. The error that is passed on says the same.
fn note(failure: &Failure, error: io::Error) -> io::Error {
    let (kind, text) = (error.kind(), error.to_string());
    match error.downcast::<Error>() {
        Ok(error) => io::Error::new(kind, noted(failure, error)),
        Err(_) => io::Error::new(kind, text),
    }
}

/// Keeps an error if it is the first that is not about what the registry has. Gives its words.
pub(super) fn noted(failure: &Failure, error: Error) -> String {
    let text = match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    if !error.is_about_content() {
        lock(failure).get_or_insert(error);
    }
    text
}

/// The bytes of a blob, as they come. Errors hold an [`Error`] that names the repository and the blob.
struct Opened {
    stream: BlobStream,
    name: String,
    digest: Digest,
}

impl Opened {
    fn new(repository: &Repository, descriptor: &Descriptor, offset: u64) -> io::Result<Self> {
        let (name, digest) = (repository.name().familiar(), descriptor.digest);
        match repository.blob(descriptor, offset) {
            Ok(stream) => Ok(Self { stream, name, digest }),
            Err(error) if error.refusal().is_some_and(|refusal| refusal.status == 404) => {
                Err(io::Error::new(io::ErrorKind::NotFound, error))
            }
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

impl Read for Opened {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.read(into).map_err(|source| {
            io::Error::other(Error::Transfer { name: self.name.clone(), digest: self.digest, source })
        })
    }
}

/// Compares the digest of what came with what was asked for.
fn check(repository: &Repository, descriptor: &Descriptor, actual: Digest) -> io::Result<()> {
    let Descriptor { digest: expected, size, .. } = *descriptor;
    if actual == expected {
        return Ok(());
    }
    let name = format!("{}: blob of {size} bytes", repository.name().familiar());
    Err(io::Error::other(Error::Digest { name, expected, actual }))
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
