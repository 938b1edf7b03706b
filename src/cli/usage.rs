//! Wrong use, in docker's words: what is wrong, how the command is used, where to read more.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory as _};

use super::Cli;
use super::error::CliError;
use crate::ui::Ui;

/// Docker's exit code for flags that it does not know.
const BAD_FLAG: u8 = 125;

/// Prints help, or what clap found wrong, and gives the exit code.
pub(super) fn explain(ui: &Ui, error: &clap::Error, typed: &[OsString]) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A closed pipe (`--help | head`) is nothing to talk about.
            let text = match error.kind() {
                ErrorKind::DisplayHelp => help(ui, typed),
                _ => error.render().to_string(),
            };
            return shown(ui, &text);
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            return shown(ui, &help(ui, typed));
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
            let near = context(ContextKind::SuggestedSubcommand);
            let near = near.map(|near| format!("\n\nDid you mean '{path} {near}'?")).unwrap_or_default();
            let own = if path == "imgtool" { String::new() } else { format!("Usage:  {path} COMMAND\n\n") };
            ui.note(&format!(
                "imgtool: unknown command: {path} {wrong}{near}\n\n{own}Run '{path} --help' for more information"
            ));
            ExitCode::FAILURE
        }
        ErrorKind::UnknownArgument if wrong.starts_with('-') => {
            let what = match wrong.strip_prefix("--") {
                Some(_) => format!("unknown flag: {wrong}"),
                None => format!("unknown shorthand flag: '{}' in {wrong}", wrong.trim_start_matches('-')),
            };
            let near =
                context(ContextKind::SuggestedArg).map(|near| format!("\nDid you mean {near}?")).unwrap_or_default();
            ui.note(&format!("{what}{near}\n\n{usage}\n\nRun '{path} --help' for more information"));
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
}

/// Checks the number of arguments of the command that was typed.
pub(super) fn check(arity: Arity, given: &[String], typed: &[OsString]) -> Result<(), CliError> {
    let plural = |count: usize| if count == 1 { "argument" } else { "arguments" };
    let (wrong, see) = match arity {
        Arity::None if !given.is_empty() => ("accepts no arguments".to_owned(), "Run"),
        Arity::Exactly(count) if given.len() != count => (format!("requires {count} {}", plural(count)), "See"),
        Arity::AtLeast(count) if given.len() < count => (format!("requires at least {count} {}", plural(count)), "See"),
        Arity::AtMost(count) if given.len() > count => (format!("requires at most {count} {}", plural(count)), "See"),
        _ => return Ok(()),
    };
    let (command, path) = find(typed);
    let usage = usage_line(&command, &path);
    Err(CliError::Usage(format!("imgtool: '{path}' {wrong}\n\n{usage}\n\n{see} '{path} --help' for more information")))
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
    let mut command = Cli::command();
    let mut path = command.get_name().to_owned();
    for word in typed.iter().skip(1).filter_map(|word| word.to_str()) {
        if let Some(below) = command.find_subcommand(word).cloned() {
            path = format!("{path} {}", below.get_name());
            command = below;
        }
    }
    (command, path)
}

fn usage_line(command: &Command, path: &str) -> String {
    let usage = command.clone().render_usage().to_string();
    let words = usage.trim_start_matches("Usage:").trim();
    // Each command's own usage begins with its shortest name, which is not always the one that was typed.
    let rest = words.split_once(' ').map_or("", |(_, rest)| rest).trim();
    format!("Usage:  {path} {rest}")
}
