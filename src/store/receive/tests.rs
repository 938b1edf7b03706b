mod sharing;
mod torn;

use std::io::Write as _;
use std::path::PathBuf;

use super::*;
use crate::layer::{Compression, LimitError, Limits, Mtime, TarError, TarWriter};
use crate::oci::MediaType;
use crate::store::Store;

/// An error of the one who feeds.
#[derive(Debug, thiserror::Error)]
enum Cut {
    #[error("the connection is gone")]
    Connection,
    #[error(transparent)]
    Store(#[from] Error),
}

type Outcome = Result<Received<VerifiedLayer>, ReceiveError<Cut>>;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::new(folder.path().join("store"));
    (folder, store)
}

fn quarantine(store: &Store) -> Quarantine {
    Quarantine::new(store, Limits::default()).expect("a quarantine")
}

fn publish(quarantine: Quarantine) {
    quarantine.publish(|_| Ok::<_, Error>(())).expect("published").expect("named");
}

/// A tar with one file.
fn tar(size: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(size as u64);
    let content: Vec<u8> = (0..size).map(|_| random.u8(b'a'..=b'p')).collect();
    let mut tar = TarWriter::new(Vec::new());
    tar.file_header(b"file", size as u64, 0o644, Mtime::default()).expect("memory");
    tar.write_all(&content).expect("memory");
    tar.finish().expect("memory")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn expected(bytes: &[u8]) -> Descriptor {
    Descriptor::new(MediaType::OCI_LAYER_GZIP, Digest::of(bytes), bytes.len() as u64)
}

/// The file of a blob that is being received.
fn partial(store: &Store, blob: &Descriptor) -> PathBuf {
    store.root().join("imgtool/partial").join(blob.digest.hex())
}

/// What an earlier transfer left.
fn leave(store: &Store, blob: &Descriptor, bytes: &[u8]) {
    let file = PartialFile::claim(&store.partial_path(&blob.digest).expect("a folder")).expect("a new one");
    file.expect("nobody else writes it").append(bytes).expect("room");
}

/// Appends what is missing of `bytes`, as far as `end`, in pieces of `piece` bytes.
fn append(writer: &PartialWriter<'_>, bytes: &[u8], end: usize, piece: usize) -> Result<(), Cut> {
    let start = usize::try_from(writer.size()).expect("small");
    bytes[start..end].chunks(piece).try_for_each(|piece| Ok(writer.append(piece)?))
}

/// Receives all of a layer.
fn receive(quarantine: &Quarantine, blob: &Descriptor, bytes: &[u8]) -> Outcome {
    quarantine.receive_layer(blob, "the layer", |writer| append(writer, bytes, bytes.len(), 10_000))
}

/// The layer is in the quarantine.
fn kept(outcome: Outcome) -> VerifiedLayer {
    match outcome.expect("a layer") {
        Received::Kept(layer) => layer,
        Received::InStore => panic!("it is in the store already"),
    }
}

/// The error of the store.
fn refused(outcome: Outcome) -> Error {
    match outcome.expect_err("it is wrong") {
        ReceiveError::Store(error) => error,
        ReceiveError::Feed(error) => panic!("it was fed well, but for {error}"),
    }
}

fn never(_: &PartialWriter<'_>) -> Result<(), Cut> {
    panic!("nothing is missing")
}

#[test]
fn a_layer_is_verified_while_it_arrives() {
    let (_folder, store) = store();
    let tar = tar(3 << 20);
    for (bytes, compression) in [(tar.clone(), Compression::None), (gzip(&tar), Compression::Gzip)] {
        for piece in [1000, 1 << 20, usize::MAX] {
            let blob = expected(&bytes);
            let quarantine = quarantine(&store);
            let feed = |writer: &PartialWriter<'_>| append(writer, &bytes, bytes.len(), piece);
            let layer = kept(quarantine.receive_layer(&blob, "the layer", feed));
            assert_eq!((layer.digest, layer.size, layer.compression), (blob.digest, blob.size, compression));
            assert_eq!(*layer.diff_id.digest(), Digest::of(&tar));
            assert_eq!(quarantine.entries(&blob.digest).expect("an index").count(), 1);
            assert!(!store.has_blob(&blob.digest), "nothing is visible before");
            publish(quarantine);
            assert!(store.layer_index(&blob.digest).is_some());
            let path = store.root().join("blobs/sha256").join(blob.digest.hex());
            assert!(std::fs::read(&path).expect("the blob") == bytes);
            assert!(!partial(&store, &blob).exists());
            std::fs::remove_file(path).expect("it is there");
        }
    }
}

#[test]
fn an_interrupted_transfer_goes_on_where_it_stopped() {
    let (_folder, store) = store();
    let bytes = gzip(&tar(1 << 20));
    let blob = expected(&bytes);
    for end in [1, 300_000, bytes.len()] {
        let outcome = quarantine(&store).receive_layer(&blob, "the layer", |writer| {
            append(writer, &bytes, end, 1 << 16)?;
            Err(Cut::Connection)
        });
        assert!(matches!(outcome, Err(ReceiveError::Feed(Cut::Connection))), "{outcome:?}");
        assert_eq!(std::fs::read(partial(&store, &blob)).expect("what came"), bytes[..end]);
    }
    let quarantine = quarantine(&store);
    kept(quarantine.receive_layer(&blob, "the layer", never));
    // A quarantine that is dropped takes nothing with it.
    drop(quarantine);
    let quarantine = self::quarantine(&store);
    kept(quarantine.receive_layer(&blob, "the layer", never));
    publish(quarantine);
    assert!(store.has_blob(&blob.digest) && !partial(&store, &blob).exists());
}

#[test]
fn where_nothing_came_nothing_is_left() {
    let (_folder, store) = store();
    let blob = expected(b"blob");
    let outcome = quarantine(&store).receive_layer(&blob, "the layer", |_| Err(Cut::Connection));
    assert!(matches!(outcome, Err(ReceiveError::Feed(Cut::Connection))), "{outcome:?}");
    assert!(!partial(&store, &blob).exists());
}

#[test]
fn a_sender_that_cannot_resume_starts_anew() {
    let (_folder, store) = store();
    let bytes = gzip(&tar(1 << 20));
    let blob = expected(&bytes);
    leave(&store, &blob, &bytes[..400_000]);
    let quarantine = quarantine(&store);
    let outcome = quarantine.receive_layer(&blob, "the layer", |writer| {
        for end in [bytes.len(), 300_000, 0] {
            writer.restart()?;
            assert_eq!(writer.size(), 0);
            append(writer, &bytes, end, 100_000)?;
        }
        append(writer, &bytes, bytes.len(), 100_000)
    });
    kept(outcome);
}

#[test]
fn garbage_is_not_received_to_its_end() {
    let (_folder, store) = store();
    let huge = Descriptor::new(MediaType::OCI_LAYER_GZIP, Digest::of(b"huge"), 1 << 40);
    let mut pieces = 0;
    let outcome = quarantine(&store).receive_layer(&huge, "the layer", |writer| {
        while pieces < 10_000 {
            pieces += 1;
            writer.append(&[7; 1 << 12])?;
            if pieces > 200 {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
        Ok(())
    });
    let error = refused(outcome);
    assert!(matches!(error, Error::Layer { .. }), "{error:?}");
    assert!(pieces < 10_000, "it was all taken");
    assert!(!partial(&store, &huge).exists());
}

#[test]
fn a_feed_that_hears_nothing_is_refused_all_the_same() {
    let (_folder, store) = store();
    let bytes = vec![7; 1 << 20];
    let blob = Descriptor { size: 2 << 20, ..expected(&bytes) };
    let outcome = quarantine(&store).receive_layer(&blob, "the layer", |writer| {
        let _ = append(writer, &bytes, bytes.len(), 1 << 18);
        Ok(())
    });
    assert!(matches!(refused(outcome), Error::Layer { .. } | Error::Size { .. }));
}

#[test]
fn a_wrong_digest_is_told_and_deleted() {
    let (_folder, store) = store();
    let (right, other) = (gzip(&tar(5000)), gzip(&tar(5001)));
    for wrong in [&other[..], b"<html>too many requests</html>"] {
        let blob = Descriptor { size: wrong.len() as u64, ..expected(&right) };
        let error = refused(receive(&quarantine(&store), &blob, wrong));
        let Error::Digest { expected, actual } = error else { panic!("{error:?}") };
        assert_eq!((expected, actual), (blob.digest, Digest::of(wrong)));
        assert!(!partial(&store, &blob).exists());
    }
}

#[test]
fn what_is_no_layer_is_told_and_deleted() {
    let (_folder, store) = store();
    let tar = tar(700_000);
    let packed = gzip(&tar);
    for bytes in [&b"text"[..], &tar[..tar.len() / 2], &packed[..packed.len() - 1], &[&packed[..], b"x"].concat()] {
        let blob = expected(bytes);
        let error = refused(receive(&quarantine(&store), &blob, bytes));
        assert!(matches!(&error, Error::Layer { what, .. } if what == "the layer"), "{error:?}");
        assert!(!partial(&store, &blob).exists());
        let outcome =
            quarantine(&store).receive_blob(&blob, "the blob", |writer| append(writer, bytes, bytes.len(), 9));
        assert!(matches!(outcome, Ok(Received::Kept(()))), "as a blob of any kind it is fine: {outcome:?}");
    }
}

#[test]
fn more_bytes_than_expected_are_refused_at_once() {
    let (_folder, store) = store();
    let bytes = tar(2000);
    let blob = expected(&bytes);
    let outcome = quarantine(&store).receive_layer(&blob, "the layer", |writer| {
        append(writer, &bytes, bytes.len(), 1000)?;
        let error = writer.append(b"12").expect_err("it is too much");
        assert!(matches!(error, Error::Size { .. }));
        assert_eq!(writer.size(), blob.size, "it was not written");
        Ok(())
    });
    let error = refused(outcome);
    assert!(matches!(error, Error::Size { actual, .. } if actual == blob.size + 2), "{error:?}");
    assert!(!partial(&store, &blob).exists());
}

#[test]
fn fewer_bytes_than_expected_stay() {
    let (_folder, store) = store();
    let bytes = tar(2000);
    let blob = expected(&bytes);
    let feed = |writer: &PartialWriter<'_>| append(writer, &bytes, 1000, 300);
    let error = refused(quarantine(&store).receive_layer(&blob, "the layer", feed));
    assert!(matches!(error, Error::Size { actual: 1000, .. }), "{error:?}");
    assert_eq!(partial(&store, &blob).metadata().expect("what came").len(), 1000);
}

#[test]
fn a_bomb_is_refused() {
    let (_folder, store) = store();
    let bomb = gzip(&vec![0; 1 << 20]);
    let limits = Limits { unpacked: 1 << 19, ..Limits::default() };
    let quarantine = Quarantine::new(&store, limits).expect("a quarantine");
    let error = refused(receive(&quarantine, &expected(&bomb), &bomb));
    let Error::Layer { source: ScanError::Tar(TarError::Limit(limit)), .. } = error else { panic!("{error:?}") };
    assert!(matches!(limit, LimitError::Unpacked { .. }), "{limit:?}");
}

#[test]
fn nothing_is_a_layer_too() {
    let (_folder, store) = store();
    let layer = kept(quarantine(&store).receive_layer(&expected(b""), "the layer", never));
    assert_eq!((layer.size, *layer.diff_id.digest()), (0, Digest::of(b"")));
}

#[test]
fn a_feed_that_panics_ends() {
    let (_folder, store) = store();
    let bytes = tar(2000);
    let blob = expected(&bytes);
    let quarantine = quarantine(&store);
    let panicking = std::panic::AssertUnwindSafe(|| {
        quarantine.receive_layer(&blob, "the layer", |writer| -> Result<(), Cut> {
            append(writer, &bytes, 1000, 300)?;
            std::panic::resume_unwind(Box::new("the feed's"))
        })
    });
    let panic = std::panic::catch_unwind(panicking).expect_err("it panics");
    assert_eq!(panic.downcast_ref(), Some(&"the feed's"));
    kept(receive(&quarantine, &blob, &bytes));
}

#[test]
fn a_cancelled_job_ends_and_leaves_only_what_came() {
    let (_folder, store) = store();
    let job = crate::cancel::Token::new();
    let store = store.of_job(job.clone());
    let bytes = gzip(&tar(1 << 20));
    let blob = expected(&bytes);
    let quarantine = quarantine(&store);
    let outcome = quarantine.receive_layer(&blob, "the layer", |writer| {
        append(writer, &bytes, 300_000, 10_000)?;
        job.cancel();
        // What comes after is not taken for good, however it ends.
        append(writer, &bytes, bytes.len(), 10_000)
    });
    let error = refused(outcome);
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert!(partial(&store, &blob).metadata().expect("what came").len() >= 300_000);
    assert_eq!(std::fs::read_dir(store.root().join("imgtool/tmp")).expect("a folder").count(), 0);
}
