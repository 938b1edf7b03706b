use std::path::PathBuf;

use super::commit::{CompareArgs, warn};
use super::error::CliError;
use super::session::Session;
use super::usage::Arity;
use super::{dir_diff, image_diff};
use crate::ops::commit::{diff, tree_folder};
use crate::ops::diff::images;

/// Show what changed in a directory since it was unpacked, or from one image to another
///
/// A is for what was added, C for what was changed (or has a change in it), D for what was deleted. DIR is a directory that
/// unpack made. IMAGE is a name or an ID in the store, or an archive or OCI layout: ./file.tar,
/// docker-archive:PATH[:REF|:@N], oci-archive:PATH[:REF], oci:DIR[:REF].
#[derive(Debug, clap::Args)]
#[command(override_usage = "diff [OPTIONS] DIR | IMAGE IMAGE")]
pub(super) struct Args {
    #[command(flatten)]
    compare: CompareArgs,
    /// Print the changes as JSON; for images with what is different about each path
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    format: Option<String>,
    /// Compare the images for the given platform: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// The directory; or the images, the older first
    #[arg(value_name = "DIR | IMAGE IMAGE")]
    operands: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtLeast(1), &self.operands)?;
        session.check(Arity::AtMost(2), &self.operands)?;
        let as_json = self.format.is_some();
        if let [old, new] = &self.operands[..] {
            let platform = Session::platforms(self.platform.as_slice())?.pop();
            let changes = images(&session.context, old, new, platform.as_ref(), &*session.progress(false))?;
            return Ok(image_diff::print(&session.ui, &changes, as_json)?);
        }
        let directory = tree_folder(&PathBuf::from(&self.operands[0]));
        let found = diff(&session.context, &directory, &self.compare.into_compare(false))?;
        warn(&session.ui, &found.skipped);
        let print = if as_json { dir_diff::print_json } else { dir_diff::print };
        Ok(print(&session.ui, &found.changes)?)
    }
}
