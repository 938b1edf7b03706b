use super::error::CliError;
use super::image_diff;
use super::session::Session;
use super::usage::Arity;
use crate::ops::diff::images;

/// Show what changed from one image to another
///
/// A is for what was added, C for what was changed (or has a change in it), D for what was deleted. IMAGE is a name or an
/// ID in the store, or an archive or OCI layout: ./file.tar, docker-archive:PATH[:REF|:@N], oci-archive:PATH[:REF],
/// oci:DIR[:REF].
#[derive(Debug, clap::Args)]
#[command(override_usage = "diff [OPTIONS] IMAGE IMAGE")]
pub(super) struct Args {
    /// Print the changes as JSON, with what is different about each path
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    format: Option<String>,
    /// Compare the images for the given platform: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// The images, the older first
    #[arg(value_name = "IMAGE")]
    operands: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::Exactly(2), &self.operands)?;
        let platform = Session::platforms(self.platform.as_slice())?.pop();
        let progress = session.progress(false);
        let changes = images(&session.context, &self.operands[0], &self.operands[1], platform.as_ref(), &*progress)?;
        Ok(image_diff::print(&session.ui, &changes, self.format.is_some())?)
    }
}
