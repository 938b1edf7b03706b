//! podman's view of an image's files, and podman with what imgtool commits.

use crate::entries::{Known, assert_same, of_tar};
use crate::export::rich;
use crate::peer::{self, podman, podman_works};
use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::pack;

const WHOLE_SECONDS: Known = ("times/fraction", "time", "podman writes whole seconds into what it exports");

fn run(session: &Session, name: &str, args: &[&str]) -> Vec<u8> {
    let output = peer::run(podman(name, &session.work().join("podman"), args).current_dir(session.work()));
    assert!(output.status.success(), "{name} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// What podman exports of a container that never ran.
fn exported(session: &Session, image: &str) -> Vec<u8> {
    let id = run(session, "podman", &["create", "--network", "none", "--cgroups", "disabled", image, "/nothing"]);
    run(session, "podman", &["export", String::from_utf8_lossy(&id).trim()])
}

#[test]
fn exports_hold_the_same() {
    if !podman_works() {
        return;
    }
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[rich("fx/rich:1")])));
    run(&session, "podman", &["load", "-q", "-i", "load.tar"]);
    let podman = of_tar(exported(&session, "fx/rich:1").as_slice());
    session.ok(&["export", "-o", "ours.tar", "fx/rich:1"]);
    let ours = of_tar(session.read("ours.tar").as_slice());
    assert_same("export", ("imgtool", &ours), ("podman", &podman), &[WHOLE_SECONDS]);
}

#[test]
fn what_is_committed_is_podman_s_to_load() {
    if !podman_works() {
        return;
    }
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[TestImage::sample("fx/a:1")])));
    session.ok(&["unpack", "fx/a:1", "tree"]);
    session.write("tree/first", "test_first\n");
    std::fs::remove_file(session.work().join("tree/hello")).expect("a file of the image");
    let args = ["-a", "me", "-m", "why", "-c", "CMD [\"/first\"]", "-c", "ENV NEW=1", "-c", "LABEL who=you"];
    let id = session.ok(&[&["commit"][..], &args, &["tree", "fx/new:1"]].concat());
    for format in ["docker", "oci"] {
        session.ok(&["save", "--format", format, "-o", "new.tar", "fx/new:1"]);
        run(&session, "podman", &["load", "-q", "-i", "new.tar"]);
        let facts = "{{.Id}} {{.Author}} {{.Config.Cmd}} {{.Config.Env}} {{.Labels}} {{len .RootFS.Layers}} {{(index .History 3).Comment}}";
        let said = run(&session, "podman", &["image", "inspect", "--format", facts, "fx/new:1"]);
        let hex = id.trim().trim_start_matches("sha256:");
        let expected = format!("{hex} me [/first] [PATH=/bin NEW=1] map[who:you] 3 why\n");
        assert_eq!(String::from_utf8_lossy(&said), expected, "{format}");
        let files = of_tar(exported(&session, "fx/new:1").as_slice());
        assert!(
            files.contains_key("first") && files.contains_key("etc/motd") && !files.contains_key("hello"),
            "{files:#?}"
        );
        run(&session, "podman", &["rmi", "-f", "fx/new:1"]);
    }
}

#[test]
fn buildah_builds_on_what_is_committed() {
    if !podman_works() {
        return;
    }
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[TestImage::sample("fx/a:1")])));
    session.ok(&["unpack", "fx/a:1", "tree"]);
    session.write("tree/first", "test_first\n");
    session.ok(&["commit", "tree", "fx/new:1"]);
    session.ok(&["save", "-o", "new.tar", "fx/new:1"]);
    run(&session, "podman", &["load", "-q", "-i", "new.tar"]);
    session.write("ctx/Dockerfile", "FROM docker.io/fx/new:1\nCOPY second /\n");
    session.write("ctx/second", "second\n");
    run(&session, "buildah", &["bud", "-q", "--isolation", "chroot", "-t", "quay.io/fx/built:1", "ctx"]);
    run(&session, "buildah", &["push", "-q", "quay.io/fx/built:1", "docker-archive:built.tar:quay.io/fx/built:1"]);
    session.ok(&["load", "-q", "-i", "built.tar"]);
    assert_eq!(session.ok(&["diff", "fx/new:1", "quay.io/fx/built:1"]), "A /second\n");
    assert_eq!(session.ok(&["diff", "fx/a:1", "quay.io/fx/built:1"]), "A /first\nA /second\n");
}
