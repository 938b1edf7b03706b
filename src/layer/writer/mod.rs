//! Writes reproducible tars: ustar headers where they suffice, else PAX headers with sorted keys (long or non-ASCII
//! names, large numbers, fractions of seconds, extended attributes), as Go's archive/tar writes them; no GNU
//! extensions, no user or group names.

mod header;
mod pax;

use std::io::{self, Write};

pub use header::header_bytes;

use super::entry::{Entry, EntryKind};
use super::mtime::Mtime;
use super::reader::BLOCK;

/// Enough zeros for any padding and for the end of an archive.
const ZEROS: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// The metadata in a member's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Its name; a trailing `/` is added to directories.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// The permission bits; others are not written.
    pub mode: u32,
    /// The owner.
    pub uid: u64,
    /// The group.
    pub gid: u64,
    /// The modification time.
    pub mtime: Mtime,
    /// The size of the content; used for files only.
    pub size: u64,
    /// Extended attributes, in any order.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Meta {
    /// A regular file that belongs to root.
    pub fn file(name: &[u8], size: u64, mode: u32, mtime: Mtime) -> Self {
        Self { name: name.to_vec(), kind: EntryKind::File, mode, uid: 0, gid: 0, mtime, size, xattrs: Vec::new() }
    }

    /// A directory that belongs to root.
    pub fn directory(name: &[u8], mode: u32, mtime: Mtime) -> Self {
        Self { kind: EntryKind::Directory, ..Self::file(name, 0, mode, mtime) }
    }

    /// The metadata of a layer's entry; a sparse file is written with its holes as zeros.
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

    /// The size of the content after the header.
    pub fn content_size(&self) -> u64 {
        if self.kind == EntryKind::File { self.size } else { 0 }
    }
}

/// The padding after a content of `size` bytes.
pub fn padding(size: u64) -> usize {
    usize::try_from(super::reader::padding(size)).expect("less than a block")
}

/// Writes a tar. After each header the caller writes the content through [`Write`], or directly to
/// [`TarWriter::get_mut`], followed by [`TarWriter::advance`]. Padding is added automatically.
#[must_use = "an archive without its end is cut"]
pub struct TarWriter<W: Write> {
    writer: W,
    /// The remaining bytes of the current content.
    remaining: u64,
    /// The pending padding.
    padding: usize,
    position: u64,
}

impl<W: Write> TarWriter<W> {
    /// A tar without members.
    pub fn new(writer: W) -> Self {
        Self { writer, remaining: 0, padding: 0, position: 0 }
    }

    /// Starts a regular file that belongs to root.
    pub fn file_header(&mut self, name: &[u8], size: u64, mode: u32, mtime: Mtime) -> io::Result<()> {
        self.entry(&Meta::file(name, size, mode, mtime))
    }

    /// Starts a member. Fails if the previous content is incomplete.
    pub fn entry(&mut self, meta: &Meta) -> io::Result<()> {
        self.pad()?;
        self.put(&header_bytes(meta))?;
        self.remaining = meta.content_size();
        self.padding = padding(self.remaining);
        Ok(())
    }

    /// Accounts for `bytes` of content that were written to [`TarWriter::get_mut`] directly.
    pub fn advance(&mut self, bytes: u64) -> io::Result<()> {
        self.remaining = self.remaining.checked_sub(bytes).ok_or_else(|| wrong_size("more"))?;
        self.position += bytes;
        Ok(())
    }

    /// Ends a member's content with its padding; done automatically before the next member and at the end. Fails if the
    /// content is incomplete.
    pub fn pad(&mut self) -> io::Result<()> {
        if self.remaining > 0 {
            return Err(wrong_size("less"));
        }
        let padding = std::mem::take(&mut self.padding);
        self.put(&ZEROS[..padding])
    }

    /// The underlying writer.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.writer
    }

    /// The size of the tar so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Writes the end of the archive.
    pub fn finish(mut self) -> io::Result<W> {
        self.pad()?;
        self.put(&ZEROS)?;
        Ok(self.writer)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }
}

impl<W: Write> Write for TarWriter<W> {
    /// Writes content, never more than the header announced.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.remaining {
            return Err(wrong_size("more"));
        }
        let count = self.writer.write(bytes)?;
        self.advance(count as u64)?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

fn wrong_size(relation: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{relation} content than the tar header says"))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::layer::limits::Limits;
    use crate::layer::path::EntryPath;
    use crate::layer::reader::TarReader;
    use proptest::prelude::*;

    /// Writes members, with zeros for content, and reads them back.
    fn round_trip(metas: &[Meta]) -> Vec<Entry> {
        let mut tar = TarWriter::new(Vec::new());
        for meta in metas {
            tar.entry(meta).expect("memory");
            io::copy(&mut io::repeat(7).take(meta.content_size()), &mut tar).expect("memory");
        }
        tar.pad().expect("complete contents");
        let size = tar.position() + 2 * BLOCK as u64;
        let bytes = tar.finish().expect("memory");
        assert_eq!(bytes.len() as u64, size);
        let mut reader = TarReader::new(&bytes[..], &Limits::default());
        let mut entries = Vec::new();
        while let Some(raw) = reader.next().expect("what was written can be read") {
            let mut content = Vec::new();
            reader.content().read_to_end(&mut content).expect("in memory");
            assert_eq!((content.len() as u64, content.iter().all(|&byte| byte == 7)), (raw.size, true));
            entries.push(Entry::try_from_raw(raw).expect("a valid entry"));
        }
        entries
    }

    fn kinds() -> impl Strategy<Value = EntryKind> {
        prop_oneof![
            Just(EntryKind::File),
            Just(EntryKind::Directory),
            Just(EntryKind::Fifo),
            prop::collection::vec(1_u8.., 1..300).prop_map(|target| EntryKind::Symlink { target }),
            "(t/){0,70}é?t".prop_map(|name| {
                EntryKind::Hardlink { target: EntryPath::new(name.as_bytes()).expect("a valid path") }
            }),
            (any::<u32>(), any::<u32>()).prop_map(|(major, minor)| EntryKind::CharDevice { major, minor }),
            (0..4096_u32, 0..1_048_576_u32).prop_map(|(major, minor)| EntryKind::BlockDevice { major, minor }),
        ]
    }

    fn metas() -> impl Strategy<Value = Meta> {
        let name = "(.{0,40}/){0,4}[^.\\x00/]{1,150}|(abcdefghi/){9,30}[a-z]{0,110}x";
        let xattrs =
            prop::collection::btree_map("user\\.[a-z=%é]{1,9}", prop::collection::vec(any::<u8>(), 0..40), 0..3);
        let owner = || prop_oneof![0..3_u64, 2_097_150..2_097_155_u64, Just(u64::from(u32::MAX)), Just(1 << 62)];
        let mtime = (prop_oneof![Just(0), Just(-1), Just(8_589_934_592), any::<i32>().prop_map(i64::from)])
            .prop_flat_map(|seconds| {
                prop_oneof![Just(0), 0..1_000_000_000_u32].prop_map(move |nanos| (seconds, nanos))
            });
        let numbers = (0..0o10000_u32, owner(), owner(), mtime, 0..2000_u64);
        (name, kinds(), numbers, xattrs).prop_filter_map("a name", |(name, kind, numbers, xattrs)| {
            let (mode, uid, gid, (seconds, nanos), size) = numbers;
            let path = EntryPath::new(name.as_bytes()).ok().filter(|path| !path.is_root())?;
            let xattrs = xattrs.into_iter().map(|(name, value)| (name.into_bytes(), value)).collect();
            let size = if kind == EntryKind::File { size } else { 0 };
            let name = path.as_bytes().to_vec();
            Some(Meta { name, kind, mode, uid, gid, mtime: Mtime { seconds, nanos }, size, xattrs })
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(metas in prop::collection::vec(metas(), 0..6)) {
            // Invalid whiteouts cannot be in a layer.
            prop_assume!(!metas.iter().any(|meta| meta.name.windows(4).any(|name| name == b".wh.")));
            let entries = round_trip(&metas);
            let read: Vec<Meta> = entries.iter().map(Meta::of).collect();
            prop_assert_eq!(read, metas);
        }
    }

    #[test]
    fn a_small_file_is_one_header() {
        let meta = Meta::file(b"etc/hosts", 3, 0o644, Mtime { seconds: 1, nanos: 0 });
        let header = header_bytes(&meta);
        assert_eq!(header.len(), BLOCK);
        assert_eq!(&header[..10], b"etc/hosts\0");
        assert_eq!(&header[100..157], b"0000644\x000000000\x000000000\x0000000000003\x0000000000001\x00011035\x00 0");
        assert_eq!(&header[257..265], b"ustar\x0000");
    }

    #[test]
    fn long_names_are_split_where_that_helps() {
        let long = [&[b'a'; 120][..], b"/", &[b'b'; 100]].concat();
        assert_eq!(header_bytes(&Meta::file(&long, 0, 0o644, Mtime::default())).len(), BLOCK);
        for name in [&[b'a'; 101][..], &[b'a'; 300], "é".as_bytes(), &[&[b'a'; 156][..], b"/b"].concat()] {
            let header = header_bytes(&Meta::file(name, 0, 0o644, Mtime::default()));
            assert_eq!(header.len(), 3 * BLOCK, "{}", name.escape_ascii());
            assert_eq!(header[156], b'x');
        }
    }

    #[test]
    fn contents_are_as_long_as_their_headers_say() {
        let mut tar = TarWriter::new(Vec::new());
        tar.file_header(b"a", 3, 0o644, Mtime::default()).expect("memory");
        assert!(tar.write(b"abcd").is_err());
        tar.write_all(b"ab").expect("memory");
        assert!(tar.pad().is_err());
        assert!(tar.entry(&Meta::directory(b"d", 0o755, Mtime::default())).is_err());
        tar.get_mut().push(b'c');
        tar.advance(1).expect("as long as it is");
        assert!(tar.advance(1).is_err());
        assert_eq!(tar.finish().expect("memory").len(), 4 * BLOCK);
    }
}
