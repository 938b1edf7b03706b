use std::collections::BTreeSet;

use serde_json::json;

use super::completes::Completes;
use super::error::CliError;
use super::made::{self, MadeArgs};
use super::session::{self, Session};
use super::usage::Arity;
use crate::layer::EntryPath;
use crate::ops;
use crate::ops::rebase::{RebaseOptions, Rebasing, Traps};

/// How many paths of one kind are named.
const MOST_PATHS: usize = 5;

/// Put the own layers of an image on another base
///
/// The layers above OLDBASE stay as they are, byte for byte, and BASE takes the place of those below. What IMAGE set
/// differently than OLDBASE is kept over BASE; all other settings are those of BASE. Without NAME, the name by which IMAGE
/// was found in the store moves to the new image.
///
/// OLDBASE is what the annotations or the labels of IMAGE name (org.opencontainers.image.base.name and .digest), or what it
/// was built or committed on in this store, or the image in the store that has its lowest layers. Without --onto, BASE is
/// what the name of OLDBASE leads to now. The annotations of the new image name BASE.
///
/// Nothing is built again: files that were made for the old base stay so. Where the layers hide files that are others in
/// BASE, such as lists of installed packages, this is told.
#[derive(Debug, clap::Args)]
#[command(override_usage = "rebase [OPTIONS] IMAGE [NAME[:TAG]]")]
pub(super) struct Args {
    /// The new base
    #[arg(long, value_name = "BASE", aliases = ["new-base", "new_base"], add = Completes::Images)]
    onto: Option<String>,
    /// The image that IMAGE was built on, or `scratch`
    #[arg(long, value_name = "OLDBASE", aliases = ["old-base", "old_base"], add = Completes::Images)]
    from: Option<String>,
    /// The same as NAME
    #[arg(short, long, value_name = "NAME", alias = "rebased", add = Completes::Images)]
    tag: Option<String>,
    /// List the layers that the image would have, without making it
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
        session.check(Arity::Between(1, 2), &self.operands)?;
        if self.tag.is_some() && self.operands.len() > 1 {
            return Err(CliError::Plain("the new image has one name: NAME or --tag".to_owned()));
        }
        let options = RebaseOptions {
            platform: self.made.platform()?,
            onto: self.onto.clone(),
            from: self.from.clone(),
            stamp: self.made.stamp(session, &["rebase".to_owned()])?,
            name: made::name(self.operands.get(1).or(self.tag.as_ref()))?,
        };
        let (context, progress) = (&session.context, session.progress(false));
        let planned = Rebasing::plan(context, &self.operands[0], &options, &*progress).map_err(hinted)?;
        if self.dry_run {
            drop(progress);
            tell(session, &self.operands[0], &planned);
            return self.list(session, &planned);
        }
        tell(session, &self.operands[0], &planned);
        let made = planned.make(context, &*progress)?;
        drop(progress);
        self.made.print(session, &made)
    }

    /// Lists the layers, the lowest first: whose each is, and its diff ID.
    fn list(&self, session: &Session, planned: &Rebasing) -> Result<(), CliError> {
        let of_base = planned.base_layers.iter().map(|layer| ("base", layer));
        let own = planned.own_layers.iter().map(|layer| ("own", layer));
        for (number, (whose, layer)) in of_base.chain(own).enumerate() {
            let number = number + 1;
            let line = if self.made.is_json() {
                session::json_line(&json!({"Layer": number, "From": whose, "DiffID": layer}))
            } else {
                format!("{number}\t{whose}\t{layer}")
            };
            session.ui.line(&line)?;
        }
        Ok(())
    }
}

/// With the way out, where what the image was built on is not known.
fn hinted(error: ops::Error) -> CliError {
    match &error {
        ops::Error::Remake(problem) if problem.is_about_base() => CliError::from(error)
            .with_hint("--from OLDBASE says which image it was built on, also one in an archive".to_owned()),
        _ => error.into(),
    }
}

/// Tells what was taken for the old base, and what to look at.
fn tell(session: &Session, image: &str, planned: &Rebasing) {
    let Rebasing { old, base, base_layers, own_layers, is_same, clashes, has_triggers, traps, .. } = planned;
    let note = |text: &str| session.ui.note(text);
    let layers = |count: usize| format!("{count} layer{}", if count == 1 { "" } else { "s" });
    note(&format!(
        "{image} is built on {} ({}), {}: its own {} on {base} ({})",
        old.shown,
        layers(old.layers()),
        old.by.words(),
        layers(own_layers.len()),
        layers(base_layers.len()),
    ));
    if *is_same {
        note("this is the base that it is built on");
    }
    for clash in clashes {
        note(&format!("warning: {clash}: what {image} sets is kept, and {base} has changed it, too"));
    }
    if *has_triggers {
        note(&format!("warning: {base} has ONBUILD instructions, which only a build carries out"));
    }
    warn(session, image, base, traps);
}

/// Warns of files that may be wrong on the new base.
fn warn(session: &Session, image: &str, base: &str, traps: &Traps) {
    let Traps { databases, replaced, hidden, deleted } = traps;
    let warnings = [
        (
            databases,
            format!(
                "the list of installed packages is that of {image}: package managers and scanners will not see what {base} \
                 has"
            ),
        ),
        (
            replaced,
            format!("a directory of {image} takes the place of another kind of file in {base}, or the other way"),
        ),
        (hidden, format!("{image} has its own, and {base} others than the old base")),
        (deleted, format!("{image} deletes what {base} does not have; it may be elsewhere there")),
    ];
    for (paths, text) in warnings.iter().filter(|(paths, _)| !paths.is_empty()) {
        session.ui.note(&format!("warning: {text}: {}", listed(paths)));
    }
}

/// The first of some paths, and how many more there are.
fn listed(paths: &BTreeSet<EntryPath>) -> String {
    let first = paths.iter().take(MOST_PATHS).map(|path| format!("/{path}")).collect::<Vec<_>>().join(", ");
    match paths.len().saturating_sub(MOST_PATHS) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
