//! Copies from folders and images, seen as the members of the layer that they make.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::{CopyRequest, Layers, Origin, Times, Tools, select};
use crate::image::Blob;
use crate::image::contents::LayerStack;
use crate::layer::{EntryKind, Limits, Mtime, Overlay, scan};
use crate::oci::{DiffId, Digest};
use crate::ops::build::context::{ContextSource, DockerfilePlace, OpenedContext, Tarball, open};
use crate::store::{Quarantine, Store};

/// A context and an image to copy into.
struct Bench {
    folder: tempfile::TempDir,
    store: Store,
    below: Tarball,
    limits: Limits,
}

const NOW: Mtime = Mtime { seconds: 1_700_000_000, nanos: 0 };

impl Bench {
    /// A context of files with their contents; names that end in `/` are directories, `->` makes a link.
    fn new(context: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("context");
        std::fs::create_dir(&root).expect("a folder");
        std::fs::write(root.join("Dockerfile"), "FROM scratch\n").expect("a file");
        for (name, content) in context {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            match (name.ends_with('/'), content.strip_prefix("->")) {
                (true, _) => std::fs::create_dir_all(&path).expect("a folder"),
                (_, Some(target)) => symlink(target, &path).expect("a link"),
                _ => std::fs::write(&path, content).expect("a file"),
            }
        }
        let store = Store::new(folder.path().join("store"));
        Self { folder, store, below: image(&[]), limits: Limits::default() }
    }

    fn over(self, members: &[(&str, &str)]) -> Self {
        Self { below: image(members), ..self }
    }

    fn context(&self) -> std::path::PathBuf {
        self.folder.path().join("context")
    }

    fn open(&self) -> OpenedContext {
        open(ContextSource::Path(self.context()), &DockerfilePlace::Default, &self.limits).expect("a context")
    }

    fn tools(&self) -> Tools<'_> {
        Tools { client: None, limits: &self.limits, times: Times { now: NOW, latest: None } }
    }

    /// The members of the layer, or the error.
    fn copy(&self, request: &CopyRequest) -> Result<String, String> {
        let opened = self.open();
        self.copy_from(Origin::Context(&opened.context), request)
    }

    fn copy_from(&self, origin: Origin<'_>, request: &CopyRequest) -> Result<String, String> {
        let below = layers(&self.below);
        let quarantine = Quarantine::new(&self.store, self.limits.clone()).expect("a quarantine");
        let tools = self.tools();
        let selection = select(origin, request, below, &tools).map_err(|error| shown(&error))?;
        let written = selection.write(below, &tools, &quarantine, "a layer", &|_| {}).map_err(|error| shown(&error))?;
        let mut text = String::new();
        for entry in quarantine.entries(&written.digest).expect("an index") {
            let entry = entry.expect("an entry");
            let what = match &entry.kind {
                EntryKind::File => format!("{} bytes", entry.size),
                EntryKind::Directory => "dir".to_owned(),
                EntryKind::Symlink { target } => format!("-> {}", String::from_utf8_lossy(target)),
                EntryKind::Hardlink { target } => format!("= {target}"),
                kind => format!("{kind:?}"),
            };
            writeln!(text, "{} {:o} {}:{} {what}", entry.path, entry.mode, entry.uid, entry.gid).expect("memory");
        }
        Ok(text)
    }

    fn key(&self, request: &CopyRequest) -> Digest {
        let opened = self.open();
        let origin = Origin::Context(&opened.context);
        let selection = select(origin, request, layers(&self.below), &self.tools()).expect("sources");
        let mut hashes = self.store.content_hashes().expect("a store");
        let key = selection.key(&mut hashes).expect("readable files");
        hashes.save();
        key
    }
}

fn shown(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        write!(text, ": {error}").expect("memory");
        source = error.source();
    }
    text
}

fn layers(tar: &Tarball) -> Layers<'_> {
    Layers { view: &tar.view, contents: &tar.contents, diff_ids: &tar.diff_ids }
}

/// A tar of members, as in [`Bench::new`]; `=` makes a hard link.
fn tar(members: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = crate::layer::TarWriter::new(Vec::new());
    for (name, content) in members {
        let file = crate::layer::Meta::file(name.as_bytes(), content.len() as u64, 0o640, Mtime::default());
        let file = crate::layer::Meta { uid: 5, gid: 6, ..file };
        if name.ends_with('/') {
            tar.entry(&crate::layer::Meta::directory(name.as_bytes(), 0o750, Mtime::default())).expect("memory");
        } else if let Some(target) = content.strip_prefix("->") {
            let kind = EntryKind::Symlink { target: target.as_bytes().to_vec() };
            tar.entry(&crate::layer::Meta { kind, mode: 0o777, ..file }).expect("memory");
        } else if let Some(target) = content.strip_prefix('=') {
            let target = crate::layer::EntryPath::new(target.as_bytes()).expect("a path");
            tar.entry(&crate::layer::Meta { kind: EntryKind::Hardlink { target }, ..file }).expect("memory");
        } else {
            tar.entry(&file).expect("memory");
            tar.write_all(content.as_bytes()).expect("memory");
        }
    }
    tar.finish().expect("memory")
}

fn image(members: &[(&str, &str)]) -> Tarball {
    Tarball::read(&mut &tar(members)[..], "a test", &Limits::default()).expect("a tar")
}

fn request(words: &str) -> CopyRequest {
    let (is_add, words) = match words.strip_prefix("ADD ") {
        Some(words) => (true, words),
        None => (false, words),
    };
    let mut sources: Vec<String> = words.split(' ').map(str::to_owned).collect();
    let destination = sources.pop().expect("a destination");
    CopyRequest { is_add, sources, destination, workdir: "/w".to_owned(), ..CopyRequest::default() }
}

const USUAL: [(&str, &str); 4] = [("a.txt", "a"), ("b.txt", "bb"), ("d/c.txt", "ccc"), ("d/e/f.txt", "ffff")];

#[test]
fn files_and_directories_go_where_docker_puts_them() {
    let bench = Bench::new(&USUAL).over(&[("tmp/", ""), ("opt/l", "->/tmp"), ("file", "x"), ("lf", "->file")]);
    let table = [
        ("a.txt /x", "x 644 0:0 1 bytes\n"),
        ("a.txt /n/", "n 755 0:0 dir\nn/a.txt 644 0:0 1 bytes\n"),
        ("a.txt /tmp", "tmp 750 0:0 dir\ntmp/a.txt 644 0:0 1 bytes\n"),
        ("a.txt .", "w 755 0:0 dir\nw/a.txt 644 0:0 1 bytes\n"),
        ("a.txt x/y", "w 755 0:0 dir\nw/x 755 0:0 dir\nw/x/y 644 0:0 1 bytes\n"),
        ("a.txt /opt/l", "tmp 750 0:0 dir\ntmp/a.txt 644 0:0 1 bytes\n"),
        ("a.txt /opt/l/n", "tmp 750 0:0 dir\ntmp/n 644 0:0 1 bytes\n"),
        ("a.txt /lf", "file 644 0:0 1 bytes\n"),
        ("d/e /x", "x 755 0:0 dir\nx/f.txt 644 0:0 4 bytes\n"),
        ("d/../a.txt /x", "x 644 0:0 1 bytes\n"),
        ("../a.txt /x", "x 644 0:0 1 bytes\n"),
        ("*.txt /n/", "n 755 0:0 dir\nn/a.txt 644 0:0 1 bytes\nn/b.txt 644 0:0 2 bytes\n"),
        ("d/*/f* /x", "x 644 0:0 4 bytes\n"),
        ("*.zip /x/", ""),
        (
            "a.txt d /n/",
            "n 755 0:0 dir\nn/a.txt 644 0:0 1 bytes\nn/c.txt 644 0:0 3 bytes\nn/e 755 0:0 dir\nn/e/f.txt 644 0:0 4 bytes\n",
        ),
    ];
    for (words, expected) in table {
        assert_eq!(bench.copy(&request(words)).as_deref(), Ok(expected), "{words}");
    }
}

#[test]
fn a_linked_layer_does_not_depend_on_what_is_below() {
    let bench = Bench::new(&USUAL).over(&[("tmp/", ""), ("l", "->tmp")]);
    for words in ["a.txt /l/", "a.txt /l/a.txt"] {
        let linked = bench.copy(&CopyRequest { link: true, ..request(words) });
        assert_eq!(linked.as_deref(), Ok("l 755 0:0 dir\nl/a.txt 644 0:0 1 bytes\n"), "{words}");
    }
}

#[test]
fn what_cannot_be_copied_says_why() {
    let bench = Bench::new(&USUAL).over(&[("tmp/", ""), ("file", "x"), ("loop", "->loop"), ("tmp/a.txt/", "")]);
    symlink("/etc", bench.context().join("out")).expect("a link");
    let table = [
        ("none /x", "\"/none\": not found in the build context"),
        ("../none /x", "\"../none\": forbidden path outside the build context"),
        ("out/passwd /x", "\"/out/passwd\": not found in the build context"),
        ("out /x", "\"/out\": not found in the build context"),
        ("a.txt b.txt /x", "when using COPY with more than one source file"),
        ("d /file", "cannot copy to non-directory: /file"),
        ("a.txt /file/x", "/file: not a directory"),
        ("a.txt /loop", "/loop: too many levels of symbolic links"),
        ("a.txt /tmp", "cannot replace the directory /tmp/a.txt with a file"),
        ("http://a/b /x", "source can't be a URL for COPY"),
        ("ADD https://a/b.git /x", "ADD of the git repository"),
        ("ADD http://a/ /x/", "cannot determine filename from url"),
        ("[ /x", "\"[\": syntax error in pattern"),
    ];
    for (words, expected) in table {
        let error = bench.copy(&request(words)).expect_err(words);
        assert!(error.contains(expected), "{words}: {error}");
    }
}

#[test]
fn links_are_copied_as_links_and_followed_as_sources() {
    let bench = Bench::new(&[("d/f", "x"), ("s", "->d"), ("m/l", "->../d/f"), ("m/far", "->/etc/passwd")]);
    std::fs::hard_link(bench.context().join("d/f"), bench.context().join("d/g")).expect("a link");
    assert_eq!(bench.copy(&request("s /x")).as_deref(), Ok("x 755 0:0 dir\nx/f 644 0:0 1 bytes\nx/g 644 0:0 = x/f\n"));
    assert_eq!(bench.copy(&request("s/f /x")).as_deref(), Ok("x 644 0:0 1 bytes\n"));
    assert_eq!(bench.copy(&request("m/l /y/")).as_deref(), Ok("y 755 0:0 dir\ny/l 644 0:0 1 bytes\n"));
    let expected = "z 755 0:0 dir\nz/far 777 0:0 -> /etc/passwd\nz/l 777 0:0 -> ../d/f\n";
    assert_eq!(bench.copy(&request("m /z")).as_deref(), Ok(expected));
}

#[test]
fn owners_and_permissions_are_set() {
    let bench = Bench::new(&USUAL)
        .over(&[("etc/passwd", "root:x:0:0::/:\napp:x:1001:1002:::\n"), ("etc/group", "root:x:0:\nstaff:x:50:\n")]);
    let owned = |chown: &str| bench.copy(&CopyRequest { chown: Some(chown.to_owned()), ..request("a.txt /n/x") });
    for (chown, owner) in [
        ("7", "7:7"),
        ("7:8", "7:8"),
        ("app", "1001:1002"),
        ("app:", "1001:1002"),
        ("app:staff", "1001:50"),
        (":staff", "0:50"),
        ("3:staff", "3:50"),
    ] {
        let expected = format!("n 755 {owner} dir\nn/x 644 {owner} 1 bytes\n");
        assert_eq!(owned(chown), Ok(expected), "{chown}");
    }
    for (chown, said) in [
        ("who", "can't find uid for user \"who\""),
        ("app:who", "can't find gid for group \"who\""),
        ("4294967295", "invalid --chown"),
        (":", "invalid --chown"),
    ] {
        assert!(owned(chown).is_err_and(|error| error.contains(said)), "{chown}");
    }
    let chmod = CopyRequest { chmod: Some("0600".to_owned()), ..request("d /n/") };
    let expected = "n 755 0:0 dir\nn/c.txt 600 0:0 3 bytes\nn/e 600 0:0 dir\nn/e/f.txt 600 0:0 4 bytes\n";
    assert_eq!(bench.copy(&chmod).as_deref(), Ok(expected));
}

#[test]
fn archives_are_unpacked_into_the_destination() {
    let bench = Bench::new(&[]).over(&[("to/old/x", "x"), ("to/l", "->old")]);
    let members = [("in/", ""), ("in/f", "f"), ("in/l", "->f"), ("in/h", "=in/f"), ("l/y", "y"), ("old2", "o")];
    std::fs::write(bench.context().join("x.tar"), tar(&members)).expect("a file");
    std::fs::write(bench.context().join("t.tar"), "just text").expect("a file");
    let expected = "to 755 0:0 dir\nto/in 750 0:0 dir\nto/in/f 640 5:6 1 bytes\nto/in/h 640 5:6 = to/in/f\n\
                    to/in/l 777 5:6 -> f\nto/old 755 0:0 dir\nto/old/y 640 5:6 1 bytes\nto/old2 640 5:6 1 bytes\n";
    assert_eq!(bench.copy(&request("ADD x.tar /to/")).as_deref(), Ok(expected));
    assert_eq!(bench.copy(&request("ADD t.tar /y")).as_deref(), Ok("y 644 0:0 9 bytes\n"));
    let kept = CopyRequest { unpack: Some(false), ..request("ADD x.tar /y") };
    assert!(bench.copy(&kept).is_ok_and(|text| text.starts_with("y 644 0:0 ")));
    for (members, said) in [
        (vec![("../x", "x")], "leads outside"),
        (vec![("h", "=nothing")], "hard link to nothing"),
        (vec![("f", "x"), ("f/g", "x")], "not a directory"),
    ] {
        std::fs::write(bench.context().join("bad.tar"), tar(&members)).expect("a file");
        let error = bench.copy(&request("ADD bad.tar /to/")).expect_err(said);
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_directory_that_replaces_something_hides_what_was_there() {
    let bench = Bench::new(&[]).over(&[("to/old/x", "x")]);
    std::fs::write(bench.context().join("x.tar"), tar(&[("old", "f"), ("old", "->y")])).expect("a file");
    assert_eq!(bench.copy(&request("ADD x.tar /to/")).as_deref(), Ok("to 755 0:0 dir\nto/old 777 5:6 -> y\n"));
    std::fs::write(bench.context().join("x.tar"), tar(&[("old", "f"), ("old/", "")])).expect("a file");
    let expected = "to 755 0:0 dir\nto/old 750 0:0 dir\nto/old/.wh..wh..opq 600 0:0 0 bytes\n";
    assert_eq!(bench.copy(&request("ADD x.tar /to/")).as_deref(), Ok(expected));
}

#[test]
fn other_images_are_copied_from_whatever_their_compression() {
    let bench = Bench::new(&[]);
    let bytes = tar(&[("z", "zz"), ("a/b", "b"), ("a/c", "=a/b")]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&bytes).expect("memory");
    let packed = packed.finish().expect("memory");
    let mut index = Vec::new();
    let seen = scan(&packed[..], &bench.limits, &mut index).expect("a layer");
    let read = crate::layer::LayerIndex::read(std::io::Cursor::new(index)).expect("an index");
    let view = Overlay::build([read]).expect("a view");
    let contents = LayerStack::new(vec![Blob::bytes(packed)], bench.limits.clone(), |_| Ok(HashMap::default()));
    let contents = contents.expect("a stack");
    let diff_ids: Vec<DiffId> = vec![seen.summary.diff_id];
    let origin = Origin::Image(Layers { view: &view, contents: &contents, diff_ids: &diff_ids });
    let expected =
        "x 755 0:0 dir\nx/a 755 0:0 dir\nx/a/b 640 5:6 1 bytes\nx/a/c 640 5:6 = x/a/b\nx/z 640 5:6 2 bytes\n";
    assert_eq!(bench.copy_from(origin, &request("/ /x/")).as_deref(), Ok(expected));
    let tools = bench.tools();
    let selection = select(origin, &request("z a / /x/"), layers(&bench.below), &tools).expect("sources");
    let mut hashes = bench.store.content_hashes().expect("a store");
    let key = selection.key(&mut hashes).expect("readable contents");
    assert_eq!(selection.key(&mut hashes).expect("remembered contents"), key);
    let twice = bench.copy_from(origin, &request("a/c z a /x/"));
    let expected = "x 755 0:0 dir\nx/b 640 5:6 1 bytes\nx/c 640 5:6 = x/b\nx/z 640 5:6 2 bytes\n";
    assert_eq!(twice.as_deref(), Ok(expected));
}

#[test]
fn heredocs_are_files() {
    let bench = Bench::new(&[]);
    let heredocs = vec![("EOF".to_owned(), b"text\n".to_vec())];
    let request = CopyRequest { heredocs, ..request("/x") };
    assert_eq!(bench.copy(&request).as_deref(), Ok("x 664 0:0 5 bytes\n"));
}

#[test]
fn keys_change_with_what_is_copied_and_not_with_times() {
    let bench = Bench::new(&USUAL);
    let words = request("a.txt d /x/");
    let key = bench.key(&words);
    let path = bench.context().join("d/c.txt");
    let touch = |path: &Path| {
        let file = std::fs::File::options().append(true).open(path).expect("a file");
        file.set_modified(std::time::UNIX_EPOCH).expect("a time");
    };
    touch(&path);
    assert_eq!(bench.key(&words), key);
    std::fs::write(&path, "CCC").expect("a file");
    touch(&path);
    let changed = bench.key(&words);
    assert_ne!(changed, key);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("permissions");
    let permitted = bench.key(&words);
    assert_ne!(permitted, changed);
    std::fs::rename(&path, bench.context().join("d/g.txt")).expect("a name");
    assert_ne!(bench.key(&words), permitted);
    assert_ne!(bench.key(&CopyRequest { chown: Some("5".to_owned()), ..words.clone() }), bench.key(&words));
}

#[test]
fn what_is_ignored_is_not_there() {
    let files = [(".dockerignore", "d\n!d/e\n*.log\nempty\n!empty/x"), ("x.log", "x"), ("empty/y", "y")];
    let bench = Bench::new(&[&USUAL[..], &files].concat());
    let expected = "c 755 0:0 dir\nc/.dockerignore 644 0:0 27 bytes\nc/Dockerfile 644 0:0 13 bytes\n\
                    c/a.txt 644 0:0 1 bytes\nc/b.txt 644 0:0 2 bytes\nc/d 755 0:0 dir\nc/d/e 755 0:0 dir\n\
                    c/d/e/f.txt 644 0:0 4 bytes\n";
    assert_eq!(bench.copy(&request(". /c/")).as_deref(), Ok(expected));
    assert_eq!(
        bench.copy(&request("d /c/")).as_deref(),
        Ok("c 755 0:0 dir\nc/e 755 0:0 dir\nc/e/f.txt 644 0:0 4 bytes\n")
    );
    for words in ["d/c.txt /x", "x.log /x", "empty /x"] {
        let error = bench.copy(&request(words)).expect_err(words);
        assert!(error.contains("excluded by .dockerignore"), "{words}: {error}");
    }
}

#[test]
fn parents_are_kept_and_others_left_out() {
    let bench = Bench::new(&USUAL);
    let parents = |words: &str| bench.copy(&CopyRequest { parents: true, ..request(words) });
    let table = [
        (
            "d/e/f.txt a.txt /p/",
            "p 755 0:0 dir\np/a.txt 644 0:0 1 bytes\np/d 755 0:0 dir\np/d/e 755 0:0 dir\np/d/e/f.txt 644 0:0 4 bytes\n",
        ),
        ("d/./e/f.txt /p/", "p 755 0:0 dir\np/e 755 0:0 dir\np/e/f.txt 644 0:0 4 bytes\n"),
        ("d/*/f.txt /p/", "p 755 0:0 dir\np/d 755 0:0 dir\np/d/e 755 0:0 dir\np/d/e/f.txt 644 0:0 4 bytes\n"),
        ("**/c.txt /p/", "p 755 0:0 dir\np/d 755 0:0 dir\np/d/c.txt 644 0:0 3 bytes\n"),
    ];
    for (words, expected) in table {
        assert_eq!(parents(words).as_deref(), Ok(expected), "{words}");
    }
    assert!(parents("d/none /p/").is_err_and(|error| error.contains("not found")));
    let without =
        |words: &str, exclude: &str| bench.copy(&CopyRequest { excludes: vec![exclude.to_owned()], ..request(words) });
    assert_eq!(without("d /x/", "c.txt").as_deref(), Ok("x 755 0:0 dir\nx/e 755 0:0 dir\nx/e/f.txt 644 0:0 4 bytes\n"));
    assert_eq!(without("*.txt /x/", "b*").as_deref(), Ok("x 755 0:0 dir\nx/a.txt 644 0:0 1 bytes\n"));
}

#[test]
fn hostile_contexts_end_with_an_error_or_stay_inside() {
    let bench = Bench::new(&[("a", "->b"), ("b", "->a"), ("up", "->../../../../etc"), ("d/in", "->../up/passwd")]);
    rustix::fs::mknodat(rustix::fs::CWD, bench.context().join("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .expect("a pipe");
    let _socket = std::os::unix::net::UnixListener::bind(bench.context().join("socket")).expect("a socket");
    assert!(bench.copy(&request("a /x")).is_err_and(|error| error.contains("too many levels of symbolic links")));
    assert!(bench.copy(&request("up/passwd /x")).is_err_and(|error| error.contains("not found")));
    assert!(bench.copy(&request("d/in /x")).is_err_and(|error| error.contains("not found")));
    assert!(bench.copy(&request("socket /x")).is_err_and(|error| error.contains("is a socket")));
    assert_eq!(bench.copy(&request("pipe /x")).as_deref(), Ok("x 600 0:0 Fifo\n"));
    let all = bench.copy(&request(". /x/")).expect("links are copied as links");
    assert!(all.contains("x/up 777 0:0 -> ../../../../etc") && !all.contains("socket"), "{all}");
}

#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    let changes: [fn(&Path); 4] = [
        |root| std::fs::write(root.join("d/c.txt"), "longer than before").expect("a file"),
        |root| std::fs::remove_file(root.join("d/c.txt")).expect("a file"),
        |root| {
            std::fs::remove_file(root.join("d/c.txt")).expect("a file");
            symlink("/etc/passwd", root.join("d/c.txt")).expect("a link");
        },
        |root| {
            std::fs::rename(root.join("d"), root.join("moved")).expect("a folder");
            symlink("/etc", root.join("d")).expect("a link");
        },
    ];
    for change in changes {
        let bench = Bench::new(&USUAL);
        let (opened, tools, below) = (bench.open(), bench.tools(), layers(&bench.below));
        let selection = select(Origin::Context(&opened.context), &request("d /x/"), below, &tools).expect("sources");
        change(&bench.context());
        let mut hashes = bench.store.content_hashes().expect("a store");
        let error = selection.key(&mut hashes).expect_err("it changed").to_string();
        assert!(error.contains("changed while it was read"), "{error}");
        let quarantine = Quarantine::new(&bench.store, bench.limits.clone()).expect("a quarantine");
        let written = selection.write(below, &tools, &quarantine, "a layer", &|_| {});
        assert!(written.is_err_and(|error| error.to_string().contains("changed while it was read")));
    }
}

#[test]
fn bombs_and_crowds_are_limited() {
    let mut bench = Bench::new(&USUAL);
    let names: Vec<String> = (0..200).map(|number| format!("m/{number}")).collect();
    for name in &names {
        std::fs::create_dir_all(bench.context().join("m")).expect("a folder");
        std::fs::write(bench.context().join(name), "").expect("a file");
    }
    let zeros = vec![0; 1 << 20];
    let mut bomb = crate::layer::TarWriter::new(Vec::new());
    bomb.file_header(b"zeros", zeros.len() as u64, 0o644, Mtime::default()).expect("memory");
    bomb.write_all(&zeros).expect("memory");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&bomb.finish().expect("memory")).expect("memory");
    std::fs::write(bench.context().join("bomb.tar.gz"), packed.finish().expect("memory")).expect("a file");
    bench.limits = Limits { entries: 100, unpacked: 1 << 19, ..Limits::default() };
    assert!(bench.copy(&request("m /x/")).is_err_and(|error| error.contains("more than 100 files")));
    let error = bench.copy(&request("ADD bomb.tar.gz /x/")).expect_err("a bomb");
    assert!(error.contains("bomb.tar.gz cannot be unpacked") && error.contains("524288 bytes"), "{error}");
}
