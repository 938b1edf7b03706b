//! How much is in directories.

use crate::layer::overlay::{Overlay, ViewNode};

/// The bytes of all files in each directory, by the numbers of nodes; of a file its own. Hard links count once, where
/// their first name is.
pub fn totals(view: &Overlay) -> Vec<u64> {
    let mut totals = vec![0_u64; view.len() + 1];
    let nodes: Vec<ViewNode<'_>> = view.iter().collect();
    for node in nodes.into_iter().rev() {
        let own = if node.is_directory() { totals[node.id()] } else { node.size() };
        totals[node.id()] = own;
        if let Some(parent) = node.parent().filter(|_| !node.is_further_name()) {
            totals[parent.id()] = totals[parent.id()].saturating_add(own);
        }
    }
    totals
}
