//! `--output`: where the image goes.

use std::path::{Path, PathBuf};

use super::fields::{Fields, fields};
use crate::cli::error::CliError;
use crate::cli::method::parse_method;
use crate::cli::session::Session;
use crate::cli::target::{check_target, refuse_terminal};
use crate::image::outgoing::Recode;
use crate::ops::build::Built;
use crate::ops::copy::{CopyOptions, copy_found};
use crate::ops::export::{self, ExportOptions};
use crate::ops::output::{Readers, Target, folder_of, to_path, write_to_path, write_to_stream};
use crate::ops::push::{PushOptions, push};
use crate::ops::save::{self, ArchiveFormat, SaveOptions};
use crate::ops::unpack::unpack_into;
use crate::ui::ProgressMode;

/// How many blobs are sent at a time, as `push` does it.
const JOBS: usize = 5;

/// Where an image goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Output {
    kind: OutputKind,
    /// `name=`: the names that it gets instead of those of `--tag`.
    pub(super) names: Vec<String>,
    /// `compression=`
    compression: Option<Recode>,
    /// What was given, and has no effect.
    pub(super) vain: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum OutputKind {
    /// The store, and from there the registry of its name.
    Store { push: bool },
    /// An archive; to standard output without a path.
    Archive(ArchiveFormat, Option<PathBuf>),
    /// An OCI layout.
    Layout(PathBuf),
    /// A tar of its files.
    Tar(Option<PathBuf>),
    /// Its files in a directory.
    Directory(PathBuf),
    /// Nowhere: only the build cache is filled.
    Nowhere,
}

impl Output {
    /// `type=…,dest=…`, a directory, or `-`.
    pub(super) fn parse(text: &str) -> Result<Self, CliError> {
        let wrong = |why: &str| CliError::Plain(format!("invalid --output {text:?}: {why}"));
        let plain = |kind| Self { kind, names: Vec::new(), compression: None, vain: Vec::new() };
        if !text.contains('=') && !text.contains(',') {
            return match text {
                "" => Err(wrong("expected a directory, -, or type=TYPE[,KEY=VALUE]")),
                "-" => Ok(plain(OutputKind::Tar(None))),
                folder => Ok(plain(OutputKind::Directory(PathBuf::from(folder)))),
            };
        }
        let mut fields = fields(text).map_err(|why| wrong(&why))?;
        let dest = fields.take("dest");
        let file = || dest.as_deref().filter(|dest| *dest != "-").map(PathBuf::from);
        let needed = || dest.clone().ok_or_else(|| wrong("dest is required: dest=FILE, or dest=- for STDOUT"));
        let is_tar = fields.flag("tar").map_err(|why| wrong(&why))?.unwrap_or(true);
        let push = fields.flag("push").map_err(|why| wrong(&why))?.unwrap_or(false);
        let kind = match fields.take("type").as_deref() {
            Some("docker" | "oci") if !is_tar => OutputKind::Layout(PathBuf::from(needed()?)),
            Some("docker") if dest.is_some() => OutputKind::Archive(ArchiveFormat::Docker, file()),
            Some("docker" | "image") => OutputKind::Store { push },
            Some("registry") => OutputKind::Store { push: true },
            Some("oci") => needed().map(|_| OutputKind::Archive(ArchiveFormat::Oci, file()))?,
            Some("tar") => needed().map(|_| OutputKind::Tar(file()))?,
            Some("local") => OutputKind::Directory(PathBuf::from(needed()?)),
            Some("cacheonly") => OutputKind::Nowhere,
            Some(other) => {
                let types = "docker, image, registry, oci, tar, local and cacheonly";
                return Err(wrong(&format!("the type {other:?} is not known; types are {types}")));
            }
            None => return Err(wrong("type is required")),
        };
        let names = fields.take("name").map(|names| names.split(',').map(str::to_owned).collect());
        let compression = fields.compression().map_err(|why| wrong(&why))?;
        Ok(Self { kind, names: names.unwrap_or_default(), compression, vain: fields.rest() })
    }

    /// The one of `--push`.
    pub(super) fn pushed() -> Self {
        Self { kind: OutputKind::Store { push: true }, names: Vec::new(), compression: None, vain: Vec::new() }
    }

    /// The one of `--load`.
    pub(super) fn loaded() -> Self {
        Self { kind: OutputKind::Store { push: false }, names: Vec::new(), compression: None, vain: Vec::new() }
    }

    /// Whether the image is put into the store.
    pub(super) fn is_kept(&self) -> bool {
        matches!(self.kind, OutputKind::Store { .. })
    }

    /// Whether the image is sent to a registry, for which it needs a name.
    pub(super) fn is_pushed(&self) -> bool {
        self.kind == OutputKind::Store { push: true }
    }

    /// Refuses what cannot be written to, before anything is built.
    pub(super) fn check(&self, session: &Session) -> Result<(), CliError> {
        match &self.kind {
            OutputKind::Archive(_, path) | OutputKind::Tar(path) => {
                refuse_terminal(session, path.as_deref())?;
                path.as_deref().map_or(Ok(()), |path| check_target(path, "write the output of the build"))
            }
            _ => Ok(()),
        }
    }

    /// Writes the image there.
    pub(super) fn write(&self, session: &Session, built: &Built) -> Result<(), CliError> {
        let progress = session.progress(false);
        let (context, image, job) = (&session.context, &built.image, session.context.store.job());
        match &self.kind {
            OutputKind::Nowhere | OutputKind::Store { push: false } => Ok(()),
            OutputKind::Store { push: true } => self.push(session, built),
            OutputKind::Archive(format, path) => {
                let options = SaveOptions {
                    format: *format,
                    compress: self.compression,
                    platform: None,
                    scratch: Some(path.as_deref().map_or_else(|| context.store.root().to_owned(), folder_of)),
                    mtime: Session::epoch()?,
                };
                let members = save::plan_found(context, std::slice::from_ref(image), &options, &*progress)?;
                match path {
                    Some(path) => write_to_path(&members, path, Readers::Umask, job, &*progress)?,
                    None => write_to_stream(&members, &mut session.ui.raw(), &*progress)?,
                }
                Ok(())
            }
            OutputKind::Layout(folder) => self.layout(session, built, folder),
            OutputKind::Tar(path) => {
                let export = export::plan_found(context, image, &ExportOptions::default(), &*progress)?;
                match path {
                    Some(path) => to_path(path, Readers::Umask, job, |target| export.write(target, &*progress))?,
                    None => export.write(Target::Stream(&mut session.ui.raw()), &*progress)?,
                };
                Ok(())
            }
            OutputKind::Directory(folder) => {
                let lacking = unpack_into(context, image, folder, &*progress)?;
                if lacking.devices > 0 {
                    session.ui.note(&format!("devices that are empty files: {} (needs root)", lacking.devices));
                }
                Ok(())
            }
        }
    }

    fn layout(&self, session: &Session, built: &Built, folder: &Path) -> Result<(), CliError> {
        let options = CopyOptions {
            all: true,
            platform: None,
            all_tags: false,
            referrers: false,
            compress: self.compression.unwrap_or(Recode::Gzip(6)),
            jobs: JOBS,
            mtime: Session::epoch()?,
        };
        let to = format!("oci:{}", folder.display());
        let copied = copy_found(&session.context, &built.image, &to, &options, &|_| {}, &*session.progress(false))?;
        for copied in copied {
            copied.map_err(|(_, error)| error)?;
        }
        Ok(())
    }

    fn push(&self, session: &Session, built: &Built) -> Result<(), CliError> {
        let names: Vec<_> = built.image.names.iter().map(|name| name.clone().with_default_tag()).collect();
        let compress = self.compression.filter(|recode| *recode != Recode::Unpack).unwrap_or(Recode::Gzip(6));
        let options = PushOptions { platform: None, compress, jobs: JOBS };
        let is_shown = session.progress_mode() != ProgressMode::None;
        let pushed = push(&session.context, &names, &options, &|_, _| {}, &*session.progress(false));
        let mut wrong = Vec::new();
        for (name, pushed) in names.iter().zip(pushed) {
            match pushed {
                Ok(image) if is_shown => {
                    session.ui.note(&format!("pushing {}: digest: {}", name.canonical(), image.digest));
                }
                Ok(_) => {}
                Err(error) => wrong.push((name.familiar(), error.into())),
            }
        }
        session.all_or_report(names.len(), wrong)
    }
}

impl Fields {
    /// `compression=` and `compression-level=`
    pub(super) fn compression(&mut self) -> Result<Option<Recode>, String> {
        let level = self.take("compression-level");
        let Some(method) = self.take("compression") else { return Ok(None) };
        let method = if method == "uncompressed" { "none".to_owned() } else { method };
        let whole = level.map_or_else(|| method.clone(), |level| format!("{method}:{level}"));
        parse_method(&whole).map(Some).map_err(|_| format!("compression {whole:?}: use uncompressed, gzip or zstd"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read_as_docker_reads_them() {
        let kind = |text: &str| Output::parse(text).map(|output| output.kind).map_err(|error| error.to_string());
        let path = |text: &str| PathBuf::from(text);
        for (text, expected) in [
            ("-", OutputKind::Tar(None)),
            ("out", OutputKind::Directory(path("out"))),
            ("type=local,dest=out", OutputKind::Directory(path("out"))),
            ("type=tar,dest=-", OutputKind::Tar(None)),
            ("type=tar,dest=a.tar", OutputKind::Tar(Some(path("a.tar")))),
            ("type=docker", OutputKind::Store { push: false }),
            ("type=docker,dest=a.tar", OutputKind::Archive(ArchiveFormat::Docker, Some(path("a.tar")))),
            ("type=oci,dest=a.tar", OutputKind::Archive(ArchiveFormat::Oci, Some(path("a.tar")))),
            ("type=oci,\"dest=a,b.tar\"", OutputKind::Archive(ArchiveFormat::Oci, Some(path("a,b.tar")))),
            ("type=oci,dest=a,tar=false", OutputKind::Layout(path("a"))),
            ("type=image,push=true", OutputKind::Store { push: true }),
            ("type=registry", OutputKind::Store { push: true }),
            ("type=cacheonly", OutputKind::Nowhere),
        ] {
            assert_eq!(kind(text), Ok(expected), "{text}");
        }
        for text in ["", "type=oci", "type=tar", "type=local", "dest=x", "type=ami", "type=oci,tar=maybe", "type=\"oci"]
        {
            assert!(kind(text).is_err(), "{text}");
        }
        let output = Output::parse("type=image,\"name=a,b\",compression=zstd,compression-level=9,oci-mediatypes=true");
        let output = output.expect("an output");
        assert_eq!(output.names, ["a", "b"]);
        assert_eq!((output.compression, &*output.vain), (Some(Recode::Zstd(9)), &["oci-mediatypes".to_owned()][..]));
    }
}
