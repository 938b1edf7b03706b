//! Who puts images into a registry: docker, skopeo and podman.

use std::fs;
use std::path::Path;

use super::servers::{PASSWORD, Server, USER};
use crate::engine::Engine;
use crate::peer;
use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::tarball::pack;

/// Runs skopeo with flags and places.
pub(super) fn skopeo(verb: &str, flags: &[String], rest: &[&str]) -> String {
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    peer::ok(&mut peer::skopeo(&[&[verb], &flags[..], rest].concat()))
}

/// The bytes of a manifest, as skopeo says that they are.
pub(super) fn raw(server: &Server, name: &str) -> Vec<u8> {
    skopeo("inspect", &server.flags(""), &["--raw", &format!("docker://{}", server.name(name))]).into_bytes()
}

/// Writes the image as an archive of docker's into a folder.
pub(super) fn archive(folder: &Path, image: &TestImage) -> String {
    let path = folder.join(format!("{}.tar", image.short()));
    fs::write(&path, pack(&producers::docker_save(std::slice::from_ref(image)))).expect("a file");
    path.display().to_string()
}

/// skopeo pushes an archive; `how` has its flags for the format.
pub(super) fn skopeo_push(server: &Server, archive: &str, name: &str, how: &[&str]) {
    let (from, to) = (format!("docker-archive:{archive}"), format!("docker://{}", server.name(name)));
    skopeo("copy", &server.flags("dest-"), &[how, &[&from, &to]].concat());
}

/// docker loads an archive with one image, and pushes it.
pub(super) fn docker_push(server: &Server, engine: &Engine, archive: &str, image: &TestImage, name: &str) {
    let name = server.name(name);
    engine.ok(&["load", "-q", "-i", archive]);
    engine.ok(&["tag", &image.id(), &name]);
    docker_login(server, engine);
    engine.ok(&["push", "-q", &name]);
}

/// docker logs in, where that is needed.
pub(super) fn docker_login(server: &Server, engine: &Engine) {
    if server.kind.asks() {
        engine.ok(&["login", "-u", USER, "-p", PASSWORD, &server.host]);
    }
}

/// podman with its state in a folder loads an archive with one image, and pushes it; `how` has its flags for the format.
pub(super) fn podman_push(server: &Server, state: &Path, archive: &str, image: &TestImage, name: &str, how: &[&str]) {
    let flags = server.flags("");
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let (id, to) = (image.hex(), format!("docker://{}", server.name(name)));
    peer::ok(&mut peer::podman("podman", state, &["load", "-q", "-i", archive]));
    let push = [&["push", "-q"][..], &flags, how, &[&id, &to]].concat();
    peer::ok(&mut peer::podman("podman", state, &push));
}
