//! Repositories and the names of the store that they are.

use serde_json::json;

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::serving::Serving;
use crate::support::session::Session;
use crate::support::tarball::pack;

#[test]
fn an_official_image_has_two_names_and_one_is_listed() {
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[TestImage::of("demo:1", "a"), TestImage::of("alice/demo:1", "b")])));
    let serving = Serving::start(&session, &[]);
    let short = serving.get("/v2/demo/manifests/1").expect(200);
    let long = serving.get("/v2/library/demo/manifests/1").expect(200);
    assert_eq!(short.header("docker-content-digest"), long.header("docker-content-digest"));
    assert_eq!(serving.get("/v2/_catalog").expect(200).json()["repositories"], json!(["alice/demo", "demo"]));
    assert_eq!(serving.get("/v2/library/demo/tags/list").expect(200).json()["name"], "library/demo");
    // A blob that was uploaded under one name is there under the other.
    let blob = serving.put_blob("library/other", b"x");
    serving.get(&format!("/v2/other/blobs/{blob}")).expect(200);
}

#[test]
fn names_of_registries_are_served_with_their_port() {
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[TestImage::of("demo:1", "a")])));
    for name in ["localhost:5000/demo:1", "ghcr.io/x/y:1", "registry.example.com:443/z:1", "localhost/w:1"] {
        session.ok(&["tag", "demo:1", name]);
    }
    let serving = Serving::start(&session, &[]);
    assert_eq!(
        serving.get("/v2/_catalog").expect(200).json()["repositories"],
        json!(["demo", "ghcr.io/x/y", "localhost/w", "localhost_5000/demo", "registry.example.com_443/z"])
    );
    serving.get("/v2/localhost_5000/demo/manifests/1").expect(200);
    serving.get("/v2/localhost:5000/demo/manifests/1").expect(400);
    // What is pushed under that name is an image of that registry.
    let bytes = serving.get("/v2/localhost_5000/demo/manifests/1").expect(200);
    let kind = bytes.header("content-type").to_owned();
    serving.put_manifest("localhost_5000/demo", "2", &kind, &bytes.body);
    assert!(session.tags().contains(&"localhost:5000/demo:2".to_owned()), "{:?}", session.tags());
}

#[test]
fn images_without_a_name_are_not_served() {
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[TestImage::of("demo:1", "a")])));
    session.load(&pack(&producers::docker_save(&[TestImage::of("demo:1", "b")])));
    let serving = Serving::start(&session, &[]);
    assert_eq!(serving.get("/v2/demo/tags/list").expect(200).json()["tags"], json!(["1"]));
}

#[test]
fn the_start_says_which_names_are_served_under_others() {
    use std::io::{BufRead as _, BufReader};
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[TestImage::of("demo:1", "a")])));
    for name in ["localhost:5000/demo:1", "localhost:5000/demo:2", "myhost:5000/x:1"] {
        session.ok(&["tag", "demo:1", name]);
    }
    let mut command = session.command(&["serve", "--addr", "127.0.0.1:0"]);
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().expect("the binary starts");
    let lines = BufReader::new(child.stderr.take().expect("stderr was asked for")).lines();
    let lines: Vec<String> = lines.map(|line| line.expect("text")).take(3).collect();
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    assert!(lines[0].contains("serving "), "{lines:?}");
    assert!(lines[1].contains("localhost:5000/demo is served as localhost_5000/demo"), "{lines:?}");
    assert!(lines[2].contains("myhost:5000/x is not served"), "{lines:?}");
}
