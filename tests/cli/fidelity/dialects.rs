//! Layers as tars were written over forty years.

use super::{faithful, faithful_layers};
use crate::support::layer::{Dialect, Item, layer, seal};
use crate::support::picture::Picture;

#[test]
fn headers_of_unix_version_7() {
    let items = [
        Item::dir("d/"),
        Item::file("d/file", "x").owner(10, 20),
        Item::symlink("link", "d/file"),
        Item::hardlink("hard", "d/file"),
        Item::file("empty", ""),
    ];
    let old: Vec<Item> = items.iter().map(|item| item.clone().dialect(Dialect::V7)).collect();
    faithful(&old);
    // Directories were files whose names end in a slash, once.
    let directory = Item { flag: b'0', ..Item::dir("old/").dialect(Dialect::V7) };
    let tar = layer(&[directory, Item::file("old/x", "x").dialect(Dialect::V7)]);
    faithful_layers(&[tar], &Picture::of_items(&[Item::dir("old"), Item::file("old/x", "x")]));
}

#[test]
fn regular_files_of_both_kinds() {
    let mut tar = Vec::new();
    for flag in [0, b'0'] {
        tar.extend(Item { flag, ..Item::file(format!("f{flag}"), "x") }.bytes());
    }
    tar.resize(tar.len() + 1024, 0);
    let wanted: Vec<Item> = [0, b'0'].iter().map(|flag| Item::file(format!("f{flag}"), "x")).collect();
    faithful_layers(&[tar], &Picture::of_items(&wanted));
}

#[test]
fn what_pax_says_counts_more_than_the_header() {
    let item = Item::file("short", "content")
        .pax("path", "the/real/name")
        .pax("size", "7")
        .pax("uid", "77")
        .pax("gid", "88")
        .pax("mtime", "1234567890.987654321")
        .pax("SCHILY.xattr.user.x", "y");
    let mut header = item.bytes();
    // The size of the header itself says nothing then.
    let at = 1024 + 124;
    header[at..at + 12].copy_from_slice(b"00000000000\0");
    seal(&mut header[1024..]);
    header.resize(header.len() + 1024, 0);
    let wanted = [
        Item::dir("the"),
        Item::dir("the/real"),
        Item::file("the/real/name", "content").owner(77, 88).mtime(1_234_567_890, 987_654_321).xattr("user.x", "y"),
    ];
    let parents = layer(&wanted[..2]);
    faithful_layers(&[parents, header], &Picture::of_items(&wanted));
}

#[test]
fn a_global_pax_header_is_no_file() {
    // As `git archive` writes them.
    let global = Item {
        data: b"52 comment=0123456789012345678901234567890123456789\n".to_vec(),
        ..Item::new("pax_global_header", b'g')
    };
    let tar = layer(&[global, Item::file("f", "x")]);
    faithful_layers(&[tar], &Picture::of_items(&[Item::file("f", "x")]));
}

#[test]
fn names_that_begin_with_dots_and_slashes() {
    let tar = layer(&[
        Item::dir("./"),
        Item::dir("./d"),
        Item::file("/d/a", "a"),
        Item::file("./d//b", "b"),
        Item::dir("e/"),
    ]);
    let wanted = [Item::dir("d"), Item::file("d/a", "a"), Item::file("d/b", "b"), Item::dir("e")];
    faithful_layers(&[tar], &Picture::of_items(&wanted));
}

#[test]
fn the_last_of_two_entries_counts() {
    let tar = layer(&[
        Item::file("f", "first"),
        Item::dir("d"),
        Item::file("f", "second").mode(0o600),
        Item::dir("d").mode(0o700),
    ]);
    let wanted = [Item::file("f", "second").mode(0o600), Item::dir("d").mode(0o700)];
    faithful_layers(&[tar], &Picture::of_items(&wanted));
}

#[test]
fn an_archive_without_its_end() {
    // Some tools leave out the two blocks of zeros, or write one.
    let items = [Item::dir("d"), Item::file("d/f", "x")];
    let whole = layer(&items);
    for end in [1024, 512] {
        faithful_layers(&[whole[..whole.len() - end].to_vec()], &Picture::of_items(&items));
    }
    let padded = [&whole[..], &[0; 8192]].concat();
    faithful_layers(&[padded], &Picture::of_items(&items));
}
