//! Builds a merged view from layers.

use super::Overlay;
use super::changeset::{Changeset, Problem};
use super::freeze::freeze;
use super::tree::{Full, MOST_NAMES, MOST_TEXT, MergedTree};
use super::watch::Watch;
use crate::layer::entry::Entry;
use crate::layer::index::IndexError;
use crate::layer::path::EntryPath;

/// Why layers cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum OverlayError {
    /// The index of a layer cannot be used.
    #[error("layer {layer}")]
    Index {
        /// The layer, counted from the bottom, from 0.
        layer: usize,
        /// Why.
        #[source]
        source: IndexError,
    },
    /// A parent of an entry is neither a directory nor a symbolic link to one.
    #[error("layer {layer}: {path}: a parent is not a directory")]
    NotADirectory {
        /// The layer.
        layer: usize,
        /// The entry.
        path: EntryPath,
    },
    /// The parents of an entry are a loop of symbolic links, or too many of them.
    #[error("layer {layer}: {path}: too many levels of symbolic links")]
    Loop {
        /// The layer.
        layer: usize,
        /// The entry.
        path: EntryPath,
    },
    /// The target of a hard link neither precedes it in its layer nor is in a lower layer.
    #[error("layer {layer}: hard link {path} to {target}, which does not exist")]
    MissingTarget {
        /// The layer.
        layer: usize,
        /// The link.
        path: EntryPath,
        /// Its target.
        target: EntryPath,
    },
    /// A hard link to a directory.
    #[error("layer {layer}: hard link {path} to {target}, which is a directory")]
    LinkToDirectory {
        /// The layer.
        layer: usize,
        /// The link.
        path: EntryPath,
        /// Its target.
        target: EntryPath,
    },
    /// Too many layers.
    #[error("more than {limit} layers")]
    TooManyLayers {
        /// The limit.
        limit: usize,
    },
    /// Too many names.
    #[error("layer {layer}: more than {limit} names")]
    TooManyNames {
        /// The layer.
        layer: usize,
        /// The limit.
        limit: usize,
    },
    /// Too much text (names, link targets, attributes, maps of sparse files).
    #[error("layer {layer}: more than {limit} bytes of names, links and attributes")]
    TooMuchText {
        /// The layer.
        layer: usize,
        /// The limit, in bytes.
        limit: usize,
    },
}

/// Far more layers than an image may have; layer numbers have 16 bits.
const MOST_LAYERS: usize = 1 << 16;

impl OverlayError {
    /// The error for a problem with an entry of a layer.
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

/// Builds a view layer by layer.
pub(super) struct ViewBuilder {
    tree: MergedTree,
    /// The root of the merged layers.
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
    pub(super) fn add(
        &mut self,
        entries: impl Iterator<Item = Result<Entry, IndexError>>,
        watch: &mut Watch,
    ) -> Result<(), OverlayError> {
        let layer = self.layers;
        self.tree.layer = u16::try_from(layer).map_err(|_| OverlayError::TooManyLayers { limit: MOST_LAYERS })?;
        let root = self.tree.root().map_err(|full| OverlayError::of_size(layer, full))?;
        let mut changeset = Changeset::new(&mut self.tree, root, self.root);
        for entry in entries {
            let entry = entry.map_err(|source| OverlayError::Index { layer, source })?;
            changeset.apply(entry).map_err(|(path, problem)| OverlayError::of_entry(layer, path, problem))?;
        }
        changeset.finish(watch);
        self.layers += 1;
        watch.merged(&self.tree, self.root).map_err(|full| OverlayError::of_size(layer, full))
    }

    /// The view.
    pub(super) fn finish(self) -> Overlay {
        freeze(self.tree, self.root)
    }
}
