//! Several jobs in one process on one store.

use super::*;
use crate::cancel::Ended;
use crate::layer::Limits;
use crate::oci::{Descriptor, Reference};

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::new(folder.path().join("store"));
    (folder, store)
}

fn quarantine(store: &Store) -> Quarantine {
    Quarantine::new(store, Limits::default()).expect("a quarantine")
}

/// Puts a blob into the store that no name leads to.
fn put(store: &Store, bytes: &[u8]) -> Digest {
    let quarantine = quarantine(store);
    let digest = quarantine.keep_bytes(bytes).expect("room");
    quarantine.publish(|_| Ok::<_, Error>(())).expect("published").expect("named");
    digest
}

/// Deletes what no name leads to.
fn sweep(store: &Store) -> Garbage {
    let alone = store.lock_exclusive().expect("a lock");
    let reachable = store.reachable(&store.catalog().expect("readable")).expect("readable");
    store.sweep(&alone, &reachable).expect("swept")
}

#[test]
fn one_job_is_cancelled_and_the_other_publishes() {
    let (_folder, store) = store();
    let jobs = [Token::new(), Token::new()];
    let [one, other] = jobs.clone().map(|job| quarantine(&store.clone().of_job(job)));
    one.keep_bytes(b"one").expect("room");
    let kept = other.keep_bytes(b"other").expect("room");
    assert_eq!(jobs[0].cancel(), Ended::Clean);
    assert!(one.keep_bytes(b"more").is_err());
    assert!(one.publish(|_| Ok::<_, Error>(())).is_err());
    other.keep_bytes(b"more").expect("room");
    other.publish(|_| Ok::<_, Error>(())).expect("published").expect("named");
    assert!(store.has_blob(&kept) && !store.has_blob(&Digest::of(b"one")));
    assert_eq!(std::fs::read_dir(store.root().join("imgtool/tmp")).expect("a folder").count(), 0);
}

#[test]
fn what_has_no_name_yet_is_found() {
    let (_folder, store) = store();
    // As a process leaves it that was killed before it wrote the names.
    let digest = put(&store, b"bytes");
    let blob = store.open_blob(&Descriptor::new(crate::oci::MediaType::OCI_LAYER_TAR, digest, 5)).expect("a blob");
    assert_eq!(blob.expect("it is there").size(), 5);
}

#[test]
fn what_a_quarantine_counts_on_stays() {
    let (_folder, store) = store();
    let (base, other) = (put(&store, b"base"), put(&store, b"other"));
    let waiting = quarantine(&store);
    let kept = waiting.keep_bytes(b"new").expect("room");
    waiting.count_on([base, kept]).expect("it is there");
    assert_eq!(sweep(&store).blobs, [other], "nobody is waited for");
    assert!(matches!(waiting.count_on([other]), Err(Error::Removed { digest }) if digest == other));
    waiting.publish(|_| Ok::<_, Error>(())).expect("published").expect("named");
    assert!(store.has_blob(&base) && store.has_blob(&kept));
    assert_eq!(sweep(&store).blobs.len(), 2, "nobody counts on them any more");
}

#[test]
fn what_was_deleted_all_the_same_is_told_at_the_end() {
    let (_folder, store) = store();
    let base = put(&store, b"base");
    let waiting = quarantine(&store);
    waiting.count_on([base]).expect("it is there");
    std::fs::remove_file(store.root().join("blobs/sha256").join(base.hex())).expect("another tool may do that");
    let name: Reference = "a:1".parse().expect("a name");
    let new = Descriptor::new(MediaType::OCI_MANIFEST, base, 4);
    let error = waiting.publish_image(&new, Some(&name)).expect_err("it is gone");
    assert!(matches!(error, Error::Removed { digest } if digest == base), "{error}");
    assert!(store.catalog().expect("readable").find(&name).is_none());
}

#[test]
fn what_is_being_read_stays() {
    let (_folder, store) = store();
    let (read, other) = (put(&store, b"read"), put(&store, b"other"));
    let reader = store.clone().of_job(Token::new());
    assert!(reader.hold(&[read]).expect("held"));
    assert_eq!(sweep(&store).blobs, [other]);
    assert!(!reader.hold(&[other]).expect("held"), "it says what is not there any more");
    drop(reader);
    assert_eq!(sweep(&store).blobs, [read]);
}

#[test]
fn what_nobody_works_on_is_deleted() {
    let (_folder, store) = store();
    let working = quarantine(&store);
    let kept = working.keep_bytes(b"new").expect("room");
    let left = store.root().join("imgtool/tmp/load-1-0");
    std::fs::create_dir(&left).expect("a folder");
    std::fs::write(left.join("lease"), "").expect("a file");
    std::fs::write(left.join("0"), "1234").expect("a file");
    assert_eq!(sweep(&store).bytes, 4);
    assert!(!left.exists());
    working.publish(|_| Ok::<_, Error>(())).expect("published").expect("named");
    assert!(store.has_blob(&kept));
}

#[test]
fn only_what_is_expected_is_kept() {
    let (_folder, store) = store();
    let quarantine = quarantine(&store);
    let expected = Descriptor::new(MediaType::OCI_CONFIG, Digest::of(b"right"), 5);
    let keep = |bytes: &[u8]| quarantine.keep_verified(&expected, &Blob::bytes(bytes), &|_| {});
    assert!(matches!(keep(b"wrong"), Err(Error::Digest { .. })));
    assert!(matches!(keep(b"longer"), Err(Error::Size { expected: 5, actual: 6, .. })));
    keep(b"right").expect("the blob");
}
