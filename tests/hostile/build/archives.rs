//! `ADD` of archives that climb, and of those that unpack to more than there is.

use super::Trap;
use crate::support::layer::{Item, layer};
use crate::support::packing::Packing;
use crate::support::slow;

#[test]
fn owners_that_no_file_can_have() {
    let trap = Trap::new();
    for (uid, gid) in [(1 << 40, 0), (0, 1 << 40), (u64::from(u32::MAX), 0)] {
        trap.write("bad.tar", layer(&[Item::file("x", "x").owner(uid, gid)]));
        let answer = trap.build("FROM scratch\nADD bad.tar /a/\n");
        answer.is_refused(&trap.session, &format!("the owner {uid}:{gid} is out of range"));
    }
    trap.write("good.tar", layer(&[Item::file("x", "x").owner(u64::from(u32::MAX) - 1, 7)]));
    assert_eq!(trap.build("FROM scratch\nADD good.tar /a/\n").code, 0);
}

#[test]
fn members_that_climb() {
    let trap = Trap::new();
    let victim = trap.victim().join("secret").display().to_string();
    let out = [
        vec![Item::file("../victim/secret", "new")],
        vec![Item::file("a/../../../victim/secret", "new")],
        vec![Item::dir("..").mode(0o777)],
        vec![Item::symlink("..", "x")],
        vec![Item::hardlink("hard", &victim)],
        vec![Item::hardlink("hard", "../victim/secret")],
        vec![Item::symlink("soft", &victim), Item::hardlink("hard", "missing")],
        vec![Item::dir("d"), Item::hardlink("hard", "d")],
        vec![Item::symlink("a", "b"), Item::symlink("b", "a"), Item::file("a/x", "x")],
        vec![Item::file("f", "x"), Item::file("f/x", "x")],
        vec![Item::file("d/".repeat(3000) + "x", "x")],
    ];
    for items in out {
        trap.write("bad.tar", layer(&items));
        // One whose first header cannot be read is no archive: it is added as it is.
        let answer = trap.build("FROM scratch\nADD bad.tar /a/b/\n");
        if answer.code == 0 {
            let names: Vec<Vec<u8>> = trap.picture().paths.into_keys().collect();
            assert_eq!(names, [&b"a"[..], b"a/b", b"a/b/bad.tar"]);
        } else {
            answer.is_refused(&trap.session, "bad.tar");
        }
    }
    let inside = [
        vec![Item::file(&victim, "inside")],
        vec![Item::symlink("esc", "../victim"), Item::file("esc/secret", "inside")],
        vec![Item::symlink("esc", &victim), Item::file("esc", "inside")],
        vec![Item::symlink("esc", "/../../../victim"), Item::symlink("esc/dir", "/"), Item::file("esc/dir/x", "x")],
        vec![Item::symlink("esc", &victim), Item::hardlink("hard", "esc"), Item::file("hard", "inside").mode(0o777)],
        vec![Item::new("disk", b'4').device(8, 0).mode(0o666), Item::new("zero", b'3').device(1, 5)],
        vec![Item::file("suid", "x").mode(0o6777), Item::new("fifo", b'6')],
        vec![Item::whiteout("own"), Item::whiteout(".wh..opq")],
    ];
    for items in inside {
        trap.write("odd.tar", layer(&items));
        for place in ["/", "/a/b/", "/own2/"] {
            let answer = trap.build(format!("FROM scratch\nCOPY own /own\nCOPY own /a/own\nADD odd.tar {place}\n"));
            if answer.code == 0 {
                trap.image();
                trap.session.ok(&["verify", "fx/trap"]);
            } else {
                answer.is_refused(&trap.session, "Dockerfile:4");
            }
        }
    }
}

#[test]
fn archives_that_are_cut_or_lie() {
    let trap = Trap::new();
    let whole = layer(&[Item::file("a", "A".repeat(3000)), Item::file("b", "B".repeat(3000))]);
    for packing in Packing::ALL {
        let packed = packing.apply(&whole);
        for end in [packed.len() - 3, packed.len() * 2 / 3] {
            // What is cut at its end only lacks zeros, which a tar without compression does not need.
            if packing == Packing::None && end > packed.len() - 1024 {
                continue;
            }
            trap.write("cut", &packed[..end]);
            let answer = trap.build("FROM scratch\nADD cut /\n");
            assert!(
                answer.code == 1 || trap.picture().paths.len() == 1,
                "{packing:?} {end}: a part of it was unpacked"
            );
        }
    }
    // A file that is said to have 8 GiB.
    let mut long = layer(&[Item::file("a", "A")]);
    long[124..136].copy_from_slice(b"77777777777\0");
    crate::support::layer::seal(&mut long[..512]);
    trap.write("long", &long);
    trap.refused("FROM scratch\nADD long /\n", "long");
}

#[test]
fn bombs_are_stopped() {
    if !slow() {
        return;
    }
    let trap = Trap::new();
    // A good header, and then zeros without end.
    let mut zeros = layer(&[Item::file("zeros", "")]);
    zeros.truncate(512);
    zeros[124..136].copy_from_slice(b"17777777777\0");
    crate::support::layer::seal(&mut zeros[..512]);
    zeros.resize(1200 << 20, 0);
    for packing in [Packing::Zstd, Packing::Bzip2] {
        trap.write("bomb", packing.apply(&zeros));
        trap.refused("FROM scratch\nADD bomb /\n", "packed bytes");
    }
    let bomb = Packing::Zstd.apply(&zeros);
    trap.run(&bomb, &["build", "-t", "fx/trap", "-"]).is_refused(&trap.session, "packed bytes");
}
