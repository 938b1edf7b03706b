//! What a layer must have, so that one view becomes another.

use std::collections::HashSet;

use crate::layer::overlay::{Children, LinkGroup, NodeKind, Overlay, ViewNode};
use crate::layer::whiteout::Whiteout;
use crate::ops::view_tar::ViewMembers;

/// The members of a layer that makes `upper` of `lower`, the view of the lowest layers of the same image. Whiteouts hide
/// something each; a directory of which nothing stays is opaque.
pub(super) fn changes<'v>(lower: &Overlay, upper: &'v Overlay) -> ViewMembers<'v> {
    let mut finder = Finder { is_written: vec![false; upper.len() + 1], hidden: Vec::new(), is_touched: false };
    let changed = changed_links(lower, upper);
    finder.walk(lower, upper, &changed);
    finder.into_members(upper)
}

struct Finder {
    /// By the numbers of names in the upper view.
    is_written: Vec<bool>,
    /// The whiteouts of directories of the upper view, by the directories' numbers, in order.
    hidden: Vec<(usize, Vec<Whiteout>)>,
    is_touched: bool,
}

/// A directory that is looked at.
struct Level<'v, 'l> {
    node: ViewNode<'v>,
    children: Children<'v>,
    below: Option<ViewNode<'l>>,
    /// Whether something in it is written.
    is_touched: bool,
}

impl Finder {
    fn walk(&mut self, lower: &Overlay, upper: &Overlay, changed: &HashSet<LinkGroup>) {
        let mut way = vec![self.enter(upper.root(), Some(lower.root()))];
        while let Some(level) = way.last_mut() {
            let Some(node) = level.children.next() else {
                let Level { node, is_touched, .. } = way.pop().expect("it was just looked at");
                self.leave(node, is_touched);
                if let Some(parent) = way.last_mut() {
                    parent.is_touched |= self.is_touched;
                }
                continue;
            };
            let below = level.below.and_then(|below| below.child(node.name()));
            if node.is_directory() {
                let next = self.enter(node, below);
                way.push(next);
                continue;
            }
            let is_changed = match node.link_group() {
                Some(group) => changed.contains(&group),
                None => !below.is_some_and(|below| is_same(node, below)),
            };
            self.is_written[node.id()] = is_changed;
            level.is_touched |= is_changed;
        }
    }

    /// Looks at a directory before its content.
    fn enter<'v, 'l>(&mut self, node: ViewNode<'v>, below: Option<ViewNode<'l>>) -> Level<'v, 'l> {
        let merged = below.filter(ViewNode::is_directory);
        let is_written = match (merged, below) {
            (Some(below), _) => !is_same(node, below) || node.is_listed() && !below.is_listed(),
            // In the place of something else, even where no layer has an entry for it.
            (None, Some(_)) => true,
            (None, None) => node.is_listed() || node.children().len() == 0,
        };
        self.is_written[node.id()] = is_written;
        let whiteouts = merged.map(|below| whiteouts(node, below)).unwrap_or_default();
        let is_touched = !whiteouts.is_empty();
        if is_touched {
            self.hidden.push((node.id(), whiteouts));
        }
        Level { node, children: node.children(), below: merged, is_touched }
    }

    /// Looks at a directory behind its content: as docker does, a layer has the directories above all that it has.
    fn leave(&mut self, node: ViewNode<'_>, is_touched: bool) {
        let is_written = &mut self.is_written[node.id()];
        *is_written |= is_touched && node.is_listed() && node.parent().is_some();
        self.is_touched = is_touched || *is_written;
    }

    fn into_members(mut self, upper: &Overlay) -> ViewMembers<'_> {
        self.hidden.sort_unstable_by_key(|(directory, _)| *directory);
        let mut members = ViewMembers::default();
        for node in std::iter::once(upper.root()).chain(upper) {
            if self.is_written[node.id()] {
                members.add(node);
            }
            let Ok(found) = self.hidden.binary_search_by_key(&node.id(), |(directory, _)| *directory) else { continue };
            for whiteout in &self.hidden[found].1 {
                let path = node.path().join(&whiteout.file_name()).expect("a name in a directory");
                members.add_whiteout(path);
            }
        }
        members
    }
}

/// What hides the names of a directory that are not there any more.
fn whiteouts(node: ViewNode<'_>, below: ViewNode<'_>) -> Vec<Whiteout> {
    let gone = |old: &ViewNode<'_>| node.child(old.name()).is_none();
    let missing: Vec<ViewNode<'_>> = below.children().filter(gone).collect();
    let is_replaced = |child: ViewNode<'_>| below.child(child.name()).is_none();
    if missing.len() > 1 && node.parent().is_some() && node.children().all(is_replaced) {
        return vec![Whiteout::Opaque];
    }
    missing.into_iter().map(|old| Whiteout::Entry(old.name().to_vec())).collect()
}

/// The files with several names of which one is not as below. All their names are written: they are one file only if
/// one layer has them.
fn changed_links(lower: &Overlay, upper: &Overlay) -> HashSet<LinkGroup> {
    let mut changed = HashSet::new();
    for node in upper {
        if let Some(group) = node.link_group()
            && !lower.lookup(&node.path()).is_some_and(|below| is_same(node, below))
        {
            changed.insert(group);
        }
    }
    changed
}

/// Whether a name is in two views of the same layers what one layer brought.
fn is_same(one: ViewNode<'_>, other: ViewNode<'_>) -> bool {
    let place = |node: ViewNode<'_>| {
        let source = node.source().filter(|_| node.kind() == NodeKind::File)?;
        Some((source.layer, source.content_offset, source.size))
    };
    let owner = |node: ViewNode<'_>| (node.mode(), node.uid(), node.gid(), node.mtime());
    one.kind() == other.kind()
        && place(one) == place(other)
        && owner(one) == owner(other)
        && one.xattrs() == other.xattrs()
}
