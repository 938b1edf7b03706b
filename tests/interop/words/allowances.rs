//! What may differ between docker and imgtool, and why.

use std::fmt;

use crate::support::session::Answer;

/// Something that may differ in the cases that name it.
pub(super) struct Allowance {
    pub(super) name: &'static str,
    /// Why it differs.
    #[expect(dead_code, reason = "it is for people")]
    reason: &'static str,
    /// What is done to both answers before they are compared.
    change: fn(&mut Words),
}

pub(super) const ALLOWANCES: &[Allowance] = &[
    Allowance {
        name: "any-order",
        reason: "docker takes the names of one image from a Go map: their order is another each time",
        change: |words| words.stdout = sorted(&words.stdout),
    },
    Allowance {
        name: "digest",
        reason: "docker's classic store knows a manifest's digest only after pull or push; every image here has one",
        change: |words| words.stdout = without_digests(&words.stdout),
    },
    Allowance {
        name: "canonical",
        reason: "engine 20.10 compares a pattern with the familiar name only, newer ones also with the whole name",
        change: Words::forget_streams,
    },
    Allowance {
        name: "newer-filters",
        reason: "engine 20.10 lacks until and label! for lists, and takes dangling=1 for a mistake, dangling=maybe for none",
        change: Words::forget,
    },
    Allowance {
        name: "typo",
        reason: "client 28.2 says `SRun` where all others say `See`",
        change: |words| words.stderr = words.stderr.replace("SRun '", "See '"),
    },
    Allowance {
        name: "ambiguous",
        reason: "docker says that there is no such image where there are several",
        change: |words| words.stderr.clear(),
    },
    Allowance {
        name: "which",
        reason: "engine 20.10 says `reference does not exist`, and not which",
        change: |words| words.stderr.clear(),
    },
    Allowance {
        name: "bytes",
        reason: "docker frees unpacked layers; here blobs are freed as they are stored, manifests and configs too",
        change: Words::forget_freed_bytes,
    },
    Allowance { name: "own-help", reason: "help lists the commands that there are", change: Words::forget_streams },
    Allowance {
        name: "own-usage",
        reason: "a directory or an image is where docker has a container",
        change: |words| words.forget_lines(&["Usage:  "]),
    },
    Allowance {
        name: "in-vain",
        reason: "there is no daemon, and the flags that are for it are said to do nothing",
        change: |words| words.forget_lines(&["--debug", "--log-level"]),
    },
    Allowance {
        name: "template-name",
        reason: "docker's template of versions has a name, which its message begins with",
        change: |words| {
            let text = words.stderr.replace("template: version:1", "template: :1");
            words.stderr = text.replace("executing \"version\"", "executing \"\"");
        },
    },
    Allowance {
        name: "says-more",
        reason: "docker says what its temporary folder lacks, or what its engine stumbled on; imgtool names the file",
        change: |words| words.stderr.clear(),
    },
    Allowance {
        name: "go-types",
        reason: "a number of docker's is an int64, a time.Duration, or at the second try a string: JSON does not say which",
        change: Words::forget,
    },
    Allowance {
        name: "ids-of-all",
        reason: "docker prints the ID of every image if the last one has no name; imgtool that of those without a name",
        change: |words| {
            let kept = words.stdout.lines().filter(|line| !line.starts_with("Loaded image ID: "));
            words.stdout = kept.map(|line| line.to_owned() + "\n").collect();
        },
    },
    Allowance {
        name: "went-along",
        reason: "20.10 fails for an ID that goes with another of the same command, whichever comes first; 29 does not",
        change: |words| {
            words.code = 0;
            words.stderr.clear();
        },
    },
    Allowance {
        name: "newer-join",
        reason: "from 29 on join takes lists and maps, and says so",
        change: |words| words.stderr.clear(),
    },
];

/// What engine 20.10 and client 28.2 say, and what newer ones do.
const NEWER_WORDS: [(&str, &str, &str); 8] = [
    ("Invalid filter ''", "invalid filter", "an empty key is no longer quoted"),
    ("Invalid filter", "invalid filter", "errors begin with a small letter"),
    ("No such object", "no such object", "errors begin with a small letter"),
    ("Invalid containerPort", "invalid containerPort", "errors begin with a small letter"),
    ("Unknown type", "unknown type", "errors begin with a small letter"),
    ("No such manifest", "no such manifest", "errors begin with a small letter"),
    ("Error parsing reference", "error parsing reference", "errors begin with a small letter"),
    ("is not a valid change command", "is not a valid change command", "instructions are named as they were typed"),
];

/// An answer as it is compared.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Words {
    /// Docker's answer, or imgtool's, changed as the case allows.
    pub(super) fn new(answer: &Answer, allowed: &[&str]) -> Self {
        let stderr = newer(&without_talk(&without_prefixes(&answer.stderr)));
        let mut words = Self { code: answer.code, stdout: in_groups(&answer.out()), stderr };
        for allowance in ALLOWANCES.iter().filter(|allowance| allowed.contains(&allowance.name)) {
            (allowance.change)(&mut words);
        }
        words
    }

    /// All may differ but whether it succeeded.
    fn forget_streams(&mut self) {
        self.stdout.clear();
        self.stderr.clear();
    }

    /// That it ran is all.
    fn forget(&mut self) {
        self.forget_streams();
        self.code = 0;
    }

    /// Lines of stderr that begin so.
    fn forget_lines(&mut self, beginnings: &[&str]) {
        let kept = self.stderr.lines().filter(|line| !beginnings.iter().any(|beginning| line.starts_with(beginning)));
        self.stderr = kept.map(|line| line.to_owned() + "\n").collect();
    }

    fn forget_freed_bytes(&mut self) {
        let line = |line: &str| match line.split_once("Total reclaimed space: ") {
            Some((before, bytes)) if bytes != "0B" => format!("{before}Total reclaimed space: (bytes)\n"),
            _ => format!("{line}\n"),
        };
        self.stdout = self.stdout.lines().map(line).collect();
    }
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

/// Who says it: docker's client labels what the engine said, imgtool labels every error.
fn without_prefixes(stderr: &str) -> String {
    const LABELS: [&str; 3] = ["Error response from daemon: ", "Error: ", "error: "];
    let strip = |line: &str| {
        let label = LABELS.iter().find_map(|label| line.strip_prefix(label));
        label.unwrap_or(line).to_owned() + "\n"
    };
    stderr.lines().map(strip).collect()
}

/// What imgtool says beyond docker: hints, and what may have been meant.
fn without_talk(stderr: &str) -> String {
    let said: Vec<&str> = stderr
        .lines()
        .filter(|line| !line.starts_with("hint: ") && !line.to_lowercase().starts_with("did you mean "))
        .collect();
    // The empty line around them goes, too.
    let mut text = said.join("\n") + "\n";
    while text.contains("\n\n\n") {
        text = text.replace("\n\n\n", "\n\n");
    }
    if said.is_empty() { String::new() } else { text }
}

/// The words of newer versions in place of those of 20.10 and 28.2.
fn newer(stderr: &str) -> String {
    let mut text = stderr.to_owned();
    for (old, new, _) in NEWER_WORDS {
        text = text.replace(old, new);
    }
    let line = |line: &str| {
        // Newer ones name the repository: `repository name (library/Nothing) must be lowercase`.
        let line = match (line.find("repository name ("), line.find(") must be lowercase")) {
            (Some(from), Some(to)) => format!("{}repository name{}", &line[..from], &line[to + 1..]),
            _ => line.to_owned(),
        };
        match line.split_once(" is not a valid change command") {
            Some((instruction, rest)) => {
                format!("{} is not a valid change command{rest}\n", instruction.to_lowercase())
            }
            None => line + "\n",
        }
    };
    text.lines().map(line).collect()
}

/// The lines of one image, which docker shows in no order, sorted: those that follow each other and show the same ID.
fn in_groups(stdout: &str) -> String {
    let id = |line: &str| {
        let words = line.split(|c: char| !c.is_ascii_alphanumeric());
        words
            .filter(|word| matches!(word.len(), 12 | 64))
            .find(|word| word.bytes().all(|b| b.is_ascii_hexdigit()))
            .map(str::to_owned)
    };
    let mut lines: Vec<&str> = stdout.split_inclusive('\n').collect();
    for group in lines.chunk_by_mut(|one, other| id(one).is_some() && id(one) == id(other)) {
        group.sort_unstable();
    }
    lines.concat()
}

fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// Digests as docker shows one that it does not know, and columns as wide as their words.
fn without_digests(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, digest)) = rest.split_once("sha256:") {
        shown.push_str(before);
        shown.push_str("<none>");
        rest = digest.trim_start_matches(|c: char| c.is_ascii_hexdigit());
    }
    shown.push_str(rest);
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n";
    shown.replace("\\u003cnone\\u003e", "<none>").lines().map(line).collect()
}
