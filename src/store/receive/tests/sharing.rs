//! Several that receive the same blob. File locks are of open files, so that two quarantines are as two processes.

use std::sync::Barrier;
use std::time::Duration;

use super::*;
use crate::store::Patience;

/// Waits for half a minute, and hardly at a time.
fn patient(store: &Store) -> Quarantine {
    quarantine(store).with_patience(Patience { pause: Duration::from_millis(1), looks: 30_000 })
}

#[test]
fn what_another_has_received_is_shared() {
    for first in [0, 1] {
        let (_folder, store) = store();
        let bytes = gzip(&tar(100_000));
        let blob = expected(&bytes);
        let mut quarantines = vec![patient(&store), patient(&store)];
        kept(receive(&quarantines[0], &blob, &bytes));
        kept(quarantines[1].receive_layer(&blob, "the layer", never));
        publish(quarantines.remove(first));
        publish(quarantines.remove(0));
        let path = store.root().join("blobs/sha256").join(blob.digest.hex());
        assert!(std::fs::read(path).expect("the blob") == bytes);
        assert!(store.layer_index(&blob.digest).is_some());
        assert!(!partial(&store, &blob).exists());
        assert_eq!(std::fs::read_dir(store.root().join("imgtool/tmp")).expect("a folder").count(), 0);
    }
}

#[test]
fn what_another_receives_is_waited_for() {
    let (_folder, store) = store();
    let bytes = gzip(&tar(1 << 20));
    let blob = expected(&bytes);
    let (one, other) = (patient(&store), patient(&store));
    let half = Barrier::new(2);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            half.wait();
            kept(other.receive_layer(&blob, "the layer", never))
        });
        let outcome = one.receive_layer(&blob, "the layer", |writer| {
            append(writer, &bytes, 300_000, 10_000)?;
            half.wait();
            std::thread::sleep(Duration::from_millis(20));
            append(writer, &bytes, bytes.len(), 10_000)
        });
        let (one, other) = (kept(outcome), waiting.join().expect("it goes well"));
        assert_eq!(one.diff_id, other.diff_id);
    });
}

#[test]
fn two_that_have_what_the_other_needs_do_not_wait_for_ever() {
    let (_folder, store) = store();
    let [first, second] = [10_000, 20_000].map(|size| gzip(&tar(size)));
    let (one, other) = (patient(&store), patient(&store));
    kept(receive(&one, &expected(&first), &first));
    kept(receive(&other, &expected(&second), &second));
    kept(one.receive_layer(&expected(&second), "the layer", never));
    kept(other.receive_layer(&expected(&first), "the layer", never));
}

#[test]
fn the_same_layer_twice_is_received_once() {
    let (_folder, store) = store();
    let bytes = gzip(&tar(10_000));
    let blob = expected(&bytes);
    let quarantine = patient(&store);
    kept(receive(&quarantine, &blob, &bytes));
    kept(quarantine.receive_layer(&blob, "the layer", never));
    publish(quarantine);
    assert!(store.has_blob(&blob.digest) && !partial(&store, &blob).exists());
}

#[test]
fn what_another_gave_up_is_continued() {
    let (_folder, store) = store();
    let bytes = gzip(&tar(1 << 20));
    let blob = expected(&bytes);
    let (one, other) = (patient(&store), patient(&store));
    let half = Barrier::new(2);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            half.wait();
            let mut began = 0;
            let outcome = other.receive_layer(&blob, "the layer", |writer| {
                began = writer.size();
                append(writer, &bytes, bytes.len(), 10_000)
            });
            kept(outcome);
            began
        });
        let outcome = one.receive_layer(&blob, "the layer", |writer| {
            append(writer, &bytes, 300_000, 10_000)?;
            half.wait();
            std::thread::sleep(Duration::from_millis(20));
            Err(Cut::Connection)
        });
        assert!(matches!(outcome, Err(ReceiveError::Feed(Cut::Connection))));
        assert_eq!(waiting.join().expect("it goes well"), 300_000);
    });
}

#[test]
fn what_another_has_published_is_counted_on() {
    let (_folder, store) = store();
    let bytes = gzip(&tar(10_000));
    let blob = expected(&bytes);
    let (one, other) = (patient(&store), patient(&store));
    kept(receive(&one, &blob, &bytes));
    publish(one);
    leave(&store, &blob, b"part");
    let outcome = other.receive_layer(&blob, "the layer", never);
    assert!(matches!(outcome, Ok(Received::InStore)), "{outcome:?}");
    assert!(!partial(&store, &blob).exists());
    let alone = store.lock_exclusive().expect("nobody else is there");
    let reachable = store.reachable(&store.catalog().expect("readable")).expect("readable");
    assert!(store.sweep(&alone, &reachable).expect("swept").blobs.is_empty());
}

#[test]
fn a_blob_of_the_store_with_another_size_is_replaced() {
    let (_folder, store) = store();
    let bytes = gzip(&tar(10_000));
    let blob = expected(&bytes);
    let blobs = store.root().join("blobs/sha256");
    std::fs::create_dir_all(&blobs).expect("a folder");
    std::fs::write(blobs.join(blob.digest.hex()), &bytes[..100]).expect("a file");
    let quarantine = quarantine(&store);
    kept(receive(&quarantine, &blob, &bytes));
    publish(quarantine);
    assert!(std::fs::read(blobs.join(blob.digest.hex())).expect("the blob") == bytes);
}

#[test]
fn patience_ends() {
    let (_folder, store) = store();
    let blob = expected(b"blob");
    let writing = PartialFile::claim(&store.partial_path(&blob.digest).expect("a folder")).expect("a new one");
    let looks = Patience { pause: Duration::ZERO, looks: 3 };
    let outcome = quarantine(&store).with_patience(looks).receive_layer(&blob, "the layer", never);
    let error = refused(outcome);
    assert!(matches!(error, Error::Busy { .. }), "{error:?}");
    drop(writing);
}

#[test]
fn a_file_that_others_link_to_is_never_written() {
    let (_folder, store) = store();
    let bytes = gzip(&tar(10_000));
    let blob = expected(&bytes);
    kept(receive(&quarantine(&store), &blob, &bytes));
    let link = store.root().join("link");
    std::fs::hard_link(partial(&store, &blob), &link).expect("a link");
    // A manifest that lies about the size.
    let longer = Descriptor { size: blob.size + 1, ..blob.clone() };
    let mut began = None;
    let outcome = quarantine(&store).receive_layer(&longer, "the layer", |writer| {
        began = Some(writer.size());
        append(writer, &[&bytes[..], b"x"].concat(), bytes.len() + 1, 1000)
    });
    assert!(matches!(refused(outcome), Error::Digest { .. }));
    assert_eq!(began, Some(0));
    assert!(std::fs::read(link).expect("the other's") == bytes);
}
