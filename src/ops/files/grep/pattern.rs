//! Several patterns as one expression.

use regex::bytes::{Regex, RegexBuilder};

use crate::ops::files::posix::{Dialect, translate};
use crate::ops::files_error::RegexError;

/// How patterns are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// `-G`: basic regular expressions.
    Basic,
    /// `-E`: extended ones.
    Extended,
    /// `-F`: text.
    Fixed,
    /// `-P`: as the crate reads them, which is near to Perl.
    Perl,
}

/// What a line has to be like.
#[derive(Debug)]
pub struct Matching {
    /// The expression; lines are matched one by one, or several at once with `^` and `$` at each.
    pub(super) regex: Regex,
    /// Lines that do not match are meant.
    pub(super) inverts: bool,
    /// Whether the expression may look beyond a line, so that lines are matched one by one.
    pub(super) single: bool,
    /// Bytes that are no text are text, too.
    pub(super) is_text: bool,
    /// At most so many lines of a file.
    pub(super) most: u64,
    /// The lines around those that are meant, which are shown too.
    pub(super) around: Around,
}

/// How many lines are shown around a line that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Around {
    /// Before it.
    pub before: usize,
    /// Behind it.
    pub after: usize,
}

/// How much memory a compiled expression may take.
const MOST_MEMORY: usize = 32 << 20;
/// How deep groups may be in each other.
const DEEPEST: u32 = 200;

/// Compiles patterns, of which one is enough: with `-w` as whole words, with `-x` as whole lines.
pub fn expression(
    patterns: &[String],
    syntax: Syntax,
    folds_case: bool,
    words: bool,
    lines: bool,
) -> Result<Regex, RegexError> {
    let one = |pattern: &str| match syntax {
        Syntax::Basic => translate(pattern, Dialect::Basic),
        Syntax::Extended => translate(pattern, Dialect::Extended),
        Syntax::Fixed => Ok(regex::escape(pattern)),
        Syntax::Perl => Ok(pattern.to_owned()),
    };
    let each = patterns.iter().flat_map(|text| text.split('\n')).map(|pattern| Ok(format!("(?:{})", one(pattern)?)));
    let mut whole = each.collect::<Result<Vec<String>, RegexError>>()?.join("|");
    if lines {
        whole = format!("^(?:{whole})$");
    } else if words {
        whole = format!("\\b{{start-half}}(?:{whole})\\b{{end-half}}");
    }
    let mut builder = RegexBuilder::new(&whole);
    builder.case_insensitive(folds_case).multi_line(true).size_limit(MOST_MEMORY).nest_limit(DEEPEST);
    builder.build().map_err(|error| {
        let text = error.to_string();
        let last = text.lines().rev().find_map(|line| line.strip_prefix("error: "));
        RegexError::Other(last.unwrap_or(&text).to_owned())
    })
}

impl Matching {
    /// What a line has to be like.
    pub fn new(regex: Regex, inverts: bool, is_text: bool, most: u64) -> Self {
        let single = inverts || ["\\A", "\\z"].iter().any(|anchor| regex.as_str().contains(anchor));
        Self { regex, inverts, single, is_text, most, around: Around::default() }
    }

    /// The same, with lines around those that are meant.
    #[must_use]
    pub fn around(self, around: Around) -> Self {
        Self { around, ..self }
    }

    pub(super) fn holds(&self, line: &[u8]) -> bool {
        self.regex.is_match(line) != self.inverts
    }

    /// The parts of a line that match.
    pub fn parts<'l>(&self, line: &'l [u8]) -> Vec<&'l [u8]> {
        self.regex.find_iter(line).map(|found| found.as_bytes()).filter(|part| !part.is_empty()).collect()
    }
}
