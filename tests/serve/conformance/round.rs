//! One repository through the life of many kinds of content, one after the other: pushed piece by piece in every way,
//! listed, pulled, and deleted piece by piece, with nothing left of it. Once by SHA-256, once by SHA-512.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

use super::{EMPTY, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Registry};

const REPOSITORY: &str = "conformance/repo1";
const OCTETS: (&str, &str) = ("Content-Type", "application/octet-stream");

/// Content of one kind: what is pushed, in the order in which it is.
#[derive(Default)]
struct Content {
    by_sha512: bool,
    blobs: BTreeMap<String, Vec<u8>>,
    /// Digest, media type, bytes.
    manifests: Vec<(String, String, Vec<u8>)>,
    /// Tag, and the place of its manifest.
    tags: Vec<(String, usize)>,
}

impl Content {
    fn digest(&self, bytes: &[u8]) -> String {
        use std::fmt::Write as _;
        if !self.by_sha512 {
            return crate::support::digest(bytes);
        }
        Sha512::digest(bytes).iter().fold("sha512:".to_owned(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string grows");
            text
        })
    }

    fn blob(&mut self, kind: &str, bytes: &[u8]) -> Value {
        let digest = self.digest(bytes);
        self.blobs.insert(digest.clone(), bytes.to_vec());
        json!({"mediaType": kind, "digest": digest, "size": bytes.len()})
    }

    fn manifest(&mut self, document: &Value) -> Value {
        let bytes = document.to_string().into_bytes();
        let (digest, kind) = (self.digest(&bytes), document["mediaType"].as_str().expect("a type").to_owned());
        let descriptor = json!({"mediaType": kind, "digest": digest, "size": bytes.len()});
        self.manifests.push((digest, kind, bytes));
        descriptor
    }

    /// An image with two layers; further fields are in `more`.
    fn image(&mut self, seed: &str, more: &Value) -> Value {
        let layers: Vec<Value> =
            (0..2).map(|at| self.blob(OCI_LAYER, format!("layer {at} of {seed}").as_bytes())).collect();
        let config = json!({"architecture": seed, "os": "linux", "rootfs": {"type": "layers",
            "diff_ids": layers.iter().map(|layer| layer["digest"].clone()).collect::<Vec<_>>()}});
        let config = self.blob(OCI_CONFIG, config.to_string().as_bytes());
        let image = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers});
        self.manifest(&with(image, more))
    }

    fn artifact(&mut self, seed: &str, more: &Value) -> Value {
        let (config, layer) = (self.blob(EMPTY, b"{}"), self.blob("application/x-thing", seed.as_bytes()));
        let artifact = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer]});
        self.manifest(&with(artifact, more))
    }

    fn index(&mut self, manifests: &[Value], more: &Value) -> Value {
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests});
        self.manifest(&with(index, more))
    }

    fn tag(&mut self, tag: &str) {
        self.tags.push((tag.to_owned(), self.manifests.len() - 1));
    }
}

fn with(mut document: Value, more: &Value) -> Value {
    document.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    document
}

/// All kinds of content, each with a name.
fn kinds(by_sha512: bool) -> Vec<(&'static str, Content)> {
    let kind = |name: &'static str, make: &dyn Fn(&mut Content)| {
        let mut content = Content { by_sha512, ..Content::default() };
        make(&mut content);
        (name, content)
    };
    let none = json!({});
    vec![
        kind("image", &|content| {
            content.image("a", &none);
            content.tag("image");
        }),
        kind("index", &|content| {
            let images = [content.image("amd64", &none), content.image("arm64", &none)];
            content.index(&images, &none);
            content.tag("index");
        }),
        kind("index of indexes", &|content| {
            let one = [content.image("amd64", &none)];
            let one = content.index(&one, &none);
            let two = [content.image("arm64", &none)];
            let two = content.index(&two, &none);
            content.index(&[one, two], &none);
            content.tag("nested");
        }),
        kind("empty index", &|content| {
            content.index(&[], &none);
            content.tag("empty");
        }),
        kind("artifacts", &|content| {
            content.artifact("one", &json!({"artifactType": "x/one"}));
            content.tag("artifact");
            content.artifact("{}", &json!({"artifactType": "x/empty"}));
            content.tag("artifact-without-layers");
        }),
        kind("referrers", &|content| {
            let subject = content.image("a", &none);
            content.tag("subject");
            content.image("b", &json!({"subject": subject}));
            content.artifact("one", &json!({"subject": subject, "artifactType": "x/one", "annotations": {"a": "b"}}));
            content.tag("tagged-artifact");
            let child = [content.artifact("two", &none)];
            content.index(&child, &json!({"subject": subject, "artifactType": "x/index"}));
        }),
        kind("missing subject", &|content| {
            let subject = json!({"mediaType": OCI_MANIFEST, "digest": content.digest(b"missing"), "size": 7});
            content.artifact("one", &json!({"subject": subject}));
            content.tag("lonely");
        }),
        kind("unknown fields", &|content| {
            content.image("a", &json!({"org.example": {"x": [1, null]}, "Zz": true}));
            content.tag("custom");
        }),
    ]
}

/// Pushes a blob in one of four ways.
fn push_blob(registry: &Registry, way: usize, digest: &str, bytes: &[u8]) {
    let uploads = format!("/v2/{REPOSITORY}/blobs/uploads/");
    let said = match way % 4 {
        0 => {
            let location = registry.begin(REPOSITORY);
            registry.ask("PUT", &format!("{location}?digest={digest}"), &[OCTETS], bytes)
        }
        1 => registry.ask("POST", &format!("{uploads}?digest={digest}"), &[OCTETS], bytes),
        2 => {
            let location = registry.begin(REPOSITORY);
            let said = registry.ask("PATCH", &location, &[OCTETS], bytes).expect(202);
            registry.ask("PUT", &format!("{}?digest={digest}", said.header("location")), &[OCTETS], b"")
        }
        _ => {
            let (mut location, half) = (registry.begin(REPOSITORY), bytes.len() / 2);
            for (start, chunk) in
                [(0, &bytes[..half]), (half, &bytes[half..])].into_iter().filter(|(_, one)| !one.is_empty())
            {
                let range = format!("{start}-{}", start + chunk.len() - 1);
                let said = registry.ask("PATCH", &location, &[OCTETS, ("Content-Range", &range)], chunk).expect(202);
                said.header("location").clone_into(&mut location);
            }
            registry.ask("PUT", &format!("{location}?digest={digest}"), &[OCTETS], b"")
        }
    };
    let said = said.expect(201);
    assert_eq!(said.header("docker-content-digest"), digest);
    assert_eq!(registry.get(said.header("location")).expect(200).body, bytes);
}

fn push(registry: &Registry, content: &Content) {
    for (way, (digest, bytes)) in content.blobs.iter().enumerate() {
        push_blob(registry, way, digest, bytes);
    }
    for (digest, kind, bytes) in &content.manifests {
        let path = format!("/v2/{REPOSITORY}/manifests/{digest}");
        let said = registry.ask("PUT", &path, &[("Content-Type", kind)], bytes).expect(201);
        assert_eq!((said.header("location"), said.header("docker-content-digest")), (path.as_str(), digest.as_str()));
        let subject = serde_json::from_slice::<Value>(bytes).expect("JSON")["subject"]["digest"].clone();
        assert_eq!(said.headers.get("oci-subject").map(String::as_str), subject.as_str());
    }
    for (tag, at) in &content.tags {
        let (digest, kind, bytes) = &content.manifests[*at];
        let reference = if content.by_sha512 { format!("{digest}?tag={tag}") } else { tag.clone() };
        let path = format!("/v2/{REPOSITORY}/manifests/{reference}");
        registry.ask("PUT", &path, &[("Content-Type", kind)], bytes).expect(201);
    }
}

fn pull(registry: &Registry, content: &Content) {
    let list = registry.get(&format!("/v2/{REPOSITORY}/tags/list")).expect(200).json();
    let mut tags: Vec<&str> = content.tags.iter().map(|(tag, _)| tag.as_str()).collect();
    tags.sort_unstable();
    assert_eq!(list["tags"], json!(tags));
    let by_tag = content.tags.iter().map(|(tag, at)| (tag, &content.manifests[*at]));
    let by_digest = content.manifests.iter().map(|manifest| (&manifest.0, manifest));
    for (reference, (digest, kind, bytes)) in by_tag.chain(by_digest) {
        for method in ["GET", "HEAD"] {
            let path = format!("/v2/{REPOSITORY}/manifests/{reference}");
            let said = registry.ask(method, &path, &[], b"").expect(200);
            assert_eq!(
                (said.header("content-type"), said.header("docker-content-digest")),
                (kind.as_str(), digest.as_str())
            );
            assert_eq!(said.header("content-length"), bytes.len().to_string());
            assert!(method == "HEAD" || said.body == *bytes);
        }
    }
    for (digest, bytes) in &content.blobs {
        let path = format!("/v2/{REPOSITORY}/blobs/{digest}");
        assert_eq!(registry.get(&path).expect(200).body, *bytes);
        let head = registry.head(&path).expect(200);
        assert_eq!(
            (head.header("docker-content-digest"), head.header("content-length")),
            (digest.as_str(), bytes.len().to_string().as_str())
        );
    }
    for (digest, kind, bytes) in &content.manifests {
        let document: Value = serde_json::from_slice(bytes).expect("JSON");
        let Some(subject) = document["subject"]["digest"].as_str() else { continue };
        let list = registry.get(&format!("/v2/{REPOSITORY}/referrers/{subject}")).expect(200).json();
        let is_it = |entry: &&Value| {
            (&entry["mediaType"], &entry["size"], &entry["digest"])
                == (&json!(kind), &json!(bytes.len()), &json!(digest))
        };
        let found = list["manifests"].as_array().expect("a list").iter().find(is_it);
        let found = found.unwrap_or_else(|| panic!("{digest} is not in {list}"));
        let own = document.get("artifactType").or_else(|| document["config"].get("mediaType"));
        assert_eq!(found.get("artifactType"), own);
        assert_eq!(found.get("annotations"), document.get("annotations"));
    }
}

fn delete(registry: &Registry, content: &Content) {
    let gone = |path: &str| {
        let said = registry.delete(path);
        assert!([202, 404].contains(&said.status), "{path}: {said:?}");
        registry.head(path).expect(404);
    };
    for (tag, _) in &content.tags {
        registry.delete(&format!("/v2/{REPOSITORY}/manifests/{tag}")).expect(202);
        registry.head(&format!("/v2/{REPOSITORY}/manifests/{tag}")).expect(404);
    }
    for (digest, _, _) in content.manifests.iter().rev() {
        gone(&format!("/v2/{REPOSITORY}/manifests/{digest}"));
    }
    for digest in content.blobs.keys() {
        gone(&format!("/v2/{REPOSITORY}/blobs/{digest}"));
    }
}

#[test]
fn all_kinds_of_content_one_after_the_other() {
    for by_sha512 in [false, true] {
        let registry = Registry::new();
        for (name, content) in kinds(by_sha512) {
            push(&registry, &content);
            pull(&registry, &content);
            // The commands that look at all of the store do not stumble over any of it.
            for command in [&["images", "-a"][..], &["system", "df"], &["image", "prune", "-f"]] {
                let text = registry.session.run(command).text();
                assert!(!text.contains("[exit "), "{name}: {command:?}: {text}");
            }
            pull(&registry, &content);
            delete(&registry, &content);
        }
        // Whoever asked whether a manifest is there may still push what needs it.
        std::fs::remove_dir_all(registry.session.store().join("imgtool/claims")).expect("claims");
        registry.session.ok(&["image", "prune", "-f", "-a"]);
        let blobs = std::fs::read_dir(registry.session.store().join("blobs/sha256")).expect("a store").count();
        assert_eq!(blobs, 0, "nothing is left");
    }
}
