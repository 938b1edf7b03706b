//! The changes that a step makes to the view below it, before they are written as a layer.
//!
//! Only names that were looked at are held: whatever lies below the others is as the view has it.

use std::collections::BTreeMap;

use super::error::CopyError;
use super::request::Layers;
use super::tree::{Content, SourceNode, components, join, of_view};
use crate::layer::overlay::{NodeKind, ViewNode};
use crate::layer::whiteout::PREFIX;
use crate::layer::{EntryKind, Mtime};

/// The most symbolic links on the way to a destination.
const MOST_LINKS: usize = 255;
/// The longest path, as Linux has it.
const LONGEST: usize = 4095;
/// The largest user and group that a file can have: to `chown` the next one means "unchanged".
const LARGEST_ID: u64 = u32::MAX as u64 - 1;

/// What a file, a directory or a link is.
#[derive(Debug, Clone)]
pub(super) struct Inode<'a> {
    /// What it is; never a hard link.
    pub(super) kind: EntryKind,
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    pub(super) mtime: Mtime,
    pub(super) size: u64,
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) content: Content<'a>,
}

impl<'a> From<SourceNode<'a>> for Inode<'a> {
    fn from(node: SourceNode<'a>) -> Self {
        let SourceNode { kind, mode, uid, gid, mtime, size, xattrs, content, .. } = node;
        Self { kind, mode, uid, gid, mtime, size, xattrs, content }
    }
}

/// The changes to a view.
pub(super) struct Draft<'a> {
    below: Layers<'a>,
    nodes: Vec<DraftNode<'a>>,
    inodes: Vec<Inode<'a>>,
}

struct DraftNode<'a> {
    name: Box<[u8]>,
    parent: u32,
    /// What the view has at this path, unless a directory above was replaced.
    covers: Option<ViewNode<'a>>,
    state: NodeState,
    /// Whether what the view has in this directory is still there.
    is_merged: bool,
    /// Whether something in it changed.
    is_touched: bool,
    children: BTreeMap<Box<[u8]>, u32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum NodeState {
    /// As the view has it.
    Kept,
    /// New, or replaced.
    Made(u32),
}

/// How a name looks on the way to another.
pub(super) enum Shape {
    Directory,
    Symlink(Vec<u8>),
    Other,
}

/// Where a path leads: to what exists, and then to names that do not.
pub(super) struct Located {
    pub(super) node: u32,
    pub(super) missing: Vec<Vec<u8>>,
}

/// A member of the layer, in the order of its tar.
pub(super) enum Member<'d, 'a> {
    /// A directory that only has changes below it.
    Parent(ViewNode<'a>),
    /// Something new; the number is that of its inode.
    Made(u32, &'d Inode<'a>),
    /// The directory has nothing of the view any more.
    Opaque,
}

impl<'a> Draft<'a> {
    /// No changes to what is in these layers.
    pub(super) fn new(below: Layers<'a>) -> Self {
        let root = DraftNode {
            name: Box::default(),
            parent: 0,
            covers: Some(below.view.root()),
            state: NodeState::Kept,
            is_merged: true,
            is_touched: false,
            children: BTreeMap::new(),
        };
        Self { below, nodes: vec![root], inodes: Vec::new() }
    }

    /// The root directory.
    pub(super) const ROOT: u32 = 0;

    /// How many names it holds.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    fn node(&self, node: u32) -> &DraftNode<'a> {
        &self.nodes[node as usize]
    }

    fn node_mut(&mut self, node: u32) -> &mut DraftNode<'a> {
        &mut self.nodes[node as usize]
    }

    /// The child of that name in a directory.
    pub(super) fn child(&mut self, directory: u32, name: &[u8]) -> Option<u32> {
        if let Some(&child) = self.node(directory).children.get(name) {
            return Some(child);
        }
        let covers = self.covered(directory, name)?;
        Some(self.push(directory, name, Some(covers), NodeState::Kept, covers.is_directory()))
    }

    fn covered(&self, directory: u32, name: &[u8]) -> Option<ViewNode<'a>> {
        let directory = self.node(directory);
        if directory.is_merged { directory.covers?.child(name) } else { None }
    }

    fn push(
        &mut self,
        parent: u32,
        name: &[u8],
        covers: Option<ViewNode<'a>>,
        state: NodeState,
        is_merged: bool,
    ) -> u32 {
        let number = u32::try_from(self.nodes.len()).expect("the number of names is limited");
        let children = BTreeMap::new();
        self.nodes.push(DraftNode { name: name.into(), parent, covers, state, is_merged, is_touched: false, children });
        self.node_mut(parent).children.insert(name.into(), number);
        number
    }

    /// How a name looks.
    pub(super) fn shape(&self, node: u32) -> Shape {
        let node = self.node(node);
        match (node.state, node.covers) {
            (NodeState::Made(inode), _) => match &self.inodes[inode as usize].kind {
                EntryKind::Directory => Shape::Directory,
                EntryKind::Symlink { target } => Shape::Symlink(target.clone()),
                _ => Shape::Other,
            },
            (NodeState::Kept, Some(seen)) => match seen.kind() {
                NodeKind::Directory => Shape::Directory,
                NodeKind::Symlink { target } => Shape::Symlink(target.to_vec()),
                _ => Shape::Other,
            },
            (NodeState::Kept, None) => Shape::Other,
        }
    }

    /// Whether a name is a directory.
    pub(super) fn is_directory(&self, node: u32) -> bool {
        matches!(self.shape(node), Shape::Directory)
    }

    /// The path of a name, from the root.
    pub(super) fn path(&self, node: u32) -> Vec<u8> {
        let mut names: Vec<&[u8]> = Vec::new();
        let mut at = node;
        while at != Self::ROOT {
            names.push(&self.node(at).name);
            at = self.node(at).parent;
        }
        names.reverse();
        names.join(&b'/')
    }

    /// Where a path below `root` leads, with all symbolic links followed inside it.
    pub(super) fn locate(&mut self, root: u32, path: &[u8]) -> Result<Located, CopyError> {
        let mut links = 0;
        let mut at = Located { node: root, missing: Vec::new() };
        let mut left: Vec<Vec<u8>> = components(path).rev().map(<[u8]>::to_vec).collect();
        while let Some(name) = left.pop() {
            if name == b".." {
                if at.missing.pop().is_none() && at.node != root {
                    at.node = self.node(at.node).parent;
                }
                continue;
            }
            let child = if at.missing.is_empty() { self.child(at.node, &name) } else { None };
            let Some(child) = child else {
                if !self.is_directory(at.node) {
                    return Err(CopyError::NotADirectory { path: self.path(at.node) });
                }
                at.missing.push(name);
                continue;
            };
            match self.shape(child) {
                Shape::Directory | Shape::Other => at.node = child,
                Shape::Symlink(target) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(CopyError::Loop { path: path.to_vec() });
                    }
                    if target.starts_with(b"/") {
                        at.node = root;
                    }
                    left.extend(components(&target).rev().map(<[u8]>::to_vec));
                }
            }
        }
        Ok(at)
    }

    /// Makes the directories that a path lacks, each as `new`, and gives the last.
    pub(super) fn make_directories(&mut self, at: Located, new: &Inode<'a>) -> Result<u32, CopyError> {
        let mut node = at.node;
        if !self.is_directory(node) {
            return Err(CopyError::NotADirectory { path: self.path(node) });
        }
        for name in at.missing {
            node = self.put(node, &name, new.clone())?;
        }
        Ok(node)
    }

    /// Puts something into a directory, in place of what has that name; a directory is merged with one that is there.
    pub(super) fn put(&mut self, directory: u32, name: &[u8], inode: Inode<'a>) -> Result<u32, CopyError> {
        let inode = self.add_inode(inode);
        self.put_inode(directory, name, inode)
    }

    /// The same with an inode that other names may have too.
    pub(super) fn put_inode(&mut self, directory: u32, name: &[u8], inode: u32) -> Result<u32, CopyError> {
        let length = self.path(directory).len() + 1 + name.len();
        if length > LONGEST {
            return Err(CopyError::TooLong { length, limit: LONGEST });
        }
        if name.starts_with(PREFIX) {
            return Err(CopyError::Whiteout { path: [&self.path(directory)[..], b"/", name].concat() });
        }
        let Inode { uid, gid, .. } = self.inodes[inode as usize];
        if uid.max(gid) > LARGEST_ID {
            return Err(CopyError::Owner { path: [&self.path(directory)[..], b"/", name].concat(), uid, gid });
        }
        let is_directory = self.inodes[inode as usize].kind == EntryKind::Directory;
        let node = if let Some(&node) = self.node(directory).children.get(name) {
            node
        } else {
            let covers = self.covered(directory, name);
            let is_merged = covers.is_some_and(|covers| covers.is_directory());
            self.push(directory, name, covers, NodeState::Kept, is_merged)
        };
        let stays = is_directory && self.is_directory(node);
        let made = self.node_mut(node);
        if !stays {
            made.children.clear();
            // A directory over something else has nothing of the view, which has nothing there either.
            made.is_merged = false;
        }
        made.state = NodeState::Made(inode);
        self.touch(node);
        Ok(node)
    }

    /// Registers an inode, for names that share it.
    pub(super) fn add_inode(&mut self, inode: Inode<'a>) -> u32 {
        self.inodes.push(inode);
        u32::try_from(self.inodes.len() - 1).expect("the number of names is limited")
    }

    /// The inode of a name, which is part of the layer from now on.
    pub(super) fn own(&mut self, node: u32) -> Option<u32> {
        match self.node(node).state {
            NodeState::Made(inode) => Some(inode),
            NodeState::Kept => {
                let inode = Inode::from(of_view(self.below, self.node(node).covers?));
                let inode = self.add_inode(inode);
                self.node_mut(node).state = NodeState::Made(inode);
                self.touch(node);
                Some(inode)
            }
        }
    }

    /// What an inode is, to change it.
    pub(super) fn inode_mut(&mut self, inode: u32) -> &mut Inode<'a> {
        &mut self.inodes[inode as usize]
    }

    fn touch(&mut self, node: u32) {
        let mut at = node;
        while !self.node(at).is_touched {
            self.node_mut(at).is_touched = true;
            at = self.node(at).parent;
        }
    }

    /// Everything that the layer has, in the order of its tar, with its path.
    pub(super) fn members<E>(&self, mut each: impl FnMut(&[u8], Member<'_, 'a>) -> Result<(), E>) -> Result<(), E> {
        // What is left of each directory on the current path.
        let mut stack = vec![(Vec::new(), self.node(Self::ROOT).children.values())];
        while let Some((directory, children)) = stack.last_mut() {
            let Some(&child) = children.next() else {
                stack.pop();
                continue;
            };
            let node = self.node(child);
            if !node.is_touched {
                continue;
            }
            let path = join(directory, &node.name);
            match (node.state, node.covers) {
                (NodeState::Kept, Some(seen)) => each(&path, Member::Parent(seen))?,
                (NodeState::Made(inode), covers) => {
                    let made = &self.inodes[inode as usize];
                    each(&path, Member::Made(inode, made))?;
                    let was_directory = covers.is_some_and(|covers| covers.is_directory());
                    if made.kind == EntryKind::Directory && was_directory && !node.is_merged {
                        each(&path, Member::Opaque)?;
                    }
                }
                (NodeState::Kept, None) => {}
            }
            stack.push((path, node.children.values()));
        }
        Ok(())
    }
}
