//! What docker puts into every container before it starts, and so into every `docker export`.

use crate::layer::Checksum;
use crate::layer::entry::{Entry, EntryKind};
use crate::layer::mtime::Mtime;
use crate::layer::overlay::{Overlay, ViewNode};
use crate::layer::path::EntryPath;

enum Stub {
    Directory,
    /// An empty file, in the place of whatever file the image has there: docker mounts its own over it.
    File,
    Link(&'static str),
}

/// Moby's `daemon/initlayer`, sorted.
const STUBS: [(&str, Stub); 10] = [
    (".dockerenv", Stub::File),
    ("dev/console", Stub::File),
    ("dev/pts", Stub::Directory),
    ("dev/shm", Stub::Directory),
    ("etc/hostname", Stub::File),
    ("etc/hosts", Stub::File),
    ("etc/mtab", Stub::Link("/proc/mounts")),
    ("etc/resolv.conf", Stub::File),
    ("proc", Stub::Directory),
    ("sys", Stub::Directory),
];

/// A layer that brings the stubs. Directories of the image stay what they are, anything else in the way is replaced.
pub(super) fn entries(view: &Overlay, mtime: i64) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for (path, stub) in &STUBS {
        let path = EntryPath::new(path.as_bytes()).expect("a clean path");
        let parent = path.parent().filter(|parent| !parent.is_root());
        for directory in parent.into_iter().chain(matches!(stub, Stub::Directory).then(|| path.clone())) {
            let is_new = entries.iter().all(|entry| entry.path != directory);
            if is_new && !is_directory(view, &directory) {
                entries.push(entry(directory, EntryKind::Directory, mtime));
            }
        }
        if is_directory(view, &path) {
            continue;
        }
        match stub {
            Stub::Directory => {}
            Stub::File => entries.push(entry(path, EntryKind::File, mtime)),
            Stub::Link(target) => {
                entries.push(entry(path, EntryKind::Symlink { target: target.as_bytes().to_vec() }, mtime));
            }
        }
    }
    entries
}

fn is_directory(view: &Overlay, path: &EntryPath) -> bool {
    view.lookup(path).as_ref().is_some_and(ViewNode::is_directory)
}

fn entry(path: EntryPath, kind: EntryKind, mtime: i64) -> Entry {
    let mode = if matches!(kind, EntryKind::Symlink { .. }) { 0o777 } else { 0o755 };
    let mtime = Mtime { seconds: mtime, nanos: 0 };
    Entry {
        path,
        kind,
        mode,
        uid: 0,
        gid: 0,
        mtime,
        size: 0,
        xattrs: Vec::new(),
        content_offset: 0,
        sparse: None,
        checksum: Checksum::EMPTY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(entries: Vec<Entry>) -> Overlay {
        Overlay::build([entries.into_iter().map(Ok)]).expect("nothing wrong")
    }

    fn shown(entries: &[Entry]) -> Vec<String> {
        entries.iter().map(ToString::to_string).collect()
    }

    fn made(path: &str, kind: EntryKind) -> Entry {
        entry(EntryPath::new(path.as_bytes()).expect("a valid path"), kind, 7)
    }

    #[test]
    fn an_empty_image_gets_them_all() {
        let expected = [
            ".dockerenv",
            "dev",
            "dev/console",
            "dev/pts",
            "dev/shm",
            "etc",
            "etc/hostname",
            "etc/hosts",
            "etc/mtab -> /proc/mounts",
            "etc/resolv.conf",
            "proc",
            "sys",
        ];
        assert_eq!(shown(&entries(&view(Vec::new()), 0)), expected);
    }

    #[test]
    fn directories_stay_and_files_are_replaced() {
        let link = EntryKind::Symlink { target: b"usr/etc".to_vec() };
        let image = view(vec![
            made("dev", EntryKind::Directory),
            made("dev/console", EntryKind::CharDevice { major: 5, minor: 1 }),
            made("dev/pts", EntryKind::File),
            made("etc", link),
            made("proc", EntryKind::Directory),
            made(".dockerenv", EntryKind::Directory),
        ]);
        let stubs = entries(&image, 9);
        assert_eq!(shown(&stubs)[..4], ["dev/console", "dev/pts", "dev/shm", "etc"]);
        assert!(!shown(&stubs).contains(&"proc".to_owned()));
        assert!(stubs.iter().all(|entry| entry.mtime.seconds == 9));
    }
}
