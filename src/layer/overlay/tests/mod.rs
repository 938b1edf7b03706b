//! Layers are written as text: `d/` is a directory, `d/ 700` one of that mode, `f 5` a file of five bytes, `l -> t` a
//! symbolic and `l = t` a hard link. Views are shown in the same words, sorted, with the modes of all directories.

mod model;

use super::*;
use crate::layer::Meta;
use crate::layer::entry::EntryKind;
use crate::layer::sparse_map::Segment;

pub(super) fn path(text: &str) -> EntryPath {
    EntryPath::new(text.as_bytes()).expect("a valid path")
}

pub(super) fn entry(text: &str) -> Entry {
    let (name, kind, size, mode) = if let Some((name, target)) = text.split_once(" -> ") {
        (name, EntryKind::Symlink { target: target.into() }, 0, 0o777)
    } else if let Some((name, target)) = text.split_once(" = ") {
        (name, EntryKind::Hardlink { target: path(target) }, 0, 0o644)
    } else if let Some((name, mode)) = text.split_once("/ ") {
        (name, EntryKind::Directory, 0, u32::from_str_radix(mode, 8).expect("a mode"))
    } else if let Some((name, size)) = text.split_once(' ') {
        (name, EntryKind::File, size.parse().expect("a number"), 0o644)
    } else {
        (text, EntryKind::Directory, 0, 0o755)
    };
    let (path, mtime, xattrs) = (path(name), Mtime { seconds: 1, nanos: 0 }, Vec::new());
    Entry {
        path,
        kind,
        mode,
        uid: 0,
        gid: 0,
        mtime,
        size,
        xattrs,
        content_offset: 512,
        sparse: None,
        checksum: Checksum::EMPTY,
    }
}

pub(super) fn build(layers: Vec<Vec<Entry>>) -> Result<Overlay, OverlayError> {
    Overlay::build(layers.into_iter().map(|layer| layer.into_iter().map(Ok)))
}

fn view(layers: &[&[&str]]) -> Result<Overlay, OverlayError> {
    build(layers.iter().map(|layer| layer.iter().map(|text| entry(text)).collect()).collect())
}

fn shown(overlay: &Overlay) -> Vec<String> {
    let show = |node: ViewNode<'_>| match node.kind() {
        _ if node.is_further_name() => format!("{} = {}", node.path(), node.first_name().path()),
        NodeKind::Directory => format!("{}/ {:o}", node.path(), node.mode()),
        NodeKind::File => format!("{} {}", node.path(), node.size()),
        NodeKind::Symlink { target } => format!("{} -> {}", node.path(), target.escape_ascii()),
        kind => format!("{} {kind:?}", node.path()),
    };
    overlay.iter().map(show).collect()
}

/// A description, the layers, and the expected view.
type Case = (&'static str, &'static [&'static [&'static str]], &'static [&'static str]);

#[test]
fn layers_stack_as_on_overlayfs() {
    let table: &[Case] = &[
        ("nothing", &[], &[]),
        ("no entries", &[&[], &[]], &[]),
        (
            "directories come before what is in them",
            &[&["b 1", "a/", "a/x 2", "a.b 3"]],
            &["a/ 755", "a/x 2", "a.b 3", "b 1"],
        ),
        ("parents are implied", &[&["a/b/c 1"]], &["a/ 755", "a/b/ 755", "a/b/c 1"]),
        ("the last of one path counts", &[&["a 1", "./a 2", "/a 3"]], &["a 3"]),
        ("a file in the place of a directory", &[&["a/b 1", "a 2"]], &["a 2"]),
        ("a directory comes back empty", &[&["a/b 1", "a 2", "a/", "a/c 3"]], &["a/ 755", "a/c 3"]),
        ("a directory that comes twice keeps what is in it", &[&["a/", "a/b 1", "a/ 700"]], &["a/ 700", "a/b 1"]),
        ("layers add up", &[&["a/x 1"], &["a/y 2"], &["b 3"]], &["a/ 755", "a/x 1", "a/y 2", "b 3"]),
        (
            "the upper replaces",
            &[&["a 1", "b/c 2", "d 3"], &["a -> x", "b 4", "d/e 5"]],
            &["a -> x", "b 4", "d/ 755", "d/e 5"],
        ),
        ("a listed directory brings its mode", &[&["a/ 700", "a/x 1"], &["a/ 711"]], &["a/ 711", "a/x 1"]),
        ("an implied one does not", &[&["a/ 700"], &["a/x 1"]], &["a/ 700", "a/x 1"]),
        ("over an implied one", &[&["a/x 1"], &["a/ 700"]], &["a/ 700", "a/x 1"]),
        ("a listed one is not remembered past its end", &[&["a/ 700"], &[".wh.a"], &["a/x 1"]], &["a/ 755", "a/x 1"]),
        // Whiteouts.
        ("a whiteout", &[&["a/x 1", "a/y 2"], &["a/.wh.x 0"]], &["a/ 755", "a/y 2"]),
        ("of a directory", &[&["a/x 1", "b 2"], &[".wh.a 0"]], &["b 2"]),
        ("of nothing, in nothing", &[&["b 2"], &["a/.wh.x 0"]], &["a/ 755", "b 2"]),
        ("not of its own layer, before", &[&["a 1"], &[".wh.a 0", "a 2"]], &["a 2"]),
        ("not of its own layer, after", &[&["a 1"], &["a 2", ".wh.a 0"]], &["a 2"]),
        (
            "a directory after its whiteout merges",
            &[&["a/x 1"], &[".wh.a 0", "a/", "a/y 2"]],
            &["a/ 755", "a/x 1", "a/y 2"],
        ),
        ("but not one that is implied", &[&["a/x 1"], &[".wh.a 0", "a/y 2"]], &["a/ 755", "a/y 2"]),
        ("nor one before", &[&["a/x 1"], &["a/", "a/y 2", ".wh.a 0"]], &["a/ 755", "a/y 2"]),
        ("only of lower layers", &[&["a 1"], &[".wh.a 0"], &["a 3"]], &["a 3"]),
        ("in a directory that is gone", &[&["a/x 1"], &["a/.wh.x 0", "a 2", "a/"]], &["a/ 755", "a/x 1"]),
        ("opaque", &[&["a/x 1", "a/d/y 2"], &["a/.wh..wh..opq 0", "a/z 3"]], &["a/ 755", "a/z 3"]),
        (
            "opaque, after",
            &[&["a/x 1", "a/d/y 2"], &["a/d/z 3", "a/.wh..wh..opq 0"]],
            &["a/ 755", "a/d/ 755", "a/d/z 3"],
        ),
        ("opaque keeps the mode below", &[&["a/ 700", "a/x 1"], &["a/.wh..wh..opq 0"]], &["a/ 700"]),
        ("opaque of nothing", &[&["b 1"], &["a/.wh..wh..opq 0"]], &["a/ 755", "b 1"]),
        ("the whole root", &[&["a 1", "b/c 2"], &[".wh..wh..opq 0", "d 3"]], &["d 3"]),
        (
            "opaque for lower layers only",
            &[&["a/x 1"], &["a/.wh..wh..opq 0", "a/y 2"], &["a/z 3"]],
            &["a/ 755", "a/y 2", "a/z 3"],
        ),
        ("opaque over a file", &[&["a 1"], &["a/.wh..wh..opq 0", "a/y 2"]], &["a/ 755", "a/y 2"]),
        ("AUFS's own", &[&["a 1"], &[".wh..wh.aufs 0", ".wh..wh.plnk/1 1", ".wh..wh.a 0"]], &["a 1"]),
        // Parents that are symbolic links.
        ("of the same layer are followed", &[&["d/", "l -> d", "l/a 1"]], &["d/ 755", "d/a 1", "l -> d"]),
        ("to the root", &[&["x/l -> /d", "x/l/a 1"]], &["d/ 755", "d/a 1", "x/ 755", "x/l -> /d"]),
        ("never out of it", &[&["l -> ../../d", "l/a 1"]], &["d/ 755", "d/a 1", "l -> ../../d"]),
        ("of a lower layer are replaced", &[&["d/a 1", "l -> d"], &["l/b 2"]], &["d/ 755", "d/a 1", "l/ 755", "l/b 2"]),
        ("a whiteout below one", &[&["d/a 1"], &["l -> d", "l/.wh.a 0"]], &["d/ 755", "l -> d"]),
        ("the last component is not followed", &[&["d/", "l -> d", "l 1"]], &["d/ 755", "l 1"]),
    ];
    for (what, layers, expected) in table {
        assert_eq!(shown(&view(layers).expect("nothing wrong")), *expected, "{what}");
    }
}

#[test]
fn hard_links_are_one_file_with_several_names() {
    let table: &[Case] = &[
        ("the first in order carries the content", &[&["b 1", "a = b", "c = a"]], &["a 1", "b = a", "c = a"]),
        ("of a symbolic link", &[&["b -> x", "a = b"]], &["a -> x", "b = a"]),
        ("by way of a directory", &[&["d/x 1", "l -> d", "b = l/x"]], &["b 1", "d/ 755", "d/x = b", "l -> d"]),
        ("to a lower layer", &[&["a 1"], &["b = a"]], &["a 1", "b = a"]),
        ("to a lower layer, the first name hidden there", &[&["a 1"], &[".wh.a 0", "b = a"]], &["b 1"]),
        (
            "to a lower layer through its links",
            &[&["usr/lib/x 1", "lib -> usr/lib"], &["y = lib/x"]],
            &["lib -> usr/lib", "usr/ 755", "usr/lib/ 755", "usr/lib/x 1", "y = usr/lib/x"],
        ),
        ("as it is at that point", &[&["a 1"], &["a 2"], &["b = a"], &["a 3"]], &["a 3", "b 2"]),
        ("one of a pair is replaced", &[&["a 1", "b = a"], &["a 2"]], &["a 2", "b 1"]),
        ("one of three is hidden", &[&["a 1", "b = a", "c = a"], &[".wh.a 0"]], &["b 1", "c = b"]),
        ("all are hidden", &[&["d/a 1", "d/b = d/a"], &[".wh.d 0"]], &[]),
        ("one is replaced in the same layer", &[&["a 1", "b = a", "a 2"]], &["a 2", "b 1"]),
        ("the same again", &[&["a 1", "b = a", "b = a"]], &["a 1", "b = a"]),
        ("a copy in an upper layer", &[&["a 1", "b = a"], &["a 1", "b = a"]], &["a 1", "b = a"]),
        ("in the place of its own directory", &[&["d/a 1", "d = d/a"]], &["d 1"]),
    ];
    for (what, layers, expected) in table {
        let overlay = view(layers).expect("nothing wrong");
        assert_eq!(shown(&overlay), *expected, "{what}");
        for node in &overlay {
            let same: Vec<_> = overlay.iter().filter(|other| other.link_group() == node.link_group()).collect();
            match node.link_group() {
                Some(_) => assert_eq!((node.link_count(), node.first_name()), (same.len(), same[0]), "{what}"),
                None => assert_eq!((node.link_count(), node.first_name()), (1, node), "{what}"),
            }
        }
    }
}

#[test]
fn what_is_wrong_is_named() {
    let table: &[(&[&[&str]], &str)] = &[
        (&[&["b = a"]], "layer 0: hard link b to a, which does not exist"),
        (&[&["a 1"], &[".wh.a 0"], &["b = a"]], "layer 2: hard link b to a, which does not exist"),
        (&[&["b = a", "a 1"]], "layer 0: hard link b to a, which does not exist"),
        (&[&["d/"], &["b = d"]], "layer 1: hard link b to d, which is a directory"),
        (&[&["d/", "b = d"]], "layer 0: hard link b to d, which is a directory"),
        (&[&["a 1", "a/b 2"]], "layer 0: a/b: a parent is not a directory"),
        (&[&["a 1"], &["b = a/c"]], "layer 1: b: a parent is not a directory"),
        (&[&["l -> l", "l/a 1"]], "layer 0: l/a: too many levels of symbolic links"),
    ];
    for (layers, expected) in table {
        assert_eq!(view(layers).expect_err("something is wrong").to_string(), *expected, "{layers:?}");
    }
}

#[test]
fn a_damaged_index_is_an_error() {
    let damaged = IndexError::Damaged { problem: "cut" };
    let layers = vec![vec![Ok(entry("a 1"))], vec![Ok(entry("b 1")), Err(damaged)]];
    let error = Overlay::build(layers.into_iter().map(Vec::into_iter)).expect_err("damaged");
    assert!(matches!(error, OverlayError::Index { layer: 1, .. }), "{error:?}");
}

#[test]
fn metadata_is_that_of_the_entry() {
    let xattrs = vec![(b"user.a".to_vec(), vec![0, 255])];
    let map = SparseMap { segments: vec![Segment { offset: 3, length: 2 }, Segment { offset: 7, length: 1 }] };
    let mtime = Mtime { seconds: -5, nanos: 7 };
    let file = Entry {
        uid: 1 << 40,
        gid: 7,
        mode: 0o4755,
        mtime,
        xattrs: xattrs.clone(),
        sparse: Some(map.clone()),
        ..entry("d/f 10")
    };
    let device = Entry { kind: EntryKind::CharDevice { major: 1, minor: 3 }, size: 0, ..entry("d/null 0") };
    let root = Entry { mode: 0o711, ..entry("./") };
    let overlay = build(vec![vec![], vec![file.clone(), device, root]]).expect("nothing wrong");
    let node = overlay.lookup(&path("d/f")).expect("it is there");
    assert_eq!((node.uid(), node.gid(), node.mode(), node.mtime()), (1 << 40, 7, 0o4755, mtime));
    assert_eq!((node.xattrs(), node.layer(), node.is_listed()), (&xattrs[..], 1, true));
    let source = node.source().expect("a file has content");
    assert_eq!(
        source,
        ContentRange { layer: 1, content_offset: 512, size: 10, sparse: Some(&map), checksum: Checksum::EMPTY }
    );
    assert_eq!(source.stored(), 3);
    assert_eq!(node.meta(), Meta::of(&file));
    let device = overlay.lookup(&path("d/null")).expect("it is there");
    assert_eq!((device.kind(), device.source()), (NodeKind::CharDevice { major: 1, minor: 3 }, None));
    let d = overlay.lookup(&path("d")).expect("it is there");
    assert_eq!((d.is_listed(), d.mode(), d.mtime(), d.xattrs()), (false, 0o755, Mtime::default(), &[][..]));
    assert_eq!((overlay.root().mode(), overlay.root().is_listed()), (0o711, true));
    assert!(!view(&[&["a 1"]]).expect("nothing wrong").root().is_listed());
}

#[test]
fn names_are_found_and_lead_back() {
    let overlay = view(&[&["a/b/c 1", "a/b/d 2", "e 3", "l -> a"]]).expect("nothing wrong");
    assert_eq!(overlay.len(), 6);
    for node in &overlay {
        assert_eq!(overlay.lookup(&node.path()), Some(node));
        assert_eq!(node.parent().and_then(|parent| parent.child(node.name())), Some(node));
    }
    assert_eq!(overlay.lookup(&EntryPath::root()), Some(overlay.root()));
    for missing in ["x", "a/b/c/d", "l/b", "a/b/cc", "a/b/"].map(path).iter().take(4) {
        assert_eq!(overlay.lookup(missing), None, "{missing}");
    }
    let below: Vec<String> =
        overlay.lookup(&path("a")).expect("it is there").descendants().map(|node| node.path().to_string()).collect();
    assert_eq!(below, ["a/b", "a/b/c", "a/b/d"]);
}

#[test]
fn depth_does_not_matter() {
    let deep = "a/".repeat(20_000);
    let overlay =
        view(&[&[&format!("{deep}f 1")], &[&format!("{deep}g 2")], &[".wh.a 0", "b 1"]]).expect("nothing wrong");
    assert_eq!(shown(&overlay), ["b 1"]);
    let overlay = view(&[&[&format!("{deep}f 1")], &[&format!("{deep}g 2")]]).expect("nothing wrong");
    assert_eq!(overlay.iter().count(), 20_002);
}

#[test]
fn the_last_header_of_a_file_counts() {
    let with = |text: &str, mode: u32, uid: u64, seconds: i64, xattrs: &[(&str, &str)]| {
        let xattrs = xattrs.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect();
        Entry { mode, uid, mtime: Mtime { seconds, nanos: 0 }, xattrs, ..entry(text) }
    };
    let lower = vec![with("f 5", 0o600, 1, 1, &[("user.a", "old"), ("user.b", "b")]), with("l -> f", 0o777, 1, 1, &[])];
    let upper = vec![
        with("g = f", 0o4755, 2, 2, &[("user.a", "new"), ("user.c", "c")]),
        with("h = g", 0o640, 3, 3, &[]),
        with("k = l", 0o600, 4, 4, &[]),
    ];
    for layers in [vec![lower.clone(), upper.clone()], vec![[lower, upper].concat()]] {
        let overlay = build(layers).expect("a view");
        for name in ["f", "g", "h"] {
            let file = overlay.lookup(&path(name)).expect("it is there");
            assert_eq!((file.mode(), file.uid(), file.mtime().seconds, file.size()), (0o640, 3, 3, 5), "{name}");
            let xattrs: Vec<String> = file
                .xattrs()
                .iter()
                .map(|(name, value)| [name.as_slice(), value].concat().escape_ascii().to_string())
                .collect();
            assert_eq!(xattrs, ["user.anew", "user.bb", "user.cc"], "{name}");
        }
        for name in ["l", "k"] {
            let link = overlay.lookup(&path(name)).expect("it is there");
            assert_eq!(
                (link.mode(), link.uid(), link.mtime().seconds),
                (0o777, 4, 1),
                "what a link leads to is not touched"
            );
        }
    }
}

#[test]
fn paths_are_followed_inside_the_view_as_a_container_would() {
    let view = view(&[
        &["usr/", "usr/bin/", "usr/bin/sh 5", "bin -> usr/bin", "up -> ../../../usr/bin/../bin", "abs -> /bin/sh"],
        &["usr/loop -> ../usr/loop", "nowhere -> /none", "file 1", "tofile -> file", "self -> ."],
    ])
    .expect("a view");
    let follow = |path: &str, last| match view.follow(path.as_bytes(), last) {
        Ok(node) => format!("/{}", node.path()),
        Err(error) => error.to_string(),
    };
    let (missing, no_directory) = ("No such file or directory", "Not a directory");
    for (path, expected) in [
        ("", "/"),
        ("/", "/"),
        ("..", "/"),
        ("/bin/sh", "/usr/bin/sh"),
        ("up/sh", "/usr/bin/sh"),
        ("abs", "/usr/bin/sh"),
        ("abs/", no_directory),
        ("usr/bin/../../bin", "/usr/bin"),
        ("usr//./bin/", "/usr/bin"),
        ("usr/loop", "Too many levels of symbolic links"),
        ("nowhere", missing),
        ("none", missing),
        ("file/", no_directory),
        ("file/..", no_directory),
        ("tofile", "/file"),
        ("self/self/self/file", "/file"),
    ] {
        assert_eq!(follow(path, LastLink::Follow), expected, "{path}");
    }
    for (path, expected) in [("abs", "/abs"), ("bin", "/bin"), ("bin/", "/usr/bin"), ("nowhere", "/nowhere")] {
        assert_eq!(follow(path, LastLink::Keep), expected, "{path}");
    }
    assert_eq!(follow(&"self/".repeat(40), LastLink::Follow), "/");
    assert_eq!(follow(&"self/".repeat(41), LastLink::Follow), "Too many levels of symbolic links");
    assert_eq!(follow(&"a".repeat(4096), LastLink::Follow), "File name too long");
    let bin = view.follow(b"/usr/bin", LastLink::Keep).expect("a directory");
    assert_eq!(bin.follow(b"../../file", LastLink::Keep).map(|node| node.path().to_string()), Ok("file".to_owned()));
}
