//! What docker's client prints about an image and what imgtool prints about it is the same, byte for byte.

use std::process::Command;
use std::sync::MutexGuard;

use serde_json::{Map, Value};

use crate::engine::{Engine, full_engine};
use crate::images;
use crate::support::session::Session;

/// Columns and fields of `images` that differ, and why they must: the rows are compared without them.
const IMAGES_DIFFERS: [(&str, &str); 1] =
    [("Digest", "docker's classic store knows a manifest's digest only after pull or push; every image here has one")];

/// Fields of `inspect` that differ, and why they must.
const INSPECT_DIFFERS: [(&str, &str); 9] = [
    (
        "RepoDigests",
        "docker's classic store knows a manifest's digest only after pull or push; every image here has one",
    ),
    ("Descriptor", "printed by docker's containerd store and from API 1.48 on, not by 20.10"),
    ("GraphDriver", "names folders of docker's own store"),
    ("Metadata", "the time of the last tag is the engine's, not the image's"),
    ("Parent", "docker's link to an image that it built before; it is no part of an archive"),
    ("Container", "not printed since API 1.45; it names a container that is gone"),
    ("ContainerConfig", "not printed since API 1.45"),
    ("DockerVersion", "not printed since API 1.52 unless it is there; same value if both print it"),
    ("VirtualSize", "not printed since API 1.44; the same number as Size"),
];

/// The images in docker's engine and, from the archive that docker saved, in a store of imgtool's.
fn both() -> Option<(MutexGuard<'static, Engine>, Session)> {
    let (engine, archive) = full_engine()?;
    let session = Session::new();
    session.run_with(archive, &["load", "-q"]).ok();
    Some((engine, session))
}

fn same(engine: &Engine, session: &Session, args: &[&str]) {
    let run = |mut command: Command| {
        let output = crate::peer::run(&mut command);
        (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
    };
    // `CREATED` runs on between the two calls: imgtool is asked before and after, one of the two must agree.
    let before = run(session.command(args));
    let docker = run(engine.docker(args));
    let after = run(session.command(args));
    assert!(docker == before || docker == after, "{args:?}\ndocker:\n{}\nimgtool:\n{}", docker.0, after.0);
}

#[test]
fn history() {
    let Some((engine, session)) = both() else { return };
    for image in images::EACH {
        for flags in [
            &["--no-trunc"][..],
            &[],
            &["-q"],
            &["-q", "--no-trunc"],
            &["--human=false", "--no-trunc"],
            &["--format", "{{json .}}"],
            &["--format", "table {{.ID}}\t{{.CreatedBy}}\t{{.Size}}"],
        ] {
            let args: Vec<&str> = ["history"].iter().chain(flags).copied().chain([image]).collect();
            same(&engine, &session, &args);
        }
    }
}

#[test]
fn images_one_by_one() {
    let Some((engine, session)) = both() else { return };
    for image in images::TAGS {
        for flags in [&[][..], &["--no-trunc"], &["-q"]] {
            let args: Vec<&str> = ["images"].iter().chain(flags).copied().chain([image]).collect();
            same(&engine, &session, &args);
        }
    }
}

#[test]
fn images_as_json() {
    let Some((engine, session)) = both() else { return };
    for image in images::TAGS {
        let args = ["images", "--no-trunc", "--format", "{{json .}}", image];
        let row = |text: String| {
            let mut row: Map<String, Value> = serde_json::from_str(&text).expect("one row");
            row.retain(|key, _| key != "CreatedSince" && !IMAGES_DIFFERS.iter().any(|(name, _)| name == key));
            row
        };
        assert_eq!(row(session.ok(&args)), row(engine.ok(&args)), "{image}");
    }
}

#[test]
fn images_all_together() {
    let Some((engine, session)) = both() else { return };
    // docker shows the names of one image, and images of one second, in no order of its own.
    let lines = |text: String| {
        let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
        lines.sort();
        lines
    };
    for args in [
        &["images", "--format", "{{.Repository}} {{.Tag}} {{.ID}} {{.CreatedAt}} {{.Size}}"][..],
        &["images", "--format", "{{.Tag}}", "fx/built"],
    ] {
        assert_eq!(lines(session.ok(args)), lines(engine.ok(args)), "{args:?}");
    }
}

#[test]
fn inspect() {
    let Some((engine, session)) = both() else { return };
    for image in images::EACH {
        let docker: Value = serde_json::from_str(&engine.ok(&["image", "inspect", image])).expect("JSON");
        let (docker, ours) = (fields(&docker[0]), fields(&session.inspect(image)));
        let mut wrong = Vec::new();
        for key in docker.keys().chain(ours.keys()) {
            let (want, got) = (docker.get(key), ours.get(key));
            let known = INSPECT_DIFFERS.iter().any(|(name, _)| name == key);
            if want != got && !known {
                wrong.push(format!("{image} {key}: docker {want:?}, imgtool {got:?}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        for template in [
            "{{.Id}} {{.Size}} {{.Created}}",
            "{{json .RootFS}}",
            "{{json .RepoTags}}",
            "{{.Config.Env}} {{index .Config.Labels \"who\"}}",
        ] {
            same(&engine, &session, &["image", "inspect", "-f", template, image]);
        }
    }
}

/// The fields that say something, `Config`'s and the others alike: newer engines leave out what is empty.
fn fields(image: &Value) -> Map<String, Value> {
    fn empty(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Bool(value) => !value,
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            Value::Number(_) => false,
        }
    }
    let mut image = image.as_object().cloned().unwrap_or_default();
    let config = image.remove("Config").and_then(|config| config.as_object().cloned()).unwrap_or_default();
    image.extend(config.into_iter().map(|(key, value)| (format!("Config.{key}"), value)));
    if let Some(tags) = image.get_mut("RepoTags").and_then(Value::as_array_mut) {
        tags.sort_by_key(ToString::to_string);
    }
    image.into_iter().filter(|(_, value)| !empty(value)).collect()
}

#[test]
fn errors() {
    let Some((engine, session)) = both() else { return };
    for args in [
        &["history", "rsch/none"][..],
        &["save", "-o", "/dev/null/x", "fx/built:1"],
        &["tag", "rsch/none", "x:1"],
        &["tag", "fx/built:1", "Upper:1"],
        &["rmi", "rsch/none"],
        &["load", "-i", "nofile"],
        &["inspect", "rsch/none"],
    ] {
        let docker = crate::peer::run(engine.docker(args).current_dir(session.work()));
        let ours = session.run(args);
        assert_eq!(Some(ours.code), docker.status.code(), "{args:?}: {}", ours.stderr);
        assert_eq!(ours.out(), String::from_utf8_lossy(&docker.stdout), "{args:?}");
    }
}

#[test]
fn rmi() {
    let Some((mut engine, session)) = both() else { return };
    for args in [
        &["rmi", "fx/built:2"][..],
        &["rmi", "fx/deep:30"],
        &["rmi", "fx/imported"],
        &["rmi", "fx/bare:config-only-changes"],
        &["rmi", "fx/built:1", "registry.example:5000/ns/built:v1"],
    ] {
        assert_eq!(session.ok(args), engine.ok(args), "{args:?}");
    }
    assert_eq!(session.ids(), [""; 0]);
    engine.forget_all();
}
