//! Pull: manifests and blobs, whole, in part, and only if they are other ones.

use serde_json::json;

use super::{DOCKER_LIST, DOCKER_MANIFEST, OCI_MANIFEST, Registry};
use crate::support::digest;

#[test]
fn the_base_path_tells_what_the_registry_is() {
    let registry = Registry::new();
    for path in ["/v2/", "/v2"] {
        let said = registry.get(path).expect(200);
        assert_eq!(said.header("docker-distribution-api-version"), "registry/2.0");
        assert_eq!(said.body, b"{}");
    }
}

#[test]
fn a_manifest_is_sent_as_it_was_pushed_with_its_type_and_its_digest() {
    let registry = Registry::new();
    let bytes = registry.image("a/b", "x");
    let found = registry.put_manifest("a/b", "1", OCI_MANIFEST, &bytes);
    for reference in ["1", &found, &found.replace(':', "%3A")] {
        let path = format!("/v2/a/b/manifests/{reference}");
        let said = registry.get(&path).expect(200);
        assert_eq!(said.body, bytes);
        assert_eq!(said.header("content-type"), OCI_MANIFEST);
        assert_eq!(said.header("docker-content-digest"), found);
        assert_eq!(said.header("etag"), format!("\"{found}\""));
        // The same headers without the body.
        let head = registry.head(&path).expect(200);
        assert!(head.body.is_empty());
        for name in ["content-type", "content-length", "docker-content-digest", "etag"] {
            assert_eq!(head.header(name), said.header(name), "{name}");
        }
    }
}

#[test]
fn whatever_the_client_accepts_the_manifest_is_the_one_that_was_pushed() {
    let registry = Registry::new();
    let image = registry.image("demo", "x").len();
    let child = registry.put_image("demo", "", "x");
    let index = registry.put_index("demo", "list", &[(&child, image)]);
    for accept in [OCI_MANIFEST, DOCKER_MANIFEST, "application/json", "*/*"] {
        let said = registry.ask("GET", "/v2/demo/manifests/list", &[("Accept", accept)], b"").expect(200);
        assert_eq!(said.header("docker-content-digest"), index, "{accept}");
    }
}

#[test]
fn docker_s_own_types_come_back_as_they_are() {
    let registry = Registry::new();
    let config = registry.put_blob(
        "demo",
        b"{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}",
    );
    let manifest = json!({
        "schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "layers": [],
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": config, "size": 78},
    });
    let manifest = manifest.to_string();
    let child = registry.put_manifest("demo", "image", DOCKER_MANIFEST, manifest.as_bytes());
    let list = json!({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [{
        "mediaType": DOCKER_MANIFEST, "digest": child, "size": manifest.len(),
        "platform": {"architecture": "amd64", "os": "linux"},
    }]});
    registry.put_manifest("demo", "list", DOCKER_LIST, list.to_string().as_bytes());
    assert_eq!(registry.get("/v2/demo/manifests/image").expect(200).header("content-type"), DOCKER_MANIFEST);
    assert_eq!(registry.get("/v2/demo/manifests/list").expect(200).header("content-type"), DOCKER_LIST);
}

#[test]
fn what_is_not_there_is_404() {
    let registry = Registry::new();
    registry.put_image("demo", "1", "x");
    let nothing = digest(b"nothing");
    for (path, code) in [
        ("/v2/demo/manifests/2".to_owned(), "MANIFEST_UNKNOWN"),
        (format!("/v2/demo/manifests/{nothing}"), "MANIFEST_UNKNOWN"),
        (format!("/v2/demo/manifests/sha512:{}", "0".repeat(128)), "MANIFEST_UNKNOWN"),
        // No tag can be so named.
        ("/v2/demo/manifests/.INVALID_MANIFEST_NAME".to_owned(), "MANIFEST_UNKNOWN"),
        (format!("/v2/demo/manifests/{}", "x".repeat(10_000)), "MANIFEST_UNKNOWN"),
        ("/v2/other/manifests/1".to_owned(), "MANIFEST_UNKNOWN"),
        (format!("/v2/demo/blobs/{nothing}"), "BLOB_UNKNOWN"),
        (format!("/v2/demo/blobs/sha512:{}", "0".repeat(128)), "BLOB_UNKNOWN"),
        ("/v2/demo/blobs/uploads/nothing".to_owned(), "BLOB_UPLOAD_UNKNOWN"),
    ] {
        assert_eq!(registry.get(&path).expect(404).code(), code, "{path}");
        let head = registry.head(&path).expect(404);
        assert!(head.body.is_empty(), "{path}");
    }
    for path in
        ["/v2/demo/manifests/sha256:bad", "/v2/demo/blobs/sha256:bad", "/v2/demo/blobs/md5:00", "/v2/demo/referrers/x"]
    {
        assert_eq!(registry.get(path).expect(400).code(), "DIGEST_INVALID", "{path}");
    }
}

#[test]
fn a_repository_shows_only_what_is_its_own() {
    let registry = Registry::new();
    let blob = registry.put_blob("one", b"of one");
    let manifest = registry.put_image("one", "1", "x");
    registry.put_image("two", "1", "y");
    registry.get(&format!("/v2/one/blobs/{blob}")).expect(200);
    registry.get(&format!("/v2/two/blobs/{blob}")).expect(404);
    registry.get(&format!("/v2/two/manifests/{manifest}")).expect(404);
}

#[test]
fn a_blob_is_sent_whole_with_its_digest() {
    let registry = Registry::new();
    let blob = registry.put_blob("demo", b"0123456789");
    let path = format!("/v2/demo/blobs/{blob}");
    let (said, head) = (registry.get(&path).expect(200), registry.head(&path).expect(200));
    assert_eq!((said.body.as_slice(), head.body.as_slice()), (b"0123456789".as_slice(), b"".as_slice()));
    for said in [&said, &head] {
        assert_eq!(said.header("content-length"), "10");
        assert_eq!(said.header("docker-content-digest"), blob);
        assert_eq!(said.header("content-type"), "application/octet-stream");
        assert_eq!(said.header("accept-ranges"), "bytes");
        assert_eq!(said.header("etag"), format!("\"{blob}\""));
    }
}

#[test]
fn a_blob_is_sent_in_part() {
    let registry = Registry::new();
    let path = format!("/v2/demo/blobs/{}", registry.put_blob("demo", b"0123456789"));
    for (range, status, body, part) in [
        ("bytes=2-4", 206, "234", "bytes 2-4/10"),
        ("bytes=0-0", 206, "0", "bytes 0-0/10"),
        ("bytes=7-", 206, "789", "bytes 7-9/10"),
        ("bytes=7-100", 206, "789", "bytes 7-9/10"),
        ("bytes=-3", 206, "789", "bytes 7-9/10"),
        ("bytes=-100", 206, "0123456789", "bytes 0-9/10"),
        ("bytes=10-", 416, "", "bytes */10"),
        ("bytes=20-30", 416, "", "bytes */10"),
        ("bytes=5-2", 416, "", "bytes */10"),
        ("bytes=-0", 416, "", "bytes */10"),
        // What is no range, or several: all of it.
        ("bytes=0-1,3-4", 200, "0123456789", ""),
        ("bytes=a-b", 200, "0123456789", ""),
        ("lines=1-2", 200, "0123456789", ""),
    ] {
        let said = registry.ask("GET", &path, &[("Range", range)], b"").expect(status);
        if status != 416 {
            assert_eq!(String::from_utf8_lossy(&said.body), body, "{range}");
            assert_eq!(said.header("content-length"), body.len().to_string(), "{range}");
        }
        assert_eq!(said.headers.get("content-range").map_or("", String::as_str), part, "{range}");
    }
    // Another blob than the one that the client has a part of.
    let said = registry.ask("GET", &path, &[("Range", "bytes=2-4"), ("If-Range", "\"other\"")], b"").expect(200);
    assert_eq!(said.body, b"0123456789");
}

#[test]
fn what_the_client_has_is_not_sent_again() {
    let registry = Registry::new();
    let blob = registry.put_blob("demo", b"0123456789");
    let manifest = registry.put_image("demo", "1", "x");
    for (path, digest) in [(format!("/v2/demo/blobs/{blob}"), &blob), ("/v2/demo/manifests/1".to_owned(), &manifest)] {
        for known in [format!("\"{digest}\""), digest.clone(), format!("\"x\", W/\"{digest}\""), "*".to_owned()] {
            for method in ["GET", "HEAD"] {
                let said = registry.ask(method, &path, &[("If-None-Match", &known)], b"").expect(304);
                assert!(said.body.is_empty());
                assert_eq!(said.header("etag"), format!("\"{digest}\""));
            }
        }
        registry.ask("GET", &path, &[("If-None-Match", "\"other\"")], b"").expect(200);
    }
}

#[test]
fn other_methods_are_refused_with_those_that_are_not() {
    let registry = Registry::new();
    let blob = registry.put_blob("demo", b"x");
    for (path, allowed) in [
        ("/v2/".to_owned(), "GET, HEAD"),
        ("/v2/_catalog".to_owned(), "GET, HEAD"),
        ("/v2/demo/tags/list".to_owned(), "GET, HEAD"),
        (format!("/v2/demo/referrers/{blob}"), "GET, HEAD"),
        ("/v2/demo/manifests/1".to_owned(), "GET, HEAD, PUT, DELETE"),
        (format!("/v2/demo/blobs/{blob}"), "GET, HEAD, DELETE"),
        ("/v2/demo/blobs/uploads/".to_owned(), "POST"),
        ("/v2/demo/blobs/uploads/1".to_owned(), "GET, HEAD, PATCH, PUT, DELETE"),
    ] {
        for method in ["TRACE", "PROPFIND"] {
            let said = registry.ask(method, &path, &[], b"").expect(405);
            assert_eq!((said.header("allow"), said.code().as_str()), (allowed, "UNSUPPORTED"), "{path}");
        }
        let said = registry.ask("OPTIONS", &path, &[], b"").expect(204);
        assert_eq!(said.header("allow"), allowed, "{path}");
    }
    assert_eq!(registry.ask("POST", "/v2/", &[], b"x").expect(405).header("allow"), "GET, HEAD");
}

#[test]
fn paths_that_are_none_are_refused() {
    let registry = Registry::new();
    registry.put_image("demo", "1", "x");
    for (path, status) in [
        ("/v2//", 404),
        ("/v2/demo", 404),
        ("/v2/demo/manifests/1/", 404),
        ("/v2/demo/manifests/", 404),
        ("/v2//demo/manifests/1", 400),
        ("/v2/demo//manifests/1", 400),
        ("/v2/../v2/demo/manifests/1", 400),
        ("/v2/%2e%2e/manifests/1", 400),
        ("/v2/DEMO/manifests/1", 400),
        ("/v1/demo/manifests/1", 404),
    ] {
        let said = registry.get(path);
        assert_eq!(said.status, status, "{path}");
    }
    registry.get("/v2/de%6do/manifests/%31").expect(200);
    let long = "a/".repeat(127) + "a";
    assert_eq!(registry.get(&format!("/v2/{long}/manifests/1")).expect(404).code(), "MANIFEST_UNKNOWN");
    assert_eq!(registry.get(&format!("/v2/{long}/b/manifests/1")).expect(400).code(), "NAME_INVALID");
}

#[test]
fn the_type_of_a_manifest_is_its_own_and_not_what_an_index_says() {
    let registry = Registry::new();
    let child = registry.put_image("demo", "1", "x");
    let size = registry.size_of("demo", &child);
    for kind in [DOCKER_MANIFEST, "application/x-thing", ""] {
        let index = json!({"schemaVersion": 2, "mediaType": super::OCI_INDEX,
            "manifests": [{"mediaType": kind, "digest": child, "size": size}]});
        registry.put_manifest("demo", "list", super::OCI_INDEX, index.to_string().as_bytes());
        registry.delete("/v2/demo/manifests/1");
        let said = registry.get(&format!("/v2/demo/manifests/{child}")).expect(200);
        assert_eq!(said.header("content-type"), OCI_MANIFEST, "{kind}");
    }
}

#[test]
fn an_index_may_list_what_is_no_manifest() {
    // As a cache of buildkit does.
    let registry = Registry::new();
    let layer = vec![b'x'; 5 << 20];
    let (layer, config) = (registry.put_blob("demo", &layer), registry.put_blob("demo", b"{}"));
    let index = json!({"schemaVersion": 2, "mediaType": super::OCI_INDEX, "manifests": [
        {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": layer, "size": 5 << 20},
        {"mediaType": "application/vnd.buildkit.cacheconfig.v0", "digest": config, "size": 2}]});
    registry.put_manifest("demo", "cache", super::OCI_INDEX, index.to_string().as_bytes());
    std::fs::remove_dir_all(registry.session.store().join("imgtool/claims")).expect("claims");
    registry.session.ok(&["images", "-a"]);
    registry.session.ok(&["image", "prune", "-f"]);
    for blob in [&layer, &config] {
        registry.get(&format!("/v2/demo/blobs/{blob}")).expect(200);
    }
    registry.get(&format!("/v2/demo/manifests/{layer}")).expect(404);
}
