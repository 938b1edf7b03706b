//! `edit`: an image with another config, on the same layers.

use std::path::Path;

use super::remake::{Made, Origin, Remade, Stamp};
use super::{Context, Error, Location, RemakeError, naming};
use crate::image::edit::{self, Adjusted, Adjustment, ConfigChange};
use crate::image::{Child, ImageTree, Progress};
use crate::oci::{
    Annotations, Descriptor, Digest, Document, History, ImageConfig, Index, MediaType, Platform, Reference,
};
use crate::registry::Choice;
use crate::store::Quarantine;

/// Options of `edit`.
#[derive(Debug, Clone)]
pub struct EditOptions {
    /// The platform of the image, if it has several.
    pub platform: Option<Platform>,
    /// Instructions of a Dockerfile; they come first.
    pub changes: Vec<ConfigChange>,
    /// What is set and removed.
    pub adjustments: Vec<Adjustment>,
    /// Another author; an empty one removes it.
    pub author: Option<String>,
    /// What the image runs on, as far as it changes.
    pub runs_on: RunsOn,
    /// Annotations of the manifest that are set; those without a value are removed.
    pub annotations: Vec<(String, Option<String>)>,
    /// Whether the history tells no more of its steps than when the layers were made.
    pub strips_history: bool,
    /// Who made the image, and when.
    pub stamp: Stamp,
    /// Its name; by default the one that the image was found by.
    pub name: Option<Reference>,
}

/// What an image runs on, as far as it changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunsOn {
    /// The operating system.
    pub os: Option<String>,
    /// The architecture.
    pub architecture: Option<String>,
    /// The variant of the architecture; an empty one removes it.
    pub variant: Option<String>,
}

/// An image that was edited.
#[derive(Debug)]
pub struct Edited {
    /// The image.
    pub made: Made,
    /// What became of the changes.
    pub adjusted: Adjusted,
    /// Annotations that were to be removed and were not there.
    pub missing_annotations: Vec<String>,
}

/// An index whose images were edited, each in the same way.
#[derive(Debug)]
pub struct EditedIndex {
    /// The digest of the new index.
    pub digest: Digest,
    /// Its name.
    pub name: Option<Reference>,
    /// Its images, with what each is for.
    pub images: Vec<(Platform, Edited)>,
    /// How many signatures, attestations and other artifacts were left out: they are about images as they were.
    pub left_out: usize,
}

/// Makes an image with another config.
pub fn edit(context: &Context, typed: &str, options: &EditOptions, progress: &dyn Progress) -> Result<Edited, Error> {
    let name = options.name.clone().map(naming::checked).transpose()?;
    let origin = Origin::open(context, typed, options.platform.as_ref(), progress)?;
    let name = match name {
        Some(name) => Some(name),
        None => origin.own_name()?,
    };
    let quarantine = Quarantine::new(&context.store, context.limits.clone())?;
    let (remade, edited) = remake(context, &origin, options, &quarantine, progress)?;
    Ok(edited(remade.publish(quarantine, name)?))
}

/// Makes an index of images with another config each: all images of the index that was typed.
pub fn edit_all(
    context: &Context,
    typed: &str,
    options: &EditOptions,
    progress: &dyn Progress,
) -> Result<EditedIndex, Error> {
    let name = options.name.clone().map(naming::checked).transpose()?;
    let found = match Location::parse(typed, Path::exists) {
        Location::Registry(name) => context.find_chosen(&name, &Choice::All)?,
        _ => context.find(typed)?,
    };
    let ImageTree::Index { document, children } = &found.tree else {
        return Err(RemakeError::OnePlatform { image: found.shown() }.into());
    };
    context.fetch(&found, &found.tree.images(), progress)?;
    let quarantine = Quarantine::new(&context.store, context.limits.clone())?;
    let (mut images, mut manifests, mut left_out) = (Vec::new(), Vec::new(), 0);
    for Child { descriptor: listed, tree } in children {
        let image = match tree {
            ImageTree::Image(image) => (**image).clone(),
            ImageTree::Artifact { .. } => {
                left_out += 1;
                continue;
            }
            _ => return Err(RemakeError::NotWhole { image: found.shown(), manifest: listed.digest }.into()),
        };
        image.require_complete(|| found.shown())?;
        let origin = Origin { found: found.clone(), image };
        let (remade, edited) = remake(context, &origin, options, &quarantine, progress)?;
        let (made, descriptor) = remade.assemble(&quarantine)?;
        let platform = origin.image.platform();
        manifests.push(Descriptor {
            platform: Some(platform.clone()),
            annotations: listed.annotations.clone(),
            ..descriptor
        });
        images.push((platform, edited(made)));
    }
    let index =
        Index { annotations: document.value().annotations.clone(), ..Index::new(MediaType::OCI_INDEX, manifests) };
    let index = Document::make(index);
    quarantine.keep_bytes(index.bytes())?;
    let name = name.or_else(|| found.names.first().filter(|_| found.in_store()).cloned());
    quarantine.publish_image(&index.descriptor(MediaType::OCI_INDEX), name.as_ref())?;
    Ok(EditedIndex { digest: *index.digest(), name, images, left_out })
}

/// The parts of the new image, and what was edited in it.
fn remake(
    context: &Context,
    origin: &Origin,
    options: &EditOptions,
    quarantine: &Quarantine,
    progress: &dyn Progress,
) -> Result<(Remade, impl FnOnce(Made) -> Edited + use<>), Error> {
    let (config, adjusted) = config(origin.image.config.value(), options)?;
    let mut annotations = origin.annotations();
    let missing_annotations = annotate(&mut annotations, &options.annotations);
    let layers = origin.layers(context, quarantine, progress)?;
    let platform = origin.image.described_platform.clone().filter(|_| options.runs_on == RunsOn::default());
    let edited = |made| Edited { made, adjusted, missing_annotations };
    Ok((Remade { config, layers, annotations, platform }, edited))
}

fn config(base: &ImageConfig, options: &EditOptions) -> Result<(ImageConfig, Adjusted), Error> {
    let mut config = base.clone();
    let mut run = config.config.take().unwrap_or_default();
    edit::apply(&mut run, &options.changes)?;
    let adjusted = edit::adjust(&mut run, &options.adjustments)?;
    config.config = Some(run);
    config.created = Some(options.stamp.created);
    if let Some(author) = &options.author {
        config.author.clone_from(author);
    }
    let RunsOn { os, architecture, variant } = options.runs_on.clone();
    config.os = os.unwrap_or(config.os);
    config.architecture = architecture.unwrap_or(config.architecture);
    config.variant = variant.or(config.variant).filter(|variant| !variant.is_empty());
    if options.strips_history {
        config.comment = String::new();
        config.history = stripped(base, options);
    } else {
        config.history.push(History { author: options.author.clone().unwrap_or_default(), ..options.stamp.step() });
    }
    Ok((config, adjusted))
}

/// One step for each layer, which says no more than that it is there: tools want as many steps as layers.
fn stripped(config: &ImageConfig, options: &EditOptions) -> Vec<History> {
    let step = History { created: Some(options.stamp.created), ..History::default() };
    vec![step; config.rootfs.diff_ids.len()]
}

/// Sets and removes annotations; gives those that were not there.
fn annotate(annotations: &mut Annotations, changes: &[(String, Option<String>)]) -> Vec<String> {
    let mut missing = Vec::new();
    for (name, value) in changes {
        match value {
            Some(value) => drop(annotations.insert(name.clone(), value.clone())),
            None if annotations.remove(name).is_none() => missing.push(name.clone()),
            None => {}
        }
    }
    missing
}
