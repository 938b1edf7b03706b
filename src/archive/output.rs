//! Writing a tar whose members are all known beforehand: to a file, at known places, or to a stream.
//!
//! The bytes are the same either way, and depend on nothing but the members: fixed owners, modes and times.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::image::copy::{self, Moved};
use crate::image::{Blob, Progress};
use crate::layer::compression::sniff;
use crate::layer::writer::{header_bytes, padding};
use crate::layer::{Compression, EntryKind, Limits, Meta, Mtime};
use crate::oci::{DiffId, Digest, Hasher};

/// Why an archive cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A blob cannot be read, or the output not be written.
    #[error("{what}")]
    Io {
        /// Which member.
        what: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A blob has other bytes than its digest says: the store or the archive it comes from is damaged.
    #[error("blob {expected} is damaged: its digest is {actual}")]
    Damaged {
        /// The digest that it should have.
        expected: Digest,
        /// The digest that it has.
        actual: Digest,
    },
}

/// How a layer's bytes change on their way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recode {
    /// Any compression is undone.
    Unpack,
    /// gzip, with zlib's levels 1 to 9.
    Gzip(u32),
    /// zstd, with levels 1 to 22.
    Zstd(i32),
}

impl Recode {
    /// The compression that comes out.
    pub fn compression(self) -> Compression {
        match self {
            Self::Unpack => Compression::None,
            Self::Gzip(_) => Compression::Gzip,
            Self::Zstd(_) => Compression::Zstd,
        }
    }

    /// A reader of the bytes as they are to be written.
    pub fn open(self, blob: &Blob) -> io::Result<Box<dyn Read + Send>> {
        let (compression, raw) = sniff(blob.open()?)?;
        self.encode(compression.decoder(raw, &Limits::default())?)
    }

    /// The digest and size of what comes out, for which all of it has to be made once, and the diff ID of what goes in.
    pub fn measure(self, blob: &Blob, moved: Moved<'_>) -> io::Result<(Digest, u64, DiffId)> {
        let (compression, raw) = sniff(blob.open()?)?;
        let seen = Arc::new(Mutex::new(Hasher::new()));
        let tar = Seen { tar: compression.decoder(raw, &Limits::default())?, hasher: Arc::clone(&seen) };
        let (digest, size) = copy::send(&mut self.encode(Box::new(tar))?, &mut io::sink(), moved)?;
        let hasher = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        Ok((digest, size, DiffId::new(hasher.finish())))
    }

    fn encode<'a>(self, tar: Box<dyn Read + Send + 'a>) -> io::Result<Box<dyn Read + Send + 'a>> {
        Ok(match self {
            Self::Unpack => tar,
            Self::Gzip(level) => Box::new(flate2::read::GzEncoder::new(tar, flate2::Compression::new(level))),
            Self::Zstd(level) => Box::new(zstd::stream::read::Encoder::new(io::BufReader::new(tar), level)?),
        })
    }
}

/// A layer's tar that is hashed as it is read.
struct Seen<R> {
    tar: R,
    hasher: Arc<Mutex<Hasher>>,
}

impl<R: Read> Read for Seen<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.tar.read(into)?;
        self.hasher.lock().unwrap_or_else(PoisonError::into_inner).update(&into[..got]);
        Ok(got)
    }
}

/// What a member of an archive holds.
#[derive(Debug, Clone)]
pub enum Content {
    /// A folder.
    Folder,
    /// A document.
    Bytes(Vec<u8>),
    /// A blob as it is; its digest is checked as it is written.
    Blob(Blob, Digest),
    /// A layer in another compression: digest and size are those of what is written.
    Recoded {
        /// The layer as it is.
        blob: Blob,
        /// What happens to it.
        recode: Recode,
        /// The digest of what is written.
        digest: Digest,
        /// Its size.
        size: u64,
    },
    /// A symbolic link.
    Link(String),
}

/// A member of an archive that is to be written.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its path.
    pub name: String,
    /// What it holds.
    pub content: Content,
    /// Its time, in seconds since 1970.
    pub mtime: i64,
}

impl Member {
    fn size(&self) -> u64 {
        match &self.content {
            Content::Folder | Content::Link(_) => 0,
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Blob(blob, _) => blob.size(),
            Content::Recoded { size, .. } => *size,
        }
    }

    fn header(&self) -> Vec<u8> {
        let (name, mtime) = (self.name.as_bytes(), Mtime { seconds: self.mtime, nanos: 0 });
        header_bytes(&match &self.content {
            Content::Folder => Meta::directory(name, 0o755, mtime),
            Content::Link(target) => {
                let kind = EntryKind::Symlink { target: target.clone().into_bytes() };
                Meta { kind, ..Meta::file(name, 0, 0o777, mtime) }
            }
            _ => Meta::file(name, self.size(), 0o644, mtime),
        })
    }

    fn error(&self, source: io::Error) -> Error {
        Error::Io { what: format!("member {}", self.name), source }
    }

    /// Whether it is worth a bar of its own.
    fn is_blob(&self) -> bool {
        matches!(self.content, Content::Blob(..) | Content::Recoded { .. })
    }
}

/// Two blocks of zeros.
const END: [u8; 1024] = [0; 1024];

/// Writes the members in order to something that cannot go back.
pub fn write_stream(members: &[Member], to: &mut dyn Write, progress: &dyn Progress) -> Result<(), Error> {
    progress.total(Some(members.iter().map(Member::size).sum()));
    for (id, member) in members.iter().enumerate() {
        let job = Job { id: id as u64, member, progress };
        job.begin();
        to.write_all(&member.header()).map_err(|error| member.error(error))?;
        job.stream(to)?;
        to.write_all(&END[..padding(member.size())]).map_err(|error| member.error(error))?;
        job.end();
    }
    to.write_all(&END)
        .and_then(|()| to.flush())
        .map_err(|source| Error::Io { what: "end of the archive".into(), source })
}

/// Writes the members into a new file. One thread writes, because a file takes one writer at a time; beside it another
/// reads the blobs and checks their digests.
pub fn write_file(members: &[Member], to: &File, progress: &dyn Progress) -> Result<(), Error> {
    progress.total(Some(members.iter().map(Member::size).sum()));
    let failed = AtomicBool::new(false);
    let (written, checked) = std::thread::scope(|scope| {
        let check = scope.spawn(|| stop_others(check_blobs(members, &failed), &failed));
        let written = stop_others(write_members(members, to, progress, &failed), &failed);
        (written, check.join().expect("checking does not panic"))
    });
    checked.and(written)
}

fn stop_others(result: Result<(), Error>, failed: &AtomicBool) -> Result<(), Error> {
    failed.fetch_or(result.is_err(), Ordering::Relaxed);
    result
}

fn check_blobs(members: &[Member], failed: &AtomicBool) -> Result<(), Error> {
    for member in members {
        if let (Content::Blob(blob, digest), false) = (&member.content, failed.load(Ordering::Relaxed)) {
            let sent = blob.open().and_then(|mut reader| copy::send(&mut reader, &mut io::sink(), &|_| {}));
            check(*digest, sent.map_err(|error| member.error(error))?.0)?;
        }
    }
    Ok(())
}

fn write_members(members: &[Member], to: &File, progress: &dyn Progress, failed: &AtomicBool) -> Result<(), Error> {
    let mut at = 0;
    for (id, member) in members.iter().enumerate() {
        if failed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let job = Job { id: id as u64, member, progress };
        job.begin();
        at += job.place(to, at)?;
        job.end();
    }
    // What is not written stays zero: padding, and the end of the archive.
    to.set_len(at + END.len() as u64).map_err(|source| Error::Io { what: "archive".into(), source })
}

struct Job<'a> {
    id: u64,
    member: &'a Member,
    progress: &'a dyn Progress,
}

impl Job<'_> {
    fn begin(&self) {
        if self.member.is_blob() {
            self.progress.start(self.id, &self.member.name, Some(self.member.size()));
        }
    }

    fn end(&self) {
        if self.member.is_blob() {
            self.progress.finish(self.id, "");
        }
    }

    /// Writes the member, and says how many bytes it takes.
    fn place(&self, to: &File, offset: u64) -> Result<u64, Error> {
        let (member, header) = (self.member, self.member.header());
        to.write_all_at(&header, offset).map_err(|error| member.error(error))?;
        let at = offset + header.len() as u64;
        match &member.content {
            Content::Blob(blob, _) => {
                let moved = |bytes| self.progress.advance(self.id, bytes);
                copy::place(blob, to, at, &moved).map_err(|error| member.error(error))?;
            }
            _ => self.stream(&mut At { file: to, at })?,
        }
        Ok(header.len() as u64 + member.size() + padding(member.size()) as u64)
    }

    fn stream(&self, to: &mut dyn Write) -> Result<(), Error> {
        let member = self.member;
        let moved = |bytes| self.progress.advance(self.id, bytes);
        let sent = |reader: &mut dyn Read, to: &mut dyn Write| copy::send(reader, to, &moved);
        let (expected, sent) = match &member.content {
            Content::Folder | Content::Link(_) => return Ok(()),
            Content::Bytes(bytes) => return to.write_all(bytes).map_err(|error| member.error(error)),
            Content::Blob(blob, digest) => (digest, blob.open().and_then(|mut reader| sent(&mut reader, to))),
            Content::Recoded { blob, recode, digest, .. } => {
                (digest, recode.open(blob).and_then(|mut reader| sent(&mut reader, to)))
            }
        };
        let (actual, _) = sent.map_err(|error| member.error(error))?;
        check(*expected, actual)
    }
}

fn check(expected: Digest, actual: Digest) -> Result<(), Error> {
    if expected == actual { Ok(()) } else { Err(Error::Damaged { expected, actual }) }
}

/// Writes at a place of a file.
struct At<'a> {
    file: &'a File,
    at: u64,
}

impl Write for At<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write_at(bytes, self.at)?;
        self.at += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
