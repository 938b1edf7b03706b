use std::ffi::OsString;

use super::error::CliError;
use super::usage::{self, Arity};
use crate::ui::Ui;

/// Print the completion script for a shell
///
/// With it, commands, flags, files, and the names and tags of images complete.
#[derive(Debug, clap::Args)]
#[command(override_usage = "completion SHELL")]
pub(super) struct Args {
    /// The shell: bash, fish or zsh
    #[arg(value_name = "SHELL")]
    shell: Vec<String>,
}

impl Args {
    pub(super) fn run(self, ui: &Ui, typed: &[OsString]) -> Result<(), CliError> {
        usage::check(Arity::Exactly(1), &self.shell, typed)?;
        Ok(ui.data(match &*self.shell[0] {
            "bash" => include_str!("completion/imgtool.bash"),
            "fish" => include_str!("completion/imgtool.fish"),
            "zsh" => include_str!("completion/_imgtool"),
            other => {
                return Err(CliError::Plain(format!("no completion for {other:?}: the shells are bash, fish, zsh")));
            }
        })?)
    }
}
