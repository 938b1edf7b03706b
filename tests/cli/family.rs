//! Images that others were committed on: what `rmi`, `image prune` and `images` make of them.

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::pack;

/// A store with `base:1` and a tree that was unpacked from it, on which `child:1`, then `child:2` were committed.
fn store() -> Session {
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[TestImage::of("base:1", "base")])));
    session.ok(&["unpack", "-q", "base:1", "t"]);
    commit(&session, "t", "child:1");
    commit(&session, "t", "child:2");
    session
}

/// Commits a tree that changed; gives the image's ID.
fn commit(session: &Session, tree: &str, name: &str) -> String {
    session.write(&format!("{tree}/{}", name.replace(':', "-")), name);
    session.ok(&["commit", tree, name]).trim().to_owned()
}

fn id(session: &Session, name: &str) -> String {
    session.ok(&["inspect", "-f", "{{.Id}}", name]).trim().to_owned()
}

fn short(id: &str) -> &str {
    &id.trim_start_matches("sha256:")[..12]
}

fn refusal(id: &str) -> String {
    format!("conflict: unable to delete {} (cannot be forced) - image has dependent child images", short(id))
}

#[test]
fn an_id_is_refused_as_long_as_there_are_children() {
    let session = store();
    let (base, one, two) = (id(&session, "base:1"), id(&session, "child:1"), id(&session, "child:2"));
    let before = session.picture();
    for (image, child) in [(&base, "child:1"), (&one, "child:2")] {
        for typed in [image.as_str(), short(image), &short(image)[..8]] {
            for flags in [&[][..], &["-f"], &["--no-prune"], &["-f", "--no-prune"]] {
                let answer = session.run(&[&["rmi"], flags, &[typed]].concat());
                answer.fails(1, &[&refusal(image), &format!("committed on it, and to be removed first: {child}")]);
                assert_eq!(answer.out(), "");
            }
        }
    }
    assert_eq!(session.picture(), before, "no name is lost");
    session.ok(&["rmi", &two]);
    session.ok(&["rmi", &one]);
    session.ok(&["rmi", &base]);
    assert_eq!(session.tags(), [""; 0]);
}

#[test]
fn all_ids_at_once_lose_no_name_of_an_image_that_stays() {
    let session = store();
    session.ok(&["tag", "child:2", "other/child:2"]);
    let listed = session.ok(&["images", "-q"]);
    let ids: Vec<&str> = listed.lines().collect();
    let before = session.tags();
    let answer = session.run(&[&["rmi"], &ids[..]].concat());
    assert_eq!(answer.code, 1);
    assert_eq!(session.tags(), before, "{}", answer.text());
    // Without a second name all go, the newest first.
    session.ok(&["rmi", "other/child:2"]);
    let ids = ["child:2", "child:1", "base:1"].map(|name| id(&session, name));
    session.ok(&["rmi", &ids[0], &ids[1], &ids[2]]);
    assert_eq!(session.ok(&["images", "-aq"]), "");
}

#[test]
fn a_name_goes_and_its_image_waits_for_its_children() {
    let session = store();
    let (base, one, two) = (id(&session, "base:1"), id(&session, "child:1"), id(&session, "child:2"));
    assert_eq!(session.ok(&["rmi", "base:1"]), "Untagged: base:1\n");
    assert_eq!(session.ok(&["rmi", "-f", "child:1"]), "Untagged: child:1\n");
    assert_eq!(session.tags(), ["child:2"]);
    for filters in [&["images", "-q", "-f", "dangling=true"][..], &["images", "-a", "-q", "-f", "dangling=true"]] {
        assert_eq!(session.ok(filters), "", "what others were committed on is not dangling");
    }
    assert_eq!(session.ok(&["images", "-aq", "--no-trunc"]).lines().count(), 3);
    assert!(!session.ok(&["image", "prune", "-f"]).contains("deleted"), "it is in use");
    for image in [&base, &one] {
        session.run(&["rmi", "-f", image]).fails(1, &[&refusal(image)]);
    }
    let gone = session.ok(&["rmi", "child:2"]);
    let order: Vec<&str> =
        gone.lines().filter(|line| [&base, &one, &two].iter().any(|id| line.contains(*id))).collect();
    assert_eq!(order, [&two, &one, &base].map(|id| format!("Deleted: {id}")), "the parents go along");
    assert_eq!(session.ok(&["images", "-aq"]), "");
}

#[test]
fn what_went_with_another_is_no_failure() {
    for order in [[0, 1], [1, 0]] {
        let session = store();
        let ids = [id(&session, "child:2"), id(&session, "child:1")];
        session.ok(&["rmi", "child:1"]);
        let answer = session.run(&["rmi", &ids[order[0]], short(&ids[order[1]])]);
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{}", answer.text());
        assert_eq!(session.tags(), ["base:1"]);
        session.run(&["rmi", &ids[1]]).fails(1, &["No such image"]);
    }
    let session = store();
    let two = id(&session, "child:2");
    session.run(&["rmi", &two, &two]).fails(1, &["No such image"]);
}

#[test]
fn one_prune_leaves_nothing_to_prune() {
    let session = store();
    session.ok(&["rmi", "base:1", "child:1"]);
    session.ok(&["rmi", "--no-prune", "child:2"]);
    session.ok(&["image", "prune", "-f"]);
    assert_eq!(session.ok(&["images", "-aq"]), "");
    assert_eq!(session.ok(&["image", "prune", "-f"]), "Total reclaimed space: 0B\n");

    // A name that moves leaves a family without names.
    let session = store();
    session.ok(&["rmi", "base:1", "child:1"]);
    session.load(&pack(&producers::docker_save(&[TestImage::of("child:2", "another")])));
    let pruned = session.ok(&["image", "prune", "-f"]);
    assert_eq!(pruned.matches("deleted: ").count(), 6, "three images, three layers: {pruned}");
    assert_eq!(session.ok(&["image", "prune", "-f"]), "Total reclaimed space: 0B\n");
    assert_eq!(session.tags(), ["child:2"]);
}

#[test]
fn siblings_and_filters() {
    let session = store();
    session.ok(&["unpack", "-q", "base:1", "s"]);
    commit(&session, "s", "sibling:1");
    let base = id(&session, "base:1");
    session.run(&["rmi", &base]).fails(1, &["removed first: child:1, sibling:1"]);
    session.ok(&["rmi", "base:1", "child:1", "child:2"]);
    assert_eq!(session.ok(&["images", "-aq", "--no-trunc"]).lines().count(), 2, "the sibling holds its parent");
    session.run(&["rmi", &base]).fails(1, &["removed first: sibling:1"]);
    // The parent has not what the filter wants, but goes with its last child.
    session.ok(&["image", "prune", "-af", "--filter", "label=nothing"]);
    assert_eq!(session.tags(), ["sibling:1"]);
    session.ok(&["image", "prune", "-af", "--filter", "reference=sib*"]);
    assert_eq!(session.ok(&["images", "-aq"]), "");
}

#[test]
fn a_filter_of_names_takes_only_those_names() {
    let session = store();
    session.ok(&["tag", "child:2", "keep/child:2"]);
    let pruned = session.ok(&["image", "prune", "-af", "--filter", "reference=child"]);
    assert!(!pruned.contains("keep/child:2") && !pruned.contains("deleted: "), "{pruned}");
    assert_eq!(session.tags(), ["base:1", "keep/child:2"]);
}

#[test]
fn an_image_that_is_loaded_again_keeps_its_parent() {
    let session = store();
    session.ok(&["save", "-o", "child.tar", "child:1"]);
    session.ok(&["load", "-q", "-i", "child.tar", "--tag", "child:1=again:1"]);
    session.ok(&["rmi", "child:2"]);
    session.ok(&["rmi", "child:1"]);
    let base = id(&session, "base:1");
    session.run(&["rmi", &base]).fails(1, &["removed first: again:1"]);
    session.ok(&["rmi", "base:1"]);
    session.ok(&["rmi", "again:1"]);
    assert_eq!(session.ok(&["images", "-aq"]), "");
}

#[test]
fn links_in_a_circle_hold_nothing() {
    let session = Session::new();
    let images = ["a:1", "b:1"].map(|tag| TestImage::of(tag, tag));
    session.load(&pack(&producers::docker_save(&images)));
    let mut index = session.index();
    let digests = [0, 1].map(|place| index["manifests"][place]["digest"].clone());
    for place in [0, 1] {
        let entry = &mut index["manifests"][place];
        *entry = serde_json::json!({
            "mediaType": entry["mediaType"], "digest": entry["digest"], "size": entry["size"],
            "annotations": {"org.imgtool.parent": digests[1 - place]}
        });
    }
    std::fs::write(session.store().join("index.json"), index.to_string()).expect("a writable store");
    session.ok(&["image", "prune", "-f"]);
    assert_eq!(session.ok(&["images", "-aq"]), "");
}
