//! The differences between two file systems, as docker reports them.

use std::iter::Peekable;

use super::overlay::{Children, NodeKind, Overlay, ViewNode};
use super::path::EntryPath;

/// What happened to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathChangeKind {
    /// It is new.
    Added,
    /// It changed, or something in it did.
    Changed,
    /// It was deleted, with everything below it.
    Deleted,
}

/// What differs in a path that both have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// The file type.
    Type,
    /// The permission bits.
    Mode,
    /// The owner.
    Uid,
    /// The group.
    Gid,
    /// The modification time; of directories only if both have an entry of their own.
    Mtime,
    /// A file's size.
    Size,
    /// A file's bytes.
    Content,
    /// The target of a symbolic link.
    Target,
    /// The major and minor numbers of a device.
    Device,
    /// The extended attributes.
    Xattrs,
    /// Which other names are hard links to the file.
    Links,
}

impl Aspect {
    /// One word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Mode => "mode",
            Self::Uid => "uid",
            Self::Gid => "gid",
            Self::Mtime => "mtime",
            Self::Size => "size",
            Self::Content => "content",
            Self::Target => "target",
            Self::Device => "device",
            Self::Xattrs => "xattrs",
            Self::Links => "links",
        }
    }
}

/// A path that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathChange {
    /// The path; never the root.
    pub path: EntryPath,
    /// What happened to it.
    pub kind: PathChangeKind,
    /// What differs, in the order of [`Aspect`]; empty for added and deleted paths, and for a directory that is only
    /// listed because something below it changed.
    pub aspects: Vec<Aspect>,
}

/// The changes from `old` to `new`, sorted by path. As in docker, a deleted directory is listed without its content, an
/// added one with all of it, and every directory above a change is listed as changed.
///
/// `same_content` compares the content of two files of equal size. It is called once per pair.
pub fn diff<'a>(
    old: &'a Overlay,
    new: &'a Overlay,
    same_content: impl FnMut(ViewNode<'a>, ViewNode<'a>) -> bool,
) -> Vec<PathChange> {
    let mut differ = Differ { changes: Vec::new(), same_content };
    let mut way = vec![Pair::of(old.root(), new.root())];
    while let Some(pair) = way.last_mut() {
        match pair.next() {
            Some(step) => way.extend(differ.look(step)),
            None => differ.leave(way.pop().expect("it was just looked at").record),
        }
    }
    let mut changes = differ.changes;
    changes.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    changes
}

struct Differ<F> {
    changes: Vec<PathChange>,
    same_content: F,
}

impl<'a, F: FnMut(ViewNode<'a>, ViewNode<'a>) -> bool> Differ<F> {
    /// Records how one name differs; returns a pair of directories to descend into.
    fn look(&mut self, step: DiffStep<'a>) -> Option<Pair<'a>> {
        match step {
            DiffStep::Old(node) => self.note(node, PathChangeKind::Deleted, Vec::new()),
            DiffStep::New(node) => self.add(node),
            DiffStep::Both(old, new) => {
                let aspects = self.compare(old, new);
                if old.is_directory() && new.is_directory() {
                    let record = self.changes.len();
                    self.note(new, PathChangeKind::Changed, aspects);
                    return Some(Pair { record: Some(record), ..Pair::of(old, new) });
                }
                if !aspects.is_empty() {
                    self.note(new, PathChangeKind::Changed, aspects);
                    new.descendants().for_each(|node| self.note(node, PathChangeKind::Added, Vec::new()));
                }
            }
        }
        None
    }

    /// Removes the record of a directory if neither it nor anything below it differs.
    fn leave(&mut self, record: Option<usize>) {
        if record.is_some_and(|record| record + 1 == self.changes.len() && self.changes[record].aspects.is_empty()) {
            self.changes.pop();
        }
    }

    fn add(&mut self, node: ViewNode<'a>) {
        self.note(node, PathChangeKind::Added, Vec::new());
        node.descendants().for_each(|node| self.note(node, PathChangeKind::Added, Vec::new()));
    }

    fn note(&mut self, node: ViewNode<'a>, kind: PathChangeKind, aspects: Vec<Aspect>) {
        self.changes.push(PathChange { path: node.path(), kind, aspects });
    }

    fn compare(&mut self, old: ViewNode<'a>, new: ViewNode<'a>) -> Vec<Aspect> {
        use NodeKind::{BlockDevice, CharDevice, Directory, File, Symlink};
        let (one, other) = (old.kind(), new.kind());
        let both_files = one == File && other == File;
        let kinds_differ = std::mem::discriminant(&one) != std::mem::discriminant(&other);
        let fresh = one == Directory && !(old.is_listed() && new.is_listed());
        let table = [
            (Aspect::Type, kinds_differ),
            (Aspect::Mode, old.mode() != new.mode()),
            (Aspect::Uid, old.uid() != new.uid()),
            (Aspect::Gid, old.gid() != new.gid()),
            (Aspect::Mtime, old.mtime() != new.mtime() && !fresh),
            (Aspect::Size, both_files && old.size() != new.size()),
            (Aspect::Content, both_files && (old.size() != new.size() || !(self.same_content)(old, new))),
            (Aspect::Target, matches!((one, other), (Symlink { .. }, Symlink { .. })) && one != other),
            (
                Aspect::Device,
                matches!(
                    (one, other),
                    (CharDevice { .. }, CharDevice { .. }) | (BlockDevice { .. }, BlockDevice { .. })
                ) && one != other,
            ),
            (Aspect::Xattrs, old.xattrs() != new.xattrs()),
            (Aspect::Links, links_differ(old, new)),
        ];
        table.into_iter().filter(|(_, differs)| *differs).map(|(aspect, _)| aspect).collect()
    }
}

fn links_differ(old: ViewNode<'_>, new: ViewNode<'_>) -> bool {
    let none = old.link_group().is_none() && new.link_group().is_none();
    !none && (old.link_count() != new.link_count() || old.first_name().path_bytes() != new.first_name().path_bytes())
}

/// The two directories at one path, while their children are compared.
struct Pair<'a> {
    old: Peekable<Children<'a>>,
    new: Peekable<Children<'a>>,
    /// The index of the directory's own change.
    record: Option<usize>,
}

/// The next name of two directories.
#[derive(Clone, Copy)]
enum DiffStep<'a> {
    Old(ViewNode<'a>),
    New(ViewNode<'a>),
    Both(ViewNode<'a>, ViewNode<'a>),
}

impl<'a> Pair<'a> {
    fn of(old: ViewNode<'a>, new: ViewNode<'a>) -> Self {
        Self { old: old.children().peekable(), new: new.children().peekable(), record: None }
    }

    fn next(&mut self) -> Option<DiffStep<'a>> {
        match (self.old.peek().copied(), self.new.peek().copied()) {
            (None, None) => None,
            (Some(old), Some(new)) if old.name() == new.name() => {
                self.old.next();
                self.new.next();
                Some(DiffStep::Both(old, new))
            }
            (Some(old), Some(new)) if old.name() > new.name() => {
                self.new.next();
                Some(DiffStep::New(new))
            }
            (Some(old), _) => {
                self.old.next();
                Some(DiffStep::Old(old))
            }
            (None, Some(new)) => {
                self.new.next();
                Some(DiffStep::New(new))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Checksum;
    use crate::layer::entry::{Entry, EntryKind};
    use crate::layer::mtime::Mtime;

    fn path(text: &str) -> EntryPath {
        EntryPath::new(text.as_bytes()).expect("a valid path")
    }

    /// `d/`, `f content`, `l -> t`, `l = t`, each with what `edit` does to it.
    fn entry(text: &str) -> Entry {
        let (name, kind, size) = if let Some((name, target)) = text.split_once(" -> ") {
            (name, EntryKind::Symlink { target: target.into() }, 0)
        } else if let Some((name, target)) = text.split_once(" = ") {
            (name, EntryKind::Hardlink { target: path(target) }, 0)
        } else if let Some((name, content)) = text.split_once(' ') {
            (name, EntryKind::File, content.len() as u64)
        } else {
            (text, EntryKind::Directory, 0)
        };
        // The content offset stands for the content: it is the file's only byte.
        let content_offset = text.bytes().last().map_or(0, u64::from);
        let (path, mtime, xattrs) = (path(name), Mtime::default(), Vec::new());
        Entry {
            path,
            kind,
            mode: 0o755,
            uid: 0,
            gid: 0,
            mtime,
            size,
            xattrs,
            content_offset,
            sparse: None,
            checksum: Checksum::EMPTY,
        }
    }

    fn view(entries: Vec<Entry>) -> Overlay {
        Overlay::build([entries.into_iter().map(Ok)]).expect("nothing wrong")
    }

    fn changes(old: Vec<Entry>, new: Vec<Entry>) -> Vec<String> {
        let (old, new) = (view(old), view(new));
        let offset = |node: ViewNode<'_>| node.source().map(|source| source.content_offset);
        let show = |change: PathChange| {
            let letter = match change.kind {
                PathChangeKind::Added => 'A',
                PathChangeKind::Changed => 'C',
                PathChangeKind::Deleted => 'D',
            };
            let path = format!("{letter} /{}", change.path);
            change.aspects.iter().fold(path, |line, aspect| format!("{line} {}", aspect.word()))
        };
        diff(&old, &new, |old, new| offset(old) == offset(new)).into_iter().map(show).collect()
    }

    #[test]
    fn changes_are_told_as_docker_tells_them() {
        let table: &[(&[&str], &[&str], &[&str])] = &[
            (&["a x", "d/e/f y"], &["a x", "d/e/f y"], &[]),
            (&[], &["d/e/f y"], &["A /d", "A /d/e", "A /d/e/f"]),
            (&["d/e/f y", "b x"], &["b x"], &["D /d"]),
            (&["d/e/f x", "d/g x"], &["d/e/f y", "d/g x"], &["C /d", "C /d/e", "C /d/e/f content"]),
            (&["d/e/f x"], &["d/e/"], &["C /d", "C /d/e", "D /d/e/f"]),
            (&["a x"], &["a xx"], &["C /a size content"]),
            (&["a x"], &["a -> y"], &["C /a type"]),
            (&["a -> x"], &["a -> y"], &["C /a target"]),
            (&["a/b x", "a/c x"], &["a y"], &["C /a type"]),
            (&["a x"], &["a/b/c x"], &["C /a type", "A /a/b", "A /a/b/c"]),
            (&["a/x x"], &["a/x x", "a.b x"], &["A /a.b"]),
            (&["a/x x"], &["a/y x", "a.b x"], &["C /a", "A /a.b", "D /a/x", "A /a/y"]),
            (&["a x", "b = a"], &["a x", "b x"], &["C /a links", "C /b links"]),
            (&["a x", "b = a"], &["b x"], &["D /a", "C /b links"]),
        ];
        for (old, new, expected) in table {
            let entries = |texts: &[&str]| texts.iter().map(|text| entry(text)).collect();
            assert_eq!(changes(entries(old), entries(new)), *expected, "{old:?} to {new:?}");
        }
    }

    #[test]
    fn every_piece_of_metadata_counts() {
        let device = |minor| EntryKind::CharDevice { major: 1, minor };
        let later = Mtime { seconds: 0, nanos: 1 };
        let table: [(Entry, &str); 7] = [
            (Entry { mode: 0o4755, ..entry("a x") }, "mode"),
            (Entry { uid: 1, ..entry("a x") }, "uid"),
            (Entry { gid: 1, ..entry("a x") }, "gid"),
            (Entry { mtime: later, ..entry("a x") }, "mtime"),
            (Entry { xattrs: vec![(b"user.a".to_vec(), b"b".to_vec())], ..entry("a x") }, "xattrs"),
            (Entry { mode: 0, uid: 7, mtime: later, ..entry("a x") }, "mode uid mtime"),
            (entry("a/"), "type"),
        ];
        for (new, expected) in table {
            assert_eq!(changes(vec![entry("a x")], vec![new]), [format!("C /a {expected}")]);
        }
        let [null, zero] = [3, 5].map(|minor| Entry { kind: device(minor), size: 0, ..entry("a x") });
        assert_eq!(changes(vec![null], vec![zero]), ["C /a device"]);
    }

    #[test]
    fn times_of_directories_count_where_there_are_any() {
        let later = Entry { mtime: Mtime { seconds: 5, nanos: 0 }, ..entry("d/") };
        assert_eq!(changes(vec![entry("d/")], vec![later.clone()]), ["C /d mtime"]);
        assert_eq!(changes(vec![entry("d/f x")], vec![later, entry("d/f x")]), [""; 0]);
    }
}
