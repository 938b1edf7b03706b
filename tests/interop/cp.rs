//! `imgtool cp` of an image and `docker cp` of a container that was made of it: the same files, sentences and exit codes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::engine::{Engine, engine};
use crate::peer;
use crate::support::layer::{Item, layer};
use crate::support::picture::Picture;
use crate::support::session::Session;
use crate::support::tarball::unpack;

/// When every file of the image was changed.
const THEN: (i64, u32) = crate::support::layer::MTIME;

fn root_file_system() -> Vec<u8> {
    layer(&[
        Item::dir("d"),
        Item::file("d/a", "aa").mode(0o640),
        Item::dir("d/sub").mode(0o700),
        Item::file("d/sub/b", "bbb").mode(0o4755),
        Item::symlink("d/rel", "a"),
        Item::symlink("d/abs", "/d/sub"),
        Item::symlink("d/dead", "nowhere"),
        Item::hardlink("d/hard", "d/a").mode(0o640),
        Item::new("d/fifo", b'6'),
        Item::symlink("d/loop", "loop"),
        Item::symlink("ld", "d"),
        Item::symlink("lf", "d/a"),
        Item::symlink("lld", "ld"),
        Item::symlink("ldead", "/no/where"),
        Item::symlink("lup", "../../d"),
        Item::dir("empty"),
        Item::file("f", "file f").mode(0o600),
        Item::file("sp ace", "s"),
        Item::file("owned", "o").owner(1000, 50),
        Item::new("tty", b'3').device(5, 0).mode(0o666),
    ])
}

/// The flags and the source, the destination, and words that both say if they fail.
const CASES: &[(&str, &str, &str)] = &[
    ("f", "new", ""),
    ("f", "dir", ""),
    ("f", "dir/", ""),
    ("f", "dir/.", ""),
    ("f", "dir/new", ""),
    ("f", "file", ""),
    ("f", "file/", "file/: not a directory"),
    ("f", "file/x", "file/x: not a directory"),
    ("f", "none/", "no such directory"),
    ("f", "none/x", "invalid output path: directory \"none\" does not exist"),
    ("f", ".", ""),
    ("f", "todir", ""),
    ("f", "tofile", ""),
    ("f", "dangling", ""),
    ("f", "dangling/", "no such directory"),
    ("f", "twice", ""),
    ("f", "loop", "loop: too many levels of symbolic links"),
    ("f", "/dev/null", "invalid output path: \"/dev/null\" must be a directory or a regular file: got a device"),
    ("f", "pipe", ""),
    ("f", "dir/sub/..", ""),
    ("f", "none/..", ""),
    ("f", "new/.", "no such"),
    ("/f", "new", ""),
    ("../../f", "new", ""),
    ("d/../f", "new", ""),
    ("//d//./a", "new", ""),
    ("sp ace", "new", ""),
    ("d", "new", ""),
    ("d", "new/", ""),
    ("d", "new/.", "no such"),
    ("d", "dir", ""),
    ("d", "dir/", ""),
    ("d", "file", "cannot copy directory"),
    ("d", "file/", "file/: not a directory"),
    ("d", "pipe", "cannot copy directory"),
    ("d", "none/x", "invalid output path: directory \"none\" does not exist"),
    ("d", "todir", ""),
    ("d", "dangling", ""),
    ("d/", "new", ""),
    ("d/.", "new", ""),
    ("d/.", "dir", ""),
    ("d/.", "file", "cannot copy directory"),
    ("d/.", "todir", ""),
    ("d/sub/..", "new", ""),
    ("d", "over", ""),
    ("d/.", "over", ""),
    ("d/a", "has-directory", "cannot overwrite directory"),
    ("d/sub", "has-file", "cannot overwrite non-directory"),
    ("lf", "new", ""),
    ("lf", "dir", ""),
    ("lf", "file", ""),
    ("lf/", "new", "not a directory"),
    ("ld", "new", ""),
    ("ld/", "new", ""),
    ("ld/", "dir", ""),
    ("ld/.", "dir", ""),
    ("ld/a", "new", ""),
    ("ldead", "dir", ""),
    ("ldead/", "new", "Could not find the file ldead/ in"),
    ("-L lf", "new", ""),
    ("-L lf", "dir", ""),
    ("-L ld", "new", ""),
    ("-L ld", "dir", ""),
    ("-L lld", "dir", ""),
    ("-L lup", "dir", ""),
    ("-L ldead", "new", "Could not find the file"),
    ("f/", "new", "not a directory"),
    ("f/.", "new", "not a directory"),
    ("d/a/x", "new", "not a directory"),
    ("d/nosuch", "new", "Could not find the file d/nosuch in"),
    ("nosuch/x", "new", "Could not find the file nosuch/x in"),
    ("d/hard", "new", ""),
    ("d/fifo", "new", ""),
    ("tty", "dir", ""),
    ("empty", "new", ""),
    ("empty/.", "dir", ""),
    ("owned", "new", ""),
    ("-a d/a", "new", ""),
];

/// What docker refuses or cannot do, and imgtool does: links that lead out are written as links, and nothing is written
/// through them; a link that leads to itself is a link.
const MORE: &[(&str, &str)] = &[("lup", "dir"), ("d/loop", "new"), ("/.", "new")];

/// A container that was never started, for as long as this is.
struct Container<'e> {
    engine: &'e Engine,
    session: Session,
}

fn container(engine: &Engine) -> Container<'_> {
    let session = Session::new();
    let tar = session.write("root.tar", root_file_system()).display().to_string();
    engine.ok(&["import", &tar, "fx/cp:1"]);
    engine.ok(&["create", "--name", "box", "fx/cp:1", "/f"]);
    session.ok(&["import", &tar, "fx/cp:1"]);
    Container { engine, session }
}

impl Container<'_> {
    /// Runs a copy with docker or with imgtool: its exit code and what it said.
    fn run(&self, is_docker: bool, source: &str, destination: &str, folder: &Path) -> (Option<i32>, String, Vec<u8>) {
        let (flags, source) = match source.split_once(' ') {
            Some((flag, source)) if flag.starts_with('-') => (vec![flag], source),
            _ => (vec![], source),
        };
        let from = format!("{}:{source}", if is_docker { "box" } else { "fx/cp:1" });
        let line: Vec<&str> = ["cp"].into_iter().chain(flags).chain([from.as_str(), destination]).collect();
        let mut command: Command = if is_docker { self.engine.docker(&line) } else { self.session.command(&line) };
        let output = peer::run(command.current_dir(folder));
        let said = String::from_utf8_lossy(&output.stderr).replace(&format!("{}/", folder.display()), "");
        (output.status.code(), said, output.stdout)
    }

    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.session.work().join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("a folder of ours");
        }
        let at = |path: &str| folder.join(path);
        for path in ["dir/sub", "over/d", "over/sub", "has-directory/a", "has-file"] {
            fs::create_dir_all(at(path)).expect("a folder");
        }
        for path in ["file", "dir/old", "over/d/keep", "over/sub/b", "has-file/sub"] {
            fs::write(at(path), "old").expect("a file");
        }
        for (path, target) in
            [("todir", "dir"), ("tofile", "file"), ("dangling", "target"), ("twice", "todir"), ("loop", "loop")]
        {
            symlink(target, at(path)).expect("a link");
        }
        peer::ok(Command::new("mkfifo").arg(at("pipe")));
        folder
    }
}

/// What is in a folder; of times only whether they are those of the image.
fn picture(folder: &Path) -> Picture {
    let mut picture = Picture::of_folder(folder);
    for attributes in picture.paths.values_mut().filter(|attributes| attributes.mtime != THEN) {
        attributes.mtime = (0, 0);
    }
    picture
}

#[test]
fn to_the_disk() {
    let Some(engine) = engine() else { return };
    let container = container(&engine);
    let mut wrong = Vec::new();
    for (source, destination, words) in CASES {
        let (theirs, ours) = (container.folder("theirs"), container.folder("ours"));
        let docker = container.run(true, source, destination, &theirs);
        let imgtool = container.run(false, source, destination, &ours);
        let case = format!("cp {source} {destination}");
        if docker.0 != imgtool.0 || (docker.0 == Some(0)) != words.is_empty() {
            wrong.push(format!("{case}: docker {:?} {}, imgtool {:?} {}", docker.0, docker.1, imgtool.0, imgtool.1));
        }
        for said in [&docker.1, &imgtool.1] {
            if !said.to_lowercase().contains(&words.to_lowercase()) {
                wrong.push(format!("{case}: {said:?} lacks {words:?}"));
            }
        }
        let differences = picture(&ours).differences(&picture(&theirs));
        wrong.extend(differences.into_iter().map(|line| format!("{case}: {line}")));
    }
    for (source, destination) in MORE {
        let docker = container.run(true, source, destination, &container.folder("theirs"));
        let imgtool = container.run(false, source, destination, &container.folder("ours"));
        if docker.0 == Some(0) || imgtool.0 != Some(0) {
            wrong.push(format!("cp {source} {destination}: docker {}, imgtool {}", docker.1, imgtool.1));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn as_a_tar() {
    let Some(engine) = engine() else { return };
    let container = container(&engine);
    let folder = container.folder("tars");
    for source in [
        "f", "d/", "d", "d/.", "d/sub", "lf", "ld", "ld/.", "ldead", "-L lf", "-L ld", "-L lld", "d/hard", "tty",
        "d/fifo", "empty", "owned", "-a d",
    ] {
        let read = |is_docker: bool| {
            let (code, said, tar) = container.run(is_docker, source, "-", &folder);
            assert_eq!((code, said.as_str()), (Some(0), ""), "{source}");
            let mut names: Vec<String> = unpack(&tar).into_iter().map(|member| member.name).collect();
            names.sort();
            fs::write(folder.join("x.tar"), tar).expect("a file");
            (names, Picture::of_tar(&folder.join("x.tar")))
        };
        let ((theirs, wanted), (ours, found)) = (read(true), read(false));
        assert_eq!(ours, theirs, "{source}");
        found.assert_is(&wanted, source);
    }
    for (source, words) in [("nosuch", "Could not find the file nosuch in"), ("f/", "not a directory")] {
        for is_docker in [true, false] {
            let (code, said, tar) = container.run(is_docker, source, "-", &folder);
            assert_eq!((code, tar.as_slice()), (Some(1), &b""[..]), "{source}");
            assert!(said.to_lowercase().contains(&words.to_lowercase()), "{source}: {said}");
        }
    }
}
