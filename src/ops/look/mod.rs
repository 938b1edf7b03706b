//! An image that is looked into: its merged view, its layers, and the contents of its files; what the verbs share that
//! show what is inside an image.

mod layer;
mod read;
mod restart;

pub use layer::layer;
pub use read::{Place, Take};

use super::damage::LayerNames;
use super::{Context, Error, FoundImage};
use crate::image::{Image, Progress};
use crate::layer::Entry;
use crate::layer::overlay::Overlay;
use crate::oci::Platform;

/// An image that is looked into.
pub struct Look {
    /// Where it was found, and its names.
    pub found: FoundImage,
    /// The image of the platform that was asked for.
    pub image: Image,
    /// The names of its layers in errors.
    pub names: LayerNames,
    /// Its files.
    pub view: Overlay,
}

impl Look {
    /// Opens the image that was typed, wherever it is. The layers of one in a registry are fetched.
    pub fn open(
        context: &Context,
        typed: &str,
        platform: Option<&Platform>,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let found = context.find_for(typed, platform)?;
        let image = found.image(platform, &context.host)?.clone();
        context.fetch(&found, &[&image], progress)?;
        let view = context.overlay(&found, &image)?;
        Ok(Self { names: LayerNames::of(&found, &image), found, image, view })
    }

    /// The view of the lowest `layers` layers, all of which the image must have.
    pub fn lower(&self, context: &Context, layers: usize) -> Result<Overlay, Error> {
        let mut lower = self.image.clone();
        lower.layers.truncate(layers);
        context.overlay(&self.found, &lower)
    }

    /// The entries of one layer, by its place from the bottom, in the order of its tar, whiteouts among them.
    pub fn entries(&self, context: &Context, layer: usize) -> Result<Vec<Entry>, Error> {
        context.entries(&self.found, &self.image, layer)
    }
}
