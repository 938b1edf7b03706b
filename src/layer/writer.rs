//! Deterministic tars.

use std::io::{self, Write};

use super::entry::{Entry, EntryKind, Mtime};

/// What a member's header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Its name; directories get a trailing `/` by themselves.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits.
    pub mode: u32,
    /// The owner.
    pub uid: u64,
    /// The group.
    pub gid: u64,
    /// The time of last change.
    pub mtime: Mtime,
    /// How many bytes of content follow; 0 for all but files.
    pub size: u64,
    /// Extended attributes.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Meta {
    /// A regular file of root's.
    pub fn file(name: &[u8], size: u64, mode: u32, mtime: Mtime) -> Self {
        Self { name: name.to_vec(), kind: EntryKind::File, mode, uid: 0, gid: 0, mtime, size, xattrs: Vec::new() }
    }

    /// A directory of root's.
    pub fn directory(name: &[u8], mode: u32, mtime: Mtime) -> Self {
        Self { kind: EntryKind::Directory, ..Self::file(name, 0, mode, mtime) }
    }

    /// What a layer's entry says; a sparse file is written whole.
    pub fn of(entry: &Entry) -> Self {
        Self {
            name: entry.path.as_bytes().to_vec(),
            kind: entry.kind.clone(),
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            mtime: entry.mtime,
            size: entry.size,
            xattrs: entry.xattrs.clone(),
        }
    }
}

/// The blocks before a member's content: its header, with a PAX header before it where that is needed.
pub fn header_bytes(meta: &Meta) -> Vec<u8> {
    let _ = meta;
    Vec::new()
}

/// How many bytes are to follow a content of `size` bytes.
pub fn padding(size: u64) -> usize {
    usize::try_from(size.wrapping_neg() % 512).expect("less than a block")
}

/// Writes a tar. After each header the caller writes the content through [`Write`], or past the writer and tells it
/// with [`TarWriter::advance`]; what is missing of padding is added by itself.
pub struct TarWriter<W: Write> {
    writer: W,
    remaining: u64,
}

impl<W: Write> TarWriter<W> {
    /// A tar without members.
    pub fn new(writer: W) -> Self {
        Self { writer, remaining: 0 }
    }

    /// Starts a regular file of root's.
    pub fn file_header(&mut self, name: &[u8], size: u64, mode: u32, mtime: Mtime) -> io::Result<()> {
        self.entry(&Meta::file(name, size, mode, mtime))
    }

    /// Starts a member. The one before must be complete.
    pub fn entry(&mut self, meta: &Meta) -> io::Result<()> {
        self.writer.write_all(&header_bytes(meta))
    }

    /// Notes that `bytes` of content have been written to [`TarWriter::get_mut`] directly.
    pub fn advance(&mut self, bytes: u64) -> io::Result<()> {
        self.remaining -= bytes;
        Ok(())
    }

    /// Ends a member's content with its padding; done by itself before the next member and at the end.
    pub fn pad(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Where the tar goes.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.writer
    }

    /// How many bytes the tar has so far.
    pub fn position(&self) -> u64 {
        0
    }

    /// Writes the end of the archive.
    pub fn finish(self) -> io::Result<W> {
        Ok(self.writer)
    }
}

impl<W: Write> Write for TarWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
