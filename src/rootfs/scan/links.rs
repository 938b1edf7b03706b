//! Hard links: which names of a file must be in the layer together.
//!
//! A hard link to a file of a lower layer is not understood by every engine, so a file with any new, changed or newly
//! linked name is in the layer with all its names, as when docker copies it up.

use std::collections::{HashMap, HashSet};

use super::item::{ScanItem, ScanState};

/// Marks all names of a file as changed unless they are exactly as in the image, and links the later ones to the first.
pub(super) fn gather(items: &mut [ScanItem]) {
    let mut files: HashMap<(u64, u64), Vec<usize>> = HashMap::new();
    for (place, item) in items.iter().enumerate() {
        if let Some(inode) = item.inode() {
            files.entry(inode).or_default().push(place);
        }
    }
    let mut files: Vec<Vec<usize>> = files.into_values().collect();
    files.sort_unstable();
    let mut taken = HashSet::new();
    for names in files {
        if is_intact(items, &names, &mut taken) {
            continue;
        }
        for &name in &names {
            if items[name].state == ScanState::Same {
                items[name].state = ScanState::Changed;
            }
        }
        join(items, &names);
    }
}

/// Whether all names are of one unchanged file of the image, from which no other file on disk originates.
fn is_intact(items: &[ScanItem], names: &[usize], taken: &mut HashSet<u32>) -> bool {
    let first = &items[names[0]];
    let alike = |name: &usize| items[*name].state == ScanState::Same && items[*name].group() == first.group();
    if !names.iter().all(alike) {
        return false;
    }
    match first.group() {
        0 => names.len() == 1,
        group => taken.insert(group),
    }
}

/// Makes all names hard links to the first.
fn join(items: &mut [ScanItem], names: &[usize]) {
    let target = items[names[0]].path.clone();
    for &name in &names[1..] {
        items[name].link = Some(Box::new(target.clone()));
    }
}
