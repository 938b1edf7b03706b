//! Ctrl-C and its relatives, at any point: nothing half-done stays, and the command dies of the signal itself.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::signals::ENDING;
use crate::support::tarball::{Member, pack};
use crate::support::terminal::{self, Screen};
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

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("a process number")).expect("not zero")
}

fn send(child: &Child, signal: Signal) {
    kill_process(pid(child), signal).expect("a child that was not waited for can be signalled");
}

/// All that a command may leave traces in: the store, and the folder where it works.
fn everything(session: &Session) -> [BTreeMap<String, String>; 2] {
    [session.picture(), tree::picture(&session.work())]
}

/// Runs a command and ends it after some time; gives the signal that it died of, if it did, and what it said.
fn end_after(session: &Session, args: &[&str], stdin: &[u8], time: Duration) -> (Option<i32>, String) {
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
    assert!(output.status.signal().is_some() || output.status.success(), "{args:?}: {}", output.status);
    (output.status.signal(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Ends a command at many points of its life; `prepare` makes the world anew for each.
fn at_many_points(prepare: impl Fn() -> Session, args: &[&str], stdin: &[u8]) {
    let changes = |before: &[BTreeMap<String, String>; 2], session: &Session| -> Vec<String> {
        let after = everything(session);
        before.iter().zip(&after).flat_map(|(before, after)| tree::changes(before, after)).collect()
    };
    let session = prepare();
    let before = everything(&session);
    let started = Instant::now();
    let answer = session.run_with(stdin, args);
    let time = started.elapsed();
    assert_eq!(answer.code, 0, "{}", answer.text());
    let whole = changes(&before, &session).len();
    let (mut ended, mut done) = (0, 0);
    for point in 0..POINTS {
        let session = prepare();
        let before = everything(&session);
        let (signal, said) = end_after(&session, args, stdin, time * point / POINTS);
        let changes = changes(&before, &session);
        // A signal that comes when the work is already being made visible is too late: all is done.
        if changes.len() == whole {
            done += 1;
        } else {
            ended += 1;
            assert_eq!(changes, [""; 0], "{args:?} left traces at point {point}");
            assert_eq!(signal, Some(Signal::INT.as_raw()), "{args:?} at point {point}");
        }
        assert_eq!(said, "", "who pressed Ctrl-C knows it");
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
    for signal in ENDING {
        let mut child = session.command(&["load"]).stdin(Stdio::piped()).spawn().expect("the binary starts");
        let mut pipe = child.stdin.take().expect("it was asked for");
        pipe.write_all(&archive[..archive.len() / 2]).expect("it reads");
        send(&child, signal);
        assert_eq!(child.wait().expect("it ends").signal(), Some(signal.as_raw()));
        assert_eq!(before, everything(&session));

        for args in [["save", "fx/a:1"], ["export", "fx/a:1"]] {
            let mut child = session.command(&args).stdout(Stdio::piped()).spawn().expect("the binary starts");
            let mut pipe = child.stdout.take().expect("it was asked for");
            pipe.read_exact(&mut [0; 1000]).expect("it writes");
            send(&child, signal);
            assert_eq!(child.wait().expect("it ends").signal(), Some(signal.as_raw()));
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

/// A shell that runs imgtool in a loop until something stops it.
fn in_a_loop(session: &Session, commands: &str) -> Child {
    let shell = ["/bin/bash", "/bin/sh"].into_iter().find(|shell| Path::new(shell).exists()).expect("a shell");
    let mut command = Command::new(shell);
    command.args(["-c", &format!("while :; do {commands}; done")]).arg(env!("CARGO_BIN_EXE_imgtool"));
    command.env("IMGTOOL_ROOT", session.store()).stdin(Stdio::piped()).stdout(Stdio::null());
    command.process_group(0).spawn().expect("the shell starts")
}

#[test]
fn a_signal_stops_the_loop_of_a_shell() {
    let session = loaded();
    let archive = archive();
    for signal in ENDING {
        let mut child = in_a_loop(&session, "\"$0\" load");
        let mut pipe = child.stdin.take().expect("it was asked for");
        pipe.write_all(&archive[..archive.len() / 2]).expect("it reads");
        kill_process_group(pid(&child), signal).expect("a group of ours");
        assert_eq!(end_of(&mut child).signal(), Some(signal.as_raw()));
    }
}

#[test]
fn a_signal_that_is_too_late_for_one_command_stops_the_loop_too() {
    let session = loaded();
    // A shell itself misses one that comes when its command has just ended well, and on a busy machine more of them; if
    // commands missed them, every round would need many more.
    let is_ended_by_few = (0..3).any(|_| signals_for_loops(&session) <= 15);
    assert!(is_ended_by_few, "more than 15 signals were needed to end 12 loops, three times");
}

/// How many signals it takes to end twelve loops, sent at different points of their commands.
fn signals_for_loops(session: &Session) -> u32 {
    let mut sent = 0;
    for point in 0..12 {
        let mut child = in_a_loop(session, "\"$0\" tag fx/a:1 fx/b:1; \"$0\" rmi fx/b:1");
        std::thread::sleep(Duration::from_millis(150));
        while child.try_wait().expect("a child of ours").is_none() {
            std::thread::sleep(Duration::from_millis(7 * point));
            kill_process_group(pid(&child), Signal::INT).expect("a group of ours");
            std::thread::sleep(Duration::from_millis(500));
            sent += 1;
        }
        assert_eq!(end_of(&mut child).signal(), Some(Signal::INT.as_raw()));
    }
    sent
}

/// Waits for a shell that should end at once; kills it and all that it started if it does not.
fn end_of(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            return status;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = kill_process_group(pid(child), Signal::KILL);
    child.wait().expect("it was killed")
}

#[test]
fn a_bar_that_was_interrupted_leaves_no_line() {
    let session = fresh();
    let archive = archive();
    for signal in ENDING {
        let screen = Screen::open();
        let mut command = session.command(&["load"]);
        command.env("TERM", "xterm").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(screen.stream());
        let mut child = command.spawn().expect("the binary starts");
        drop(command);
        let mut pipe = child.stdin.take().expect("it was asked for");
        pipe.write_all(&archive[..archive.len() / 2]).expect("it reads");
        screen.wait_for("total");
        screen.wait_for("MB");
        send(&child, signal);
        assert_eq!(child.wait().expect("it ends").signal(), Some(signal.as_raw()));
        let written = screen.end();
        assert_eq!(terminal::shown(&written), [""; 0], "{written:?}");
    }
}

#[test]
fn tests_run_where_signals_are_ignored() {
    // As `nohup cargo test` and `cargo test &` in a script.
    let test = "interrupt::one_that_waits_for_input_or_output_ends_too";
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "trap '' HUP INT TERM; exec \"$0\" --exact \"$1\""]);
    command.arg(std::env::current_exe().expect("a test binary")).arg(test).stdout(Stdio::null());
    let status = end_of(&mut command.process_group(0).spawn().expect("the tests start"));
    assert!(status.success(), "{status}");
}
