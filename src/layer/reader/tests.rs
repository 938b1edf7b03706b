//! Hand-made archives and how they are read.

use std::io::{self, Read};

use proptest::prelude::*;

use super::*;
use crate::layer::limits::LimitError;
use crate::layer::mtime::Mtime;
use crate::layer::sparse_map::Segment;

/// A header that a test fills in.
struct TarHeader([u8; BLOCK]);

impl TarHeader {
    /// A ustar header of a file, its numbers all 0.
    fn ustar(typeflag: u8, name: &str, size: u64) -> Self {
        let header = Self([0; BLOCK]).at(0, name.as_bytes()).at(124, format!("{size:011o}\0").as_bytes());
        header.at(156, &[typeflag]).at(257, b"ustar\x0000")
    }

    /// The same with GNU's magic number.
    fn gnu(typeflag: u8, name: &str, size: u64) -> Self {
        Self::ustar(typeflag, name, size).at(257, b"ustar  \0")
    }

    fn at(mut self, offset: usize, bytes: &[u8]) -> Self {
        self.0[offset..offset + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// The header with its checksum, and a content with its padding.
    fn with(self, content: &[u8]) -> Vec<u8> {
        let header = self.at(148, b"        ");
        let sum: u32 = header.0.iter().copied().map(u32::from).sum();
        let header = header.at(148, format!("{sum:06o}\0 ").as_bytes());
        let padding = usize::try_from(padding(content.len() as u64)).expect("less than a block");
        [&header.0[..], content, &vec![0; padding]].concat()
    }

    fn done(self) -> Vec<u8> {
        self.with(b"")
    }
}

fn file(name: &str, content: &[u8]) -> Vec<u8> {
    TarHeader::ustar(b'0', name, content.len() as u64).with(content)
}

/// A PAX header of these `KEY=VALUE` records.
fn pax(records: &[&str]) -> Vec<u8> {
    let lines: Vec<String> = records.iter().map(|record| line(record)).collect();
    let content = lines.concat();
    TarHeader::ustar(b'x', "PaxHeaders", content.len() as u64).with(content.as_bytes())
}

fn line(record: &str) -> String {
    let most = record.len() + 10;
    let length = (record.len()..most).find(|length| length.to_string().len() + record.len() + 2 == *length);
    format!("{} {record}\n", length.expect("some length fits"))
}

fn long(typeflag: u8, text: &[u8]) -> Vec<u8> {
    TarHeader::gnu(typeflag, "././@LongLink", text.len() as u64).with(text)
}

/// Every member with its content.
fn read(archive: &[u8]) -> Result<Vec<(RawEntry, Vec<u8>)>, TarError> {
    read_within(archive, &Limits::default())
}

fn read_within(archive: &[u8], limits: &Limits) -> Result<Vec<(RawEntry, Vec<u8>)>, TarError> {
    let mut tar = TarReader::new(archive, limits);
    let mut members = Vec::new();
    while let Some(entry) = tar.next()? {
        let mut content = Vec::new();
        tar.content().read_to_end(&mut content)?;
        members.push((entry, content));
    }
    assert_eq!(tar.position(), archive.len() as u64);
    assert_eq!(tar.next()?, None);
    Ok(members)
}

/// The same from a file, skipping contents.
fn hop(archive: &[u8]) -> Result<Vec<RawEntry>, TarError> {
    let mut tar = TarReader::seekable(io::Cursor::new(archive), &Limits::default())?;
    let mut members = Vec::new();
    while let Some(entry) = tar.next()? {
        members.push(entry);
    }
    assert_eq!(tar.position(), archive.len() as u64);
    Ok(members)
}

/// The only member.
fn one(parts: &[Vec<u8>]) -> RawEntry {
    let archive = parts.concat();
    let mut members = read(&archive).expect("a valid archive");
    assert_eq!(members.len(), 1);
    let (entry, _) = members.remove(0);
    assert_eq!(hop(&archive).expect("a valid archive"), std::slice::from_ref(&entry));
    entry
}

fn problem(parts: &[Vec<u8>]) -> HeaderProblem {
    let archive = parts.concat();
    for result in [read(&archive).map(|_| ()), hop(&archive).map(|_| ())] {
        assert!(matches!(result, Err(TarError::Header { .. })), "{result:?}");
    }
    match read(&archive) {
        Err(TarError::Header { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn members_come_with_contents_and_offsets() {
    let archive = [file("a", b"hello"), file("b", &[7; 512]), TarHeader::ustar(b'5', "d/", 0).done()].concat();
    let members = read(&archive).expect("a valid archive");
    let told: Vec<_> = members
        .iter()
        .map(|(entry, content)| {
            (entry.name.as_slice(), entry.kind, entry.header_offset, entry.content_offset, content.len())
        })
        .collect();
    let expected = [
        (&b"a"[..], RawKind::File, 0, 512, 5),
        (b"b", RawKind::File, 1024, 1536, 512),
        (b"d/", RawKind::Directory, 2048, 2560, 0),
    ];
    assert_eq!(told, expected);
    assert_eq!(
        hop(&archive).expect("a valid archive"),
        members.into_iter().map(|(entry, _)| entry).collect::<Vec<_>>()
    );
}

#[test]
fn every_dialect_has_its_prefix() {
    let (prefix, name) = ("p".repeat(131), "n".repeat(100));
    let ustar = |header: TarHeader| header.at(345, prefix.as_bytes());
    let table = [
        (ustar(TarHeader::ustar(b'0', &name, 0)), format!("{prefix}/{name}")),
        (ustar(TarHeader::ustar(b'0', &name, 0)).at(476, b"q"), format!("{prefix}q/{name}")),
        (
            ustar(TarHeader::ustar(b'0', &name, 0)).at(476, b"00000000001 00000000001 ").at(508, b"tar\0"),
            format!("{prefix}/{name}"),
        ),
        (TarHeader::gnu(b'0', &name, 0).at(345, b"00000000001\x0000000000001\0"), name.clone()),
        // As Go before 1.8 wrote it.
        (ustar(TarHeader::gnu(b'0', &name, 0)), format!("{prefix}/{name}")),
        (TarHeader::gnu(b'0', &name, 0).at(345, "é".as_bytes()), name.clone()),
        (ustar(TarHeader::ustar(b'0', &name, 0)).at(257, &[0; 8]), name.clone()),
    ];
    for (header, expected) in table {
        assert_eq!(String::from_utf8(one(&[header.done()]).name).expect("UTF-8"), expected);
    }
}

#[test]
fn numbers_are_octal_or_in_base_256() {
    let header = TarHeader::ustar(b'3', "n", 0)
        .at(100, b"0104755\0")
        .at(108, b"\x80\0\0\0\xff\xff\xff\xfe")
        .at(116, b"\xff\xff\xff\xff\xff\xff\xff\xfe")
        .at(136, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe")
        .at(329, b"0000010\0\x80\0\0\0\x80\0\0\0");
    let entry = one(&[header.done()]);
    assert_eq!((entry.mode, entry.uid, entry.gid), (0o104_755, 0xffff_fffe, -2));
    assert_eq!(entry.mtime, Mtime { seconds: -2, nanos: 0 });
    assert_eq!((entry.device_major, entry.device_minor), (8, 1 << 31));
    for (offset, field) in
        [(100, "mode"), (108, "uid"), (116, "gid"), (124, "size"), (136, "mtime"), (329, "device number")]
    {
        let header = TarHeader::ustar(b'0', "n", 0).at(offset, b"zzzzzzz\0");
        assert_eq!(problem(&[header.done()]), HeaderProblem::Number { field });
    }
    assert_eq!(problem(&[TarHeader::ustar(b'0', "n", 0).at(124, &[0xff; 12]).done()]), HeaderProblem::NegativeSize);
    assert_eq!(problem(&[TarHeader::ustar(b'5', "n", 0).at(124, &[0xff; 12]).done()]), HeaderProblem::NegativeSize);
}

#[test]
fn a_checksum_may_be_of_signed_bytes() {
    let mut block = TarHeader::ustar(b'0', "é", 0).at(148, b"        ");
    let sum: i32 = block.0.iter().map(|byte| i32::from(byte.cast_signed())).sum();
    block = block.at(148, format!("{sum:06o}\0 ").as_bytes());
    assert_eq!(one(&[block.0.to_vec()]).name, "é".as_bytes());
    assert_eq!(problem(&[block.at(0, b"f").0.to_vec()]), HeaderProblem::Checksum);
    assert_eq!(problem(&[vec![1; BLOCK]]), HeaderProblem::Checksum);
    let text = vec![b'x'; BLOCK];
    assert!(matches!(read(&text), Err(TarError::NotATar { .. })));
    assert!(matches!(hop(&text), Err(TarError::NotATar { .. })));
}

#[test]
fn what_has_no_content_has_none_whatever_its_header_says() {
    for typeflag in b'1'..=b'6' {
        let archive = [TarHeader::ustar(typeflag, "n", 512).done(), pax(&["size=512"])].concat();
        let archive = [archive, TarHeader::ustar(typeflag, "m", 0).done(), file("z", b"")].concat();
        let members = read(&archive).expect("a valid archive");
        assert_eq!(members.len(), 3);
        assert!(members.iter().all(|(entry, content)| entry.size == 0 && content.is_empty()));
    }
    for typeflag in [b'7', b'D', b'Z'] {
        let members = read(&TarHeader::ustar(typeflag, "n", 3).with(b"abc")).expect("a valid archive");
        assert_eq!((members[0].0.kind, members[0].1.as_slice()), (RawKind::Other, &b"abc"[..]));
    }
}

#[test]
fn a_header_without_a_type_is_a_file_or_a_directory() {
    assert_eq!(one(&[TarHeader::ustar(0, "d/", 0).done()]).kind, RawKind::Directory);
    assert_eq!(one(&[TarHeader::ustar(0, "f", 0).done()]).kind, RawKind::File);
    assert_eq!(one(&[TarHeader::ustar(b'0', "d/", 0).done()]).kind, RawKind::File);
    assert_eq!(one(&[pax(&["path=d/"]), TarHeader::ustar(0, "f", 0).done()]).kind, RawKind::Directory);
}

#[test]
fn pax_headers_override() {
    let records = ["path=é", "linkpath=l", "uid=5000000", "gid=-1", "mtime=1.5", "size=3", "SCHILY.xattr.user.a=b"];
    let archive = [pax(&records), TarHeader::ustar(b'0', "n", 1).with(b"abc"), file("after", b"")].concat();
    let members = read(&archive).expect("a valid archive");
    let (entry, content) = &members[0];
    assert_eq!((entry.name.as_slice(), entry.link_name.as_slice()), ("é".as_bytes(), &b"l"[..]));
    assert_eq!((entry.uid, entry.gid, content.as_slice()), (5_000_000, -1, &b"abc"[..]));
    assert_eq!(entry.mtime, Mtime { seconds: 1, nanos: 500_000_000 });
    assert_eq!(entry.xattrs, [(b"user.a".to_vec(), b"b".to_vec())]);
    assert_eq!(members[1].0.name, b"after");
}

#[test]
fn malformed_pax_headers_are_refused() {
    let member = || file("n", b"");
    for key in ["size", "uid", "gid", "mtime", "atime", "ctime"] {
        let header = pax(&[&format!("{key}=x")]);
        assert_eq!(problem(&[header, member()]), HeaderProblem::PaxValue { key });
    }
    assert_eq!(problem(&[pax(&["size=-1"]), member()]), HeaderProblem::NegativeSize);
    assert_eq!(problem(&[pax(&["path=a\0b"]), member()]), HeaderProblem::PaxRecord);
    assert_eq!(problem(&[TarHeader::ustar(b'x', "p", 4).with(b"junk"), member()]), HeaderProblem::PaxRecord);
    assert_eq!(problem(&[TarHeader::ustar(b'g', "p", 4).with(b"junk"), member()]), HeaderProblem::PaxRecord);
    let huge = TarHeader::ustar(b'x', "p", (1 << 20) + 1).done();
    assert_eq!(problem(&[huge]), HeaderProblem::TooLong { what: "PAX header", limit: 1 << 20 });
}

#[test]
fn of_several_extensions_of_a_kind_the_last_counts() {
    let entry = one(&[pax(&["path=one", "uid=1"]), pax(&["path=two"]), file("n", b"")]);
    assert_eq!((entry.name.as_slice(), entry.uid), (&b"two"[..], 0));
    assert_eq!(one(&[long(b'L', b"one\0"), long(b'L', b"two\0"), file("n", b"")]).name, b"two");
}

#[test]
fn gnu_long_names_go_before_all_others() {
    let name = "n".repeat(300);
    let parts =
        [long(b'K', b"target\0junk"), long(b'L', name.as_bytes()), pax(&["path=p", "linkpath=q"]), file("n", b"")];
    let entry = one(&parts);
    assert_eq!((entry.name, entry.link_name), (name.into_bytes(), b"target".to_vec()));
    assert_eq!(one(&[long(b'L', b"\0"), file("n", b"")]).name, b"n");
    let huge = TarHeader::gnu(b'L', "", 65_537).done();
    assert_eq!(problem(&[huge]), HeaderProblem::TooLong { what: "long name", limit: 65_536 });
}

#[test]
fn extensions_without_a_member_are_refused() {
    let end = || vec![0; 2 * BLOCK];
    for extension in [pax(&["path=p"]), long(b'L', b"l"), long(b'K', b"l")] {
        assert_eq!(problem(std::slice::from_ref(&extension)), HeaderProblem::Dangling);
        assert_eq!(problem(&[extension.clone(), end()]), HeaderProblem::Dangling);
        let global = TarHeader::ustar(b'g', "g", 0).done();
        assert_eq!(problem(&[extension, global, file("n", b"")]), HeaderProblem::Dangling);
    }
}

#[test]
fn global_headers_apply_to_nothing() {
    let records = line("path=global") + &line("comment=0123");
    let global = TarHeader::ustar(b'g', "pax_global_header", records.len() as u64).with(records.as_bytes());
    assert_eq!(one(&[global.clone(), file("n", b"")]).name, b"n");
    assert!(read(&global).expect("a valid archive").is_empty());
}

#[test]
fn an_archive_ends_as_go_ends_it() {
    let (member, zero) = (file("n", b"abc"), vec![0; BLOCK]);
    let ends: [&[&[u8]]; 6] =
        [&[], &[&zero], &[&zero, &zero], &[&zero, &zero, &zero], &[&zero, &zero, b"junk"], &[&zero, &zero, &member]];
    for end in ends {
        assert_eq!(one(&[member.clone(), end.concat()]).name, b"n");
    }
    assert_eq!(problem(&[member.clone(), zero.clone(), member.clone()]), HeaderProblem::LoneZeroBlock);
    // A truncated end is accepted; truncation anywhere else is not.
    for end in [&zero[..511], &[&zero[..], &[0]].concat()] {
        assert_eq!(one(&[member.clone(), end.to_vec()]).name, b"n");
    }
    let archive = [&member[..], &member[..511]].concat();
    assert!(matches!(read(&archive), Err(TarError::Truncated { offset: 1535, least: 1536 })));
    assert!(matches!(hop(&archive), Err(TarError::Truncated { offset: 1535, least: 1536 })));
}

#[test]
fn a_cut_archive_is_refused_unless_after_a_content() {
    let long = long(b'L', &[b'n'; 600]);
    let archive = [file("n", &[1; 700]), pax(&["path=p"]), long.clone(), file("m", b"x")].concat();
    for end in 1..archive.len() {
        let fits = (BLOCK + 700..=3 * BLOCK).contains(&end) || end > archive.len() - BLOCK;
        assert_eq!(read(&archive[..end]).is_ok(), fits, "cut at {end}");
        assert_eq!(hop(&archive[..end]).is_ok(), fits, "cut at {end}");
    }
    let endless = TarHeader::ustar(b'0', "n", 0).at(124, b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff").done();
    assert!(matches!(read(&endless), Err(TarError::Truncated { offset: 512, .. })));
    assert!(matches!(hop(&endless), Err(TarError::Truncated { offset: 512, .. })));
}

#[test]
fn sparse_files_of_every_form_are_expanded() {
    let data = b"helloworld!";
    let expected = [&[0; 3][..], b"hello", &[0; 92], b"world!", &[0; 94]].concat();
    let old = TarHeader::gnu(b'S', "s", 11)
        .at(386, b"00000000003\x0000000000005\0")
        .at(410, b"00000000144\x0000000000006\0")
        .at(483, b"00000000310\0");
    let v00 = pax(&[
        "GNU.sparse.size=200",
        "GNU.sparse.numblocks=2",
        "GNU.sparse.offset=3",
        "GNU.sparse.numbytes=5",
        "GNU.sparse.offset=100",
        "GNU.sparse.numbytes=6",
    ]);
    let v01 = pax(&["GNU.sparse.name=s", "GNU.sparse.size=200", "GNU.sparse.numblocks=2", "GNU.sparse.map=3,5,100,6"]);
    let v10 = pax(&["GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=s", "GNU.sparse.realsize=200"]);
    let map = [&b"2\n3\n5\n100\n6\n"[..], &[0; 500]].concat();
    let archives = [
        (RawKind::OldSparse, [old.with(data), Vec::new()].concat(), 512),
        (RawKind::File, [v00, file("s", data)].concat(), 1536),
        (RawKind::File, [v01, file("GNUSparseFile.0/s", data)].concat(), 1536),
        (RawKind::File, [v10, file("GNUSparseFile.0/s", &[&map[..], data].concat())].concat(), 2048),
    ];
    for (kind, archive, content_offset) in archives {
        let members = read(&[archive.clone(), file("after", b"")].concat()).expect("a valid archive");
        let (entry, content) = &members[0];
        assert_eq!((entry.kind, entry.name.as_slice(), content), (kind, &b"s"[..], &expected));
        assert_eq!((entry.size, entry.stored_size, entry.content_offset), (200, 11, content_offset));
        let segments = [Segment { offset: 3, length: 5 }, Segment { offset: 100, length: 6 }];
        assert_eq!(entry.sparse.as_ref().map(|map| map.segments.as_slice()), Some(&segments[..]));
        assert_eq!(members[1].0.name, b"after");
        assert_eq!(hop(&archive).expect("a valid archive")[0], *entry);
    }
}

#[test]
fn an_old_sparse_map_goes_on_in_blocks_of_its_own() {
    let mut more = [0; BLOCK];
    more[..24].copy_from_slice(b"00000000144\x0000000000006\0");
    let header = TarHeader::gnu(b'S', "s", 11)
        .at(386, b"00000000003\x0000000000005\0")
        .at(482, &[1])
        .at(483, b"00000000310\0")
        .done();
    let members = read(&[&header[..], &more, &file("", b"helloworld!")[BLOCK..]].concat()).expect("a valid archive");
    assert_eq!((members[0].0.size, members[0].0.content_offset, &members[0].1[100..106]), (200, 1024, &b"world!"[..]));
    more[504] = 1;
    let endless = [&header[..], &more.repeat(3000)].concat();
    let too_long = HeaderProblem::TooLong { what: "sparse map", limit: 1 << 20 };
    assert_eq!(problem(&[endless]), too_long);
}

#[test]
fn impossible_sparse_files_are_refused() {
    let sparse = |records: &[&str], content: &[u8]| problem(&[pax(records), file("s", content)]);
    let size = "GNU.sparse.size=10";
    let cases: [(&[&str], &[u8]); 6] = [
        (&[size, "GNU.sparse.numblocks=1", "GNU.sparse.map=0,11"], b"hello world"),
        (&[size, "GNU.sparse.numblocks=2", "GNU.sparse.map=0,5"], b"hello"),
        (&[size, "GNU.sparse.numblocks=x", "GNU.sparse.map=0,5"], b"hello"),
        (&[size, "GNU.sparse.numblocks=1", "GNU.sparse.map=0,4"], b"hello"),
        (&[size, "GNU.sparse.numblocks=2", "GNU.sparse.map=3,2,0,3"], b"hello"),
        (&[size, "GNU.sparse.major=1", "GNU.sparse.minor=0"], b"1\n0\n0\n"),
    ];
    for (records, content) in cases {
        assert_eq!(sparse(records, content), HeaderProblem::SparseMap, "{records:?}");
    }
    let records = [size, "GNU.sparse.numblocks=0", "GNU.sparse.major=0", "GNU.sparse.minor=0"];
    assert_eq!(problem(&[pax(&records), TarHeader::ustar(b'5', "d", 0).done()]), HeaderProblem::SparseMap);
    let star = TarHeader::ustar(b'S', "s", 0).done();
    assert_eq!(problem(&[star]), HeaderProblem::SparseMap);
}

#[test]
fn holes_count_as_unpacked() {
    let records =
        |size| [format!("GNU.sparse.size={size}"), "GNU.sparse.numblocks=0".into(), "GNU.sparse.major=0".into()];
    let archive = |size: u64| {
        let records = records(size);
        let records: Vec<&str> = records.iter().map(String::as_str).chain(["GNU.sparse.minor=1"]).collect();
        [pax(&records), file("s", b"")].concat()
    };
    assert!(hop(&archive(1 << 30 >> 1)).is_ok());
    assert!(matches!(hop(&archive(1 << 40)), Err(TarError::Limit(LimitError::Unpacked { .. }))));
    assert!(matches!(hop(&archive(1 << 31)), Err(TarError::Limit(LimitError::Ratio { .. }))));
    let many = archive(1 << 28).repeat(5);
    assert!(matches!(hop(&many), Err(TarError::Limit(LimitError::Ratio { .. }))));
    let limits = Limits { unpacked: 1 << 20, ..Limits::default() };
    assert!(read_within(&archive(1 << 21), &limits).is_err());
}

#[test]
fn contents_may_be_read_in_part() {
    let archive = [file("a", &[1; 1000]), file("b", b"hello")].concat();
    let mut tar = TarReader::new(&archive[..], &Limits::default());
    tar.next().expect("valid").expect("a member");
    let mut some = [0; 10];
    tar.content().read_exact(&mut some).expect("ten bytes");
    assert_eq!(tar.next().expect("valid").expect("a member").name, b"b");
    let mut text = String::new();
    tar.content().read_to_string(&mut text).expect("ASCII");
    assert_eq!(text, "hello");
    assert_eq!(tar.content().read(&mut some).expect("nothing"), 0);
}

/// An archive with members of every kind.
fn everything() -> Vec<u8> {
    let v10 = ["GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=s", "GNU.sparse.realsize=200"];
    let map = [&b"1\n3\n5\n"[..], &[0; 506]].concat();
    let old = TarHeader::gnu(b'S', "s", 5).at(386, b"00000000003\x0000000000005\0").at(483, b"00000000310\0");
    let parts = [
        TarHeader::ustar(b'5', "d/", 0).done(),
        file("d/f", b"hello"),
        pax(&["path=d/p", "mtime=1.5", "size=3", "SCHILY.xattr.user.a=b"]),
        file("n", b"abc"),
        long(b'L', b"d/l"),
        TarHeader::gnu(b'2', "n", 0).at(157, b"f").done(),
        pax(&v10),
        file("s", &[&map[..], b"hello"].concat()),
        old.with(b"hello"),
        vec![0; 2 * BLOCK],
    ];
    parts.concat()
}

/// Corrects the checksum of every possible header.
fn repair(archive: &mut [u8]) {
    for block in archive.chunks_exact_mut(BLOCK).filter(|block| block[257..262] == *b"ustar") {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().copied().map(u32::from).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}

proptest! {
    #[test]
    fn random_blocks_do_not_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        let _ = read(&bytes);
        if bytes.len() > 262 {
            bytes[257..262].copy_from_slice(b"ustar");
            repair(&mut bytes);
            let _ = read(&bytes);
        }
    }

    #[test]
    fn changed_archives_are_read_alike_by_both_ways(changes in prop::collection::vec((0..6000_usize, any::<u8>()), 1..5)) {
        let mut archive = everything();
        for (at, byte) in changes {
            let at = at % archive.len();
            archive[at] = byte;
        }
        repair(&mut archive);
        match (read(&archive), hop(&archive)) {
            (Ok(members), Ok(entries)) => {
                prop_assert_eq!(members.into_iter().map(|(entry, _)| entry).collect::<Vec<_>>(), entries);
            }
            (Err(one), Err(other)) => prop_assert_eq!(one.to_string(), other.to_string()),
            (one, other) => prop_assert!(false, "{one:?} but {other:?}"),
        }
    }
}
