//! Removes places for mounts from a tree that a program ran in.

use std::os::fd::AsFd as _;

use rustix::fs::{AtFlags, OFlags, Timespec, Timestamps, UTIME_OMIT, unlinkat, utimensat};

use super::{Error, FreshStat, Part, Root};
use crate::layer::path::split_last;

/// Removes the places for mounts that a part made, if nothing is in them. The times of the directories above them are as
/// before.
pub fn remove_stubs(root: &Root, part: &Part) -> Result<(), Error> {
    for (path, is_directory) in part.stubs.iter().rev() {
        let path = path.as_bytes();
        let (parent, name) = split_last(path);
        // What the program removed or replaced is its own.
        let Ok(parent) = root.open_beneath(parent, OFlags::RDONLY | OFlags::DIRECTORY) else { continue };
        let Ok(stub) = FreshStat::at(parent.as_fd(), name) else { continue };
        if stub.stat.is_directory() != *is_directory || stub.stat.size > 0 {
            continue;
        }
        let before = FreshStat::of(parent.as_fd()).map_err(Error::at(path))?.stat.mtime;
        let flags = if *is_directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        if unlinkat(&parent, name, flags).is_ok() {
            let last_modification = Timespec { tv_sec: before.seconds, tv_nsec: before.nanos.into() };
            let last_access = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
            let times = Timestamps { last_access, last_modification };
            utimensat(&parent, ".", &times, AtFlags::empty()).map_err(|error| Error::at(path)(error.into()))?;
        }
    }
    Ok(())
}
