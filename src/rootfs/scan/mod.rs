//! What became of a tree since its snapshot.
//!
//! ```text
//! disk, in walk order ──┐                                      ┌─▶ records of the next snapshot
//!                       ├─ merge ─▶ items ─▶ suspects compared ┤
//! records, in walk order┘           by stat   by content       └─▶ hard links put together ─▶ changes
//! ```
//!
//! A path whose stat is that of the snapshot is unchanged, unless its change could have had the time of the snapshot;
//! any other is compared field by field, and if only its inode or ctime differ (it was copied, or touched back), by
//! content. What is compared with is what the disk showed, not what the image says: see [`Record`].

mod compare;
mod content;
mod links;
mod merge;

use std::cmp::Ordering;

use super::snapshot::SnapshotError;
use super::{Error, Layers, Node, Record, Root, Source, Stat, Xattrs};
use crate::layer::{EntryPath, Mtime};

/// What is looked for, and how.
pub struct ScanOptions<'a> {
    /// When the snapshot was taken, by the clock of the file system.
    pub settled: Mtime,
    /// The ordinary user who unpacked: what is theirs on disk, and new, is root's in the image.
    pub user: Option<(u32, u32)>,
    /// Paths that stay as they are in the base, with all that is below them.
    pub exclude: &'a dyn Fn(&EntryPath) -> bool,
    /// Paths that cannot be read stay as they are in the base.
    pub skip_unreadable: bool,
}

/// All that became of a tree.
#[derive(Debug, Default)]
pub struct Changes {
    /// The changes and the directories on the way to them, in walk order. None if nothing changed.
    pub changes: Vec<Change>,
    /// What was left out.
    pub skipped: Skipped,
}

/// What no layer can have, or the user did not want in it.
#[derive(Debug, Clone, Default)]
pub struct Skipped {
    /// Sockets.
    pub sockets: Vec<EntryPath>,
    /// Where something else is mounted.
    pub mounts: Vec<EntryPath>,
    /// What this user may not read.
    pub unreadable: Vec<EntryPath>,
}

/// What became of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// Its metadata or content is not what it was.
    Changed,
    /// It is gone, with all that was below it.
    Deleted,
    /// A directory of which only the time changed: something in it came or went.
    Touched,
    /// A directory that is as it was; something in it changed.
    Parent,
}

/// A path that is not as it was, or leads to one.
#[derive(Debug, Clone)]
pub struct Change {
    /// The path.
    pub path: EntryPath,
    /// What became of it.
    pub kind: ChangeKind,
    /// What the new layer shall say of it, unless it is gone.
    pub node: Option<Node>,
    /// The path of which it is another name, if that is in the changes as well and before it.
    pub link: Option<EntryPath>,
    /// What the disk said of it.
    pub stat: Option<Stat>,
}

/// Takes the records of the tree as it is now. Those of paths that changed have the source that they had.
pub type Keep<'a> = &'a mut dyn FnMut(Record) -> Result<(), Error>;

/// Compares a tree with the records of its snapshot, given in walk order. `keep` gets, in walk order, a record of all
/// that is there now, for the next snapshot.
pub fn scan(
    root: &Root,
    records: &mut dyn Iterator<Item = Result<Record, SnapshotError>>,
    layers: &Layers,
    options: &ScanOptions<'_>,
    keep: Keep<'_>,
) -> Result<Changes, Error> {
    let mut found = merge::merge(root, records, options, keep)?;
    content::resolve(root, &mut found.items, layers, &mut found.skipped)?;
    if !found.skipped.unreadable.is_empty() && !options.skip_unreadable {
        return Err(Error::Unreadable { paths: found.skipped.unreadable });
    }
    let items = links::gather(found.items);
    Ok(Changes { changes: changes(items), skipped: found.skipped })
}

/// A path on the way to become a change.
#[derive(Debug)]
struct Item {
    path: EntryPath,
    state: State,
    node: Option<Node>,
    /// What the record said: where the content was, and how large it was.
    source: Option<Source>,
    group: u32,
    stat: Option<Stat>,
    /// What the disk has, if that is not what the node has.
    xattrs: Option<Xattrs>,
    /// Which inode on the disk, if it has several names here or had in the image.
    inode: Option<(u64, u64)>,
    link: Option<EntryPath>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Added,
    Changed,
    Deleted,
    /// A directory with another time.
    Touched,
    /// A directory on the way to something else.
    Parent,
    /// Unchanged but perhaps for its content.
    Suspect,
    /// Unchanged, and remembered for its hard links.
    Same,
}

/// Keeps what changed, and of the directories those that lead there.
fn changes(items: Vec<Item>) -> Vec<Change> {
    let mut kept: Vec<Change> = Vec::new();
    for item in items.into_iter().rev() {
        let kind = match item.state {
            State::Added => ChangeKind::Added,
            State::Changed => ChangeKind::Changed,
            State::Deleted => ChangeKind::Deleted,
            State::Touched => ChangeKind::Touched,
            // What is below a directory comes after it.
            State::Parent if kept.last().is_some_and(|below| below.path.starts_with(&item.path)) => ChangeKind::Parent,
            State::Parent | State::Suspect | State::Same => continue,
        };
        kept.push(Change { path: item.path, kind, node: item.node, link: item.link, stat: item.stat });
    }
    kept.reverse();
    kept
}

fn order(one: &EntryPath, other: &EntryPath) -> Ordering {
    super::walk_order(one.as_bytes(), other.as_bytes())
}
