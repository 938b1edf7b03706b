use std::io::{self, BufRead as _};
use std::time::{Duration, SystemTime};

use super::completes::Completes;
use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use crate::ops::filter::Filters;
use crate::ops::prune::{PruneOptions, prune};
use crate::ops::remove::RemovalEvent;
use crate::store::{StalePartials, StalePushes};
use crate::ui::human;

/// Remove unused images, unreferenced blobs and leftovers of killed processes
#[derive(Debug, clap::Args)]
#[command(override_usage = "prune [OPTIONS]")]
pub(super) struct Args {
    /// Remove all images, not just dangling ones
    #[arg(short, long)]
    all: bool,
    /// Do not prompt for confirmation
    #[arg(short, long)]
    force: bool,
    /// Remove only images that match: until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE], reference=PATTERN,
    /// dangling=BOOL
    #[arg(long, value_name = "FILTER", add = Completes::FILTER)]
    filter: Vec<String>,
    /// Keep the N newest images of each repository and remove the others
    #[arg(long, value_name = "N")]
    keep: Option<usize>,
    /// Print what would be removed without removing it
    #[arg(long)]
    dry_run: bool,
    #[arg(hide = true)]
    extra: Vec<String>,
}

/// How long parts of blobs wait for their transfer to go on.
const PARTIALS_STAY: Duration = Duration::from_secs(24 * 60 * 60);

const DANGLING: &str = "This will remove all dangling images.";
const ALL: &str = "This will remove all images without at least one container associated to them.";

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::None, &self.extra)?;
        let filters = Filters::parse(&session.context, &self.filter, session.now)?;
        if !self.force && !self.dry_run && !confirmed(session, &self.warning())? {
            return Ok(());
        }
        let now = SystemTime::from(session.now);
        let pushes = if self.all { StalePushes::hurried(now) } else { StalePushes::at(now) };
        let partials = match now.checked_sub(PARTIALS_STAY) {
            _ if self.all => StalePartials::All,
            Some(limit) => StalePartials::Before(limit),
            None => StalePartials::Needless,
        };
        let Self { all, keep, dry_run, .. } = self;
        let options = PruneOptions { all, keep, filters, partials, pushes, dry_run };
        let report = prune(&session.context, &options)?;
        if !report.events.is_empty() {
            session.ui.line("Deleted Images:")?;
            report.events.iter().try_for_each(|event| session.ui.line(&line(event)))?;
            session.ui.line("")?;
        }
        Ok(session.ui.line(&format!("Total reclaimed space: {}", human::size(report.bytes, 4)))?)
    }

    fn warning(&self) -> String {
        match (self.keep, self.all) {
            (Some(1), _) => "This will remove all images but the newest of each repository.".to_owned(),
            (Some(keep), _) => format!("This will remove all images but the {keep} newest of each repository."),
            (None, true) => ALL.to_owned(),
            (None, false) => DANGLING.to_owned(),
        }
    }
}

fn line(event: &RemovalEvent) -> String {
    match event {
        RemovalEvent::Untagged(name) => format!("untagged: {name}"),
        RemovalEvent::DeletedImage(id) => format!("deleted: {id}"),
        RemovalEvent::DeletedLayer(chain) => format!("deleted: {chain}"),
    }
}

/// Asks, as docker asks: only `y` and `Y` are a yes.
pub(super) fn confirmed(session: &Session, what: &str) -> Result<bool, CliError> {
    session.ui.data(&format!("WARNING! {what}\nAre you sure you want to continue? [y/N] "))?;
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    Ok(read.is_ok() && answer.trim().eq_ignore_ascii_case("y"))
}
