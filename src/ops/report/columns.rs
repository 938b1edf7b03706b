//! The files of an image in columns, as small as they can be had in JSON.

use std::collections::HashMap;

use serde::Serialize;

use crate::layer::overlay::{NodeKind, Overlay, ViewNode};
use crate::ops::analysis::Analysis;

/// The most files that are shown one by one. In larger images the deepest are only counted in their directories.
const MOST_FILES: usize = 250_000;

/// All files in walk order, the root first.
#[derive(Debug, Default, Serialize)]
pub(super) struct Columns {
    /// The last components, with slashes between them, which no name has.
    names: String,
    depths: Vec<u16>,
    /// A letter for each: `f`, `d`, `l`, `c`, `b`, `p`, and `h` for a further name of a file.
    kinds: String,
    /// A further name of a file has no size.
    sizes: Vec<u64>,
    modes: Vec<u32>,
    /// The layer that it comes from.
    layers: Vec<usize>,
    /// How many files are only counted in their directories.
    folded: usize,
    /// What was written by several layers: the place of the file, and the layers.
    #[serde(skip)]
    pub(super) changed: Vec<(usize, Vec<usize>)>,
}

impl Columns {
    pub(super) fn of(view: &Overlay, analysis: &Analysis, shown: impl Fn(&[u8]) -> String) -> Self {
        let deepest = deepest(view);
        let mut columns = Self::default();
        columns.push(view.root(), 0, "");
        let several: HashMap<Vec<u8>, Vec<usize>> = analysis.written_by_several();
        // The place of the directory at each depth.
        let mut open: Vec<usize> = vec![0];
        let mut depths: HashMap<usize, usize> = HashMap::from([(view.root().id(), 0)]);
        for node in view {
            let above = node.parent().map_or(0, |parent| depths.get(&parent.id()).copied().unwrap_or(0));
            let depth = above + 1;
            if node.is_directory() {
                depths.insert(node.id(), depth);
            }
            if depth > deepest {
                columns.sizes[open[deepest]] = columns.sizes[open[deepest]].saturating_add(own_size(node));
                columns.folded += usize::from(!node.is_directory());
                continue;
            }
            open.truncate(depth);
            open.push(columns.sizes.len());
            if !node.is_directory()
                && let Some(layers) = several.get(&[b"/", &*node.path_bytes()].concat())
            {
                columns.changed.push((columns.sizes.len(), layers.clone()));
            }
            columns.names.push('/');
            columns.push(node, depth, &shown(node.name()));
        }
        columns
    }

    fn push(&mut self, node: ViewNode<'_>, depth: usize, name: &str) {
        // A slash can only come from what escapes a name.
        self.names.extend(name.chars().map(|c| if c == '/' { '\u{2215}' } else { c }));
        self.depths.push(u16::try_from(depth).unwrap_or(u16::MAX));
        self.kinds.push(match node.kind() {
            NodeKind::File if node.is_further_name() => 'h',
            NodeKind::File => 'f',
            NodeKind::Directory => 'd',
            NodeKind::Symlink { .. } => 'l',
            NodeKind::CharDevice { .. } => 'c',
            NodeKind::BlockDevice { .. } => 'b',
            NodeKind::Fifo => 'p',
        });
        self.sizes.push(own_size(node));
        self.modes.push(node.mode());
        self.layers.push(node.layer());
    }
}

fn own_size(node: ViewNode<'_>) -> u64 {
    if node.is_directory() || node.is_further_name() { 0 } else { node.size() }
}

/// The depth down to which files are shown one by one; at least 1.
fn deepest(view: &Overlay) -> usize {
    if view.len() <= MOST_FILES {
        return usize::from(u16::MAX);
    }
    let mut counts: Vec<usize> = Vec::new();
    for node in view {
        let depth = node.path_bytes().split(|byte| *byte == b'/').count() - 1;
        counts.resize(counts.len().max(depth + 1), 0);
        counts[depth] += 1;
    }
    let mut sum = 0;
    let fits = counts.iter().take_while(|count| {
        sum += **count;
        sum <= MOST_FILES
    });
    fits.count().max(1)
}
