//! What is no plain file, and files with several names.

use super::{faithful, faithful_layers};
use crate::support::layer::{Item, layer};
use crate::support::picture::Picture;
use crate::support::session::Session;

#[test]
fn symbolic_links_to_anywhere() {
    faithful(&[
        Item::dir("d"),
        Item::file("d/f", "x"),
        Item::symlink("absolute", "/d/f"),
        Item::symlink("outside", "/etc/passwd"),
        Item::symlink("up", "../../../../etc/passwd"),
        Item::symlink("dangling", "no/such/file"),
        Item::symlink("itself", "itself"),
        Item::symlink("ring-a", "ring-b"),
        Item::symlink("ring-b", "ring-a"),
        Item::symlink("root", "/"),
        Item::symlink("here", "."),
        Item::symlink("slash", "d/"),
        Item::symlink("messy", ".//d/../d/./f"),
        Item::symlink("d/long", "x".repeat(1000)),
        Item::symlink("owned", "d").owner(7, 8).mtime(-5, 5),
    ]);
}

#[test]
fn links_as_directories_on_the_way() {
    let items = [Item::dir("usr"), Item::dir("usr/lib"), Item::symlink("lib", "usr/lib"), Item::file("usr/lib/a", "a")];
    // Below a link of the same layer: where the link leads, inside the root, also if it is absolute.
    let through = [Item::symlink("lib64", "/usr/lib"), Item::file("lib64/b", "b"), Item::file("lib/c", "c")];
    let all = [&items[..], &through].concat();
    let wanted =
        [&items[..], &[through[0].clone(), Item::file("usr/lib/b", "b"), Item::file("usr/lib/c", "c")]].concat();
    faithful_layers(&[layer(&all)], &Picture::of_items(&wanted));
}

#[test]
fn devices_and_pipes() {
    faithful(&[
        Item::dir("dev"),
        Item::new("dev/null", b'3').device(1, 3).mode(0o666),
        Item::new("dev/tty", b'3').device(5, 0).mode(0o620).owner(0, 5),
        Item::new("dev/large", b'3').device(4000, 1_000_000),
        Item::new("dev/zero-zero", b'3').device(0, 1),
        Item::new("dev/sda", b'4').device(8, 0).mode(0o660).owner(0, 6).mtime(-1, 1),
        Item::new("dev/fifo", b'6').mode(0o600).owner(3, 4),
        Item::hardlink("dev/also-null", "dev/null"),
        Item::hardlink("also-fifo", "dev/fifo"),
    ]);
}

#[test]
fn a_device_that_was_not_made_is_in_no_later_image_an_empty_file() {
    let items =
        [Item::dir("dev"), Item::new("dev/null", b'3').device(1, 3).mode(0o666), Item::new("sda", b'4').device(8, 1)];
    let session = Session::new();
    super::store(&session, &[layer(&items)], crate::support::packing::Packing::None);
    let answer = session.run(&["unpack", "fx/a:1", "tree"]);
    let lines: Vec<&str> = answer.stderr.lines().collect();
    assert!(lines.len() == 1 && lines[0].contains("2 devices are empty files"), "{}", answer.text());
    assert!(session.work().join("tree/dev/null").is_file(), "an empty file stands for it");
    assert_eq!(session.ok(&["diff", "tree"]), "");
    session.write("tree/zz-added", "x");
    session.ok(&["commit", "tree", "fx/a:2"]);
    super::exports(&session, "fx/a:2", &Picture::of_items(&items), "after a commit");
    super::exports(&session, "./tree", &Picture::of_items(&items), "the directory itself");
    // What somebody wrote into the place of a device is a file.
    session.write("tree/dev/null", "not a device any more");
    assert_eq!(session.ok(&["diff", "tree"]), "C /dev\nC /dev/null\n");
}

#[test]
fn empty_files_and_directories() {
    faithful(&[
        Item::file("file", ""),
        Item::dir("dir"),
        Item::dir("dir/in"),
        Item::dir("dir/in/dir"),
        Item::file("dir/file", ""),
        Item::hardlink("dir/link", "file"),
    ]);
}

#[test]
fn hard_links_across_directories() {
    faithful(&[
        Item::dir("a"),
        Item::dir("b"),
        Item::dir("b/c"),
        Item::file("b/c/first", "content").mode(0o4711).owner(5, 6),
        Item::hardlink("a/second", "b/c/first"),
        Item::hardlink("a-third", "a/second"),
        Item::hardlink("z", "./b/c/first"),
        Item::file("a/other", "content"),
        Item::hardlink("b/other", "/a/other"),
        Item::symlink("a/soft", "other"),
        Item::hardlink("b/soft", "a/soft"),
    ]);
}

#[test]
fn hard_links_to_a_lower_layer() {
    let lower = [Item::dir("d"), Item::file("d/f", "below").mode(0o640), Item::file("other", "x")];
    let upper = [Item::hardlink("link", "d/f"), Item::dir("e"), Item::hardlink("e/link", "link")];
    // As docker has it on overlayfs, the layer's names are one file, which is that of the layer below.
    let wanted = [&lower[..], &upper].concat();
    faithful_layers(&[layer(&lower), layer(&upper)], &Picture::of_items(&wanted));
}

#[test]
fn one_name_of_a_pair_is_replaced_later() {
    let lower = [Item::file("a", "old"), Item::hardlink("b", "a"), Item::hardlink("c", "a")];
    let upper = [Item::file("a", "new")];
    let wanted = [Item::file("a", "new"), Item::file("b", "old"), Item::hardlink("c", "b")];
    faithful_layers(&[layer(&lower), layer(&upper)], &Picture::of_items(&wanted));
    let gone = [Item::whiteout(".wh.a")];
    let wanted = [Item::file("b", "old"), Item::hardlink("c", "b")];
    faithful_layers(&[layer(&lower), layer(&gone)], &Picture::of_items(&wanted));
}

#[test]
fn whiteouts_and_opaque_directories() {
    let lower = [
        Item::dir("d"),
        Item::file("d/a", "a"),
        Item::file("d/b", "b"),
        Item::dir("o"),
        Item::file("o/old", "old"),
        Item::dir("o/sub"),
        Item::file("gone", "x"),
        Item::dir("becomes-file"),
        Item::file("becomes-file/x", "x"),
        Item::file("becomes-dir", "x"),
    ];
    let upper = [
        Item::whiteout("d/.wh.a"),
        Item::dir("o").mode(0o700),
        Item::file("o/new", "new"),
        Item::whiteout("o/.wh..wh..opq"),
        Item::whiteout(".wh.gone"),
        Item::file("becomes-file", "file"),
        Item::dir("becomes-dir"),
        Item::file("becomes-dir/y", "y"),
    ];
    let wanted = [
        Item::dir("d"),
        Item::file("d/b", "b"),
        Item::dir("o").mode(0o700),
        Item::file("o/new", "new"),
        Item::file("becomes-file", "file"),
        Item::dir("becomes-dir"),
        Item::file("becomes-dir/y", "y"),
    ];
    faithful_layers(&[layer(&lower), layer(&upper)], &Picture::of_items(&wanted));
}

#[test]
fn a_name_that_would_delete_another_is_refused() {
    let session = Session::new();
    super::store(&session, &[layer(&[Item::dir("d"), Item::file("d/x", "x")])], crate::support::packing::Packing::None);
    for name in [".wh.x", "d/.wh.x", "d/.wh..wh..opq", "new/deep/.wh.y", ".wh."] {
        session.ok(&["unpack", "fx/a:1", "tree"]);
        session.write(&format!("tree/{name}"), "");
        let before = session.picture();
        let answer = session.run(&["commit", "tree", "fx/a:2"]);
        answer.fails(1, &[name, "a file whose name begins with .wh. cannot be in a layer", "it would be a whiteout"]);
        assert_eq!(session.picture(), before, "{name}");
        std::fs::remove_dir_all(session.work().join("tree")).expect("a folder of ours");
    }
}
