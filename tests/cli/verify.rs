//! `verify`: whatever is damaged in a store, layout or archive is found, named and told apart; all of it, not the first.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::oci::PLAIN_MARK;
use crate::support::packing::Packing;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};

/// Two images that share their first layer.
fn images() -> [TestImage; 2] {
    let base = TestImage::new(&["fx/a:1"]).layer("ADD base", &[Member::file("base", vec![b'b'; 3000])]);
    let other = TestImage { tags: vec!["fx/b:1".to_owned()], ..base.clone() };
    [
        base.layer("ADD a", &[Member::dir("etc/"), Member::file("etc/a", vec![b'a'; 2000])]),
        other.layer("ADD b", &[Member::file("b", "b")]),
    ]
}

fn loaded(packing: Packing) -> Session {
    let session = Session::new();
    session.load(&pack(&producers::skopeo_layout(&images(), &[packing]).members(PLAIN_MARK)));
    session
}

/// Where the parts of `fx/a:1` are in a layout.
struct Parts {
    root: PathBuf,
    manifest: PathBuf,
    config: PathBuf,
    layers: Vec<PathBuf>,
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a document")).expect("JSON")
}

fn parts(root: &Path) -> Parts {
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().expect("a digest");
        root.join("blobs/sha256").join(digest.trim_start_matches("sha256:"))
    };
    let manifest = blob(&json_of(&root.join("index.json"))["manifests"][0]);
    let document = json_of(&manifest);
    let layers = document["layers"].as_array().expect("layers").iter().map(blob).collect();
    Parts { root: root.to_owned(), config: blob(&document["config"]), manifest, layers }
}

fn change(path: &Path, edit: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("a blob");
    edit(&mut bytes);
    fs::write(path, bytes).expect("a writable folder");
}

/// Another bit, in what may be compressed to fewer bytes.
fn flip(bytes: &mut [u8], at: usize) {
    let at = at % bytes.len();
    bytes[at] ^= 1;
}

fn edit_index(parts: &Parts, edit: impl FnOnce(&mut Value)) {
    let path = parts.root.join("index.json");
    let mut index = json_of(&path);
    edit(&mut index);
    fs::write(path, index.to_string()).expect("a writable folder");
}

type Damage = (&'static str, fn(&Parts), &'static [&'static str]);

/// What is done to a layout, and what `verify` says of it.
const DAMAGES: [Damage; 23] = [
    ("a layer is gone", |p| fs::remove_file(&p.layers[1]).expect("a blob"), &["layer 2", "missing"]),
    ("a layer is cut", |p| change(&p.layers[1], |b| b.truncate(b.len() - 1)), &["layer 2", "truncated"]),
    ("a layer is empty", |p| change(&p.layers[1], Vec::clear), &["layer 2", "truncated"]),
    ("a layer is longer", |p| change(&p.layers[1], |b| b.push(0)), &["layer 2", "changed"]),
    ("a byte of a name", |p| change(&p.layers[1], |b| flip(b, 1)), &["layer 2", "changed"]),
    ("a byte of a mode", |p| change(&p.layers[1], |b| flip(b, 104)), &["layer 2", "changed"]),
    ("a byte of a size", |p| change(&p.layers[1], |b| flip(b, 133)), &["layer 2", "changed"]),
    ("a byte of content", |p| change(&p.layers[1], |b| flip(b, 1500)), &["layer 2", "changed"]),
    ("a byte of the end", |p| change(&p.layers[1], |b| *b.last_mut().expect("a byte") ^= 1), &["layer 2", "changed"]),
    (
        "layers are swapped",
        |p| {
            let [one, two] = [0, 1].map(|at: usize| fs::read(&p.layers[at]).expect("a blob"));
            fs::write(&p.layers[0], two).and_then(|()| fs::write(&p.layers[1], one)).expect("a writable folder");
        },
        &["layer 1", "layer 2", "changed"],
    ),
    ("another blob", |p| fs::write(&p.layers[1], "something else").expect("a writable folder"), &["layer 2"]),
    (
        "a link out",
        |p| {
            fs::remove_file(&p.layers[1]).expect("a blob");
            std::os::unix::fs::symlink("/etc/passwd", &p.layers[1]).expect("a link");
        },
        &["layer 2", "invalid"],
    ),
    (
        "a folder",
        |p| {
            fs::remove_file(&p.layers[1]).and_then(|()| fs::create_dir(&p.layers[1])).expect("a writable folder");
        },
        &["layer 2", "invalid"],
    ),
    ("the config is gone", |p| fs::remove_file(&p.config).expect("a blob"), &["config", "missing"]),
    ("a byte of the config", |p| change(&p.config, |b| flip(b, 20)), &["config", "changed"]),
    ("the config is cut", |p| change(&p.config, |b| b.truncate(20)), &["config", "truncated"]),
    ("the manifest is gone", |p| fs::remove_file(&p.manifest).expect("a blob"), &["manifest", "missing"]),
    ("a byte of the manifest", |p| change(&p.manifest, |b| flip(b, 20)), &["manifest", "changed"]),
    ("the manifest is cut", |p| change(&p.manifest, |b| b.truncate(20)), &["manifest", "truncated"]),
    ("a wrong size in index.json", |p| edit_index(p, |i| i["manifests"][0]["size"] = json!(7)), &["wrong-size"]),
    ("index.json is cut", |p| change(&p.root.join("index.json"), |b| b.truncate(30)), &["index.json", "invalid"]),
    (
        "a wrong digest in index.json",
        |p| edit_index(p, |i| i["manifests"][0]["digest"] = json!("sha256:x")),
        &["index.json"],
    ),
    (
        "a foreign manifest in index.json",
        |p| {
            edit_index(p, |i| {
                i["manifests"][0]["digest"] = json!(format!("sha256:{}", "0".repeat(64)));
            });
        },
        &["manifest", "missing"],
    ),
];

#[test]
fn all_kinds_of_damage_are_found_in_stores_and_layouts() {
    for (what, damage, said) in DAMAGES {
        for in_store in [true, false] {
            let session = loaded(Packing::None);
            let layout = (session.work().join("layout"), vec!["verify", "oci:layout"]);
            let (root, args) = if in_store { (session.store(), vec!["verify"]) } else { layout };
            if !in_store {
                fs::create_dir_all(root.join("blobs/sha256")).expect("a folder");
                for file in ["oci-layout", "index.json"] {
                    fs::copy(session.store().join(file), root.join(file)).expect("a file");
                }
                for blob in fs::read_dir(session.store().join("blobs/sha256")).expect("blobs").flatten() {
                    fs::copy(blob.path(), root.join("blobs/sha256").join(blob.file_name())).expect("a blob");
                }
            }
            assert_eq!(session.ok(&args), "fx/a:1: OK\nfx/b:1: OK\n", "{what}");
            damage(&parts(&root));
            let answer = session.run(&args);
            assert_eq!(answer.code, 1, "{what}: {}", answer.text());
            for piece in said {
                assert!(answer.out().contains(piece), "{what}: {piece:?} is not in {}", answer.text());
            }
            // What the other image does not share with it is well.
            let shares = ["index.json", "swapped", "digest"].iter().any(|word| what.contains(word));
            assert!(shares || answer.out().contains("fx/b:1: OK\n"), "{what}: {}", answer.text());
            let quiet = [&args[..], &["-q"]].concat();
            let quiet = session.run(&quiet);
            assert_eq!((quiet.code, quiet.text()), (1, "[exit 1]\n".to_owned()), "{what}");
            for line in session.run(&[&args[..], &["--format", "json"]].concat()).out().lines() {
                let image: Value = serde_json::from_str(line).expect("JSON");
                assert_eq!(image["OK"], json!(image["Damage"] == json!([])), "{what}: {line}");
            }
        }
    }
}

/// Whatever is damaged: no command gives wrong bytes and exit code 0, and one that fails leaves nothing.
#[test]
fn no_command_passes_on_damage() {
    let commands: [&[&str]; 7] = [
        &["export", "fx/a:1"],
        &["diff", "fx/b:1", "fx/a:1"],
        &["history", "--no-trunc", "fx/a:1"],
        &["inspect", "fx/a:1"],
        &["save", "fx/a:1"],
        &["unpack", "fx/a:1", "tree"],
        &["commit", "--timestamp", "1", "--format", "json", "edited", "new"],
    ];
    let edited = |packing| {
        let session = loaded(packing);
        session.ok(&["unpack", "fx/a:1", "edited"]);
        session.write("edited/new", "new");
        session
    };
    for packing in [Packing::None, Packing::Gzip] {
        let session = edited(packing);
        let good: Vec<_> = commands.iter().map(|args| session.run(args).stdout).collect();
        for (what, damage, _) in DAMAGES {
            let session = edited(packing);
            damage(&parts(&session.store()));
            for (args, good) in commands.iter().zip(&good) {
                let answer = session.run(args);
                let is_right = answer.code == 0 && answer.stdout == *good;
                assert!(answer.code == 1 || is_right, "{what}: {args:?}: {}", answer.text());
                if args[0] == "unpack" && answer.code == 1 {
                    assert!(!session.work().join("tree").exists(), "{what}");
                }
            }
            session.run(&["rmi", "new"]);
            // Every damage is mended by loading the image again, but an index.json that is none.
            if !what.contains("index.json") && what != "a folder" {
                session.ok(&["load", "-i", "load.tar"]);
                assert_eq!(session.ok(&["verify"]), "fx/a:1: OK\nfx/b:1: OK\n", "{what}");
            }
        }
    }
}

#[test]
fn all_damage_is_reported_each_blob_once() {
    let session = loaded(Packing::Zstd);
    let Parts { config, layers, .. } = parts(&session.store());
    change(&layers[0], |bytes| bytes[10] ^= 1);
    fs::remove_file(&layers[1]).expect("a blob");
    fs::remove_file(&config).expect("a blob");
    let answer = session.run(&["verify", "--all"]);
    let lines: Vec<String> = answer.out().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 4, "{}", answer.text());
    for (line, pieces) in lines.iter().zip([
        ["fx/a:1: config (sha256:", " missing: it is not there"],
        ["fx/a:1: layer 2 (sha256:", " missing: it is not there"],
        ["fx/a:1: layer 1 (sha256:", " changed: its content has the digest sha256:"],
        ["fx/b:1: layer 1 (sha256:", " changed: its content has the digest sha256:"],
    ]) {
        assert!(pieces.iter().all(|piece| line.contains(piece)), "{}", answer.text());
    }
    answer.fails(1, &["2 of 2 images are damaged: load them again to repair them"]);
    session.run(&["verify", "fx/b:1"]).fails(1, &["the image is damaged: load it again to repair it"]);
    session.run(&["verify", "--all", "fx/b:1"]).fails(1, &["leave out IMAGE, or --all"]);
    session.run(&["verify", "fx/nothing"]).fails(1, &["No such image: fx/nothing:latest"]);
}

/// Documents that are whole and do not fit each other.
#[test]
fn what_does_not_fit_is_damage() {
    let [image, _] = images();
    let mut config = image.config.clone();
    config["history"].as_array_mut().expect("steps").pop();
    let history = TestImage { config, ..image.clone() };
    let mut config = image.config.clone();
    config["rootfs"]["diff_ids"].as_array_mut().expect("layers").reverse();
    let swapped = TestImage { config, ..image.clone() };
    let mut config = image.config.clone();
    config["rootfs"]["diff_ids"].as_array_mut().expect("layers").pop();
    let fewer = TestImage { config, ..image.clone() };
    let not_tar = TestImage { layers: vec![image.layers[0].clone(), b"no tar at all".to_vec()], ..image.clone() };
    for (image, said) in [
        (history, "history: its history made 1 layers, and it has 2"),
        (swapped, "wrong-diff-id: its diff ID is sha256:"),
        (fewer, "it lists 2 layers, and its config 1 diff IDs"),
        (not_tar, "layer 2"),
    ] {
        let session = Session::new();
        session.write("a.tar", pack(&producers::skopeo_layout(&[image], &[Packing::Gzip]).members(PLAIN_MARK)));
        let answer = session.run(&["verify", "./a.tar"]);
        assert!(answer.code == 1 && answer.out().contains(said), "{said:?}: {}", answer.text());
        answer.fails(1, &["get it again from where it came from"]);
    }
}

#[test]
fn archives_are_verified_where_they_are() {
    let images = images();
    let archives = [
        ("docker", pack(&producers::docker_save(&images))),
        ("docker 25", pack(&producers::docker_25(&images))),
        ("podman", pack(&producers::podman(&images))),
        ("oci", pack(&producers::skopeo_layout(&images, &[Packing::Gzip]).members(PLAIN_MARK))),
        ("gzip", Packing::Gzip.apply(&pack(&producers::docker_save(&images)))),
    ];
    for (what, archive) in archives {
        let session = Session::new();
        session.write("a.tar", &archive);
        assert_eq!(session.ok(&["verify", "./a.tar"]), "fx/a:1: OK\nfx/b:1: OK\n", "{what}");
        assert_eq!(session.ok(&["verify", "./a.tar:fx/b:1"]), "fx/b:1: OK\n", "{what}");
        let would = session.ok(&["load", "--dry-run", "-i", "a.tar"]);
        assert_eq!(would, "Would load image: fx/a:1\nWould load image: fx/b:1\n", "{what}");
        assert!(session.picture().is_empty() && session.tags().is_empty(), "{what}: {:?}", session.picture());
        let (mut tried, mut found) = (0, 0);
        for n in 1..=12_usize {
            let at = n.wrapping_mul(0x9e37_79b9) % archive.len();
            let mut flipped = archive.clone();
            flipped[at] ^= 1;
            session.write("a.tar", &flipped);
            let (verified, loaded) =
                (session.run(&["verify", "./a.tar"]).code, session.run(&["load", "--dry-run", "-i", "a.tar"]).code);
            assert!(verified <= 1 && verified >= loaded, "{what}: byte {at}: {verified}, and load says {loaded}");
            tried += 1;
            found += verified;
        }
        assert!(found * 4 > tried, "{what}: only {found} of {tried} flips were seen at all");
    }
}

#[test]
fn an_empty_store_is_well() {
    let session = Session::new();
    assert_eq!(session.ok(&["verify"]), "");
    session.run(&["verify", "./nothing.tar"]).fails(1, &["open ./nothing.tar"]);
    session.write("text", "some text");
    session.run(&["verify", "./text"]).fails(1, &["the image is damaged"]);
}
