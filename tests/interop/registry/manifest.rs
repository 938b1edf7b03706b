//! `manifest` says, prints and pushes what docker's client does, which needs no engine for this.

use serde_json::{Value, json};

use super::pushers::skopeo;
use super::servers::{Kind, Server};
use crate::support::image::TestImage;
use crate::support::oci;
use crate::support::packing::Packing;
use crate::support::registry::Registry;
use crate::support::registry::Setup;
use crate::support::registry::content::{DOCKER_LIST, Form, on_platform};
use crate::support::registry::tls::Certificate;
use crate::support::session::Session;
use crate::{engine, peer};

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

/// What docker's client says to `manifest`, with lists of its own.
fn docker(session: &Session, args: &[&str]) -> std::process::Output {
    let insecure = ["create", "push"].contains(&args[0]);
    let flags: &[&str] = if insecure { &["--insecure"] } else { &[] };
    let args = [&["manifest", args[0]], flags, &args[1..]].concat();
    peer::run(peer::program("docker", &args).env("DOCKER_CONFIG", session.work().join("docker")))
}

/// Says the same to both, first to imgtool; what they answer must be the same.
fn both(session: &Session, args: &[&str]) -> (i32, String) {
    let ours = session.run(&[&["manifest"], args].concat());
    let theirs = docker(session, args);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(ours.out(), text(&theirs.stdout), "{args:?}: {} {}", ours.stderr, text(&theirs.stderr));
    assert_eq!(ours.stderr.replace("error: ", ""), text(&theirs.stderr), "{args:?}");
    assert_eq!(Some(ours.code), theirs.status.code(), "{args:?}");
    (ours.code, ours.out())
}

/// A registry with images for two platforms, each with docker's manifest and the specification's.
fn platforms(server: &Server, session: &Session) {
    for architecture in ["amd64", "arm64"] {
        let image = TestImage::of("fx/a:1", architecture).with("architecture", json!(architecture));
        let archive = super::pushers::archive(&session.work(), &image);
        for form in ["v2s2", "oci"] {
            let name = format!("team/{architecture}:{form}");
            super::pushers::skopeo_push(server, &archive, &name, &["--format", form]);
        }
    }
}

#[test]
fn lists_are_those_of_docker() {
    if !peer::installed("docker") || !peer::installed("skopeo") {
        return;
    }
    let Some(server) = Server::start(Kind::Plain) else { return };
    let session = Session::new();
    platforms(&server, &session);
    let list = |repository: &str| server.name(&format!("{repository}:all"));
    let image = |name: &str| server.name(&format!("team/{name}"));
    // Lists of docker's, the specification's and both; in another order than docker's; in the repository of an image.
    let cases = [
        ("by/docker", vec!["arm64:v2s2", "amd64:v2s2"], DOCKER_LIST),
        ("by/oci", vec!["amd64:oci", "arm64:oci"], oci::INDEX),
        ("by/mixed", vec!["arm64:v2s2", "amd64:oci"], oci::INDEX),
        ("team/amd64", vec!["arm64:oci", "amd64:v2s2"], DOCKER_LIST),
    ];
    for (repository, images, media_type) in cases {
        let (list, images) = (list(repository), images.into_iter().map(image).collect::<Vec<_>>());
        both(&session, &["create", &list, &images[0]]);
        assert_eq!(both(&session, &["create", &list, &images[1]]).0, 1, "there is one");
        both(&session, &["create", "--amend", &list, &images[1]]);
        both(&session, &["inspect", &list]);
        both(&session, &["annotate", "--variant", "v8", "--os-features", "a,b", &list, &images[0]]);
        let ours = session.ok(&["manifest", "push", &list]);
        let pushed = super::pushers::raw(&server, &format!("{repository}:all"));
        // docker puts it over ours.
        let theirs = docker(&session, &["push", &list]);
        assert_eq!(ours, String::from_utf8_lossy(&theirs.stdout), "{}", String::from_utf8_lossy(&theirs.stderr));
        let pushed_by_docker = super::pushers::raw(&server, &format!("{repository}:all"));
        assert_eq!(String::from_utf8_lossy(&pushed), String::from_utf8_lossy(&pushed_by_docker));
        let document: Value = serde_json::from_slice(&pushed).expect("JSON");
        assert_eq!(document["mediaType"], media_type, "{repository}");
        both(&session, &["push", "--purge", &list]);
        assert_eq!(both(&session, &["push", &list]).0, 1, "it is gone");
    }
    // Of one image under two names docker makes two entries; imgtool makes one, as a list has each image once.
}

#[test]
fn mistakes_with_lists_are_told_as_docker_tells_them() {
    if !peer::installed("docker") || !peer::installed("skopeo") {
        return;
    }
    let (Some(server), Some(other)) = (Server::start(Kind::Plain), Server::start(Kind::Plain)) else { return };
    let session = Session::new();
    platforms(&server, &session);
    let (list, image) = (server.name("by/list:1"), server.name("team/amd64:oci"));
    let none = server.name("team/none:1");
    both(&session, &["create", &list, &image]);
    for args in [
        &["create", &server.name("by/x"), &none][..],
        // docker keeps what it found before, as a list that is half there; imgtool keeps nothing.
        &["create", &server.name("by/x"), &image, &none],
        &["create", &list, &image],
        &["annotate", &list, &none, "--arch", "arm64"],
        &["annotate", &none, &image, "--arch", "arm64"],
        &["annotate", &list, &image, "--arch", "vax"],
        &["annotate", &list, &image, "--os", "windows", "--arch", "s390x"],
        &["push", &none],
        &["rm", &none],
        &["rm", "fx/none", &none],
    ] {
        assert_eq!(both(&session, args).0, 1, "{args:?}");
    }
    both(&session, &["push", "--purge", &list]);
    assert_eq!(both(&session, &["create", &server.name("by/y"), &list]).0, 1, "it is a list");
    let elsewhere = other.name("by/list:1");
    both(&session, &["create", &elsewhere, &image]);
    assert_eq!(both(&session, &["push", &elsewhere]).0, 1, "it is of another registry");
    both(&session, &["rm", &elsewhere]);
}

#[test]
fn docker_and_podman_pull_their_platform() {
    if !peer::installed("skopeo") || !peer::podman_works() {
        return;
    }
    let Some(engine) = engine::engine() else { return };
    let Some(server) = Server::start(Kind::Plain) else { return };
    let session = Session::new();
    platforms(&server, &session);
    // One is in the store, the other in the registry; for the form of the specification skopeo would make a new config.
    let image = TestImage::of("fx/a:1", "amd64").with("architecture", json!("amd64"));
    session.ok(&["load", "-q", "-i", &super::pushers::archive(&session.work(), &image)]);
    let list = server.name("by/list:1");
    session.ok(&["manifest", "create", &list, "fx/a:1", &server.name("team/arm64:v2s2")]);
    session.ok(&["manifest", "push", &list]);
    let arm = TestImage::of("fx/a:1", "arm64").with("architecture", json!("arm64"));
    let state = session.work().join("podman");
    for (platform, image) in [("linux/amd64", &image), ("linux/arm64", &arm)] {
        engine.ok(&["pull", "-q", "--platform", platform, &list]);
        assert_eq!(engine.ok(&["image", "inspect", "-f", "{{.Id}}", &list]).trim(), image.id(), "{platform}");
        let pull = ["pull", "-q", "--tls-verify=false", "--platform", platform, &list];
        assert_eq!(peer::ok(&mut peer::podman("podman", &state, &pull)).trim(), image.hex(), "{platform}");
    }
}
