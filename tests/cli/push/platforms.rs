//! Images for several platforms, whole and in part, with their attestations.

use serde_json::{Value, json};

use super::digest_of;
use crate::support::image::TestImage;
use crate::support::oci::{INDEX, Layout, MANIFEST, PLAIN_MARK, REF_NAME};
use crate::support::packing::Packing;
use crate::support::registry::Registry;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};

const ATTESTED: &str = "vnd.docker.reference.type";

fn image(architecture: &str) -> TestImage {
    TestImage::of("x", architecture).with("architecture", json!(architecture))
}

/// An archive with an index of two platforms and an attestation; gives the index, and the digests of its manifests.
fn archive(name: &str) -> (Layout, Value, Vec<String>) {
    let mut layout = Layout::default();
    let mut entries: Vec<Value> = ["amd64", "arm64"]
        .map(|architecture| {
            let mut descriptor = layout.put_image(&image(architecture), &[Packing::Gzip]);
            descriptor["platform"] = json!({"os": "linux", "architecture": architecture});
            descriptor
        })
        .to_vec();
    let statement = layout.put_json("application/vnd.in-toto+json", &json!({"predicate": "how it was built"}));
    let config = layout.put_json(
        "application/vnd.oci.image.config.v1+json",
        &json!({
            "architecture": "unknown", "os": "unknown", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [statement["digest"]]},
        }),
    );
    let attestation = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [statement]});
    let mut attestation = layout.put_json(MANIFEST, &attestation);
    attestation["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    attestation["annotations"] =
        json!({ATTESTED: "attestation-manifest", "vnd.docker.reference.digest": entries[0]["digest"]});
    entries.push(attestation);
    let digests = entries.iter().map(|entry| entry["digest"].as_str().expect("a digest").to_owned()).collect();
    let index = layout.put_json(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}));
    layout.name(&index, &[(REF_NAME, name)]);
    (layout, index, digests)
}

fn text(value: &Value) -> String {
    value.as_str().expect("a digest").to_owned()
}

#[test]
fn all_of_it_the_children_first() {
    let (session, registry) = (Session::new(), Registry::start());
    let name = registry.name("app:1");
    let (layout, index, digests) = archive(&name);
    session.load(&pack(&layout.members(PLAIN_MARK)));
    let said = session.ok(&["push", &name]);
    assert!(said.contains(&format!("1: digest: {} size: {}", text(&index["digest"]), index["size"])), "{said}");
    assert_eq!(digest_of(&registry, "app:1"), Some(text(&index["digest"])));
    let puts: Vec<String> =
        registry.log().into_iter().filter(|line| line.starts_with("PUT /v2/app/manifests/")).collect();
    assert_eq!(puts.last().map(String::as_str), Some("PUT /v2/app/manifests/1 201"), "{puts:?}");
    assert_eq!(puts.len(), 4, "two images, an attestation, the index");
    for digest in digests {
        assert!(registry.content().repositories["app"].manifests.contains_key(&digest));
    }
    for architecture in ["amd64", "arm64"] {
        let other = Session::new();
        other.ok(&["pull", "-q", "--platform", &format!("linux/{architecture}"), &name]);
        assert_eq!(other.inspect(&name)["Id"], image(architecture).id().as_str());
    }

    // Only one platform, when that is asked for.
    let registry = Registry::start();
    session.ok(&["tag", &name, &registry.name("app:1")]);
    let answer = session.run(&["push", "--platform", "linux/arm64", &registry.name("app:1")]);
    assert!(answer.ok().contains("1: digest: "));
    let digest = digest_of(&registry, "app:1").expect("it is there");
    let manifest = &registry.content().repositories["app"].manifests[&digest].bytes.clone();
    let manifest: Value = serde_json::from_slice(manifest).expect("JSON");
    assert_eq!(manifest["config"]["digest"], image("arm64").id().as_str());
    session
        .run(&["push", "--platform", "linux/s390x", &registry.name("app:1")])
        .fails(1, &["does not provide the specified platform (linux/s390x)"]);
}

#[test]
fn of_a_part_only_what_is_here_unless_the_registry_has_the_rest() {
    let (session, registry, other) = (Session::new(), Registry::start(), Registry::start());
    let name = registry.name("app:1");
    let (layout, index, _) = archive(&name);
    let whole = Session::new();
    whole.load(&pack(&layout.members(PLAIN_MARK)));
    whole.ok(&["push", "-q", &name]);

    // Without the layers of one platform.
    let missing = Packing::Gzip.apply(&image("arm64").layers[0]);
    let path = format!("blobs/sha256/{}", crate::support::hex(&missing));
    let members: Vec<Member> = layout.members(PLAIN_MARK).into_iter().filter(|member| member.name != path).collect();
    session.load(&pack(&members));
    session.ok(&["tag", &name, &registry.name("app:2")]);
    session.ok(&["push", "-q", &registry.name("app:2")]);
    assert_eq!(digest_of(&registry, "app:2"), Some(text(&index["digest"])), "the registry has the rest");

    session.ok(&["tag", &name, &other.name("app:1")]);
    let answer = session.run(&["push", "--platform", "linux/amd64", &other.name("app:1")]);
    answer.ok();
    let answer = session.run(&["push", &other.name("app:1")]);
    assert!(answer.stderr.contains("only the image for one was pushed"), "{}", answer.stderr);
    let digest = digest_of(&other, "app:1").expect("it is there");
    assert_ne!(digest, text(&index["digest"]));
    let manifest: Value =
        serde_json::from_slice(&other.content().repositories["app"].manifests[&digest].bytes.clone()).expect("JSON");
    assert_eq!(manifest["config"]["digest"], image("amd64").id().as_str());
}
