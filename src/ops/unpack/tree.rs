//! An image becomes a directory, and the store remembers what it looked like.

use std::path::Path;

use crate::image::Progress;
use crate::oci::{ImageId, Platform};
use crate::ops::checkout::open;
use crate::ops::damage::LayerNames;
use crate::ops::{Context, Error};
use crate::rootfs::{self, Base, Lacking, Sampler, SnapshotHeader, ordinary_user, unpack as unpack_tree};
use crate::store::place_of;

/// How an image is unpacked.
#[derive(Debug, Clone, Default)]
pub struct UnpackImageOptions {
    /// Which image, if the name has several.
    pub platform: Option<Platform>,
    /// Device nodes are made, where this user may.
    pub devices: bool,
}

/// An image that was unpacked.
#[derive(Debug, Clone)]
pub struct UnpackReport {
    /// The image.
    pub id: ImageId,
    /// What could not be applied and is recorded for `commit`.
    pub lacking: Lacking,
}

/// Unpacks the image that was typed into a directory that is not there yet, or empty.
pub fn unpack(
    context: &Context,
    typed: &str,
    target: &Path,
    options: &UnpackImageOptions,
    progress: &dyn Progress,
) -> Result<UnpackReport, Error> {
    let found = context.find_for(typed, options.platform.as_ref())?;
    let image = found.image(options.platform.as_ref(), &context.host)?;
    context.fetch(&found, &[image], progress)?;
    let overlay = context.overlay(&found, image)?;
    let layers = context.layers(&found, image)?;
    // A store that cannot be written fails before the work, not after it.
    drop(context.store.draft_snapshot()?);
    let user = ordinary_user();
    let how = rootfs::UnpackOptions { devices: options.devices, owners: user.is_none() };
    let names = LayerNames::of(&found, image);
    let unpacked = unpack_tree(&overlay, &layers, target, how, progress, context.store.job());
    let unpacked = unpacked.map_err(|error| names.of_rootfs(error))?;
    let mut draft = context.store.draft_snapshot()?;
    let mut sampler = Sampler::default();
    for record in unpacked.records(&overlay) {
        sampler.add(&record);
        draft.add(&record).map_err(rootfs::Error::from)?;
    }
    let manifest = found.descriptor.as_ref().filter(|_| found.in_store()).map(|descriptor| descriptor.digest);
    let base = Base { manifest, id: Some(image.id()) };
    let root = open(target)?;
    let (files, others) = sampler.finish();
    draft.publish(&SnapshotHeader {
        origin: base.clone(),
        base,
        layers: image.config.value().rootfs.diff_ids.clone(),
        place: place_of(target, &root)?,
        settled: unpacked.settled,
        user,
        files,
        others,
    })?;
    Ok(UnpackReport { id: image.id(), lacking: unpacked.lacking })
}
