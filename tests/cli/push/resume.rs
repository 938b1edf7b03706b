//! Pushes that are killed go on where they were.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{digest_of, large, pulls, size_of, stored, stored_plain};
use crate::support::registry::Registry;
use crate::support::registry::reply::Reply;
use crate::support::session::Session;

/// Begins a push, and kills it when the registry has so many bytes of a request and waits for more.
pub(super) fn killed(session: &Session, registry: &Registry, args: &[&str], at: usize) {
    registry.content().uploads.manners.pause = Some(at);
    let mut command = session.command(args);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let start = Instant::now();
    while registry.content().uploads.paused == 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing comes: {:#?}", registry.log());
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("a child of ours");
    child.wait().expect("a child of ours");
    let mut content = registry.content();
    (content.uploads.manners.pause, content.uploads.paused) = (None, 0);
    drop(content);
    // The server finds out that nobody is there.
    while registry.records().last().is_none_or(|record| record.status != 0) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn kept(session: &Session) -> BTreeSet<String> {
    let folder = session.store().join("imgtool/uploads");
    let Ok(entries) = std::fs::read_dir(folder) else { return BTreeSet::new() };
    let all = entries.map(|entry| entry.expect("a file"));
    all.map(|entry| {
        assert_eq!(entry.metadata().expect("a file").permissions().mode() & 0o077, 0, "it may be all that is needed");
        entry.file_name().into_string().expect("hex digits")
    })
    .collect()
}

#[test]
fn an_upload_goes_on_after_kill_9() {
    let image = large(20, 12 << 20);
    let (session, registry) = (Session::new(), Registry::start());
    let name = registry.name("team/app:1");
    let digest = stored(&session, &name, &image);
    killed(&session, &registry, &["push", "-q", &name], 9 << 20);
    assert_eq!(kept(&session).len(), 1);
    session.ok(&["push", "-q", &name]);
    assert_eq!(digest_of(&registry, "team/app:1"), Some(digest));
    let (came, size) = (registry.received(), size_of(&image));
    assert!(came * 100 <= size * 105, "{came} bytes for {size}: {:#?}", registry.log());
    assert!(registry.count("GET", "/uploads/") == 1 && came >= size);
    assert_eq!(kept(&session), BTreeSet::new(), "what has ended is forgotten");
    pulls(&registry, "team/app:1", &image);
}

#[test]
fn so_does_one_that_is_compressed_on_its_way() {
    let image = large(21, 12 << 20);
    for method in ["gzip", "zstd"] {
        let (session, registry) = (Session::new(), Registry::start());
        let name = registry.name("team/app:1");
        stored_plain(&session, &name, &image);
        // It comes in chunks of 4 MiB.
        killed(&session, &registry, &["push", "-q", "--compress", method, &name], 2 << 20);
        assert_eq!(kept(&session).len(), 1);
        session.ok(&["push", "-q", "--compress", method, &name]);
        let blobs = registry.content().repositories["team/app"].blobs.values().map(|blob| blob.len()).sum::<usize>();
        let came = registry.received();
        assert!(came * 100 <= blobs as u64 * 105, "{came} bytes for {blobs}: {:#?}", registry.log());
        assert_eq!(kept(&session), BTreeSet::new());
        pulls(&registry, "team/app:1", &image);
    }
}

#[test]
fn a_server_may_not_have_seen_yet_that_nobody_sends_any_more() {
    let image = large(28, 12 << 20);
    for is_plain in [false, true] {
        let (session, registry) = (Session::new(), Registry::start());
        let name = registry.name("team/app:1");
        if is_plain {
            stored_plain(&session, &name, &image);
        } else {
            drop(stored(&session, &name, &image));
        }
        killed(&session, &registry, &["push", "-q", &name], if is_plain { 2 << 20 } else { 9 << 20 });
        let busy = AtomicUsize::new(2);
        registry.refuse(move |request| {
            let sends = ["PUT", "PATCH"].contains(&request.method.as_str()) && request.path.contains("/uploads/");
            let left = |left: usize| if sends { left.checked_sub(1) } else { None };
            busy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).ok()?;
            Some(Reply::error(409, "BLOB_UPLOAD_INVALID", "another request is writing this upload"))
        });
        session.ok(&["push", "-q", &name]);
        assert_eq!(registry.log().iter().filter(|line| line.ends_with(" 409")).count(), 2, "{:#?}", registry.log());
        let blobs = registry.content().repositories["team/app"].blobs.values().map(|blob| blob.len()).sum::<usize>();
        let came = registry.received();
        assert!(came * 100 <= blobs as u64 * 105, "{came} bytes for {blobs}: {:#?}", registry.log());
        registry.behave();
        pulls(&registry, "team/app:1", &image);
    }
}

#[test]
fn a_session_that_is_gone_meanwhile_is_begun_again() {
    let image = large(22, 6 << 20);
    let (session, registry) = (Session::new(), Registry::start());
    let name = registry.name("team/app:1");
    let digest = stored(&session, &name, &image);
    killed(&session, &registry, &["push", "-q", &name], 5 << 20);
    registry.content().uploads.forget();
    session.ok(&["push", "-q", &name]);
    assert_eq!(digest_of(&registry, "team/app:1"), Some(digest));
    assert_eq!(kept(&session), BTreeSet::new());
}

#[test]
fn the_bytes_of_a_session_may_be_others() {
    let image = large(23, 6 << 20);
    let (session, registry) = (Session::new(), Registry::start());
    let name = registry.name("team/app:1");
    let digest = stored(&session, &name, &image);
    killed(&session, &registry, &["push", "-q", &name], 5 << 20);
    registry.content().uploads.spoil();
    session.ok(&["push", "-q", &name]);
    assert_eq!(digest_of(&registry, "team/app:1"), Some(digest));
    assert_eq!(kept(&session), BTreeSet::new());
}

#[test]
fn sessions_of_other_registries_and_repositories_are_not_mixed_up() {
    let image = large(24, 6 << 20);
    let (session, one, two) = (Session::new(), Registry::start(), Registry::start());
    for registry in [&one, &two] {
        stored(&session, &registry.name("team/app:1"), &image);
        killed(&session, registry, &["push", "-q", &registry.name("team/app:1")], 5 << 20);
    }
    session.ok(&["tag", &one.name("team/app:1"), &one.name("team/other:1")]);
    killed(&session, &one, &["push", "-q", &one.name("team/other:1")], 5 << 20);
    assert_eq!(kept(&session).len(), 3, "each has its own");
    session.ok(&["push", "-q", &two.name("team/app:1"), &one.name("team/app:1"), &one.name("team/other:1")]);
    for (registry, repositories) in [(&one, 2), (&two, 1)] {
        let (came, size) = (registry.received(), size_of(&image));
        assert!(came * 100 <= size * 105 * repositories, "{came}: {:#?}", registry.log());
        pulls(registry, "team/app:1", &image);
    }
    pulls(&one, "team/other:1", &image);
    assert_eq!(kept(&session), BTreeSet::new());
}

#[test]
fn image_prune_forgets_what_nobody_needs() {
    let image = large(25, 6 << 20);
    let (session, registry) = (Session::new(), Registry::start());
    let name = registry.name("team/app:1");
    stored(&session, &name, &image);
    killed(&session, &registry, &["push", "-q", &name], 5 << 20);
    let sending = || std::fs::read_dir(session.store().join("imgtool/sending")).expect("a folder").count();
    assert_eq!(sending(), 1, "of the one that was killed");
    let plain = registry.name("plain:1");
    let other = large(26, 1 << 20);
    stored_plain(&session, &plain, &other);
    session.ok(&["push", "-q", &plain]);
    let packed = || std::fs::read_dir(session.store().join("imgtool/packed")).expect("a folder").count();
    session.ok(&["image", "prune", "-f"]);
    assert_eq!((kept(&session).len(), packed()), (1, 1), "they are new, and of images that are here");
    assert_eq!(sending(), 0, "nobody sends it");

    // A week later.
    for entry in std::fs::read_dir(session.store().join("imgtool/uploads")).expect("a folder") {
        let file = std::fs::File::options().write(true).open(entry.expect("a file").path()).expect("ours");
        let week = Duration::from_secs(8 * 24 * 3600);
        file.set_modified(std::time::SystemTime::now() - week).expect("ours");
    }
    session.ok(&["rmi", &plain]);
    session.ok(&["image", "prune", "-f", "--dry-run"]);
    assert_eq!((kept(&session).len(), packed()), (1, 1), "nothing goes in a dry run");
    session.ok(&["image", "prune", "-f"]);
    assert_eq!((kept(&session).len(), packed()), (0, 0));
    session.ok(&["push", "-q", &name]);
}
