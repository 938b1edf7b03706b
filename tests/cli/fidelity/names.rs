//! Names: as long as file systems take them, and of any bytes.

use super::{faithful, faithful_layers};
use crate::support::layer::{Dialect, Item, layer};
use crate::support::picture::Picture;

/// A path of several components with this many bytes.
fn path(bytes: usize) -> String {
    let mut path = String::new();
    while bytes - path.len() > 60 {
        path = format!("{path}{:a<49}/", path.len());
    }
    path + &"z".repeat(bytes)[..bytes - bytes / 50 * 50.min(bytes)]
}

/// A file at that path, with the directories that lead to it.
fn with_parents(name: &[u8]) -> Vec<Item> {
    let slashes = name.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    let mut items: Vec<Item> = slashes.map(|(at, _)| Item::dir(&name[..at])).collect();
    items.push(Item::file(name, name));
    items
}

#[test]
fn names_of_more_than_100_bytes() {
    let lengths = [99, 100, 101, 155, 156, 157, 200, 254, 255];
    let pair = |length| [Item::file("n".repeat(length), "x"), Item::symlink("l".repeat(length), "t".repeat(length))];
    faithful(&lengths.map(pair).concat());
}

#[test]
fn paths_of_more_than_255_bytes() {
    let mut items = Vec::new();
    for length in [256, 257, 300, 1000, 3000] {
        let name = format!("{length}/{}", path(length - 5));
        items.extend(with_parents(name.as_bytes()));
        items.push(Item::hardlink(format!("hard{length}"), &name));
        items.push(Item::symlink(format!("soft{length}"), &name));
    }
    faithful(&items);
}

#[test]
fn long_names_in_the_way_of_gnu() {
    let name = path(300);
    let mut items = with_parents(name.as_bytes());
    items.push(Item::symlink("soft", &name));
    items.push(Item::hardlink("y".repeat(150), &name));
    let items: Vec<Item> = items.into_iter().map(|item| item.dialect(Dialect::Gnu)).collect();
    faithful(&items);
}

#[test]
fn long_names_split_in_the_way_of_ustar() {
    let (prefix, name) = ("p".repeat(120), "n".repeat(90));
    let mut tar = Item::dir(&prefix).bytes();
    let mut file = Item::file(&name, "x").bytes();
    file[345..345 + 120].copy_from_slice(prefix.as_bytes());
    crate::support::layer::seal(&mut file);
    tar.extend(file);
    tar.resize(tar.len() + 1024, 0);
    let wanted = Picture::of_items(&[Item::dir(&prefix), Item::file(format!("{prefix}/{name}"), "x")]);
    faithful_layers(&[tar], &wanted);
}

#[test]
fn names_that_are_no_text() {
    let mut items = Vec::new();
    for name in [
        &b"\xff"[..],
        b"caf\xe9",
        b"\xc3\x28",
        b"\xed\xa0\x80",
        "ünïcödé".as_bytes(),
        "日本語".as_bytes(),
        "🦀".as_bytes(),
        "e\u{301}".as_bytes(),
        "\u{e9}".as_bytes(),
        "\u{202e}gnp.exe".as_bytes(),
    ] {
        items.push(Item::file(name, name));
        items.push(Item::symlink([b"link to ", name].concat(), name));
        items.push(Item::dir([b"dir ", name].concat()));
        items.push(Item::hardlink([b"dir ", name, b"/", name].concat(), name));
    }
    let old = items.iter().cloned().map(|item| item.dialect(Dialect::Gnu));
    let old = old.map(|item| Item { name: [b"gnu ", &item.name[..]].concat(), ..item });
    let old: Vec<Item> = old.filter(|item| item.flag == b'0' || item.flag == b'2').collect();
    faithful(&[items, old].concat());
}

#[test]
fn names_with_odd_characters() {
    let names = [
        "a\nb",
        "\n",
        "\r",
        "tab\t",
        " ",
        "  lead",
        "trail ",
        "quote\"'`",
        "back\\slash",
        "\\n",
        "star*",
        "?",
        "[x]",
        "-rf",
        "--",
        "$HOME",
        "%s",
        "\x1b[31m",
        "\x7f",
        "a=b",
        "...",
        "..a",
        ".hidden",
        "~",
        "#",
        "C:",
        ".wh",
        "wh.",
        "a.wh.b",
        "12 path=x",
    ];
    let mut items: Vec<Item> = names.iter().map(|name| Item::file(name, name)).collect();
    items.push(Item::dir("dir"));
    items.extend(names.iter().map(|name| Item::symlink(format!("dir/{name}"), name)));
    // PAX records may hold newlines too.
    items.extend((0..3).map(|n| Item::file(format!("{}\n{n}", "a\nb".repeat(40)), "x")));
    faithful(&items);
}

#[test]
fn names_that_differ_in_case_or_form_only() {
    faithful(&[
        Item::file("name", "1"),
        Item::file("NAME", "2"),
        Item::file("Name", "3"),
        Item::file("na", "4"),
        Item::dir("na.d"),
        Item::file("na.d/x", "5"),
        Item::dir("na-d"),
        Item::dir("nad"),
    ]);
}

#[test]
fn a_directory_of_many_levels() {
    let depth = if crate::support::slow() { 1500 } else { 300 };
    let mut items: Vec<Item> = (1..=depth).map(|n| Item::dir(vec!["d"; n].join("/"))).collect();
    items.push(Item::file(format!("{}/bottom", vec!["d"; depth].join("/")), "x"));
    let wanted = Picture::of_items(&items);
    faithful_layers(&[layer(&items)], &wanted);
}
