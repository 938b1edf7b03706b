use super::completes::Completes;
use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use crate::ops::remove::{RemovalEvent, RemoveOptions, remove};

/// Remove one or more images
#[derive(Debug, clap::Args)]
#[command(override_usage = "rmi [OPTIONS] IMAGE [IMAGE...]")]
pub(super) struct Args {
    /// Force removal of the image: an ID removes all its names; ignore missing images
    #[arg(short, long)]
    force: bool,
    /// Do not delete untagged parents
    #[arg(long)]
    no_prune: bool,
    /// Print what would be removed without removing it
    #[arg(long)]
    dry_run: bool,
    /// Not supported: an image is removed with all its platforms
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM, hide = true)]
    platform: Vec<String>,
    /// The images, by name or ID
    #[arg(value_name = "IMAGE", add = Completes::Images)]
    images: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtLeast(1), &self.images)?;
        if !Session::platforms(&self.platform)?.is_empty() {
            return Err(CliError::Plain(
                "--platform is not supported: an image is removed with all its platforms. To keep only some, load it again with --platform"
                    .to_owned(),
            ));
        }
        let options = RemoveOptions { force: self.force, keep_parents: self.no_prune, dry_run: self.dry_run };
        let mut failed = false;
        for result in remove(&session.context, &self.images, options)? {
            match result {
                Ok(events) => events.iter().try_for_each(|event| session.ui.line(&line(event)))?,
                Err(error) => {
                    failed |= !(self.force && matches!(error, crate::ops::Error::NoSuchImage(_)));
                    let error = CliError::from(error);
                    error.report(&session.ui);
                    session.suggest(&error);
                }
            }
        }
        if failed { Err(CliError::AlreadyReported { code: 1 }) } else { Ok(()) }
    }
}

fn line(event: &RemovalEvent) -> String {
    match event {
        RemovalEvent::Untagged(name) => format!("Untagged: {name}"),
        RemovalEvent::DeletedImage(id) => format!("Deleted: {id}"),
        RemovalEvent::DeletedLayer(chain) => format!("Deleted: {chain}"),
    }
}
