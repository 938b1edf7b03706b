//! Every client pulls what every client pushes, and all see the same digests.

use super::{Registry, archive, podman, skopeo};
use crate::support::image::TestImage;
use crate::support::session::Session;
use crate::support::tarball::Member;
use crate::{engine, peer};

const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";
const OCI: &str = "application/vnd.oci.image.manifest.v1+json";

fn image() -> TestImage {
    // A layer that is sent in several pieces, and an empty one.
    TestImage::sample("fx/a:1").layer("large", &[Member::file("large", vec![7; 3 << 20])]).layer("none", &[])
}

#[test]
fn docker_pushes_and_pulls() {
    let Some(mut engine) = engine::engine() else { return };
    let (registry, image) = (Registry::new(), image());
    engine.ok(&["load", "-q", "-i", &archive(&registry.session.work(), &image)]);
    let name = registry.name("team/app:1");
    engine.ok(&["tag", &image.id(), &name]);
    let said = engine.ok(&["push", &name]);
    let digest = registry.digest("team/app", "1");
    assert!(said.contains(&format!("1: digest: {digest} size: ")), "{said}");
    assert_eq!(registry.kind("team/app", "1"), DOCKER);
    // Again, and under another name of the same store: nothing is sent.
    assert!(engine.ok(&["push", &name]).contains("Layer already exists"));
    engine.ok(&["tag", &image.id(), &registry.name("other/app:1")]);
    let said = engine.ok(&["push", &registry.name("other/app:1")]);
    assert!(said.contains("Mounted from team/app"), "{said}");
    // It is an image of the store.
    assert_eq!(registry.session.inspect("team/app:1")["Id"], image.id().as_str());
    engine.forget_all();
    let said = engine.ok(&["pull", &name]);
    assert!(said.contains(&format!("Digest: {digest}")), "{said}");
    assert_eq!(engine.ok(&["images", "-q", "--no-trunc", &name]).trim(), image.id());
    engine.forget_all();
    engine.ok(&["pull", &registry.name(&format!("team/app@{digest}"))]);
    assert_eq!(engine.ok(&["images", "-q", "--no-trunc"]).trim(), image.id());
    registry.session.ok(&["verify"]);
}

#[test]
fn docker_pulls_what_others_pushed() {
    if !peer::installed("skopeo") || !peer::podman_works() {
        return;
    }
    let Some(mut engine) = engine::engine() else { return };
    let (registry, image) = (Registry::new(), image());
    push_all(&registry, &image);
    for repository in ["skopeo-docker", "skopeo-oci", "podman-docker", "podman-oci", "imgtool", "loaded"] {
        let said = engine.ok(&["pull", &registry.name(&format!("{repository}:1"))]);
        assert!(said.contains(&registry.digest(repository, "1")), "{repository}: {said}");
        assert_eq!(engine.ok(&["images", "-q", "--no-trunc"]).trim(), registry.id(repository, "1"), "{repository}");
        engine.forget_all();
    }
}

/// skopeo, podman and imgtool push the image, each into repositories of its own; `loaded` was loaded into the store.
fn push_all(registry: &Registry, image: &TestImage) {
    let path = archive(&registry.session.work(), image);
    for (repository, format) in [("skopeo-docker", "v2s2"), ("skopeo-oci", "oci")] {
        let to = format!("docker://{}", registry.name(&format!("{repository}:1")));
        skopeo(&["copy", "--format", format], "dest-", &[&format!("docker-archive:{path}"), &to]);
    }
    let state = registry.session.work().join("podman");
    peer::ok(&mut peer::podman("podman", &state, &["load", "-q", "-i", &path]));
    for (repository, flags) in [
        ("podman-docker", &["--format", "v2s2"][..]),
        ("podman-oci", &["--format", "oci"]),
        ("podman-zstd", &["--format", "oci", "--compression-format", "zstd"]),
    ] {
        let to = format!("docker://{}", registry.name(&format!("{repository}:1")));
        podman("podman", &state, &[&["push", "-q"], flags, &[&image.hex(), &to]].concat());
    }
    let client = Session::new();
    client.ok(&["load", "-q", "-i", &path]);
    client.ok(&["tag", "fx/a:1", &registry.name("imgtool:1")]);
    client.ok(&["push", "-q", &registry.name("imgtool:1")]);
    registry.session.ok(&["load", "-q", "--tag", "fx/a:1=loaded:1", "-i", &path]);
    for (repository, kind) in
        [("skopeo-docker", DOCKER), ("skopeo-oci", OCI), ("podman-docker", DOCKER), ("podman-oci", OCI)]
    {
        assert_eq!(registry.kind(repository, "1"), kind, "{repository}");
    }
    // Who makes an OCI image of docker's may write its config anew.
    for repository in ["skopeo-docker", "imgtool", "loaded"] {
        assert_eq!(registry.id(repository, "1"), image.id(), "{repository}");
    }
}

#[test]
fn podman_skopeo_and_imgtool_pull_what_all_pushed() {
    if !peer::installed("skopeo") || !peer::podman_works() {
        return;
    }
    let (registry, image) = (Registry::new(), image());
    push_all(&registry, &image);
    let state = registry.session.work().join("podman");
    for repository in ["skopeo-docker", "skopeo-oci", "podman-docker", "podman-oci", "podman-zstd", "imgtool", "loaded"]
    {
        let (name, digest) = (registry.name(&format!("{repository}:1")), registry.digest(repository, "1"));
        let folder = registry.session.work().join(repository);
        skopeo(
            &["copy", "--preserve-digests"],
            "src-",
            &[&format!("docker://{name}"), &format!("dir:{}", folder.display())],
        );
        let manifest = std::fs::read(folder.join("manifest.json")).expect("skopeo wrote it");
        assert_eq!(crate::support::digest(&manifest), digest, "{repository}");
        podman("podman", &state, &["pull", "-q", &name]);
        let format = ["image", "inspect", "--format", "{{.Id}} {{.RepoDigests}}", &name];
        let shown = peer::ok(&mut peer::podman("podman", &state, &format));
        let id = registry.id(repository, "1");
        let is_it = shown.starts_with(id.trim_start_matches("sha256:"));
        assert!(is_it && shown.contains(&digest), "{repository}: {shown}");
        peer::ok(&mut peer::podman("podman", &state, &["rmi", "-f", &name]));
        let client = Session::new();
        let said = client.ok(&["pull", &name]);
        assert!(said.contains(&digest), "{repository}: {said}");
        assert_eq!(client.inspect(&name)["Id"], id.as_str(), "{repository}");
    }
    registry.session.ok(&["verify"]);
}

#[test]
fn containerd_fetches_and_pushes() {
    let Some(mut engine) = engine::engine() else { return };
    if !peer::installed("ctr") {
        return;
    }
    let (registry, image) = (Registry::new(), image());
    registry.session.ok(&[
        "load",
        "-q",
        "--tag",
        "fx/a:1=team/app:1",
        "-i",
        &archive(&registry.session.work(), &image),
    ]);
    let (from, to) = (registry.name("team/app:1"), registry.name("new/app:1"));
    // Pulling would unpack, which needs more of the machine than a registry has to do with.
    peer::ok(&mut engine.ctr(&["content", "fetch", "--plain-http", "--all-platforms", &from]));
    peer::ok(&mut engine.ctr(&["images", "tag", &from, &to]));
    peer::ok(&mut engine.ctr(&["images", "push", "--plain-http", &to]));
    assert_eq!(registry.digest("new/app", "1"), registry.digest("team/app", "1"));
    // Again: all is there.
    peer::ok(&mut engine.ctr(&["images", "push", "--plain-http", &to]));
    engine.ok(&["pull", &to]);
    engine.forget_all();
}
