//! The page that `--help` prints, made from what clap knows of a command.

use std::fmt::Write as _;

use clap::{Arg, Command};

use super::examples;
use crate::ui::text::width;

/// The commands that look into images.
const LOOKING: &[&str] = &[
    "ls",
    "tree",
    "cat",
    "cp",
    "find",
    "grep",
    "sum",
    "layers",
    "which",
    "analyze",
    "packages",
    "report",
    "check-base",
];

/// The commands that make other images of images.
const EDITING: &[&str] = &["edit", "append", "squash", "strip", "rebase"];

/// What the commands of the program are grouped by, in this order; what is in no group comes in the last one.
const GROUPS: &[(&str, &[&str])] = &[
    ("Registries", &["pull", "push", "login", "logout", "search", "tags", "catalog", "delete"]),
    ("Archives", &["load", "save", "import", "export"]),
    ("Images", &["images", "history", "inspect", "tag", "rmi", "verify"]),
    ("Directories", &["unpack", "diff", "commit"]),
    ("What Is in an Image", LOOKING),
    ("Editing", EDITING),
    ("Management Commands", &["container", "image", "manifest", "system"]),
    ("Commands", &[]),
];

/// The heading of the global flags that say how registries are reached.
pub(in crate::cli) const REGISTRY_FLAGS: &str = "Registry Options";

/// The other commands that may use a registry: with all others, those flags are not shown.
const WITH_REGISTRY: &[&str] = &[
    "pull", "push", "delete", "login", "search", "tags", "catalog", "history", "inspect", "export", "save", "diff",
    "unpack", "verify", "images", "manifest", "build",
];

/// The whole page. `columns` is how wide it may be.
pub(in crate::cli) fn page(command: &Command, path: &str, global: &[&Arg], columns: usize) -> String {
    let mut page = format!("Usage:  {}\n\n", usage(command, path));
    for paragraph in about(command) {
        let _ = writeln!(page, "{}\n", wrapped(&paragraph, 0, columns));
    }
    let called = aliases(path);
    if called.len() > 1 {
        let _ = writeln!(page, "Aliases:\n  {}\n", called.join(", "));
    }
    page.push_str(&commands(command, path, columns));
    page.push_str(&section("Options", &flags(command), columns));
    let examples = examples::of(path);
    if !examples.is_empty() {
        page.push_str("Examples:\n");
        for example in examples {
            let _ = writeln!(page, "  # {}\n  {}", example.what, example.line);
        }
        page.push('\n');
    }
    let (registry, global): (Vec<&Arg>, Vec<&Arg>) =
        global.iter().partition(|arg| arg.get_help_heading() == Some(REGISTRY_FLAGS));
    let is_one = |word: &str| [WITH_REGISTRY, LOOKING, EDITING].iter().any(|names| names.contains(&word));
    if path.split(' ').skip(1).any(is_one) {
        page.push_str(&section(REGISTRY_FLAGS, &registry, columns));
    }
    page.push_str(&section("Global Options", &global, columns));
    if command.has_subcommands() {
        let _ = writeln!(page, "Run '{path} COMMAND --help' for more information on a command.");
    }
    page.trim_end().to_owned() + "\n"
}

/// `imgtool save [OPTIONS] IMAGE [IMAGE...]`.
pub(in crate::cli) fn usage(command: &Command, path: &str) -> String {
    if command.has_subcommands() {
        let options = if path.contains(' ') { "" } else { " [OPTIONS]" };
        return format!("{path}{options} COMMAND");
    }
    let usage = command.clone().render_usage().to_string();
    let words = usage.trim_start_matches("Usage:").trim();
    // Each command's own usage begins with its shortest name, which is not always the one that was typed.
    let rest = words.split_once("[OPTIONS]").map(|(_, rest)| format!("[OPTIONS]{rest}"));
    let rest = rest.unwrap_or_else(|| words.split_once(' ').map_or("", |(_, rest)| rest).to_owned());
    format!("{path} {rest}").trim_end().to_owned()
}

/// What the command is for, a paragraph a string.
pub(in crate::cli) fn about(command: &Command) -> Vec<String> {
    let text = command.get_long_about().or_else(|| command.get_about()).map(ToString::to_string).unwrap_or_default();
    text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// All ways to call a command that docker has two names for; the one that was typed is among them.
pub(in crate::cli) fn aliases(path: &str) -> Vec<String> {
    const BOTH: [(&str, &str, &[&str]); 13] = [
        ("commit", "container", &["commit"]),
        ("cp", "container", &["cp"]),
        ("diff", "container", &["diff"]),
        ("export", "container", &["export"]),
        ("history", "image", &["history"]),
        ("images", "image", &["ls", "list"]),
        ("import", "image", &["import"]),
        ("load", "image", &["load"]),
        ("pull", "image", &["pull"]),
        ("push", "image", &["push"]),
        ("rmi", "image", &["rm", "remove"]),
        ("save", "image", &["save"]),
        ("tag", "image", &["tag"]),
    ];
    let (program, words) = path.split_once(' ').unwrap_or((path, ""));
    let (below, name) = words.split_once(' ').unwrap_or(("", words));
    let row = BOTH.iter().find(|(top, group, under)| match below {
        "" => *top == name,
        below => below == *group && under.contains(&name),
    });
    row.map_or_else(Vec::new, |(top, group, under)| {
        let under = under.iter().map(|name| format!("{program} {group} {name}"));
        under.chain([format!("{program} {top}")]).collect()
    })
}

/// The flags of the command's own that are to be seen, by name.
pub(in crate::cli) fn flags(command: &Command) -> Vec<&Arg> {
    let mut flags: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_positional() && !arg.is_hide_set() && !arg.is_global_set())
        .filter(|arg| !["help", "version"].contains(&arg.get_id().as_str()))
        .collect();
    flags.sort_by_key(|arg| arg.get_long().map(str::to_owned));
    flags
}

/// `-o, --output FILE`, and what it does.
pub(in crate::cli) fn flag(arg: &Arg) -> (String, String) {
    let mut name = match arg.get_short() {
        Some(short) => format!("-{short}"),
        None => "  ".to_owned(),
    };
    if let Some(long) = arg.get_long() {
        let between = if arg.get_short().is_some() { ", " } else { "  " };
        let _ = write!(name, "{between}--{long}");
    }
    if let (true, Some(value)) = (takes_one(arg), arg.get_value_names().and_then(|names| names.first())) {
        let _ = write!(name, " {value}");
    }
    let mut help = arg.get_help().map(|help| help.to_string().replace('\n', " ")).unwrap_or_default();
    let choices = choices(arg);
    if choices.iter().any(|choice| !help.contains(choice)) {
        let _ = write!(help, " ({})", choices.join(", "));
    }
    (name, help)
}

/// The values that a flag takes, if it takes no others.
pub(in crate::cli) fn choices(arg: &Arg) -> Vec<String> {
    let all = if takes_one(arg) { arg.get_possible_values() } else { Vec::new() };
    all.iter().filter(|value| !value.is_hide_set()).map(|value| value.get_name().to_owned()).collect()
}

/// Whether the flag is followed by a value.
fn takes_one(arg: &Arg) -> bool {
    arg.get_action().takes_values() && arg.get_num_args().is_none_or(|range| range.min_values() > 0)
}

fn commands(command: &Command, path: &str, columns: usize) -> String {
    let row = |below: &Command| {
        let about = below.get_about().map(ToString::to_string).unwrap_or_default();
        (below.get_name().to_owned(), about.replace('\n', " "))
    };
    let shown: Vec<&Command> =
        command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help").collect();
    if path.contains(' ') {
        return rows("Commands", &shown.iter().map(|below| row(below)).collect::<Vec<_>>(), columns);
    }
    let grouped = |name: &str| GROUPS.iter().any(|(_, names)| names.contains(&name));
    let mut text = String::new();
    for (heading, names) in GROUPS.iter().copied() {
        let named = names.iter().filter_map(|name| shown.iter().find(|below| below.get_name() == *name));
        let others = shown.iter().filter(|below| names.is_empty() && !grouped(below.get_name()));
        let mut listed: Vec<_> = named.chain(others).map(|below| row(below)).collect();
        if names.is_empty() {
            listed.push(("help".to_owned(), "Show help for a command".to_owned()));
            listed.sort();
        }
        if !listed.is_empty() {
            text.push_str(&rows(heading, &listed, columns));
        }
    }
    text
}

fn section(heading: &str, flags: &[&Arg], columns: usize) -> String {
    rows(heading, &flags.iter().map(|arg| flag(arg)).collect::<Vec<_>>(), columns)
}

/// Two columns below a heading; nothing, if there are no rows.
fn rows(heading: &str, rows: &[(String, String)], columns: usize) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let first = rows.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let mut text = format!("{heading}:\n");
    for (name, what) in rows {
        let _ = writeln!(text, "  {name:<first$}   {}", wrapped(what, first + 5, columns));
    }
    text + "\n"
}

/// The least room for a text, however narrow the terminal.
const LEAST: usize = 24;

/// Lines of whole words, all but the first behind `indent` spaces.
fn wrapped(text: &str, indent: usize, columns: usize) -> String {
    let room = columns.saturating_sub(indent).max(LEAST);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_whole() {
        assert_eq!(wrapped("aaaa bbbb cccc dddd eeee ffff", 2, 26), "aaaa bbbb cccc dddd eeee\n  ffff");
        assert_eq!(wrapped("", 2, 26), "");
        let long = "x".repeat(60);
        assert_eq!(wrapped(&format!("a {long} b"), 0, 10), format!("a\n{long}\nb"));
    }

    #[test]
    fn both_names_of_a_command() {
        assert_eq!(aliases("imgtool image list"), ["imgtool image ls", "imgtool image list", "imgtool images"]);
        assert_eq!(aliases("docker save"), ["docker image save", "docker save"]);
        assert_eq!(aliases("imgtool unpack"), [""; 0]);
        assert_eq!(aliases("imgtool system df"), [""; 0]);
    }
}
