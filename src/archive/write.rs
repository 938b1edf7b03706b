//! What the members of an archive are, for images that are to be written.
//!
//! The default archive is read by docker 1.10 to 29 with both its stores, podman, skopeo, crane and syft: an OCI layout
//! with `manifest.json` and `repositories`, the four documents first so that who reads a stream knows early what comes.

use std::collections::{BTreeMap, BTreeSet};

use super::docker_archive::manifest_json::{Item, Repositories};
use super::output::{Content, Member};
use crate::layout::{BLOBS, INDEX_FILE, LAYOUT_FILE, LAYOUT_VERSION};
use crate::oci::{
    ANNOTATION_IMAGE_NAME, ANNOTATION_PARENT, ANNOTATION_REF_NAME, Descriptor, DiffId, Digest, Document, ImageConfig,
    Index, MediaType, Reference, go_json,
};

/// An image, ready to be written.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Its names; none if it was asked for by id.
    pub names: Vec<Reference>,
    /// The manifest or index that `index.json` will name.
    pub descriptor: Descriptor,
    /// All blobs that the descriptor leads to, itself among them.
    pub blobs: BTreeMap<Digest, Content>,
    /// The one image that `manifest.json` will list; of several platforms the one that suits the host.
    pub listed: Listed,
}

/// An image as `manifest.json` lists it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its config.
    pub config: Document<ImageConfig>,
    /// The blobs of its layers, bottom first, with their diff ids.
    pub layers: Vec<(DiffId, Digest)>,
}

/// The members of the default archive, in order.
pub fn superset(images: &[Prepared], mtime: i64) -> Vec<Member> {
    let member = |name: &str, bytes: Vec<u8>| Member { name: name.to_owned(), content: Content::Bytes(bytes), mtime };
    let mut members = vec![
        member(LAYOUT_FILE, LAYOUT_VERSION.to_vec()),
        member(INDEX_FILE, index(images)),
        member("manifest.json", go_json::to_vec(&items(images, blob_path))),
    ];
    let repositories = repositories(images, |listed| match listed.layers.last() {
        Some((diff_id, _)) => diff_id.digest().hex(),
        None => listed.config.digest().hex(),
    });
    if !repositories.is_empty() {
        members.push(member("repositories", go_json::to_vec(&repositories)));
    }
    members.extend(blobs(images, mtime));
    members
}

/// The members of an OCI archive, in order.
pub fn oci(images: &[Prepared], mtime: i64) -> Vec<Member> {
    let member = |name: &str, bytes: Vec<u8>| Member { name: name.to_owned(), content: Content::Bytes(bytes), mtime };
    let mut members = vec![member(LAYOUT_FILE, LAYOUT_VERSION.to_vec()), member(INDEX_FILE, index(images))];
    members.extend(blobs(images, mtime));
    members
}

fn blob_path(digest: &Digest) -> String {
    format!("{BLOBS}/{}", digest.hex())
}

/// `index.json`: an entry for each name, with the whole name and its tag, as docker and containerd write them.
fn index(images: &[Prepared]) -> Vec<u8> {
    let mut index = Index::new(MediaType::OCI_INDEX, Vec::new());
    for image in images {
        let mut descriptor = image.descriptor.clone();
        for key in [ANNOTATION_IMAGE_NAME, ANNOTATION_PARENT, ANNOTATION_REF_NAME, ANNOTATION_PARENT] {
            descriptor.annotations.remove(key);
        }
        if image.names.is_empty() {
            index.manifests.push(descriptor);
            continue;
        }
        for name in &image.names {
            let mut named = descriptor.clone();
            named.annotations.insert(ANNOTATION_IMAGE_NAME.to_owned(), name.canonical());
            if let Some(tag) = name.tag() {
                named.annotations.insert(ANNOTATION_REF_NAME.to_owned(), tag.to_owned());
            }
            index.manifests.push(named);
        }
    }
    go_json::to_vec(&index)
}

/// The images of `manifest.json`; one that has several manifests is still one image.
pub(super) fn items(images: &[Prepared], layer_path: impl Fn(&Digest) -> String) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for image in images {
        let config = blob_path(image.listed.config.digest());
        let tags = || image.names.iter().map(Reference::familiar);
        if let Some(item) = items.iter_mut().find(|item| item.config == config) {
            item.repo_tags.extend(tags());
            continue;
        }
        let layers = image.listed.layers.iter().map(|(_, digest)| layer_path(digest)).collect();
        items.push(Item { config, repo_tags: tags().collect(), layers });
    }
    items
}

/// The names in `repositories`, each with the id that `id` gives its image.
pub(super) fn repositories(images: &[Prepared], id: impl Fn(&Listed) -> String) -> Repositories {
    let mut repositories = Repositories::new();
    for image in images {
        for name in &image.names {
            if let Some(tag) = name.tag() {
                let tags = repositories.entry(name.familiar_name()).or_default();
                tags.insert(tag.to_owned(), id(&image.listed));
            }
        }
    }
    repositories
}

fn blobs(images: &[Prepared], mtime: i64) -> Vec<Member> {
    let mut members = BTreeMap::new();
    let mut folders = BTreeSet::new();
    let mut folder = String::new();
    for part in BLOBS.split('/') {
        folder.push_str(part);
        folder.push('/');
        folders.insert(folder.clone());
    }
    for image in images {
        for (digest, content) in &image.blobs {
            members.entry(*digest).or_insert_with(|| content.clone());
        }
    }
    let folders = folders.into_iter().map(|name| Member { name, content: Content::Folder, mtime });
    let files = members.into_iter().map(|(digest, content)| Member { name: blob_path(&digest), content, mtime });
    folders.chain(files).collect()
}
