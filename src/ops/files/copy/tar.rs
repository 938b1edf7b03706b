//! A file or a directory of an image as a tar.

use std::collections::HashMap;
use std::io::{self, Write};

use super::CopySource;
use crate::image::Progress;
use crate::layer::overlay::{LinkGroup, NodeKind, ViewNode};
use crate::layer::{EntryKind, EntryPath, Meta, TarWriter};
use crate::ops::files::list::join;
use crate::ops::files::mode;
use crate::ops::look::{Look, Take};
use crate::ops::{Context, Error};

/// Writes a tar of what is copied: directories, links and devices by path, then files in the order of the layers, last
/// the further names of files.
pub fn to_tar(
    look: &Look,
    context: &Context,
    source: &CopySource<'_>,
    stream: &mut dyn Write,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let failed = |source| Error::Io { what: "standard output".to_owned(), source };
    let mut writer = Writer { tar: TarWriter::new(stream), names: HashMap::new(), current: None, progress };
    let further = writer.first_part(source).map_err(failed)?;
    let files: Vec<ViewNode<'_>> = std::iter::once(source.node)
        .chain(source.node.descendants())
        .filter(|node| node.size() > 0 && writer.names.contains_key(&node.id()))
        .collect();
    if let Err(error) = look.read(context, files, &mut writer) {
        // The reader does not learn that this failed, and many readers accept a tar without an end mark.
        let _ = writer.tar.get_mut().write_all(&SPOILT);
        return Err(error);
    }
    for meta in further {
        writer.tar.entry(&meta).map_err(failed)?;
    }
    progress.finish(0, "");
    writer.tar.finish().map(drop).map_err(failed)
}

/// Bytes that every reader rejects, at any position in a tar.
const SPOILT: [u8; 1536] = [0xff; 1536];

struct Writer<'a> {
    tar: TarWriter<&'a mut dyn Write>,
    /// The names of files with content, by the numbers of their nodes.
    names: HashMap<usize, Vec<u8>>,
    /// The file whose header was written last.
    current: Option<usize>,
    progress: &'a dyn Progress,
}

impl Writer<'_> {
    /// Writes everything without a content, and gives the further names of files.
    fn first_part(&mut self, source: &CopySource<'_>) -> io::Result<Vec<Meta>> {
        let mut further = Vec::new();
        let mut groups: HashMap<LinkGroup, Vec<u8>> = HashMap::new();
        let mut left = vec![(source.base.clone(), source.node)];
        while let Some((name, node)) = left.pop() {
            let children: Vec<_> = node.children().collect();
            left.extend(children.into_iter().rev().map(|child| (join(&name, child.name()), child)));
            if let Some(group) = node.link_group() {
                if let Some(first) = groups.get(&group) {
                    let target = EntryPath::new(first).map_err(io::Error::other)?;
                    further.push(Meta { kind: EntryKind::Hardlink { target }, size: 0, ..meta(node, name) });
                    continue;
                }
                groups.insert(group, name.clone());
            }
            if node.size() > 0 {
                self.names.insert(node.id(), name);
            } else {
                self.tar.entry(&meta(node, name))?;
            }
        }
        Ok(further)
    }

    fn begin(&mut self, file: ViewNode<'_>) -> io::Result<()> {
        if self.current != Some(file.id()) {
            self.current = Some(file.id());
            let name = self.names.get(&file.id()).cloned().unwrap_or_default();
            self.tar.entry(&meta(file, name))?;
        }
        Ok(())
    }
}

impl<'v> Take<'v> for Writer<'_> {
    fn bytes(&mut self, file: ViewNode<'v>, bytes: &[u8]) -> io::Result<()> {
        self.begin(file)?;
        self.tar.write_all(bytes)?;
        self.progress.advance(0, bytes.len() as u64);
        Ok(())
    }

    fn verified(&mut self, file: ViewNode<'v>) -> io::Result<()> {
        self.begin(file)
    }
}

/// The header of a file as its own first name.
fn meta(node: ViewNode<'_>, name: Vec<u8>) -> Meta {
    let kind = match node.kind() {
        NodeKind::File => EntryKind::File,
        NodeKind::Directory => EntryKind::Directory,
        NodeKind::Symlink { target } => EntryKind::Symlink { target: target.to_vec() },
        NodeKind::CharDevice { major, minor } => EntryKind::CharDevice { major, minor },
        NodeKind::BlockDevice { major, minor } => EntryKind::BlockDevice { major, minor },
        NodeKind::Fifo => EntryKind::Fifo,
    };
    // overlayfs keeps its own metadata under `trusted.`.
    let xattrs = node.xattrs().iter().filter(|(name, _)| !name.starts_with(b"trusted.")).cloned().collect();
    let (mode, uid, gid, mtime) = (mode::permissions(node), node.uid(), node.gid(), node.mtime());
    Meta { name, size: node.size(), kind, mode, uid, gid, mtime, xattrs }
}
