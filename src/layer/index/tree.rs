//! A layer applied to an empty directory: only names, kinds and sizes, to validate it and compute its size.
//!
//! This is docker's notion of a layer's size: it unpacks each layer by itself and sums up the result. So of a repeated
//! path the last counts, a directory replaced by a file loses its content, and hard links count once, even if the first
//! name is gone. Parents that are symbolic links of the layer are followed inside it.
//!
//! Names are not kept: a node has the hash of its parent and its name, randomly keyed so that nobody can provoke
//! collisions. That is about 40 bytes per entry in all.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use super::edges::{Edges, Id, IndexNode, ROOT};
use crate::layer::entry::{Entry, EntryKind};
use crate::layer::limits::Limits;
use crate::layer::path::{EntryPath, split_last};
use crate::layer::route::{Gaps, Lost, Names, Passage, Walker};

/// Why a layer cannot be unpacked, even by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// A parent of an entry is not a directory.
    #[error("{path}: a parent is not a directory")]
    NotADirectory {
        /// The entry.
        path: EntryPath,
    },
    /// Its parents are a loop of symbolic links, or too many of them.
    #[error("{path}: too many levels of symbolic links")]
    Loop {
        /// The entry.
        path: EntryPath,
    },
    /// A hard link to a directory.
    #[error("hard link {path} to a directory")]
    LinkToDirectory {
        /// The link.
        path: EntryPath,
    },
    /// A hard link to itself through a symbolic link.
    #[error("hard link {path} to itself")]
    LinkToSelf {
        /// The link.
        path: EntryPath,
    },
    /// More names than are allowed.
    #[error("layer has more than {limit} names")]
    TooManyNames {
        /// The limit.
        limit: u64,
    },
    /// The link targets exceed the limit.
    #[error("layer has more than {limit} bytes of link targets")]
    TooMuchLinkText {
        /// The limit, in bytes.
        limit: u64,
    },
}

/// The names of a layer so far.
pub(super) struct LayerTree {
    nodes: Vec<IndexNode>,
    edges: Edges,
    hasher: RandomState,
    /// The sizes of files and symbolic links.
    inodes: Vec<u64>,
    /// The ranges in `text` of symbolic links' targets, by inode.
    symlinks: HashMap<u32, (usize, usize)>,
    text: Vec<u8>,
    missing: HashSet<EntryPath>,
    missing_text: usize,
    /// The directory that was looked up last.
    recent: Option<(Vec<u8>, Id)>,
    walker: Walker,
    entries_limit: u64,
    text_limit: u64,
}

const DIRECTORY: u32 = u32::MAX;
/// Replaced by another node.
const GONE: u32 = u32::MAX - 1;
/// Devices, pipes, and hard links to what is not in this layer: their size is 0 or unknown.
const SIZELESS: u32 = u32::MAX - 2;

impl LayerTree {
    /// An empty directory.
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            nodes: vec![IndexNode { parent: ROOT, hash: [0; 8], what: DIRECTORY }],
            edges: Edges::default(),
            hasher: RandomState::new(),
            inodes: Vec::new(),
            symlinks: HashMap::new(),
            text: Vec::new(),
            missing: HashSet::new(),
            missing_text: 0,
            recent: None,
            walker: Walker::default(),
            entries_limit: limits.entries.min(u64::from(SIZELESS - 1)),
            text_limit: limits.link_text,
        }
    }

    /// Applies the next entry of the layer. Whiteouts act on other layers and change nothing.
    pub(super) fn apply(&mut self, entry: &Entry) -> Result<(), TreeError> {
        if entry.path.is_root() || entry.whiteout().is_some() || entry.is_reserved() {
            return Ok(());
        }
        let (parent, name) = split_last(entry.path.as_bytes());
        let parent = self.directory(parent, entry)?;
        let old = self.find(parent, name);
        let what = match &entry.kind {
            EntryKind::Directory if old.is_some_and(|old| self.what(old) == DIRECTORY) => return Ok(()),
            EntryKind::Directory => DIRECTORY,
            EntryKind::File => self.inode(entry.size),
            EntryKind::Symlink { target } => self.symlink(target)?,
            EntryKind::Hardlink { target } => self.link_target(target, old, entry)?,
            EntryKind::CharDevice { .. } | EntryKind::BlockDevice { .. } | EntryKind::Fifo => SIZELESS,
        };
        self.put(parent, name, old, what)
    }

    /// Docker's size of the layer.
    pub(super) fn content_size(&self) -> u64 {
        let mut alive = vec![false; self.nodes.len()];
        let mut counted = vec![false; self.inodes.len()];
        let mut sum = 0_u64;
        for (id, node) in self.nodes.iter().enumerate() {
            // Parents come before their children.
            alive[id] = node.what != GONE && (id == 0 || alive[node.parent as usize]);
            let Some(size) = self.inodes.get(node.what as usize) else {
                continue;
            };
            if alive[id] && !std::mem::replace(&mut counted[node.what as usize], true) {
                sum = sum.saturating_add(*size);
            }
        }
        sum
    }

    /// The targets of hard links that did not exist when the link was applied, sorted.
    pub(super) fn into_missing(self) -> Vec<EntryPath> {
        let mut missing: Vec<_> = self.missing.into_iter().collect();
        missing.sort_unstable();
        missing
    }

    /// The directory of an entry, created if missing.
    fn directory(&mut self, path: &[u8], entry: &Entry) -> Result<Id, TreeError> {
        if let Some((recent, id)) = &self.recent
            && recent == path
        {
            return Ok(*id);
        }
        let id = self.walk(path, Gaps::Fill, &entry.path)?.expect("what is not there is made");
        self.recent = Some((path.to_vec(), id));
        Ok(id)
    }

    /// The directory at a path, following symbolic links.
    fn walk(&mut self, path: &[u8], gaps: Gaps, entry: &EntryPath) -> Result<Option<Id>, TreeError> {
        let mut walker = std::mem::take(&mut self.walker);
        let found = walker.walk(self, ROOT, path, gaps);
        self.walker = walker;
        found.map_err(|lost| match lost {
            Lost::NotADirectory => TreeError::NotADirectory { path: entry.clone() },
            Lost::Loop => TreeError::Loop { path: entry.clone() },
            Lost::Make(error) => error,
        })
    }

    fn inode(&mut self, size: u64) -> u32 {
        let inode = u32::try_from(self.inodes.len()).expect("not more inodes than entries, which are limited");
        self.inodes.push(size);
        inode
    }

    fn symlink(&mut self, target: &[u8]) -> Result<u32, TreeError> {
        let start = self.text.len();
        self.text.extend_from_slice(target);
        self.check_text()?;
        let inode = self.inode(target.len() as u64);
        self.symlinks.insert(inode, (start, self.text.len()));
        Ok(inode)
    }

    /// The inode of a hard link's target. The last component is not followed.
    fn link_target(&mut self, target: &EntryPath, old: Option<Id>, entry: &Entry) -> Result<u32, TreeError> {
        let path = || entry.path.clone();
        let (parent, name) = split_last(target.as_bytes());
        let node = self.walk(parent, Gaps::Stop, &entry.path)?.and_then(|parent| self.find(parent, name));
        match node {
            None => {
                if self.missing.insert(target.clone()) {
                    self.missing_text += target.as_bytes().len() + size_of::<EntryPath>();
                }
                self.check_text()?;
                Ok(SIZELESS)
            }
            Some(node) if self.what(node) == DIRECTORY => Err(TreeError::LinkToDirectory { path: path() }),
            Some(_) if node == old => Err(TreeError::LinkToSelf { path: path() }),
            Some(node) => Ok(self.what(node)),
        }
    }

    fn check_text(&self) -> Result<(), TreeError> {
        let limit = self.text_limit;
        if (self.text.len() + self.missing_text) as u64 > limit {
            return Err(TreeError::TooMuchLinkText { limit });
        }
        Ok(())
    }

    /// Puts a new node into a directory, replacing an old one.
    fn put(&mut self, parent: Id, name: &[u8], old: Option<Id>, what: u32) -> Result<(), TreeError> {
        let Some(old) = old else {
            return self.add(parent, name, what).map(drop);
        };
        let was = std::mem::replace(&mut self.nodes[old as usize].what, GONE);
        if was == DIRECTORY || self.symlinks.contains_key(&was) {
            self.recent = None;
        }
        self.add(parent, name, what).map(drop)
    }

    fn what(&self, id: Id) -> u32 {
        self.nodes[id as usize].what
    }

    fn find(&self, parent: Id, name: &[u8]) -> Option<Id> {
        self.edges.find(&self.nodes, parent, self.hash(parent, name))
    }

    /// Adds a node to a directory, replacing one of the same name.
    fn add(&mut self, parent: Id, name: &[u8], what: u32) -> Result<Id, TreeError> {
        let limit = self.entries_limit;
        let id = Id::try_from(self.nodes.len()).ok().filter(|&id| u64::from(id) <= limit);
        let id = id.ok_or(TreeError::TooManyNames { limit })?;
        let hash = self.hash(parent, name);
        self.edges.put(&self.nodes, parent, hash, id);
        self.nodes.push(IndexNode { parent, hash: hash.to_le_bytes(), what });
        Ok(id)
    }

    fn hash(&self, parent: Id, name: &[u8]) -> u64 {
        self.hasher.hash_one((parent, name))
    }
}

impl Names for LayerTree {
    type Error = TreeError;

    fn child(&self, directory: Id, name: &[u8]) -> Option<Id> {
        self.find(directory, name)
    }

    fn parent(&self, directory: Id) -> Id {
        self.nodes[directory as usize].parent
    }

    fn step(&self, name: Id) -> Passage<'_> {
        let what = self.what(name);
        match self.symlinks.get(&what) {
            Some(&(start, end)) => Passage::Symlink(&self.text[start..end]),
            None if what == DIRECTORY => Passage::Directory,
            None => Passage::Other,
        }
    }

    fn make(&mut self, directory: Id, name: &[u8]) -> Result<Id, TreeError> {
        self.add(directory, name, DIRECTORY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::checksum::Checksum;
    use crate::layer::mtime::Mtime;

    /// `d/` is a directory, `f 5` a file of five bytes, `l -> t` a symbolic and `l = t` a hard link.
    fn entry(text: &str) -> Entry {
        let path = |text: &str| EntryPath::new(text.as_bytes()).expect("a valid path");
        let (name, kind, size) = if let Some((name, target)) = text.split_once(" -> ") {
            (name, EntryKind::Symlink { target: target.into() }, 0)
        } else if let Some((name, target)) = text.split_once(" = ") {
            (name, EntryKind::Hardlink { target: path(target) }, 0)
        } else if let Some((name, size)) = text.split_once(' ') {
            (name, EntryKind::File, size.parse().expect("a number"))
        } else {
            (text, EntryKind::Directory, 0)
        };
        let path = path(name);
        let (mtime, xattrs) = (Mtime::default(), Vec::new());
        Entry {
            path,
            kind,
            mode: 0,
            uid: 0,
            gid: 0,
            mtime,
            size,
            xattrs,
            content_offset: 0,
            sparse: None,
            checksum: Checksum::EMPTY,
        }
    }

    fn tree(entries: &[&str]) -> Result<LayerTree, TreeError> {
        let mut tree = LayerTree::new(&Limits { entries: 100, link_text: 100, ..Limits::default() });
        entries.iter().try_for_each(|text| tree.apply(&entry(text)))?;
        Ok(tree)
    }

    #[test]
    fn sizes_are_those_of_the_unpacked_layer() {
        let table: &[(&[&str], u64)] = &[
            (&[], 0),
            (&["./"], 0),
            // Docker's own: 1000 and its hard link, 5000, a symbolic link of ten bytes.
            (&["a 1000", "b = a", "c 5000", "d -> 0123456789"], 6010),
            (&["a/b/c 5"], 5),
            (&["a/.wh.b 7", "a/.wh..wh..opq 7", ".wh..wh.plnk/x 7", "a/b 3"], 3),
            // Of a repeated path the last counts.
            (&["a 5", "a 7"], 7),
            (&["a 5", "./a 7", "/a 2"], 2),
            (&["a 5", "a/"], 0),
            (&["a 5", "a -> xyz"], 3),
            // A replaced directory loses its content, and is empty when it comes back.
            (&["a/b 5", "a/c/d 6", "a 7"], 7),
            (&["a/b 5", "a 7", "a/", "a/c 1"], 1),
            (&["a/b 5", "a 7", "a/", "a/b 1"], 1),
            (&["a/", "a/b 5", "a/"], 5),
            (&["a/b 5", "a -> c", "c/b 2", "a/b 1"], 2),
            // A file exists as long as one of its names.
            (&["a 5", "b = a", "a 7"], 12),
            (&["a 5", "b = a", "b 7"], 12),
            (&["a 5", "b = a", "a 7", "b 1"], 8),
            (&["a 5", "b = a", "b = a"], 5),
            (&["d/a 5", "b = d/a", "d 1"], 6),
            (&["a -> xyz", "b = a"], 3),
            // Parents that are symbolic links are followed inside.
            (&["d/", "l -> d", "l/a 5", "d/a 7"], 1 + 7),
            (&["l -> /d/e", "l/a 5", "d/e/a 7"], 4 + 7),
            (&["l -> ../../d", "l/a 5", "d/a 7"], 7 + 7),
            (&["x/l -> ./../d//", "x/l/a 5", "d/a 7"], 8 + 7),
            (&["l -> m", "m -> d", "l/a 5", "d/a 7", "h = l/a"], 2 + 7),
            // A symbolic link among the parents can change.
            (&["d/a 5", "l -> d", "l/a 6", "l -> e", "l/a 7"], 6 + 1 + 7),
            // Unknown targets have no size here.
            (&["a = lower/file", "b = a"], 0),
        ];
        for (entries, expected) in table {
            assert_eq!(tree(entries).map(|tree| tree.content_size()), Ok(*expected), "{entries:?}");
        }
    }

    #[test]
    fn targets_that_are_not_there_yet_are_told() {
        let tree = tree(&["a = later", "later 5", "b = later", "c = x/y", "d = x/y"]).expect("nothing wrong");
        let missing: Vec<_> = tree.into_missing().iter().map(ToString::to_string).collect();
        assert_eq!(missing, ["later", "x/y"]);
    }

    #[test]
    fn what_no_file_system_takes_is_refused() {
        let path = |text: &str| EntryPath::new(text.as_bytes()).expect("a valid path");
        let many: Vec<String> = (0..101).map(|at| format!("{at} 1")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let long = format!("l -> {}", "x".repeat(101));
        let table: &[(&[&str], TreeError)] = &[
            (&["a 5", "a/b 5"], TreeError::NotADirectory { path: path("a/b") }),
            (&["a 5", "l -> a", "l/b/c 5"], TreeError::NotADirectory { path: path("l/b/c") }),
            (&["l -> l", "l/a 5"], TreeError::Loop { path: path("l/a") }),
            (&["l -> m", "m -> x/../l", "x/", "l/a 5"], TreeError::Loop { path: path("l/a") }),
            (&["d/", "l = d"], TreeError::LinkToDirectory { path: path("l") }),
            (&["d/a 5", "l -> d", "l/a = d/a"], TreeError::LinkToSelf { path: path("l/a") }),
            (&many, TreeError::TooManyNames { limit: 100 }),
            (&[&"a/".repeat(101)], TreeError::TooManyNames { limit: 100 }),
            (&[&long], TreeError::TooMuchLinkText { limit: 100 }),
            (
                &["a = 1234567890/1234567890/1", "b = 1234567890/1234567890/2", "c = 1234567890/1234567890/3"],
                TreeError::TooMuchLinkText { limit: 100 },
            ),
        ];
        for (entries, expected) in table {
            assert_eq!(tree(entries).err().as_ref(), Some(expected), "{entries:?}");
        }
    }
}
