//! `tag`: silent where it works, docker's words where not.

use serde_json::json;

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::pack;

fn store() -> (Session, TestImage, TestImage) {
    let (a, b) = (TestImage::of("fx/a:1", "a"), TestImage::of("fx/b:1", "b"));
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[a.clone(), b.clone()])));
    (session, a, b)
}

#[test]
fn gives_a_name() {
    let (session, a, b) = store();
    for (source, target, shown) in [
        ("fx/a:1", "fx/a:2", "fx/a:2"),
        ("fx/a:1", "plain", "plain:latest"),
        ("docker.io/fx/a:1", "docker.io/library/full:1", "full:1"),
        (a.id().as_str(), "registry.example:5000/x/y", "registry.example:5000/x/y:latest"),
        (&a.short(), "localhost/z:3", "localhost/z:3"),
        (&a.hex()[..4], "fx/prefix:1", "fx/prefix:1"),
    ] {
        let answer = session.run(&["tag", source, target]);
        assert_eq!(answer.text(), "", "{source} {target}");
        assert_eq!(session.inspect(shown)["Id"], json!(a.id()), "{shown}");
        assert!(session.tags().contains(&shown.to_owned()), "{:?}", session.tags());
    }
    // Moving a name is as silent.
    assert_eq!(session.run(&["image", "tag", "fx/b:1", "plain"]).text(), "");
    assert_eq!(session.inspect("plain")["Id"], json!(b.id()));
}

#[test]
fn the_index_has_the_full_name_in_both_annotations() {
    let (session, ..) = store();
    session.ok(&["tag", "fx/a:1", "plain"]);
    let index = session.index();
    let plain = index["manifests"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|entry| entry["annotations"]["io.containerd.image.name"] == "docker.io/library/plain:latest")
        .expect("the name is an entry of index.json");
    assert_eq!(plain["annotations"]["org.opencontainers.image.ref.name"], "docker.io/library/plain:latest");
}

#[test]
fn what_is_wrong_is_said() {
    let (session, ..) = store();
    let before = session.picture();
    for (source, target, piece) in [
        ("rsch/none", "x:1", "No such image: rsch/none:latest"),
        ("fx/a:9", "x:1", "No such image: fx/a:9"),
        ("fx/a:1", "Upper:1", "must be lowercase"),
        ("fx/a:1", "x:", "invalid reference format"),
        (
            "fx/a:1",
            "x@sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "refusing to create a tag with a digest reference",
        ),
        ("fx/a:1", "../x:1", "invalid reference format"),
        ("fx/a:1", "sha256:1", "refusing to create an ambiguous tag using digest algorithm as name"),
    ] {
        let answer = session.run(&["tag", source, target]);
        answer.fails(1, &[piece]);
    }
    assert_eq!(session.picture(), before);
}
