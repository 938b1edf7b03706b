//! How large images and layers are.

use std::io;

use super::{Context, Error, FoundImage, ImagePlace};
use crate::image::{Blob, Image, Layer, MissingLayers};
use crate::layer::{Compression, ScanError, outline, scan};
use crate::oci::Digest;

/// The sizes of a layer.
#[derive(Debug, Clone, Copy)]
pub struct LayerSize {
    /// The size that docker shows: the bytes of its files and links, each once.
    pub content: u64,
    /// The length of its uncompressed tar.
    pub tar: u64,
}

impl Context {
    /// The sizes of one layer of an image that was found.
    pub fn layer_size(&self, found: &FoundImage, layer: &Layer) -> Result<LayerSize, Error> {
        let Some(blob) = &layer.blob else {
            return Err(MissingLayers { image: found.shown(), layers: vec![layer.diff_id] }.into());
        };
        if let (true, Some(descriptor)) = (found.in_store(), &layer.descriptor) {
            return self.stored_layer_size(&descriptor.digest, blob);
        }
        measure(blob, self).map_err(|source| Error::Layer { diff_id: layer.diff_id, source })
    }

    /// The sizes of a layer of the store.
    pub fn stored_layer_size(&self, digest: &Digest, blob: &Blob) -> Result<LayerSize, Error> {
        let summary = self.store.layer_summary(digest, blob)?;
        Ok(LayerSize { content: summary.content_size, tar: summary.tar_size })
    }

    /// The size that is shown for a layer: as docker counts it, but for an image in a registry, from which no layer is
    /// fetched for this, the length of the blob.
    pub fn content_size(&self, found: &FoundImage, layer: &Layer) -> Result<u64, Error> {
        match &layer.descriptor {
            Some(descriptor) if found.place == ImagePlace::Registry => Ok(descriptor.size),
            _ => Ok(self.layer_size(found, layer)?.content),
        }
    }

    /// The sizes of all layers as they are shown, bottom first.
    pub fn content_sizes(&self, found: &FoundImage, image: &Image) -> Result<Vec<u64>, Error> {
        image.layers.iter().map(|layer| self.content_size(found, layer)).collect()
    }

    /// The size that docker shows for an image.
    pub fn image_size(&self, found: &FoundImage, image: &Image) -> Result<u64, Error> {
        Ok(self.content_sizes(found, image)?.iter().sum())
    }
}

/// An uncompressed layer in a file is measured by its headers alone.
fn measure(blob: &Blob, context: &Context) -> Result<LayerSize, ScanError> {
    if blob.is_range() && blob.compression()? == Compression::None {
        let found = outline(blob.open()?, &context.limits)?;
        return Ok(LayerSize { content: found.content_size, tar: found.tar_size });
    }
    let summary = scan(blob.open()?, &context.limits, &mut io::sink())?.summary;
    Ok(LayerSize { content: summary.content_size, tar: summary.tar_size })
}
