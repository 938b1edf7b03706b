//! The command line: docker's flags and docker's words, one file a command.
//!
//! A command is a struct whose doc comments are its help, and a `run` that calls [`ops`](crate::ops) and prints what
//! comes back. What was typed is turned into what it means here; nothing below reads the environment or the clock.

mod analyze;
mod append;
mod build;
mod builder;
mod catalog;
mod check_base;
mod commit;
mod complete;
mod completes;
mod completion;
mod container;
mod copy;
mod credentials;
mod daemon;
mod delete;
mod diff;
mod edit;
mod elsewhere;
mod error;
mod export;
mod files;
mod help;
mod history;
mod image;
mod image_diff;
mod images;
mod import;
mod info;
mod inspect;
mod line;
mod load;
mod login;
mod logout;
mod made;
mod man;
mod manifest;
mod method;
mod name;
mod network;
mod packages;
mod prompt;
mod prune;
mod pull;
mod push;
mod rebase;
mod registry;
mod registry_hint;
mod report;
mod rmi;
mod save;
mod search;
mod serve;
mod session;
mod signals;
mod squash;
mod strip;
mod suggest;
mod system;
mod tag;
mod tags;
mod target;
mod time;
mod tree;
mod unpack;
mod usage;
mod verify;
mod version;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{FromArgMatches as _, Parser, Subcommand};

use crate::cancel::Token;
use crate::ui::{ProgressMode, Ui};
use completes::Completes;
use error::CliError;
use line::CommandLine;
use session::Session;
use usage::Called;

const ROOT_HELP: &str =
    "Directory of the image store [default: $IMGTOOL_ROOT, or $XDG_DATA_HOME/imgtool, or ~/.local/share/imgtool]";

const CONFIG_HELP: &str =
    "Directory of docker's config.json, with the credentials for registries [default: $DOCKER_CONFIG, or ~/.docker]";

/// Docker's image commands without Docker: no daemon, no root.
#[derive(Debug, Parser)]
#[command(
    name = "imgtool",
    version,
    disable_version_flag = true,
    disable_help_subcommand = true,
    infer_subcommands = false,
    max_term_width = 100
)]
struct Cli {
    /// The folder of the image store; by default $`IMGTOOL_ROOT`, or imgtool in $`XDG_DATA_HOME` or ~/.local/share
    #[arg(long, value_name = "DIR", global = true, help = ROOT_HELP, add = Completes::Dirs)]
    root: Option<PathBuf>,
    /// How to show progress on standard error
    #[arg(long, value_enum, default_value_t, value_name = "MODE", global = true, hide_possible_values = false)]
    progress: ProgressMode,
    /// The folder of docker's config.json, where credentials for registries are
    #[arg(long, value_name = "DIR", help = CONFIG_HELP, add = Completes::Dirs)]
    config: Option<PathBuf>,
    /// Print version
    #[arg(short = 'v', short_alias = 'V', long, action = clap::ArgAction::Version)]
    version: Option<bool>,
    #[command(flatten)]
    registry: registry::RegistryFlags,
    #[command(flatten)]
    daemon: daemon::Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Analyze(analyze::Args),
    Append(append::Args),
    Build(Box<build::Args>),
    #[command(alias = "buildx")]
    Builder(builder::Args),
    Cat(files::cat::Args),
    Catalog(catalog::Args),
    CheckBase(check_base::Args),
    Commit(commit::Args),
    Completion(completion::Args),
    Container(container::Args),
    Copy(copy::Args),
    Cp(files::cp::Args),
    Delete(delete::Args),
    Diff(diff::Args),
    Edit(Box<edit::Args>),
    Export(export::Args),
    Find(files::find::Args),
    Grep(files::grep::Args),
    History(history::Args),
    Image(image::Args),
    Images(images::Args),
    Import(import::Args),
    Info(info::Args),
    Inspect(inspect::AnyArgs),
    Layers(files::layers::Args),
    Load(load::Args),
    Login(login::Args),
    Logout(logout::Args),
    Ls(files::ls::Args),
    Man(man::Args),
    Manifest(manifest::Args),
    Packages(packages::Args),
    Pull(pull::Args),
    Push(push::Args),
    Rebase(Box<rebase::Args>),
    Report(report::Args),
    Rmi(rmi::Args),
    Save(save::Args),
    Search(search::Args),
    Serve(serve::Args),
    Squash(squash::Args),
    Strip(strip::Args),
    Sum(files::sum::Args),
    System(system::Args),
    Tag(tag::Args),
    Tags(tags::Args),
    Tree(files::tree::Args),
    Unpack(unpack::Args),
    Verify(verify::Args),
    Version(version::Args),
    Which(files::which::Args),
}

impl Command {
    /// What must be done before the process has threads.
    fn prepare(&mut self) {
        match self {
            Self::Build(args) => args.enter_namespace(),
            Self::Builder(args) => args.prepare(),
            Self::Image(args) => args.prepare(),
            _ => {}
        }
    }

    /// Runs a command that needs no store, or `open`s one.
    fn run(self, ui: &Ui, called: &Called, open: impl FnOnce() -> Result<Session, CliError>) -> Result<(), CliError> {
        match self {
            Self::Completion(args) => args.run(ui, called),
            Self::Man(args) => args.run(ui, &usage::program("imgtool"), called),
            command => {
                let session = open()?;
                command.run_in(&session).map_err(|error| session.tell(error))
            }
        }
    }

    fn run_in(self, session: &Session) -> Result<(), CliError> {
        match self {
            Self::Completion(_) | Self::Man(_) => Ok(()),
            Self::Analyze(args) => args.run(session),
            Self::Append(args) => args.run(session),
            Self::Build(args) => args.run(session),
            Self::Builder(args) => args.run(session),
            Self::Cat(args) => args.run(session),
            Self::Catalog(args) => args.run(session),
            Self::CheckBase(args) => args.run(session),
            Self::Commit(args) => args.run(session),
            Self::Container(args) => args.run(session),
            Self::Copy(args) => args.run(session),
            Self::Cp(args) => args.run(session),
            Self::Delete(args) => args.run(session),
            Self::Diff(args) => args.run(session),
            Self::Edit(args) => args.run(session),
            Self::Export(args) => args.run(session),
            Self::Find(args) => args.run(session),
            Self::Grep(args) => args.run(session),
            Self::History(args) => args.run(session),
            Self::Image(args) => args.run(session),
            Self::Images(args) => args.run(session),
            Self::Import(args) => args.run(session),
            Self::Info(args) => args.run(session),
            Self::Inspect(args) => args.run(session),
            Self::Layers(args) => args.run(session),
            Self::Load(args) => args.run(session),
            Self::Login(args) => args.run(session),
            Self::Logout(args) => args.run(session),
            Self::Ls(args) => args.run(session),
            Self::Manifest(args) => args.run(session),
            Self::Packages(args) => args.run(session),
            Self::Pull(args) => args.run(session),
            Self::Push(args) => args.run(session),
            Self::Rebase(args) => args.run(session),
            Self::Report(args) => args.run(session),
            Self::Rmi(args) => args.run(session),
            Self::Save(args) => args.run(session),
            Self::Search(args) => args.run(session),
            Self::Serve(args) => args.run(session),
            Self::Squash(args) => args.run(session),
            Self::Strip(args) => args.run(session),
            Self::Sum(args) => args.run(session),
            Self::System(args) => args.run(session),
            Self::Tag(args) => args.run(session),
            Self::Tags(args) => args.run(session),
            Self::Tree(args) => args.run(session),
            Self::Unpack(args) => args.run(session),
            Self::Verify(args) => args.run(session),
            Self::Version(args) => args.run(session),
            Self::Which(args) => args.run(session),
        }
    }
}

/// Runs the command line and gives the exit code: 0, 1 for errors, 125 for flags that do not exist, as docker does.
pub fn main(typed: impl Iterator<Item = OsString>) -> ExitCode {
    let typed: Vec<OsString> = typed.collect();
    let (program, words) = typed.split_first().map_or((None, &typed[..]), |(program, words)| (Some(program), words));
    // Before anything else starts: some jobs can only be done without threads.
    if let Some(code) = crate::runtime::called(words) {
        return code;
    }
    let colour = session::variable("NO_COLOR").is_none() && session::variable("TERM").is_none_or(|term| term != "dumb");
    let ui = Ui::stdio(colour);
    let program = program_name(program.map(Path::new));
    let command = usage::program(program);
    if let Some((_, words)) = words.split_first().filter(|(word, _)| *word == complete::NAME) {
        let _ = complete::run(&ui, &command, words);
        return ExitCode::SUCCESS;
    }
    let line = CommandLine::read(&command, words);
    let for_clap = match line.clone().for_clap() {
        Ok(words) => words,
        Err(wrong) => return usage::explain_flag(&ui, &wrong),
    };
    let parsed = command.clone().try_get_matches_from(&for_clap).and_then(|found| Cli::from_arg_matches(&found));
    let mut cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return usage::explain(&ui, &error, &line),
    };
    let called = Called::new(program, &line);
    cli.command.prepare();
    cli.daemon.note(&ui);
    let job = Token::new();
    // A server has its own way to end.
    let signals = (!matches!(cli.command, Command::Serve(_))).then(|| signals::listen(&ui, &job));
    let open = || {
        let credentials = Arc::new(credentials::open(cli.config.as_deref(), &job)?);
        let registries = cli.registry.registries(ui.clone(), cli.progress, &credentials)?;
        Session::open(ui.clone(), cli.root, cli.progress, called.clone(), registries, credentials, &job)
    };
    let run = || cli.command.run(&ui, &called, open);
    let code = match run() {
        Ok(()) => ExitCode::SUCCESS,
        // Who pressed Ctrl-C knows why.
        Err(_) if job.is_cancelled() => ExitCode::FAILURE,
        Err(error) => error.report(&ui),
    };
    if let Some(signals) = signals {
        signals.end();
    }
    code
}

/// Called by the name `docker`, as by a link of that name, the program speaks of itself so.
fn program_name(typed: Option<&Path>) -> &'static str {
    if typed.and_then(Path::file_name).is_some_and(|name| name == "docker") { "docker" } else { "imgtool" }
}
