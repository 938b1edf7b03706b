//! The metadata of a path of an image.

use serde::{Deserialize, Serialize};

use crate::layer::overlay::{self, NodeKind};
use crate::layer::serde_bytes;
use crate::layer::{EntryKind, Meta, Mtime};

/// The metadata of a path in an image: everything but its names and content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileNode {
    /// The kind; never a hard link.
    pub kind: EntryKind,
    /// The permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// The owner.
    pub uid: u64,
    /// The group.
    pub gid: u64,
    /// The modification time.
    pub mtime: Mtime,
    /// A file's size in bytes with its holes; 0 for everything else.
    pub size: u64,
    /// The extended attributes that `is_kept` keeps, sorted by name.
    #[serde(with = "serde_bytes::pairs")]
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl FileNode {
    /// The metadata of a name of a merged view.
    pub fn of(node: overlay::ViewNode<'_>) -> Self {
        let kind = match node.kind() {
            NodeKind::File => EntryKind::File,
            NodeKind::Directory => EntryKind::Directory,
            NodeKind::Symlink { target } => EntryKind::Symlink { target: target.to_vec() },
            NodeKind::CharDevice { major, minor } => EntryKind::CharDevice { major, minor },
            NodeKind::BlockDevice { major, minor } => EntryKind::BlockDevice { major, minor },
            NodeKind::Fifo => EntryKind::Fifo,
        };
        let xattrs = node.xattrs().iter().filter(|(name, _)| is_kept(name)).cloned().collect();
        let (mode, uid, gid, mtime) = (node.mode(), node.uid(), node.gid(), node.mtime());
        Self { kind, mode, uid, gid, mtime, size: node.size(), xattrs }
    }

    /// Whether it is a device.
    pub fn is_device(&self) -> bool {
        matches!(self.kind, EntryKind::CharDevice { .. } | EntryKind::BlockDevice { .. })
    }

    /// A tar header for it with this name.
    pub fn meta(&self, name: Vec<u8>) -> Meta {
        Meta {
            name,
            kind: self.kind.clone(),
            mode: self.mode,
            uid: self.uid,
            gid: self.gid,
            mtime: self.mtime,
            size: self.size,
            xattrs: self.xattrs.clone(),
        }
    }
}

/// Whether an extended attribute belongs to the image rather than the host: user attributes, capabilities, POSIX ACLs.
/// `SELinux` labels and the like belong to the host, and `trusted.*` holds overlayfs's own metadata.
pub(super) fn is_kept(name: &[u8]) -> bool {
    let exact: [&[u8]; 3] = [b"security.capability", b"system.posix_acl_access", b"system.posix_acl_default"];
    name.starts_with(b"user.") || exact.contains(&name)
}
