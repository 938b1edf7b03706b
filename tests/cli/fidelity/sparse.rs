//! Sparse files in all the ways of GNU tar, and files larger than a header can say.

use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use super::{exports, faithful_layers, store, unpacks};
use crate::support::layer::{Item, layer, record, seal};
use crate::support::packing::Packing;
use crate::support::picture::{Kind, Picture};
use crate::support::session::Session;

/// A file of this size that has data in two places.
const SIZE: u64 = 100_000;
const PIECES: [(u64, &[u8]); 2] = [(4096, b"first piece"), (65_536, b"second piece")];

fn content() -> Vec<u8> {
    let mut content = vec![0; usize::try_from(SIZE).expect("small")];
    for (at, piece) in PIECES {
        let at = usize::try_from(at).expect("small");
        content[at..at + piece.len()].copy_from_slice(piece);
    }
    content
}

/// The pieces one after the other.
fn stored() -> Vec<u8> {
    PIECES.iter().flat_map(|(_, piece)| piece.to_vec()).collect()
}

/// The same file with its holes written out, which is what it means.
fn wanted() -> Picture {
    Picture::of_items(&[Item::file("sparse", content()), Item::file("after", "x")])
}

fn faithful_sparse(member: Vec<u8>) {
    let mut tar = member;
    tar.extend(layer(&[Item::file("after", "x")]));
    faithful_layers(&[tar], &wanted());
}

fn octal(value: u64) -> Vec<u8> {
    format!("{value:011o}\0").into_bytes()
}

/// GNU's own header: four pieces in it, and more in blocks that follow.
fn old(pieces: &[(u64, u64)], size: u64, stored: &[u8]) -> Vec<u8> {
    let mut tar = Item { data: stored.to_vec(), ..Item::new("sparse", b'S') }.bytes();
    tar[257..265].copy_from_slice(b"ustar  \0");
    tar[345..512].fill(0);
    let put = |block: &mut [u8], pieces: &[(u64, u64)]| {
        for (n, (at, length)) in pieces.iter().enumerate() {
            block[n * 24..n * 24 + 12].copy_from_slice(&octal(*at));
            block[n * 24 + 12..n * 24 + 24].copy_from_slice(&octal(*length));
        }
    };
    let (first, rest) = pieces.split_at(pieces.len().min(4));
    put(&mut tar[386..], first);
    tar[482] = u8::from(!rest.is_empty());
    tar[483..495].copy_from_slice(&octal(size));
    seal(&mut tar[..512]);
    let mut extensions = Vec::new();
    let mut chunks = rest.chunks(21).peekable();
    while let Some(chunk) = chunks.next() {
        let mut block = vec![0; 512];
        put(&mut block, chunk);
        block[504] = u8::from(chunks.peek().is_some());
        extensions.extend(block);
    }
    tar.splice(512..512, extensions);
    tar
}

#[test]
fn the_old_form_of_gnu() {
    let pieces: Vec<(u64, u64)> = PIECES.iter().map(|(at, piece)| (*at, piece.len() as u64)).collect();
    let end = [&pieces[..], &[(SIZE, 0)]].concat();
    faithful_sparse(old(&end, SIZE, &stored()));
}

#[test]
fn the_old_form_with_more_pieces_than_a_header_has_room_for() {
    let pieces: Vec<(u64, u64)> = (0..60).map(|n| (n * 1000, 5)).chain([(SIZE, 0)]).collect();
    let mut content = vec![0; usize::try_from(SIZE).expect("small")];
    let mut stored = Vec::new();
    for n in 0..60 {
        let piece = format!("{n:05}");
        content[n * 1000..n * 1000 + 5].copy_from_slice(piece.as_bytes());
        stored.extend(piece.into_bytes());
    }
    let mut tar = old(&pieces, SIZE, &stored);
    tar.extend(layer(&[Item::file("after", "x")]));
    faithful_layers(&[tar], &Picture::of_items(&[Item::file("sparse", content), Item::file("after", "x")]));
}

#[test]
fn pax_0_0() {
    let item = Item::file("GNUSparseFile.0/sparse", stored());
    let mut records = Vec::new();
    records.extend(record("path", b"sparse"));
    records.extend(record("GNU.sparse.size", SIZE.to_string().as_bytes()));
    records.extend(record("GNU.sparse.numblocks", b"2"));
    for (at, piece) in PIECES {
        records.extend(record("GNU.sparse.offset", at.to_string().as_bytes()));
        records.extend(record("GNU.sparse.numbytes", piece.len().to_string().as_bytes()));
    }
    let header = Item { data: records, ..Item::new("PaxHeaders/sparse", b'x') };
    faithful_sparse([header.bytes(), item.bytes()].concat());
}

#[test]
fn pax_0_1() {
    let map: Vec<String> = PIECES.iter().map(|(at, piece)| format!("{at},{}", piece.len())).collect();
    let item = Item::file("GNUSparseFile.0/sparse", stored())
        .pax("GNU.sparse.size", SIZE.to_string())
        .pax("GNU.sparse.numblocks", "2")
        .pax("GNU.sparse.name", "sparse")
        .pax("GNU.sparse.map", map.join(","));
    faithful_sparse(item.bytes());
}

#[test]
fn pax_1_0() {
    faithful_sparse(pax_1_0_member("sparse", &PIECES, SIZE));
}

fn pax_1_0_member(name: &str, pieces: &[(u64, &[u8])], size: u64) -> Vec<u8> {
    let mut data = format!("{}\n", pieces.len());
    for (at, piece) in pieces {
        data = format!("{data}{at}\n{}\n", piece.len());
    }
    let mut data = data.into_bytes();
    data.resize(data.len().next_multiple_of(512), 0);
    data.extend(pieces.iter().flat_map(|(_, piece)| piece.to_vec()));
    Item::file(format!("GNUSparseFile.0/{name}"), data)
        .pax("GNU.sparse.major", "1")
        .pax("GNU.sparse.minor", "0")
        .pax("GNU.sparse.name", name)
        .pax("GNU.sparse.realsize", size.to_string())
        .bytes()
}

/// 9 GiB: more than the eleven octal digits of a header.
const LARGE: u64 = 9 << 30;

fn large_picture(size: u64, digest: &str) -> Picture {
    let mut picture = Picture::of_items(&[Item::file("large", "")]);
    picture.paths.get_mut(&b"large"[..]).expect("it is there").kind = Kind::File(size, digest.to_owned());
    picture
}

#[test]
fn a_file_of_more_than_8_gib() {
    // A layer with less in it for its size would be taken for a bomb.
    let (start, middle, end) = (b"start".as_slice(), vec![b'm'; 9 << 20], b"end".as_slice());
    let mut tar = pax_1_0_member("large", &[(0, start), (LARGE / 2, &middle), (LARGE - 3, end)], LARGE);
    tar.resize(tar.len() + 1024, 0);
    let mut ends = vec![0; 2 << 20];
    ends[..5].copy_from_slice(start);
    ends[(2 << 20) - 3..].copy_from_slice(end);
    let wanted = large_picture(LARGE, &crate::support::hex(&ends));
    let session = Session::new();
    store(&session, &[tar], Packing::None);
    unpacks(&session, "fx/a:1", "tree", &wanted, "unpack");
    let tree = session.work().join("tree");
    let found = std::fs::metadata(tree.join("large")).expect("a file");
    assert!(found.blocks() * 512 < 10 << 20, "its holes take no room: {} blocks", found.blocks());
    session.write("tree/zz-added", "x");
    session.ok(&["commit", "tree", "fx/a:2"]);
    unpacks(&session, "fx/a:2", "again", &wanted, "after commit");
    if crate::support::slow() {
        exports(&session, "fx/a:2", &wanted, "export");
        std::fs::remove_file(session.work().join("export.tar")).expect("a large file");
        commit_large(&session, &wanted);
    }
}

/// A large file on the disk becomes a layer, whose header needs PAX for the size.
fn commit_large(session: &Session, wanted: &Picture) {
    session.ok(&["commit", "--from", "scratch", "tree", "fx/a:3"]);
    unpacks(session, "fx/a:3", "third", wanted, "committed whole");
}

#[test]
fn a_sparse_file_on_the_disk_is_committed_with_its_holes_as_zeros() {
    let session = Session::new();
    let path = session.write("tree/sparse", "");
    let file = File::options().write(true).open(&path).expect("a file");
    for (at, piece) in PIECES {
        file.write_all_at(piece, at).expect("a writable file");
    }
    file.set_len(SIZE).expect("a writable file");
    drop(file);
    session.ok(&["commit", "tree", "fx/a:1"]);
    session.ok(&["unpack", "fx/a:1", "again"]);
    assert_eq!(session.read("again/sparse"), content());
}
