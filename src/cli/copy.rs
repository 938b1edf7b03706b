use std::sync::{Mutex, PoisonError};

use super::completes::Completes;
use super::error::CliError;
use super::method::parse_compression;
use super::session::Session;
use super::target::check_target;
use super::usage::Arity;
use crate::ops::copy::{BlobState, CopyEvent, CopyOptions, archive, copy};

const LONG: &str = "Copy images between registries, archives, OCI layouts and the store\n\nSOURCE and DESTINATION are a \
    name in the store, docker://NAME in a registry, docker-archive:PATH[:NAME], oci-archive:PATH[:NAME] or \
    oci:DIR[:NAME]. Manifests and layers are copied byte for byte, so that digests stay what they are; between registries \
    nothing is written to disk, and within one only what is missing is moved. Several images can be copied to a \
    DESTINATION that ends in /, where each keeps its last component and tag, or into one archive.";

/// Copy images between registries, archives, OCI layouts and the store
#[derive(Debug, clap::Args)]
#[command(long_about = LONG, override_usage = "copy [OPTIONS] SOURCE [SOURCE...] DESTINATION")]
pub(super) struct Args {
    /// Copy the image for this platform: os[/arch[/variant]] [default: this machine's]
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM)]
    platform: Option<String>,
    #[command(flatten)]
    extent: Extent,
    /// Suppress verbose output
    #[arg(short, long)]
    quiet: bool,
    /// Compress uncompressed layers without a manifest of their own with gzip or zstd, optionally with :LEVEL, on their
    /// way to a registry
    #[arg(long, value_name = "METHOD[:LEVEL]", default_value = "gzip", add = Completes::Words(&["gzip", "zstd"]))]
    compress: String,
    /// Copy so many blobs at a time, of all images together
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    /// The images, and where they are to be
    #[arg(value_name = "IMAGE", add = Completes::Images)]
    images: Vec<String>,
}

/// How much is copied.
#[derive(Debug, clap::Args)]
struct Extent {
    /// Copy all platforms, and the index that lists them, unchanged
    #[arg(long, conflicts_with = "platform")]
    all: bool,
    /// Copy all tags of each source, which is a repository, an archive or a layout
    #[arg(short, long)]
    all_tags: bool,
    /// Copy what refers to the images, too: signatures, attestations and other artifacts, from one registry to another
    #[arg(long)]
    referrers: bool,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtLeast(2), &self.images)?;
        let Some((to, from)) = self.images.split_last() else { return Ok(()) };
        let options = CopyOptions {
            all: self.extent.all,
            platform: Session::platform(self.platform.as_ref())?,
            all_tags: self.extent.all_tags,
            referrers: self.extent.referrers,
            compress: parse_compression(&self.compress)?,
            jobs: self.jobs.into(),
            mtime: Session::epoch()?,
        };
        if let Some(path) = archive(to) {
            check_target(&path, "copy image")?;
        }
        let failed = Mutex::new(None);
        let say = |line: &str| {
            if let Err(error) = session.ui.line(line) {
                failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
        };
        // On a terminal bars show what happens to layers.
        let shows_layers = !session.ui.stdout_is_terminal();
        let tell = |event| match event {
            _ if self.quiet => {}
            CopyEvent::Image(from, to) => say(&format!("Copying {from} to {to}")),
            CopyEvent::Layer(layer, state) if shows_layers => say(&format!("{layer}: {}", words(&state))),
            CopyEvent::Layer(..) => {}
            CopyEvent::Copied(image) => {
                if !image.is_new {
                    say(&format!("Image is up to date for {}", image.to));
                }
                say(&format!("{} {}", image.digest, image.to));
            }
        };
        let copied = copy(&session.context, from, to, &options, &tell, &*session.progress(self.quiet))?;
        if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error.into());
        }
        let count = copied.len();
        let wrong = copied.into_iter().filter_map(Result::err).map(|(name, error)| (name, error.into()));
        session.all_or_report(count, wrong.collect())
    }
}

fn words(state: &BlobState) -> String {
    match state {
        BlobState::Copied => "Copied".to_owned(),
        BlobState::Exists => "Layer already exists".to_owned(),
        BlobState::MountedFrom(repository) => format!("Mounted from {repository}"),
    }
}
