//! The analysis as JSON: what dive exports, in its schema, and under `imgtool` what dive does not know.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Number, Value, json};

use super::trees::Tree;
use super::{Analysis, Large};
use crate::image::Layer;
use crate::layer::path::Escaped;
use crate::layer::{Entry, EntryKind};
use crate::ops::look::Look;
use crate::ops::{Context, Error};

/// What dive exports.
#[derive(Debug, Serialize)]
pub struct Export {
    layer: Vec<ExportedLayer>,
    image: ExportedImage,
    imgtool: Value,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ExportedLayer {
    index: usize,
    id: String,
    digest_id: String,
    size_bytes: u64,
    command: String,
    file_list: Vec<ExportedFile>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ExportedImage {
    size_bytes: u64,
    inefficient_bytes: u64,
    efficiency_score: Number,
    file_reference: Vec<FileReference>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FileReference {
    count: usize,
    size_bytes: u64,
    file: String,
}

/// A node of a layer. Of a directory without an entry nothing is known, its path neither.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct ExportedFile {
    path: String,
    type_flag: u8,
    link_name: String,
    size: u64,
    file_mode: u32,
    uid: u64,
    gid: u64,
    is_dir: bool,
}

impl Analysis {
    /// The analysis as dive exports it.
    pub fn export(&self, context: &Context, look: &Look) -> Result<Export, Error> {
        let mut layers = Vec::with_capacity(self.layers.len());
        for (index, (analyzed, layer)) in self.layers.iter().zip(&look.image.layers).enumerate() {
            let history = analyzed.step.history.as_deref();
            let command = history.map_or("(missing)", |text| text.strip_prefix("/bin/sh -c ").unwrap_or(text));
            layers.push(ExportedLayer {
                index,
                id: id(layer),
                digest_id: layer.diff_id.to_string(),
                size_bytes: analyzed.size,
                command: command.to_owned(),
                file_list: self.files(&self.trees.layers[index], &look.entries(context, index)?),
            });
        }
        let figures = &self.figures;
        let reference =
            |one: &super::Inefficient| FileReference { count: one.count, size_bytes: one.size, file: text(&one.path) };
        let image = ExportedImage {
            size_bytes: figures.size,
            inefficient_bytes: figures.wasted,
            efficiency_score: go_number(figures.efficiency),
            file_reference: figures.inefficient.iter().map(reference).collect(),
        };
        Ok(Export { layer: layers, image, imgtool: self.more() })
    }

    /// The files of a layer, those in a directory before it.
    fn files(&self, tree: &Tree, entries: &[Entry]) -> Vec<ExportedFile> {
        let mut last = HashMap::with_capacity(entries.len());
        for entry in entries {
            last.insert(entry.path.as_bytes(), entry);
        }
        let file = |id| {
            let path = self.trees.paths.path(id);
            last.get(&path[1..]).map_or_else(ExportedFile::default, |entry| ExportedFile::of(entry))
        };
        tree.nodes.iter().map(|node| file(node.id)).collect()
    }

    /// What dive does not know.
    fn more(&self) -> Value {
        let large = |large: &Large| json!({"path": text(&large.path), "sizeBytes": large.size, "files": large.files, "layer": large.layer});
        let copies = |copies: &[(Vec<u8>, usize)]| -> Value {
            copies.iter().map(|(path, layer)| json!({"path": text(path), "layer": layer})).collect()
        };
        let deleted = self.deleted.iter().map(|deleted| {
            json!({"path": text(&deleted.path), "files": deleted.files, "sizeBytes": deleted.size,
                "written": deleted.written, "deleted": deleted.deleted})
        });
        let waste = self.waste.iter().map(|waste| {
            json!({"what": self.what(waste), "directory": text(&waste.directory), "files": waste.files,
                "sizeBytes": waste.size, "hiddenBytes": waste.hidden, "layer": waste.layer,
                "step": self.layers[waste.layer].step.line, "instead": self.instead(waste)})
        });
        let duplicates = self.duplicates.iter().map(|duplicate| {
            json!({"sizeBytes": duplicate.size, "wastedBytes": duplicate.wasted(), "copies": copies(&duplicate.copies)})
        });
        json!({
            "visibleBytes": self.visible,
            "hiddenBytes": self.hidden,
            "waste": waste.collect::<Value>(),
            "deleted": deleted.collect::<Value>(),
            "duplicates": duplicates.collect::<Value>(),
            "largestFiles": self.large_files.iter().map(large).collect::<Value>(),
            "largestDirectories": self.large_directories.iter().map(large).collect::<Value>(),
        })
    }
}

fn id(layer: &Layer) -> String {
    let digest = layer.descriptor.as_ref().map_or_else(|| *layer.diff_id.digest(), |descriptor| descriptor.digest);
    digest.hex()
}

impl ExportedFile {
    fn of(entry: &Entry) -> Self {
        // Go's bits of modes.
        let special = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
        let bits = special.into_iter().filter(|(bit, _)| entry.mode & bit != 0).fold(0, |all, (_, go)| all | go);
        let (type_flag, kind, link_name) = match &entry.kind {
            EntryKind::File => (b'0', 0, String::new()),
            EntryKind::Hardlink { target } => (b'1', 0, text(target.as_bytes())),
            EntryKind::Symlink { target } => (b'2', 1 << 27, text(target)),
            EntryKind::CharDevice { .. } => (b'3', 1 << 26 | 1 << 21, String::new()),
            EntryKind::BlockDevice { .. } => (b'4', 1 << 26, String::new()),
            EntryKind::Directory => (b'5', 1 << 31, String::new()),
            EntryKind::Fifo => (b'6', 1 << 25, String::new()),
        };
        Self {
            path: text(entry.path.as_bytes()),
            type_flag,
            link_name,
            size: entry.size,
            file_mode: entry.mode & 0o777 | bits | kind,
            uid: entry.uid,
            gid: entry.gid,
            is_dir: entry.kind == EntryKind::Directory,
        }
    }
}

/// A name as text; what is no UTF-8 is escaped.
fn text(name: &[u8]) -> String {
    std::str::from_utf8(name).map_or_else(|_| Escaped(name).to_string(), str::to_owned)
}

/// A number from 0 to 1 as Go writes it: 1, not 1.0.
fn go_number(value: f64) -> Number {
    if value >= 1.0 {
        return Number::from(1);
    }
    Number::from_f64(value).filter(|_| value > 0.0).unwrap_or_else(|| Number::from(0))
}
