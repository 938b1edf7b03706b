//! Several processes on one store: no name is lost, no half image is seen, prune eats nothing that is being loaded.

use std::process::Stdio;
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
