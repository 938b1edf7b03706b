//! The result of unpacking: records for the snapshot, and what could not be applied.

use super::make::MadePath;
use crate::layer::overlay::{Overlay, ViewNode};
use crate::layer::{EntryKind, Mtime};
use crate::rootfs::record::Xattrs;
use crate::rootfs::{ContentSource, FileNode, PathRecord, Stat};

/// How many paths differ from the image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lacking {
    /// Paths with another owner.
    pub owners: u64,
    /// Devices replaced by an empty file.
    pub devices: u64,
    /// Paths without some of their extended attributes.
    pub xattrs: u64,
    /// Paths with other permission bits.
    pub modes: u64,
}

impl Lacking {
    /// Whether everything was applied.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// A tree that was unpacked.
#[derive(Debug)]
pub struct Unpacked {
    found: Vec<Option<MadePath>>,
    /// When it was finished, by the file system's clock.
    pub settled: Mtime,
    /// What could not be applied.
    pub lacking: Lacking,
}

impl Unpacked {
    pub(super) fn new(overlay: &Overlay, found: Vec<Option<MadePath>>, settled: Mtime) -> Self {
        let mut lacking = Lacking::default();
        for node in std::iter::once(overlay.root()).chain(overlay) {
            let Some(found) = &found[node.id()] else { continue };
            let MadePath { stat, xattrs } = found;
            let is_device =
                matches!(FileNode::of(node).kind, EntryKind::CharDevice { .. } | EntryKind::BlockDevice { .. });
            lacking.owners += u64::from((u64::from(stat.uid), u64::from(stat.gid)) != (node.uid(), node.gid()));
            lacking.devices += u64::from(is_device && stat.is_file());
            lacking.xattrs += u64::from(xattrs.is_some());
            lacking.modes += u64::from(stat.kind() != Stat::SYMLINK && stat.permissions() != node.mode());
        }
        Self { found, settled, lacking }
    }

    /// The records of the tree, in walk order.
    pub fn records<'a>(&'a self, overlay: &'a Overlay) -> impl Iterator<Item = PathRecord> + use<'a> {
        nodes(overlay).filter_map(|node| {
            let found = self.found[node.id()].as_ref()?;
            Some(record(node, FileNode::of(node), found.stat, found.xattrs.as_deref().cloned()))
        })
    }
}

/// The records of a tree that another tool unpacked: its inodes are unknown, so contents are compared. `user` is the
/// ordinary user who unpacked, who owns everything.
pub fn expected(overlay: &Overlay, user: Option<(u32, u32)>) -> impl Iterator<Item = PathRecord> + use<'_> {
    nodes(overlay).map(move |view| {
        let node = FileNode::of(view);
        let (stat, xattrs) = imagined(&node, user);
        record(view, node, stat, xattrs)
    })
}

fn nodes(overlay: &Overlay) -> impl Iterator<Item = ViewNode<'_>> {
    std::iter::once(overlay.root()).chain(overlay)
}

fn record(view: ViewNode<'_>, node: FileNode, stat: Stat, xattrs: Option<Xattrs>) -> PathRecord {
    let source = view.source().map(|source| ContentSource {
        layer: u32::try_from(source.layer).expect("images have at most a thousand layers"),
        offset: source.content_offset,
        sparse: source.sparse.cloned(),
    });
    let first = u32::try_from(view.first_name().id()).expect("names are counted in 32 bits");
    let group = if view.link_group().is_some() { first } else { 0 };
    PathRecord { path: view.path(), node, source, group, stat, xattrs }
}

/// The expected metadata on disk of a node that this user unpacked.
fn imagined(node: &FileNode, user: Option<(u32, u32)>) -> (Stat, Option<Xattrs>) {
    let (kind, device) = match node.kind {
        EntryKind::File | EntryKind::Hardlink { .. } => (Stat::FILE, (0, 0)),
        EntryKind::Directory => (Stat::DIRECTORY, (0, 0)),
        EntryKind::Symlink { .. } => (Stat::SYMLINK, (0, 0)),
        EntryKind::Fifo => (Stat::FIFO, (0, 0)),
        EntryKind::CharDevice { major, minor } => (Stat::CHAR, (major, minor)),
        EntryKind::BlockDevice { major, minor } => (Stat::BLOCK, (major, minor)),
    };
    let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let (uid, gid) = user.unwrap_or((number(node.uid), number(node.gid)));
    let unset = Mtime::default();
    // Without root privileges, devices are empty files and capabilities are not set.
    let (kind, device) = if user.is_some() && node.is_device() { (Stat::FILE, (0, 0)) } else { (kind, device) };
    // Symbolic links always have all permission bits.
    let permissions = if kind == Stat::SYMLINK { 0o777 } else { node.mode };
    let mode = kind | permissions;
    let stat = Stat { ino: 0, ctime: unset, mtime: node.mtime, size: node.size, mode, uid, gid, device };
    let may_set = |(key, _): &&(Vec<u8>, Vec<u8>)| !key.starts_with(b"security.");
    let xattrs = user.map(|_| Xattrs(node.xattrs.iter().filter(may_set).cloned().collect()));
    (stat, xattrs)
}
