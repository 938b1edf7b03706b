//! Small images for tests.

use std::io::Write as _;
use std::path::Path;

use super::Context;
use crate::layer::entry::EntryKind;
use crate::layer::mtime::Mtime;
use crate::layer::{EntryPath, Limits, Meta, TarWriter};
use crate::oci::{Digest, Platform};
use crate::registry::Registries;
use crate::store::Store;

/// A header and its content.
pub(super) type Member = (Meta, Vec<u8>);

pub(super) fn file(name: &str, content: &[u8]) -> Member {
    let mtime = Mtime { seconds: 5, nanos: 6 };
    (Meta::file(name.as_bytes(), content.len() as u64, 0o640, mtime), content.to_vec())
}

pub(super) fn with_kind(name: &str, kind: EntryKind) -> Member {
    let (meta, _) = file(name, b"");
    (Meta { kind, ..meta }, Vec::new())
}

pub(super) fn directory(name: &str) -> Member {
    with_kind(name, EntryKind::Directory)
}

pub(super) fn link(name: &str, target: &str) -> Member {
    with_kind(name, EntryKind::Hardlink { target: EntryPath::new(target.as_bytes()).expect("a valid path") })
}

pub(super) fn layer(members: &[Member]) -> Vec<u8> {
    let mut tar = TarWriter::new(Vec::new());
    for (meta, content) in members {
        tar.entry(meta).expect("memory");
        tar.write_all(content).expect("memory");
    }
    tar.finish().expect("memory")
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// A docker-archive of one image.
pub(super) fn archive(path: &Path, stack: &[Vec<u8>], pack: fn(&[u8]) -> Vec<u8>) {
    let diff_ids: Vec<String> = stack.iter().map(|layer| Digest::of(layer).to_string()).collect();
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}
    });
    let names: Vec<String> = (0..stack.len()).map(|at| format!("{at}.tar")).collect();
    let manifest = serde_json::json!([{"Config": "c.json", "RepoTags": ["a:1"], "Layers": names}]);
    let mut members =
        vec![file("c.json", config.to_string().as_bytes()), file("manifest.json", manifest.to_string().as_bytes())];
    members.extend(stack.iter().zip(&names).map(|(tar, name)| file(name, &pack(tar))));
    std::fs::write(path, layer(&members)).expect("a writable folder");
}

pub(super) fn context(root: &Path) -> Context {
    Context {
        store: Store::new(root.join("store")),
        host: Platform::host(),
        limits: Limits::default(),
        registries: Registries::default(),
    }
}
