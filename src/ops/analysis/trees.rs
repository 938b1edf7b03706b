//! Each layer as a tree of its own, as dive makes them.
//!
//! Whiteouts are nodes with their file names (`.wh.x`); opaque whiteouts are not there. A directory without an entry,
//! that is only implied, is no directory yet and has no size.

use std::collections::HashMap;

use super::paths::{Id, Paths, TooManyPaths};
use crate::layer::{Entry, EntryKind};

/// What begins the name of a whiteout.
const WHITEOUT: &[u8] = b".wh.";
/// What dive leaves out: the opaque whiteout.
const MARKER: &[u8] = b".wh..wh..";

/// All layers.
#[derive(Debug)]
pub(super) struct Trees {
    /// The paths of all of them.
    pub(super) paths: Paths,
    /// The layers, the lowest first.
    pub(super) layers: Vec<Tree>,
    /// Of each whiteout the path that it hides.
    pub(super) hidden: HashMap<Id, Id>,
}

/// One layer.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Its nodes; children before parents and siblings by name.
    pub(super) nodes: Vec<Node>,
    /// The sizes of all entries, also of those that a later one of the same layer replaces.
    pub(super) size: u64,
    /// How many entries there are that are files.
    pub(super) files: u64,
}

/// A node of a layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// Its path.
    pub(super) id: Id,
    /// What its last entry says; the root has none.
    pub(super) payload: Payload,
    /// Whether nothing is in it.
    pub(super) is_leaf: bool,
}

/// What an entry says of a node.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Payload {
    pub(super) is_directory: bool,
    pub(super) size: u64,
}

/// Builds trees.
pub(super) struct Builder {
    trees: Trees,
    /// By path: the layer that last had it, counted from 1, and its place among the nodes of that layer.
    places: Vec<(u32, u32)>,
}

impl Builder {
    pub(super) fn new() -> Self {
        let trees = Trees { paths: Paths::new(), layers: Vec::new(), hidden: HashMap::new() };
        Self { trees, places: vec![(0, 0)] }
    }

    /// Adds the next layer; gives for each entry its path, or none.
    pub(super) fn add(&mut self, entries: &[Entry]) -> Result<Vec<Option<Id>>, TooManyPaths> {
        self.trees.layers.push(Tree::default());
        let mut ids = Vec::with_capacity(entries.len());
        // Most entries are in the same directory as the one before.
        let (mut last, mut last_id): (&[u8], Id) = (b"", 0);
        for entry in entries {
            let path = entry.path.as_bytes();
            if entry.path.is_root() {
                ids.push(None);
                continue;
            }
            let tree = self.trees.layers.last_mut().expect("just pushed");
            tree.size = tree.size.saturating_add(entry.size);
            tree.files += u64::from(entry.kind == EntryKind::File);
            let (parent, name) = match path.iter().rposition(|byte| *byte == b'/') {
                Some(slash) => (&path[..slash], &path[slash + 1..]),
                None => (&b""[..], path),
            };
            if parent != last {
                let Some(id) = self.directories(parent)? else {
                    ids.push(None);
                    (last, last_id) = (b"", 0);
                    continue;
                };
                (last, last_id) = (parent, id);
            }
            let id = self.node(last_id, name)?;
            if let Some(id) = id {
                let place = self.places[id as usize].1 as usize;
                let payload = Payload { is_directory: entry.kind == EntryKind::Directory, size: entry.size };
                self.trees.layers.last_mut().expect("just pushed").nodes[place].payload = payload;
            }
            ids.push(id);
        }
        Ok(ids)
    }

    /// The node of a directory, with its parents.
    fn directories(&mut self, path: &[u8]) -> Result<Option<Id>, TooManyPaths> {
        let mut id = 0;
        for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            match self.node(id, name)? {
                Some(child) => id = child,
                None => return Ok(None),
            }
        }
        Ok(Some(id))
    }

    /// A node in a node of the layer that is being added.
    fn node(&mut self, parent: Id, name: &[u8]) -> Result<Option<Id>, TooManyPaths> {
        if name.starts_with(MARKER) {
            return Ok(None);
        }
        let id = self.trees.paths.child(parent, name)?;
        if let Some(hidden) = name.strip_prefix(WHITEOUT)
            && !self.trees.hidden.contains_key(&id)
        {
            let hidden = self.trees.paths.child(parent, hidden)?;
            self.trees.hidden.insert(id, hidden);
        }
        self.places.resize(self.trees.paths.len(), (0, 0));
        let layer = u32::try_from(self.trees.layers.len()).expect("few layers");
        if self.places[id as usize].0 != layer {
            let nodes = &mut self.trees.layers.last_mut().expect("a layer is being added").nodes;
            let place = u32::try_from(nodes.len()).expect("no more than paths");
            nodes.push(Node { id, payload: Payload::default(), is_leaf: true });
            self.places[id as usize] = (layer, place);
            if parent != 0 {
                nodes[self.places[parent as usize].1 as usize].is_leaf = false;
            }
        }
        Ok(Some(id))
    }

    /// The paths so far.
    pub(super) fn paths(&self) -> &Paths {
        &self.trees.paths
    }

    /// The trees, sorted.
    pub(super) fn finish(mut self) -> Trees {
        let ranks = self.trees.paths.ranks();
        for layer in &mut self.trees.layers {
            layer.nodes.sort_unstable_by_key(|node| ranks[node.id as usize]);
        }
        self.trees
    }
}
