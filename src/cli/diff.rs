use std::path::PathBuf;

use serde_json::json;

use super::commit::{CompareArgs, warn};
use super::error::CliError;
use super::session::Session;
use super::usage::{self, Arity};
use crate::oci::go_json;
use crate::ops::commit::{diff, tree_folder};
use crate::rootfs::{Change, ChangeKind};
use crate::ui::{OutputError, Ui};

/// Show what changed in a directory since it was unpacked
///
/// A is for what was added, C for what was changed (or has a change in it), D for what was deleted.
#[derive(Debug, clap::Args)]
#[command(override_usage = "diff [OPTIONS] DIR")]
pub(super) struct Args {
    #[command(flatten)]
    compare: CompareArgs,
    /// Print the changes as JSON
    #[arg(long, value_name = "FORMAT", value_parser = ["json"])]
    format: Option<String>,
    /// The directory
    #[arg(value_name = "DIR")]
    operands: Vec<String>,
}

impl Args {
    pub(super) fn run(self, session: &Session) -> Result<(), CliError> {
        usage::check(Arity::Exactly(1), &self.operands, &["diff"])?;
        let directory = tree_folder(&PathBuf::from(&self.operands[0]));
        let found = diff(&session.context, &directory, &self.compare.into_compare(false))?;
        warn(&session.ui, &found.skipped);
        if self.format.is_some() {
            let lines: Vec<_> =
                lines(&found.changes).map(|(kind, path)| json!({"Kind": number(kind), "Path": path})).collect();
            let text = String::from_utf8(go_json::to_vec(&lines)).expect("JSON is UTF-8");
            return Ok(session.ui.line(&text)?);
        }
        Ok(print(&session.ui, &found.changes)?)
    }
}

/// Docker's lines, sorted by path; the root itself has none, nor has a directory in which nothing is left of what came
/// and went.
pub(super) fn print(ui: &Ui, changes: &[Change]) -> Result<(), OutputError> {
    for (kind, path) in lines(changes) {
        ui.line(&format!("{kind} {path}"))?;
    }
    Ok(())
}

fn lines(changes: &[Change]) -> impl Iterator<Item = (char, String)> + use<'_> {
    let mut sorted: Vec<&Change> = Vec::new();
    // What is below a directory comes after it.
    for change in changes.iter().filter(|change| !change.path.is_root()).rev() {
        let leads_on = || sorted.last().is_some_and(|below| below.path.starts_with(&change.path));
        if !matches!(change.kind, ChangeKind::Touched | ChangeKind::Parent) || leads_on() {
            sorted.push(change);
        }
    }
    sorted.sort_by(|one, other| one.path.cmp(&other.path));
    sorted.into_iter().map(|change| {
        let letter = match change.kind {
            ChangeKind::Added => 'A',
            ChangeKind::Changed | ChangeKind::Touched | ChangeKind::Parent => 'C',
            ChangeKind::Deleted => 'D',
        };
        (letter, format!("/{}", String::from_utf8_lossy(change.path.as_bytes())))
    })
}

/// As docker's API has it.
fn number(kind: char) -> u8 {
    match kind {
        'C' => 0,
        'A' => 1,
        _ => 2,
    }
}
