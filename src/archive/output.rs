//! Writing a tar whose members are all known beforehand: to a file with several threads, to a stream in order.
//!
//! The bytes are the same either way, and depend on nothing but the members: fixed owners, modes and times.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::image::copy::{self, Moved};
use crate::image::{Blob, Progress};
use crate::layer::compression::sniff;
use crate::layer::writer::{header_bytes, padding};
use crate::layer::{Compression, EntryKind, Limits, Meta, Mtime};
use crate::oci::Digest;

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
        let tar = compression.decoder(raw, &Limits::default())?;
        Ok(match self {
            Self::Unpack => tar,
            Self::Gzip(level) => Box::new(flate2::read::GzEncoder::new(tar, flate2::Compression::new(level))),
            Self::Zstd(level) => Box::new(zstd::stream::read::Encoder::new(io::BufReader::new(tar), level)?),
        })
    }

    /// The digest and size of what comes out, for which all of it has to be made once.
    pub fn measure(self, blob: &Blob, moved: Moved<'_>) -> io::Result<(Digest, u64)> {
        copy::send(&mut self.open(blob)?, &mut io::sink(), moved)
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

/// Writes the members into a new file, each at its place, several at a time.
pub fn write_file(members: &[Member], to: &File, progress: &dyn Progress) -> Result<(), Error> {
    progress.total(Some(members.iter().map(Member::size).sum()));
    let mut offsets = Vec::with_capacity(members.len());
    let mut end = 0;
    for member in members {
        offsets.push(end);
        end += member.header().len() as u64 + member.size() + padding(member.size()) as u64;
    }
    // What is not written stays zero: padding, and the end of the archive.
    to.set_len(end + END.len() as u64).map_err(|source| Error::Io { what: "archive".into(), source })?;
    let (next, failed, error) = (AtomicUsize::new(0), AtomicBool::new(false), Mutex::new(None));
    let work = || {
        while !failed.load(Ordering::Relaxed) {
            let id = next.fetch_add(1, Ordering::Relaxed);
            let Some(member) = members.get(id) else { return };
            let job = Job { id: id as u64, member, progress };
            if let Err(found) = job.place(to, offsets[id]) {
                failed.store(true, Ordering::Relaxed);
                error.lock().expect("no thread panics while it holds the lock").get_or_insert(found);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..copy::threads() {
            scope.spawn(work);
        }
    });
    match error.into_inner().expect("no thread panics while it holds the lock") {
        Some(error) => Err(error),
        None => Ok(()),
    }
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

    fn place(&self, to: &File, offset: u64) -> Result<(), Error> {
        let (member, header) = (self.member, self.member.header());
        self.begin();
        to.write_all_at(&header, offset).map_err(|error| member.error(error))?;
        let at = offset + header.len() as u64;
        match &member.content {
            Content::Blob(blob, digest) => {
                let moved = |bytes| self.progress.advance(self.id, bytes);
                let actual = copy::place(blob, to, at, &moved).map_err(|error| member.error(error))?;
                check(*digest, actual)?;
            }
            _ => self.stream(&mut At { file: to, at })?,
        }
        self.end();
        Ok(())
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

/// Writes at a place of a file that several threads write to.
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
