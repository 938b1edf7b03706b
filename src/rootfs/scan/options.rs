//! The options of a scan.

use super::stand_in::StandIns;
use crate::layer::{EntryPath, Mtime};
use crate::rootfs::{Error, PathRecord};

/// The options of a scan.
pub struct ScanOptions<'a> {
    /// When the snapshot was taken, by the file system's clock.
    pub settled: Mtime,
    /// The ordinary user who unpacked: their new files on disk belong to root in the image.
    pub user: Option<(u32, u32)>,
    /// Paths that stay as they are in the base, with everything below them.
    pub exclude: Option<&'a dyn Fn(&EntryPath) -> bool>,
    /// How to recognise empty files that stand for devices.
    pub stand_ins: &'a StandIns,
    /// Whether unreadable paths stay as they are in the base instead of being an error.
    pub skip_unreadable: bool,
    /// Whether the tree is the recorded one rather than a copy: then inodes show what was recreated.
    pub in_place: bool,
}

/// Receives the records of the current state. Changed paths keep their old source.
pub type Keep<'a> = &'a mut dyn FnMut(PathRecord) -> Result<(), Error>;
