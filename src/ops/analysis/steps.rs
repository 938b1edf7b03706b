//! What made a layer, in the words of a Dockerfile.

use crate::image::Image;
use crate::oci::History;

/// What made a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What the history says, unchanged; none if it says nothing of this layer.
    pub history: Option<String>,
    /// The same as a Dockerfile would have it, on one line: `RUN apt-get update`.
    pub line: String,
    /// Which kind of instruction it is.
    pub kind: StepKind,
}

/// The kind of instruction that made a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// `RUN` of a shell.
    Run,
    /// `COPY` or `ADD` of a build context.
    Copy,
    /// `ADD` of a whole root file system, or what else makes the lowest layer of a base image.
    Base,
    /// Anything else, or nothing is known.
    Other,
}

/// What made each layer, the lowest first. Histories may be shorter than there are layers, or missing.
pub(super) fn steps(image: &Image) -> Vec<Step> {
    let history = &image.config.value().history;
    let mut made = history.iter().filter(|step| !step.empty_layer).map(History::what_it_was);
    image.layers.iter().map(|_| made.next().map_or_else(Step::unknown, Step::read)).collect()
}

impl Step {
    fn unknown() -> Self {
        Self { history: None, line: "(unknown)".to_owned(), kind: StepKind::Other }
    }

    /// Reads what docker's builder, buildkit or another tool wrote.
    pub(super) fn read(history: &str) -> Self {
        let text = one_line(history);
        let text = text.strip_suffix("# buildkit").unwrap_or(&text).trim();
        let (line, kind) = if let Some(said) = text.strip_prefix("/bin/sh -c #(nop)") {
            let said = said.trim();
            (said.to_owned(), copies(said))
        } else if let Some(run) = text.strip_prefix("RUN ") {
            let shell = without_arguments(run.trim());
            match shell.strip_prefix("/bin/sh -c ") {
                Some(command) => (format!("RUN {}", command.trim()), StepKind::Run),
                None => (format!("RUN {shell}"), StepKind::Run),
            }
        } else if let Some(command) = without_arguments(text).strip_prefix("/bin/sh -c ") {
            (format!("RUN {}", command.trim()), StepKind::Run)
        } else {
            (text.to_owned(), copies(text))
        };
        let line = if line.is_empty() { "(unknown)".to_owned() } else { line };
        Self { history: Some(history.to_owned()), line, kind }
    }
}

fn copies(said: &str) -> StepKind {
    // The base images of Debian.
    if said.starts_with("# debian.sh ") {
        return StepKind::Base;
    }
    match said.split_once(' ') {
        Some(("ADD", files)) if files.ends_with(" /") => StepKind::Base,
        Some(("ADD" | "COPY", _)) => StepKind::Copy,
        _ => StepKind::Other,
    }
}

/// Without the build arguments that docker writes in front of the shell: `|2 A=1 B=2 /bin/sh -c …`.
fn without_arguments(text: &str) -> &str {
    if !text.starts_with('|') {
        return text;
    }
    text.find("/bin/sh -c ").map_or(text, |at| &text[at..])
}

/// With single spaces, and no line ends.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histories_become_lines_of_a_dockerfile() {
        let cases = [
            ("/bin/sh -c #(nop) ADD file:1a in / ", "ADD file:1a in /", StepKind::Base),
            ("/bin/sh -c #(nop) COPY file:1a in /etc/x ", "COPY file:1a in /etc/x", StepKind::Copy),
            ("/bin/sh -c apt-get update \t&& true", "RUN apt-get update && true", StepKind::Run),
            ("RUN /bin/sh -c make # buildkit", "RUN make", StepKind::Run),
            ("RUN |2 A=1 B=x y /bin/sh -c make # buildkit", "RUN make", StepKind::Run),
            ("|1 A=1 /bin/sh -c make", "RUN make", StepKind::Run),
            ("RUN /bin/true # buildkit", "RUN /bin/true", StepKind::Run),
            ("COPY . /app # buildkit", "COPY . /app", StepKind::Copy),
            ("COPY . / # buildkit", "COPY . /", StepKind::Copy),
            ("ADD alpine-minirootfs.tar.gz / # buildkit", "ADD alpine-minirootfs.tar.gz /", StepKind::Base),
            (
                "# debian.sh --arch 'amd64' out/ 'bookworm' '@1749513600'",
                "# debian.sh --arch 'amd64' out/ 'bookworm' '@1749513600'",
                StepKind::Base,
            ),
            ("bazel build ...", "bazel build ...", StepKind::Other),
            ("", "(unknown)", StepKind::Other),
        ];
        for (history, line, kind) in cases {
            let step = Step::read(history);
            assert_eq!((&*step.line, step.kind), (line, kind), "{history:?}");
        }
    }
}
