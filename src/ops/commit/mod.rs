//! `commit`: what became of an unpacked directory is a layer, and with it a new image.
//!
//! The directory's snapshot says which image it came from; after a commit it says that it came from the new one, so that
//! the next commit is one layer more.

mod base;
#[cfg(test)]
mod bench;
mod present;
#[cfg(test)]
mod proptests;
mod refresh;

use std::path::Path;

use self::base::Tree;
pub use self::base::{From, tree_folder};
pub use self::present::{Present, present};
use super::load::layer_type;
use super::{Context, Error};
use crate::image::edit::{self, Change as Edit, Step};
use crate::image::{MAX_LAYERS, Progress};
use crate::layer::{EntryPath, Mtime};
use crate::oci::{
    ANNOTATION_PARENT, ContainerConfig, Created, Descriptor, Document, ImageConfig, ImageId, Manifest, MediaType,
    Reference,
};
use crate::rootfs::{Change, Changes, LayerTar, Placed, Record, ScanOptions, Skipped, scan};
use crate::store::{KeptLayer, Quarantine};

/// What is compared, and how.
#[derive(Debug, Clone, Default)]
pub struct Compare {
    /// What the directory is compared with.
    pub from: From,
    /// All that was committed since the image was unpacked counts as changed.
    pub squash: bool,
    /// Patterns of paths that stay as they are in the base.
    pub exclude: Vec<String>,
    /// Paths that cannot be read stay as they are in the base.
    pub skip_unreadable: bool,
}

/// What the person who commits wants.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is compared, and how.
    pub compare: Compare,
    /// Who made the image; empty if nobody said.
    pub author: String,
    /// What is said about it; empty if nothing was.
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
    /// What was left out.
    pub skipped: Skipped,
    /// How the base was found, if not by the directory itself: it is a copy of the one at this path.
    pub copy_of: Option<String>,
    /// All of the directory is new: nobody said so, but it was never unpacked here.
    pub is_unknown: bool,
}

/// What became of a directory.
#[derive(Debug)]
pub struct Diff {
    /// The changes and the directories on the way to them, in walk order.
    pub changes: Vec<Change>,
    /// What was left out.
    pub skipped: Skipped,
    /// As [`Committed::copy_of`].
    pub copy_of: Option<String>,
    /// As [`Committed::is_unknown`].
    pub is_unknown: bool,
}

/// Compares a directory with the image that it came from.
pub fn diff(context: &Context, directory: &Path, compare: &Compare) -> Result<Diff, Error> {
    let mut tree = Tree::open(context, directory, compare)?;
    let Changes { changes, skipped } = look(&mut tree, compare, &mut |_| Ok(()))?;
    Ok(Diff { changes, skipped, copy_of: tree.copy_of, is_unknown: tree.is_unknown })
}

/// Makes an image of what became of a directory.
pub fn commit(
    context: &Context,
    directory: &Path,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Committed, Error> {
    let name = options.name.clone().map(super::tag::checked).transpose()?;
    // From here on nobody deletes what the base is made of.
    let quarantine = Quarantine::new(&context.store, context.limits.clone())?;
    let mut tree = Tree::open(context, directory, &options.compare)?;
    let mut draft = context.store.draft_snapshot()?;
    // What changes from now on is suspect next time.
    let settled = draft.born()?;
    let Changes { mut changes, skipped } = look(&mut tree, &options.compare, &mut |record| Ok(draft.add(&record)?))?;
    limit_times(&mut changes, options.latest);
    let layer = write_layer(&tree, &quarantine, &changes, options, progress)?;
    let config = config(&tree, options, layer.as_ref().map(|(layer, _)| layer))?;
    let manifest = Document::make(manifest(&tree, &config, layer.as_ref().map(|(layer, _)| layer))?);
    quarantine.keep_bytes(config.bytes())?;
    quarantine.keep_bytes(manifest.bytes())?;
    let mut descriptor = manifest.descriptor(MediaType::OCI_MANIFEST);
    if let Some(parent) = tree.parent {
        descriptor.annotations.insert(ANNOTATION_PARENT.to_owned(), parent.to_string());
    }
    publish(quarantine, &descriptor, name.as_ref())?;
    let id = ImageId::new(*config.digest());
    let placed = layer.map_or_else(Vec::new, |(_, placed)| placed);
    let changed = refresh::Changed { changes: &changes, placed: &placed, skipped: &skipped, settled };
    let base = crate::rootfs::Base { manifest: Some(*manifest.digest()), id: Some(id) };
    refresh::refresh(context, directory, &tree, draft, &changed, base, config.value())?;
    Ok(Committed { id, skipped, copy_of: tree.copy_of.clone(), is_unknown: tree.is_unknown })
}

/// Records of what is there now.
type Keep<'a> = &'a mut dyn FnMut(Record) -> Result<(), crate::rootfs::Error>;

fn look(tree: &mut Tree, compare: &Compare, keep: Keep<'_>) -> Result<Changes, Error> {
    let exclude = |path: &EntryPath| is_excluded(&compare.exclude, path);
    let options = ScanOptions {
        settled: tree.settled,
        user: tree.user,
        exclude: &exclude,
        skip_unreadable: compare.skip_unreadable,
        in_place: tree.in_place,
    };
    let mut records = tree.records()?;
    Ok(scan(&tree.root, &mut *records, &tree.layers, &options, keep)?)
}

/// Whether one of the patterns is that of a path: as a whole, with or without a `/` before it, or of its last name if
/// the pattern has no `/`.
fn is_excluded(patterns: &[String], path: &EntryPath) -> bool {
    let whole = String::from_utf8_lossy(path.as_bytes());
    let name = String::from_utf8_lossy(path.file_name().unwrap_or_default()).into_owned();
    patterns.iter().any(|pattern| {
        let pattern = pattern.trim_end_matches('/');
        let trimmed = pattern.trim_start_matches("./").trim_start_matches('/');
        super::glob::matches(trimmed, &whole) || !pattern.contains('/') && super::glob::matches(pattern, &name)
    })
}

/// Makes no time later than the latest that is wanted, so that the same content is the same layer.
fn limit_times(changes: &mut [Change], latest: Option<i64>) {
    let Some(latest) = latest else { return };
    let latest = Mtime { seconds: latest, nanos: 0 };
    for node in changes.iter_mut().filter_map(|change| change.node.as_mut()) {
        node.mtime = node.mtime.min(latest);
    }
}

/// Writes the changes as a layer; none if there are none, or nothing is below it and nothing is in it.
fn write_layer(
    tree: &Tree,
    quarantine: &Quarantine,
    changes: &[Change],
    options: &Options,
    progress: &dyn Progress,
) -> Result<Option<(KeptLayer, Vec<Placed>)>, Error> {
    if changes.is_empty() {
        return Ok(None);
    }
    let layers = 1 + tree.image.as_ref().map_or(0, |image| image.layers.len());
    if layers > MAX_LAYERS {
        return Err(Error::TooManyLayers { layers });
    }
    let total = changes.iter().map(Change::content_size).sum();
    progress.total(Some(total));
    progress.start(0, "Committing", Some(total));
    let time = Mtime { seconds: options.created.unix_seconds(), nanos: 0 };
    let mut tar = LayerTar::new(&tree.root, changes, time);
    let kept = quarantine.keep_layer_once(&mut tar, "the new layer", &|bytes| progress.advance(0, bytes));
    if let Some(error) = tar.take_error() {
        return Err(error.into());
    }
    progress.finish(0, "");
    Ok(Some((kept?, tar.into_placed())))
}

/// The config of the new image.
fn config(tree: &Tree, options: &Options, layer: Option<&KeptLayer>) -> Result<Document<ImageConfig>, Error> {
    let base = &tree.config;
    // What a container of the base would have: docker takes neither its shell nor its ONBUILD triggers into one.
    let inherited = edit::merge(ContainerConfig::default(), &base.config.clone().unwrap_or_default());
    let mut config = inherited.clone();
    edit::apply(&mut config, &options.changes)?;
    let step = Step {
        layer: layer.map(|layer| layer.diff_id),
        created: Some(options.created),
        author: options.author.clone(),
        created_by: command(&inherited),
        comment: options.message.clone(),
    };
    Ok(edit::child(base, edit::merge(config, &inherited), step))
}

/// What a container of the base would have run: docker says that it made the layer.
fn command(config: &ContainerConfig) -> String {
    config.cmd.as_ref().map(|words| words.join(" ")).unwrap_or_default()
}

fn manifest(tree: &Tree, config: &Document<ImageConfig>, layer: Option<&KeptLayer>) -> Result<Manifest, Error> {
    let mut layers = Vec::new();
    for layer in tree.image.iter().flat_map(|image| &image.layers) {
        let (Some(descriptor), Some(blob)) = (&layer.descriptor, &layer.blob) else { continue };
        let failed = |source| Error::Io { what: format!("layer {}", layer.diff_id), source };
        let media_type = layer_type(blob.compression().map_err(failed)?);
        layers.push(Descriptor::new(media_type, descriptor.digest, descriptor.size));
    }
    layers.extend(layer.map(|layer| Descriptor::new(layer_type(layer.compression), layer.digest, layer.size)));
    Ok(Manifest::new(MediaType::OCI_MANIFEST, config.descriptor(MediaType::OCI_CONFIG), layers))
}

fn publish(quarantine: Quarantine, descriptor: &Descriptor, name: Option<&Reference>) -> Result<(), Error> {
    quarantine.publish(|catalog| {
        match name {
            Some(name) => drop(catalog.tag(name, descriptor, false)),
            None => catalog.add(descriptor),
        }
        Ok::<_, Error>(())
    })?
}

#[cfg(test)]
mod tests;
