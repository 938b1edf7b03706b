//! Copies the content of a file from its layer to disk.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;

use crate::cancel::Token;
use crate::image::contents::{Contents, Data, Piece};
use crate::image::kernel;
use crate::layer::overlay;
use crate::rootfs::holes::next_data;

/// Up to this many bytes, reading and writing are faster than asking the kernel to copy.
const SMALL: u64 = 64 << 10;
/// Larger files may end in a hole, inherited from their layer's file.
const LARGE: u64 = 512 << 10;
/// How many bytes are copied at a time.
const CHUNK: usize = 256 << 10;
/// How many bytes the kernel copies at a time: a cancelled job waits no longer than that.
const LARGE_CHUNK: u64 = 64 << 20;

/// Writes a file's content, verifying it on the way. `buffer` is scratch space.
pub(super) fn write(
    contents: &mut Contents<'_>,
    source: overlay::ContentRange<'_>,
    to: &File,
    buffer: &mut Vec<u8>,
    job: &Token,
) -> io::Result<()> {
    let mut at = 0;
    contents.read(source, |piece| {
        at += match piece {
            Piece::Hole(size) => size,
            Piece::Data(mut data) => {
                let size = data.left();
                by_kernel(&data, to, at, job)?.map_or_else(|| through(&mut data, to, at, buffer, job), Ok)?;
                size
            }
        };
        Ok(())
    })?;
    // Extends the file to its size if it ends in a hole.
    if source.sparse.is_some() || source.size > LARGE { to.set_len(source.size) } else { Ok(()) }
}

/// Lets the kernel copy a large piece, if it can. Holes of the layer's own file stay holes.
fn by_kernel(data: &Data<'_, '_>, to: &File, at: u64, job: &Token) -> io::Result<Option<()>> {
    let Some((file, from)) = data.as_range().filter(|_| data.left() > SMALL) else { return Ok(None) };
    let (mut next, end) = (from, from + data.left());
    while next < end {
        let found = next_data(file, next, end);
        if !copy_range(file, found.start, to, at + (found.start - from), found.end - found.start, job)? {
            return Ok(None);
        }
        next = found.end;
    }
    Ok(Some(()))
}

/// Lets the kernel copy a range; returns whether it could.
fn copy_range(from: &File, at: u64, to: &File, offset: u64, length: u64, job: &Token) -> io::Result<bool> {
    let mut done = 0;
    while done < length {
        job.check()?;
        let want = (length - done).min(LARGE_CHUNK);
        if kernel::move_range(from, at + done, to, offset + done, want, &|_| {})? < want {
            return Ok(false);
        }
        done += want;
    }
    Ok(true)
}

fn through(data: &mut Data<'_, '_>, to: &File, mut at: u64, buffer: &mut Vec<u8>, job: &Token) -> io::Result<()> {
    let want = CHUNK.min(usize::try_from(data.left()).unwrap_or(CHUNK));
    if buffer.len() < want {
        buffer.resize(want, 0);
    }
    loop {
        job.check()?;
        match data.read(buffer)? {
            0 => return Ok(()),
            got => {
                to.write_all_at(&buffer[..got], at)?;
                at += got as u64;
            }
        }
    }
}
