//! Push: blobs in one request or two, mounts, and manifests of all kinds.

use std::io::Write as _;

use serde_json::json;

use super::{DOCKER_MANIFEST, EMPTY, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, Registry};
use crate::support::digest;
use crate::support::serving::Said;

const OCTETS: (&str, &str) = ("Content-Type", "application/octet-stream");

#[test]
fn post_then_put() {
    let registry = Registry::new();
    let said = registry.ask("POST", "/v2/a/b/blobs/uploads/", &[], b"").expect(202);
    let location = said.header("location").to_owned();
    assert!(location.starts_with("/v2/a/b/blobs/uploads/"), "{location}");
    assert_eq!((said.header("range"), said.header("content-length")), ("0-0", "0"));
    assert!(location.ends_with(said.header("docker-upload-uuid")));
    assert!(!said.headers.contains_key("oci-chunk-min-length"), "any chunk is taken");
    let found = digest(b"content");
    let said = registry.ask("PUT", &format!("{location}?digest={found}"), &[OCTETS], b"content").expect(201);
    assert_eq!(said.header("location"), format!("/v2/a/b/blobs/{found}"));
    assert_eq!(said.header("docker-content-digest"), found);
    assert_eq!(registry.get(said.header("location")).expect(200).body, b"content");
    // The session is over.
    assert_eq!(registry.get(&location).expect(404).code(), "BLOB_UPLOAD_UNKNOWN");
    // Without a slash at the end, and with the digest encoded.
    let location = registry.ask("POST", "/v2/a/b/blobs/uploads", &[], b"").expect(202).header("location").to_owned();
    let encoded = digest(b"other").replace(':', "%3A");
    registry.ask("PUT", &format!("{location}?digest={encoded}"), &[OCTETS], b"other").expect(201);
}

#[test]
fn a_single_post() {
    let registry = Registry::new();
    let found = digest(b"content");
    let path = format!("/v2/demo/blobs/uploads/?digest={found}");
    let said = registry.ask("POST", &path, &[OCTETS], b"content").expect(201);
    assert_eq!(said.header("location"), format!("/v2/demo/blobs/{found}"));
    assert_eq!(registry.get(said.header("location")).expect(200).body, b"content");
    // The same again.
    registry.ask("POST", &path, &[OCTETS], b"content").expect(201);
    assert_eq!(registry.ask("POST", &path, &[OCTETS], b"other").expect(400).code(), "DIGEST_INVALID");
    // Nothing is left of what was refused.
    let left = std::fs::read_dir(registry.session.store().join("imgtool/partial")).expect("a folder").count();
    assert_eq!(left, 0);
}

#[test]
fn content_that_is_not_what_its_digest_says_is_refused() {
    let registry = Registry::new();
    let wrong = digest(b"other");
    let location = registry.begin("demo");
    let said = registry.ask("PUT", &format!("{location}?digest={wrong}"), &[OCTETS], b"content").expect(400);
    assert_eq!(said.code(), "DIGEST_INVALID");
    assert_eq!(said.json()["errors"][0]["detail"]["digest"], wrong);
    // That upload is over.
    registry.get(&location).expect(404);
    registry.get(&format!("/v2/demo/blobs/{wrong}")).expect(404);
    registry.get(&format!("/v2/demo/blobs/{}", digest(b"content"))).expect(404);
}

#[test]
fn digests_of_other_algorithms_are_refused() {
    let registry = Registry::new();
    for wrong in ["", "md5:d41d8cd98f00b204e9800998ecf8427e", "sha256:00", "sha256", "SHA256:00", "sha1:00"] {
        let path = format!("/v2/demo/blobs/uploads/?digest={wrong}");
        assert_eq!(registry.ask("POST", &path, &[OCTETS], b"x").expect(400).code(), "DIGEST_INVALID", "{wrong}");
        let location = registry.begin("demo");
        let path = format!("{location}?digest={wrong}");
        assert_eq!(registry.ask("PUT", &path, &[OCTETS], b"x").expect(400).code(), "DIGEST_INVALID", "{wrong}");
        // Nothing was taken, and the client may say it right.
        let path = format!("{location}?digest={}", digest(b"x"));
        registry.ask("PUT", &path, &[OCTETS], b"x").expect(201);
    }
    let location = registry.begin("demo");
    assert_eq!(registry.ask("PUT", &location, &[OCTETS], b"x").expect(400).code(), "DIGEST_INVALID");
    registry.ask("POST", "/v2/demo/blobs/uploads/?digest-algorithm=sha512", &[], b"").expect(202);
    registry.ask("POST", "/v2/demo/blobs/uploads/?digest-algorithm=md5", &[], b"").expect(400);
}

#[test]
fn empty_blobs() {
    let registry = Registry::new();
    let empty = digest(b"");
    registry.put_blob("one", b"");
    let location = registry.begin("two");
    registry.ask("PATCH", &location, &[OCTETS], b"").expect(202);
    registry.ask("PUT", &format!("{location}?digest={empty}"), &[], b"").expect(201);
    for name in ["one", "two"] {
        let said = registry.get(&format!("/v2/{name}/blobs/{empty}")).expect(200);
        assert_eq!((said.header("content-length"), said.body.as_slice()), ("0", b"".as_slice()));
        registry.head(&format!("/v2/{name}/blobs/{empty}")).expect(200);
    }
}

#[test]
fn a_blob_is_mounted_from_another_repository() {
    let registry = Registry::new();
    let blob = registry.put_blob("from", b"content");
    let mount = |query: &str| registry.ask("POST", &format!("/v2/to/blobs/uploads/?{query}"), &[], b"");
    // Not there: an upload begins instead.
    let missing = digest(b"missing");
    for query in [
        format!("mount={missing}&from=from"),
        format!("mount={blob}&from=nothing"),
        format!("mount={blob}&from=../from"),
        format!("mount={missing}"),
        "from=from".to_owned(),
    ] {
        let said = mount(&query).expect(202);
        assert!(said.header("location").starts_with("/v2/to/blobs/uploads/"), "{query}");
    }
    registry.get(&format!("/v2/to/blobs/{blob}")).expect(404);
    let said = mount(&format!("mount={blob}&from=from")).expect(201);
    assert_eq!(said.header("location"), format!("/v2/to/blobs/{blob}"));
    assert_eq!(said.header("docker-content-digest"), blob);
    assert_eq!(registry.get(said.header("location")).expect(200).body, b"content");
    // What is no digest cannot be mounted either.
    mount("mount=md5:00&from=from").expect(202);
}

#[test]
fn a_blob_is_mounted_from_anywhere_if_no_repository_is_named() {
    let registry = Registry::new();
    // One that was uploaded, and one that a manifest needs.
    let blob = registry.put_blob("from", b"content");
    registry.put_artifact("other", "1", b"layer", &json!({}));
    for digest in [blob, digest(b"layer")] {
        let said = registry.ask("POST", &format!("/v2/to/blobs/uploads/?mount={digest}"), &[], b"").expect(201);
        registry.get(said.header("location")).expect(200);
    }
}

#[test]
fn a_manifest_gets_a_tag_or_a_digest() {
    let registry = Registry::new();
    let bytes = registry.image("demo", "x");
    let found = digest(&bytes);
    for reference in ["1", "latest", "_A.b-C", &"x".repeat(128), &found, "1"] {
        let path = format!("/v2/demo/manifests/{reference}");
        let said = registry.ask("PUT", &path, &[("Content-Type", OCI_MANIFEST)], &bytes).expect(201);
        assert_eq!(said.header("location"), format!("/v2/demo/manifests/{found}"));
        assert_eq!(said.header("docker-content-digest"), found);
        assert!(!said.headers.contains_key("oci-subject") && !said.headers.contains_key("oci-tag"));
        assert_eq!(registry.get(said.header("location")).expect(200).body, bytes);
    }
    let tags = registry.get("/v2/demo/tags/list").expect(200).json()["tags"].clone();
    assert_eq!(tags, json!(["1", "_A.b-C", "latest", "x".repeat(128)]));
    for (reference, code) in [
        ("-x".to_owned(), "TAG_INVALID"),
        (".x".to_owned(), "TAG_INVALID"),
        ("x".repeat(129), "TAG_INVALID"),
        ("x".repeat(10_000), "TAG_INVALID"),
        ("x%00".to_owned(), "TAG_INVALID"),
        (digest(b"other"), "DIGEST_INVALID"),
        ("sha256:baddigeststring".to_owned(), "DIGEST_INVALID"),
    ] {
        let path = format!("/v2/demo/manifests/{reference}");
        let said = registry.ask("PUT", &path, &[("Content-Type", OCI_MANIFEST)], &bytes).expect(400);
        assert_eq!(said.code(), code, "{reference}");
    }
}

#[test]
fn one_request_gives_several_tags() {
    let registry = Registry::new();
    let bytes = registry.image("demo", "x");
    let found = digest(&bytes);
    let put = |query: &str| {
        let path = format!("/v2/demo/manifests/{found}?{query}");
        registry.ask("PUT", &path, &[("Content-Type", OCI_MANIFEST)], &bytes)
    };
    let said = put("tag=1&tag=2&tag=1").expect(201);
    assert_eq!(said.header("oci-tag"), "1, 2");
    for tag in ["1", "2"] {
        let said = registry.get(&format!("/v2/demo/manifests/{tag}")).expect(200);
        assert_eq!(said.header("docker-content-digest"), found);
    }
    assert_eq!(put("tag=3&tag=-").expect(400).code(), "TAG_INVALID");
    registry.get("/v2/demo/manifests/3").expect(404);
    let many: Vec<String> = (0..101).map(|at| format!("tag=many{at}")).collect();
    put(&many.join("&")).expect(414);
    put(&many[..100].join("&")).expect(201);
}

#[test]
fn a_tag_that_moves_leaves_the_manifest() {
    let registry = Registry::new();
    let old = registry.put_image("demo", "1", "old");
    let new = registry.put_image("demo", "1", "new");
    assert_eq!(registry.get("/v2/demo/manifests/1").expect(200).header("docker-content-digest"), new);
    registry.get(&format!("/v2/demo/manifests/{old}")).expect(200);
    assert_eq!(registry.get("/v2/demo/tags/list").expect(200).json()["tags"], json!(["1"]));
}

#[test]
fn what_a_manifest_needs_must_be_there() {
    let registry = Registry::new();
    let (one, two) = (digest(b"missing one"), digest(b"missing two"));
    let config = registry.put_blob("demo", b"{}");
    // It is in another repository only.
    let layer = registry.put_blob("other", b"layer");
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": {"mediaType": EMPTY, "digest": config, "size": 2},
        "layers": [
            {"mediaType": "x/y", "digest": one, "size": 1}, {"mediaType": "x/y", "digest": two, "size": 1},
            {"mediaType": "x/y", "digest": layer, "size": 5},
        ],
    });
    let put = |kind: &str, bytes: &str| {
        registry.ask("PUT", "/v2/demo/manifests/1", &[("Content-Type", kind)], bytes.as_bytes())
    };
    let said = put(OCI_MANIFEST, &manifest.to_string()).expect(404).json();
    let errors = said["errors"].as_array().expect("a list");
    let found: Vec<(&str, &str)> = errors
        .iter()
        .map(|error| (error["code"].as_str().expect("a code"), error["detail"]["digest"].as_str().expect("a digest")))
        .collect();
    let code = "MANIFEST_BLOB_UNKNOWN";
    assert_eq!(found, [(code, one.as_str()), (code, &two), (code, &layer)]);
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        {"mediaType": OCI_MANIFEST, "digest": one, "size": 1}]});
    assert_eq!(put(OCI_INDEX, &index.to_string()).expect(404).code(), code);
    registry.get("/v2/demo/manifests/1").expect(404);
}

#[test]
fn layers_that_may_not_be_distributed_need_not_be_there() {
    let registry = Registry::new();
    let config = registry.put_blob("demo", b"{}");
    let missing = digest(b"missing");
    for (tag, layer) in [
        (
            "1",
            json!({"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "digest": missing,
            "size": 9, "urls": ["https://example.com/x"]}),
        ),
        (
            "2",
            json!({"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "digest": missing,
            "size": 9, "urls": ["https://example.com/x"]}),
        ),
    ] {
        let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [layer],
            "config": {"mediaType": EMPTY, "digest": config, "size": 2}});
        registry.put_manifest("demo", tag, OCI_MANIFEST, manifest.to_string().as_bytes());
    }
}

#[test]
fn artifacts_of_all_kinds() {
    let registry = Registry::new();
    registry.put_artifact("demo", "plain", b"a", &json!({"artifactType": "application/x-thing"}));
    registry.put_artifact("demo", "unknown-fields", b"b", &json!({"x-unknown": {"deep": [1, 2]}}));
    // The config's type says what it is; the layer is the empty object; data is embedded.
    let empty = digest(b"{}");
    let manifest = json!({
        "schemaVersion": 2,
        "config": {"mediaType": "application/x-config", "digest": empty, "size": 2, "data": "e30="},
        "layers": [{"mediaType": EMPTY, "digest": empty, "size": 2}],
    });
    registry.put_manifest("demo", "no-media-type", OCI_MANIFEST, manifest.to_string().as_bytes());
    // A type that nobody knows, and that of the drafts.
    registry.put_manifest(
        "demo",
        "unknown-type",
        "application/vnd.example.manifest+json",
        manifest.to_string().as_bytes(),
    );
    let draft = "application/vnd.oci.artifact.manifest.v1+json";
    let artifact =
        json!({"mediaType": draft, "artifactType": "x/y", "blobs": [{"mediaType": "x/y", "digest": empty, "size": 2}]});
    registry.put_manifest("demo", "draft", draft, artifact.to_string().as_bytes());
    assert_eq!(registry.get("/v2/demo/manifests/draft").expect(200).header("content-type"), draft);
    let image = registry.put_image("demo", "image", "x");
    let inner = registry.put_index("demo", "inner", &[(&image, registry.size_of("demo", &image))]);
    let outer = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        {"mediaType": OCI_INDEX, "digest": inner, "size": registry.size_of("demo", &inner)}]});
    registry.put_manifest("demo", "outer", OCI_INDEX, outer.to_string().as_bytes());
    registry.put_index("demo", "nothing", &[]);
    // All of them are fine for the other commands, and nothing is garbage.
    registry.session.ok(&["images", "-a"]);
    registry.session.ok(&["image", "prune", "-f"]);
    registry.session.ok(&["verify"]);
    for tag in
        ["plain", "unknown-fields", "no-media-type", "unknown-type", "draft", "outer", "inner", "image", "nothing"]
    {
        registry.get(&format!("/v2/demo/manifests/{tag}")).expect(200);
    }
    registry.get(&format!("/v2/demo/blobs/{empty}")).expect(200);
}

#[test]
fn a_manifest_of_4_mb_is_taken_and_a_larger_one_is_413() {
    let registry = Registry::new();
    let config = registry.put_blob("demo", b"{}");
    let of = |bytes: usize| {
        json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [], "annotations": {"a": "x".repeat(bytes)},
            "config": {"mediaType": EMPTY, "digest": config, "size": 2}})
        .to_string()
        .into_bytes()
    };
    registry.put_manifest("demo", "1", OCI_MANIFEST, &of(4_000_000));
    for size in [4_200_000, 9_000_000] {
        let path = "/v2/demo/manifests/2";
        let said = registry.ask("PUT", path, &[("Content-Type", OCI_MANIFEST)], &of(size)).expect(413);
        assert_eq!(said.code(), "MANIFEST_INVALID");
    }
}

#[test]
fn what_is_no_manifest_is_refused() {
    let registry = Registry::new();
    let config = registry.put_blob("demo", b"{}");
    let image =
        json!({"schemaVersion": 2, "layers": [], "config": {"mediaType": OCI_CONFIG, "digest": config, "size": 2}});
    let typed = |kind: &str| {
        let mut typed = image.clone();
        typed["mediaType"] = json!(kind);
        typed.to_string()
    };
    let image = image.to_string();
    let index = json!({"schemaVersion": 2, "manifests": []}).to_string();
    let schema1 = json!({"schemaVersion": 1, "name": "x", "tag": "1", "fsLayers": [], "history": []}).to_string();
    let deep = "{\"schemaVersion\":2,\"config\":".to_owned() + &"[".repeat(100_000);
    let both = image.replace("\"layers\"", "\"manifests\":[],\"layers\"");
    let twice = image.replace("\"layers\":[]", "\"layers\":[],\"layers\":[]");
    for (kind, bytes, why) in [
        (OCI_MANIFEST, "", "EOF"),
        (OCI_MANIFEST, "null", ""),
        (OCI_MANIFEST, "[]", ""),
        (OCI_MANIFEST, "{}", "neither a config nor"),
        (OCI_MANIFEST, "not JSON", ""),
        (OCI_MANIFEST, &deep, ""),
        (OCI_MANIFEST, &both, "in one document"),
        (OCI_MANIFEST, &twice, "duplicate key"),
        (OCI_MANIFEST, &index, "without a config"),
        (OCI_INDEX, &image, "with a config"),
        (OCI_MANIFEST, &typed(DOCKER_MANIFEST), "Content-Type says"),
        ("application/vnd.docker.distribution.manifest.v1+prettyjws", &schema1, "schema 1"),
        (OCI_MANIFEST, &image.replace("sha256:", "md5:"), "not a digest of sha256 or sha512"),
    ] {
        let said = registry.ask("PUT", "/v2/demo/manifests/1", &[("Content-Type", kind)], bytes.as_bytes()).expect(400);
        let error = said.json()["errors"][0].clone();
        assert_eq!(error["code"], "MANIFEST_INVALID");
        assert!(error["message"].as_str().expect("a message").contains(why), "{error}");
    }
    registry.get("/v2/demo/manifests/1").expect(404);
    // The header may be missing, or have parameters.
    for headers in [&[][..], &[("Content-Type", "application/vnd.oci.image.manifest.v1+json; charset=utf-8")]] {
        registry.ask("PUT", "/v2/demo/manifests/1", headers, image.as_bytes()).expect(201);
        assert_eq!(registry.get("/v2/demo/manifests/1").expect(200).header("content-type"), OCI_MANIFEST);
    }
}

#[test]
fn a_subject_need_not_be_there_and_is_told_back() {
    let registry = Registry::new();
    let subject = digest(b"somewhere else");
    let config = registry.put_blob("demo", b"{}");
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [],
        "config": {"mediaType": EMPTY, "digest": config, "size": 2},
        "subject": {"mediaType": OCI_MANIFEST, "digest": subject, "size": 7},
    });
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [],
        "subject": {"mediaType": OCI_MANIFEST, "digest": subject, "size": 7}});
    for (kind, document) in [(OCI_MANIFEST, manifest), (OCI_INDEX, index)] {
        let bytes = document.to_string();
        let said = registry.ask("PUT", "/v2/demo/manifests/1", &[("Content-Type", kind)], bytes.as_bytes()).expect(201);
        assert_eq!(said.header("oci-subject"), subject);
    }
}

#[test]
fn a_read_only_registry_takes_nothing() {
    let registry = Registry::with(&["--read-only"]);
    for (method, path) in [
        ("POST", "/v2/demo/blobs/uploads/"),
        ("PUT", "/v2/demo/manifests/1"),
        ("PATCH", "/v2/demo/blobs/uploads/x"),
        ("DELETE", "/v2/demo/manifests/1"),
    ] {
        let said = registry.ask(method, path, &[], b"").expect(405);
        assert_eq!((said.code().as_str(), said.header("allow")), ("UNSUPPORTED", "GET, HEAD"), "{method}");
    }
    registry.get("/v2/_catalog").expect(200);
}

#[test]
fn a_body_is_asked_for_with_100_continue() {
    let registry = Registry::new();
    let location = registry.begin("demo");
    let mut stream = registry.connect();
    let found = digest(b"content");
    let head = format!(
        "PUT {location}?digest={found} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 7\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut first = [0; 12];
    std::io::Read::read_exact(&mut stream, &mut first).expect("an answer");
    assert_eq!(&first, b"HTTP/1.1 100");
    stream.write_all(b"content").expect("sent");
    // The rest of that answer, and the second one.
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut stream, &mut rest).expect("an answer");
    assert!(rest.contains("HTTP/1.1 201 Created"), "{rest}");
    // What is refused before is not asked for.
    let mut stream = registry.connect();
    let head = "PUT /v2/demo/blobs/uploads/none HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 7\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("sent");
    Said::read(&mut stream).expect(400);
}
