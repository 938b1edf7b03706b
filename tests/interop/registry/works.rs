//! The real registries take what docker, skopeo and podman push, and give it back: nothing is said of imgtool yet.

use serde_json::Value;

use super::pushers::{archive, docker_login, docker_push, podman_push, raw, skopeo, skopeo_push};
use super::servers::{Kind, Server};
use crate::support::image::TestImage;
use crate::support::session::Session;
use crate::{engine, peer};

#[test]
fn skopeo_and_podman() {
    if !peer::installed("skopeo") || !peer::podman_works() {
        return;
    }
    let image = TestImage::sample("fx/a:1");
    for kind in Kind::ALL {
        let Some(server) = Server::start(kind) else { return };
        let session = Session::new();
        let archive = archive(&session.work(), &image);
        skopeo_push(&server, &archive, "team/skopeo:1", &[]);
        podman_push(&server, &session.work().join("podman"), &archive, &image, "team/podman:1", &[]);
        for name in ["team/skopeo:1", "team/podman:1"] {
            let manifest: Value = serde_json::from_slice(&raw(&server, name)).expect("a manifest");
            assert_eq!(manifest["config"]["digest"], image.id().as_str(), "{kind:?} {name}\n{}", server.log());
            let to = format!("dir:{}", session.work().join("pulled").display());
            skopeo("copy", &server.flags("src-"), &[&format!("docker://{}", server.name(name)), &to]);
        }
        if let Some(issuer) = &server.issuer {
            assert!(issuer.count("GET", "/token") + issuer.count("POST", "/token") > 0, "nobody asked for a token");
        }
        if kind.asks() {
            let place = format!("docker://{}", server.name("team/skopeo:1"));
            let trust = server.trust().map(|folder| format!("--cert-dir={}", folder.display()));
            let trust = trust.unwrap_or_else(|| "--tls-verify=false".to_owned());
            let answer = peer::run(&mut peer::skopeo(&["inspect", "--raw", "--creds=ada:wrong", &trust, &place]));
            assert!(!answer.status.success(), "{kind:?} takes a wrong password");
        }
    }
}

#[test]
fn docker() {
    let Some(mut engine) = engine::engine() else { return };
    let image = TestImage::sample("fx/a:1");
    for kind in Kind::ALL {
        let Some(server) = Server::start(kind) else { return };
        let session = Session::new();
        docker_push(&server, &engine, &archive(&session.work(), &image), &image, "team/docker:1");
        engine.forget_all();
        docker_login(&server, &engine);
        engine.ok(&["pull", "-q", &server.name("team/docker:1")]);
        let id = engine.ok(&["images", "-q", "--no-trunc", &server.name("team/docker")]);
        assert_eq!(id.trim(), image.id(), "{kind:?}\n{}", server.log());
        engine.forget_all();
    }
}
