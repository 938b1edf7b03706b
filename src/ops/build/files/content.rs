//! Reads the contents of files, wherever they are.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use rustix::io::Errno;

use super::error::CopyError;
use super::request::Layers;
use super::tree::{CAPABILITY, Content};
use crate::image::contents::{Contents, Piece};
use crate::layer::SparseMap;
use crate::layer::overlay::ContentRange;
use crate::ops::build::context::Folder;
use crate::rootfs::{FreshStat, SparseContent};

/// How much is read at a time.
pub(super) const CHUNK: usize = 256 << 10;

/// Reads contents one after the other.
pub(super) struct ContentReader<'a> {
    buffer: Vec<u8>,
    /// The layer that was read last: opening one costs as much as a small file.
    layer: Option<(Layers<'a>, usize, Contents<'a>)>,
}

impl<'a> ContentReader<'a> {
    pub(super) fn new() -> Self {
        Self { buffer: vec![0; CHUNK], layer: None }
    }

    /// Writes a content of `size` bytes to `to`; `path` is what the file is called in errors. Errors of `to` are given
    /// as they are in [`ContentError::Write`].
    pub(super) fn copy(
        &mut self,
        content: &Content<'a>,
        path: &[u8],
        size: u64,
        to: &mut dyn Write,
    ) -> Result<(), ContentError> {
        match content {
            Content::None => Ok(()),
            Content::Bytes(bytes) => to.write_all(bytes).map_err(ContentError::Write),
            Content::Disk { folder, path, seen } => {
                let file = open_unchanged(folder, path, seen)?;
                self.copy_file(file, path, seen, to)
            }
            Content::Layer { layers, range } => self.copy_range(*layers, *range, path, to),
            Content::Spooled { file, offset, sparse, .. } => {
                let spooled = Spooled { file, offset: *offset, size, sparse: sparse.as_deref() };
                self.copy_spooled(&spooled, to)
            }
        }
    }

    /// Writes an open file of the context, which must stay as it was seen.
    pub(super) fn copy_file(
        &mut self,
        file: File,
        path: &[u8],
        seen: &FreshStat,
        to: &mut dyn Write,
    ) -> Result<(), ContentError> {
        let failed = |source| CopyError::Read { path: path.to_vec(), source };
        let mut content = SparseContent::new(file, seen.stat.size);
        while content.left() > 0 {
            let got = content.read(&mut self.buffer).map_err(failed)?;
            if got == 0 {
                return Err(changed(path).into());
            }
            to.write_all(&self.buffer[..got]).map_err(ContentError::Write)?;
        }
        check(content.file(), path, seen)?;
        Ok(())
    }

    fn copy_range(
        &mut self,
        layers: Layers<'a>,
        range: ContentRange<'a>,
        path: &[u8],
        to: &mut dyn Write,
    ) -> Result<(), ContentError> {
        let failed = |source| CopyError::Contents { path: path.to_vec(), source };
        let is_open = self
            .layer
            .as_ref()
            .is_some_and(|(open, layer, _)| std::ptr::eq(open.contents, layers.contents) && *layer == range.layer);
        if !is_open {
            let contents = layers.contents.open(range.layer).map_err(failed)?;
            self.layer = Some((layers, range.layer, contents));
        }
        let Self { layer: Some((.., contents)), buffer } = self else { return Ok(()) };
        let mut refused = None;
        let read = contents.read(range, |piece| {
            let mut write = |bytes: &[u8]| {
                to.write_all(bytes).map_err(|error| {
                    refused = Some(error);
                    io::ErrorKind::Other.into()
                })
            };
            match piece {
                Piece::Hole(size) => zeros(size, &mut write),
                Piece::Data(mut data) => loop {
                    match data.read(buffer)? {
                        0 => return Ok(()),
                        got => write(&buffer[..got])?,
                    }
                },
            }
        });
        match (refused, read) {
            (Some(error), _) => Err(ContentError::Write(error)),
            (None, read) => Ok(read.map_err(failed)?),
        }
    }

    fn copy_spooled(&mut self, from: &Spooled<'_>, to: &mut dyn Write) -> Result<(), ContentError> {
        let Some(map) = from.sparse else {
            return self.copy_at(from.file, from.offset, from.size, to);
        };
        let (mut at, mut offset) = (0, from.offset);
        for segment in &map.segments {
            zeros(segment.offset - at, &mut |bytes| to.write_all(bytes)).map_err(ContentError::Write)?;
            self.copy_at(from.file, offset, segment.length, to)?;
            offset += segment.length;
            at = segment.offset + segment.length;
        }
        zeros(from.size - at, &mut |bytes| to.write_all(bytes)).map_err(ContentError::Write)
    }

    fn copy_at(&mut self, file: &File, offset: u64, size: u64, to: &mut dyn Write) -> Result<(), ContentError> {
        let mut done = 0;
        while done < size {
            let want = self.buffer.len().min(usize::try_from(size - done).unwrap_or(usize::MAX));
            let got = file.read_at(&mut self.buffer[..want], offset + done).map_err(CopyError::Temporary)?;
            if got == 0 {
                return Err(CopyError::Temporary(io::ErrorKind::UnexpectedEof.into()).into());
            }
            to.write_all(&self.buffer[..got]).map_err(ContentError::Write)?;
            done += got as u64;
        }
        Ok(())
    }
}

/// A content in a file without a name.
struct Spooled<'s> {
    file: &'s File,
    offset: u64,
    size: u64,
    sparse: Option<&'s SparseMap>,
}

/// Why a content could not be passed on.
#[derive(Debug)]
pub(super) enum ContentError {
    /// It could not be read.
    Read(CopyError),
    /// What takes it did not.
    Write(io::Error),
}

impl From<CopyError> for ContentError {
    fn from(error: CopyError) -> Self {
        Self::Read(error)
    }
}

impl From<ContentError> for CopyError {
    /// For contents that are written to a temporary file.
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::Read(error) => error,
            ContentError::Write(error) => Self::Temporary(error),
        }
    }
}

/// Opens a file of a context; one that is not as it was seen is refused.
pub(super) fn open_unchanged(folder: &Folder, path: &[u8], seen: &FreshStat) -> Result<File, CopyError> {
    let file = folder.open_file(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => changed(path),
        _ if source.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => changed(path),
        _ => CopyError::Read { path: path.to_vec(), source },
    })?;
    check(&file, path, seen)?;
    Ok(file)
}

/// Checks that an open file is as it was seen.
fn check(file: &File, path: &[u8], seen: &FreshStat) -> Result<(), CopyError> {
    let now = FreshStat::of(file.as_fd()).map_err(|source| CopyError::Read { path: path.to_vec(), source })?;
    let is_same = now.dev == seen.dev && now.stat == seen.stat;
    if is_same { Ok(()) } else { Err(changed(path)) }
}

/// Extended attributes: names and values.
pub(super) type Attributes = Vec<(Vec<u8>, Vec<u8>)>;

/// The capabilities of a program on disk, as an extended attribute.
pub(super) fn capabilities(file: &File, path: &[u8]) -> Result<Attributes, CopyError> {
    // Twice the longest form of the attribute.
    let mut value = [0; 64];
    match rustix::fs::fgetxattr(file, CAPABILITY, &mut value[..]) {
        Ok(length) => Ok(vec![(CAPABILITY.to_vec(), value[..length].to_vec())]),
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS | Errno::PERM | Errno::ACCESS) => Ok(Vec::new()),
        Err(error) => Err(CopyError::Read { path: path.to_vec(), source: error.into() }),
    }
}

/// The content as a file of its own, at its beginning.
pub(super) fn as_file(content: &Content<'_>, path: &[u8], size: u64) -> Result<Arc<File>, CopyError> {
    match content {
        Content::Disk { folder, path, seen } => Ok(Arc::new(open_unchanged(folder, path, seen)?)),
        Content::Spooled { file, offset: 0, sparse: None, .. } => Ok(Arc::clone(file)),
        _ => {
            let mut file = tempfile::tempfile().map_err(CopyError::Temporary)?;
            ContentReader::new().copy(content, path, size, &mut file)?;
            file.seek(SeekFrom::Start(0)).map_err(CopyError::Temporary)?;
            Ok(Arc::new(file))
        }
    }
}

fn changed(path: &[u8]) -> CopyError {
    CopyError::Changed { path: path.to_vec() }
}

fn zeros(size: u64, write: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    static ZEROS: [u8; 32 << 10] = [0; 32 << 10];
    let mut left = size;
    while left > 0 {
        let part = ZEROS.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        write(&ZEROS[..part])?;
        left -= part as u64;
    }
    Ok(())
}

/// Reads a file from its beginning, whatever its position.
pub(super) struct FromStart {
    file: Arc<File>,
    at: u64,
}

impl FromStart {
    pub(super) fn new(file: Arc<File>) -> Self {
        Self { file, at: 0 }
    }
}

impl Read for FromStart {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(into, self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}
