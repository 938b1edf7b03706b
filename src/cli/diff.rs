use std::path::Path;

use super::commit::{CompareArgs, note_copy, note_unknown, warn};
use super::completes::Completes;
use super::error::CliError;
use super::image_diff;
use super::session::Session;
use super::usage::Arity;
use crate::ops::checkout::{diff as diff_directory, tree_folder};
use crate::ops::diff::Pair;
use crate::rootfs::docker_changes;

/// Show the changes in an unpacked directory, or between two images
///
/// A means added, C changed (for a directory, also that something in it changed), D deleted. DIR is one that `unpack`
/// made. IMAGE is a name or an ID in the store, `docker://NAME` in a registry, or an archive or OCI layout: ./file.tar,
/// docker-archive:PATH[:REF|:@N], oci-archive:PATH[:REF], oci:DIR[:REF].
#[derive(Debug, clap::Args)]
#[command(override_usage = "diff [OPTIONS] DIR | IMAGE IMAGE")]
pub(super) struct Args {
    /// Print the changes as JSON: Path, Kind (added, changed or deleted) and, between images, Changes (what is different)
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    format: Option<String>,
    /// Compare the images for the given platform: os[/arch[/variant]]
    #[arg(long, value_name = "PLATFORM", add = Completes::PLATFORM)]
    platform: Option<String>,
    #[command(flatten)]
    parts: image_diff::Parts,
    #[command(flatten)]
    compare: CompareArgs,
    /// The directory, or two images, the older one first
    #[arg(value_name = "DIR|IMAGE", add = Completes::Each(&[Completes::ImagesOrDirs, Completes::ImagesOrDirs]))]
    operands: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(Arity::AtLeast(1), &self.operands)?;
        session.check(Arity::AtMost(2), &self.operands)?;
        let as_json = self.format.is_some();
        let parts = self.parts;
        let [old, new] = &self.operands[..] else {
            if parts != image_diff::Parts::default() {
                return Err(CliError::Plain(
                    "--config, --content, --packages and --summary compare two images".to_owned(),
                ));
            }
            return self.directory(session, as_json);
        };
        let platform = Session::platform(self.platform.as_ref())?;
        let progress = session.progress(false);
        let context = &session.context;
        let pair = Pair::open(context, old, new, platform.as_ref(), &*progress);
        let pair = pair.map_err(|error| with_directory(old, new).unwrap_or_else(|| error.into()))?;
        let wants_paths = parts.summary || parts.content || parts == image_diff::Parts::default();
        let changes = if wants_paths { pair.paths(context, &*progress)? } else { Vec::new() };
        let packages = if parts.packages { pair.packages(context, &*progress)? } else { Vec::new() };
        let contents = if parts.content { pair.contents(context, &changes)? } else { Vec::new() };
        drop(progress);
        if parts == image_diff::Parts::default() {
            return Ok(image_diff::print(&session.ui, &changes, as_json)?);
        }
        let summary = pair.summary(&changes);
        let found = image_diff::Found { settings: pair.settings(), packages, summary, contents };
        Ok(image_diff::print_parts(&session.ui, parts, &found, as_json)?)
    }

    fn directory(self, session: &Session, as_json: bool) -> Result<(), CliError> {
        let directory = tree_folder(Path::new(&self.operands[0]));
        let found = diff_directory(&session.context, &directory, &self.compare.into_compare(false))?;
        if let Some(original) = &found.copy_of {
            note_copy(&session.ui, &directory, original);
        }
        if found.is_unknown {
            note_unknown(&session.ui, &directory);
        }
        warn(&session.ui, &found.skipped, "layer");
        Ok(image_diff::print(&session.ui, &docker_changes(&found.changes), as_json)?)
    }
}

/// What to say of a directory among two images.
fn with_directory(old: &str, new: &str) -> Option<CliError> {
    let is_tree = |typed: &&str| Path::new(typed).is_dir() && !Path::new(typed).join("oci-layout").exists();
    let folder = [old, new].into_iter().find(is_tree)?;
    let way = if is_tree(&old) && is_tree(&new) {
        "each is compared with its own image: pass one directory".to_owned()
    } else {
        let image = if folder == old { new } else { old };
        format!("to compare it with an image: imgtool diff --from {image} {folder}")
    };
    Some(CliError::Plain(format!("{folder} is a directory: {way}")))
}
