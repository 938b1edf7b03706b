//! Images of registries that are only read: what `docker://REF` leads to.

use std::sync::Arc;

use super::{Context, Error, FoundImage, ImagePlace};
use crate::image::{BlobSource as _, ImageSource as _};
use crate::oci::{Descriptor, Platform, Reference};
use crate::registry::{Choice, InsecureRegistry, RegistryHost, Remote, Repository};

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
        Ok(FoundImage { place: ImagePlace::Registry, ..FoundImage::from(named) })
    }

    /// What a name leads to in a registry. What the store has is taken from there.
    pub(super) fn remote(&self, repository: &Repository, name: &Reference, choice: &Choice) -> Result<Remote, Error> {
        let store = self.store.clone();
        let nearer = move |descriptor: &Descriptor| {
            let is_here = store.hold(&[descriptor.digest]).unwrap_or(false);
            if is_here { store.open_blob(descriptor).ok().flatten() } else { None }
        };
        Ok(Remote::open(repository, name, choice, Arc::new(nearer))?)
    }

    /// The same context, in which the registry of the image that was typed may be insecure.
    pub fn trusting(&self, typed: &str) -> Self {
        let name = typed.strip_prefix("docker://").unwrap_or(typed).parse::<Reference>();
        let insecure = name.map(|name| InsecureRegistry::Host(RegistryHost::of(&name)));
        let registries = insecure.map_or_else(|_| self.registries.clone(), |host| self.registries.trusting(host));
        Self { registries, ..self.clone() }
    }
}
