//! What each layer wrote, and what became of it: known waste, and files that a later layer deleted.

use std::collections::BTreeMap;

use super::paths::{Id, Paths};
use super::rules;
use crate::layer::whiteout::Whiteout;
use crate::layer::{Entry, EntryKind};

/// Files of a layer that a later layer deleted: their bytes stay in the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// What was deleted: a file, or a directory with all in it.
    pub path: Vec<u8>,
    /// The layer that wrote it, from the bottom, from 0.
    pub written: usize,
    /// The layer that deleted it.
    pub deleted: usize,
    /// How many files.
    pub files: u64,
    /// Their sizes.
    pub size: u64,
}

/// Files of a layer that images need not carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waste {
    /// What it is, by its place in the rules.
    pub(super) rule: usize,
    /// The layer that brought it, from the bottom, from 0.
    pub layer: usize,
    /// The lowest directory that has all of it.
    pub directory: Vec<u8>,
    /// How many files.
    pub files: u64,
    /// Their sizes.
    pub size: u64,
    /// How much of it a later layer hid, which makes the image no smaller.
    pub hidden: u64,
}

/// What is written at a path.
#[derive(Debug, Clone, Copy)]
struct Written {
    layer: usize,
    size: u64,
    is_file: bool,
    /// Its waste.
    waste: Option<u32>,
}

/// What all layers wrote, as far as they were given.
#[derive(Debug, Default)]
pub(super) struct History {
    now: Vec<Option<Written>>,
    /// The waste of each rule and layer, by its place.
    places: BTreeMap<(usize, usize), u32>,
    pub(super) waste: Vec<Waste>,
    pub(super) deleted: Vec<Deleted>,
    /// How many bytes of files later layers wrote again.
    pub(super) replaced: u64,
}

impl History {
    /// Adds the next layer: its entries, and the paths of those that have one.
    pub(super) fn add(&mut self, layer: usize, entries: &[Entry], ids: &[Option<Id>], paths: &Paths) {
        self.now.resize(paths.len(), None);
        // Whiteouts hide what is in lower layers only, wherever they stand.
        for entry in entries {
            self.hide(layer, entry, paths);
        }
        let (mut directory, mut waste_here) = (None, None);
        for (entry, id) in entries.iter().zip(ids) {
            let Some(id) = *id else { continue };
            if entry.whiteout().is_some() || entry.is_reserved() {
                continue;
            }
            let is_file = entry.kind == EntryKind::File;
            if is_file && directory != Some(paths.parent(id)) {
                directory = Some(paths.parent(id));
                let path = paths.path(paths.parent(id));
                waste_here = rules::find(&slashed(&path)).map(|rule| self.waste_of(rule, layer, &path));
            }
            let waste = waste_here.filter(|_| is_file);
            if let Some(waste) = waste {
                let waste = &mut self.waste[waste as usize];
                waste.files += 1;
                waste.size = waste.size.saturating_add(entry.size);
            }
            self.put(id, Written { layer, size: entry.size, is_file, waste }, entry, paths);
        }
    }

    /// The waste of a rule in a layer, of which something is in that directory, too.
    fn waste_of(&mut self, rule: usize, layer: usize, directory: &[u8]) -> u32 {
        let next = u32::try_from(self.waste.len()).expect("as many as rules and layers");
        let place = *self.places.entry((rule, layer)).or_insert(next);
        if let Some(waste) = self.waste.get_mut(place as usize) {
            waste.directory = common(&waste.directory, directory);
        } else {
            let directory = directory.to_vec();
            self.waste.push(Waste { rule, layer, directory, files: 0, size: 0, hidden: 0 });
        }
        place
    }

    fn put(&mut self, id: Id, written: Written, entry: &Entry, paths: &Paths) {
        if entry.kind != EntryKind::Directory {
            let mut lost = BTreeMap::new();
            self.remove(id, written.layer, paths, &mut lost);
            let bytes = lost.values().map(|(_, size)| *size).fold(0, u64::saturating_add);
            self.replaced = self.replaced.saturating_add(bytes);
        }
        self.now[id as usize] = Some(written);
        let mut parent = paths.parent(id);
        while parent != 0 && self.now[parent as usize].is_none() {
            self.now[parent as usize] = Some(Written { layer: written.layer, size: 0, is_file: false, waste: None });
            parent = paths.parent(parent);
        }
    }

    fn hide(&mut self, layer: usize, entry: &Entry, paths: &Paths) {
        let Some(whiteout) = entry.whiteout() else { return };
        let parent = entry.path.parent().and_then(|parent| find(paths, parent.as_bytes()));
        let Some(parent) = parent else { return };
        let mut lost = BTreeMap::new();
        let path = match &whiteout {
            Whiteout::Entry(name) => {
                let Some(id) = paths.get(parent, name) else { return };
                self.remove(id, layer, paths, &mut lost);
                id
            }
            Whiteout::Opaque => {
                for child in paths.children(parent) {
                    self.remove(child, layer, paths, &mut lost);
                }
                parent
            }
        };
        for (written, (files, size)) in lost.into_iter().filter(|(_, (_, size))| *size > 0) {
            self.deleted.push(Deleted { path: paths.path(path), written, deleted: layer, files, size });
        }
    }

    /// Removes what lower layers wrote at a path and below; `lost` counts the files and bytes by layer.
    fn remove(&mut self, id: Id, layer: usize, paths: &Paths, lost: &mut BTreeMap<usize, (u64, u64)>) {
        let mut left = vec![id];
        while let Some(id) = left.pop() {
            let Some(written) = self.now[id as usize].take() else { continue };
            left.extend(paths.children(id));
            if !written.is_file || written.layer == layer {
                continue;
            }
            let (files, size) = lost.entry(written.layer).or_default();
            *files += 1;
            *size = size.saturating_add(written.size);
            if let Some(waste) = written.waste {
                let waste = &mut self.waste[waste as usize];
                waste.hidden = waste.hidden.saturating_add(written.size);
            }
        }
    }
}

fn find(paths: &Paths, path: &[u8]) -> Option<Id> {
    let mut names = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
    names.try_fold(0, |id, name| paths.get(id, name))
}

/// The lowest directory that has both.
fn common(one: &[u8], other: &[u8]) -> Vec<u8> {
    let names = |path| <[u8]>::split(path, |byte| *byte == b'/').filter(|name| !name.is_empty());
    let same = names(one).zip(names(other)).take_while(|(one, other)| one == other);
    let path: Vec<u8> = same.flat_map(|(name, _)| [b"/", name].concat()).collect();
    if path.is_empty() { b"/".to_vec() } else { path }
}

fn slashed(path: &[u8]) -> Vec<u8> {
    if path == b"/" { path.to_vec() } else { [path, b"/"].concat() }
}
