//! Several processes on one store: no name is lost, no half image is seen, prune eats nothing that is being loaded.

use std::io::{Read as _, Write as _};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use super::{session, slow};
use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};

#[test]
fn loads_side_by_side_lose_no_name() {
    let session = session();
    let images: Vec<TestImage> = (0..8).map(|n| TestImage::of(&format!("fx/side:{n}"), &format!("side {n}"))).collect();
    let children: Vec<_> = images
        .iter()
        .enumerate()
        .map(|(n, image)| {
            let name = format!("{n}.tar");
            session.write(&name, pack(&producers::docker_save(std::slice::from_ref(image))));
            session.command(&["load", "-q", "-i", &name]).stdout(Stdio::null()).spawn().expect("it starts")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("a child of ours").success());
    }
    assert_eq!(session.tags().len(), images.len() + 1, "{:?}", session.tags());
    for image in &images {
        session.ok(&["save", "-o", "out.tar", &image.tags[0]]);
    }
}

/// One process's work on its own image: load, name, look, save, and take the last round's name away.
fn work(session: &Session, worker: usize, rounds: usize) {
    let name = format!("fx/worker{worker}");
    let shared = Member::file("shared", "a layer that all images have");
    let own = Member::file("own", format!("of worker {worker}"));
    let image = TestImage::new(&[&format!("{name}:loaded")]).layer("shared", &[shared]).layer("own", &[own]);
    let archive = format!("{worker}.tar");
    session.write(&archive, pack(&producers::docker_save(std::slice::from_ref(&image))));
    for round in 0..rounds {
        session.ok(&["load", "-q", "-i", &archive]);
        session.ok(&["tag", &format!("{name}:loaded"), &format!("{name}:{round}")]);
        assert_eq!(session.inspect(&format!("{name}:{round}"))["Id"], image.id().as_str());
        session.ok(&["save", "-o", &format!("{worker}.out"), &format!("{name}:{round}")]);
        session.ok(&["rmi", &format!("{name}:loaded")]);
        if round > 0 {
            session.ok(&["rmi", &format!("{name}:{}", round - 1)]);
        }
    }
}

#[test]
fn everything_at_once() {
    let (workers, rounds) = if slow() { (16, 50) } else { (6, 4) };
    let session = session();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let pruner = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                session.ok(&["image", "prune", "-f"]);
                session.ok(&["images", "-a"]);
            }
        });
        let session = &session;
        let running: Vec<_> = (0..workers).map(|n| scope.spawn(move || work(session, n, rounds))).collect();
        let ended: Vec<_> = running.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        pruner.join().expect("prune never fails");
        assert!(ended.iter().all(Result::is_ok), "a worker failed");
    });
    let mut expected: Vec<String> = (0..workers).map(|n| format!("fx/worker{n}:{}", rounds - 1)).collect();
    expected.push("fx/before:1".to_owned());
    expected.sort();
    assert_eq!(session.tags(), expected);
    for tag in &expected {
        session.ok(&["save", "-o", "last.tar", tag]);
    }
}

/// An image with a layer that is longer than a pipe.
fn large(name: &str) -> TestImage {
    TestImage::new(&[name]).layer("large", &[Member::file("large", name.as_bytes().repeat(200_000))])
}

fn load(session: &Session, image: &TestImage) {
    session.load(&pack(&producers::docker_save(std::slice::from_ref(image))));
}

/// The first half of an archive, for a command that waits for the rest.
fn begin(child: &mut Child, archive: &[u8]) -> std::process::ChildStdin {
    let mut pipe = child.stdin.take().expect("it was asked for");
    pipe.write_all(&archive[..archive.len() / 2]).expect("it reads");
    pipe
}

#[test]
fn a_load_that_waits_keeps_nobody_from_removing() {
    let session = session();
    let image = large("fx/slow:1");
    load(&session, &TestImage::of("fx/other:1", "other"));
    let archive = pack(&producers::docker_save(std::slice::from_ref(&image)));
    let mut child =
        session.command(&["load", "-q"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
    let mut pipe = begin(&mut child, &archive);
    session.ok(&["rmi", "fx/other:1"]);
    session.ok(&["image", "prune", "-af"]);
    assert!(session.tags().is_empty());
    pipe.write_all(&archive[archive.len() / 2..]).expect("it reads on");
    drop(pipe);
    assert!(child.wait().expect("a child of ours").success());
    assert_eq!(session.tags(), ["fx/slow:1"]);
    session.ok(&["save", "-o", "out.tar", "fx/slow:1"]);
    session.ok(&["image", "prune", "-af"]);
    assert!(session.picture().keys().all(|path| !path.starts_with("blobs/sha256/")), "{:?}", session.picture().keys());
}

#[test]
fn what_is_being_written_out_is_written_to_its_end() {
    for (args, remove) in [
        (&["save", "fx/large:1"][..], &["rmi", "fx/large:1"][..]),
        (&["save", "--compress", "gzip", "fx/large:1"], &["image", "prune", "-af"]),
        (&["export", "fx/large:1"], &["rmi", "fx/large:1"]),
        (&["export", "fx/large:1"], &["image", "prune", "-af"]),
    ] {
        let session = session();
        load(&session, &large("fx/large:1"));
        let expected = session.run(args);
        assert_eq!(expected.code, 0, "{}", expected.text());
        let mut child = session.command(args).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut written = vec![0; 512];
        let mut pipe = child.stdout.take().expect("it was asked for");
        pipe.read_exact(&mut written).expect("it writes");
        session.ok(remove);
        assert!(!session.tags().contains(&"fx/large:1".to_owned()));
        pipe.read_to_end(&mut written).expect("it writes on");
        assert!(child.wait().expect("a child of ours").success(), "{args:?} beside {remove:?}");
        assert!(written == expected.stdout, "{args:?} beside {remove:?} wrote something else");
        session.ok(&["image", "prune", "-af"]);
        assert!(session.picture().keys().all(|path| !path.starts_with("blobs/sha256/")), "nobody reads it any more");
    }
}

#[test]
fn a_commit_beside_the_removal_of_its_base() {
    let session = session();
    let base = large("fx/base:1");
    for round in 0..6 {
        load(&session, &base);
        let tree = format!("tree{round}");
        session.ok(&["unpack", "fx/base:1", &tree]);
        session.write(&format!("{tree}/new"), vec![1; 4 << 20]);
        let mut child = session
            .command(&["commit", &tree, "fx/new:1"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        std::thread::sleep(std::time::Duration::from_millis(10 * round));
        session.ok(&["rmi", "-f", "fx/base:1"]);
        session.ok(&["image", "prune", "-f"]);
        let output = child.wait().map(|status| (status, child.stderr.take())).expect("a child of ours");
        let mut said = String::new();
        output.1.expect("it was asked for").read_to_string(&mut said).expect("text");
        if output.0.success() {
            session.ok(&["save", "-o", "out.tar", "fx/new:1"]);
            session.ok(&["rmi", "fx/new:1"]);
        } else {
            assert!(!said.contains("o such file") && !said.contains("os error"), "{said}");
            assert!(!session.tags().contains(&"fx/new:1".to_owned()));
        }
    }
}

#[test]
fn readers_beside_removals_see_an_image_or_none() {
    let session = session();
    let archive = pack(&producers::docker_save(&[large("fx/comes:1")]));
    session.write("comes.tar", archive);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let session = &session;
        let done = &done;
        scope.spawn(move || {
            for _ in 0..if slow() { 200 } else { 12 } {
                session.ok(&["load", "-q", "-i", "comes.tar"]);
                session.ok(&["rmi", "fx/comes:1"]);
            }
            done.store(true, Ordering::Relaxed);
        });
        for args in [&["export", "fx/comes:1"][..], &["save", "fx/comes:1"]] {
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let answer = session.run(args);
                    let is_gone =
                        ["No such image", "no such image", "does not exist", "removed from the store meanwhile"]
                            .iter()
                            .any(|words| answer.stderr.contains(words));
                    assert!(answer.code == 0 || is_gone, "{args:?}: {}", answer.text());
                }
            });
        }
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                let answer = session.run(&["images"]);
                assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{}", answer.text());
            }
        });
    });
}
