//! The changes between two images: their paths as docker prints those of a container, their settings and packages.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::layer::diff::{Aspect, PathChange, PathChangeKind};
use crate::layer::path::Escaped;
use crate::oci::go_json;
use crate::ops::diff::{Changed, ContentChange, Side, SideLine};
use crate::ops::installed::PackageChange;
use crate::ui::{OutputError, Ui, human};

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

/// What is shown of two images instead of their paths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(super) struct Parts {
    /// Show how the settings of the images differ: variables, labels, command, ports, user and others
    #[arg(long)]
    pub(super) config: bool,
    /// Show what differs inside of files: text as `diff -u` does, of all else the sizes
    #[arg(long)]
    pub(super) content: bool,
    /// Show the packages that were added, removed or have another version
    #[arg(long)]
    pub(super) packages: bool,
    /// Show how much changed, by directories
    #[arg(long)]
    pub(super) summary: bool,
}

/// What was found of it.
pub(super) struct Found {
    pub(super) settings: Vec<SideLine>,
    pub(super) packages: Vec<PackageChange>,
    pub(super) summary: BTreeMap<Vec<u8>, Changed>,
    pub(super) contents: Vec<ContentChange>,
}

/// Prints the parts that were asked for: as lines, an empty one between two parts, or as one object.
pub(super) fn print_parts(ui: &Ui, parts: Parts, found: &Found, as_json: bool) -> Result<(), OutputError> {
    if as_json {
        let mut object = json!({});
        if parts.config {
            let line = |line: &SideLine| json!({"Kind": side_word(line.side), "Line": line.text});
            object["Config"] = found.settings.iter().map(line).collect();
        }
        if parts.packages {
            object["Packages"] = found.packages.iter().map(package).collect();
        }
        if parts.summary {
            object["Summary"] = found.summary.iter().map(|(name, changed)| directory(name, changed)).collect();
        }
        if parts.content {
            object["Content"] = found.contents.iter().map(content).collect();
        }
        return ui.line(&String::from_utf8(go_json::to_vec(&object)).expect("JSON is UTF-8"));
    }
    let mut texts: Vec<String> = Vec::new();
    if parts.config {
        texts.push(found.settings.iter().map(setting_line).collect());
    }
    if parts.packages {
        texts.push(found.packages.iter().map(package_line).collect());
    }
    if parts.summary {
        texts.push(found.summary.iter().map(|(name, changed)| directory_line(name, changed)).collect());
    }
    texts.retain(|text| !text.is_empty());
    for line in texts.join("\n").lines() {
        ui.line(&ui.word(line))?;
    }
    if parts.content && !texts.is_empty() && !found.contents.is_empty() {
        ui.line("")?;
    }
    found.contents.iter().try_for_each(|change| print_content(ui, change))
}

/// `- ENV A=1`
fn setting_line(line: &SideLine) -> String {
    let sign = match line.side {
        Side::Old => '-',
        Side::New => '+',
    };
    format!("{sign} {}\n", line.text)
}

fn side_word(side: Side) -> &'static str {
    match side {
        Side::Old => "removed",
        Side::New => "added",
    }
}

fn content(change: &ContentChange) -> Value {
    let lines = change.lines.as_deref().map(|lines| String::from_utf8_lossy(lines).into_owned());
    json!({"Path": format!("/{}", Escaped(&change.path)), "Old": change.old, "New": change.new, "Diff": lines})
}

/// As `diff -u` prints it; scripts get the lines as they are.
fn print_content(ui: &Ui, change: &ContentChange) -> Result<(), OutputError> {
    let name = Escaped(&change.path).to_string();
    let (old, new) = (format!("a/{name}"), format!("b/{name}"));
    let Some(lines) = &change.lines else {
        let size = |size: Option<u64>| size.map_or_else(|| "none".to_owned(), |size| human::size(size, 4));
        let sizes = format!("{} -> {}", size(change.old), size(change.new));
        return ui.line(&format!("Files {old} and {new} differ ({sizes})"));
    };
    let shown = |name: String, size: Option<u64>| size.map_or_else(|| "/dev/null".to_owned(), |_| name);
    ui.line(&format!("--- {}", shown(old, change.old)))?;
    ui.line(&format!("+++ {}", shown(new, change.new)))?;
    if ui.stdout_is_terminal() {
        return String::from_utf8_lossy(lines).lines().try_for_each(|line| ui.line(&ui.word(line)));
    }
    ui.bytes(lines)
}

fn package_kind(change: &PackageChange) -> &'static str {
    match (change.old.is_empty(), change.new.is_empty()) {
        (true, _) => "added",
        (_, true) => "removed",
        _ => "changed",
    }
}

fn package(change: &PackageChange) -> Value {
    json!({
        "Kind": package_kind(change), "Type": change.kind.to_string(), "Name": change.name, "Arch": change.arch,
        "Old": change.old, "New": change.new,
    })
}

/// `+ deb curl 7.88`, `- deb wget 1.21`, `~ deb libc6 2.36-9 -> 2.36-10`
fn package_line(change: &PackageChange) -> String {
    let PackageChange { kind, name, old, new, .. } = change;
    let (old, new) = (old.join(", "), new.join(", "));
    match package_kind(change) {
        "added" => format!("+ {kind} {name} {new}\n"),
        "removed" => format!("- {kind} {name} {old}\n"),
        _ => format!("~ {kind} {name} {old} -> {new}\n"),
    }
}

fn directory(name: &[u8], changed: &Changed) -> Value {
    let bytes = i64::try_from(changed.bytes).unwrap_or(if changed.bytes < 0 { i64::MIN } else { i64::MAX });
    json!({
        "Path": format!("/{}", Escaped(name)), "Added": changed.added, "Changed": changed.changed,
        "Deleted": changed.deleted, "Bytes": bytes,
    })
}

/// `/usr: 3 added, 1 changed, +1.2MB`
fn directory_line(name: &[u8], changed: &Changed) -> String {
    let counts = [(changed.added, "added"), (changed.changed, "changed"), (changed.deleted, "deleted")];
    let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    let size = human::size(u64::try_from(changed.bytes.unsigned_abs()).unwrap_or(u64::MAX), 3);
    let size = format!("{}{size}", if changed.bytes < 0 { '-' } else { '+' });
    format!("/{}: {}\n", Escaped(name), counts.chain([size]).collect::<Vec<_>>().join(", "))
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
