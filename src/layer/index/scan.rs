//! One pass over a layer.

use std::io::{self, BufReader, Read, Seek, Write};

use super::LayerSummary;
use super::file::IndexWriter;
use super::tree::{LayerTree, TreeError};
use crate::layer::checksum::{Checksum, Checksummer};
use crate::layer::compression::{Compression, sniff};
use crate::layer::entry::{Entry, EntryError};
use crate::layer::limits::Limits;
use crate::layer::path::EntryPath;
use crate::layer::reader::{TarError, TarReader};
use crate::oci::{DiffId, Digest, Hasher};

/// How many compressed bytes are read at a time.
const BUFFER: usize = 128 << 10;

/// The result of scanning a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The digests and sizes of the layer.
    pub summary: LayerSummary,
    /// Its compression.
    pub compression: Compression,
    /// The digest of the compressed bytes.
    pub blob: Digest,
    /// How many bytes were read.
    pub blob_size: u64,
    /// Targets of hard links that do not precede the link in the layer, sorted, without duplicates: files of lower
    /// layers, or missing.
    pub missing_link_targets: Vec<EntryPath>,
}

/// Why a layer was refused.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// It is not a complete tar within the limits, or could not be read.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// A member cannot be in a layer.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The members contradict each other.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The index could not be written.
    #[error("cannot write the layer index")]
    Index {
        /// Why.
        source: io::Error,
    },
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        Self::Tar(error.into())
    }
}

/// Reads a layer to its very end in one pass: checks every entry, computes digests and sizes, and writes the index. An
/// empty stream is a layer without entries.
pub fn scan<R: Read + Send>(raw: R, limits: &Limits, index: &mut dyn Write) -> Result<Scan, ScanError> {
    let (compression, reader) = sniff(raw).map_err(TarError::from)?;
    // An uncompressed layer is the tar itself, so one digest is enough.
    let mut packed = Hashing::new(reader, compression != Compression::None);
    let decoder = compression.decoder(BufReader::with_capacity(BUFFER, &mut packed), limits).map_err(TarError::from)?;
    let mut tar = Hashing::new(decoder, true);
    let mut index = IndexWriter::new(index);
    let to_index = |source| ScanError::Index { source };
    let take = |entry: &Entry| index.add(entry).map_err(to_index);
    let tree = walk(TarReader::new(&mut tar, limits), limits, checksum, take)?.0;
    let (digest, tar_size) = tar.finish();
    let (blob, blob_size) = match compression {
        Compression::None => (digest, tar_size),
        _ => packed.finish(),
    };
    let content_size = tree.content_size();
    let summary = LayerSummary { diff_id: DiffId::new(digest), blob, tar_size, content_size, entries: index.entries() };
    index.finish(&summary).map_err(to_index)?;
    Ok(Scan { summary, compression, blob, blob_size, missing_link_targets: tree.into_missing() })
}

/// The sizes of an uncompressed tar, without reading contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outline {
    /// As [`LayerSummary::content_size`].
    pub content_size: u64,
    /// As [`LayerSummary::tar_size`].
    pub tar_size: u64,
    /// As [`LayerSummary::entries`].
    pub entries: u64,
}

/// The sizes of an uncompressed tar, by its headers alone.
pub fn outline<R: Read + Seek>(tar: R, limits: &Limits) -> Result<Outline, ScanError> {
    let tar = TarReader::seekable(tar, limits).map_err(TarError::from)?;
    let mut entries = 0;
    let count = |_: &Entry| {
        entries += 1;
        Ok(())
    };
    let (tree, tar_size) = walk(tar, limits, |_| Ok(Checksum::EMPTY), count)?;
    Ok(Outline { content_size: tree.content_size(), tar_size, entries })
}

/// The checksum of the current member's content.
fn checksum<R: Read>(tar: &mut TarReader<R>) -> Result<Checksum, TarError> {
    let mut content = Checksummer::default();
    tar.show_stored(|bytes| content.update(bytes))?;
    Ok(content.finish())
}

/// Passes on each meaningful entry; returns their tree and the size of the tar. `checksum` is called for files.
fn walk<R: Read>(
    mut tar: TarReader<R>,
    limits: &Limits,
    checksum: fn(&mut TarReader<R>) -> Result<Checksum, TarError>,
    mut take: impl FnMut(&Entry) -> Result<(), ScanError>,
) -> Result<(LayerTree, u64), ScanError> {
    let mut tree = LayerTree::new(limits);
    while let Some(raw) = tar.next()? {
        let mut entry = Entry::try_from_raw(raw)?;
        if entry.is_reserved() {
            continue;
        }
        tree.apply(&entry)?;
        if entry.size > 0 {
            entry.checksum = checksum(&mut tar)?;
        }
        take(&entry)?;
    }
    Ok((tree, tar.position()))
}

/// A reader that counts and hashes the bytes it reads.
struct Hashing<R> {
    reader: R,
    hasher: Option<Hasher>,
    size: u64,
}

impl<R> Hashing<R> {
    fn new(reader: R, hash: bool) -> Self {
        Self { reader, hasher: hash.then(Hasher::new), size: 0 }
    }

    /// The digest (of no bytes, if hashing was off) and the size.
    fn finish(self) -> (Digest, u64) {
        (self.hasher.unwrap_or_default().finish(), self.size)
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..count]);
        }
        self.size += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::index::{LayerIndex, read_summary};
    use crate::layer::limits::LimitError;
    use crate::layer::mtime::Mtime;
    use crate::layer::writer::{Meta, TarWriter};

    /// A layer of a directory, a file and a whiteout.
    fn layer() -> Vec<u8> {
        let mut tar = TarWriter::new(Vec::new());
        tar.entry(&Meta::directory(b"etc", 0o755, Mtime::default())).expect("memory");
        tar.file_header(b"etc/hosts", 5, 0o644, Mtime { seconds: 1, nanos: 2 }).expect("memory");
        tar.write_all(b"hello").expect("memory");
        tar.file_header(b"etc/.wh.passwd", 0, 0o644, Mtime::default()).expect("memory");
        tar.finish().expect("memory")
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn scan_bytes(bytes: &[u8]) -> Result<(Scan, Vec<u8>), ScanError> {
        let mut index = Vec::new();
        Ok((scan(bytes, &Limits::default(), &mut index)?, index))
    }

    #[test]
    fn one_pass_tells_digests_sizes_and_entries() {
        let tar = layer();
        for (compression, raw) in [(Compression::None, tar.clone()), (Compression::Gzip, gzip(&tar))] {
            let (scan, index) = scan_bytes(&raw).expect("a valid layer");
            assert_eq!(scan.compression, compression);
            assert_eq!((scan.blob, scan.blob_size), (Digest::of(&raw), raw.len() as u64));
            let diff_id = DiffId::new(Digest::of(&tar));
            let expected = LayerSummary {
                diff_id,
                blob: Digest::of(&raw),
                tar_size: tar.len() as u64,
                content_size: 5,
                entries: 3,
            };
            assert_eq!(scan.summary, expected);
            assert_eq!(read_summary(io::Cursor::new(&index)).expect("an index"), expected);
            let entries: Vec<Entry> =
                LayerIndex::read(&index[..]).expect("an index").collect::<Result<_, _>>().expect("entries");
            let names: Vec<_> = entries.iter().map(ToString::to_string).collect();
            assert_eq!(names, ["etc", "etc/hosts", "etc/.wh.passwd"]);
            let content = usize::try_from(entries[1].content_offset).expect("small");
            assert_eq!(&tar[content..content + 5], b"hello");
        }
    }

    #[test]
    fn an_outline_tells_the_same_sizes() {
        let tar = layer();
        let outline = outline(io::Cursor::new(&tar), &Limits::default()).expect("a valid layer");
        assert_eq!(outline, Outline { content_size: 5, tar_size: tar.len() as u64, entries: 3 });
    }

    #[test]
    fn nothing_is_a_layer_and_less_than_a_block_is_none() {
        let (scan, index) = scan_bytes(b"").expect("nothing");
        assert_eq!((scan.summary.tar_size, scan.summary.entries), (0, 0));
        assert_eq!(scan.summary.diff_id.digest(), &Digest::of(b""));
        assert_eq!(LayerIndex::read(&index[..]).expect("an index").count(), 0);
        assert!(matches!(scan_bytes(b"text"), Err(ScanError::Tar(TarError::NotATar { .. }))));
        assert!(matches!(scan_bytes(b"te\0t"), Err(ScanError::Tar(TarError::Truncated { offset: 4, least: 512 }))));
    }

    #[test]
    fn what_follows_the_end_is_part_of_the_digest() {
        let tar = [&layer()[..], &[0; 10_000], b"anything"].concat();
        let (scan, _) = scan_bytes(&tar).expect("a valid layer");
        assert_eq!(scan.summary.diff_id.digest(), &Digest::of(&tar));
        assert_eq!(scan.summary.tar_size, tar.len() as u64);
    }

    #[test]
    fn a_cut_layer_is_refused_wherever_it_is_cut() {
        let tar = layer();
        let whole = 4 * 512; // without the end, and cut between members, it would be Go's end of the archive
        for end in (1..whole).filter(|end| end % 512 != 0).chain([512 + 512]) {
            assert!(scan_bytes(&tar[..end]).is_err(), "cut at {end}");
            assert!(outline(io::Cursor::new(&tar[..end]), &Limits::default()).is_err(), "cut at {end}");
        }
        let packed = gzip(&tar);
        for end in 1..packed.len() {
            assert!(scan_bytes(&packed[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn aufs_bookkeeping_is_not_in_the_index() {
        let mut tar = TarWriter::new(Vec::new());
        for name in [&b".wh..wh.aufs"[..], b".wh..wh.plnk/1.2", b"d/.wh..wh..opq"] {
            tar.file_header(name, 0, 0o644, Mtime::default()).expect("memory");
        }
        let (scan, index) = scan_bytes(&tar.finish().expect("memory")).expect("a valid layer");
        assert_eq!(scan.summary.entries, 1);
        let entry = LayerIndex::read(&index[..]).expect("an index").next().expect("an entry").expect("a valid one");
        assert_eq!(entry.whiteout(), Some(crate::layer::Whiteout::Opaque));
    }

    #[test]
    fn a_bomb_is_told_as_such() {
        let bomb = gzip(&vec![0; 1 << 20]);
        let limits = Limits { unpacked: 1 << 19, ..Limits::default() };
        let error = scan(&bomb[..], &limits, &mut io::sink()).expect_err("a bomb");
        assert!(matches!(error, ScanError::Tar(TarError::Limit(LimitError::Unpacked { .. }))), "{error:?}");
    }
}
