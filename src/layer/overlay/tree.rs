//! The tree in which a view is built: the merged layers below one root, the layer being read below another.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;

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
    /// The names by their directory and their last component, without the roots. Each is beside its hash, which would
    /// take time to compute again when the table grows.
    table: HashTable<(u32, u32)>,
    hasher: RandomState,
    /// The last components of all names, also of deleted ones.
    pub(super) names: Vec<u8>,
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
    /// The offset and length of its last component in [`MergedTree::names`].
    pub(super) name: (u32, u32),
    /// Its place in the list of its directory.
    place: u32,
    /// Its content, if it is a directory.
    pub(super) directory: Option<Box<Directory>>,
}

/// The content of a directory.
#[derive(Default)]
pub(super) struct Directory {
    /// In no order.
    children: Vec<u32>,
    pub(super) marks: Marks,
}

/// What a directory hides.
#[derive(Default)]
pub(super) struct Marks {
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
            table: HashTable::new(),
            hasher: RandomState::new(),
            names: Vec::new(),
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
        let root = self.node((0, 0), inode)?;
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

    /// Adds a name that is in no directory yet.
    fn node(&mut self, name: (u32, u32), inode: u32) -> Result<u32, Full> {
        if self.len() >= MOST_NAMES {
            return Err(Full::Names);
        }
        let is_directory = matches!(self.inodes[inode as usize].what, What::Directory);
        let directory = is_directory.then(Box::<Directory>::default);
        self.links[inode as usize] += 1;
        let node = MergedName { parent: 0, inode, name, place: 0, directory };
        if let Some(number) = self.free_nodes.pop() {
            self.nodes[number as usize] = node;
            return Ok(number);
        }
        self.nodes.push(node);
        Ok(u32::try_from(self.nodes.len() - 1).expect("the number of names is limited"))
    }

    /// The place of a name in a directory, where something may be.
    pub(super) fn spot(&self, directory: u32, name: &[u8]) -> Spot {
        let hash = self.hash(directory, name);
        let is_it = |(_, node): &(u32, u32)| self.nodes[*node as usize].parent == directory && self.name(*node) == name;
        let found = self.table.find(spread(hash), |entry| entry.0 == hash && is_it(entry));
        Spot { directory, hash, node: found.map(|(_, node)| *node) }
    }

    /// Names an inode, replacing what was at that place, which `name` is the name of.
    pub(super) fn put(&mut self, spot: Spot, name: &[u8], inode: u32) -> Result<u32, Full> {
        let range = match spot.node {
            Some(old) => self.nodes[old as usize].name,
            None => self.keep_name(name)?,
        };
        let new = self.node(range, inode)?;
        if let Some(old) = spot.node {
            self.detach(old);
            self.free(old);
        }
        self.attach_at(spot.directory, spot.hash, new);
        Ok(new)
    }

    /// Takes in the text of a name.
    fn keep_name(&mut self, name: &[u8]) -> Result<(u32, u32), Full> {
        self.count_text(name.len())?;
        let small = |number: usize| u32::try_from(number).expect("the text of names is limited");
        let range = (small(self.names.len()), small(name.len()));
        self.names.extend_from_slice(name);
        Ok(range)
    }

    /// The last component of a name; empty for a root.
    pub(super) fn name(&self, node: u32) -> &[u8] {
        let (start, length) = self.nodes[node as usize].name;
        &self.names[start as usize..][..length as usize]
    }

    /// Puts a name that is in no directory into one, which must have none of that name.
    pub(super) fn attach(&mut self, directory: u32, node: u32) {
        self.attach_at(directory, self.hash(directory, self.name(node)), node);
    }

    fn attach_at(&mut self, directory: u32, hash: u32, node: u32) {
        let children = &mut self.directory(directory).children;
        let place = u32::try_from(children.len()).expect("the number of names is limited");
        children.push(node);
        let at = &mut self.nodes[node as usize];
        (at.parent, at.place) = (directory, place);
        self.table.insert_unique(spread(hash), (hash, node), |(hash, _)| spread(*hash));
    }

    /// Takes a name out of its directory.
    pub(super) fn detach(&mut self, node: u32) {
        self.forget(node);
        let MergedName { parent, place, .. } = self.nodes[node as usize];
        let children = &mut self.directory(parent).children;
        children.swap_remove(place as usize);
        if let Some(&moved) = children.get(place as usize) {
            self.nodes[moved as usize].place = place;
        }
    }

    /// Removes a name from the table.
    fn forget(&mut self, node: u32) {
        let hash = self.hash(self.nodes[node as usize].parent, self.name(node));
        if let Ok(found) = self.table.find_entry(spread(hash), |found| *found == (hash, node)) {
            found.remove();
        }
    }

    /// The upper half of a hash, with random keys: what is in an image cannot choose names of equal hashes.
    fn hash(&self, directory: u32, name: &[u8]) -> u32 {
        u32::try_from(self.hasher.hash_one((directory, name)) >> 32).expect("half of it")
    }

    /// Takes the marks of a directory.
    pub(super) fn take_marks(&mut self, directory: u32) -> Marks {
        std::mem::take(&mut self.directory(directory).marks)
    }

    /// Takes the names out of a directory, in no order.
    pub(super) fn take_children(&mut self, directory: u32) -> Vec<u32> {
        let children = std::mem::take(&mut self.directory(directory).children);
        for child in &children {
            self.forget(*child);
        }
        children
    }

    /// The names in a directory, in no order; none if it is something else.
    pub(super) fn children(&self, directory: u32) -> &[u32] {
        self.nodes[directory as usize].directory.as_ref().map_or(&[], |directory| &directory.children)
    }

    /// Sorts names of one directory by their bytes.
    pub(super) fn sort(&self, names: &mut [u32]) {
        names.sort_unstable_by(|one, other| self.name(*one).cmp(self.name(*other)));
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

    /// Deletes a name, which is in no directory any more, and everything below it.
    pub(super) fn free(&mut self, node: u32) {
        let mut gone = vec![node];
        while let Some(node) = gone.pop() {
            let inode = self.nodes[node as usize].inode;
            if self.nodes[node as usize].directory.is_some() {
                gone.extend(self.take_children(node));
                self.nodes[node as usize].directory = None;
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

/// A place for a name in a directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    directory: u32,
    /// Of the directory and the name.
    hash: u32,
    /// What is there.
    pub(super) node: Option<u32>,
}

/// The hash that the table wants: it looks at the highest and the lowest bits.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl Names for MergedTree {
    type Error = Full;

    fn child(&self, directory: u32, name: &[u8]) -> Option<u32> {
        self.spot(directory, name).node
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
        self.put(self.spot(directory, name), name, inode)
    }
}
