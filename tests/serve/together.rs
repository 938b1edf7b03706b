//! One store, many writers: pushes beside each other, and beside other processes that add, delete and look.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use super::pushing::{INDEX, Image, MANIFEST, index};
use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::serving::Serving;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};
use crate::support::{digest, slow};

/// Pushes as docker does: asks for each blob, sends what is not there, then the manifest.
fn push(serving: &Serving, repository: &str, tag: &str, image: &Image) {
    for blob in [&image.layer, &image.config] {
        let path = format!("/v2/{repository}/blobs/{}", digest(blob));
        if serving.ask("HEAD", &path, &[], b"").status == 404 {
            let begun = serving.ask("POST", &format!("/v2/{repository}/blobs/uploads/"), &[], b"").expect(202);
            let place = begun.header("location").to_owned();
            let (first, rest) = blob.split_at(blob.len() / 2);
            serving.ask("PATCH", &place, &[], first).expect(202);
            let and = if place.contains('?') { '&' } else { '?' };
            serving.ask("PUT", &format!("{place}{and}digest={}", digest(blob)), &[], rest).expect(201);
        }
    }
    serving.put_manifest(repository, tag, MANIFEST, &image.manifest);
}

/// What the pusher of that number pushes in that round. Every third image is one that others push as well.
fn image(pusher: usize, round: usize) -> Image {
    let text = if round.is_multiple_of(3) { format!("shared {round}") } else { format!("{pusher} {round}") };
    Image::of(&text)
}

#[test]
fn nothing_is_lost_and_no_push_fails() {
    let (pushers, rounds) = if slow() { (16, 50) } else { (4, 10) };
    let session = Session::new();
    let serving = Serving::start(&session, &["--gc-interval", "10ms", "--gc-grace", "1h"]);
    let archive =
        pack(&producers::docker_save(&[TestImage::of("loaded:1", "loaded"), TestImage::of("kept:1", "kept")]));
    session.write("load.tar", &archive);
    session.write("files.tar", pack(&[Member::file("file", "imported")]));
    session.ok(&["load", "-i", "load.tar"]);
    let (is_over, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let beside = |commands: &'static [&'static [&'static str]]| {
            let (session, is_over) = (&session, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    for command in commands {
                        // `rmi` and `tag` may come between a load and the next.
                        let answer = session.run(command);
                        assert!(answer.code == 0 || answer.stderr.contains("No such image"), "{}", answer.text());
                    }
                }
            })
        };
        beside(&[&["load", "-q", "-i", "load.tar"], &["rmi", "loaded:1"]]);
        beside(&[&["image", "prune", "-f"], &["tag", "kept:1", "other:1"], &["images"], &["rmi", "other:1"]]);
        beside(&[&["import", "files.tar", "imported:1"], &["verify", "kept:1"], &["rmi", "imported:1"]]);
        for pusher in 0..pushers {
            let (serving, is_over, done) = (&serving, &is_over, &done);
            scope.spawn(move || {
                // If one pusher fails, nobody may run on for ever.
                let _ends = Ends(is_over, done, pushers);
                for round in 0..rounds {
                    let repository = format!("team/{}", pusher % 3);
                    let image = image(pusher, round);
                    push(serving, &repository, &format!("p{pusher}-{round}"), &image);
                    push(serving, &repository, "latest", &image);
                    let path = format!("/v2/{repository}/manifests/p{pusher}-{round}");
                    assert_eq!(serving.get(&path).expect(200).body, image.manifest);
                }
            });
        }
    });
    for pusher in 0..pushers {
        for round in 0..rounds {
            let image = image(pusher, round);
            let repository = format!("/v2/team/{}", pusher % 3);
            let path = format!("{repository}/manifests/p{pusher}-{round}");
            assert_eq!(serving.get(&path).expect(200).body, image.manifest);
            for blob in [&image.config, &image.layer] {
                assert_eq!(serving.get(&format!("{repository}/blobs/{}", digest(blob))).expect(200).body, *blob);
            }
        }
    }
    session.ok(&["verify"]);
}

/// Tells that a pusher has ended, however it did.
struct Ends<'a>(&'a AtomicBool, &'a AtomicUsize, usize);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        if self.1.fetch_add(1, Ordering::Relaxed) + 1 == self.2 || thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn the_same_is_pushed_by_several_at_once() {
    let session = Session::new();
    let serving = Serving::start(&session, &["--gc-interval", "10ms", "--gc-grace", "0"]);
    for round in 0..10 {
        let image = Image::of(&format!("the same {round}"));
        thread::scope(|scope| {
            for pusher in 0..4 {
                let (serving, image) = (&serving, &image);
                scope.spawn(move || push(serving, "demo", if pusher < 2 { "1" } else { "2" }, image));
            }
        });
        for tag in ["1", "2"] {
            assert_eq!(serving.get(&format!("/v2/demo/manifests/{tag}")).expect(200).body, image.manifest);
        }
    }
    session.ok(&["verify"]);
}

#[test]
fn a_store_that_is_deleted_under_the_server_is_an_empty_one() {
    let session = Session::new();
    let serving = Serving::start(&session, &["--gc-interval", "10ms"]);
    let image = Image::of("image");
    push(&serving, "demo", "1", &image);
    std::fs::remove_dir_all(session.store()).expect("a store");
    serving.get("/v2/demo/manifests/1").expect(404);
    assert_eq!(serving.get("/v2/_catalog").expect(200).json()["repositories"], json!([]));
    push(&serving, "demo", "2", &image);
    serving.put_manifest("demo", "all", INDEX, &index(&[&image]));
    serving.get("/v2/demo/manifests/2").expect(200);
    session.ok(&["verify"]);
}

#[test]
fn a_blob_that_is_damaged_is_repaired_by_an_upload() {
    let session = Session::new();
    let serving = Serving::start(&session, &["--gc-interval", "0"]);
    let tar = pack(&[Member::file("text", "whole")]);
    let digest = serving.put_blob("demo", &tar);
    let path = session.store().join("blobs/sha256").join(digest.trim_start_matches("sha256:"));
    std::fs::write(&path, b"torn").expect("a file");
    serving.put_blob("demo", &tar);
    assert_eq!(std::fs::read(&path).expect("a file"), tar);
}
