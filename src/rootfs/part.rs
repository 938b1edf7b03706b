//! What of a merged view is written to a directory of its own: the difference from a lower view, as overlayfs has it.
//!
//! ```text
//! lower    etc/a  etc/b  bin/c         etc and bin are there if something in them is; a file whose hard links changed
//! view     etc/a' etc/d  bin/c         is there with all its names; what is gone is a character device 0:0
//! ───────────────────────────
//! part     etc/a' etc/d  etc/b → 0:0
//! ```

use std::collections::BTreeSet;

use crate::layer::EntryPath;
use crate::layer::overlay::{Overlay, ViewNode};

/// A part of a view, what it hides of a lower one, and what is needed besides.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// Which names are in it, by [`ViewNode::id`].
    chosen: Vec<bool>,
    /// What it hides in the lower view.
    pub(super) whiteouts: Vec<EntryPath>,
    /// Empty directories (true) and files (false) that are not in the view, as places for mounts; parents come first.
    pub(super) stubs: Vec<(EntryPath, bool)>,
}

impl Part {
    /// The difference of `view` from `lower`, which has the first `layers` of its layers.
    pub fn difference(lower: &Overlay, view: &Overlay, layers: usize) -> Self {
        let mut part = Self { chosen: vec![false; view.len() + 1], ..Self::default() };
        let mut below: Vec<Option<ViewNode<'_>>> = vec![None; view.len() + 1];
        below[0] = Some(lower.root());
        part.chosen[0] = true;
        part.hide(lower.root(), view.root());
        let mut groups = BTreeSet::new();
        for node in view {
            let parent = node.parent().expect("only the root has none");
            let old = below[parent.id()].filter(ViewNode::is_directory).and_then(|parent| parent.child(node.name()));
            below[node.id()] = old;
            if is_new(old, node, layers) {
                part.choose(node);
                groups.extend(node.link_group());
            }
            if let Some(old) = old.filter(|old| old.is_directory() && node.is_directory()) {
                part.hide(old, node);
            }
        }
        for node in view.iter().filter(|node| node.link_group().is_some_and(|group| groups.contains(&group))) {
            part.choose(node);
        }
        part
    }

    /// A directory or file of the view, with everything in it and above it.
    pub fn subtree(view: &Overlay, top: ViewNode<'_>) -> Self {
        let mut part = Self { chosen: vec![false; view.len() + 1], ..Self::default() };
        part.choose(top);
        for node in top.descendants() {
            part.chosen[node.id()] = true;
        }
        // The first name of a file has its content.
        for node in view.iter().filter(ViewNode::is_further_name) {
            if part.chosen[node.id()] {
                part.choose(node.first_name());
            }
        }
        part
    }

    /// Places for mounts that the view does not have: directories (true) and files (false). What is missing above them
    /// is added.
    pub fn stubs(view: &Overlay, places: &[(EntryPath, bool)]) -> Self {
        let mut part = Self { chosen: vec![false; view.len() + 1], ..Self::default() };
        part.chosen[0] = true;
        let mut stubs = BTreeSet::new();
        for (place, is_directory) in places {
            let mut missing = Some(place.clone());
            while let Some(path) = missing.filter(|path| !path.is_root()) {
                if let Some(node) = view.lookup(&path) {
                    if path != *place {
                        part.choose(node);
                    }
                    break;
                }
                stubs.insert((path.clone(), *is_directory || path != *place));
                missing = path.parent();
            }
        }
        part.stubs = stubs.into_iter().collect();
        part
    }

    /// The directories among the places for mounts.
    pub fn directories(&self) -> std::collections::HashSet<EntryPath> {
        self.stubs.iter().filter(|(_, is_directory)| *is_directory).map(|(path, _)| path.clone()).collect()
    }

    /// All of the view, and places for mounts that it does not have.
    #[must_use]
    pub fn whole(view: &Overlay, places: &[(EntryPath, bool)]) -> Self {
        Self { chosen: vec![true; view.len() + 1], ..Self::stubs(view, places) }
    }

    /// Whether it has nothing but the root.
    pub fn is_empty(&self) -> bool {
        self.whiteouts.is_empty() && self.stubs.is_empty() && !self.chosen.iter().skip(1).any(|chosen| *chosen)
    }

    /// Whether a name is in it.
    pub(super) fn has(&self, node: ViewNode<'_>) -> bool {
        self.chosen[node.id()]
    }

    /// Adds a name and the directories above it.
    fn choose(&mut self, node: ViewNode<'_>) {
        let mut next = Some(node);
        while let Some(node) = next.filter(|node| !self.chosen[node.id()]) {
            self.chosen[node.id()] = true;
            next = node.parent();
        }
    }

    /// Adds whiteouts for what is in a directory of the lower view only.
    fn hide(&mut self, lower: ViewNode<'_>, upper: ViewNode<'_>) {
        let mut is_hiding = false;
        for old in lower.children().filter(|old| upper.child(old.name()).is_none()) {
            self.whiteouts.push(old.path());
            is_hiding = true;
        }
        if is_hiding {
            self.choose(upper);
        }
    }
}

/// Whether a name of the view is not the same as in the lower one.
fn is_new(old: Option<ViewNode<'_>>, node: ViewNode<'_>, layers: usize) -> bool {
    let Some(old) = old else { return true };
    let is_same = old.kind() == node.kind() && (old.layer(), old.source()) == (node.layer(), node.source());
    !is_same || node.layer() >= layers || old.link_count() != node.link_count()
}
