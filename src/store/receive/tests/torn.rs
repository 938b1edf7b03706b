//! What a transfer has left that was killed, perhaps with its machine.

use super::*;

/// Receives a layer of which `left` is there, and returns where the transfers began.
fn heal(left: &[u8], bytes: &[u8]) -> Vec<u64> {
    let (_folder, store) = store();
    let blob = expected(bytes);
    leave(&store, &blob, left);
    let mut began = Vec::new();
    let quarantine = quarantine(&store);
    let outcome = quarantine.receive_layer(&blob, "the layer", |writer| {
        began.push(writer.size());
        append(writer, bytes, bytes.len(), 10_000)
    });
    kept(outcome);
    publish(quarantine);
    assert!(store.has_blob(&blob.digest) && !partial(&store, &blob).exists());
    began
}

#[test]
fn what_is_right_is_used() {
    let bytes = gzip(&tar(1 << 20));
    for end in [0, 1, 1000, 300_000, bytes.len() - 1] {
        assert_eq!(heal(&bytes[..end], &bytes), [end as u64]);
    }
    assert_eq!(heal(&bytes, &bytes), [0; 0]);
}

#[test]
fn what_is_longer_is_fetched_anew() {
    let bytes = gzip(&tar(1 << 20));
    assert_eq!(heal(&[&bytes[..], b"x"].concat(), &bytes), [0]);
}

#[test]
fn garbage_at_the_end_is_fetched_anew() {
    for bytes in [gzip(&tar(1 << 20)), tar(1 << 20)] {
        let left = [&bytes[..400_000], &vec![0; 100_000]].concat();
        assert_eq!(heal(&left, &bytes), [500_000, 0]);
    }
}

#[test]
fn wrong_bytes_of_the_right_size_are_fetched_anew() {
    let bytes = gzip(&tar(1 << 20));
    for at in [0, 400_000, bytes.len() - 1] {
        let mut left = bytes.clone();
        left[at] ^= 1;
        assert_eq!(heal(&left, &bytes), [0]);
    }
    assert_eq!(heal(&vec![0; bytes.len()], &bytes), [0]);
}

#[test]
fn what_is_wrong_twice_is_told() {
    let (_folder, store) = store();
    let bytes = tar(5000);
    let blob = Descriptor { digest: Digest::of(b"other"), ..expected(&bytes) };
    leave(&store, &blob, &bytes[..1000]);
    let error = refused(receive(&quarantine(&store), &blob, &bytes));
    assert!(matches!(error, Error::Digest { .. }), "{error:?}");
    assert!(!partial(&store, &blob).exists());
}

#[test]
fn what_is_right_but_no_layer_is_not_fetched_again() {
    let (_folder, store) = store();
    let blob = expected(&[7; 5000]);
    leave(&store, &blob, &[7; 1000]);
    let mut calls = 0;
    let outcome = quarantine(&store).receive_layer(&blob, "the layer", |writer| {
        calls += 1;
        append(writer, &[7; 5000], 5000, 5000)
    });
    assert!(matches!(refused(outcome), Error::Layer { .. }));
    assert_eq!(calls, 1);
}
