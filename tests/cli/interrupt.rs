//! Ctrl-C and its relatives, at any point: nothing half-done stays, and the exit code says which signal it was.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};
use crate::support::tree;

/// How many points of each command are tried.
const POINTS: u32 = 20;

/// An image with a large file, and with many small ones.
fn archive() -> Vec<u8> {
    let large = Member::file("large", vec![7; 4 << 20]);
    let small = (0..300).map(|n| Member::file(format!("d{}/f{n}", n % 7), format!("{n}")));
    let dirs = (0..7).map(|n| Member::dir(format!("d{n}")));
    let members: Vec<Member> = dirs.chain(small).collect();
    pack(&producers::docker_save(&[TestImage::new(&["fx/a:1"]).layer("large", &[large]).layer("small", &members)]))
}

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process number")).expect("not zero");
    kill_process(pid, signal).expect("a child that was not waited for can be signalled");
}

/// All that a command may leave traces in: the store, and the folder where it works.
fn everything(session: &Session) -> [BTreeMap<String, String>; 2] {
    [session.picture(), tree::picture(&session.work())]
}

/// Runs a command and ends it after some time; gives its exit code, and what it said.
fn end_after(session: &Session, args: &[&str], stdin: &[u8], time: Duration) -> (i32, String) {
    let mut command = session.command(args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let mut pipe = child.stdin.take().expect("it was asked for");
    let bytes = stdin.to_vec();
    let writer = std::thread::spawn(move || drop(pipe.write_all(&bytes)));
    std::thread::sleep(time);
    send(&child, Signal::INT);
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("the writer does not panic");
    // Before it listens the signal itself ends it, which a shell tells in the same words.
    let code = output.status.code().or(output.status.signal().map(|signal| 128 + signal));
    (code.expect("it has ended"), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Ends a command at many points of its life; `prepare` makes the world anew for each.
fn at_many_points(prepare: impl Fn() -> Session, args: &[&str], stdin: &[u8]) {
    let session = prepare();
    let started = Instant::now();
    let answer = session.run_with(stdin, args);
    let whole = started.elapsed();
    assert_eq!(answer.code, 0, "{}", answer.text());
    let (mut ended, mut done) = (0, 0);
    for point in 0..POINTS {
        let session = prepare();
        let before = everything(&session);
        let (code, said) = end_after(&session, args, stdin, whole * point / POINTS);
        match code {
            130 => {
                ended += 1;
                assert_eq!(said, "", "who pressed Ctrl-C knows it");
                for (before, after) in before.iter().zip(&everything(&session)) {
                    assert_eq!(tree::changes(before, after), [""; 0], "{args:?} left traces at point {point}");
                }
            }
            // Too late: the work was already being made visible.
            0 => {
                done += 1;
                assert_ne!(before, everything(&session), "{args:?} said that it was done");
            }
            other => panic!("{args:?} ended with {other} at point {point}: {said}"),
        }
    }
    assert!(ended >= 3, "{args:?}: {ended} of {POINTS} were ended, {done} came to their end");
}

fn fresh() -> Session {
    let session = Session::new();
    session.write("a.tar", archive());
    session
}

fn loaded() -> Session {
    let session = fresh();
    session.ok(&["load", "-q", "-i", "a.tar"]);
    session
}

#[test]
fn load() {
    at_many_points(fresh, &["load", "-i", "a.tar"], b"");
}

#[test]
fn load_from_a_pipe() {
    at_many_points(fresh, &["load"], &archive());
}

#[test]
fn import() {
    let rootfs = || {
        let session = Session::new();
        session.write("root.tar", pack(&[Member::file("large", vec![7; 8 << 20])]));
        session
    };
    at_many_points(rootfs, &["import", "root.tar", "fx/imported:1"], b"");
}

#[test]
fn save() {
    at_many_points(loaded, &["save", "--compress", "gzip", "-o", "a.tar", "fx/a:1"], b"");
}

#[test]
fn export() {
    at_many_points(loaded, &["export", "-o", "b.tar", "fx/a:1"], b"");
}

#[test]
fn unpack() {
    at_many_points(loaded, &["unpack", "fx/a:1", "tree"], b"");
    let there = || {
        let session = loaded();
        std::fs::create_dir(session.work().join("tree")).expect("a folder");
        session
    };
    at_many_points(there, &["unpack", "--bundle", "fx/a:1", "tree"], b"");
}

#[test]
fn commit() {
    let changed = || {
        let session = loaded();
        session.ok(&["unpack", "fx/a:1", "tree"]);
        session.write("tree/new", vec![3; 4 << 20]);
        session
    };
    at_many_points(changed, &["commit", "tree", "fx/b:1"], b"");
}

#[test]
fn one_that_waits_for_input_or_output_ends_too() {
    let session = loaded();
    let before = everything(&session);
    let archive = archive();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut child = session.command(&["load"]).stdin(Stdio::piped()).spawn().expect("the binary starts");
        let mut pipe = child.stdin.take().expect("it was asked for");
        pipe.write_all(&archive[..archive.len() / 2]).expect("it reads");
        send(&child, signal);
        assert_eq!(child.wait().expect("it ends").code(), Some(code));
        assert_eq!(before, everything(&session));

        for args in [["save", "fx/a:1"], ["export", "fx/a:1"]] {
            let mut child = session.command(&args).stdout(Stdio::piped()).spawn().expect("the binary starts");
            let mut pipe = child.stdout.take().expect("it was asked for");
            pipe.read_exact(&mut [0; 1000]).expect("it writes");
            send(&child, signal);
            assert_eq!(child.wait().expect("it ends").code(), Some(code));
            assert_eq!(before, everything(&session));
        }
    }
}

#[test]
fn what_was_to_be_ignored_is_ignored() {
    let session = fresh();
    let archive = archive();
    // As `nohup` does it.
    let mut command = std::process::Command::new("/bin/sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" load", env!("CARGO_BIN_EXE_imgtool")]);
    command.env("IMGTOOL_ROOT", session.store()).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().expect("sh starts");
    let mut pipe = child.stdin.take().expect("it was asked for");
    pipe.write_all(&archive[..archive.len() / 2]).expect("it reads");
    send(&child, Signal::HUP);
    pipe.write_all(&archive[archive.len() / 2..]).expect("it still reads");
    drop(pipe);
    let status = child.wait().expect("it ends");
    assert_eq!((status.code(), status.signal()), (Some(0), None));
}
