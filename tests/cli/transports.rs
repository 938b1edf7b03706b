//! Images that are in no store: archives and layouts as arguments, with skopeo's names or as paths.

use serde_json::json;

use crate::support::image::TestImage;
use crate::support::oci::PLAIN_MARK;
use crate::support::packing::Packing;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::pack;

/// A working folder with two images in every kind of place, and no store.
fn places() -> (Session, TestImage, TestImage) {
    let (a, b) = (TestImage::sample("fx/a:1"), TestImage::of("fx/b:1", "b"));
    let images = [a.clone(), b.clone()];
    let session = Session::new();
    session.write("two.tar", pack(&producers::docker_save(&images)));
    session.write("one.tar", pack(&producers::podman(std::slice::from_ref(&a))));
    session.write("one.tar.zst", Packing::Zstd.apply(&pack(&producers::crane(std::slice::from_ref(&a)))));
    let layout = producers::skopeo_layout(&images, &[Packing::Gzip]);
    session.write("oci.tar", pack(&layout.members(PLAIN_MARK)));
    layout.write(&session.work().join("layout"));
    (session, a, b)
}

#[test]
fn history_and_inspect_of_every_place() {
    let (session, a, b) = places();
    for (place, image) in [
        ("./one.tar", &a),
        ("one.tar.zst", &a),
        ("docker-archive:one.tar", &a),
        ("docker-archive:one.tar.zst", &a),
        ("docker-archive:two.tar:fx/b:1", &b),
        ("docker-archive:two.tar:docker.io/fx/b:1", &b),
        ("docker-archive:two.tar:@0", &a),
        ("docker-archive:two.tar:@1", &b),
        ("oci-archive:oci.tar:docker.io/fx/b:1", &b),
        ("oci-archive:oci.tar:fx/a:1", &a),
        ("oci:layout:docker.io/fx/b:1", &b),
        ("oci:layout:fx/a:1", &a),
    ] {
        let place = if place == "one.tar.zst" { "./one.tar.zst" } else { place };
        assert_eq!(session.inspect(place)["Id"], json!(image.id()), "{place}");
        assert_eq!(session.history(place).len(), image.config["history"].as_array().map_or(0, Vec::len), "{place}");
    }
    let absolute = session.work().join("one.tar");
    assert_eq!(session.inspect(&absolute.display().to_string())["Id"], json!(a.id()));
    assert!(!session.store().exists(), "looking makes no store");
}

#[test]
fn a_place_with_several_images_must_be_told_which() {
    let (session, ..) = places();
    for place in ["./two.tar", "docker-archive:two.tar", "oci-archive:oci.tar", "oci:layout"] {
        let answer = session.run(&["history", place]);
        answer.fails(1, &["fx/a:1", "fx/b:1"]);
    }
    for (place, piece) in [
        ("docker-archive:two.tar:fx/c:1", "fx/c:1"),
        ("docker-archive:two.tar:@2", "@2"),
        ("docker-archive:nofile.tar", "no such file or directory"),
        ("./nofile.tar", "no such file or directory"),
        ("oci:layout:fx/c:1", "fx/c:1"),
        ("oci:nodir", "no such file or directory"),
    ] {
        session.run(&["inspect", place]).fails(1, &[piece]);
    }
}

#[test]
fn save_converts_without_a_store() {
    let (session, a, b) = places();
    session.ok(&["save", "-o", "converted.tar", "./one.tar"]);
    session.ok(&["save", "-o", "both.tar", "docker-archive:two.tar:fx/b:1", "oci:layout:fx/a:1"]);
    session.ok(&["save", "--format", "oci", "-o", "as-oci.tar", "./one.tar"]);
    assert!(!session.store().exists(), "converting makes no store");
    let mut both = [a.id(), b.id()];
    both.sort();
    for (file, ids) in [("converted.tar", &[a.id()][..]), ("both.tar", &both), ("as-oci.tar", &[a.id()])] {
        let other = Session::new();
        other.load(&session.read(file));
        assert_eq!(other.ids(), ids, "{file}");
    }
    // What is loaded and saved, and what is converted, is the same archive.
    let other = Session::new();
    other.load(&session.read("one.tar"));
    other.ok(&["save", "-o", "saved.tar", "fx/a:1"]);
    assert_eq!(
        crate::support::digest(&other.read("saved.tar")),
        crate::support::digest(&session.read("converted.tar"))
    );
}

#[test]
fn a_name_is_no_path() {
    let (session, a, _) = places();
    session.ok(&["load", "-i", "one.tar"]);
    std::fs::create_dir(session.work().join("fx")).expect("a folder");
    session.write("fx/a:1", "a file of the same name as the image");
    assert_eq!(session.inspect("fx/a:1")["Id"], json!(a.id()));
    session.run(&["inspect", "one"]).fails(1, &["one"]);
}

#[test]
fn a_damaged_archive_is_not_shown_as_whole() {
    let (session, a, _) = places();
    let mut tar = session.read("one.tar");
    let config = a.config_bytes();
    let at =
        tar.windows(config.len()).position(|window| window == config).expect("the configuration is in the archive");
    tar[at + 20] ^= 1;
    session.write("damaged.tar", tar);
    session.run(&["inspect", "./damaged.tar"]).fails(1, &[]);
    session.run(&["save", "-o", "out.tar", "./damaged.tar"]).fails(1, &[]);
    assert!(!session.work().join("out.tar").exists());
}
