//! All paths of all layers as one tree, in which each has a number.

use std::collections::BTreeMap;
use std::rc::Rc;

/// The number of a path; the root is 0.
pub(super) type Id = u32;

/// The most paths of all layers, directories that are only implied included; each takes about 120 bytes.
pub(super) const MOST_PATHS: usize = 8_000_000;

/// The tree.
#[derive(Debug)]
pub(super) struct Paths {
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    parent: Id,
    name: Rc<[u8]>,
    children: BTreeMap<Rc<[u8]>, Id>,
}

/// More than [`MOST_PATHS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooManyPaths;

impl Paths {
    /// Only the root.
    pub(super) fn new() -> Self {
        Self { nodes: vec![Node { parent: 0, name: Rc::from(&b""[..]), children: BTreeMap::new() }] }
    }

    /// The number of paths, the root included.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The child of that name, which is made if it is new.
    pub(super) fn child(&mut self, parent: Id, name: &[u8]) -> Result<Id, TooManyPaths> {
        if let Some(id) = self.nodes[parent as usize].children.get(name) {
            return Ok(*id);
        }
        if self.nodes.len() >= MOST_PATHS {
            return Err(TooManyPaths);
        }
        let id = Id::try_from(self.nodes.len()).expect("fewer than the most");
        let name: Rc<[u8]> = Rc::from(name);
        self.nodes.push(Node { parent, name: Rc::clone(&name), children: BTreeMap::new() });
        self.nodes[parent as usize].children.insert(name, id);
        Ok(id)
    }

    /// The child of that name, if there is one.
    pub(super) fn get(&self, parent: Id, name: &[u8]) -> Option<Id> {
        self.nodes[parent as usize].children.get(name).copied()
    }

    pub(super) fn parent(&self, id: Id) -> Id {
        self.nodes[id as usize].parent
    }

    pub(super) fn name(&self, id: Id) -> &[u8] {
        &self.nodes[id as usize].name
    }

    /// The children, sorted by name.
    pub(super) fn children(&self, id: Id) -> impl Iterator<Item = Id> {
        self.nodes[id as usize].children.values().copied()
    }

    /// The path with a slash in front.
    pub(super) fn path(&self, mut id: Id) -> Vec<u8> {
        let mut names = Vec::new();
        while id != 0 {
            names.push(self.name(id));
            id = self.parent(id);
        }
        let mut path = Vec::new();
        for name in names.into_iter().rev() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        if path.is_empty() { b"/".to_vec() } else { path }
    }

    /// The place of each path if children come before their parent, and siblings by name.
    pub(super) fn ranks(&self) -> Vec<u32> {
        let (mut ranks, mut next) = (vec![0; self.nodes.len()], 0);
        let mut stack = vec![(0, self.nodes[0].children.values())];
        while let Some((id, children)) = stack.last_mut() {
            if let Some(child) = children.next() {
                let below = self.nodes[*child as usize].children.values();
                stack.push((*child, below));
            } else {
                ranks[*id as usize] = next;
                next += 1;
                stack.pop();
            }
        }
        ranks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_come_first_and_siblings_by_name() {
        let mut paths = Paths::new();
        let b = paths.child(0, b"b").expect("room");
        let a = paths.child(0, b"a").expect("room");
        let c = paths.child(b, b"c").expect("room");
        assert_eq!(paths.child(b, b"c"), Ok(c));
        assert_eq!((paths.get(0, b"c"), paths.get(b, b"c"), paths.len()), (None, Some(c), 4));
        let mut order = [0, a, b, c];
        let ranks = paths.ranks();
        order.sort_by_key(|id| ranks[*id as usize]);
        assert_eq!(order, [a, c, b, 0]);
        assert_eq!((paths.path(c), paths.path(0)), (b"/b/c".to_vec(), b"/".to_vec()));
    }
}
