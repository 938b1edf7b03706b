//! Empty files that stand for the devices of an image: unpacking leaves one where it may not make the device.
//!
//! An empty file that somebody put in the place of a device since is a file. Which of the two it is, tell the inode and
//! its time of birth; where the tree is a copy, or nobody knows who unpacked it, the time that unpacking gave it.

use std::collections::HashMap;

use crate::layer::{EntryPath, Mtime};
use crate::rootfs::walk::WalkedPath;
use crate::rootfs::{PathRecord, SnapshotError, Stat};

/// What is known of the empty files that stand for devices.
#[derive(Debug, Clone, Default)]
pub enum StandIns {
    /// The records that are compared with are the snapshot's, and say which device was not made.
    Recorded,
    /// A snapshot of the same tree says it, while the records are those of another image.
    Known {
        /// What the disk showed of each.
        left: HashMap<EntryPath, Stat>,
        /// When the snapshot was taken.
        settled: Mtime,
        /// Whether the tree is the one that the snapshot is of, and no copy of it.
        in_place: bool,
    },
    /// No snapshot says anything.
    #[default]
    Unknown,
}

impl StandIns {
    /// Those that a snapshot has.
    pub fn of_snapshot(
        records: impl Iterator<Item = Result<PathRecord, SnapshotError>>,
        settled: Mtime,
        in_place: bool,
    ) -> Result<Self, SnapshotError> {
        let mut left = HashMap::new();
        for record in records {
            let record = record?;
            if record.node.is_device() && record.stat.is_file() {
                left.insert(record.path, record.stat);
            }
        }
        Ok(Self::Known { left, settled, in_place })
    }

    /// Whether what is in the place of a device of the image is what unpacking left there. `settled` and `in_place` are
    /// those of the records.
    pub(super) fn is_one(&self, record: &PathRecord, met: &WalkedPath, settled: Mtime, in_place: bool) -> bool {
        let now = met.seen.stat;
        if !record.node.is_device() || !now.is_file() || now.size != 0 {
            return false;
        }
        match self {
            Self::Recorded => record.stat.is_file() && is_left(record.stat, met, settled, in_place),
            Self::Known { left, settled, in_place } => {
                left.get(&met.path).is_some_and(|stat| is_left(*stat, met, *settled, *in_place))
            }
            Self::Unknown => now.mtime == record.node.mtime,
        }
    }
}

/// Whether a file is the one that was left there. Numbers of inodes are used again, times of birth are not.
fn is_left(left: Stat, met: &WalkedPath, settled: Mtime, in_place: bool) -> bool {
    let now = met.seen.stat;
    if in_place && left.ino != 0 {
        let is_young = met.seen.born.is_some_and(|born| born >= settled);
        return left.ino == now.ino && !is_young;
    }
    left.mtime == now.mtime
}
