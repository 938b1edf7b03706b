//! What was found, and how docker prints it.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::ops::RangeInclusive;

use super::super::error::ParseError;
use super::super::excerpt::{excerpt_of, lines_of};
use super::options::CheckOptions;
use super::rule::Rule;

/// A place in a Dockerfile that a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// The first and the last line, counted from 1.
    pub lines: RangeInclusive<usize>,
    /// What is there, in docker's words.
    pub message: String,
}

/// As docker lists it after a build: `Rule: message (line 1)`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (line {})", self.rule.name(), self.message, self.lines.start())
    }
}

/// A Dockerfile that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What was found, from the first line to the last.
    pub findings: Vec<Finding>,
    /// Why the Dockerfile cannot be built at all.
    pub problem: Option<ParseError>,
    /// Whether a finding ends a build (`# check=error=true`).
    pub is_error: bool,
}

impl Checked {
    /// What `docker build --check` prints for a Dockerfile of this name and text. The problem is not in it.
    ///
    /// ```text
    /// Check complete, 1 warning has been found!
    ///
    /// WARNING: MaintainerDeprecated - https://docs.docker.com/go/dockerfile/rule/maintainer-deprecated/
    /// Maintainer instruction is deprecated in favor of using label
    /// Dockerfile:2
    /// --------------------
    ///    1 |     FROM scratch
    ///    2 | >>> MAINTAINER me
    /// --------------------
    /// ```
    pub fn text(&self, name: &str, text: &str) -> String {
        let mut out = match self.findings.len() {
            0 if self.problem.is_some() => String::new(),
            0 => "Check complete, no warnings found.\n".to_owned(),
            1 => "Check complete, 1 warning has been found!\n".to_owned(),
            count => format!("Check complete, {count} warnings have been found!\n"),
        };
        let source = lines_of(text);
        for finding in &self.findings {
            let Finding { rule, lines, message } = finding;
            let _ = write!(out, "\nWARNING: {} - {}\n{message}\n", rule.name(), rule.url());
            out += &excerpt_of(name, &source, lines);
        }
        out
    }

    /// Why a build ends here, with `# check=error=true`: the rules that are violated.
    pub fn violation(&self) -> Option<String> {
        let rules: BTreeSet<&str> = self.findings.iter().map(|finding| finding.rule.name()).collect();
        let rules: Vec<&str> = rules.into_iter().collect();
        (self.is_error && !rules.is_empty()).then(|| format!("lint violation found for rules: {}", rules.join(", ")))
    }
}

/// More findings are not kept: nobody reads them, and each shows lines of the Dockerfile.
const MOST: usize = 1000;

/// Collects what is found by the rules that count.
pub(super) struct Findings {
    options: CheckOptions,
    found: Vec<Finding>,
}

impl Findings {
    pub(super) fn new(options: CheckOptions) -> Self {
        Self { options, found: Vec::new() }
    }

    pub(super) fn add(&mut self, rule: Rule, lines: &RangeInclusive<usize>, message: String) {
        if self.found.len() < MOST && self.options.includes(rule) {
            self.found.push(Finding { rule, lines: lines.clone(), message });
        }
    }

    pub(super) fn finish(mut self, problem: Option<ParseError>) -> Checked {
        self.found.sort_by_key(|finding| *finding.lines.start());
        Checked { findings: self.found, problem, is_error: self.options.is_error }
    }
}
