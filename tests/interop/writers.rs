//! The store is an OCI layout that other tools write to, too: umoci and skopeo, as they are.

use std::path::Path;

use crate::peer::{self, installed, program, skopeo};
use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::pack;

/// A store with `old:1` and `other:1`.
fn session() -> Session {
    let session = Session::new();
    let images = [TestImage::sample("old:1"), TestImage::of("other:1", "other")];
    session.load(&pack(&producers::docker_save(&images)));
    session
}

fn umoci(session: &Session, args: &[&str]) {
    peer::ok(program("umoci", args).current_dir(session.work()));
}

fn place(session: &Session, name: &str) -> String {
    format!("{}:{name}", session.store().display())
}

fn id(session: &Session, name: &str) -> String {
    session.ok(&["inspect", "-f", "{{.Id}}", name]).trim().to_owned()
}

/// Every image is read to its last byte, and nothing is said on stderr.
fn check(session: &Session, names: &[&str]) {
    assert_eq!(session.tags(), names);
    for name in names {
        let answer = session.run(&["save", "-o", "check.tar", name]);
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{name}");
    }
    for args in [&["images", "-a"][..], &["system", "df"]] {
        let answer = session.run(args);
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{args:?}");
    }
}

#[test]
fn umoci_tags_and_removes() {
    if !installed("umoci") {
        return;
    }
    let session = session();
    let old = id(&session, "old:1");
    let from = place(&session, "docker.io/library/old:1");
    umoci(&session, &["tag", "--image", &from, "docker.io/library/new:1"]);
    umoci(&session, &["tag", "--image", &from, "word"]);
    // The tag that the name has anyway.
    umoci(&session, &["tag", "--image", &from, "1"]);
    check(&session, &["1:latest", "new:1", "old:1", "other:1", "word:latest"]);
    for name in ["1", "new:1", "word"] {
        assert_eq!(id(&session, name), old, "{name}");
    }
    session.ok(&["rmi", "old:1", "1"]);
    check(&session, &["new:1", "other:1", "word:latest"]);
    umoci(&session, &["rm", "--image", &place(&session, "word")]);
    umoci(&session, &["gc", "--layout", &session.store().display().to_string()]);
    check(&session, &["new:1", "other:1"]);
    assert_eq!(id(&session, "new:1"), old);
    session.ok(&["rmi", "new:1"]);
    check(&session, &["other:1"]);
}

#[test]
fn umoci_configures_over_a_name_and_under_another() {
    if !installed("umoci") {
        return;
    }
    let session = session();
    let (old, other) = (id(&session, "old:1"), id(&session, "other:1"));
    let from = place(&session, "docker.io/library/old:1");
    umoci(&session, &["config", "--image", &from, "--tag", "docker.io/library/new:1", "--config.cmd", "/new"]);
    check(&session, &["new:1", "old:1", "other:1"]);
    assert_ne!(id(&session, "new:1"), old);
    assert_eq!(id(&session, "old:1"), old);
    // In place: what it replaces had one entry only.
    umoci(&session, &["config", "--image", &from, "--config.cmd", "/changed"]);
    assert_ne!(id(&session, "old:1"), old);
    check(&session, &["new:1", "old:1", "other:1"]);
    session.ok(&["rmi", "old:1"]);
    check(&session, &["new:1", "other:1"]);
    session.ok(&["image", "prune", "-f"]);
    check(&session, &["new:1", "other:1"]);
    assert_eq!(session.inspect("new:1")["Config"]["Cmd"], serde_json::json!(["/new"]));
    assert_eq!(id(&session, "other:1"), other);
}

#[test]
fn umoci_repacks() {
    if !installed("umoci") || !rustix::process::geteuid().is_root() {
        return;
    }
    let session = session();
    let from = place(&session, "docker.io/library/old:1");
    umoci(&session, &["unpack", "--image", &from, "bundle"]);
    session.write("bundle/rootfs/more", "more");
    umoci(&session, &["repack", "--image", &place(&session, "docker.io/library/repacked:1"), "bundle"]);
    check(&session, &["old:1", "other:1", "repacked:1"]);
    session.ok(&["rmi", "old:1"]);
    check(&session, &["other:1", "repacked:1"]);
    session.ok(&["unpack", "-q", "repacked:1", "out"]);
    assert_eq!(session.read("out/more"), b"more");
}

/// It adds a layer whose tar lacks its end marks.
#[test]
fn umoci_inserts() {
    if !installed("umoci") {
        return;
    }
    let session = session();
    let old = id(&session, "old:1");
    session.write("file", "new");
    let from = place(&session, "docker.io/library/old:1");
    umoci(&session, &["insert", "--image", &from, "--tag", "docker.io/library/new:1", "file", "/file"]);
    check(&session, &["new:1", "old:1", "other:1"]);
    assert_eq!(id(&session, "old:1"), old);
    session.ok(&["rmi", "old:1"]);
    check(&session, &["new:1", "other:1"]);
    session.ok(&["unpack", "-q", "new:1", "out"]);
    assert_eq!(session.read("out/file"), b"new");
}

/// Saves an image to be copied.
fn archive(session: &Session, name: &str) -> String {
    session.ok(&["save", "-o", "from.tar", name]);
    format!("docker-archive:{}", session.work().join("from.tar").display())
}

fn copy(session: &Session, from: &str, name: &str) {
    peer::ok(&mut skopeo(&["copy", from, &format!("oci:{}", place(session, name))]));
}

#[test]
fn skopeo_copies_to_a_new_name_and_over_an_old_one() {
    if !installed("skopeo") {
        return;
    }
    let session = session();
    let (old, other) = (id(&session, "old:1"), id(&session, "other:1"));
    let from = archive(&session, "other:1");
    copy(&session, &from, "docker.io/library/new:1");
    copy(&session, &from, "fx/short:1");
    copy(&session, &from, "word");
    check(&session, &["fx/short:1", "new:1", "old:1", "other:1", "word:latest"]);
    // Over a name of imgtool's: the image that had it has none now, as after docker's own tag, and nothing else changes.
    copy(&session, &from, "docker.io/library/old:1");
    assert_eq!(session.tags(), ["<none>:<none>", "fx/short:1", "new:1", "old:1", "other:1", "word:latest"]);
    assert!(session.ids().contains(&old));
    assert_ne!(id(&session, "old:1"), old);
    assert_eq!(id(&session, "old:1"), id(&session, "new:1"));
    assert_eq!(id(&session, "other:1"), other);
    session.ok(&["image", "prune", "-f"]);
    check(&session, &["fx/short:1", "new:1", "old:1", "other:1", "word:latest"]);
    // The familiar form of a name that is taken is another name to skopeo; neither image is lost.
    copy(&session, &from, "other:1");
    assert_eq!(id(&session, "other:1"), other);
    session.ok(&["rmi", "new:1", "fx/short:1", "word", "old:1", "other:1"]);
    assert_eq!(session.tags(), ["other:1"]);
    assert_ne!(id(&session, "other:1"), other);
    session.ok(&["rmi", "other:1"]);
    assert_eq!(session.tags(), [""; 0]);
}

#[test]
fn what_imgtool_writes_beside_them_is_theirs_to_read() {
    if !installed("skopeo") || !installed("umoci") {
        return;
    }
    let session = session();
    let from = archive(&session, "other:1");
    copy(&session, &from, "theirs");
    umoci(&session, &["tag", "--image", &place(&session, "docker.io/library/old:1"), "mine"]);
    session.ok(&["tag", "theirs", "fx/theirs:2"]);
    session.ok(&["rmi", "other:1"]);
    session.load(&pack(&producers::docker_save(&[TestImage::of("third:1", "third")])));
    for name in ["theirs", "mine", "docker.io/fx/theirs:2", "docker.io/library/old:1", "docker.io/library/third:1"] {
        peer::ok(&mut skopeo(&["inspect", &format!("oci:{}", place(&session, name))]));
        umoci(&session, &["stat", "--image", &place(&session, name)]);
    }
    assert!(Path::new(&session.store()).join("imgtool").is_dir());
    umoci(&session, &["gc", "--layout", &session.store().display().to_string()]);
    check(&session, &["fx/theirs:2", "mine:latest", "old:1", "theirs:latest", "third:1"]);
}
