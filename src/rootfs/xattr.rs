//! Extended attributes of names in a directory.
//!
//! The kernel has no `*at` calls for them, but the path `/proc/self/fd/N/NAME` is equivalent: the descriptor leads to
//! the directory itself, and the last component is not followed.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::{XattrFlags, lgetxattr, llistxattr, lsetxattr};
use rustix::io::Errno;

use super::node::is_kept;

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// The kernel's limit for the list of names and for a value, in bytes.
const LARGEST: usize = 64 << 10;

/// The kept attributes of a name, sorted; empty on file systems without attributes.
pub(super) fn read(directory: BorrowedFd<'_>, name: &[u8]) -> io::Result<Pairs> {
    let path = path(directory, name);
    let mut buffer = vec![0; LARGEST];
    let listed = match llistxattr(&*path, &mut buffer[..]) {
        Ok(length) => length,
        Err(Errno::OPNOTSUPP) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let names: Vec<Vec<u8>> =
        buffer[..listed].split(|byte| *byte == 0).filter(|name| is_kept(name)).map(<[u8]>::to_vec).collect();
    let mut pairs = Pairs::with_capacity(names.len());
    for name in names {
        match lgetxattr(&*path, &*name, &mut buffer[..]) {
            Ok(length) => pairs.push((name, buffer[..length].to_vec())),
            // Deleted since it was listed, or listed by a file system that does not provide it.
            Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    pairs.sort();
    Ok(pairs)
}

/// One attribute; none if there is none.
pub(super) fn value(directory: BorrowedFd<'_>, name: &[u8], key: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut buffer = [0; 64];
    match lgetxattr(&*path(directory, name), key, &mut buffer[..]) {
        Ok(length) => Ok(Some(buffer[..length].to_vec())),
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::PERM | Errno::RANGE) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Sets an attribute; false if this user or file system cannot.
pub(super) fn write(directory: BorrowedFd<'_>, name: &[u8], key: &[u8], value: &[u8]) -> io::Result<bool> {
    match lsetxattr(&*path(directory, name), key, value, XattrFlags::empty()) {
        Ok(()) => Ok(true),
        Err(
            Errno::PERM | Errno::ACCESS | Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSPC | Errno::RANGE | Errno::TOOBIG,
        ) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn path(directory: BorrowedFd<'_>, name: &[u8]) -> Vec<u8> {
    [format!("/proc/self/fd/{}/", directory.as_raw_fd()).as_bytes(), name].concat()
}
