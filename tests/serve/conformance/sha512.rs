//! Digests of SHA-512, for blobs and manifests.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

use super::{OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, Registry};
use crate::support::digest;

const OCTETS: (&str, &str) = ("Content-Type", "application/octet-stream");

fn sha512(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha512::digest(bytes).iter().fold("sha512:".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string grows");
        text
    })
}

fn put(registry: &Registry, reference: &str, kind: &str, document: &Value) -> String {
    let bytes = document.to_string().into_bytes();
    let own = sha512(&bytes);
    let path = format!(
        "/v2/demo/manifests/{}{}",
        own,
        if reference.is_empty() { String::new() } else { format!("?tag={reference}") }
    );
    let said = registry.ask("PUT", &path, &[("Content-Type", kind)], &bytes).expect(201);
    assert_eq!(said.header("docker-content-digest"), own);
    assert_eq!(said.header("location"), format!("/v2/demo/manifests/{own}"));
    own
}

/// An index of two images, all by SHA-512. Returns the digest of the index, those of its manifests, and of all blobs.
fn push(registry: &Registry, tag: &str) -> (String, Vec<String>, Vec<String>) {
    let (mut manifests, mut blobs) = (Vec::new(), Vec::new());
    for architecture in ["amd64", "arm64"] {
        let layer = format!("a layer for {architecture}").into_bytes();
        let config = json!({"architecture": architecture, "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [sha512(&layer)]}});
        let config = config.to_string().into_bytes();
        for bytes in [&layer, &config] {
            let location = registry.begin("demo");
            registry.ask("PATCH", &location, &[OCTETS], bytes).expect(202);
            let said = registry.ask("PUT", &format!("{location}?digest={}", sha512(bytes)), &[], b"").expect(201);
            assert_eq!(said.header("docker-content-digest"), sha512(bytes));
            assert_eq!(said.header("location"), format!("/v2/demo/blobs/{}", sha512(bytes)));
            blobs.push(sha512(bytes));
        }
        let manifest = json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": {"mediaType": OCI_CONFIG, "digest": sha512(&config), "size": config.len()},
            "layers": [{"mediaType": super::OCI_LAYER, "digest": sha512(&layer), "size": layer.len()}],
        });
        let size = manifest.to_string().len();
        manifests.push(
            json!({"mediaType": OCI_MANIFEST, "digest": put(registry, "", OCI_MANIFEST, &manifest), "size": size}),
        );
    }
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests});
    let own = put(registry, tag, OCI_INDEX, &index);
    let children = manifests.iter().map(|entry| entry["digest"].as_str().expect("a digest").to_owned());
    (own, children.collect(), blobs)
}

fn check_all(registry: &Registry, index: &str, manifests: &[String], blobs: &[String]) {
    for digest in manifests.iter().map(String::as_str).chain([index]) {
        for method in ["GET", "HEAD"] {
            let said = registry.ask(method, &format!("/v2/demo/manifests/{digest}"), &[], b"").expect(200);
            assert_eq!(said.header("docker-content-digest"), digest);
            assert!(method == "HEAD" || sha512(&said.body) == *digest);
        }
    }
    for digest in blobs {
        let said = registry.get(&format!("/v2/demo/blobs/{digest}")).expect(200);
        assert_eq!((said.header("docker-content-digest"), &sha512(&said.body)), (digest.as_str(), digest));
        registry.head(&format!("/v2/demo/blobs/{digest}")).expect(200);
    }
}

#[test]
fn images_by_sha512_are_kept_and_survive_restarts_and_garbage_collection() {
    let registry = Registry::new();
    let (index, manifests, blobs) = push(&registry, "1");
    check_all(&registry, &index, &manifests, &blobs);
    assert_eq!(registry.get("/v2/demo/manifests/1").expect(200).header("docker-content-digest"), index);
    let registry = registry.restarted();
    // The blobs are needed by the index alone: neither claims nor names by digest hold them.
    std::fs::remove_dir_all(registry.session.store().join("imgtool/claims")).expect("claims");
    registry.session.ok(&["images", "-a"]);
    registry.session.ok(&["system", "df"]);
    registry.session.ok(&["verify"]);
    registry.session.ok(&["image", "prune", "-f", "-a", "--filter", "until=1000h"]);
    registry.session.ok(&["image", "prune", "-f"]);
    check_all(&registry, &index, &manifests, &blobs);
    // The same content by its other digest.
    let layer = digest(b"a layer for amd64");
    registry.get(&format!("/v2/demo/blobs/{layer}")).expect(200);
}

#[test]
fn what_was_pushed_by_sha512_is_deleted_and_collected() {
    let registry = Registry::new();
    let (index, manifests, blobs) = push(&registry, "1");
    registry.delete("/v2/demo/manifests/1").expect(202);
    registry.get("/v2/demo/manifests/1").expect(404);
    registry.get(&format!("/v2/demo/manifests/{index}")).expect(200);
    registry.delete(&format!("/v2/demo/blobs/{}", blobs[0])).expect(405);
    registry.delete(&format!("/v2/demo/manifests/{}", manifests[0])).expect(405);
    registry.delete(&format!("/v2/demo/manifests/{index}")).expect(202);
    // What was pushed for an index stays until it is collected, or deleted.
    for digest in &manifests {
        registry.delete(&format!("/v2/demo/manifests/{digest}")).expect(202);
    }
    for digest in std::iter::once(&index).chain(&manifests) {
        registry.get(&format!("/v2/demo/manifests/{digest}")).expect(404);
        registry.delete(&format!("/v2/demo/manifests/{digest}")).expect(404);
    }
    for digest in &blobs {
        registry.delete(&format!("/v2/demo/blobs/{digest}")).expect(202);
        registry.get(&format!("/v2/demo/blobs/{digest}")).expect(404);
    }
    registry.session.ok(&["image", "prune", "-f"]);
    let left = |kind: &str| {
        let folder = registry.session.store().join("imgtool/aliases").join(kind);
        std::fs::read_dir(folder).map_or(0, Iterator::count)
    };
    assert_eq!((left("sha512"), left("needs")), (0, 0));
}

#[test]
fn other_commands_say_what_they_cannot_do_with_it() {
    let registry = Registry::new();
    push(&registry, "1");
    let session = &registry.session;
    session.run(&["save", "-o", "x.tar", "demo:1"]).fails(1, &["demo:1"]);
    session.ok(&["tag", "demo:1", "other:1"]);
    registry.get("/v2/other/manifests/1").expect(200);
    session.ok(&["rmi", "demo:1"]);
    registry.get("/v2/demo/manifests/1").expect(404);
    session.ok(&["rmi", "other:1"]);
    session.ok(&["verify"]);
}

#[test]
fn content_must_match_its_sha512() {
    let registry = Registry::new();
    let wrong = sha512(b"other");
    let said = registry.ask("POST", &format!("/v2/demo/blobs/uploads/?digest={wrong}"), &[OCTETS], b"x").expect(400);
    assert_eq!(said.code(), "DIGEST_INVALID");
    let location = registry.begin("demo");
    registry.ask("PUT", &format!("{location}?digest={wrong}"), &[OCTETS], b"x").expect(400);
    registry.get(&format!("/v2/demo/blobs/{wrong}")).expect(404);
    let bytes = registry.image("demo", "x");
    let path = format!("/v2/demo/manifests/{wrong}");
    assert_eq!(
        registry.ask("PUT", &path, &[("Content-Type", OCI_MANIFEST)], &bytes).expect(400).code(),
        "DIGEST_INVALID"
    );
    // What is named by SHA-512 must be there as everything else.
    let text = String::from_utf8(bytes).expect("text");
    let config =
        serde_json::from_str::<Value>(&text).expect("JSON")["config"]["digest"].as_str().expect("a digest").to_owned();
    let missing = text.replace(&config, &wrong);
    let said =
        registry.ask("PUT", "/v2/demo/manifests/1", &[("Content-Type", OCI_MANIFEST)], missing.as_bytes()).expect(404);
    assert_eq!(
        (said.code().as_str(), &said.json()["errors"][0]["detail"]["digest"]),
        ("MANIFEST_BLOB_UNKNOWN", &json!(wrong))
    );
}

#[test]
fn blobs_by_sha512_are_mounted_and_come_in_one_request() {
    let registry = Registry::new();
    for bytes in [b"content".as_slice(), b""] {
        let own = sha512(bytes);
        registry.ask("POST", &format!("/v2/from/blobs/uploads/?digest={own}"), &[OCTETS], bytes).expect(201);
        let said = registry.ask("POST", &format!("/v2/to/blobs/uploads/?mount={own}&from=from"), &[], b"").expect(201);
        assert_eq!(registry.get(said.header("location")).expect(200).body, bytes);
        registry.ask("POST", &format!("/v2/third/blobs/uploads/?mount={own}"), &[], b"").expect(201);
        let said =
            registry.ask("GET", &format!("/v2/to/blobs/{own}"), &[("If-None-Match", &format!("\"{own}\""))], b"");
        said.expect(304);
    }
}

#[test]
fn a_subject_by_sha512() {
    let registry = Registry::new();
    let subject = sha512(b"a subject");
    let found = registry.put_artifact(
        "demo",
        "",
        b"layer",
        &json!({"subject": {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1}}),
    );
    let list = registry.get(&format!("/v2/demo/referrers/{subject}")).expect(200).json();
    assert_eq!(list["manifests"][0]["digest"], found);
    std::fs::remove_dir_all(registry.session.store().join("imgtool/claims")).expect("claims");
    registry.session.ok(&["images", "-a"]);
    registry.session.ok(&["image", "prune", "-f"]);
    registry.get(&format!("/v2/demo/blobs/{}", digest(b"layer"))).expect(200);
}
