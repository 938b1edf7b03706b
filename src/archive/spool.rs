//! Reading a compressed archive in place: it is decompressed once, and its members are kept for random access.
//!
//! Small members are kept in memory and the others in a temporary file without a name, one after the other, so that a
//! layer is a range of a file as it is in an archive that is not compressed. Where no such file can be created, a
//! member is read by decompressing the archive again.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::open::unpacked;
use super::{Error, TarIndex};
use crate::image::{Blob, Reopen};
use crate::layer::{Limits, RawEntry, TarReader};

/// Members up to this size are kept in memory.
const SMALL: u64 = 1 << 20;
/// Limit on the memory for all of them, in bytes.
const SMALL_BUDGET: u64 = 16 << 20;

/// Reads a compressed archive.
pub struct Spool<'a> {
    path: &'a Path,
    limits: &'a Limits,
    small: u64,
    file: Option<Arc<File>>,
    written: u64,
    /// Limit on the size of the file, so that it does not fill the disk.
    room: u64,
}

impl<'a> Spool<'a> {
    /// Reads the archive at `path`.
    pub fn new(path: &'a Path, limits: &'a Limits) -> Self {
        let file = tempfile::tempfile().ok();
        let room = file.as_ref().map_or(0, half_of_free);
        Self { path, limits, small: SMALL_BUDGET, file: file.map(Arc::new), written: 0, room }
    }

    /// The members, with their bytes.
    pub fn index(mut self) -> Result<TarIndex, Error> {
        let mut tar = TarReader::new(unpacked(self.path, self.limits).map_err(Error::Read)?, self.limits);
        TarIndex::read(&mut tar, |entry, tar| self.keep(entry, tar).map_err(Error::Read))
    }

    fn keep<R: Read>(&mut self, entry: &RawEntry, tar: &mut TarReader<R>) -> io::Result<Blob> {
        if entry.size <= SMALL.min(self.small) {
            self.small -= entry.size;
            let mut bytes = Vec::new();
            tar.content().read_to_end(&mut bytes)?;
            return Ok(Blob::bytes(bytes));
        }
        match &self.file {
            Some(file) if entry.size <= self.room - self.written => {
                let start = self.written;
                self.written += append(&mut tar.content(), file)?;
                Ok(Blob::range(Arc::clone(file), start, entry.size))
            }
            _ => Ok(self.again(entry)),
        }
    }

    /// A member that is read by decompressing the archive again.
    fn again(&self, entry: &RawEntry) -> Blob {
        let member = PackedMember {
            path: self.path.to_owned(),
            offset: entry.content_offset,
            size: entry.size,
            limits: self.limits.clone(),
        };
        Blob::stream(Arc::new(member), entry.size)
    }
}

/// Half of what is free where a file is.
fn half_of_free(file: &File) -> u64 {
    rustix::fs::fstatvfs(file).map_or(0, |found| found.f_bavail.saturating_mul(found.f_frsize) / 2)
}

/// Writes all that a reader gives to the end of a file.
fn append(from: &mut dyn Read, mut to: &File) -> io::Result<u64> {
    let (mut buffer, mut size) = (vec![0; 256 << 10], 0);
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(size),
            Ok(got) => {
                to.write_all(&buffer[..got])?;
                size += got as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A member of a compressed archive, decompressed again for each read.
struct PackedMember {
    path: PathBuf,
    offset: u64,
    size: u64,
    limits: Limits,
}

impl Reopen for PackedMember {
    fn reopen(&self) -> io::Result<Box<dyn Read + Send>> {
        let mut tar = unpacked(&self.path, &self.limits)?;
        io::copy(&mut tar.by_ref().take(self.offset), &mut io::sink())?;
        Ok(Box::new(tar.take(self.size)))
    }
}
