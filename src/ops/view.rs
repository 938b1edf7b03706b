//! From an image to its merged view.

use std::fs::File;
use std::io::{BufWriter, Seek as _, Write as _};
use std::sync::Arc;

use super::{Context, Error, Found};
use crate::image::blob::BlobReader;
use crate::image::{Blob, Image, Layer, MissingLayers};
use crate::layer::overlay::{Overlay, OverlayError};
use crate::layer::{Entry, IndexError, LayerIndex, ScanError, scan};
use crate::oci::DiffId;

impl Context {
    /// What the layers of an image are together. No content is read but that of layers that were never looked at.
    pub fn overlay(&self, found: &Found, image: &Image) -> Result<Overlay, Error> {
        self.overlay_with(found, image, &[])
    }

    /// The same with one more layer on top, if that has entries.
    pub fn overlay_with(&self, found: &Found, image: &Image, top: &[Entry]) -> Result<Overlay, Error> {
        let stack = || -> Result<_, Error> {
            let indexes = self.indexes(found, image)?;
            let top = (!top.is_empty()).then(|| Entries::Given(top.iter().cloned()));
            Ok(Overlay::build(indexes.into_iter().map(Entries::of).chain(top)))
        };
        let mut built = stack()?;
        if let Err(OverlayError::Index { layer, source: IndexError::Damaged { .. } }) = &built
            && let Some(descriptor) = image.layers.get(*layer).and_then(|layer| layer.descriptor.as_ref())
            && found.in_store
        {
            // Only a cache: what is wrong with it, it is made anew.
            self.store.forget_layer_index(&descriptor.digest)?;
            built = stack()?;
        }
        built.map_err(|source| Error::Overlay { image: found.shown(), source })
    }

    /// The index of each layer, bottom first.
    fn indexes(&self, found: &Found, image: &Image) -> Result<Vec<Index>, Error> {
        let mut drawer = Drawer::new();
        image.layers.iter().map(|layer| self.index(found, layer, &mut drawer)).collect()
    }

    fn index(&self, found: &Found, layer: &Layer, drawer: &mut Drawer) -> Result<Index, Error> {
        let Some(blob) = &layer.blob else {
            return Err(MissingLayers { image: found.shown(), layers: vec![layer.diff_id] }.into());
        };
        if let (true, Some(descriptor)) = (found.in_store, &layer.descriptor) {
            let summary = self.store.layer_summary(&descriptor.digest, blob)?;
            check_diff_id(layer, summary.diff_id)?;
            if let Some(index) = self.store.layer_index(&descriptor.digest) {
                return Ok(Index::Kept(index));
            }
        }
        drawer.scan(layer, blob, self).map(Index::Drawn)
    }
}

fn check_diff_id(layer: &Layer, actual: DiffId) -> Result<(), Error> {
    let expected = layer.diff_id;
    if actual == expected { Ok(()) } else { Err(Error::LayerContent { expected, actual }) }
}

/// The index of a layer.
enum Index {
    /// The store has it.
    Kept(std::path::PathBuf),
    /// It was made for this once.
    Drawn(Blob),
}

/// A file of no file system.
fn in_memory() -> std::io::Result<File> {
    Ok(File::from(rustix::fs::memfd_create("imgtool-indexes", rustix::fs::MemfdFlags::CLOEXEC)?))
}

/// Indexes of layers that are not in a store, one after the other in a file without a name.
struct Drawer {
    file: Option<Arc<File>>,
}

impl Drawer {
    fn new() -> Self {
        Self { file: None }
    }

    /// Reads a layer to its end, checks that it is the one that the config means, and keeps its index.
    fn scan(&mut self, layer: &Layer, blob: &Blob, context: &Context) -> Result<Blob, Error> {
        let io_error = |source| Error::Io { what: "temporary file (in $TMPDIR, or /tmp)".to_owned(), source };
        let layer_error = |source| Error::Layer { diff_id: layer.diff_id, source };
        if self.file.is_none() {
            // Where there is no place for it, as in a container without /tmp, it is in memory.
            let file = tempfile::tempfile().or_else(|error| in_memory().map_err(|_| error));
            self.file = Some(Arc::new(file.map_err(io_error)?));
        }
        let file = self.file.as_ref().expect("it was just made");
        let start = (&**file).stream_position().map_err(io_error)?;
        let mut index = BufWriter::new(&**file);
        let reader = blob.open().map_err(|error| layer_error(ScanError::from(error)))?;
        let summary = scan(reader, &context.limits, &mut index).map_err(layer_error)?.summary;
        index.flush().map_err(io_error)?;
        check_diff_id(layer, summary.diff_id)?;
        let end = (&**file).stream_position().map_err(io_error)?;
        Ok(Blob::range(Arc::clone(file), start, end - start))
    }
}

/// The entries of a layer, whose index is opened when the first is wanted: there may be a thousand layers.
enum Entries<'a> {
    Closed(Index),
    Kept(LayerIndex<File>),
    Drawn(LayerIndex<BlobReader>),
    Given(std::iter::Cloned<std::slice::Iter<'a, Entry>>),
    Failed,
}

impl Entries<'_> {
    fn of(index: Index) -> Self {
        Self::Closed(index)
    }

    fn open(index: &Index) -> Result<Self, IndexError> {
        Ok(match index {
            Index::Kept(path) => Self::Kept(LayerIndex::read(File::open(path).map_err(IndexError::Io)?)?),
            Index::Drawn(blob) => Self::Drawn(LayerIndex::read(blob.open().map_err(IndexError::Io)?)?),
        })
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Self::Closed(index) = self {
            match Self::open(index) {
                Ok(open) => *self = open,
                Err(error) => {
                    *self = Self::Failed;
                    return Some(Err(error));
                }
            }
        }
        match self {
            Self::Kept(index) => index.next(),
            Self::Drawn(index) => index.next(),
            Self::Given(entries) => entries.next().map(Ok),
            Self::Closed(_) | Self::Failed => None,
        }
    }
}
