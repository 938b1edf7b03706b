//! The store is an OCI layout: skopeo and umoci read it in place, and imgtool reads theirs.

use serde_json::Value;

use crate::peer::{self, installed, program, skopeo};
use crate::support::image::TestImage;
use crate::support::session::Session;
use crate::support::tarball::pack;
use crate::support::{hex, producers};

fn session(image: &TestImage) -> Session {
    let session = Session::new();
    session.load(&pack(&producers::docker_save(std::slice::from_ref(image))));
    session
}

/// The digest of the configuration that skopeo finds at a place: the image ID.
fn id_by_skopeo(place: &str) -> String {
    let config = peer::run(&mut skopeo(&["inspect", "--raw", "--config", place]));
    assert!(config.status.success(), "{place}: {}", String::from_utf8_lossy(&config.stderr));
    format!("sha256:{}", hex(&config.stdout))
}

#[test]
fn skopeo_reads_the_store_in_place() {
    if !installed("skopeo") {
        return;
    }
    let image = TestImage::sample("fx/a:1").also_tagged("hello:latest");
    let session = session(&image);
    let copy = session.work().join("copy").display().to_string();
    for name in ["docker.io/fx/a:1", "docker.io/library/hello:latest"] {
        let place = format!("oci:{}:{name}", session.store().display());
        assert_eq!(id_by_skopeo(&place), image.id(), "{name}");
        peer::ok(&mut skopeo(&["copy", &place, &format!("dir:{copy}")]));
        peer::ok(&mut skopeo(&["copy", &place, &format!("oci:{copy}-oci:there")]));
    }
}

#[test]
fn skopeo_reads_what_save_writes() {
    if !installed("skopeo") {
        return;
    }
    let image = TestImage::sample("fx/a:1");
    let session = session(&image);
    for (flags, places) in [
        (&[][..], &["docker-archive:x.tar", "docker-archive:x.tar:fx/a:1", "oci-archive:x.tar"][..]),
        (&["--format", "docker"], &["docker-archive:x.tar"]),
        (&["--format", "docker-legacy"], &["docker-archive:x.tar"]),
        (&["--format", "oci"], &["oci-archive:x.tar"]),
        (&["--compress", "gzip"], &["docker-archive:x.tar", "oci-archive:x.tar"]),
        (&["--compress", "zstd"], &["docker-archive:x.tar", "oci-archive:x.tar"]),
    ] {
        let args: Vec<&str> = ["save", "-o", "x.tar"].iter().chain(flags).copied().chain(["fx/a:1"]).collect();
        session.ok(&args);
        for place in places {
            let place = place.replace("x.tar", &session.work().join("x.tar").display().to_string());
            assert_eq!(id_by_skopeo(&place), image.id(), "{flags:?} {place}");
            let target = session.work().join("target");
            peer::ok(&mut skopeo(&["copy", &place, &format!("dir:{}", target.display())]));
            std::fs::remove_dir_all(target).expect("skopeo made it");
        }
    }
}

#[test]
fn a_layout_that_skopeo_made_is_a_store() {
    if !installed("skopeo") {
        return;
    }
    let image = TestImage::sample("fx/a:1");
    let session = session(&image);
    session.ok(&["save", "-o", "a.tar", "fx/a:1"]);
    let archive = format!("docker-archive:{}", session.work().join("a.tar").display());
    let layout = session.work().join("theirs");
    let place = format!("oci:{}:docker.io/fx/theirs:1", layout.display());
    peer::ok(&mut skopeo(&["copy", &archive, &place]));
    let id = id_by_skopeo(&place);
    let root = layout.display().to_string();
    let ours: Value = serde_json::from_str(&session.ok(&["--root", &root, "inspect", "fx/theirs:1"])).expect("JSON");
    // skopeo writes another configuration when it makes an OCI image: the ID is that one's.
    assert_eq!(ours[0]["Id"], Value::from(id));
    assert_eq!(ours[0]["RootFS"]["Layers"], Value::from(image.diff_ids()));
    // Written to by imgtool, it is still skopeo's to read.
    session.ok(&["--root", &root, "load", "-q", "-i", "a.tar"]);
    session.ok(&["--root", &root, "tag", "fx/theirs:1", "fx/again:2"]);
    assert_eq!(id_by_skopeo(&format!("oci:{root}:docker.io/fx/a:1")), image.id());
    id_by_skopeo(&place);
    id_by_skopeo(&format!("oci:{root}:docker.io/fx/again:2"));
}

#[test]
fn umoci_reads_the_store_in_place() {
    if !installed("umoci") {
        return;
    }
    let image = TestImage::sample("fx/a:1");
    let session = session(&image);
    let place = format!("{}:docker.io/fx/a:1", session.store().display());
    let stat: Value =
        serde_json::from_str(&peer::ok(&mut program("umoci", &["stat", "--json", "--image", &place]))).expect("JSON");
    let rows = stat["history"].as_array().expect("a list");
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0]["created_by"], "/bin/sh -c #(nop) ADD file:1 in / ");
    let names = peer::ok(&mut program("umoci", &["ls", "--layout", &session.store().display().to_string()]));
    assert_eq!(names.trim(), "docker.io/fx/a:1");
    let bundle = session.work().join("bundle").display().to_string();
    if rustix::process::geteuid().is_root() {
        peer::ok(&mut program("umoci", &["unpack", "--image", &place, &bundle]));
        assert_eq!(session.read("bundle/rootfs/hello"), b"hello\n");
    }
}

#[test]
fn a_layout_that_umoci_made_is_a_store() {
    if !installed("umoci") {
        return;
    }
    let session = Session::new();
    let root = session.work().join("umoci").display().to_string();
    peer::ok(&mut program("umoci", &["init", "--layout", &root]));
    let place = format!("{root}:docker.io/fx/umoci:1");
    peer::ok(&mut program("umoci", &["new", "--image", &place]));
    session.write("file", "text");
    session.write("layer.tar", pack(&[crate::support::tarball::Member::file("file", "text")]));
    let layer = session.work().join("layer.tar").display().to_string();
    peer::ok(&mut program("umoci", &["raw", "add-layer", "--image", &place, &layer]));
    peer::ok(&mut program("umoci", &["config", "--image", &place, "--config.cmd", "/file", "--author", "some one"]));
    let image: Value = serde_json::from_str(&session.ok(&["--root", &root, "inspect", "fx/umoci:1"])).expect("JSON");
    assert_eq!(image[0]["Config"]["Cmd"], serde_json::json!(["/file"]));
    assert_eq!(image[0]["Author"], "some one");
    assert_eq!(image[0]["Size"], 4);
    session.ok(&["--root", &root, "save", "-o", "umoci.tar", "fx/umoci:1"]);
    let other = Session::new();
    other.load(&session.read("umoci.tar"));
    assert_eq!(Value::from(other.ids()), serde_json::json!([image[0]["Id"]]));
}
