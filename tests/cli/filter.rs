//! `--filter` of `images` and `image prune`: docker's keys.

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::pack;
use serde_json::json;

fn store() -> Session {
    let session = Session::new();
    let image = |name: &str, created: &str, label: &str| {
        TestImage::of(name, name).with("created", json!(created)).with("config", json!({"Labels": {"tier": label}}))
    };
    let images = [
        image("fx/old:1", "2020-01-01T00:00:00Z", "base"),
        image("fx/mid:1", "2021-01-01T00:00:00Z", "app"),
        image("other/new:2", "2022-01-01T00:00:00Z", "app"),
    ];
    session.load(&pack(&producers::docker_save(&images)));
    session
}

fn listed(session: &Session, filters: &[&str]) -> String {
    let mut line = vec!["images", "--format", "{{.Repository}}:{{.Tag}}"];
    for filter in filters {
        line.extend(["--filter", filter]);
    }
    session.ok(&line).lines().collect::<Vec<_>>().join(" ")
}

#[test]
fn images_that_are_meant() {
    let session = store();
    let cases: &[(&[&str], &str)] = &[
        (&[], "other/new:2 fx/mid:1 fx/old:1"),
        (&["label=tier=app"], "other/new:2 fx/mid:1"),
        (&["label=tier"], "other/new:2 fx/mid:1 fx/old:1"),
        (&["label=none"], ""),
        (&["before=fx/mid:1"], "fx/old:1"),
        (&["since=fx/mid:1"], "other/new:2"),
        (&["until=2021-06-01"], "fx/mid:1 fx/old:1"),
        (&["reference=fx/*"], "fx/mid:1 fx/old:1"),
        (&["reference=fx/old", "reference=*/new:?"], "other/new:2 fx/old:1"),
        (&["label=tier=app", "reference=fx/*"], "fx/mid:1"),
        (&["dangling=false"], "other/new:2 fx/mid:1 fx/old:1"),
        (&["dangling=true"], ""),
    ];
    for (filters, expected) in cases {
        assert_eq!(listed(&session, filters), *expected, "{filters:?}");
    }
    session.run(&["images", "--filter", "bad=1"]).fails(1, &["invalid filter 'bad'"]);
    session.run(&["images", "-f", "since=nosuch"]).fails(1, &["No such image: nosuch:latest"]);
}

#[test]
fn prune_removes_what_is_meant() {
    let session = store();
    session.ok(&["image", "prune", "-f", "--filter", "until=2021-06-01"]);
    assert_eq!(listed(&session, &[]), "other/new:2 fx/mid:1 fx/old:1", "named images stay without --all");
    session.ok(&["image", "prune", "-a", "-f", "--filter", "label!=tier=app"]);
    assert_eq!(listed(&session, &[]), "other/new:2 fx/mid:1");
    session.ok(&["image", "prune", "-a", "-f", "--filter", "until=2021-06-01"]);
    assert_eq!(listed(&session, &[]), "other/new:2");
}
