//! The tree that sources come from: a folder, a tar, or the merged view of an image.

use std::fs::File;
use std::sync::Arc;

use super::error::CopyError;
use super::request::{Layers, Origin};
use crate::layer::overlay::{ContentRange, ViewNode};
use crate::layer::path::split_last;
use crate::layer::{EntryKind, EntryPath, Mtime, SparseMap};
use crate::oci::Digest;
use crate::ops::build::context::{ContextFiles, Folder, FolderEntry, Ignore};
use crate::rootfs::{FreshStat, Stat};

/// The most symbolic links on the way to a source, as `BuildKit` has it.
const MOST_LINKS: usize = 255;

/// A tree that sources come from.
#[derive(Clone, Copy)]
pub(super) struct Tree<'a> {
    from: TreeFrom<'a>,
    ignore: Option<&'a Ignore>,
    /// Whether owners are kept: those of an image are, those of a context are not.
    keeps_owners: bool,
    /// What it is called in errors.
    pub(super) place: &'static str,
}

#[derive(Clone, Copy)]
enum TreeFrom<'a> {
    Folder(&'a Folder),
    Layers(Layers<'a>),
}

/// Something that can be copied.
#[derive(Debug, Clone)]
pub(super) struct SourceNode<'a> {
    /// What it is; never a hard link.
    pub(super) kind: EntryKind,
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    pub(super) mtime: Mtime,
    pub(super) size: u64,
    /// What all names of one file have in common; none if it has one name.
    pub(super) link: Option<(u64, u64)>,
    /// The capabilities of a program in an image; those of a file on disk are read when it is opened.
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) content: Content<'a>,
    /// Whether it is a socket, which is left out.
    pub(super) is_socket: bool,
}

/// Where the content of a file is.
#[derive(Clone)]
pub(super) enum Content<'a> {
    /// There is none.
    None,
    /// In memory.
    Bytes(Arc<[u8]>),
    /// In a folder: it must still be what was seen.
    Disk { folder: &'a Folder, path: Vec<u8>, seen: FreshStat },
    /// In a layer.
    Layer { layers: Layers<'a>, range: ContentRange<'a> },
    /// In a file without a name, from this offset on.
    Spooled { file: Arc<File>, offset: u64, sparse: Option<Arc<SparseMap>>, digest: Option<Digest> },
}

impl std::fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Bytes(_) => "Bytes",
            Self::Disk { .. } => "Disk",
            Self::Layer { .. } => "Layer",
            Self::Spooled { .. } => "Spooled",
        })
    }
}

impl<'a> Tree<'a> {
    /// The files of an origin.
    pub(super) fn of(origin: Origin<'a>) -> Self {
        match origin {
            Origin::Image(layers) => Self::image(layers),
            Origin::Context(context) => {
                let from = match &context.files {
                    ContextFiles::Folder(folder) => TreeFrom::Folder(folder),
                    ContextFiles::Tarball(tar) => {
                        TreeFrom::Layers(Layers { view: &tar.view, contents: &tar.contents, diff_ids: &tar.diff_ids })
                    }
                };
                let ignore = Some(&context.ignore).filter(|ignore| !ignore.is_empty());
                Self { from, ignore, keeps_owners: false, place: "the build context" }
            }
        }
    }

    /// The files of an image.
    pub(super) fn image(layers: Layers<'a>) -> Self {
        Self { from: TreeFrom::Layers(layers), ignore: None, keeps_owners: true, place: "the image" }
    }

    /// What is at a path; symbolic links are not followed.
    pub(super) fn lookup(&self, path: &[u8]) -> Result<Option<SourceNode<'a>>, CopyError> {
        let Some(node) = self.there(path)? else { return Ok(None) };
        Ok(if self.is_visible(path, &node)? { Some(node) } else { None })
    }

    /// Whether something is at a path, though it may be excluded.
    pub(super) fn is_ignored(&self, path: &[u8]) -> bool {
        self.ignore.is_some() && matches!(self.there(path), Ok(Some(_)))
    }

    /// What is in a directory, sorted by name.
    pub(super) fn list(&self, path: &[u8]) -> Result<Vec<(Vec<u8>, SourceNode<'a>)>, CopyError> {
        let mut found = Vec::new();
        for (name, node) in self.all(path)? {
            if self.ignore.is_none() || self.is_visible(&join(path, &name), &node)? {
                found.push((name, node));
            }
        }
        Ok(found)
    }

    /// What a path leads to, with symbolic links followed inside the tree, also the last; none if nothing is there.
    pub(super) fn resolve(&self, path: &[u8]) -> Result<Option<(Vec<u8>, SourceNode<'a>)>, CopyError> {
        let (mut at, mut links) = (Vec::new(), 0);
        let mut left: Vec<Vec<u8>> = components(path).rev().map(<[u8]>::to_vec).collect();
        while let Some(name) = left.pop() {
            if name == b".." {
                at.truncate(split_last(&at).0.len());
                continue;
            }
            let next = join(&at, &name);
            let Some(node) = self.lookup(&next)? else { return Ok(None) };
            match &node.kind {
                EntryKind::Symlink { target } => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(CopyError::Loop { path: path.to_vec() });
                    }
                    if target.starts_with(b"/") {
                        at.clear();
                    }
                    left.extend(components(target).rev().map(<[u8]>::to_vec));
                }
                EntryKind::Directory => at = next,
                _ if left.is_empty() => return Ok(Some((next, node))),
                _ => return Ok(None),
            }
        }
        Ok(self.lookup(&at)?.map(|node| (at, node)))
    }

    /// Whether `.dockerignore` lets it be there.
    fn is_visible(&self, path: &[u8], node: &SourceNode<'a>) -> Result<bool, CopyError> {
        let Some(ignore) = self.ignore else { return Ok(true) };
        if path.is_empty() || !ignore.excludes(path) {
            return Ok(true);
        }
        if node.kind != EntryKind::Directory || !ignore.may_include_below(path) {
            return Ok(false);
        }
        let mut directories = vec![path.to_vec()];
        while let Some(directory) = directories.pop() {
            for (name, child) in self.all(&directory)? {
                let path = join(&directory, &name);
                if !ignore.excludes(&path) {
                    return Ok(true);
                }
                if child.kind == EntryKind::Directory && ignore.may_include_below(&path) {
                    directories.push(checked(path)?);
                }
            }
        }
        Ok(false)
    }

    fn there(&self, path: &[u8]) -> Result<Option<SourceNode<'a>>, CopyError> {
        match self.from {
            TreeFrom::Folder(folder) => {
                let failed = |source| CopyError::Read { path: path.to_vec(), source };
                Ok(folder.seen(path).map_err(failed)?.map(|entry| on_disk(folder, path.to_vec(), entry)))
            }
            TreeFrom::Layers(layers) => {
                let path = EntryPath::new(path).map_err(|_| CopyError::NotFound {
                    path: path.to_vec(),
                    place: self.place,
                    is_ignored: false,
                })?;
                Ok(layers.view.lookup(&path).map(|node| self.in_layers(layers, node)))
            }
        }
    }

    fn all(&self, path: &[u8]) -> Result<Vec<(Vec<u8>, SourceNode<'a>)>, CopyError> {
        match self.from {
            TreeFrom::Folder(folder) => {
                let found = folder.list(path).map_err(|source| CopyError::Read { path: path.to_vec(), source })?;
                let named = |entry: FolderEntry| (entry.name.clone(), on_disk(folder, join(path, &entry.name), entry));
                Ok(found.into_iter().map(named).collect())
            }
            TreeFrom::Layers(layers) => {
                let path = EntryPath::new(path).unwrap_or_default();
                let children = layers.view.lookup(&path).into_iter().flat_map(|node| node.children());
                Ok(children.map(|child| (child.name().to_vec(), self.in_layers(layers, child))).collect())
            }
        }
    }

    fn in_layers(&self, layers: Layers<'a>, node: ViewNode<'a>) -> SourceNode<'a> {
        let mut source = of_view(layers, node);
        if !self.keeps_owners {
            (source.uid, source.gid) = (0, 0);
        }
        source
    }
}

/// A name of a merged view, as it is copied.
pub(super) fn of_view<'a>(layers: Layers<'a>, node: ViewNode<'a>) -> SourceNode<'a> {
    let content = node.source().map_or(Content::None, |range| Content::Layer { layers, range });
    SourceNode {
        kind: node.kind().into(),
        mode: node.mode(),
        uid: node.uid(),
        gid: node.gid(),
        mtime: node.mtime(),
        size: node.size(),
        link: node.link_group().map(|_| (0, node.first_name().id() as u64)),
        xattrs: node.xattrs().iter().filter(|(name, _)| name == CAPABILITY).cloned().collect(),
        content,
        is_socket: false,
    }
}

/// The one extended attribute that is kept, as docker does.
pub(super) const CAPABILITY: &[u8] = b"security.capability";

fn on_disk(folder: &Folder, path: Vec<u8>, entry: FolderEntry) -> SourceNode<'_> {
    let FolderEntry { seen, target, .. } = entry;
    let (major, minor) = seen.stat.device;
    let kind = match (seen.stat.kind(), target) {
        (_, Some(target)) => EntryKind::Symlink { target },
        (Stat::DIRECTORY, _) => EntryKind::Directory,
        (Stat::CHAR, _) => EntryKind::CharDevice { major, minor },
        (Stat::BLOCK, _) => EntryKind::BlockDevice { major, minor },
        (Stat::FIFO, _) => EntryKind::Fifo,
        _ => EntryKind::File,
    };
    let is_file = seen.stat.is_file();
    SourceNode {
        mode: seen.stat.permissions(),
        uid: 0,
        gid: 0,
        mtime: seen.stat.mtime,
        size: seen.stat.size,
        link: (is_file && seen.links > 1).then_some((seen.dev, seen.stat.ino)),
        xattrs: Vec::new(),
        is_socket: seen.stat.kind() == Stat::SOCKET,
        content: if is_file { Content::Disk { folder, path, seen } } else { Content::None },
        kind,
    }
}

/// The longest path, as Linux has it.
const LONGEST: usize = 4095;

/// A path that is not too long to be one.
pub(super) fn checked(path: Vec<u8>) -> Result<Vec<u8>, CopyError> {
    if path.len() > LONGEST { Err(CopyError::TooLong { length: path.len(), limit: LONGEST }) } else { Ok(path) }
}

/// The path of a name in a directory.
pub(super) fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() { name.to_vec() } else { [directory, b"/", name].concat() }
}

/// The components of a path, without `.`.
pub(super) fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|name| !name.is_empty() && *name != b".")
}

/// A path from the root, with `.` and `..` resolved lexically; `..` does not leave the root.
pub(super) fn clean(path: &[u8]) -> Vec<u8> {
    let mut cleaned = Vec::with_capacity(path.len());
    for name in components(path) {
        if name == b".." {
            cleaned.truncate(split_last(&cleaned).0.len());
        } else {
            cleaned = join(&cleaned, name);
        }
    }
    cleaned
}
