//! imgtool pushes to every kind of registry: docker, podman and skopeo pull it, with the same digests; what is there is
//! not sent again, and what is cut goes on; what was pushed can be deleted.

use serde_json::Value;

use super::pulls::{imgtool, log_in};
use super::pushers::{archive, docker_login, raw, skopeo};
use super::servers::{Kind, Server};
use crate::support::chaos::{Chaos, Trouble};
use crate::support::digest;
use crate::support::image::TestImage;
use crate::support::packing::Packing;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};
use crate::{engine, peer};

/// Bytes that no compression makes fewer.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    })
    .take(size)
    .collect()
}

fn image(size: usize) -> TestImage {
    TestImage::sample("fx/a:1").layer("large", &[Member::file("large", noise(size))])
}

/// How many requests that change anything the registry's access log has.
fn changes(server: &Server, what: &str) -> usize {
    let log = server.log();
    let is_one = |line: &&str| ["\"POST /", "\"PATCH /", "\"PUT /"].iter().any(|method| line.contains(method));
    log.lines().filter(is_one).filter(|line| line.contains(what)).count()
}

#[test]
fn docker_podman_and_skopeo_pull_it() {
    if !peer::installed("skopeo") || !peer::podman_works() {
        return;
    }
    let image = image(3 << 20);
    for kind in Kind::ALL {
        let Some(server) = Server::start(kind) else { return };
        let session = Session::new();
        log_in(&session, &server, &server.host);
        let plain = archive(&session.work(), &image);
        session.ok(&["load", "-q", "-i", &plain]);
        let packed = pack(
            &producers::skopeo_layout(std::slice::from_ref(&image), &[Packing::Gzip])
                .members(crate::support::oci::PLAIN_MARK),
        );
        session.write("packed.tar", packed);
        let stored = "packed/app:1";
        session.ok(&["load", "-q", "--prefix", "packed/", "-i", "packed.tar"]);
        session.ok(&["tag", "packed/fx/a:1", stored]);
        for (from, repository) in [("fx/a:1", "team/plain"), (stored, "team/packed")] {
            let name = format!("{repository}:1");
            let full = server.name(&name);
            session.ok(&["tag", from, &full]);
            let said = imgtool(&session, &server, &["push", &full]).ok();
            let manifest = raw(&server, &name);
            let line = format!("1: digest: {} size: {}", digest(&manifest), manifest.len());
            assert_eq!(said.lines().last(), Some(line.as_str()), "{kind:?}: {said}\n{}", server.log());
            let document: Value = serde_json::from_slice(&manifest).expect("a manifest");
            assert_eq!(document["config"]["digest"], image.id().as_str(), "{kind:?}");

            // Once more, and under another name: no blob is sent.
            let before = changes(&server, "/blobs/uploads/");
            assert!(before > 0, "the log shows it: {}", server.log());
            imgtool(&session, &server, &["push", "-q", &full]).ok();
            session.ok(&["tag", from, &format!("{full}.1")]);
            imgtool(&session, &server, &["push", "-q", &format!("{full}.1")]).ok();
            assert_eq!(changes(&server, "/blobs/uploads/"), before, "{kind:?}: {}", server.log());
            assert_eq!(raw(&server, &format!("{name}.1")), manifest);

            // Into another repository: the blobs are mounted.
            let other = format!("{repository}-other:1");
            session.ok(&["tag", from, &server.name(&other)]);
            let said = imgtool(&session, &server, &["push", &server.name(&other)]).ok();
            assert_eq!(
                said.matches(": Mounted from ").count(),
                image.layers.len(),
                "{kind:?}: {said}\n{}",
                server.log()
            );
            assert_eq!(raw(&server, &other), manifest);

            let to = format!("dir:{}", session.work().join("pulled").display());
            skopeo("copy", &server.flags("src-"), &[&format!("docker://{full}"), &to]);
            assert_eq!(std::fs::read(session.work().join("pulled/manifest.json")).expect("skopeo wrote it"), manifest);
            let state = session.work().join("podman");
            let flags = server.flags("");
            let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
            peer::ok(&mut peer::podman("podman", &state, &[&["pull", "-q"][..], &flags, &[&full]].concat()));
            let format = ["image", "inspect", "--format", "{{.Id}} {{.RepoDigests}}", &full];
            let shown = peer::ok(&mut peer::podman("podman", &state, &format));
            assert!(shown.starts_with(&image.hex()) && shown.contains(&digest(&manifest)), "{kind:?}: {shown}");
        }
    }
}

#[test]
fn behind_nginx_that_limits_requests() {
    if !peer::installed("skopeo") {
        return;
    }
    let image = image(6 << 20);
    for most in ["1m", "100k", "50k"] {
        let Some(server) = Server::start_limited(most) else { return };
        let session = Session::new();
        log_in(&session, &server, &server.host);
        let packed = pack(
            &producers::skopeo_layout(std::slice::from_ref(&image), &[Packing::Gzip])
                .members(crate::support::oci::PLAIN_MARK),
        );
        session.write("packed.tar", packed);
        session.ok(&["load", "-q", "--prefix", "packed/", "-i", "packed.tar"]);
        session.ok(&["load", "-q", "-i", &archive(&session.work(), &image)]);
        for (from, repository) in [("fx/a:1", "team/plain"), ("packed/fx/a:1", "team/packed")] {
            let name = server.name(&format!("{repository}:1"));
            session.ok(&["tag", from, &name]);
            let answer = imgtool(&session, &server, &["push", "-q", &name]);
            if most == "50k" {
                answer.fails(1, &["413", "client_max_body_size"]);
                continue;
            }
            answer.ok();
            let to = format!("dir:{}", session.work().join(repository.replace('/', "-")).display());
            skopeo("copy", &server.flags("src-"), &[&format!("docker://{name}"), &to]);
        }
    }
}

#[test]
fn docker_pulls_and_runs_it() {
    let Some(mut engine) = engine::engine() else { return };
    let image = image(1 << 20);
    for kind in Kind::ALL {
        let Some(server) = Server::start(kind) else { return };
        let session = Session::new();
        log_in(&session, &server, &server.host);
        let plain = archive(&session.work(), &image);
        session.ok(&["load", "-q", "-i", &plain]);
        docker_login(&server, &engine);
        for method in ["gzip", "zstd"] {
            // docker before 23 does not read zstd.
            if method == "zstd" && engine.ok(&["version", "--format", "{{.Server.Version}}"]).starts_with("20.") {
                continue;
            }
            let full = server.name(&format!("team/{method}:1"));
            session.ok(&["tag", "fx/a:1", &full]);
            let said = imgtool(&session, &server, &["push", "--compress", method, &full]).ok();
            let said_by_docker = engine.ok(&["pull", &full]);
            let (_, digest) = said.lines().last().expect("lines").split_once("digest: ").expect("a digest");
            let digest = digest.split(' ').next().expect("a digest");
            assert!(said_by_docker.contains(&format!("Digest: {digest}\n")), "{kind:?}: {said_by_docker}");
            assert_eq!(engine.ok(&["images", "-q", "--no-trunc", &full]).trim(), image.id(), "{kind:?}");
            engine.forget_all();
        }
    }
}

#[test]
fn through_a_proxy_that_cuts() {
    if !peer::installed("skopeo") {
        return;
    }
    let image = image(20 << 20);
    for kind in [Kind::Plain, Kind::Nginx] {
        let Some(server) = Server::start(kind) else { return };
        let chaos = Chaos::before(server.host.parse().expect("an address"));
        let session = Session::new();
        let host = chaos.address().to_string();
        log_in(&session, &server, &host);
        session.ok(&["load", "-q", "-i", &archive(&session.work(), &image)]);
        let full = format!("{host}/team/app:1");
        session.ok(&["tag", "fx/a:1", &full]);
        let before = chaos.connections();
        chaos.make(Trouble { cut_up: Some(6 << 20), ..Trouble::default() });
        imgtool(&session, &server, &["push", &full]).ok();
        assert!(chaos.has_cut() && chaos.connections() > before, "{kind:?}: nothing was cut");
        // This registry forgets a session when a chunk of it breaks: at most all that was sent is sent again, once.
        let (sent, size) = (chaos.up(), image.layers.iter().map(|layer| layer.len() as u64).sum::<u64>());
        assert!(sent < size * 2, "{kind:?}: {sent} bytes for {size}");
        let to = format!("dir:{}", session.work().join("pulled").display());
        skopeo("copy", &server.flags("src-"), &[&format!("docker://{}", server.name("team/app:1")), &to]);
    }
}

#[test]
fn what_was_pushed_is_deleted() {
    if !peer::installed("skopeo") {
        return;
    }
    let image = image(1000);
    for deletes in [true, false] {
        for kind in Kind::ALL {
            let Some(server) = Server::start_with(kind, deletes) else { return };
            let session = Session::new();
            log_in(&session, &server, &server.host);
            session.ok(&["load", "-q", "-i", &archive(&session.work(), &image)]);
            let app = server.name("team/app");
            for tag in ["1", "2"] {
                session.ok(&["tag", "fx/a:1", &format!("{app}:{tag}")]);
                imgtool(&session, &server, &["push", "-q", &format!("{app}:{tag}")]).ok();
            }
            let manifest = digest(&raw(&server, "team/app:1"));
            // This registry deletes no tags: it says what would go with it.
            let answer = imgtool(&session, &server, &["delete", &format!("{app}:1")]);
            answer.fails(1, &["cannot delete a tag alone", &manifest, "the tags 2 would go with it", "--manifest"]);
            let answer = imgtool(&session, &server, &["delete", "--manifest", &format!("{app}:1")]);
            if deletes {
                let gone = format!("Untagged: {app}:1\nUntagged: {app}:2\nDeleted: {app}@{manifest}\n");
                assert_eq!(answer.ok(), gone, "{kind:?}\n{}", server.log());
                let place = format!("docker://{app}@{manifest}");
                let flags = server.flags("");
                let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
                let raw = peer::run(&mut peer::skopeo(&[&["inspect", "--raw"][..], &flags, &[&place]].concat()));
                assert!(!raw.status.success(), "{kind:?}: it is still there");
            } else {
                answer.fails(1, &["deletion switched off", "REGISTRY_STORAGE_DELETE_ENABLED=true"]);
                assert_eq!(digest(&raw(&server, "team/app:1")), manifest);
            }
        }
    }
}
