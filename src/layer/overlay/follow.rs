//! Paths in a merged view, with symbolic links followed inside it, as a container would.

use super::Overlay;
use super::node::{NodeKind, ViewNode};

/// The most symbolic links on the way to a file, as in Linux.
const MOST_LINKS: u32 = 40;
/// The longest path, and the longest target of a symbolic link, that Linux follows (`PATH_MAX`).
const LONGEST: usize = 4095;

/// What to do if the last component of a path is a symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastLink {
    /// Follow it, as `stat` and `open` do.
    Follow,
    /// Stop at it, as `lstat` does; but a final slash follows it.
    Keep,
}

/// Why a path leads nowhere. The words are those of Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FollowError {
    /// A component does not exist.
    #[error("No such file or directory")]
    Missing,
    /// A component on the way is a file, or a final slash follows one.
    #[error("Not a directory")]
    NotADirectory,
    /// There are more than 40 symbolic links on the way.
    #[error("Too many levels of symbolic links")]
    Loop,
    /// The path, or the target of a link on it, has more than 4,095 bytes.
    #[error("File name too long")]
    TooLong,
}

impl Overlay {
    /// What a path leads to from the root, with or without a leading slash; `..` of the root is the root.
    pub fn follow(&self, path: &[u8], last: LastLink) -> Result<ViewNode<'_>, FollowError> {
        self.root().follow(path, last)
    }
}

impl ViewNode<'_> {
    /// What a path leads to from this directory; an absolute one from the root.
    pub fn follow(self, path: &[u8], last: LastLink) -> Result<Self, FollowError> {
        let root = ViewNode { overlay: self.overlay, id: 0 };
        if path.len() > LONGEST {
            return Err(FollowError::TooLong);
        }
        let (mut at, mut links) = (if path.starts_with(b"/") { root } else { self }, 0);
        // The components that are left, the next at the end: those of the path, and of the targets of links on it.
        let mut left: Vec<&[u8]> = components(path).collect();
        while let Some(name) = left.pop() {
            if !at.is_directory() {
                return Err(FollowError::NotADirectory);
            }
            let next = match name {
                b"" | b"." => continue,
                b".." => {
                    at = at.parent().unwrap_or(root);
                    continue;
                }
                name => at.child(name).ok_or(FollowError::Missing)?,
            };
            match next.kind() {
                NodeKind::Symlink { target } if !left.is_empty() || last == LastLink::Follow => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(FollowError::Loop);
                    }
                    if target.len() > LONGEST {
                        return Err(FollowError::TooLong);
                    }
                    if target.is_empty() {
                        return Err(FollowError::Missing);
                    }
                    if target.starts_with(b"/") {
                        at = root;
                    }
                    left.extend(components(target));
                }
                _ => at = next,
            }
        }
        Ok(at)
    }
}

/// The components of a path, the last first. A final slash gives an empty one, for which a directory must be there.
fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|&byte| byte == b'/').rev()
}
