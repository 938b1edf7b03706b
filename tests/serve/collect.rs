//! Garbage is collected while the server runs: what goes, what stays, and what others count on.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::pushing::{INDEX, Image, MANIFEST, index, push_referrer, status, wait_until};
use crate::support::image::TestImage;
use crate::support::serving::Serving;
use crate::support::session::Session;
use crate::support::{digest, hex};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Collects all the time, and waits with nothing.
const EAGER: [&str; 4] = ["--gc-interval", "20ms", "--gc-grace", "0"];

/// Waits until a collection has begun and ended since the call.
fn collect(serving: &Serving) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    for _ in 0..2 {
        let number = COUNT.fetch_add(2, Ordering::Relaxed);
        let old = Image::of(&format!("canary {number}")).push(serving, "canary", Some("1"));
        Image::of(&format!("canary {}", number + 1)).push(serving, "canary", Some("1"));
        wait_until("the canary goes", || status(serving, "canary", &old) == 404);
    }
}

fn has_blob(session: &Session, digest: &str) -> bool {
    session.store().join("blobs/sha256").join(digest.trim_start_matches("sha256:")).is_file()
}

/// What lies below a folder of the store's own.
fn files(session: &Session, folder: &str) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(session.store().join("imgtool").join(folder)).into_iter().filter_map(Result::ok);
    walk.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

/// Lets files look as if they were written so long ago.
fn age(paths: &[PathBuf], by: Duration) {
    for path in paths {
        let file = fs::File::options().write(true).open(path);
        file.and_then(|file| file.set_modified(SystemTime::now() - by)).expect("a file of ours");
    }
}

#[test]
fn what_lost_its_tag_stays_for_the_grace_time() {
    let session = Session::new();
    let serving = Serving::start(&session, &["--gc-interval", "20ms"]);
    let old = Image::of("old").push(&serving, "demo", Some("1"));
    let new = Image::of("new").push(&serving, "demo", Some("1"));
    serving.put_blob("demo", b"a blob without a manifest");
    let again = Image::of("again").push(&serving, "demo", Some("2"));
    serving.ask("DELETE", "/v2/demo/manifests/2", &[], b"").expect(202);
    assert_eq!([&old, &new, &again].map(|image| status(&serving, "demo", image)), [200, 200, 200]);
    let listed = session.ok(&["images", "--format", "{{.Repository}}:{{.Tag}}"]);
    assert_eq!(listed.lines().filter(|line| *line == "demo:<none>").count(), 2, "{listed}");
    drop(serving);
    let serving = Serving::start(&session, &EAGER);
    wait_until("it goes", || status(&serving, "demo", &old) == 404 && !has_blob(&session, &old));
    collect(&serving);
    assert_eq!([&new, &again].map(|image| status(&serving, "demo", image)), [200, 404]);
    assert_eq!(serving.get("/v2/demo/tags/list").json()["tags"], json!(["1"]));
    session.ok(&["verify"]);
}

#[test]
fn a_tag_takes_the_mark_away() {
    let session = Session::new();
    let serving = Serving::start(&session, &["--gc-interval", "0"]);
    let image = Image::of("image");
    let digest = image.push(&serving, "demo", Some("1"));
    serving.ask("DELETE", "/v2/demo/manifests/1", &[], b"").expect(202);
    assert!(session.index().to_string().contains("org.imgtool.untagged"));
    serving.put_manifest("demo", "2", MANIFEST, &image.manifest);
    assert!(!session.index().to_string().contains("org.imgtool.untagged"));
    drop(serving);
    let serving = Serving::start(&session, &EAGER);
    collect(&serving);
    assert_eq!(status(&serving, "demo", &digest), 200);
}

/// distribution#3004: its collection deletes the manifests of an index, which have no tags of their own.
#[test]
fn the_manifests_of_an_index_stay_with_it() {
    let session = Session::new();
    let serving = Serving::start(&session, &EAGER);
    let [one, two] = [Image::of("one"), Image::of("two")];
    let children = [&one, &two].map(|image| image.push(&serving, "demo", None));
    let index = index(&[&one, &two]);
    let root = serving.put_manifest("demo", "1", INDEX, &index);
    assert_eq!(session.index()["manifests"].as_array().map(Vec::len), Some(1), "{}", session.index());
    collect(&serving);
    for digest in children.iter().chain([&root]) {
        assert_eq!(status(&serving, "demo", digest), 200);
    }
    for image in [&one, &two] {
        serving.get(&format!("/v2/demo/blobs/{}", digest(&image.layer))).expect(200);
    }
    // The tag moves to one of the two: the other goes.
    serving.put_manifest("demo", "1", MANIFEST, &one.manifest);
    wait_until("the other goes", || status(&serving, "demo", &children[1]) == 404);
    collect(&serving);
    assert_eq!((status(&serving, "demo", &children[0]), status(&serving, "demo", &root)), (200, 404));
    session.ok(&["verify"]);
}

#[test]
fn an_index_that_is_deleted_leaves_its_manifests_until_they_are_collected() {
    let session = Session::new();
    let serving = Serving::start(&session, &["--gc-interval", "20ms"]);
    let one = Image::of("one");
    let child = one.push(&serving, "demo", None);
    let note = push_referrer(&serving, "demo", "about the child", &one.manifest);
    let root = serving.put_manifest("demo", "1", INDEX, &index(&[&one]));
    serving.ask("DELETE", &format!("/v2/demo/manifests/{root}"), &[], b"").expect(202);
    assert_eq!([&root, &child, &note].map(|digest| status(&serving, "demo", digest)), [404, 200, 200]);
    drop(serving);
    let serving = Serving::start(&session, &EAGER);
    wait_until("all go", || [&child, &note].iter().all(|digest| status(&serving, "demo", digest) == 404));
    wait_until("and their blobs", || !has_blob(&session, &child) && !has_blob(&session, &note));
    session.ok(&["verify"]);
}

#[test]
fn what_is_about_something_stays_and_goes_with_it() {
    let session = Session::new();
    let serving = Serving::start(&session, &EAGER);
    let image = Image::of("image");
    let subject = image.push(&serving, "demo", Some("1"));
    let note = push_referrer(&serving, "demo", "a note", &image.manifest);
    let note_bytes = serving.get(&format!("/v2/demo/manifests/{note}")).expect(200).body;
    let second = push_referrer(&serving, "demo", "about the note", &note_bytes);
    let early = push_referrer(&serving, "demo", "before its subject", b"what never came");
    collect(&serving);
    assert_eq!([&subject, &note, &second, &early].map(|digest| status(&serving, "demo", digest)), [200; 4]);
    serving.ask("DELETE", "/v2/demo/manifests/1", &[], b"").expect(202);
    wait_until("all go", || [&subject, &note, &second].iter().all(|digest| status(&serving, "demo", digest) == 404));
    collect(&serving);
    assert_eq!(status(&serving, "demo", &early), 200);
    session.ok(&["verify"]);
}

/// A blob that a client was told to be there must be there when its manifest comes, though all that needed it is gone.
#[test]
fn what_a_push_counts_on_stays() {
    let session = Session::new();
    let serving = Serving::start(&session, &EAGER);
    let (old, layer) = (Image::of("old"), Image::of("new"));
    let gone = old.push(&serving, "demo", Some("1"));
    let of_old = digest(&old.layer);
    // Claims of the first push have ended.
    drop(serving);
    let claims = files(&session, "claims");
    age(&claims, DAY);
    assert!(claims.len() >= 2, "{claims:?}");
    let serving = Serving::start(&session, &EAGER);
    serving.ask("HEAD", &format!("/v2/demo/blobs/{of_old}"), &[], b"").expect(200);
    let mount = format!("/v2/other/blobs/uploads/?mount={}&from=demo", digest(&old.config));
    serving.ask("POST", &mount, &[], b"").expect(201);
    serving.ask("DELETE", &format!("/v2/demo/manifests/{gone}"), &[], b"").expect(202);
    let uploaded = serving.put_blob("demo", &layer.config);
    collect(&serving);
    assert_eq!(status(&serving, "demo", &gone), 404);
    assert!(has_blob(&session, &of_old) && has_blob(&session, &uploaded) && has_blob(&session, &digest(&old.config)));
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": super::pushing::descriptor("application/vnd.oci.image.config.v1+json", &layer.config),
        "layers": [super::pushing::descriptor("application/vnd.oci.image.layer.v1.tar", &old.layer)],
    });
    serving.put_manifest("demo", "2", MANIFEST, manifest.to_string().as_bytes());
    // Once the claims have ended, only what a manifest needs stays.
    age(&files(&session, "claims"), DAY);
    wait_until("it goes", || !has_blob(&session, &digest(&old.config)));
    assert!(has_blob(&session, &of_old));
    assert_eq!(files(&session, "claims").len(), files(&session, "claims").iter().filter(|path| path.exists()).count());
}

/// A manifest that a client was told to be there, as part of an index that it pushes, stays with all it needs.
#[test]
fn a_manifest_that_a_push_counts_on_stays() {
    let session = Session::new();
    let serving = Serving::start(&session, &["--gc-interval", "0"]);
    let image = Image::of("child");
    let child = image.push(&serving, "demo", Some("1"));
    serving.ask("DELETE", "/v2/demo/manifests/1", &[], b"").expect(202);
    age(&files(&session, "claims"), DAY);
    serving.ask("HEAD", &format!("/v2/demo/manifests/{child}"), &[], b"").expect(200);
    drop(serving);
    let serving = Serving::start(&session, &EAGER);
    collect(&serving);
    serving.put_manifest("demo", "all", INDEX, &index(&[&image]));
    serving.get(&format!("/v2/demo/blobs/{}", digest(&image.layer))).expect(200);
}

#[test]
fn what_is_being_pulled_is_sent_to_its_end() {
    let session = Session::new();
    let serving = Serving::start(&session, &EAGER);
    let big: Vec<u8> = (0..32_u32 << 20).map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let digest = serving.put_blob("demo", &big);
    let mut stream = serving.connect();
    let head = format!("GET /v2/demo/blobs/{digest} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    let mut first = [0; 1000];
    stream.read_exact(&mut first).expect("it begins");
    serving.ask("DELETE", &format!("/v2/demo/blobs/{digest}"), &[], b"").expect(202);
    wait_until("it goes", || !has_blob(&session, &digest));
    let mut all = first.to_vec();
    stream.read_to_end(&mut all).expect("it ends");
    let end = all.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    assert_eq!(format!("sha256:{}", hex(&all[end + 4..])), digest);
}

#[test]
fn uploads_go_whole_a_day_after_their_last_byte() {
    let session = Session::new();
    let serving = Serving::start(&session, &EAGER);
    let begin = || serving.ask("POST", "/v2/demo/blobs/uploads/", &[], b"").expect(202).header("location").to_owned();
    let [old, young] = [begin(), begin()];
    for place in [&old, &young] {
        serving.ask("PATCH", place, &[], b"some bytes").expect(202);
    }
    let of = |place: &str| -> Vec<PathBuf> {
        let id = place.rsplit('/').next().expect("an ID").split('?').next().expect("an ID").to_owned();
        files(&session, "partial").into_iter().filter(|path| path.to_string_lossy().contains(&id)).collect()
    };
    assert_eq!((of(&old).len(), of(&young).len()), (2, 2));
    age(&of(&old), DAY * 2);
    let owner = of(&young).into_iter().find(|path| path.extension().is_some()).expect("whose it is");
    age(&[owner], DAY * 2);
    wait_until("it goes", || of(&old).is_empty());
    collect(&serving);
    serving.ask("GET", &old, &[], b"").expect(404);
    assert_eq!(of(&young).len(), 2);
    // One that is in hurry takes what was silent for an hour, but not more.
    session.ok(&["image", "prune", "-af"]);
    serving.ask("GET", &young, &[], b"").expect(204);
    age(&of(&young), Duration::from_secs(2 * 60 * 60));
    session.ok(&["image", "prune", "-f"]);
    assert_eq!(of(&young).len(), 2);
    session.ok(&["image", "prune", "-af"]);
    assert!(of(&young).is_empty());
}

#[test]
fn prune_removes_what_has_no_tag_and_what_is_about_it() {
    let session = Session::new();
    let serving = Serving::start(&session, &["--gc-interval", "0"]);
    let image = Image::of("old");
    let old = image.push(&serving, "demo", Some("1"));
    let note = push_referrer(&serving, "demo", "a note", &image.manifest);
    let by_digest = Image::of("by digest").push(&serving, "demo", None);
    let new = Image::of("new").push(&serving, "demo", Some("1"));
    let id = digest(&image.config);
    let said = session.ok(&["image", "prune", "-f"]);
    for line in [format!("untagged: demo@{old}"), format!("deleted: {id}"), format!("untagged: demo@{note}")] {
        assert!(said.lines().any(|said| said == line), "{line} is not in\n{said}");
    }
    assert_eq!([&old, &note, &by_digest, &new].map(|digest| status(&serving, "demo", digest)), [404, 404, 200, 200]);
    assert!(session.ok(&["image", "prune", "-f"]).starts_with("Total reclaimed space"));
    // What is about an image goes with that, too, when it is removed by name.
    push_referrer(&serving, "demo", "another note", &Image::of("new").manifest);
    let said = session.ok(&["rmi", "demo:1"]);
    assert_eq!(said.matches("Untagged: demo").count(), 2, "{said}");
    assert_eq!(serving.get("/v2/demo/tags/list").json()["tags"], json!([]));
    session.ok(&["verify"]);
}

#[test]
fn a_hundred_notes_are_one_image() {
    let session = Session::new();
    let serving = Serving::start(&session, &EAGER);
    let image = Image::with(&TestImage::of("x:1", "noted"), &json!({"annotations": {"a": "b"}}));
    image.push(&serving, "demo", Some("1"));
    for number in 0..20 {
        push_referrer(&serving, "demo", &format!("note {number}"), &image.manifest);
    }
    assert_eq!(session.tags(), ["demo:1"]);
    let usage = session.ok(&["system", "df", "--format", "{{.Type}} {{.TotalCount}}"]);
    assert!(usage.starts_with("Images 1\n"), "{usage}");
}
