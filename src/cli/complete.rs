//! What may come next on a command line, for the shells' completion scripts.
//!
//! ```text
//! imgtool __complete WORD...     the words behind the program's name up to the cursor, the last one unfinished
//!
//! [files] [dirs]                 the first line: whether the shell is to add paths
//! CANDIDATE [tab DESCRIPTION]    a whole word, what it has already included
//! ```

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Arg, Command};

use super::completes::Completes;
use super::credentials;
use super::help;
use super::line::CommandLine;
use super::session;
use crate::cancel::Token;
use crate::store::Store;
use crate::ui::{OutputError, Ui};

/// The command that the scripts call.
pub(super) const NAME: &str = "__complete";
/// More than this nobody reads, and a shell takes long to show them.
const MOST_NAMES: usize = 2000;

/// What may come next.
#[derive(Debug, Default, PartialEq)]
struct Answer {
    files: bool,
    dirs: bool,
    /// Whole words, with what each means.
    words: BTreeMap<String, String>,
}

/// Prints what may follow the words that were typed; nothing of it is ever an error.
pub(super) fn run(ui: &Ui, program: &Command, typed: &[OsString]) -> Result<(), OutputError> {
    let names = |root: Option<&str>| {
        let root = root.map(PathBuf::from).or_else(session::root);
        root.map(|root| names(&Store::new(root))).unwrap_or_default()
    };
    let servers = || {
        let store = credentials::open(None, &Token::new());
        store.map(|store| store.servers().into_iter().filter(|server| is_plain(server)).collect()).unwrap_or_default()
    };
    let answer = complete(program, typed, Known { names: &names, servers: &servers });
    let mut text = String::new();
    text.push_str(if answer.files { "files" } else { "" });
    text.push_str(if answer.dirs { " dirs" } else { "" });
    text.push('\n');
    for (word, meaning) in answer.words {
        let _ = if meaning.is_empty() { writeln!(text, "{word}") } else { writeln!(text, "{word}\t{meaning}") };
    }
    ui.data(&text)
}

/// The names in a store. One that a shell could take for more than a word is left out.
fn names(store: &Store) -> Vec<String> {
    let catalog = store.catalog().ok();
    let entries = catalog.iter().flat_map(|catalog| catalog.entries());
    let named = entries.filter_map(|entry| {
        let foreign = || entry.foreign_name().map(str::to_owned);
        entry.name.as_ref().map(crate::oci::Reference::familiar).or_else(foreign)
    });
    named.filter(|name| is_plain(name)).collect()
}

/// Whether a shell takes it for no more than a word.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/:@+".contains(&byte))
}

/// What this machine knows.
#[derive(Clone, Copy)]
struct Known<'a> {
    /// Gives the names of the images in a store.
    names: &'a dyn Fn(Option<&str>) -> Vec<String>,
    /// Gives the registries that docker's config knows.
    servers: &'a dyn Fn() -> Vec<String>,
}

fn complete(program: &Command, words: &[OsString], known: Known<'_>) -> Answer {
    let Some((current, before)) = words.split_last() else { return Answer::default() };
    let current = &*current.to_string_lossy();
    let line = CommandLine::read(program, before);
    let mut question = Question { line: &line, current, known, answer: Answer::default() };
    let flag = current.split_once('=').filter(|_| current.starts_with("--"));
    match (&line.pending, flag) {
        (Some((arg, _)), _) => question.value(arg, ""),
        (None, Some((flag, _))) if !line.flags_ended => {
            if let Some(arg) = line.flag(&flag[2..]) {
                question.value(arg, &format!("{flag}="));
            }
        }
        _ if current.starts_with('-') && !line.flags_ended => question.flags(),
        _ if line.command.has_subcommands() && line.unknown.is_none() => question.commands(),
        _ if !line.is_help_topic => question.operand(),
        _ => {}
    }
    let mut answer = question.answer;
    answer.words.retain(|word, _| word.starts_with(current));
    answer
}

/// One unfinished line, and what has been found for it.
struct Question<'a> {
    line: &'a CommandLine<'a>,
    current: &'a str,
    known: Known<'a>,
    answer: Answer,
}

impl Question<'_> {
    fn add(&mut self, words: impl IntoIterator<Item = String>) {
        self.answer.words.extend(words.into_iter().map(|word| (word, String::new())));
    }

    fn commands(&mut self) {
        let shown = self.line.command.get_subcommands().filter(|below| !below.is_hide_set());
        let about = |below: &Command| below.get_about().map(ToString::to_string).unwrap_or_default();
        self.answer.words.extend(shown.map(|below| (below.get_name().to_owned(), about(below))));
        if self.line.path.len() == 1 && !self.line.is_help_topic {
            self.answer.words.insert("help".to_owned(), "Show help for a command".to_owned());
        }
    }

    fn flags(&mut self) {
        for arg in self.line.all_flags().filter(|arg| !arg.is_hide_set()) {
            let Some(long) = arg.get_long() else { continue };
            self.answer.words.insert(format!("--{long}"), help::flag(arg).1);
        }
        self.answer.words.insert("--help".to_owned(), "Print help".to_owned());
    }

    /// The value of a flag, behind `prefix`.
    fn value(&mut self, arg: &Arg, prefix: &str) {
        let choices = help::choices(arg);
        if !choices.is_empty() {
            return self.add(choices.into_iter().map(|choice| format!("{prefix}{choice}")));
        }
        if let Some(completes) = arg.get::<Completes>() {
            self.completed(*completes, prefix);
        }
    }

    /// The next argument that is no flag.
    fn operand(&mut self) {
        let Some(completes) = self.line.command.get_positionals().find_map(|arg| arg.get::<Completes>()) else {
            return;
        };
        match completes {
            Completes::Each(each) => {
                if let Some(next) = each.get(self.line.arguments.len()) {
                    self.completed(*next, "");
                }
            }
            other => self.completed(*other, ""),
        }
    }

    fn completed(&mut self, completes: Completes, prefix: &str) {
        match completes {
            Completes::Files => self.answer.files = true,
            Completes::Dirs => self.answer.dirs = true,
            Completes::Images => self.images(&self.current[prefix.len()..], prefix),
            Completes::ImagesOrDirs => {
                self.images(self.current, prefix);
                self.answer.dirs = true;
            }
            Completes::Servers => self.add((self.known.servers)()),
            Completes::Words(words) => self.add(words.iter().map(|word| format!("{prefix}{word}"))),
            Completes::Each(_) => {}
        }
    }

    /// Images are called by their names, or are files.
    fn images(&mut self, typed: &str, prefix: &str) {
        if typed.starts_with(['.', '/', '~']) {
            self.answer.files = true;
            return;
        }
        let root = self.line.root.as_ref().map(|root| root.to_string_lossy());
        let names = (self.known.names)(root.as_deref());
        let fitting = names.into_iter().filter(|name| name.starts_with(typed)).take(MOST_NAMES);
        self.add(fitting.map(|name| format!("{prefix}{name}")));
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    fn answer(line: &str) -> String {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let names = |root: Option<&str>| match root {
            None => vec!["ubuntu:14.04".to_owned(), "ubuntu:22.04".to_owned(), "app:1".to_owned()],
            Some(root) => vec![format!("in-{root}:1")],
        };
        let mut program = Cli::command();
        program.build();
        let servers = || vec!["ghcr.io".to_owned(), "localhost:5000".to_owned()];
        let Answer { files, dirs, words } = complete(&program, &words, Known { names: &names, servers: &servers });
        let paths = [files.then_some("<files>"), dirs.then_some("<dirs>")].into_iter().flatten().map(str::to_owned);
        paths.chain(words.into_keys()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_may_come_next() {
        let cases = [
            ("hist", "history"),
            ("image l", "load ls"),
            ("help his", "history"),
            ("help image l", "load ls"),
            ("help save ", ""),
            ("history ub", "ubuntu:14.04 ubuntu:22.04"),
            ("history ubuntu:1", "ubuntu:14.04"),
            ("inspect ub", "ubuntu:14.04 ubuntu:22.04"),
            ("image inspect ap", "app:1"),
            ("manifest inspect ap", "app:1"),
            ("image history ", "app:1 ubuntu:14.04 ubuntu:22.04"),
            ("history ubuntu:14.04 ", ""),
            ("history ./", "<files>"),
            ("history --quiet ap", "app:1"),
            ("history --format ap ap", "app:1"),
            ("--root x history in", "in-x:1"),
            ("history --root=x in", "in-x:1"),
            ("save app:1 ub", "ubuntu:14.04 ubuntu:22.04"),
            ("save -o ", "<files>"),
            ("save -o x --comp", "--compress"),
            ("save --format ", "docker docker-legacy oci"),
            ("save --format=d", "--format=docker --format=docker-legacy"),
            ("save --progress p", "plain"),
            ("load -i ", "<files>"),
            ("load -qi ", "<files>"),
            ("load -q ", ""),
            ("load --on", "--only"),
            ("unpack ap", "app:1"),
            ("unpack app:1 ", "<dirs>"),
            ("commit ", "<dirs>"),
            ("commit tree ap", "app:1"),
            ("commit --from=ub", "--from=ubuntu:14.04 --from=ubuntu:22.04"),
            ("commit --from ./", "<files>"),
            ("diff ap", "<dirs> app:1"),
            ("import ", "<files>"),
            ("tag app:1 ub", "ubuntu:14.04 ubuntu:22.04"),
            ("images --filter d", "dangling=true"),
            ("completion ", "bash fish zsh"),
            ("login lo", "localhost:5000"),
            ("logout ", "ghcr.io localhost:5000"),
            ("logout ghcr.io ", ""),
            ("--ro", "--root"),
            ("rmi -- --", ""),
            ("nosuch ", ""),
        ];
        for (line, expected) in cases {
            assert_eq!(answer(line), expected, "imgtool {line}");
        }
    }

    #[test]
    fn every_command_is_offered() {
        let offered = answer("");
        for name in Cli::command().get_subcommands().filter(|below| !below.is_hide_set()).map(Command::get_name) {
            assert!(offered.split(' ').any(|word| word == name), "{name} is not in {offered}");
        }
    }
}
