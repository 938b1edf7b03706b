//! The snapshot after a commit, which makes the new image the directory's base.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::layer::{EntryPath, Mtime};
use crate::oci::ImageConfig;
use crate::ops::checkout::Checkout;
use crate::ops::{Context, Error};
use crate::rootfs::{
    self, Base, ContentSource, DiskChange, PathRecord, PlacedContent, Sampler, Skipped, SnapshotHeader,
};
use crate::store::{FinishedSnapshot, SnapshotDraft, place_of};

/// What a commit changed.
pub(super) struct Changed<'a> {
    pub(super) changes: &'a [DiskChange],
    /// Where the contents are in the new layer.
    pub(super) placed: &'a [PlacedContent],
    pub(super) skipped: &'a Skipped,
    /// When the scan began.
    pub(super) settled: Mtime,
}

/// Makes a snapshot from the scan, in which changes refer to the new layer.
pub(super) fn refresh(
    context: &Context,
    directory: &Path,
    checkout: &Checkout,
    found: SnapshotDraft,
    changed: &Changed<'_>,
    base: Base,
    config: &ImageConfig,
) -> Result<FinishedSnapshot, Error> {
    let origin = if checkout.image.is_some() { checkout.origin.clone() } else { base.clone() };
    let mut header = SnapshotHeader {
        base,
        origin,
        layers: config.rootfs.diff_ids.clone(),
        place: place_of(directory, &checkout.root)?,
        settled: changed.settled,
        user: checkout.user,
        files: rootfs::Sample::default(),
        others: rootfs::Sample::default(),
    };
    let (_draft, records) = found.reread(&header)?;
    let mut snapshot = context.store.draft_snapshot()?;
    let (mut sampler, mut rewriter) = (Sampler::default(), Rewriter::new(changed, config));
    for record in records {
        let Some(record) = rewriter.rewrite(record.map_err(rootfs::Error::from)?) else { continue };
        sampler.add(&record);
        snapshot.add(&record).map_err(rootfs::Error::from)?;
    }
    (header.files, header.others) = sampler.finish();
    Ok(snapshot.finish(&header)?)
}

/// Brings the records of what changed up to date.
struct Rewriter<'a> {
    changes: std::iter::Peekable<std::iter::Enumerate<std::slice::Iter<'a, DiskChange>>>,
    layer: u32,
    /// Where the contents are, sorted by their changes.
    placed: Vec<PlacedContent>,
    unreadable: HashSet<&'a EntryPath>,
    /// The first names of the files that the new layer has several of.
    links: HashMap<&'a EntryPath, Links>,
    /// The groups of the base and of the new layer, and their numbers in the new snapshot.
    groups: HashMap<u32, u32>,
}

/// A file that has several names.
#[derive(Clone, Copy)]
struct Links {
    /// The number of its group.
    group: u32,
    /// The place of its first name among the changes.
    first: usize,
}

impl<'a> Rewriter<'a> {
    fn new(changed: &Changed<'a>, config: &ImageConfig) -> Self {
        let mut links = HashMap::new();
        for target in changed.changes.iter().filter_map(|change| change.link.as_deref()) {
            // From the top, as those of images and snapshots go up from 1.
            let group = u32::MAX - u32::try_from(links.len()).unwrap_or(u32::MAX);
            links.entry(target).or_insert(Links { group, first: usize::MAX });
        }
        for (place, change) in changed.changes.iter().enumerate() {
            links.entry(&change.path).and_modify(|link| link.first = place);
        }
        let mut placed = changed.placed.to_vec();
        placed.sort_unstable_by_key(|placed| placed.change);
        Self {
            changes: changed.changes.iter().enumerate().peekable(),
            layer: u32::try_from(config.rootfs.diff_ids.len().saturating_sub(1)).unwrap_or(u32::MAX),
            placed,
            unreadable: changed.skipped.unreadable.iter().collect(),
            links,
            groups: HashMap::new(),
        }
    }

    /// The record as it is in the new image; none if the path is not in it.
    fn rewrite(&mut self, record: PathRecord) -> Option<PathRecord> {
        let mut record = self.renewed(record)?;
        if record.group != 0 {
            // Numbered again from 1, so that numbers of the next layer do not collide.
            let next = u32::try_from(self.groups.len()).unwrap_or(u32::MAX).saturating_add(1);
            record.group = *self.groups.entry(record.group).or_insert(next);
        }
        Some(record)
    }

    fn renewed(&mut self, record: PathRecord) -> Option<PathRecord> {
        if self.unreadable.contains(&record.path) {
            let unknown = rootfs::Stat { ino: 0, ctime: Mtime::default(), ..record.stat };
            let is_new = record.node.size > 0 && record.source.is_none();
            return (!is_new).then_some(PathRecord { stat: unknown, ..record });
        }
        let before = |(_, change): &(usize, &DiskChange)| {
            rootfs::walk_order(change.path.as_bytes(), record.path.as_bytes()).is_lt()
        };
        while self.changes.next_if(before).is_some() {}
        let Some((place, change)) = self.changes.next_if(|(_, change)| change.path == record.path) else {
            return Some(record);
        };
        let Some(node) = change.node.clone() else { return Some(record) };
        let links = self.links.get(change.link.as_deref().unwrap_or(&change.path));
        let source = self.source(links.map_or(place, |links| links.first));
        let group = links.map_or(0, |links| links.group);
        // What is on disk is recorded only where it differs from the image.
        let xattrs = record
            .xattrs
            .or_else(|| (record.node.xattrs != node.xattrs).then(|| rootfs::Xattrs(record.node.xattrs.clone())));
        Some(PathRecord { node, source, group, xattrs, ..record })
    }

    /// Where the content of a change is in the new layer.
    fn source(&self, place: usize) -> Option<ContentSource> {
        let found = self.placed.binary_search_by_key(&place, |placed| placed.change).ok()?;
        Some(ContentSource { layer: self.layer, offset: self.placed[found].offset, sparse: None })
    }
}
