//! `image prune`: what nobody names goes.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::filter::Filters;
use super::images::{Record, images};
use super::remove::{Event, Stacks};
use super::{Context, Error};
use crate::oci::{Digest, ImageId};

/// What `image prune` did.
#[derive(Debug, Default)]
pub struct Report {
    /// What is gone, in order.
    pub events: Vec<Event>,
    /// How many bytes are free now.
    pub bytes: u64,
}

/// What is to be removed.
#[derive(Debug, Default)]
pub struct Options {
    /// Also images with a name.
    pub all: bool,
    /// Of the images that each repository names this many stay, the newest; implies `all`.
    pub keep: Option<usize>,
    /// Which of them.
    pub filters: Filters,
    /// Nothing is removed, but all is told.
    pub dry_run: bool,
}

/// Removes all images without a name, or with `all` the others, too, as far as the filters mean them, and whatever no
/// image needs. As long as an image that stays cannot be read, nobody knows what it needs, and nothing is removed.
pub fn prune(context: &Context, options: &Options) -> Result<Report, Error> {
    let Options { all, keep, filters, dry_run } = options;
    let is_there = context.store.root().exists();
    let alone = if is_there && !dry_run { Some(context.store.lock_exclusive()?) } else { None };
    let before = context.store.catalog()?;
    let mut after = before.clone();
    let mut stacks = Stacks::of(context, &before);
    let (mut events, mut doomed) = (Vec::new(), HashSet::new());
    let dangling_only = filters.dangling().unwrap_or(!all && keep.is_none());
    let listed = images(context)?.images;
    let newest = keep.map(|keep| newest(&listed, keep)).unwrap_or_default();
    for record in listed {
        let (id, targets): (_, BTreeSet<Digest>) = (record.id, record.targets.iter().copied().collect());
        if newest.contains(&id) {
            continue;
        }
        // What others were committed on goes with the last of them.
        if dangling_only && (!record.is_dangling() || record.is_intermediate) {
            continue;
        }
        let names = record.names.clone();
        if filters.apply(record).is_some() {
            events.extend(names.iter().map(|(name, _)| Event::Untagged(name.familiar())));
            events.push(Event::DeletedImage(id));
            for target in &targets {
                events.extend(stacks.free(target).into_iter().map(Event::DeletedLayer));
            }
            doomed.extend(targets);
        }
    }
    after.remove_all(&doomed);
    let reachable = context.store.reachable(&after)?;
    let bytes = match alone {
        Some(alone) => {
            context.store.replace(&alone, &after)?;
            let garbage = context.store.sweep(&alone, &reachable)?.bytes;
            garbage + context.store.prune_snapshots(&alone, &reachable)?
        }
        None => context.store.garbage(&reachable)? + context.store.stale_snapshots(&reachable)?,
    };
    Ok(Report { events, bytes })
}

/// The images that stay: the newest `keep` of each repository. `records` come the newest first.
fn newest(records: &[Record], keep: usize) -> BTreeSet<ImageId> {
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
