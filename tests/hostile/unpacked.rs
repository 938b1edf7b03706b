//! Layers that would climb out of the folder they are unpacked to: nothing outside of it is touched, whatever they say.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::picture::Picture;
use crate::support::producers::docker_save;
use crate::support::session::Session;
use crate::support::tarball::pack;
use crate::support::tree;

/// What came of unpacking: refused, or done, and then safe.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Refused,
    Unpacked,
}

/// A session with `victim/`, where a file, a folder and a secret are that nobody may touch.
fn session() -> Session {
    let session = Session::new();
    session.write("victim/file", "victim");
    session.write("victim/dir/secret", "secret");
    fs::set_permissions(session.work().join("victim/file"), fs::Permissions::from_mode(0o640)).expect("a mode");
    session
}

/// Loads an image of those layers, exports and unpacks it, and looks that the victim is as it was.
fn try_layers(session: &Session, layers: &[&[Item]], what: &str) -> Outcome {
    let before = Picture::of_folder(&session.work().join("victim"));
    let inodes = inodes(&session.work().join("victim"));
    let image = layers.iter().fold(TestImage::new(&["fx/a:1"]), |image, items| image.raw_layer("ADD", layer(items)));
    session.write("load.tar", pack(&docker_save(&[image])));
    let answers = [
        session.run(&["load", "-i", "load.tar"]),
        session.run(&["export", "-o", "export.tar", "fx/a:1"]),
        session.run(&["unpack", "fx/a:1", "tree"]),
    ];
    for answer in &answers {
        assert!(answer.code < 2, "{what}: {}", answer.text());
        assert!(answer.stderr.lines().count() <= 2, "{what}: one error, not a flood:\n{}", answer.stderr);
    }
    Picture::of_folder(&session.work().join("victim")).assert_is(&before, what);
    assert_eq!(self::inodes(&session.work().join("victim")), inodes, "{what}");
    let tree = session.work().join("tree");
    let outcome = if answers[2].code == 0 {
        check_tree(&tree, &inodes, what);
        assert_eq!(session.ok(&["diff", "tree"]), "", "{what}");
        tree::remove(&tree);
        Outcome::Unpacked
    } else {
        assert!(!tree.exists(), "{what} left a part of it");
        Outcome::Refused
    };
    session.run(&["rmi", "-f", "fx/a:1"]);
    outcome
}

/// The inodes of a folder, each with its number of names.
fn inodes(folder: &Path) -> Vec<(u64, u64)> {
    let found = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter();
    found
        .map(|entry| entry.and_then(|entry| entry.metadata()).expect("it is there"))
        .map(|m| (m.ino(), m.nlink()))
        .collect()
}

/// Nothing in the tree is one of the victim's inodes, or a device.
fn check_tree(tree: &Path, victims: &[(u64, u64)], what: &str) {
    for entry in walkdir::WalkDir::new(tree) {
        let Ok(found) = entry.and_then(|entry| entry.metadata()) else { continue };
        assert!(!victims.iter().any(|(ino, _)| *ino == found.ino()), "{what}: a hard link to the victim");
        let kind = found.file_type();
        assert!(!kind.is_char_device() && !kind.is_block_device(), "{what}: a device that nobody asked for");
    }
}

#[test]
fn links_that_lead_out_and_files_below_them() {
    let session = session();
    let absolute = session.work().join("victim").display().to_string();
    for target in [absolute.as_str(), "../victim", "/"] {
        let link = Item::symlink("esc", target);
        for below in [
            Item::file("esc/file", "overwritten"),
            Item::file("esc/new", "new"),
            Item::dir("esc/dir").mode(0o777),
            Item::symlink("esc/dir", "elsewhere"),
            Item::new("esc/fifo", b'6'),
            Item::whiteout("esc/.wh.file"),
            Item::whiteout("esc/.wh..wh..opq"),
            Item::dir("esc").mode(0o777),
            Item::file("esc", "no link any more"),
        ] {
            let what = format!("{target}, then {:?}", String::from_utf8_lossy(&below.name));
            try_layers(&session, &[&[link.clone(), below.clone()]], &format!("{what}, in one layer"));
            try_layers(&session, &[&[below.clone(), link.clone()]], &format!("{what}, the other way round"));
            try_layers(&session, &[std::slice::from_ref(&link), &[below]], &format!("{what}, in two layers"));
        }
    }
}

#[test]
fn chains_of_links() {
    let session = session();
    let two = [Item::symlink("a", "b"), Item::symlink("b", "../victim"), Item::file("a/file", "overwritten")];
    try_layers(&session, &[&two], "two links");
    let three = [
        Item::dir("d"),
        Item::symlink("d/up", ".."),
        Item::symlink("d/out", "up/../victim"),
        Item::file("d/out/file", "overwritten"),
    ];
    try_layers(&session, &[&three], "links in directories");
    // A chain that is longer than a path may be, where a check would give up.
    let name = "n".repeat(200);
    let mut long = vec![Item::dir(&name)];
    let mut path = name.clone();
    for _ in 0..15 {
        long.push(Item::symlink(format!("{path}/l"), &name));
        path = format!("{path}/{name}");
        long.push(Item::dir(&path));
    }
    long.push(Item::symlink("esc", format!("{}{}victim", "n/".repeat(1000), "../".repeat(1001))));
    long.push(Item::file("esc/file", "overwritten"));
    try_layers(&session, &[&long], "a long chain");
    let ring = [Item::symlink("a", "b"), Item::symlink("b", "a"), Item::file("a/x", "x")];
    try_layers(&session, &[&ring], "a ring");
}

#[test]
fn hard_links_out() {
    let session = session();
    let file = session.work().join("victim/file").display().to_string();
    for target in
        [file.as_str(), "../victim/file", "/etc/passwd", "../../../../../../etc/passwd", "esc/file", "soft", "dir", ""]
    {
        let items = [
            Item::dir("dir"),
            Item::symlink("esc", "../victim"),
            Item::symlink("soft", &file),
            Item::hardlink("hard", target),
            Item::file("hard", "overwritten").mode(0o777),
        ];
        try_layers(&session, &[&items], &format!("a hard link to {target:?}, then written to"));
        try_layers(&session, &[&items[..4]], &format!("a hard link to {target:?}"));
        try_layers(&session, &[&items[..3], &items[3..4], &items[4..]], &format!("{target:?} in three layers"));
    }
    let missing = [Item::hardlink("hard", "/etc/passwd")];
    assert_eq!(try_layers(&session, &[&missing], "a hard link to nothing"), Outcome::Refused);
    let own = [Item::dir("etc"), Item::file("etc/passwd", "the image's"), Item::hardlink("hard", "/etc/passwd")];
    assert_eq!(try_layers(&session, &[&own], "a hard link inside"), Outcome::Unpacked);
}

#[test]
fn names_that_climb() {
    let session = session();
    let absolute = session.work().join("victim/file").display().to_string();
    for (name, outcome) in [
        ("../victim/file", Some(Outcome::Refused)),
        ("..", Some(Outcome::Refused)),
        ("a/../../victim/file", Some(Outcome::Refused)),
        ("./../victim/file", Some(Outcome::Refused)),
        ("/../victim/file", Some(Outcome::Refused)),
        (absolute.as_str(), Some(Outcome::Unpacked)),
        ("//victim//file", Some(Outcome::Unpacked)),
        ("a/b/../../victim/file", None),
        ("...", Some(Outcome::Unpacked)),
        ("..victim", Some(Outcome::Unpacked)),
    ] {
        for item in [Item::file(name, "overwritten"), Item::dir(name).mode(0o777), Item::symlink(name, "/")] {
            let found = try_layers(&session, &[&[item]], name);
            assert!(outcome.as_ref().is_none_or(|outcome| *outcome == found), "{name}: {found:?}");
        }
    }
}

#[test]
fn the_root_itself() {
    let session = session();
    for name in [".", "./", "/", "", "a/.."] {
        for item in
            [Item::symlink(name, "../victim"), Item::file(name, "x"), Item::hardlink(name, "x"), Item::new(name, b'6')]
        {
            let flag = char::from(item.flag);
            let items = [Item::file("x", "x"), item, Item::file("file", "overwritten")];
            assert_eq!(try_layers(&session, &[&items], &format!("{name:?} of type {flag}")), Outcome::Refused);
        }
    }
    let open = [Item::dir("./").mode(0o777).owner(5, 5), Item::file("x", "x")];
    assert_eq!(try_layers(&session, &[&open], "a root that all may write to"), Outcome::Unpacked);
}

#[test]
fn whiteouts_that_climb() {
    let session = session();
    for name in [".wh.", ".wh..", ".wh...", "dir/.wh..", "dir/.wh...", "../.wh.victim", "../victim/.wh.file"] {
        let items = [Item::dir("dir"), Item::whiteout(name)];
        assert_eq!(try_layers(&session, &[&items], name), Outcome::Refused, "{name}");
    }
    for name in [".wh..wh.aufs", ".wh..wh.plnk", "dir/.wh..wh.orph"] {
        let items = [Item::dir("dir"), Item::file(name, "x")];
        try_layers(&session, &[&items], name);
    }
}

#[test]
fn one_name_as_several_things() {
    let session = session();
    let file = session.work().join("victim/file").display().to_string();
    let forms = [
        Item::file("x", "overwritten").mode(0o777),
        Item::dir("x").mode(0o777),
        Item::symlink("x", &file),
        Item::symlink("x", "../victim"),
        Item::new("x", b'6').mode(0o777),
        Item::new("x", b'3').device(1, 1).mode(0o777),
        Item::hardlink("x", "y"),
    ];
    for one in &forms {
        for other in &forms {
            let items = [Item::symlink("y", &file), one.clone(), other.clone()];
            let what = format!("{} then {}", char::from(one.flag), char::from(other.flag));
            try_layers(&session, &[&items], &what);
            try_layers(&session, &[&items[..2], &items[2..]], &format!("{what}, in two layers"));
        }
    }
}

#[test]
fn devices_and_notes_of_overlayfs() {
    let session = session();
    let items = [
        Item::new("disk", b'4').device(8, 0).mode(0o666),
        Item::new("mem", b'3').device(1, 1).mode(0o666),
        Item::new("whiteout", b'3').device(0, 0),
        Item::dir("dir").xattr("trusted.overlay.opaque", "y").xattr("user.overlay.opaque", "y"),
        Item::file("redirect", "x").xattr("trusted.overlay.redirect", "/../victim").xattr("security.ima", "x"),
    ];
    assert_eq!(try_layers(&session, &[&items], "devices"), Outcome::Unpacked);
    session.write("load.tar", pack(&docker_save(&[TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&items))])));
    session.ok(&["load", "-i", "load.tar"]);
    session.ok(&["unpack", "fx/a:1", "tree"]);
    for (name, key) in
        [("dir", "trusted.overlay.opaque"), ("redirect", "trusted.overlay.redirect"), ("redirect", "security.ima")]
    {
        let mut buffer = [0; 64];
        let found = rustix::fs::lgetxattr(session.work().join("tree").join(name), key, &mut buffer[..]);
        assert!(found.is_err(), "{key} is set");
    }
}

#[test]
fn owners_that_chown_would_not_set() {
    let session = session();
    for number in [u64::from(u32::MAX), 1 << 32, 1 << 40] {
        for item in [Item::file("x", "x").mode(0o4755).owner(number, 0), Item::file("x", "x").owner(0, number)] {
            assert_eq!(try_layers(&session, &[&[item]], &format!("owner {number}")), Outcome::Refused);
        }
    }
}

#[test]
fn ten_thousand_directories_deep() {
    let session = session();
    let started = std::time::Instant::now();
    // One entry, whose parents are implied.
    let deep = |levels: usize| [Item::file(format!("{}/bottom", vec!["d"; levels].join("/")), "x")];
    assert_eq!(try_layers(&session, &[&deep(10_000)], "deeper than a path can say"), Outcome::Refused);
    assert_eq!(try_layers(&session, &[&deep(2_040)], "as deep as a path can say"), Outcome::Unpacked);
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

#[test]
fn somebody_who_swaps_directories_while_they_are_filled() {
    let session = session();
    let before = Picture::of_folder(&session.work().join("victim"));
    let mut items = Vec::new();
    for folder in 0..20 {
        items.push(Item::dir(format!("d{folder:02}")).mode(0o777));
        items.extend((0..100).map(|n| Item::file(format!("d{folder:02}/file{n}"), vec![b'x'; 3000]).mode(0o666)));
        items.push(Item::file(format!("d{folder:02}/file"), "overwritten").mode(0o777));
    }
    let image = TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&items));
    session.load(&pack(&docker_save(&[image])));
    let rounds = if crate::support::slow() { 40 } else { 4 };
    for round in 0..rounds {
        let tree = session.work().join(format!("tree{round}"));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut n = 0;
                while !stop.load(Ordering::Relaxed) {
                    let (here, aside) = (tree.join(format!("d{:02}", n % 20)), tree.join(format!("aside{n}")));
                    if fs::rename(&here, aside).is_ok() {
                        // It may be there again already.
                        let _ = symlink(session.work().join("victim"), &here);
                    }
                    n += 1;
                }
            });
            let answer = session.run(&["unpack", "fx/a:1", &format!("tree{round}")]);
            stop.store(true, Ordering::Relaxed);
            assert!(answer.code < 2, "{}", answer.text());
        });
        Picture::of_folder(&session.work().join("victim")).assert_is(&before, &format!("round {round}"));
        let _ = fs::remove_dir_all(&tree);
    }
}

#[test]
fn a_directory_that_becomes_a_link_is_not_followed_by_commit() {
    let session = session();
    session.load(&pack(&docker_save(&[
        TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&[Item::dir("d"), Item::file("d/file", "own")]))
    ])));
    session.ok(&["unpack", "fx/a:1", "tree"]);
    fs::rename(session.work().join("tree/d"), session.work().join("tree/e")).expect("a rename");
    symlink("../victim", session.work().join("tree/d")).expect("a link");
    assert_eq!(session.ok(&["diff", "tree"]), "C /d\nA /e\nA /e/file\n");
    session.ok(&["commit", "tree", "fx/a:2"]);
    session.ok(&["export", "-o", "export.tar", "fx/a:2"]);
    let tar = session.read("export.tar");
    assert!(!tar.windows(6).any(|window| window == b"secret"), "nothing of the victim is in the image");
}

#[test]
fn a_target_that_is_a_link() {
    let session = session();
    session.load(&pack(&docker_save(&[TestImage::of("fx/a:1", "x")])));
    symlink("victim", session.work().join("link")).expect("a link");
    symlink("nowhere", session.work().join("dangling")).expect("a link");
    let before = Picture::of_folder(&session.work().join("victim"));
    for target in ["link", "dangling", "victim"] {
        session.run(&["unpack", "fx/a:1", target]).fails(1, &[target]);
        session.run(&["unpack", "--bundle", "fx/a:1", target]).fails(1, &[target]);
    }
    Picture::of_folder(&session.work().join("victim")).assert_is(&before, "links as targets");
    assert!(!session.work().join("nowhere").exists());
}
