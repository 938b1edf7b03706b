//! Kinds and permissions in letters, as `ls -l` and `find` write them.

use crate::layer::overlay::{NodeKind, ViewNode};

/// The letter of a kind in `find -type` and in the first column of `ls -l`, where a file is `-`.
pub fn letter(kind: NodeKind<'_>) -> char {
    match kind {
        NodeKind::File => 'f',
        NodeKind::Directory => 'd',
        NodeKind::Symlink { .. } => 'l',
        NodeKind::CharDevice { .. } => 'c',
        NodeKind::BlockDevice { .. } => 'b',
        NodeKind::Fifo => 'p',
    }
}

/// A word for a kind, for scripts.
pub fn word(kind: NodeKind<'_>) -> &'static str {
    match kind {
        NodeKind::File => "file",
        NodeKind::Directory => "directory",
        NodeKind::Symlink { .. } => "symlink",
        NodeKind::CharDevice { .. } => "char-device",
        NodeKind::BlockDevice { .. } => "block-device",
        NodeKind::Fifo => "fifo",
    }
}

/// The permissions that are seen: a symbolic link has all.
pub fn permissions(node: ViewNode<'_>) -> u32 {
    if matches!(node.kind(), NodeKind::Symlink { .. }) { 0o777 } else { node.mode() }
}

/// `-rwsr-xr-x`.
pub fn text(node: ViewNode<'_>) -> String {
    let kind = match letter(node.kind()) {
        'f' => '-',
        other => other,
    };
    let mode = permissions(node);
    let mut text = String::with_capacity(10);
    text.push(kind);
    for (shift, special, set, unset) in [(6, 0o4000, 's', 'S'), (3, 0o2000, 's', 'S'), (0, 0o1000, 't', 'T')] {
        let bits = mode >> shift;
        text.push(if bits & 4 == 0 { '-' } else { 'r' });
        text.push(if bits & 2 == 0 { '-' } else { 'w' });
        text.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => set,
            (true, false) => unset,
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// The size that is seen: of a symbolic link that of its target; directories have none in an image.
pub fn size(node: ViewNode<'_>) -> u64 {
    match node.kind() {
        NodeKind::Symlink { target } => target.len() as u64,
        _ => node.size(),
    }
}

/// How many hard links a file has; a directory has one for itself, one in its parent and one for each directory in it.
pub fn links(node: ViewNode<'_>) -> u64 {
    if node.is_directory() {
        return 2 + node.children().filter(ViewNode::is_directory).count() as u64;
    }
    node.link_count() as u64
}
