//! What of a context is there, as `.dockerignore` has it.

use super::error::ContextError;
use super::patterns::Pattern;

/// The patterns of a `.dockerignore`, or of a flag of `COPY`; by default none.
#[derive(Debug, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
}

/// The most patterns: each is tried on each path.
const MOST: usize = 10_000;

impl Ignore {
    /// Reads the patterns of a file: one a line, `#` begins a comment.
    pub fn parse(name: &str, text: &[u8]) -> Result<Self, ContextError> {
        let text = String::from_utf8_lossy(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text));
        let lines = text.lines().filter(|line| !line.starts_with('#')).map(str::trim).filter(|line| !line.is_empty());
        Self::read(lines).map_err(|problem| ContextError::Ignore { name: name.to_owned(), problem })
    }

    /// Patterns given one by one; the error is the one that cannot be read.
    pub fn of(patterns: &[String]) -> Result<Self, String> {
        Self::read(patterns.iter().map(|pattern| pattern.trim()).filter(|pattern| !pattern.is_empty()))
    }

    fn read<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut patterns = Vec::new();
        for line in lines {
            let (is_exception, pattern) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest.trim()));
            if pattern.is_empty() {
                return Err(format!("illegal exclusion pattern: {line:?}"));
            }
            let cleaned = clean(pattern);
            let cleaned = cleaned.strip_prefix('/').filter(|rest| !rest.is_empty()).unwrap_or(&cleaned);
            let read = Pattern::parse(cleaned, is_exception).ok_or_else(|| format!("malformed pattern {line:?}"))?;
            if patterns.len() == MOST {
                return Err(format!("more than {MOST} patterns"));
            }
            patterns.push(read);
        }
        Ok(Self { patterns })
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether a path is matched, itself or by a directory above it: the last pattern that matches decides.
    pub fn excludes(&self, path: &[u8]) -> bool {
        let path = String::from_utf8_lossy(path);
        let path = path.trim_end_matches('/');
        let mut is_out = false;
        for pattern in &self.patterns {
            // Only a pattern that would change the answer is tried.
            if pattern.is_exception == is_out && with_parents(path).any(|path| pattern.matches(path)) {
                is_out = !pattern.is_exception;
            }
        }
        is_out
    }

    /// Whether something below an excluded directory may still be included.
    pub fn may_include_below(&self, path: &[u8]) -> bool {
        let path = String::from_utf8_lossy(path);
        self.patterns.iter().any(|pattern| pattern.is_exception && pattern.may_match_below(&path))
    }
}

/// A path, and the directories above it.
fn with_parents(path: &str) -> impl Iterator<Item = &str> {
    let above = path.match_indices('/').map(|(slash, _)| &path[..slash]);
    std::iter::once(path).chain(above.filter(|above| !above.is_empty()))
}

/// A path with `.` and `..` resolved lexically, as Go's `filepath.Clean`.
fn clean(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match parts.last() {
            Some(last) if part == ".." && *last != ".." => drop(parts.pop()),
            None if part == ".." && is_absolute => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (is_absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
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
