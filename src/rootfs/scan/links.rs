//! Hard links: which names of a file have to be in the layer together.
//!
//! A layer cannot say "another name of a file below, and no copy of it" in a way that every engine understands, so that a
//! file that has any new, changed or newly joined name is in the layer as a whole, as it is when docker copies it up.

use std::collections::{HashMap, HashSet};

use super::item::{ScanItem, ScanState};

/// Marks all names of files that are not just as the image has them as changed, and lets the later ones link to the first.
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

/// Whether a file's names are all of one file of the image, unchanged, and no other file here has that origin.
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

/// Makes all names but the first hard links to it.
fn join(items: &mut [ScanItem], names: &[usize]) {
    let target = items[names[0]].path.clone();
    for &name in &names[1..] {
        items[name].link = Some(Box::new(target.clone()));
    }
}
