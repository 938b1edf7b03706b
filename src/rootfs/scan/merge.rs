//! Merges the walk of the disk with the records of the snapshot.

use std::io;
use std::iter::Peekable;

use super::change::Skipped;
use super::compare::{self, Verdict};
use super::item::{Past, ScanItem, ScanState, order};
use super::options::{Keep, ScanOptions};
use crate::layer::{EntryKind, EntryPath};
use crate::rootfs::beneath::Parents;
use crate::rootfs::snapshot::SnapshotError;
use crate::rootfs::walk::{DirectoryWalk, WalkedPath};
use crate::rootfs::{Error, FileNode, PathRecord, Root, Seal, Stat, Xattrs};

/// The result of the merge.
pub(super) struct Merged {
    pub(super) items: Vec<ScanItem>,
    pub(super) skipped: Skipped,
}

type Records<'a> = Peekable<&'a mut dyn Iterator<Item = Result<PathRecord, SnapshotError>>>;

pub(super) fn merge(
    root: &Root,
    records: &mut dyn Iterator<Item = Result<PathRecord, SnapshotError>>,
    options: &ScanOptions<'_>,
    keep: Keep<'_>,
) -> Result<Merged, Error> {
    let merger = Merger {
        options,
        keep,
        records: records.peekable(),
        walk: DirectoryWalk::new(root).map_err(Error::at(b""))?,
        parents: Parents::new(root),
        path: Vec::new(),
        gone: None,
        sealed: None,
        items: Vec::new(),
        skipped: Skipped::default(),
    };
    merger.run()
}

struct Merger<'a, 'b> {
    options: &'b ScanOptions<'b>,
    keep: Keep<'b>,
    records: Records<'a>,
    walk: DirectoryWalk<'b>,
    parents: Parents<'b>,
    /// The directories above the current path, with their indexes among the items.
    path: Vec<(ScanItem, Option<usize>)>,
    /// Records below this path are deleted with it.
    gone: Option<EntryPath>,
    /// Records below this path are unchanged: it was not read.
    sealed: Option<EntryPath>,
    items: Vec<ScanItem>,
    skipped: Skipped,
}

impl Merger<'_, '_> {
    fn run(mut self) -> Result<Merged, Error> {
        while let Some(met) = self.walk.next() {
            let record = self.advance_to(&met.path)?;
            self.visit(&met, record)?;
        }
        while let Some(record) = self.records.next().transpose()? {
            self.missing(record)?;
        }
        Ok(Merged { items: self.items, skipped: self.skipped })
    }

    /// Skips the records before a path, which are missing on disk; returns the path's own record.
    fn advance_to(&mut self, path: &EntryPath) -> Result<Option<PathRecord>, Error> {
        loop {
            let here = match self.records.peek() {
                Some(Ok(record)) => order(&record.path, path),
                Some(Err(_)) => std::cmp::Ordering::Less,
                None => return Ok(None),
            };
            if here.is_gt() {
                return Ok(None);
            }
            let Some(record) = self.records.next().transpose()? else { return Ok(None) };
            if here.is_eq() {
                return Ok(Some(record));
            }
            self.missing(record)?;
        }
    }

    /// Handles a path that is missing on disk, or was not looked for.
    fn missing(&mut self, record: PathRecord) -> Result<(), Error> {
        if is_below(&record.path, self.sealed.as_ref()) {
            self.survives(&record.path);
            return (self.keep)(record);
        }
        if is_below(&record.path, self.gone.as_ref()) {
            return Ok(());
        }
        if self.is_excluded(&record.path) {
            self.sealed = Some(record.path.clone());
            self.survives(&record.path);
            return (self.keep)(record);
        }
        if self.options.exclude.is_some() && record.node.kind == EntryKind::Directory {
            return self.missing_directory(record);
        }
        self.deleted(record.path);
        Ok(())
    }

    /// Handles a missing directory when some paths are excluded: if any of those are below it, the directories above
    /// them are kept, and the rest is deleted one by one.
    fn missing_directory(&mut self, directory: PathRecord) -> Result<(), Error> {
        let mut lost = vec![directory];
        while let Some(Ok(record)) = self.records.peek()
            && record.path.starts_with(&lost[0].path)
        {
            lost.extend(self.records.next().transpose()?);
        }
        let leads_on = self.leading(&lost);
        for (record, leads_on) in lost.into_iter().zip(leads_on) {
            if !leads_on {
                let is_known = [&self.sealed, &self.gone].iter().any(|above| is_below(&record.path, above.as_ref()));
                if !is_known && !self.is_excluded(&record.path) {
                    self.deleted(record.path);
                } else {
                    self.missing(record)?;
                }
                continue;
            }
            let item =
                ScanItem { node: Some(record.node.clone()), ..ScanItem::new(record.path.clone(), ScanState::Same) };
            self.survives(&record.path);
            self.path.push((item, None));
            (self.keep)(record)?;
        }
        Ok(())
    }

    /// Which of these records, in walk order, are directories above an excluded path.
    fn leading(&self, records: &[PathRecord]) -> Vec<bool> {
        let mut leads_on = vec![false; records.len()];
        let mut next: Option<&EntryPath> = None;
        for (place, record) in records.iter().enumerate().rev() {
            let is_excluded = self.is_excluded(&record.path);
            leads_on[place] = !is_excluded && next.is_some_and(|next| next.starts_with(&record.path));
            if is_excluded || leads_on[place] {
                next = Some(&record.path);
            }
        }
        leads_on
    }

    fn deleted(&mut self, path: EntryPath) {
        self.gone = Some(path.clone());
        self.push(ScanItem::new(path, ScanState::Deleted));
    }

    fn is_excluded(&self, path: &EntryPath) -> bool {
        self.options.exclude.is_some_and(|exclude| exclude(path))
    }

    fn visit(&mut self, met: &WalkedPath, record: Option<PathRecord>) -> Result<(), Error> {
        if !met.path.is_root() && self.is_left_out(met) {
            self.sealed = Some(met.path.clone());
            // A mount hides the directory underneath.
            if met.seen.is_mount && record.is_none() && met.seen.stat.is_directory() {
                let item = self.added(met, false)?;
                self.push(item);
            }
            let Some(record) = record else { return Ok(()) };
            self.survives(&met.path);
            return (self.keep)(record);
        }
        if met.seen.stat.kind() == Stat::SOCKET {
            self.skipped.sockets.push(met.path.clone());
            return record.map_or(Ok(()), |record| self.missing(record));
        }
        let was_directory = record.as_ref().is_some_and(|record| record.stat.is_directory());
        if was_directory && !met.seen.stat.is_directory() {
            self.gone = Some(met.path.clone());
        }
        let is_same = record.as_ref().is_some_and(|record| record.stat == met.seen.stat);
        let clean = is_same && record.as_ref().is_some_and(|record| compare::is_clean(record, met, self.options));
        let found = match &record {
            Some(record) => self.compared(met, record, clean),
            None => self.added(met, true).map(|item| (item, None)),
        };
        let (item, xattrs) = match found {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => {
                return self.unreadable(met, record);
            }
            found => found?,
        };
        if !met.seen.stat.is_directory() {
            (self.keep)(kept_record(&item, met, xattrs, record))?;
            self.leaf(item);
            return Ok(());
        }
        // Only root could have changed anything in a directory that its owner cannot enter without changing its ctime;
        // the same goes for a copy of one.
        let is_known = is_same || item.state == ScanState::Same && !self.options.in_place;
        match self.walk.enter(met) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && is_known => {
                self.sealed = Some(met.path.clone());
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return self.unreadable(met, record),
            Err(error) => return Err(Error::while_reading(&met.path)(error)),
        }
        (self.keep)(kept_record(&item, met, xattrs, record))?;
        self.directory(item);
        Ok(())
    }

    /// A path that this user may not read stays as it is in the base, with everything below it.
    fn unreadable(&mut self, met: &WalkedPath, record: Option<PathRecord>) -> Result<(), Error> {
        self.skipped.unreadable.push(met.path.clone());
        self.sealed = Some(met.path.clone());
        let Some(record) = record else { return Ok(()) };
        self.survives(&met.path);
        (self.keep)(record)
    }

    fn is_left_out(&mut self, met: &WalkedPath) -> bool {
        if met.seen.is_mount {
            self.skipped.mounts.push(met.path.clone());
        }
        met.seen.is_mount || self.is_excluded(&met.path)
    }

    fn leaf(&mut self, item: ScanItem) {
        if item.state != ScanState::Same || item.inode().is_some() {
            self.push(item);
        } else {
            self.survives(&item.path);
        }
    }

    /// Something of the base still exists here: the directories above it were not recreated.
    fn survives(&mut self, path: &EntryPath) {
        self.leave(path);
        for (directory, place) in self.path.iter_mut().filter(|(directory, _)| directory.remade) {
            directory.remade = false;
            if let Some(place) = *place {
                self.items[place].remade = false;
            }
        }
    }

    /// Enters a directory; its content comes next.
    fn directory(&mut self, item: ScanItem) {
        match item.state {
            ScanState::Same => self.survives(&item.path),
            _ => self.leave(&item.path),
        }
        let is_changed = item.state != ScanState::Same;
        self.path.push((item, None));
        if is_changed {
            self.push_path();
        }
    }

    /// Compares a path of the image; also returns the attributes on disk if they differ from the item's.
    fn compared(
        &mut self,
        met: &WalkedPath,
        record: &PathRecord,
        clean: bool,
    ) -> Result<(ScanItem, Option<Xattrs>), Error> {
        let changed = Error::while_reading(&met.path);
        let verdict = if clean {
            Verdict::Same
        } else {
            compare::compare(&mut self.parents, met, record, self.options).map_err(changed)?
        };
        let (state, node, xattrs) = match verdict {
            Verdict::Same => (ScanState::Same, record.node.clone(), record.xattrs.clone()),
            Verdict::Suspect => (ScanState::Suspect, record.node.clone(), record.xattrs.clone()),
            Verdict::Changed(node, xattrs) if is_touched(record, &node) => (ScanState::Touched, node, xattrs),
            Verdict::Changed(node, xattrs) => (ScanState::Changed, node, xattrs),
        };
        let inode = inode(met).filter(|_| met.seen.links > 1 || record.group != 0);
        let past = (state != ScanState::Same || inode.is_some()).then(|| {
            let is_same = met.seen.stat == record.stat;
            Box::new(Past { source: record.source.clone(), group: record.group, inode, is_same })
        });
        let remade = compare::is_remade(record, met, self.options);
        let seal = met.seen.stat.seal();
        Ok((ScanItem { node: Some(node), seal, past, remade, ..ScanItem::new(met.path.clone(), state) }, xattrs))
    }

    fn added(&mut self, met: &WalkedPath, read: bool) -> Result<ScanItem, Error> {
        if let Some(name) = met.path.file_name().filter(|name| name.starts_with(b".wh."))
            && !name.is_empty()
        {
            return Err(Error::WhiteoutName { path: met.path.clone() });
        }
        let node = if read {
            compare::node_of(&mut self.parents, met, self.options).map_err(Error::while_reading(&met.path))?
        } else {
            compare::bare_node(met, self.options)
        };
        let inode = inode(met).filter(|_| met.seen.links > 1);
        let past = inode.map(|inode| Box::new(Past { inode: Some(inode), ..Past::default() }));
        let seal = met.seen.stat.seal();
        Ok(ScanItem { node: Some(node), seal, past, ..ScanItem::new(met.path.clone(), ScanState::Added) })
    }

    /// Adds an item, preceded by the directories above it.
    fn push(&mut self, item: ScanItem) {
        self.leave(&item.path);
        self.push_path();
        self.items.push(item);
    }

    /// Leaves the directories that do not contain a path.
    fn leave(&mut self, path: &EntryPath) {
        while self
            .path
            .last()
            .is_some_and(|(directory, _)| !path.starts_with(&directory.path) || directory.path == *path)
        {
            self.path.pop();
        }
    }

    fn push_path(&mut self) {
        for (directory, place) in self.path.iter_mut().filter(|(_, place)| place.is_none()) {
            let state = if directory.state == ScanState::Same { ScanState::Parent } else { directory.state };
            let ScanItem { node, seal, remade, .. } = directory;
            let (remade, node, seal) = (*remade, node.clone(), *seal);
            *place = Some(self.items.len());
            self.items.push(ScanItem { remade, node, seal, ..ScanItem::new(directory.path.clone(), state) });
        }
    }
}

fn is_below(path: &EntryPath, above: Option<&EntryPath>) -> bool {
    above.is_some_and(|above| path.starts_with(above))
}

/// Whether only the time of a directory changed.
fn is_touched(record: &PathRecord, now: &FileNode) -> bool {
    let was = &record.node;
    let same =
        (&was.kind, was.mode, was.uid, was.gid, &was.xattrs) == (&now.kind, now.mode, now.uid, now.gid, &now.xattrs);
    now.kind == EntryKind::Directory && same
}

impl ScanItem {
    fn new(path: EntryPath, state: ScanState) -> Self {
        Self { path, state, remade: false, node: None, seal: Seal::default(), past: None, link: None }
    }
}

/// The record of the current state. A changed file keeps its old source until its new one is known.
fn kept_record(item: &ScanItem, met: &WalkedPath, xattrs: Option<Xattrs>, record: Option<PathRecord>) -> PathRecord {
    let node: FileNode = item.node.clone().expect("what was met has a node");
    match record {
        Some(record) if !matches!(item.state, ScanState::Changed | ScanState::Touched) => {
            PathRecord { stat: met.seen.stat, ..record }
        }
        record => {
            let (source, group) = record.map_or((None, 0), |record| (record.source, record.group));
            PathRecord { path: met.path.clone(), node, source, group, stat: met.seen.stat, xattrs }
        }
    }
}

fn inode(met: &WalkedPath) -> Option<(u64, u64)> {
    (!met.seen.stat.is_directory()).then_some((met.seen.dev, met.seen.stat.ino))
}
