use std::fs;
use std::io;
use std::path::Path;

use clap::Command;
use roff::{Inline, Roff, bold, italic, roman};

use super::completes::Completes;
use super::error::CliError;
use super::help::{self, Example};
use super::registry_hint::HELPER_TIME_VARIABLE;
use super::usage::{self, Arity, Called};
use crate::ui::Ui;

/// Write the manual pages into a directory
///
/// One page for imgtool, and one for each of its commands, as imgtool-COMMAND.1. The directory is created if it does
/// not exist; man finds pages in ~/.local/share/man/man1.
#[derive(Debug, clap::Args)]
#[command(override_usage = "man DIR")]
pub(super) struct Args {
    /// The directory
    #[arg(value_name = "DIR", add = Completes::Each(&[Completes::Dirs]))]
    directory: Vec<String>,
}

impl Args {
    pub(super) fn run(self, ui: &Ui, program: &Command, called: &Called) -> Result<(), CliError> {
        usage::check(Arity::Exactly(1), &self.directory, called)?;
        let directory = Path::new(&self.directory[0]);
        let failed = |path: &Path, error: &io::Error| {
            let text = error.to_string();
            CliError::Plain(format!("{}: {}", path.display(), text.split(" (os error").next().unwrap_or_default()))
        };
        fs::create_dir_all(directory).map_err(|error| failed(directory, &error))?;
        let mut pages = Vec::new();
        add_pages(program, program, "imgtool", &mut pages);
        for (name, page) in &pages {
            let path = directory.join(format!("{name}.1"));
            fs::write(&path, page).map_err(|error| failed(&path, &error))?;
        }
        Ok(ui.line(&format!("{} pages are in {}", pages.len(), directory.display()))?)
    }
}

/// The page of a command and those of all below it, by their names.
fn add_pages(program: &Command, command: &Command, path: &str, pages: &mut Vec<(String, String)>) {
    pages.push((path.replace(' ', "-"), page(program, command, path)));
    for below in below(command) {
        add_pages(program, below, &format!("{path} {}", below.get_name()), pages);
    }
}

fn below(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help")
}

fn page(program: &Command, command: &Command, path: &str) -> String {
    let (name, mut page) = (path.replace(' ', "-"), Roff::new());
    let version = format!("imgtool {}", env!("CARGO_PKG_VERSION"));
    let about = help::about(command);
    let short = command.get_about().map(ToString::to_string).unwrap_or_default().replace('\n', " ");
    page.control("SH", ["NAME"]).text([roman(format!("{name} - {short}"))]);
    page.control("SH", ["SYNOPSIS"]);
    synopsis(&mut page, command, path);
    page.control("SH", ["DESCRIPTION"]);
    for (n, paragraph) in about.into_iter().enumerate() {
        if n > 0 {
            page.control("PP", []);
        }
        page.text([roman(paragraph)]);
    }
    let flags = help::flags(command);
    if !flags.is_empty() {
        page.control("SH", ["OPTIONS"]);
        for arg in flags {
            flag(&mut page, arg);
        }
    }
    if command.has_subcommands() {
        page.control("SH", ["COMMANDS"]);
        for below in below(command) {
            let about = below.get_about().map(ToString::to_string).unwrap_or_default().replace('\n', " ");
            page.control("TP", []).text([bold(format!("{name}-{}", below.get_name())), roman("(1)")]);
            page.text([roman(about)]);
        }
    }
    page.control("SH", ["GLOBAL OPTIONS"]);
    let global = program.get_arguments().filter(|arg| arg.is_global_set() && !arg.is_hide_set());
    global.for_each(|arg| flag(&mut page, arg));
    examples(&mut page, &help::examples(path));
    for (heading, rows) in EVERYWHERE {
        page.control("SH", [heading]);
        for (term, meaning) in rows {
            page.control("TP", []).text([bold(*term)]).text([roman(*meaning)]);
        }
    }
    see_also(&mut page, command, path);
    // The same program writes the same pages: they have no date.
    format!(".TH {} 1 \"\" \"{version}\" \"User Commands\"\n{}", name.to_uppercase(), page.render())
}

fn synopsis(page: &mut Roff, command: &Command, path: &str) {
    let mut ways = help::aliases(path);
    if ways.is_empty() {
        ways.push(path.to_owned());
    }
    for (n, way) in ways.iter().enumerate() {
        if n > 0 {
            page.control("br", []);
        }
        let usage = help::usage(command, way);
        let rest = usage.strip_prefix(&**way).unwrap_or_default().to_owned();
        page.text([bold(way), roman(rest)]);
    }
}

fn flag(page: &mut Roff, arg: &clap::Arg) {
    let (name, what) = help::flag(arg);
    let mut words: Vec<Inline> = Vec::new();
    for word in name.split_whitespace() {
        if !words.is_empty() {
            words.push(roman(" "));
        }
        words.push(if word.starts_with('-') { bold(word) } else { italic(word) });
    }
    page.control("TP", []).text(words).text([roman(what)]);
}

fn examples(page: &mut Roff, examples: &[Example]) {
    page.control("SH", ["EXAMPLES"]);
    for (n, Example { what, line }) in examples.iter().enumerate() {
        if n > 0 {
            page.control("PP", []);
        }
        page.text([roman(format!("{what}:"))]);
        page.control("PP", []).control("RS", ["4"]).control("nf", []);
        page.text([roman(*line)]);
        page.control("fi", []).control("RE", []);
    }
}

fn see_also(page: &mut Roff, command: &Command, path: &str) {
    let above = path.rsplit_once(' ').map(|(above, _)| above.replace(' ', "-"));
    let mut pages: Vec<String> = above.into_iter().collect();
    pages.extend(below(command).map(|below| format!("{}-{}", path.replace(' ', "-"), below.get_name())));
    page.control("SH", ["SEE ALSO"]);
    let mut text: Vec<Inline> = Vec::new();
    for (n, name) in pages.iter().enumerate() {
        text.extend([bold(name), roman(if n + 1 < pages.len() { "(1), " } else { "(1)" })]);
    }
    page.text(text);
}

type Rows = &'static [(&'static str, &'static str)];

/// What is true of every command.
const EVERYWHERE: [(&str, Rows); 3] = [
    (
        "EXIT STATUS",
        &[
            ("0", "Success, also if the reader of standard output closed it early, as head does."),
            ("1", "An error; the message is on standard error."),
            ("64", "The template of inspect, version or info could not be parsed."),
            ("125", "An unknown flag, or an invalid value for a flag."),
            ("129, 130, 143", "Killed by SIGHUP, SIGINT (Ctrl-C) or SIGTERM, after removing what was incomplete."),
            ("141", "The reader of an archive on standard output closed it before the end."),
        ],
    ),
    (
        "ENVIRONMENT",
        &[
            ("IMGTOOL_ROOT", "Directory of the image store; --root overrides it."),
            (
                "XDG_DATA_HOME, HOME",
                "Default place of the store: $XDG_DATA_HOME/imgtool, or $HOME/.local/share/imgtool.",
            ),
            (
                "DOCKER_CONFIG",
                "Directory of docker's config.json with the credentials for registries; default $HOME/.docker.",
            ),
            ("DOCKER_AUTH_CONFIG", "Credentials in the form of a config.json; they come before those of the file."),
            (
                "REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, XDG_CONFIG_HOME",
                "Where podman's auth.json is, which is read after docker's file.",
            ),
            (HELPER_TIME_VARIABLE, "How long a credential helper may take, in seconds; default 20."),
            ("DOCKER_DEFAULT_PLATFORM", "Platform of images imported without --platform."),
            ("SOURCE_DATE_EPOCH", "Time stamp of everything written, in seconds since 1970, for reproducible output."),
            (
                "NO_COLOR, TERM",
                "No colours if NO_COLOR is not empty or TERM is dumb. Colours are only used on a terminal.",
            ),
            ("http_proxy, https_proxy, all_proxy, no_proxy", "Proxies that import uses."),
        ],
    ),
    (
        "FILES",
        &[
            ("~/.local/share/imgtool", "The image store, an OCI image layout that other tools can read."),
            (
                "~/.local/share/imgtool/imgtool",
                "imgtool's own files: locks, layer indexes, and snapshots of unpacked directories.",
            ),
            ("~/.docker/config.json", "Docker's credentials for registries, which login and logout change."),
        ],
    ),
];
