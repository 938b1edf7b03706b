use clap::Subcommand;

use super::error::CliError;
use super::session::Session;
use super::{commit, diff, export, files};

/// Manage unpacked images: directories, which stand here for docker's containers
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Commit(commit::Args),
    Cp(files::cp::Args),
    Diff(diff::Args),
    Export(export::Args),
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        match self.command {
            Command::Commit(args) => args.run(session),
            Command::Cp(args) => args.run(session),
            Command::Diff(args) => args.run(session),
            Command::Export(args) => args.run(session),
        }
    }
}
