use std::path::{Path, PathBuf};

use serde_json::json;

use super::completes::Completes;
use super::error::CliError;
use super::session::{self, Session};
use super::usage::Arity;
use crate::image::edit::ConfigChange;
use crate::oci::{Created, Reference};
use crate::ops;
use crate::ops::checkout::{Compare, CompareTo, tree_folder};
use crate::ops::commit::{CommitOptions, Committed, commit, dry_run};
use crate::rootfs::{Skipped, docker_changes};
use crate::ui::Ui;

const TIMESTAMP_HELP: &str = "Make the image at this time (seconds since 1970, or RFC 3339), and no file in the layer later [default: $SOURCE_DATE_EPOCH, or now]";

/// Create a new image from a directory's changes
///
/// DIR is one that `unpack` made, or a copy of it: what changed in it since becomes one layer on top of its image. Any
/// other directory becomes the first layer of a new image.
#[derive(Debug, clap::Args)]
#[command(override_usage = "commit [OPTIONS] DIR [REPOSITORY[:TAG]]")]
pub(super) struct Args {
    /// Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")
    #[arg(short, long, value_name = "AUTHOR", allow_hyphen_values = true)]
    author: Option<String>,
    /// Commit message
    #[arg(short, long, value_name = "MESSAGE", allow_hyphen_values = true)]
    message: Option<String>,
    /// Apply Dockerfile instruction to the created image; CMD [] and ENTRYPOINT [] clear what the base has; may be given
    /// several times
    #[arg(short, long, value_name = "INSTRUCTION", allow_hyphen_values = true)]
    change: Vec<String>,
    /// For docker's scripts: there is no container to pause
    #[arg(short, long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pause: Option<bool>,
    /// For docker's scripts: there is no container to pause
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    no_pause: Option<bool>,
    #[command(flatten)]
    compare: CompareArgs,
    /// Squash all changes since `unpack` into one layer
    #[arg(long)]
    squash: bool,
    /// Print the changes without committing them, as `diff` does
    #[arg(long)]
    dry_run: bool,
    /// Make the image at this time, and no file in the layer later
    #[arg(long, value_name = "TIME", help = TIMESTAMP_HELP)]
    timestamp: Option<String>,
    /// Print what was committed as JSON; with --dry-run the changes, as `diff --format json` does
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    format: Option<String>,
    /// The directory, and a name for the image
    #[arg(value_name = "DIR", add = Completes::Each(&[Completes::Dirs, Completes::Images]))]
    operands: Vec<String>,
}

/// What a directory is compared with, and how much of it.
#[derive(Debug, clap::Args)]
pub(super) struct CompareArgs {
    /// Compare with this image, or with `scratch` (nothing), instead of the one that was unpacked
    #[arg(long, value_name = "IMAGE", add = Completes::Images)]
    from: Option<String>,
    /// Leave the paths that match this pattern as they are in the base image; may be given several times
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Leave what cannot be read as it is in the base image, instead of refusing
    #[arg(long)]
    skip_unreadable: bool,
}

impl CompareArgs {
    pub(super) fn into_compare(self, squash: bool) -> Compare {
        let to = match self.from {
            None => CompareTo::Snapshot,
            Some(name) if name == "scratch" => CompareTo::Scratch,
            Some(name) => CompareTo::Image(name),
        };
        Compare { to, squash, exclude: self.exclude, skip_unreadable: self.skip_unreadable }
    }
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        let hint = self.hint(session);
        let hinted = |error: CliError| match &hint {
            Some(hint) => error.with_hint(hint.clone()),
            None => error,
        };
        session.check(Arity::Between(1, 2), &self.operands).map_err(hinted)?;
        self.commit(session).map_err(hinted)
    }

    fn commit(self, session: &Session) -> Result<(), CliError> {
        self.note_pause(session)?;
        let directory = tree_folder(&PathBuf::from(&self.operands[0]));
        let name = self.operands.get(1).filter(|name| !name.is_empty()).map(|name| name.parse::<Reference>());
        let name = name.transpose().map_err(ops::Error::from)?;
        let (created, latest) = self.time(session)?;
        let changes = ConfigChange::parse_all(&self.change).map_err(ops::Error::from)?;
        let compare = self.compare.into_compare(self.squash);
        if self.dry_run {
            let found = dry_run(&session.context, &directory, &compare)?;
            if found.is_unknown {
                note_unknown(&session.ui, &directory);
            }
            super::image_diff::print(&session.ui, &docker_changes(&found.changes), self.format.is_some())?;
            warn(&session.ui, &found.skipped, "layer");
            return Ok(());
        }
        let (author, message) = (self.author.unwrap_or_default(), self.message.unwrap_or_default());
        let options = CommitOptions { compare, author, message, changes, created, latest, name };
        let committed = commit(&session.context, &directory, &options, &*session.progress(false))?;
        if let Some(original) = &committed.copy_of {
            note_copy(&session.ui, &directory, original);
        }
        if committed.is_unknown {
            note_unknown(&session.ui, &directory);
        }
        warn(&session.ui, &committed.skipped, "layer");
        if self.format.is_some() {
            return Ok(session.ui.line(&json_line(&committed))?);
        }
        Ok(session.ui.line(&committed.id.to_string())?)
    }

    /// Which argument is the directory and which the name, where they were swapped or there are too many.
    fn hint(&self, session: &Session) -> Option<String> {
        let is_directory = |typed: &&String| Path::new(typed).is_dir();
        let path = session.called().path();
        let directory = self.operands.iter().find(is_directory);
        let name = self.operands.iter().find(|typed| !is_directory(typed) && typed.parse::<Reference>().is_ok());
        match (&self.operands[..], directory, name) {
            ([] | [_], ..) => None,
            ([first, _], Some(directory), _) if first == directory => None,
            ([first, second], None, _) if !second.contains('/') || !first.contains(':') => None,
            (_, Some(directory), Some(name)) => {
                Some(format!("{directory} is the directory, {name} the name: did you mean {path} {directory} {name}?"))
            }
            _ => Some(format!("the first argument is the directory, the second the name: {path} DIR NAME[:TAG]")),
        }
    }

    /// Nothing runs here that could be stopped.
    fn note_pause(&self, session: &Session) -> Result<(), CliError> {
        let given = [("--pause", self.pause.is_some()), ("--no-pause", self.no_pause.is_some())];
        let given: Vec<&str> = given.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag).collect();
        if given.len() > 1 {
            let conflict = "conflicting options: --no-pause and --pause cannot be used together";
            return Err(CliError::Plain(conflict.to_owned()));
        }
        super::daemon::say_in_vain(&session.ui, &given);
        Ok(())
    }

    /// When the image is made, and the latest time of anything in it, if that is to be the same each time.
    fn time(&self, session: &Session) -> Result<(Created, Option<i64>), CliError> {
        let created = session.created(self.timestamp.as_deref())?;
        let fixed = self.timestamp.is_some() || Session::is_reproducible();
        Ok((created, fixed.then(|| created.unix_seconds())))
    }
}

fn json_line(committed: &Committed) -> String {
    let Skipped { sockets, mounts, unreadable } = &committed.skipped;
    let left_out: Vec<String> =
        [sockets, mounts, unreadable].into_iter().flatten().map(|path| format!("/{path}")).collect();
    let Committed { id, digest, name, layers, .. } = committed;
    let mut object = session::made(name.as_ref(), id, digest, layers);
    object["LeftOut"] = json!(left_out);
    session::json_line(&object)
}

pub(super) fn note_copy(ui: &Ui, directory: &Path, original: &str) {
    let directory = directory.display();
    ui.note(&format!("{directory} looks like a copy of {original}: compared with the image of that directory"));
}

pub(super) fn note_unknown(ui: &Ui, directory: &Path) {
    let directory = directory.display();
    ui.note(&format!(
        "no image was unpacked to {directory}: everything in it is new; to compare it with an image, use --from IMAGE"
    ));
}

/// One line for each kind of thing that is not in the layer, or the tar.
pub(super) fn warn(ui: &Ui, skipped: &Skipped, what: &str) {
    let kinds = [
        (&skipped.sockets, format!("sockets are not in the {what}")),
        (&skipped.mounts, format!("mount points are not in the {what}")),
        (&skipped.unreadable, format!("not in the {what} (permission denied)")),
    ];
    for (paths, what) in kinds {
        if let Some(first) = paths.first() {
            let more = if paths.len() > 1 { format!(" and {} more", paths.len() - 1) } else { String::new() };
            ui.warn(&format!("{what}: /{first}{more}"));
        }
    }
}
