use std::sync::{Mutex, PoisonError};

use super::completes::Completes;
use super::error::CliError;
use super::session::{Session, variable};
use super::usage::Arity;
use crate::oci::{Platform, Reference};
use crate::ops;
use crate::ops::pull::{LayerState, PullEvent, PullOptions, all_tags, pull};
use crate::ui::OutputError;

const PLATFORM_HELP: &str =
    "Pull the image for this platform: os[/arch[/variant]] [default: $DOCKER_DEFAULT_PLATFORM, or this machine's]";

/// Download an image from a registry
///
/// The registry is part of the name: localhost:5000/app:1, ghcr.io/OWNER/app:1; without one, it is Docker Hub. A pull
/// that was interrupted goes on where it stopped. Several images can be pulled at once.
#[derive(Debug, clap::Args)]
#[command(override_usage = "pull [OPTIONS] NAME[:TAG|@DIGEST] [NAME[:TAG|@DIGEST]...]")]
pub(super) struct Args {
    /// Download all tagged images in the repository
    #[arg(short, long)]
    all_tags: bool,
    /// Suppress verbose output
    #[arg(short, long)]
    quiet: bool,
    /// Pull the image for this platform
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM, help = PLATFORM_HELP)]
    platform: Option<String>,
    /// Fetch so many layers at a time
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    /// The names of the images
    #[arg(value_name = "NAME[:TAG|@DIGEST]", add = Completes::Images)]
    names: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtLeast(1), &self.names)?;
        let options = PullOptions { platform: self.platform()?, jobs: self.jobs.into() };
        let printer = Printer { session, quiet: self.quiet, failed: Mutex::default() };
        for typed in &self.names {
            let name: Reference = typed.parse().map_err(ops::Error::from)?;
            self.pull(session, &name, &options, &printer)?;
        }
        printer.finish()
    }

    fn pull(
        &self,
        session: &Session,
        name: &Reference,
        options: &PullOptions,
        printer: &Printer<'_>,
    ) -> Result<(), CliError> {
        if self.all_tags && !name.is_name_only() {
            return Err(CliError::Plain("tag can't be used with --all-tags/-a".to_owned()));
        }
        let tell = |event| printer.tell(event);
        let one = |name: &Reference| pull(&session.context, name, options, &tell, &*session.progress(self.quiet));
        if !self.all_tags {
            if name.is_name_only() && !self.quiet {
                session.ui.line("Using default tag: latest")?;
            }
            let pulled = one(name)?;
            printer.status(&pulled.name, pulled.is_new);
            return Ok(());
        }
        let mut is_new = false;
        for name in all_tags(&session.context, name)? {
            is_new |= one(&name)?.is_new;
        }
        printer.status(name, is_new);
        Ok(())
    }

    fn platform(&self) -> Result<Option<Platform>, CliError> {
        let typed = self.platform.clone().filter(|text| !text.is_empty());
        Session::platform(typed.or_else(|| variable("DOCKER_DEFAULT_PLATFORM")).as_ref())
    }
}

/// Prints docker's lines.
struct Printer<'a> {
    session: &'a Session,
    quiet: bool,
    /// Why nothing can be printed any more.
    failed: Mutex<Option<OutputError>>,
}

impl Printer<'_> {
    fn tell(&self, event: PullEvent) {
        match event {
            _ if self.quiet => {}
            PullEvent::Image(which, repository) => self.line(&format!("{which}: Pulling from {repository}")),
            // On a terminal bars show what happens to layers.
            PullEvent::Layer(..) if self.session.ui.stdout_is_terminal() => {}
            PullEvent::Layer(digest, state) => self.line(&format!("{}: {}", digest.short(), words(state))),
            PullEvent::Pulled(image) => self.line(&format!("Digest: {}", image.digest)),
        }
    }

    /// The last lines about an image.
    fn status(&self, name: &Reference, is_new: bool) {
        if !self.quiet {
            let what = if is_new { "Downloaded newer image for" } else { "Image is up to date for" };
            self.line(&format!("Status: {what} {}", name.familiar()));
        }
        self.line(&name.canonical());
    }

    fn line(&self, line: &str) {
        if let Err(error) = self.session.ui.line(line) {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }

    fn finish(self) -> Result<(), CliError> {
        match self.failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }
}

fn words(state: LayerState) -> &'static str {
    match state {
        LayerState::Pulling => "Pulling fs layer",
        LayerState::Waiting => "Waiting",
        LayerState::Exists => "Already exists",
        LayerState::Verifying => "Verifying Checksum",
        LayerState::Downloaded => "Download complete",
        LayerState::Complete => "Pull complete",
    }
}
