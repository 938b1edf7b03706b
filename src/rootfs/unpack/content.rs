//! The content of one file, from its layer to the disk.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;

use rustix::fs::copy_file_range;

use crate::cancel::Token;
use crate::layer::Segment;
use crate::layer::overlay;
use crate::rootfs::Layers;
use crate::rootfs::holes::next_data;

/// Up to this many bytes, reading and writing are faster than asking the kernel to copy.
const SMALL: u64 = 64 << 10;
/// Larger files may end in a hole of their layer's file.
const LARGE: u64 = 512 << 10;
/// How much is moved at a time.
const CHUNK: usize = 256 << 10;
/// How much the kernel moves at a time: nobody who wants to end waits longer than that.
const LARGE_CHUNK: usize = 64 << 20;

/// Copies a file's content out of a plain layer. `buffer` is working space.
pub(super) fn copy(
    layers: &Layers,
    source: overlay::Source<'_>,
    to: &File,
    buffer: &mut Vec<u8>,
    job: &Token,
) -> io::Result<()> {
    let mut at = source.content_offset;
    // A file without content may be of a layer that is not read here.
    for Segment { offset, length } in segments(source).into_iter().filter(|segment| segment.length > 0) {
        let (file, from) = layers.range(source.layer, at, length)?;
        let (mut next, end) = (from, from + length);
        // Holes of the layer's own file stay holes.
        while next < end {
            let data = next_data(&file, next, end);
            let (target, length) = (offset + (data.start - from), data.end - data.start);
            let done = if length > SMALL { by_kernel(&file, data.start, to, target, length, job)? } else { 0 };
            through(&file, data.start + done, to, target + done, length - done, buffer, job)?;
            next = data.end;
        }
        at += length;
    }
    set_length(source, to)
}

/// Writes a file's content, which is what comes next from a stream.
pub(super) fn write(
    from: &mut dyn Read,
    source: overlay::Source<'_>,
    to: &File,
    buffer: &mut Vec<u8>,
) -> io::Result<()> {
    for Segment { offset, length } in segments(source) {
        let mut done = 0;
        while done < length {
            let want = working_space(buffer, length - done);
            let got = from.read(want)?;
            if got == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            to.write_all_at(&want[..got], offset + done)?;
            done += got as u64;
        }
    }
    set_length(source, to)
}

fn segments(source: overlay::Source<'_>) -> Vec<Segment> {
    match source.sparse {
        Some(map) => map.segments.clone(),
        None => vec![Segment { offset: 0, length: source.size }],
    }
}

/// Gives a file its last hole.
fn set_length(source: overlay::Source<'_>, to: &File) -> io::Result<()> {
    if source.sparse.is_some() || source.size > LARGE { to.set_len(source.size) } else { Ok(()) }
}

/// Lets the kernel copy, and says how much it did.
fn by_kernel(from: &File, at: u64, to: &File, offset: u64, length: u64, job: &Token) -> io::Result<u64> {
    use rustix::io::Errno;
    let (mut source, mut target, mut done) = (at, offset, 0);
    while done < length {
        job.check()?;
        let want = usize::try_from(length - done).unwrap_or(usize::MAX).min(LARGE_CHUNK);
        match copy_file_range(from, Some(&mut source), to, Some(&mut target), want) {
            Ok(got) if got > 0 => done += got as u64,
            Err(Errno::INTR) => {}
            // Some file systems answer 0 where they cannot copy.
            Ok(_) | Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(done)
}

fn through(
    from: &File,
    at: u64,
    to: &File,
    offset: u64,
    length: u64,
    buffer: &mut Vec<u8>,
    job: &Token,
) -> io::Result<()> {
    let mut done = 0;
    while done < length {
        job.check()?;
        let want = working_space(buffer, length - done);
        from.read_exact_at(want, at + done)?;
        to.write_all_at(want, offset + done)?;
        done += want.len() as u64;
    }
    Ok(())
}

fn working_space(buffer: &mut Vec<u8>, left: u64) -> &mut [u8] {
    let want = CHUNK.min(usize::try_from(left).unwrap_or(CHUNK));
    if buffer.len() < want {
        buffer.resize(want, 0);
    }
    &mut buffer[..want]
}
