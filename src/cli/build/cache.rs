//! `--cache-from` and `--cache-to`: where the build cache of other machines is.

use super::fields::fields;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::image::outgoing::Recode;
use crate::ops::Location;
use crate::ops::build::{BuildOptions, Built, CacheExtent, carry};
use crate::ops::copy::{CopyOptions, copy_found};

/// The tag of a cache in a layout, as docker has it.
const TAG: &str = "latest";

/// How many blobs are copied at a time.
const JOBS: usize = 5;

/// What cannot be used, and what can.
const KINDS: &str = "types are registry, local and inline; a place can also be docker://NAME, oci:DIR or an archive";

/// Where a cache goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CacheTarget {
    /// Into the image itself.
    Inline,
    /// To a place as `copy` takes it.
    Place { to: String, extent: CacheExtent, compress: Recode, ignore_errors: bool },
}

/// `type=registry,ref=NAME`, `type=local,src=DIR`, or an image wherever it is.
pub(super) fn cache_from(text: &str) -> Result<String, CliError> {
    let wrong = |why: &str| CliError::Plain(format!("invalid --cache-from {text:?}: {why}"));
    if !text.contains("type=") {
        return if text.is_empty() { Err(wrong("it is empty")) } else { Ok(text.to_owned()) };
    }
    let mut fields = fields(text).map_err(|why| wrong(&why))?;
    match fields.take("type").as_deref() {
        Some("registry") => {
            let name = fields.take("ref").ok_or_else(|| wrong("ref is required: ref=NAME"))?;
            Ok(format!("docker://{name}"))
        }
        Some("local") => {
            let folder = fields.take("src").ok_or_else(|| wrong("src is required: src=DIR"))?;
            let tag = fields.take("tag").unwrap_or_else(|| TAG.to_owned());
            Ok(format!("oci:{folder}:{tag}"))
        }
        other => Err(wrong(&format!("the type {:?} is not supported; {KINDS}", other.unwrap_or_default()))),
    }
}

/// `type=registry,ref=NAME`, `type=local,dest=DIR`, `type=inline`, or a place as `copy` takes it.
pub(super) fn cache_to(text: &str) -> Result<CacheTarget, CliError> {
    let wrong = |why: &str| CliError::Plain(format!("invalid --cache-to {text:?}: {why}"));
    let (mut extent, mut compress, mut ignore_errors) = (CacheExtent::Min, Recode::Gzip(6), false);
    if !text.contains("type=") {
        let to = match Location::parse(text, std::path::Path::exists) {
            _ if text.is_empty() => return Err(wrong("it is empty")),
            Location::Store(name) => format!("docker://{name}"),
            Location::Path(..) if !text.contains(':') => format!("oci-archive:{text}"),
            _ => text.to_owned(),
        };
        return Ok(CacheTarget::Place { to, extent, compress, ignore_errors });
    }
    let mut fields = fields(text).map_err(|why| wrong(&why))?;
    match fields.take("mode").as_deref() {
        None | Some("min") => {}
        Some("max") => extent = CacheExtent::Max,
        Some(other) => return Err(wrong(&format!("mode {other:?} is neither min nor max"))),
    }
    if let Some(recode) = fields.compression().map_err(|why| wrong(&why))? {
        compress = recode;
    }
    ignore_errors = fields.flag("ignore-error").map_err(|why| wrong(&why))?.unwrap_or(ignore_errors);
    let to = match fields.take("type").as_deref() {
        Some("inline") => return Ok(CacheTarget::Inline),
        Some("registry") => {
            format!("docker://{}", fields.take("ref").ok_or_else(|| wrong("ref is required: ref=NAME"))?)
        }
        Some("local") => {
            let folder = fields.take("dest").ok_or_else(|| wrong("dest is required: dest=DIR"))?;
            format!("oci:{folder}:{}", fields.take("tag").unwrap_or_else(|| TAG.to_owned()))
        }
        other => return Err(wrong(&format!("the type {:?} is not supported; {KINDS}", other.unwrap_or_default()))),
    };
    Ok(CacheTarget::Place { to, extent, compress, ignore_errors })
}

impl CacheTarget {
    /// Writes the steps of a build there.
    pub(super) fn write(&self, session: &Session, built: &Built, options: &BuildOptions) -> Result<(), CliError> {
        let Self::Place { to, extent, compress, ignore_errors } = self else { return Ok(()) };
        let write = || -> Result<(), CliError> {
            let image = carry(&session.context, &built.carried(*extent), &built.platform, options.created)?;
            let copying = CopyOptions {
                all: true,
                platform: None,
                all_tags: false,
                referrers: false,
                compress: if *compress == Recode::Unpack { Recode::Gzip(6) } else { *compress },
                jobs: JOBS,
                mtime: Session::epoch()?,
            };
            let copied = copy_found(&session.context, &image, to, &copying, &|_| {}, &*session.progress(false))?;
            for copied in copied {
                copied.map_err(|(_, error)| error)?;
            }
            Ok(())
        };
        match write() {
            Err(error) if *ignore_errors => {
                session.ui.warn(&format!("the build cache was not written to {to}: {error}"));
                Ok(())
            }
            written => written,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_docker_reads_them() {
        let from = |text: &str| cache_from(text).map_err(|error| error.to_string());
        assert_eq!(from("type=registry,ref=host:5000/cache:1"), Ok("docker://host:5000/cache:1".to_owned()));
        assert_eq!(from("type=local,src=dir"), Ok("oci:dir:latest".to_owned()));
        assert_eq!(from("app:1"), Ok("app:1".to_owned()));
        let to = |text: &str| match cache_to(text) {
            Ok(CacheTarget::Inline) => "inline".to_owned(),
            Ok(CacheTarget::Place { to, extent, .. }) => format!("{to} {extent:?}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(to("type=inline"), "inline");
        assert_eq!(to("type=registry,ref=host:5000/cache:1,mode=max"), "docker://host:5000/cache:1 Max");
        assert_eq!(to("type=local,dest=dir"), "oci:dir:latest Min");
        assert_eq!(to("host:5000/cache"), "docker://host:5000/cache Min");
        assert_eq!(to("./cache.tar"), "oci-archive:./cache.tar Min");
        assert_eq!(to("oci:dir"), "oci:dir Min");
        for text in ["", "type=gha", "type=registry", "type=local,mode=most,dest=x"] {
            assert!(cache_to(text).is_err(), "{text}");
        }
    }
}
