//! `manifest inspect` prints what docker's client prints, which does this without its engine.

use serde_json::{Value, json};

use super::pushers::skopeo;
use super::servers::{Kind, Server};
use crate::peer;
use crate::support::image::TestImage;
use crate::support::oci;
use crate::support::packing::Packing;
use crate::support::registry::Registry;
use crate::support::registry::Setup;
use crate::support::registry::content::{DOCKER_LIST, Form, on_platform};
use crate::support::registry::tls::Certificate;
use crate::support::session::Session;

/// Compares what both print; docker reaches registries of this machine without TLS only with `--insecure`.
fn same(session: &Session, args: &[&str]) {
    let docker = peer::run(
        peer::program("docker", &[&["manifest", "inspect", "--insecure"], args].concat())
            .env("DOCKER_CONFIG", session.work().join("docker")),
    );
    let out = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for flags in [&["--insecure"][..], &[]] {
        let ours = session.run(&[&["manifest", "inspect"], flags, args].concat());
        assert_eq!(out(&docker.stdout), ours.out(), "{args:?} {}", out(&docker.stderr));
        assert_eq!(docker.status.code(), Some(ours.code), "{args:?}");
        assert_eq!(out(&docker.stderr), ours.stderr.replace("error: ", ""), "{args:?}");
    }
}

#[test]
fn manifests_of_a_real_registry() {
    if !peer::installed("docker") || !peer::installed("skopeo") {
        return;
    }
    let Some(server) = Server::start(Kind::Plain) else { return };
    let session = Session::new();
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    let docker = format!("docker-archive:{fixtures}/docker-archive/docker20-save.tar:fx/nogpl:1");
    let attested = format!("oci:{fixtures}/oci-layout/attest__unsigned-index");
    for (tag, how, from) in [
        ("docker", &["--format", "v2s2"][..], &docker),
        ("oci", &["--format", "oci"], &docker),
        ("index", &["--all"], &attested),
    ] {
        let to = format!("docker://{}", server.name(&format!("team/app:{tag}")));
        skopeo("copy", &server.flags("dest-"), &[how, &[from, &to]].concat());
    }
    for tag in ["docker", "oci", "index", "nosuch"] {
        let name = server.name(&format!("team/app:{tag}"));
        same(&session, &[&name]);
        same(&session, &["-v", &name]);
    }
    let none = server.name("no/such");
    same(&session, &[&none]);
    let index: Value = serde_json::from_slice(&super::pushers::raw(&server, "team/app:index")).expect("an index");
    let digest = index["manifests"][0]["digest"].as_str().expect("a digest");
    let by_digest = server.name(&format!("team/app@{digest}"));
    same(&session, &[&by_digest]);
    same(&session, &["--verbose", &by_digest]);
}

#[test]
fn what_documents_may_have() {
    if !peer::installed("docker") {
        return;
    }
    let (session, registry) = (Session::new(), Registry::start());
    let image = TestImage::sample("fx/a:1").with("author", json!("a <b> & c"));
    let arm = TestImage::of("fx/b:1", "b").with("architecture", json!("arm")).with("variant", json!("v7"));
    let windows = TestImage::of("fx/c:1", "c").with("os", json!("windows")).with("os.version", json!("10.0.1"));
    let docker = registry.push("team/app:docker", &image);
    let oci = registry.push_as("team/app:oci", &arm, Form::Oci(Packing::Zstd));
    let version = registry.push("team/app:windows", &windows);
    let platform = |descriptor: &Value, platform: Value| on_platform(descriptor, &platform);
    let mut annotated = platform(&oci.manifest, json!({"os": "linux", "architecture": "arm", "variant": "v7"}));
    annotated["annotations"] = json!({"a": "<b>"});
    let features = json!({"architecture": "amd64", "os": "windows", "os.version": "10.0.1", "os.features": ["win32k"]});
    for (tag, media_type, entries) in [
        ("list", DOCKER_LIST, vec![platform(&docker.manifest, json!({"os": "linux", "architecture": "amd64"}))]),
        ("mixed", oci::INDEX, vec![platform(&docker.manifest, image.platform()), annotated.clone()]),
        ("annotated", oci::INDEX, vec![annotated, oci.manifest.clone()]),
        ("features", DOCKER_LIST, vec![platform(&version.manifest, features)]),
    ] {
        registry.content().repository("team/app").put_index(tag, media_type, &entries);
    }
    for tag in ["docker", "oci", "windows", "list", "mixed", "annotated", "features"] {
        let name = registry.name(&format!("team/app:{tag}"));
        same(&session, &[&name]);
        same(&session, &["-v", &name]);
    }
}

#[test]
fn insecure_means_any_certificate() {
    if !peer::installed("docker") {
        return;
    }
    let tls = Some(Certificate::self_signed(&["elsewhere.test"]).server());
    let (session, registry) = (Session::new(), Registry::with(Setup { tls, ..Setup::default() }));
    registry.push("team/app:1", &TestImage::sample("fx/a:1"));
    let name = registry.name("team/app:1");
    let docker = peer::program("docker", &["manifest", "inspect", "--insecure", &name])
        .env("DOCKER_CONFIG", session.work().join("docker"))
        .output()
        .expect("docker starts");
    let ours = session.ok(&["manifest", "inspect", "--insecure", &name]);
    assert_eq!(String::from_utf8_lossy(&docker.stdout), ours);
    session.run(&["manifest", "inspect", &name]).fails(1, &["certificate", "self-signed"]);
    assert_eq!(session.ok(&["--insecure-registry", &registry.host(), "tags", &registry.name("team/app")]), "1\n");
}
