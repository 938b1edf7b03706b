//! `commit`: the changes in an unpacked directory become a layer of a new image.
//!
//! The directory's snapshot says which image it came from; after a commit it says that it came from the new one, so that
//! the next commit is one layer more.

#[cfg(test)]
mod bench;
#[cfg(test)]
mod proptests;
mod refresh;

use std::path::Path;

use super::checkout::{Checkout, Compare, CompareTo, Diff, diff, keep_changes, limit_times};
use super::{Context, Error, Location};
use crate::image::edit::{self, BuildStep, ConfigChange as Edit};
use crate::image::{MAX_LAYERS, Progress};
use crate::oci::{ContainerConfig, Created, Descriptor, DiffId, Digest, Document, ImageConfig, ImageId, Reference};
use crate::rootfs::{self, Changes, Skipped};
use crate::store::{Assembly, Quarantine, VerifiedLayer};

/// Options of `commit`.
#[derive(Debug, Clone)]
pub struct CommitOptions {
    /// What is compared, and how.
    pub compare: Compare,
    /// The author; may be empty.
    pub author: String,
    /// The commit message; may be empty.
    pub message: String,
    /// The changes of the config.
    pub changes: Vec<Edit>,
    /// When it is made.
    pub created: Created,
    /// No time in the layer is later than this.
    pub latest: Option<i64>,
    /// Its name.
    pub name: Option<Reference>,
}

/// An image that was committed.
#[derive(Debug)]
pub struct Committed {
    /// The digest of its config.
    pub id: ImageId,
    /// The digest of its manifest.
    pub digest: Digest,
    /// Its name.
    pub name: Option<Reference>,
    /// The diff IDs of its layers, bottom first.
    pub layers: Vec<DiffId>,
    /// What was left out.
    pub skipped: Skipped,
    /// How the base was found, if not by the directory itself: it is a copy of the one at this path.
    pub copy_of: Option<String>,
    /// Everything in the directory is new because no image was unpacked to it.
    pub is_unknown: bool,
}

/// What [`commit`] would put into the new layer.
pub fn dry_run(context: &Context, directory: &Path, compare: &Compare) -> Result<Diff, Error> {
    require_stored(compare)?;
    diff(context, directory, compare)
}

/// Checks that the base is in the store, since the new image shares its layers.
fn require_stored(compare: &Compare) -> Result<(), Error> {
    let CompareTo::Image(typed) = &compare.to else { return Ok(()) };
    let verb = match Location::parse(typed, Path::exists) {
        Location::Store(_) => return Ok(()),
        Location::Registry(_) => "pull",
        _ => "load",
    };
    Err(Error::BaseOutside { typed: typed.clone(), verb })
}

/// Makes a new image of the changes in a directory.
pub fn commit(
    context: &Context,
    directory: &Path,
    options: &CommitOptions,
    progress: &dyn Progress,
) -> Result<Committed, Error> {
    let name = options.name.clone().map(super::naming::checked).transpose()?;
    require_stored(&options.compare)?;
    let quarantine = Quarantine::new(&context.store, context.limits.clone())?;
    let checkout = Checkout::open(context, directory, &options.compare)?;
    let mut draft = context.store.draft_snapshot()?;
    // Changes from now on are found by the next comparison.
    let settled = draft.born()?;
    let Changes { mut changes, skipped } = checkout.changes(&options.compare, &mut |record| Ok(draft.add(&record)?))?;
    limit_times(&mut changes, options.latest);
    let count = 1 + checkout.image.as_ref().map_or(0, |image| image.layers.len());
    if count > MAX_LAYERS && !changes.is_empty() {
        return Err(Error::TooManyLayers { layers: count });
    }
    let layer = keep_changes(&checkout.root, &quarantine, &changes, options.created, progress)?;
    let (layer, placed) = layer.map_or_else(Default::default, |(layer, placed)| (Some(layer), placed));
    let config = config(&checkout, options, layer.as_ref())?;
    let layers = layers(&checkout, layer.as_ref());
    // The new image has the platform that the index gives the base.
    let platform = checkout.image.as_ref().and_then(|image| image.described_platform.clone());
    let descriptor =
        quarantine.assemble(Assembly { config: &config, layers, manifest: None, parent: checkout.parent, platform })?;
    let id = ImageId::new(*config.digest());
    let changed = refresh::Changed { changes: &changes, placed: &placed, skipped: &skipped, settled };
    let base = rootfs::Base { manifest: Some(descriptor.digest), id: Some(id) };
    // Everything that can fail comes before the image is published.
    let snapshot = refresh::refresh(context, directory, &checkout, draft, &changed, base, config.value())?;
    quarantine.publish_image(&descriptor, name.as_ref())?;
    snapshot.publish()?;
    let (digest, layers) = (descriptor.digest, config.value().rootfs.diff_ids.clone());
    Ok(Committed { id, digest, name, layers, skipped, copy_of: checkout.copy_of, is_unknown: checkout.is_unknown })
}

/// The config of the new image.
fn config(
    checkout: &Checkout,
    options: &CommitOptions,
    layer: Option<&VerifiedLayer>,
) -> Result<Document<ImageConfig>, Error> {
    let base = &checkout.config;
    // The config of a container of the base: docker copies neither its shell nor its ONBUILD triggers.
    let inherited = edit::merge(ContainerConfig::default(), &base.config.clone().unwrap_or_default());
    let config = edit::amend(&inherited, &options.changes)?;
    let step = BuildStep {
        layer: layer.map(|layer| layer.diff_id),
        created: Some(options.created),
        author: options.author.clone(),
        created_by: command(&inherited),
        comment: options.message.clone(),
    };
    Ok(edit::child(base, config, step))
}

/// The command of a container of the base, which docker records as `created_by` of the layer.
fn command(config: &ContainerConfig) -> String {
    config.cmd.as_ref().map(|words| words.join(" ")).unwrap_or_default()
}

/// The layers of the base and the new one, as a manifest describes them.
fn layers(checkout: &Checkout, new: Option<&VerifiedLayer>) -> Vec<Descriptor> {
    let mut layers = Vec::new();
    for layer in checkout.image.iter().flat_map(|image| &image.layers) {
        let Some(descriptor) = &layer.descriptor else { continue };
        // Not what the blob begins with: a damaged one must not give another manifest.
        layers.push(Descriptor::new(descriptor.media_type.layer_in_oci(), descriptor.digest, descriptor.size));
    }
    layers.extend(new.map(VerifiedLayer::descriptor));
    layers
}

#[cfg(test)]
mod tests;
