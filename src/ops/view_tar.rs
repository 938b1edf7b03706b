//! Files of a merged view as a tar, written without holding their contents.
//!
//! Each layer is read once. So the members stand in an order that layers can follow: first directories, links, devices
//! and whiteouts by path, then files in the order of the layers and of their contents there, last the further names of
//! files by path. The bytes are the same for the same members, however the layers are compressed and wherever the tar
//! goes.

use std::fs::File;
use std::io;

use super::Error;
use super::damage::LayerNames;
use crate::image::contents::{Contents, Piece};
use crate::image::{Blob, Layer, Progress, Sink};
use crate::layer::overlay::{NodeKind, ViewNode};
use crate::layer::path::Escaped;
use crate::layer::{EntryPath, Limits, Meta, Mtime, TarWriter};

/// A tar is one part of progress.
const PART: u64 = 0;
/// The mode of whiteouts, as docker writes them.
const WHITEOUT_MODE: u32 = 0o600;

/// A tar that is being written.
pub struct ViewTar<'a> {
    tar: TarWriter<Sink<'a>>,
    progress: &'a dyn Progress,
}

/// The layers that a view was made of, bottom first.
#[derive(Clone, Copy)]
pub struct ViewLayers<'a> {
    /// The layers. What a view has of a layer above them has no content.
    pub layers: &'a [Layer],
    /// Their names for messages.
    pub names: &'a LayerNames,
    /// The limits for reading them.
    pub limits: &'a Limits,
}

/// What a tar holds.
#[derive(Default)]
pub struct ViewMembers<'v> {
    /// What has no content.
    plain: Vec<PlainMember<'v>>,
    /// The first names of files.
    files: Vec<ViewNode<'v>>,
    /// The other names.
    further: Vec<ViewNode<'v>>,
}

enum PlainMember<'v> {
    Node(ViewNode<'v>),
    Whiteout(EntryPath),
}

impl<'v> ViewMembers<'v> {
    /// Adds a name; of a file with several names, all must be added.
    pub fn add(&mut self, node: ViewNode<'v>) {
        if node.is_further_name() {
            self.further.push(node);
        } else if node.kind() == NodeKind::File {
            self.files.push(node);
        } else {
            self.plain.push(PlainMember::Node(node));
        }
    }

    /// Adds a whiteout, by the path of its file.
    pub fn add_whiteout(&mut self, path: EntryPath) {
        self.plain.push(PlainMember::Whiteout(path));
    }
}

impl<'v> FromIterator<ViewNode<'v>> for ViewMembers<'v> {
    fn from_iter<I: IntoIterator<Item = ViewNode<'v>>>(nodes: I) -> Self {
        let mut members = Self::default();
        nodes.into_iter().for_each(|node| members.add(node));
        members
    }
}

impl<'a> ViewTar<'a> {
    /// A tar without members.
    pub fn new(sink: Sink<'a>, progress: &'a dyn Progress) -> Self {
        Self { tar: TarWriter::new(sink), progress }
    }

    /// Shows what is written, and how many bytes of contents it has.
    pub fn start(&self, label: &str, total: Option<u64>) {
        self.progress.total(total);
        self.progress.start(PART, label, total);
    }

    /// Writes members, each with the header that `meta` makes of it. The time of whiteouts is 1970.
    pub fn members(
        &mut self,
        members: &ViewMembers<'_>,
        layers: ViewLayers<'_>,
        label: &str,
        meta: impl Fn(ViewNode<'_>) -> Meta,
    ) -> Result<(), Error> {
        for member in &members.plain {
            match member {
                PlainMember::Node(node) => self.header(&meta(*node))?,
                PlainMember::Whiteout(path) => {
                    self.header(&Meta::file(path.as_bytes(), 0, WHITEOUT_MODE, Mtime::default()))?;
                }
            }
        }
        let mut files = members.files.clone();
        let total = files.iter().map(ViewNode::size).fold(0, u64::saturating_add);
        self.start(label, Some(total));
        files.sort_unstable_by_key(|node| (node.layer(), node.source().map(|source| source.content_offset), node.id()));
        for files in files.chunk_by(|one, other| one.layer() == other.layer()) {
            match layers.layers.get(files[0].layer()).and_then(|layer| layer.blob.as_ref()) {
                Some(layer) => self.files(layer, files, layers, &meta)?,
                None => files.iter().try_for_each(|file| self.header(&meta(*file)))?,
            }
        }
        members.further.iter().try_for_each(|node| self.header(&meta(*node)))
    }

    /// Writes the files of a layer, in the order of their contents.
    fn files(
        &mut self,
        layer: &Blob,
        files: &[ViewNode<'_>],
        layers: ViewLayers<'_>,
        meta: &impl Fn(ViewNode<'_>) -> Meta,
    ) -> Result<(), Error> {
        let failed = |error| layers.names.of_layer(files[0].layer(), error);
        let mut contents = Contents::open(layer, layers.limits).map_err(failed)?;
        for node in files {
            let source = node.source().expect("these are files");
            self.header(&meta(*node))?;
            let copied = contents.read(source, |piece| self.piece(piece));
            copied.map_err(|error| layers.names.of_content(node.layer(), &node.path_bytes(), error))?;
        }
        Ok(())
    }

    /// Writes a piece of a content.
    pub fn piece(&mut self, piece: Piece<'_, '_>) -> io::Result<()> {
        let sink = self.tar.get_mut();
        let size = match piece {
            Piece::Hole(size) => {
                sink.zeros(size)?;
                size
            }
            Piece::Data(mut data) => {
                let size = data.left();
                sink.data(&mut data)?;
                size
            }
        };
        self.progress.advance(PART, size);
        self.tar.advance(size)
    }

    /// Writes the first bytes of a file as a content.
    pub fn range(&mut self, file: &File, size: u64) -> io::Result<()> {
        self.range_at(file, 0, size)
    }

    /// Writes so many bytes of a file, from an offset on, as a content.
    pub fn range_at(&mut self, file: &File, offset: u64, size: u64) -> io::Result<()> {
        self.tar.get_mut().range(file, offset, size)?;
        self.progress.advance(PART, size);
        self.tar.advance(size)
    }

    /// Starts a member.
    pub fn header(&mut self, meta: &Meta) -> Result<(), Error> {
        self.tar.entry(meta).map_err(|source| Error::Io { what: shown(&meta.name), source })
    }

    /// Writes the end of the archive.
    pub fn finish(self) -> Result<(), Error> {
        let end = self.tar.finish().and_then(Sink::finish);
        self.progress.finish(PART, "");
        end.map(drop).map_err(|source| Error::Io { what: "end of the archive".to_owned(), source })
    }
}

/// A path of an image in a message.
pub fn shown(path: &[u8]) -> String {
    Escaped(path).to_string()
}
