//! Resolves paths of directories inside a tree; symbolic links are followed inside its root.
//!
//! Paths of entries and targets of hard links may go through symbolic links that other entries made. Nothing here
//! touches a file system: the tree consists of the entries read so far.

use std::ops::Range;

/// The most symbolic links in the resolution of a path, as in Linux.
const MOST_LINKS: u32 = 40;
/// The longest target of a symbolic link that Linux follows (`PATH_MAX`).
const LONGEST_TARGET: usize = 4095;
/// The most components of link targets followed in one layer. Real layers need about two per entry; maliciously nested
/// links could cost a thousand times that.
const MOST_STEPS: u64 = 50_000_000;

/// A tree of numbered names.
pub(crate) trait Names {
    /// Why a directory cannot be created.
    type Error;

    /// The child of this name in a directory.
    fn child(&self, directory: u32, name: &[u8]) -> Option<u32>;
    /// The parent of a directory; the root is its own parent.
    fn parent(&self, directory: u32) -> u32;
    /// What a name is for the resolution of a path.
    fn step(&self, name: u32) -> Passage<'_>;
    /// Creates a directory of this name, which must not exist.
    fn make(&mut self, directory: u32, name: &[u8]) -> Result<u32, Self::Error>;
}

/// How a path continues at a name.
pub(crate) enum Passage<'a> {
    /// A directory: the path continues in it.
    Directory,
    /// A symbolic link: the path continues at its target.
    Symlink(&'a [u8]),
    /// Anything else: the path cannot continue.
    Other,
}

/// What to do about missing directories.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gaps {
    /// Create them.
    Fill,
    /// Stop: the path does not exist.
    Stop,
}

/// Why a path cannot be resolved.
pub(crate) enum Lost<E> {
    /// A component is neither a directory nor a symbolic link.
    NotADirectory,
    /// A loop of symbolic links, or too many of them.
    Loop,
    /// A directory cannot be created.
    Make(E),
}

/// Resolves paths in the trees of one layer.
#[derive(Default)]
pub(crate) struct Walker {
    steps: u64,
}

impl Walker {
    /// The directory at `path` below `root`; `None` if it is missing and must not be created.
    pub(crate) fn walk<T: Names>(
        &mut self,
        tree: &mut T,
        root: u32,
        path: &[u8],
        gaps: Gaps,
    ) -> Result<Option<u32>, Lost<T::Error>> {
        let (mut at, mut links) = (root, 0);
        // The remaining route: a stack of the path itself and the targets of links on it.
        let mut route = vec![Route { path: path.to_vec(), passed: 0 }];
        while let Some(mut way) = route.pop() {
            let Some(name) = way.next() else { continue };
            if links > 0 {
                self.steps += 1;
            }
            let mut detour = None;
            match &way.path[name] {
                b"." => {}
                b".." => at = tree.parent(at),
                name => match tree.child(at, name).map(|next| (next, tree.step(next))) {
                    Some((next, Passage::Directory)) => at = next,
                    Some((_, Passage::Symlink(target))) => {
                        links += 1;
                        if links > MOST_LINKS || target.len() > LONGEST_TARGET || self.steps > MOST_STEPS {
                            return Err(Lost::Loop);
                        }
                        at = if target.starts_with(b"/") { root } else { at };
                        detour = Some(Route { path: target.to_vec(), passed: 0 });
                    }
                    Some((_, Passage::Other)) => return Err(Lost::NotADirectory),
                    None if gaps == Gaps::Fill => at = tree.make(at, name).map_err(Lost::Make)?,
                    None => return Ok(None),
                },
            }
            route.push(way);
            route.extend(detour);
        }
        Ok(Some(at))
    }
}

/// A path of which `passed` bytes are resolved.
struct Route {
    path: Vec<u8>,
    passed: usize,
}

impl Route {
    /// The range of the next component.
    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.passed + self.path[self.passed..].iter().position(|&byte| byte != b'/')?;
        let length = self.path[start..].iter().position(|&byte| byte == b'/');
        self.passed = length.map_or(self.path.len(), |length| start + length);
        Some(start..self.passed)
    }
}
