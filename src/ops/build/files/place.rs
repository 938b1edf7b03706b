//! Where copies go: the rules of `COPY` for destinations, as `BuildKit` has them.

use std::collections::HashMap;

use super::draft::{Draft, Inode, Located};
use super::error::CopyError;
use super::mode::ModeChange;
use super::owner::Owner;
use super::pick::{Item, Pick};
use super::request::Times;
use super::tree::{Content, SourceNode};
use crate::layer::EntryKind;
use crate::layer::path::split_last;

/// What the copies of one instruction have in common.
pub(super) struct Placement {
    /// The absolute destination; a final `/` says that it is a directory.
    pub(super) destination: Vec<u8>,
    /// `--chown`
    pub(super) owner: Option<Owner>,
    /// `--chmod`
    pub(super) mode: Option<ModeChange>,
    /// The times in the layer.
    pub(super) times: Times,
}

impl Placement {
    /// Puts a source into the draft.
    pub(super) fn place<'a>(&self, draft: &mut Draft<'a>, item: &Item<'a>) -> Result<(), CopyError> {
        let Some((top, rest)) = item.picks.split_first() else { return Ok(()) };
        let (parent, last) = split_last(&self.destination);
        self.make_directory(draft, if last.is_empty() { &self.destination } else { parent })?;
        let at = draft.locate(Draft::ROOT, &self.destination)?;
        if top.node.kind == EntryKind::Directory {
            if at.missing.is_empty() && !draft.is_directory(at.node) {
                return Err(CopyError::ToNonDirectory { path: draft.path(at.node) });
            }
            let directory = draft.make_directories(at, &self.directory())?;
            return self.fill(draft, directory, rest);
        }
        let (directory, name) = if at.missing.is_empty() && draft.is_directory(at.node) {
            (at.node, item.name.clone())
        } else {
            self.split(draft, at)?
        };
        Self::replace(draft, directory, &name, self.inode(&top.node)).map(drop)
    }

    /// Whether the destination is a directory, or is said to be one.
    pub(super) fn is_directory(&self, draft: &mut Draft<'_>) -> Result<bool, CopyError> {
        if self.destination.ends_with(b"/") {
            return Ok(true);
        }
        let at = draft.locate(Draft::ROOT, &self.destination)?;
        Ok(at.missing.is_empty() && draft.is_directory(at.node))
    }

    /// Makes the destination a directory, if it is none, and gives it.
    pub(super) fn make_directory(&self, draft: &mut Draft<'_>, path: &[u8]) -> Result<u32, CopyError> {
        let at = draft.locate(Draft::ROOT, path)?;
        draft.make_directories(at, &self.directory())
    }

    /// The directory of a place, and the name in it.
    fn split(&self, draft: &mut Draft<'_>, mut at: Located) -> Result<(u32, Vec<u8>), CopyError> {
        if let Some(name) = at.missing.pop() {
            return Ok((draft.make_directories(at, &self.directory())?, name));
        }
        let path = draft.path(at.node);
        let (parent, name) = split_last(&path);
        Ok((draft.locate(Draft::ROOT, parent)?.node, name.to_vec()))
    }

    /// Puts everything in a directory into another.
    fn fill<'a>(&self, draft: &mut Draft<'a>, top: u32, picks: &[Pick<'a>]) -> Result<(), CopyError> {
        let mut links: HashMap<(u64, u64), u32> = HashMap::new();
        // The directories on the current path, with the lengths of their paths.
        let mut stack: Vec<(usize, u32)> = vec![(0, top)];
        for pick in picks {
            let (parent, name) = split_last(&pick.path);
            while stack.last().is_some_and(|(length, _)| *length > parent.len()) {
                stack.pop();
            }
            let directory = stack.last().map_or(top, |(_, node)| *node);
            let node = &pick.node;
            if node.kind == EntryKind::Directory {
                let made = Self::merge(draft, directory, name, self.inode(node))?;
                stack.push((pick.path.len(), made));
                continue;
            }
            if let Some(&inode) = node.link.and_then(|link| links.get(&link)) {
                Self::check_file(draft, directory, name)?;
                draft.put_inode(directory, name, inode)?;
                continue;
            }
            let made = Self::replace(draft, directory, name, self.inode(node))?;
            if let (Some(link), Some(inode)) = (node.link, draft.own(made)) {
                links.insert(link, inode);
            }
        }
        Ok(())
    }

    /// A directory in a directory that is filled: one that is there takes its permissions and owner.
    fn merge<'a>(draft: &mut Draft<'a>, directory: u32, name: &[u8], inode: Inode<'a>) -> Result<u32, CopyError> {
        if let Some(there) = draft.child(directory, name)
            && !draft.is_directory(there)
        {
            return Err(CopyError::ToNonDirectory { path: draft.path(there) });
        }
        draft.put(directory, name, inode)
    }

    /// Something in place of what is there, which must not be a directory.
    fn replace<'a>(draft: &mut Draft<'a>, directory: u32, name: &[u8], inode: Inode<'a>) -> Result<u32, CopyError> {
        Self::check_file(draft, directory, name)?;
        draft.put(directory, name, inode)
    }

    fn check_file(draft: &mut Draft<'_>, directory: u32, name: &[u8]) -> Result<(), CopyError> {
        match draft.child(directory, name) {
            Some(there) if draft.is_directory(there) => Err(CopyError::OverDirectory { path: draft.path(there) }),
            _ => Ok(()),
        }
    }

    /// A source with the owner, the permissions and the time that it has in the layer.
    fn inode<'a>(&self, node: &SourceNode<'a>) -> Inode<'a> {
        let mut inode = Inode::from(node.clone());
        if let Some((uid, gid)) = self.owner {
            (inode.uid, inode.gid) = (uid, gid);
        }
        let is_link = matches!(inode.kind, EntryKind::Symlink { .. });
        if let Some(mode) = self.mode.as_ref().filter(|_| !is_link) {
            inode.mode = mode.apply(inode.mode, inode.kind == EntryKind::Directory);
        }
        inode.mtime = self.times.clamp(inode.mtime);
        inode
    }

    /// A directory that the destination lacks.
    fn directory<'a>(&self) -> Inode<'a> {
        let (uid, gid) = self.owner.unwrap_or_default();
        Inode {
            kind: EntryKind::Directory,
            mode: 0o755,
            uid,
            gid,
            mtime: self.times.made(),
            size: 0,
            xattrs: Vec::new(),
            content: Content::None,
        }
    }
}
