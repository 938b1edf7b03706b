//! What may differ between docker and imgtool, and why.

use std::fmt;

use crate::support::session::Answer;

/// Something that may differ in the cases that name it.
pub(super) struct Allowance {
    pub(super) name: &'static str,
    /// Why it differs.
    #[expect(dead_code, reason = "it is for people")]
    reason: &'static str,
    /// What is done to docker's answer, or to both, before they are compared.
    change: Change,
}

enum Change {
    /// The lines of stdout are compared in sorted order.
    AnyOrder,
}

pub(super) const ALLOWANCES: &[Allowance] = &[Allowance {
    name: "any-order",
    reason: "docker takes the names of one image from a Go map: their order is another each time",
    change: Change::AnyOrder,
}];

/// An answer as it is compared.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    code: i32,
    stdout: String,
    stderr: String,
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.stdout.split_inclusive('\n') {
            write!(f, "  {line}")?;
        }
        if !self.stdout.is_empty() && !self.stdout.ends_with('\n') {
            writeln!(f, "[no line end]")?;
        }
        for line in self.stderr.lines() {
            writeln!(f, "! {line}")?;
        }
        writeln!(f, "[exit {}]", self.code)
    }
}

/// docker's answer, changed as the case allows.
pub(super) fn docker(answer: Answer, allowed: &[&str]) -> Words {
    changed(answer, allowed)
}

/// imgtool's answer, changed as the case allows.
pub(super) fn ours(answer: Answer, allowed: &[&str]) -> Words {
    changed(answer, allowed)
}

fn changed(answer: Answer, allowed: &[&str]) -> Words {
    let mut words = Words { code: answer.code, stdout: answer.out(), stderr: without_prefixes(&answer.stderr) };
    for allowance in ALLOWANCES.iter().filter(|allowance| allowed.contains(&allowance.name)) {
        match allowance.change {
            Change::AnyOrder => {
                let mut lines: Vec<&str> = words.stdout.lines().collect();
                lines.sort_unstable();
                words.stdout = lines.join("\n");
            }
        }
    }
    words
}

/// Who says it: docker's client labels what the engine said, imgtool labels every error.
fn without_prefixes(stderr: &str) -> String {
    let strip = |line: &str| {
        ["Error response from daemon: ", "Error: ", "error: "]
            .iter()
            .fold(line.to_owned(), |line, prefix| line.strip_prefix(prefix).map_or(line.clone(), str::to_owned))
    };
    stderr.lines().map(|line| strip(line) + "\n").collect()
}
