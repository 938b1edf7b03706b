//! `append`: tars and directories become layers on top.

use std::fs;
use std::io::Write as _;

use serde_json::json;

use crate::remade::{layers, names, steps};
use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::producers::docker_save;
use crate::support::session::Session;
use crate::support::tarball::pack;

fn session() -> Session {
    let session = Session::new();
    session.load(&pack(&docker_save(&[TestImage::sample("fx/a:1")])));
    session
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn tars_and_directories_become_layers() {
    let session = session();
    let tar = layer(&[Item::file("x", "x"), Item::whiteout(".wh.hello"), Item::hardlink("y", "etc/motd")]);
    session.write("one.tar", &tar);
    session.write("two.tar.gz", gzip(&layer(&[Item::file("z", "z")])));
    session.write("tree/d/file", "content");
    let answer = session.run_with(
        &layer(&[Item::file("piped", "p")]),
        &["append", "--created", "5", "fx/a:1", "fx/b:1", "one.tar", "two.tar.gz", "tree", "-"],
    );
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let after = layers(&session, "fx/b:1");
    assert_eq!(after[..2], layers(&session, "fx/a:1"));
    assert_eq!(after[2], tar, "byte for byte");
    assert_eq!(
        (names(&after[4]), names(&after[5])),
        (vec!["d/".to_owned(), "d/file".to_owned()], vec!["piped".to_owned()])
    );
    let commands: Vec<String> = steps(&session, "fx/b:1").into_iter().map(|(command, _)| command).take(4).collect();
    assert_eq!(
        commands,
        ["imgtool append -", "imgtool append tree", "imgtool append two.tar.gz", "imgtool append one.tar"]
    );
    let listed = session.ok(&["ls", "-a", "fx/b:1"]);
    assert!(!listed.contains("hello") && listed.contains('x') && listed.contains("piped"), "{listed}");
    assert_eq!(session.inspect("fx/b:1")["Config"]["Cmd"], session.inspect("fx/a:1")["Config"]["Cmd"]);
}

#[test]
fn scratch_is_an_image_without_layers() {
    let session = Session::new();
    session.write("tree/bin/app", "program");
    session.ok(&["append", "--platform", "linux/arm64", "--created", "0", "scratch", "fx/b:1", "tree"]);
    let image = session.inspect("fx/b:1");
    assert_eq!((&image["Architecture"], &image["Created"]), (&json!("arm64"), &json!("1970-01-01T00:00:00Z")));
    assert_eq!(steps(&session, "fx/b:1").len(), 1);
    assert_eq!(session.ok(&["cat", "fx/b:1", "/bin/app"]), "program");
}

#[test]
fn the_same_directory_gives_the_same_image_whenever_it_was_written() {
    let session = session();
    let append = |name: &str| {
        session.write("tree/a", "same");
        session.write("tree/b/c", "same");
        let id = session.ok(&["append", "--created", "1000000000", "fx/a:1", name, "tree"]);
        fs::remove_dir_all(session.work().join("tree")).expect("a folder");
        id
    };
    assert_eq!(append("fx/b:1"), append("fx/c:1"));
}

#[test]
fn what_is_no_layer_is_refused_and_nothing_is_made() {
    let session = session();
    session.write("text", "text");
    session.write("empty", "");
    session.write("archive.tar", pack(&docker_save(&[TestImage::sample("fx/z:1")])));
    session.write("dangling.tar", layer(&[Item::hardlink("a", "nowhere")]));
    session.write("outside.tar", layer(&[Item::file("../x", "x")]));
    let cases = [
        ("text", "text"),
        ("empty", "empty is empty"),
        ("archive.tar", "archive.tar is an image archive"),
        ("dangling.tar", "hard link to nowhere, which is in no layer below"),
        ("outside.tar", "leads outside the image"),
        ("missing.tar", "missing.tar"),
    ];
    for (file, expected) in cases {
        session.run(&["append", "fx/a:1", "fx/b:1", file]).fails(1, &[expected]);
    }
    session.run(&["append", "fx/a:1", "fx/b:1"]).fails(1, &["requires at least 3 arguments"]);
    session.run(&["append", "fx/a:1", "fx/b:1", "-", "-"]).fails(1, &["only once"]);
    assert_eq!(session.tags(), ["fx/a:1"]);
}
