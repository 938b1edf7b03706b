//! Lists of images that registries have.

use serde_json::{Value, json};

use super::platforms;
use crate::support::digest;
use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::registry::content::{DOCKER_LIST, DOCKER_MANIFEST, Form, Pushed, on_platform};
use crate::support::registry::reply::Reply;
use crate::support::registry::tls::Authority;
use crate::support::registry::{Registry, Setup, auth};
use crate::support::session::Session;
use crate::support::tarball::pack;

fn image(architecture: &str) -> TestImage {
    TestImage::of("fx/x:1", architecture).with("architecture", json!(architecture))
}

/// A registry with an image for each of two platforms.
fn registry() -> (Registry, Pushed, Pushed) {
    let registry = Registry::start();
    let amd = registry.push("team/amd:1", &image("amd64"));
    let arm = registry.push("team/arm:1", &image("arm64"));
    (registry, amd, arm)
}

/// A list of both, with nothing in the store but their documents.
fn listed(registry: &Registry, name: &str) -> Session {
    let session = Session::new();
    let [list, amd, arm] = [name, "team/amd:1", "team/arm:1"].map(|name| registry.name(name));
    assert_eq!(session.ok(&["manifest", "create", &list, &arm, &amd]), format!("Created manifest list {list}\n"));
    session
}

/// The bytes that a tag leads to.
fn pushed(registry: &Registry, repository: &str, tag: &str) -> Option<Vec<u8>> {
    let content = registry.content();
    let found = content.repositories.get(repository)?;
    Some(found.manifests[found.tags.get(tag)?].bytes.clone())
}

#[test]
fn documents_are_fetched_and_blobs_mounted() {
    let (registry, amd, arm) = registry();
    let session = listed(&registry, "team/all:1");
    let fetched: Vec<String> = registry.log().into_iter().filter(|line| line.contains("/blobs/")).collect();
    assert_eq!(fetched.len(), 2, "{fetched:?}");
    for image in [&amd, &arm] {
        let config = image.config["digest"].as_str().expect("a digest");
        assert!(fetched.iter().any(|line| line.contains(config)), "the configs, no layer: {fetched:?}");
    }
    let list = registry.name("team/all:1");
    assert_eq!(platforms(&session, &list), ["linux/amd64/", "linux/arm64/"], "in docker's order");

    registry.forget();
    let said = session.ok(&["manifest", "push", &list]);
    let bytes = pushed(&registry, "team/all", "1").expect("the list is there");
    let lines = [&amd, &arm].map(|image| {
        let digest = image.digest();
        format!("Pushed ref {}@{digest} with digest: {digest}\n", registry.name("team/all"))
    });
    assert_eq!(said, format!("{}{}\n", lines.concat(), digest(&bytes)));
    assert_eq!((registry.received(), registry.sent()), (0, 0), "{:?}", registry.log());
    assert_eq!(registry.count("POST", "/blobs/uploads/"), 4, "each blob is mounted once: {:?}", registry.log());
    let entry = |image: &Pushed, architecture: &str| {
        format!(
            "      {{\n         \"mediaType\": \"{DOCKER_MANIFEST}\",\n         \"size\": {},\n         \"digest\": \
             \"{}\",\n         \"platform\": {{\n            \"architecture\": \"{architecture}\",\n            \"os\": \
             \"linux\"\n         }}\n      }}",
            image.manifest["size"],
            image.digest()
        )
    };
    let expected = format!(
        "{{\n   \"schemaVersion\": 2,\n   \"mediaType\": \"{DOCKER_LIST}\",\n   \"manifests\": [\n{},\n{}\n   ]\n}}",
        entry(&amd, "amd64"),
        entry(&arm, "arm64")
    );
    assert_eq!(String::from_utf8(bytes).expect("JSON"), expected);

    registry.forget();
    assert_eq!(session.ok(&["manifest", "push", "--purge", &list]), said, "docker says the same each time");
    assert_eq!((registry.count("PUT", ""), registry.count("POST", "")), (0, 0), "{:?}", registry.log());
    session.run(&["manifest", "push", &list]).fails(1, &[&format!("error: No such manifest: {list}")]);

    let other = Session::new();
    other.ok(&["pull", "-q", "--platform", "linux/arm64", &list]);
    assert_eq!(other.inspect(&list)["Architecture"], "arm64");
}

#[test]
fn other_commands_say_what_is_missing() {
    let (registry, ..) = registry();
    let session = listed(&registry, "team/all:1");
    let list = registry.name("team/all:1");
    registry.forget();
    for args in [&["images"][..], &["images", "--tree"], &["system", "df"], &["image", "prune", "-f"], &["verify"]] {
        let answer = session.run(args);
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{args:?}: {}", answer.out());
    }
    assert_eq!(session.ids(), [""; 0], "none of its images is here");
    for args in [
        &["inspect", &list][..],
        &["history", &list],
        &["save", "-o", "x.tar", &list],
        &["export", "-o", "x.tar", &list],
        &["unpack", &list, "x"],
        &["save", "--platform", "linux/arm64", "-o", "x.tar", &list],
        &["copy", &list, "oci:x"],
        &["push", &list],
        &["manifest", "push", &list, "oci-archive:x.tar"],
    ] {
        session.run(args).fails(1, &["a manifest list, and its images are not in the store: pull"]);
    }
    assert!(registry.log().is_empty(), "{:?}", registry.log());
    session.ok(&["tag", &list, &registry.name("moved/all:2")]);
    session.ok(&["rmi", &list]);
    session.ok(&["manifest", "push", &registry.name("moved/all:2")]);
    assert_eq!(registry.sent(), 0, "what a list knows goes with another name");
    session.ok(&["rmi", &registry.name("moved/all:2")]);
    assert_eq!(session.run(&["manifest", "rm", &list]).code, 1);
    assert_eq!(session.tags(), [""; 0]);
}

#[test]
fn images_of_the_store_are_sent() {
    let (registry, amd, arm) = registry();
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[image("amd64").also_tagged("fx/here:1")])));
    let (there, list) = (registry.name("team/arm:1"), registry.name("team/all:1"));
    session.ok(&["manifest", "create", &list, "fx/here:1", &format!("docker://{there}")]);
    assert!(session.ok(&["verify"]).contains("OK"), "what is here is whole");
    session.ok(&["save", "-o", "part.tar", &list]);
    session.ok(&["rmi", "fx/here:1"]);
    session.ok(&["image", "prune", "-f"]);
    registry.forget();
    session.ok(&["manifest", "push", &list]);
    assert!(registry.received() > 0, "{:?}", registry.log());
    let bytes = pushed(&registry, "team/all", "1").expect("the list is there");
    let document: Value = serde_json::from_slice(&bytes).expect("JSON");
    let digests: Vec<&str> =
        document["manifests"].as_array().expect("a list").iter().filter_map(|entry| entry["digest"].as_str()).collect();
    assert_eq!(digests.iter().filter(|digest| **digest == arm.digest()).count(), 1);
    assert!(!digests.contains(&amd.digest().as_str()), "the one of the store wins, its layers are not compressed");

    // What was saved of it has the image that was here; the other is nowhere, but in the registry's repository.
    let other = Session::new();
    other.load(&session.read("part.tar"));
    registry.forget();
    other.ok(&["manifest", "push", &list]);
    assert_eq!(registry.count("PUT", ""), 0, "{:?}", registry.log());
    other
        .run(&["manifest", "push", &list, &registry.name("team/new:1")])
        .fails(1, &[&arm.digest(), "neither in", "pull it first"]);
    assert_eq!(pushed(&registry, "team/new", "1"), None);
}

#[test]
fn what_was_pushed_compressed_counts_as_it_is_there() {
    let registry = Registry::start();
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[image("amd64").also_tagged("fx/here:1")])));
    let (there, list) = (registry.name("team/amd:1"), registry.name("team/all:1"));
    session.ok(&["tag", "fx/here:1", &there]);
    let said = session.ok(&["push", &there]);
    let digest = said.rsplit("digest: ").next().and_then(|rest| rest.split(' ').next()).expect("a digest").to_owned();
    registry.forget();
    session.ok(&["manifest", "create", &list, &there]);
    session.ok(&["manifest", "push", &list]);
    let bytes = pushed(&registry, "team/all", "1").expect("the list is there");
    let document: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(document["manifests"][0]["digest"], json!(digest));
    assert_eq!(registry.received(), 0, "{:?}", registry.log());

    // Once the registry has something else under the name, it is no longer the image that was meant.
    registry.push("team/amd:1", &image("arm64"));
    session.ok(&["manifest", "create", "fx/other:1", &there]);
    assert!(!session.ok(&["manifest", "inspect", "fx/other:1"]).contains("arm64"));
}

#[test]
fn images_of_other_registries() {
    let (registry, ..) = registry();
    let (target, session) = (Registry::start(), listed(&registry, "team/all:1"));
    let (list, to) = (registry.name("team/all:1"), target.name("team/all:1"));
    let words = format!(
        "error: cannot use source images from a different registry than the target image: {} != {}",
        registry.host(),
        target.host()
    );
    session.run(&["manifest", "push", &list, &to]).fails(1, &[&words]);
    assert!(target.log().is_empty(), "{:?}", target.log());
    // Once they are pulled, they can be sent.
    for name in ["team/amd:1", "team/arm:1"] {
        session.ok(&["pull", "-q", &registry.name(name)]);
    }
    session.ok(&["manifest", "push", &list, &format!("docker://{to}")]);
    assert!(pushed(&target, "team/all", "1").is_some());
}

#[test]
fn what_cannot_be_mounted_is_copied() {
    let (registry, ..) = registry();
    let session = listed(&registry, "team/all:1");
    registry.content().uploads.manners.mounts = false;
    session.ok(&["manifest", "push", &registry.name("team/all:1")]);
    assert!(registry.received() > 0, "{:?}", registry.log());
    assert!(pushed(&registry, "team/all", "1").is_some());
}

#[test]
fn an_image_that_was_deleted_meanwhile() {
    let (registry, amd, _) = registry();
    let session = listed(&registry, "team/amd:all");
    let list = registry.name("team/amd:all");
    let gone = registry.content().repository("team/amd").manifests.remove(&amd.digest());
    assert!(gone.is_some());
    registry.forget();
    session
        .run(&["manifest", "push", "--purge", &list])
        .fails(1, &[&amd.digest(), &format!("neither in {}", registry.name("team/amd")), "pull it first"]);
    assert_eq!((registry.count("PUT", ""), registry.count("POST", "")), (0, 0), "{:?}", registry.log());
    assert_eq!(platforms(&session, &list).len(), 2, "the list is kept");

    // From another repository its blobs can still be mounted, and the store has its manifest.
    session.ok(&["manifest", "push", &list, &registry.name("other/all:1")]);
    assert!(registry.content().repository("other/all").manifests.contains_key(&amd.digest()));
}

#[test]
fn refusals_leave_the_list() {
    let (registry, ..) = registry();
    let session = listed(&registry, "team/all:1");
    let list = registry.name("team/all:1");
    registry.script(|request, reply| {
        let is_list = request.method == "PUT" && request.path.ends_with("/manifests/1");
        if is_list { Reply::error(403, "DENIED", "requested access to the resource is denied") } else { reply }
    });
    session.run(&["manifest", "push", "--purge", &list]).fails(1, &["requested access to the resource is denied"]);
    assert_eq!(platforms(&session, &list).len(), 2);

    let asking = Registry::with(Setup { auth: auth::Auth::Basic(auth::user("ada", "secret")), ..Setup::default() });
    asking.push("team/amd:1", &image("amd64"));
    let (name, all) = (asking.name("team/amd:1"), asking.name("team/all:1"));
    let answer = session.run(&["manifest", "create", &all, &name]);
    answer.fails(1, &[&name, "imgtool login"]);
    session.run(&["manifest", "rm", &all]).fails(1, &["No such manifest"]);
    session.run_with(b"secret", &["login", "-u", "ada", "--password-stdin", &asking.host()]).ok();
    session.ok(&["manifest", "create", &all, &name]);
    // Another password by then.
    let auth = format!("{{\"auths\":{{\"{}\":{{\"auth\":\"YWRhOndyb25n\"}}}}}}", asking.host());
    let wrong = session.write("wrong/config.json", auth);
    let folder = wrong.parent().expect("a folder").display().to_string();
    let answer = session.run(&["--config", &folder, "manifest", "push", "--purge", &all]);
    answer.fails(1, &[&asking.name("team/all"), "401 Unauthorized", "do not allow this", "imgtool login"]);
    assert!(pushed(&asking, "team/all", "1").is_none());
    assert_eq!(platforms(&session, &all).len(), 1, "it is not removed");
    session.ok(&["manifest", "push", &all]);
}

#[test]
fn a_certificate_of_an_unknown_authority() {
    let tls = Some(Authority::new().certify(&["127.0.0.1"]).server());
    let (session, registry) = (Session::new(), Registry::with(Setup { tls, ..Setup::default() }));
    registry.push("team/amd:1", &image("amd64"));
    let (name, all) = (registry.name("team/amd:1"), registry.name("team/all:1"));
    session.run(&["manifest", "create", &all, &name]).fails(1, &["certificate is not trusted"]);
    session.ok(&["manifest", "create", "--insecure", &all, &name]);
    session.run(&["manifest", "push", &all]).fails(1, &["certificate is not trusted"]);
    assert!(pushed(&registry, "team/all", "1").is_none());
    session.ok(&["manifest", "push", "--insecure", &all]);
    assert!(pushed(&registry, "team/all", "1").is_some());
    let other = registry.name("team/other:1");
    session.ok(&["manifest", "push", "--insecure", &all, &other]);
    assert!(pushed(&registry, "team/other", "1").is_some());
}

#[test]
fn names_and_digests_of_images_in_registries() {
    let (registry, amd, arm) = registry();
    let session = listed(&registry, "team/all:1");
    let (list, there) = (registry.name("team/all:1"), registry.name("team/arm:1"));
    registry.forget();
    session.ok(&["manifest", "annotate", &list, &there, "--variant", "v8"]);
    assert_eq!(platforms(&session, &list), ["linux/amd64/", "linux/arm64/v8"]);
    let by_digest = format!("{}@{}", registry.name("team/amd"), amd.digest());
    session.ok(&["manifest", "annotate", &list, &by_digest, "--arch", "386"]);
    session.ok(&["manifest", "annotate", &list, &arm.digest(), "--os-version", "1"]);
    assert_eq!(platforms(&session, &list), ["linux/386/", "linux/arm64/v8"]);
    let none = registry.name("team/none:1");
    session
        .run(&["manifest", "annotate", &list, &none, "--arch", "arm"])
        .fails(1, &[&format!("error: manifest for image {none} does not exist in {list}")]);
    assert!(registry.log().is_empty(), "the list knows its images: {:?}", registry.log());

    // Added again, an image is as its config says, as in docker.
    session
        .run(&["manifest", "create", &list, &there])
        .fails(1, &["refusing to amend an existing manifest list with no --amend flag"]);
    session.ok(&["manifest", "create", "--amend", &list, &there]);
    assert_eq!(platforms(&session, &list), ["linux/386/", "linux/arm64/"]);

    let index = on_platform(&arm.manifest, &image("arm64").platform());
    registry.content().repository("team/index").put_index("1", DOCKER_LIST, &[index]);
    let index = registry.name("team/index:1");
    session
        .run(&["manifest", "create", "--amend", &list, &index])
        .fails(1, &[&format!("error: {index} is a manifest list")]);
    let oci = registry.push_as("team/oci:1", &image("s390x"), Form::Oci(crate::support::packing::Packing::Gzip));
    session.ok(&["manifest", "create", &registry.name("team/oci:all"), &registry.name("team/oci:1")]);
    session.ok(&["manifest", "push", &registry.name("team/oci:all")]);
    let bytes = pushed(&registry, "team/oci", "all").expect("the list is there");
    let document: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(document["mediaType"], crate::support::oci::INDEX);
    assert_eq!(document["manifests"][0]["digest"], oci.digest().as_str());
}

#[test]
fn wrong_documents_do_not_come_into_the_store() {
    let (registry, amd, _) = registry();
    let session = Session::new();
    let (list, bad) = (registry.name("team/all:1"), registry.name("bad:1"));
    let put = |manifest: &Value| {
        let bytes = serde_json::to_vec(manifest).expect("JSON");
        registry.content().repository("bad").put_manifest(Some("1"), DOCKER_MANIFEST, bytes);
    };
    let config =
        registry.content().repository("team/amd").blobs[amd.config["digest"].as_str().expect("a digest")].clone();
    registry.content().repository("bad").blobs.insert(digest(&config), config);
    let manifest = |config: &Value, layers: &[Value]| json!({"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": config, "layers": layers});
    let mut huge = amd.config.clone();
    huge["size"] = json!(1_u64 << 40);
    put(&manifest(&huge, &amd.layers));
    session.run(&["manifest", "create", &list, &bad]).fails(1, &["1099511627776"]);
    put(&manifest(&amd.config, &[]));
    session.run(&["manifest", "create", &list, &bad]).fails(1, &["bad:1", "layers"]);
    let mut other = amd.config.clone();
    other["size"] = json!(other["size"].as_u64().expect("a size") + 1);
    put(&manifest(&other, &amd.layers));
    session.run(&["manifest", "create", &list, &bad]).fails(1, &[]);
    registry.script(
        |request, reply| {
            if request.path.contains("/manifests/") { reply.saying("[".repeat(5 << 20)) } else { reply }
        },
    );
    session.run(&["manifest", "create", &list, &bad]).fails(1, &[]);
    registry.behave();
    session.run(&["manifest", "rm", &list]).fails(1, &["No such manifest"]);
    assert_eq!(session.run(&["verify"]).code, 0);
}
