//! Management: tags, manifests and blobs are deleted.

use serde_json::json;

use super::{OCI_MANIFEST, Registry};
use crate::support::digest;

#[test]
fn a_tag_is_deleted_and_the_manifest_stays() {
    let registry = Registry::new();
    let found = registry.put_image("demo", "1", "x");
    registry.put_image("demo", "2", "x");
    registry.delete("/v2/demo/manifests/1").expect(202);
    assert_eq!(registry.get("/v2/demo/manifests/1").expect(404).code(), "MANIFEST_UNKNOWN");
    assert_eq!(registry.delete("/v2/demo/manifests/1").expect(404).code(), "MANIFEST_UNKNOWN");
    for reference in ["2", &found] {
        registry.get(&format!("/v2/demo/manifests/{reference}")).expect(200);
    }
    assert_eq!(registry.get("/v2/demo/tags/list").expect(200).json()["tags"], json!(["2"]));
    // The last one.
    registry.delete("/v2/demo/manifests/2").expect(202);
    registry.get(&format!("/v2/demo/manifests/{found}")).expect(200);
    assert_eq!(registry.get("/v2/demo/tags/list").expect(200).json()["tags"], json!([]));
}

#[test]
fn a_manifest_is_deleted_with_all_its_tags() {
    let registry = Registry::new();
    let found = registry.put_image("demo", "1", "x");
    registry.put_image("demo", "2", "x");
    registry.put_image("demo", "", "x");
    registry.put_image("demo", "3", "y");
    registry.put_image("other", "1", "x");
    let path = format!("/v2/demo/manifests/{found}");
    registry.delete(&path).expect(202);
    for reference in ["1", "2", &found] {
        registry.get(&format!("/v2/demo/manifests/{reference}")).expect(404);
        registry.head(&format!("/v2/demo/manifests/{reference}")).expect(404);
    }
    assert_eq!(registry.delete(&path).expect(404).code(), "MANIFEST_UNKNOWN");
    assert_eq!(registry.get("/v2/demo/tags/list").expect(200).json()["tags"], json!(["3"]));
    // Another repository has it still.
    registry.get(&format!("/v2/other/manifests/{found}")).expect(200);
    // It may be pushed again.
    registry.put_image("demo", "1", "x");
    registry.get(&path).expect(200);
}

#[test]
fn what_is_not_there_cannot_be_deleted() {
    let registry = Registry::new();
    let nothing = digest(b"nothing");
    for (path, code) in [
        ("/v2/demo/manifests/1".to_owned(), "NAME_UNKNOWN"),
        (format!("/v2/demo/manifests/{nothing}"), "NAME_UNKNOWN"),
        (format!("/v2/demo/blobs/{nothing}"), "BLOB_UNKNOWN"),
    ] {
        assert_eq!(registry.delete(&path).expect(404).code(), code, "{path}");
    }
    registry.put_image("demo", "1", "x");
    for reference in ["2", &nothing, &format!("sha512:{}", "0".repeat(128)), "-"] {
        let said = registry.delete(&format!("/v2/demo/manifests/{reference}")).expect(404);
        assert_eq!(said.code(), "MANIFEST_UNKNOWN", "{reference}");
    }
    assert_eq!(registry.delete("/v2/demo/blobs/sha256:x").expect(400).code(), "DIGEST_INVALID");
}

#[test]
fn a_manifest_that_an_index_needs_stays() {
    let registry = Registry::new();
    let image = registry.put_image("demo", "image", "x");
    let index = registry.put_index("demo", "list", &[(&image, registry.size_of("demo", &image))]);
    let path = format!("/v2/demo/manifests/{image}");
    let said = registry.delete(&path).expect(405);
    assert!(said.json()["errors"][0]["message"].as_str().expect("a message").contains(&index));
    registry.get("/v2/demo/manifests/image").expect(200);
    // Its tag may go.
    registry.delete("/v2/demo/manifests/image").expect(202);
    registry.delete(&format!("/v2/demo/manifests/{index}")).expect(202);
    registry.get("/v2/demo/manifests/list").expect(404);
    registry.get(&path).expect(200);
    registry.delete(&path).expect(202);
    registry.get(&path).expect(404);
}

#[test]
fn a_blob_is_deleted_unless_a_manifest_needs_it() {
    let registry = Registry::new();
    let manifest = registry.put_artifact("demo", "1", b"layer", &json!({}));
    let path = format!("/v2/demo/blobs/{}", digest(b"layer"));
    assert_eq!(registry.delete(&path).expect(405).header("allow"), "GET, HEAD");
    registry.get(&path).expect(200);
    registry.delete(&format!("/v2/demo/manifests/{manifest}")).expect(202);
    registry.delete(&path).expect(202);
    registry.get(&path).expect(404);
    registry.head(&path).expect(404);
    assert_eq!(registry.delete(&path).expect(404).code(), "BLOB_UNKNOWN");
    // It may come again.
    registry.put_blob("demo", b"layer");
    registry.get(&path).expect(200);
    // Another repository's is its own.
    registry.put_blob("other", b"layer");
    registry.delete(&path).expect(202);
    registry.get(&path.replace("/demo/", "/other/")).expect(200);
}

#[test]
fn deletion_that_is_switched_off_is_405() {
    let registry = Registry::with(&["--no-delete"]);
    let found = registry.put_image("demo", "1", "x");
    let blob = registry.put_blob("demo", b"x");
    for (path, allowed) in [
        ("/v2/demo/manifests/1".to_owned(), "GET, HEAD, PUT"),
        (format!("/v2/demo/manifests/{found}"), "GET, HEAD, PUT"),
        (format!("/v2/demo/blobs/{blob}"), "GET, HEAD"),
    ] {
        let said = registry.delete(&path).expect(405);
        assert_eq!((said.code().as_str(), said.header("allow")), ("UNSUPPORTED", allowed), "{path}");
        registry.get(&path).expect(200);
    }
    // An upload may be cancelled.
    let location = registry.begin("demo");
    registry.delete(&location).expect(204);
}

#[test]
fn referrers_outlive_their_subject() {
    let registry = Registry::new();
    let subject = registry.put_image("demo", "1", "x");
    let about = json!({"mediaType": OCI_MANIFEST, "digest": subject, "size": 1});
    let referrer = registry.put_artifact("demo", "", b"sbom", &json!({"subject": about}));
    registry.delete(&format!("/v2/demo/manifests/{subject}")).expect(202);
    let path = format!("/v2/demo/referrers/{subject}");
    assert_eq!(registry.get(&path).expect(200).json()["manifests"][0]["digest"], referrer);
    registry.delete(&format!("/v2/demo/manifests/{referrer}")).expect(202);
    assert_eq!(registry.get(&path).expect(200).json()["manifests"], json!([]));
}

#[test]
fn all_that_was_pushed_can_be_deleted_piece_by_piece() {
    let registry = Registry::new();
    let image = registry.put_image("demo", "", "x");
    let index = registry.put_index("demo", "1", &[(&image, registry.size_of("demo", &image))]);
    let artifact = registry.put_artifact("demo", "2", b"layer", &json!({}));
    for tag in ["1", "2"] {
        registry.delete(&format!("/v2/demo/manifests/{tag}")).expect(202);
    }
    for digest in [&artifact, &index] {
        registry.delete(&format!("/v2/demo/manifests/{digest}")).expect(202);
    }
    // What was pushed for an index stays until it is collected, or deleted.
    registry.delete(&format!("/v2/demo/manifests/{image}")).expect(202);
    registry.delete(&format!("/v2/demo/manifests/{image}")).expect(404);
    for blob in [digest(b"layer"), digest(b"{}")] {
        registry.delete(&format!("/v2/demo/blobs/{blob}")).expect(202);
        registry.head(&format!("/v2/demo/blobs/{blob}")).expect(404);
    }
    registry.session.ok(&["verify"]);
}
