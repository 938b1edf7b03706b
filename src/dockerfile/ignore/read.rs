//! The lines of a `.dockerignore`.

use super::error::PatternError;
use crate::go::path::clean;

/// More patterns are not read: every path is tried on all of them.
const MAX_PATTERNS: usize = 10_000;

/// The patterns in a file: without comments and empty lines, cleaned, relative.
pub(super) fn lines(text: &[u8]) -> Result<Vec<Vec<u8>>, PatternError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut patterns = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        // A comment begins with the line: behind spaces, `#` is part of a name.
        let trimmed = trim(line);
        if line.starts_with(b"#") || trimmed.is_empty() {
            continue;
        }
        if patterns.len() == MAX_PATTERNS {
            return Err(PatternError::Many { limit: MAX_PATTERNS });
        }
        patterns.push(rooted(trimmed));
    }
    Ok(patterns)
}

/// A pattern that may begin with a slash, or with an exclamation mark and a slash: without that.
pub(super) fn rooted(pattern: &[u8]) -> Vec<u8> {
    match pattern.strip_prefix(b"!") {
        Some(exception) => [b"!".to_vec(), relative(trim(exception))].concat(),
        None => relative(pattern),
    }
}

fn relative(pattern: &[u8]) -> Vec<u8> {
    if pattern.is_empty() {
        return Vec::new();
    }
    let mut cleaned = clean(pattern);
    if cleaned.len() > 1 && cleaned[0] == b'/' {
        cleaned.remove(0);
    }
    cleaned
}

/// Without spaces at both ends, as Unicode has them.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    match std::str::from_utf8(text) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => text.trim_ascii(),
    }
}
