//! Images of registries that are only read: what `docker://REF` leads to.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::sync::Arc;

use super::damage::LayerNames;
use super::{Context, Error, FoundImage, ImagePlace};
use crate::image::work::for_each;
use crate::image::{Blob, BlobSource as _, Image, ImageSource as _, Progress};
use crate::oci::{Descriptor, Platform, Reference};
use crate::registry::{Choice, InsecureRegistry, Near, RegistryHost, Remote, Repository};
use crate::store::Store;

/// How many layers are fetched at a time, as docker does.
const TRANSFERS: usize = 3;
/// The first part of progress that is the transfer of a layer; those before are what is done with the image.
const FIRST_PART: u64 = 1 << 32;

impl Context {
    /// Finds an image of a registry, of several the one for `platform`, or what suits the host. Only documents are
    /// fetched; layers, when they are read. What the store has is not fetched.
    pub(super) fn find_in_registry(&self, typed: &str, platform: Option<&Platform>) -> Result<FoundImage, Error> {
        let choice = platform.map_or_else(|| Choice::Suits(self.host.clone()), |platform| Choice::Is(platform.clone()));
        self.find_chosen(typed, &choice)
    }

    /// The same for whatever is chosen of an index.
    pub(super) fn find_chosen(&self, typed: &str, choice: &Choice) -> Result<FoundImage, Error> {
        let name = typed.parse::<Reference>()?.with_default_tag();
        let remote = self.remote(&self.registries.repository(&name)?, &name, choice)?;
        let inventory = remote.inventory().map_err(|source| Error::Image { name: name.familiar(), source })?;
        let mut all = inventory.images.into_iter().chain(inventory.artifacts);
        let named = all.next().ok_or_else(|| Error::NoSuchImage(name.familiar()))?;
        Ok(FoundImage { place: ImagePlace::Registry, remote: Some(Arc::new(remote)), ..FoundImage::from(named) })
    }

    /// What a name leads to in a registry. What the store has is taken from there.
    pub(super) fn remote(&self, repository: &Repository, name: &Reference, choice: &Choice) -> Result<Remote, Error> {
        let near = Arc::new(NearStore(self.store.clone()));
        Ok(Remote::open(repository, name, choice, Some(near))?)
    }

    /// Fetches the layers of images that were found in a registry, several at a time, the largest first. Layers of other
    /// images are where they are.
    pub(super) fn fetch(&self, found: &FoundImage, images: &[&Image], progress: &dyn Progress) -> Result<(), Error> {
        let Some(remote) = &found.remote else { return Ok(()) };
        let (mut layers, mut seen) = (Vec::new(), HashSet::new());
        for image in images {
            let described =
                image.layers.iter().enumerate().filter_map(|(n, layer)| Some((n, layer.descriptor.as_ref()?)));
            layers
                .extend(described.filter(|(_, layer)| seen.insert(layer.digest)).map(|(n, layer)| (*image, n, layer)));
        }
        layers.retain(|(_, _, layer)| remote.is_far(&layer.digest));
        layers.sort_by_key(|(_, _, layer)| Reverse(layer.size));
        progress.total(Some(layers.iter().map(|(_, _, layer)| layer.size).sum()));
        for_each(&layers, TRANSFERS, |id, (image, number, layer)| {
            let id = FIRST_PART + id as u64;
            progress.start(id, &format!("{}: Downloading", layer.digest.short()), Some(layer.size));
            let moved = |bytes| {
                progress.advance(id, bytes);
                self.store.job().check()
            };
            let fetched = remote.fetch(&layer.digest, &moved);
            fetched.map_err(|source| LayerNames::of(found, image).of_layer(*number, source))?;
            progress.finish(id, "");
            Ok::<_, Error>(())
        })?;
        Ok(())
    }

    /// The same context, in which the registry of the image that was typed may be insecure.
    pub fn trusting(&self, typed: &str) -> Self {
        let name = typed.strip_prefix("docker://").unwrap_or(typed).parse::<Reference>();
        let insecure = name.map(|name| InsecureRegistry::Host(RegistryHost::of(&name)));
        let registries = insecure.map_or_else(|_| self.registries.clone(), |host| self.registries.trusting(host));
        Self { registries, ..self.clone() }
    }
}

/// The store, and a place for what it does not have.
struct NearStore(Store);

impl Near for NearStore {
    fn blob(&self, descriptor: &Descriptor) -> Option<Blob> {
        let is_here = self.0.hold(&[descriptor.digest]).unwrap_or(false);
        if is_here { self.0.open_blob(descriptor).ok().flatten() } else { None }
    }

    /// Beside the store's blobs, since layers may be larger than a folder for temporary files in memory; if there is no
    /// store, where temporary files are, or else where the store would be.
    fn file(&self) -> io::Result<File> {
        let root = self.0.root();
        tempfile::tempfile_in(root).or_else(|_| tempfile::tempfile()).or_else(|error| {
            std::fs::create_dir_all(root).and_then(|()| tempfile::tempfile_in(root)).map_err(|_| error)
        })
    }
}
