use std::path::{Path, PathBuf};

use super::commit::warn;
use super::completes::Completes;
use super::error::CliError;
use super::session::Session;
use super::target::{check_target, refuse_terminal};
use super::usage::Arity;
use crate::ops::export::{ExportOptions, plan};
use crate::ops::output::{Readers, Target, to_path};

/// Export an image's filesystem as a tar archive (streamed to STDOUT by default)
///
/// The layers are merged without unpacking them. IMAGE is a name or an ID in the store, `docker://NAME` in a registry,
/// or an archive or OCI layout: ./file.tar, docker-archive:PATH[:REF|:@N], oci-archive:PATH[:REF], oci:DIR[:REF]. Any
/// other folder means what is in it; of one that `unpack` made, owners and devices are those of the image.
#[derive(Debug, clap::Args)]
#[command(override_usage = "export [OPTIONS] IMAGE")]
pub(super) struct Args {
    /// Write to a file, instead of STDOUT
    #[arg(short, long, value_name = "FILE", add = Completes::Files)]
    output: Option<PathBuf>,
    /// Add the files that docker creates in every container (.dockerenv, dev/console, etc/hosts and others)
    #[arg(long)]
    docker_stubs: bool,
    /// Export the image for the given platform: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM)]
    platform: Option<String>,
    /// The image
    #[arg(value_name = "IMAGE", add = Completes::Each(&[Completes::Images]))]
    images: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Exactly(1), &self.images)?;
        let output = self.output.as_deref().filter(|path| *path != Path::new("-"));
        refuse_terminal(session, output)?;
        if let Some(path) = output {
            check_target(path, "export image")?;
        }
        let options = ExportOptions {
            platform: Session::platform(self.platform.as_ref())?,
            stubs: self.docker_stubs.then(Session::epoch).transpose()?,
        };
        let progress = session.progress(false);
        let export = plan(&session.context, &self.images[0], &options, &*progress)?;
        if let Some(folder) = export.orphan() {
            let what =
                "the image it was unpacked from is not in the store: exporting files with the owners they have on disk";
            session.ui.warn(&format!("{}: {what}", folder.display()));
        }
        let skipped = match output {
            Some(path) => {
                to_path(path, Readers::Owner, session.context.store.job(), |target| export.write(target, &*progress))?
            }
            None => export.write(Target::Stream(&mut session.ui.raw()), &*progress)?,
        };
        warn(&session.ui, &skipped, "tar");
        Ok(())
    }
}
