//! From an image to its merged view.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Seek as _, Write as _};
use std::sync::Arc;

use super::ahead::read_ahead;
use super::damage::LayerNames;
use super::{Context, Error, FoundImage};
use crate::image::blob::BlobReader;
use crate::image::contents::Checksums;
use crate::image::{Blob, Image, Layer, MissingLayers};
use crate::layer::overlay::{Overlay, Watch};
use crate::layer::{Entry, IndexError, LayerIndex, ScanError, scan};
use crate::oci::{DiffId, Digest};

impl Context {
    /// The merged view of an image's layers. Only layers without an index are read.
    pub fn overlay(&self, found: &FoundImage, image: &Image) -> Result<Overlay, Error> {
        self.overlay_with(found, image, &[])
    }

    /// The same with one more layer on top, if that has entries.
    pub fn overlay_with(&self, found: &FoundImage, image: &Image, top: &[Entry]) -> Result<Overlay, Error> {
        self.overlay_of(found, image, &[top], &mut Watch::default())
    }

    /// The same with more layers on top, the lowest first.
    pub fn overlay_below(&self, found: &FoundImage, image: &Image, tops: &[Vec<Entry>]) -> Result<Overlay, Error> {
        let tops: Vec<&[Entry]> = tops.iter().map(Vec::as_slice).collect();
        self.overlay_of(found, image, &tops, &mut Watch::default())
    }

    /// The merged view, while `watch` notes what becomes of files.
    pub fn overlay_watched(&self, found: &FoundImage, image: &Image, watch: &mut Watch) -> Result<Overlay, Error> {
        self.overlay_of(found, image, &[], watch)
    }

    fn overlay_of(
        &self,
        found: &FoundImage,
        image: &Image,
        tops: &[&[Entry]],
        watch: &mut Watch,
    ) -> Result<Overlay, Error> {
        let mut stack = |distrusted: &HashSet<Digest>| -> Result<_, Error> {
            let indexes = self.indexes(found, image, distrusted)?;
            let tops = tops.iter().filter(|top| !top.is_empty()).map(|top| Entries::Given(top.iter().cloned()));
            watch.restart();
            let layers = indexes.into_iter().map(Entries::of).chain(tops).collect();
            Ok(read_ahead(layers, |layers| Overlay::build_watched(layers, watch)))
        };
        let mut built = stack(&HashSet::new())?;
        if built.is_err() {
            // Indexes are only a cache: damaged ones are rebuilt.
            let damaged = self.damaged_indexes(found, image);
            if !damaged.is_empty() {
                built = stack(&damaged)?;
            }
        }
        built.map_err(|source| Error::Overlay { image: found.shown(), source })
    }

    /// The entries of one layer, by its place from the bottom, in the order of its tar, whiteouts among them.
    pub fn entries(&self, found: &FoundImage, image: &Image, layer: usize) -> Result<Vec<Entry>, Error> {
        let read = |distrusted: &HashSet<Digest>| -> Result<_, Error> {
            let index = self.index(found, image, layer, distrusted, &mut Drawer::new())?;
            Ok(Entries::of(index).collect::<Result<Vec<Entry>, IndexError>>())
        };
        let entries = match read(&HashSet::new())? {
            Err(IndexError::Damaged { .. }) => read(&self.damaged_indexes(found, image))?,
            read => read,
        };
        entries.map_err(|source| Error::LayerIndex { diff_id: image.layers[layer].diff_id, source })
    }

    /// The checksums of the contents of one layer.
    pub fn checksums(&self, found: &FoundImage, image: &Image, layer: usize) -> Result<Checksums, Error> {
        let entries = self.entries(found, image, layer)?;
        Ok(entries.iter().filter(|entry| entry.size > 0).map(|entry| (entry.content_offset, entry.checksum)).collect())
    }

    /// The layers whose index in the store is damaged.
    fn damaged_indexes(&self, found: &FoundImage, image: &Image) -> HashSet<Digest> {
        let digests = image.layers.iter().filter_map(|layer| layer.descriptor.as_ref()).map(|layer| layer.digest);
        let is_damaged = |digest: &Digest| {
            let index = self.store.layer_index(digest).map(IndexPlace::Kept);
            index.is_some_and(|index| Entries::of(index).any(|entry| entry.is_err()))
        };
        if found.in_store() { digests.filter(is_damaged).collect() } else { HashSet::new() }
    }

    /// The index of each layer, bottom first.
    fn indexes(
        &self,
        found: &FoundImage,
        image: &Image,
        distrusted: &HashSet<Digest>,
    ) -> Result<Vec<IndexPlace>, Error> {
        let mut drawer = Drawer::new();
        (0..image.layers.len()).map(|layer| self.index(found, image, layer, distrusted, &mut drawer)).collect()
    }

    /// The index of the layer at that place. One that is distrusted is rebuilt.
    fn index(
        &self,
        found: &FoundImage,
        image: &Image,
        place: usize,
        distrusted: &HashSet<Digest>,
        drawer: &mut Drawer,
    ) -> Result<IndexPlace, Error> {
        let layer = &image.layers[place];
        let Some(blob) = &layer.blob else {
            return Err(MissingLayers { image: found.shown(), layers: vec![layer.diff_id] }.into());
        };
        // Only errors need them, and an image may have a thousand layers.
        let names = || LayerNames::of(found, image);
        if let (true, Some(descriptor)) = (found.in_store(), &layer.descriptor) {
            let digest = &descriptor.digest;
            // If it cannot be deleted, it is ignored.
            if !distrusted.contains(digest) || self.store.forget_layer_index(digest).is_ok() {
                let summary = self.store.layer_summary(digest, blob).map_err(|error| names().of_store(place, error))?;
                check_diff_id(layer, summary.diff_id).map_err(|problem| names().damaged(place, problem))?;
                if let Some(index) = self.store.layer_index(digest) {
                    return Ok(IndexPlace::Kept(index));
                }
            }
        }
        drawer.scan(layer, place, blob, &names, self).map(IndexPlace::Drawn)
    }
}

/// Compares a layer's diff ID with the config's.
fn check_diff_id(layer: &Layer, actual: DiffId) -> Result<(), String> {
    let expected = layer.diff_id;
    if actual == expected { Ok(()) } else { Err(format!("its diff ID is {actual}, and should be {expected}")) }
}

/// The index of a layer.
enum IndexPlace {
    /// The store has it.
    Kept(std::path::PathBuf),
    /// It was made for this use only.
    Drawn(Blob),
}

/// An anonymous file in memory.
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

    /// Reads a layer to its end, checks its diff ID, and keeps its index.
    fn scan(
        &mut self,
        layer: &Layer,
        place: usize,
        blob: &Blob,
        names: &dyn Fn() -> LayerNames,
        context: &Context,
    ) -> Result<Blob, Error> {
        let io_error = |source| Error::Io { what: "temporary file (in $TMPDIR, or /tmp)".to_owned(), source };
        let layer_error = |source: ScanError| names().damaged(place, source.to_string());
        if self.file.is_none() {
            // Where no temporary file can be created, as in a container without /tmp, it is in memory.
            let file = tempfile::tempfile().or_else(|error| in_memory().map_err(|_| error));
            self.file = Some(Arc::new(file.map_err(io_error)?));
        }
        let file = self.file.as_ref().expect("it was just made");
        let start = (&**file).stream_position().map_err(io_error)?;
        let mut index = BufWriter::new(&**file);
        let reader = blob.open().map_err(|error| names().of_layer(place, error))?;
        let summary = match scan(reader, &context.limits, &mut index) {
            Err(ScanError::Index { source }) => return Err(io_error(source)),
            scanned => scanned.map_err(layer_error)?.summary,
        };
        index.flush().map_err(io_error)?;
        check_diff_id(layer, summary.diff_id).map_err(|problem| names().damaged(place, problem))?;
        let end = (&**file).stream_position().map_err(io_error)?;
        Ok(Blob::range(Arc::clone(file), start, end - start))
    }
}

/// The entries of a layer, whose index is opened when the first is wanted: there may be a thousand layers.
enum Entries<'a> {
    Closed(IndexPlace),
    Kept(LayerIndex<File>),
    Drawn(LayerIndex<BlobReader>),
    Given(std::iter::Cloned<std::slice::Iter<'a, Entry>>),
    Failed,
}

impl Entries<'_> {
    fn of(index: IndexPlace) -> Self {
        Self::Closed(index)
    }

    fn open(index: &IndexPlace) -> Result<Self, IndexError> {
        Ok(match index {
            IndexPlace::Kept(path) => Self::Kept(LayerIndex::read(File::open(path).map_err(IndexError::Io)?)?),
            IndexPlace::Drawn(blob) => Self::Drawn(LayerIndex::read(blob.open().map_err(IndexError::Io)?)?),
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
