//! What the page shows.

use serde::Serialize;
use serde_json::{Value, json};

use super::columns::Columns;
use super::packages::Packages;
use super::words::{path, text};
use crate::layer::diff::{PathChange, PathChangeKind};
use crate::layer::overlay::Overlay;
use crate::oci::ImageConfig;
use crate::ops::analysis::{Analysis, Duplicate};
use crate::ops::installed::Installed;
use crate::ops::look::Look;

/// The longest list of the page.
const MOST_ROWS: usize = 500;
/// The most paths of a row.
const MOST_COPIES: usize = 50;
/// The most differences.
const MOST_CHANGES: usize = 50_000;

/// Two images compared.
pub struct Compared<'a> {
    /// The older one.
    pub old: &'a Look,
    /// Its name, as it was typed.
    pub name: &'a str,
    /// What changed from it.
    pub changes: &'a [PathChange],
}

/// All that the page shows.
#[derive(Debug, Serialize)]
pub(super) struct PageData {
    name: String,
    about: Vec<String>,
    /// A title, a size or a text, and more words.
    cards: Vec<(&'static str, Value, String)>,
    layers: Value,
    waste: Value,
    deleted: Value,
    inefficient: Value,
    duplicates: Value,
    config: Vec<(String, String)>,
    changes: Option<Value>,
    packages: Packages,
    age: Value,
    changed: Vec<(usize, Vec<usize>)>,
    files: Columns,
}

impl PageData {
    pub(super) fn of(
        look: &Look,
        name: &str,
        analysis: &Analysis,
        installed: &Installed,
        compared: Option<&Compared<'_>>,
        installed_before: Option<&Installed>,
        age: Value,
    ) -> Self {
        let mut files = Columns::of(&look.view, analysis, path);
        let config = look.image.config.value();
        let layers = analysis.layers.iter().map(|layer| {
            json!({"digest": layer.diff_id.to_string(), "size": layer.size, "files": layer.files, "line": text(&layer.step.line)})
        });
        let mut about = vec![format!("{}", look.image.id()), text(&look.image.platform().to_string())];
        if config.created.is_some() {
            about.push(format!("made {}", text(json!(config.created).as_str().unwrap_or_default())));
        }
        about.extend(compared.map(|compared| format!("compared with {}", text(compared.name))));
        Self {
            name: text(name),
            about,
            cards: cards(look, analysis),
            layers: layers.collect(),
            waste: waste(analysis),
            deleted: deleted(analysis),
            inefficient: inefficient(analysis),
            duplicates: duplicates(analysis),
            config: settings(config),
            changes: compared.map(|compared| changes(look, compared)),
            packages: Packages::of(installed, installed_before),
            age,
            changed: std::mem::take(&mut files.changed),
            files,
        }
    }
}

fn cards(look: &Look, analysis: &Analysis) -> Vec<(&'static str, Value, String)> {
    let figures = &analysis.figures;
    let waste = analysis.waste.iter().map(|waste| waste.size).fold(0, u64::saturating_add);
    let again = analysis.duplicates.iter().map(Duplicate::wasted).fold(0, u64::saturating_add);
    vec![
        ("Size", json!(figures.size), format!("{} layers, {} paths", analysis.layers.len(), look.view.len())),
        ("Visible", json!(analysis.visible), "what a container sees".to_owned()),
        ("Hidden", json!(analysis.hidden), "deleted or written again by later layers".to_owned()),
        ("Not needed", json!(waste), "caches, lists, logs and the like".to_owned()),
        ("Efficiency", json!(format!("{:.2} %", figures.efficiency * 100.0)), "as dive counts it".to_owned()),
        ("Same content", json!(again), "in files that are there several times".to_owned()),
    ]
}

fn waste(analysis: &Analysis) -> Value {
    let rows = analysis.waste.iter().take(MOST_ROWS).map(|waste| {
        json!({"what": analysis.what(waste), "directory": path(&waste.directory), "files": waste.files,
            "size": waste.size, "layer": waste.layer, "gone": waste.hidden == waste.size,
            "instead": text(&analysis.instead(waste))})
    });
    rows.collect()
}

fn deleted(analysis: &Analysis) -> Value {
    let rows = analysis.deleted.iter().take(MOST_ROWS).map(|deleted| {
        json!({"path": path(&deleted.path), "size": deleted.size, "written": deleted.written,
            "deleted": deleted.deleted})
    });
    rows.collect()
}

fn inefficient(analysis: &Analysis) -> Value {
    let rows = analysis.figures.inefficient.iter().filter(|one| one.size > 0).take(MOST_ROWS);
    rows.map(|one| json!({"path": path(&one.path), "size": one.size, "count": one.count})).collect()
}

fn duplicates(analysis: &Analysis) -> Value {
    let copies = |duplicate: &Duplicate| -> Value {
        duplicate.copies.iter().take(MOST_COPIES).map(|(name, layer)| json!([path(name), layer])).collect()
    };
    let rows = analysis.duplicates.iter().take(MOST_ROWS);
    rows.map(|duplicate| json!({"wasted": duplicate.wasted(), "copies": copies(duplicate)})).collect()
}

/// What containers of the image get.
fn settings(config: &ImageConfig) -> Vec<(String, String)> {
    let Ok(Value::Object(all)) = serde_json::to_value(&config.config) else { return Vec::new() };
    let mut rows = Vec::new();
    for (key, value) in all {
        let lines = match &value {
            Value::Null | Value::Bool(false) => continue,
            Value::String(text) if text.is_empty() => continue,
            Value::String(text) => text.clone(),
            Value::Array(items) if items.is_empty() => continue,
            Value::Array(items) if key == "Env" => {
                items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
            }
            Value::Object(map) if map.is_empty() => continue,
            Value::Object(map) => {
                let line = |(key, value): (&String, &Value)| match value {
                    Value::String(text) => format!("{key}={text}"),
                    _ => key.clone(),
                };
                map.iter().map(line).collect::<Vec<_>>().join("\n")
            }
            other => other.to_string(),
        };
        rows.push((text(&key), text(&lines)));
    }
    rows
}

/// What changed between two images, the largest change first.
fn changes<'a>(look: &Look, compared: &Compared<'a>) -> Value {
    let size = |view: &Overlay, change: &PathChange| {
        view.lookup(&change.path).filter(|node| !node.is_directory()).map_or(0, |node| node.size())
    };
    let row = |change: &'a PathChange| {
        let (old, now) = match change.kind {
            PathChangeKind::Added => (0, size(&look.view, change)),
            PathChangeKind::Deleted => (size(&compared.old.view, change), 0),
            PathChangeKind::Changed => (size(&compared.old.view, change), size(&look.view, change)),
        };
        let letter = match change.kind {
            PathChangeKind::Added => 'A',
            PathChangeKind::Changed => 'C',
            PathChangeKind::Deleted => 'D',
        };
        (letter, old, now, change)
    };
    let mut rows: Vec<(char, u64, u64, &PathChange)> = compared.changes.iter().map(row).collect();
    rows.sort_by_key(|(_, old, now, change)| (std::cmp::Reverse(old.abs_diff(*now)), change.path.as_bytes()));
    let count = |letter| rows.iter().filter(|row| row.0 == letter).count();
    let about = format!(
        "{} added, {} changed and {} deleted since {}, the largest first{}.",
        count('A'),
        count('C'),
        count('D'),
        text(compared.name),
        if rows.len() > MOST_CHANGES { format!("; the first {MOST_CHANGES} are listed") } else { String::new() },
    );
    rows.truncate(MOST_CHANGES);
    let absolute = |change: &PathChange| format!("/{}", path(change.path.as_bytes()));
    json!({
        "about": about,
        "kinds": rows.iter().map(|row| row.0).collect::<String>(),
        "old": rows.iter().map(|row| row.1).collect::<Vec<_>>(),
        "now": rows.iter().map(|row| row.2).collect::<Vec<_>>(),
        "paths": rows.iter().map(|row| absolute(row.3)).collect::<Vec<_>>(),
    })
}
