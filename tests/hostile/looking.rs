//! Images that mislead whoever looks into them: links that go round or lead out, damaged indexes, lacking layers, and
//! destinations of `cp` with links in them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::oci::PLAIN_MARK;
use crate::support::packing::Packing;
use crate::support::producers::{docker_save, skopeo_layout};
use crate::support::session::Session;
use crate::support::tarball::pack;
use crate::support::terminal::{self, Streams};

fn loaded(layers: &[Vec<Item>]) -> Session {
    let image = layers.iter().fold(TestImage::new(&["fx/a:1"]), |image, items| image.raw_layer("ADD", layer(items)));
    let session = Session::new();
    session.load(&pack(&docker_save(&[image])));
    session
}

#[test]
fn links_end_inside_of_the_image_or_nowhere() {
    let mut items = vec![
        Item::symlink("a", "b"),
        Item::symlink("b", "a"),
        Item::symlink("up", "../../../../../../etc/passwd"),
        Item::symlink("host", "/etc/passwd"),
        Item::symlink("c60", "end"),
        Item::file("end", "the end"),
    ];
    items.extend((0..60).map(|n| Item::symlink(format!("c{n}"), format!("c{}", n + 1))));
    let session = loaded(&[items]);
    for (path, expected) in [
        ("/a", "Too many levels of symbolic links"),
        ("/c0", "Too many levels of symbolic links"),
        ("/a/x", "Too many levels of symbolic links"),
        ("/up", "No such file or directory"),
        ("/host", "No such file or directory"),
    ] {
        for command in ["cat", "sum", "grep"] {
            let line =
                if command == "grep" { vec!["grep", "x", "fx/a:1", path] } else { vec![command, "fx/a:1", path] };
            session.run(&line).fails(if command == "grep" { 2 } else { 1 }, &[expected]);
        }
    }
    assert_eq!(session.ok(&["cat", "fx/a:1", "/c30"]), "the end");
    session.run(&["find", "-L", "fx/a:1"]).fails(1, &["/a: Too many levels", "/c0: Too many levels"]);
    session.run(&["which", "--follow-link", "fx/a:1", "/up"]).ok();
    session.run(&["cp", "-L", "fx/a:1:/host", "out"]).fails(1, &["Could not find the file /host in image fx/a:1"]);
    assert!(!session.work().join("out").exists());
}

/// Names and lines that would act upon a terminal.
#[test]
fn names_and_lines_do_nothing_to_a_terminal() {
    let rude = "\u{1b}[31m\u{7}\u{202e}\n";
    let session = loaded(&[vec![
        Item::dir(format!("d{rude}")),
        Item::file(format!("d{rude}/f{rude}"), format!("{rude}before{rude}match{rude}after{rude}")),
        Item::symlink(format!("l{rude}"), rude),
    ]]);
    for line in [
        &["ls", "-lR", "fx/a:1"][..],
        &["ls", "-F", "fx/a:1"],
        &["tree", "--du", "fx/a:1"],
        &["find", "fx/a:1"],
        &["find", "fx/a:1", "-ls"],
        &["find", "fx/a:1", "-printf", "%p %l %f\\n"],
        &["grep", "-rnC2", "match", "fx/a:1"],
        &["grep", "-l", "match", "fx/a:1"],
        &["sum", "fx/a:1"],
        &["which", "fx/a:1", &format!("/d{rude}/f{rude}")],
        &["cat", "fx/a:1", &format!("/d{rude}/f{rude}")],
        &["analyze", "fx/a:1"],
    ] {
        // Progress on standard error acts upon the terminal, and is meant to.
        let streams = Streams { stdin: false, stdout: true, stderr: false };
        let (_, screen) = terminal::run(session.command(line), streams);
        let acts =
            |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        assert!(!screen.replace("\r\n", "\n").contains(acts), "{line:?}: {screen:?}");
    }
}

#[test]
fn a_copy_stays_in_its_destination() {
    let session = loaded(&[
        vec![
            Item::dir("d"),
            Item::dir("d/x"),
            Item::file("d/x/evil", "evil"),
            Item::file("d/f", "new"),
            Item::symlink("e", "/tmp"),
        ],
        vec![Item::file("e/below", "x"), Item::symlink("d/out", "../../victim")],
        vec![Item::file("d/out/below", "x")],
    ]);
    let victim = session.work().join("victim");
    fs::create_dir_all(&victim).expect("a folder");
    fs::create_dir_all(session.work().join("to/d")).expect("a folder");
    let (through, over) = (session.work().join("to/d/x"), session.work().join("to/d/f"));
    symlink("../../victim", &through).expect("a link");
    symlink("../../victim/new", &over).expect("a link");
    session.run(&["cp", "fx/a:1:/d", "to"]).fails(1, &["cannot overwrite non-directory \"d/x\" with directory"]);
    assert!(over.is_symlink(), "nothing is done where one of the names is in the way");
    session.ok(&["cp", "fx/a:1:/d/f", "to/d"]);
    session.ok(&["cp", "fx/a:1:/.", "all"]);
    assert!(session.work().join("all/e/below").exists() && session.work().join("all/d/out/below").exists());
    assert_eq!(fs::read(&over).expect("a file"), b"new");
    assert!(!over.is_symlink(), "a link is replaced, not written through");
    assert_eq!(fs::read_dir(&victim).expect("a folder").count(), 0, "nothing was written through a link");
}

/// What a command prints that reads indexes of layers, or restarts in the middle of one.
const READING: [&[&str]; 8] = [
    &["ls", "-lAnR", "fx/a:1"],
    &["cat", "fx/a:1", "/last"],
    &["cat", "fx/a:1", "/etc/5"],
    &["sum", "fx/a:1"],
    &["which", "fx/a:1", "/etc/3"],
    &["ls", "--deleted", "fx/a:1"],
    &["layers", "fx/a:1"],
    &["cp", "fx/a:1:/etc", "-"],
];

#[test]
fn damaged_indexes_never_give_other_answers() {
    let noise = |length: u32, seed: u32| -> Vec<u8> {
        (0..length).map(|at| (at.wrapping_add(seed).wrapping_mul(0x9e37_79b9) >> 13).to_be_bytes()[3]).collect()
    };
    let lower: Vec<Item> = (0..20).map(|n| Item::file(format!("etc/{n}"), noise(100 + n, n))).collect();
    let upper = [Item::file("big", noise(9 << 20, 7)), Item::file("last", "last\n"), Item::whiteout("etc/.wh.3")];
    let image = TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&lower)).raw_layer("RUN", layer(&upper));
    let session = Session::new();
    session.load(&pack(&skopeo_layout(&[image], &[Packing::Gzip]).members(PLAIN_MARK)));
    let answers: Vec<_> = READING.iter().map(|line| session.run(line)).collect();
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in ["layers", "seek"] {
        let entries = fs::read_dir(session.store().join("imgtool").join(folder)).expect("a folder");
        files.extend(entries.map(|entry| entry.expect("an entry").path()));
    }
    assert_eq!(files.len(), 3, "an index of each layer, and the places to restart at in the large one");
    for file in &files {
        let good = fs::read(file).expect("a file");
        let other = fs::read(files.iter().find(|other| *other != file).expect("two")).expect("a file");
        let mut flipped = good.clone();
        flipped[good.len() / 2] ^= 4;
        let mut early = good.clone();
        early[20.min(good.len() - 1)] ^= 0x80;
        for bad in [Vec::new(), good[..good.len() / 2].to_vec(), [&good[..], b"more"].concat(), flipped, early, other] {
            fs::write(file, &bad).expect("a writable store");
            for (line, expected) in READING.iter().zip(&answers) {
                let found = session.run(line);
                assert_eq!((found.code, found.stdout), (0, expected.stdout.clone()), "{line:?} {}", file.display());
            }
        }
        fs::write(file, good).expect("a writable store");
    }
}

#[test]
fn an_image_that_lacks_a_layer_says_so() {
    let session = loaded(&[vec![Item::file("f", "x")], vec![Item::file("g", "y")]]);
    let tar = layer(&[Item::file("f", "x")]);
    let digest = crate::support::digest(&tar);
    fs::remove_file(session.store().join("blobs/sha256").join(&digest["sha256:".len()..]))
        .expect("the blob of the layer");
    for line in [
        &["ls", "fx/a:1"][..],
        &["cat", "fx/a:1", "/g"],
        &["find", "fx/a:1"],
        &["grep", "x", "fx/a:1"],
        &["cp", "fx/a:1:/g", "out"],
        &["sum", "fx/a:1"],
        &["tree", "fx/a:1"],
        &["which", "fx/a:1", "/g"],
        &["ls", "--deleted", "fx/a:1"],
        &["analyze", "fx/a:1"],
        &["report", "fx/a:1", "-o", "out.html"],
        &["squash", "fx/a:1", "fx/b:1"],
    ] {
        let code = if line[0] == "grep" { 2 } else { 1 };
        session.run(line).fails(code, &["lacks layers that are not in the store", &digest]);
    }
    assert_eq!(fs::read_dir(session.work()).expect("a folder").count(), 1, "only the archive");
}
