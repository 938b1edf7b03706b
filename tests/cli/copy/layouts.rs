//! Layouts that images are added to.

use std::fs;

use serde_json::{Value, json};

use super::{Places, entries};
use crate::support::oci::{NAME, REF_NAME};
use crate::support::registry::reply::Reply;
use crate::support::session::Session;

fn annotation<'e>(entry: &'e Value, key: &str) -> &'e str {
    entry["annotations"][key].as_str().unwrap_or_default()
}

#[test]
fn a_name_leads_to_the_last_image_and_others_stay() {
    let places = Places::new();
    let session = &places.session;
    session.ok(&["copy", "team/app:1", "oci:out:v1"]);
    // Another tool's entry, with fields that we do not know.
    let path = session.work().join("out/index.json");
    let mut index: Value = serde_json::from_slice(&session.read("out/index.json")).expect("JSON");
    index["x-other"] = json!({"of": "another tool"});
    index["manifests"].as_array_mut().expect("a list").push(json!({
        "mediaType": "application/x-thing", "digest": format!("sha512:{}", "0".repeat(128)), "size": 3, "x-mine": true,
    }));
    fs::write(&path, index.to_string()).expect("a file");
    session.ok(&["copy", "docker-archive:docker.tar", "oci:out:v1"]);
    session.ok(&["copy", "team/app:1", "oci:out"]);
    session.ok(&["copy", "team/app:1", "oci:out"]);
    let index: Value = serde_json::from_slice(&session.read("out/index.json")).expect("JSON");
    assert_eq!(index["x-other"], json!({"of": "another tool"}));
    let all = entries(session, "out");
    assert_eq!(all.iter().filter(|entry| annotation(entry, REF_NAME) == "v1").count(), 1, "{all:?}");
    assert_eq!(all.iter().filter(|entry| annotation(entry, NAME) == "docker.io/team/app:1").count(), 1, "{all:?}");
    assert_eq!(all.iter().filter(|entry| entry["x-mine"] == json!(true)).count(), 1, "{all:?}");
    assert_eq!(all.len(), 3);
    places.check("oci:out:v1");
    places.check("oci:out:team/app:1");
    let names: Vec<String> = fs::read_dir(session.work().join("out"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert!(names.iter().all(|name| ["blobs", "index.json", "oci-layout"].contains(&name.as_str())), "{names:?}");
}

#[test]
fn many_writers_lose_nothing() {
    let places = Places::new();
    let session = &places.session;
    let writers: Vec<_> = (0..8)
        .map(|number| {
            session.command(&["copy", "-q", "team/app:1", &format!("oci:out:v{number}")]).spawn().expect("it runs")
        })
        .collect();
    for mut writer in writers {
        assert!(writer.wait().expect("it ends").success());
    }
    assert_eq!(entries(session, "out").len(), 8);
}

#[test]
fn a_damaged_image_leaves_no_entry() {
    let places = Places::new();
    let registry = &places.registry;
    registry.script(|request, honest| {
        if !request.path.contains("/blobs/") || honest.status != 200 {
            return honest;
        }
        let mut body = honest.body.to_vec();
        if let Some(byte) = body.last_mut() {
            *byte ^= 1;
        }
        let mut damaged = Reply::new(honest.status, body);
        damaged.headers = honest.headers;
        damaged
    });
    let from = format!("docker://{}", registry.name("team/app:1"));
    let fresh = Session::new();
    for to in ["oci:new:v1", "oci-archive:new.tar", "docker-archive:new.tar", "new:1"] {
        fresh.run(&["copy", &from, to]).fails(1, &["sha256:"]);
    }
    assert!(!fresh.work().join("new.tar").exists());
    assert!(!fresh.work().join("new/index.json").exists());
    assert_eq!(fresh.tags(), [""; 0]);
}
