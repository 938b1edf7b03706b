//! Stores and images that are damaged, or that other tools named: nothing is passed on unseen, and nothing is stuck.

use std::fs;

use serde_json::json;

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::pack;

fn blob_files(session: &Session) -> Vec<std::path::PathBuf> {
    let folder = session.store().join("blobs/sha256");
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("a folder of blobs").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

#[test]
fn a_damaged_layer_is_not_compressed_into_an_archive() {
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[TestImage::of("fx/a:1", "a")])));
    let is_tar = |bytes: &[u8]| bytes.get(257..262) == Some(b"ustar");
    let layer =
        blob_files(&session).into_iter().find(|path| is_tar(&fs::read(path).expect("a blob"))).expect("a layer");
    let mut bytes = fs::read(&layer).expect("a layer");
    bytes[512] ^= 1;
    fs::write(&layer, bytes).expect("a damaged layer");
    for compress in ["none", "gzip", "zstd"] {
        session.run(&["save", "--compress", compress, "-o", "out.tar", "fx/a:1"]).fails(1, &[]);
        assert!(!session.work().join("out.tar").exists(), "{compress}: an archive of a damaged image");
    }
}

#[test]
fn a_damaged_image_can_go_and_keeps_nobody() {
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[TestImage::of("fx/a:1", "a"), TestImage::of("fx/b:1", "b")])));
    let index: serde_json::Value =
        serde_json::from_slice(&fs::read(session.store().join("index.json")).expect("an index")).expect("JSON");
    let digest = index["manifests"][0]["digest"].as_str().expect("a digest").trim_start_matches("sha256:").to_owned();
    fs::remove_file(session.store().join("blobs/sha256").join(digest)).expect("a manifest");
    assert_eq!(session.ok(&["rmi", "fx/b:1"]).lines().next(), Some("Untagged: fx/b:1"));
    session.run(&["image", "prune", "-f"]).fails(1, &["fx/a:1"]);
    assert_eq!(session.ok(&["rmi", "fx/a:1"]).lines().next(), Some("Untagged: fx/a:1"));
    session.ok(&["image", "prune", "-f"]);
    assert!(blob_files(&session).is_empty(), "what nobody needs is gone");
}

#[test]
fn names_of_other_tools_stay() {
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[TestImage::of("fx/a:1", "a")])));
    let path = session.store().join("index.json");
    let mut index: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("an index")).expect("JSON");
    index["manifests"][0]["annotations"] = json!({"org.opencontainers.image.ref.name": "V1.0"});
    fs::write(&path, index.to_string()).expect("an index");
    session.ok(&["image", "prune", "-f"]);
    let listed = || session.ok(&["images", "--format", "{{.Repository}} {{.Tag}}"]);
    assert_eq!(listed(), "V1.0 <none>\n");
    session.ok(&["tag", "V1.0", "fx/b:1"]);
    assert_eq!(listed(), "V1.0 <none>\nfx/b 1\n");
    assert_eq!(session.ok(&["rmi", "V1.0"]), "Untagged: V1.0\n");
    assert_eq!(listed(), "fx/b 1\n");
}

#[test]
fn a_store_that_cannot_be_looked_at_is_not_empty() {
    let session = Session::new();
    session.run(&["--root", "/etc/passwd/x", "images"]).fails(1, &["/etc/passwd/x", "not a directory"]);
}
