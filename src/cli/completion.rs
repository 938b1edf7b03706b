use super::completes::Completes;
use super::error::CliError;
use super::usage::{self, Arity, Called};
use crate::ui::Ui;

/// Print the completion script for a shell
///
/// The script completes commands, flags, files, and image names.
#[derive(Debug, clap::Args)]
#[command(override_usage = "completion SHELL")]
pub(super) struct Args {
    /// The shell: bash, fish or zsh
    #[arg(value_name = "SHELL", add = Completes::Each(&[Completes::Words(&["bash", "fish", "zsh"])]))]
    shell: Vec<String>,
}

impl Args {
    pub(super) fn run(self, ui: &Ui, called: &Called) -> Result<(), CliError> {
        usage::check(Arity::Exactly(1), &self.shell, called)?;
        Ok(ui.data(match &*self.shell[0] {
            "bash" => include_str!("completion/imgtool.bash"),
            "fish" => include_str!("completion/imgtool.fish"),
            "zsh" => include_str!("completion/_imgtool"),
            other => {
                return Err(CliError::Plain(format!("unknown shell {other:?}; supported shells: bash, fish, zsh")));
            }
        })?)
    }
}
