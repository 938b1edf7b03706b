//! The tree in which a view is built: the merged layers below one root, the layer being read below another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{ViewInode, What, Xattrs};
use crate::layer::mtime::Mtime;
use crate::layer::route::{Names, Passage};
use crate::layer::sparse_map::SparseMap;

/// The most names in a view while it is built: twice the limit of one layer. Each takes about 200 bytes.
pub(super) const MOST_NAMES: usize = 8_000_000;
/// The most text of names, links, attributes and sparse maps; real images have a hundredth of it.
pub(super) const MOST_TEXT: usize = 1 << 30;

/// Names and inodes. The numbers of deleted ones are reused.
pub(super) struct MergedTree {
    pub(super) nodes: Vec<MergedName>,
    free_nodes: Vec<u32>,
    pub(super) inodes: Vec<ViewInode>,
    /// How many names each inode has.
    pub(super) links: Vec<u32>,
    free_inodes: Vec<u32>,
    pub(super) sparse: HashMap<u32, SparseMap>,
    /// Sets of extended attributes, by number.
    pub(super) sets: Vec<Xattrs>,
    /// The number of each set.
    numbers: HashMap<Xattrs, u32>,
    /// How much text was taken in so far.
    text: usize,
    /// The layer being read.
    pub(super) layer: u16,
}

/// A name.
pub(super) struct MergedName {
    pub(super) parent: u32,
    pub(super) inode: u32,
    /// Its content, if it is a directory.
    pub(super) directory: Option<Box<Directory>>,
}

/// The content of a directory.
#[derive(Default)]
pub(super) struct Directory {
    pub(super) children: BTreeMap<Box<[u8]>, u32>,
    /// The names that it hides in lower layers.
    pub(super) hidden: BTreeSet<Box<[u8]>>,
    /// Whether it hides everything in lower layers.
    pub(super) opaque: bool,
}

/// A limit is exceeded.
#[derive(Debug, Clone, Copy)]
pub(super) enum Full {
    Names,
    Text,
}

impl MergedTree {
    pub(super) fn new() -> Self {
        Self {
            nodes: Vec::new(),
            free_nodes: Vec::new(),
            inodes: Vec::new(),
            links: Vec::new(),
            free_inodes: Vec::new(),
            sparse: HashMap::new(),
            sets: vec![Xattrs::default()],
            numbers: HashMap::from([(Xattrs::default(), 0)]),
            text: 0,
            layer: 0,
        }
    }

    /// The number of names, both roots included.
    pub(super) fn len(&self) -> usize {
        self.nodes.len() - self.free_nodes.len()
    }

    /// A new root: a directory that is its own parent.
    pub(super) fn root(&mut self) -> Result<u32, Full> {
        let inode = self.implied();
        let root = self.node(0, inode)?;
        self.nodes[root as usize].parent = root;
        Ok(root)
    }

    /// The inode of an implied directory.
    fn implied(&mut self) -> u32 {
        self.inode(ViewInode {
            uid: 0,
            gid: 0,
            mtime: Mtime::default(),
            what: What::Directory,
            xattrs: 0,
            mode: 0o755,
            layer: self.layer,
            listed: false,
        })
    }

    /// Adds an inode without names.
    pub(super) fn inode(&mut self, inode: ViewInode) -> u32 {
        if let Some(number) = self.free_inodes.pop() {
            self.inodes[number as usize] = inode;
            return number;
        }
        self.inodes.push(inode);
        self.links.push(0);
        u32::try_from(self.inodes.len() - 1).expect("not more inodes than names, which are limited")
    }

    /// Adds a name that is not yet in its directory's list.
    fn node(&mut self, parent: u32, inode: u32) -> Result<u32, Full> {
        if self.len() >= MOST_NAMES {
            return Err(Full::Names);
        }
        let is_directory = matches!(self.inodes[inode as usize].what, What::Directory);
        let directory = is_directory.then(Box::<Directory>::default);
        self.links[inode as usize] += 1;
        let node = MergedName { parent, inode, directory };
        if let Some(number) = self.free_nodes.pop() {
            self.nodes[number as usize] = node;
            return Ok(number);
        }
        self.nodes.push(node);
        Ok(u32::try_from(self.nodes.len() - 1).expect("the number of names is limited"))
    }

    /// Names an inode in a directory, replacing any previous one of that name.
    pub(super) fn put(&mut self, directory: u32, name: &[u8], inode: u32) -> Result<u32, Full> {
        let new = self.node(directory, inode)?;
        if let Some(old) = self.child(directory, name) {
            self.free(old);
            *self.children(directory).get_mut(name).expect("it was found") = new;
        } else {
            self.count_text(name.len())?;
            self.children(directory).insert(name.into(), new);
        }
        Ok(new)
    }

    /// The names in a directory.
    pub(super) fn children(&mut self, directory: u32) -> &mut BTreeMap<Box<[u8]>, u32> {
        &mut self.directory(directory).children
    }

    /// The content of a directory.
    pub(super) fn directory(&mut self, directory: u32) -> &mut Directory {
        self.nodes[directory as usize].directory.as_mut().expect("only directories are walked into")
    }

    /// Gives a name another inode.
    pub(super) fn replace_inode(&mut self, node: u32, inode: u32) {
        self.links[inode as usize] += 1;
        let old = std::mem::replace(&mut self.nodes[node as usize].inode, inode);
        self.release(old);
    }

    /// Deletes a name and everything below it. It must no longer be in its directory's list.
    pub(super) fn free(&mut self, node: u32) {
        let mut gone = vec![node];
        while let Some(node) = gone.pop() {
            let inode = self.nodes[node as usize].inode;
            if let Some(directory) = self.nodes[node as usize].directory.take() {
                gone.extend(directory.children.into_values());
            }
            self.release(inode);
            self.free_nodes.push(node);
        }
    }

    /// Removes a name from an inode.
    fn release(&mut self, inode: u32) {
        let links = &mut self.links[inode as usize];
        *links -= 1;
        if *links == 0 {
            self.inodes[inode as usize].what = What::Fifo; // frees the target of a link
            self.sparse.remove(&inode);
            self.free_inodes.push(inode);
        }
    }

    /// Counts text against the limit.
    pub(super) fn count_text(&mut self, bytes: usize) -> Result<(), Full> {
        self.text = self.text.saturating_add(bytes);
        if self.text > MOST_TEXT { Err(Full::Text) } else { Ok(()) }
    }

    /// The number of a set of attributes.
    pub(super) fn xattrs(&mut self, set: Vec<(Vec<u8>, Vec<u8>)>) -> Result<u32, Full> {
        if set.is_empty() {
            return Ok(0);
        }
        let set = Xattrs::from(set);
        if let Some(number) = self.numbers.get(&set) {
            return Ok(*number);
        }
        self.count_text(
            set.iter().map(|(name, value)| name.len() + value.len() + size_of::<(Vec<u8>, Vec<u8>)>()).sum(),
        )?;
        let number = u32::try_from(self.sets.len()).expect("the text of attributes is limited");
        self.sets.push(Xattrs::clone(&set));
        self.numbers.insert(set, number);
        Ok(number)
    }

    /// The number of a set of attributes extended by `more`, which replace those of the same name.
    pub(super) fn more_xattrs(&mut self, number: u32, more: Vec<(Vec<u8>, Vec<u8>)>) -> Result<u32, Full> {
        if more.is_empty() {
            return Ok(number);
        }
        let mut merged: BTreeMap<Vec<u8>, Vec<u8>> = self.sets[number as usize].iter().cloned().collect();
        merged.extend(more);
        self.xattrs(merged.into_iter().collect())
    }
}

impl Names for MergedTree {
    type Error = Full;

    fn child(&self, directory: u32, name: &[u8]) -> Option<u32> {
        self.nodes[directory as usize].directory.as_ref()?.children.get(name).copied()
    }

    fn parent(&self, directory: u32) -> u32 {
        self.nodes[directory as usize].parent
    }

    fn step(&self, name: u32) -> Passage<'_> {
        match &self.inodes[self.nodes[name as usize].inode as usize].what {
            What::Directory => Passage::Directory,
            What::Symlink(target) => Passage::Symlink(target),
            _ => Passage::Other,
        }
    }

    fn make(&mut self, directory: u32, name: &[u8]) -> Result<u32, Full> {
        let inode = self.implied();
        self.put(directory, name, inode)
    }
}
