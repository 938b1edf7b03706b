//! Every fixture is loaded, or refused, as docker's recorded answers say (`fixtures/answers.tsv`, `fixtures/expected/`).

#[path = "support/mod.rs"]
mod support;

#[path = "fixtures/looked.rs"]
mod looked;
#[path = "fixtures/trees.rs"]
mod trees;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use support::session::{Session, tar_of};

/// A row of `answers.tsv`.
struct Fixture {
    name: String,
    verdict: String,
    /// Pairs of ID and tag; the tag is `*` where only the ID is known.
    images: Vec<(String, String)>,
    said: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn fixtures() -> Vec<Fixture> {
    let table = fs::read_to_string(folder().join("answers.tsv")).expect("the table of answers");
    let row = |line: &str| {
        let mut fields = line.split('\t').map(ToOwned::to_owned);
        let mut next = || fields.next().expect("four fields a row");
        let (name, verdict, images, said) = (next(), next(), next(), next());
        let pair = |image: &str| {
            let (id, tag) = image.split_once('=').expect("ID=TAG");
            (id.to_owned(), tag.to_owned())
        };
        Fixture { name, verdict, images: images.split_whitespace().map(pair).collect(), said }
    };
    table.lines().skip(1).map(row).collect()
}

impl Fixture {
    fn path(&self) -> String {
        folder().join(&self.name).display().to_string()
    }

    fn loads(&self) -> Option<Session> {
        let session = Session::new();
        let answer = session.run(&["load", "-i", &self.path()]);
        let taken = answer.code == 0;
        match self.verdict.as_str() {
            "load" => assert!(taken, "{}: {}", self.name, answer.text()),
            "refuse" => assert!(!taken, "{} is damaged: {}", self.name, answer.text()),
            _ => {}
        }
        if !taken {
            answer.fails(1, &[]);
            assert!(session.picture().is_empty(), "{} left traces: {:?}", self.name, session.picture());
            return None;
        }
        let by_manifest = self.said.starts_with("Loaded");
        if by_manifest {
            assert_eq!(answer.out(), self.said.replace("; ", "\n") + "\n", "{}", self.name);
        }
        Some(session)
    }

    /// docker's answers about this fixture's images: its `inspect` and its history rows.
    fn expected(&self) -> Vec<(Value, Vec<Value>)> {
        let Ok(entries) = fs::read_dir(folder().join("expected").join(&self.name)) else { return Vec::new() };
        let mut all = Vec::new();
        for entry in entries {
            let path = entry.expect("a readable folder").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let Some(id) = name.strip_prefix("inspect-").and_then(|rest| rest.strip_suffix(".json")) else { continue };
            let inspect: Value = read_json(&path);
            let rows = fs::read_to_string(path.with_file_name(format!("history-{id}.jsonl"))).expect("its history");
            let rows = rows.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
            all.push((inspect[0].clone(), rows));
        }
        all
    }
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a readable file")).expect("JSON")
}

#[test]
fn loaded_or_refused_with_the_ids_and_tags_of_docker() {
    for fixture in fixtures() {
        let Some(session) = fixture.loads() else { continue };
        let ids: BTreeSet<String> = session.ids().into_iter().collect();
        let wanted: BTreeSet<String> = fixture.images.iter().map(|(id, _)| id.clone()).collect();
        let only_ids = fixture.images.iter().any(|(_, tag)| tag == "*");
        if fixture.verdict == "load" && only_ids {
            assert!(ids.is_superset(&wanted), "{}: {ids:?} lacks one of {wanted:?}", fixture.name);
        } else if fixture.verdict == "load" {
            assert_eq!(ids, wanted, "{}", fixture.name);
            let mut tags: Vec<String> = fixture.images.iter().map(|(_, tag)| tag.clone()).collect();
            tags.sort();
            assert_eq!(session.tags(), tags, "{}", fixture.name);
        }
    }
}

#[test]
fn through_a_pipe_and_as_a_tar_the_same() {
    for fixture in fixtures() {
        let path = PathBuf::from(fixture.path());
        let bytes = if path.is_dir() { tar_of(&path) } else { fs::read(&path).expect("a readable file") };
        let (by_file, by_pipe) = (Session::new(), Session::new());
        let first = by_file.run(&["load", "-i", &fixture.path()]);
        let second = by_pipe.run_with(&bytes, &["load"]);
        assert_eq!((first.code, first.out()), (second.code, second.out()), "{}: {}", fixture.name, second.stderr);
        assert_eq!(by_file.picture(), by_pipe.picture(), "{}", fixture.name);
    }
}

#[test]
fn history_and_inspect_as_docker_printed_them() {
    let mut wrong = Vec::new();
    let mut compared = 0;
    for fixture in fixtures() {
        let Some(session) = fixture.loads() else { continue };
        for (inspect, rows) in fixture.expected() {
            let id = inspect["Id"].as_str().expect("an ID");
            compare_history(&session.history(id), &rows, &fixture.name, &mut wrong);
            compare_inspect(&session.inspect(id), &inspect, &fixture.name, &mut wrong);
            compared += 1;
        }
    }
    assert!(compared > 20, "only {compared} images have answers");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn differ(wrong: &mut Vec<String>, what: &str, want: &Value, got: &Value) {
    if want != got {
        wrong.push(format!("{what}: docker says {want}, imgtool {got}"));
    }
}

fn compare_history(got: &[Value], want: &[Value], name: &str, wrong: &mut Vec<String>) {
    if got.len() != want.len() {
        wrong.push(format!("{name}: docker has {} rows, imgtool {}", want.len(), got.len()));
        return;
    }
    for (n, (want, got)) in want.iter().zip(got).enumerate() {
        // Below the first row docker names parents that it knew of; their IDs are no part of an image.
        let id = if n == 0 { &["ID"][..] } else { &[] };
        for key in id.iter().chain(&["CreatedAt", "CreatedBy", "Size", "Comment"]).copied() {
            differ(wrong, &format!("{name}: history row {n} {key}"), &want[key], &got[key]);
        }
    }
}

fn compare_inspect(got: &Value, want: &Value, name: &str, wrong: &mut Vec<String>) {
    for key in ["Id", "Author", "Comment", "Architecture", "Os", "Size"] {
        differ(wrong, &format!("{name}: {key}"), &or_empty(&want[key]), &or_empty(&got[key]));
    }
    differ(wrong, &format!("{name}: Created"), &created(&want["Created"]), &created(&got["Created"]));
    differ(wrong, &format!("{name}: RootFS.Layers"), &want["RootFS"]["Layers"], &got["RootFS"]["Layers"]);
    let (want, got) = (filled(&want["Config"]), filled(&got["Config"]));
    for (key, value) in &want {
        differ(wrong, &format!("{name}: Config.{key}"), value, got.get(key).unwrap_or(&Value::Null));
    }
    // docker 20.10 drops keys that it does not know; imgtool keeps them. What docker knows and left out must be empty.
    for key in [
        "Env",
        "Cmd",
        "Entrypoint",
        "Labels",
        "ExposedPorts",
        "Volumes",
        "WorkingDir",
        "User",
        "OnBuild",
        "Healthcheck",
    ] {
        if !want.contains_key(key) {
            differ(wrong, &format!("{name}: Config.{key}"), &Value::Null, got.get(key).unwrap_or(&Value::Null));
        }
    }
}

/// An absent text is an empty text.
fn or_empty(value: &Value) -> Value {
    if value.is_null() { Value::from("") } else { value.clone() }
}

/// No time is docker's year 1.
fn created(value: &Value) -> Value {
    if value.is_null() || value == "" { Value::from("0001-01-01T00:00:00Z") } else { value.clone() }
}

/// The fields that say something: not null, false, 0 or empty.
fn filled(config: &Value) -> Map<String, Value> {
    let empty = |value: &Value| {
        value.is_null()
            || value.as_bool() == Some(false)
            || value.as_i64() == Some(0)
            || value.as_str() == Some("")
            || value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(Map::is_empty)
    };
    let fields = config.as_object().cloned().unwrap_or_default();
    fields.into_iter().filter(|(_, value)| !empty(value)).collect()
}

#[test]
fn what_is_saved_holds_the_very_configurations_and_layers() {
    use support::tarball::{member, unpack};
    for fixture in fixtures() {
        let Some(session) = fixture.loads() else { continue };
        let ids = session.ids();
        let args: Vec<&str> = ["save", "-o", "saved.tar"].into_iter().chain(ids.iter().map(String::as_str)).collect();
        session.ok(&args);
        let members = unpack(&session.read("saved.tar"));
        let entries: Value = serde_json::from_slice(member(&members, "manifest.json")).expect("JSON");
        let mut found = Vec::new();
        for entry in entries.as_array().expect("a list") {
            let config = member(&members, entry["Config"].as_str().expect("a path"));
            found.push(support::digest(config));
            let document: Value = serde_json::from_slice(config).expect("JSON");
            let paths = entry["Layers"].as_array().cloned().unwrap_or_default();
            let layers: Value =
                paths.iter().map(|path| support::digest(member(&members, path.as_str().expect("a path")))).collect();
            let diff_ids = document["rootfs"]["diff_ids"].as_array().cloned().unwrap_or_default();
            assert_eq!(layers, Value::from(diff_ids), "{}", fixture.name);
        }
        found.sort();
        assert_eq!(found, ids, "{}", fixture.name);
    }
}

#[test]
fn the_table_and_the_folders_are_the_same_list() {
    let listed: BTreeSet<String> = fixtures().into_iter().map(|fixture| fixture.name).collect();
    let mut present = BTreeSet::new();
    for format in ["docker-archive", "docker-oci", "oci-archive", "oci-layout"] {
        for entry in fs::read_dir(folder().join(format)).expect("a folder a format") {
            present.insert(format!("{format}/{}", entry.expect("an entry").file_name().to_string_lossy()));
        }
    }
    assert_eq!(listed, present);
}
