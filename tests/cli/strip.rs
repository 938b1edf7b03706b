//! `strip`: files out of all layers.

use crate::remade::{Dice, differences, layers, names, random_image, steps};
use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::producers::docker_save;
use crate::support::session::Session;
use crate::support::tarball::{member, pack, unpack};

fn image() -> TestImage {
    let first = [
        Item::dir("etc"),
        Item::file("etc/secret", "hunter2").mode(0o600).owner(5, 6),
        Item::hardlink("etc/again", "etc/secret").mode(0o600).owner(5, 6),
        Item::hardlink("etc/thrice", "etc/secret").mode(0o640).owner(5, 6),
        Item::file("etc/kept", "kept"),
        Item::symlink("conf", "etc"),
        Item::file("conf/key.pem", "key"),
    ];
    let second = [Item::whiteout("etc/.wh.secret"), Item::file("other", "other")];
    let third = [Item::dir("var"), Item::dir("var/cache"), Item::file("var/cache/x", "x")];
    TestImage::new(&["fx/a:1"])
        .raw_layer("ADD first", layer(&first))
        .raw_layer("RUN rm etc/secret", layer(&second))
        .raw_layer("RUN third", layer(&third))
        .raw_layer("RUN fourth", layer(&[Item::file("last", "last")]))
}

fn session() -> Session {
    let session = Session::new();
    session.load(&pack(&docker_save(&[image()])));
    session
}

#[test]
fn a_file_is_in_no_layer_and_its_other_names_have_its_content() {
    let session = session();
    let before = layers(&session, "fx/a:1");
    let answer = session.run(&["strip", "--remove", "etc/secret", "fx/a:1", "fx/b:1"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(answer.stderr.contains("layer 1: removed 1 name, 7B"), "{}", answer.stderr);
    let after = layers(&session, "fx/b:1");
    assert_eq!(names(&after[0]), ["etc/", "etc/again", "etc/thrice", "etc/kept", "conf", "etc/key.pem"]);
    assert_eq!(member(&unpack(&after[0]), "etc/again"), b"hunter2");
    assert_eq!(names(&after[1]), ["other"], "the whiteout tells the name");
    assert_eq!(after[2..], before[2..]);
    assert_eq!(differences(&session, "fx/a:1", "fx/b:1"), Vec::<String>::new());
    assert_eq!(steps(&session, "fx/b:1")[0].0, "imgtool strip --remove etc/secret");
}

#[test]
fn a_link_to_a_removed_file_of_a_lower_layer_takes_its_content() {
    let image = TestImage::new(&["fx/a:1"])
        .raw_layer("one", layer(&[Item::file("a", "content"), Item::file("z", "z")]))
        .raw_layer("two", layer(&[Item::hardlink("b", "a").mode(0o755), Item::hardlink("c", "a").mode(0o755)]));
    let session = Session::new();
    session.load(&pack(&docker_save(&[image])));
    session.ok(&["strip", "--remove", "a", "fx/a:1", "fx/b:1"]);
    let after = layers(&session, "fx/b:1");
    assert_eq!((names(&after[0]), names(&after[1])), (vec!["z".to_owned()], vec!["b".to_owned(), "c".to_owned()]));
    assert_eq!(member(&unpack(&after[1]), "b"), b"content");
    // The others have one name fewer beside them.
    assert_eq!(differences(&session, "fx/a:1", "fx/b:1"), ["D /a", "C /b", "C /c"]);
}

#[test]
fn links_of_a_layer_are_followed_and_what_becomes_empty_stays_as_a_layer() {
    let session = session();
    session.ok(&["strip", "--remove", "**/*.pem", "--remove", "var", "fx/a:1", "fx/b:1"]);
    let after = layers(&session, "fx/b:1");
    assert_eq!(after.len(), 4);
    assert_eq!(after[2], vec![0; 1024]);
    assert!(!names(&after[0]).iter().any(|name| name.contains("pem")));
    assert_eq!(differences(&session, "fx/a:1", "fx/b:1"), ["C /etc", "D /etc/key.pem", "D /var"]);
    session.ok(&["strip", "--remove", "conf", "fx/a:1", "fx/c:1"]);
    assert_eq!(differences(&session, "fx/a:1", "fx/c:1"), ["D /conf"]);
}

#[test]
fn what_would_go_is_listed_and_nothing_at_all_is_an_error() {
    let session = session();
    let listed = session.ok(&["strip", "--remove", "etc/secret", "--remove", "var/cache", "--dry-run", "fx/a:1"]);
    assert_eq!(listed, "1\t7\t/etc/secret\n2\t0\t/etc/.wh.secret\n3\t0\t/var/cache\n3\t1\t/var/cache/x\n");
    for pattern in ["nothing", "../etc/secret", "/"] {
        session.run(&["strip", "--remove", pattern, "fx/a:1", "fx/b:1"]).fails(1, &["no layer of fx/a:1 has a path"]);
    }
    session.run(&["strip", "--remove", "[", "fx/a:1", "fx/b:1"]).fails(1, &["invalid --remove"]);
    assert_eq!(session.tags(), ["fx/a:1"]);
}

#[test]
fn a_slash_in_front_is_the_root_and_a_pattern_without_effect_is_told() {
    let session = session();
    let patterns = ["--remove", "/etc/s*", "--remove", "var/cash", "--remove", "!/etc/secret"];
    let none = [&["strip"], &patterns[..], &["--dry-run", "fx/a:1"]].concat();
    let answer = session.run(&none);
    let said = &answer.stderr;
    assert_eq!(said, "warning: no path was removed for /etc/s*\nwarning: no path was removed for var/cash\n");
    let answer = session.run(&[&["strip"], &patterns[..4], &["fx/a:1", "fx/b:1"]].concat());
    let said = &answer.stderr;
    assert!(said.starts_with("warning: no path was removed for var/cash\nlayer 1: removed 1 name"), "{said}");
}

#[test]
fn strange_names_are_shown_escaped_and_removed() {
    let image =
        TestImage::new(&["fx/a:1"]).raw_layer("one", layer(&[Item::file("a\nb\x1b[31m", "x"), Item::file("c", "c")]));
    let session = Session::new();
    session.load(&pack(&docker_save(&[image])));
    let listed = session.ok(&["strip", "--remove", "a*", "--dry-run", "fx/a:1"]);
    assert_eq!(listed, "1\t1\t/a\\x0ab\\x1b[31m\n");
    session.ok(&["strip", "--remove", "a*", "fx/a:1", "fx/b:1"]);
    assert_eq!(names(&layers(&session, "fx/b:1")[0]), ["c"]);
}

#[test]
fn an_archive_leaves_nothing_of_what_was_removed_in_the_store() {
    let session = session();
    session.ok(&["save", "--format", "oci", "--compress", "gzip", "-o", "a.tar", "fx/a:1"]);
    session.ok(&["rmi", "fx/a:1"]);
    session.ok(&[
        "strip",
        "--remove",
        "etc/secret",
        "--remove",
        "etc/again",
        "--remove",
        "etc/thrice",
        "oci-archive:a.tar",
        "fx/b:1",
    ]);
    for found in
        walkdir::WalkDir::new(session.store()).into_iter().flatten().filter(|found| found.file_type().is_file())
    {
        let bytes = std::fs::read(found.path()).expect("a file");
        assert!(!bytes.windows(7).any(|bytes| bytes == b"hunter2"), "{}", found.path().display());
    }
    session.ok(&["verify", "fx/b:1"]);
}

/// For any layers and patterns, the view is the one before without those paths, and no layer has them.
#[test]
fn any_layers_without_some_names_are_the_same_files_without_them() {
    let session = Session::new();
    for seed in 1..=10 {
        let image = random_image(&format!("fx/random:{seed}"), seed + 100, 4);
        session.load(&pack(&docker_save(&[image])));
        let name = format!("fx/random:{seed}");
        let pattern = ["**/f", "a", "c/d", "**/g", "a/b/*"][Dice::new(seed).below(5)];
        let answer = session.run(&["strip", "--remove", pattern, &name, "fx/stripped"]);
        if answer.code != 0 {
            assert!(answer.stderr.contains("no layer of"), "{}", answer.stderr);
            continue;
        }
        let again = session.run(&["strip", "--remove", pattern, "fx/stripped", "fx/again"]);
        again.fails(1, &["no layer of fx/stripped has a path"]);
        let changed: Vec<String> = differences(&session, &name, "fx/stripped");
        let matches = |path: &str| match pattern {
            "**/f" => path.ends_with('f'),
            "**/g" => path.ends_with('g'),
            "a/b/*" => path.starts_with("a/b/"),
            other => path == other,
        };
        for change in changed {
            let (kind, path) = change.split_once(" /").expect("a kind");
            // A directory above, or a name of a file that lost others.
            let is_right = if kind == "D" { matches(path) } else { kind == "C" && !matches(path) };
            assert!(is_right, "seed {seed}, {pattern}: {change}");
        }
    }
}
