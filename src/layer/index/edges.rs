//! A hash table from directory and name to node, with four-byte slots: a million names take 8 MiB.

/// The index of a node.
pub(super) type Id = u32;

/// The root directory, which no edge leads to.
pub(super) const ROOT: Id = 0;

/// A name in a layer.
pub(super) struct IndexNode {
    /// The directory that it is in.
    pub(super) parent: Id,
    /// The hash of its directory and name, as bytes to avoid padding.
    pub(super) hash: [u8; 8],
    /// What it is.
    pub(super) what: u32,
}

impl IndexNode {
    fn hash(&self) -> u64 {
        u64::from_le_bytes(self.hash)
    }
}

/// Open addressing, at most three quarters full. The caller owns the nodes.
#[derive(Default)]
pub(super) struct Edges {
    /// Nodes; [`ROOT`] marks a free slot. The length is a power of two, or 0 initially.
    slots: Vec<Id>,
    used: usize,
}

impl Edges {
    /// Finds the node with this directory and hash.
    pub(super) fn find(&self, nodes: &[IndexNode], parent: Id, hash: u64) -> Option<Id> {
        self.slots.get(self.slot(nodes, parent, hash)).copied().filter(|&id| id != ROOT)
    }

    /// Sets the node of this directory and hash, replacing any previous one.
    pub(super) fn put(&mut self, nodes: &[IndexNode], parent: Id, hash: u64, id: Id) {
        if (self.used + 1) * 4 > self.slots.len() * 3 {
            self.grow(nodes);
        }
        let slot = self.slot(nodes, parent, hash);
        self.used += usize::from(self.slots[slot] == ROOT);
        self.slots[slot] = id;
    }

    /// The slot of this directory and hash, occupied or free.
    fn slot(&self, nodes: &[IndexNode], parent: Id, hash: u64) -> usize {
        let mut slot = self.first_slot(hash);
        while let Some(&id) = self.slots.get(slot).filter(|&&id| id != ROOT) {
            let node = &nodes[id as usize];
            if node.parent == parent && node.hash() == hash {
                break;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        slot
    }

    fn first_slot(&self, hash: u64) -> usize {
        let mask = self.slots.len().saturating_sub(1) as u64;
        usize::try_from(hash & mask).expect("a slot")
    }

    fn grow(&mut self, nodes: &[IndexNode]) {
        let slots = vec![ROOT; (self.slots.len() * 2).max(64)];
        let old = std::mem::replace(&mut self.slots, slots);
        for id in old.into_iter().filter(|&id| id != ROOT) {
            let node = &nodes[id as usize];
            let slot = self.slot(nodes, node.parent, node.hash());
            self.slots[slot] = id;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_nodes_of_few_hashes_are_told_apart() {
        let mut edges = Edges::default();
        let mut nodes = vec![IndexNode { parent: ROOT, hash: [0; 8], what: 0 }];
        for id in 1..=1000 {
            let (parent, hash) = (id / 7, u64::from(id % 7));
            assert_eq!(edges.find(&nodes, parent, hash), None);
            edges.put(&nodes, parent, hash, id);
            nodes.push(IndexNode { parent, hash: hash.to_le_bytes(), what: 0 });
        }
        for id in 1..=1000 {
            assert_eq!(edges.find(&nodes, id / 7, u64::from(id % 7)), Some(id));
        }
        edges.put(&nodes, 0, 3, 1001);
        nodes.push(IndexNode { parent: 0, hash: 3_u64.to_le_bytes(), what: 0 });
        assert_eq!((edges.find(&nodes, 0, 3), edges.used), (Some(1001), 1000));
        assert_eq!(edges.find(&nodes, 1, 1 << 32), None);
    }
}
