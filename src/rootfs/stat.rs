//! The stat of a path.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, Statx, StatxAttributes, StatxFlags, StatxTimestamp, statx};
use serde::{Deserialize, Serialize};

use crate::layer::Mtime;

/// The fields that show whether a path was modified. The ctime cannot be set at will, so if all fields are equal, the
/// path is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    /// The inode number; 0 if unknown, so that contents are compared.
    pub ino: u64,
    /// The ctime: when metadata or content were last changed.
    pub ctime: Mtime,
    /// The modification time.
    pub mtime: Mtime,
    /// A regular file's size in bytes; 0 for everything else.
    pub size: u64,
    /// Type and permission bits, as in `st_mode`.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// A device's major and minor number.
    pub device: (u32, u32),
}

/// The part of a [`Stat`] that shows whether a path was modified during the scan: any change of its other fields or its
/// content changes this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seal {
    /// The inode number.
    pub ino: u64,
    /// The ctime: when metadata or content were last changed.
    pub ctime: Mtime,
}

/// A [`Stat`] with fields that are only useful right after the call.
#[derive(Debug, Clone, Copy)]
pub struct FreshStat {
    /// The fields that a snapshot keeps.
    pub stat: Stat,
    /// The device number of the file system.
    pub dev: u64,
    /// The number of hard links.
    pub links: u32,
    /// The inode's birth time, if the file system records it.
    pub born: Option<Mtime>,
    /// Whether this is a mount point.
    pub is_mount: bool,
}

/// The file type bits of a mode (`S_IFMT`).
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

    /// The seal of this stat.
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
    /// The stat of a name in a directory. Symbolic links are not followed.
    pub fn at(directory: BorrowedFd<'_>, name: &[u8]) -> io::Result<Self> {
        Self::ask(directory, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// The stat of an open file.
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
