//! Damage in the store: whatever reads contents gives exactly what was loaded, or an error that names what is damaged.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::slow;
use crate::support::image::TestImage;
use crate::support::oci::PLAIN_MARK;
use crate::support::packing::Packing;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};

/// Not to be compressed away, so that flips meet contents.
fn noise(length: u32) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(0x9e37_79b9) ^ at << 21).to_be_bytes()[0]).collect()
}

fn image() -> TestImage {
    let small: Vec<Member> = (0..20).map(|n| Member::file(format!("etc/{n}"), noise(100 + n * 37))).collect();
    TestImage::new(&["fx/a:1"])
        .layer("ADD etc", &[&[Member::dir("etc/")], &small[..]].concat())
        .layer("ADD large", &[Member::file("large", noise(300_000)), Member::file("last", "the last\n")])
}

/// A session with the image in its store, its layers as they are packed.
fn loaded(packing: Packing) -> Session {
    let session = Session::new();
    let layout = producers::skopeo_layout(&[image()], &[packing]);
    session.load(&pack(&layout.members(PLAIN_MARK)));
    session
}

fn blob(session: &Session, digest: &Value) -> PathBuf {
    let hex = digest.as_str().expect("a digest").trim_start_matches("sha256:");
    session.store().join("blobs/sha256").join(hex)
}

fn json(path: &PathBuf) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a document")).expect("JSON")
}

/// The blobs of the image's layers, bottom first.
fn layers(session: &Session) -> Vec<PathBuf> {
    let manifest = json(&blob(session, &session.index()["manifests"][0]["digest"]));
    manifest["layers"].as_array().expect("layers").iter().map(|layer| blob(session, &layer["digest"])).collect()
}

fn flip(path: &PathBuf, at: usize, mask: u8) {
    let mut bytes = fs::read(path).expect("a blob");
    bytes[at] ^= mask;
    fs::write(path, bytes).expect("a writable store");
}

const PACKINGS: [(&str, Packing); 3] = [("plain", Packing::None), ("gzip", Packing::Gzip), ("zstd", Packing::Zstd)];

/// However a byte of a layer is flipped: never wrong bytes and exit code 0.
#[test]
fn flipped_bytes_are_errors_or_harmless() {
    let of_each: usize = if slow() { 2000 } else { 24 };
    for (name, packing) in PACKINGS {
        let session = loaded(packing);
        let good = session.run(&["export", "fx/a:1"]);
        assert_eq!(good.code, 0, "{}", good.text());
        let (mut tried, mut refused) = (0, 0);
        for layer in layers(&session) {
            let length = fs::read(&layer).expect("a blob").len();
            for n in 1..=of_each {
                // Steps of a golden ratio reach every part without a generator.
                let at = n.wrapping_mul(0x9e37_79b9) % length;
                let mask = 1 << (n % 8);
                flip(&layer, at, mask);
                let found = session.run(&["export", "fx/a:1"]);
                flip(&layer, at, mask);
                assert!(found.code != 0 || found.stdout == good.stdout, "{name}: byte {at} of {}", layer.display());
                tried += 1;
                refused += usize::from(found.code != 0);
            }
        }
        assert!(refused * 3 > tried, "{name}: only {refused} of {tried} flips were seen at all");
        assert_eq!(session.run(&["export", "fx/a:1"]).stdout, good.stdout);
    }
}

/// Flips a byte in the content of `large`, in the second layer.
fn spoil(session: &Session, packing: Packing) -> PathBuf {
    let layer = layers(session).pop().expect("a layer");
    let at = if packing == Packing::None { 512 + 200_001 } else { 2000 };
    flip(&layer, at, 1);
    layer
}

#[test]
fn nothing_half_done_stays_and_the_error_says_what_helps() {
    for (name, packing) in PACKINGS {
        let session = loaded(packing);
        session.write("good.tar", pack(&producers::docker_save(&[TestImage::of("fx/b:1", "b")])));
        session.ok(&["load", "-i", "good.tar"]);
        let layer = spoil(&session, packing);
        let digest = format!("sha256:{}", layer.file_name().expect("a name").to_string_lossy());
        let said = ["layer 2 of fx/a:1", &digest, "is damaged", "large", "load the image again to repair it"];
        session.run(&["export", "-o", "out.tar", "fx/a:1"]).fails(1, &said);
        session.run(&["unpack", "fx/a:1", "out"]).fails(1, &said);
        session.run(&["diff", "fx/b:1", "fx/a:1"]);
        let left: Vec<_> = fs::read_dir(session.work()).expect("a folder").flatten().map(|e| e.file_name()).collect();
        assert!(left.iter().all(|file| file.to_string_lossy().ends_with(".tar")), "{name} left {left:?}");
        assert!(!session.work().join("out.tar").exists(), "{name}");
        let piped = session.run(&["export", "fx/a:1"]);
        piped.fails(1, &said);
        session.run_with(&piped.stdout, &["import", "-", "fx/c:1"]).fails(1, &[]);
        assert_eq!(session.tags(), ["fx/a:1", "fx/b:1"], "{name}");
    }
}

/// Two images that differ in nothing but where a file stands are compared by content, and nobody takes damage for a
/// change.
#[test]
fn damage_is_no_difference() {
    for (name, packing) in PACKINGS {
        let session = loaded(packing);
        let moved = image().layers[1].clone();
        let other = TestImage::new(&["fx/b:1"])
            .raw_layer("ADD etc", image().layers[0].clone())
            .layer("ADD first", &[Member::file("first", "1")])
            .raw_layer("ADD large", [&pack(&[Member::file("more", "2")])[..1024], &moved[..]].concat());
        session.load(&pack(&producers::docker_save(&[other])));
        assert_eq!(session.ok(&["diff", "fx/a:1", "fx/b:1"]), "A /first\nA /more\n", "{name}");
        spoil(&session, packing);
        session.run(&["diff", "fx/a:1", "fx/b:1"]).fails(1, &["layer 2 of fx/a:1", "is damaged", "large"]);
    }
}

/// A tree is compared with the contents of its layers where stat does not tell: damage there is no change of the tree.
#[test]
fn a_tree_is_not_compared_with_damage() {
    for (name, packing) in PACKINGS {
        let session = loaded(packing);
        session.ok(&["unpack", "fx/a:1", "tree"]);
        // The same bytes written again: another inode, and another ctime.
        let file = session.work().join("tree/large");
        let (bytes, time) = (fs::read(&file).expect("a file"), fs::metadata(&file).expect("a file").modified());
        fs::remove_file(&file).expect("a file");
        fs::write(&file, bytes).expect("a file");
        let opened = fs::File::options().write(true).open(&file).expect("a file");
        opened.set_modified(time.expect("a time")).expect("a time");
        assert_eq!(session.ok(&["diff", "tree"]), "", "{name}");
        spoil(&session, packing);
        for args in [&["diff", "tree"][..], &["commit", "tree", "fx/d:1"]] {
            session.run(args).fails(1, &["layer 2 of fx/a:1", "is damaged", "large"]);
        }
        assert_eq!(session.tags(), ["fx/a:1"], "{name}");
    }
}

/// Indexes are caches: whatever happens to them, contents are right, and damaged layers are not believed.
#[test]
fn indexes_are_made_anew_but_not_of_damage() {
    let session = loaded(Packing::None);
    let good = session.run(&["export", "fx/a:1"]).stdout;
    let layer = layers(&session);
    let index = |layer: &PathBuf| session.store().join("imgtool/layers").join(layer.file_name().expect("a name"));
    let whole: Vec<Vec<u8>> = layer.iter().map(|layer| fs::read(index(layer)).expect("an index")).collect();
    let mut old = whole[1].clone();
    old[20] = b'1';
    let flips = (0..whole[1].len()).step_by(if slow() { 1 } else { 97 });
    let flipped = flips.map(|at| {
        let mut bytes = whole[1].clone();
        bytes[at] ^= 4;
        bytes
    });
    let cases = [whole[0].clone(), old, Vec::new(), b"imgtool-layer-index 1\n".to_vec()].into_iter().chain(flipped);
    for (n, bytes) in cases.enumerate() {
        // Both at once: one that is made anew does not hide the other.
        fs::write(index(&layer[0]), if n == 0 { &whole[1] } else { &whole[0][..n % 50] }).expect("a writable store");
        fs::write(index(&layer[1]), bytes).expect("a writable store");
        let found = session.run(&["export", "fx/a:1"]);
        assert!(found.code == 0 && found.stdout == good, "case {n}: {}", found.stderr);
        assert_eq!(fs::read(index(&layer[1])).expect("an index"), whole[1], "case {n}");
    }
    // Without an index, whoever reads the layer checks its digest first: damage is never indexed.
    spoil(&session, Packing::None);
    fs::remove_file(index(&layer[1])).expect("an index");
    for args in [&["export", "-o", "x.tar", "fx/a:1"][..], &["unpack", "fx/a:1", "x"], &["history", "fx/a:1"]] {
        session.run(args).fails(1, &["is damaged", "load", "to repair it"]);
    }
    assert!(!index(&layer[1]).exists());
}

/// To load the image again puts back whatever is damaged, and everything works as before.
#[test]
fn loading_again_repairs() {
    let session = loaded(Packing::Gzip);
    let good = session.run(&["export", "fx/a:1"]).stdout;
    let manifest = blob(&session, &session.index()["manifests"][0]["digest"]);
    let config = blob(&session, &json(&manifest)["config"]["digest"]);
    let mut blobs = layers(&session);
    blobs.extend([config, manifest]);
    for path in blobs {
        let whole = fs::read(&path).expect("a blob");
        let damages: [(&str, &dyn Fn()); 5] = [
            ("flipped", &|| flip(&path, whole.len() / 2, 0x10)),
            ("cut", &|| fs::write(&path, &whole[..whole.len() / 2]).expect("a writable store")),
            ("longer", &|| fs::write(&path, [&whole[..], b" "].concat()).expect("a writable store")),
            ("missing", &|| fs::remove_file(&path).expect("a writable store")),
            ("a link", &|| {
                fs::remove_file(&path).expect("a writable store");
                std::os::unix::fs::symlink("/etc/passwd", &path).expect("a link");
            }),
        ];
        for (what, damage) in damages {
            damage();
            session.ok(&["load", "-i", "load.tar"]);
            assert!(fs::symlink_metadata(&path).expect("a blob").is_file(), "{what}");
            assert!(fs::read(&path).expect("a blob") == whole, "{what}: {}", path.display());
            assert!(session.run(&["export", "fx/a:1"]).stdout == good, "{what}");
        }
    }
}
