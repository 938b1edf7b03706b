//! dive's figures: how efficient an image is, and what it wastes.
//!
//! The formulas are those of dive, with all that they do at the edges, so that its thresholds mean the same here:
//!
//! - What counts are the leaves of each layer's tree: files, and directories in which the layer has nothing. All sizes
//!   that a path has in all layers are added up; a whiteout of a directory counts as much as all that it hides, a
//!   whiteout of anything else counts 0.
//! - The efficiency is the sum of the smallest size of each path, divided by the sum of all of its sizes.
//! - A path that is in two layers or more is inefficient, and all of its sizes are wasted, the first one too.
//! - A whiteout that hides nothing ends the count of its layer.
//! - Opaque whiteouts do not count, and what they hide stays.

use std::collections::HashMap;

use super::paths::Id;
use super::trees::{Payload, Trees};

/// dive's figures of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// From 0 to 1.
    pub efficiency: f64,
    /// The sizes of all layers.
    pub size: u64,
    /// The sizes of all layers but the lowest.
    pub user_size: u64,
    /// The sizes of all [`inefficient`](Self::inefficient) paths.
    pub wasted: u64,
    /// What is in several layers, the largest first.
    pub inefficient: Vec<Inefficient>,
}

/// A path that is in several layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inefficient {
    /// The path, with a slash in front.
    pub path: Vec<u8>,
    /// In how many layers it is, whiteouts included.
    pub count: usize,
    /// All of its sizes together.
    pub size: u64,
}

impl Figures {
    /// The wasted bytes as a part of all bytes but those of the lowest layer. As in dive it may be more than 1, and is
    /// infinite or no number if there is no other layer.
    #[expect(clippy::cast_precision_loss, reason = "as dive does")]
    pub fn user_wasted(&self) -> f64 {
        self.wasted as f64 / self.user_size as f64
    }

    pub(super) fn of(trees: &Trees) -> Self {
        let mut count = Count { trees, below: Stacked::new(trees), seen: HashMap::new(), twice: Vec::new() };
        for layer in 0..trees.layers.len() {
            count.layer(layer);
            count.below.add(layer);
        }
        count.finish()
    }
}

/// What was seen of a path.
#[derive(Debug, Clone, Copy)]
struct Seen {
    count: usize,
    total: u64,
    least: u64,
}

struct Count<'t> {
    trees: &'t Trees,
    below: Stacked<'t>,
    seen: HashMap<Id, Seen>,
    /// The paths that were seen twice, in the order in which they were.
    twice: Vec<Id>,
}

impl Count<'_> {
    fn layer(&mut self, layer: usize) {
        let mut sums = HashMap::new();
        for node in self.trees.layers[layer].nodes.iter().filter(|node| node.is_leaf) {
            let (path, size) = match self.trees.hidden.get(&node.id) {
                None => (node.id, node.payload.size),
                Some(hidden) => match self.below.payload(*hidden) {
                    None => return,
                    Some(Payload { is_directory: false, .. }) => (*hidden, 0),
                    Some(_) => (*hidden, self.below.sum(*hidden, &mut sums)),
                },
            };
            let seen = self.seen.entry(path).or_insert(Seen { count: 0, total: 0, least: u64::MAX });
            seen.count += 1;
            seen.total = seen.total.saturating_add(size);
            seen.least = seen.least.min(size);
            if seen.count == 2 {
                self.twice.push(path);
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "as dive does")]
    fn finish(self) -> Figures {
        let sum = |of: fn(&Seen) -> u64| self.seen.values().map(of).fold(0, u64::saturating_add);
        let (least, total) = (sum(|seen| seen.least), sum(|seen| seen.total));
        let mut inefficient: Vec<Inefficient> = Vec::with_capacity(self.twice.len());
        for id in &self.twice {
            let Seen { count, total, .. } = self.seen[id];
            inefficient.push(Inefficient { path: self.trees.paths.path(*id), count, size: total });
        }
        inefficient.sort_by_key(|one| one.size);
        inefficient.reverse();
        let sizes = || self.trees.layers.iter().map(|layer| layer.size);
        Figures {
            efficiency: if total == 0 { 1.0 } else { least as f64 / total as f64 },
            size: sizes().fold(0, u64::saturating_add),
            user_size: sizes().skip(1).fold(0, u64::saturating_add),
            wasted: inefficient.iter().map(|one| one.size).fold(0, u64::saturating_add),
            inefficient,
        }
    }
}

/// The layers that were added, on top of each other as dive stacks them.
struct Stacked<'t> {
    trees: &'t Trees,
    nodes: Vec<Option<Payload>>,
}

impl<'t> Stacked<'t> {
    /// Begins with a copy of the lowest layer, whiteouts and all; dive then stacks that layer on it once more.
    fn new(trees: &'t Trees) -> Self {
        let mut nodes = vec![None; trees.paths.len()];
        for node in trees.layers.iter().take(1).flat_map(|layer| &layer.nodes) {
            nodes[node.id as usize] = Some(node.payload);
        }
        Self { trees, nodes }
    }

    fn payload(&self, id: Id) -> Option<Payload> {
        self.nodes[id as usize]
    }

    fn add(&mut self, layer: usize) {
        for node in &self.trees.layers[layer].nodes {
            match self.trees.hidden.get(&node.id) {
                Some(hidden) => self.remove(*hidden),
                None => self.put(node.id, node.payload),
            }
        }
    }

    /// Sets the payload of a path; its parents are made, but say nothing yet.
    fn put(&mut self, id: Id, payload: Payload) {
        self.nodes[id as usize] = Some(payload);
        let mut parent = self.trees.paths.parent(id);
        while parent != 0 && self.nodes[parent as usize].is_none() {
            self.nodes[parent as usize] = Some(Payload::default());
            parent = self.trees.paths.parent(parent);
        }
    }

    fn remove(&mut self, id: Id) {
        let mut left = vec![id];
        while let Some(id) = left.pop() {
            if self.nodes[id as usize].take().is_some() {
                left.extend(self.trees.paths.children(id));
            }
        }
    }

    /// The sizes of all that is in a path, itself included; `known` keeps the sums of directories that were met.
    fn sum(&self, id: Id, known: &mut HashMap<Id, u64>) -> u64 {
        // Directories are met twice: before and after what is in them.
        let mut left = vec![(id, false)];
        let mut open: Vec<u64> = vec![0];
        while let Some((id, is_done)) = left.pop() {
            let Some(payload) = self.nodes[id as usize] else { continue };
            let sum = if is_done {
                let sum = open.pop().expect("one for each that was met").saturating_add(payload.size);
                known.insert(id, sum);
                sum
            } else if let Some(sum) = known.get(&id) {
                *sum
            } else {
                left.push((id, true));
                open.push(0);
                left.extend(self.trees.paths.children(id).map(|child| (child, false)));
                continue;
            };
            let top = open.last_mut().expect("the first stays");
            *top = top.saturating_add(sum);
        }
        open[0]
    }
}
