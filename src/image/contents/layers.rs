//! The layers of an image, whose contents are read by several threads.

use std::collections::HashMap;
use std::io;
use std::sync::OnceLock;

use super::Contents;
use crate::image::Blob;
use crate::layer::overlay::ContentRange;
use crate::layer::{Checksum, Compression, Limits, SparseMap};

/// The checksums of the contents of a layer, by their offsets in its tar.
pub type Checksums = HashMap<u64, Checksum>;

/// Looks up the checksums of a layer, by its place from the bottom.
type Lookup = Box<dyn Fn(usize) -> io::Result<Checksums> + Send + Sync>;

/// The layers of an image, bottom first: those that are an uncompressed range of a file allow random access, the others
/// are read from the beginning.
pub struct LayerStack {
    stack: Vec<StackedLayer>,
    limits: Limits,
    lookup: Lookup,
}

struct StackedLayer {
    blob: Blob,
    is_plain: bool,
    /// Looked up when the first is needed.
    checksums: OnceLock<Checksums>,
}

impl LayerStack {
    /// The layers with those blobs, compressed or not. `lookup` is called for contents of which only the place is
    /// known.
    pub fn new(
        blobs: Vec<Blob>,
        limits: Limits,
        lookup: impl Fn(usize) -> io::Result<Checksums> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let open = |blob: Blob| {
            let is_plain = blob.is_range() && blob.compression()? == Compression::None;
            Ok(StackedLayer { blob, is_plain, checksums: OnceLock::new() })
        };
        let stack = blobs.into_iter().map(open).collect::<io::Result<_>>()?;
        Ok(Self { stack, limits, lookup: Box::new(lookup) })
    }

    /// No layers at all.
    pub fn none() -> Self {
        Self { stack: Vec::new(), limits: Limits::default(), lookup: Box::new(|_| Err(no_layer())) }
    }

    /// Whether a layer allows random access.
    pub fn is_plain(&self, layer: usize) -> bool {
        self.stack.get(layer).is_some_and(|layer| layer.is_plain)
    }

    /// The contents of a layer: in any order if it is plain, else in that of their offsets.
    pub fn open(&self, layer: usize) -> io::Result<Contents<'_>> {
        Contents::scattered(&self.stack.get(layer).ok_or_else(no_layer)?.blob, &self.limits)
    }

    /// A content of which only the place is known, with its checksum from the layer's index.
    pub fn source<'s>(
        &self,
        layer: usize,
        content_offset: u64,
        size: u64,
        sparse: Option<&'s SparseMap>,
    ) -> io::Result<ContentRange<'s>> {
        let source = ContentRange { layer, content_offset, size, sparse, checksum: Checksum::EMPTY };
        if source.stored() == 0 {
            return Ok(source);
        }
        let checksum = self.checksums(layer)?.get(&content_offset).copied();
        let unknown = || io::Error::new(io::ErrorKind::InvalidData, "its layer has no file at this place");
        Ok(ContentRange { checksum: checksum.ok_or_else(unknown)?, ..source })
    }

    fn checksums(&self, layer: usize) -> io::Result<&Checksums> {
        let cell = &self.stack.get(layer).ok_or_else(no_layer)?.checksums;
        if cell.get().is_none() {
            // If two threads look it up at once, they find the same.
            let _ = cell.set((self.lookup)(layer)?);
        }
        cell.get().ok_or_else(no_layer)
    }
}

fn no_layer() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "there is no such layer")
}
