//! `analyze`: dive's figures against the same figures computed with Python's tarfile, of every fixture that loads and of
//! images made at random.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::peer;
use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::producers::docker_save;
use crate::support::session::Session;
use crate::support::tarball::pack;

/// What Python makes of a docker-archive.
fn independent(session: &Session, archive: &Path) -> Vec<Value> {
    let script = session.write("dive.py", include_str!("dive.py"));
    let lines = peer::ok(Command::new("python3").arg(script).arg(archive));
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The parts that both have; files of the same size come in any order.
fn comparable(image: &Value) -> (String, Value, Value, BTreeMap<String, (u64, u64)>) {
    let files = image["fileReference"].as_array().expect("a list").iter();
    let number = |file: &Value, key: &str| file[key].as_u64().expect("a number");
    let files = files.map(|file| {
        (file["file"].as_str().expect("a path").to_owned(), (number(file, "count"), number(file, "sizeBytes")))
    });
    let efficiency = image["efficiencyScore"].as_f64().expect("a number").to_string();
    (efficiency, image["sizeBytes"].clone(), image["inefficientBytes"].clone(), files.collect())
}

#[test]
fn the_figures_are_those_of_an_independent_computation() {
    if !peer::installed("python3") {
        return;
    }
    let session = Session::new();
    let mut count = 0;
    for kind in ["docker-archive", "docker-oci", "oci-archive"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(kind);
        for entry in fs::read_dir(folder).expect("fixtures") {
            session.run(&["load", "-q", "-i", &entry.expect("an entry").path().display().to_string()]);
        }
    }
    for id in session.ids() {
        let saved = session.work().join("saved.tar").display().to_string();
        session.ok(&["save", "--format", "docker", "-o", &saved, &id]);
        let expected = independent(&session, Path::new(&saved));
        let found: Value = serde_json::from_str(&session.ok(&["analyze", "--format", "json", &id])).expect("JSON");
        assert_eq!(comparable(&found["image"]), comparable(&expected[0]), "{id}");
        count += 1;
    }
    assert!(count >= 10, "only {count} fixtures were compared");
    let images: Vec<TestImage> = (0..30).map(|seed| random(seed, &format!("fx/{seed}:1"))).collect();
    let path = session.write("random.tar", pack(&docker_save(&images)));
    let expected = independent(&session, &path);
    assert_eq!(expected.len(), images.len());
    let mut wasteful = 0;
    for (seed, expected) in expected.iter().enumerate() {
        let typed = format!("docker-archive:{}:fx/{seed}:1", path.display());
        let found: Value = serde_json::from_str(&session.ok(&["analyze", "--format", "json", &typed])).expect("JSON");
        assert_eq!(comparable(&found["image"]), comparable(expected), "{seed}");
        wasteful += u32::from(expected["inefficientBytes"] != 0);
    }
    assert!(wasteful > 15, "only {wasteful} images waste something");
}

const DIRECTORIES: [&str; 6] = ["", "a/", "a/b/", "-/", "c/", "c/d/"];
const NAMES: [&str; 5] = ["x", "y", "-z", "b", "d"];

/// Numbers that are always the same.
struct Numbers(u64);

impl Numbers {
    /// The next one, less than `below`.
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % below
    }
}

/// An image of few names in several layers, with whiteouts of what is there and of what is not.
fn random(seed: u64, tag: &str) -> TestImage {
    let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut image = TestImage::new(&[tag]);
    for _ in 0..2 + numbers.next(4) {
        let mut items: BTreeMap<String, Item> = BTreeMap::new();
        for _ in 0..4 + numbers.next(10) {
            let (path, item) = member(&mut numbers);
            items.insert(path, item);
        }
        let items: Vec<Item> = items.into_values().collect();
        image = image.raw_layer("ADD", layer(&items));
    }
    image
}

fn member(numbers: &mut Numbers) -> (String, Item) {
    let (directory, name) = (DIRECTORIES[numbers.next(6)], NAMES[numbers.next(5)]);
    let whiteout = |path: String| (path.clone(), Item::whiteout(path));
    match numbers.next(10) {
        0 => whiteout(format!("{directory}.wh.{name}")),
        1 if !directory.is_empty() => whiteout(format!("{directory}.wh..wh..opq")),
        2 => whiteout(format!(".wh.{}", ["a", "c", "-"][numbers.next(3)])),
        3 if !directory.is_empty() => {
            let path = directory.trim_end_matches('/').to_owned();
            (path.clone(), Item::dir(path))
        }
        _ => {
            let path = format!("{directory}{name}");
            let is_directory = DIRECTORIES.iter().any(|known| known.trim_end_matches('/') == path);
            let item = if is_directory { Item::dir(&path) } else { Item::file(&path, vec![b'x'; numbers.next(1000)]) };
            (path, item)
        }
    }
}
