//! Prints what changed in a directory, in docker's lines or as its API's JSON.

use serde_json::json;

use crate::oci::go_json;
use crate::rootfs::{Change, ChangeKind};
use crate::ui::{OutputError, Ui};

/// The changes as JSON, in one line.
pub(super) fn print_json(ui: &Ui, changes: &[Change]) -> Result<(), OutputError> {
    let lines: Vec<_> = lines(changes).map(|(kind, path)| json!({"Kind": number(kind), "Path": path})).collect();
    ui.line(&String::from_utf8(go_json::to_vec(&lines)).expect("JSON is UTF-8"))
}

/// Docker's lines, sorted by path; the root itself has none.
pub(super) fn print(ui: &Ui, changes: &[Change]) -> Result<(), OutputError> {
    for (kind, path) in lines(changes) {
        ui.line(&format!("{kind} {path}"))?;
    }
    Ok(())
}

fn lines(changes: &[Change]) -> impl Iterator<Item = (char, String)> {
    let mut sorted: Vec<&Change> = changes.iter().filter(|change| !change.path.is_root()).collect();
    sorted.sort_by(|one, other| one.path.cmp(&other.path));
    sorted.into_iter().map(|change| {
        let letter = match change.kind {
            ChangeKind::Added => 'A',
            ChangeKind::Changed | ChangeKind::Parent => 'C',
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
