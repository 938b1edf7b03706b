//! Where a path leads to in an image: symbolic links are followed inside its root.

use std::collections::VecDeque;

use super::RunError;
use crate::layer::EntryPath;
use crate::layer::overlay::{NodeKind, Overlay, ViewNode};

/// The most symbolic links that are followed, as in Linux.
const MOST_LINKS: usize = 40;

/// The path without symbolic links, and what is there. Of a path that is not there, what is missing stays as it is.
pub(super) fn resolve<'v>(view: &'v Overlay, path: &str) -> Result<(EntryPath, Option<ViewNode<'v>>), RunError> {
    let wrong = |why: &str| RunError::Target { path: path.to_owned(), why: why.to_owned() };
    let mut rest: VecDeque<Vec<u8>> = components(path.as_bytes()).collect();
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut links = 0;
    while let Some(name) = rest.pop_front() {
        if name == b".." {
            found.pop();
            continue;
        }
        found.push(name);
        let place = EntryPath::new(&found.join(&b'/')).map_err(|error| wrong(&error.to_string()))?;
        match view.lookup(&place).map(|node| node.kind()) {
            Some(NodeKind::Symlink { target }) => {
                links += 1;
                if links > MOST_LINKS {
                    return Err(wrong("too many levels of symbolic links"));
                }
                found.pop();
                if target.starts_with(b"/") {
                    found.clear();
                }
                for name in components(target).collect::<Vec<_>>().into_iter().rev() {
                    rest.push_front(name);
                }
            }
            Some(NodeKind::Directory) | None => {}
            Some(_) if rest.is_empty() => {}
            Some(_) => return Err(wrong("a part of it is not a directory")),
        }
    }
    let place = EntryPath::new(&found.join(&b'/')).map_err(|error| wrong(&error.to_string()))?;
    let node = view.lookup(&place);
    Ok((place, node))
}

fn components(path: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let is_name = |name: &&[u8]| !name.is_empty() && *name != b".";
    path.split(|byte| *byte == b'/').filter(is_name).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{Checksum, Entry, EntryKind, Mtime};

    fn entry(path: &str, kind: EntryKind) -> Entry {
        let path = EntryPath::new(path.as_bytes()).expect("a path");
        Entry {
            path,
            kind,
            mode: 0o755,
            uid: 0,
            gid: 0,
            mtime: Mtime::default(),
            size: 0,
            xattrs: Vec::new(),
            content_offset: 0,
            sparse: None,
            checksum: Checksum::EMPTY,
        }
    }

    #[test]
    fn links_are_followed_inside_the_root() {
        let link = |target: &str| EntryKind::Symlink { target: target.as_bytes().to_vec() };
        let layer = vec![
            entry("usr/bin", EntryKind::Directory),
            entry("bin", link("usr/bin")),
            entry("out", link("../../..//etc")),
            entry("abs", link("/usr")),
            entry("loop", link("loop")),
            entry("file", EntryKind::File),
        ];
        let view = Overlay::build([layer.into_iter().map(Ok)]).expect("a view");
        let cases = [
            ("/bin/x", "usr/bin/x", false),
            ("abs/bin", "usr/bin", true),
            ("/out/hosts", "etc/hosts", false),
            ("/a/../b/./c", "b/c", false),
            ("/../..", "", true),
            ("/file", "file", true),
        ];
        for (typed, place, is_there) in cases {
            let (found, node) = resolve(&view, typed).expect("a place");
            assert_eq!((found.as_bytes(), node.is_some()), (place.as_bytes(), is_there), "{typed}");
        }
        assert!(resolve(&view, "/loop/x").is_err() && resolve(&view, "/file/x").is_err());
    }
}
