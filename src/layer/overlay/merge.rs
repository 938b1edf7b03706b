//! Merges a layer into those below it.

use super::tree::MergedTree;
use super::watch::{Watch, join};
use crate::layer::route::Names as _;

/// Merges the directory `upper` and all below it into the directory `lower`. `upper` itself is consumed.
pub(super) fn merge(tree: &mut MergedTree, upper: u32, lower: u32, watch: &mut Watch) {
    // The path of each is there only if it is wanted.
    let mut pairs = vec![(upper, lower, Vec::new())];
    while let Some((upper, lower, path)) = pairs.pop() {
        let marks = std::mem::take(tree.directory(upper));
        if marks.opaque {
            for (name, hidden) in std::mem::take(tree.children(lower)) {
                watch.hide(tree, &path, &name, hidden);
                tree.free(hidden);
            }
        }
        for name in &marks.hidden {
            if let Some(hidden) = tree.children(lower).remove(name) {
                watch.hide(tree, &path, name, hidden);
                tree.free(hidden);
            }
        }
        let inode = tree.nodes[upper as usize].inode;
        if tree.inodes[inode as usize].listed {
            tree.replace_inode(lower, inode);
        }
        for (name, child) in marks.children {
            match tree.child(lower, &name) {
                Some(below) if is_directory(tree, child) && is_directory(tree, below) => {
                    let path = if watch.wants_hidden() { join(&path, &name) } else { Vec::new() };
                    pairs.push((child, below, path));
                    continue;
                }
                Some(below) => {
                    watch.hide(tree, &path, &name, below);
                    tree.free(below);
                }
                None => {}
            }
            tree.nodes[child as usize].parent = lower;
            tree.children(lower).insert(name, child);
        }
        tree.free(upper);
    }
}

fn is_directory(tree: &MergedTree, node: u32) -> bool {
    tree.nodes[node as usize].directory.is_some()
}
