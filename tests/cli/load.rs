//! `load`: its words, its flags, and that it changes all or nothing.

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::packing::Packing;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};

fn archive(images: &[TestImage]) -> Vec<u8> {
    pack(&producers::docker_save(images))
}

#[test]
fn says_what_it_loaded() {
    let session = Session::new();
    session
        .write("a.tar", archive(&[TestImage::of("fx/a:1", "a"), TestImage::of("fx/b:1", "b").also_tagged("fx/b:2")]));
    insta::assert_snapshot!(session.transcript(&[
        &["load", "-i", "a.tar"],
        &["load", "--input", "a.tar", "--quiet"],
        &["image", "load", "-q", "-i", "a.tar"],
    ]), @r"
    $ imgtool load -i a.tar
    Loaded image: fx/a:1
    Loaded image: fx/b:1
    Loaded image: fx/b:2
    $ imgtool load --input a.tar --quiet
    Loaded image: fx/a:1
    Loaded image: fx/b:1
    Loaded image: fx/b:2
    $ imgtool image load -q -i a.tar
    Loaded image: fx/a:1
    Loaded image: fx/b:1
    Loaded image: fx/b:2
    ");
}

#[test]
fn a_tag_that_moves_is_said() {
    let session = Session::new();
    let (old, new) = (TestImage::of("fx/a:1", "old"), TestImage::of("fx/a:1", "new"));
    session.load(&archive(std::slice::from_ref(&old)));
    assert_eq!(
        session.load(&archive(std::slice::from_ref(&new))),
        format!(
            "The image fx/a:1 already exists, renaming the old one with ID {} to empty string\nLoaded image: fx/a:1\n",
            old.id()
        )
    );
    let mut ids = [old.id(), new.id()];
    ids.sort();
    assert_eq!(session.ids(), ids, "the old image stays, without a name");
    assert_eq!(session.tags(), ["<none>:<none>", "fx/a:1"]);
    assert_eq!(session.inspect("fx/a:1")["Id"], json!(new.id()));
    // Once more is no move.
    assert_eq!(session.load(&archive(&[new])), "Loaded image: fx/a:1\n");
}

#[test]
fn what_cannot_be_read() {
    let session = Session::new();
    session.write("junk", "this is no archive".repeat(200));
    session.write("empty", "");
    session.write("other.tar", pack(&[Member::file("readme", "a tar, but no image")]));
    for (name, pieces) in [
        ("nofile", &["open nofile: no such file or directory"][..]),
        ("junk", &[]),
        ("empty", &[]),
        ("other.tar", &["does not contain a manifest.json"]),
    ] {
        let answer = session.run(&["load", "-i", name]);
        answer.fails(1, pieces);
        assert_eq!(answer.out(), "", "{name}");
    }
    assert_eq!(session.ids(), [""; 0]);
}

#[test]
fn a_wrong_layer_is_named_and_nothing_is_stored() {
    let session = Session::new();
    session.load(&archive(&[TestImage::of("fx/other:1", "something that was there before")]));
    let good = TestImage::of("fx/good:1", "good");
    let mut bad = TestImage::of("fx/bad:1", "bad");
    let expected = bad.diff_ids().remove(0);
    bad.layers[0] = pack(&[Member::file("text", "not what the configuration says")]);
    let got = bad.diff_ids().remove(0);
    for images in [[good.clone(), bad.clone()], [bad, good]] {
        let answer = session.refuses(&archive(&images));
        answer.fails(1, &[&expected, &got]);
    }
}

#[test]
fn names_that_docker_would_not_take() {
    let session = Session::new();
    for tag in ["fx/notag", "fx/Case:1", "fx/a:", "fx/../b:1", "", "fx/a:1@sha256:00", "-fx:1", "fx/a:b:c"] {
        let image = TestImage::of("fx/a:1", "a");
        let mut members = producers::docker_save(std::slice::from_ref(&image));
        for member in &mut members {
            if member.name == "manifest.json" {
                member.data = String::from_utf8_lossy(&member.data).replace("fx/a:1", tag).into_bytes();
            }
        }
        members.retain(|member| member.name != "repositories");
        let answer = session.refuses(&pack(&members));
        assert!(answer.stderr.contains("invalid"), "{tag:?}: {}", answer.stderr);
    }
}

#[test]
fn a_layers_list_that_does_not_fit_the_configuration() {
    let session = Session::new();
    let mut more = TestImage::of("fx/a:1", "a");
    more.layers.push(pack(&[Member::file("more", "more")]));
    session.refuses(&archive(&[more])).fails(1, &["layer"]);
    let mut fewer = TestImage::sample("fx/a:1");
    fewer.layers.pop();
    session.refuses(&archive(&[fewer])).fails(1, &["layer"]);
}

#[test]
fn a_delta_archive_needs_its_base() {
    let base = TestImage::of("fx/base:1", "the base");
    let child =
        TestImage { tags: vec!["fx/child:1".into()], ..base.clone() }.layer("more", &[Member::file("more", "more")]);
    let one = std::slice::from_ref(&child);
    let rows = [
        ("docker 1.10 to 24", producers::docker_save(one), base.layers[0].clone()),
        ("docker 25", producers::docker_25(one), base.layers[0].clone()),
        ("podman", producers::podman(one), base.layers[0].clone()),
        ("crane", producers::crane(one), Packing::Gzip.apply(&base.layers[0])),
    ];
    for (what, members, known) in rows {
        let delta = pack(&producers::without_layers(members, &[known]));
        let session = Session::new();
        session.load(&archive(&[TestImage::of("fx/unrelated:1", "unrelated")]));
        session.refuses(&delta).fails(1, &[&base.diff_ids()[0]]);
        for stdin in [false, true] {
            let session = Session::new();
            session.load(&archive(std::slice::from_ref(&base)));
            let printed = if stdin { session.run_with(&delta, &["load"]).ok() } else { session.load(&delta) };
            assert_eq!(printed, "Loaded image: fx/child:1\n", "{what}");
            assert_eq!(session.inspect("fx/child:1")["RootFS"]["Layers"], json!(child.diff_ids()), "{what}");
            session.ok(&["save", "-o", "whole.tar", "fx/child:1"]);
            let elsewhere = Session::new();
            elsewhere.load(&session.read("whole.tar"));
            assert_eq!(elsewhere.ids(), [child.id()], "{what}: saved again it is whole");
        }
    }
}

#[test]
fn no_clobber_refuses_to_move_a_tag() {
    let session = Session::new();
    let (old, new) = (TestImage::of("fx/a:1", "old"), TestImage::of("fx/a:1", "new"));
    session.load(&archive(std::slice::from_ref(&old)));
    session.write("new.tar", archive(&[TestImage::of("fx/b:1", "b"), new]));
    let before = session.picture();
    session.run(&["load", "--no-clobber", "-i", "new.tar"]).fails(1, &["fx/a:1"]);
    assert_eq!(session.picture(), before, "nothing of the archive is taken");
    // The same image again moves nothing.
    session.write("old.tar", archive(&[old]));
    assert_eq!(session.ok(&["load", "--no-clobber", "-i", "old.tar"]), "Loaded image: fx/a:1\n");
}

#[test]
fn under_other_names() {
    let images = [TestImage::of("fx/a:1", "a"), TestImage::of("quay.io/b/b:2", "b")];
    let session = Session::new();
    session.write("two.tar", archive(&images));
    insta::assert_snapshot!(session.transcript(&[
        &["load", "-i", "two.tar", "--tag", "fx/a:1=other/name:v7"],
        &["images", "--format", "{{.Repository}}:{{.Tag}}", "other/name"],
    ]), @r"
    $ imgtool load -i two.tar --tag fx/a:1=other/name:v7
    Loaded image: other/name:v7
    Loaded image: quay.io/b/b:2
    $ imgtool images --format '{{.Repository}}:{{.Tag}}' other/name
    other/name:v7
    ");
    assert_eq!(session.tags(), ["other/name:v7", "quay.io/b/b:2"]);
    session.run(&["load", "-i", "two.tar", "--tag", "fx/none:1=x:1"]).fails(1, &["fx/none:1"]);

    let prefixed = Session::new();
    prefixed.write("two.tar", archive(&images));
    prefixed.ok(&["load", "-i", "two.tar", "--prefix", "mirror.example/"]);
    let tags = prefixed.tags();
    assert!(tags.iter().all(|tag| tag.starts_with("mirror.example/")), "{tags:?}");
    assert_eq!(tags.len(), 2);
}

#[test]
fn names_are_given_all_at_once() {
    let (a, b) = (TestImage::of("fx/a:1", "a"), TestImage::of("fx/b:1", "b"));
    let load = |session: &Session, tags: &[&str]| {
        session.write("two.tar", archive(&[a.clone(), b.clone()]));
        let tags: Vec<&str> = tags.iter().flat_map(|tag| ["--tag", tag]).collect();
        session.run(&[&["load", "-q", "-i", "two.tar"], &tags[..]].concat())
    };
    let swap = ["fx/a:1=fx/b:1", "fx/b:1=fx/a:1"];
    let session = Session::new();
    for tags in [&swap[..], &[], &swap] {
        load(&session, tags).ok();
        let (first, second) = if tags.is_empty() { (&a, &b) } else { (&b, &a) };
        assert_eq!(session.inspect("fx/a:1")["Id"], first.id(), "{tags:?}");
        assert_eq!(session.inspect("fx/b:1")["Id"], second.id(), "{tags:?}");
        assert_eq!(session.ids().len(), 2, "{tags:?}");
    }
    let session = Session::new();
    load(&session, &["fx/a:1=fx/c:1", "fx/a:1=fx/c:2", &format!("{}=fx/d:1", b.id())]).ok();
    assert_eq!(session.tags(), ["fx/b:1", "fx/c:1", "fx/c:2", "fx/d:1"]);
    load(&session, &["fx/a:1=fx/b:1"]).fails(1, &["fx/b:1"]);
    load(&session, &["fx/a:1=fx/x:1", "fx/x:1=fx/y:1"]).fails(1, &["fx/x:1"]);
}

#[test]
fn one_image_of_several() {
    let (a, b) = (TestImage::of("fx/a:1", "a"), TestImage::of("fx/b:1", "b"));
    for stdin in [false, true] {
        let session = Session::new();
        session.write("two.tar", archive(&[a.clone(), b.clone()]));
        let printed = if stdin {
            session.run_with(&session.read("two.tar"), &["load", "--only", "fx/b:1"]).ok()
        } else {
            session.ok(&["load", "-i", "two.tar", "--only", "fx/b:1"])
        };
        assert_eq!(printed, "Loaded image: fx/b:1\n");
        assert_eq!(session.ids(), [b.id()]);
        let blobs = session.picture().keys().filter(|path| path.starts_with("blobs/sha256/")).count();
        assert_eq!(blobs, 3, "configuration, layer and manifest of the one image, nothing of the other");
    }
    let session = Session::new();
    session.write("two.tar", archive(&[a, b]));
    session.run(&["load", "-i", "two.tar", "--only", "fx/c:1"]).fails(1, &["fx/c:1"]);
}

#[test]
fn the_report_as_json() {
    let image = TestImage::sample("fx/a:1").also_tagged("fx/a:2");
    let session = Session::new();
    session.write("a.tar", archive(std::slice::from_ref(&image)));
    let printed = session.ok(&["load", "-i", "a.tar", "--format", "json"]);
    let report: Value = serde_json::from_str(printed.trim()).expect("one JSON document");
    let text = report.to_string();
    for piece in [image.id(), "fx/a:1".into(), "fx/a:2".into()].into_iter().chain(image.diff_ids()) {
        assert!(text.contains(&piece), "{piece} is not in {text}");
    }
}

#[test]
fn one_platform_of_several() {
    let amd = TestImage::of("fx/multi:1", "amd64");
    let arm = TestImage::of("fx/multi:1", "arm64").with("architecture", json!("arm64"));
    let mut layout = crate::support::oci::Layout::default();
    let entries: Vec<Value> = [&amd, &arm]
        .into_iter()
        .map(|image| {
            let mut descriptor = layout.put_image(image, &[Packing::Gzip]);
            descriptor["platform"] = image.platform();
            descriptor
        })
        .collect();
    let index = json!({"schemaVersion": 2, "mediaType": crate::support::oci::INDEX, "manifests": entries});
    let nested = layout.put_json(crate::support::oci::INDEX, &index);
    layout.name(&nested, &[(crate::support::oci::REF_NAME, "docker.io/fx/multi:1")]);
    let archive = pack(&layout.members(crate::support::oci::PLAIN_MARK));
    for (platform, image) in [("linux/amd64", &amd), ("linux/arm64", &arm)] {
        let session = Session::new();
        session.write("multi.tar", &archive);
        session.ok(&["load", "-i", "multi.tar", "--platform", platform]);
        assert_eq!(session.ids(), [image.id()], "{platform}");
        assert_eq!(session.inspect("fx/multi:1")["Architecture"], image.config["architecture"]);
    }
    let session = Session::new();
    session.write("multi.tar", &archive);
    session.run(&["load", "-i", "multi.tar", "--platform", "linux/s390x"]).fails(1, &["linux/s390x"]);
    session.run(&["load", "-i", "multi.tar", "--platform", "a/b/c/d"]).fails(1, &["a/b/c/d"]);
}
