//! An unpacked directory as a tar: what could not be set on disk is as in the image.

use std::collections::HashMap;
use std::fs::File;
use std::io;

use rustix::fs::OFlags;

use super::{Error, folder};
use crate::image::contents::LayerStack;
use crate::layer::{EntryKind, EntryPath};
use crate::ops::checkout::Present;
use crate::ops::view_tar::{ViewTar, shown};
use crate::rootfs::{ContentSource, PathRecord, Skipped};

/// Writes what is in a directory, by path.
pub(super) fn write(present: &Present, output: &mut ViewTar<'_>) -> Result<Skipped, Error> {
    let total = present.records.iter().map(|record| record.node.size).sum();
    output.start("export", Some(total));
    let mut first_names: HashMap<SharedInode, &EntryPath> = HashMap::new();
    for record in &present.records {
        let mut meta = record.node.meta(record.path.as_bytes().to_vec());
        if let Some(inode) = inode(record) {
            let first = first_names.entry(inode).or_insert(&record.path);
            if **first != record.path {
                meta.kind = EntryKind::Hardlink { target: (*first).clone() };
                meta.size = 0;
            }
        }
        let size = meta.content_size();
        output.header(&meta)?;
        if size > 0 {
            content(present, record, output)?;
        }
    }
    Ok(present.skipped.clone())
}

/// The key that names of one file share: its inode, or the link group in the image where the inode is unknown.
#[derive(PartialEq, Eq, Hash)]
enum SharedInode {
    Disk(u64),
    Image(u32),
}

fn inode(record: &PathRecord) -> Option<SharedInode> {
    match (record.stat.ino, record.group) {
        _ if record.node.kind == EntryKind::Directory => None,
        (0, 0) => None,
        (0, group) => Some(SharedInode::Image(group)),
        (ino, _) => Some(SharedInode::Disk(ino)),
    }
}

/// Copies a file's content from the disk, or from the image if this user cannot read it there.
fn content(present: &Present, record: &PathRecord, output: &mut ViewTar<'_>) -> Result<(), Error> {
    let failed = |source| Error::Io { what: shown(record.path.as_bytes()), source };
    let is_hidden = present.skipped.mounts.iter().any(|mount| record.path.starts_with(mount));
    let opened = match present.root.open_beneath(record.path.as_bytes(), OFlags::RDONLY | OFlags::NONBLOCK) {
        _ if is_hidden => None,
        Ok(file) => Some(File::from(file)),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => None,
        Err(error) => return Err(failed(error)),
    };
    match (opened, &record.source) {
        (Some(file), _) => folder::unchanged(&file, (record.stat.ino, record.stat.size), output).map_err(failed),
        (None, Some(source)) => {
            let copied = from_layer(&present.layers, source, record.node.size, output);
            let layer = source.layer as usize;
            copied.map_err(|error| present.names.of_content(layer, record.path.as_bytes(), error))
        }
        (None, None) => Err(failed(io::ErrorKind::PermissionDenied.into())),
    }
}

fn from_layer(layers: &LayerStack, source: &ContentSource, size: u64, output: &mut ViewTar<'_>) -> io::Result<()> {
    let layer = source.layer as usize;
    let source = layers.source(layer, source.offset, size, source.sparse.as_ref())?;
    layers.open(layer)?.read(source, |piece| output.piece(piece))
}
