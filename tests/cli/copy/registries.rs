//! From registry to registry: what is asked, and how many bytes go through.

use serde_json::json;

use super::taking::Taking;
use super::{Places, last, two_platforms};
use crate::support::image::TestImage;
use crate::support::oci::{INDEX, MANIFEST};
use crate::support::packing::Packing;
use crate::support::registry::Registry;
use crate::support::registry::content::{DOCKER_MANIFEST, Form};
use crate::support::registry::reply::Reply;
use crate::support::session::Session;
use crate::support::tarball::Member;

/// An image with a layer of a megabyte that does not pack.
fn large() -> TestImage {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let bytes: Vec<u8> = std::iter::repeat_with(&mut next).take(1 << 17).flatten().collect();
    TestImage::new(&["team/app:1"]).layer("noise", &[Member::file("noise", bytes)]).step("and no more")
}

fn from(registry: &Registry, name: &str) -> String {
    format!("docker://{}", registry.name(name))
}

#[test]
fn every_byte_goes_through_once_and_none_to_the_disk() {
    let (session, source, target) = (Session::new(), Registry::start(), Taking::start());
    let pushed = source.push_as("team/app:1", &large(), Form::Oci(Packing::Gzip));
    let said = session.ok(&["copy", &from(&source, "team/app:1"), &target.at("there/app:1")]);
    assert_eq!(last(&said), (pushed.digest(), target.at("there/app:1")), "{said}");
    assert_eq!(target.taken().digest("there/app", "1"), Some(pushed.digest()));
    assert_eq!((source.sent(), target.taken().bytes as u64), (pushed.size(), pushed.size()));
    assert!(!session.store().join("blobs").exists(), "the store has none of it");
    // Again, and another tag of the same image.
    let (sent, requests) = (source.sent(), source.log().len() + target.registry.log().len());
    let said = session.ok(&["copy", &from(&source, "team/app:1"), &target.at("there/app:1")]);
    assert!(said.starts_with("Image is up to date for docker://"), "{said}");
    assert_eq!(source.log().len() + target.registry.log().len() - requests, 2 + 2, "a HEAD of each, behind /v2/");
    session.ok(&["copy", "-q", &from(&source, "team/app:1"), &target.at("there/app:again")]);
    assert_eq!(target.taken().bytes as u64, pushed.size(), "no layer goes again");
    assert!(source.sent() <= sent + 4096, "the config at most");
}

#[test]
fn another_tag_moves_a_manifest_and_another_repository_mounts() {
    let (session, source, target) = (Session::new(), Registry::start(), Taking::start());
    let pushed = source.push_as("team/app:1", &large(), Form::Docker);
    session.ok(&["copy", &from(&source, "team/app:1"), &target.at("there/app:1")]);
    let before = target.registry.log().len();
    session.ok(&["copy", &target.at("there/app:1"), &target.at("there/app:2")]);
    let asked: Vec<String> = target.registry.log().split_off(before);
    assert!(asked.iter().all(|line| !line.contains("/blobs/")), "{asked:?}");
    assert_eq!(asked.iter().filter(|line| line.starts_with("PUT ")).count(), 1, "{asked:?}");
    assert_eq!(target.taken().digest("there/app", "2"), Some(pushed.digest()));

    let bytes = target.taken().bytes;
    let said = session.ok(&["copy", &target.at("there/app:1"), &target.at("other/app:1")]);
    assert!(said.contains("Mounted from there/app"), "{said}");
    assert_eq!(target.taken().bytes, bytes, "no byte was sent");
    assert_eq!(target.taken().digest("other/app", "1"), Some(pushed.digest()));
}

#[test]
fn a_mirror_moves_only_what_is_new() {
    let (session, source, target) = (Session::new(), Registry::start(), Taking::start());
    for tag in ["1", "2", "latest"] {
        source.push(&format!("team/app:{tag}"), &TestImage::of("fx/a:1", tag));
    }
    let mirror = || session.ok(&["copy", "--all-tags", &from(&source, "team/app"), &target.at("mirror/app")]);
    assert_eq!(mirror().lines().filter(|line| line.starts_with("sha256:")).count(), 3);
    let before = (source.log().len(), target.registry.log().len());
    let said = mirror();
    assert_eq!(said.matches("Image is up to date").count(), 3, "{said}");
    let asked = [source.log().split_off(before.0), target.registry.log().split_off(before.1)].concat();
    let others = asked.iter().filter(|line| !line.starts_with("HEAD ") && !line.starts_with("GET /v2/ "));
    assert_eq!(others.collect::<Vec<_>>(), ["GET /v2/team/app/tags/list?n=1000 200"], "{asked:?}");
    let new = source.push("team/app:2", &TestImage::of("fx/a:1", "anew"));
    let said = mirror();
    assert_eq!(said.matches("Image is up to date").count(), 2, "{said}");
    assert_eq!(target.taken().digest("mirror/app", "2"), Some(new.digest()));
}

#[test]
fn an_index_goes_whole_or_one_of_its_images() {
    let (session, target) = (Session::new(), Taking::start());
    let (index, manifests) = two_platforms(&session);
    session.ok(&["copy", "--all", "oci:both:both", &target.at("a:1")]);
    session.ok(&["copy", "--all", &target.at("a:1"), &target.at("b:1")]);
    session.ok(&["copy", "--platform", "linux/s390x", &target.at("a:1"), &target.at("b:s390x")]);
    session.ok(&["copy", &target.at("a:1"), &target.at("b:amd64")]);
    let taken = target.taken();
    assert_eq!(taken.digest("a", "1").as_ref(), Some(&index));
    assert_eq!(taken.digest("b", "1").as_ref(), Some(&index));
    assert_eq!(taken.digest("b", "s390x").as_ref(), Some(&manifests[1]));
    assert_eq!(taken.digest("b", "amd64").as_ref(), Some(&manifests[0]));
}

#[test]
fn every_place_into_a_registry() {
    let (places, target) = (Places::new(), Taking::start());
    for (number, (place, digest)) in places.sources().into_iter().enumerate() {
        let name = format!("there/app:{number}");
        let (written, shown) = last(&places.session.ok(&["copy", &place, &target.at(&name)]));
        assert_eq!(shown, target.at(&name));
        if let Some(digest) = digest {
            assert_eq!(written, digest, "{place}");
        }
        places.check(&target.at(&name));
    }
    // Several, each with its own name.
    let above = format!("{}/", target.at("deep/er"));
    places.session.ok(&["copy", "team/app:1", "oci:lay:team/app:1", &above]);
    places.check(&target.at("deep/er/app:1"));
}

#[test]
fn a_source_that_breaks_is_gone_on_with() {
    let (session, source, target) = (Session::new(), Registry::start(), Taking::start());
    let pushed = source.push_as("team/app:1", &large(), Form::Oci(Packing::Gzip));
    source.script(|request, honest| {
        let is_first = request.header("range").is_none();
        if request.path.contains("/blobs/") && is_first && honest.body.len() > 500_000 {
            honest.cut_after(400_000)
        } else {
            honest
        }
    });
    session.ok(&["copy", "-q", &from(&source, "team/app:1"), &target.at("there/app:1")]);
    assert_eq!(target.taken().digest("there/app", "1"), Some(pushed.digest()));
    assert!(source.sent() * 100 < pushed.size() * 105, "{} of {}", source.sent(), pushed.size());
    assert_eq!(target.taken().bytes as u64, pushed.size());
}

#[test]
fn another_blob_than_was_asked_for_gets_no_name() {
    let (session, source, target) = (Session::new(), Registry::start(), Taking::start());
    let pushed = source.push_as("team/app:1", &TestImage::sample("fx/a:1"), Form::Docker);
    let layer = pushed.layer(1);
    source.script(move |request, honest| {
        if !request.path.ends_with(&layer) {
            return honest;
        }
        let mut body = honest.body.to_vec();
        for byte in &mut body {
            *byte ^= 1;
        }
        Reply::new(200, body)
    });
    session.run(&["copy", &from(&source, "team/app:1"), &target.at("there/app:1")]).fails(1, &["sha256:"]);
    assert_eq!(target.taken().digest("there/app", "1"), None);
}

#[test]
fn referrers_where_the_registry_finds_them() {
    let (session, source, target) = (Session::new(), Registry::start(), Taking::start());
    let pushed = source.push_as("team/app:1", &TestImage::sample("fx/a:1"), Form::Oci(Packing::Gzip));
    let signature = {
        let mut content = source.content();
        let repository = content.repository("team/app");
        let config = repository.put_blob("application/vnd.oci.empty.v1+json", b"{}".to_vec());
        let blob = repository.put_blob("application/vnd.example.signature", b"signed".to_vec());
        let document = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.example.signature",
            "config": config, "layers": [blob], "subject": pushed.manifest,
        });
        repository.put_manifest(None, MANIFEST, document.to_string().into_bytes())
    };
    let list = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [signature]}).to_string();
    let subject = pushed.digest();
    let empty = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).to_string();
    source.script(move |request, honest| match request.path.split_once("/referrers/") {
        Some((_, of)) => {
            Reply::new(200, if of == subject { list.clone() } else { empty.clone() }).with("Content-Type", INDEX)
        }
        None => honest,
    });
    let copy = || session.ok(&["copy", "--referrers", &from(&source, "team/app:1"), &target.at("there/app:1")]);
    copy();
    let of_it = signature["digest"].as_str().expect("a digest");
    assert_eq!(target.taken().digest("there/app", of_it).as_deref(), Some(of_it));
    let tag = pushed.digest().replace(':', "-");
    assert!(target.taken().digest("there/app", &tag).is_some(), "the list, which the target does not make by itself");
    let bytes = target.taken().bytes;
    assert!(!copy().contains("Copying"), "all is there");
    assert_eq!(target.taken().bytes, bytes);
}

#[test]
fn foreign_layers_stay_where_they_are() {
    let (session, source, target) = (Session::new(), Registry::start(), Taking::start());
    let image = TestImage::sample("fx/a:1");
    let pushed = source.push("team/app:1", &image);
    let mut foreign = pushed.layers[0].clone();
    foreign["mediaType"] = json!("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
    foreign["urls"] = json!(["https://registry.example/layer"]);
    {
        let mut content = source.content();
        let repository = content.repository("team/app");
        let layers = [foreign, pushed.layers[1].clone()];
        let document = json!({
            "schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": pushed.config, "layers": layers,
        });
        repository.put_manifest(Some("foreign"), DOCKER_MANIFEST, document.to_string().into_bytes());
        repository.blobs.remove(&pushed.layer(0));
    }
    session.ok(&["copy", &from(&source, "team/app:foreign"), &target.at("there/app:1")]);
    let asked = source.log();
    assert!(!asked.iter().any(|line| line.contains(&pushed.layer(0))), "{asked:?}");
    assert!(target.taken().digest("there/app", "1").is_some());
}
