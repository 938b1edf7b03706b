//! Images made of others, layer by layer: what `edit`, `squash`, `append`, `strip` and `rebase` share.
//!
//! ```text
//! Origin::open ─▶ Origin::layers ─▶ some of them made anew ─┐
//!                 byte for byte                             ├─▶ Remade::publish ─▶ Made
//!                 config, annotations ─▶ changed ───────────┘
//! ```

use std::io;

use super::intake::{self, LayerIntake};
use super::pipe::{PipeWriter, keep_written};
use super::remake_error::RemakeError;
use super::view_tar::{ViewLayers, ViewMembers, ViewTar};
use super::{Context, Error, FoundImage};
use crate::image::{Blob, Image, ImageTree, Layer, MAX_LAYERS, Progress, Sink, work};
use crate::oci::{
    Annotations, Created, Descriptor, DiffId, Digest, Document, History, ImageConfig, ImageId, Manifest, MediaType,
    Platform, Reference, Rootfs,
};
use crate::store::{self, Assembly, Quarantine, VerifiedLayer};

/// An image that another one is made of, wherever it is.
pub struct Origin {
    /// Where it was found, and its names.
    pub found: FoundImage,
    /// The image of one platform.
    pub image: Image,
}

/// A layer of the new image: in the store, or in the quarantine.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptLayer {
    /// As a manifest describes it.
    pub descriptor: Descriptor,
    /// The digest of its uncompressed tar.
    pub diff_id: DiffId,
}

/// The parts of a new image.
pub struct Remade {
    /// Its config; the layers in it are set when it is published.
    pub config: ImageConfig,
    /// Its layers, bottom first.
    pub layers: Vec<KeptLayer>,
    /// The annotations of its manifest.
    pub annotations: Annotations,
    /// Its platform according to the index, if that says more than the config.
    pub platform: Option<Platform>,
}

/// An image that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The digest of its config.
    pub id: ImageId,
    /// The digest of its manifest.
    pub digest: Digest,
    /// Its name.
    pub name: Option<Reference>,
    /// The diff IDs of its layers, bottom first.
    pub layers: Vec<DiffId>,
}

/// Who made an image, and when: what the last step of its history says.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// When.
    pub created: Created,
    /// The command, as it was typed.
    pub command: String,
}

impl From<VerifiedLayer> for KeptLayer {
    fn from(layer: VerifiedLayer) -> Self {
        Self { descriptor: layer.descriptor(), diff_id: layer.diff_id }
    }
}

impl Origin {
    /// Opens the image that was typed. The layers of one in a registry are fetched.
    pub fn open(
        context: &Context,
        typed: &str,
        platform: Option<&Platform>,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let origin = Self::find(context, typed, platform)?;
        origin.fetch(context, progress)?;
        Ok(origin)
    }

    /// Finds the image that was typed. Of one in a registry, only documents are fetched.
    pub fn find(context: &Context, typed: &str, platform: Option<&Platform>) -> Result<Self, Error> {
        Self::of(context.find_for(typed, platform)?, platform, context)
    }

    /// The image of what was found.
    pub fn of(found: FoundImage, platform: Option<&Platform>, context: &Context) -> Result<Self, Error> {
        let image = found.image(platform, &context.host)?.clone();
        Ok(Self { found, image })
    }

    /// Fetches its layers, if it is in a registry; all must be there.
    pub fn fetch(&self, context: &Context, progress: &dyn Progress) -> Result<(), Error> {
        context.fetch(&self.found, &[&self.image], progress)?;
        Ok(self.image.require_complete(|| self.found.shown())?)
    }

    /// What it is for, if it says so.
    pub fn platform(&self) -> Option<Platform> {
        Some(self.image.platform()).filter(|platform| !platform.is_blank())
    }

    /// Its name in messages.
    pub fn shown(&self) -> String {
        self.found.shown()
    }

    /// Its name: the one that led to it, or another one that it has where it is.
    pub fn name(&self) -> Option<Reference> {
        self.found.names.first().or(self.found.all_names.first()).cloned()
    }

    /// Its layers, bottom first, byte for byte. Those that are not in the store yet are copied to the quarantine.
    pub fn layers(
        &self,
        context: &Context,
        quarantine: &Quarantine,
        progress: &dyn Progress,
    ) -> Result<Vec<KeptLayer>, Error> {
        if self.found.in_store() {
            return Ok(stored_layers(&self.image));
        }
        let taken = self.take(context, quarantine, &self.image, progress)?;
        intake::check_links(quarantine, &taken)?;
        Ok(taken.into_iter().map(KeptLayer::from).collect())
    }

    /// The same of some of its layers, by their places from the bottom. That links lead somewhere is known from the
    /// view of all.
    pub fn some_layers(
        &self,
        context: &Context,
        quarantine: &Quarantine,
        stays: impl Fn(usize) -> bool,
        progress: &dyn Progress,
    ) -> Result<Vec<KeptLayer>, Error> {
        let (mut image, mut place) = (self.image.clone(), 0..);
        image.layers.retain(|_| place.next().is_some_and(&stays));
        if self.found.in_store() {
            return Ok(stored_layers(&image));
        }
        let taken = self.take(context, quarantine, &image, progress)?;
        Ok(taken.into_iter().map(KeptLayer::from).collect())
    }

    fn take(
        &self,
        context: &Context,
        quarantine: &Quarantine,
        image: &Image,
        progress: &dyn Progress,
    ) -> Result<Vec<VerifiedLayer>, Error> {
        let take = |id, layer: &Layer, blob: &Blob| {
            progress.start(id, &format!("{}: Loading layer", layer.diff_id.short()), Some(blob.size()));
            let what = format!("layer {}", layer.diff_id);
            // A manifest fixes the blob's digest; without one, the layer may be stored in a form that has a media type.
            let unpack = layer.descriptor.is_none();
            let kept = quarantine.keep_layer(blob, unpack, &what, &|bytes| progress.advance(id, bytes))?;
            progress.finish(id, "");
            Ok(kept)
        };
        let how = LayerIntake { take: &take, threads: work::threads(), largest_first: false };
        intake::take_layers(context, quarantine, image, &self.found.shown(), progress, &how)
    }

    /// The same image with its lowest layers only.
    #[must_use]
    pub fn lowest(&self, layers: usize) -> Self {
        let (found, mut image) = (self.found.clone(), self.image.clone());
        image.layers.truncate(layers);
        Self { found, image }
    }

    /// The annotations of its manifest.
    pub fn annotations(&self) -> Annotations {
        self.image.manifest.as_ref().map(|manifest| manifest.value().annotations.clone()).unwrap_or_default()
    }

    /// The name that the new image gets if none was typed: the one that led to this image in the store. Of an ID, an
    /// archive and a registry, none.
    pub fn own_name(&self) -> Result<Option<Reference>, RemakeError> {
        let Some(name) = self.found.names.first().filter(|_| self.found.in_store()) else { return Ok(None) };
        let images = self.found.tree.images();
        if matches!(self.found.tree, ImageTree::Index { .. }) && images.len() > 1 {
            let platforms = images.iter().map(|image| image.platform()).collect();
            return Err(RemakeError::SeveralPlatforms { name: name.familiar(), platforms });
        }
        Ok(Some(name.clone()))
    }
}

impl Stamp {
    /// The last step of the history, which made no layer.
    pub fn step(&self) -> History {
        History { empty_layer: true, ..self.layer_step() }
    }

    /// A step of the history that made a layer.
    pub fn layer_step(&self) -> History {
        History { created: Some(self.created), created_by: self.command.clone(), ..History::default() }
    }
}

impl Remade {
    /// Puts the image into the store under that name, or without one.
    pub fn publish(self, quarantine: Quarantine, name: Option<Reference>) -> Result<Made, Error> {
        let (made, descriptor) = self.assemble(&quarantine)?;
        quarantine.publish_image(&descriptor, name.as_ref())?;
        Ok(Made { name, ..made })
    }

    /// Keeps the documents of the image; gives it, without a name, and how an index lists it.
    pub fn assemble(self, quarantine: &Quarantine) -> Result<(Made, Descriptor), Error> {
        let Self { config, layers, annotations, platform } = self;
        if layers.len() > MAX_LAYERS {
            return Err(RemakeError::TooManyLayers { layers: layers.len() }.into());
        }
        let diff_ids: Vec<DiffId> = layers.iter().map(|layer| layer.diff_id).collect();
        let layers: Vec<Descriptor> = layers.into_iter().map(|layer| layer.descriptor).collect();
        let config = Document::make(ImageConfig { rootfs: Rootfs::new(diff_ids.clone()), ..unbound(config) });
        let manifest = Document::make(Manifest {
            annotations,
            ..Manifest::new(MediaType::OCI_MANIFEST, config.descriptor(MediaType::OCI_CONFIG), layers.clone())
        });
        let assembly = Assembly { config: &config, layers, manifest: Some(&manifest), parent: None, platform };
        let descriptor = quarantine.assemble(assembly)?;
        let (id, digest) = (ImageId::new(*config.digest()), descriptor.digest);
        Ok((Made { id, digest, name: None, layers: diff_ids }, descriptor))
    }
}

/// The layers of an image of the store.
fn stored_layers(image: &Image) -> Vec<KeptLayer> {
    let kept = |layer: &Layer| {
        let Descriptor { media_type, digest, size, .. } = layer.descriptor.as_ref()?;
        // Not what the blob begins with: a damaged one must not give another manifest.
        let descriptor = Descriptor::new(media_type.layer_in_oci(), *digest, *size);
        Some(KeptLayer { descriptor, diff_id: layer.diff_id })
    };
    image.layers.iter().filter_map(kept).collect()
}

/// The steps of the history, with as many that made a layer as there are layers: tools that make images in other ways
/// leave some or all of them out.
pub fn padded(config: &ImageConfig) -> Result<Vec<History>, Error> {
    let layers = config.layer_history()?.iter().filter(|(_, layer)| layer.is_some()).count();
    let blank = vec![History::default(); config.rootfs.diff_ids.len() - layers];
    Ok(config.history.iter().cloned().chain(blank).collect())
}

/// How fields of configs begin in which builders note which step made which layer: `BuildKit`'s, and our own. They are
/// true only of just these layers.
const OF_BUILDERS: [&str; 2] = ["moby.buildkit.", "imgtool.build."];

/// Removes what builders noted of the layers: a build that trusts it would take others for them.
pub fn forget_steps(config: &mut ImageConfig) {
    config.other.retain(|field, _| !OF_BUILDERS.iter().any(|start| field.starts_with(start)));
}

/// Keeps a layer with some names of a view; `label` says in progress what is done.
pub fn keep_view(
    quarantine: &Quarantine,
    members: &ViewMembers<'_>,
    layers: ViewLayers<'_>,
    label: &str,
    progress: &dyn Progress,
) -> Result<VerifiedLayer, Error> {
    let write = |mut pipe: PipeWriter| {
        let mut tar = ViewTar::new(Sink::stream(&mut pipe), progress);
        tar.members(members, layers, label, |node| node.meta())?;
        tar.finish()?;
        pipe.end().map_err(|source| Error::Io { what: "the new layer".to_owned(), source })
    };
    let (kept, written) = keep_written(quarantine, "the new layer", &|_| {}, write);
    both(kept, written)
}

/// The layer that was kept, or else what went wrong first.
pub fn both<T>(kept: Result<T, store::Error>, written: Result<(), Error>) -> Result<T, Error> {
    match (kept, written) {
        (kept, Ok(())) => Ok(kept?),
        // Nobody read on.
        (Err(kept), Err(Error::Io { source, .. })) if source.kind() == io::ErrorKind::BrokenPipe => Err(kept.into()),
        (_, Err(error)) => Err(error),
    }
}

/// The config without what is about the container that docker once committed.
fn unbound(config: ImageConfig) -> ImageConfig {
    ImageConfig { container: String::new(), container_config: None, docker_version: String::new(), ..config }
}
