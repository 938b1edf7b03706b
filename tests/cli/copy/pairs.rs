//! Each place as a source, each as a destination.

use super::{Places, last, two_platforms};
use crate::support::session::Session;

#[test]
fn from_every_place_to_every_other() {
    let places = Places::new();
    let session = &places.session;
    for (number, (from, digest)) in places.sources().into_iter().enumerate() {
        for (to, shown, keeps) in [
            (format!("copied:{number}"), format!("copied:{number}"), true),
            (format!("docker-archive:d{number}.tar"), format!("docker-archive:d{number}.tar"), false),
            (
                format!("docker-archive:d{number}.tar:re/named:2"),
                format!("docker-archive:d{number}.tar:re/named:2"),
                false,
            ),
            (format!("oci-archive:o{number}.tar"), format!("oci-archive:o{number}.tar"), true),
            (format!("oci-archive:o{number}.tar:re/named:2"), format!("oci-archive:o{number}.tar:re/named:2"), true),
            (format!("oci:layout{number}"), format!("oci:layout{number}"), true),
            (format!("oci:layout{number}:v2"), format!("oci:layout{number}:v2"), true),
        ] {
            let said = session.ok(&["copy", &from, &to]);
            let (written, place) = last(&said);
            assert!(place.starts_with(&shown), "{from} to {to}: {said}");
            if let Some(digest) = digest.as_ref().filter(|_| keeps) {
                assert_eq!(written, *digest, "{from} to {to}: the manifest is what it was");
            }
            assert!(
                said.starts_with(&format!("Copying {}", from.split(":team/").next().unwrap_or_default())),
                "{said}"
            );
            places.check(&place);
        }
    }
    assert_eq!(places.registry.count("PUT", "/") + places.registry.count("POST", "/"), 0, "a source is only read");
}

#[test]
fn a_second_copy_into_the_store_fetches_nothing() {
    let places = Places::new();
    let from = format!("docker://{}", places.registry.name("team/app:1"));
    let session = Session::new();
    session.ok(&["copy", &from, "demo:1"]);
    let sent = places.registry.sent();
    let said = session.ok(&["copy", &from, "demo:1"]);
    assert!(said.starts_with("Image is up to date for demo:1\n"), "{said}");
    assert_eq!(session.ok(&["copy", "-q", &from, "demo:1"]), "");
    // Another name for what is there.
    session.ok(&["copy", &from, "demo:2"]);
    session.ok(&["copy", "demo:2", "demo:3"]);
    assert_eq!(places.registry.sent(), sent, "no byte of a blob came again");
    assert_eq!(session.tags(), ["demo:1", "demo:2", "demo:3"]);
    assert_eq!(session.ids(), [places.image.id()]);
}

#[test]
fn one_platform_or_all_of_them() {
    let session = Session::new();
    let (index, manifests) = two_platforms(&session);
    let copied =
        |flags: &[&str], to: &str| last(&session.ok(&[&["copy"][..], flags, &["oci:both:both", to]].concat())).0;
    for (at, to) in ["store:1", "oci:out:v1", "oci-archive:out.tar"].into_iter().enumerate() {
        assert_eq!(copied(&["--platform", "linux/s390x"], to), manifests[1], "{to}");
        assert_eq!(session.inspect(to)["Architecture"], "s390x", "{to}");
        assert_eq!(copied(&["--platform", "linux/amd64"], to), manifests[0], "{to}");
        assert_eq!(copied(&["--all"], to), index, "{to}");
        assert_eq!(session.inspect(to)["Architecture"], "amd64", "{to}");
        let other = format!("other{at}.tar");
        session.ok(&["save", "--platform", "linux/s390x", "-o", &other, to]);
    }
    // What is in the layout is the index, byte for byte.
    let name = index.strip_prefix("sha256:").expect("a digest");
    let path = |layout: &str| format!("{layout}/blobs/sha256/{name}");
    assert_eq!(session.read(&path("out")), session.read(&path("both")));
    session
        .run(&["copy", "--platform", "linux/arm64", "oci:both:both", "x:1"])
        .fails(1, &["linux/arm64", "linux/s390x"]);
    session.run(&["copy", "--all", "--platform", "linux/arm64", "oci:both:both", "x:1"]).fails(125, &["--platform"]);
}

#[test]
fn several_into_one_archive_and_out_of_it() {
    let places = Places::new();
    let session = &places.session;
    for tag in ["2", "old"] {
        session.ok(&["tag", "team/app:1", &format!("team/app:{tag}")]);
    }
    let lines = |said: String| said.lines().filter(|line| line.starts_with("sha256:")).count();
    assert_eq!(lines(session.ok(&["copy", "--all-tags", "team/app", "oci-archive:all.tar"])), 3);
    assert_eq!(lines(session.ok(&["copy", "team/app:1", "team/app:old", "docker-archive:some.tar"])), 2);
    let carried = Session::new();
    carried.write("all.tar", session.read("all.tar"));
    carried.write("some.tar", session.read("some.tar"));
    assert_eq!(lines(carried.ok(&["copy", "--all-tags", "oci-archive:all.tar", "mirror/"])), 3);
    assert_eq!(carried.tags(), ["mirror/app:1", "mirror/app:2", "mirror/app:old"]);
    carried.ok(&["copy", "docker-archive:some.tar:team/app:1", "docker-archive:some.tar:team/app:old", "more/deep/"]);
    assert_eq!(carried.tags()[3..], ["more/deep/app:1", "more/deep/app:old"]);
    carried.ok(&["copy", "-a", "docker-archive:some.tar", "same"]);
    assert_eq!(carried.tags()[5..], ["same:1", "same:old"]);
}
