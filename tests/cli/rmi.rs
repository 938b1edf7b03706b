//! `rmi`: what is untagged, what is deleted, what is refused.

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};

fn store(images: &[TestImage]) -> Session {
    let session = Session::new();
    session.load(&pack(&producers::docker_save(images)));
    session
}

fn blobs(session: &Session) -> usize {
    session.picture().keys().filter(|path| path.starts_with("blobs/sha256/")).count()
}

#[test]
fn by_name_the_last_one_takes_the_image_along() {
    let image = TestImage::sample("fx/a:1").also_tagged("fx/a:2");
    let session = store(std::slice::from_ref(&image));
    assert_eq!(session.ok(&["rmi", "fx/a:2"]), "Untagged: fx/a:2\n");
    assert_eq!(session.tags(), ["fx/a:1"]);
    let chain = image.chain_ids();
    assert_eq!(
        session.ok(&["image", "rm", "fx/a:1"]),
        format!("Untagged: fx/a:1\nDeleted: {}\nDeleted: {}\nDeleted: {}\n", image.id(), chain[1], chain[0]),
        "the image, then the chain ID of each layer from the top"
    );
    assert_eq!(session.ids(), [""; 0]);
    assert_eq!(blobs(&session), 0, "nothing is left");
}

#[test]
fn layers_that_others_use_stay() {
    let base = TestImage::of("fx/base:1", "base");
    let child =
        TestImage { tags: vec!["fx/child:1".into()], ..base.clone() }.layer("more", &[Member::file("more", "more")]);
    let session = store(&[base.clone(), child.clone()]);
    assert_eq!(
        session.ok(&["rmi", "fx/child:1"]),
        format!("Untagged: fx/child:1\nDeleted: {}\nDeleted: {}\n", child.id(), child.chain_ids()[1])
    );
    session.ok(&["save", "-o", "base.tar", "fx/base:1"]);
    let session = store(&[base.clone(), child.clone()]);
    assert_eq!(
        session.ok(&["rmi", "fx/base:1"]),
        format!("Untagged: fx/base:1\nDeleted: {}\n", base.id()),
        "its only layer is in use"
    );
    session.ok(&["save", "-o", "child.tar", "fx/child:1"]);
    assert_eq!(session.ids(), [child.id()]);
}

#[test]
fn by_id() {
    let image = TestImage::of("fx/a:1", "a");
    for id in [image.id(), image.short()] {
        let session = store(std::slice::from_ref(&image));
        let chain = &image.chain_ids()[0];
        assert_eq!(session.ok(&["rmi", &id]), format!("Untagged: fx/a:1\nDeleted: {}\nDeleted: {chain}\n", image.id()));
    }
    let named_twice = image.clone().also_tagged("other/a:1");
    let session = store(std::slice::from_ref(&named_twice));
    let before = session.picture();
    session.run(&["rmi", &image.short()]).fails(
        1,
        &[&format!(
            "conflict: unable to delete {} (must be forced) - image is referenced in multiple repositories",
            image.short()
        )],
    );
    assert_eq!(session.picture(), before);
    assert_eq!(
        session.ok(&["rmi", "-f", &image.short()]),
        format!("Untagged: fx/a:1\nUntagged: other/a:1\nDeleted: {}\nDeleted: {}\n", image.id(), image.chain_ids()[0])
    );
}

#[test]
fn all_arguments_are_tried() {
    let (a, b) = (TestImage::of("fx/a:1", "a"), TestImage::of("fx/b:1", "b"));
    let session = store(&[a, b]);
    let answer = session.run(&["rmi", "fx/a:1", "rsch/none", "fx/b:1"]);
    answer.fails(1, &["No such image: rsch/none:latest"]);
    assert!(
        answer.out().contains("Untagged: fx/a:1\n") && answer.out().contains("Untagged: fx/b:1\n"),
        "{}",
        answer.out()
    );
    let forced = session.run(&["rmi", "-f", "rsch/none"]);
    assert_eq!(forced.code, 0, "forced, what is not there is no failure");
    assert!(forced.stderr.contains("No such image: rsch/none:latest"), "{}", forced.stderr);
}

#[test]
fn an_image_of_several_platforms_goes_whole() {
    let image = TestImage::of("fx/a:1", "a");
    let session = Session::new();
    session.load(&pack(&producers::docker_containerd(&image)));
    session.ok(&["rmi", "fx/a:1"]);
    assert_eq!(session.ids(), [""; 0]);
    assert_eq!(blobs(&session), 0, "{:?}", session.picture());
}

#[test]
fn it_can_be_loaded_again() {
    let image = TestImage::sample("fx/a:1");
    let session = store(std::slice::from_ref(&image));
    let before = session.picture();
    session.ok(&["rmi", "fx/a:1"]);
    session.load(&pack(&producers::docker_save(&[image])));
    assert_eq!(session.picture(), before);
}

#[test]
fn a_dry_run_says_what_would_be_done() {
    let images =
        || [TestImage::sample("fx/a:1").also_tagged("fx/a:2").also_tagged("fx/c:1"), TestImage::of("fx/b:1", "b")];
    let id = images()[0].id();
    for args in [
        &["fx/a:1"][..],
        &["fx/a:1", "fx/a:2", "fx/b:1", "fx/c:1"],
        &["--no-prune", "fx/b:1"],
        &["--force", &id],
        &[&id],
        &["fx/b:1", "fx/b:1"],
        &["nosuch", "fx/b:1"],
    ] {
        let session = store(&images());
        let before = session.picture();
        let told = session.run(&[&["rmi", "--dry-run"], args].concat());
        assert_eq!(session.picture(), before, "{args:?}");
        assert_eq!(told.text(), session.run(&[&["rmi"], args].concat()).text(), "{args:?}");
    }
}

#[test]
fn where_no_store_is_none_is_made() {
    let session = Session::new();
    session.run(&["rmi", "nothing"]).fails(1, &["No such image: nothing:latest"]);
    assert_eq!(session.ok(&["image", "prune", "-af"]), "Total reclaimed space: 0B\n");
    assert!(!session.store().exists());
}

#[test]
fn many_go_in_one_step() {
    let images = ["fx/a:1", "fx/b:1", "fx/c:1"].map(|tag| TestImage::of(tag, tag));
    let session = store(&images);
    let ids = images.each_ref().map(TestImage::id);
    let answer = session.run(&["rmi", "fx/a:1", &ids[0], "none", "fx/b:1", &ids[2]]);
    assert_eq!(answer.code, 1);
    assert_eq!(answer.stderr.matches("No such image").count(), 2, "{}", answer.stderr);
    let deleted = |id: &String| answer.out().contains(&format!("Deleted: {id}\n"));
    assert!(ids.iter().all(deleted), "{}", answer.out());
    assert_eq!((session.ids().len(), blobs(&session)), (0, 0));
}
