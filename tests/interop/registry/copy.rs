//! imgtool copies between real registries, archives and layouts; skopeo looks at both sides.

use serde_json::json;

use super::pulls::{imgtool, log_in, two_platforms};
use super::pushers::{archive, raw, skopeo, skopeo_push};
use super::servers::{Kind, Server};
use crate::peer;
use crate::support::digest;
use crate::support::image::TestImage;
use crate::support::oci::{INDEX, Layout, MANIFEST, REF_NAME};
use crate::support::session::Session;

/// A registry with an image, `team/app:one`, and an index, `team/app:both`.
fn filled(session: &Session, image: &TestImage) -> Option<Server> {
    let server = Server::start(Kind::Plain)?;
    skopeo_push(&server, &archive(&session.work(), image), "team/app:one", &["--format", "oci"]);
    let to = format!("docker://{}", server.name("team/app:both"));
    skopeo("copy", &server.flags("dest-"), &["--all", "--preserve-digests", &two_platforms(session, image), &to]);
    Some(server)
}

fn at(server: &Server, name: &str) -> String {
    format!("docker://{}", server.name(name))
}

#[test]
fn from_one_registry_to_every_kind_of_other() {
    if !peer::installed("skopeo") {
        return;
    }
    let image = TestImage::sample("fx/a:1");
    for kind in Kind::ALL {
        let session = Session::new();
        let Some(from) = filled(&session, &image) else { return };
        let Some(to) = Server::start(kind) else { return };
        log_in(&session, &to, &to.host);
        let copy = |args: &[&str]| imgtool(&session, &to, &[&["copy"][..], args].concat()).ok();
        let (one, both) = (raw(&from, "team/app:one"), raw(&from, "team/app:both"));

        copy(&[&at(&from, "team/app:one"), &at(&to, "there/app:one")]);
        copy(&["--all", &at(&from, "team/app:both"), &at(&to, "there/app:both")]);
        assert_eq!(raw(&to, "there/app:one"), one, "{kind:?}");
        assert_eq!(raw(&to, "there/app:both"), both, "{kind:?}");
        let said = copy(&["--platform", "linux/s390x", &at(&from, "team/app:both"), &at(&to, "there/app:s390x")]);
        assert!(said.contains(&digest(&raw(&to, "there/app:s390x"))), "{kind:?}: {said}");
        // Another tag, and another repository of the same registry.
        copy(&[&at(&to, "there/app:one"), &at(&to, "there/app:again")]);
        let said = copy(&[&at(&to, "there/app:one"), &at(&to, "other/app:one")]);
        assert!(said.contains("Mounted from there/app"), "{kind:?}: {said}");
        assert_eq!((raw(&to, "there/app:again"), raw(&to, "other/app:one")), (one.clone(), one.clone()), "{kind:?}");

        // A mirror; the second time nothing is to be done.
        let mirror = ["--all", "--all-tags", &at(&from, "team/app"), &at(&to, "mirror/app")];
        copy(&mirror);
        let again = copy(&mirror);
        assert_eq!(again.matches("Image is up to date for").count(), 2, "{kind:?}: {again}");
        assert!(!again.contains("Copying"), "{kind:?}: {again}");
        assert_eq!((raw(&to, "mirror/app:one"), raw(&to, "mirror/app:both")), (one, both), "{kind:?}");
        // And skopeo reads all of it.
        let place = format!("oci:{}:x", session.work().join("read").display());
        skopeo("copy", &to.flags("src-"), &["--all", "--preserve-digests", &at(&to, "mirror/app:both"), &place]);
    }
}

#[test]
fn carried_in_archives_and_layouts() {
    if !peer::installed("skopeo") {
        return;
    }
    let (session, image) = (Session::new(), TestImage::sample("fx/a:1"));
    let Some(from) = filled(&session, &image) else { return };
    let Some(to) = Server::start(Kind::Plain) else { return };
    let both = raw(&from, "team/app:both");
    for place in ["oci-archive:carried.tar:x/both:1", "oci:carried:both", "carried:both"] {
        session.ok(&["copy", "--all", &at(&from, "team/app:both"), place]);
        let target = format!("there/{}:1", place.split(':').next().expect("a kind").replace("oci-archive", "archive"));
        session.ok(&["copy", "--all", place, &at(&to, &target)]);
        assert_eq!(raw(&to, &target), both, "{place}");
    }
    let layout = format!("oci:{}:both", session.work().join("carried").display());
    assert_eq!(skopeo("inspect", &[], &["--raw", &layout]).into_bytes(), both);
    let tar = format!("oci-archive:{}", session.work().join("carried.tar").display());
    assert_eq!(skopeo("inspect", &[], &["--raw", &tar]).into_bytes(), both);
    // What docker's archive has is compressed on its way, and the same image.
    // How long an uncompressed layer is, is known when it has been read: it waits in a temporary file.
    let docker = ["copy", &at(&from, "team/app:one"), "docker-archive:docker.tar:x/app:1"];
    peer::ok(session.command(&docker).env("TMPDIR", session.work()));
    session.ok(&["copy", "docker-archive:docker.tar", &at(&to, "there/docker:1")]);
    let manifest = |server: &Server, name: &str| -> serde_json::Value {
        serde_json::from_slice(&raw(server, name)).expect("JSON")
    };
    let (before, manifest) = (manifest(&from, "team/app:one"), manifest(&to, "there/docker:1"));
    assert_eq!(manifest["config"]["digest"], before["config"]["digest"]);
    let layers = manifest["layers"].as_array().expect("a list");
    assert!(layers.iter().all(|layer| layer["mediaType"].as_str().is_some_and(|kind| kind.ends_with("+gzip"))));
    let docker = format!("docker-archive:{}", session.work().join("docker.tar").display());
    assert!(skopeo("inspect", &[], &["--config", &docker]).contains("amd64"));
}

#[test]
fn what_refers_to_an_image_comes_along() {
    if !peer::installed("skopeo") {
        return;
    }
    let (session, image) = (Session::new(), TestImage::sample("fx/a:1"));
    let Some(from) = filled(&session, &image) else { return };
    let Some(to) = Server::start(Kind::Plain) else { return };
    let subject = raw(&from, "team/app:one");
    // This registry does not know the API: the list is kept under a tag.
    let mut layout = Layout::default();
    let blob = layout.put("application/vnd.example.signature", b"signed");
    let config = layout.put("application/vnd.oci.empty.v1+json", b"{}");
    let signature = layout.put_json(
        MANIFEST,
        &json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.example.signature",
            "config": config, "layers": [blob],
            "subject": {"mediaType": MANIFEST, "digest": digest(&subject), "size": subject.len()},
        }),
    );
    let list = layout.put_json(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [signature]}));
    layout.name(&list, &[(REF_NAME, "list")]);
    layout.write(&session.work().join("signatures"));
    let tag = digest(&subject).replace(':', "-");
    let listed = format!("oci:{}:list", session.work().join("signatures").display());
    let flags = from.flags("dest-");
    skopeo("copy", &flags, &["--all", "--preserve-digests", &listed, &at(&from, &format!("team/app:{tag}"))]);

    let copy = || session.ok(&["copy", "--referrers", &at(&from, "team/app:one"), &at(&to, "there/app:one")]);
    let said = copy();
    let digest_of_it = signature["digest"].as_str().expect("a digest");
    assert!(said.contains(&format!("{digest_of_it} docker://{}@{digest_of_it}", to.name("there/app"))), "{said}");
    let there: serde_json::Value = serde_json::from_slice(&raw(&to, &format!("there/app:{tag}"))).expect("JSON");
    assert_eq!(there["manifests"][0]["digest"], signature["digest"]);
    let got = raw(&to, &format!("there/app@{digest_of_it}"));
    assert_eq!(digest(&got), digest_of_it);
    assert!(!copy().contains("Copying"), "all is there");
}
