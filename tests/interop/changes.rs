//! The same changes made in a container of docker's and in a tree that imgtool unpacked.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::OnceLock;

use crate::container::load_into_both;
use crate::engine::Engine;
use crate::entries::{Entries, Entry};
use crate::peer;
use crate::support::image::TestImage;
use crate::support::session::Session;

/// Debian's package busybox-static.
const BUSYBOX: &str = "/bin/busybox";

/// What the scripts use of it.
const APPLETS: [&str; 27] = [
    "cat", "env", "grep", "id", "sort", "test", "chmod", "chown", "cp", "dd", "echo", "find", "ln", "ls", "mkdir",
    "mkfifo", "mknod", "mv", "printf", "rm", "rmdir", "seq", "sh", "sleep", "touch", "true", "truncate",
];

/// Something to change: a script that makes a folder's content in the base image, and one that changes it, both run in
/// that folder.
pub(crate) struct Case<'a> {
    /// The folder.
    pub(crate) name: &'a str,
    pub(crate) before: &'a str,
    pub(crate) change: &'a str,
}

/// Whether there is a shell for the containers; says so if not.
pub(crate) fn has_shell() -> bool {
    let here = Path::new(BUSYBOX).is_file();
    if !here {
        peer::skip("busybox-static is not installed");
    }
    here
}

/// A layer with a shell; made once.
pub(crate) fn shell() -> &'static [u8] {
    static LAYER: OnceLock<Vec<u8>> = OnceLock::new();
    LAYER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        shell_tree(folder.path());
        tar(folder.path(), &["bin"])
    })
}

fn shell_tree(root: &Path) {
    fs::create_dir(root.join("bin")).expect("a folder of ours");
    fs::copy(BUSYBOX, root.join("bin/busybox")).expect("busybox");
    for applet in APPLETS {
        symlink("busybox", root.join("bin").join(applet)).expect("a folder of ours");
    }
    age(root);
}

/// Gives everything a time of long ago, so that what is touched differs.
fn age(root: &Path) {
    peer::ok(peer::program("find", &[]).arg(root).args(["-exec", "touch", "-h", "-d", "@1000000000", "{}", "+"]));
}

fn tar(root: &Path, names: &[&str]) -> Vec<u8> {
    let args = ["--format=pax", "--numeric-owner", "--sort=name", "-c", "-C"];
    let output = peer::run(peer::program("tar", &args).arg(root).args(names));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The image `fx/base:1`: a shell, and each case as it is before.
pub(crate) fn base(cases: &[Case<'_>]) -> TestImage {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path();
    shell_tree(root);
    chroot(root, &script(cases.iter().map(|case| (case.name, case.before))));
    age(root);
    let names: Vec<&str> = cases.iter().map(|case| case.name).collect();
    TestImage::new(&["fx/base:1"]).raw_layer("a shell", shell().to_vec()).raw_layer("cases", tar(root, &names))
}

/// One script from several, each in its folder. What fails fails the whole.
pub(crate) fn script<'a>(parts: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let all: Vec<String> =
        parts.map(|(name, part)| format!("( mkdir -p /{name}\ncd /{name}\n{part}\n) || exit 1\n")).collect();
    format!("set -e\numask 022\n{}", all.concat())
}

/// Runs a script with the folder as its root.
pub(crate) fn chroot(root: &Path, script: &str) {
    peer::ok(
        peer::program("chroot", &[])
            .arg(root)
            .args(["/bin/sh", "-c", script])
            .env("PATH", "/bin:/usr/bin:/usr/sbin:/sbin"),
    );
}

/// A container of docker's and a tree of imgtool's, of the same image, in which the same script ran.
pub(crate) struct Changed<'a> {
    engine: &'a Engine,
    pub(crate) session: Session,
    container: String,
}

impl<'a> Changed<'a> {
    pub(crate) fn new(engine: &'a Engine, image: &TestImage, script: &str) -> Self {
        let session = Session::new();
        load_into_both(engine, &session, image);
        let container = engine.ran(&image.tags[0], &["/bin/sh", "-c", script]);
        session.ok(&["unpack", "--devices", &image.tags[0], "tree"]);
        chroot(&session.work().join("tree"), script);
        Self { engine, session, container }
    }

    /// The lines of both programs' `diff`, sorted: docker's first.
    pub(crate) fn diffs(&self) -> (Vec<String>, Vec<String>) {
        (sorted(&self.engine.ok(&["diff", &self.container])), sorted(&self.session.ok(&["diff", "tree"])))
    }

    /// Commits both with the same arguments, as `fx/new:1`.
    pub(crate) fn commit(&self, args: &[&str]) {
        let both = |what: &str| -> Vec<String> {
            ["commit"].iter().chain(args).chain([&what, &"fx/new:1"]).map(ToString::to_string).collect()
        };
        let (docker, ours) = (both(&self.container), both("tree"));
        self.engine.ok(&docker.iter().map(String::as_str).collect::<Vec<_>>());
        self.session.ok(&ours.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// The archives of what was committed, docker's and ours, and the session; the engine is free again.
    pub(crate) fn done(self) -> ((Vec<u8>, Vec<u8>), Session) {
        (self.archives(), self.session)
    }

    /// The archives of what was committed: docker's, and ours.
    pub(crate) fn archives(&self) -> (Vec<u8>, Vec<u8>) {
        self.session.ok(&["save", "-o", "new.tar", "fx/new:1"]);
        (self.engine.bytes(&["save", "fx/new:1"]), self.session.read("new.tar"))
    }
}

pub(crate) fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    lines.sort();
    lines
}

/// Times as they can be compared: what was changed a moment ago was changed now, and docker keeps whole seconds.
pub(crate) fn coarse(mut entries: Entries) -> Entries {
    for entry in entries.values_mut() {
        let time = if is_now(entry) { "now".to_owned() } else { seconds(entry).to_string() };
        entry.insert("time", time);
    }
    entries
}

/// Whether something was made by these tests: no image of theirs has a time between 2020 and now.
pub(crate) fn is_now(entry: &Entry) -> bool {
    (1_577_836_800..4_000_000_000).contains(&seconds(entry))
}

fn seconds(entry: &Entry) -> i64 {
    entry["time"].split('.').next().and_then(|whole| whole.parse().ok()).expect("seconds")
}
