//! The file format of a layer index.

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::LayerSummary;
use crate::layer::entry::Entry;
use crate::oci::{DiffId, Digest, Hasher};

const MAGIC: &[u8; 22] = b"imgtool-layer-index 3\n";
/// Also identifies the version: a summary is read from the end alone.
const END: &[u8; 8] = b"idx-3rd\n";
/// Two digests, three numbers, two checksums, end mark.
const FOOTER: usize = 2 * DIGEST + 3 * 8 + 2 * DIGEST + END.len();
const DIGEST: usize = 32;
/// The longest valid entry: its name, link and attributes come from at most two long names and one PAX header, its
/// sparse map from another megabyte of text.
const LONGEST_ENTRY: usize = 8 << 20;

/// Why an index cannot be used. It is a cache: rebuild it.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// It is not an index, or is truncated or damaged.
    #[error("damaged layer index: {problem}")]
    Damaged {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// It could not be read.
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for IndexError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => damaged("truncated"),
            _ => Self::Io(error),
        }
    }
}

fn damaged(problem: &'static str) -> IndexError {
    IndexError::Damaged { problem }
}

/// Writes an index.
pub(super) struct IndexWriter<'a> {
    to: &'a mut dyn Write,
    hasher: Hasher,
    buffer: Vec<u8>,
    entries: u64,
}

/// How many bytes are buffered before a write.
const BUFFER: usize = 64 << 10;

impl<'a> IndexWriter<'a> {
    /// An index without entries.
    pub(super) fn new(to: &'a mut dyn Write) -> Self {
        Self { to, hasher: Hasher::new(), buffer: MAGIC.to_vec(), entries: 0 }
    }

    /// Adds the layer's next entry.
    pub(super) fn add(&mut self, entry: &Entry) -> io::Result<()> {
        let bytes = postcard::to_stdvec(entry).map_err(io::Error::other)?;
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        self.buffer.extend_from_slice(&length.to_le_bytes());
        self.buffer.extend_from_slice(&bytes);
        self.entries += 1;
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    /// How many entries were added.
    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    /// Writes the footer.
    pub(super) fn finish(mut self, summary: &LayerSummary) -> io::Result<()> {
        self.buffer.extend_from_slice(&0_u32.to_le_bytes());
        self.flush()?;
        self.to.write_all(&footer(summary, &std::mem::take(&mut self.hasher).finish()))?;
        self.to.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hasher.update(&self.buffer);
        self.to.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

fn footer(summary: &LayerSummary, above: &Digest) -> Vec<u8> {
    let mut footer = [*summary.diff_id.digest().as_bytes(), *summary.blob.as_bytes()].concat();
    for number in [summary.tar_size, summary.content_size, summary.entries] {
        footer.extend_from_slice(&number.to_le_bytes());
    }
    footer.extend_from_slice(above.as_bytes());
    footer.extend_from_slice(Digest::of(&footer).as_bytes());
    footer.extend_from_slice(END);
    footer
}

/// The summary in a footer, and the checksum of everything before it.
fn parse_footer(footer: &[u8; FOOTER]) -> Result<(LayerSummary, Digest), IndexError> {
    let mut rest = &footer[..];
    let (diff_id, blob) = (take(&mut rest), take(&mut rest));
    let (diff_id, blob) = (DiffId::new(Digest::from_bytes(diff_id)), Digest::from_bytes(blob));
    let [tar_size, content_size, entries] = [(); 3].map(|()| u64::from_le_bytes(take(&mut rest)));
    let above = Digest::from_bytes(take(&mut rest));
    let signed = footer.len() - rest.len();
    let checksum = Digest::from_bytes(take(&mut rest));
    if rest != END || Digest::of(&footer[..signed]) != checksum {
        return Err(damaged("malformed footer"));
    }
    Ok((LayerSummary { diff_id, blob, tar_size, content_size, entries }, above))
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (taken, after) = rest.split_first_chunk().expect("a footer is as long as its parts");
    *rest = after;
    *taken
}

/// Reads only the summary at the end of an index.
pub fn read_summary<R: Read + Seek>(mut index: R) -> Result<LayerSummary, IndexError> {
    let length = index.seek(SeekFrom::End(0))?;
    let start = length.checked_sub(FOOTER as u64).ok_or_else(|| damaged("truncated"))?;
    index.seek(SeekFrom::Start(start))?;
    let mut footer = [0; FOOTER];
    index.read_exact(&mut footer)?;
    Ok(parse_footer(&footer)?.0)
}

/// The entries of an index, in the order of the layer. The last item is an error if the index is damaged.
pub struct LayerIndex<R> {
    reader: R,
    hasher: Hasher,
    entries: u64,
    ended: bool,
    /// What was read, of which the bytes before `passed` are used and the first `hashed` are hashed.
    buffer: Vec<u8>,
    passed: usize,
    hashed: usize,
}

impl<R: Read> LayerIndex<R> {
    /// Starts reading an index.
    pub fn read(reader: R) -> Result<Self, IndexError> {
        let mut index = Self {
            reader,
            hasher: Hasher::new(),
            entries: 0,
            ended: false,
            buffer: Vec::with_capacity(BUFFER),
            passed: 0,
            hashed: 0,
        };
        if index.next_bytes(MAGIC.len())? == MAGIC { Ok(index) } else { Err(damaged("not an index of this version")) }
    }

    /// The next `count` bytes.
    fn next_bytes(&mut self, count: usize) -> Result<&[u8], IndexError> {
        let end = self.passed + count;
        if end > self.buffer.len() {
            self.fill(count)?;
        }
        let start = self.passed;
        self.passed += count;
        Ok(&self.buffer[start..start + count])
    }

    /// Makes room for, and reads, at least `count` bytes more than are used.
    fn fill(&mut self, count: usize) -> Result<(), IndexError> {
        self.hash();
        self.buffer.drain(..self.passed);
        (self.passed, self.hashed) = (0, 0);
        let more = count.max(BUFFER) - self.buffer.len();
        self.reader.by_ref().take(more as u64).read_to_end(&mut self.buffer)?;
        if self.buffer.len() < count { Err(damaged("truncated")) } else { Ok(()) }
    }

    /// Hashes what is used.
    fn hash(&mut self) {
        self.hasher.update(&self.buffer[self.hashed..self.passed]);
        self.hashed = self.passed;
    }

    fn read_entry(&mut self) -> Result<Option<Entry>, IndexError> {
        let length = self.next_bytes(size_of::<u32>())?.try_into().expect("it was asked for");
        let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
        if length == 0 {
            return self.check_footer().map(|()| None);
        }
        if length > LONGEST_ENTRY {
            return Err(damaged("entry too long"));
        }
        match postcard::take_from_bytes::<Entry>(self.next_bytes(length)?) {
            Ok((entry, [])) if entry.is_valid() => {
                self.entries += 1;
                Ok(Some(entry))
            }
            _ => Err(damaged("malformed entry")),
        }
    }

    fn check_footer(&mut self) -> Result<(), IndexError> {
        self.hash();
        let footer = *self.next_bytes(FOOTER)?.first_chunk().expect("it was asked for");
        let (summary, above) = parse_footer(&footer)?;
        if std::mem::take(&mut self.hasher).finish() != above || summary.entries != self.entries {
            return Err(damaged("wrong checksum of the entries"));
        }
        if self.passed < self.buffer.len() || self.reader.read(&mut [0])? != 0 {
            return Err(damaged("trailing data"));
        }
        Ok(())
    }
}

impl<R: Read> Iterator for LayerIndex<R> {
    type Item = Result<Entry, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let entry = self.read_entry().transpose();
        self.ended = !matches!(entry, Some(Ok(_)));
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::checksum::Checksum;
    use crate::layer::entry::EntryKind;
    use crate::layer::mtime::Mtime;
    use crate::layer::path::EntryPath;
    use crate::layer::sparse_map::{Segment, SparseMap};
    use proptest::prelude::*;

    fn entry(name: &str, kind: EntryKind) -> Entry {
        Entry {
            path: EntryPath::new(name.as_bytes()).expect("a valid path"),
            kind,
            mode: 0o4755,
            uid: 1000,
            gid: u64::from(u32::MAX),
            mtime: Mtime { seconds: -1, nanos: 999_999_999 },
            size: 0,
            xattrs: vec![(b"user.x".to_vec(), b"\0\xff".to_vec())],
            content_offset: 512,
            sparse: None,
            checksum: Checksum::EMPTY,
        }
    }

    fn entries() -> Vec<Entry> {
        let target = EntryPath::new(b"a/file").expect("a valid path");
        let map = SparseMap { segments: vec![Segment { offset: 10, length: 20 }] };
        vec![
            entry("", EntryKind::Directory),
            Entry {
                size: 100,
                sparse: Some(map),
                checksum: Checksum::of(b"content"),
                ..entry("a/file", EntryKind::File)
            },
            entry("a/link", EntryKind::Hardlink { target }),
            entry("a/symbolic", EntryKind::Symlink { target: b"\xff".to_vec() }),
            entry("a/device", EntryKind::CharDevice { major: 1, minor: 3 }),
            entry("a/.wh.gone", EntryKind::File),
        ]
    }

    fn summary() -> LayerSummary {
        let diff_id = DiffId::new(Digest::of(b"a tar"));
        LayerSummary { diff_id, blob: Digest::of(b"a gzip stream"), tar_size: 10_240, content_size: 101, entries: 6 }
    }

    fn index() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut index = IndexWriter::new(&mut bytes);
        for entry in entries() {
            index.add(&entry).expect("memory");
        }
        index.finish(&summary()).expect("memory");
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Vec<Entry>, IndexError> {
        LayerIndex::read(bytes)?.collect()
    }

    #[test]
    fn an_index_is_read_as_it_was_written() {
        let bytes = index();
        assert_eq!(read(&bytes).expect("a valid index"), entries());
        assert_eq!(read_summary(io::Cursor::new(&bytes)).expect("a valid index"), summary());
    }

    #[test]
    fn every_cut_and_every_changed_bit_is_found() {
        let bytes = index();
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).is_err(), "cut at {end}");
            assert!(read_summary(io::Cursor::new(&bytes[..end])).is_err(), "cut at {end}");
        }
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&bytes).is_err(), "bit {bit}");
        }
        assert!(read(&[&bytes[..], b"\0"].concat()).is_err());
    }

    #[test]
    fn a_summary_is_checked_by_itself() {
        let bytes = index();
        for at in bytes.len() - FOOTER..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            assert!(read_summary(io::Cursor::new(&bytes)).is_err(), "byte {at}");
        }
    }

    #[test]
    fn entries_that_no_scan_writes_are_refused() {
        let impossible = [
            Entry { mode: 0o10000, ..entry("a", EntryKind::File) },
            Entry { mtime: Mtime { seconds: 0, nanos: 1_000_000_000 }, ..entry("a", EntryKind::File) },
            Entry { size: 1, ..entry("a", EntryKind::Directory) },
            entry("", EntryKind::File),
            entry("a", EntryKind::Symlink { target: Vec::new() }),
            entry("a", EntryKind::Symlink { target: b"a\0".to_vec() }),
            entry("a", EntryKind::Hardlink { target: EntryPath::root() }),
            entry(".wh..", EntryKind::File),
            Entry {
                sparse: Some(SparseMap { segments: vec![Segment { offset: u64::MAX, length: 1 }] }),
                ..entry("a", EntryKind::File)
            },
        ];
        for entry in impossible {
            let mut bytes = Vec::new();
            let mut index = IndexWriter::new(&mut bytes);
            index.add(&entry).expect("memory");
            index.finish(&LayerSummary { entries: 1, ..summary() }).expect("memory");
            assert!(read(&bytes).is_err(), "{entry:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(read(&[&MAGIC[..], &bytes].concat()).is_err());
        }
    }
}
