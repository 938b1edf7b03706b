//! `copy`: images go from one place to another: registries, archives, layouts, the store.
//!
//! ```text
//! SourceImage ─▶ FoundImage ─▶ Chosen ─┬─▶ sending::Plan ─▶ a registry: HEAD, mount, or a stream
//!  (a registry's, when its             ├─▶ image::outgoing ─▶ an archive
//!   turn comes)   one platform, or all └─▶ …
//! ```
//!
//! Manifests and layers go byte for byte, so that digests stay what they are. But where imgtool has made the manifest,
//! its uncompressed layers are compressed on their way to a registry, as `push` does it, and an archive for docker has
//! them uncompressed, as `save` writes it.

mod archives;
mod copier;
mod destination;
mod event;
mod layouts;
mod referrers;
mod registries;
mod source;
mod stored;

pub use super::copy_error::CopyError;
use super::{Context, Error, FoundImage};
use crate::image::Progress;
pub use copier::Copied;
use copier::Copier;
use destination::Destination;
pub use event::{BlobState, CopiedImage, CopyEvent, CopyOptions, Tell};
use source::SourceImage;

/// Copies the images that were typed to where was typed; several at once, with one pool of workers. What is told comes in
/// their order. Into a registry and into the store, an error of one does not keep the others.
pub fn copy(
    context: &Context,
    typed: &[String],
    to: &str,
    options: &CopyOptions,
    tell: Tell<'_>,
    progress: &dyn Progress,
) -> Result<Vec<Copied>, Error> {
    typed.iter().map(String::as_str).chain([to]).try_for_each(check_kind)?;
    let destination = Destination::parse(to, options.all_tags)?;
    destination.check_count(typed.len(), to)?;
    let sources = SourceImage::all(context, typed, options)?;
    if options.referrers {
        check_registries(&sources, &destination, to)?;
    }
    Copier { context, options, tell, progress }.to(&sources, &destination)
}

/// Copies an image that was found to where was typed.
pub fn copy_found(
    context: &Context,
    found: &FoundImage,
    to: &str,
    options: &CopyOptions,
    tell: Tell<'_>,
    progress: &dyn Progress,
) -> Result<Vec<Copied>, Error> {
    let destination = Destination::parse(to, false)?;
    let sources = [SourceImage::Found(Box::new(found.clone()), found.shown())];
    Copier { context, options, tell, progress }.to(&sources, &destination)
}

impl Copier<'_> {
    fn to(&self, sources: &[SourceImage], destination: &Destination) -> Result<Vec<Copied>, Error> {
        match destination {
            Destination::Registry(names) => self.to_registries(sources, names),
            Destination::DockerArchive(path, name) => all(self.to_docker_archive(sources, path, name.as_ref())),
            Destination::OciArchive(path, name) => all(self.to_oci_archive(sources, path, name.as_ref())),
            Destination::Store(names) => self.to_store(sources, names),
            Destination::Layout(path, name) => all(self.to_layout(sources, path, name.as_deref())),
        }
    }
}

/// Kinds of places that skopeo has, and we have not: what follows them is no name.
const OTHER_KINDS: [&str; 5] = ["containers-storage:", "docker-daemon:", "ostree:", "sif:", "tarball:"];

/// Refuses what skopeo would take for something else than we do.
fn check_kind(typed: &str) -> Result<(), Error> {
    let is_folder = typed.strip_prefix("dir:").is_some_and(|path| path.contains('/') || path.starts_with('.'));
    let kind = if is_folder { Some("dir:") } else { OTHER_KINDS.into_iter().find(|kind| typed.starts_with(kind)) };
    kind.map_or(Ok(()), |kind| Err(CopyError::OtherKind { typed: typed.to_owned(), kind }.into()))
}

/// Images that are copied all together.
fn all(copied: Result<Vec<CopiedImage>, Error>) -> Result<Vec<Copied>, Error> {
    Ok(copied?.into_iter().map(Ok).collect())
}

/// Only registries tell what refers to an image.
fn check_registries(sources: &[SourceImage], destination: &Destination, to: &str) -> Result<(), Error> {
    let elsewhere = sources.iter().find(|source| source.remote().is_none()).map(SourceImage::shown);
    let is_registry = matches!(destination, Destination::Registry(_));
    match elsewhere.or_else(|| (!is_registry).then(|| to.to_owned())) {
        Some(which) => Err(CopyError::NoReferrers { which }.into()),
        None => Ok(()),
    }
}

/// The archive that a destination is, if it is one.
pub fn archive(to: &str) -> Option<std::path::PathBuf> {
    Destination::parse(to, false).ok().and_then(|destination| destination.archive().map(std::path::Path::to_owned))
}
