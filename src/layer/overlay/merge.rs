//! Merges a layer into those below it.

use super::tree::MergedTree;
use super::watch::{Watch, join};
use crate::layer::route::Names as _;

/// Merges the directory `upper` and all below it into the directory `lower`. `upper` itself is consumed.
pub(super) fn merge(tree: &mut MergedTree, upper: u32, lower: u32, watch: &mut Watch) {
    // The path of each is there only if it is wanted.
    let mut pairs = vec![(upper, lower, Vec::new())];
    while let Some((upper, lower, path)) = pairs.pop() {
        let marks = tree.take_marks(upper);
        if marks.opaque {
            let children = tree.take_children(lower);
            for hidden in in_order(tree, children, watch) {
                watch.hide(tree, &path, hidden);
                tree.free(hidden);
            }
        }
        for name in &marks.hidden {
            if let Some(hidden) = tree.child(lower, name) {
                watch.hide(tree, &path, hidden);
                tree.detach(hidden);
                tree.free(hidden);
            }
        }
        let inode = tree.nodes[upper as usize].inode;
        if tree.inodes[inode as usize].listed {
            tree.replace_inode(lower, inode);
        }
        let children = tree.take_children(upper);
        for child in in_order(tree, children, watch) {
            match tree.child(lower, tree.name(child)) {
                Some(below) if is_directory(tree, child) && is_directory(tree, below) => {
                    let path = if watch.wants_hidden() { join(&path, tree.name(child)) } else { Vec::new() };
                    pairs.push((child, below, path));
                    continue;
                }
                Some(below) => {
                    watch.hide(tree, &path, below);
                    tree.detach(below);
                    tree.free(below);
                }
                None => {}
            }
            tree.attach(lower, child);
        }
        tree.free(upper);
    }
}

/// The names of a directory, sorted if the order in which they are hidden is noted.
fn in_order(tree: &MergedTree, mut names: Vec<u32>, watch: &Watch) -> Vec<u32> {
    if watch.wants_hidden() {
        tree.sort(&mut names);
    }
    names
}

fn is_directory(tree: &MergedTree, node: u32) -> bool {
    tree.nodes[node as usize].directory.is_some()
}
