//! The patterns of `.dockerignore`, as moby's patternmatcher has them.
//!
//! ```text
//! node_modules      excluded, with all below
//! *.log             at the top only; **/*.log at every depth
//! docs/*
//! !docs/README.md   but not this one: the last line that matches decides
//! ```
//!
//! A pattern that matches a folder matches all below it. What is excluded may have something below that is included
//! again, so a walk asks [`Patterns::may_include_below`] before it skips a folder.

mod error;
mod pattern;
mod read;
mod regex;
mod translate;

pub use error::PatternError;

use std::sync::{Mutex, PoisonError};

use pattern::Pattern;

/// The most letters and wildcards of all patterns that have wildcards in their middle: each may be tried on each letter of
/// each path.
const MAX_PARTS: usize = 250_000;

/// Patterns in their order.
#[derive(Debug, Default)]
pub struct Patterns {
    all: Vec<Pattern>,
    has_exceptions: bool,
    /// The folder that was entered last: the paths in a folder are mostly asked for one after the other.
    last: Mutex<Option<(Vec<u8>, FolderMatch)>>,
}

/// Which patterns match a folder; all below inherits it.
#[derive(Debug, Clone)]
pub struct FolderMatch {
    matched: Vec<bool>,
    is_excluded: bool,
}

impl FolderMatch {
    /// Whether the folder itself is excluded.
    pub fn is_excluded(&self) -> bool {
        self.is_excluded
    }
}

impl Patterns {
    /// Reads the text of a `.dockerignore`.
    pub fn parse(text: &[u8]) -> Result<Self, PatternError> {
        Self::of(read::lines(text)?)
    }

    /// Patterns given one by one, as with `COPY --exclude`; empty ones are left out.
    pub fn of<P: AsRef<[u8]>>(patterns: impl IntoIterator<Item = P>) -> Result<Self, PatternError> {
        let mut read = Self::default();
        let mut parts = 0;
        for text in patterns {
            if let Some(pattern) = Pattern::new(text.as_ref())? {
                parts += pattern.parts();
                if parts > MAX_PARTS {
                    return Err(PatternError::Wildcards { limit: MAX_PARTS });
                }
                read.has_exceptions |= pattern.is_exception;
                read.all.push(pattern);
            }
        }
        Ok(read)
    }

    /// Patterns given one by one that may begin with a slash, as lines of a `.dockerignore` may: it changes nothing.
    pub fn rooted<P: AsRef<[u8]>>(patterns: impl IntoIterator<Item = P>) -> Result<Self, PatternError> {
        Self::of(patterns.into_iter().map(|pattern| read::rooted(pattern.as_ref())))
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether there is a pattern with `!`.
    pub(super) fn has_exceptions(&self) -> bool {
        self.has_exceptions
    }

    /// Whether a path is excluded: itself, or with a folder that it is in. The path is relative to the root, with slashes.
    pub fn excludes(&self, path: &[u8]) -> bool {
        self.excludes_in(&self.folders_of(path), path)
    }

    /// Whether something below an excluded folder may be included again: if not, a walk can skip it. The answer is yes in
    /// doubt.
    pub fn may_include_below(&self, folder: &[u8]) -> bool {
        self.has_exceptions && self.may_include_in(&self.enter(&self.folders_of(folder), folder), folder)
    }

    /// Where a walk begins: the root, which no pattern matches.
    pub fn root(&self) -> FolderMatch {
        FolderMatch { matched: vec![false; self.all.len()], is_excluded: false }
    }

    /// The folder at `path`, in `above`: for walks, which then look at no folder twice.
    pub fn enter(&self, above: &FolderMatch, path: &[u8]) -> FolderMatch {
        let mut matched = vec![false; self.all.len()];
        let is_excluded = self.decide(above, path, |index| matched[index] = true);
        FolderMatch { matched, is_excluded }
    }

    /// [`Self::excludes`] of a path in a folder that was entered.
    pub fn excludes_in(&self, above: &FolderMatch, path: &[u8]) -> bool {
        self.decide(above, path, |_| ())
    }

    /// [`Self::may_include_below`] of a folder that was entered.
    pub fn may_include_in(&self, entered: &FolderMatch, folder: &[u8]) -> bool {
        if !self.has_exceptions {
            return false;
        }
        let numbered = || self.all.iter().zip(&entered.matched).enumerate();
        // What is below inherits the last pattern that excludes the folder; only exceptions after it count.
        let excluding = numbered().rev().find(|(_, (pattern, matched))| **matched && !pattern.is_exception);
        let from = excluding.map_or(0, |(index, _)| index + 1);
        let below = [folder, b"/"].concat();
        let may_include = |pattern: &Pattern, matched: bool| matched || pattern.may_match_below(&below);
        numbered().skip(from).any(|(_, (pattern, matched))| pattern.is_exception && may_include(pattern, *matched))
    }

    /// Whether a path is excluded; `note` hears which patterns match it, for those below.
    fn decide(&self, above: &FolderMatch, path: &[u8], mut note: impl FnMut(usize)) -> bool {
        let mut is_excluded = false;
        for (index, (pattern, inherited)) in self.all.iter().zip(&above.matched).enumerate() {
            // A pattern that would change nothing is not tried, so that those below do not inherit it either: moby's way.
            if *inherited || pattern.is_exception == is_excluded && pattern.matches(path) {
                note(index);
                is_excluded = !pattern.is_exception;
            }
        }
        is_excluded
    }

    /// The folder that a path is in, entered from the root.
    fn folders_of(&self, path: &[u8]) -> FolderMatch {
        let Some(end) = path.iter().rposition(|byte| *byte == b'/') else { return self.root() };
        let folder = &path[..end];
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, entered)) = last.as_ref().filter(|(known, _)| known == folder) {
            return entered.clone();
        }
        let mut above = self.root();
        for (slash, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            above = self.enter(&above, &path[..slash]);
        }
        *last = Some((folder.to_vec(), above.clone()));
        above
    }
}

#[cfg(test)]
mod tests;
