use std::sync::{Mutex, MutexGuard, PoisonError};

use super::completes::Completes;
use super::error::CliError;
use super::name::registry_name;
use super::session::{Session, variable};
use super::usage::Arity;
use crate::oci::{Platform, Reference};
use crate::ops::pull::{LayerState, PullEvent, PullOptions, all_tags, pull};
use crate::ui::OutputError;

const PLATFORM_HELP: &str =
    "Pull the image for this platform: os[/arch[/variant]] [default: $DOCKER_DEFAULT_PLATFORM, or this machine's]";

/// Download an image from a registry
///
/// The registry is part of the name: localhost:5000/app:1, ghcr.io/OWNER/app:1; without one, it is Docker Hub. A pull
/// that was interrupted goes on where it stopped. Several images are pulled at once, a layer that they share only once; an
/// error of one does not keep the others.
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
    /// Fetch so many layers at a time, of all images together
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
        let mut asked = Vec::new();
        for typed in &self.names {
            let name = registry_name(typed, self.names.len())?;
            if self.all_tags && !name.is_name_only() {
                return Err(CliError::Plain("tag can't be used with --all-tags/-a".to_owned()));
            }
            // What is typed twice is meant once.
            let meant = |name: &Reference| name.clone().with_default_tag();
            if asked.iter().all(|other| meant(other) != meant(&name)) {
                asked.push(name);
            }
        }
        let (mut names, mut wrong) = (Vec::new(), Vec::new());
        for name in &asked {
            if !self.all_tags {
                names.push(Wanted { asked: name.clone(), name: name.clone(), is_last: true });
                continue;
            }
            match all_tags(&session.context, name) {
                Ok(tags) => names.extend(Wanted::tags(name, tags)),
                Err(error) => wrong.push((name.familiar(), error.into())),
            }
        }
        let state = Mutex::new(Repositories::default());
        let printer = Printer {
            session,
            quiet: self.quiet,
            all_tags: self.all_tags,
            names: &names,
            state,
            failed: Mutex::default(),
        };
        let only: Vec<Reference> = names.iter().map(|wanted| wanted.name.clone()).collect();
        let tell = |place: usize, event| printer.tell(place, event);
        let pulled = pull(&session.context, &only, &options, &tell, &*session.progress(self.quiet));
        printer.finish()?;
        let errors = only.iter().zip(pulled).filter_map(|(name, pulled)| Some((name.familiar(), pulled.err()?.into())));
        wrong.extend(errors);
        session.all_or_report(only.len().max(asked.len()), wrong)
    }

    fn platform(&self) -> Result<Option<Platform>, CliError> {
        let typed = self.platform.clone().filter(|text| !text.is_empty());
        Session::platform(typed.or_else(|| variable("DOCKER_DEFAULT_PLATFORM")).as_ref())
    }
}

/// An image that is pulled.
struct Wanted {
    /// What was typed.
    asked: Reference,
    name: Reference,
    /// Whether no other image was asked for by the same.
    is_last: bool,
}

impl Wanted {
    /// All tags of a repository.
    fn tags(asked: &Reference, tags: Vec<Reference>) -> impl Iterator<Item = Self> {
        let count = tags.len();
        let asked = asked.clone();
        let wanted = move |(place, name)| Self { asked: asked.clone(), name, is_last: place + 1 == count };
        tags.into_iter().enumerate().map(wanted)
    }
}

/// What is known of the repository of which all tags are pulled.
#[derive(Default)]
struct Repositories {
    is_new: bool,
    has_failed: bool,
}

/// Prints docker's lines.
struct Printer<'a> {
    session: &'a Session,
    quiet: bool,
    all_tags: bool,
    names: &'a [Wanted],
    state: Mutex<Repositories>,
    /// Why nothing can be printed any more.
    failed: Mutex<Option<OutputError>>,
}

impl Printer<'_> {
    fn tell(&self, place: usize, event: PullEvent) {
        let wanted = &self.names[place];
        match event {
            PullEvent::Pulled(image) => {
                self.state().is_new |= image.is_new;
                if !self.quiet {
                    self.line(&format!("Digest: {}", image.digest));
                }
                if !self.all_tags {
                    self.status(&image.name, image.is_new);
                }
            }
            PullEvent::Ended(is_pulled) => {
                let mut state = self.state();
                state.has_failed |= !is_pulled;
                if wanted.is_last {
                    let Repositories { is_new, has_failed } = std::mem::take(&mut *state);
                    if self.all_tags && !has_failed {
                        self.status(&wanted.asked, is_new);
                    }
                }
            }
            _ if self.quiet => {}
            PullEvent::Begun if wanted.name.is_name_only() => self.line("Using default tag: latest"),
            PullEvent::Image(which, repository) => self.line(&format!("{which}: Pulling from {repository}")),
            // On a terminal bars show what happens to layers.
            PullEvent::Layer(..) if self.session.ui.stdout_is_terminal() => {}
            PullEvent::Layer(digest, state) => self.line(&format!("{}: {}", digest.short(), words(state))),
            PullEvent::Begun => {}
        }
    }

    fn state(&self) -> MutexGuard<'_, Repositories> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
        LayerState::Elsewhere => "Waiting for another imgtool",
        LayerState::Exists => "Already exists",
        LayerState::Verifying => "Verifying Checksum",
        LayerState::Downloaded => "Download complete",
        LayerState::Complete => "Pull complete",
    }
}
