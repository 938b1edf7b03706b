//! After a commit: the directory is that of the new image now.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::base::Tree;
use crate::layer::{EntryPath, Mtime};
use crate::oci::ImageConfig;
use crate::ops::{Context, Error};
use crate::rootfs::{self, Base, Change, Header, Placed, Record, Sampler, Skipped, Source};
use crate::store::{SnapshotDraft, place_of};

/// What a commit changed.
pub(super) struct Changed<'a> {
    pub(super) changes: &'a [Change],
    /// Where the contents are in the new layer.
    pub(super) placed: &'a [Placed],
    pub(super) skipped: &'a Skipped,
    /// When the scan began.
    pub(super) settled: Mtime,
}

/// Makes a snapshot of what the scan found, with the new layer in place of what changed.
pub(super) fn refresh(
    context: &Context,
    directory: &Path,
    tree: &Tree,
    found: SnapshotDraft,
    changed: &Changed<'_>,
    base: Base,
    config: &ImageConfig,
) -> Result<(), Error> {
    let origin = if tree.image.is_some() { tree.origin.clone() } else { base.clone() };
    let mut header = Header {
        base,
        origin,
        layers: config.rootfs.diff_ids.clone(),
        place: place_of(directory, &tree.root)?,
        settled: changed.settled,
        user: tree.user,
        sample: Vec::new(),
    };
    let (_draft, records) = found.reread(&header)?;
    let mut snapshot = context.store.draft_snapshot()?;
    let (mut sampler, mut rewriter) = (Sampler::default(), Rewriter::new(changed, config));
    for record in records {
        let Some(record) = rewriter.rewrite(record.map_err(rootfs::Error::from)?) else { continue };
        sampler.add(&record);
        snapshot.add(&record).map_err(rootfs::Error::from)?;
    }
    header.sample = sampler.finish();
    Ok(snapshot.publish(&header)?)
}

/// Brings the records of what changed up to date.
struct Rewriter<'a> {
    changes: std::iter::Peekable<std::slice::Iter<'a, Change>>,
    layer: u32,
    offsets: HashMap<&'a EntryPath, u64>,
    unreadable: HashSet<&'a EntryPath>,
    /// The first names of the files that the new layer has several of, with the numbers of their groups.
    groups: HashMap<&'a EntryPath, u32>,
}

impl<'a> Rewriter<'a> {
    fn new(changed: &Changed<'a>, config: &ImageConfig) -> Self {
        let mut groups = HashMap::new();
        for target in changed.changes.iter().filter_map(|change| change.link.as_ref()) {
            // From the top, as those of images go up from 1.
            let next = u32::MAX - u32::try_from(groups.len()).unwrap_or(u32::MAX);
            groups.entry(target).or_insert(next);
        }
        Self {
            changes: changed.changes.iter().peekable(),
            layer: u32::try_from(config.rootfs.diff_ids.len().saturating_sub(1)).unwrap_or(u32::MAX),
            offsets: changed.placed.iter().map(|placed| (&placed.path, placed.offset)).collect(),
            unreadable: changed.skipped.unreadable.iter().collect(),
            groups,
        }
    }

    /// The record as the new image has it; none if the new image does not have it.
    fn rewrite(&mut self, record: Record) -> Option<Record> {
        if self.unreadable.contains(&record.path) {
            let unknown = rootfs::Stat { ino: 0, ctime: Mtime::default(), ..record.stat };
            let is_new = record.node.size > 0 && record.source.is_none();
            return (!is_new).then_some(Record { stat: unknown, ..record });
        }
        let before = |change: &&Change| rootfs::walk_order(change.path.as_bytes(), record.path.as_bytes()).is_lt();
        while self.changes.next_if(before).is_some() {}
        let Some(change) = self.changes.next_if(|change| change.path == record.path) else { return Some(record) };
        let Some(node) = change.node.clone() else { return Some(record) };
        let first = change.link.as_ref().unwrap_or(&change.path);
        let source = self.offsets.get(first).map(|offset| Source { layer: self.layer, offset: *offset, sparse: None });
        let group = self.groups.get(first).copied().unwrap_or(0);
        // What the disk has is written down only where it is not what the image has.
        let xattrs = record
            .xattrs
            .or_else(|| (record.node.xattrs != node.xattrs).then(|| rootfs::Xattrs(record.node.xattrs.clone())));
        Some(Record { node, source, group, xattrs, ..record })
    }
}
