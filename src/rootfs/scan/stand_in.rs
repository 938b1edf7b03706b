//! Empty files that stand for devices: unpacking creates one where it may not create the device.
//!
//! An empty file that was put there later is a regular file. The two are distinguished by inode and birth time; if the
//! tree is a copy, or was unpacked by an unknown tool, by modification time.

use std::collections::HashMap;

use crate::layer::{EntryPath, Mtime};
use crate::rootfs::walk::WalkedPath;
use crate::rootfs::{PathRecord, SnapshotError, Stat};

/// How to recognise empty files that stand for devices.
#[derive(Debug, Clone, Default)]
pub enum StandIns {
    /// The records come from the snapshot and show which devices were not created.
    Recorded,
    /// The records are those of another image, but a snapshot of the same tree shows it.
    Known {
        /// The stat of each when the snapshot was taken.
        left: HashMap<EntryPath, Stat>,
        /// When the snapshot was taken.
        settled: Mtime,
        /// Whether the tree is the recorded one rather than a copy.
        in_place: bool,
    },
    /// There is no snapshot.
    #[default]
    Unknown,
}

impl StandIns {
    /// The stand-ins in a snapshot.
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

    /// Whether the file in place of a device is the one that unpacking created. `settled` and `in_place` are those of
    /// the records.
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

/// Whether a file is the one that unpacking created. Inode numbers are reused, birth times are not.
fn is_left(left: Stat, met: &WalkedPath, settled: Mtime, in_place: bool) -> bool {
    let now = met.seen.stat;
    if in_place && left.ino != 0 {
        let is_young = met.seen.born.is_some_and(|born| born >= settled);
        return left.ino == now.ino && !is_young;
    }
    left.mtime == now.mtime
}
