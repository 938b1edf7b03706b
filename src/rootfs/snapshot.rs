//! The snapshot of an unpacked tree: a file of records.
//!
//! ```text
//! imgtool-snapshot 1\n
//! u32 length, record (postcard)        in walk order, the root first; lengths are little-endian
//! …
//! u32 0                                no more records
//! header (postcard)
//! u64 the header's length, digest of all before it, snp-end\n
//! ```
//!
//! A snapshot cannot be rebuilt, but a damaged one is an error rather than a wrong layer.

use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

use serde::{Deserialize, Serialize};

use super::PathRecord;
use crate::layer::serde_bytes;
use crate::layer::{EntryPath, Mtime};
use crate::oci::{DiffId, Digest, Hasher, ImageId};

const MAGIC: &[u8; 19] = b"imgtool-snapshot 1\n";
const END: &[u8; 8] = b"snp-end\n";
const FOOTER: usize = 8 + 32 + END.len();
/// The longest valid record, like that of a layer's entry.
const LONGEST_RECORD: usize = 16 << 20;
/// The longest valid header: a digest per layer and samples of paths.
const LONGEST_HEADER: u64 = 16 << 20;
const BUFFER: usize = 64 << 10;

/// The image and directory that a snapshot belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotHeader {
    /// The image that the tree is compared with.
    pub base: Base,
    /// The image that was unpacked; the base moves on with each commit.
    pub origin: Base,
    /// The diff IDs of the layers that sources refer to, bottom first.
    pub layers: Vec<DiffId>,
    /// The directory of the tree.
    pub place: DirectoryIdentity,
    /// When the snapshot was taken, by the file system's clock: anything changed at that time or later is suspect.
    pub settled: Mtime,
    /// The uid and gid of the ordinary user who unpacked: their files on disk belong to root in the image, unless the
    /// image has another owner. `None` if root did.
    pub user: Option<(u32, u32)>,
    /// A sample of files with content, by which a copy of the tree is recognised.
    pub files: Sample,
    /// A sample of all other paths but the root, by which a copy of a tree without file contents is recognised.
    pub others: Sample,
}

/// An image of the store.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Base {
    /// The digest of its manifest; `None` if there is no image.
    pub manifest: Option<Digest>,
    /// The digest of its config.
    pub id: Option<ImageId>,
}

/// A directory and its identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryIdentity {
    /// Its absolute path.
    #[serde(with = "serde_bytes")]
    pub path: Vec<u8>,
    /// The device that it is on.
    pub dev: u64,
    /// Its inode.
    pub ino: u64,
    /// The inode's birth time, if the file system records it: inode numbers are reused.
    pub born: Option<Mtime>,
}

/// A sample of a tree's paths of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sample {
    /// The paths, in walk order.
    pub paths: Vec<SamplePath>,
    /// The number of all paths of that kind.
    pub all: u64,
}

/// A path that a copy of the tree also has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamplePath {
    /// The path.
    pub path: EntryPath,
    /// A file's size in bytes; 0 for everything else.
    pub size: u64,
    /// The modification time.
    pub mtime: Mtime,
}

/// Samples paths evenly from all parts of the tree, however many there are.
#[derive(Debug, Default)]
pub struct Sampler {
    files: Thinned,
    others: Thinned,
}

impl Sampler {
    /// Adds the next record in walk order.
    pub fn add(&mut self, record: &PathRecord) {
        if record.stat.size > 0 {
            self.files.add(record);
        } else if !record.path.is_root() {
            self.others.add(record);
        }
    }

    /// The samples of files with content and of all other paths.
    pub fn finish(self) -> (Sample, Sample) {
        (self.files.sample, self.others.sample)
    }
}

/// A sample that is thinned out as it grows.
#[derive(Debug)]
struct Thinned {
    sample: Sample,
    stride: u64,
}

impl Default for Thinned {
    fn default() -> Self {
        Self { sample: Sample::default(), stride: 1 }
    }
}

impl Thinned {
    /// The most paths in a sample.
    const MOST: usize = 128;

    fn add(&mut self, record: &PathRecord) {
        let Sample { paths, all } = &mut self.sample;
        if all.is_multiple_of(self.stride) {
            let (size, mtime) = (record.stat.size, record.stat.mtime);
            paths.push(SamplePath { path: record.path.clone(), size, mtime });
        }
        *all += 1;
        if paths.len() == Self::MOST {
            let mut keep = [true, false].into_iter().cycle();
            paths.retain(|_| keep.next().unwrap_or_default());
            self.stride *= 2;
        }
    }
}

/// Why a snapshot cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It is not a snapshot, or is truncated or damaged.
    #[error("damaged snapshot: {problem}; use --from IMAGE")]
    Damaged {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// It cannot be read or written.
    #[error("snapshot")]
    Io(#[source] io::Error),
}

impl From<io::Error> for SnapshotError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => damaged("truncated"),
            _ => Self::Io(error),
        }
    }
}

fn damaged(problem: &'static str) -> SnapshotError {
    SnapshotError::Damaged { problem }
}

/// Writes a snapshot.
#[must_use = "a snapshot without its header is none"]
pub struct SnapshotWriter<W> {
    to: W,
    hasher: Hasher,
    buffer: Vec<u8>,
}

impl<W: Write> SnapshotWriter<W> {
    /// A snapshot without records.
    pub fn new(to: W) -> Self {
        Self { to, hasher: Hasher::new(), buffer: MAGIC.to_vec() }
    }

    /// Adds the next record in walk order.
    pub fn add(&mut self, record: &PathRecord) -> Result<(), SnapshotError> {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0; 4]);
        self.buffer = postcard::to_extend(record, std::mem::take(&mut self.buffer)).map_err(io::Error::other)?;
        let length = u32::try_from(self.buffer.len() - start - 4).map_err(io::Error::other)?;
        self.buffer[start..start + 4].copy_from_slice(&length.to_le_bytes());
        if self.buffer.len() >= BUFFER { Ok(self.flush()?) } else { Ok(()) }
    }

    /// Writes the header; returns the underlying writer.
    pub fn finish(mut self, header: &SnapshotHeader) -> Result<W, SnapshotError> {
        self.buffer.extend_from_slice(&0_u32.to_le_bytes());
        let header = postcard::to_stdvec(header).map_err(io::Error::other)?;
        self.buffer.extend_from_slice(&header);
        self.buffer.extend_from_slice(&(header.len() as u64).to_le_bytes());
        self.flush()?;
        let digest = std::mem::take(&mut self.hasher).finish();
        self.to.write_all(digest.as_bytes())?;
        self.to.write_all(END)?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hasher.update(&self.buffer);
        self.to.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// Reads only the header, not the records.
pub fn read_header<R: Read + Seek>(mut snapshot: R) -> Result<SnapshotHeader, SnapshotError> {
    let length = snapshot.seek(SeekFrom::End(0))?;
    let footer_at = length.checked_sub(FOOTER as u64).ok_or_else(|| damaged("truncated"))?;
    snapshot.seek(SeekFrom::Start(footer_at))?;
    let mut footer = [0; FOOTER];
    snapshot.read_exact(&mut footer)?;
    let (header_length, rest) = footer.split_first_chunk().expect("a footer is longer than a number");
    let header_length = u64::from_le_bytes(*header_length);
    if !rest.ends_with(END) || header_length > LONGEST_HEADER {
        return Err(damaged("no end mark"));
    }
    let header_at = footer_at.checked_sub(header_length).ok_or_else(|| damaged("header too long"))?;
    snapshot.seek(SeekFrom::Start(header_at))?;
    let mut header = vec![0; usize::try_from(header_length).map_err(|_| damaged("header too long"))?];
    snapshot.read_exact(&mut header)?;
    postcard::from_bytes(&header).map_err(|_| damaged("malformed header"))
}

/// The records of a snapshot, in walk order. The last item is an error if the snapshot is damaged.
pub struct SnapshotReader<R> {
    reader: BufReader<R>,
    hasher: Hasher,
    ended: bool,
}

impl<R: Read> SnapshotReader<R> {
    /// Starts reading a snapshot.
    pub fn read(reader: R) -> Result<Self, SnapshotError> {
        let reader = BufReader::with_capacity(BUFFER, reader);
        let mut snapshot = Self { reader, hasher: Hasher::new(), ended: false };
        let mut magic = [0; MAGIC.len()];
        snapshot.read_exact(&mut magic)?;
        if magic == *MAGIC { Ok(snapshot) } else { Err(damaged("not a snapshot of this version")) }
    }

    fn read_exact(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.reader.read_exact(bytes)?;
        self.hasher.update(bytes);
        Ok(())
    }

    fn read_record(&mut self) -> Result<Option<PathRecord>, SnapshotError> {
        let mut length = [0; 4];
        self.read_exact(&mut length)?;
        let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
        if length == 0 {
            return self.check_end().map(|()| None);
        }
        if length > LONGEST_RECORD {
            return Err(damaged("record too long"));
        }
        let mut bytes = vec![0; length];
        self.read_exact(&mut bytes)?;
        postcard::from_bytes(&bytes).map(Some).map_err(|_| damaged("malformed record"))
    }

    fn check_end(&mut self) -> Result<(), SnapshotError> {
        let mut rest = Vec::new();
        self.reader.by_ref().take(LONGEST_HEADER + FOOTER as u64).read_to_end(&mut rest)?;
        let signed = rest.len().checked_sub(FOOTER - 8).ok_or_else(|| damaged("truncated"))?;
        self.hasher.update(&rest[..signed]);
        let digest = std::mem::take(&mut self.hasher).finish();
        if rest[signed..].starts_with(digest.as_bytes()) { Ok(()) } else { Err(damaged("wrong checksum")) }
    }
}

impl<R: Read> Iterator for SnapshotReader<R> {
    type Item = Result<PathRecord, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let record = self.read_record().transpose();
        self.ended = !matches!(record, Some(Ok(_)));
        record
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::layer::EntryKind;
    use crate::rootfs::{FileNode, Stat};

    fn record(path: &str, size: u64) -> PathRecord {
        let mtime = Mtime { seconds: -5, nanos: 7 };
        let node =
            FileNode { kind: EntryKind::File, mode: 0o644, uid: 1 << 31, gid: 0, mtime, size, xattrs: Vec::new() };
        let mode = Stat::FILE | 0o644;
        let stat = Stat { ino: 3, ctime: mtime, mtime, size, mode, uid: 0, gid: 0, device: (0, 0) };
        let path = EntryPath::new(path.as_bytes()).expect("a path");
        PathRecord { path, node, source: None, group: 0, stat, xattrs: None }
    }

    fn written(records: &[PathRecord]) -> (SnapshotHeader, Vec<u8>) {
        let mut sampler = Sampler::default();
        for record in records {
            sampler.add(record);
        }
        let (files, others) = sampler.finish();
        let header = SnapshotHeader {
            base: Base { manifest: Some(Digest::of(b"m")), id: None },
            origin: Base::default(),
            layers: vec![DiffId::new(Digest::of(b"l"))],
            place: DirectoryIdentity { path: b"/\xff".to_vec(), dev: 1, ino: 2, born: None },
            settled: Mtime { seconds: 1, nanos: 2 },
            user: Some((1000, 100)),
            files,
            others,
        };
        let mut writer = SnapshotWriter::new(Vec::new());
        records.iter().try_for_each(|record| writer.add(record)).expect("memory");
        let bytes = writer.finish(&header).expect("memory");
        (header, bytes)
    }

    fn read(bytes: &[u8]) -> Result<Vec<PathRecord>, SnapshotError> {
        SnapshotReader::read(bytes)?.collect()
    }

    #[test]
    fn what_was_written_is_read() {
        for count in [0, 1, 2000] {
            let records: Vec<PathRecord> = (0..count).map(|at| record(&format!("f{at}"), at)).collect();
            let (header, bytes) = written(&records);
            assert_eq!(read_header(Cursor::new(&bytes)).expect("a header"), header);
            assert_eq!(read(&bytes).expect("records"), records);
            assert!(header.files.paths.len() < Thinned::MOST);
        }
    }

    #[test]
    fn what_was_cut_or_changed_is_refused() {
        let (_, bytes) = written(&[record("a", 1), record("b", 2)]);
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).is_err(), "cut at {end}");
        }
        for at in 0..bytes.len() - END.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(read(&changed).is_err(), "changed at {at}");
        }
    }
}
