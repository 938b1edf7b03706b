//! Converts the tree in which a view was built to the view.

use std::collections::HashMap;

use super::tree::{MergedName, MergedTree};
use super::{Name, Overlay};

/// Lays out the names below `root` so that the children of a directory are contiguous.
pub(super) fn freeze(tree: MergedTree, root: u32) -> Overlay {
    let mut names = Vec::with_capacity(tree.len());
    names.push(Name { parent: 0, start: 0, length: 0, inode: tree.nodes[root as usize].inode, children: (0, 0) });
    // The node of the tree for each name.
    let mut nodes = Vec::with_capacity(tree.len());
    nodes.push(root);
    let mut next = 0;
    while next < names.len() {
        let first = names.len();
        nodes.extend_from_slice(tree.children(nodes[next]));
        tree.sort(&mut nodes[first..]);
        names.extend(nodes[first..].iter().map(|node| {
            let MergedName { inode, name: (start, length), .. } = tree.nodes[*node as usize];
            Name { parent: small(next), start, length, inode, children: (0, 0) }
        }));
        names[next].children = (small(first), small(names.len()));
        next += 1;
    }
    let MergedTree { names: text, inodes, links, sparse, sets, .. } = tree;
    let mut overlay = Overlay { names, text, inodes, xattrs: sets, sparse, links: HashMap::new() };
    overlay.links = first_names(&overlay, &links);
    overlay
}

/// A number that is limited to 32 bits.
fn small(number: usize) -> u32 {
    u32::try_from(number).expect("the number of names is limited")
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
