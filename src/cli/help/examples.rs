//! Commands to learn from, for the help and the manual pages. A test parses each of them.

use super::rows;

/// A command line, and what it is good for.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Example {
    /// What it does, as one would say it to somebody who asks.
    pub(in crate::cli) what: &'static str,
    /// What to type.
    pub(in crate::cli) line: &'static str,
}

/// The examples of a command, by its name with those above it, under any of its names.
pub(in crate::cli) fn of(path: &str) -> Vec<Example> {
    let words = path.split_once(' ').map_or("", |(_, words)| words);
    let name = match words.split_once(' ') {
        Some(("image", "ls" | "list")) => "images",
        Some(("image", "rm" | "remove")) => "rmi",
        Some(("image", name)) if name != "prune" => name,
        Some(("container", name)) => name,
        Some(("builder", "build")) => "build",
        _ => words,
    };
    let row = rows::all().find(|(command, _)| *command == name);
    row.map_or_else(Vec::new, |(_, rows)| rows.iter().map(|(what, line)| Example { what, line }).collect())
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _, Parser as _};

    use std::ffi::OsString;

    use super::*;
    use crate::cli::Cli;
    use crate::cli::line::CommandLine;

    /// All commands that are to be seen, by their names.
    fn all(command: &Command, path: &str, found: &mut Vec<String>) {
        found.push(path.to_owned());
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            all(below, &format!("{path} {}", below.get_name()), found);
        }
    }

    /// The words of a shell's line; a pipe, a redirection or the next command ends them.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
        for letter in line.chars() {
            match (quote, letter) {
                (Some(open), letter) if open == letter => quote = None,
                (None, '\'' | '"') => {
                    quote = Some(letter);
                    word.get_or_insert_default();
                }
                (None, ' ') => words.extend(word.take()),
                (None, '|' | '>' | ')') => break,
                (_, letter) => word.get_or_insert_default().push(letter),
            }
        }
        words.extend(word);
        words
    }

    #[test]
    fn every_command_has_examples_that_parse() {
        let (mut paths, mut wrong) = (Vec::new(), Vec::new());
        let program = crate::cli::usage::program("imgtool");
        all(&Cli::command(), "imgtool", &mut paths);
        assert!(paths.len() > 20, "{paths:?}");
        for path in paths {
            let examples = of(&path);
            if !(2..=5).contains(&examples.len()) {
                wrong.push(format!("{path} has {} examples", examples.len()));
            }
            for Example { what, line } in examples {
                let Some(at) = line.find("imgtool ") else { continue };
                let typed = words(&line[at..]);
                let typed: Vec<OsString> = typed.into_iter().map(Into::into).collect();
                let typed = match CommandLine::read(&program, &typed[1..]).for_clap() {
                    Ok(words) => words,
                    Err(mistake) => {
                        wrong.push(format!("{path}: {line}: {}", mistake.message));
                        continue;
                    }
                };
                let is_help = typed.last().is_some_and(|word| word == "--help");
                match Cli::try_parse_from(&typed) {
                    Err(error) if !(is_help && error.kind() == clap::error::ErrorKind::DisplayHelp) => {
                        wrong.push(format!("{path}: {line}: {error}"));
                    }
                    _ => {}
                }
                assert!(!what.ends_with('.'), "{what}");
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn an_example_shows_its_own_command() {
        for (name, examples) in rows::all().filter(|(name, _)| !["", "help", "manifest", "image"].contains(name)) {
            let of_it = examples.iter().filter(|(_, line)| line.contains(&format!("imgtool {name}"))).count();
            assert!(of_it >= examples.len().div_ceil(2), "{name}");
        }
    }

    #[test]
    fn a_line_is_read_as_a_shell_reads_it() {
        assert_eq!(words("a 'b c' \"d\" e'f'g '' | h"), ["a", "b c", "d", "efg", ""]);
    }
}
