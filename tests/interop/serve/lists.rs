//! Manifest lists and indexes.

use serde_json::Value;

use super::{Registry, archive, podman, skopeo};
use crate::support::image::TestImage;
use crate::support::session::Session;
use crate::{engine, peer};

/// The digests of the manifests in an index.
fn children(registry: &Registry, repository: &str, reference: &str) -> Vec<String> {
    let index: Value = registry.serving.get(&format!("/v2/{repository}/manifests/{reference}")).expect(200).json();
    let list = index["manifests"].as_array().expect("an index");
    list.iter().map(|entry| entry["digest"].as_str().expect("a digest").to_owned()).collect()
}

#[test]
fn docker_pushes_a_manifest_list() {
    let Some(mut engine) = engine::engine() else { return };
    let registry = Registry::new();
    for (tag, image) in [("amd64", TestImage::of("a:1", "a")), ("arm64", TestImage::of("b:1", "b"))] {
        engine.ok(&["load", "-q", "-i", &archive(&registry.session.work(), &image)]);
        let name = registry.name(&format!("team/app:{tag}"));
        engine.ok(&["tag", &image.id(), &name]);
        engine.ok(&["push", "-q", &name]);
    }
    let (list, amd64, arm64) =
        (registry.name("team/app:all"), registry.name("team/app:amd64"), registry.name("team/app:arm64"));
    engine.ok(&["manifest", "create", "--insecure", &list, &amd64, &arm64]);
    engine.ok(&["manifest", "annotate", "--arch", "arm64", &list, &arm64]);
    let said = engine.ok(&["manifest", "push", "--insecure", "--purge", &list]);
    assert!(said.contains(&registry.digest("team/app", "all")), "{said}");
    assert_eq!(registry.kind("team/app", "all"), "application/vnd.docker.distribution.manifest.list.v2+json");
    let found = children(&registry, "team/app", "all");
    assert_eq!(found, [registry.digest("team/app", "amd64"), registry.digest("team/app", "arm64")]);
    engine.forget_all();
    engine.ok(&["pull", "-q", "--platform", "linux/amd64", &list]);
    // Its parts stay when their own tags go.
    for tag in ["amd64", "arm64"] {
        registry.serving.ask("DELETE", &format!("/v2/team/app/manifests/{tag}"), &[], b"").expect(202);
    }
    registry.session.ok(&["image", "prune", "-f"]);
    engine.forget_all();
    engine.ok(&["pull", "-q", "--platform", "linux/amd64", &list]);
    engine.forget_all();
}

#[test]
fn skopeo_copies_all_of_an_index_there_and_back() {
    if !peer::installed("skopeo") || !peer::podman_works() {
        return;
    }
    let registry = Registry::new();
    let work = registry.session.work();
    // buildah makes the index, and pushes it in a form of its own too.
    let state = work.join("podman");
    peer::ok(&mut peer::podman("buildah", &state, &["manifest", "create", "localhost/all"]));
    for (architecture, image) in [("amd64", TestImage::of("a:1", "a")), ("arm64", TestImage::of("b:1", "b"))] {
        let from = format!("docker-archive:{}", archive(&work, &image));
        let add = ["manifest", "add", "--arch", architecture, "localhost/all", &from];
        peer::ok(&mut peer::podman("buildah", &state, &add));
    }
    for (tag, format) in [("docker", "v2s2"), ("oci", "oci")] {
        let to = format!("docker://{}", registry.name(&format!("team/app:{tag}")));
        let push = ["manifest", "push", "--tls-verify=false", "--all", "--format", format, "localhost/all", &to];
        peer::ok(&mut peer::podman("buildah", &state, &push));
        let digest = registry.digest("team/app", tag);
        assert_eq!(children(&registry, "team/app", tag).len(), 2);
        let (from, layout) = (to, format!("dir:{}", work.join(tag).display()));
        skopeo(&["copy", "--all", "--preserve-digests"], "src-", &[&from, &layout]);
        let back = format!("docker://{}", registry.name(&format!("back/app:{tag}")));
        skopeo(&["copy", "--all", "--preserve-digests"], "dest-", &[&layout, &back]);
        assert_eq!(registry.digest("back/app", tag), digest, "{tag}");
        // From repository to repository, and with our own copy.
        let third = format!("docker://{}", registry.name(&format!("third/app:{tag}")));
        peer::ok(&mut peer::skopeo(&[
            "copy",
            "--all",
            "--preserve-digests",
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
            &from,
            &third,
        ]));
        assert_eq!(registry.digest("third/app", tag), digest, "{tag}");
        let client = Session::new();
        let fourth = registry.name(&format!("fourth/app:{tag}"));
        client.ok(&["copy", "--all", &from, &format!("docker://{fourth}")]);
        assert_eq!(registry.digest("fourth/app", tag), digest, "{tag}");
        podman("podman", &state, &["pull", "-q", &fourth]);
        client.ok(&["pull", "-q", &fourth]);
    }
    registry.session.ok(&["verify"]);
}
