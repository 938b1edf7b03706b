use std::path::{Path, PathBuf};

use super::completes::Completes;
use super::error::CliError;
use super::method::parse_method;
use super::session::Session;
use super::target::{check_target, refuse_terminal};
use super::usage::Arity;
use crate::ops::output::{Readers, folder_of, write_to_path, write_to_stream};
use crate::ops::save::{ArchiveFormat, SaveOptions, plan};

/// Save one or more images to a tar archive (streamed to STDOUT by default)
///
/// IMAGE is a name (a repository alone means all its tags) or an ID in the store, `docker://NAME` in a registry, or an
/// archive or OCI layout: ./file.tar, docker-archive:PATH[:REF|:@N], oci-archive:PATH[:REF], oci:DIR[:REF].
#[derive(Debug, clap::Args)]
#[command(override_usage = "save [OPTIONS] IMAGE [IMAGE...]")]
pub(super) struct Args {
    /// Write to a file, instead of STDOUT
    #[arg(short, long, value_name = "FILE", add = Completes::Files)]
    output: Option<PathBuf>,
    /// Save only the given platform: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM)]
    platform: Vec<String>,
    /// The archive format: docker (readable by every docker since 1.10), docker-legacy (as docker 1.10 to 24 wrote
    /// it), oci (manifests and layers unchanged)
    #[arg(long, value_name = "FORM", default_value = "docker")]
    format: FormatName,
    /// Compress layers with gzip or zstd, optionally with :LEVEL; none stores them uncompressed
    #[arg(long, value_name = "METHOD[:LEVEL]", add = Completes::Words(&["gzip", "none", "zstd"]))]
    compress: Option<String>,
    /// The images
    #[arg(value_name = "IMAGE", add = Completes::Images)]
    images: Vec<String>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum FormatName {
    Docker,
    DockerLegacy,
    Oci,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtLeast(1), &self.images)?;
        let output =
            self.output.as_deref().filter(|path| !["-", "/dev/stdout"].iter().any(|stdout| *path == Path::new(stdout)));
        refuse_terminal(session, output)?;
        let mut platforms = Session::platforms(&self.platform)?;
        if platforms.len() > 1 {
            return Err(CliError::Plain(
                "--platform takes one platform; without it all platforms are saved".to_owned(),
            ));
        }
        let options = SaveOptions {
            format: match self.format {
                FormatName::Docker => ArchiveFormat::Docker,
                FormatName::DockerLegacy => ArchiveFormat::DockerLegacy,
                FormatName::Oci => ArchiveFormat::Oci,
            },
            compress: self.compress.as_deref().map(parse_method).transpose()?,
            platform: platforms.pop(),
            scratch: Some(output.map_or_else(|| session.context.store.root().to_owned(), folder_of)),
            mtime: Session::epoch()?,
        };
        if let Some(path) = output {
            check_target(path, "save image")?;
        }
        let progress = session.progress(false);
        let members = plan(&session.context, &self.images, &options, &*progress)
            .map_err(|error| self.hinted(session, error.into()))?;
        match output {
            Some(path) => write_to_path(&members, path, Readers::Owner, session.context.store.job(), &*progress)?,
            None => write_to_stream(&members, &mut session.ui.raw(), &*progress)?,
        }
        Ok(())
    }

    /// The same error; if the image that is not there is called as an archive is, `-o` was forgotten.
    fn hinted(&self, session: &Session, error: CliError) -> CliError {
        const ENDINGS: [&str; 4] = [".tar", ".tar.gz", ".tgz", ".tar.zst"];
        let missing = error.missing_image().map(|name| name.strip_suffix(":latest").unwrap_or(name).to_owned());
        let file = missing.filter(|name| ENDINGS.iter().any(|ending| name.ends_with(ending)));
        let Some(file) = file.filter(|file| !Path::new(file).exists()) else { return error };
        let images: Vec<&str> = self.images.iter().map(String::as_str).filter(|image| *image != file).collect();
        let images = if images.is_empty() { "IMAGE".to_owned() } else { images.join(" ") };
        error.with_hint(format!("did you mean {} -o {file} {images}?", session.called().path()))
    }
}
