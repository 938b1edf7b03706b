use std::time::Duration;

use super::*;
use crate::layer::Limits;
use crate::store::Quarantine;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::new(folder.path().join("store"));
    (folder, store)
}

fn publish(quarantine: Quarantine) {
    quarantine.publish(|_| Ok::<_, Error>(())).expect("published").expect("named");
}

/// Makes a partial blob that was last written `age` seconds before [`now`].
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
