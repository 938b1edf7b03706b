//! The layer of a draft, written by one thread while another hashes and keeps it.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::sync::Arc;

use super::content::{ContentError, ContentReader, capabilities, open_unchanged};
use super::draft::{Draft, Inode, Member};
use super::error::CopyError;
use super::tree::Content;
use crate::image::progress::Moved;
use crate::layer::whiteout::Whiteout;
use crate::layer::{EntryKind, EntryPath, Meta, Mtime, TarWriter};
use crate::ops::pipe::{PipeWriter, keep_written};
use crate::store::{Quarantine, VerifiedLayer};

/// Writes a draft as a layer and keeps it; `time` is that of whiteouts.
pub(super) fn write(
    draft: &Draft<'_>,
    time: Mtime,
    quarantine: &Quarantine,
    what: &str,
    moved: Moved<'_>,
) -> Result<VerifiedLayer, CopyError> {
    let spooled = spool(draft)?;
    let (kept, written) = keep_written(quarantine, what, moved, |pipe| produce(draft, &spooled, time, pipe));
    match written {
        Err(ContentError::Read(error)) => Err(error),
        Err(ContentError::Write(_)) | Ok(()) => Ok(kept?),
    }
}

/// The contents that had to be read before the others, by the numbers of their inodes.
type EarlyContents = HashMap<u32, (Arc<File>, u64)>;

/// A content, its size, and the inodes that have it.
type Wanted<'a> = (Content<'a>, u64, Vec<u32>);

/// Reads the contents in compressed layers in the order in which they lie there: they cannot be read in another.
fn spool(draft: &Draft<'_>) -> Result<EarlyContents, CopyError> {
    // By stack, layer and offset.
    let mut wanted: BTreeMap<(usize, usize, u64), Wanted<'_>> = BTreeMap::new();
    draft.members(|_, member| {
        if let Member::Made(number, inode) = member
            && let Content::Layer { layers, range } = &inode.content
            && range.size > 0
            && !layers.contents.is_plain(range.layer)
        {
            let stack = std::ptr::from_ref(layers.contents).addr();
            let place = (stack, range.layer, range.content_offset);
            let fresh = || (inode.content.clone(), inode.size, Vec::new());
            wanted.entry(place).or_insert_with(fresh).2.push(number);
        }
        Ok::<(), CopyError>(())
    })?;
    let mut early = EarlyContents::new();
    if wanted.is_empty() {
        return Ok(early);
    }
    let mut file = tempfile::tempfile().map_err(CopyError::Temporary)?;
    let (mut reader, mut places) = (ContentReader::new(), Vec::new());
    for (content, size, numbers) in wanted.into_values() {
        let offset = file.stream_position().map_err(CopyError::Temporary)?;
        reader.copy(&content, b"", size, &mut file)?;
        places.extend(numbers.into_iter().map(|number| (number, offset)));
    }
    file.seek(SeekFrom::Start(0)).map_err(CopyError::Temporary)?;
    let file = Arc::new(file);
    early.extend(places.into_iter().map(|(number, offset)| (number, (Arc::clone(&file), offset))));
    Ok(early)
}

/// Writes the tar.
fn produce(draft: &Draft<'_>, early: &EarlyContents, time: Mtime, pipe: PipeWriter) -> Result<(), ContentError> {
    let mut tar = TarWriter::new(pipe);
    let mut reader = ContentReader::new();
    // The first name of each inode that may have several.
    let mut firsts: HashMap<u32, EntryPath> = HashMap::new();
    draft.members(|path, member| match member {
        Member::Parent(node) => tar.entry(&node.meta()).map_err(ContentError::Write),
        Member::Opaque => {
            let name = super::tree::join(path, &Whiteout::Opaque.file_name());
            tar.entry(&Meta::file(&name, 0, 0o600, time)).map_err(ContentError::Write)
        }
        Member::Made(number, inode) => {
            if inode.kind == EntryKind::File {
                let target = EntryPath::new(path).unwrap_or_default();
                match firsts.entry(number) {
                    std::collections::hash_map::Entry::Vacant(first) => drop(first.insert(target)),
                    std::collections::hash_map::Entry::Occupied(first) => {
                        let kind = EntryKind::Hardlink { target: first.get().clone() };
                        return tar.entry(&Meta { kind, size: 0, ..meta(path, inode) }).map_err(ContentError::Write);
                    }
                }
            }
            file(&mut tar, &mut reader, path, inode, early.get(&number))
        }
    })?;
    let mut pipe = tar.finish().map_err(ContentError::Write)?;
    pipe.end().map_err(ContentError::Write)
}

/// Writes a member with its content.
fn file<'a>(
    tar: &mut TarWriter<PipeWriter>,
    reader: &mut ContentReader<'a>,
    path: &[u8],
    inode: &Inode<'a>,
    early: Option<&(Arc<File>, u64)>,
) -> Result<(), ContentError> {
    let meta = meta(path, inode);
    match (early, &inode.content) {
        (Some((file, offset)), _) => {
            let content = Content::Spooled { file: Arc::clone(file), offset: *offset, sparse: None, digest: None };
            tar.entry(&meta).map_err(ContentError::Write)?;
            reader.copy(&content, path, inode.size, tar)
        }
        (None, Content::Disk { folder, path, seen }) => {
            let file = open_unchanged(folder, path, seen)?;
            let xattrs = capabilities(&file, path)?;
            tar.entry(&Meta { xattrs, ..meta }).map_err(ContentError::Write)?;
            reader.copy_file(file, path, seen, tar)
        }
        (None, content) => {
            tar.entry(&meta).map_err(ContentError::Write)?;
            reader.copy(content, path, inode.size, tar)
        }
    }
}

fn meta(path: &[u8], inode: &Inode<'_>) -> Meta {
    Meta {
        name: path.to_vec(),
        kind: inode.kind.clone(),
        mode: inode.mode,
        uid: inode.uid,
        gid: inode.gid,
        mtime: inode.mtime,
        size: inode.size,
        xattrs: inode.xattrs.clone(),
    }
}
