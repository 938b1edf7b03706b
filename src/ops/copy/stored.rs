//! Images on their way into the store.

use super::copier::{Copied, Copier};
use super::destination::Names;
use super::event::{BlobState, CopiedImage, CopyEvent};
use super::source::{Chosen, SourceImage};
use crate::image::{Blob, ImageTree, Layer, Named, work};
use crate::oci::{Descriptor, Digest, Reference};
use crate::ops::copy_error::CopyError;
use crate::ops::intake::{self, LayerIntake, TakenImage};
use crate::ops::receiving::{LayerReceiver, LayerState};
use crate::ops::several::Pool;
use crate::ops::{Error, FoundImage};
use crate::store::Quarantine;

impl Copier<'_> {
    /// Copies images into the store, where they get these names.
    pub(super) fn to_store(&self, sources: &[SourceImage], names: &Names) -> Result<Vec<Copied>, Error> {
        let pairs = sources.iter().map(|source| Ok((source, names.in_store(source)?)));
        let pairs: Vec<(&SourceImage, Reference)> = pairs.collect::<Result<_, Error>>()?;
        let pool = Pool::new(self.options.jobs);
        Ok(self.each(&pairs, |copier, source, name| {
            let found = source.found(copier.context, copier.options)?;
            let chosen = copier.whole(source, &found)?;
            if chosen.image.is_none() {
                return Err(CopyError::NoImage { from: source.shown(), to: "the store".to_owned() }.into());
            }
            copier.take(&pool, source, &found, (&chosen, name))
        }))
    }

    fn take(
        &self,
        pool: &Pool,
        source: &SourceImage,
        found: &FoundImage,
        (chosen, name): (&Chosen<'_>, &Reference),
    ) -> Result<CopiedImage, Error> {
        let to = name.familiar();
        if let Some(digest) = chosen.descriptor.map(|descriptor| descriptor.digest)
            && self.has(name, &digest)?
        {
            return Ok(CopiedImage { to, digest, is_new: false });
        }
        (self.tell)(CopyEvent::Image(source.shown(), to.clone()));
        let digest = match chosen.descriptor.filter(|_| found.in_store()) {
            Some(descriptor) => self.name_anew(name, descriptor)?,
            None => self.receive(pool, source, chosen, name)?,
        };
        Ok(CopiedImage { to, digest, is_new: true })
    }

    /// Whether a name leads to that digest in the store, and all of it is there.
    fn has(&self, name: &Reference, digest: &Digest) -> Result<bool, Error> {
        let catalog = self.context.store.catalog()?;
        let Some(entry) = catalog.find(name).filter(|entry| entry.descriptor.digest == *digest) else {
            return Ok(false);
        };
        let tree = self.context.store.tree(entry);
        let is_whole = |tree: &ImageTree| super::source::missing(&entry.descriptor, tree).is_none();
        Ok(tree.is_ok_and(|tree| is_whole(&tree)))
    }

    /// Gives an image of the store another name.
    fn name_anew(&self, name: &Reference, descriptor: &Descriptor) -> Result<Digest, Error> {
        self.context.store.update(|catalog| {
            catalog.tag(name, descriptor, false);
            Ok::<_, Error>(descriptor.digest)
        })?
    }

    /// Takes an image from elsewhere.
    fn receive(
        &self,
        pool: &Pool,
        source: &SourceImage,
        chosen: &Chosen<'_>,
        name: &Reference,
    ) -> Result<Digest, Error> {
        let quarantine = Quarantine::new(&self.context.store, self.context.limits.clone())?;
        let (descriptor, tree) = (chosen.descriptor.cloned(), chosen.tree.clone());
        let planned = [Named { names: vec![name.clone()], descriptor, tree }];
        let taken = if let Some(remote) = source.remote() {
            self.take_from_registry(pool, &quarantine, &planned, remote)?
        } else {
            let take = |id, layer: &Layer, blob: &Blob| {
                let _turn = pool.turn();
                self.take_layer(&quarantine, id, layer, blob)
            };
            let layers = LayerIntake { take: &take, threads: work::threads(), largest_first: false };
            intake::take(self.context, &quarantine, &planned, self.progress, &layers)?
        };
        let taken = taken.into_iter().next().ok_or_else(|| Error::NoSuchImage(source.shown()))?;
        quarantine.publish(|catalog| {
            catalog.tag(name, &taken.descriptor, false);
            Ok(taken.descriptor.digest)
        })?
    }

    fn take_from_registry(
        &self,
        pool: &Pool,
        quarantine: &Quarantine,
        planned: &[Named],
        remote: &Reference,
    ) -> Result<Vec<TakenImage>, Error> {
        let repository = self.context.registries.repository(remote)?;
        let tell = |digest: &Digest, state| {
            let state = match state {
                LayerState::Exists => BlobState::Exists,
                LayerState::Complete => BlobState::Copied,
                _ => return,
            };
            (self.tell)(CopyEvent::Layer(digest.short().to_string(), state));
        };
        let receiver = LayerReceiver {
            context: self.context,
            pool,
            quarantine,
            repository: &repository,
            tell: &tell,
            progress: self.progress,
        };
        let take = |id, layer: &Layer, _: &Blob| receiver.take(id, layer);
        let layers = LayerIntake { take: &take, threads: self.options.jobs, largest_first: true };
        intake::take(self.context, quarantine, planned, self.progress, &layers)
    }

    fn take_layer(
        &self,
        quarantine: &Quarantine,
        id: u64,
        layer: &Layer,
        blob: &Blob,
    ) -> Result<crate::store::VerifiedLayer, Error> {
        let label = layer.diff_id.short().to_string();
        self.progress.start(id, &format!("{label}: Copying"), Some(blob.size()));
        let moved = |bytes| self.progress.advance(id, bytes);
        // A manifest fixes the blob's digest; without one, the layer may be stored in a form that has a media type.
        let unpack = layer.descriptor.is_none();
        let kept = quarantine.keep_layer(blob, unpack, &format!("layer {}", layer.diff_id), &moved)?;
        self.progress.finish(id, "");
        (self.tell)(CopyEvent::Layer(label, BlobState::Copied));
        Ok(kept)
    }
}
