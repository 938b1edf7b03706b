//! Which files are opened, and how many at a time.

use std::collections::BTreeSet;
use std::mem::MaybeUninit;
use std::process::Command;

use rustix::fs::inotify;

use crate::support::hex;
use crate::support::image::TestImage;
use crate::support::oci::Layout;
use crate::support::packing::Packing;
use crate::support::producers;
use crate::support::session::{Answer, Session};
use crate::support::tarball::{Member, pack};

/// Runs imgtool and gives the names of the store's blobs that it opened.
fn opened(session: &Session, args: &[&str]) -> BTreeSet<String> {
    let watch = inotify::init(inotify::CreateFlags::NONBLOCK).expect("an inotify instance");
    let blobs = session.store().join("blobs/sha256");
    inotify::add_watch(&watch, &blobs, inotify::WatchFlags::OPEN).expect("a folder to watch");
    session.ok(args);
    let mut buffer = [MaybeUninit::uninit(); 8 << 10];
    let mut events = inotify::Reader::new(&watch, &mut buffer);
    let mut names = BTreeSet::new();
    while let Ok(event) = events.next() {
        names.extend(event.file_name().map(|name| name.to_string_lossy().into_owned()));
    }
    names
}

#[test]
fn looking_at_images_opens_no_layer() {
    let session = Session::new();
    let images: Vec<TestImage> = (0..20).map(|n| TestImage::of(&format!("fx/many:{n}"), &n.to_string())).collect();
    session.load(&pack(&producers::docker_save(&images)));
    let layers: BTreeSet<String> = images.iter().flat_map(|image| &image.layers).map(|layer| hex(layer)).collect();
    let all = |command: &str| opened(&session, &[command]).intersection(&layers).count();
    assert_eq!(opened(&session, &["save", "-o", "all.tar", "fx/many"]).intersection(&layers).count(), layers.len());
    assert_eq!(all("images"), 0);
    for args in [&["inspect", "fx/many:3"][..], &["history", "fx/many:3"], &["system", "df"], &["images", "--tree"]] {
        let names = opened(&session, args);
        assert!(names.contains(&images[3].hex()), "{args:?} reads configs: {names:?}");
        assert!(names.is_disjoint(&layers), "{args:?} opened a layer");
    }
}

/// Runs imgtool as a process that may have few files open.
fn with_few_files(session: &Session, args: &[&str]) -> Answer {
    let direct = session.command(args);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "ulimit -n 50 && exec \"$0\" \"$@\""]).arg(direct.get_program()).args(args).env_clear();
    shell.envs(direct.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(session.work());
    let output = shell.output().expect("a shell");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Answer { code: output.status.code().unwrap_or(-1), stdout: output.stdout, stderr }
}

#[test]
fn an_image_may_have_more_layers_than_a_process_may_open_files() {
    let mut image = TestImage::new(&["fx/tall:1"]);
    for n in 0..100 {
        image = image.layer("ADD", &[Member::file(format!("layer{n}"), format!("{n}\n"))]);
    }
    let session = Session::new();
    producers::skopeo_layout(&[image.clone()], &[Packing::None, Packing::Gzip]).write(&session.work().join("layout"));
    session.write("tall.tar", pack(&producers::docker_save(&[image])));
    for input in ["layout", "tall.tar"] {
        with_few_files(&session, &["load", "-q", "-i", input]).ok();
    }
    for place in ["fx/tall:1", "oci:layout", "./tall.tar"] {
        assert_eq!(with_few_files(&session, &["history", "-q", place]).ok().lines().count(), 100, "{place}");
        with_few_files(&session, &["export", "-o", "root.tar", place]).ok();
        assert_eq!(crate::support::tarball::unpack(&session.read("root.tar")).len(), 100, "{place}");
    }
    with_few_files(&session, &["save", "-o", "again.tar", "fx/tall:1"]).ok();
    with_few_files(&session, &["unpack", "fx/tall:1", "root"]).ok();
    assert_eq!(session.read("root/layer99"), b"99\n");
    with_few_files(&session, &["diff", "--from", "fx/tall:1", "root"]).ok();
}

#[test]
fn two_images_of_a_layout_that_share_a_base_copy_it_once() {
    let base = Member::file("base", vec![b'x'; 100_000]);
    let image = |name: &str| {
        TestImage::new(&[name])
            .layer("base", std::slice::from_ref(&base))
            .layer("own", &[Member::file("own", name.as_bytes())])
    };
    let images = [image("fx/one:1"), image("fx/two:1")];
    let session = Session::new();
    let layout: Layout = producers::skopeo_layout(&images, &[Packing::None]);
    layout.write(&session.work().join("layout"));
    let loaded = session.run(&["--progress", "plain", "load", "-i", "layout"]);
    let lines = |layer: &[u8]| loaded.stderr.matches(&hex(layer)[..12]).count();
    let (shared, own) = (&images[0].layers[0], &images[0].layers[1]);
    assert!(lines(own) > 0, "{}", loaded.stderr);
    assert_eq!(lines(shared), lines(own), "{}", loaded.stderr);
    assert_eq!(session.tags(), ["fx/one:1", "fx/two:1"]);
}
