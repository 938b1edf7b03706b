//! `image prune`: what nobody names goes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use super::family::{Family, RemovalEvent};
use super::filter::Filters;
use super::images::{ImageRecord, images};
use super::{Context, Error};
use crate::oci::ImageId;
use crate::store::Reachable;

/// What `image prune` did.
#[derive(Debug, Default)]
pub struct PruneReport {
    /// What is gone, in order.
    pub events: Vec<RemovalEvent>,
    /// How many bytes are free now.
    pub bytes: u64,
}

/// What is to be removed.
#[derive(Debug, Default)]
pub struct PruneOptions {
    /// Also images with a name.
    pub all: bool,
    /// Of the images that each repository names this many stay, the newest; implies `all`.
    pub keep: Option<usize>,
    /// Which of them.
    pub filters: Filters,
    /// Parts of blobs go whose transfer last went on before this time; none if it is not said.
    pub partials_before: Option<SystemTime>,
    /// Nothing is removed, but all is told.
    pub dry_run: bool,
}

/// Removes all images without a name, or with `all` the others, too, as far as the filters mean them, and whatever no
/// image needs. As long as an image that stays cannot be read, nobody knows what it needs, and nothing is removed.
///
/// What others were committed on goes with the last of them, whatever the filters say of it, so that nothing is left for
/// a second run. What is no image stays.
pub fn prune(context: &Context, options: &PruneOptions) -> Result<PruneReport, Error> {
    let is_there = context.store.root().exists();
    let alone = if is_there && !options.dry_run { Some(context.store.lock_exclusive()?) } else { None };
    let mut after = context.store.catalog()?;
    let mut family = Family::read(context, &after);
    let events = choose(context, &mut family, options)?;
    family.apply(&mut after);
    let reachable = context.store.reachable(&after)?;
    let Some(alone) = alone else {
        let bytes = would_free(context, &reachable, options.partials_before)?;
        return Ok(PruneReport { events, bytes });
    };
    context.store.replace(&alone, &after)?;
    let mut bytes = context.store.sweep(&alone, &reachable)?.bytes;
    bytes += context.store.prune_snapshots(&alone, &reachable)?;
    if let Some(limit) = options.partials_before {
        bytes += context.store.expire_partials(&alone, limit)?;
    }
    Ok(PruneReport { events, bytes })
}

/// How many bytes would be free.
fn would_free(context: &Context, reachable: &Reachable, partials_before: Option<SystemTime>) -> Result<u64, Error> {
    let partials = partials_before.map(|limit| context.store.stale_partials(limit)).transpose()?;
    let partials: u64 = partials.iter().flatten().map(|(_, size)| size).sum();
    Ok(context.store.garbage(reachable)? + context.store.stale_snapshots(reachable)? + partials)
}

/// Takes away the images that are meant.
fn choose(context: &Context, family: &mut Family, options: &PruneOptions) -> Result<Vec<RemovalEvent>, Error> {
    let PruneOptions { all, keep, filters, .. } = options;
    let dangling_only = filters.dangling().unwrap_or(!all && keep.is_none());
    let listed = images(context)?.images;
    let newest = keep.map(|keep| newest(&listed, keep)).unwrap_or_default();
    let mut events = Vec::new();
    for record in listed {
        let is_named = !record.is_dangling();
        if newest.contains(&record.id) || record.is_intermediate || dangling_only && is_named {
            continue;
        }
        let Some(place) = record.targets.first().and_then(|target| family.leading_to(target)) else { continue };
        // Of the names those go that a filter of names means.
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
    Ok(events)
}

/// The images that stay: the newest `keep` of each repository. `records` come the newest first.
fn newest(records: &[ImageRecord], keep: usize) -> BTreeSet<ImageId> {
    let mut kept: BTreeMap<String, BTreeSet<ImageId>> = BTreeMap::new();
    let mut others = BTreeSet::new();
    for record in records {
        // What has a name that is none of a repository stays.
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
