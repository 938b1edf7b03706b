//! Wrong use, in docker's words: what is wrong, how the command is used, where to read more.

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Arg, Command, CommandFactory as _};

use super::Cli;
use super::elsewhere;
use super::error::CliError;
use super::line::{CommandLine, Wrong, flags_of};
use super::suggest::nearest;
use crate::ui::Ui;

/// Docker's exit code for flags that it does not know.
const BAD_FLAG: u8 = 125;

/// Prints help, or what clap found wrong, and gives the exit code.
pub(super) fn explain(ui: &Ui, error: &clap::Error, line: &CommandLine<'_>) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayVersion => {
            // Whatever name it was called by, this is what it is.
            shown(ui, &format!("imgtool {}\n", env!("CARGO_PKG_VERSION")))
        }
        ErrorKind::DisplayHelp => shown(ui, &help(ui, line)),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            // Docker's client says it on standard error, and does not count it as a failure.
            ui.note(help(ui, line).trim_end());
            ExitCode::SUCCESS
        }
        ErrorKind::InvalidSubcommand => explain_command(ui, line),
        _ => {
            let text = error.render().to_string();
            let text = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            explain_flag(ui, &Wrong { command: line.command, path: line.name(), message: text, unknown: None })
        }
    }
}

/// Tells of a command that is not there: what to do instead, or which one was probably meant.
fn explain_command(ui: &Ui, line: &CommandLine<'_>) -> ExitCode {
    let wrong = line.unknown.as_ref().map(|word| word.to_string_lossy()).unwrap_or_default();
    let path = line.name();
    let group = path.split_once(' ').map_or("", |(_, group)| group);
    if let Some(advice) = elsewhere::instead(group, &wrong) {
        ui.error(&format!("{path} {wrong}: {advice}"));
        return ExitCode::FAILURE;
    }
    let known = line.command.get_subcommands().filter(|below| !below.is_hide_set()).map(Command::get_name);
    let near = nearest(&wrong, known).map(|near| format!("\n\nDid you mean '{path} {near}'?")).unwrap_or_default();
    // Docker's usage of `manifest` names more than the other groups'.
    let more = if group == "manifest" { " COMMAND" } else { "" };
    let own = if group.is_empty() { String::new() } else { format!("Usage:  {path}{more}\n\n") };
    let program = line.path[0];
    ui.note(&format!(
        "{program}: unknown command: {path} {wrong}{near}\n\n{own}Run '{path} --help' for more information"
    ));
    ExitCode::FAILURE
}

/// Tells a flag that was typed wrong, and gives the exit code.
pub(super) fn explain_flag(ui: &Ui, wrong: &Wrong<'_>) -> ExitCode {
    let Wrong { command, path, message, unknown } = wrong;
    let flags = flags_of(command).filter(|arg| !arg.is_hide_set()).filter_map(Arg::get_long);
    let near = unknown.as_deref().and_then(|flag| nearest(flag.trim_start_matches('-'), flags));
    let near = near.map(|near| format!("\nDid you mean --{near}?")).unwrap_or_default();
    let usage = usage_line(command, path);
    ui.note(&format!("{message}{near}\n\n{usage}\n\nRun '{path} --help' for more information"));
    if let Some(hint) = unknown.as_deref().and_then(|flag| other_way(command.get_name(), flag)) {
        ui.note(&format!("hint: {hint}"));
    }
    ExitCode::from(BAD_FLAG)
}

/// What to type instead of a flag that another command has for this.
fn other_way(command: &str, flag: &str) -> Option<&'static str> {
    match (command, flag) {
        ("load", "-o" | "--output") => Some("the archive to load is named by -i, --input"),
        ("save" | "export", "-i" | "--input") => Some("the file to write is named by -o, --output"),
        ("import", "-i" | "--input") => Some("the archive is named without a flag: import FILE [NAME]"),
        _ => None,
    }
}

/// All commands, with what clap adds to them, under the name by which the program was called.
pub(super) fn program(name: &'static str) -> Command {
    let mut program = Cli::command().name(name).bin_name(name);
    program.build();
    program
}

/// The command that was typed, for messages.
#[derive(Debug, Clone)]
pub(super) struct Called {
    /// The name of the program: `imgtool`, or `docker`.
    pub(super) program: &'static str,
    /// The names of the commands below it: `image`, `ls`.
    pub(super) names: Vec<String>,
    usage: String,
}

impl Called {
    pub(super) fn new(program: &'static str, line: &CommandLine<'_>) -> Self {
        let names = line.path[1..].iter().map(|name| (*name).to_owned()).collect();
        Self { program, names, usage: usage_line(line.command, &line.name()) }
    }

    /// All names, that of the program first.
    pub(super) fn path(&self) -> String {
        format!("{} {}", self.program, self.names.join(" "))
    }
}

/// How many arguments a command takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arity {
    /// None at all.
    None,
    /// So many, neither more nor fewer.
    Exactly(usize),
    /// At least so many.
    AtLeast(usize),
    /// At most so many.
    AtMost(usize),
    /// From so many to so many.
    Between(usize, usize),
}

/// Checks the number of arguments of the command that was typed.
pub(super) fn check(arity: Arity, given: &[String], called: &Called) -> Result<(), CliError> {
    let plural = |count: usize| if count == 1 { "argument" } else { "arguments" };
    let (wrong, see) = match arity {
        Arity::None if !given.is_empty() => ("accepts no arguments".to_owned(), "Run"),
        Arity::Exactly(count) if given.len() != count => (format!("requires {count} {}", plural(count)), "Run"),
        Arity::AtLeast(count) if given.len() < count => (format!("requires at least {count} {}", plural(count)), "See"),
        Arity::AtMost(count) if given.len() > count => (format!("requires at most {count} {}", plural(count)), "See"),
        Arity::Between(least, most) if !(least..=most).contains(&given.len()) => {
            (format!("requires at least {least} and at most {most} {}", plural(most)), "Run")
        }
        _ => return Ok(()),
    };
    let (Called { program, usage, .. }, path) = (called, called.path());
    let text = format!("{program}: '{path}' {wrong}\n\n{usage}\n\n{see} '{path} --help' for more information");
    Err(CliError::Usage(text))
}

fn shown(ui: &Ui, text: &str) -> ExitCode {
    ui.data(text).map_or_else(|error| CliError::from(error).report(ui), |()| ExitCode::SUCCESS)
}

/// The help of the command that was typed.
fn help(ui: &Ui, line: &CommandLine<'_>) -> String {
    let global: Vec<&Arg> = line.global_flags().filter(|arg| !arg.is_hide_set()).collect();
    super::help::page(line.command, &line.name(), &global, ui.columns())
}

fn usage_line(command: &Command, path: &str) -> String {
    if command.has_subcommands() {
        let more = if path.contains(' ') { "" } else { " [OPTIONS] COMMAND [ARG...]" };
        return format!("Usage:  {path}{more}");
    }
    let usage = command.clone().render_usage().to_string();
    let words = usage.trim_start_matches("Usage:").trim();
    // Each command's own usage begins with its shortest name, which is not always the one that was typed.
    let rest = words.split_once(' ').map_or("", |(_, rest)| rest).trim();
    format!("Usage:  {path} {rest}")
}
