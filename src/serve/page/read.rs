//! What the page shows of manifests, read from the store.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::image::BlobSource as _;
use crate::oci::strict::MAX_DOCUMENT;
use crate::oci::{Created, Descriptor, Digest, Document, ImageConfig, Index, Manifest, Platform};
use crate::serve::any_digest::AnyDigest;
use crate::serve::manifest::Need;
use crate::serve::route::Target;
use crate::serve::server::Server;
use crate::serve::shelf::Repository;

/// How many manifests of an index are looked at.
const MAX_PLATFORMS: usize = 100;

/// A manifest in one line.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// The platforms, or what kind of artifact it is.
    pub(super) kinds: Vec<String>,
    pub(super) created: Option<Timestamp>,
    /// The bytes of all that it needs and that is here.
    pub(super) size: u64,
}

/// The document behind a descriptor.
pub(super) enum Content {
    Index(Document<Index>),
    Manifest(Document<Manifest>),
    /// A kind that is not known here, or one that is broken.
    Other(Vec<u8>),
    Missing,
}

/// The manifest that a tag or a digest names.
pub(super) fn find(server: &Server, repository: &Repository, target: &Target) -> Option<Descriptor> {
    match target {
        Target::Tag(tag) => repository.tags.get(tag).cloned(),
        Target::Digest(AnyDigest::Sha256(digest)) => server.shelves.reach(repository).manifests.get(digest).cloned(),
        Target::Digest(AnyDigest::Sha512(_)) => None,
    }
}

/// The bytes of a document, if they are here.
pub(super) fn bytes(server: &Server, descriptor: &Descriptor) -> Option<Vec<u8>> {
    server.store().open_blob(descriptor).ok()??.read_all(MAX_DOCUMENT as u64).ok()
}

/// The document behind a descriptor.
pub(super) fn content(server: &Server, descriptor: &Descriptor) -> Content {
    let Some(bytes) = bytes(server, descriptor) else { return Content::Missing };
    let is_index = descriptor.media_type.is_index();
    match (is_index, descriptor.media_type.is_manifest()) {
        (true, _) => Document::parse(bytes.clone()).map_or(Content::Other(bytes), Content::Index),
        (_, true) => Document::parse(bytes.clone()).map_or(Content::Other(bytes), Content::Manifest),
        _ => Content::Other(bytes),
    }
}

/// The config of a manifest, if that is an image.
pub(super) fn config(server: &Server, manifest: &Manifest) -> Option<Document<ImageConfig>> {
    if !manifest.config.media_type.is_image_config() {
        return None;
    }
    Document::parse(bytes(server, &manifest.config)?).ok()
}

/// Whether an entry of an index is an image, and no attestation about one.
pub(super) fn is_image(entry: &Descriptor) -> bool {
    entry.platform.as_ref().is_none_or(|platform| platform.os != "unknown")
        && entry.annotation("vnd.docker.reference.type").is_none()
}

/// When something was made, if that is known.
pub(super) fn moment(created: Option<&Created>) -> Option<Timestamp> {
    created.filter(|created| !created.is_go_zero()).map(Created::timestamp)
}

/// A manifest in one line.
pub(super) fn summary(server: &Server, descriptor: &Descriptor) -> Summary {
    let mut blobs = HashMap::new();
    let mut summary = Summary::default();
    match content(server, descriptor) {
        Content::Index(index) => {
            let images = index.value().manifests.iter().filter(|entry| is_image(entry)).take(MAX_PLATFORMS);
            for entry in images {
                let below = one(server, entry, &mut blobs);
                let platform = entry.platform.as_ref().filter(|platform| !platform.is_blank());
                summary.kinds.extend(platform.map(Platform::to_string).or_else(|| below.kinds.into_iter().next()));
                summary.created = summary.created.max(below.created);
            }
            if summary.kinds.is_empty() {
                summary.kinds.push("index".to_owned());
            }
        }
        _ => summary = one(server, descriptor, &mut blobs),
    }
    summary.size = blobs.values().sum();
    summary
}

/// A manifest that is no index; what it needs is added to `blobs`.
fn one(server: &Server, descriptor: &Descriptor, blobs: &mut HashMap<String, u64>) -> Summary {
    let Some(parts) = server.shelves.parts(descriptor) else { return Summary::default() };
    let here = |need: &&Need| !need.is_elsewhere;
    blobs.extend(parts.blobs.iter().filter(here).map(|need| (need.digest.to_string(), need.size)));
    let config = match content(server, descriptor) {
        Content::Manifest(manifest) => config(server, manifest.value()),
        _ => None,
    };
    let Some(config) = config else {
        let kind = parts.artifact_type.as_ref().map_or("unknown", |kind| kind.as_str());
        return Summary { kinds: vec![kind.to_owned()], ..Summary::default() };
    };
    let config = config.value();
    Summary { kinds: vec![config.platform().to_string()], created: moment(config.created.as_ref()), size: 0 }
}

/// The manifests to which neither a tag nor another manifest leads, in the order of their digests.
pub(super) fn untagged(server: &Server, repository: &Repository) -> Vec<Descriptor> {
    let reach = server.shelves.reach(repository);
    let mut led_to: HashSet<Digest> = repository.tags.values().map(|descriptor| descriptor.digest).collect();
    for descriptor in reach.manifests.values() {
        if let Some(parts) = server.shelves.parts(descriptor) {
            led_to.extend(parts.manifests.iter().filter_map(|need| match need.digest {
                AnyDigest::Sha256(digest) => Some(digest),
                AnyDigest::Sha512(_) => None,
            }));
        }
    }
    led_to.extend(reach.referrers.values().flatten());
    let mut rest: Vec<Descriptor> =
        reach.manifests.values().filter(|descriptor| !led_to.contains(&descriptor.digest)).cloned().collect();
    rest.sort_by_key(|descriptor| descriptor.digest.to_string());
    rest
}
