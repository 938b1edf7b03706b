//! What the file system says of a path.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, Statx, StatxAttributes, StatxFlags, StatxTimestamp, statx};
use serde::{Deserialize, Serialize};

use crate::layer::Mtime;

/// What tells whether a path was touched. Nobody can set the time of change (ctime) at will, so that a path of which all
/// this is as it was is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    /// The number of the inode; 0 if it is not known, so that contents are compared.
    pub ino: u64,
    /// When anything of it was last changed.
    pub ctime: Mtime,
    /// When its content was last changed.
    pub mtime: Mtime,
    /// A regular file's size in bytes; 0 for everything else.
    pub size: u64,
    /// Type and permission bits, as in `st_mode`.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// A device's numbers.
    pub device: (u32, u32),
}

/// What of a [`Stat`] tells whether a path was touched since it was looked at: whatever changes the rest of it, or the
/// content, changes this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seal {
    /// The number of the inode.
    pub ino: u64,
    /// When anything of it was last changed.
    pub ctime: Mtime,
}

/// A [`Stat`] and what is only of use while it is fresh.
#[derive(Debug, Clone, Copy)]
pub struct FreshStat {
    /// What lasts.
    pub stat: Stat,
    /// The device that the file system is on.
    pub dev: u64,
    /// How many names the inode has.
    pub links: u32,
    /// When the inode was made, where the file system knows.
    pub born: Option<Mtime>,
    /// Whether something is mounted here.
    pub is_mount: bool,
}

/// The bits of a mode that say what the inode is.
const TYPE: u32 = 0o170_000;

impl Stat {
    /// The type bits of a directory.
    pub const DIRECTORY: u32 = 0o040_000;
    /// The type bits of a regular file.
    pub const FILE: u32 = 0o100_000;
    /// The type bits of a symbolic link.
    pub const SYMLINK: u32 = 0o120_000;
    /// The type bits of a character device.
    pub const CHAR: u32 = 0o020_000;
    /// The type bits of a block device.
    pub const BLOCK: u32 = 0o060_000;
    /// The type bits of a named pipe.
    pub const FIFO: u32 = 0o010_000;
    /// The type bits of a socket.
    pub const SOCKET: u32 = 0o140_000;

    /// What tells whether it is still so.
    pub fn seal(&self) -> Seal {
        Seal { ino: self.ino, ctime: self.ctime }
    }

    /// The type bits.
    pub fn kind(&self) -> u32 {
        self.mode & TYPE
    }

    /// The permission bits.
    pub fn permissions(&self) -> u32 {
        self.mode & 0o7777
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind() == Self::DIRECTORY
    }

    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.kind() == Self::FILE
    }
}

impl FreshStat {
    /// Asks about a name in a directory. Symbolic links are not followed.
    pub fn at(directory: BorrowedFd<'_>, name: &[u8]) -> io::Result<Self> {
        Self::ask(directory, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Asks about what is open.
    pub fn of(fd: BorrowedFd<'_>) -> io::Result<Self> {
        Self::ask(fd, b"", AtFlags::EMPTY_PATH)
    }

    fn ask(fd: BorrowedFd<'_>, name: &[u8], flags: AtFlags) -> io::Result<Self> {
        let flags = flags | AtFlags::NO_AUTOMOUNT;
        Ok(Self::from(statx(fd, name, flags, StatxFlags::BASIC_STATS | StatxFlags::BTIME)?))
    }
}

impl From<Statx> for FreshStat {
    fn from(found: Statx) -> Self {
        let mode = u32::from(found.stx_mode);
        let stat = Stat {
            ino: found.stx_ino,
            ctime: time(found.stx_ctime),
            mtime: time(found.stx_mtime),
            size: if mode & TYPE == Stat::FILE { found.stx_size } else { 0 },
            mode,
            uid: found.stx_uid,
            gid: found.stx_gid,
            device: (found.stx_rdev_major, found.stx_rdev_minor),
        };
        let knows_birth = StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::BTIME);
        Self {
            stat,
            dev: u64::from(found.stx_dev_major) << 32 | u64::from(found.stx_dev_minor),
            links: found.stx_nlink,
            born: knows_birth.then(|| time(found.stx_btime)),
            is_mount: found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT),
        }
    }
}

fn time(time: StatxTimestamp) -> Mtime {
    Mtime { seconds: time.tv_sec, nanos: time.tv_nsec }
}
