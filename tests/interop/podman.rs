//! podman and buildah: they load what imgtool saves, and imgtool loads what they save.

use std::path::Path;

use crate::peer::{self, podman, podman_works};
use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::pack;

const DOCKERFILE: &str = "FROM scratch\nLABEL a=\"<b>&c\"\nCOPY file /x/\nENV A=b\nCOPY more /x/\nCMD [\"/x/file\"]\n";

/// podman's state and a working folder for one test.
struct Podman {
    session: Session,
}

impl Podman {
    fn new() -> Self {
        Self { session: Session::new() }
    }

    fn state(&self) -> std::path::PathBuf {
        self.session.work().join("podman")
    }

    fn ok(&self, name: &str, args: &[&str]) -> String {
        peer::ok(podman(name, &self.state(), args).current_dir(self.session.work()))
    }

    /// The IDs of all images, sorted.
    fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> =
            self.ok("podman", &["images", "-q", "--no-trunc"]).lines().map(ToOwned::to_owned).collect();
        ids.sort();
        ids.dedup();
        ids
    }
}

#[test]
fn podman_loads_what_save_writes() {
    if !podman_works() {
        return;
    }
    let images = [TestImage::sample("fx/a:1"), TestImage::of("quay.io/x/b:2", "b")];
    let store = Session::new();
    store.load(&pack(&producers::docker_save(&images)));
    for flags in [
        &[][..],
        &["--format", "docker"],
        &["--format", "docker-legacy"],
        &["--format", "oci"],
        &["--compress", "gzip"],
        &["--compress", "zstd"],
    ] {
        for image in &images {
            let peer = Podman::new();
            let args: Vec<&str> =
                ["save", "-o", "x.tar"].iter().chain(flags).copied().chain([image.tags[0].as_str()]).collect();
            store.ok(&args);
            peer.session.write("x.tar", store.read("x.tar"));
            peer.ok("podman", &["load", "-q", "-i", "x.tar"]);
            assert_eq!(peer.ids(), [image.id()], "{flags:?}");
            let names = peer.ok("podman", &["images", "--format", "{{.Repository}}:{{.Tag}}"]);
            assert!(names.trim().ends_with(&image.tags[0]), "{flags:?}: {names}");
        }
    }
}

#[test]
fn podman_loads_an_image_that_is_known_by_digest() {
    if !podman_works() {
        return;
    }
    let image = TestImage::sample("fx/a:1");
    let (archive, name) = producers::known_by_digest(&image, "quay.io/x/y");
    let store = Session::new();
    store.load(&pack(&archive));
    for format in ["docker", "docker-legacy", "oci"] {
        let peer = Podman::new();
        store.ok(&["save", "--format", format, "-o", "x.tar", &name]);
        peer.session.write("x.tar", store.read("x.tar"));
        peer.ok("podman", &["load", "-q", "-i", "x.tar"]);
        assert_eq!(peer.ids(), [image.id()], "{format}");
    }
}

#[test]
fn what_podman_and_buildah_write_loads() {
    if !podman_works() {
        return;
    }
    let peer = Podman::new();
    peer.session.write("ctx/Dockerfile", DOCKERFILE);
    peer.session.write("ctx/file", "a file\n");
    peer.session.write("ctx/more", "more\n");
    peer.ok("buildah", &["bud", "-q", "--isolation", "chroot", "-t", "quay.io/fx/built:1", "ctx"]);
    for (name, args) in [
        ("podman", &["save", "-q", "--format", "docker-archive", "-o", "a.tar", "quay.io/fx/built:1"][..]),
        ("podman", &["save", "-q", "--format", "oci-archive", "-o", "a.tar", "quay.io/fx/built:1"]),
        ("buildah", &["push", "-q", "quay.io/fx/built:1", "docker-archive:a.tar:quay.io/fx/built:1"]),
        ("buildah", &["push", "-q", "quay.io/fx/built:1", "oci-archive:a.tar:quay.io/fx/built:1"]),
        (
            "buildah",
            &[
                "push",
                "-q",
                "--disable-compression=false",
                "quay.io/fx/built:1",
                "oci-archive:a.tar:quay.io/fx/built:1",
            ],
        ),
    ] {
        remove(&peer.session.work().join("a.tar"));
        peer.ok(name, args);
        let archive = peer.session.read("a.tar");
        let store = Session::new();
        assert_eq!(store.load(&archive), "Loaded image: quay.io/fx/built:1\n", "{name} {args:?}");
        let built = store.inspect("quay.io/fx/built:1");
        assert_eq!(built["Config"]["Labels"]["a"], "<b>&c", "{name} {args:?}");
        // And back: podman finds in what imgtool saves the image that it wrote, whichever of its two it was.
        store.ok(&["save", "-o", "back.tar", "quay.io/fx/built:1"]);
        let other = Podman::new();
        other.session.write("back.tar", store.read("back.tar"));
        other.session.write("a.tar", &archive);
        other.ok("podman", &["load", "-q", "-i", "back.tar"]);
        assert_eq!(format_ids(&other.ids()), [built["Id"].as_str().expect("an ID")], "{name} {args:?}");
    }
}

#[test]
fn several_images_in_one_archive_of_podman() {
    if !podman_works() {
        return;
    }
    let peer = Podman::new();
    for (n, text) in ["one", "two"].iter().enumerate() {
        peer.session.write("ctx/Dockerfile", format!("FROM scratch\nCOPY file /{text}\n"));
        peer.session.write("ctx/file", text);
        peer.ok("buildah", &["bud", "-q", "--isolation", "chroot", "-t", &format!("quay.io/fx/multi:{n}"), "ctx"]);
    }
    peer.ok("podman", &["save", "-q", "-m", "-o", "two.tar", "quay.io/fx/multi:0", "quay.io/fx/multi:1"]);
    let store = Session::new();
    store.load(&peer.session.read("two.tar"));
    assert_eq!(store.tags(), ["quay.io/fx/multi:0", "quay.io/fx/multi:1"]);
    assert_eq!(store.ids().len(), 2);
}

fn format_ids(ids: &[String]) -> Vec<String> {
    ids.iter().map(|id| if id.starts_with("sha256:") { id.clone() } else { format!("sha256:{id}") }).collect()
}

fn remove(path: &Path) {
    if path.exists() {
        std::fs::remove_file(path).expect("a file of ours");
    }
}
