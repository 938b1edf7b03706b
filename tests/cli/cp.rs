//! `cp`: a file or directory of an image to the disk or as a tar, by docker cp's rules.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::producers::docker_save;
use crate::support::session::Session;
use crate::support::tarball::{pack, unpack};

fn session() -> Session {
    let lower = [
        Item::dir("etc"),
        Item::file("etc/a", "a"),
        Item::file("etc/secret", "key"),
        Item::dir("etc/closed").mode(0o500),
        Item::file("etc/closed/b", "b").mode(0o400),
        Item::dir("usr"),
        Item::dir("usr/bin").mode(0o555),
        Item::file("usr/bin/su", "su").mode(0o4755),
        Item::hardlink("usr/bin/su2", "usr/bin/su").mode(0o4755),
        Item::symlink("bin", "usr/bin"),
        Item::symlink("sh", "bin/su"),
        Item::symlink("out", "../../outside"),
    ];
    let upper = [Item::whiteout("etc/.wh.secret"), Item::file("etc/c", "c")];
    let image = TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&lower)).raw_layer("RUN rm", layer(&upper));
    let session = Session::new();
    session.load(&pack(&docker_save(&[image])));
    session
}

/// The paths below the working folder that are not the archive.
fn tree(session: &Session) -> Vec<String> {
    fn walk(at: &std::path::Path, shown: &str, found: &mut Vec<String>) {
        let mut names: Vec<_> = fs::read_dir(at).expect("a folder").map(|entry| entry.expect("a name")).collect();
        names.sort_by_key(std::fs::DirEntry::file_name);
        for entry in names {
            let shown = format!("{shown}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().expect("a type");
            found.push(if kind.is_dir() { format!("{shown}/") } else { shown.clone() });
            if kind.is_dir() {
                walk(&entry.path(), &format!("{shown}/"), found);
            }
        }
    }
    let mut found = Vec::new();
    walk(&session.work(), "", &mut found);
    found.retain(|path| path != "load.tar");
    found
}

/// Each row: the flags and the source, the destination, and what is there afterwards besides what was there.
#[test]
fn the_rules_of_docker_cp() {
    let etc = ["a", "c", "closed/", "closed/b"];
    let below = |top: &str| {
        let names = etc.iter().map(|name| format!("{top}/{name}"));
        std::iter::once(format!("{top}/")).chain(names).collect::<Vec<_>>()
    };
    let inside = etc.map(|name| format!("dir/{name}")).to_vec();
    let one = |path: &str| vec![path.to_owned()];
    let cases: Vec<(&[&str], &str, Vec<String>)> = vec![
        (&["fx/a:1:/etc/a"], "new", one("new")),
        (&["fx/a:1:etc/a"], ".", one("a")),
        (&["./load.tar:/etc/a"], "dir", one("dir/a")),
        (&["fx/a:1:/etc/a"], "dir/", one("dir/a")),
        (&["fx/a:1:/etc/a"], "dangling", one("target")),
        (&["fx/a:1:/etc"], "new", below("new")),
        (&["fx/a:1:/etc/."], "new", below("new")),
        (&["fx/a:1:/etc"], "dir", below("dir/etc")),
        (&["fx/a:1:/etc/"], "todir", below("dir/etc")),
        (&["fx/a:1:/etc/."], "dir", inside),
        (&["fx/a:1:/sh"], "new", one("new")),
        (&["-L", "fx/a:1:/sh"], "dir", one("dir/sh")),
        (&["fx/a:1:/bin/su2"], "dir", one("dir/su2")),
        (&["--layer", "1", "fx/a:1:/etc/secret"], "new", one("new")),
    ];
    let session = session();
    for (source, destination, expected) in cases {
        let clear = || {
            for entry in fs::read_dir(session.work()).expect("a folder").flatten() {
                if entry.file_name() != "load.tar" {
                    let mut remove = std::process::Command::new("sh");
                    remove.args(["-c", "chmod -R u+rwX \"$0\" 2>/dev/null; rm -rf \"$0\""]).arg(entry.path());
                    remove.status().expect("a shell");
                }
            }
        };
        clear();
        fs::create_dir(session.work().join("dir")).expect("a folder");
        session.write("file", "old");
        symlink("dir", session.work().join("todir")).expect("a link");
        symlink("target", session.work().join("dangling")).expect("a link");
        let before = tree(&session);
        let line: Vec<&str> = ["cp"].iter().chain(source).chain(&[destination]).copied().collect();
        assert_eq!(session.ok(&line), "", "{line:?}");
        let new: Vec<String> = tree(&session).into_iter().filter(|path| !before.contains(path)).collect();
        assert_eq!(new, expected, "{line:?}");
        clear();
    }
}

#[test]
fn what_cannot_be_copied_is_said() {
    let session = session();
    session.write("file", "old");
    session.write("dir/a/x", "");
    symlink("self", session.work().join("self")).expect("a link");
    let cases: [(&str, &str, &str); 11] = [
        ("fx/a:1:/etc", "new/.", "new/.: no such directory"),
        ("fx/a:1:/etc/a", "self", "self: too many levels of symbolic links"),
        ("fx/a:1:/etc", "file", "cannot copy directory: file is none"),
        ("fx/a:1:/etc/a", "none/", "none/: no such directory"),
        ("fx/a:1:/etc/a", "none/x", "invalid output path: directory \"none\" does not exist"),
        ("fx/a:1:/etc/a", "dir", "cannot overwrite directory \"a\" with non-directory"),
        ("fx/a:1:/etc/a", "/dev/null", "\"/dev/null\" must be a directory or a regular file: got a device"),
        ("fx/a:1:/nosuch", ".", "Could not find the file /nosuch in image fx/a:1"),
        ("fx/a:1:/etc/a/", ".", "/etc/a/: Not a directory"),
        ("file", "fx/a:1:/etc/a", "images are not changed by cp"),
        ("file", "x", "file names no file of an image: imgtool cp IMAGE:PATH x"),
    ];
    for (from, to, expected) in cases {
        session.run(&["cp", from, to]).fails(1, &[expected]);
    }
    assert_eq!(tree(&session), ["dir/", "dir/a/", "dir/a/x", "file", "self"], "nothing is left behind");
}

#[test]
fn metadata_is_that_of_the_image_and_files_are_replaced() {
    let session = session();
    session.write("dir/su", "old");
    session.ok(&["cp", "fx/a:1:/usr/bin/.", "dir"]);
    let found = fs::metadata(session.work().join("dir/su")).expect("a file");
    assert_eq!((found.permissions().mode() & 0o7777, found.len(), found.nlink()), (0o4755, 2, 2));
    session.ok(&["cp", "fx/a:1:/", "all"]);
    let mode = |path: &str| fs::metadata(session.work().join(path)).expect("a path").permissions().mode() & 0o7777;
    assert_eq!((mode("all/usr/bin"), mode("all/etc/closed"), mode("all/etc/closed/b")), (0o555, 0o500, 0o400));
    let link = fs::read_link(session.work().join("all/out")).expect("a link");
    assert_eq!(link.to_string_lossy(), "../../outside");
    session.ok(&["cp", "fx/a:1:/etc", "all"]);
    assert_eq!((mode("all/etc/closed"), mode("all/etc/closed/b")), (0o500, 0o400), "the same again, over itself");
}

#[test]
fn a_tar_on_standard_output() {
    let session = session();
    let names = |from: &[&str]| {
        let line: Vec<&str> = ["cp"].iter().chain(from).chain(&["-"]).copied().collect();
        let answer = session.run(&line);
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{line:?}");
        unpack(&answer.stdout).into_iter().map(|member| member.name).collect::<Vec<_>>()
    };
    assert_eq!(names(&["fx/a:1:/etc"]), ["etc/", "etc/closed/", "etc/a", "etc/closed/b", "etc/c"]);
    assert_eq!(names(&["fx/a:1:/etc/."]), ["./", "./closed/", "./a", "./closed/b", "./c"]);
    assert_eq!(names(&["fx/a:1:/usr/bin"]), ["bin/", "bin/su", "bin/su2"]);
    assert_eq!(names(&["fx/a:1:/usr/bin/su2"]), ["su2"]);
    assert_eq!(names(&["fx/a:1:/sh"]), ["sh"]);
    assert_eq!(names(&["-L", "fx/a:1:/sh"]), ["su"]);
}
