//! What differs between what was built and what the engines made.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use regex::RegexBuilder;
use serde_json::{Map, Value, json};

use super::context::BASE_TIME;
use super::{list, object};
use crate::support::picture::{Attributes, Kind, Picture};
use crate::support::session::Answer;

/// Earlier times come from a case, later ones from the build.
const OLD: i64 = 1_600_000_000;
/// The fields of a config that are compared.
const FIELDS: [&str; 12] = [
    "Env",
    "Cmd",
    "Entrypoint",
    "Labels",
    "WorkingDir",
    "User",
    "ExposedPorts",
    "Volumes",
    "Healthcheck",
    "OnBuild",
    "Shell",
    "StopSignal",
];
/// What an engine mounts while a `RUN` works: whether it leaves the places behind is its own affair.
const MOUNTED: [&str; 8] =
    [".dockerenv", "dev", "proc", "sys", "etc/hosts", "etc/resolv.conf", "etc/hostname", "etc/mtab"];

/// An image that was built.
pub(super) struct Made {
    /// What `inspect` says.
    pub(super) document: Value,
    pub(super) tree: Picture,
    /// The tree as a tar.
    pub(super) tar: PathBuf,
}

impl Made {
    /// All that differs from the answers of a case.
    pub(super) fn faults(&self, case: &Value, base: &Picture) -> Vec<String> {
        let expect = &case["expect"];
        let nothing = Picture::default();
        let base = if expect["scratch"] == true { &nothing } else { base };
        let mut faults = self.tree_faults(expect, base);
        faults.extend(self.config_faults(expect));
        let layers = list(&self.document["RootFS"], "Layers").len() as u64;
        let counts = list(expect, "layers").iter().filter_map(Value::as_u64);
        let (least, most) = counts.fold((u64::MAX, 0), |(least, most), count| (least.min(count), most.max(count)));
        if !(least..=most).contains(&layers) {
            faults.push(format!("{layers} layers, not {least} to {most}"));
        }
        faults
    }

    fn tree_faults(&self, expect: &Value, base: &Picture) -> Vec<String> {
        let wanted = object(expect, "tree");
        let (tree, base) = (rows(&self.tree), rows(base));
        let names: BTreeSet<&String> = tree.keys().chain(base.keys()).chain(wanted.keys()).collect();
        let mut faults = Vec::new();
        for name in names {
            let found = tree.get(name).unwrap_or(&Value::Null);
            let unchanged = [base.get(name).cloned().unwrap_or(Value::Null)];
            let choices = wanted.get(name).and_then(Value::as_array).map_or(&unchanged[..], Vec::as_slice);
            if !choices.iter().any(|choice| is_row(found, choice)) {
                faults.push(format!("{name} is {found}, not {choices:?}"));
            }
        }
        let links: Vec<Vec<String>> =
            self.tree.links.iter().map(|group| group.iter().map(|name| shown(name)).collect()).collect();
        let links = json!(links.into_iter().filter(|group| group.len() > 1).collect::<BTreeSet<_>>());
        let choices = list(expect, "links");
        if !choices.is_empty() && !choices.contains(&links) {
            faults.push(format!("hard links {links}, not one of {choices:?}"));
        }
        faults
    }

    fn config_faults(&self, expect: &Value) -> Vec<String> {
        let wanted = object(expect, "config");
        let mut faults = Vec::new();
        for field in FIELDS.into_iter().chain(["Author"]) {
            let found = self.config(field);
            let none = [Value::Null];
            let choices = wanted.get(field).and_then(Value::as_array).map_or(&none[..], Vec::as_slice);
            if !choices.contains(&found) {
                faults.push(format!("{field} is {found}, not one of {choices:?}"));
            }
        }
        faults
    }

    /// A field of the config; null if there is nothing in it.
    fn config(&self, field: &str) -> Value {
        let mut value =
            if field == "Author" { self.document[field].clone() } else { self.document["Config"][field].clone() };
        if let (true, Some(check)) = (field == "Healthcheck", value.as_object_mut()) {
            check.retain(|_, value| !is_nothing(value));
        }
        if is_nothing(&value) { Value::Null } else { value }
    }

    /// Fields that are not as they must be.
    pub(super) fn some_config(&self, wanted: &Map<String, Value>) -> Vec<String> {
        let differ = wanted.iter().filter(|(field, value)| self.config(field) != **value);
        differ.map(|(field, value)| format!("{field} is {}, not {value}", self.config(field))).collect()
    }

    /// Files whose contents are not as they must be; null is a file that must not be there.
    pub(super) fn files(&self, wanted: &Map<String, Value>) -> Vec<String> {
        let mut found = BTreeMap::new();
        let mut tar = tar::Archive::new(std::fs::File::open(&self.tar).expect("the image"));
        for entry in tar.entries().expect("a tar") {
            let mut entry = entry.expect("a member");
            let name = shown(&entry.path_bytes());
            if wanted.contains_key(&name) {
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut entry, &mut bytes).expect("a content");
                found.insert(name, String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        let is_right = |name: &String, wanted: &Value| match (found.get(name), wanted) {
            (None, wanted) => wanted.is_null(),
            (Some(text), Value::Object(lacks)) => {
                let word = lacks["lacks"].as_str().expect("a word");
                !text.split_whitespace().any(|found| found == word)
            }
            (Some(text), wanted) => *wanted == json!(text),
        };
        let wrong = wanted.iter().filter(|(name, wanted)| !is_right(name, wanted));
        wrong.map(|(name, wanted)| format!("{name} holds {:?}, not {wanted}", found.get(name))).collect()
    }
}

/// What is wrong with the end of a build that had to fail.
pub(super) fn error(answer: &Answer, expect: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    if answer.code != 1 {
        faults.push(format!("exit code {}, not 1: {}", answer.code, answer.text()));
    }
    let said = answer.text();
    if let [first, last] = list(expect, "line") {
        let file = expect["file"].as_str().unwrap_or("Dockerfile");
        let expression = format!("{}[^\n]{{0,20}}?(?::|line )(\\d+)", regex::escape(file));
        let numbers = RegexBuilder::new(&expression).case_insensitive(true).build().expect("an expression");
        let number = |found: regex::Captures<'_>| found[1].parse::<u64>().ok();
        let mut numbers = numbers.captures_iter(&said).filter_map(number);
        let lines = first.as_u64().unwrap_or(1)..=last.as_u64().unwrap_or(0);
        if !numbers.any(|number| lines.contains(&number)) {
            faults.push(format!("it names none of the lines {lines:?} of {file}: {said}"));
        }
    }
    for words in super::words(expect, "says") {
        let expression = RegexBuilder::new(words).case_insensitive(true).build().expect("an expression");
        if !expression.is_match(&said) {
            faults.push(format!("it does not say {words}: {said}"));
        }
    }
    faults
}

/// Steps that had to run and did not, and those that had to be remembered and ran.
pub(super) fn marks(answer: &Answer, ran: &[&str], kept: &[&str]) -> Vec<String> {
    let text = answer.text();
    let did = |mark: &&&str| text.contains(&format!("ran-2-{mark}"));
    let missing = ran.iter().filter(|mark| !did(mark)).map(|mark| format!("step {mark} did not run"));
    let again = kept.iter().filter(did).map(|mark| format!("step {mark} ran again"));
    missing.chain(again).collect()
}

/// A tree as the cases write it down, without what engines mount.
fn rows(tree: &Picture) -> BTreeMap<String, Value> {
    let rows = tree.paths.iter().map(|(name, found)| (shown(name), row(found)));
    rows.filter(|(name, _)| !is_mounted(name)).collect()
}

fn is_mounted(name: &str) -> bool {
    MOUNTED.contains(&name) || ["dev/", "proc/", "sys/"].iter().any(|folder| name.starts_with(folder))
}

fn row(found: &Attributes) -> Value {
    let kind = match &found.kind {
        Kind::Directory => "dir",
        Kind::File(..) => "file",
        Kind::Symlink(_) => "symlink",
        Kind::Char(..) => "char",
        Kind::Block(..) => "block",
        Kind::Fifo => "fifo",
        Kind::Socket => "socket",
    };
    let mut row =
        json!({"t": kind, "m": format!("{:04o}", found.mode & 0o7777), "o": format!("{}:{}", found.uid, found.gid)});
    match &found.kind {
        Kind::Symlink(target) => {
            row["m"] = json!("0777");
            row["to"] = json!(shown(target));
        }
        Kind::File(size, digest) => {
            row["s"] = json!(size);
            row["h"] = json!(digest);
        }
        _ => {}
    }
    if !found.xattrs.is_empty() {
        row["x"] =
            json!(found.xattrs.iter().map(|(name, value)| (name.clone(), base64(value))).collect::<BTreeMap<_, _>>());
    }
    let is_base = kind == "dir" && found.mtime.0 == i64::try_from(BASE_TIME).expect("a time");
    if found.mtime.0 < OLD && !is_base && kind != "symlink" {
        row["at"] = json!(found.mtime.0);
    }
    row
}

/// Whether a row is as one that is right; one without a time takes any.
fn is_row(found: &Value, choice: &Value) -> bool {
    let without = |row: &Value| {
        let mut row = row.clone();
        if let Some(fields) = row.as_object_mut() {
            fields.remove("at");
        }
        row
    };
    without(found) == without(choice) && (choice["at"].is_null() || choice["at"] == found["at"])
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Bool(_) => false,
    }
}

/// A path as the cases write it: bytes that are no letters as `\xNN`.
fn shown(path: &[u8]) -> String {
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let mut text = String::new();
    for chunk in path.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\\' => text.push_str("\\\\"),
                letter if letter.is_ascii_control() => {
                    write!(text, "\\x{:02x}", u32::from(letter)).expect("it is a String");
                }
                letter => text.push(letter),
            }
        }
        for byte in chunk.invalid() {
            write!(text, "\\x{byte:02x}").expect("it is a String");
        }
    }
    text
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let letter = char::from(LETTERS[bits >> (18 - 6 * place) & 63]);
            text.push(if place <= three.len() { letter } else { '=' });
        }
    }
    text
}
