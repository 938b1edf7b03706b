//! Puts an image into the store, whether it was loaded, imported, committed or built.
//!
//! ```text
//! KeptLayer ─▶ descriptor ─┐
//! config ──────────────────┼─▶ Quarantine::assemble ─▶ descriptor ─▶ Quarantine::publish_image ─▶ a name, or none
//! parent ──────────────────┘    keeps the config and
//!                               the manifest around them
//! ```

use super::{Error, Quarantine, VerifiedLayer};
use crate::image::manifest;
use crate::oci::{ANNOTATION_PARENT, Descriptor, Digest, Document, ImageConfig, Manifest, Platform, Reference};

/// The parts of an image.
#[derive(Debug, Clone)]
pub struct Assembly<'a> {
    /// The config.
    pub config: &'a Document<ImageConfig>,
    /// The layers, bottom first, each in the quarantine or in the store.
    pub layers: Vec<Descriptor>,
    /// The manifest that came with them; it is kept if it describes exactly this config and these layers.
    pub manifest: Option<&'a Document<Manifest>>,
    /// The manifest or index of the image that this one was committed on.
    pub parent: Option<Digest>,
    /// Its platform according to the index.
    pub platform: Option<Platform>,
}

impl Quarantine {
    /// Keeps the config and the manifest of an image, and holds a lease on those of its layers that are already in the
    /// store. Returns the descriptor for its name.
    pub fn assemble(&self, image: Assembly<'_>) -> Result<Descriptor, Error> {
        let Assembly { config, layers, manifest: own, parent, platform } = image;
        self.count_on(layers.iter().map(|layer| layer.digest))?;
        let manifest = manifest::describe(own, config, layers);
        self.keep_bytes(config.bytes())?;
        self.keep_bytes(manifest.bytes())?;
        let mut descriptor = Descriptor { platform, ..manifest::descriptor(&manifest) };
        let parent = parent.map(|parent| (ANNOTATION_PARENT.to_owned(), parent.to_string()));
        descriptor.annotations.extend(parent);
        Ok(descriptor)
    }

    /// Publishes everything that was kept, with the image under that name, or without a name.
    pub fn publish_image(self, image: &Descriptor, name: Option<&Reference>) -> Result<(), Error> {
        let published = self.publish(|catalog| {
            match name {
                Some(name) => drop(catalog.tag(name, image, false)),
                None => catalog.add(image),
            }
            Ok::<_, Error>(())
        });
        published?
    }
}

impl VerifiedLayer {
    /// The layer's descriptor for a manifest.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::new(self.compression.media_type(), self.digest, self.size)
    }
}
