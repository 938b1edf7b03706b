//! `image prune`: removes images without a name, and unreferenced blobs.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::family::{Family, RemovalEvent};
use super::filter::Filters;
use super::records::{ImageRecord, images};
use super::{Context, Error};
use crate::oci::{ImageId, Reference};
use crate::store::{Catalog, Links, Reachable, StalePartials, StalePushes};

/// What `image prune` did.
#[derive(Debug, Default)]
pub struct PruneReport {
    /// What was removed, in order.
    pub events: Vec<RemovalEvent>,
    /// The number of bytes freed.
    pub bytes: u64,
}

/// What is to be removed.
#[derive(Debug, Default)]
pub struct PruneOptions {
    /// Also images with a name.
    pub all: bool,
    /// Keep this many images of each repository, the newest; implies `all`.
    pub keep: Option<usize>,
    /// Which of them.
    pub filters: Filters,
    /// Which parts of blobs go, whose transfer was interrupted.
    pub partials: StalePartials,
    /// Which leftovers of pushes to the server go.
    pub pushes: StalePushes,
    /// Report what would be removed, without removing it.
    pub dry_run: bool,
}

/// Removes the images without a name, or with `all` also the others, that match the filters, and all unreferenced
/// blobs. A manifest that lost its tag in a repository of the server counts as one without a name, however recently that
/// was. If a manifest that stays cannot be read, the blobs that it needs are unknown, and nothing is removed.
///
/// Parents are removed with their last child, whatever the filters, so that nothing is left for a second run. Artifacts
/// stay, but for those without a tag that are about what is removed.
pub fn prune(context: &Context, options: &PruneOptions) -> Result<PruneReport, Error> {
    let is_there = context.store.root().exists();
    let alone = if is_there && !options.dry_run { Some(context.store.lock_exclusive()?) } else { None };
    let before = Catalog::clone(&*context.store.catalog()?);
    let mut after = before.clone();
    let mut family = Family::read(context, &after);
    let links = Links::default();
    let lost = context.store.collect(&links, &mut before.clone(), None)?;
    let mut events = choose(context, &mut family, options, &lost.into_iter().collect())?;
    family.apply(&mut after);
    let orphans = context.store.collect_referrers(&links, &before, &mut after)?;
    events.extend(orphans.iter().map(|name| RemovalEvent::Untagged(name.familiar())));
    let reachable = context.store.reachable(&after)?;
    let Some(alone) = alone else {
        let bytes = would_free(context, &reachable, options)?;
        return Ok(PruneReport { events, bytes });
    };
    context.store.replace(&alone, &after)?;
    // Before the blobs go, since that of a part may be one of them.
    let mut bytes = context.store.expire_partials(&alone, options.partials)?;
    bytes += context.store.expire_pushes(&alone, &options.pushes)?;
    bytes += context.store.expire_memories(&alone, &reachable, options.partials)?;
    bytes += context.store.sweep(&alone, &reachable)?.bytes;
    bytes += context.store.prune_snapshots(&alone, &reachable)?;
    Ok(PruneReport { events, bytes })
}

/// How many bytes would be free.
fn would_free(context: &Context, reachable: &Reachable, options: &PruneOptions) -> Result<u64, Error> {
    let PruneOptions { partials, pushes, .. } = options;
    let store = &context.store;
    let parts = store.stale_partials(*partials)? + store.stale_pushes(pushes)?;
    let memories = store.stale_memories(reachable, *partials)?;
    Ok(store.garbage(reachable, pushes)? + store.stale_snapshots(reachable)? + parts + memories)
}

/// Removes the selected images. `lost` are the names of manifests that lost their tag.
fn choose(
    context: &Context,
    family: &mut Family,
    options: &PruneOptions,
    lost: &HashSet<Reference>,
) -> Result<Vec<RemovalEvent>, Error> {
    let PruneOptions { all, keep, filters, .. } = options;
    let dangling_only = filters.dangling().unwrap_or(!all && keep.is_none());
    let listed = images(context)?.images;
    let newest = keep.map(|keep| newest(&listed, keep)).unwrap_or_default();
    let mut events = Vec::new();
    for mut record in listed {
        let Some(place) = record.targets.first().and_then(|target| family.leading_to(target)) else { continue };
        if !filters.has_references() && filters.apply(without(record.clone(), lost)).is_some() {
            for (name, _) in record.names.iter().filter(|(name, _)| lost.contains(name)) {
                family.untag(name, &mut events);
            }
            record = without(record, lost);
        }
        let is_named = !record.is_dangling();
        if newest.contains(&record.id) || record.is_intermediate || dangling_only && is_named {
            continue;
        }
        // A filter by name removes only the names that it matches.
        if let Some(meant) = filters.apply(record) {
            if !filters.has_references() {
                family.untag_all(place, &mut events);
            }
            for (name, _) in &meant.names {
                family.untag(name, &mut events);
            }
            family.delete(place, false, &mut events);
        }
    }
    // What lost its tag and is no image has nothing that a filter could ask for.
    for name in lost.iter().filter(|_| filters.is_empty()).collect::<BTreeSet<_>>() {
        if let Some(place) = family.named(name) {
            family.untag(name, &mut events);
            family.delete(place, false, &mut events);
        }
    }
    Ok(events)
}

/// The record of an image without names that do not count.
fn without(mut record: ImageRecord, lost: &HashSet<Reference>) -> ImageRecord {
    record.names.retain(|(name, _)| !lost.contains(name));
    record
}

/// The images that stay: the newest `keep` of each repository. `records` come the newest first.
fn newest(records: &[ImageRecord], keep: usize) -> BTreeSet<ImageId> {
    let mut kept: BTreeMap<String, BTreeSet<ImageId>> = BTreeMap::new();
    let mut others = BTreeSet::new();
    for record in records {
        // An image with only names from other tools stays.
        if record.names.is_empty() && !record.is_dangling() {
            others.insert(record.id);
        }
        for (name, _) in &record.names {
            let of_it = kept.entry(name.familiar_name()).or_default();
            if of_it.len() < keep {
                of_it.insert(record.id);
            }
        }
    }
    kept.into_values().flatten().chain(others).collect()
}
