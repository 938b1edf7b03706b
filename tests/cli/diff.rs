//! `diff`: what became of a directory, or of an image in another one.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::producers::docker_save;
use crate::support::session::Session;
use crate::support::tarball::pack;

fn items() -> Vec<Item> {
    vec![
        Item::dir("etc"),
        Item::file("etc/hosts", "hosts"),
        Item::file("etc/motd", "motd"),
        Item::dir("var"),
        Item::dir("var/log"),
        Item::file("var/log/a", "a"),
        Item::file("var/log/b", "b"),
        Item::symlink("link", "etc/hosts"),
        Item::file("a.b", "x"),
    ]
}

fn session() -> Session {
    let session = Session::new();
    let image = TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&items()));
    session.load(&pack(&docker_save(&[image])));
    session.ok(&["unpack", "fx/a:1", "tree"]);
    session
}

#[test]
fn all_kinds_of_changes_of_a_directory() {
    let session = session();
    let at = |name: &str| session.work().join("tree").join(name);
    assert_eq!(session.ok(&["diff", "tree"]), "");
    session.write("tree/etc/hosts", "other");
    session.write("tree/new/deep/file", "new");
    fs::remove_dir_all(at("var/log")).expect("a folder");
    fs::remove_file(at("link")).expect("a link");
    symlink("elsewhere", at("link")).expect("a link");
    fs::set_permissions(at("a.b"), fs::Permissions::from_mode(0o600)).expect("a mode");
    let lines = "C /a.b\nC /etc\nC /etc/hosts\nC /link\nA /new\nA /new/deep\nA /new/deep/file\nC /var\nD /var/log\n";
    assert_eq!(session.ok(&["diff", "tree"]), lines);
    assert_eq!(session.ok(&["diff", "tree/"]), lines);
    let all: Value = serde_json::from_str(&session.ok(&["diff", "--format", "json", "tree"])).expect("JSON");
    assert_eq!(all[0], json!({"Path": "/a.b", "Kind": "changed"}));
    assert_eq!(all[8], json!({"Path": "/var/log", "Kind": "deleted"}));
    assert_eq!(session.ok(&["commit", "--dry-run", "tree"]), lines, "what would be committed");
    assert_eq!(session.ok(&["diff", "--exclude", "new", "--exclude", "*.b", "tree"]).lines().count(), 5);
}

/// The image need not be in the store.
#[test]
fn a_directory_and_an_image_in_an_archive() {
    let session = session();
    session.write("tree/new", "new");
    session.ok(&["save", "--compress", "gzip", "-o", "packed.tar", "fx/a:1"]);
    session.ok(&["save", "--format", "oci", "-o", "oci.tar", "fx/a:1"]);
    let other = Session::new();
    for name in ["load.tar", "packed.tar", "oci.tar"] {
        other.write(name, session.read(name));
        let tree = session.work().join("tree").display().to_string();
        for from in [format!("./{name}"), format!("./{name}:fx/a:1")] {
            assert_eq!(other.ok(&["diff", "--from", &from, &tree]), "A /new\n", "{from}");
        }
        let words = "load.tar is not in the store: a new image is built on stored layers; load it";
        let from = format!("./{name}");
        other.run(&["commit", "--dry-run", "--from", &from, &tree]).fails(1, &[&words.replace("load.tar", name)]);
    }
    assert_eq!(other.tags(), [""; 0]);
}

#[test]
fn json_of_no_change() {
    let session = session();
    assert_eq!(session.ok(&["diff", "--format", "json", "tree"]), "[]\n");
    assert_eq!(session.ok(&["diff", "--format", "json", "fx/a:1", "fx/a:1"]), "[]\n");
    assert_eq!(session.ok(&["diff", "fx/a:1", "fx/a:1"]), "");
    session.run(&["diff", "--format", "yaml", "tree"]).fails(125, &["yaml", "json"]);
}

#[test]
fn content_that_hides_behind_the_same_size_and_time() {
    let session = session();
    let path = session.work().join("tree/etc/motd");
    let modified = fs::metadata(&path).and_then(|found| found.modified()).expect("a time");
    fs::write(&path, "MOTD").expect("a file");
    fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(modified)).expect("a time");
    assert_eq!(session.ok(&["diff", "tree"]), "C /etc\nC /etc/motd\n");
    fs::write(&path, "motd").expect("a file");
    fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(modified)).expect("a time");
    assert_eq!(session.ok(&["diff", "tree"]), "", "as it was, though it was written to");
}

#[test]
fn a_tree_that_was_moved_or_copied() {
    for session in [Some(session()), Session::ordinary()].into_iter().flatten() {
        if !session.work().join("tree").exists() {
            let image = TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&items()));
            session.load(&pack(&docker_save(&[image])));
            session.ok(&["unpack", "fx/a:1", "tree"]);
        }
        fs::rename(session.work().join("tree"), session.work().join("moved")).expect("a rename");
        assert_eq!(session.run(&["diff", "moved"]).text(), "");
        let mut copy = std::process::Command::new("cp");
        let copied = copy.args(["-a", "moved", "copy"]).current_dir(session.work()).status();
        assert!(copied.is_ok_and(|status| status.success()), "cp is everywhere");
        let answer = session.run(&["diff", "copy"]);
        assert_eq!(answer.out(), "", "by content: {}", answer.text());
        assert!(answer.stderr.contains("copy looks like a copy of"), "{}", answer.text());
        session.write("copy/new", "x");
        assert_eq!(session.run(&["diff", "copy"]).out(), "A /new\n");
        let answer = session.run(&["commit", "copy", "fx/a:2"]);
        assert_eq!(answer.code, 0, "{}", answer.text());
        assert_eq!(session.history("fx/a:2").len(), 2, "one layer on its base");
    }
}

#[test]
fn two_images() {
    let session = session();
    let changed = [
        Item::file("etc/hosts", "other"),
        Item::file("etc/motd", "motd").mode(0o600).owner(7, 8).mtime(5, 0).xattr("user.x", "y"),
        Item::whiteout("var/log/.wh.a"),
        Item::file("new", "x"),
    ];
    let image = TestImage::new(&["fx/a:2"]).raw_layer("ADD", layer(&items())).raw_layer("CHANGE", layer(&changed));
    session.load(&pack(&docker_save(&[image])));
    let lines = "C /etc\nC /etc/hosts\nC /etc/motd\nA /new\nC /var\nC /var/log\nD /var/log/a\n";
    assert_eq!(session.ok(&["diff", "fx/a:1", "fx/a:2"]), lines);
    let back = "C /etc\nC /etc/hosts\nC /etc/motd\nD /new\nC /var\nC /var/log\nA /var/log/a\n";
    assert_eq!(session.ok(&["diff", "fx/a:2", "fx/a:1"]), back);
    let all: Value =
        serde_json::from_str(&session.ok(&["diff", "--format", "json", "fx/a:1", "fx/a:2"])).expect("JSON");
    let of = |path: &str| all.as_array().expect("a list").iter().find(|one| one["Path"] == path).expect(path).clone();
    assert_eq!(of("/etc/hosts"), json!({"Path": "/etc/hosts", "Kind": "changed", "Changes": ["content"]}));
    let words = of("/etc/motd")["Changes"].clone();
    let words: Vec<&str> = words.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(["mode", "mtime", "xattrs"].iter().all(|word| words.contains(word)), "{words:?}");
    assert!(!words.contains(&"content"), "{words:?}");
    session.write("a.tar", pack(&docker_save(&[TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&items()))])));
    assert_eq!(session.ok(&["diff", "./a.tar", "fx/a:2"]), lines);
}

#[test]
fn a_directory_against_another_image_or_nothing() {
    let session = session();
    session.write("tree/new", "x");
    assert_eq!(session.ok(&["diff", "--from", "fx/a:1", "tree"]), "A /new\n");
    let all = session.ok(&["diff", "--from", "scratch", "tree"]);
    assert!(all.lines().all(|line| line.starts_with("A /")) && all.lines().count() == items().len() + 1, "{all}");
    session.run(&["diff", "--from", "fx/none", "tree"]).fails(1, &["No such image: fx/none:latest"]);
}

#[test]
fn what_is_not_there() {
    let session = session();
    session.run(&["diff", "none"]).fails(1, &["error: open none: no such file or directory"]);
    session.run(&["diff", "fx/a:1", "fx/none"]).fails(1, &["error: No such image: fx/none:latest"]);
    let mixed = "error: tree is a directory: to compare it with an image: imgtool diff --from fx/a:1 tree";
    session.run(&["diff", "tree", "fx/a:1"]).fails(1, &[mixed]);
    session.run(&["diff", "fx/a:1", "tree"]).fails(1, &[mixed]);
    let usage = "Usage:  imgtool diff [OPTIONS] DIR | IMAGE IMAGE";
    session.run(&["diff"]).fails(1, &["'imgtool diff' requires at least 1 argument", usage]);
    session.run(&["diff", "a", "b", "c"]).fails(1, &["'imgtool diff' requires at most 2 arguments", usage]);
}
