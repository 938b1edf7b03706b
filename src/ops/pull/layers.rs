//! The layers of an image that is pulled.

use std::collections::HashSet;
use std::io::{self, Read as _};

use super::event::{LayerState, PullEvent, Tell};
use crate::image::{Image, ImageTree, Layer, Progress};
use crate::oci::{Descriptor, Digest};
use crate::ops::{Context, Error};
use crate::registry::{self, Repository};
use crate::store::{self, Partial, Quarantine, VerifiedLayer};

/// How many bytes are received at a time.
const CHUNK: usize = 256 << 10;

/// Fetches the layers of an image.
pub(super) struct LayerPuller<'a> {
    pub(super) context: &'a Context,
    pub(super) quarantine: &'a Quarantine,
    pub(super) repository: &'a Repository,
    pub(super) tell: Tell<'a>,
    pub(super) progress: &'a dyn Progress,
}

impl LayerPuller<'_> {
    /// Tells what will be fetched, bottom first; `jobs` of them at a time.
    pub(super) fn announce(&self, tree: &ImageTree, jobs: usize) {
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
    pub(super) fn take(&self, id: u64, layer: &Layer) -> Result<VerifiedLayer, Error> {
        let descriptor = layer.descriptor.as_ref().ok_or_else(|| Error::NoSuchImage(layer.diff_id.to_string()))?;
        if let Some(stored) = self.stored(layer, descriptor)? {
            self.tell(&descriptor.digest, LayerState::Exists);
            return Ok(stored);
        }
        let label = format!("{}: Downloading", descriptor.digest.short());
        self.progress.start(id, &label, Some(descriptor.size));
        let received = match self.receive(id, layer, descriptor) {
            // What had come of it before may have been damaged, or the registry has sent two different things.
            Err(Error::Store(store::Error::Digest { .. })) => {
                self.progress.start(id, &label, Some(descriptor.size));
                self.receive(id, layer, descriptor)
            }
            received => received,
        }?;
        self.tell(&descriptor.digest, LayerState::Downloaded);
        self.progress.finish(id, "");
        self.tell(&descriptor.digest, LayerState::Complete);
        Ok(received)
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

    /// Receives a layer, from where an earlier transfer ended.
    fn receive(&self, id: u64, layer: &Layer, descriptor: &Descriptor) -> Result<VerifiedLayer, Error> {
        let mut partial = self.context.store.partial(&descriptor.digest)?;
        if partial.size() > descriptor.size {
            partial.restart()?;
        }
        self.progress.advance(id, partial.size());
        self.fetch(id, descriptor, &mut partial)?;
        self.tell(&descriptor.digest, LayerState::Verifying);
        Ok(self.quarantine.keep_partial_layer(descriptor, partial, &format!("layer {}", layer.diff_id))?)
    }

    fn fetch(&self, id: u64, descriptor: &Descriptor, partial: &mut Partial) -> Result<(), Error> {
        let failed = |source: io::Error| registry::Error::Transfer {
            name: self.repository.name().familiar_name(),
            digest: descriptor.digest,
            source,
        };
        let mut stream = self.repository.blob(descriptor, partial.size())?;
        let mut buffer = vec![0; CHUNK];
        loop {
            let got = stream.read(&mut buffer).map_err(failed)?;
            if got == 0 {
                return Ok(());
            }
            partial.append(&buffer[..got])?;
            self.progress.advance(id, got as u64);
        }
    }

    fn tell(&self, digest: &Digest, state: LayerState) {
        (self.tell)(PullEvent::Layer(*digest, state));
    }
}
