use std::time::Duration;

use super::*;
use crate::layer::{Compression, Limits, TarWriter};
use crate::oci::MediaType;
use crate::store::Quarantine;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::new(folder.path().join("store"));
    (folder, store)
}

fn expected(bytes: &[u8]) -> Descriptor {
    Descriptor::new(MediaType::OCI_CONFIG, Digest::of(bytes), bytes.len() as u64)
}

fn publish(quarantine: Quarantine) {
    quarantine.publish(|_| Ok::<_, Error>(())).expect("published").expect("named");
}

#[test]
fn a_transfer_goes_on_where_it_stopped() {
    let (_folder, store) = store();
    let blob = expected(b"all of it");
    let mut first = store.partial(&blob.digest).expect("a new one");
    assert_eq!(first.size(), 0);
    first.append(b"all").expect("room");
    drop(first);

    let mut second = store.partial(&blob.digest).expect("the same");
    assert_eq!(second.size(), 3);
    second.append(b" of it").expect("room");
    let quarantine = Quarantine::new(&store, Limits::default()).expect("a quarantine");
    quarantine.keep_partial(&blob, second).expect("the blob");
    drop(quarantine);
    let again = store.partial(&blob.digest).expect("the same");
    assert_eq!(again.size(), 9, "a quarantine that is dropped takes nothing with it");

    let quarantine = Quarantine::new(&store, Limits::default()).expect("a quarantine");
    quarantine.keep_partial(&blob, again).expect("the blob");
    assert!(!store.has_blob(&blob.digest));
    publish(quarantine);
    assert!(store.has_blob(&blob.digest));
    assert_eq!(store.partial(&blob.digest).expect("a new one").size(), 0);
}

#[test]
fn a_layer_is_read_as_one() {
    let (_folder, store) = store();
    let tar = TarWriter::new(Vec::new()).finish().expect("memory");
    let blob = expected(&tar);
    let receive = |bytes: &[u8], blob: &Descriptor| {
        let mut partial = store.partial(&blob.digest).expect("a new one");
        partial.append(bytes).expect("room");
        let quarantine = Quarantine::new(&store, Limits::default()).expect("a quarantine");
        let kept = quarantine.keep_partial_layer(blob, partial, "the layer");
        kept.map(|kept| (kept, quarantine))
    };
    let (kept, quarantine) = receive(&tar, &blob).expect("a layer");
    assert_eq!((kept.digest, kept.size, kept.compression), (blob.digest, blob.size, Compression::None));
    assert_eq!(*kept.diff_id.digest(), blob.digest);
    publish(quarantine);
    assert!(store.layer_index(&blob.digest).is_some());
    let error = receive(&[1; 600], &expected(&[1; 600])).map(drop).expect_err("no tar");
    assert!(matches!(error, Error::Layer { .. }), "{error}");
}

#[test]
fn what_is_wrong_is_not_kept() {
    let (_folder, store) = store();
    let blob = expected(b"right");
    let quarantine = Quarantine::new(&store, Limits::default()).expect("a quarantine");
    let receive = |bytes: &[u8]| {
        let mut partial = store.partial(&blob.digest).expect("nobody else writes it");
        partial.append(bytes).expect("room");
        quarantine.keep_partial(&blob, partial)
    };
    assert!(matches!(receive(b"wrong"), Err(Error::Digest { .. })));
    assert!(matches!(receive(b"right, and more"), Err(Error::Size { .. })));
    assert!(matches!(receive(b"rig"), Err(Error::Size { .. })));
    let mut rest = store.partial(&blob.digest).expect("nobody else writes it");
    assert_eq!(rest.size(), 3, "what is short may be continued");
    rest.restart().expect("it can be cut");
    rest.append(b"right").expect("room");
    quarantine.keep_partial(&blob, rest).expect("the blob");
}

#[test]
fn one_writes_at_a_time() {
    let (_folder, store) = store();
    let digest = Digest::of(b"x");
    let one = store.partial(&digest).expect("a new one");
    assert!(matches!(store.partial(&digest), Err(Error::Busy { .. })));
    drop(one);
    store.partial(&digest).expect("the first is gone").discard().expect("it is there");
}

/// Makes a partial blob that was last written `age` seconds before `NOW`.
fn written(store: &Store, blob: &[u8], age: u64) -> PartialFile {
    let path = store.partial_path(&Digest::of(blob)).expect("a folder");
    let partial = PartialFile::claim(&path).expect("a new one").expect("nobody else writes it");
    partial.append(b"part").expect("room");
    partial.file.set_modified(now() - Duration::from_secs(age)).expect("a file of ours");
    partial
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000)
}

fn left(store: &Store) -> usize {
    fs::read_dir(store.root().join("imgtool/partial")).expect("a folder").count()
}

#[test]
fn what_is_old_expires() {
    let (_folder, store) = store();
    let [old, new, busy] = [(b"old", 20), (b"new", 5), (b"bus", 20)].map(|(blob, age)| written(&store, blob, age));
    let [old, new] = [old, new].map(|partial| partial.path().to_owned());
    let alone = store.lock_exclusive().expect("nobody else is there");
    let expire = |stale| {
        let told = store.stale_partials(stale).expect("readable");
        assert_eq!(store.expire_partials(&alone, stale).expect("readable"), told, "{stale:?}");
        told
    };
    assert_eq!(expire(StalePartials::Needless), 0);
    assert_eq!(expire(StalePartials::Before(now() - Duration::from_secs(10))), 4);
    assert!(!old.exists() && new.exists());
    assert_eq!(expire(StalePartials::All), 4);
    assert!(!new.exists());
    assert!(busy.path.exists(), "what is being written stays");
}

#[test]
fn what_the_store_has_is_garbage_at_once() {
    let (_folder, store) = store();
    let quarantine = Quarantine::new(&store, Limits::default()).expect("a quarantine");
    quarantine.keep_bytes(b"blob").expect("room");
    publish(quarantine);
    drop((written(&store, b"blob", 0), written(&store, b"other", 0)));
    let alone = store.lock_exclusive().expect("nobody else is there");
    assert_eq!(store.expire_partials(&alone, StalePartials::Needless).expect("readable"), 4);
    assert_eq!(left(&store), 1);
}

#[test]
fn a_file_that_was_deleted_is_not_written() {
    let (_folder, store) = store();
    let path = store.partial_path(&Digest::of(b"x")).expect("a folder");
    let one = PartialFile::claim(&path).expect("a new one").expect("nobody else writes it");
    fs::remove_file(&path).expect("it is there");
    let other = PartialFile::claim(&path).expect("a new one").expect("nobody else writes it");
    drop(one);
    assert!(PartialFile::claim(&path).expect("the other's").is_none());
    drop(other);
}
