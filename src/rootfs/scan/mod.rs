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
mod opaque;
mod stand_in;
mod told;

use std::cmp::Ordering;

pub use stand_in::StandIns;
pub use told::as_docker_tells;

use super::snapshot::SnapshotError;
use super::{Error, Node, Record, Root, Seal, Source};
use crate::image::contents::Layers;
use crate::layer::{EntryKind, EntryPath, Mtime};

/// What is looked for, and how.
pub struct ScanOptions<'a> {
    /// When the snapshot was taken, by the clock of the file system.
    pub settled: Mtime,
    /// The ordinary user who unpacked: what is theirs on disk, and new, is root's in the image.
    pub user: Option<(u32, u32)>,
    /// Paths that stay as they are in the base, with all that is below them; none if there are none.
    pub exclude: Option<&'a dyn Fn(&EntryPath) -> bool>,
    /// What is known of the empty files that stand for devices.
    pub stand_ins: &'a StandIns,
    /// Paths that cannot be read stay as they are in the base.
    pub skip_unreadable: bool,
    /// The tree is the very one that the records are of, and no copy of it: inodes tell what was made anew.
    pub in_place: bool,
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
    /// A directory that was removed and made again: nothing of the base is left in it.
    pub is_opaque: bool,
    /// What the new layer shall say of it, unless it is gone.
    pub node: Option<Node>,
    /// The path of which it is another name, if that is in the changes as well and before it.
    pub link: Option<Box<EntryPath>>,
    /// What tells whether the disk still has what was found.
    pub seal: Seal,
}

impl Change {
    /// How many bytes of content the new layer has for it.
    pub fn content_size(&self) -> u64 {
        let has_content = |node: &&Node| node.kind == EntryKind::File && self.link.is_none();
        self.node.as_ref().filter(has_content).map_or(0, |node| node.size)
    }
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
    content::resolve(root, &mut found.items, layers, options.in_place, &mut found.skipped)?;
    if !found.skipped.unreadable.is_empty() && !options.skip_unreadable {
        return Err(Error::Unreadable { paths: found.skipped.unreadable });
    }
    links::gather(&mut found.items);
    opaque::mark(&mut found.items);
    Ok(Changes { changes: changes(found.items), skipped: found.skipped })
}

/// A path on the way to become a change. There may be very many, so that what few have is apart.
#[derive(Debug)]
struct Item {
    path: EntryPath,
    state: State,
    /// A directory that is not the one that the base has; none of what was in it is there as it was.
    remade: bool,
    node: Option<Node>,
    seal: Seal,
    past: Option<Box<Past>>,
    link: Option<Box<EntryPath>>,
}

/// What is known of a path that was in the image, or has other names.
#[derive(Debug, Default)]
struct Past {
    /// Where the content was.
    source: Option<Source>,
    group: u32,
    /// Which inode on the disk, if it has several names here or had in the image.
    inode: Option<(u64, u64)>,
    /// All that the disk said of it is what it said then.
    is_same: bool,
}

impl Item {
    fn source(&self) -> Option<&Source> {
        self.past.as_ref()?.source.as_ref()
    }

    fn group(&self) -> u32 {
        self.past.as_ref().map_or(0, |past| past.group)
    }

    fn inode(&self) -> Option<(u64, u64)> {
        self.past.as_ref()?.inode
    }

    fn size(&self) -> u64 {
        self.node.as_ref().map_or(0, |node| node.size)
    }
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
fn changes(mut items: Vec<Item>) -> Vec<Change> {
    let mut below: Option<usize> = None;
    for place in (0..items.len()).rev() {
        // What is below a directory comes after it.
        let leads_on = below.is_some_and(|below| items[below].path.starts_with(&items[place].path));
        // The time of the root itself is no part of an image: docker and umoci never write it down.
        if items[place].path.is_root() && items[place].state == State::Touched {
            items[place].state = State::Parent;
        }
        match items[place].state {
            State::Parent if !leads_on => items[place].state = State::Same,
            State::Suspect | State::Same => {}
            _ => below = Some(place),
        }
    }
    // In the place of the items: there may be very many.
    items.into_iter().filter_map(change).collect()
}

fn change(item: Item) -> Option<Change> {
    let kind = match item.state {
        State::Added => ChangeKind::Added,
        State::Changed => ChangeKind::Changed,
        State::Deleted => ChangeKind::Deleted,
        State::Touched => ChangeKind::Touched,
        State::Parent => ChangeKind::Parent,
        State::Suspect | State::Same => return None,
    };
    let Item { path, remade: is_opaque, node, link, seal, .. } = item;
    Some(Change { path, kind, is_opaque, node, link, seal })
}

fn order(one: &EntryPath, other: &EntryPath) -> Ordering {
    super::walk_order(one.as_bytes(), other.as_bytes())
}
