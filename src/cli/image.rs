use clap::Subcommand;

use super::error::CliError;
use super::session::Session;
use super::{build, history, images, import, inspect, load, prune, pull, push, rmi, save, tag};

/// Manage images
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Build(Box<build::Args>),
    History(history::Args),
    Import(import::Args),
    Inspect(inspect::Args),
    Load(load::Args),
    #[command(alias = "list")]
    Ls(images::Args),
    Prune(prune::Args),
    Pull(pull::Args),
    Push(push::Args),
    #[command(aliases = ["remove", "rmi"])]
    Rm(rmi::Args),
    Save(save::Args),
    Tag(tag::Args),
}

impl Args {
    /// What must be done before the process has threads.
    pub(super) fn prepare(&mut self) {
        if let Command::Build(args) = &mut self.command {
            args.enter_namespace();
        }
    }

    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        match self.command {
            Command::Build(args) => args.run(session),
            Command::History(args) => args.run(session),
            Command::Import(args) => args.run(session),
            Command::Inspect(args) => args.run(session),
            Command::Load(args) => args.run(session),
            Command::Ls(args) => args.run(session),
            Command::Prune(args) => args.run(session),
            Command::Pull(args) => args.run(session),
            Command::Push(args) => args.run(session),
            Command::Rm(args) => args.run(session),
            Command::Save(args) => args.run(session),
            Command::Tag(args) => args.run(session),
        }
    }
}
