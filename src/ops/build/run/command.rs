//! The words of a `RUN`: its form, its shell and its heredocs, as docker turns them into a program.

use crate::dockerfile::{CommandForm, Heredoc, Run};

/// The words of a program, and the script that it needs at `/dev/pipes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunCommand {
    /// The program and its arguments.
    pub args: Vec<String>,
    /// The name and the text of a script.
    pub script: Option<(String, String)>,
}

/// The folder of scripts.
pub(super) const SCRIPTS: &str = "/dev/pipes";

/// What a `RUN` runs. `shell` are the words of `SHELL`.
///
/// A line that is nothing but `<<EOF` means the text itself, as a script for the shell, or a program of its own if it
/// begins with `#!`. Other heredocs are left to the shell.
pub fn command(run: &Run, shell: &[String]) -> RunCommand {
    let line = match &run.command {
        CommandForm::Exec(words) => return RunCommand { args: words.clone(), script: None },
        CommandForm::Shell(line) => line.as_deref().unwrap_or_default(),
    };
    let mut script = None;
    let text = match run.heredocs.first() {
        None => line.to_owned(),
        Some(first) if is_heredoc_only(line) && first.content.starts_with("#!") => {
            script = Some((first.name.clone(), first.content.clone()));
            format!("{SCRIPTS}/{}", first.name)
        }
        Some(first) if is_heredoc_only(line) => first.content.clone(),
        Some(_) => with_heredocs(line, &run.heredocs),
    };
    RunCommand { args: shell.iter().cloned().chain([text]).collect(), script }
}

/// The line with its heredocs as they stood below it.
fn with_heredocs(line: &str, heredocs: &[Heredoc]) -> String {
    let mut text = line.to_owned();
    for heredoc in heredocs {
        text.push('\n');
        text.push_str(&heredoc.content);
        text.push_str(&heredoc.name);
    }
    text
}

/// Whether a line is `<<NAME`, `<<-NAME` or `3<<"NAME"`, and nothing else.
fn is_heredoc_only(line: &str) -> bool {
    let rest = line.trim().trim_start_matches(|letter: char| letter.is_ascii_digit());
    let Some(name) = rest.strip_prefix("<<") else { return false };
    let name = name.strip_prefix('-').unwrap_or(name);
    let quote = name.chars().next().filter(|letter| matches!(letter, '"' | '\''));
    let inner = match quote {
        Some(quote) => name.strip_prefix(quote).and_then(|name| name.strip_suffix(quote)),
        None => Some(name),
    };
    let is_plain = |letter: char| !letter.is_whitespace() && !"<>|&;()$`\"'".contains(letter);
    inner.is_some_and(|name| !name.is_empty() && (quote.is_some() || name.chars().all(is_plain))) && !name.contains('<')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str, heredocs: &[(&str, &str)]) -> Run {
        let heredoc = |&(name, content): &(&str, &str)| Heredoc {
            name: name.to_owned(),
            content: content.to_owned(),
            ..Heredoc::default()
        };
        Run {
            command: CommandForm::Shell(Some(line.to_owned())),
            heredocs: heredocs.iter().map(heredoc).collect(),
            mounts: Vec::new(),
            network: None,
            security: None,
        }
    }

    #[test]
    fn heredocs_are_scripts_files_or_left_to_the_shell() {
        let shell = ["/bin/sh".to_owned(), "-c".to_owned()];
        let last = |run: &Run| command(run, &shell).args.pop().expect("a word");
        assert_eq!(last(&run("echo a", &[])), "echo a");
        assert_eq!(last(&run("<<EOF", &[("EOF", "a\nb\n")])), "a\nb\n");
        assert_eq!(last(&run("<<-'EOF'", &[("EOF", "a\n")])), "a\n");
        assert_eq!(last(&run("cat <<A && cat <<B", &[("A", "1\n"), ("B", "2\n")])), "cat <<A && cat <<B\n1\nA\n2\nB");
        assert_eq!(last(&run("<<'EOF' | python", &[("EOF", "x\n")])), "<<'EOF' | python\nx\nEOF");
        let script = command(&run("<<EOF", &[("EOF", "#!/bin/awk\nx\n")]), &shell);
        assert_eq!(script.args, ["/bin/sh", "-c", "/dev/pipes/EOF"]);
        assert_eq!(script.script, Some(("EOF".to_owned(), "#!/bin/awk\nx\n".to_owned())));
        let exec = Run { command: CommandForm::Exec(vec!["a b".to_owned()]), ..run("", &[]) };
        assert_eq!(command(&exec, &shell).args, ["a b"]);
    }
}
