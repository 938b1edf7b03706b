use serde_json::json;

use super::completes::Completes;
use super::error::CliError;
use super::made::{self, MadeArgs};
use super::session::{self, Session};
use super::usage::Arity;
use crate::ops::strip::{Removal, RemovedPath, StripOptions, Stripped, find, strip};
use crate::ui::human;

/// Remove files from all layers of an image
///
/// A pattern is one of .dockerignore: it is matched from the root, with or without a slash in front, `**` is any number of
/// directories, and a directory goes with all that is in it. Layers that have nothing of it stay as they are, byte for byte; one that has nothing else stays
/// as an empty one. A file with several names of which one goes keeps its content under the others.
///
/// Only files go: what the history, a label or a variable tells is a matter of edit. The image that was stripped stays, too,
/// until it is removed.
#[derive(Debug, clap::Args)]
#[command(override_usage = "strip [OPTIONS] --remove PATTERN... IMAGE NAME[:TAG]")]
pub(super) struct Args {
    /// Remove what matches this pattern; may be given several times, and !PATTERN excepts paths from those before
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    remove: Vec<String>,
    /// List what would be removed, without making an image
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    made: MadeArgs,
    /// The image, and a name for the new one
    #[arg(value_name = "IMAGE", add = Completes::Each(&[Completes::Images, Completes::Images]))]
    operands: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        session.check(if self.dry_run { Arity::Between(1, 2) } else { Arity::Exactly(2) }, &self.operands)?;
        if self.remove.is_empty() {
            return Err(CliError::Plain("nothing to remove: --remove PATTERN says what".to_owned()));
        }
        let flags = self.remove.iter().flat_map(|pattern| ["--remove".to_owned(), pattern.clone()]);
        let words: Vec<String> = std::iter::once("strip".to_owned()).chain(flags).collect();
        let options = StripOptions {
            platform: self.made.platform()?,
            remove: self.remove.clone(),
            stamp: self.made.stamp(session, &words)?,
            name: made::required_name(self.operands.get(1).map_or("dry-run", String::as_str))?,
        };
        let (context, progress) = (&session.context, session.progress(false));
        if self.dry_run {
            let removal = find(context, &self.operands[0], &options, &*progress)?;
            warn_of_idle(session, &removal);
            return self.list(session, &removal.layers);
        }
        let Stripped { made, removal } = strip(context, &self.operands[0], &options, &*progress)?;
        warn_of_idle(session, &removal);
        for (layer, paths) in removal.layers.iter().enumerate().filter(|(_, paths)| !paths.is_empty()) {
            let size = paths.iter().map(|path| path.size).sum();
            let names = if paths.len() == 1 { "name" } else { "names" };
            session.ui.note(&format!("layer {}: removed {} {names}, {}", layer + 1, paths.len(), human::size(size, 3)));
        }
        self.made.print(session, &made)
    }

    /// Lists what would be removed: the layer, the size and the path.
    fn list(&self, session: &Session, removed: &[Vec<RemovedPath>]) -> Result<(), CliError> {
        for (layer, paths) in removed.iter().enumerate() {
            for RemovedPath { path, size } in paths {
                let line = if self.made.is_json() {
                    session::json_line(&json!({"Layer": layer + 1, "Path": format!("/{path}"), "Size": size}))
                } else {
                    format!("{}\t{size}\t/{path}", layer + 1)
                };
                session.ui.line(&line)?;
            }
        }
        Ok(())
    }
}

/// Says which patterns were without effect: they may be mistyped.
fn warn_of_idle(session: &Session, removal: &Removal) {
    for pattern in &removal.idle {
        session.ui.warn(&format!("no path was removed for {pattern}"));
    }
}
