//! Owners, modes, times and extended attributes.

use super::{faithful, faithful_layers};
use crate::support::layer::{Dialect, Item, layer};
use crate::support::picture::Picture;

#[test]
fn owners_of_more_than_21_bits() {
    let numbers = [0, 1, 1000, 65_534, 65_535, 65_536, 2_097_151, 2_097_152, 1 << 31, (1 << 32) - 2];
    let mut items = Vec::new();
    for dialect in [Dialect::Pax, Dialect::Gnu] {
        for (n, number) in numbers.into_iter().enumerate() {
            let name = |kind: &str| format!("{dialect:?}-{kind}{n}");
            let made = [
                Item::file(name("u"), "x").owner(number, 0),
                Item::dir(name("g")).owner(0, number),
                Item::symlink(name("l"), "u0").owner(number, number),
                Item::new(name("p"), b'6').owner(number, number),
            ];
            items.extend(made.map(|item| item.dialect(dialect)));
        }
    }
    faithful(&items);
}

#[test]
fn times_before_1970_and_after_2038_to_the_nanosecond() {
    let times = [
        (0, 0),
        (0, 1),
        (-1, 0),
        (-1, 999_999_999),
        (-1, 500_000_000),
        (-2_000_000_000, 123_456_789),
        (1_700_000_000, 123_456_789),
        (1_700_000_000, 100_000_000),
        ((1 << 31) - 1, 999_999_999),
        (1 << 31, 0),
        ((1 << 32) + 7, 7),
    ];
    let mut items = Vec::new();
    for (n, (seconds, nanos)) in times.into_iter().enumerate() {
        items.push(Item::file(format!("f{n}"), "x").mtime(seconds, nanos));
        items.push(Item::file(format!("e{n}"), "").mtime(seconds, nanos));
        items.push(Item::symlink(format!("l{n}"), "x").mtime(seconds, nanos));
        items.push(Item::new(format!("p{n}"), b'6').mtime(seconds, nanos));
        items.push(Item::dir(format!("d{n}")).mtime(seconds, nanos));
        items.push(Item::file(format!("d{n}/x"), "x"));
        items.push(Item::dir(format!("d{n}/e")).mtime(seconds, nanos));
    }
    faithful(&items);
}

#[test]
fn times_in_base_256() {
    let times = [0, 1, 1_700_000_000, 1 << 33, -1, -1_000_000];
    let item = |(n, time): (usize, &i64)| Item::file(format!("f{n}"), "x").mtime(*time, 0).dialect(Dialect::Gnu);
    faithful(&times.iter().enumerate().map(item).collect::<Vec<_>>());
}

#[test]
fn every_permission_bit() {
    let mut items = Vec::new();
    for (n, mode) in
        [0o4755, 0o2755, 0o6711, 0o1777, 0o7777, 0o4000, 0o2070, 0o1000, 0o777, 0o400, 0o200, 0o100, 0o4, 0]
            .into_iter()
            .enumerate()
    {
        items.push(Item::file(format!("f{n}"), "x").mode(mode));
        items.push(Item::file(format!("owned{n}"), "x").mode(mode).owner(1234, 5678));
        items.push(Item::new(format!("p{n}"), b'6').mode(mode));
        items.push(Item::dir(format!("d{n}")).mode(mode | 0o700));
    }
    faithful(&items);
}

#[test]
fn what_nobody_may_enter_or_read() {
    faithful(&[
        Item::dir("empty").mode(0),
        Item::dir("full").mode(0),
        Item::file("full/x", "hidden"),
        Item::dir("full/deeper").mode(0o111),
        Item::file("full/deeper/y", "more"),
        Item::dir("sealed").mode(0o555),
        Item::file("sealed/x", "read only").mode(0o444),
        Item::dir("searchable").mode(0o311),
        Item::file("searchable/x", "x"),
        Item::dir("listable").mode(0o600),
        Item::file("listable/x", "x"),
        Item::file("unreadable", "content that its owner cannot read").mode(0),
        Item::file("write-only", "x").mode(0o222),
    ]);
}

/// A capability of revision 2: `cap_net_raw` permitted and effective; one of revision 3, of a user namespace's root.
const CAPABILITY: [u8; 20] = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// The POSIX ACL `user::rwx, user:1000:r-x, group::r-x, mask::r-x, other::---`.
fn acl() -> Vec<u8> {
    let none = u32::MAX;
    let entries: [(u16, u16, u32); 5] = [(1, 7, none), (2, 5, 1000), (4, 5, none), (0x10, 5, none), (0x20, 0, none)];
    let mut value = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        value.extend(tag.to_le_bytes());
        value.extend(permissions.to_le_bytes());
        value.extend(id.to_le_bytes());
    }
    value
}

#[test]
fn capabilities() {
    faithful(&[
        Item::file("ping", "x").mode(0o755).xattr("security.capability", CAPABILITY),
        Item::file("owned", "x").mode(0o755).owner(1000, 1000).xattr("security.capability", CAPABILITY),
        Item::file("setuid", "x").mode(0o4755).owner(1000, 1000).xattr("security.capability", CAPABILITY),
        Item::file("read-only", "x").mode(0o555).xattr("security.capability", CAPABILITY),
        Item::dir("d"),
        Item::hardlink("d/ping", "ping"),
    ]);
}

#[test]
fn attributes_of_users() {
    faithful(&[
        Item::file("text", "x").xattr("user.comment", "hello"),
        Item::file("empty", "x").xattr("user.empty", ""),
        Item::file("bytes", "x").xattr("user.bytes", [0, 10, 61, 255, 10, 0]),
        Item::file("several", "x").xattr("user.a", "1").xattr("user.b", "2").xattr("user.ünï", "3"),
        Item::file("long", "x").xattr("user.long", vec![b'v'; 2000]),
        Item::file("read-only", "x").mode(0o444).xattr("user.x", "y"),
        Item::file("closed", "x").mode(0).xattr("user.x", "y"),
        Item::dir("d").xattr("user.on", "a directory"),
        Item::dir("sticky").mode(0o1777).xattr("user.on", "a sticky directory"),
        Item::file("owned", "x").owner(1000, 1000).xattr("user.x", "y"),
    ]);
}

#[test]
fn posix_acls() {
    faithful(&[
        Item::file("file", "x").mode(0o750).xattr("system.posix_acl_access", acl()),
        Item::file("owned", "x").mode(0o750).owner(1000, 1000).xattr("system.posix_acl_access", acl()),
        Item::dir("dir").mode(0o750).xattr("system.posix_acl_access", acl()).xattr("system.posix_acl_default", acl()),
        Item::file("dir/inherits-nothing", "x").mode(0o644),
        Item::dir("dir/below").mode(0o755),
    ]);
}

#[test]
fn attributes_in_the_way_of_libarchive_are_no_surprise() {
    // What is not of the file system's own is passed over, and never set.
    let items = [
        Item::file("a", "x").xattr("trusted.overlay.opaque", "y").xattr("user.kept", "1"),
        Item::file("c", "x").pax("LIBARCHIVE.creationtime", "12").pax("comment", "hello"),
    ];
    let mut wanted = Picture::of_items(&items);
    for attributes in wanted.paths.values_mut() {
        attributes.xattrs.retain(|name, _| name.starts_with("user."));
    }
    faithful_layers(&[layer(&items)], &wanted);
}
