//! What people give by mistake: each is called what it is, as a file, in a pipe, packed, looked into and imported.

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::packing::Packing;
use crate::support::producers::docker_save;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};

/// A file, and how it is called.
fn files() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let archive = pack(&docker_save(&[TestImage::sample("fx/a:1")]));
    let inside = |at: usize, magic: &[u8]| {
        let mut disk = vec![0; 40_000];
        disk[at..][..magic.len()].copy_from_slice(magic);
        disk
    };
    let utf16: Vec<u8> = "\u{feff}a.tar".encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        ("x.bin", [b"PK\x03\x04".as_slice(), &archive].concat(), "a zip archive"),
        ("x.deb", b"!<arch>\ndebian-binary   1410122664  0".to_vec(), "a Debian package"),
        ("x.rpm", b"\xed\xab\xee\xdb\x03\0".repeat(200), "an RPM package"),
        ("x.7z", b"7z\xbc\xaf\x27\x1c\0\x04".repeat(100), "a 7z archive"),
        ("x.pdf", b"%PDF-1.7\n".to_vec(), "a PDF document"),
        ("x.elf", b"\x7fELF\x02\x01\x01\0".repeat(100), "an ELF program"),
        ("x.sqfs", b"hsqs\x07\0\0\0".repeat(100), "a squashfs image"),
        ("x.qcow2", b"QFI\xfb\0\0\0\x03".repeat(100), "a qcow2 disk image"),
        ("x.raw", inside(510, b"\x55\xaa"), "a disk image"),
        ("x.ext4", inside(1080, b"\x53\xef"), "an ext2, ext3 or ext4 file system"),
        ("x.iso", inside(32769, b"CD001"), "an ISO 9660 image"),
        ("x.html", b"<!DOCTYPE html>\n<html><title>Log in</title>".to_vec(), "an HTML page"),
        ("x.json", b"{\"message\": \"unauthorized\"}\n".to_vec(), "JSON"),
        ("x.txt", b"Error response from daemon\n".repeat(40), "text that begins with \"Error response from daemon\""),
        ("x.u16", utf16, "text in UTF-16"),
        ("x.lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n".to_vec(), "a Git LFS pointer"),
        ("x.twice", Packing::Gzip.apply(&Packing::Gzip.apply(&archive)), "gzip data, compressed more than once"),
        ("x.mixed", Packing::Zstd.apply(&Packing::Xz.apply(&archive)), "xz data, compressed more than once"),
    ]
}

#[test]
fn each_is_called_what_it_is() {
    let session = Session::new();
    for (name, bytes, what) in files() {
        session.write(name, &bytes);
        let said = &["not a tar archive, but ", what];
        session.refuses_input(name).fails(1, said);
        session.run_with(&bytes, &["load"]).fails(1, said);
        session.run(&["image", "inspect", &format!("./{name}")]).fails(1, said);
        session.run(&["import", name, "fx/i:1"]).fails(1, said);
        session.run_with(&bytes, &["import", "-", "fx/i:1"]).fails(1, said);
        let packed = Packing::Bzip2.apply(&bytes);
        session.run_with(&packed, &["load"]).fails(1, &["not a tar archive, but "]);
    }
    assert!(session.tags().is_empty());
}

#[test]
fn a_damaged_tar_is_still_a_tar() {
    let session = Session::new();
    let mut archive = pack(&docker_save(&[TestImage::sample("fx/a:1")]));
    archive[0] ^= 1;
    session.write("a.tar", &archive);
    session.refuses_input("a.tar").fails(1, &["invalid tar header at byte 0: wrong checksum"]);
}

#[test]
fn an_exported_root_is_to_be_imported() {
    let session = Session::new();
    let shell = Item::file("usr/bin/sh", "x").mode(0o755);
    let root = [Item::symlink("bin", "usr/bin"), Item::dir("etc"), Item::file("etc/passwd", "root"), shell];
    let below_a_link = [&root[..], &[Item::file("bin/ls", "x")]].concat();
    for (members, name) in [(&root[..], "root.tar"), (&below_a_link, "odd.tar")] {
        session.write(name, layer(members));
        let hint = format!("imgtool import {name} NAME");
        session.refuses_input(name).fails(1, &["a root file system", &hint]);
        session.run_with(&layer(members), &["load"]).fails(1, &["a root file system", "imgtool import FILE NAME"]);
        session
            .run(&["export", "-o", "x.tar", &format!("./{name}")])
            .fails(1, &["a root file system", "imgtool import"]);
    }
    session.write("one.tar", layer(&[Item::file("hello", "x").mode(0o755)]));
    session.refuses_input("one.tar").fails(1, &["does not contain a manifest.json", "imgtool import one.tar NAME"]);
}

#[test]
fn padding_and_ends_that_are_left_out() {
    let text = |size: usize| Item::file("text", "x".repeat(size));
    for (cut, size) in [(1024, 512), (1024 + 412, 100), (1024 + 100, 100), (512, 100), (300, 100), (0, 100)] {
        let whole = layer(&[Item::dir("d"), text(size)]);
        let tar = whole[..whole.len() - cut].to_vec();
        for packing in Packing::ALL {
            let image = TestImage::new(&["fx/cut:1"]).raw_layer("ADD", tar.clone());
            let session = Session::new();
            session.load(&packing.apply(&pack(&docker_save(&[image]))));
            session.ok(&["export", "-o", "root.tar", "fx/cut:1"]);
            session.ok(&["unpack", "-q", "fx/cut:1", "t"]);
            assert_eq!(session.read("t/text").len(), size);
        }
    }
    let whole = layer(&[text(100)]);
    let session = Session::new();
    let image = TestImage::new(&["fx/cut:1"]).raw_layer("ADD", whole[..whole.len() - 1024 - 413].to_vec());
    session.refuses(&pack(&docker_save(&[image]))).fails(1, &["truncated: it ends at byte 611 of at least 612"]);
}

#[test]
fn archives_and_layers_padded_with_zeros() {
    for packing in [Packing::Gzip, Packing::Bzip2, Packing::Xz] {
        let padded = |bytes: &[u8]| [packing.apply(bytes), vec![0; 10_240]].concat();
        let session = Session::new();
        let archive = padded(&pack(&docker_save(&[TestImage::sample("fx/a:1")])));
        session.write("a.tar", &archive);
        session.load(&archive);
        assert_eq!(session.ok(&["diff", "fx/a:1", "./a.tar"]), "");
        let root = layer(&[Item::dir("etc"), Item::file("etc/motd", "hello")]);
        session.run_with(&padded(&root), &["import", "-", "fx/i:1"]).ok();
        session.write("root.tar", padded(&root));
        session.ok(&["import", "root.tar", "fx/i:2"]);
        session.ok(&["unpack", "-q", "fx/i:2", "t"]);
        assert_eq!(session.read("t/etc/motd"), b"hello");
    }
}

#[test]
fn what_is_cut_says_where() {
    let archive =
        pack(&docker_save(&[TestImage::new(&["fx/a:1"]).layer("ADD", &[Member::file("big", vec![7; 90_000])])]));
    let at = archive.len() / 2;
    for packing in [Packing::None, Packing::Gzip, Packing::Zstd, Packing::Xz, Packing::Bzip2] {
        let session = Session::new();
        let packed = packing.apply(&archive);
        let cut = if packing == Packing::None { &packed[..at] } else { &packed[..packed.len() - 9] };
        session.write("cut.tar", cut);
        for answer in [session.run(&["load", "-i", "cut.tar"]), session.run_with(cut, &["load"])] {
            answer.fails(1, &["truncated"]);
            assert!(!answer.text().contains("/tmp/load-"), "a temporary file: {}", answer.text());
        }
        session.run(&["load", "-i", "cut.tar"]).fails(1, &["cut.tar: "]);
    }
    let session = Session::new();
    session.write("cut.tar", &archive[..at]);
    session.refuses_input("cut.tar").fails(1, &["layer.tar", &format!("truncated: it ends at byte {at} of at least ")]);
}
