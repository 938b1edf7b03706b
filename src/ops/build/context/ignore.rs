//! What of a context is there, as `.dockerignore` has it.

use super::error::ContextError;
use crate::dockerfile::Patterns;

/// The patterns of a `.dockerignore`, or of a flag of `COPY`; by default none.
#[derive(Debug, Default)]
pub struct Ignore {
    patterns: Patterns,
}

impl Ignore {
    /// Reads the patterns of a file: one a line, `#` begins a comment.
    pub fn parse(name: &str, text: &[u8]) -> Result<Self, ContextError> {
        match Patterns::parse(text) {
            Ok(patterns) => Ok(Self { patterns }),
            Err(problem) => Err(ContextError::Ignore { name: name.to_owned(), problem: problem.to_string() }),
        }
    }

    /// Patterns given one by one; the error is the one that cannot be read.
    pub fn of(patterns: &[String]) -> Result<Self, String> {
        let bad = |pattern: &&String| Patterns::of([relative(pattern)]).is_err();
        match Patterns::of(patterns.iter().map(|pattern| relative(pattern))) {
            Ok(patterns) => Ok(Self { patterns }),
            Err(_) => Err(patterns.iter().find(bad).cloned().unwrap_or_default()),
        }
    }

    /// The patterns.
    pub(in crate::ops::build) fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether a path is matched, itself or by a directory above it: the last pattern that matches decides.
    pub fn excludes(&self, path: &[u8]) -> bool {
        self.patterns.excludes(path)
    }

    /// Whether something below an excluded directory may still be included.
    pub fn may_include_below(&self, path: &[u8]) -> bool {
        self.patterns.may_include_below(path)
    }
}

/// A pattern without the slashes before it.
fn relative(pattern: &str) -> String {
    match pattern.trim().strip_prefix('!') {
        Some(exception) => format!("!{}", exception.trim().trim_start_matches('/')),
        None => pattern.trim().trim_start_matches('/').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_excluded_as_docker_excludes_them() {
        let table: [(&str, &str, bool); 30] = [
            ("*.log", "a.log", true),
            ("*.log", "d/a.log", false),
            ("**/*.log", "a.log", true),
            ("**/*.log", "d/e/a.log", true),
            ("d", "d/e/f", true),
            ("/d/", "d/e", true),
            ("d/**", "d", false),
            ("d/**", "d/e", true),
            ("**/e", "d/e/f", true),
            ("**", "anything/at/all", true),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a/**/b", "ab", false),
            ("**a", "x/a", true),
            ("d\n!d/e", "d/e/f", false),
            ("d\n!d/e", "d/f", true),
            ("*\n!a\na", "a", true),
            ("!a\n*", "a", true),
            ("d/../a.log", "a.log", true),
            (".", "a", false),
            ("/", "a", false),
            ("\u{feff}a", "a", true),
            ("# a\na", "a", true),
            ("  a  ", "a", true),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[!b]x", "bx", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("a?c", "a/c", false),
        ];
        for (patterns, path, expected) in table {
            let ignore = Ignore::parse(".dockerignore", patterns.as_bytes()).expect(patterns);
            assert_eq!(ignore.excludes(path.as_bytes()), expected, "{patterns:?} on {path}");
        }
    }

    #[test]
    fn a_directory_is_entered_only_if_something_may_be_in_it() {
        let table = [
            ("d\n!d/e", "d", true),
            ("d\n!x/e", "d", false),
            ("*\n!d/*/f", "d/e", true),
            ("*\n!**/f", "d/e", true),
            ("*\n!da", "d", false),
            ("d", "d", false),
        ];
        for (patterns, path, expected) in table {
            let ignore = Ignore::parse(".dockerignore", patterns.as_bytes()).expect(patterns);
            assert_eq!(ignore.may_include_below(path.as_bytes()), expected, "{patterns:?} on {path}");
        }
    }

    #[test]
    fn patterns_that_cannot_be_read_are_errors() {
        for patterns in ["!", "a\n! ", "[", "[a-"] {
            assert!(Ignore::parse(".dockerignore", patterns.as_bytes()).is_err(), "{patterns}");
        }
    }
}
