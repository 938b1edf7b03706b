use std::sync::{Mutex, PoisonError};

use super::completes::Completes;
use super::error::CliError;
use super::method::parse_compression;
use super::name::registry_name;
use super::session::Session;
use super::usage::Arity;
use crate::oci::Reference;
use crate::ops::push::{LayerState, PushEvent, PushOptions, all_tags, push};

/// Upload an image to a registry
///
/// The registry is part of the name: localhost:5000/app:1, ghcr.io/OWNER/app:1; without one, it is Docker Hub. Several
/// images are pushed at once, a blob that they share only once; an error of one does not keep the others.
#[derive(Debug, clap::Args)]
#[command(override_usage = "push [OPTIONS] NAME[:TAG] [NAME[:TAG]...]")]
pub(super) struct Args {
    /// Push all tags of an image to the repository
    #[arg(short, long)]
    all_tags: bool,
    /// Suppress verbose output
    #[arg(short, long)]
    quiet: bool,
    /// Push only the image for this platform: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM)]
    platform: Option<String>,
    /// Compress layers that are stored uncompressed with gzip or zstd, optionally with :LEVEL
    #[arg(long, value_name = "METHOD[:LEVEL]", default_value = "gzip", add = Completes::Words(&["gzip", "zstd"]))]
    compress: String,
    /// Send so many blobs at a time, of all images together
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    /// The names of the images
    #[arg(value_name = "NAME[:TAG]", add = Completes::Images)]
    names: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtLeast(1), &self.names)?;
        let options = PushOptions {
            platform: Session::platform(self.platform.as_ref())?,
            compress: parse_compression(&self.compress)?,
            jobs: self.jobs.into(),
        };
        let names = self.references(session)?;
        let failed = Mutex::new(None);
        let say = |line: &str| {
            if let Err(error) = session.ui.line(line) {
                failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
        };
        // On a terminal bars show what happens to layers.
        let shows_layers = !self.quiet && !session.ui.stdout_is_terminal();
        let tell = |place: usize, event: PushEvent| match event {
            PushEvent::Begun if names[place].1 && !self.quiet => say("Using default tag: latest"),
            PushEvent::Layer(diff_id, state) if shows_layers => say(&format!("{}: {}", diff_id.short(), words(&state))),
            PushEvent::OnlyPlatform(index, manifest) => session
                .ui
                .note(&format!("not all platforms are here: only the image for one was pushed: {index} -> {manifest}")),
            PushEvent::Repository(name) if !self.quiet => {
                say(&format!("The push refers to repository [{}]", name.canonical()));
            }
            PushEvent::Pushed(image) if !self.quiet => {
                let tag = image.name.tag().unwrap_or_default();
                say(&format!("{tag}: digest: {} size: {}", image.digest, image.size));
            }
            PushEvent::Pushed(image) if !self.all_tags => say(&image.name.canonical()),
            PushEvent::Pushed(_) | PushEvent::Begun | PushEvent::Layer(..) | PushEvent::Repository(_) => {}
        };
        let only: Vec<Reference> = names.iter().map(|(name, _)| name.clone()).collect();
        let pushed = push(&session.context, &only, &options, &tell, &*session.progress(self.quiet));
        if self.quiet && self.all_tags && pushed.iter().all(Result::is_ok) {
            // Docker says the name of a repository once.
            self.names.iter().filter_map(|name| name.parse().ok()).for_each(|name: Reference| say(&name.canonical()));
        }
        if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error.into());
        }
        let wrong = only.iter().zip(pushed).filter_map(|(name, pushed)| Some((name.familiar(), pushed.err()?.into())));
        session.all_or_report(only.len(), wrong.collect())
    }

    /// The names with their tags, and whether that is the default.
    fn references(&self, session: &Session) -> Result<Vec<(Reference, bool)>, CliError> {
        let mut names = Vec::new();
        for typed in &self.names {
            let name = registry_name(typed, self.names.len())?;
            if self.all_tags && !name.is_name_only() {
                return Err(CliError::Plain("tag can't be used with --all-tags/-a".to_owned()));
            }
            if self.all_tags {
                names.extend(all_tags(&session.context, &name)?.into_iter().map(|name| (name, false)));
                continue;
            }
            if name.digest().is_some() {
                return Err(CliError::Plain("cannot push a digest reference".to_owned()));
            }
            let (is_default, name) = (name.is_name_only(), name.with_default_tag());
            // What is typed twice is meant once.
            if names.iter().all(|(other, _)| *other != name) {
                names.push((name, is_default));
            }
        }
        Ok(names)
    }
}

fn words(state: &LayerState) -> String {
    match state {
        LayerState::Preparing => "Preparing".to_owned(),
        LayerState::Elsewhere => "Waiting for another imgtool".to_owned(),
        LayerState::Pushing => "Pushing".to_owned(),
        LayerState::Pushed => "Pushed".to_owned(),
        LayerState::Exists => "Layer already exists".to_owned(),
        LayerState::MountedFrom(repository) => format!("Mounted from {repository}"),
    }
}
