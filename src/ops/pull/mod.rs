//! `pull`: images come from registries into the store.
//!
//! ```text
//! a name ─▶ HEAD: what the store has already? ─▶ up to date
//!       └─▶ registry::Remote, for one platform ─▶ intake ─▶ Quarantine ─▶ the name, in one step
//!                                                   └─ layers, several at a time: there already, or received
//! ```
//!
//! Documents and layers are kept byte for byte. Of an index, only the image for one platform is fetched; the index itself
//! is kept whole. What has come of a layer when a transfer ends stays, and the next pull goes on there.

mod event;

use super::intake::{self, LayerIntake};
use super::receiving::LayerReceiver;
use super::several::{self, ImageProgress, InOrder, Pool};
use super::{Context, Error};
use crate::archive;
use crate::image::{self, Blob, Image, ImageSource as _, ImageTree, Layer, Progress};
use crate::oci::{Descriptor, Digest, ImageId, Platform, Reference};
use crate::registry::{self, Choice, Repository};
use crate::store::{Catalog, CatalogEntry, Quarantine};
pub use event::{LayerState, PullEvent, PulledImage, Tell};

/// Options of `pull`.
#[derive(Debug, Clone)]
pub struct PullOptions {
    /// The platform; by default the one that suits the host.
    pub platform: Option<Platform>,
    /// How many layers are fetched at a time.
    pub jobs: usize,
}

/// Pulls images; several at once, with one pool of workers. What is told comes in the order of the names; an error of one
/// does not keep the others.
pub fn pull(
    context: &Context,
    names: &[Reference],
    options: &PullOptions,
    tell: Tell<'_>,
    progress: &dyn Progress,
) -> Vec<Result<PulledImage, Error>> {
    let pool = Pool::new(options.jobs);
    let tell = |(place, event)| tell(place, event);
    let order = InOrder::new(&tell);
    several::each(names, options.jobs, |place, name| {
        let progress = ImageProgress::new(progress, place, name.familiar(), "pull");
        let tell = |event| order.tell(place, (place, event));
        tell(PullEvent::Begun);
        let pulled = pull_one(context, &pool, name, options, &tell, &progress);
        if let Ok(image) = &pulled {
            progress.is_done(&image.digest);
            tell(PullEvent::Pulled(image.clone()));
        }
        tell(PullEvent::Ended(pulled.is_ok()));
        order.end(place);
        pulled
    })
}

/// Is told what happens to one image.
type TellOne<'a> = &'a (dyn Fn(PullEvent) + Sync);

fn pull_one(
    context: &Context,
    pool: &Pool,
    name: &Reference,
    options: &PullOptions,
    tell: TellOne<'_>,
    progress: &dyn Progress,
) -> Result<PulledImage, Error> {
    several::check(context, &name.familiar())?;
    let name = checked(name)?;
    let repository = context.registries.repository(&name)?;
    let pulled = Puller { context, pool, name: &name, options, tell, progress, repository: &repository }.pull();
    pulled.map_err(|error| match error {
        Error::Registry(source @ registry::Error::Unauthorized { .. }) => {
            Error::PullDenied { name: name.familiar_name(), source }
        }
        other => other,
    })
}

/// The names of all tags of a repository, for `--all-tags`.
pub fn all_tags(context: &Context, repository: &Reference) -> Result<Vec<Reference>, Error> {
    let tags = context.registries.repository(repository)?.tags()?;
    tags.iter().map(|tag| Ok(repository.with_tag(tag)?)).collect()
}

/// The name under which an image is pulled: with a tag or a digest, not both. A digest says more than a tag.
fn checked(name: &Reference) -> Result<Reference, Error> {
    if name.registry() == "docker.io" && ["scratch", "library/scratch"].contains(&name.repository()) {
        return Err(Error::ReservedName("scratch"));
    }
    Ok(match name.digest() {
        Some(digest) => name.without_tag().with_digest(*digest),
        None => name.clone().with_default_tag(),
    })
}

struct Puller<'a> {
    context: &'a Context,
    pool: &'a Pool,
    name: &'a Reference,
    options: &'a PullOptions,
    tell: TellOne<'a>,
    progress: &'a dyn Progress,
    repository: &'a Repository,
}

impl Puller<'_> {
    fn pull(&self) -> Result<PulledImage, Error> {
        let stored = self.stored()?;
        if let Some(known) = self.known(stored.as_ref())? {
            self.tell_name();
            return Ok(known);
        }
        let wanted = || self.options.platform.clone();
        let choice = wanted().map_or_else(|| Choice::Fits(self.context.host.clone()), Choice::Is);
        let remote = self.context.remote(self.repository, self.name, &choice)?;
        let shown = || self.name.familiar();
        let inventory = remote.inventory().map_err(|source| Error::Image { name: shown(), source })?;
        let inventory = archive::require_images(inventory).map_err(|source| Error::Input { path: shown(), source })?;
        self.check_platform(&inventory.images[0].tree)?;
        self.tell_name();

        let quarantine = Quarantine::new(&self.context.store, self.context.limits.clone())?;
        let tell = |digest: &Digest, state| (self.tell)(PullEvent::Layer(*digest, state));
        let layers = LayerReceiver {
            context: self.context,
            pool: self.pool,
            quarantine: &quarantine,
            repository: self.repository,
            tell: &tell,
            progress: self.progress,
        };
        layers.announce(&inventory.images[0].tree, self.options.jobs);
        let take = |id, layer: &Layer, _: &Blob| layers.take(id, layer);
        let intake = LayerIntake { take: &take, threads: self.options.jobs, largest_first: true };
        let taken = intake::take(self.context, &quarantine, &inventory.images, self.progress, &intake)?;
        let taken = taken.into_iter().next().ok_or_else(|| Error::NoSuchImage(shown()))?;
        let descriptor = remote.descriptor().clone();
        let named = quarantine.publish(|catalog| {
            self.publish(catalog, &descriptor, taken.id);
            Ok::<_, Error>(())
        })?;
        named?;
        let is_new = stored.is_none_or(|stored| stored.digest != descriptor.digest);
        Ok(PulledImage { name: self.name.clone(), digest: descriptor.digest, id: taken.id, is_new })
    }

    /// Lets the name lead to the image. What it led to before stays without a name, unless that is the same image.
    fn publish(&self, catalog: &mut Catalog, descriptor: &Descriptor, id: ImageId) {
        let before = catalog.find(self.name).cloned();
        let forget = before.as_ref().is_some_and(|before| self.is_only(before, id));
        catalog.tag(self.name, descriptor, forget);
    }

    /// Whether an entry leads to that image and to no other.
    fn is_only(&self, entry: &CatalogEntry, id: ImageId) -> bool {
        let Ok(tree) = self.context.store.tree(entry) else { return false };
        let complete = tree.images().into_iter().filter(|image| image.is_complete()).map(Image::id);
        complete.collect::<Vec<_>>() == [id]
    }

    /// The image, if the registry says that it has what the store has.
    fn known(&self, stored: Option<&PulledImage>) -> Result<Option<PulledImage>, Error> {
        let Some(stored) = stored else { return Ok(None) };
        // A name with a digest leads to the same for ever.
        if self.name.digest().is_none() {
            let there = match self.repository.digest(self.name) {
                // Some servers refuse HEAD; what is wrong, the answer to GET tells.
                Err(registry::Error::NoManifest { .. } | registry::Error::Refused { .. }) => None,
                there => there?,
            };
            if there != Some(stored.digest) {
                return Ok(None);
            }
        }
        Ok(Some(stored.clone()))
    }

    /// The entry of the name; of a digest, that of any name in the repository which leads there.
    fn entry<'c>(&self, catalog: &'c Catalog) -> Option<&'c CatalogEntry> {
        let is_here = |entry: &&CatalogEntry| {
            entry.name.as_ref().is_some_and(|name| name.without_tag() == self.name.without_tag())
        };
        let by_digest = || catalog.leading_to(self.name.digest()?).find(is_here);
        catalog.find(self.name).or_else(by_digest)
    }

    /// What the store has under the name for the platform, if that is complete.
    fn stored(&self) -> Result<Option<PulledImage>, Error> {
        let catalog = self.context.store.catalog()?;
        let Some(entry) = self.entry(&catalog) else { return Ok(None) };
        let Ok(tree) = self.context.store.tree(entry) else { return Ok(None) };
        let complete: Vec<&Image> = tree.images().into_iter().filter(|image| image.is_complete()).collect();
        let image = match (&self.options.platform, &tree) {
            (Some(platform), _) => tree.image_for(platform),
            (None, ImageTree::Image(_)) => complete.first().copied(),
            (None, _) => image::select(&complete, &self.context.host),
        };
        let digest = entry.descriptor.digest;
        Ok(image.map(|image| PulledImage { name: self.name.clone(), digest, id: image.id(), is_new: false }))
    }

    /// A single image has to be for the platform that was asked for.
    fn check_platform(&self, tree: &ImageTree) -> Result<(), Error> {
        let (Some(wanted), ImageTree::Image(image)) = (&self.options.platform, tree) else { return Ok(()) };
        if wanted.matches(&image.platform()) {
            return Ok(());
        }
        let (image, wanted, found) = (self.name.familiar(), Box::new(wanted.clone()), vec![image.platform()]);
        Err(Error::OtherPlatform { image, wanted, found })
    }

    fn tell_name(&self) {
        let which = self.name.tag().map_or_else(|| self.name.canonical(), str::to_owned);
        (self.tell)(PullEvent::Image(which, self.name.repository().to_owned()));
    }
}
