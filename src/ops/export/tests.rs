use std::io::{Read as _, Write as _};

use super::*;
use crate::image::Silent;
use crate::layer::entry::EntryKind;
use crate::layer::mtime::Mtime;
use crate::layer::{Entry, TarReader};
use crate::ops::sample::{archive, context, directory, file, gzip, layer, link, with_kind};

fn to_stream(context: &Context, typed: &str, options: &ExportOptions) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    plan(context, typed, options, &Silent)?.write(Target::Stream(&mut bytes), &Silent)?;
    Ok(bytes)
}

fn to_file(context: &Context, typed: &str, options: &ExportOptions) -> Vec<u8> {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    plan(context, typed, options, &Silent)
        .expect("a plan")
        .write(Target::File(file.as_file()), &Silent)
        .expect("a tar");
    let mut bytes = Vec::new();
    file.reopen().and_then(|mut file| file.read_to_end(&mut bytes)).expect("what was written");
    file.flush().expect("a file");
    bytes
}

fn read(tar: &[u8]) -> Vec<(Entry, Vec<u8>)> {
    let mut reader = TarReader::new(tar, &Limits::default());
    let mut members = Vec::new();
    while let Some(raw) = reader.next().expect("a valid tar") {
        let mut content = Vec::new();
        reader.content().read_to_end(&mut content).expect("content");
        members.push((Entry::try_from_raw(raw).expect("a valid entry"), content));
    }
    members
}

fn large(seed: u8) -> Vec<u8> {
    (0..400_000_u32).map(|at| u8::try_from(at % 253).expect("small") ^ seed).collect()
}

fn layers() -> Vec<Vec<u8>> {
    let lower = [
        directory("d"),
        file("d/b", b"lower"),
        file("large", &large(1)),
        file("gone", b"gone"),
        link("a", "d/b"),
        with_kind("null", EntryKind::CharDevice { major: 1, minor: 3 }),
        with_kind("pipe", EntryKind::Fifo),
    ];
    let upper = [
        file("z", &large(2)),
        file("d/c", b""),
        file(".wh.gone", b""),
        with_kind("link", EntryKind::Symlink { target: b"d/b".to_vec() }),
        link("y", "d/b"),
        file("d/b", b"upper"),
    ];
    vec![layer(&lower), layer(&upper)]
}

#[test]
fn an_export_is_the_same_whatever_the_layers_are_packed_in_and_wherever_it_goes() {
    let folder = tempfile::tempdir().expect("a folder");
    let context = context(folder.path());
    let [plain, packed] = ["plain.tar", "packed.tar"].map(|name| folder.path().join(name));
    archive(&plain, &layers(), <[u8]>::to_vec);
    archive(&packed, &layers(), gzip);
    let options = ExportOptions::default();
    let [plain, packed] = [plain, packed].map(|path| path.display().to_string());
    let tar = to_stream(&context, &plain, &options).expect("a tar");
    assert!(tar == to_stream(&context, &packed, &options).expect("a tar"), "packed, to a stream");
    assert!(tar == to_file(&context, &plain, &options), "plain, to a file");
    assert!(tar == to_file(&context, &packed, &options), "packed, to a file");
    let members = read(&tar);
    let names: Vec<String> = members.iter().map(|(entry, _)| entry.to_string()).collect();
    let expected = ["d", "link -> d/b", "null", "pipe", "a", "large", "z", "d/c", "d/b", "y link to a"];
    assert_eq!(names, expected);
    let bytes_of = |name: &str| {
        let member = members.iter().find(|(entry, _)| entry.path.as_bytes() == name.as_bytes());
        &member.expect("it is there").1[..]
    };
    assert_eq!((bytes_of("a"), bytes_of("d/b"), bytes_of("d/c")), (&b"lower"[..], &b"upper"[..], &b""[..]));
    assert!(bytes_of("large") == large(1) && bytes_of("z") == large(2));
    assert_eq!((members[4].0.mode, members[4].0.mtime), (0o640, Mtime { seconds: 5, nanos: 6 }));
}

#[test]
fn stubs_are_added_when_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let (context, path) = (context(folder.path()), folder.path().join("a.tar"));
    archive(&path, &[layer(&[directory("etc"), file("etc/hosts", b"image's")])], <[u8]>::to_vec);
    let options = ExportOptions { stubs: Some(7), ..ExportOptions::default() };
    let members = read(&to_stream(&context, &path.display().to_string(), &options).expect("a tar"));
    let find = |name: &str| members.iter().find(|(entry, _)| entry.path.as_bytes() == name.as_bytes());
    let (hosts, bytes) = find("etc/hosts").expect("it is there");
    assert_eq!((hosts.mode, hosts.mtime.seconds, bytes.len()), (0o755, 7, 0));
    assert_eq!(find("etc").map(|(etc, _)| (etc.mode, etc.mtime.seconds)), Some((0o640, 5)));
    assert!(find("dev/pts").is_some() && find("etc/mtab").is_some());
}

#[test]
fn trusted_attributes_are_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (context, path) = (context(folder.path()), folder.path().join("a.tar"));
    let (meta, bytes) = file("a", b"x");
    let names = ["security.capability", "security.selinux", "trusted.overlay.opaque", "user.a"];
    let xattrs = names.map(|name| (name.as_bytes().to_vec(), b"v".to_vec())).to_vec();
    archive(&path, &[layer(&[(Meta { xattrs, ..meta }, bytes)])], <[u8]>::to_vec);
    let members = read(&to_stream(&context, &path.display().to_string(), &ExportOptions::default()).expect("a tar"));
    let kept: Vec<String> = members[0].0.xattrs.iter().map(|(name, _)| name.escape_ascii().to_string()).collect();
    assert_eq!(kept, ["security.capability", "security.selinux", "user.a"]);
}

#[test]
fn a_layer_that_is_not_the_configs_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let (context, path) = (context(folder.path()), folder.path().join("a.tar"));
    archive(&path, &layers(), |layer| [layer, b"more"].concat());
    let error = to_stream(&context, &path.display().to_string(), &ExportOptions::default()).expect_err("another layer");
    assert!(matches!(error, Error::DamagedLayer { number: 1, .. }), "{error:?}");
}
