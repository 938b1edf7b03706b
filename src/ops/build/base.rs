//! The images that stages start from, and that `--from` names.

use super::error::Why;
use super::layers::{StageLayer, StageLayers};
use crate::image::Image;
use crate::oci::{Descriptor, ImageConfig, ImageId, Platform, Reference};
use crate::ops::{Context, Error, FoundImage, Location};
use crate::store::Quarantine;

/// An image that a stage starts from.
#[derive(Debug, Clone)]
pub(super) struct BaseImage {
    pub(super) id: ImageId,
    /// Its name and digest, as far as it has them.
    pub(super) name: Option<Reference>,
    pub(super) config: ImageConfig,
    pub(super) layers: StageLayers,
}

/// Pulls an image for a platform, by default for this machine.
pub type Fetch<'a> = &'a (dyn Fn(&Reference, Option<&Platform>) -> Result<(), Error> + Sync);

/// Finds images for a build.
pub(super) struct Bases<'a> {
    pub(super) context: &'a Context,
    /// Whether registries are asked for each.
    pub(super) pull: bool,
    /// Pulls an image.
    pub(super) fetch: Fetch<'a>,
}

impl Bases<'_> {
    /// The image of that name for a platform; by default for this machine. What is not in the store is pulled.
    pub(super) fn find(&self, typed: &str, platform: Option<&Platform>) -> Result<BaseImage, Why> {
        let name = match Location::parse(typed, std::path::Path::exists) {
            Location::Store(name) | Location::Registry(name) => name.parse::<Reference>().ok(),
            _ => None,
        };
        let is_remote = typed.starts_with("docker://");
        let typed = typed.strip_prefix("docker://").unwrap_or(typed);
        if let Some(name) = name.as_ref().filter(|_| self.pull || is_remote) {
            self.pull(name, platform)?;
        }
        let found = match (self.in_place(typed, platform), name) {
            (Err(Error::NoSuchImage(_) | Error::OtherPlatform { .. }), Some(name)) => {
                self.pull(&name, platform)?;
                self.in_place(typed, platform)
            }
            (found, _) => found,
        };
        let (found, image) = found?;
        image.require_complete(|| found.shown()).map_err(Error::from)?;
        let layers = if found.in_store() { in_store(&image) } else { self.take(&found, &image)? };
        let (id, config) = (image.id(), image.config.value().clone());
        Ok(BaseImage { id, name: full_name(&found), config, layers: StageLayers::of_base(layers) })
    }

    fn in_place(&self, typed: &str, platform: Option<&Platform>) -> Result<(FoundImage, Image), Error> {
        let found = self.context.find_for(typed, platform)?;
        let image = found.image(platform, &self.context.host)?.clone();
        Ok((found, image))
    }

    /// Pulls an image; what follows can be cancelled again.
    fn pull(&self, name: &Reference, platform: Option<&Platform>) -> Result<(), Error> {
        (self.fetch)(name, platform)?;
        self.context.store.job().go_on();
        Ok(())
    }

    /// Copies the layers of an image in an archive or a layout to the store.
    fn take(&self, found: &FoundImage, image: &Image) -> Result<Vec<StageLayer>, Error> {
        let store = &self.context.store;
        let quarantine = Quarantine::new(store, self.context.limits.clone())?;
        let mut layers = Vec::new();
        for layer in &image.layers {
            let Some(blob) = &layer.blob else { continue };
            let kept = quarantine.keep_layer(blob, false, &found.shown(), &|_| {})?;
            layers.push(StageLayer { descriptor: kept.descriptor(), diff_id: kept.diff_id });
        }
        // The lease comes first: nothing else holds the layers.
        let digests: Vec<_> = layers.iter().map(|layer| layer.descriptor.digest).collect();
        store.hold(&digests)?;
        quarantine.publish(|_| Ok::<_, Error>(()))??;
        store.job().go_on();
        if !store.hold(&digests)? {
            return Err(Error::RemovedMeanwhile { image: found.shown() });
        }
        Ok(layers)
    }
}

/// The name of an image, with the digest of the manifest or index that it leads to.
fn full_name(found: &FoundImage) -> Option<Reference> {
    let name = found.names.first().or(found.all_names.first())?;
    Some(found.descriptor.as_ref().map_or_else(|| name.clone(), |descriptor| name.with_digest(descriptor.digest)))
}

/// The layers of an image of the store, as manifests describe them.
fn in_store(image: &Image) -> Vec<StageLayer> {
    let layer = |layer: &crate::image::Layer| {
        let descriptor = layer.descriptor.as_ref()?;
        let media_type = descriptor.media_type.layer_in_oci();
        let descriptor = Descriptor::new(media_type, descriptor.digest, descriptor.size);
        Some(StageLayer { descriptor, diff_id: layer.diff_id })
    };
    image.layers.iter().filter_map(layer).collect()
}
