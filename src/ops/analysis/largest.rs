//! The largest files and directories of an image as a container sees it.

use crate::layer::overlay::{Overlay, ViewNode};

/// A file or a directory, and how large it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Large {
    /// Its path, with a slash in front.
    pub path: Vec<u8>,
    /// Its size; a directory's is that of all files in it.
    pub size: u64,
    /// The layer that brought it, from the bottom, from 0.
    pub layer: usize,
    /// How many files are in it; 1 for a file.
    pub files: u64,
}

/// A directory of which one directory has more than this many hundredths is left out: that one says more.
const MOST_OF_IT: u64 = 80;

/// The largest files, and the largest directories; at most `most` of each. A file with several names counts once.
pub(super) fn largest(view: &Overlay, most: usize) -> (Vec<Large>, Vec<Large>) {
    let nodes: Vec<ViewNode<'_>> = std::iter::once(view.root()).chain(view.iter()).collect();
    let mut sums = vec![Sum::default(); nodes.len()];
    let mut files: Vec<ViewNode<'_>> = Vec::new();
    // Directories come before what is in them.
    for node in nodes.iter().rev() {
        let mut sum = sums[node.id()];
        if !node.is_directory() && !node.is_further_name() && node.size() > 0 {
            sum = Sum { size: node.size(), files: 1, largest: 0 };
            files.push(*node);
        }
        let Some(parent) = node.parent() else { continue };
        let into = &mut sums[parent.id()];
        into.size = into.size.saturating_add(sum.size);
        into.files += sum.files;
        into.largest = into.largest.max(if node.is_directory() { sum.size } else { 0 });
    }
    let large = |node: &ViewNode<'_>, sum: Sum| Large {
        path: [b"/", &*node.path_bytes()].concat(),
        size: sum.size,
        layer: node.layer(),
        files: sum.files,
    };
    let said =
        |sum: Sum| sum.size > 0 && u128::from(sum.largest) * 100 <= u128::from(sum.size) * u128::from(MOST_OF_IT);
    let mut directories: Vec<ViewNode<'_>> =
        nodes.iter().skip(1).filter(|node| node.is_directory() && said(sums[node.id()])).copied().collect();
    directories.sort_by_key(|node| (std::cmp::Reverse(sums[node.id()].size), node.id()));
    files.sort_by_key(|node| (std::cmp::Reverse(node.size()), node.id()));
    let of_file = |node: &ViewNode<'_>| large(node, Sum { size: node.size(), files: 1, largest: 0 });
    (
        files.iter().take(most).map(of_file).collect(),
        directories.iter().take(most).map(|node| large(node, sums[node.id()])).collect(),
    )
}

/// What is in a directory.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    size: u64,
    files: u64,
    /// The size of the largest directory in it.
    largest: u64,
}
