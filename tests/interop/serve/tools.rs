//! Other tools, and imgtool's own commands for registries.

use std::fs;

use super::{Registry, archive, podman, skopeo};
use crate::peer;
use crate::support::image::TestImage;
use crate::support::session::Session;

#[test]
fn skopeo_lists_inspects_deletes_and_syncs() {
    if !peer::installed("skopeo") {
        return;
    }
    let registry = Registry::new();
    let (one, two) = (TestImage::of("a:1", "a"), TestImage::of("b:1", "b"));
    for (image, tag) in [(&one, "1"), (&one, "2"), (&two, "3")] {
        let from = format!("docker-archive:{}", archive(&registry.session.work(), image));
        skopeo(&["copy"], "dest-", &[&from, &format!("docker://{}", registry.name(&format!("team/app:{tag}")))]);
    }
    let at = |tag: &str| format!("docker://{}", registry.name(&format!("team/app:{tag}")));
    let tags = skopeo(&["list-tags"], "", &[&format!("docker://{}", registry.name("team/app"))]);
    assert!(["\"1\"", "\"2\"", "\"3\""].iter().all(|tag| tags.contains(tag)), "{tags}");
    let shown = skopeo(&["inspect"], "", &[&at("1")]);
    assert!(shown.contains(&registry.digest("team/app", "1")), "{shown}");
    // Into a folder, and from there into another repository.
    let folder = registry.session.work().join("synced");
    skopeo(
        &["sync", "--src", "docker", "--dest", "dir"],
        "src-",
        &[&registry.name("team/app"), &folder.display().to_string()],
    );
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 3);
    let mirror = registry.name("mirror");
    skopeo(&["sync", "--src", "dir", "--dest", "docker"], "dest-", &[&folder.display().to_string(), &mirror]);
    for tag in ["1", "2", "3"] {
        assert_eq!(registry.digest("mirror/app", tag), registry.digest("team/app", tag));
    }
    // skopeo deletes the manifest, with all its tags.
    skopeo(&["delete"], "", &[&at("1")]);
    assert_eq!(registry.serving.get("/v2/team/app/tags/list").expect(200).json()["tags"], serde_json::json!(["3"]));
    skopeo(&["inspect"], "", &[&at("3")]);
    registry.session.ok(&["image", "prune", "-f"]);
    skopeo(&["inspect"], "", &[&format!("docker://{}", registry.name("mirror/app:1"))]);
}

#[test]
fn buildah_builds_pushes_and_pulls() {
    if !peer::podman_works() {
        return;
    }
    let registry = Registry::new();
    let state = registry.session.work().join("podman");
    registry.session.write("Containerfile", "FROM scratch\nCOPY file /x\nLABEL a=b\n");
    registry.session.write("file", "content");
    let name = registry.name("team/app:1");
    let folder = registry.session.work().display().to_string();
    peer::ok(&mut peer::podman("buildah", &state, &["bud", "-q", "--isolation", "chroot", "-t", &name, &folder]));
    for (tag, flags) in [
        ("gzip", &[][..]),
        ("zstd", &["--compression-format", "zstd", "--format", "oci"]),
        ("docker", &["--format", "v2s2"]),
    ] {
        let to = format!("docker://{}", registry.name(&format!("team/app:{tag}")));
        podman("buildah", &state, &[&["push", "-q"], flags, &[&name, &to]].concat());
        let (files, client) = (registry.session.work().join(format!("{tag}.tar")), Session::new());
        client.ok(&["export", "-o", &files.display().to_string(), &to]);
        let mut archive = tar::Archive::new(fs::File::open(&files).expect("a file"));
        let names: Vec<String> = archive
            .entries()
            .expect("a tar")
            .map(|entry| entry.expect("an entry").path().expect("a path").display().to_string())
            .collect();
        assert!(names.iter().any(|name| name.trim_start_matches('/') == "x"), "{tag}: {names:?}");
        podman("buildah", &state, &["pull", "-q", &registry.name(&format!("team/app:{tag}"))]);
    }
}

#[test]
fn umoci_reads_what_was_pushed_where_it_is() {
    if !peer::installed("skopeo") || !peer::installed("umoci") {
        return;
    }
    let registry = Registry::new();
    let from = format!("docker-archive:{}", archive(&registry.session.work(), &TestImage::of("a:1", "a")));
    let to = format!("docker://{}", registry.name("team/app:1"));
    skopeo(&["copy", "--format", "oci"], "dest-", &[&from, &to]);
    let image = format!("{}:docker.io/team/app:1", registry.session.store().display());
    let shown = peer::ok(&mut peer::program("umoci", &["stat", "--image", &image]));
    assert!(shown.contains("LAYER"), "{shown}");
}

#[test]
fn our_own_commands_work_with_our_own_server() {
    let registry = Registry::new();
    let client = Session::new();
    let image = TestImage::sample("fx/a:1");
    client.ok(&["load", "-q", "-i", &archive(&client.work(), &image)]);
    let name = |name: &str| registry.name(name);
    for tag in ["1", "2"] {
        client.ok(&["tag", "fx/a:1", &name(&format!("team/app:{tag}"))]);
    }
    client.ok(&["push", "-q", "-a", &name("team/app")]);
    assert_eq!(client.ok(&["tags", &name("team/app")]), "1\n2\n");
    client.ok(&["copy", &format!("docker://{}", name("team/app:1")), &format!("docker://{}", name("other/app:1"))]);
    assert_eq!(client.ok(&["catalog", &registry.serving.host]), "other/app\nteam/app\n");
    assert_eq!(registry.digest("other/app", "1"), registry.digest("team/app", "1"));
    client.ok(&["delete", &name("team/app:1")]);
    assert_eq!(client.ok(&["tags", &name("team/app")]), "2\n");
    let digest = registry.digest("team/app", "2");
    client.ok(&["delete", &name(&format!("team/app@{digest}"))]);
    registry.serving.get("/v2/team/app/manifests/2").expect(404);
    client.ok(&["inspect", &format!("docker://{}", name("other/app:1"))]);
    client.ok(&["verify", &format!("docker://{}", name("other/app:1"))]);
    registry.session.ok(&["image", "prune", "-f"]);
    let other = Session::new();
    other.ok(&["pull", "-q", &name("other/app:1")]);
    assert_eq!(other.inspect(&name("other/app:1"))["Id"], image.id().as_str());
}
