//! Contexts of all kinds, and the Dockerfile in them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{ContextError, ContextFiles, ContextSource, DockerfilePlace, OpenedContext, open};
use crate::layer::{Limits, Mtime, TarWriter};

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = TarWriter::new(Vec::new());
    for (name, text) in files {
        tar.file_header(name.as_bytes(), text.len() as u64, 0o644, Mtime::default()).expect("memory");
        tar.write_all(text.as_bytes()).expect("memory");
    }
    tar.finish().expect("memory")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).expect("memory");
    packed.finish().expect("memory")
}

fn at(path: &Path, place: &DockerfilePlace) -> Result<OpenedContext, ContextError> {
    open(ContextSource::Path(path.to_owned()), place, &Limits::default())
}

fn stream(bytes: &[u8], place: &DockerfilePlace) -> Result<OpenedContext, ContextError> {
    open(ContextSource::Stream(Box::new(bytes)), place, &Limits::default())
}

fn text(opened: &OpenedContext) -> &str {
    std::str::from_utf8(&opened.dockerfile.text).expect("text")
}

#[test]
fn the_dockerfile_of_a_folder_is_found() {
    let context = folder(&[("Dockerfile", "FROM a"), ("other", "FROM b")]);
    let opened = at(context.path(), &DockerfilePlace::Default).expect("a context");
    assert_eq!((text(&opened), opened.dockerfile.name.as_str()), ("FROM a", "Dockerfile"));
    let opened = at(context.path(), &DockerfilePlace::Named(context.path().join("other"))).expect("a context");
    assert_eq!((text(&opened), opened.dockerfile.name.as_str()), ("FROM b", "other"));
    let opened = at(context.path(), &DockerfilePlace::Given(b"FROM c".to_vec())).expect("a context");
    assert_eq!(text(&opened), "FROM c");
    let lower = folder(&[("dockerfile", "FROM d")]);
    assert_eq!(text(&at(lower.path(), &DockerfilePlace::Default).expect("a context")), "FROM d");
    let missing = at(folder(&[]).path(), &DockerfilePlace::Default).err().map(|error| error.to_string());
    assert!(missing.is_some_and(|error| error.contains("Dockerfile: no such file in")));
    let empty = at(folder(&[("Dockerfile", " \n")]).path(), &DockerfilePlace::Default);
    assert!(matches!(empty, Err(ContextError::Empty { .. })));
    let nowhere = at(&PathBuf::from("/nonexistent/context"), &DockerfilePlace::Default);
    assert!(matches!(nowhere, Err(ContextError::Open { .. })));
}

#[test]
fn the_ignore_file_beside_the_dockerfile_comes_first() {
    let files = [("Dockerfile", "FROM a"), ("other", "FROM b"), (".dockerignore", "x"), ("other.dockerignore", "y")];
    let context = folder(&files);
    let bytes = tar(&files);
    let other = context.path().join("other");
    for (opened, excluded) in [
        (at(context.path(), &DockerfilePlace::Default), "x"),
        (at(context.path(), &DockerfilePlace::Named(other)), "y"),
        (stream(&bytes, &DockerfilePlace::Default), "x"),
        (stream(&bytes, &DockerfilePlace::Named(PathBuf::from("other"))), "y"),
    ] {
        let ignore = opened.expect("a context").context.ignore;
        assert_eq!((ignore.excludes(b"x"), ignore.excludes(b"y")), (excluded == "x", excluded == "y"));
    }
}

#[test]
fn a_stream_is_a_tar_or_a_dockerfile_alone() {
    let bytes = tar(&[("Dockerfile", "FROM a"), ("d/f", "content")]);
    for bytes in [bytes.clone(), gzip(&bytes)] {
        let opened = stream(&bytes, &DockerfilePlace::Default).expect("a context");
        assert_eq!(text(&opened), "FROM a");
        let ContextFiles::Tarball(tarball) = &opened.context.files else { panic!("it is a tar") };
        assert_eq!(tarball.view.len(), 3);
        let file = folder(&[]);
        let path = file.path().join("context.tar");
        std::fs::write(&path, &bytes).expect("a file");
        assert_eq!(text(&at(&path, &DockerfilePlace::Default).expect("a context")), "FROM a");
    }
    let opened = stream(b"FROM b\nRUN x\n", &DockerfilePlace::Default).expect("a context");
    assert_eq!(text(&opened), "FROM b\nRUN x\n");
    let ContextFiles::Tarball(tarball) = &opened.context.files else { panic!("it has no files") };
    assert!(tarball.view.is_empty());
    let cut = &bytes[..1500];
    assert!(matches!(stream(cut, &DockerfilePlace::Default), Err(ContextError::Tar { .. })));
    let outside = tar(&[("../Dockerfile", "FROM a")]);
    assert!(matches!(stream(&outside, &DockerfilePlace::Default), Err(ContextError::Tar { .. })));
    let absent = stream(&tar(&[("f", "x")]), &DockerfilePlace::Default);
    assert!(matches!(absent, Err(ContextError::NoDockerfile { .. })));
}
