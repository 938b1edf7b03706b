//! Which images are to go out, and how.

use std::io;
use std::path::Path;

use super::LayerForm;
use crate::image::{Image, ImageTree, Layer, Progress};
use crate::oci::{Descriptor, Reference};

/// An image that is to go out. The image must be complete, as must be all images of an index that are written.
pub struct OutgoingRequest<'a> {
    /// Its names in the output.
    pub names: &'a [Reference],
    /// Its name in messages.
    pub shown: String,
    /// The image; of several platforms the one for `manifest.json`.
    pub image: &'a Image,
    /// The index, if all its platforms are to go out.
    pub index: Option<(&'a Descriptor, &'a ImageTree)>,
    /// The length of a layer's uncompressed tar.
    pub tar_size: &'a (dyn Fn(&Layer) -> io::Result<u64> + Sync),
}

impl<'a> OutgoingRequest<'a> {
    /// All images that are written.
    pub(super) fn images(&self) -> Vec<&'a Image> {
        match self.index {
            Some((_, tree)) => tree.images().into_iter().filter(|image| image.is_complete()).collect(),
            None => vec![self.image],
        }
    }
}

/// How images go out.
pub struct OutgoingOptions<'a> {
    /// The form of their layers.
    pub form: LayerForm,
    /// A folder for compressed layers until they are written where they belong. Without one, layers are compressed
    /// twice: for their digest, and when they are written.
    pub scratch: Option<&'a Path>,
    /// Receives the progress of compression.
    pub progress: &'a dyn Progress,
}
