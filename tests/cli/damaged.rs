//! Stores and images that are damaged, or that other tools named: nothing is passed on unseen, and nothing is stuck.

use std::fs;

use serde_json::json;

use crate::support::image::TestImage;
use crate::support::oci::{Layout, NAME, PLAIN_MARK, REF_NAME};
use crate::support::packing::Packing;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};

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

/// Wherever an archive is cut, it is called truncated, whether it was compressed or not.
#[test]
fn an_archive_that_was_cut_is_called_truncated() {
    let image = TestImage::new(&["fx/a:1"]).layer("ADD noise", &[Member::file("noise", noise(60_000))]);
    let plain = pack(&producers::docker_save(&[image]));
    for packing in [Packing::None, Packing::Gzip, Packing::Zstd] {
        let archive = packing.apply(&plain);
        for eighths in 1..8 {
            // At the beginning of a block, where no member is cut, too.
            let end = archive.len() * eighths / 8 / 512 * 512;
            let session = Session::new();
            session.refuses(&archive[..end]).fails(1, &["truncated"]);
        }
    }
    let at = plain.windows(13).position(|bytes| bytes == b"manifest.json").expect("a member");
    Session::new().refuses(&plain[..at]).fails(1, &["truncated: it has no end-of-archive mark"]);
    let more = [Packing::Gzip.apply(&plain), b"more".to_vec()].concat();
    Session::new().refuses(&more).fails(1, &["damaged gzip data", "other data follows it"]);
}

/// Bytes that do not compress.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..count).map(|_| next()).collect()
}

/// One description without images contradicts nothing; a name that leads to two images does, in whichever it stands.
#[test]
fn two_descriptions_of_an_archive() {
    let (one, two) = (TestImage::of("fx/a:1", "one"), TestImage::of("fx/a:1", "two"));
    let archive = |images: &[&TestImage], manifest: &serde_json::Value| {
        let mut layout = Layout::default();
        for image in images {
            let descriptor = layout.put_image(image, &[Packing::None]);
            layout.name(&descriptor, &[(NAME, "docker.io/fx/a:1"), (REF_NAME, "1")]);
        }
        let manifest = Member::file("manifest.json", manifest.to_string());
        pack(&[layout.members(PLAIN_MARK), vec![manifest]].concat())
    };
    let blob = |digest: &str| format!("blobs/sha256/{}", digest.trim_start_matches("sha256:"));
    let layers: Vec<String> = one.diff_ids().iter().map(|layer| blob(layer)).collect();
    let listed = json!([{"Config": blob(&one.id()), "RepoTags": ["fx/a:1"], "Layers": layers}]);
    for manifest in [&json!([]), &listed] {
        assert_eq!(Session::new().load(&archive(&[&one], manifest)), "Loaded image: fx/a:1\n");
    }
    for images in [[&one, &two], [&two, &one]] {
        Session::new().refuses(&archive(&images, &listed)).fails(1, &["fx/a:1 is two different images"]);
    }
}

#[test]
fn one_platform_is_meant() {
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[TestImage::of("fx/a:1", "a")])));
    for args in [vec!["export"], vec!["history"], vec!["inspect"], vec!["unpack"]] {
        let mut args = [&args[..], &["--platform", "linux/amd64,linux/arm64", "fx/a:1"]].concat();
        if args[0] == "unpack" {
            args.push("tree");
        }
        session.run(&args).fails(1, &["--platform takes one platform"]);
    }
}
