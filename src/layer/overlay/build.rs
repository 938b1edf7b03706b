//! Stacking layers.

use super::Overlay;
use super::changeset::{Changeset, Problem};
use super::freeze::freeze;
use super::tree::{Full, MOST_NAMES, MOST_TEXT, MergedTree};
use crate::layer::entry::Entry;
use crate::layer::index::IndexError;
use crate::layer::path::EntryPath;

/// Why layers make no view.
#[derive(Debug, thiserror::Error)]
pub enum OverlayError {
    /// The index of a layer cannot be used.
    #[error("layer {layer}")]
    Index {
        /// Which layer, from the bottom, beginning with 0.
        layer: usize,
        /// Why.
        #[source]
        source: IndexError,
    },
    /// A parent of an entry is neither a directory nor leads to one.
    #[error("layer {layer}: {path}: a parent is not a directory")]
    NotADirectory {
        /// Which layer.
        layer: usize,
        /// The entry.
        path: EntryPath,
    },
    /// The parents of an entry lead in a circle, or nearly.
    #[error("layer {layer}: {path}: too many levels of symbolic links")]
    Loop {
        /// Which layer.
        layer: usize,
        /// The entry.
        path: EntryPath,
    },
    /// A hard link to what is neither in its layer before it nor in the layers below.
    #[error("layer {layer}: hard link {path} to {target}, which is not there")]
    MissingTarget {
        /// Which layer.
        layer: usize,
        /// The link.
        path: EntryPath,
        /// Where it leads.
        target: EntryPath,
    },
    /// A hard link to a directory.
    #[error("layer {layer}: hard link {path} to {target}, which is a directory")]
    LinkToDirectory {
        /// Which layer.
        layer: usize,
        /// The link.
        path: EntryPath,
        /// Where it leads.
        target: EntryPath,
    },
    /// More layers than a view can have.
    #[error("more than {limit} layers")]
    TooManyLayers {
        /// The limit.
        limit: usize,
    },
    /// More names than a view can have.
    #[error("layer {layer}: more than {limit} names")]
    TooManyNames {
        /// Which layer.
        layer: usize,
        /// The limit.
        limit: usize,
    },
    /// More text (names, targets of links, attributes, maps of sparse files) than a view can have.
    #[error("layer {layer}: more than {limit} bytes of names, links and attributes")]
    TooMuchText {
        /// Which layer.
        layer: usize,
        /// The limit, in bytes.
        limit: usize,
    },
}

/// More layers than an image may have; their numbers have 16 bits.
const MOST_LAYERS: usize = 1 << 16;

impl OverlayError {
    /// What is wrong with an entry of a layer.
    fn of_entry(layer: usize, path: EntryPath, problem: Problem) -> Self {
        match problem {
            Problem::NotADirectory => Self::NotADirectory { layer, path },
            Problem::Loop => Self::Loop { layer, path },
            Problem::MissingTarget(target) => Self::MissingTarget { layer, path, target },
            Problem::LinkToDirectory(target) => Self::LinkToDirectory { layer, path, target },
            Problem::Full(full) => Self::of_size(layer, full),
        }
    }

    fn of_size(layer: usize, full: Full) -> Self {
        match full {
            Full::Names => Self::TooManyNames { layer, limit: MOST_NAMES },
            Full::Text => Self::TooMuchText { layer, limit: MOST_TEXT },
        }
    }
}

/// A view that layers are added to.
pub(super) struct ViewBuilder {
    tree: MergedTree,
    /// The root of the merged layers, once there is one.
    root: u32,
    layers: usize,
}

impl ViewBuilder {
    /// A view of no layers.
    pub(super) fn new() -> Self {
        let mut tree = MergedTree::new();
        let root = tree.root().expect("there is room for one name");
        Self { tree, root, layers: 0 }
    }

    /// Puts a layer on top.
    pub(super) fn add(&mut self, entries: impl Iterator<Item = Result<Entry, IndexError>>) -> Result<(), OverlayError> {
        let layer = self.layers;
        self.tree.layer = u16::try_from(layer).map_err(|_| OverlayError::TooManyLayers { limit: MOST_LAYERS })?;
        let root = self.tree.root().map_err(|full| OverlayError::of_size(layer, full))?;
        let mut changeset = Changeset::new(&mut self.tree, root, self.root);
        for entry in entries {
            let entry = entry.map_err(|source| OverlayError::Index { layer, source })?;
            let path = entry.path.clone();
            changeset.apply(entry).map_err(|problem| OverlayError::of_entry(layer, path, problem))?;
        }
        changeset.finish();
        self.layers += 1;
        Ok(())
    }

    /// The view.
    pub(super) fn finish(self) -> Overlay {
        freeze(self.tree, self.root)
    }
}
