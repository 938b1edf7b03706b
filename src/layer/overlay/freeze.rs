//! Converts the tree in which a view was built to the view.

use std::collections::HashMap;

use super::tree::MergedTree;
use super::{Name, Overlay};

/// Lays out the names below `root` so that the children of a directory are contiguous.
pub(super) fn freeze(mut tree: MergedTree, root: u32) -> Overlay {
    let mut names = Vec::with_capacity(tree.len());
    let mut text = Vec::new();
    names.push(Name { parent: 0, start: 0, length: 0, inode: tree.nodes[root as usize].inode, children: (0, 0) });
    // The node of the tree for each name.
    let mut nodes = Vec::with_capacity(tree.len());
    nodes.push(root);
    let mut next = 0;
    while next < names.len() {
        let children = tree.nodes[nodes[next] as usize].directory.take().map(|directory| directory.children);
        let start = small(names.len());
        for (name, node) in children.unwrap_or_default() {
            let (start, length) = (small(text.len()), small(name.len()));
            text.extend_from_slice(&name);
            let inode = tree.nodes[node as usize].inode;
            names.push(Name { parent: small(next), start, length, inode, children: (0, 0) });
            nodes.push(node);
        }
        names[next].children = (start, small(names.len()));
        next += 1;
    }
    text.shrink_to_fit();
    let MergedTree { inodes, links, sparse, sets, .. } = tree;
    let mut overlay = Overlay { names, text, inodes, xattrs: sets, sparse, links: HashMap::new() };
    overlay.links = first_names(&overlay, &links);
    overlay
}

/// A number that is limited to 32 bits.
fn small(number: usize) -> u32 {
    u32::try_from(number).expect("names and text are limited")
}

/// For each inode with several names, the first name and their number.
fn first_names(overlay: &Overlay, links: &[u32]) -> HashMap<u32, (u32, u32)> {
    let mut first = HashMap::new();
    for node in overlay {
        let inode = overlay.names[node.id()].inode;
        let count = links[inode as usize];
        if count > 1 {
            first.entry(inode).or_insert((node.id, count));
        }
    }
    first
}
