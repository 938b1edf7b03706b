//! The way to a directory inside a tree, through symbolic links that are followed inside its root.
//!
//! Paths of entries and targets of hard links lead through directories that other entries may have made symbolic links.
//! Nothing here touches a file system: the tree is whatever was read so far.

use std::ops::Range;

/// How many symbolic links a path may lead through, as in Linux.
const MOST_LINKS: u32 = 40;
/// The longest target of a symbolic link that Linux follows (`PATH_MAX`).
const LONGEST_TARGET: usize = 4095;
/// How many components of targets are followed in one layer. Honest layers follow about two an entry; a knot of long
/// links could otherwise cost a thousand times that.
const MOST_STEPS: u64 = 50_000_000;

/// A tree of names, each with a number.
pub(crate) trait Names {
    /// Why a directory cannot be made.
    type Error;

    /// What has this name in a directory.
    fn child(&self, directory: u32, name: &[u8]) -> Option<u32>;
    /// The directory that a directory is in; the root is in itself.
    fn parent(&self, directory: u32) -> u32;
    /// What a name stands for.
    fn step(&self, name: u32) -> Passage<'_>;
    /// Makes a directory where nothing has this name.
    fn make(&mut self, directory: u32, name: &[u8]) -> Result<u32, Self::Error>;
}

/// What a name means to those who pass.
pub(crate) enum Passage<'a> {
    /// They can go in.
    Directory,
    /// They go on there.
    Symlink(&'a [u8]),
    /// They cannot pass.
    Other,
}

/// What happens where there is nothing on the way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gaps {
    /// A directory is made.
    Fill,
    /// The way ends.
    Stop,
}

/// Why there is no way.
pub(crate) enum Lost<E> {
    /// Something on the way is neither a directory nor a symbolic link.
    NotADirectory,
    /// It leads in a circle, or nearly.
    Loop,
    /// A directory cannot be made.
    Make(E),
}

/// Finds ways in the trees of one layer.
#[derive(Default)]
pub(crate) struct Walker {
    steps: u64,
}

impl Walker {
    /// The directory at `path` below `root`; none if there is a gap that is not to be filled.
    pub(crate) fn walk<T: Names>(
        &mut self,
        tree: &mut T,
        root: u32,
        path: &[u8],
        gaps: Gaps,
    ) -> Result<Option<u32>, Lost<T::Error>> {
        let (mut at, mut links) = (root, 0);
        // What is still to go: the path itself and, above it, the targets of links on it.
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

/// A path on which so many bytes are behind us.
struct Route {
    path: Vec<u8>,
    passed: usize,
}

impl Route {
    /// Where the next component stands.
    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.passed + self.path[self.passed..].iter().position(|&byte| byte != b'/')?;
        let length = self.path[start..].iter().position(|&byte| byte == b'/');
        self.passed = length.map_or(self.path.len(), |length| start + length);
        Some(start..self.passed)
    }
}
