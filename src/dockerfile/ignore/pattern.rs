//! One pattern.

use super::error::PatternError;
use super::read::trim;
use super::regex::Regex;
use super::translate::{Kind, is_valid, translate};
use crate::go::path::clean;

/// A longer pattern is refused: no path is that long, and the work grows with both.
const MAX_LENGTH: usize = 4096;

/// A pattern, ready to be tried.
#[derive(Debug)]
pub(super) struct Pattern {
    /// Whether what it matches is included again (`!`).
    pub(super) is_exception: bool,
    matcher: Matcher,
}

#[derive(Debug)]
enum Matcher {
    /// This path.
    Exact(Vec<u8>),
    /// All that begins so.
    Prefix(Vec<u8>),
    /// All that ends so.
    Suffix(Vec<u8>),
    /// All else.
    Regex(Regex),
}

impl Pattern {
    /// Reads a pattern; none if it is empty.
    pub(super) fn new(text: &[u8]) -> Result<Option<Self>, PatternError> {
        let trimmed = trim(text);
        if trimmed.is_empty() {
            return Ok(None);
        }
        if trimmed.len() > MAX_LENGTH {
            return Err(PatternError::Long { length: trimmed.len(), limit: MAX_LENGTH });
        }
        let cleaned = clean(trimmed);
        let exception = cleaned.strip_prefix(b"!");
        let pattern = exception.unwrap_or(&cleaned);
        if pattern.is_empty() {
            return Err(PatternError::Exception);
        }
        let matcher = matcher(pattern)
            .ok_or_else(|| PatternError::Syntax { pattern: String::from_utf8_lossy(pattern).into_owned() })?;
        Ok(Some(Self { is_exception: exception.is_some(), matcher }))
    }

    /// How many parts with wildcards and letters are tried on each path.
    pub(super) fn parts(&self) -> usize {
        if let Matcher::Regex(regex) = &self.matcher { regex.parts() } else { 0 }
    }

    /// Whether it matches this path itself.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
        match &self.matcher {
            Matcher::Exact(exact) => path == exact,
            Matcher::Prefix(prefix) => path.starts_with(prefix),
            // `**/foo` is also `foo` at the top.
            Matcher::Suffix(suffix) => {
                path.ends_with(suffix) || suffix.strip_prefix(b"/").is_some_and(|top| top == path)
            }
            Matcher::Regex(regex) => regex.matches(path),
        }
    }

    /// Whether a path that begins so, with a folder and its slash, can match.
    pub(super) fn may_match_below(&self, folder: &[u8]) -> bool {
        match &self.matcher {
            Matcher::Exact(exact) => exact.starts_with(folder),
            Matcher::Prefix(prefix) => prefix.starts_with(folder) || folder.starts_with(prefix),
            Matcher::Suffix(_) => true,
            Matcher::Regex(regex) => regex.may_go_on(folder),
        }
    }
}

/// None if it is no pattern.
fn matcher(pattern: &[u8]) -> Option<Matcher> {
    if !is_valid(pattern) {
        return None;
    }
    Some(match translate(&String::from_utf8_lossy(pattern)) {
        Kind::Exact => Matcher::Exact(pattern.to_vec()),
        Kind::Prefix => Matcher::Prefix(pattern[..pattern.len() - 2].to_vec()),
        Kind::Suffix => Matcher::Suffix(pattern[2..].to_vec()),
        Kind::Regex(text) => Matcher::Regex(Regex::parse(&text)?),
    })
}
