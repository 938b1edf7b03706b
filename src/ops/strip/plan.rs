//! What stays of a layer, and in which form.

use std::collections::HashMap;

use super::resolve::Resolver;
use crate::dockerfile::Patterns;
use crate::layer::overlay::{LastLink, Overlay, ViewNode};
use crate::layer::{Entry, EntryKind, EntryPath, Whiteout};
use crate::ops::look::Place;
use crate::ops::{Error, RemakeError};

/// A path that a layer has no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedPath {
    /// The path.
    pub path: EntryPath,
    /// The size of the file in bytes; 0 for whatever has no content of its own.
    pub size: u64,
}

/// What becomes of a layer that does not stay as it is.
pub(super) struct LayerPlan {
    /// What it still has, in order.
    pub(super) members: Vec<StripMember>,
    /// What it has no longer, in order.
    pub(super) removed: Vec<RemovedPath>,
}

/// A member of the new layer.
pub(super) struct StripMember {
    /// What it is.
    pub(super) entry: Entry,
    /// Where its content is if it was another file's, which was removed.
    pub(super) taken_over: Option<Place>,
}

/// A file that may have several names.
struct Inode {
    /// What it is, under its first name.
    entry: Entry,
    place: Place,
    /// A name of it that stays.
    kept: Option<EntryPath>,
}

/// Decides about a layer.
pub(super) struct Planner<'a> {
    layer: usize,
    patterns: &'a Patterns,
    /// Gives the view of the layers below.
    lower: &'a dyn Fn() -> Result<Overlay, Error>,
    below: Option<Overlay>,
    resolver: Resolver,
    inodes: Vec<Inode>,
    /// The names of files, by where they lead.
    names: HashMap<EntryPath, usize>,
    members: Vec<StripMember>,
    removed: Vec<RemovedPath>,
    is_touched: bool,
}

impl<'a> Planner<'a> {
    pub(super) fn new(layer: usize, patterns: &'a Patterns, lower: &'a dyn Fn() -> Result<Overlay, Error>) -> Self {
        Self {
            layer,
            patterns,
            lower,
            below: None,
            resolver: Resolver::default(),
            inodes: Vec::new(),
            names: HashMap::new(),
            members: Vec::new(),
            removed: Vec::new(),
            is_touched: false,
        }
    }

    /// The plan for a layer with these entries; none if it stays as it is.
    pub(super) fn plan(mut self, entries: Vec<Entry>) -> Result<Option<LayerPlan>, Error> {
        for entry in entries {
            self.look(entry)?;
        }
        Ok(self.is_touched.then_some(LayerPlan { members: self.members, removed: self.removed }))
    }

    fn look(&mut self, mut entry: Entry) -> Result<(), Error> {
        if entry.is_reserved() || entry.path.is_root() {
            self.keep(entry, None);
            return Ok(());
        }
        entry.path = self.resolver.resolve(&entry.path);
        if let Some(whiteout) = entry.whiteout() {
            let directory = entry.path.parent().unwrap_or_default();
            let hidden = match whiteout {
                Whiteout::Entry(name) => directory.join(&name).unwrap_or(directory),
                Whiteout::Opaque => directory,
            };
            // What it hides is in no layer any more, and its name would still be told.
            if self.is_removed(&hidden) {
                self.remove(entry.path, 0);
            } else {
                self.keep(entry, None);
            }
            return Ok(());
        }
        self.resolver.note(&entry.path, &entry.kind);
        let is_removed = self.is_removed(&entry.path);
        match entry.kind.clone() {
            EntryKind::Hardlink { target } => self.link(entry, &target, is_removed),
            EntryKind::Directory => {
                self.names.remove(&entry.path);
                if is_removed {
                    self.remove(entry.path, 0);
                } else {
                    self.keep(entry, None);
                }
                Ok(())
            }
            _ => {
                let (layer, offset) = (self.layer, entry.content_offset);
                let kept = (!is_removed).then(|| entry.path.clone());
                self.names.insert(entry.path.clone(), self.inodes.len());
                self.inodes.push(Inode { entry: entry.clone(), place: Place { layer, offset }, kept });
                if is_removed {
                    self.remove(entry.path, entry.size);
                } else {
                    self.keep(entry, None);
                }
                Ok(())
            }
        }
    }

    /// A further name of a file: if the name that has the content was removed, it takes the content over.
    fn link(&mut self, mut link: Entry, target: &EntryPath, is_removed: bool) -> Result<(), Error> {
        let target = self.resolver.resolve(target);
        let number = match self.names.get(&target) {
            Some(number) => *number,
            None => self.inode_below(&target)?,
        };
        self.names.insert(link.path.clone(), number);
        if is_removed {
            self.remove(link.path, 0);
            return Ok(());
        }
        let still = |name: &&EntryPath| self.names.get(*name).is_none_or(|other| *other == number);
        if let Some(first) = self.inodes[number].kept.as_ref().filter(still) {
            self.is_touched |= *first != target;
            link.kind = EntryKind::Hardlink { target: first.clone() };
            self.keep(link, None);
            return Ok(());
        }
        let Inode { entry, place, .. } = &self.inodes[number];
        let place = (entry.kind == EntryKind::File).then_some(*place);
        let entry = taken_over(entry, &link);
        self.inodes[number].kept = Some(link.path);
        self.is_touched = true;
        self.keep(entry, place);
        Ok(())
    }

    /// A file of the layers below.
    fn inode_below(&mut self, path: &EntryPath) -> Result<usize, Error> {
        if self.below.is_none() {
            self.below = Some((self.lower)()?);
        }
        let view = self.below.as_ref().expect("it was just made");
        let found = view.follow(path.as_bytes(), LastLink::Keep);
        let node = found.map_err(|_| RemakeError::DanglingLink { target: path.to_string() })?;
        let kept = Some(path.clone()).filter(|path| !self.is_removed(path));
        let place = Place::of(node).unwrap_or(Place { layer: node.layer(), offset: 0 });
        let inode = Inode { entry: entry_of(node), place, kept };
        self.inodes.push(inode);
        Ok(self.inodes.len() - 1)
    }

    fn is_removed(&self, path: &EntryPath) -> bool {
        !path.is_root() && self.patterns.excludes(path.as_bytes())
    }

    fn keep(&mut self, entry: Entry, taken_over: Option<Place>) {
        self.members.push(StripMember { entry, taken_over });
    }

    fn remove(&mut self, path: EntryPath, size: u64) {
        self.is_touched = true;
        self.removed.push(RemovedPath { path, size });
    }
}

/// A file under the name of a link, whose header describes it again, as when the layer is unpacked.
fn taken_over(file: &Entry, link: &Entry) -> Entry {
    let mut xattrs = file.xattrs.clone();
    xattrs.retain(|(name, _)| link.xattrs.iter().all(|(other, _)| other != name));
    xattrs.extend(link.xattrs.iter().cloned());
    xattrs.sort();
    let is_link = matches!(file.kind, EntryKind::Symlink { .. });
    Entry {
        path: link.path.clone(),
        uid: link.uid,
        gid: link.gid,
        mode: if is_link { file.mode } else { link.mode },
        mtime: if is_link { file.mtime } else { link.mtime },
        xattrs,
        ..file.clone()
    }
}

/// A name of a view as the entry of a layer.
fn entry_of(node: ViewNode<'_>) -> Entry {
    let source = node.source();
    Entry {
        path: node.path(),
        kind: node.kind().into(),
        mode: node.mode(),
        uid: node.uid(),
        gid: node.gid(),
        mtime: node.mtime(),
        size: node.size(),
        xattrs: node.xattrs().to_vec(),
        content_offset: source.map_or(0, |source| source.content_offset),
        sparse: source.and_then(|source| source.sparse.cloned()),
        checksum: source.map_or(crate::layer::Checksum::EMPTY, |source| source.checksum),
    }
}
