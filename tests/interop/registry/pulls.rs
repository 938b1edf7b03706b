//! imgtool pulls from every kind of registry what docker, skopeo and podman have pushed there: the same bytes, the same
//! digests.

use std::fs;

use serde_json::{Value, json};

use super::pushers::{archive, docker_push, podman_push, raw, skopeo, skopeo_push};
use super::servers::{Kind, PASSWORD, Server, USER};
use crate::support::digest;
use crate::support::image::TestImage;
use crate::support::oci::{INDEX, Layout, REF_NAME};
use crate::support::packing::Packing;
use crate::support::session::{Answer, Session};
use crate::{engine, peer};

/// Runs imgtool on a registry, with what it needs to know of its certificate.
pub(super) fn imgtool(session: &Session, server: &Server, args: &[&str]) -> Answer {
    let authorities = server.trust().map(|folder| folder.join("ca.crt").display().to_string());
    let flags: Vec<&str> = authorities.iter().flat_map(|file| ["--tls-ca", file]).collect();
    session.run(&[&args[..1], &flags, &args[1..]].concat())
}

/// Logs in, where that is needed.
pub(super) fn log_in(session: &Session, server: &Server, host: &str) {
    if !server.kind.asks() {
        return;
    }
    let authorities = server.trust().map(|folder| folder.join("ca.crt").display().to_string());
    let flags: Vec<&str> = authorities.iter().flat_map(|file| ["--tls-ca", file]).collect();
    let args = [&["login", "-u", USER, "--password-stdin"][..], &flags, &[host]].concat();
    let answer = session.run_with(PASSWORD.as_bytes(), &args);
    assert_eq!(answer.ok(), "Login Succeeded\n", "{:?}", server.kind);
}

/// Pulls what is called `name` there and compares all of it with what the registry has.
fn pulls(session: &Session, server: &Server, name: &str, image: &TestImage) {
    let what = format!("{:?} {name}", server.kind);
    let full = server.name(name);
    let manifest = raw(server, name);
    let answer = imgtool(session, server, &["pull", &full]);
    assert_eq!(answer.code, 0, "{what}: {}\n{}", answer.text(), server.log());
    let line = format!("Digest: {}", digest(&manifest));
    assert!(answer.out().lines().any(|said| said == line), "{what}: not {line}\n{}", answer.text());
    assert_eq!(answer.out().lines().last(), Some(full.as_str()), "{what}: {}", answer.text());

    let shown = session.inspect(&full);
    let (repository, _) = full.rsplit_once(':').expect("a tag");
    let known = json!(format!("{repository}@{}", digest(&manifest)));
    let all = shown["RepoDigests"].as_array().expect("a list");
    assert!(all.contains(&known), "{what}: {known} is not in {all:?}");
    assert_eq!(shown["RootFS"]["Layers"], json!(image.diff_ids()), "{what}");
    assert_eq!(session.inspect(&format!("{repository}@{}", digest(&manifest)))["Id"], shown["Id"], "{what}");
    assert_eq!(blob(session, &digest(&manifest)), manifest, "{what}: the manifest is kept as it is");
    check_blobs(session, server, name, &manifest);
    // Once more, and nothing is to be done.
    let again = imgtool(session, server, &["pull", &full]).ok();
    assert!(again.contains("Status: Image is up to date for"), "{what}: {again}");
}

/// What the manifest names is in the store, and of those digests.
fn check_blobs(session: &Session, server: &Server, name: &str, manifest: &[u8]) {
    let document: Value = serde_json::from_slice(manifest).expect("JSON");
    let layers = document["layers"].as_array().cloned().unwrap_or_default();
    for descriptor in layers.iter().chain([&document["config"]]).filter(|descriptor| descriptor.is_object()) {
        let expected = descriptor["digest"].as_str().expect("a digest");
        assert_eq!(digest(&blob(session, expected)), expected, "{:?} {name}", server.kind);
    }
}

fn blob(session: &Session, digest: &str) -> Vec<u8> {
    let hex = digest.strip_prefix("sha256:").expect("a digest");
    fs::read(session.store().join("blobs/sha256").join(hex)).unwrap_or_else(|error| panic!("{digest}: {error}"))
}

/// A layout with an index of two platforms under one name, its layers packed in two ways.
pub(super) fn two_platforms(session: &Session, image: &TestImage) -> String {
    let mut layout = Layout::default();
    let other = TestImage::of("fx/b:1", "of the other platform").with("architecture", json!("s390x"));
    let manifests: Vec<Value> = [image, &other]
        .into_iter()
        .map(|image| {
            let mut descriptor = layout.put_image(image, &[Packing::Gzip, Packing::Zstd]);
            descriptor["platform"] = image.platform();
            descriptor
        })
        .collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
    let descriptor = layout.put_json(INDEX, &index);
    layout.name(&descriptor, &[(REF_NAME, "both")]);
    layout.write(&session.work().join("layout"));
    format!("oci:{}:both", session.work().join("layout").display())
}

#[test]
fn what_skopeo_and_podman_pushed() {
    if !peer::installed("skopeo") || !peer::podman_works() {
        return;
    }
    let image = TestImage::sample("fx/a:1");
    for kind in Kind::ALL {
        let Some(server) = Server::start(kind) else { return };
        let session = Session::new();
        let archive = archive(&session.work(), &image);
        let state = session.work().join("podman");
        skopeo_push(&server, &archive, "team/app:skopeo", &[]);
        skopeo_push(&server, &archive, "team/app:skopeo-oci", &["--format", "oci"]);
        let zstd = ["--format", "oci", "--dest-compress-format", "zstd"];
        skopeo_push(&server, &archive, "team/app:skopeo-zstd", &zstd);
        podman_push(&server, &state, &archive, &image, "team/app:podman", &[]);
        podman_push(&server, &state, &archive, &image, "team/app:podman-oci", &["--format", "oci"]);
        let all: Vec<&str> = ["--all", "--preserve-digests"].to_vec();
        let to = format!("docker://{}", server.name("team/app:index"));
        skopeo("copy", &server.flags("dest-"), &[&all[..], &[&two_platforms(&session, &image), &to]].concat());

        log_in(&session, &server, &server.host);
        let tags = ["index", "podman", "podman-oci", "skopeo", "skopeo-oci", "skopeo-zstd"];
        let mut listed: Vec<String> = imgtool(&session, &server, &["tags", &server.name("team/app")])
            .ok()
            .lines()
            .map(ToOwned::to_owned)
            .collect();
        listed.sort();
        assert_eq!(listed, tags, "{kind:?}");
        assert_eq!(imgtool(&session, &server, &["catalog", &server.host]).ok(), "team/app\n", "{kind:?}");
        for tag in tags {
            pulls(&session, &server, &format!("team/app:{tag}"), &image);
        }
        // All that they have in common is there once, and goes with the last of them.
        let names: Vec<String> = tags.iter().map(|tag| server.name(&format!("team/app:{tag}"))).collect();
        session.ok(&[&["rmi"][..], &names.iter().map(String::as_str).collect::<Vec<_>>()].concat());
        session.ok(&["image", "prune", "-f"]);
        assert!(session.picture().is_empty(), "{kind:?}: {:?}", session.picture());
    }
}

#[test]
fn what_docker_pushed() {
    let Some(mut engine) = engine::engine() else { return };
    if !peer::installed("skopeo") {
        return;
    }
    let image = TestImage::sample("fx/a:1");
    for kind in Kind::ALL {
        let Some(server) = Server::start(kind) else { return };
        let session = Session::new();
        docker_push(&server, &engine, &archive(&session.work(), &image), &image, "team/app:docker");
        let known = engine.ok(&["inspect", "--format", "{{index .RepoDigests 0}}", &image.id()]);
        log_in(&session, &server, &server.host);
        pulls(&session, &server, "team/app:docker", &image);
        let shown = session.inspect(&server.name("team/app:docker"));
        assert_eq!(shown["RepoDigests"], json!([known.trim()]), "{kind:?}");
        assert_eq!(shown["Id"], image.id().as_str(), "{kind:?}");
        engine.forget_all();
    }
}

#[test]
fn what_is_only_looked_at() {
    if !peer::installed("skopeo") {
        return;
    }
    let image = TestImage::sample("fx/a:1");
    for kind in Kind::ALL {
        let Some(server) = Server::start(kind) else { return };
        let session = Session::new();
        skopeo_push(&server, &archive(&session.work(), &image), "team/app:1", &[]);
        let place = format!("docker://{}", server.name("team/app:1"));
        // Nobody is logged in.
        if kind.asks() {
            let answer = imgtool(&session, &server, &["inspect", &place]);
            answer.fails(1, &[&server.host, "imgtool login"]);
        }
        log_in(&session, &server, &server.host);
        let shown: Value = serde_json::from_str(&imgtool(&session, &server, &["inspect", &place]).ok()).expect("JSON");
        assert_eq!(shown[0]["Id"], image.id().as_str(), "{kind:?}");
        let history = imgtool(&session, &server, &["history", "-q", &place]).ok();
        assert_eq!(history.lines().count(), 3, "{kind:?}: {history}");
        let manifest = imgtool(&session, &server, &["manifest", "inspect", &place]).ok();
        let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
        assert_eq!(manifest["config"]["digest"], image.id().as_str(), "{kind:?}");
        assert!(session.picture().is_empty(), "{kind:?}: looking leaves nothing");
    }
}
