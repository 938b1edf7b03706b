//! Stacking layers.

use std::collections::HashMap;

use super::{Inode, Name, Overlay, What};
use crate::layer::entry::{Entry, Mtime};
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

/// A view that layers are added to.
pub(super) struct Builder {
    layers: usize,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self { layers: 0 }
    }

    pub(super) fn add(&mut self, entries: impl Iterator<Item = Result<Entry, IndexError>>) -> Result<(), OverlayError> {
        let layer = self.layers;
        self.layers += 1;
        for entry in entries {
            entry.map_err(|source| OverlayError::Index { layer, source })?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Overlay {
        let root = Inode {
            uid: 0,
            gid: 0,
            mtime: Mtime::default(),
            what: What::Directory,
            xattrs: 0,
            mode: 0o755,
            layer: 0,
            listed: false,
        };
        Overlay {
            names: vec![Name { parent: 0, start: 0, length: 0, inode: 0, children: (1, 1) }],
            text: Vec::new(),
            inodes: vec![root],
            xattrs: vec![Box::default()],
            sparse: HashMap::new(),
            links: HashMap::new(),
        }
    }
}
