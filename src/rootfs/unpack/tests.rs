use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::sync::Arc;

use super::*;
use crate::image::{Blob, Silent};
use crate::layer::{Entry, EntryKind, EntryPath, LayerIndex, Limits, Meta, TarWriter, scan};

/// A layer of these members, in a file, and its entries.
fn layer(members: &[(Meta, &[u8])]) -> (Blob, Vec<Entry>) {
    let mut tar = TarWriter::new(Vec::new());
    for (meta, content) in members {
        tar.entry(meta).expect("memory");
        std::io::Write::write_all(&mut tar, content).expect("memory");
    }
    let bytes = tar.finish().expect("memory");
    let mut index = Vec::new();
    scan(&bytes[..], &Limits::default(), &mut index).expect("a layer");
    let entries = LayerIndex::read(&index[..]).expect("an index").collect::<Result<_, _>>().expect("entries");
    let mut file = tempfile::tempfile().expect("a file");
    std::io::Write::write_all(&mut file, &bytes).expect("a write");
    (Blob::range(Arc::new(file), 0, bytes.len() as u64), entries)
}

fn file(name: &str, mode: u32, content: &'static [u8]) -> (Meta, &'static [u8]) {
    let mtime = Mtime { seconds: -1, nanos: 500 };
    (Meta::file(name.as_bytes(), content.len() as u64, mode, mtime), content)
}

fn unpack_layers(layers: Vec<(Blob, Vec<Entry>)>, target: &Path) -> Result<Unpacked, Error> {
    let (blobs, entries): (Vec<_>, Vec<_>) = layers.into_iter().unzip();
    let overlay = Overlay::build(entries.into_iter().map(|entries| entries.into_iter().map(Ok))).expect("a view");
    let layers =
        LayerStack::new(blobs, Limits::default(), |_| Err(std::io::ErrorKind::NotFound.into())).expect("layers");
    let owners = rustix::process::geteuid().is_root();
    unpack(&overlay, &layers, target, UnpackOptions { devices: false, owners }, &Silent, &Token::new())
}

#[test]
fn modes_times_and_links_are_those_of_the_image() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("t");
    let directory = Meta::directory(b"d", 0o500, Mtime { seconds: 7, nanos: 0 });
    let kind = EntryKind::Hardlink { target: EntryPath::new(b"d/a").expect("a path") };
    let link = Meta { kind, mtime: Mtime { seconds: -2, nanos: 600 }, ..file("l", 0o4711, b"").0 };
    let device = Meta { kind: EntryKind::CharDevice { major: 1, minor: 3 }, ..file("null", 0o666, b"").0 };
    let members = [(directory, &b""[..]), file("d/a", 0o640, b"content"), (link, b""), (device, b"")];
    let unpacked = unpack_layers(vec![layer(&members)], &target).expect("a tree");
    let found = fs::metadata(target.join("d/a")).expect("a file");
    let metadata = (found.mode() & 0o7777, found.mtime(), found.mtime_nsec(), found.nlink());
    assert_eq!(metadata, (0o4711, -2, 600, 2), "of the names of a file the last header counts");
    assert_eq!(fs::read(target.join("l")).expect("a file"), b"content");
    let found = fs::metadata(target.join("d")).expect("a folder");
    assert_eq!((found.mode() & 0o7777, found.mtime()), (0o500, 7));
    assert_eq!(fs::metadata(target.join("null")).expect("a file").len(), 0);
    assert_eq!(unpacked.lacking.devices, 1);
    assert_eq!(fs::metadata(&target).expect("a folder").mode() & 0o7777, 0o755);
}

#[test]
fn packed_layers_are_streamed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (blob, entries) = layer(&[file("b", 0o644, b"second"), file("a", 0o644, b"first"), file("c", 0o644, b"")]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::copy(&mut blob.open().expect("open"), &mut gzip).expect("memory");
    let packed = Blob::bytes(gzip.finish().expect("memory"));
    unpack_layers(vec![(packed, entries)], &folder.path().join("t")).expect("a tree");
    for (name, content) in [("a", "first"), ("b", "second"), ("c", "")] {
        assert_eq!(fs::read_to_string(folder.path().join("t").join(name)).expect("a file"), content);
    }
}

#[test]
fn what_cannot_be_unpacked_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("t");
    let nobody = Meta { uid: u64::from(u32::MAX), ..file("a", 0o644, b"").0 };
    let error = unpack_layers(vec![layer(&[(nobody, b"")])], &target).expect_err("no owner");
    assert!(matches!(error, Error::Owner { field: "uid", .. }), "{error}");
    assert!(!target.exists());
    let (_, entries) = layer(&[file("a", 0o644, b"content")]);
    let cut = Blob::range(Arc::new(tempfile::tempfile().expect("a file")), 0, 0);
    assert!(unpack_layers(vec![(cut, entries)], &target).is_err());
    assert!(!target.exists());
}

#[test]
fn only_an_empty_directory_is_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    unpack_layers(vec![layer(&[file("a", 0o600, b"x")])], folder.path()).expect("an empty directory");
    let error = unpack_layers(vec![layer(&[file("b", 0o600, b"x")])], folder.path()).expect_err("not empty");
    assert!(matches!(error, Error::NotEmpty { .. }), "{error}");
    assert!(!folder.path().join("b").exists());
}

fn whiteout(name: &str) -> (Meta, &'static [u8]) {
    file(name, 0o600, b"")
}

/// What is written as the difference of two stacks is read back as that difference.
#[test]
fn a_difference_is_an_upper_directory() {
    let directory = |name: &str| (Meta::directory(name.as_bytes(), 0o755, Mtime { seconds: 7, nanos: 0 }), &b""[..]);
    let hard = |name: &str, target: &str| {
        let kind = EntryKind::Hardlink { target: EntryPath::new(target.as_bytes()).expect("a path") };
        (Meta { kind, ..file(name, 0o644, b"").0 }, &b""[..])
    };
    let lower = [
        directory("d"),
        file("d/same", 0o644, b"same"),
        file("d/gone", 0o644, b"x"),
        directory("e"),
        file("e/f", 0o644, b"deep"),
        directory("idle"),
        file("l1", 0o644, b"linked"),
        file("to-dir", 0o644, b"x"),
    ];
    let upper = [
        whiteout("d/.wh.gone"),
        file("d/new", 0o4755, b"new"),
        whiteout(".wh.e"),
        hard("l2", "l1"),
        whiteout(".wh.to-dir"),
        directory("to-dir"),
    ];
    let mut owned = Vec::new();
    for (meta, content) in lower.into_iter().chain(upper) {
        let (uid, gid) = (rustix::process::geteuid().as_raw().into(), rustix::process::getegid().as_raw().into());
        owned.push((Meta { uid, gid, ..meta }, content));
    }
    let layers = [layer(&owned[..8]), layer(&owned[8..])];
    let view = |count: usize| {
        let entries = layers[..count].iter().map(|(_, entries)| entries.iter().cloned().map(Ok));
        Overlay::build(entries).expect("a view")
    };
    let (below, view) = (view(1), view(2));
    let blobs = layers.iter().map(|(blob, _)| blob.clone()).collect();
    let stack = LayerStack::new(blobs, Limits::default(), |_| Err(std::io::ErrorKind::NotFound.into()));
    let stack = stack.expect("layers");
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("t");
    let part = Part::difference(&below, &view, 1);
    let options = UnpackOptions { devices: false, owners: true };
    unpack_part(&view, &stack, &target, options, Some(&part), &Token::new()).expect("a tree");
    assert!(!target.join("idle").exists() && !target.join("d/same").exists());
    let root = crate::rootfs::Root::open(&target).expect("a directory");
    let stubs = std::collections::HashSet::new();
    let options =
        crate::rootfs::UpperOptions { view: &below, stubs: &stubs, has_owner: &|_| true, has_group: &|_| true };
    let (changes, is_exact) = crate::rootfs::upper_changes(&root, &options).expect("changes");
    assert!(is_exact);
    let found: Vec<String> = changes
        .changes
        .iter()
        .map(|change| format!("{:?} {}{}", change.kind, change.path, if change.link.is_some() { " link" } else { "" }))
        .collect();
    let expected = [
        "Parent ",
        "Parent d",
        "Deleted d/gone",
        "Added d/new",
        "Deleted e",
        "Changed l1",
        "Added l2 link",
        "Changed to-dir",
    ];
    assert_eq!(found, expected);
}

#[test]
fn places_for_mounts_are_no_changes() {
    let (blob, entries) = layer(&[file("etc/a", 0o644, b"x")]);
    let view = Overlay::build([entries.into_iter().map(Ok)]).expect("a view");
    let stack = LayerStack::new(vec![blob], Limits::default(), |_| Err(std::io::ErrorKind::NotFound.into()));
    let stack = stack.expect("layers");
    let path = |path: &str| EntryPath::new(path.as_bytes()).expect("a path");
    let places = [(path("etc/hosts"), false), (path("run/secrets/s"), false), (path("proc"), true)];
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("t");
    let whole = Part::whole(&view, &places);
    let options = UnpackOptions { devices: false, owners: false };
    unpack_part(&view, &stack, &target, options, Some(&whole), &Token::new()).expect("a tree");
    assert!(target.join("run/secrets/s").is_file() && target.join("proc").is_dir() && target.join("etc/a").is_file());
    let before = fs::metadata(target.join("etc")).expect("a folder").mtime();
    fs::write(target.join("run/kept"), "x").expect("a file");
    crate::rootfs::remove_stubs(&crate::rootfs::Root::open(&target).expect("a directory"), &whole).expect("removed");
    assert!(
        !target.join("run/secrets").exists() && !target.join("proc").exists() && !target.join("etc/hosts").exists()
    );
    assert!(target.join("run/kept").exists());
    assert_eq!(fs::metadata(target.join("etc")).expect("a folder").mtime(), before);
}
