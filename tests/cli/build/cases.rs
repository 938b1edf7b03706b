//! Builds that docker and its `BuildKit` made, from `fixtures/build/cases.jsonl`: trees, configs, layers and errors must be
//! as theirs. Where the engines differ, each answer counts as right.

mod context;
mod place;
mod verdict;

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use place::Place;

/// The parts into which the cases are split, so that they run side by side.
const PARTS: usize = 4;

/// An empty object.
static NOTHING: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

/// A field that is an object; an empty one if it is missing.
fn object<'a>(value: &'a Value, field: &str) -> &'a Map<String, Value> {
    value[field].as_object().unwrap_or(&NOTHING)
}

/// A field that is a list; an empty one if it is missing.
fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

/// A field that is a list of words.
fn words<'a>(value: &'a Value, field: &str) -> Vec<&'a str> {
    list(value, field).iter().map(|word| word.as_str().expect("a word")).collect()
}

fn cases() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/build/cases.jsonl");
    let text = fs::read_to_string(path).expect("the fixture");
    let cases: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a case a line")).collect();
    assert!(cases.len() > 150, "only {} cases", cases.len());
    cases
}

/// Runs every fourth case.
fn run(part: usize) {
    let Some((busybox, runtime)) = crate::support::run_tools() else { return };
    // `IMGTOOL_BUILD_CASE=NAME` runs one alone.
    let only = std::env::var("IMGTOOL_BUILD_CASE").ok();
    let place = Place::new(busybox, runtime);
    let mut faults = Vec::new();
    for case in cases().iter().skip(part).step_by(PARTS) {
        let name = case["name"].as_str().expect("a name");
        if only.as_ref().is_some_and(|only| only != name) || case["root_only"] == true && !place.is_root() {
            continue;
        }
        let found = if case["steps"].is_array() { place.scenario(case) } else { place.single(case) };
        faults.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn first_part() {
    run(0);
}

#[test]
fn second_part() {
    run(1);
}

#[test]
fn third_part() {
    run(2);
}

#[test]
fn fourth_part() {
    run(3);
}
