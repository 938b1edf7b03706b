//! What a scan looks for.

use super::stand_in::StandIns;
use crate::layer::{EntryPath, Mtime};
use crate::rootfs::{Error, PathRecord};

/// What is looked for, and how.
pub struct ScanOptions<'a> {
    /// When the snapshot was taken, by the clock of the file system.
    pub settled: Mtime,
    /// The ordinary user who unpacked: what is theirs on disk, and new, is root's in the image.
    pub user: Option<(u32, u32)>,
    /// Paths that stay as they are in the base, with all that is below them; none if there are none.
    pub exclude: Option<&'a dyn Fn(&EntryPath) -> bool>,
    /// What is known of the empty files that stand for devices.
    pub stand_ins: &'a StandIns,
    /// Paths that cannot be read stay as they are in the base.
    pub skip_unreadable: bool,
    /// The tree is the very one that the records are of, and no copy of it: inodes tell what was made anew.
    pub in_place: bool,
}

/// Takes the records of the tree as it is now. Those of paths that changed have the source that they had.
pub type Keep<'a> = &'a mut dyn FnMut(PathRecord) -> Result<(), Error>;
