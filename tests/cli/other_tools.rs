//! A store that other tools write to: what they add is there, and what they call their own is left alone.

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::oci::{INDEX, Layout, MANIFEST, NAME, REF_NAME};
use crate::support::packing::Packing;
use crate::support::session::Session;

const ARTIFACT: &str = "application/vnd.example.signature";

/// A store with these entries: each with `io.containerd.image.name` and `ref.name`, empty for none.
fn store(images: &[(&TestImage, &str, &str)]) -> (Session, Layout) {
    let mut layout = Layout::default();
    for (image, name, ref_name) in images {
        let manifest = layout.put_image(image, &[Packing::None]);
        let pairs = [(NAME, *name), (REF_NAME, *ref_name)];
        layout.name(&manifest, &pairs.into_iter().filter(|(_, text)| !text.is_empty()).collect::<Vec<_>>());
    }
    (write(&layout), layout)
}

fn write(layout: &Layout) -> Session {
    let session = Session::new();
    layout.write(&session.store());
    session
}

/// A manifest of something that is no image and refers to `subject`, as oras, cosign and regctl write it.
fn signature(layout: &mut Layout, subject: &Value) -> Value {
    let empty = layout.put("application/vnd.oci.empty.v1+json", b"{}");
    let blob = layout.put("application/octet-stream", b"a signature");
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": ARTIFACT,
        "config": empty, "layers": [blob], "subject": subject,
    });
    let mut descriptor = layout.put_json(MANIFEST, &manifest);
    descriptor["artifactType"] = json!(ARTIFACT);
    descriptor
}

/// Every blob of the store that the layout has, by name.
fn missing(session: &Session, layout: &Layout) -> Vec<String> {
    let blobs = session.store().join("blobs/sha256");
    layout.blobs.keys().filter(|hex| !blobs.join(hex).exists()).cloned().collect()
}

fn quiet(session: &Session, args: &[&str]) -> String {
    let answer = session.run(args);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{args:?}: {}", answer.text());
    answer.out()
}

#[test]
fn a_whole_reference_in_ref_name_is_the_name() {
    let (old, new) = (TestImage::of("", "old"), TestImage::of("", "new"));
    let name = "docker.io/library/old:1";
    let (session, _) = store(&[(&old, name, name), (&new, name, "docker.io/library/new:1")]);
    assert_eq!(session.tags(), ["new:1", "old:1"]);
    assert_eq!(session.inspect("new:1")["Id"], json!(new.id()));
    assert_eq!(session.inspect("new:1")["RepoTags"], json!(["new:1"]));
    let gone = quiet(&session, &["rmi", "old:1"]);
    assert!(gone.contains(&old.id()) && !gone.contains(&new.id()), "{gone}");
    assert_eq!(session.tags(), ["new:1"]);
    quiet(&session, &["export", "-o", "x.tar", "new:1"]);
    quiet(&session, &["rmi", "new:1"]);
    assert_eq!(session.ids(), [""; 0]);
}

#[test]
fn no_two_entries_get_one_name_and_none_is_lost() {
    let (a, b) = (TestImage::of("", "a"), TestImage::of("", "b"));
    let name = "docker.io/fx/a:1";
    for other in [(name, name), ("", name), ("", "fx/a:1")] {
        let (session, _) = store(&[(&a, name, name), (&b, other.0, other.1)]);
        assert_eq!(session.inspect("fx/a:1")["Id"], json!(a.id()), "{other:?}");
        assert_eq!(session.ids().len(), 2, "{other:?}");
        assert_eq!(quiet(&session, &["image", "prune", "-f"]), "Total reclaimed space: 0B\n", "{other:?}");
        quiet(&session, &["rmi", "fx/a:1"]);
        assert_eq!(session.ids(), [b.id()], "{other:?}");
        assert_eq!(session.inspect("fx/a:1")["Id"], json!(b.id()), "now it has the name: {other:?}");
    }
    // skopeo copied over it: what had the name has none, and does not get it back.
    let (session, _) = store(&[(&b, name, ""), (&a, "", name)]);
    assert_eq!(session.tags(), ["<none>:<none>", "fx/a:1"]);
    quiet(&session, &["rmi", "fx/a:1"]);
    assert_eq!(session.tags(), ["<none>:<none>"]);
    quiet(&session, &["image", "prune", "-f"]);
    assert_eq!(session.ids(), [""; 0]);
    // As docker writes a layout, where a tool added the tag of another.
    let (session, _) = store(&[(&a, name, "1"), (&b, name, "2")]);
    assert_eq!(session.tags(), ["2:latest", "fx/a:1"]);
    quiet(&session, &["rmi", "2"]);
    assert_eq!(session.ids(), [a.id()]);
}

#[test]
fn names_that_docker_would_not_take() {
    let hex = "a".repeat(64);
    let tag = format!("sha256-{hex}.sig");
    for odd in ["V 1+x", "UPPER", "-", &hex, &tag, "a/b/../c"] {
        let (image, other) = (TestImage::of("", odd), TestImage::of("", "other"));
        let (session, layout) = store(&[(&image, "", odd), (&other, "", "docker.io/fx/o:1")]);
        quiet(&session, &["images", "-a"]);
        quiet(&session, &["system", "df", "-v"]);
        quiet(&session, &["tag", "fx/o:1", "fx/p:1"]);
        quiet(&session, &["tag", &image.id(), "fx/q:1"]);
        assert_eq!(quiet(&session, &["image", "prune", "-f"]), "Total reclaimed space: 0B\n");
        assert_eq!(missing(&session, &layout), [""; 0]);
        quiet(&session, &["rmi", "fx/o:1", "fx/p:1", "fx/q:1"]);
        assert_eq!(session.ids(), [image.id()], "{odd}");
        assert_eq!(session.index()["manifests"][0]["annotations"][REF_NAME], json!(odd));
        let gone = quiet(&session, &["rmi", "--", odd]);
        assert!(gone.starts_with(&format!("Untagged: {odd}\nDeleted: {}\n", image.id())), "{gone}");
        assert_eq!(session.ids(), [""; 0]);
    }
}

#[test]
fn a_name_that_is_the_id_of_another_image_leads_nobody_astray() {
    let (image, other) = (TestImage::of("", "a"), TestImage::of("", "b"));
    for id in [image.id(), image.hex()] {
        let (session, _) = store(&[(&other, "", &id), (&image, "", "docker.io/fx/a:1")]);
        quiet(&session, &["rmi", &id]);
        assert_eq!(session.ids(), [other.id()], "{id}");
    }
}

#[test]
fn an_id_with_a_name_of_another_tool_beside_is_not_removed_by_accident() {
    let image = TestImage::of("", "a");
    let (session, _) = store(&[(&image, "", "docker.io/fx/a:1"), (&image, "", "V 1")]);
    session.run(&["rmi", &image.id()]).fails(1, &["image is referenced in multiple repositories", "fx/a:1, V 1"]);
    assert_eq!(quiet(&session, &["rmi", "fx/a:1"]), "Untagged: fx/a:1\n");
    assert_eq!(session.ids(), [image.id()]);
    quiet(&session, &["rmi", &image.id()]);
    assert_eq!(session.ids(), [""; 0]);
}

/// An image, its signature and an index that lists it; a chart; and a document of a type that nobody knows, with a blob.
fn with_artifacts() -> (Session, Layout, TestImage) {
    let mut layout = Layout::default();
    let image = TestImage::of("", "signed");
    let manifest = layout.put_image(&image, &[Packing::Gzip]);
    layout.name(&manifest, &[(REF_NAME, "docker.io/fx/a:1"), ("org.example.mine", "stays")]);
    let signature = signature(&mut layout, &manifest);
    layout.name(&signature, &[]);
    let list = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [signature]});
    let list = layout.put_json(INDEX, &list);
    let fallback = manifest["digest"].as_str().expect("a digest").replace(':', "-");
    layout.name(&list, &[(REF_NAME, &fallback)]);
    let chart = json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": layout.put("application/vnd.cncf.helm.config.v1+json", b"{\"name\":\"chart\"}"),
        "layers": [layout.put("application/vnd.cncf.helm.chart.content.v1.tar+gzip", b"a chart")],
    });
    let chart = layout.put_json(MANIFEST, &chart);
    layout.name(&chart, &[(REF_NAME, "docker.io/fx/chart:1")]);
    let part = layout.put("application/octet-stream", b"a part");
    let unknown = "application/vnd.oci.artifact.manifest.v1+json";
    let old = json!({"mediaType": unknown, "artifactType": "x/y", "blobs": [part], "subject": manifest});
    let old = layout.put_json(unknown, &old);
    layout.name(&old, &[]);
    (write(&layout), layout, image)
}

#[test]
fn artifacts_neither_disturb_nor_are_lost() {
    let (session, layout, image) = with_artifacts();
    assert_eq!(session.tags(), ["fx/a:1"]);
    let before = session.index();
    for args in [&["images", "-a"][..], &["images", "--tree"], &["system", "df"], &["system", "df", "-v"]] {
        let shown = quiet(&session, args);
        assert!(!shown.contains("chart"), "{shown}");
    }
    for args in [&["image", "prune", "-f"][..], &["image", "prune", "-af", "--filter", "until=1970-01-01"]] {
        assert_eq!(quiet(&session, args), "Total reclaimed space: 0B\n");
    }
    assert_eq!(session.index(), before);
    assert_eq!(missing(&session, &layout), [""; 0]);
    quiet(&session, &["tag", "fx/a:1", "fx/b:1"]);
    quiet(&session, &["rmi", "fx/a:1"]);
    quiet(&session, &["save", "-o", "b.tar", "fx/b:1"]);
    quiet(&session, &["rmi", "fx/b:1"]);
    assert_eq!(session.ids(), [""; 0]);
    // All that was the image's is gone, and nothing else.
    let config = image.hex();
    let gone = missing(&session, &layout);
    assert!(gone.contains(&config) && gone.len() == 3, "{gone:?}");
    quiet(&session, &["load", "-q", "-i", "b.tar"]);
    quiet(&session, &["image", "prune", "-af"]);
    assert_eq!(missing(&session, &layout).len(), 3, "prune takes images");
    // Who names them removes them.
    let fallback = layout.entries[2]["annotations"][REF_NAME].as_str().expect("a name").to_owned();
    let digest = layout.entries[1]["digest"].as_str().expect("a digest");
    for typed in [&fallback, "fx/chart:1", digest] {
        quiet(&session, &["rmi", typed]);
    }
    assert_eq!(session.index()["manifests"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_the_index_says_beyond_names_stays() {
    let (_, mut layout, _) = with_artifacts();
    layout.entries[0]["x-mine"] = json!({"a": [1, 2.5, null]});
    layout.entries[0]["platform"] = json!({"architecture": "amd64", "os": "linux", "x-kernel": "6"});
    let session = Session::new();
    layout.write(&session.store());
    let mut index = layout.index();
    index["annotations"] = json!({"org.example.of": "the index"});
    index["x-index"] = json!(["as", "it", "came"]);
    std::fs::write(session.store().join("index.json"), index.to_string()).expect("a writable store");
    quiet(&session, &["tag", "fx/chart:1", "fx/other-chart:1"]);
    quiet(&session, &["tag", "fx/a:1", "fx/b:1"]);
    quiet(&session, &["rmi", "fx/b:1", "fx/other-chart:1"]);
    assert_eq!(session.index(), index);
    quiet(&session, &["rmi", "--no-prune", "fx/chart:1"]);
    index["manifests"].as_array_mut().expect("a list").remove(3);
    assert_eq!(session.index(), index);
}

#[test]
fn an_image_of_which_no_platform_is_here_is_told() {
    let mut layout = Layout::default();
    let absent = json!({"mediaType": MANIFEST, "digest": format!("sha256:{}", "a".repeat(64)), "size": 3});
    let index = layout.put_json(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [absent]}));
    layout.name(&index, &[(REF_NAME, "docker.io/fx/a:1")]);
    let session = write(&layout);
    let answer = session.run(&["images"]);
    assert!(answer.code == 0 && answer.stderr.contains("fx/a:1"), "{}", answer.text());
}

/// Other tools may list what is named by another digest than sha256. It is theirs: it stays, with what it needs.
#[test]
fn entries_with_digests_of_another_algorithm_are_left_alone() {
    let (one, two) = (TestImage::of("", "one"), TestImage::of("", "two"));
    let name = "docker.io/library/one:1";
    let (session, mut layout) = store(&[(&one, name, name)]);
    let manifest = layout.put_image(&two, &[Packing::None]);
    let hex = manifest["digest"].as_str().expect("a digest").trim_start_matches("sha256:").to_owned();
    let bytes = layout.blobs.remove(&hex).expect("a manifest");
    layout.write(&session.store());
    let other = "f".repeat(128);
    session.write(&format!("../store/blobs/sha512/{other}"), &bytes);
    let path = session.store().join("index.json");
    let mut index: Value = serde_json::from_slice(&std::fs::read(&path).expect("a file")).expect("JSON");
    let entry = json!({"mediaType": MANIFEST, "digest": format!("sha512:{other}"), "size": bytes.len(), "x": [1]});
    index["manifests"].as_array_mut().expect("a list").insert(0, entry.clone());
    std::fs::write(&path, index.to_string()).expect("a writable file");
    assert_eq!(session.tags(), ["one:1"]);
    quiet(&session, &["tag", "one:1", "three:1"]);
    quiet(&session, &["rmi", "one:1"]);
    quiet(&session, &["image", "prune", "-af"]);
    assert!(session.tags().is_empty());
    let index: Value = serde_json::from_slice(&std::fs::read(&path).expect("a file")).expect("JSON");
    assert_eq!(index["manifests"], json!([entry]));
    let left = missing(&session, &layout);
    assert!(!two.layers.is_empty() && left.len() < layout.blobs.len(), "{left:?}");
    for hex in [two.id(), two.diff_ids()[0].clone()] {
        assert!(!left.contains(&hex.trim_start_matches("sha256:").to_owned()), "{hex} is gone");
    }
    session.run(&["images", "oci:../store"]).fails(1, &["unsupported digest algorithm", "sha512"]);
}

/// A store that is looked into as a layout has the names that it has as a store.
#[test]
fn a_store_in_place_has_the_names_of_the_store() {
    let (old, new) = (TestImage::of("", "old"), TestImage::of("", "new"));
    let name = "docker.io/library/old:1";
    let (session, _) = store(&[(&old, name, name), (&new, name, "docker.io/library/new:1")]);
    std::fs::create_dir_all(session.store().join("imgtool")).expect("a folder");
    for (name, image) in [("old:1", &old), ("new:1", &new)] {
        let id = session.ok(&["inspect", "--format", "{{.Id}}", &format!("oci:../store:{name}")]);
        assert_eq!(id.trim(), image.id(), "{name}");
    }
}
