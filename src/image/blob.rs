//! A blob: bytes of a known length, as a range of a file or as a stream that can be read again.
//!
//! A range can be moved between files by the kernel and read by several threads at once; a stream (a member of a
//! compressed archive) can only be read from its beginning, each time anew. The file of a range may be known only by
//! its digest until it is read ([`OpenFile`]), so that looking at a thousand images opens none of their layers. What
//! was learned while the bytes were received and hashed is kept with the blob as [`QuarantinedBlob`].

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use crate::layer::{Compression, EntryPath};
use crate::oci::{DiffId, Digest};

/// Gives the bytes of a blob that is not a range of a file, from their beginning, as often as asked.
pub trait Reopen: Send + Sync {
    /// A reader of all the blob's bytes.
    fn reopen(&self) -> io::Result<Box<dyn Read + Send>>;

    /// A reader of the bytes from `offset` on, for who passes them on and does not read them again: nothing is kept for
    /// a second reader.
    fn pass_on(&self, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        let mut stream = self.reopen()?;
        if io::copy(&mut stream.by_ref().take(offset), &mut io::sink())? < offset {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(stream)
    }
}

/// Opens the file that holds a blob and nothing else, when its bytes are wanted.
pub trait OpenFile: Send + Sync {
    /// The file. An implementation may keep some files open; a blob keeps none.
    fn open_file(&self) -> io::Result<Arc<File>>;

    /// A reader of the bytes from `offset` on, for who passes them on and does not read them again; none, if the file is
    /// there.
    fn pass_on(&self, _offset: u64) -> io::Result<Option<Box<dyn Read + Send>>> {
        Ok(None)
    }
}

/// What is known of bytes that a store's quarantine already holds.
#[derive(Debug, Clone)]
pub struct QuarantinedBlob {
    /// Which of the quarantine's files they are.
    pub ticket: u64,
    /// Their digest.
    pub digest: Digest,
    /// What is known of them as a layer, or why they are not a layer.
    pub layer: Result<QuarantinedLayer, Arc<str>>,
}

/// What is known of held bytes that are a layer.
#[derive(Debug, Clone)]
pub struct QuarantinedLayer {
    /// The digest of the uncompressed tar.
    pub diff_id: DiffId,
    /// How the bytes are compressed.
    pub compression: Compression,
    /// Targets of hard links that are not in this layer itself.
    pub missing_link_targets: Vec<EntryPath>,
}

#[derive(Clone)]
enum Origin {
    Range { file: Arc<File>, offset: u64 },
    Named { digest: Digest, file: Arc<dyn OpenFile> },
    Bytes(Arc<[u8]>),
    Stream(Arc<dyn Reopen>),
}

/// Identifies a blob within its source: two blobs with equal keys have the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// The digest by which the source finds the bytes. It is not verified: the reader of the bytes has to do that.
    Digest(Digest),
    /// Where the bytes are: which file or memory, and the offset in it.
    Place(usize, u64),
}

/// Bytes of a known length, wherever they are. Cloning is cheap.
#[derive(Clone)]
pub struct Blob {
    origin: Origin,
    size: u64,
    held: Option<Arc<QuarantinedBlob>>,
}

impl Blob {
    /// `size` bytes of `file` from `offset` on.
    pub fn range(file: Arc<File>, offset: u64, size: u64) -> Self {
        Self { origin: Origin::Range { file, offset }, size, held: None }
    }

    /// A whole file of `size` bytes, which its source finds by digest and opens when it is read.
    pub fn named(digest: Digest, size: u64, file: Arc<dyn OpenFile>) -> Self {
        Self { origin: Origin::Named { digest, file }, size, held: None }
    }

    /// Bytes in memory: for documents, never for layers.
    pub fn bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        Self { size: bytes.len() as u64, origin: Origin::Bytes(bytes), held: None }
    }

    /// `size` bytes that `stream` gives each time it is opened.
    pub fn stream(stream: Arc<dyn Reopen>, size: u64) -> Self {
        Self { origin: Origin::Stream(stream), size, held: None }
    }

    /// The same bytes, with what is known of them.
    pub fn with_held(self, held: QuarantinedBlob) -> Self {
        Self { held: Some(Arc::new(held)), ..self }
    }

    /// What is known of the bytes, if a quarantine holds them.
    pub fn held(&self) -> Option<&QuarantinedBlob> {
        self.held.as_deref()
    }

    /// The length in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The file that has the bytes and where they begin in it, if the blob is a range of a file. Opens the file, if
    /// that is not open yet.
    pub fn as_range(&self) -> io::Result<Option<(Arc<File>, u64)>> {
        match &self.origin {
            Origin::Range { file, offset } => Ok(Some((Arc::clone(file), *offset))),
            Origin::Named { file, .. } => Ok(Some((file.open_file()?, 0))),
            Origin::Bytes(_) | Origin::Stream(_) => Ok(None),
        }
    }

    /// Whether the blob is a range of a file. Opens nothing.
    pub fn is_range(&self) -> bool {
        matches!(self.origin, Origin::Range { .. } | Origin::Named { .. })
    }

    /// The key that identifies this blob within its source.
    pub fn key(&self) -> Key {
        match &self.origin {
            Origin::Named { digest, .. } => Key::Digest(*digest),
            Origin::Range { file, offset } => Key::Place(Arc::as_ptr(file).addr(), *offset),
            Origin::Bytes(bytes) => Key::Place(bytes.as_ptr().addr(), 0),
            Origin::Stream(stream) => Key::Place(Arc::as_ptr(stream).addr(), 0),
        }
    }

    /// A reader of exactly the blob's bytes; the end of the file before their end is an error.
    pub fn open(&self) -> io::Result<BlobReader> {
        let inner = match &self.origin {
            Origin::Range { file, offset } => Inner::Range { file: Arc::clone(file), offset: *offset },
            Origin::Named { file, .. } => Inner::Range { file: file.open_file()?, offset: 0 },
            Origin::Bytes(bytes) => Inner::Bytes(Arc::clone(bytes)),
            Origin::Stream(stream) => Inner::Stream(stream.reopen()?),
        };
        Ok(BlobReader { inner, at: 0, size: self.size })
    }

    /// A reader of the bytes from `offset` on, for who passes them on and does not read them again: what comes over the
    /// network is not kept on the disk.
    pub fn pass_on(&self, offset: u64) -> io::Result<BlobReader> {
        let stream = match &self.origin {
            Origin::Stream(stream) => Some(stream.pass_on(offset)?),
            Origin::Named { file, .. } => file.pass_on(offset)?,
            Origin::Range { .. } | Origin::Bytes(_) => None,
        };
        if let Some(stream) = stream {
            return Ok(BlobReader { inner: Inner::Stream(stream), at: offset, size: self.size });
        }
        let mut reader = self.open()?;
        reader.seek(SeekFrom::Start(offset))?;
        Ok(reader)
    }

    /// The compression, recognised by the first bytes.
    pub fn compression(&self) -> io::Result<Compression> {
        let mut prefix = Vec::with_capacity(Compression::PREFIX);
        self.open()?.take(Compression::PREFIX as u64).read_to_end(&mut prefix)?;
        Ok(Compression::detect(&prefix))
    }

    /// All the bytes, if they are no more than `limit`.
    pub fn read_all(&self, limit: u64) -> io::Result<Vec<u8>> {
        if self.size > limit {
            let text = format!("{} bytes are more than the {limit} allowed here", self.size);
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let mut bytes = Vec::new();
        self.open()?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = match &self.origin {
            Origin::Range { offset, .. } => format!("range at {offset}"),
            Origin::Named { digest, .. } => digest.to_string(),
            Origin::Bytes(_) => "bytes".to_owned(),
            Origin::Stream(_) => "stream".to_owned(),
        };
        write!(f, "Blob({origin}, {} bytes)", self.size)
    }
}

enum Inner {
    Range { file: Arc<File>, offset: u64 },
    Bytes(Arc<[u8]>),
    Stream(Box<dyn Read + Send>),
}

/// Reads a blob; made by [`Blob::open`].
pub struct BlobReader {
    inner: Inner,
    at: u64,
    size: u64,
}

impl BlobReader {
    /// The file that is read and where the blob begins in it, if the blob is a range of a file.
    pub fn as_range(&self) -> Option<(&File, u64)> {
        match &self.inner {
            Inner::Range { file, offset } => Some((file, *offset)),
            _ => None,
        }
    }

    fn cut_short(&self) -> io::Error {
        let text = format!("unexpected end of file after {} of {} bytes", self.at, self.size);
        io::Error::new(io::ErrorKind::UnexpectedEof, text)
    }
}

impl Read for BlobReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size - self.at).unwrap_or(usize::MAX);
        let want = left.min(into.len());
        if want == 0 {
            return Ok(0);
        }
        let got = match &mut self.inner {
            Inner::Range { file, offset } => file.read_at(&mut into[..want], *offset + self.at)?,
            Inner::Bytes(bytes) => {
                let from = usize::try_from(self.at).expect("a position inside bytes in memory");
                into[..want].copy_from_slice(&bytes[from..from + want]);
                want
            }
            Inner::Stream(stream) => stream.read(&mut into[..want])?,
        };
        if got == 0 {
            return Err(self.cut_short());
        }
        self.at += got as u64;
        Ok(got)
    }
}

/// Seeking is for ranges and bytes; a stream only goes forwards.
impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "seek outside the blob");
        let target = target.filter(|at| *at <= self.size).ok_or_else(invalid)?;
        if matches!(self.inner, Inner::Stream(_)) {
            let ahead = target.checked_sub(self.at).ok_or_else(invalid)?;
            if io::copy(&mut self.by_ref().take(ahead), &mut io::sink())? < ahead {
                return Err(self.cut_short());
            }
        }
        self.at = target;
        Ok(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn file_of(bytes: &[u8]) -> Arc<File> {
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(bytes).expect("a write");
        Arc::new(file)
    }

    #[test]
    fn a_range_is_read_whole_and_no_further() {
        let blob = Blob::range(file_of(b"0123456789"), 2, 5);
        assert_eq!(blob.read_all(5).expect("the bytes"), b"23456");
        assert!(blob.read_all(4).is_err(), "the limit holds");
    }

    #[test]
    fn a_range_past_the_end_is_an_error_and_not_a_short_read() {
        let blob = Blob::range(file_of(b"0123"), 2, 5);
        let error = blob.read_all(100).expect_err("the file is too short");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn seeking_stays_inside() {
        let mut reader = Blob::bytes(*b"abc").open().expect("open");
        assert_eq!(reader.seek(SeekFrom::Current(2)).expect("inside"), 2);
        assert!(reader.seek(SeekFrom::Current(2)).is_err());
        let mut rest = String::new();
        reader.read_to_string(&mut rest).expect("the rest");
        assert_eq!(rest, "c");
    }
}
