//! JSON has one reading: no key twice, nothing behind it, no depth or size without end; two descriptions must agree.

use serde_json::{Value, json};

use super::session;
use crate::support::image::TestImage;
use crate::support::packing::Packing;
use crate::support::producers::{self, docker_25, docker_save};
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};
use crate::support::{digest, hex};

fn edited(mut members: Vec<Member>, name: &str, edit: impl Fn(&str) -> String) -> Vec<u8> {
    let member = members.iter_mut().find(|member| member.name == name).expect("a member of that name");
    member.data = edit(std::str::from_utf8(&member.data).expect("JSON")).into_bytes();
    pack(&members)
}

/// How a document is spoiled.
type Edit<'a> = &'a dyn Fn(&str) -> String;

fn image() -> TestImage {
    TestImage::of("fx/a:1", "a")
}

#[test]
fn manifest_json_with_two_readings() {
    let other = TestImage::of("fx/a:1", "b");
    let edits: [(&str, Edit); 9] = [
        ("a key twice", &|text| text.replace("\"Layers\"", "\"Config\":\"x\",\"Layers\"")),
        ("a key twice in other case", &|text| text.replace("\"Layers\"", "\"config\":\"x\",\"Layers\"")),
        ("bytes behind it", &|text| format!("{text} true")),
        ("a second document", &|text| format!("{text}{text}")),
        ("null", &|_| "null".into()),
        ("nothing in it", &|_| "[]".into()),
        ("no list", &|_| "{}".into()),
        ("cut", &|text| text[..text.len() - 3].into()),
        ("not UTF-8", &|text| text.replace("fx", "\u{fffd}")),
    ];
    for (what, edit) in edits {
        let mut members = docker_save(&[image()]);
        members.extend(other.layers.iter().map(|layer| Member::file("x", layer.clone())));
        let answer = session().refuses(&edited(members, "manifest.json", edit));
        assert!(!answer.stderr.is_empty(), "{what}");
    }
}

#[test]
fn index_json_and_configurations_with_two_readings() {
    let one = [image()];
    let duplicate = |text: &str| text.replacen('{', "{\"schemaVersion\":2,", 1);
    session().refuses(&edited(docker_25(&one), "index.json", duplicate));
    let trailing = |text: &str| format!("{text}x");
    session().refuses(&edited(docker_25(&one), "index.json", trailing));
    session().refuses(&edited(docker_25(&one), "oci-layout", trailing));

    // Configurations and manifests that are digested rightly, and still have a key twice or bytes behind.
    let text = String::from_utf8(one[0].config_bytes()).expect("JSON");
    for config in
        [text.replacen('{', "{\"os\":\"linux\",", 1), format!("{text}{{}}"), format!("[{text}]"), String::new()]
    {
        let members = [
            Member::file(format!("{}.json", hex(config.as_bytes())), config.clone()),
            Member::file("layer.tar", one[0].layers[0].clone()),
            producers::manifest_json(&[json!({
                "Config": format!("{}.json", hex(config.as_bytes())), "RepoTags": ["fx/a:1"], "Layers": ["layer.tar"],
            })]),
        ];
        session().refuses(&pack(&members));
    }
}

#[test]
fn deep_and_huge_documents() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let huge = format!("[{{\"Config\":\"{}\"}}]", "x".repeat(5 << 20));
    for bad in [deep.as_str(), &huge, &"[".repeat(1_000_000)] {
        for name in ["manifest.json", "index.json"] {
            session().refuses(&edited(docker_25(&[image()]), name, |_| bad.to_owned()));
        }
    }
    // 129 levels are one too many, and a configuration of 5 MiB is too big, though its digest is right.
    let nested = (0..129).fold(json!(1), |value, _| json!([value]));
    session().refuses(&pack(&docker_save(&[image().with("x-deep", nested)])));
    session().refuses(&pack(&docker_save(&[image().with("x-big", json!("x".repeat(5 << 20)))])));
    let fine = image().with("x-deep", (0..100).fold(json!(1), |value, _| json!([value])));
    Session::new().load(&pack(&docker_save(&[fine])));
}

/// An archive whose `manifest.json` is of some images and whose `index.json` is of others.
fn two_lists(manifest: &[TestImage], index: &[TestImage]) -> Vec<u8> {
    let mut members: Vec<Member> =
        docker_25(index).into_iter().filter(|m| m.name != "manifest.json" && m.name != "repositories").collect();
    for member in docker_25(manifest) {
        if member.name == "manifest.json" || !members.iter().any(|m| m.name == member.name) {
            members.push(member);
        }
    }
    members.retain(|member| member.name != "repositories");
    pack(&members)
}

#[test]
fn one_name_in_manifest_json_and_index_json_is_two_images() {
    let (a, b) = (image(), TestImage::of("fx/a:1", "b"));
    let renamed = TestImage { tags: vec!["fx/b:1".into()], ..b.clone() };
    for (manifest, index) in
        [(&[a.clone()][..], &[b.clone()][..]), (&[a.clone(), renamed.clone()], &[b.clone(), renamed.clone()])]
    {
        let answer = session().refuses(&two_lists(manifest, index));
        answer.fails(1, &["fx/a:1 is two different images"]);
    }
}

#[test]
fn what_only_one_of_two_lists_says_is_taken() {
    let a = image();
    let renamed = TestImage { tags: vec!["fx/other:1".into()], ..a.clone() };
    let more = [a.clone(), TestImage::of("fx/more:1", "more")];
    let nameless = [a.clone().untagged()];
    let one = [a];
    let rows: [(&[TestImage], &[TestImage], &[&str]); 4] = [
        (&one, &[renamed], &["fx/a:1", "fx/other:1"]),
        (&one, &more, &["fx/a:1", "fx/more:1"]),
        (&more, &one, &["fx/a:1", "fx/more:1"]),
        (&nameless, &one, &["fx/a:1"]),
    ];
    for (manifest, index, names) in rows {
        let session = Session::new();
        session.load(&two_lists(manifest, index));
        assert_eq!(session.tags(), names);
    }
}

#[test]
fn digests_of_a_wrong_form() {
    let image = image();
    let good = image.diff_ids().remove(0);
    for bad in [
        "sha256:../../../../etc/passwd",
        &good.to_uppercase(),
        &good[..70],
        &format!("{good}0"),
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        "sha256:",
        "",
        &good.replace("sha256:", "sha256:/"),
    ] {
        let changed = image.clone().with("rootfs", json!({"type": "layers", "diff_ids": [bad]}));
        session().refuses(&pack(&docker_save(&[changed])));
        let mut layout = producers::skopeo_layout(std::slice::from_ref(&image), &[Packing::None]);
        layout.entries[0]["digest"] = json!(bad);
        session().refuses(&pack(&layout.members("{\"imageLayoutVersion\":\"1.0.0\"}")));
    }
}

#[test]
fn a_configuration_without_what_it_must_have() {
    for (field, value) in [
        ("rootfs", Value::Null),
        ("rootfs", json!({"type": "layers"})),
        ("rootfs", json!("layers")),
        ("created", json!("yesterday")),
        ("config", json!([])),
        ("history", json!({})),
    ] {
        session().refuses(&pack(&docker_save(&[image().with(field, value)])));
    }
}

#[test]
fn the_digest_of_one_thing_is_no_digest_of_another() {
    // A layer's descriptor that points to the configuration, and a configuration's that points to the layer.
    let image = image();
    let mut layout = producers::skopeo_layout(std::slice::from_ref(&image), &[Packing::None]);
    let config = digest(&image.config_bytes());
    let layer = digest(&image.layers[0]);
    let manifest = layout.entries[0]["digest"].as_str().expect("a digest").replace("sha256:", "");
    let text = String::from_utf8(layout.blobs.remove(&manifest).expect("the manifest")).expect("JSON");
    let swapped = text.replace(&config, "C").replace(&layer, &config).replace('C', &layer);
    layout.entries.clear();
    let descriptor = layout.put(crate::support::oci::MANIFEST, swapped.as_bytes());
    layout.name(&descriptor, &[(crate::support::oci::REF_NAME, "docker.io/fx/a:1")]);
    session().refuses(&pack(&layout.members("{\"imageLayoutVersion\":\"1.0.0\"}")));
}
