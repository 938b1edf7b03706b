//! `export`: the file system of an image, or of a directory, as one tar.

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::oci::PLAIN_MARK;
use crate::support::packing::Packing;
use crate::support::picture::Picture;
use crate::support::producers::{docker_save, skopeo_layout};
use crate::support::session::Session;
use crate::support::tarball::{Member, pack, unpack};
use crate::support::terminal::{self, Streams};

fn lower() -> Vec<Item> {
    vec![
        Item::dir("etc"),
        Item::file("etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
        Item::file("etc/gone", "gone"),
        Item::hardlink("etc/passwd-", "etc/passwd"),
        Item::dir("bin"),
        Item::file("bin/su", "su").mode(0o4755),
    ]
}

fn upper() -> Vec<Item> {
    vec![Item::whiteout("etc/.wh.gone"), Item::file("new", "new"), Item::symlink("sh", "bin/su")]
}

fn wanted() -> Picture {
    let items: Vec<Item> = lower().into_iter().chain(upper()).filter(|item| !item.name.ends_with(b"gone")).collect();
    Picture::of_items(&items)
}

fn image() -> TestImage {
    TestImage::new(&["fx/a:1"]).raw_layer("ADD lower", layer(&lower())).raw_layer("ADD upper", layer(&upper()))
}

fn session() -> Session {
    let session = Session::new();
    session.load(&pack(&docker_save(&[image()])));
    session
}

fn names(session: &Session) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(session.work())
        .expect("the working folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn the_merged_file_system_in_one_order() {
    let session = session();
    let tar = session.run(&["export", "fx/a:1"]);
    assert_eq!((tar.code, tar.stderr.as_str()), (0, ""));
    let names: Vec<String> = unpack(&tar.stdout).into_iter().map(|member| member.name).collect();
    assert_eq!(names, ["bin/", "etc/", "sh", "etc/passwd", "bin/su", "new", "etc/passwd-"]);
    let file = session.work().join("x.tar");
    assert_eq!(session.ok(&["export", "-o", "x.tar", "fx/a:1"]), "");
    assert_eq!(session.read("x.tar"), tar.stdout, "the same bytes, however it is written");
    Picture::of_tar(&file).assert_is(&wanted(), "export");
}

#[test]
fn of_every_place_that_an_image_can_be() {
    let session = session();
    let from_store = session.run(&["export", "fx/a:1"]).stdout;
    let image = image();
    let one = std::slice::from_ref(&image);
    session.write("a.tar", pack(&docker_save(one)));
    session.write("a.tar.gz", Packing::Gzip.apply(&pack(&docker_save(one))));
    let layout = skopeo_layout(one, &[Packing::Gzip, Packing::Zstd]);
    session.write("oci.tar", pack(&layout.members(PLAIN_MARK)));
    layout.write(&session.work().join("layout"));
    let short = image.short();
    for place in [
        short.as_str(),
        "./a.tar",
        "./a.tar:fx/a:1",
        "./a.tar.gz",
        "docker-archive:a.tar",
        "docker-archive:a.tar:@0",
        "./oci.tar",
        "oci-archive:oci.tar",
        "oci:layout",
        "./layout",
    ] {
        let answer = session.run(&["export", place]);
        assert_eq!(answer.code, 0, "{place}: {}", answer.stderr);
        assert_eq!(answer.stdout, from_store, "{place}");
    }
}

#[test]
fn a_directory() {
    let session = session();
    session.write("plain/d/f", "content");
    std::fs::hard_link(session.work().join("plain/d/f"), session.work().join("plain/g")).expect("a link");
    for typed in ["plain", "./plain", "plain/", &session.work().join("plain").display().to_string()] {
        session.ok(&["export", "-o", "x.tar", typed]);
        let tar = Picture::of_tar(&session.work().join("x.tar"));
        tar.assert_is(&Picture::of_folder(&session.work().join("plain")), typed);
    }
    // A name that an image has means the image.
    session.ok(&["tag", "fx/a:1", "plain"]);
    session.ok(&["export", "-o", "x.tar", "plain"]);
    Picture::of_tar(&session.work().join("x.tar")).assert_is(&wanted(), "the image");
    session.ok(&["export", "-o", "y.tar", "./plain"]);
    assert_ne!(session.read("x.tar"), session.read("y.tar"), "with ./ it is the directory");
}

#[test]
fn a_directory_that_was_unpacked_is_exported_as_its_next_image_would_be() {
    for session in [Some(session()), Session::ordinary()].into_iter().flatten() {
        session.load(&pack(&docker_save(&[image()])));
        session.ok(&["unpack", "fx/a:1", "tree"]);
        session.write("tree/new", "changed");
        session.ok(&["export", "-o", "x.tar", "tree"]);
        session.ok(&["commit", "tree", "fx/a:2"]);
        session.ok(&["export", "-o", "y.tar", "fx/a:2"]);
        let [directory, image] = ["x.tar", "y.tar"].map(|name| Picture::of_tar(&session.work().join(name)));
        directory.assert_is(&image, "the directory and its image");
        // Without its image it is what the disk says, and that is said.
        session.ok(&["rmi", "-f", "fx/a:2", "fx/a:1"]);
        let answer = session.run(&["export", "-o", "z.tar", "tree"]);
        assert_eq!(answer.code, 0, "{}", answer.text());
        assert!(answer.stderr.contains("exporting files with the owners they have on disk"), "{}", answer.text());
    }
}

#[test]
fn sockets_are_left_out_and_said_so() {
    let session = session();
    session.ok(&["unpack", "fx/a:1", "tree"]);
    session.write("plain/f", "x");
    for folder in ["tree", "plain"] {
        let path = session.work().join(folder).join("s");
        let _socket = std::os::unix::net::UnixListener::bind(path).expect("a socket");
        let answer = session.run(&["export", "-o", "x.tar", folder]);
        assert_eq!(answer.text(), "! warning: sockets are not in the tar: /s\n", "{folder}");
    }
}

#[test]
fn of_a_bundle_its_file_system() {
    let session = session();
    session.ok(&["unpack", "--bundle", "fx/a:1", "bundle"]);
    session.ok(&["export", "-o", "x.tar", "bundle"]);
    Picture::of_tar(&session.work().join("x.tar")).assert_is(&wanted(), "the bundle's rootfs");
}

#[test]
fn the_files_that_docker_adds() {
    let session = session();
    session.ok(&["export", "--docker-stubs", "-o", "x.tar", "fx/a:1"]);
    let with = Picture::of_tar(&session.work().join("x.tar"));
    let added: Vec<String> = with
        .paths
        .keys()
        .filter(|path| !wanted().paths.contains_key(*path))
        .map(|path| String::from_utf8_lossy(path).into_owned())
        .collect();
    assert_eq!(
        added,
        [
            ".dockerenv",
            "dev",
            "dev/console",
            "dev/pts",
            "dev/shm",
            "etc/hostname",
            "etc/hosts",
            "etc/mtab",
            "etc/resolv.conf",
            "proc",
            "sys",
        ]
    );
    let mut command = session.command(&["export", "--docker-stubs", "fx/a:1"]);
    let dated = command.env("SOURCE_DATE_EPOCH", "86400").output().expect("the binary runs");
    session.write("dated.tar", dated.stdout);
    let dated = Picture::of_tar(&session.work().join("dated.tar"));
    assert_eq!(dated.paths[&b".dockerenv"[..]].mtime, (86_400, 0));
}

#[test]
fn for_one_platform() {
    let session = session();
    session.ok(&["export", "--platform", "linux/amd64", "-o", "x.tar", "fx/a:1"]);
    let answer = session.run(&["export", "--platform", "linux/s390x", "-o", "y.tar", "fx/a:1"]);
    answer.fails(1, &["linux/s390x", "linux/amd64"]);
    session.run(&["export", "--platform", "a/b/c/d", "-o", "y.tar", "fx/a:1"]).fails(1, &["invalid platform"]);
    assert_eq!(names(&session), ["load.tar", "x.tar"]);
}

#[test]
fn what_is_not_there() {
    let session = session();
    session.run(&["export", "-o", "y.tar", "fx/none"]).fails(1, &["error: No such image: fx/none:latest"]);
    session.run(&["export", "-o", "y.tar", "./none"]).fails(1, &["./none", "no such file or directory"]);
    session
        .run(&["export", "-o", "y.tar", "load.tar"])
        .fails(1, &["hint: load.tar is a file; to inspect an archive, write ./load.tar"]);
    session.run(&["export", "-o", "no/y.tar", "fx/a:1"]).fails(1, &["invalid output path: stat no: no such file"]);
    session.run(&["export", "-o", ".", "fx/a:1"]).fails(1, &["cannot write to a directory"]);
    let usage = ["'imgtool export' requires 1 argument", "Usage:  imgtool export [OPTIONS] IMAGE"];
    session.run(&["export"]).fails(1, &usage);
    session.run(&["export", "fx/a:1", "fx/a:1"]).fails(1, &usage);
    assert_eq!(names(&session), ["load.tar"], "nothing that looks like an archive, no temporary file");
}

#[test]
fn a_failed_export_keeps_the_old_file() {
    let session = session();
    let layer = session.store().join("blobs/sha256").join(crate::support::hex(&image().layers[0]));
    let bytes = std::fs::read(&layer).expect("the layer is kept as it came");
    std::fs::remove_file(&layer).expect("a writable store");
    std::fs::write(&layer, &bytes[..600]).expect("a writable store");
    session.write("old.tar", "from yesterday");
    let answer = session.run(&["export", "-o", "old.tar", "fx/a:1"]);
    assert_eq!(answer.code, 1, "{}", answer.text());
    assert_eq!(session.read("old.tar"), b"from yesterday");
    assert_eq!(names(&session), ["load.tar", "old.tar"]);
}

#[test]
fn a_terminal_is_no_place_for_a_tar() {
    let streams = Streams { stdin: false, stdout: true, stderr: true };
    let (code, screen) = terminal::run(session().command(&["export", "fx/a:1"]), streams);
    assert_eq!(code, 1);
    assert!(screen.contains("cowardly refusing to save to a terminal. Use the -o flag or redirect"), "{screen}");
}

#[test]
fn a_reader_that_goes_away_is_no_error_message() {
    let big = TestImage::new(&["fx/big:1"]).layer("big", &[Member::file("big", vec![1; 4 << 20])]);
    let session = Session::new();
    session.load(&pack(&docker_save(&[big])));
    let mut child = session
        .command(&["export", "fx/big:1"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the binary ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
