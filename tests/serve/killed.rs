//! A server that is killed: what it acknowledged is there, the rest is gone or goes on.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use super::pushing::{Image, MANIFEST};
use crate::support::image::TestImage;
use crate::support::serving::{Said, Serving};
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};
use crate::support::{digest, slow};

/// What was acknowledged.
#[derive(Default)]
struct Acknowledged {
    /// Tags, with their manifests.
    manifests: Vec<(String, Vec<u8>)>,
    /// Digests.
    blobs: Vec<String>,
    /// Uploads that had begun and not ended, with what was sent of them.
    uploads: Vec<(String, Vec<u8>)>,
    /// How many requests.
    requests: u64,
}

/// Pushes images until the server does not answer.
fn push(serving: &Serving, pusher: usize, seen: &Mutex<Acknowledged>) {
    let count = || seen.lock().expect("no panic").requests += 1;
    for round in 0.. {
        let filler = "abcdefghij".repeat(2000);
        let tar = pack(&[Member::file("text", format!("{pusher} {round}\n{filler}"))]);
        let image = Image::with(&TestImage::new(&["x:1"]).raw_layer("ADD text", tar), &serde_json::json!({}));
        for blob in [&image.layer, &image.config] {
            if send_blob(serving, blob, seen).is_none() {
                return;
            }
        }
        let tag = format!("p{pusher}-{round}");
        let path = format!("/v2/demo/manifests/{tag}");
        let Some(said) = serving.attempt("PUT", &path, &[("Content-Type", MANIFEST)], &image.manifest) else { return };
        said.expect(201);
        seen.lock().expect("no panic").manifests.push((tag, image.manifest));
        count();
    }
}

/// Uploads in three requests; none if there is no answer any more.
fn send_blob(serving: &Serving, blob: &[u8], seen: &Mutex<Acknowledged>) -> Option<()> {
    let begun = serving.attempt("POST", "/v2/demo/blobs/uploads/", &[], b"")?.expect(202);
    let place = begun.header("location").to_owned();
    let mine = |seen: &mut Acknowledged| seen.uploads.retain(|(other, _)| *other != place);
    {
        let mut seen = seen.lock().expect("no panic");
        seen.uploads.push((place.clone(), blob.to_vec()));
        seen.requests += 1;
    }
    let (first, rest) = blob.split_at(blob.len() / 2);
    serving.attempt("PATCH", &place, &[], first)?.expect(202);
    seen.lock().expect("no panic").requests += 1;
    serving.attempt("PUT", &with_digest(&place, blob), &[], rest)?.expect(201);
    let mut seen = seen.lock().expect("no panic");
    mine(&mut seen);
    seen.requests += 1;
    seen.blobs.push(digest(blob));
    Some(())
}

fn with_digest(place: &str, blob: &[u8]) -> String {
    format!("{place}{}digest={}", if place.contains('?') { '&' } else { '?' }, digest(blob))
}

/// Goes on with an upload that was interrupted, from where the server says that it is.
fn go_on(serving: &Serving, place: &str, blob: &[u8]) {
    let status = serving.ask("GET", place, &[], b"");
    if status.status == 404 {
        // Its last request did its work, or its first one did not.
        return;
    }
    let have = arrived(&status.expect(204), blob.len());
    let range = format!("{have}-{}", blob.len() - 1);
    if have < blob.len() {
        serving.ask("PATCH", place, &[("Content-Range", &range)], &blob[have..]).expect(202);
    }
    serving.ask("PUT", &with_digest(place, blob), &[], b"").expect(201);
    serving.ask("HEAD", &format!("/v2/demo/blobs/{}", digest(blob)), &[], b"").expect(200);
}

/// `0-9` is ten bytes, and `0-0` is one or none: the bytes are then sent again from the first.
fn arrived(said: &Said, whole: usize) -> usize {
    let last: usize = said.header("range").trim_start_matches("0-").parse().expect("a number");
    if last == 0 { 0 } else { (last + 1).min(whole) }
}

#[test]
fn what_was_acknowledged_is_there_after_kill_9() {
    let points: u64 = if slow() { 240 } else { 20 };
    let session = Session::new();
    let mut acknowledged = 0;
    for point in 0..points {
        let seen = Mutex::new(Acknowledged::default());
        let serving = Serving::start(&session, &["--gc-interval", "5ms", "--gc-grace", "1h"]);
        thread::scope(|scope| {
            for pusher in 0..2 {
                let (serving, seen) = (&serving, &seen);
                scope.spawn(move || push(serving, pusher, seen));
            }
            // Each time behind another request, and somewhere in the next ones.
            let begun = Instant::now();
            while seen.lock().expect("no panic").requests < 3 * point % 50 {
                assert!(begun.elapsed() < Duration::from_secs(60), "no more requests are answered");
                thread::sleep(Duration::from_micros(50));
            }
            thread::sleep(Duration::from_micros(137 * point % 4000));
            serving.kill();
        });
        drop(serving);
        let seen = seen.into_inner().expect("no panic");
        acknowledged += seen.manifests.len();
        check(&session, &seen);
    }
    assert!(acknowledged > 0, "nothing was pushed");
}

fn check(session: &Session, seen: &Acknowledged) {
    let serving = Serving::start(session, &["--gc-interval", "5ms", "--gc-grace", "1h"]);
    for (tag, manifest) in &seen.manifests {
        assert_eq!(serving.get(&format!("/v2/demo/manifests/{tag}")).expect(200).body, *manifest);
    }
    for blob in &seen.blobs {
        let said = serving.get(&format!("/v2/demo/blobs/{blob}")).expect(200);
        assert_eq!(digest(&said.body), *blob);
    }
    session.ok(&["verify"]);
    for (place, blob) in &seen.uploads {
        go_on(&serving, place, blob);
    }
    session.ok(&["image", "prune", "-f"]);
    session.ok(&["verify"]);
    // A store of the next point begins with nothing.
    drop(serving);
    let _ = std::fs::remove_dir_all(session.store());
}
