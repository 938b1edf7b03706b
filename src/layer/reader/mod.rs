//! Reads tar members as Go's archive/tar does, which the tools that write and read these archives use; stricter where
//! lenient parsing would hide something.
//!
//! ```text
//! x   512 + records        PAX records for the next member; a `g` is checked and ignored
//! L/K 512 + name           the next member's name or link target (GNU)
//! …   512 + content + pad  a member
//! 0   512 × 2              the end; anything may follow and is skipped
//! ```
//!
//! - A truncated archive is refused, except after a member's content, where Go accepts it too: umoci's `insert` omits
//!   the padding of the last member and the end.
//! - An extension header that no member follows is refused.
//! - Links, directories, devices and named pipes have no content, whatever size their header claims.
//! - Memory does not depend on what headers claim: extensions have limits, holes are not allocated.

mod error;
mod extension;
mod header;
mod number;
mod pax;
mod raw;
mod source;
mod sparse;
mod sparse_member;
#[cfg(test)]
mod tests;

use std::io::{self, Read, Seek};

pub use error::{HeaderProblem, TarError};
pub(crate) use header::BLOCK;
pub use raw::{RawEntry, RawKind};

use self::extension::Extensions;
use self::header::{Block, TarHeader};
use self::source::SkippingReader;
use self::sparse::{Cursor, Stretch};
use super::foreign;
use super::limits::Limits;

/// Reads a tar's members one after the other.
pub struct TarReader<R> {
    source: SkippingReader<R>,
    limits: Limits,
    /// The unread stored content of the current member.
    remaining: u64,
    /// The padding after it.
    padding: u64,
    /// The position in the file, if the current member is sparse.
    sparse: Option<Cursor>,
    /// The offset at which the current part ends.
    end: u64,
    /// How many bytes of holes were read.
    holes: u64,
    ended: bool,
    marked: bool,
}

impl<R: Read> TarReader<R> {
    /// Reads from a stream; unused contents are read and dropped.
    pub fn new(reader: R, limits: &Limits) -> Self {
        Self::from_source(SkippingReader::stream(reader), limits)
    }

    fn from_source(source: SkippingReader<R>, limits: &Limits) -> Self {
        let limits = limits.clone();
        Self { source, limits, remaining: 0, padding: 0, sparse: None, end: 0, holes: 0, ended: false, marked: false }
    }

    /// The next member; `None` at the end, once the stream has been read to its very end.
    #[expect(clippy::should_implement_trait, reason = "an iterator could not lend contents between two items")]
    pub fn next(&mut self) -> Result<Option<RawEntry>, TarError> {
        if self.ended {
            return Ok(None);
        }
        self.skip_content()?;
        let mut extensions = Extensions::default();
        loop {
            let offset = self.source.position();
            let at = |problem| TarError::Header { offset, problem };
            let Some(block) = self.header_block(offset)? else {
                extensions.none_left().map_err(at)?;
                self.ended = true;
                return Ok(None);
            };
            let header =
                TarHeader::parse(&block).map_err(|problem| not_a_tar(offset, &block).unwrap_or_else(|| at(problem)))?;
            if Extensions::is_one(header.typeflag) {
                let content = self.extension_content(&header, offset)?;
                extensions.take(header.typeflag, &content).map_err(at)?;
            } else {
                return self.member(offset, &block, header, &extensions).map(Some);
            }
        }
    }

    /// The content of the current member, from where reading stopped.
    pub fn content(&mut self) -> EntryContent<'_, R> {
        EntryContent { tar: self }
    }

    /// Passes the unread stored content of the current member, without holes, to `each`.
    pub fn show_stored(&mut self, each: impl FnMut(&[u8])) -> Result<(), TarError> {
        let rest = std::mem::take(&mut self.remaining);
        self.sparse = None;
        if self.source.show(rest, each)? { Ok(()) } else { Err(self.truncated()) }
    }

    /// How many bytes of the archive were consumed; after the end, its size.
    pub fn position(&self) -> u64 {
        self.source.position()
    }

    /// Whether the archive ends with two zero blocks. Many readers do not require them, but without them it may be
    /// truncated.
    pub fn has_end_mark(&self) -> bool {
        self.marked
    }

    fn skip_content(&mut self) -> Result<(), TarError> {
        let (content, padding) = (self.remaining, self.padding);
        (self.remaining, self.padding, self.sparse) = (0, 0, None);
        if !self.source.skip(content)? {
            return Err(self.truncated());
        }
        // Missing padding loses no data.
        self.source.skip(padding)?;
        Ok(())
    }

    fn truncated(&self) -> TarError {
        let offset = self.source.position();
        TarError::Truncated { offset, least: self.end.max(offset + 1) }
    }

    /// The next block; at the end of the archive, `None`, and the rest is read.
    fn header_block(&mut self, offset: u64) -> Result<Option<Block>, TarError> {
        let Some(block) = self.block_or_end()? else {
            return Ok(None);
        };
        if block != [0; BLOCK] {
            return Ok(Some(block));
        }
        match self.block_or_end()? {
            Some(block) if block != [0; BLOCK] => {
                Err(TarError::Header { offset, problem: HeaderProblem::LoneZeroBlock })
            }
            second => {
                self.marked = second.is_some();
                if offset == 0 {
                    self.look_inside()?;
                }
                self.source.skip(u64::MAX)?;
                Ok(None)
            }
        }
    }

    /// Refuses file system images whose first blocks are zero, which would pass as an empty archive.
    fn look_inside(&mut self) -> Result<(), TarError> {
        let mut start = vec![0; foreign::LOOKED_AT_INSIDE];
        let mut filled = 2 * BLOCK;
        while filled < start.len() {
            match self.source.read(&mut start[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        match foreign::recognise(&start[..filled]) {
            Some(what) => Err(TarError::NotATar { what }),
            None => Ok(()),
        }
    }

    /// The next block; `None` at the end of the input.
    fn block_or_end(&mut self) -> Result<Option<Block>, TarError> {
        let mut block = [0; BLOCK];
        self.end = self.source.position() + BLOCK as u64;
        match self.source.read_block(&mut block)? {
            BLOCK => Ok(Some(block)),
            // A truncated end: only zeros.
            count if block[..count].iter().all(|byte| *byte == 0) => Ok(None),
            count => {
                Err(not_a_tar(self.source.position() - count as u64, &block[..count])
                    .unwrap_or_else(|| self.truncated()))
            }
        }
    }

    fn block(&mut self) -> Result<Block, TarError> {
        self.block_or_end()?.ok_or_else(|| self.truncated())
    }

    /// The content of an extension header, limited in size.
    fn extension_content(&mut self, header: &TarHeader, offset: u64) -> Result<Vec<u8>, TarError> {
        let (what, limit) = Extensions::limit(header.typeflag, &self.limits);
        let at = |problem| TarError::Header { offset, problem };
        let size = u64::try_from(header.size).map_err(|_| at(HeaderProblem::NegativeSize))?;
        if size > limit {
            return Err(at(HeaderProblem::TooLong { what, limit }));
        }
        self.remaining = size;
        self.padding = padding(size);
        self.end = self.source.position() + size;
        let mut content = Vec::new();
        self.content().read_to_end(&mut content)?;
        self.skip_content()?;
        Ok(content)
    }

    /// Makes a member from its header and extensions, and starts its content.
    fn member(
        &mut self,
        offset: u64,
        block: &Block,
        header: TarHeader,
        extensions: &Extensions,
    ) -> Result<RawEntry, TarError> {
        let at = |problem| TarError::Header { offset, problem };
        let format = header.format;
        let mut entry = extensions.apply(header, offset).map_err(at)?;
        self.remaining = entry.stored_size;
        self.end = self.source.position().saturating_add(entry.stored_size);
        self.padding = padding(entry.stored_size);
        self.start_sparse(&mut entry, extensions, (format, block))?;
        entry.content_offset = self.source.position();
        Ok(entry)
    }
}

impl<R: Read + Seek> TarReader<R> {
    /// Reads a file from its start; unused contents are skipped by seeking.
    pub fn seekable(reader: R, limits: &Limits) -> io::Result<Self> {
        Ok(Self::from_source(SkippingReader::file(reader)?, limits))
    }
}

/// The content of one member, holes included.
pub struct EntryContent<'a, R> {
    tar: &'a mut TarReader<R>,
}

impl<R: Read> Read for EntryContent<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.tar.sparse.as_ref().map(Cursor::stretch) {
            None => self.tar.read_stored(buffer, u64::MAX),
            Some(Stretch::Hole(bytes)) => {
                let count = at_most(buffer.len(), bytes);
                buffer[..count].fill(0);
                self.tar.advance_sparse(count);
                Ok(count)
            }
            Some(Stretch::Data(bytes)) => {
                let count = self.tar.read_stored(buffer, bytes)?;
                self.tar.advance_sparse(count);
                Ok(count)
            }
        }
    }
}

impl<R: Read> TarReader<R> {
    fn read_stored(&mut self, buffer: &mut [u8], most: u64) -> io::Result<usize> {
        let wanted = at_most(buffer.len(), most.min(self.remaining));
        if wanted == 0 {
            return Ok(0);
        }
        let count = self.source.read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(self.truncated().into());
        }
        self.remaining -= count as u64;
        Ok(count)
    }

    fn advance_sparse(&mut self, bytes: usize) {
        if let Some(cursor) = &mut self.sparse {
            cursor.advance(bytes as u64);
        }
    }
}

/// If the first header is damaged and the start is that of another format, it was never a tar.
fn not_a_tar(offset: u64, block: &[u8]) -> Option<TarError> {
    let is_tar = block.get(257..262) == Some(b"ustar");
    let what = if offset == 0 && !is_tar { foreign::recognise(block)? } else { return None };
    Some(TarError::NotATar { what })
}

fn at_most(length: usize, most: u64) -> usize {
    usize::try_from(most).map_or(length, |most| most.min(length))
}

/// The padding after a content of `size` bytes.
pub(crate) fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}
