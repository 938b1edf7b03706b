//! `unpack`: an image as a directory.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::producers::docker_save;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};

fn items() -> Vec<Item> {
    vec![
        Item::dir("etc"),
        Item::file("etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:1000:100::/home/ann:/bin/sh\n"),
        Item::file("etc/group", "root:x:0:\nusers:x:100:\naudio:x:63:ann\n"),
        Item::file("hello", "hello\n").mode(0o755),
    ]
}

fn image() -> TestImage {
    TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&items()))
}

fn session(image: TestImage) -> Session {
    let session = Session::new();
    session.load(&pack(&docker_save(&[image])));
    session
}

fn mode(session: &Session, name: &str) -> u32 {
    fs::metadata(session.work().join(name)).expect("it is there").permissions().mode() & 0o7777
}

/// What is below the working folder, but for archives.
fn names(session: &Session, folder: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(session.work().join(folder))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name != "load.tar")
        .collect();
    names.sort();
    names
}

#[test]
fn a_new_directory_or_an_empty_one() {
    let session = session(image());
    fs::create_dir(session.work().join("empty")).expect("a folder");
    for target in ["new", "empty"] {
        let answer = session.run(&["unpack", "fx/a:1", target]);
        assert_eq!((answer.code, answer.out().as_str()), (0, ""), "{target}");
        assert_eq!(answer.stderr.is_empty(), session.is_root(), "{target}: {}", answer.text());
        assert_eq!(names(&session, target), ["etc", "hello"]);
        assert_eq!(session.read(&format!("{target}/hello")), b"hello\n");
        assert_eq!(mode(&session, target), 0o755, "open to all once it is finished");
    }
    for target in ["new", "new/hello", "empty"] {
        session.run(&["unpack", "fx/a:1", target]).fails(1, &[target]);
    }
    let answer = session.run(&["unpack", "fx/a:1", "new"]);
    answer.fails(1, &["error: new is not empty: an image is unpacked into a new or an empty directory"]);
    session.run(&["unpack", "fx/a:1", "no/such/place"]).fails(1, &["error: no/such/place: no such file or directory"]);
    session.run(&["unpack", "fx/a:1", "new/hello"]).fails(1, &["new/hello: not a directory"]);
    assert_eq!(names(&session, "."), ["empty", "new"]);
}

#[test]
fn from_archives_and_layouts_without_a_store() {
    let session = Session::new();
    session.write("a.tar", pack(&docker_save(&[image()])));
    for (place, target) in [("./a.tar", "one"), ("docker-archive:a.tar:fx/a:1", "two")] {
        session.ok(&["unpack", place, target]);
        assert_eq!(names(&session, target), ["etc", "hello"]);
    }
    // It takes a load to commit: the layers must stay.
    session.write("one/new", "x");
    session.run(&["commit", "one"]).fails(1, &["the image that one was unpacked from is not in the store", "load it"]);
    session.ok(&["load", "-i", "a.tar"]);
    assert_eq!(session.ok(&["diff", "one"]), "A /new\n");
}

#[test]
fn for_one_platform() {
    let session = session(image());
    session.run(&["unpack", "--platform", "linux/arm64", "fx/a:1", "x"]).fails(1, &["linux/arm64", "linux/amd64"]);
    session.run(&["unpack", "--platform", "a/b/c/d", "fx/a:1", "x"]).fails(1, &["invalid platform"]);
    assert_eq!(names(&session, "."), [""; 0]);
    session.ok(&["unpack", "--platform", "linux/amd64", "fx/a:1", "x"]);
}

#[test]
fn what_is_not_there() {
    let session = session(image());
    session.run(&["unpack", "fx/none", "x"]).fails(1, &["error: No such image: fx/none:latest"]);
    for args in [&["unpack"][..], &["unpack", "fx/a:1"], &["unpack", "fx/a:1", "x", "y"]] {
        session
            .run(args)
            .fails(1, &["'imgtool unpack' requires 2 arguments", "Usage:  imgtool unpack [OPTIONS] IMAGE DIR"]);
    }
    assert_eq!(names(&session, "."), [""; 0]);
}

#[test]
fn devices_only_on_request() {
    let nodes = [Item::new("null", b'3').device(1, 3).mode(0o666), Item::new("fifo", b'6')];
    let image = || TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&nodes));
    for session in [Some(session(image())), Session::ordinary()].into_iter().flatten() {
        session.load(&pack(&docker_save(&[image()])));
        let answer = session.run(&["unpack", "fx/a:1", "without"]);
        assert_eq!(answer.code, 0, "{}", answer.text());
        let words = ["1 device is an empty file", "; recorded for commit"];
        assert!(words.iter().all(|words| answer.stderr.contains(words)), "{}", answer.text());
        assert_eq!(answer.stderr.lines().count(), 1);
        assert_eq!(session.read("without/null"), b"");
        let answer = session.run(&["unpack", "--devices", "fx/a:1", "with"]);
        assert_eq!(answer.code, 0, "{}", answer.text());
        assert_eq!(answer.stderr.contains("empty file"), !session.is_root(), "{}", answer.text());
        let is_file = fs::symlink_metadata(session.work().join("with/null")).expect("it is there").is_file();
        assert_eq!(is_file, !session.is_root());
    }
}

#[test]
fn an_ordinary_user_is_told_once_what_could_not_be_applied() {
    let Some(session) = Session::ordinary() else { return };
    let items = [
        Item::file("a", "x").owner(0, 0),
        Item::file("b", "x")
            .owner(5, 5)
            .xattr("security.capability", [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        Item::new("null", b'3').device(1, 3),
    ];
    session.load(&pack(&docker_save(&[TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&items))])));
    let answer = session.run(&["unpack", "fx/a:1", "tree"]);
    assert_eq!(
        answer.text(),
        "! Ownership of 4 files not set, extended attributes of 1 file not set, 1 device is an empty file (needs root); \
         recorded for commit\n"
    );
    assert_eq!(session.ok(&["diff", "tree"]), "");
}

#[test]
fn a_bundle_for_a_runtime() {
    let with = json!({
        "User": "ann", "Env": ["A=b"], "Entrypoint": ["/hello"], "Cmd": ["a b", "c"], "WorkingDir": "/w", "Labels": {"l": "m"}
    });
    let session = session(image().with("config", with));
    session.ok(&["unpack", "--bundle", "fx/a:1", "bundle"]);
    assert_eq!(names(&session, "bundle"), ["config.json", "rootfs"]);
    assert_eq!(names(&session, "bundle/rootfs"), ["etc", "hello"]);
    let spec: Value = serde_json::from_slice(&session.read("bundle/config.json")).expect("JSON");
    assert_eq!(spec["root"]["path"], json!("rootfs"));
    assert_eq!(spec["process"]["args"], json!(["/hello", "a b", "c"]));
    assert_eq!(spec["process"]["cwd"], json!("/w"));
    assert_eq!((&spec["process"]["user"]["uid"], &spec["process"]["user"]["gid"]), (&json!(1000), &json!(100)));
    assert!(spec["process"]["env"].as_array().expect("a list").contains(&json!("A=b")));
    assert_eq!(session.ok(&["diff", "bundle"]), "");
    session.write("bundle/rootfs/first", "x");
    assert_eq!(session.ok(&["diff", "bundle"]), "A /first\n");
    assert_eq!(session.ok(&["diff", "bundle/rootfs"]), "A /first\n");
    session.ok(&["commit", "bundle", "fx/a:2"]);
    session.run(&["unpack", "--bundle", "fx/a:1", "bundle"]).fails(1, &["bundle is not empty"]);
}

#[test]
fn a_bundle_of_a_user_that_the_image_does_not_have() {
    let session = session(image().with("config", json!({"User": "eve", "Cmd": ["/hello"]})));
    let answer = session.run(&["unpack", "--bundle", "fx/a:1", "bundle"]);
    answer.fails(1, &["unable to find user eve: no matching entries in passwd file"]);
    assert_eq!(names(&session, "."), [""; 0], "nothing is left behind");
    session.ok(&["unpack", "fx/a:1", "tree"]);
}

#[test]
fn a_damaged_layer_leaves_nothing_behind() {
    let image = image();
    let session = session(image.clone());
    let blob = session.store().join("blobs/sha256").join(crate::support::hex(&image.layers[0]));
    let bytes = fs::read(&blob).expect("a layer");
    fs::remove_file(&blob).expect("a writable store");
    fs::write(&blob, &bytes[..1500]).expect("a writable store");
    fs::create_dir(session.work().join("empty")).expect("a folder");
    for target in ["new", "empty"] {
        let answer = session.run(&["unpack", "fx/a:1", target]);
        assert_eq!(answer.code, 1, "{}", answer.text());
        session.run(&["unpack", "--bundle", "fx/a:1", target]).fails(1, &[]);
    }
    assert_eq!(names(&session, "."), ["empty"]);
    assert_eq!(names(&session, "empty"), [""; 0]);
}

#[test]
fn nobody_else_enters_before_it_is_finished() {
    let members: Vec<Member> = (0..3000).map(|n| Member::file(format!("f{n}"), vec![b'x'; 2000])).collect();
    let session = session(TestImage::new(&["fx/a:1"]).layer("ADD", &members));
    let target = session.work().join("tree");
    let mut child =
        session.command(&["unpack", "fx/a:1", "tree"]).stdout(Stdio::null()).spawn().expect("the binary starts");
    let (mut seen, started) = (0, Instant::now());
    while !target.join("f2999").exists() && started.elapsed() < Duration::from_secs(60) {
        if let Ok(found) = fs::metadata(&target) {
            assert_eq!(found.permissions().mode() & 0o7777, 0o700, "unfinished");
            seen += 1;
        }
    }
    assert!(child.wait().expect("the binary ends").success());
    assert!(seen > 0, "it was never seen");
    assert_eq!(mode(&session, "tree"), 0o755);
}

#[test]
fn what_is_killed_stays_closed_and_is_not_taken_for_a_tree() {
    let members: Vec<Member> = (0..5000).map(|n| Member::file(format!("f{n}"), vec![b'x'; 2000])).collect();
    let session = session(TestImage::new(&["fx/a:1"]).layer("ADD", &members));
    let target = session.work().join("tree");
    let mut child = session.command(&["unpack", "fx/a:1", "tree"]).spawn().expect("the binary starts");
    let started = Instant::now();
    while !target.join("f0").exists() && started.elapsed() < Duration::from_secs(60) {}
    child.kill().expect("a child of ours");
    child.wait().expect("it ends");
    if names(&session, "tree").len() < 5000 {
        assert_eq!(mode(&session, "tree"), 0o700);
        session.run(&["unpack", "fx/a:1", "tree"]).fails(1, &["tree is not empty"]);
    }
    fs::remove_dir_all(&target).expect("a folder of ours");
    session.ok(&["unpack", "fx/a:1", "tree"]);
    assert_eq!(session.ok(&["diff", "tree"]), "");
}
