//! The layers of images of registries on their way into the store.

use std::collections::HashSet;
use std::io::{self, Read as _};
use std::sync::atomic::{AtomicU64, Ordering};

use super::several::Pool;
use super::{Context, Error};
use crate::image::{Image, ImageTree, Layer, MovingBlob, Progress};
use crate::oci::{Descriptor, Digest};
use crate::registry::{self, Repository};
use crate::store::{self, PartialWriter, Quarantine, ReceiveError, Received, VerifiedLayer};

/// How many bytes are received at a time.
const CHUNK: usize = 256 << 10;

/// A part of the progress: its number, and how many of its bytes were counted.
type Part<'a> = (u64, &'a AtomicU64);
/// Nothing of a part was told yet.
const NOT_BEGUN: u64 = u64::MAX;

/// What happens to a layer, in docker's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerState {
    /// It will be fetched.
    Pulling,
    /// Others are fetched before it.
    Waiting,
    /// Another process fetches it.
    Elsewhere,
    /// The store has it.
    Exists,
    /// All of it has come.
    Verifying,
    /// It is what it should be.
    Downloaded,
    /// It is ready to be used.
    Complete,
}

/// Is told what happens to layers, by the digests of their blobs; may be called from several threads.
pub type TellLayer<'a> = &'a (dyn Fn(&Digest, LayerState) + Sync);

/// Receives the layers of an image from the repository that has it.
pub struct LayerReceiver<'a> {
    /// Has the store.
    pub context: &'a Context,
    /// Has workers for all images that are received.
    pub pool: &'a Pool,
    /// Keeps the layers.
    pub quarantine: &'a Quarantine,
    /// Has the image.
    pub repository: &'a Repository,
    /// Is told what happens.
    pub tell: TellLayer<'a>,
    /// Receives the progress.
    pub progress: &'a dyn Progress,
}

impl LayerReceiver<'_> {
    /// Tells what will be fetched, bottom first; `jobs` of them at a time.
    pub fn announce(&self, tree: &ImageTree, jobs: usize) {
        let images = tree.images();
        let complete = images.into_iter().filter(|image: &&Image| image.is_complete());
        let (mut seen, mut missing) = (HashSet::new(), Vec::new());
        for descriptor in complete.flat_map(|image| &image.layers).filter_map(|layer| layer.descriptor.as_ref()) {
            if seen.insert(descriptor.digest) && !self.context.store.has_blob(&descriptor.digest) {
                self.tell(&descriptor.digest, LayerState::Pulling);
                missing.push(descriptor);
            }
        }
        missing.sort_by_key(|descriptor| std::cmp::Reverse(descriptor.size));
        for descriptor in missing.iter().skip(jobs) {
            self.tell(&descriptor.digest, LayerState::Waiting);
        }
    }

    /// Takes a layer: from the store, or else from the registry.
    pub fn take(&self, id: u64, layer: &Layer) -> Result<VerifiedLayer, Error> {
        let descriptor = layer.descriptor.as_ref().ok_or_else(|| Error::NoSuchImage(layer.diff_id.to_string()))?;
        let _moving = self.pool.enter("", &descriptor.digest);
        if let Some(stored) = self.stored(layer, descriptor)? {
            self.tell(&descriptor.digest, LayerState::Exists);
            self.start(id, descriptor, "Already exists");
            self.progress.advance(id, descriptor.size);
            self.progress.finish(id, "");
            return Ok(stored);
        }
        let counted = AtomicU64::new(NOT_BEGUN);
        let receive = || self.receive((id, &counted), layer, descriptor);
        let received = match receive() {
            // The registry may have sent something else this once, such as the page of a proxy.
            Err(Error::Store(wrong)) if is_wrong(&wrong) => receive(),
            received => received,
        };
        let received = received.map_err(|error| self.named(error))?;
        self.tell(&descriptor.digest, LayerState::Downloaded);
        self.complete((id, &counted), descriptor);
        self.progress.finish(id, "");
        self.tell(&descriptor.digest, LayerState::Complete);
        Ok(received)
    }

    /// An error about the bytes that came, with the repository that they came from.
    fn named(&self, error: Error) -> Error {
        let name = || self.repository.name().familiar_name();
        match error {
            Error::Store(store::Error::Digest { expected, actual }) => {
                Error::Registry(registry::Error::Digest { name: name(), expected, actual })
            }
            Error::Store(store::Error::Size { digest, expected, actual }) => {
                Error::Registry(registry::Error::Size { name: name(), digest, expected, actual })
            }
            Error::Store(store::Error::Layer { what, source }) => {
                Error::Store(store::Error::Layer { what: format!("{}: {what}", name()), source })
            }
            other => other,
        }
    }

    /// The layer, if the store has it. It is then kept until the image is published.
    fn stored(&self, layer: &Layer, descriptor: &Descriptor) -> Result<Option<VerifiedLayer>, Error> {
        let digest = descriptor.digest;
        if !self.context.store.has_blob(&digest) || self.quarantine.count_on([digest]).is_err() {
            return Ok(None);
        }
        let blob = crate::image::BlobSource::open_blob(&self.context.store, descriptor);
        let image_error = |source| Error::Image { name: digest.to_string(), source };
        let Some(blob) = blob.map_err(image_error)? else { return Ok(None) };
        let summary = self.context.store.layer_summary(&digest, &blob)?;
        let compression =
            blob.compression().map_err(|source| Error::Io { what: format!("layer {}", layer.diff_id), source })?;
        Ok(Some(VerifiedLayer {
            digest,
            size: descriptor.size,
            diff_id: summary.diff_id,
            compression,
            missing_link_targets: Vec::new(),
        }))
    }

    /// Receives a layer, from where an earlier transfer ended; if another process receives it, takes it from there.
    fn receive(&self, part: Part<'_>, layer: &Layer, descriptor: &Descriptor) -> Result<VerifiedLayer, Error> {
        let what = format!("layer {}", layer.diff_id);
        let feed = |writer: &PartialWriter<'_>| self.feed(part, descriptor, writer);
        let waiting = || {
            self.tell(&descriptor.digest, LayerState::Elsewhere);
            self.start(part.0, descriptor, "Waiting for another imgtool");
            part.1.store(0, Ordering::Relaxed);
        };
        match self
            .quarantine
            .receive_layer_or_wait(descriptor, &what, feed, &waiting)
            .map_err(ReceiveError::into_feed)?
        {
            Received::Kept(layer) => Ok(layer),
            Received::InStore => {
                let removed = store::Error::Removed { digest: descriptor.digest };
                self.stored(layer, descriptor)?.ok_or_else(|| removed.into())
            }
        }
    }

    /// Appends the bytes of a layer as they come from the registry.
    fn feed(&self, (id, counted): Part<'_>, descriptor: &Descriptor, writer: &PartialWriter<'_>) -> Result<(), Error> {
        let failed = |source: io::Error| registry::Error::Transfer {
            name: self.repository.name().familiar_name(),
            digest: descriptor.digest,
            source,
        };
        // It may not be the first attempt, or the first process.
        self.start(id, descriptor, "Downloading");
        self.progress.advance(id, writer.size());
        counted.store(writer.size(), Ordering::Relaxed);
        let mut stream = self.repository.blob(descriptor, writer.size())?;
        let mut buffer = vec![0; CHUNK];
        loop {
            let got = stream.read(&mut buffer).map_err(failed)?;
            if got == 0 {
                self.tell(&descriptor.digest, LayerState::Verifying);
                return Ok(());
            }
            writer.append(&buffer[..got])?;
            self.progress.advance(id, got as u64);
            counted.fetch_add(got as u64, Ordering::Relaxed);
        }
    }

    /// All of a layer is here: also what another process or an earlier transfer has left.
    fn complete(&self, (id, counted): Part<'_>, descriptor: &Descriptor) {
        let mut before = counted.load(Ordering::Relaxed);
        if before == NOT_BEGUN {
            self.start(id, descriptor, "Verifying");
            before = 0;
        }
        self.progress.advance(id, descriptor.size.saturating_sub(before));
    }

    /// A layer is moved from its beginning.
    fn start(&self, id: u64, descriptor: &Descriptor, what: &str) {
        let label = format!("{}: {what}", descriptor.digest.short());
        let blob = MovingBlob { image: "", digest: &descriptor.digest, action: "pull", label: &label };
        self.progress.start_blob(id, &blob, Some(descriptor.size));
    }

    fn tell(&self, digest: &Digest, state: LayerState) {
        (self.tell)(digest, state);
    }
}

/// Whether what came was not the layer that was asked for.
fn is_wrong(error: &store::Error) -> bool {
    matches!(error, store::Error::Digest { .. } | store::Error::Size { .. } | store::Error::Layer { .. })
}
