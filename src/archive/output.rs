//! Writing a tar whose members are all known beforehand: to a file, at known places, or to a stream.
//!
//! The bytes are the same either way, and depend on nothing but the members: fixed owners, modes and times.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::image::outgoing::{OutgoingPart, PartKind};
use crate::image::{Blob, Progress, copy};
use crate::layer::writer::{header_bytes, padding};
use crate::layer::{EntryKind, Meta, Mtime};
use crate::oci::Digest;

/// Why an archive cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveWriteError {
    /// A blob cannot be read, or the output not be written.
    #[error("{what}")]
    Io {
        /// Which member.
        what: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A part does not match its digest: the store or the archive it comes from is damaged.
    #[error("{what} is damaged: its digest is {actual} instead of {expected}; load the image again")]
    Damaged {
        /// Which part of which image.
        what: String,
        /// The digest that it should have.
        expected: Digest,
        /// The digest that it has.
        actual: Digest,
    },
}

/// What a member of an archive holds.
#[derive(Debug, Clone)]
pub enum MemberContent {
    /// A folder.
    Folder,
    /// A document.
    Bytes(Vec<u8>),
    /// A part of an image; its digest is checked as it is written.
    Part(Box<OutgoingPart>),
    /// A symbolic link.
    Link(String),
}

/// A member of an archive that is to be written.
#[derive(Debug, Clone)]
pub struct ArchiveMember {
    /// Its path.
    pub name: String,
    /// What it holds.
    pub content: MemberContent,
    /// Its time, in seconds since 1970.
    pub mtime: i64,
}

impl ArchiveMember {
    fn size(&self) -> u64 {
        match &self.content {
            MemberContent::Folder | MemberContent::Link(_) => 0,
            MemberContent::Bytes(bytes) => bytes.len() as u64,
            MemberContent::Part(part) => part.descriptor.size,
        }
    }

    fn header(&self) -> Vec<u8> {
        let (name, mtime) = (self.name.as_bytes(), Mtime { seconds: self.mtime, nanos: 0 });
        header_bytes(&match &self.content {
            MemberContent::Folder => Meta::directory(name, 0o755, mtime),
            MemberContent::Link(target) => {
                let kind = EntryKind::Symlink { target: target.clone().into_bytes() };
                Meta { kind, ..Meta::file(name, 0, 0o777, mtime) }
            }
            _ => Meta::file(name, self.size(), 0o644, mtime),
        })
    }

    fn error(&self, source: io::Error) -> ArchiveWriteError {
        ArchiveWriteError::Io { what: self.shown(), source }
    }

    /// Its name in messages.
    fn shown(&self) -> String {
        match &self.content {
            MemberContent::Part(part) => part.shown(),
            _ => format!("member {}", self.name),
        }
    }

    /// Its label on a progress bar, if it gets one.
    fn label(&self) -> Option<&str> {
        match &self.content {
            MemberContent::Part(part) if part.kind == PartKind::Blob => Some(&part.label),
            _ => None,
        }
    }
}

/// Two blocks of zeros.
const END: [u8; 1024] = [0; 1024];

/// Writes the members in order to a stream that cannot seek.
pub fn write_stream(
    members: &[ArchiveMember],
    to: &mut dyn Write,
    progress: &dyn Progress,
) -> Result<(), ArchiveWriteError> {
    progress.total(Some(members.iter().map(ArchiveMember::size).sum()));
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
        .map_err(|source| ArchiveWriteError::Io { what: "end of the archive".into(), source })
}

/// Writes the members into a new file. One thread writes, because a file takes one writer at a time; beside it another
/// reads the blobs and checks their digests.
pub fn write_file(members: &[ArchiveMember], to: &File, progress: &dyn Progress) -> Result<(), ArchiveWriteError> {
    progress.total(Some(members.iter().map(ArchiveMember::size).sum()));
    let failed = AtomicBool::new(false);
    let (written, checked) = std::thread::scope(|scope| {
        let check = scope.spawn(|| stop_others(check_blobs(members, &failed), &failed));
        let written = stop_others(write_members(members, to, progress, &failed), &failed);
        (written, check.join().expect("checking does not panic"))
    });
    checked.and(written)
}

fn stop_others(result: Result<(), ArchiveWriteError>, failed: &AtomicBool) -> Result<(), ArchiveWriteError> {
    failed.fetch_or(result.is_err(), Ordering::Relaxed);
    result
}

/// The part that a member holds, if its bytes are copied into the file unread, and verified by the other thread. What
/// comes as a stream is read once.
fn placed_unseen(member: &ArchiveMember) -> Option<&OutgoingPart> {
    match &member.content {
        MemberContent::Part(part) if part.as_stored().is_some_and(Blob::is_range) => Some(part),
        _ => None,
    }
}

fn check_blobs(members: &[ArchiveMember], failed: &AtomicBool) -> Result<(), ArchiveWriteError> {
    for member in members {
        let Some(part) = placed_unseen(member) else { continue };
        if failed.load(Ordering::Relaxed) {
            break;
        }
        let sent = part.open().and_then(|mut reader| copy::send(&mut reader, &mut io::sink(), &|_| {}));
        check(member, part.descriptor.digest, sent.map_err(|error| member.error(error))?.0)?;
    }
    Ok(())
}

fn write_members(
    members: &[ArchiveMember],
    to: &File,
    progress: &dyn Progress,
    failed: &AtomicBool,
) -> Result<(), ArchiveWriteError> {
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
    to.set_len(at + END.len() as u64).map_err(|source| ArchiveWriteError::Io { what: "archive".into(), source })
}

struct Job<'a> {
    id: u64,
    member: &'a ArchiveMember,
    progress: &'a dyn Progress,
}

impl Job<'_> {
    fn begin(&self) {
        if let Some(label) = self.member.label() {
            self.progress.start(self.id, label, Some(self.member.size()));
        }
    }

    fn end(&self) {
        if self.member.label().is_some() {
            self.progress.finish(self.id, "");
        }
    }

    /// Writes the member, and returns its size in bytes.
    fn place(&self, to: &File, offset: u64) -> Result<u64, ArchiveWriteError> {
        let (member, header) = (self.member, self.member.header());
        to.write_all_at(&header, offset).map_err(|error| member.error(error))?;
        let at = offset + header.len() as u64;
        match placed_unseen(member).and_then(OutgoingPart::as_stored) {
            Some(blob) => {
                let moved = |bytes| self.progress.advance(self.id, bytes);
                copy::place(blob, to, at, &moved).map_err(|error| member.error(error))?;
            }
            None => self.stream(&mut At { file: to, at })?,
        }
        Ok(header.len() as u64 + member.size() + padding(member.size()) as u64)
    }

    fn stream(&self, to: &mut dyn Write) -> Result<(), ArchiveWriteError> {
        let member = self.member;
        let moved = |bytes| self.progress.advance(self.id, bytes);
        match &member.content {
            MemberContent::Folder | MemberContent::Link(_) => Ok(()),
            MemberContent::Bytes(bytes) => to.write_all(bytes).map_err(|error| member.error(error)),
            MemberContent::Part(part) => {
                let sent = part.open().and_then(|mut reader| copy::send(&mut reader, to, &moved));
                let (actual, _) = sent.map_err(|error| member.error(error))?;
                check(member, part.descriptor.digest, actual)
            }
        }
    }
}

fn check(member: &ArchiveMember, expected: Digest, actual: Digest) -> Result<(), ArchiveWriteError> {
    if expected == actual { Ok(()) } else { Err(ArchiveWriteError::Damaged { what: member.shown(), expected, actual }) }
}

/// Writes at an offset of a file.
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
