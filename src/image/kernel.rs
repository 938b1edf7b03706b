//! Copying between files by the kernel: extents are shared where the file system can do so, else copied.
//!
//! `copy_file_range` does both by itself: XFS, btrfs and others share what is aligned. Where it does neither (two file
//! systems, an old kernel, a file that is no regular one), the caller reads and writes.

use std::fs::File;
use std::io;

use super::progress::Moved;

/// How much is moved by one call, so that progress is reported and cancellation is noticed.
const PIECE: u64 = 8 << 20;

/// Moves up to `length` bytes with one call and says how many it moved: 0 where the kernel cannot, and at the end of
/// `from`.
pub fn move_some(from: &File, offset: u64, to: &File, at: u64, length: usize) -> io::Result<usize> {
    use rustix::io::Errno;
    let (mut source, mut target) = (offset, at);
    loop {
        return match rustix::fs::copy_file_range(from, Some(&mut source), to, Some(&mut target), length) {
            Ok(moved) => Ok(moved),
            Err(Errno::INTR) => continue,
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM | Errno::TXTBSY) => Ok(0),
            Err(error) => Err(error.into()),
        };
    }
}

/// Moves `length` bytes, as many of them as the kernel can, and says how many those were.
pub fn move_range(from: &File, offset: u64, to: &File, at: u64, length: u64, moved: Moved<'_>) -> io::Result<u64> {
    let mut done = 0;
    while done < length {
        let want = usize::try_from((length - done).min(PIECE)).unwrap_or(usize::MAX);
        match move_some(from, offset + done, to, at + done, want)? {
            0 => break,
            some => {
                done += some as u64;
                moved(some as u64);
            }
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::FileExt as _;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn a_range_is_moved_up_to_the_end_of_its_file() {
        let (mut from, to) = (tempfile::tempfile().expect("a file"), tempfile::tempfile().expect("a file"));
        from.write_all(b"0123456789").expect("a write");
        to.write_all_at(b"abcdefgh", 0).expect("a write");
        let told = AtomicU64::new(0);
        let moved = |bytes| {
            told.fetch_add(bytes, Ordering::Relaxed);
        };
        assert_eq!(move_range(&from, 2, &to, 3, 4, &moved).expect("two files"), 4);
        assert_eq!(move_range(&from, 8, &to, 7, 100, &moved).expect("two files"), 2, "there are no more");
        assert_eq!(told.into_inner(), 6);
        let mut bytes = [0; 9];
        to.read_exact_at(&mut bytes, 0).expect("the bytes");
        assert_eq!(&bytes, b"abc234589");
    }

    #[test]
    fn what_the_kernel_cannot_move_is_left_to_the_caller() {
        let pipe = File::open("/dev/null").expect("a device");
        let to = tempfile::tempfile().expect("a file");
        assert_eq!(move_range(&pipe, 0, &to, 0, 10, &|_| {}).expect("no error"), 0);
        let mut rest = Vec::new();
        (&pipe).read_to_end(&mut rest).expect("nothing");
        assert_eq!(rest, b"");
    }
}
