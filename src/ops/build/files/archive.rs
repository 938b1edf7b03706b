//! `ADD` of an archive: its members become part of the layer, as docker's own extraction would leave them.
//!
//! - The destination is the root of what is unpacked: links in it, of the archive and of the image, are followed inside
//!   it.
//! - The last of several members of one path counts; a directory takes the permissions of its member, anything else is
//!   replaced.
//! - A hard link's member sets the owner, the permissions and the time of the file once more.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek as _, Write as _};
use std::sync::Arc;

use super::content::{FromStart, as_file};
use super::draft::{Draft, Inode};
use super::error::CopyError;
use super::place::Placement;
use super::request::Tools;
use super::tree::{CAPABILITY, Content, SourceNode};
use crate::layer::compression::sniff;
use crate::layer::path::split_last;
use crate::layer::{Entry, EntryKind, EntryPath, LayerIndex, Limits, ScanError, TarReader, scan};

/// Whether a file is an archive: a tar, compressed or not, with at least one member.
pub(super) fn is_archive(node: &SourceNode<'_>, path: &[u8], limits: &Limits) -> Result<bool, CopyError> {
    if node.kind != EntryKind::File || node.size == 0 {
        return Ok(false);
    }
    let file = as_file(&node.content, path, node.size)?;
    let Ok((compression, packed)) = sniff(FromStart::new(file)) else { return Ok(false) };
    let Ok(tar) = compression.decoder(packed, limits) else { return Ok(false) };
    // What is compressed may be a bomb, so only its first header is read.
    Ok(matches!(TarReader::new(tar, limits).next(), Ok(Some(_))))
}

/// Unpacks an archive into the destination.
pub(super) fn unpack<'a>(
    draft: &mut Draft<'a>,
    placement: &Placement,
    node: &SourceNode<'a>,
    name: &[u8],
    tools: &Tools<'_>,
) -> Result<(), CopyError> {
    let top = placement.make_directory(draft, &placement.destination)?;
    let shown = String::from_utf8_lossy(name).into_owned();
    let (tar, entries) = index(node, name, &shown, tools.limits)?;
    let mut unpacking = Unpacking { draft, placement, tools, top, name: &shown, tar };
    for entry in entries {
        let entry = entry.map_err(|source| CopyError::ArchiveIndex { name: shown.clone(), source })?;
        if !entry.path.is_root() {
            unpacking.take(&entry)?;
        }
    }
    Ok(())
}

/// The uncompressed tar in a file without a name, and its members.
fn index(
    node: &SourceNode<'_>,
    path: &[u8],
    name: &str,
    limits: &Limits,
) -> Result<(Arc<File>, LayerIndex<File>), CopyError> {
    let damaged = |source| CopyError::Archive { name: name.to_owned(), source };
    let packed = as_file(&node.content, path, node.size)?;
    let (compression, packed) = sniff(FromStart::new(packed)).map_err(|error| damaged(error.into()))?;
    let tar = compression.decoder(packed, limits).map_err(|error| damaged(error.into()))?;
    let file = tempfile::tempfile().map_err(CopyError::Temporary)?;
    let mut index = BufWriter::new(tempfile::tempfile().map_err(CopyError::Temporary)?);
    scan(Spooling { from: tar, to: &file }, limits, &mut index).map_err(|error| match error {
        ScanError::Index { source } => CopyError::Temporary(source),
        error => damaged(error),
    })?;
    let mut index = index.into_inner().map_err(|error| CopyError::Temporary(error.into_error()))?;
    index.rewind().map_err(CopyError::Temporary)?;
    let entries =
        LayerIndex::read(index).map_err(|source| CopyError::ArchiveIndex { name: name.to_owned(), source })?;
    Ok((Arc::new(file), entries))
}

/// Writes what is read to a file.
struct Spooling<'a, R> {
    from: R,
    to: &'a File,
}

impl<R: Read> Read for Spooling<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.from.read(into)?;
        self.to.write_all(&into[..got])?;
        Ok(got)
    }
}

struct Unpacking<'u, 'a> {
    draft: &'u mut Draft<'a>,
    placement: &'u Placement,
    tools: &'u Tools<'u>,
    /// The directory that is the root of the archive.
    top: u32,
    name: &'u str,
    tar: Arc<File>,
}

impl Unpacking<'_, '_> {
    fn take(&mut self, entry: &Entry) -> Result<(), CopyError> {
        if self.draft.len() as u64 > self.tools.limits.entries {
            return Err(CopyError::TooMany { limit: self.tools.limits.entries });
        }
        let (parent, name) = split_last(entry.path.as_bytes());
        let parent = self.draft.locate(self.top, parent)?;
        let implied = Inode { mode: 0o755, ..self.inode(entry, EntryKind::Directory) };
        let implied = Inode { uid: 0, gid: 0, mtime: self.placement.times.made(), xattrs: Vec::new(), ..implied };
        let parent = self.draft.make_directories(parent, &implied)?;
        match &entry.kind {
            EntryKind::Hardlink { target } => self.link(parent, name, entry, target),
            kind => {
                let inode = self.inode(entry, kind.clone());
                self.draft.put(parent, name, inode).map(drop)
            }
        }
    }

    fn link(&mut self, parent: u32, name: &[u8], entry: &Entry, target: &EntryPath) -> Result<(), CopyError> {
        let missing =
            || CopyError::LinkTarget { name: self.name.to_owned(), link: entry.path.clone(), target: target.clone() };
        let (directory, file) = split_last(target.as_bytes());
        let at = self.draft.locate(self.top, directory)?;
        let found = if at.missing.is_empty() { self.draft.child(at.node, file) } else { None };
        let found = found.filter(|found| !self.draft.is_directory(*found)).ok_or_else(missing)?;
        let inode = self.draft.own(found).ok_or_else(missing)?;
        if self.draft.child(parent, name) != Some(found) {
            self.draft.put_inode(parent, name, inode)?;
        }
        let mtime = self.placement.times.clamp(entry.mtime);
        let file = self.draft.inode_mut(inode);
        (file.uid, file.gid) = (entry.uid, entry.gid);
        if !matches!(file.kind, EntryKind::Symlink { .. }) {
            (file.mode, file.mtime) = (entry.mode, mtime);
        }
        Ok(())
    }

    fn inode<'n>(&self, entry: &Entry, kind: EntryKind) -> Inode<'n> {
        let sparse = entry.sparse.clone().map(Arc::new);
        let content = match kind {
            EntryKind::File if entry.size > 0 => {
                let file = Arc::clone(&self.tar);
                Content::Spooled { file, offset: entry.content_offset, sparse, digest: None }
            }
            _ => Content::None,
        };
        Inode {
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            mtime: self.placement.times.clamp(entry.mtime),
            size: if kind == EntryKind::File { entry.size } else { 0 },
            xattrs: entry.xattrs.iter().filter(|(name, _)| name == CAPABILITY).cloned().collect(),
            kind,
            content,
        }
    }
}
