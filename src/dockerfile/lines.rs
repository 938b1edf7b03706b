//! Lines of a Dockerfile: directives, comments, continuations, heredocs; then the keyword and what follows it.

use std::ops::RangeInclusive;

use super::error::{Fault, ParseError};
use super::instruction::{Directives, Heredoc};
use super::words::BLANKS;
use super::{flags, heredoc, words};

/// What a Dockerfile says, line by line.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) directives: Directives,
    pub(super) instructions: Vec<DockerfileLine>,
    /// The lines with a continuation that is empty.
    pub(super) empty_continuations: Vec<RangeInclusive<usize>>,
}

/// One instruction, its continuations joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DockerfileLine {
    /// The whole instruction, without leading blanks.
    pub(super) original: String,
    /// The first word, as it was typed.
    pub(super) keyword: String,
    /// `--name=value`, unquoted.
    pub(super) flags: Vec<String>,
    /// All that follows the flags, without blanks around it.
    pub(super) rest: String,
    pub(super) escape: char,
    /// Its heredocs, with their texts.
    pub(super) heredocs: Vec<Heredoc>,
    /// The first and the last line.
    pub(super) lines: RangeInclusive<usize>,
    /// The comments right above it.
    pub(super) comments: Vec<String>,
}

impl DockerfileLine {
    /// Splits an instruction into keyword, flags and rest.
    pub(super) fn new(original: &str, escape: char) -> Self {
        let line = original.trim();
        let (keyword, rest) = line.split_once(BLANKS).unwrap_or((line, ""));
        let (flags, rest) = flags::extract(rest.trim_start_matches(BLANKS));
        Self {
            original: original.to_owned(),
            keyword: keyword.to_owned(),
            flags,
            rest: rest.trim().to_owned(),
            escape,
            heredocs: Vec::new(),
            lines: 1..=1,
            comments: Vec::new(),
        }
    }

    /// Whether heredocs mean anything here: not in other instructions, and not in a JSON array.
    fn takes_heredocs(&self) -> bool {
        match self.keyword.to_ascii_uppercase().as_str() {
            "ADD" | "COPY" | "RUN" => !matches!(words::json(&self.rest), Ok(Some(_))),
            "ONBUILD" => {
                let trigger = Self::new(&self.rest, self.escape);
                !trigger.keyword.eq_ignore_ascii_case("ONBUILD") && trigger.takes_heredocs()
            }
            _ => false,
        }
    }
}

/// Finds the instructions.
pub(super) fn read(text: &str) -> Result<Lines, ParseError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut raw = Raw { lines: text.strip_suffix('\n').unwrap_or(text).split('\n'), number: 0 };
    let mut directives = DirectiveReader::default();
    let mut found =
        Lines { directives: Directives::default(), instructions: Vec::new(), empty_continuations: Vec::new() };
    let mut comments = Vec::new();
    while let Some(first) = raw.next() {
        let first = first.trim_start();
        let start = raw.number;
        directives.look(first).map_err(ParseError::at(&(start..=start)))?;
        let escape = directives.found.escape;
        if let Some(comment) = first.strip_prefix('#') {
            note(&mut comments, comment.trim());
        }
        let (mut line, mut goes_on) = continued(without_comment(first), escape);
        if line.is_empty() && !goes_on {
            continue;
        }
        let mut has_gap = false;
        while goes_on {
            let Some(next) = raw.next() else { break };
            if next.trim_start().starts_with('#') {
                continue;
            }
            if next.trim_start().is_empty() {
                has_gap = true;
                continue;
            }
            let (more, again) = continued(next, escape);
            line.push_str(&more);
            goes_on = again;
        }
        let mut one = DockerfileLine::new(&line, escape);
        if one.takes_heredocs() {
            one.heredocs = heredocs(&line, &mut raw).map_err(ParseError::at(&(start..=raw.number)))?;
        }
        one.lines = start..=raw.number;
        one.comments = std::mem::take(&mut comments);
        found.empty_continuations.extend(has_gap.then(|| one.lines.clone()));
        found.instructions.push(one);
    }
    found.directives = directives.found;
    if found.instructions.is_empty() { Err(ParseError { fault: Fault::Empty, lines: None }) } else { Ok(found) }
}

/// The lines as they stand in the file.
struct Raw<'a> {
    lines: std::str::Split<'a, char>,
    /// The number of the last one, counted from 1.
    number: usize,
}

impl<'a> Iterator for Raw<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let line = self.lines.next()?;
        self.number += 1;
        Some(line.strip_suffix('\r').unwrap_or(line))
    }
}

/// Comments above an instruction are kept; an empty one ends them.
fn note(comments: &mut Vec<String>, comment: &str) {
    if comment.is_empty() { comments.clear() } else { comments.push(comment.to_owned()) }
}

/// The heredocs that a line begins, with their texts from the lines behind it.
fn heredocs(line: &str, raw: &mut Raw<'_>) -> Result<Vec<Heredoc>, Fault> {
    let mut all = heredoc::begun(line)?;
    for heredoc in &mut all {
        loop {
            let text = raw.next().ok_or(Fault::OpenHeredoc)?;
            if !heredoc.take(text) {
                break;
            }
        }
    }
    Ok(all)
}

/// Comments are whole lines.
fn without_comment(line: &str) -> &str {
    if line.starts_with('#') { "" } else { line }
}

/// The line without the escape character at its end, and whether there was one; two of them are text.
fn continued(line: &str, escape: char) -> (String, bool) {
    let end = line.trim_end_matches([' ', '\t']);
    match end.strip_suffix(escape) {
        Some(before) if !before.ends_with(escape) => (before.to_owned(), true),
        _ => (line.to_owned(), false),
    }
}

/// Reads the parser directives, comments at the top that have a meaning: `# escape=`.
#[derive(Default)]
struct DirectiveReader {
    found: Directives,
    seen: Vec<String>,
    done: bool,
    is_second: bool,
}

impl DirectiveReader {
    /// Reads one more line; the first that is not a directive ends them. A script's `#!` may stand above them.
    fn look(&mut self, line: &str) -> Result<(), Fault> {
        let is_first = !std::mem::replace(&mut self.is_second, true);
        if self.done || is_first && line.starts_with("#!") {
            return Ok(());
        }
        let Some((name, value)) = directive(line) else {
            self.done = true;
            return Ok(());
        };
        if self.seen.contains(&name) {
            return Err(Fault::DuplicateDirective { name });
        }
        match (name.as_str(), value) {
            ("escape", "\\") => self.found.escape = '\\',
            ("escape", "`") => self.found.escape = '`',
            ("escape", token) => return Err(Fault::EscapeToken { token: token.to_owned() }),
            // What follows the first word is for the frontend.
            ("syntax", value) => self.found.syntax = value.split_whitespace().next().map(ToOwned::to_owned),
            (_, value) => self.found.check = Some(value.to_owned()),
        }
        self.seen.push(name);
        Ok(())
    }
}

/// `# name = value`, for known names.
fn directive(line: &str) -> Option<(String, &str)> {
    let (name, value) = line.strip_prefix('#')?.split_once('=')?;
    let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
    (["syntax", "escape", "check"].contains(&name.as_str()) && !value.is_empty()).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn originals(text: &str) -> Result<Vec<String>, String> {
        let file = read(text).map_err(|error| error.to_string())?;
        Ok(file.instructions.into_iter().map(|line| line.original).collect())
    }

    #[test]
    fn lines_are_found_and_joined() {
        let cases: [(&str, &[&str]); 14] = [
            ("CMD a", &["CMD a"]),
            ("\u{feff}CMD a", &["CMD a"]),
            ("  CMD a  \r\n\nUSER b", &["CMD a  ", "USER b"]),
            ("# note\n  # note\nCMD # a", &["CMD # a"]),
            ("CMD a\\\n  b\\ \t\nc", &["CMD a  bc"]),
            ("CMD a \\\n# note\n\n   \n  b", &["CMD a   b"]),
            ("CMD a \\\n  # note\nb", &["CMD a b"]),
            ("CMD a \\\\\nUSER b", &["CMD a \\\\", "USER b"]),
            ("CMD a \\", &["CMD a "]),
            ("\\\nCMD a", &["CMD a"]),
            ("# escape=`\nCMD a `\nb\\\n", &["CMD a b\\"]),
            ("#syntax=x\n# ESCAPE = ` \nCMD a`\nb", &["CMD ab"]),
            ("# note\n# escape=`\nCMD a`\nUSER b", &["CMD a`", "USER b"]),
            ("\n# escape=`\nCMD a`\nUSER b", &["CMD a`", "USER b"]),
        ];
        for (text, lines) in cases {
            assert_eq!(originals(text).expect(text), lines, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_dockerfile_is_refused() {
        for text in ["", "\n", "# note", "   \n  "] {
            assert_eq!(originals(text), Err("file with no instructions".to_owned()), "{text:?}");
        }
        let twice = originals("# escape=`\n# escape=`\nCMD a");
        assert_eq!(
            twice,
            Err("dockerfile parse error on line 2: only one escape parser directive can be used".to_owned())
        );
        let wrong = originals("# escape=x\nCMD a");
        let expected = "dockerfile parse error on line 1: invalid escape token 'x' does not match ` or \\";
        assert_eq!(wrong, Err(expected.to_owned()));
    }

    #[test]
    fn a_line_has_a_keyword_flags_and_a_rest() {
        let cases: [(&str, &str, &[&str], &str); 6] = [
            ("CMD", "CMD", &[], ""),
            ("cMd \t a b ", "cMd", &[], "a b"),
            ("HEALTHCHECK --a=1 --b='x y' CMD c", "HEALTHCHECK", &["--a=1", "--b=x y"], "CMD c"),
            ("HEALTHCHECK -- --a CMD", "HEALTHCHECK", &[], "--a CMD"),
            ("CMD -a --b", "CMD", &[], "-a --b"),
            ("ENV\u{a0}a b", "ENV\u{a0}a", &[], "b"),
        ];
        for (text, keyword, flags, rest) in cases {
            let line = DockerfileLine::new(text, '\\');
            assert_eq!((line.keyword.as_str(), line.rest.as_str()), (keyword, rest), "{text:?}");
            assert_eq!(line.flags, flags, "{text:?}");
        }
    }
}
