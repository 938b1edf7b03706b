//! Images on their way to registries.

use super::copier::{Copied, Copier};
use super::destination::Names;
use super::event::{BlobState, CopiedImage, CopyEvent};
use super::referrers::Way;
use super::source::{Chosen, SourceImage};
use crate::oci::{Descriptor, Digest, Reference};
use crate::ops::copy_error::CopyError;
use crate::ops::sending::{LayerState, Outbox, Plan, SendOptions, Sender, has_rest};
use crate::ops::{Error, FoundImage};
use crate::registry::{self, Repository};

impl Copier<'_> {
    /// Copies images to the names that they get in registries.
    pub(super) fn to_registries(&self, sources: &[SourceImage], names: &Names) -> Result<Vec<Copied>, Error> {
        let pairs = sources.iter().map(|source| Ok((source, names.of(source)?)));
        let pairs: Vec<(&SourceImage, Reference)> = pairs.collect::<Result<_, Error>>()?;
        let how = SendOptions { compress: self.options.compress, jobs: self.options.jobs };
        let outbox = Outbox::new(self.context, how);
        Ok(self.each(&pairs, |copier, source, name| {
            let repository = copier.context.registries.repository(name)?;
            let tell = |diff_id: crate::oci::DiffId, state| copier.tell_of(&diff_id.short().to_string(), state);
            let mut sender = Sender::new(&outbox, &repository, &tell, copier.progress);
            if let Some(remote) = source.remote() {
                sender = sender.coming_from(remote);
            }
            copier.to_registry(source, name, &repository, &sender)
        }))
    }

    fn to_registry(
        &self,
        source: &SourceImage,
        name: &Reference,
        repository: &Repository,
        sender: &Sender<'_>,
    ) -> Result<CopiedImage, Error> {
        let to = |digest: Digest| {
            let name = if name.is_name_only() { name.with_digest(digest) } else { name.clone() };
            format!("docker://{}", name.familiar())
        };
        let there = if name.is_name_only() { None } else { digest_there(repository, name)? };
        if let Some(digest) = there.filter(|digest| self.is_known(source, digest)) {
            return Ok(CopiedImage { to: to(digest), digest, is_new: false });
        }
        if let Some(image) = self.retag(source, name, repository)? {
            return Ok(CopiedImage { to: to(image), digest: image, is_new: true });
        }
        let found = source.found(self.context, self.options)?;
        let chosen = Chosen::of(&found, self.options, &self.context.host)?;
        let plan = self.plan(source, &found, &chosen, name, repository)?;
        if let (Some(wanted), Some(actual)) = (name.digest(), plan.digest())
            && *wanted != actual
        {
            let (to, from) = (format!("docker://{}", name.familiar()), source.shown());
            return Err(CopyError::OtherDigest { to, from, actual }.into());
        }
        let known = plan.digest().filter(|digest| there == Some(*digest));
        let digest = if let Some(digest) = known {
            digest
        } else {
            (self.tell)(CopyEvent::Image(source.shown(), to(plan.outgoing.descriptor.digest)));
            sender.send(&plan)?.digest
        };
        if let Some(from) = source.remote().filter(|from| self.options.referrers && from.name() != name.name()) {
            let way = Way { from: self.context.registries.repository(from)?, to: repository, sender };
            self.copy_referrers(&way, &plan.outgoing)?;
        }
        Ok(CopiedImage { to: to(digest), digest, is_new: known.is_none() })
    }

    /// Gives what is in the same repository another tag, if that needs nothing but its manifest or index.
    fn retag(&self, source: &SourceImage, name: &Reference, repository: &Repository) -> Result<Option<Digest>, Error> {
        let is_there = |from: &&Reference| from.name() == name.name() && name.tag().is_some();
        let Some(from) = source.remote().filter(is_there).filter(|_| self.options.platform.is_none()) else {
            return Ok(None);
        };
        let fetched = repository.manifest(from)?;
        let Descriptor { digest, media_type, .. } = &fetched.descriptor;
        if media_type.is_index() && !self.options.all {
            return Ok(None);
        }
        (self.tell)(CopyEvent::Image(source.shown(), format!("docker://{}", name.familiar())));
        repository.put_manifest(name, media_type, &fetched.bytes)?;
        Ok(Some(*digest))
    }

    fn plan(
        &self,
        source: &SourceImage,
        found: &FoundImage,
        chosen: &Chosen<'_>,
        name: &Reference,
        repository: &Repository,
    ) -> Result<Plan, Error> {
        if let Some(missing) = chosen.missing()
            && !has_rest(chosen.tree, repository)?
        {
            return Err(CopyError::NotWhole { from: source.shown(), missing }.into());
        }
        match (chosen.descriptor, chosen.image) {
            // The manifest may be ours, around layers that are compressed on their way.
            (Some(descriptor), Some(image)) if found.in_store() && !descriptor.media_type.is_index() => {
                Plan::prepared(self.context, found, name, image, None)
            }
            (Some(descriptor), _) => {
                Ok(Plan::unchanged(self.context, &source.shown(), name, (descriptor, chosen.tree)))
            }
            (None, Some(image)) => Plan::prepared(self.context, found, name, image, None),
            (None, None) => Err(Error::NoSuchImage(source.shown())),
        }
    }

    /// Whether an image of a registry is known, without fetching it, to be copied as that digest.
    fn is_known(&self, source: &SourceImage, digest: &Digest) -> bool {
        let Some(name) = source.remote().filter(|_| self.options.platform.is_none() && !self.options.referrers) else {
            return false;
        };
        let head = self.context.registries.repository(name).and_then(|repository| repository.head(name));
        let head = head.ok().flatten().filter(|head| head.digest == *digest);
        head.is_some_and(|head| self.options.all || !head.media_type.is_index())
    }

    fn tell_of(&self, what: &str, state: LayerState) {
        let state = match state {
            LayerState::Preparing | LayerState::Elsewhere | LayerState::Pushing => return,
            LayerState::Pushed => BlobState::Copied,
            LayerState::Exists => BlobState::Exists,
            LayerState::MountedFrom(repository) => BlobState::MountedFrom(repository),
        };
        (self.tell)(CopyEvent::Layer(what.to_owned(), state));
    }
}

/// What a name leads to in a registry now, as far as the registry says so.
fn digest_there(repository: &Repository, name: &Reference) -> Result<Option<Digest>, Error> {
    match repository.digest(name) {
        // Whether that is so, sending tells.
        Err(
            registry::Error::NoManifest { .. } | registry::Error::Refused { .. } | registry::Error::Unauthorized { .. },
        ) => Ok(None),
        there => Ok(there?),
    }
}
