//! `unpack`: an image becomes a directory, and the store remembers what it looked like.

use std::path::Path;

use super::{Context, Error};
use crate::image::{Blob, Image, Progress};
use crate::oci::{ImageId, Platform};
use crate::rootfs::{self, Base, Header, Lacking, Layers, Root, Sampler, unpack as unpack_tree};
use crate::store::place_of;

/// How an image is unpacked.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Which image, if the name has several.
    pub platform: Option<Platform>,
    /// Device nodes are made, where this user may.
    pub devices: bool,
}

/// An image that was unpacked.
#[derive(Debug, Clone)]
pub struct Report {
    /// The image.
    pub id: ImageId,
    /// What could not be applied, and is remembered.
    pub lacking: Lacking,
}

/// Unpacks the image that was typed into a directory that is not there yet, or empty.
pub fn unpack(
    context: &Context,
    typed: &str,
    target: &Path,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Report, Error> {
    let found = context.find(typed)?;
    let image = found.image(options.platform.as_ref(), &context.host)?;
    let overlay = context.overlay(&found, image)?;
    let layers = layers_of(context, image, &found.shown())?;
    // A store that cannot remember the tree is met before the work, not after it.
    drop(context.store.draft_snapshot()?);
    let user = user();
    let how = rootfs::Options { devices: options.devices, owners: user.is_none() };
    let unpacked = unpack_tree(&overlay, &layers, target, how, progress)?;
    let mut draft = context.store.draft_snapshot()?;
    let mut sampler = Sampler::default();
    for record in unpacked.records(&overlay) {
        sampler.add(&record);
        draft.add(&record).map_err(rootfs::Error::from)?;
    }
    let manifest = found.descriptor.as_ref().filter(|_| found.in_store).map(|descriptor| descriptor.digest);
    let base = Base { manifest, id: Some(image.id()) };
    let root = open(target)?;
    let (files, others) = sampler.finish();
    draft.publish(&Header {
        origin: base.clone(),
        base,
        layers: image.config.value().rootfs.diff_ids.clone(),
        place: place_of(target, &root)?,
        settled: unpacked.settled,
        user,
        files,
        others,
    })?;
    Ok(Report { id: image.id(), lacking: unpacked.lacking })
}

/// The contents of an image's layers, all of which must be there.
pub(super) fn layers_of(context: &Context, image: &Image, shown: &str) -> Result<Layers, Error> {
    let missing: Vec<String> = image.missing_layers().iter().map(ToString::to_string).collect();
    if !missing.is_empty() {
        return Err(Error::MissingLayers { image: shown.to_owned(), layers: missing });
    }
    let blobs: Vec<Blob> = image.layers.iter().filter_map(|layer| layer.blob.clone()).collect();
    Layers::new(blobs, context.limits.clone())
        .map_err(|source| Error::Io { what: format!("layers of {shown}"), source })
}

/// The ordinary user who runs this, as uid and gid; none if it is root.
pub(super) fn user() -> Option<(u32, u32)> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    (!uid.is_root()).then(|| (uid.as_raw(), gid.as_raw()))
}

/// Opens a directory that holds a tree.
pub(super) fn open(directory: &Path) -> Result<Root, Error> {
    Root::open(directory).map_err(|source| Error::Open { path: directory.to_owned(), source })
}
