use std::time::{Duration, SystemTime};

use clap::Subcommand;

use super::build;
use super::error::CliError;
use super::prune::confirmed;
use super::session::Session;
use super::usage::Arity;
use crate::ops::build::prune;
use crate::ops::filter::duration;
use crate::runtime::Namespaces;
use crate::ui::human;

/// Manage builds
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Build(Box<build::Args>),
    Prune(Prune),
}

/// Remove what builds remember: layers that no image has, the trees of RUN and its cache mounts
#[derive(Debug, clap::Args)]
#[command(override_usage = "prune [OPTIONS]")]
struct Prune {
    /// Taken for docker's sake: everything is removed in any case
    #[arg(short, long)]
    all: bool,
    /// Do not prompt for confirmation
    #[arg(short, long)]
    force: bool,
    /// Remove only what was made before: until=DURATION, as in until=24h
    #[arg(long, value_name = "FILTER")]
    filter: Vec<String>,
    #[arg(hide = true)]
    extra: Vec<String>,
}

impl Args {
    /// What must be done before the process has threads.
    pub(super) fn prepare(&mut self) {
        match &mut self.command {
            Command::Build(args) => args.enter_namespace(),
            // The trees of an ordinary user have files of IDs that only the namespace has.
            Command::Prune(_) => drop(Namespaces::enter_if_needed()),
        }
    }

    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        match self.command {
            Command::Build(args) => args.run(session),
            Command::Prune(args) => args.run(session),
        }
    }
}

impl Prune {
    fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::None, &self.extra)?;
        let mut times = self.filter.iter().map(|filter| until(session, filter)).collect::<Result<Vec<_>, _>>()?;
        let before = times.pop();
        if !times.is_empty() {
            return Err(CliError::Plain("more than one until filter specified".to_owned()));
        }
        if !self.force && !confirmed(session, "This will remove all build cache.")? {
            return Ok(());
        }
        let bytes = prune(&session.context, before).map_err(|why| CliError::Plain(why.to_string()))?;
        Ok(session.ui.line(&format!("Total reclaimed space: {}", human::size(bytes, 4)))?)
    }
}

/// `until=24h`
fn until(session: &Session, filter: &str) -> Result<SystemTime, CliError> {
    let wrong = || CliError::Plain(format!("invalid filter {filter:?}: expected until=DURATION, as in until=24h"));
    let text = filter.strip_prefix("until=").ok_or_else(wrong)?;
    let ago = duration(text).and_then(|ago| Duration::try_from(ago).ok()).ok_or_else(wrong)?;
    SystemTime::from(session.now).checked_sub(ago).ok_or_else(wrong)
}
