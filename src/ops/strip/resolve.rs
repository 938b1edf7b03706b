//! Where the paths of a layer lead: parents that are symbolic links of the same layer are followed, as when it is
//! unpacked.

use std::collections::HashMap;

use crate::layer::{EntryKind, EntryPath};

/// The most symbolic links on the way to one path, as Linux has it.
const MOST_LINKS: usize = 40;

/// The symbolic links of a layer, as far as it was read.
#[derive(Default)]
pub(super) struct Resolver {
    links: HashMap<EntryPath, Vec<u8>>,
}

impl Resolver {
    /// Notes what a path is from now on.
    pub(super) fn note(&mut self, path: &EntryPath, kind: &EntryKind) {
        match kind {
            EntryKind::Symlink { target } => drop(self.links.insert(path.clone(), target.clone())),
            _ => drop(self.links.remove(path)),
        }
    }

    /// Where a path leads, with its last component as it stands. A path that leads nowhere stays as it is.
    pub(super) fn resolve(&self, path: &EntryPath) -> EntryPath {
        let Some(name) = path.file_name().filter(|_| !self.links.is_empty()) else { return path.clone() };
        let parent = path.parent().unwrap_or_default();
        let mut left: Vec<Vec<u8>> = parent.components().rev().map(<[u8]>::to_vec).collect();
        let (mut at, mut followed) = (EntryPath::root(), 0);
        while let Some(component) = left.pop() {
            match component.as_slice() {
                b"" | b"." => continue,
                b".." => at = at.parent().unwrap_or_default(),
                name => match at.join(name) {
                    Ok(next) => at = next,
                    Err(_) => return path.clone(),
                },
            }
            let Some(target) = self.links.get(&at) else { continue };
            followed += 1;
            if followed > MOST_LINKS {
                return path.clone();
            }
            at = if target.starts_with(b"/") { EntryPath::root() } else { at.parent().unwrap_or_default() };
            left.extend(target.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec));
        }
        at.join(name).unwrap_or_else(|_| path.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> EntryPath {
        EntryPath::new(name.as_bytes()).expect("a path")
    }

    #[test]
    fn links_are_followed_inside_the_root() {
        let mut resolver = Resolver::default();
        for (name, target) in [("bin", "usr/bin"), ("usr/lib", "/lib"), ("up", "../../usr"), ("x", "y"), ("y", "x")] {
            resolver.note(&path(name), &EntryKind::Symlink { target: target.into() });
        }
        for (name, expected) in [
            ("bin/sh", "usr/bin/sh"),
            ("bin", "bin"),
            ("usr/lib/a/b", "lib/a/b"),
            ("up/bin/c", "usr/bin/c"),
            ("x/a", "x/a"),
            ("etc/hosts", "etc/hosts"),
        ] {
            assert_eq!(resolver.resolve(&path(name)), path(expected), "{name}");
        }
        resolver.note(&path("bin"), &EntryKind::Directory);
        assert_eq!(resolver.resolve(&path("bin/sh")), path("bin/sh"));
    }
}
