//! `rmi`: names go, and with its last name an image, and with the images the layers that no other needs.

use std::collections::{BTreeSet, HashMap};

use super::{Context, Error, Found};
use crate::image::Image;
use crate::oci::{ChainId, Digest, ImageId, Reference};
use crate::store::{Catalog, Entry, Guard};

/// What happened, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An image lost this name.
    Untagged(String),
    /// An image is gone.
    DeletedImage(ImageId),
    /// A stack of layers is gone with it.
    DeletedLayer(ChainId),
}

/// How much may be removed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// An image that several repositories name goes, too.
    pub force: bool,
    /// What an image was committed on stays, also if it has no name.
    pub keep_parents: bool,
    /// Nothing is removed, but all is told.
    pub dry_run: bool,
}

/// Removes each of the images that were typed; one that cannot be removed does not keep the others. All go in one step.
pub fn remove(context: &Context, typed: &[String], options: Options) -> Result<Vec<Result<Vec<Event>, Error>>, Error> {
    let is_there = context.store.root().exists();
    let alone = if is_there && !options.dry_run { Some(context.store.lock_exclusive()?) } else { None };
    let mut catalog = context.store.catalog()?;
    let mut stacks = Stacks::of(context, &catalog);
    let plans: Vec<Result<Plan, Error>> =
        typed.iter().map(|typed| plan(context, &mut catalog, &mut stacks, typed, options)).collect();
    if let Some(alone) = alone {
        let deletes = plans.iter().flatten().any(|plan| plan.deletes);
        carry_out(context, &alone, &catalog, deletes)?;
    }
    Ok(plans.into_iter().map(|plan| plan.map(|plan| plan.events)).collect())
}

fn carry_out(context: &Context, alone: &Guard, after: &Catalog, deletes: bool) -> Result<(), Error> {
    // As long as an image that stays cannot be read, nobody knows what it needs, and all blobs stay.
    let reachable = context.store.reachable(after).ok();
    context.store.replace(alone, after)?;
    if let (true, Some(reachable)) = (deletes, reachable) {
        context.store.sweep(alone, &reachable)?;
    }
    Ok(())
}

/// What removing one image comes to.
struct Plan {
    events: Vec<Event>,
    /// Whether blobs are not needed any more.
    deletes: bool,
}

/// Removes an image from a catalog, unless that is an error.
fn plan(
    context: &Context,
    catalog: &mut Catalog,
    stacks: &mut Stacks,
    typed: &str,
    options: Options,
) -> Result<Plan, Error> {
    let (names, targets) = aim(context, catalog, typed, options)?;
    let mut events = Vec::new();
    if catalog.untag_foreign(typed) {
        events.push(Event::Untagged(typed.to_owned()));
    }
    catalog.untag_all(&names);
    events.extend(names.iter().map(|name| Event::Untagged(name.familiar())));
    let mut deletes = false;
    for target in targets {
        let mut next = Some(target);
        while let Some(digest) = next {
            next = delete(context, catalog, stacks, &digest, &mut events).filter(|_| !options.keep_parents);
            deletes |= !catalog.leads_to(&digest);
        }
    }
    Ok(Plan { events, deletes })
}

/// Deletes an image that has no name and on which no other was committed; gives what it was committed on itself, as that
/// may have been waiting for it.
fn delete(
    context: &Context,
    catalog: &mut Catalog,
    stacks: &mut Stacks,
    digest: &Digest,
    events: &mut Vec<Event>,
) -> Option<Digest> {
    let is_nameless = catalog.leading_to(digest).all(Entry::is_nameless);
    let entry = catalog.leading_to(digest).next().cloned()?;
    if !is_nameless || catalog.has_children(digest) {
        return None;
    }
    catalog.remove(digest);
    // One that is damaged has no id to tell, but can go.
    let tree = context.store.tree(&entry).ok();
    let image = tree.as_ref().and_then(|tree| tree.default_image(&context.host));
    // Another manifest may lead to the same image.
    let gone = image.map(Image::id).filter(|id| context.entries_of(catalog, id).is_empty());
    events.extend(gone.map(Event::DeletedImage));
    events.extend(stacks.free(digest).into_iter().map(Event::DeletedLayer));
    entry.parent()
}

/// The names to take away, and the manifests and indexes that they lead to. An image that is called by its name need not be readable.
fn aim(
    context: &Context,
    catalog: &Catalog,
    typed: &str,
    options: Options,
) -> Result<(Vec<Reference>, Vec<Digest>), Error> {
    let name = typed.parse::<Reference>().ok().filter(|_| typed.parse::<Digest>().is_err());
    if let Some(entry) = name.and_then(|name| catalog.find(&name.with_default_tag())) {
        return Ok((entry.name.iter().cloned().collect(), vec![entry.descriptor.digest]));
    }
    if let Some(entry) = catalog.find_foreign(typed) {
        return Ok((Vec::new(), vec![entry.descriptor.digest]));
    }
    let found = context.find_in_store(catalog, typed)?;
    let id = found.image(None, &context.host)?.id();
    let targets: BTreeSet<Digest> =
        context.entries_of(catalog, &id).into_iter().map(|entry| entry.descriptor.digest).collect();
    let all_names = context.names_of(catalog, &id);
    Ok((doomed(&found, id, all_names, options)?, targets.into_iter().collect()))
}

/// The names to take away: the one that was typed, or all of an image that was typed by its id.
fn doomed(found: &Found, id: ImageId, names: Vec<Reference>, options: Options) -> Result<Vec<Reference>, Error> {
    if !found.names.is_empty() {
        return Ok(found.names.clone());
    }
    if names.len() > 1 && !options.force {
        return Err(Error::Conflict { id: id.short().to_string(), names });
    }
    Ok(names)
}

/// Which stacks of layers the images of a catalog have, and how many have each.
pub(super) struct Stacks {
    by_target: HashMap<Digest, Vec<Vec<ChainId>>>,
    users: HashMap<ChainId, usize>,
}

impl Stacks {
    /// Reads all images. What cannot be read has none.
    pub(super) fn of(context: &Context, catalog: &Catalog) -> Self {
        let mut stacks = Self { by_target: HashMap::new(), users: HashMap::new() };
        for entry in catalog.entries() {
            if stacks.by_target.contains_key(&entry.descriptor.digest) {
                continue;
            }
            let images = context.store.tree(entry).map(|tree| {
                let chains = |image: &&Image| ChainId::of(&image.config.value().rootfs.diff_ids);
                tree.images().iter().map(chains).collect::<Vec<_>>()
            });
            let images = images.unwrap_or_default();
            for chain in images.iter().flatten() {
                *stacks.users.entry(*chain).or_default() += 1;
            }
            stacks.by_target.insert(entry.descriptor.digest, images);
        }
        stacks
    }

    /// Forgets what a manifest or index leads to; gives the stacks that nothing else has, the tallest first.
    pub(super) fn free(&mut self, target: &Digest) -> Vec<ChainId> {
        let mut freed = Vec::new();
        for stack in self.by_target.remove(target).into_iter().flatten().flat_map(|image| image.into_iter().rev()) {
            let users = self.users.entry(stack).or_default();
            *users = users.saturating_sub(1);
            if *users == 0 {
                freed.push(stack);
            }
        }
        freed
    }
}
