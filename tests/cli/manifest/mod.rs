//! `manifest`: one name for images of several platforms.

mod registries;

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::pack;

fn store() -> Session {
    let session = Session::new();
    let arm = TestImage::of("fx/arm:1", "arm").with("architecture", json!("arm64"));
    session.load(&pack(&producers::docker_save(&[TestImage::of("fx/amd:1", "amd"), arm])));
    session
}

fn platforms(session: &Session, list: &str) -> Vec<String> {
    let list: Value = serde_json::from_str(&session.ok(&["manifest", "inspect", list])).expect("JSON");
    let platform = |entry: &Value| {
        let part = |key: &str| entry["platform"][key].as_str().unwrap_or_default().to_owned();
        format!("{}/{}/{}", part("os"), part("architecture"), part("variant"))
    };
    list["manifests"].as_array().expect("a list").iter().map(platform).collect()
}

#[test]
fn a_list_is_an_image_for_several_platforms() {
    let session = store();
    assert_eq!(
        session.ok(&["manifest", "create", "fx/both", "fx/amd:1", "fx/arm:1"]),
        "Created manifest list docker.io/fx/both:latest\n"
    );
    assert_eq!(platforms(&session, "fx/both"), ["linux/amd64/", "linux/arm64/"]);
    let arm = session.ok(&["inspect", "-f", "{{.Id}}", "fx/arm:1"]);
    assert_eq!(session.ok(&["image", "inspect", "--platform", "linux/arm64", "-f", "{{.Id}}", "fx/both"]), arm);
    assert!(session.ok(&["images", "--tree"]).contains("├─ linux/amd64"), "{}", session.ok(&["images", "--tree"]));
    session.ok(&["save", "-o", "both.tar", "fx/both"]);

    let other = Session::new();
    other.load(&session.read("both.tar"));
    assert_eq!(platforms(&other, "fx/both"), ["linux/amd64/", "linux/arm64/"]);

    session.ok(&["rmi", "fx/amd:1", "fx/arm:1"]);
    session.ok(&["image", "prune", "-f"]);
    assert_eq!(platforms(&session, "fx/both"), ["linux/amd64/", "linux/arm64/"], "a list keeps its images");
    session.ok(&["manifest", "rm", "fx/both"]);
    assert_eq!(session.ids(), [""; 0]);
}

#[test]
fn amend_and_annotate() {
    let session = store();
    session.ok(&["manifest", "create", "fx/both", "fx/amd:1"]);
    let refused = "refusing to amend an existing manifest list with no --amend flag";
    session.run(&["manifest", "create", "fx/both", "fx/arm:1"]).fails(1, &[refused]);
    session.ok(&["manifest", "create", "--amend", "fx/both", "fx/arm:1"]);
    session.ok(&["manifest", "annotate", "fx/both", "fx/arm:1", "--variant", "v8", "--os-version", "1.2"]);
    assert_eq!(platforms(&session, "fx/both"), ["linux/amd64/", "linux/arm64/v8"]);
    session.ok(&["manifest", "annotate", "--arch", "s390x", "fx/both", "fx/amd:1"]);
    assert_eq!(platforms(&session, "fx/both"), ["linux/s390x/", "linux/arm64/v8"]);
    session
        .run(&["manifest", "annotate", "fx/both", "fx/arm:1", "--arch", "vax"])
        .fails(1, &["manifest entry for image has unsupported os/arch combination: /vax"]);
    session
        .run(&["manifest", "annotate", "fx/none", "fx/arm:1", "--os", "linux"])
        .fails(1, &["error: manifest for image fx/arm:1 does not exist in fx/none"]);
    session.run(&["manifest", "annotate", "fx/amd:1", "fx/arm:1"]).fails(1, &["is an image, not a manifest list"]);
    session.run(&["manifest", "rm", "fx/amd:1"]).fails(1, &["is an image, not a manifest list"]);
    session.run(&["manifest", "create", "fx/amd:1", "fx/arm:1"]).fails(1, &["is an image, not a manifest list"]);
    let registry = crate::support::registry::Registry::start();
    let none = registry.name("none");
    session
        .run(&["manifest", "create", "fx/x", "fx/amd:1", &none])
        .fails(1, &[&format!("error: no such manifest: {none}:latest")]);
    session.run(&["manifest", "rm", "fx/x"]).fails(1, &["error: No such manifest: docker.io/fx/x:latest"]);
}

#[test]
fn inspect_shows_the_bytes_that_are_stored() {
    let session = store();
    session.ok(&["manifest", "create", "fx/both", "fx/amd:1", "fx/arm:1"]);
    let manifest = session.ok(&["manifest", "inspect", "fx/amd:1"]);
    assert!(manifest.starts_with("{\n\t\"schemaVersion\": 2,\n\t\"mediaType\": "), "{manifest}");
    let all: Value =
        serde_json::from_str(&session.ok(&["manifest", "inspect", "--verbose", "fx/both"])).expect("a JSON list");
    let (first, digest) = (&all[0], &all[0]["Descriptor"]["digest"]);
    assert_eq!(first["Ref"], json!(format!("docker.io/fx/both:latest@{}", digest.as_str().unwrap_or_default())));
    assert_eq!(first["Descriptor"]["platform"]["architecture"], json!("amd64"));
    assert_eq!(first["OCIManifest"], serde_json::from_str::<Value>(&manifest).expect("JSON"));
    assert!(first["Raw"].as_str().is_some_and(|raw| raw.starts_with("eyJzY2hlbWFWZXJzaW9uIjoyL")));
    let digest = digest.as_str().unwrap_or_default();
    assert_eq!(session.ok(&["manifest", "inspect", "fx/both", digest]), manifest);
    assert_eq!(session.ok(&["manifest", "inspect", "fx/both", "fx/amd:1"]), manifest);
    let registry = crate::support::registry::Registry::start();
    let none = registry.name("none");
    session.run(&["manifest", "inspect", &none]).fails(1, &[&format!("error: no such manifest: {none}:latest")]);
    session.run(&["manifest", "inspect", "./load.tar:fx/amd:1"]).fails(1, &["no such manifest"]);
}

#[test]
fn push_writes_an_archive() {
    let session = store();
    session.ok(&["manifest", "create", "fx/both", "fx/amd:1", "fx/arm:1"]);
    session
        .run(&["manifest", "push", "fx/both", "docker-archive:both.tar"])
        .fails(1, &["docker-archive:both.tar: a manifest list is pushed to a registry", "oci-archive:FILE"]);
    session.run(&["manifest", "push", "fx/both", "oci-archive:none/x"]).fails(1, &["invalid output path"]);
    let digest = session.ok(&["manifest", "push", "--purge", "fx/both", "oci-archive:both.tar"]);
    assert_eq!(digest.len(), "sha256:\n".len() + 64);
    session.run(&["manifest", "rm", "fx/both"]).fails(1, &["No such manifest"]);
    session.ok(&["load", "-i", "both.tar"]);
    assert_eq!(platforms(&session, "fx/both"), ["linux/amd64/", "linux/arm64/"]);
}

#[test]
fn two_manifests_of_one_image() {
    let session = Session::new();
    let image = TestImage::of("fx/a:1", "a");
    session.load(&pack(&producers::docker_save(std::slice::from_ref(&image))));
    session.ok(&["manifest", "create", "fx/list:1", "fx/a:1"]);
    assert_eq!(session.ids().len(), 1, "it is one image");
    for name in ["fx/a:1", "fx/list:1", &image.short()] {
        assert_eq!(session.inspect(name)["RepoTags"], json!(["fx/a:1", "fx/list:1"]), "{name}");
    }
    session.run(&["rmi", &image.short()]).fails(1, &["must be forced"]);
    assert_eq!(session.ok(&["rmi", "fx/list:1"]), "Untagged: fx/list:1\n");
    session.ok(&["manifest", "create", "fx/list:1", "fx/a:1"]);
    let chain = &image.chain_ids()[0];
    assert_eq!(
        session.ok(&["rmi", "-f", &image.short()]),
        format!("Untagged: fx/a:1\nUntagged: fx/list:1\nDeleted: {}\nDeleted: {chain}\n", image.id())
    );
    assert_eq!(session.ids(), [""; 0]);
}
