//! `docker export` of a created container and `imgtool export` of its image hold the same files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tar::EntryType;

use crate::changes::is_now;
use crate::container::load_into_both;
use crate::engine::{Engine, engine, full_engine};
use crate::entries::{Entries, Entry, Known, assert_same, of_directory, of_tar};
use crate::peer;
use crate::rich::{Node, layer};
use crate::support::image::TestImage;
use crate::support::session::Session;
use crate::support::tarball::pack;
use crate::support::{digest, producers};

/// Everything that docker takes into a layer.
pub(crate) fn rich(tag: &str) -> TestImage {
    TestImage::new(&[tag])
        .raw_layer("all kinds", layer(&all_kinds()))
        .raw_layer("names and times", layer(&names_and_times()))
        .raw_layer("below", layer(&below()))
        .raw_layer("above", layer(&above()))
        .raw_layer("on top", layer(&on_top()))
}

fn all_kinds() -> Vec<Node> {
    vec![
        Node::dir("bin"),
        Node::file("bin/tool", "#!/bin/sh\n").mode(0o4755),
        Node::file("bin/group", "#!/bin/sh\n").mode(0o2711).owner(1, 2),
        // docker gives the file what its link says, umoci and tar do not: here the two say the same.
        Node::link("bin/tool-too", "bin/tool").mode(0o4755),
        Node::dir("sticky").mode(0o1777),
        Node::dir("closed").mode(0).owner(3, 4),
        Node::file("closed/file", "no one's\n").mode(0),
        Node::dir("empty"),
        Node::dir("kinds").owner(1000, 1000),
        Node::device("kinds/null", EntryType::Char, (1, 3)).mode(0o666),
        Node::device("kinds/loop", EntryType::Block, (7, 300)).owner(0, 6),
        Node::fifo("kinds/fifo"),
        Node::symlink("kinds/absolute", "/bin/tool"),
        Node::symlink("kinds/dangling", "../nowhere/at/all"),
        Node::symlink("kinds/loops", "loops").owner(5, 6),
        Node::symlink("kinds/far", "x/".repeat(90)),
        Node::file("kinds/capable", "may bind\n")
            .xattr("security.capability", [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        Node::file("kinds/noted", "has a note\n").xattr("user.note", "a note"),
        Node::file("kinds/empty", ""),
        Node::file("kinds/big", "0123456789abcdef".repeat(10_000)),
    ]
}

fn names_and_times() -> Vec<Node> {
    vec![
        Node::dir("names"),
        Node::dir(format!("names/{}", "d".repeat(200))),
        Node::file(format!("names/{}/{}", "d".repeat(200), "f".repeat(255)), "a long path\n"),
        Node::file("names/ünï cödé", "unicode\n"),
        Node::file("names/new\nline", "a newline\n"),
        Node::file("names/tab\there*?[x] \\", "signs\n"),
        Node::file("names/-dash", "a dash\n"),
        Node::file(b"names/\xff\xfe", "no UTF-8\n"),
        Node::file("names/..dots", "dots\n"),
        Node::dir("times").time("1234567890"),
        Node::file("times/fraction", "part of a second\n").time("1500000000.123456789"),
        Node::file("times/zero", "1970\n").time("0"),
        Node::file("times/far", "2242\n").time("8589934592"),
        Node::file("times/owner", "beyond the field\n").owner(3_000_000, 4_000_000),
    ]
}

/// What the two layers over it take away or replace.
fn below() -> Vec<Node> {
    vec![
        Node::dir("w"),
        Node::file("w/gone", "gone\n"),
        Node::dir("w/gone-dir"),
        Node::file("w/gone-dir/file", "gone\n"),
        Node::dir("w/opaque").mode(0o700),
        Node::file("w/opaque/old", "hidden\n"),
        Node::dir("w/opaque/sub"),
        Node::file("w/opaque/sub/old", "hidden\n"),
        Node::dir("w/to-file"),
        Node::file("w/to-file/x", "x"),
        Node::file("w/to-dir", "x"),
        Node::symlink("w/to-real", "opaque"),
        Node::file("w/pair", "a pair\n"),
        Node::link("w/pair-too", "w/pair"),
        Node::link("w/pair-three", "w/pair"),
        Node::file("w/back", "first\n"),
        Node::dir("w/kept").time("1111111111"),
        Node::file("w/kept/file", "kept\n"),
    ]
}

fn above() -> Vec<Node> {
    vec![
        Node::dir("w"),
        Node::file("w/.wh.gone", ""),
        Node::file("w/.wh.gone-dir", ""),
        Node::file("w/.wh.back", ""),
        Node::dir("w/opaque").mode(0o711),
        Node::file("w/opaque/.wh..wh..opq", ""),
        Node::file("w/opaque/new", "seen\n"),
        Node::file("w/to-file", "a file now\n"),
        Node::dir("w/to-dir").owner(7, 8),
        Node::file("w/to-dir/x", "in a directory now\n"),
        Node::dir("w/to-real"),
        Node::file("w/pair-too", "on its own\n"),
    ]
}

fn on_top() -> Vec<Node> {
    vec![
        Node::dir("w").mode(0o775).time("1222222222"),
        Node::file("w/back", "second\n").mode(0o600),
        Node::file("w/.wh.gone-already", ""),
        Node::dir("sticky").mode(0o755).owner(9, 9),
        Node::file("new", "on top\n"),
        Node::link("new-too", "new"),
    ]
}

/// What docker puts into every container, at the time when it does so.
pub(crate) const STUBS: [&str; 12] = [
    ".dockerenv",
    "dev",
    "dev/console",
    "dev/pts",
    "dev/shm",
    "etc",
    "etc/hostname",
    "etc/hosts",
    "etc/mtab",
    "etc/resolv.conf",
    "proc",
    "sys",
];

const NOW: &str = "docker makes it when it makes the container, imgtool at SOURCE_DATE_EPOCH or 1970";

const TOUCHED: &str = "a directory of the image: docker's stubs in it give it another time";

const RICH_DIFFERS: [Known; 2] = [
    ("times/fraction", "time", "docker writes whole seconds into what it exports"),
    ("kinds/noted", "xattrs", "docker drops user.* attributes from what it exports"),
];

fn exported(session: &Session, args: &[&str]) -> Entries {
    let answer = session.run(args);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    of_tar(answer.stdout.as_slice())
}

/// Compares what both export; `here` are the stubs that docker finds in the image, and leaves alone.
fn same(engine: &Engine, session: &Session, image: &str, here: &[&str], known: &[Known]) {
    let docker = of_tar(engine.exported(image).as_slice());
    let made: Vec<&str> = STUBS.into_iter().filter(|path| !here.contains(path)).collect();
    let mut times: Vec<Known> = made.iter().map(|path| (*path, "time", NOW)).collect();
    times.extend(known);
    let ours = exported(session, &["export", "--docker-stubs", image]);
    assert_same(image, ("imgtool", &ours), ("docker", &docker), &times);
    let mut plain = docker;
    plain.retain(|path, _| !made.contains(&path.as_str()));
    assert_same(image, ("imgtool", &exported(session, &["export", image])), ("docker", &plain), known);
}

#[test]
fn of_an_image_with_everything() {
    let Some(engine) = engine() else { return };
    let session = Session::new();
    load_into_both(&engine, &session, &rich("fx/rich:1"));
    same(&engine, &session, "fx/rich:1", &[], &RICH_DIFFERS);
}

#[test]
fn where_the_image_has_the_stubs() {
    let Some(engine) = engine() else { return };
    let session = Session::new();
    let nodes = [
        Node::dir("dev").mode(0o700).owner(1, 1),
        Node::device("dev/console", EntryType::Char, (5, 1)),
        Node::dir("dev/pts").mode(0o711),
        Node::file("dev/shm", "no directory\n"),
        Node::dir("etc").owner(2, 2),
        Node::file("etc/hosts", "127.0.0.1 localhost\n").mode(0o600).owner(3, 3),
        Node::symlink("etc/mtab", "elsewhere"),
        Node::symlink("etc/resolv.conf", "../run/resolv.conf"),
        Node::symlink("proc", "etc"),
        Node::dir("sys").mode(0o555),
        Node::file(".dockerenv", "mine\n").mode(0o600),
    ];
    load_into_both(&engine, &session, &TestImage::new(&["fx/stubs:1"]).raw_layer("stubs", layer(&nodes)));
    let replaced =
        [".dockerenv", "dev/console", "dev/shm", "etc/hostname", "etc/hosts", "etc/mtab", "etc/resolv.conf", "proc"];
    let mut known: Vec<Known> = replaced.into_iter().map(|path| (path, "time", NOW)).collect();
    known.extend([("dev", "time", TOUCHED), ("etc", "time", TOUCHED)]);
    let docker = of_tar(engine.exported("fx/stubs:1").as_slice());
    let ours = exported(&session, &["export", "--docker-stubs", "fx/stubs:1"]);
    assert_same("stubs", ("imgtool", &ours), ("docker", &docker), &known);
}

#[test]
fn of_images_that_docker_made() {
    let Some((engine, archive)) = full_engine() else { return };
    let session = Session::new();
    session.run_with(archive, &["load", "-q"]).ok();
    let etc: &[Known] = &[("etc", "time", TOUCHED)];
    let both: &[Known] = &[etc[0], (".", "entry", "docker's export never has an entry for the root")];
    for (image, here, known) in [
        ("fx/built:1", &["etc"][..], etc),
        ("fx/imported:latest", &["etc"], both),
        ("fx/deep:30", &[], &[]),
        ("fx/bare:config-only-changes", &["etc"], both),
    ] {
        same(&engine, &session, image, here, known);
    }
}

#[test]
fn docker_imports_it() {
    let Some(engine) = engine() else { return };
    let session = Session::new();
    load_into_both(&engine, &session, &rich("fx/rich:1"));
    session.ok(&["export", "-o", "flat.tar", "fx/rich:1"]);
    let path = session.work().join("flat.tar").display().to_string();
    engine.ok(&["import", &path, "fx/flat:1"]);
    session.ok(&["import", &path, "fx/flat:1"]);
    let layers = engine.ok(&["image", "inspect", "-f", "{{json .RootFS.Layers}}", "fx/flat:1"]);
    assert_eq!(layers.trim(), session.inspect("fx/flat:1")["RootFS"]["Layers"].to_string());
    assert_eq!(layers.trim(), format!("[\"{}\"]", digest(&session.read("flat.tar"))));
    same(&engine, &session, "fx/flat:1", &[], &RICH_DIFFERS);
}

#[test]
fn of_a_directory_it_is_what_is_on_the_disk() {
    if !rustix::process::geteuid().is_root() {
        peer::skip("devices and owners need root");
        return;
    }
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[rich("fx/rich:1")])));
    session.ok(&["unpack", "--devices", "fx/rich:1", "tree"]);
    let mut disk = of_directory(&session.work().join("tree"));
    let image = exported(&session, &["export", "fx/rich:1"]);
    let directory = exported(&session, &["export", "./tree"]);
    assert_same("directory", ("exported", &directory), ("on the disk", &disk), &[]);
    disk.remove(".");
    assert_same("image", ("exported", &image), ("unpacked", &disk), &[]);
}

/// What docker would have exported: no entry for the root; whole seconds, from 1970 to 2262; no user.* attributes; the
/// stubs, and folders that a layer has something in but no entry for, made a moment ago.
fn as_docker(mut ours: Entries, docker: &Entries) -> Entries {
    ours.remove(".");
    for (path, entry) in &mut ours {
        let whole: i64 = entry["time"].split('.').next().and_then(|whole| whole.parse().ok()).expect("seconds");
        let kept = if (0..i64::MAX / 1_000_000_000).contains(&whole) { whole } else { 0 };
        entry.insert("time", format!("{kept}.000000000"));
        let is_made =
            |docker: &&Entry| is_now(docker) && (entry["kind"] == "directory" || STUBS.contains(&path.as_str()));
        if let Some(docker) = docker.get(path).filter(is_made) {
            entry.insert("time", docker["time"].clone());
        }
        if entry.get("xattrs").is_some_and(|xattrs| xattrs.starts_with("user.")) {
            entry.remove("xattrs");
        }
    }
    ours
}

/// Every archive among the fixtures that docker takes.
#[test]
fn of_the_fixtures() {
    let Some(mut engine) = engine() else { return };
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut compared = 0;
    for folder in ["docker-archive", "docker-oci"] {
        for file in fs::read_dir(fixtures.join(folder)).expect("a folder of fixtures") {
            let path = file.expect("a fixture").path().display().to_string();
            let session = Session::new();
            if !peer::run(&mut engine.docker(&["load", "-q", "-i", &path])).status.success() {
                continue;
            }
            session.ok(&["load", "-q", "-i", &path]);
            for id in engine.ok(&["images", "-q", "--no-trunc"]).lines().collect::<BTreeSet<_>>() {
                let docker = of_tar(engine.exported(id).as_slice());
                let ours = exported(&session, &["export", "--docker-stubs", id]);
                assert_same(&path, ("imgtool", &as_docker(ours, &docker)), ("docker", &docker), &[]);
                compared += 1;
            }
            engine.forget_all();
        }
    }
    assert!(compared >= 15, "{compared} images");
}
