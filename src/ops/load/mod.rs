//! `load`: the images of an archive come into the store, all or none.
//!
//! Reading an archive gives trees of images whose layers are only located; [`plan`] says what to take from them and
//! under which names, `intake` copies and verifies every blob into a quarantine, and the quarantine is published in one
//! step.

pub mod plan;

use std::collections::{HashMap, HashSet};
use std::io::Read;

use super::intake::{self, LayerIntake, TakenImage};
use super::{Context, Error};
use crate::archive;
use crate::image::{Blob, Image, ImageTree, Layer, Named, Progress, work};
use crate::oci::{Descriptor, DiffId, Digest, ImageId, Reference};
use crate::store::{Catalog, Quarantine, VerifiedLayer};

pub use super::source::SourceInput;
pub use plan::LoadOptions;

/// An image that was loaded.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The names that it has now.
    pub names: Vec<LoadedName>,
    /// The digest of its config; of several platforms that of the one which suits the host.
    pub id: ImageId,
    /// The digest of the manifest or index that leads to it.
    pub digest: Digest,
    /// The diff IDs of its layers, bottom first.
    pub layers: Vec<DiffId>,
}

/// A name that an image got.
#[derive(Debug, Clone)]
pub struct LoadedName {
    /// The name.
    pub name: Reference,
    /// The image that lost it.
    pub moved_from: Option<ImageId>,
}

/// Loads the images of an archive; with [`LoadOptions::dry_run`], everything but publishing.
pub fn load(
    context: &Context,
    input: SourceInput,
    options: &LoadOptions,
    progress: &dyn Progress,
) -> Result<Vec<Loaded>, Error> {
    if let SourceInput::Path(path) = &input {
        path.metadata().map_err(|source| Error::Open { path: path.clone(), source })?;
    }
    let quarantine = Quarantine::new(&context.store, context.limits.clone())?;
    let named = read(context, input, &quarantine, progress)?;
    let planned = plan::plan(named, options)?;
    let take = |id, layer: &Layer, blob: &Blob| take_layer(&quarantine, progress, id, layer, blob);
    let layers = LayerIntake { take: &take, threads: work::threads(), largest_first: false };
    let taken = intake::take(context, &quarantine, &planned, progress, &layers)?;
    if options.dry_run {
        return name_all(context, &mut Catalog::clone(&*context.store.catalog()?), taken, options);
    }
    quarantine.publish(|catalog| name_all(context, catalog, taken, options))?
}

fn read(
    context: &Context,
    input: SourceInput,
    quarantine: &Quarantine,
    progress: &dyn Progress,
) -> Result<Vec<Named>, Error> {
    let mut part = 0;
    let mut hold = |member: &mut (dyn Read + Send), size| {
        part += 1;
        let moved = |bytes| progress.advance(part, bytes);
        progress.start(part, "Reading", Some(size));
        let held = quarantine.hold(member, size, &moved);
        progress.finish(part, "");
        held.map_err(|error| archive::Error::Take(Box::new(error)))
    };
    Ok(context.images_of(input, &mut hold)?.images)
}

fn take_layer(
    quarantine: &Quarantine,
    progress: &dyn Progress,
    id: u64,
    layer: &Layer,
    blob: &Blob,
) -> Result<VerifiedLayer, Error> {
    let label = format!("{}: Loading layer", layer.diff_id.short());
    progress.start(id, &label, Some(blob.size()));
    let moved = |bytes| progress.advance(id, bytes);
    let what = format!("layer {}", layer.diff_id);
    // A manifest fixes the blob's digest; without one, the layer may be stored in a form that has a media type.
    let unpack = layer.descriptor.is_none();
    let kept = quarantine.keep_layer(blob, unpack, &what, &moved)?;
    progress.finish(id, "");
    Ok(kept)
}

/// Gives the images their names.
fn name_all(
    context: &Context,
    catalog: &mut Catalog,
    taken: Vec<TakenImage>,
    options: &LoadOptions,
) -> Result<Vec<Loaded>, Error> {
    let mut loaded: Vec<Loaded> = Vec::new();
    let mut here: HashMap<Reference, ImageId> = HashMap::new();
    for image in taken {
        let TakenImage { names, descriptor, id, images, layers } = image;
        let mut given = Vec::new();
        for name in names {
            // A name of two images of the archive is moved by the second; the first is not in the store yet.
            let there = catalog.find(&name).and_then(|entry| context.store.tree(entry).ok());
            let before = match here.insert(name.clone(), id) {
                Some(earlier) => Some(earlier),
                None => there.as_ref().and_then(|tree| tree.default_image(&context.host)).map(Image::id),
            };
            let leads_there = catalog.find(&name).is_some_and(|entry| entry.descriptor.digest == descriptor.digest);
            let same = before == Some(id) || leads_there;
            if !options.platforms.is_empty() && there.as_ref().is_some_and(|tree| has_all(tree, &descriptor, &images)) {
                given.push(LoadedName { name, moved_from: None });
                continue;
            }
            if options.no_clobber && !same && catalog.find(&name).is_some() {
                return Err(Error::TagTaken(name.familiar()));
            }
            // The other image stays if it has platforms that the new one lacks.
            let has_more = |tree: &ImageTree| !complete_images(tree).is_subset(&images);
            catalog.tag(&name, &descriptor, same && !there.as_ref().is_some_and(has_more));
            given.push(LoadedName { name, moved_from: before.filter(|_| !same) });
        }
        if given.is_empty() {
            catalog.add(&descriptor);
        }
        loaded.push(Loaded { names: given, id, digest: descriptor.digest, layers });
    }
    Ok(loaded)
}

/// Whether an image is a platform of the index that already has its name; then the index keeps the name.
fn has_all(tree: &ImageTree, descriptor: &Descriptor, images: &HashSet<ImageId>) -> bool {
    let mut digests = HashSet::new();
    tree.collect_digests(&mut digests);
    digests.contains(&descriptor.digest) || complete_images(tree).is_superset(images)
}

fn complete_images(tree: &ImageTree) -> HashSet<ImageId> {
    tree.images().into_iter().filter(|image| image.is_complete()).map(Image::id).collect()
}
