//! `squash`: some layers become one, and the files are the same.

use crate::remade::{differences, layers, names, random_image, steps};
use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::producers::docker_save;
use crate::support::session::Session;
use crate::support::tarball::pack;

fn image() -> TestImage {
    let first = [
        Item::dir("d").mode(0o700),
        Item::file("d/old", "old"),
        Item::file("d/older", "older"),
        Item::file("gone", "secret"),
        Item::file("kept", "kept"),
    ];
    let second = [Item::whiteout(".wh.gone"), Item::file("new", "1"), Item::whiteout(".wh.nothing")];
    let third = [Item::file("new", "2"), Item::hardlink("other", "new")];
    let fourth = [Item::dir("d").mode(0o711), Item::whiteout("d/.wh..wh..opq"), Item::file("d/young", "young")];
    TestImage::new(&["fx/a:1"])
        .raw_layer("ADD first", layer(&first))
        .raw_layer("RUN second", layer(&second))
        .step("CMD x")
        .raw_layer("RUN third", layer(&third))
        .raw_layer("RUN fourth", layer(&fourth))
}

fn session() -> Session {
    let session = Session::new();
    session.load(&pack(&docker_save(&[image()])));
    session
}

#[test]
fn all_layers_become_one_without_what_is_gone() {
    let session = session();
    session.ok(&["squash", "fx/a:1", "fx/b:1"]);
    let layers = layers(&session, "fx/b:1");
    assert_eq!(layers.len(), 1);
    assert_eq!(names(&layers[0]), ["d/", "kept", "new", "d/young", "other"]);
    assert_eq!(differences(&session, "fx/a:1", "fx/b:1"), Vec::<String>::new());
    let id = image().id();
    let steps = steps(&session, "fx/b:1");
    assert_eq!(steps[0], ("imgtool squash".to_owned(), format!("create new from {id}")));
    let commands: Vec<&str> = steps[1..].iter().map(|(command, _)| command.as_str()).collect();
    assert_eq!(commands, ["RUN fourth", "RUN third", "CMD x", "RUN second", "ADD first"]);
}

#[test]
fn lower_layers_stay_and_what_is_hidden_in_them_stays_hidden() {
    let session = session();
    let before = layers(&session, "fx/a:1");
    session.ok(&["squash", "--from", "2", "fx/a:1", "fx/b:1"]);
    let after = layers(&session, "fx/b:1");
    assert_eq!((after.len(), &after[0]), (2, &before[0]));
    assert_eq!(names(&after[1]), [".wh.gone", "d/", "d/.wh..wh..opq", "new", "d/young", "other"]);
    assert_eq!(differences(&session, "fx/a:1", "fx/b:1"), Vec::<String>::new());
    let diff_id = &image().diff_ids()[0];
    assert!(steps(&session, "fx/b:1")[0].1.ends_with(&format!("to layer 1 ({diff_id})")));
    session.ok(&["squash", "--from", diff_id, "fx/a:1", "fx/c:1"]);
    assert_eq!(layers(&session, "fx/c:1").len(), 1);
    session.run(&["squash", "--from", "5", "fx/a:1", "fx/d:1"]).fails(1, &["fx/a:1 has no layer 5"]);
}

#[test]
fn a_link_to_a_file_of_a_lower_layer_is_one_file_with_it() {
    let session = Session::new();
    let image = TestImage::new(&["fx/a:1"])
        .raw_layer("one", layer(&[Item::file("a", "content"), Item::file("x", "x")]))
        .raw_layer("two", layer(&[Item::hardlink("b", "a")]))
        .raw_layer("three", layer(&[Item::whiteout(".wh.x")]));
    session.load(&pack(&docker_save(&[image])));
    session.ok(&["squash", "--from", "2", "fx/a:1", "fx/b:1"]);
    assert_eq!(differences(&session, "fx/a:1", "fx/b:1"), Vec::<String>::new());
    assert_eq!(names(&layers(&session, "fx/b:1")[1]), [".wh.x", "a", "b"]);
}

#[test]
fn the_same_bytes_each_time_from_any_place() {
    let session = session();
    let squash = |from: &str, name: &str| session.ok(&["squash", "--from", "2", "--created", "7", from, name]);
    session.ok(&["save", "-o", "a.tar", "fx/a:1"]);
    let id = squash("fx/a:1", "fx/b:1");
    assert_eq!(squash("./a.tar", "fx/c:1"), id);
    session.ok(&["save", "--format", "oci", "--compress", "gzip", "-o", "oci.tar", "fx/a:1"]);
    assert_eq!(squash("oci-archive:oci.tar", "fx/d:1"), id);
}

#[test]
fn a_history_that_names_no_layers_is_filled_up() {
    let session = Session::new();
    let image = image().with("history", serde_json::json!([]));
    session.load(&pack(&docker_save(&[image])));
    session.ok(&["squash", "--from", "4", "fx/a:1", "fx/b:1"]);
    assert_eq!(steps(&session, "fx/b:1").len(), 5);
    session.ok(&["verify", "fx/b:1"]);
}

/// For any layers, squashed from any of them on, nothing of the file system changes.
#[test]
fn any_layers_squashed_from_any_are_the_same_files() {
    let session = Session::new();
    for seed in 1..=10 {
        let image = random_image(&format!("fx/random:{seed}"), seed, 4);
        session.load(&pack(&docker_save(&[image])));
        let name = format!("fx/random:{seed}");
        let from = (seed % 4 + 1).to_string();
        session.ok(&["squash", "--from", &from, &name, "fx/squashed"]);
        let differences = differences(&session, &name, "fx/squashed");
        assert_eq!(differences, Vec::<String>::new(), "seed {seed}, from {from}");
    }
}

#[test]
fn many_layers_become_one() {
    let many = (0..200).fold(TestImage::new(&["fx/many:1"]), |image, number| {
        let name = if number % 2 == 0 { "file".to_owned() } else { format!("d{number}/.wh.x") };
        let item = if number % 2 == 0 { Item::file(&name, number.to_string()) } else { Item::whiteout(&name) };
        image.raw_layer("ADD", layer(&[item]))
    });
    let session = Session::new();
    session.load(&pack(&docker_save(&[many])));
    session.ok(&["squash", "fx/many:1", "fx/one:1"]);
    assert_eq!(differences(&session, "fx/many:1", "fx/one:1"), Vec::<String>::new());
    assert_eq!(layers(&session, "fx/one:1").len(), 1);
}
