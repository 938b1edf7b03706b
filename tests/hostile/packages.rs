//! Records of packages that were made to mislead: nothing outside of the image is read, every number that lies is an error
//! or means nothing, and what is said on a terminal is escaped.

use std::fmt::Write as _;
use std::io::Write as _;

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::producers::docker_save;
use crate::support::session::{Answer, Session};
use crate::support::tarball::pack;
use crate::support::terminal::{self, Streams};

fn session(items: &[Item]) -> Session {
    let session = Session::new();
    session.load(&pack(&docker_save(&[TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(items))])));
    session
}

fn names(items: &[Item]) -> Answer {
    session(items).run(&["packages", "--format", "{{.Name}}", "fx/a:1"])
}

#[test]
fn links_of_databases_end_inside_of_the_image() {
    let host = Session::new();
    let secret = host.write("status", "Package: of-the-host\nVersion: 1\n").display().to_string();
    let up = format!("{}{secret}", "../".repeat(40));
    for target in [&secret, &up] {
        let links = [
            Item::symlink("var/lib/dpkg/status", target),
            Item::symlink("lib", target),
            Item::symlink("etc/os-release", target),
            Item::symlink("opt/x.jar", target),
            Item::symlink("app/node_modules/a/package.json", target),
            Item::symlink("var/lib/rpm", "/"),
            Item::symlink("rpmdb.sqlite", target),
            Item::symlink("rpmdb.sqlite-wal", target),
        ];
        let answer = names(&links);
        assert_eq!((answer.code, answer.out().as_str()), (0, ""), "{}", answer.text());
        let inside = Item::file(secret.trim_start_matches('/'), "Package: of-the-image\nVersion: 1\n");
        let answer = names(&[links[0].clone(), inside]);
        assert_eq!((answer.code, answer.out().as_str()), (0, "of-the-image\n"), "{}", answer.text());
    }
    let circle = [Item::symlink("var/lib/dpkg/status", "x"), Item::symlink("var/lib/dpkg/x", "status")];
    assert_eq!(names(&circle).code, 0);
}

#[test]
fn databases_that_lie_are_an_error_that_names_them() {
    let sqlite = |rest: &[u8]| {
        let mut bytes = b"SQLite format 3\0".to_vec();
        bytes.extend([2, 0, 1, 1, 0, 64, 32, 32]);
        bytes.resize(4096, 0);
        bytes[100..100 + rest.len()].copy_from_slice(rest);
        bytes
    };
    let ndb = |pages: u32, slot: [u32; 3]| {
        let mut bytes = [&b"RpmP"[..], &[0; 4], &[0; 4], &pages.to_le_bytes(), &[0; 16]].concat();
        while bytes.len() < 4096 {
            bytes.extend([&b"Slot"[..], &slot.map(u32::to_le_bytes).concat()].concat());
        }
        bytes.extend([&b"BlbS"[..], &[slot[0], 1, 9].map(u32::to_le_bytes).concat(), &[0xff; 9]].concat());
        bytes
    };
    let table = [
        // A tree that leads to itself, to nowhere, a page of cells that are not there, and a record of 2^63 bytes.
        ("var/lib/rpm/rpmdb.sqlite", sqlite(&[5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])),
        ("var/lib/rpm/rpmdb.sqlite", sqlite(&[5, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])),
        ("var/lib/rpm/rpmdb.sqlite", sqlite(&[13, 0, 0, 0xff, 0xff, 0, 0, 0])),
        (
            "usr/lib/sysimage/rpm/rpmdb.sqlite",
            sqlite(&[[13, 0, 0, 0, 1, 0, 0, 0, 0, 110].as_slice(), &[0xff; 20]].concat()),
        ),
        ("var/lib/rpm/rpmdb.sqlite", sqlite(&[])),
        // More slots than bytes, slots of the same blob, blobs beyond the end, and a header of 2^32 entries.
        ("var/lib/rpm/Packages.db", ndb(u32::MAX, [0, 0, 0])),
        ("var/lib/rpm/Packages.db", ndb(1, [7, u32::MAX, 1])),
        ("var/lib/rpm/Packages.db", ndb(1, [7, 256, 1])),
        ("var/lib/rpm/Packages", vec![0xff; 5000]),
    ];
    for (path, bytes) in table {
        let session = session(&[Item::file(path, &bytes)]);
        session.run(&["packages", "fx/a:1"]).fails(1, &[path, "is not read", "its packages are missing"]);
        // A page is made all the same, and says it.
        session.ok(&["report", "fx/a:1"]);
        let page = String::from_utf8(session.read("report.html")).expect("UTF-8");
        assert!(page.contains(&format!("/{path} is not read")), "{path}");
    }
}

#[test]
fn long_and_deep_records_are_bounded() {
    let mut many = String::new();
    for number in 0..250_001 {
        let _ = write!(many, "P:a{number}\n\n");
    }
    let answer = names(&[Item::file("lib/apk/db/installed", many)]);
    answer.fails(1, &["/lib/apk/db/installed is not read: it names more than 250000 packages"]);
    // A field that has no end, and paragraphs of nothing.
    let endless = format!("Package: {}", "x".repeat(3 << 20));
    let answer =
        names(&[Item::file("var/lib/dpkg/status", endless), Item::file("lib/apk/db/installed", "\n".repeat(3 << 20))]);
    assert_eq!((answer.code, answer.out().len()), (0, (3 << 20) + 1));
    let deep = |open: &str| {
        Item::file("app/node_modules/a/package.json", format!("{{\"name\":\"a\",\"x\":{}", open.repeat(200_000)))
    };
    for item in [deep("["), deep("{\"x\":"), Item::file("app/node_modules/a/package.json", vec![b' '; 5 << 20])] {
        let answer = names(&[item]);
        assert_eq!((answer.code, answer.out().as_str()), (0, ""));
        assert!(answer.stderr.contains("warning: /app/node_modules/a/package.json is not read"), "{}", answer.text());
    }
    // A few kB that unpack to 9 MiB, as crates of a program.
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    zlib.write_all(&vec![b' '; 9 << 20]).expect("memory");
    // Smaller programs are not looked into.
    let content = [zlib.finish().expect("memory"), vec![0; 20_000]].concat();
    let program = program(&content);
    let answer = names(&[Item::file("usr/bin/x", program).mode(0o755)]);
    assert!(answer.stderr.contains("/usr/bin/x is not read: it unpacks to more than 8 MiB"), "{}", answer.text());
}

/// A program of 64 bits with the section `.dep-v0`.
fn program(content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    let names = b"\0.dep-v0\0";
    bytes.extend(content);
    bytes.extend(names);
    let table = bytes.len() as u64;
    for (name, from, size) in [(1_u32, 64, content.len()), (0, 64 + content.len(), names.len())] {
        let mut header = [0; 64];
        header[..4].copy_from_slice(&name.to_le_bytes());
        header[4] = 1;
        header[0x18..0x20].copy_from_slice(&(from as u64).to_le_bytes());
        header[0x20..0x28].copy_from_slice(&(size as u64).to_le_bytes());
        bytes.extend(header);
    }
    bytes[0x28..0x30].copy_from_slice(&table.to_le_bytes());
    (bytes[0x3a], bytes[0x3c], bytes[0x3e]) = (64, 2, 1);
    bytes
}

#[test]
fn a_table_escapes_what_json_keeps() {
    let rude = "a\u{1b}[31m\u{7}\u{202e}b";
    let status = format!("Package: {rude}\nVersion: {rude}\nArchitecture: {rude}\n");
    let npm = json!({"name": "x\ny\tz", "version": rude, "license": rude}).to_string();
    let items =
        [Item::file("var/lib/dpkg/status", status), Item::file(format!("{rude}/node_modules/x/package.json"), npm)];
    let session = session(&items);
    let all = "table {{.Name}} {{.Version}} {{.Arch}} {{.License}} {{.Purl}} {{.Paths}}";
    for args in [&["packages", "fx/a:1"][..], &["packages", "--format", all, "fx/a:1"]] {
        let screen = Streams { stdin: false, stdout: true, stderr: false };
        let (code, said) = terminal::run(session.command(args), screen);
        let said = said.replace("\r\n", "\n");
        assert_eq!(code, 0, "{said:?}");
        let is_bad = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}');
        assert!(!said.contains(is_bad), "{said:?}");
        assert_eq!(said.lines().count(), 3, "{said:?}");
    }
    let said = session.ok(&["packages", "--format", "json", "fx/a:1"]);
    let rows: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(
        (&rows[0]["Name"], &rows[0]["Version"], &rows[1]["Name"]),
        (&json!(rude), &json!(rude), &json!("x\ny\tz"))
    );
}

#[test]
fn many_packages_make_no_large_page() {
    let mut status = String::new();
    for number in 0..60_000 {
        let _ = write!(status, "Package: {}{number}\nVersion: {number}{}\n\n", "n".repeat(300), "9".repeat(300));
    }
    let session = session(&[Item::file("var/lib/dpkg/status", status)]);
    session.ok(&["report", "fx/a:1"]);
    let page = session.read("report.html");
    assert!(page.len() < 10 << 20, "{}", page.len());
    let text = String::from_utf8(page).expect("UTF-8");
    assert!(text.contains("\"more\":30000,"));
}
