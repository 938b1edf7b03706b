use super::error::CliError;
use crate::ui::Ui;

/// Print the completion script for a shell
///
/// With it, commands, flags, files, and the names and tags of images complete.
#[derive(Debug, clap::Args)]
#[command(override_usage = "completion SHELL")]
pub(super) struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Shell {
    Bash,
    Fish,
    Zsh,
}

impl Args {
    pub(super) fn run(self, ui: &Ui) -> Result<(), CliError> {
        Ok(ui.data(match self.shell {
            Shell::Bash => include_str!("completion/imgtool.bash"),
            Shell::Fish => include_str!("completion/imgtool.fish"),
            Shell::Zsh => include_str!("completion/_imgtool"),
        })?)
    }
}
