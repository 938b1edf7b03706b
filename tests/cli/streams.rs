//! Readers that go away, disks that are full, and stores that cannot be written.

use std::fs::{self, File, Permissions};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};
use crate::support::tree;

fn session() -> Session {
    let session = Session::new();
    let image = TestImage::new(&["fx/a:1"]).layer("big", &[Member::file("big", vec![9; 3 << 20])]);
    session.load(&pack(&producers::docker_save(&[image])));
    session
}

const READING: [&[&str]; 7] = [
    &["images"],
    &["history", "fx/a:1"],
    &["inspect", "fx/a:1"],
    &["system", "df"],
    &["save", "fx/a:1"],
    &["export", "fx/a:1"],
    &["diff", "fx/a:1", "fx/a:1"],
];

#[test]
fn a_reader_that_goes_away_is_no_news() {
    let session = session();
    // More lines than a pipe holds.
    for n in 0..20 {
        session.ok(&["tag", "fx/a:1", &format!("fx/{}:{n}", "long-name".repeat(12))]);
    }
    for (args, wanted, code) in [
        (&["images"][..], 0, 0),
        (&["history", "fx/a:1"], 0, 0),
        (&["--help"], 0, 0),
        (&["inspect", "fx/a:1"], 1, 0),
        (&["save", "fx/a:1"], 0, 141),
        (&["save", "fx/a:1"], 1000, 141),
        (&["export", "fx/a:1"], 1, 141),
    ] {
        let mut child =
            session.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let mut pipe = child.stdout.take().expect("it was asked for");
        pipe.read_exact(&mut vec![0; wanted]).expect("it writes");
        drop(pipe);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
        assert_eq!(output.status.code(), Some(code), "{args:?}");
    }
}

#[test]
fn a_full_disk_is_told_once() {
    let session = session();
    for args in READING.iter().chain(&[&["--help"][..], &["tag", "--help"], &["completion", "zsh"]]) {
        // Two images that are the same differ in nothing.
        if args[0] == "diff" {
            continue;
        }
        let full = File::options().write(true).open("/dev/full").expect("Linux has it");
        let output = session.command(args).stdout(full).output().expect("the binary starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert_eq!(said.matches("no space left on device").count(), 1, "{args:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{args:?}: {said}");
    }
}

#[test]
fn a_store_that_cannot_be_written_can_be_read() {
    let session = session();
    // Indexes of layers are made anew where they are missing, if they can be.
    fs::remove_dir_all(session.store().join("imgtool")).expect("what is ours alone can be deleted");
    let before = tree::picture(&session.store());
    let set_modes = |folder: u32, file: u32| {
        for entry in walkdir::WalkDir::new(session.store()).contents_first(folder < 0o600) {
            let entry = entry.expect("readable");
            let mode = if entry.file_type().is_dir() { folder } else { file };
            fs::set_permissions(entry.path(), Permissions::from_mode(mode)).expect("ours");
        }
    };
    fs::set_permissions(session.work().parent().expect("the session"), Permissions::from_mode(0o755)).expect("ours");
    set_modes(0o555, 0o444);
    let as_user = |args: &[&str]| {
        let mut command = session.command(args);
        // Indexes that cannot be kept are made in a temporary file.
        command.env("TMPDIR", "/tmp");
        if rustix::process::geteuid().is_root() {
            // Nothing holds root off: somebody else it is.
            command.uid(65534).gid(65534);
        }
        command.output().expect("the binary starts")
    };
    for args in READING {
        let output = as_user(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), &*said), (Some(0), ""), "{args:?}");
    }
    for args in [&["tag", "fx/a:1", "b"][..], &["rmi", "fx/a:1"], &["image", "prune", "-f"], &["unpack", "fx/a:1", "t"]]
    {
        let output = as_user(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.to_lowercase().contains("permission denied"), "{args:?}: {said}");
        assert!(
            said.ends_with("hint: the image store is not writable; use --root DIR for another one\n"),
            "{args:?}: {said}"
        );
        assert!(!session.work().join("t").exists(), "nothing is unpacked without its snapshot");
    }
    set_modes(0o755, 0o644);
    assert_eq!(tree::changes(&before, &tree::picture(&session.store())), [""; 0]);
}
