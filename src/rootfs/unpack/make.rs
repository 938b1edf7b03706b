//! Creates a path and sets its metadata.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, Uid, chmodat, chownat, fchmod, fchown,
    futimens, linkat, makedev, mkdirat, mknodat, openat, symlinkat, utimensat,
};
use rustix::io::Errno;

use super::options::UnpackOptions;
use crate::layer::Mtime;
use crate::layer::overlay::{NodeKind, ViewNode};
use crate::rootfs::node::is_kept;
use crate::rootfs::record::Xattrs;
use crate::rootfs::{FreshStat, Stat, xattr};

/// A path that was created.
#[derive(Debug, Clone)]
pub(super) struct MadePath {
    /// Its stat on disk.
    pub(super) stat: Stat,
    /// The attributes that it got, if not all could be set.
    pub(super) xattrs: Option<Box<Xattrs>>,
}

/// Creates paths according to the options.
#[derive(Clone, Copy)]
pub(super) struct Maker {
    pub(super) options: UnpackOptions,
}

/// The mode of files until they get their own.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Creates a directory that only its owner can enter.
pub(super) fn directory(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    Ok(mkdirat(parent, name, Mode::RWXU)?)
}

/// Creates a hard link to the target.
pub(super) fn link(
    target_parent: BorrowedFd<'_>,
    target: &[u8],
    parent: BorrowedFd<'_>,
    name: &[u8],
) -> io::Result<()> {
    Ok(linkat(target_parent, target, parent, name, AtFlags::empty())?)
}

/// Creates an empty directory or file for something to be mounted on.
pub(super) fn stub(parent: BorrowedFd<'_>, name: &[u8], is_directory: bool) -> io::Result<()> {
    let kind = if is_directory { 0o755 } else { 0o644 };
    if is_directory {
        mkdirat(parent, name, Mode::RWXU)?;
    } else {
        mknodat(parent, name, FileType::RegularFile, PRIVATE, 0)?;
    }
    Ok(chmodat(parent, name, Mode::from_raw_mode(kind), AtFlags::empty())?)
}

/// Creates what hides a name in lower directories of an overlay mount; needs no privilege.
pub(super) fn whiteout(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    Ok(mknodat(parent, name, FileType::CharacterDevice, Mode::empty(), 0)?)
}

impl Maker {
    /// Creates a regular file; `write` writes its content.
    pub(super) fn file(
        self,
        parent: BorrowedFd<'_>,
        name: &[u8],
        node: ViewNode<'_>,
        write: impl FnOnce(&File) -> io::Result<()>,
    ) -> io::Result<MadePath> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // Nobody else can enter the target, so a file may have its mode from the start. Most files are then right, so
        // one stat at the end suffices.
        let has_xattrs = !node.xattrs().is_empty();
        let mode = if has_xattrs { PRIVATE } else { Mode::from_raw_mode(node.mode() & 0o777) };
        let file = File::from(openat(parent, name, flags, mode)?);
        write(&file)?;
        if has_xattrs {
            return self.finish_open(file.as_fd(), parent, name, node);
        }
        futimens(&file, &times(node.mtime()))?;
        let stat = FreshStat::of(file.as_fd())?.stat;
        let is_owned = !self.options.owners || (stat.uid, stat.gid) == owner(node);
        if is_owned && stat.permissions() == node.mode() {
            return Ok(MadePath { stat, xattrs: None });
        }
        self.finish_open(file.as_fd(), parent, name, node)
    }

    /// Creates a path without content. A device that may not be created becomes an empty file.
    pub(super) fn other(self, parent: BorrowedFd<'_>, name: &[u8], node: ViewNode<'_>) -> io::Result<MadePath> {
        let made = match node.kind() {
            NodeKind::Symlink { target } => {
                symlinkat(target, parent, name)?;
                return self.finish_link(parent, name, node);
            }
            NodeKind::Fifo => {
                mknodat(parent, name, FileType::Fifo, PRIVATE, 0)?;
                true
            }
            NodeKind::CharDevice { major, minor } => {
                self.device(parent, name, FileType::CharacterDevice, makedev(major, minor))?
            }
            NodeKind::BlockDevice { major, minor } => {
                self.device(parent, name, FileType::BlockDevice, makedev(major, minor))?
            }
            NodeKind::File | NodeKind::Directory => false,
        };
        if made { self.finish_closed(parent, name, node) } else { self.file(parent, name, node, |_| Ok(())) }
    }

    /// Creates a device, if requested and permitted.
    fn device(self, parent: BorrowedFd<'_>, name: &[u8], kind: FileType, device: u64) -> io::Result<bool> {
        if !self.options.devices {
            return Ok(false);
        }
        match mknodat(parent, name, kind, PRIVATE, device) {
            Ok(()) => Ok(true),
            Err(Errno::PERM) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Sets a directory's metadata, after all of its content was created.
    pub(super) fn finish_directory(
        self,
        parent: BorrowedFd<'_>,
        name: &[u8],
        node: ViewNode<'_>,
    ) -> io::Result<MadePath> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(parent, name, flags, Mode::empty()) {
            Ok(fd) => self.finish_open(fd.as_fd(), parent, name, node),
            // Already finished, and its owner may not list it: that happens only to the root.
            Err(Errno::ACCESS) => {
                let times = times(node.mtime());
                utimensat(parent, name, &times, AtFlags::empty())?;
                Ok(MadePath { stat: FreshStat::at(parent, name)?.stat, xattrs: None })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Sets metadata in an order in which no step undoes an earlier one: chown clears setuid and capabilities, a mode
    /// may forbid setting attributes, and everything changes times.
    fn finish_open(
        self,
        fd: BorrowedFd<'_>,
        parent: BorrowedFd<'_>,
        name: &[u8],
        node: ViewNode<'_>,
    ) -> io::Result<MadePath> {
        let seen = FreshStat::of(fd)?.stat;
        let (uid, gid) = owner(node);
        if self.options.owners && (seen.uid, seen.gid) != (uid, gid) {
            tolerate(fchown(fd, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))))?;
        }
        let mut xattrs = Attributes::new(node);
        xattrs.apply(parent, name, |key| key.starts_with(b"user."))?;
        if seen.permissions() != node.mode() || node.mode() & 0o6000 != 0 {
            tolerate(fchmod(fd, Mode::from_raw_mode(node.mode())))?;
        }
        xattrs.apply(parent, name, |key| !key.starts_with(b"user."))?;
        futimens(fd, &times(node.mtime()))?;
        Ok(MadePath { stat: FreshStat::of(fd)?.stat, xattrs: xattrs.lacking() })
    }

    /// [`Maker::finish_open`] for named pipes and devices, which are not opened.
    fn finish_closed(self, parent: BorrowedFd<'_>, name: &[u8], node: ViewNode<'_>) -> io::Result<MadePath> {
        self.chown(parent, name, node)?;
        let mut xattrs = Attributes::new(node);
        tolerate(chmodat(parent, name, Mode::from_raw_mode(node.mode()), AtFlags::empty()))?;
        xattrs.apply(parent, name, |_| true)?;
        utimensat(parent, name, &times(node.mtime()), AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(MadePath { stat: FreshStat::at(parent, name)?.stat, xattrs: xattrs.lacking() })
    }

    /// [`Maker::finish_open`] for symbolic links, which have no mode of their own.
    fn finish_link(self, parent: BorrowedFd<'_>, name: &[u8], node: ViewNode<'_>) -> io::Result<MadePath> {
        self.chown(parent, name, node)?;
        let mut xattrs = Attributes::new(node);
        xattrs.apply(parent, name, |_| true)?;
        utimensat(parent, name, &times(node.mtime()), AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(MadePath { stat: FreshStat::at(parent, name)?.stat, xattrs: xattrs.lacking() })
    }

    fn chown(self, parent: BorrowedFd<'_>, name: &[u8], node: ViewNode<'_>) -> io::Result<()> {
        let (uid, gid) = owner(node);
        if !self.options.owners {
            return Ok(());
        }
        let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        tolerate(chownat(parent, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW))
    }
}

/// Ignores what this user or file system cannot do: the snapshot records it.
fn tolerate(result: rustix::io::Result<()>) -> io::Result<()> {
    match result {
        Ok(()) | Err(Errno::PERM | Errno::INVAL | Errno::OPNOTSUPP) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn owner(node: ViewNode<'_>) -> (u32, u32) {
    let number = |number| u32::try_from(number).expect("owners were checked before anything was made");
    (number(node.uid()), number(node.gid()))
}

fn times(mtime: Mtime) -> Timestamps {
    let last_modification = Timespec { tv_sec: mtime.seconds, tv_nsec: mtime.nanos.into() };
    Timestamps { last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT }, last_modification }
}

/// The attributes of a path, set in two steps.
struct Attributes<'a> {
    all: &'a [(Vec<u8>, Vec<u8>)],
    refused: Vec<&'a [u8]>,
}

impl<'a> Attributes<'a> {
    fn new(node: ViewNode<'a>) -> Self {
        Self { all: node.xattrs(), refused: Vec::new() }
    }

    fn apply(&mut self, parent: BorrowedFd<'_>, name: &[u8], which: impl Fn(&[u8]) -> bool) -> io::Result<()> {
        for (key, value) in self.all.iter().filter(|(key, _)| is_kept(key) && which(key)) {
            if !xattr::write(parent, name, key, value)? {
                self.refused.push(key);
            }
        }
        Ok(())
    }

    /// The attributes that were set, if not all were.
    fn lacking(self) -> Option<Box<Xattrs>> {
        let has = |(key, _): &&(Vec<u8>, Vec<u8>)| is_kept(key) && !self.refused.contains(&&key[..]);
        (!self.refused.is_empty()).then(|| Box::new(Xattrs(self.all.iter().filter(has).cloned().collect())))
    }
}
