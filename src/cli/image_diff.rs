//! The changes between two images, as docker prints those of a container.

use serde_json::{Value, json};

use crate::layer::diff::{Aspect, PathChange, PathChangeKind};
use crate::layer::path::Escaped;
use crate::oci::go_json;
use crate::ui::{OutputError, Ui};

/// Prints docker's lines, or an array of objects, in which `Changes` names what is different.
pub(super) fn print(ui: &Ui, changes: &[PathChange], as_json: bool) -> Result<(), OutputError> {
    if as_json {
        let objects: Vec<Value> = changes.iter().map(object).collect();
        return ui.line(&String::from_utf8(go_json::to_vec(&objects)).expect("JSON is UTF-8"));
    }
    if ui.stdout_is_terminal() {
        return changes
            .iter()
            .try_for_each(|change| ui.line(&format!("{} /{}", letter(change.kind), Escaped(change.path.as_bytes()))));
    }
    // Scripts get the names as they are.
    let mut lines = Vec::new();
    for change in changes {
        lines.extend_from_slice(format!("{} /", letter(change.kind)).as_bytes());
        lines.extend_from_slice(change.path.as_bytes());
        lines.push(b'\n');
    }
    ui.bytes(&lines)
}

fn letter(kind: PathChangeKind) -> char {
    match kind {
        PathChangeKind::Added => 'A',
        PathChangeKind::Changed => 'C',
        PathChangeKind::Deleted => 'D',
    }
}

fn object(change: &PathChange) -> Value {
    let kind = match change.kind {
        PathChangeKind::Added => "added",
        PathChangeKind::Changed => "changed",
        PathChangeKind::Deleted => "deleted",
    };
    let path = match std::str::from_utf8(change.path.as_bytes()) {
        Ok(text) => format!("/{text}"),
        Err(_) => format!("/{}", change.path),
    };
    let mut object = json!({"Path": path, "Kind": kind});
    if !change.aspects.is_empty() {
        let words: Vec<&str> = change.aspects.iter().map(|aspect| Aspect::word(*aspect)).collect();
        object["Changes"] = json!(words);
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::EntryPath;

    fn change(path: &[u8], kind: PathChangeKind, aspects: &[Aspect]) -> PathChange {
        PathChange { path: EntryPath::new(path).expect("a valid path"), kind, aspects: aspects.to_vec() }
    }

    #[test]
    fn an_object_says_what_is_different() {
        let table = [
            (change(b"a", PathChangeKind::Added, &[]), r#"{"Path":"/a","Kind":"added"}"#),
            (change(b"d", PathChangeKind::Changed, &[]), r#"{"Path":"/d","Kind":"changed"}"#),
            (
                change("d/ä\\".as_bytes(), PathChangeKind::Changed, &[Aspect::Mode, Aspect::Content]),
                r#"{"Path":"/d/ä\\","Kind":"changed","Changes":["mode","content"]}"#,
            ),
            (change(b"\xff", PathChangeKind::Deleted, &[]), r#"{"Path":"/\\xff","Kind":"deleted"}"#),
        ];
        for (change, expected) in table {
            assert_eq!(object(&change).to_string(), expected);
        }
    }
}
