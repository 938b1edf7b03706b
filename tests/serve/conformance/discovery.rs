//! Discovery: tags, the catalog, and referrers.

use serde_json::{Value, json};

use super::{EMPTY, OCI_INDEX, OCI_MANIFEST, Registry};
use crate::support::digest;

#[test]
fn tags_come_in_lexical_order() {
    let registry = Registry::new();
    for tag in ["b", "a", "C", "1.10", "1.2", "_x", "B"] {
        registry.put_image("a/b", tag, "x");
    }
    let said = registry.get("/v2/a/b/tags/list").expect(200);
    assert!(said.header("content-type").starts_with("application/json"));
    // Case does not count.
    assert_eq!(said.json(), json!({"name": "a/b", "tags": ["1.10", "1.2", "_x", "a", "B", "b", "C"]}));
    assert!(!said.headers.contains_key("link"));
    registry.head("/v2/a/b/tags/list").expect(200);
}

/// All pages, following the links.
fn pages(registry: &Registry, first: &str, list: &str) -> Vec<Vec<String>> {
    let (mut pages, mut next) = (Vec::new(), Some(first.to_owned()));
    while let Some(path) = next {
        let said = registry.get(&path).expect(200);
        let page = said.json()[list].as_array().expect("a list").clone();
        pages.push(page.iter().map(|item| item.as_str().expect("a text").to_owned()).collect());
        next = said.headers.get("link").map(|link| {
            let (path, rest) = link.strip_prefix('<').and_then(|link| link.split_once('>')).expect("a link");
            assert_eq!(rest, "; rel=\"next\"");
            path.to_owned()
        });
        assert!(pages.len() < 100, "no end");
    }
    pages
}

#[test]
fn tags_come_in_pages() {
    let registry = Registry::new();
    for tag in ["1", "2", "3", "4", "5"] {
        registry.put_image("demo", tag, "x");
    }
    let all = |query: &str| pages(&registry, &format!("/v2/demo/tags/list{query}"), "tags");
    assert_eq!(all("?n=2"), [vec!["1", "2"], vec!["3", "4"], vec!["5"]]);
    assert_eq!(all("?n=5"), [["1", "2", "3", "4", "5"]]);
    assert_eq!(all("?n=100&last=3"), [["4", "5"]]);
    assert_eq!(all("?last=3"), [["4", "5"]]);
    // Not a tag that is there.
    assert_eq!(all("?last=3x"), [["4", "5"]]);
    assert_eq!(all("?n=1&last=5"), [Vec::<String>::new()]);
    assert_eq!(all("?n=0"), [Vec::<String>::new()]);
    for wrong in ["-1", "x", "1.5", "99999999999999999999999"] {
        let said = registry.get(&format!("/v2/demo/tags/list?n={wrong}")).expect(400);
        assert_eq!(said.code(), "PAGINATION_NUMBER_INVALID", "{wrong}");
    }
}

#[test]
fn an_unknown_repository_has_no_tags() {
    let registry = Registry::new();
    assert_eq!(registry.get("/v2/demo/tags/list").expect(404).code(), "NAME_UNKNOWN");
    // One that has no tags, or only blobs, is known.
    registry.put_blob("demo", b"x");
    assert_eq!(registry.get("/v2/demo/tags/list").expect(200).json(), json!({"name": "demo", "tags": []}));
    registry.put_image("other", "", "x");
    assert_eq!(registry.get("/v2/other/tags/list").expect(200).json(), json!({"name": "other", "tags": []}));
}

#[test]
fn the_catalog_lists_repositories_in_pages() {
    let registry = Registry::new();
    assert_eq!(registry.get("/v2/_catalog").expect(200).json(), json!({"repositories": []}));
    for name in ["b", "a/b", "ghcr.io/x/y", "c"] {
        registry.put_image(name, "1", "x");
    }
    let all = |query: &str| pages(&registry, &format!("/v2/_catalog{query}"), "repositories");
    assert_eq!(all(""), [["a/b", "b", "c", "ghcr.io/x/y"]]);
    assert_eq!(all("?n=3"), [vec!["a/b", "b", "c"], vec!["ghcr.io/x/y"]]);
    assert_eq!(all("?n=3&last=b"), [["c", "ghcr.io/x/y"]]);
    assert_eq!(all("?n=1&last=a%2Fb"), [["b"], ["c"], ["ghcr.io/x/y"]]);
}

#[test]
fn referrers_of_what_is_not_there_are_an_empty_list() {
    let registry = Registry::new();
    registry.put_image("demo", "1", "x");
    for name in ["demo", "nothing"] {
        let path = format!("/v2/{name}/referrers/{}", digest(b"nothing"));
        let said = registry.get(&path).expect(200);
        assert_eq!(said.header("content-type"), OCI_INDEX);
        assert_eq!(said.json(), json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}));
        let head = registry.head(&path).expect(200);
        assert_eq!(head.header("content-length"), said.header("content-length"));
    }
}

#[test]
fn referrers_are_listed_with_their_types_and_annotations_and_filtered() {
    let registry = Registry::new();
    let subject = registry.put_image("demo", "1", "x");
    let about = json!({"mediaType": OCI_MANIFEST, "digest": subject, "size": registry.size_of("demo", &subject)});
    let sbom = registry.put_artifact(
        "demo",
        "",
        b"sbom",
        &json!({
        "subject": about, "artifactType": "x/sbom", "annotations": {"of": "sbom"}}),
    );
    let signature = registry.put_artifact(
        "demo",
        "signature",
        b"signature",
        &json!({"subject": about, "artifactType": "x/signature+v1"}),
    );
    // Its config says what it is.
    let config = registry.put_blob("demo", b"{}");
    let by_config = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [], "subject": about,
        "config": {"mediaType": "x/by-config", "digest": config, "size": 2}});
    let by_config = registry.put_manifest("demo", "by-config", OCI_MANIFEST, by_config.to_string().as_bytes());
    // An index without a type has none.
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "subject": about});
    let index = registry.put_manifest("demo", "index", OCI_INDEX, index.to_string().as_bytes());
    // In another repository.
    registry.put_artifact("other", "", b"sbom", &json!({"subject": about}));
    let path = format!("/v2/demo/referrers/{subject}");
    let said = registry.get(&path).expect(200);
    assert!(!said.headers.contains_key("oci-filters-applied"));
    let list = said.json()["manifests"].as_array().expect("a list").clone();
    let find = |digest: &str| -> Value {
        list.iter().find(|entry| entry["digest"] == digest).unwrap_or_else(|| panic!("{digest}: {list:?}")).clone()
    };
    assert_eq!(list.len(), 4);
    assert_eq!(find(&sbom)["artifactType"], "x/sbom");
    assert_eq!(find(&sbom)["annotations"], json!({"of": "sbom"}));
    assert_eq!(find(&sbom)["size"], registry.size_of("demo", &sbom));
    assert_eq!(find(&signature)["artifactType"], "x/signature+v1");
    assert_eq!(find(&by_config)["artifactType"], "x/by-config");
    assert_eq!((find(&index)["mediaType"].as_str(), find(&index).get("artifactType")), (Some(OCI_INDEX), None));
    for (query, found) in [
        ("artifactType=x%2Fsbom", vec![&sbom]),
        ("artifactType=x/signature%2Bv1", vec![&signature]),
        ("artifactType=x/by-config", vec![&by_config]),
        ("artifactType=none", vec![]),
    ] {
        let said = registry.get(&format!("{path}?{query}")).expect(200);
        assert_eq!(said.header("oci-filters-applied"), "artifactType");
        let list = said.json()["manifests"].as_array().expect("a list").clone();
        let digests: Vec<&str> = list.iter().map(|entry| entry["digest"].as_str().expect("a digest")).collect();
        assert_eq!(digests, found, "{query}");
    }
}

#[test]
fn a_list_of_referrers_that_is_too_long_goes_on_behind_a_link() {
    let registry = Registry::new();
    let subject = digest(b"a subject");
    let about = json!({"mediaType": OCI_MANIFEST, "digest": subject, "size": 1});
    let config = registry.put_blob("demo", b"{}");
    let mut all: Vec<String> = (0..3)
        .map(|at| {
            let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [], "subject": about,
                "artifactType": "x/+y", "annotations": {"long": at.to_string().repeat(2_500_000)},
                "config": {"mediaType": EMPTY, "digest": config, "size": 2}});
            let bytes = manifest.to_string().into_bytes();
            registry.put_manifest("demo", &digest(&bytes), OCI_MANIFEST, &bytes)
        })
        .collect();
    all.sort();
    for query in ["", "?artifactType=x%2F%2By"] {
        let (mut found, mut next) = (Vec::new(), Some(format!("/v2/demo/referrers/{subject}{query}")));
        while let Some(path) = next {
            let said = registry.get(&path).expect(200);
            assert!(said.body.len() < 4 << 20);
            let list = said.json()["manifests"].as_array().expect("a list").clone();
            found.extend(list.iter().map(|entry| entry["digest"].as_str().expect("a digest").to_owned()));
            assert_eq!(said.headers.contains_key("oci-filters-applied"), !query.is_empty());
            let link = said.headers.get("link").map(|link| link.trim_start_matches('<').to_owned());
            next = link.and_then(|link| Some(link.split_once('>')?.0.to_owned()));
        }
        assert_eq!(found, all, "{query}");
    }
}
