//! Wrong use, in docker's words: what is wrong, how the command is used, where to read more.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory as _};

use super::Cli;
use super::elsewhere;
use super::error::CliError;
use super::flags::Wrong;
use crate::ui::Ui;

/// Docker's exit code for flags that it does not know.
const BAD_FLAG: u8 = 125;

/// Prints help, or what clap found wrong, and gives the exit code.
pub(super) fn explain(ui: &Ui, error: &clap::Error, typed: &[OsString]) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayVersion => {
            // Whatever name it was called by, this is what it is.
            let _ = ui.line(&format!("imgtool {}", super::version::VERSION));
            return ExitCode::SUCCESS;
        }
        ErrorKind::DisplayHelp => {
            return shown(ui, &help(ui, typed));
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            // Docker's client says it on standard error, and does not count it as a failure.
            ui.note(help(ui, typed).trim_end());
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let (command, path) = find(typed);
    let usage = usage_line(&command, &path);
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    let wrong = context(ContextKind::InvalidArg).unwrap_or_default();
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let wrong = context(ContextKind::InvalidSubcommand).unwrap_or_default();
            let group = path.split_once(' ').map_or("", |(_, group)| group);
            if let Some(advice) = elsewhere::instead(group, &wrong) {
                ui.error(&format!("{path} {wrong}: {advice}"));
                return ExitCode::FAILURE;
            }
            let near = context(ContextKind::SuggestedSubcommand);
            let near = near.map(|near| format!("\n\nDid you mean '{path} {near}'?")).unwrap_or_default();
            // Docker's usage of `manifest` names more than the other groups'.
            let more = if group == "manifest" { " COMMAND" } else { "" };
            let own = if group.is_empty() { String::new() } else { format!("Usage:  {path}{more}\n\n") };
            let program = program_name(typed);
            ui.note(&format!(
                "{program}: unknown command: {path} {wrong}{near}\n\n{own}Run '{path} --help' for more information"
            ));
            ExitCode::FAILURE
        }
        ErrorKind::UnknownArgument if wrong.starts_with('-') => {
            let near =
                context(ContextKind::SuggestedArg).map(|near| format!("\nDid you mean {near}?")).unwrap_or_default();
            ui.note(&format!("unknown flag: {wrong}{near}\n\n{usage}\n\nRun '{path} --help' for more information"));
            ExitCode::from(BAD_FLAG)
        }
        _ => {
            let text = error.render().to_string();
            let text = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            ui.note(&format!("{text}\n\n{usage}\n\nRun '{path} --help' for more information"));
            ExitCode::from(BAD_FLAG)
        }
    }
}

/// Tells a flag that was typed wrong, and gives the exit code.
pub(super) fn explain_flag(ui: &Ui, wrong: &Wrong) -> ExitCode {
    if let Some(flag) = &wrong.unknown {
        let line: Vec<OsString> = wrong.path.iter().cloned().chain([flag.into()]).collect();
        if let Err(error) = program(&line).try_get_matches_from(&line) {
            return explain(ui, &error, &line);
        }
    }
    let (command, path) = find(&wrong.path);
    let usage = usage_line(&command, &path);
    ui.note(&format!("{}\n\n{usage}\n\nRun '{path} --help' for more information", wrong.message));
    ExitCode::from(BAD_FLAG)
}

/// The command line as clap knows it, under the name by which it was called.
pub(super) fn program(typed: &[OsString]) -> Command {
    let name = program_name(typed);
    Cli::command().name(name).bin_name(name)
}

/// Called by the name `docker`, as by a link of that name, the program speaks of itself so.
pub(super) fn program_name(typed: &[OsString]) -> &'static str {
    let name = typed.first().and_then(|path| Path::new(path).file_name());
    if name.is_some_and(|name| name == "docker") { "docker" } else { "imgtool" }
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
pub(super) fn check(arity: Arity, given: &[String], typed: &[OsString]) -> Result<(), CliError> {
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
    let (command, path) = find(typed);
    let usage = usage_line(&command, &path);
    let program = program_name(typed);
    let text = format!("{program}: '{path}' {wrong}\n\n{usage}\n\n{see} '{path} --help' for more information");
    Err(CliError::Usage(text))
}

fn shown(ui: &Ui, text: &str) -> ExitCode {
    ui.data(text).map_or_else(|error| CliError::from(error).report(ui), |()| ExitCode::SUCCESS)
}

/// All commands, with what clap adds to them.
pub(super) fn commands() -> Command {
    let mut program = Cli::command();
    program.build();
    program
}

/// The help of the command that was typed.
fn help(ui: &Ui, typed: &[OsString]) -> String {
    let (command, path) = find(typed);
    let program = Cli::command();
    let global: Vec<&Arg> = program.get_arguments().filter(|arg| arg.is_global_set() && !arg.is_hide_set()).collect();
    super::help::page(&command, &path, &global, ui.columns())
}

/// The command that was typed, and its name with those above it.
fn find(typed: &[OsString]) -> (Command, String) {
    let mut command = program(typed);
    let mut path = command.get_name().to_owned();
    let before_arguments = typed.iter().skip(1).take_while(|word| *word != "--");
    for word in before_arguments.filter_map(|word| word.to_str()) {
        if let Some(below) = command.find_subcommand(word).cloned() {
            path = format!("{path} {}", below.get_name());
            command = below;
        }
    }
    (command, path)
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
