//! Compares a path with its record.

use std::collections::BTreeMap;
use std::io;

use rustix::fs::readlinkat;

use super::options::ScanOptions;
use crate::layer::EntryKind;
use crate::rootfs::beneath::Parents;
use crate::rootfs::walk::WalkedPath;
use crate::rootfs::{FileNode, PathRecord, Stat, Xattrs, xattr};

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// The result for a path that still exists.
pub(super) enum Verdict {
    /// Unchanged.
    Same,
    /// Unchanged except perhaps the content, whose size is the same.
    Suspect,
    /// Its new metadata, and the attributes on disk if they differ from the node's.
    Changed(FileNode, Option<Xattrs>),
}

/// Whether the stat alone shows that a path is unchanged.
pub(super) fn is_clean(record: &PathRecord, met: &WalkedPath, options: &ScanOptions<'_>) -> bool {
    record.stat == met.seen.stat && record.stat.ctime < options.settled
}

/// Whether a directory was deleted and recreated. Inode numbers are reused, birth times are not.
pub(super) fn is_remade(record: &PathRecord, met: &WalkedPath, options: &ScanOptions<'_>) -> bool {
    if !met.seen.stat.is_directory() || met.path.is_root() {
        return false;
    }
    let is_young = met.seen.born.is_some_and(|born| born >= options.settled);
    let is_other = record.stat.ino != 0 && (record.stat.ino != met.seen.stat.ino || is_young);
    record.node.kind != EntryKind::Directory || options.in_place && is_other
}

/// Compares everything but the content of a regular file.
pub(super) fn compare(
    parents: &mut Parents<'_>,
    met: &WalkedPath,
    record: &PathRecord,
    options: &ScanOptions<'_>,
) -> io::Result<Verdict> {
    let now = met.seen.stat;
    let stands_for_device = options.stand_ins.is_one(record, met, options.settled, options.in_place);
    let is_device_no_more = record.node.is_device() && now.is_file() && !stands_for_device;
    if (now.kind() != record.stat.kind() || is_device_no_more) && !stands_for_device {
        let node = node_of(parents, met, options)?;
        // A device that has been created since in place of its empty file.
        return Ok(if node == record.node { Verdict::Same } else { Verdict::Changed(node, None) });
    }
    let disk_xattrs = match xattrs(parents, met) {
        // A user who may not read an attribute could not have set it either.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => record.disk_xattrs().to_vec(),
        found => found?,
    };
    let mut node = merged(record, now, &disk_xattrs, options);
    if !stands_for_device {
        node.kind = kind(parents, met)?;
    }
    if node != record.node {
        let xattrs = (disk_xattrs != node.xattrs).then_some(Xattrs(disk_xattrs));
        return Ok(Verdict::Changed(node, xattrs));
    }
    let has_content = node.kind == EntryKind::File && now.size > 0;
    Ok(if has_content { Verdict::Suspect } else { Verdict::Same })
}

/// The image's metadata, updated with what changed on disk.
fn merged(record: &PathRecord, now: Stat, disk_xattrs: &Pairs, options: &ScanOptions<'_>) -> FileNode {
    let (old, node) = (&record.stat, &record.node);
    let (uid, gid) = owner(now, options);
    FileNode {
        kind: node.kind.clone(),
        mode: if now.permissions() == old.permissions() { node.mode } else { now.permissions() },
        uid: if now.uid == old.uid { node.uid } else { uid },
        gid: if now.gid == old.gid { node.gid } else { gid },
        mtime: if now.mtime == old.mtime { node.mtime } else { now.mtime },
        size: now.size,
        xattrs: merged_xattrs(&node.xattrs, record.disk_xattrs(), disk_xattrs),
    }
}

/// The image's attributes, with those set on disk since and without those removed there.
fn merged_xattrs(image: &[(Vec<u8>, Vec<u8>)], old: &[(Vec<u8>, Vec<u8>)], now: &Pairs) -> Pairs {
    if old == &now[..] {
        return image.to_vec();
    }
    let map = |pairs: &[(Vec<u8>, Vec<u8>)]| pairs.iter().cloned().collect::<BTreeMap<_, _>>();
    let (mut merged, old, now) = (map(image), map(old), map(now));
    for name in old.keys().chain(now.keys()) {
        match now.get(name) {
            value if value == old.get(name) => {}
            Some(value) => drop(merged.insert(name.clone(), value.clone())),
            None => drop(merged.remove(name)),
        }
    }
    merged.into_iter().collect()
}

/// The metadata of a path that is not in the image.
pub(super) fn node_of(parents: &mut Parents<'_>, met: &WalkedPath, options: &ScanOptions<'_>) -> io::Result<FileNode> {
    let kind = kind(parents, met)?;
    Ok(FileNode { kind, xattrs: xattrs(parents, met)?, ..bare_node(met, options) })
}

/// [`node_of`] for a directory that is not read.
pub(super) fn bare_node(met: &WalkedPath, options: &ScanOptions<'_>) -> FileNode {
    let Stat { mtime, size, .. } = met.seen.stat;
    let (uid, gid) = owner(met.seen.stat, options);
    let mode = met.seen.stat.permissions();
    FileNode { kind: EntryKind::Directory, mode, uid, gid, mtime, size, xattrs: Vec::new() }
}

/// The owner in the image of a path whose owner changed: what an ordinary user owns belongs to root.
fn owner(now: Stat, options: &ScanOptions<'_>) -> (u64, u64) {
    let (uid, gid) = options.user.map_or((None, None), |(uid, gid)| (Some(uid), Some(gid)));
    let own = |number: u32, mine: Option<u32>| if Some(number) == mine { 0 } else { u64::from(number) };
    (own(now.uid, uid), own(now.gid, gid))
}

/// What a path on disk is.
pub(in crate::rootfs) fn kind(parents: &mut Parents<'_>, met: &WalkedPath) -> io::Result<EntryKind> {
    let (major, minor) = met.seen.stat.device;
    Ok(match met.seen.stat.kind() {
        Stat::DIRECTORY => EntryKind::Directory,
        Stat::SYMLINK => {
            let (parent, name) = parents.of(met.path.as_bytes())?;
            EntryKind::Symlink { target: readlinkat(parent, name, Vec::new())?.into_bytes() }
        }
        Stat::CHAR => EntryKind::CharDevice { major, minor },
        Stat::BLOCK => EntryKind::BlockDevice { major, minor },
        Stat::FIFO => EntryKind::Fifo,
        _ => EntryKind::File,
    })
}

fn xattrs(parents: &mut Parents<'_>, met: &WalkedPath) -> io::Result<Pairs> {
    let (parent, name) = parents.of(met.path.as_bytes())?;
    xattr::read(parent, name)
}
