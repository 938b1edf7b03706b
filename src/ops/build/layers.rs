//! The layers of a stage: what is in them is looked at only when an instruction has to know.

use std::io;
use std::sync::{Arc, OnceLock};

use crate::image::contents::LayerStack;
use crate::image::{Blob, BlobSource as _, Image, ImageTree, Layer};
use crate::layer::Overlay;
use crate::oci::{ChainId, Descriptor, DiffId, Digest, Document, ImageConfig, Rootfs};
use crate::ops::{Context, Error, FoundImage, ImagePlace};

/// A layer in the store.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StageLayer {
    /// As a manifest describes it.
    pub(super) descriptor: Descriptor,
    pub(super) diff_id: DiffId,
}

/// Layers, bottom first.
#[derive(Debug, Clone, Default)]
pub(super) struct StageLayers {
    layers: Vec<StageLayer>,
    diff_ids: Vec<DiffId>,
    /// How many of them belong to the image of `FROM`.
    pub(super) base: usize,
    /// Identifies the steps that led to them.
    steps: Option<Digest>,
    seen: Arc<Seen>,
}

/// What is known of the layers.
#[derive(Default)]
struct Seen {
    view: OnceLock<Arc<Overlay>>,
    contents: OnceLock<Arc<LayerStack>>,
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seen")
    }
}

impl StageLayers {
    /// The layers of an image.
    pub(super) fn of_base(layers: Vec<StageLayer>) -> Self {
        let base = layers.len();
        Self { base, ..Self::new(layers) }
    }

    fn new(layers: Vec<StageLayer>) -> Self {
        let diff_ids = layers.iter().map(|layer| layer.diff_id).collect();
        Self { layers, diff_ids, base: 0, steps: None, seen: Arc::default() }
    }

    /// Adds one on top.
    pub(super) fn push(&mut self, layer: StageLayer) {
        let layers = std::mem::take(&mut self.layers).into_iter().chain([layer]).collect();
        *self = Self { base: self.base, steps: self.steps, ..Self::new(layers) };
    }

    /// Notes that a step led here, whether it made a layer or not.
    pub(super) fn step(&mut self, key: Digest) {
        self.steps = Some(key);
    }

    /// What the next step depends on: the step before, or else the layers of the base.
    pub(super) fn key(&self) -> String {
        match (self.steps, self.chain()) {
            (Some(step), _) => step.to_string(),
            (None, Some(chain)) => chain.to_string(),
            (None, None) => String::new(),
        }
    }

    pub(super) fn diff_ids(&self) -> &[DiffId] {
        &self.diff_ids
    }

    pub(super) fn descriptors(&self) -> impl Iterator<Item = &Descriptor> {
        self.layers.iter().map(|layer| &layer.descriptor)
    }

    pub(super) fn len(&self) -> usize {
        self.layers.len()
    }

    /// Identifies what is in all of them together; none if there are none.
    fn chain(&self) -> Option<ChainId> {
        ChainId::of(&self.diff_ids).pop()
    }

    /// The merged view.
    pub(super) fn view(&self, context: &Context) -> Result<Arc<Overlay>, Error> {
        if let Some(view) = self.seen.view.get() {
            return Ok(Arc::clone(view));
        }
        let view = Arc::new(self.view_of(context, self.len())?);
        Ok(Arc::clone(self.seen.view.get_or_init(|| view)))
    }

    /// The merged view of so many of them, counted from the bottom.
    pub(super) fn view_of(&self, context: &Context, count: usize) -> Result<Overlay, Error> {
        let image = self.image(context, count)?;
        context.overlay(&found(&image), &image)
    }

    /// The contents.
    pub(super) fn contents(&self, context: &Context) -> Result<Arc<LayerStack>, Error> {
        if let Some(contents) = self.seen.contents.get() {
            return Ok(Arc::clone(contents));
        }
        let image = self.image(context, self.len())?;
        let blobs: Vec<Blob> = image.layers.iter().filter_map(|layer| layer.blob.clone()).collect();
        let whole = context.clone();
        let failed = |source| Error::Io { what: "layers of the build".to_owned(), source };
        let checksums = move |layer| whole.checksums(&found(&image), &image, layer).map_err(io::Error::other);
        let contents = LayerStack::new(blobs, context.limits.clone(), checksums).map_err(failed)?;
        let contents = Arc::new(contents);
        Ok(Arc::clone(self.seen.contents.get_or_init(|| contents)))
    }

    /// An image of the lowest layers, with an empty config.
    fn image(&self, context: &Context, count: usize) -> Result<Image, Error> {
        let mut layers = Vec::new();
        for layer in &self.layers[..count.min(self.layers.len())] {
            let missing = |source| Error::Image { name: layer.diff_id.to_string(), source };
            let blob = context.store.open_blob(&layer.descriptor).map_err(missing)?;
            let descriptor = Some(layer.descriptor.clone());
            layers.push(Layer { diff_id: layer.diff_id, descriptor, blob });
        }
        let rootfs = Rootfs::new(layers.iter().map(|layer| layer.diff_id).collect());
        let config = Document::make(ImageConfig { rootfs, ..ImageConfig::default() });
        Ok(Image { manifest: None, config, layers, described_platform: None })
    }
}

/// An image of the store that has no name.
fn found(image: &Image) -> FoundImage {
    FoundImage {
        names: Vec::new(),
        all_names: Vec::new(),
        descriptor: None,
        tree: ImageTree::Image(Box::new(image.clone())),
        place: ImagePlace::Store,
        remote: None,
    }
}
