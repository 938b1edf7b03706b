//! OCI layouts: descriptors that lie, indexes without end, folders that point outside.

use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::session;
use crate::support::image::TestImage;
use crate::support::oci::{INDEX, Layout, PLAIN_MARK, REF_NAME};
use crate::support::packing::Packing;
use crate::support::producers::skopeo_layout;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};

/// No hostile layout may take longer.
const PATIENCE: Duration = Duration::from_secs(10);

fn image() -> TestImage {
    TestImage::of("fx/a:1", "a")
}

fn layout() -> Layout {
    skopeo_layout(&[image()], &[Packing::Gzip])
}

fn archive(layout: &Layout) -> Vec<u8> {
    pack(&layout.members(PLAIN_MARK))
}

/// The layout with its manifest edited, and the descriptor made to fit.
fn with_manifest(edit: impl Fn(&mut Value)) -> Layout {
    let mut layout = layout();
    let hex = layout.entries[0]["digest"].as_str().expect("a digest").replace("sha256:", "");
    let mut manifest: Value = serde_json::from_slice(&layout.blobs.remove(&hex).expect("the manifest")).expect("JSON");
    edit(&mut manifest);
    layout.entries.clear();
    let descriptor = layout.put_json(crate::support::oci::MANIFEST, &manifest);
    layout.name(&descriptor, &[(REF_NAME, "docker.io/fx/a:1")]);
    layout
}

#[test]
fn sizes_that_lie() {
    for size in [
        json!(-1),
        json!(0),
        json!(1),
        json!(999_999_999_999_999_i64),
        json!(1.5),
        json!("12"),
        json!(1e300),
        Value::Null,
    ] {
        let mut wrong = layout();
        wrong.entries[0]["size"] = size.clone();
        session().refuses(&archive(&wrong));
        session().refuses(&archive(&with_manifest(|m| m["config"]["size"] = size.clone())));
        session().refuses(&archive(&with_manifest(|m| m["layers"][0]["size"] = size.clone())));
    }
}

#[test]
fn blobs_that_are_absent_or_others() {
    let whole = layout();
    for hex in whole.blobs.keys() {
        let mut without = whole.clone();
        without.blobs.remove(hex);
        session().refuses(&archive(&without));
        let mut other = whole.clone();
        let blob = other.blobs.get_mut(hex).expect("a blob");
        let middle = blob.len() / 2;
        blob[middle] ^= 1;
        session().refuses(&archive(&other));
    }
}

#[test]
fn layers_that_do_not_make_the_diff_ids() {
    session().refuses(&archive(&with_manifest(|m| m["layers"] = json!([]))));
    session().refuses(&archive(&with_manifest(|m| {
        let layer = m["layers"][0].clone();
        m["layers"] = json!([layer, layer]);
    })));
}

#[test]
fn too_many_layers() {
    let layer = pack(&[]);
    let image = (0..1025).fold(TestImage::new(&["fx/a:1"]), |image, _| image.raw_layer("again", layer.clone()));
    let layout = skopeo_layout(&[image], &[Packing::None]);
    session().refuses(&archive(&layout));
}

#[test]
fn an_index_of_indexes_without_end() {
    // Nine levels are one too many.
    let mut deep = layout();
    let mut descriptor = deep.entries.remove(0);
    for _ in 0..9 {
        descriptor = deep.put_json(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor]}));
    }
    deep.name(&descriptor, &[(REF_NAME, "docker.io/fx/a:1")]);
    session().refuses(&archive(&deep));

    // Two times the same index at each of 40 levels: 2^40 ways from top to bottom.
    let mut wide = layout();
    let mut descriptor = wide.entries.remove(0);
    for _ in 0..40 {
        let twice = [&descriptor, &descriptor];
        descriptor = wide.put_json(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": twice}));
    }
    wide.name(&descriptor, &[(REF_NAME, "docker.io/fx/a:1")]);
    let start = Instant::now();
    session().refuses(&archive(&wide));
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());

    // The same within the permitted depth, 10 ways at each level.
    let mut fan = layout();
    let mut descriptor = fan.entries.remove(0);
    for _ in 0..7 {
        let ten = vec![&descriptor; 10];
        descriptor = fan.put_json(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": ten}));
    }
    fan.name(&descriptor, &[(REF_NAME, "docker.io/fx/a:1")]);
    let start = Instant::now();
    let session = Session::new();
    session.write("fan.tar", archive(&fan));
    session.run(&["load", "-i", "fan.tar"]);
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
}

#[test]
fn too_many_descriptors() {
    let mut many = layout();
    let entry = many.entries[0].clone();
    many.entries = (0..10_001)
        .map(|n| {
            let mut entry = entry.clone();
            entry["annotations"][REF_NAME] = json!(format!("docker.io/fx/a:{n}"));
            entry
        })
        .collect();
    session().refuses(&archive(&many));
}

#[test]
fn an_index_that_contains_itself() {
    // No index can hold its own digest: the blob's name lies.
    let mut round = layout();
    let name = "5".repeat(64);
    let entry = json!({"mediaType": INDEX, "digest": format!("sha256:{name}"), "size": 200});
    let mut bytes = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).to_string().into_bytes();
    bytes.resize(200.max(bytes.len()), b' ');
    round.blobs.insert(name, bytes);
    round.entries = vec![entry];
    session().refuses(&archive(&round));
}

#[test]
fn a_document_that_is_manifest_and_index() {
    let both = with_manifest(|m| m["manifests"] = json!([]));
    session().refuses(&archive(&both));
}

#[test]
fn a_layout_folder_that_points_outside() {
    let image = image();
    let outside = Session::new();
    let whole = layout();
    for hex in whole.blobs.keys() {
        let session = session();
        let folder = session.work().join("layout");
        whole.write(&folder);
        let target = outside.write(hex, &whole.blobs[hex]);
        let blob = folder.join("blobs/sha256").join(hex);
        std::fs::remove_file(&blob).expect("a writable folder");
        symlink(&target, &blob).expect("a symlink");
        session.refuses_input("layout");
    }
    let session = session();
    whole.write(&session.work().join("layout"));
    let blob = session.work().join("layout/blobs/sha256").join(image.hex());
    std::fs::remove_file(&blob).expect("a writable folder");
    std::fs::create_dir(&blob).expect("a folder in its place");
    session.refuses_input("layout");
}

#[test]
fn members_of_a_layout_that_are_no_files() {
    let image = image();
    for hex in layout().blobs.keys() {
        let path = format!("blobs/sha256/{hex}");
        let mut members: Vec<Member> = layout().members(PLAIN_MARK).into_iter().filter(|m| m.name != path).collect();
        members.push(Member::special(&path, tar::EntryType::Fifo));
        session().refuses(&pack(&members));
    }
    assert_eq!(
        Session::new().load(&archive(&layout())),
        format!("Loaded image: {}\n", image.tags[0]),
        "and whole it loads"
    );
}
