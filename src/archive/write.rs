//! The members of the archive of given images.
//!
//! The default archive is read by docker 1.10 to 29 with both its stores, podman, skopeo, crane and syft: an OCI layout
//! with `manifest.json` and `repositories`, the four documents first, so that a streaming reader knows early what
//! follows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::docker_archive::manifest_json::{ManifestItem, Repositories};
use super::output::{ArchiveMember, MemberContent};
use crate::image::outgoing::{Listed, Outgoing};
use crate::layout::{BLOBS, INDEX_FILE, LAYOUT_FILE, LAYOUT_VERSION};
use crate::oci::{ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME, Digest, Index, MediaType, go_json};

/// The members of the default archive, in order.
pub fn superset(images: &[Outgoing], mtime: i64) -> Vec<ArchiveMember> {
    let member = |name: &str, bytes: Vec<u8>| ArchiveMember {
        name: name.to_owned(),
        content: MemberContent::Bytes(bytes),
        mtime,
    };
    let mut members = vec![
        member(LAYOUT_FILE, LAYOUT_VERSION.to_vec()),
        member(INDEX_FILE, index(images)),
        member("manifest.json", go_json::to_vec(&items(images))),
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
pub fn oci(images: &[Outgoing], mtime: i64) -> Vec<ArchiveMember> {
    let member = |name: &str, bytes: Vec<u8>| ArchiveMember {
        name: name.to_owned(),
        content: MemberContent::Bytes(bytes),
        mtime,
    };
    let mut members = vec![member(LAYOUT_FILE, LAYOUT_VERSION.to_vec()), member(INDEX_FILE, index(images))];
    members.extend(blobs(images, mtime));
    members
}

fn blob_path(digest: &Digest) -> String {
    format!("{BLOBS}/{}", digest.hex())
}

/// `index.json`: an entry for each name, with the whole name and its tag, as docker and containerd write them.
fn index(images: &[Outgoing]) -> Vec<u8> {
    let mut index = Index::new(MediaType::OCI_INDEX, Vec::new());
    for image in images {
        let mut descriptor = image.descriptor.clone();
        descriptor.leave_store();
        for key in [ANNOTATION_IMAGE_NAME, ANNOTATION_REF_NAME] {
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

/// The images of `manifest.json`; several manifests of one config are one image.
fn items(images: &[Outgoing]) -> Vec<ManifestItem> {
    let mut items: Vec<ManifestItem> = Vec::new();
    let mut places = HashMap::new();
    for listed in images.iter().filter_map(|image| image.listed.as_ref()) {
        places.entry(*listed.config.digest()).or_insert_with(|| {
            let layers = listed.layers.iter().map(|(_, digest)| blob_path(digest)).collect();
            items.push(ManifestItem { config: blob_path(listed.config.digest()), repo_tags: Vec::new(), layers });
            items.len() - 1
        });
    }
    for image in images {
        let Some(place) = image.listed.as_ref().map(|listed| places[listed.config.digest()]) else { continue };
        items[place].repo_tags.extend(image.tagged_names().map(|(name, _)| name.familiar()));
    }
    items
}

/// The names in `repositories`, each with the id that `id` gives its image.
fn repositories(images: &[Outgoing], id: impl Fn(&Listed) -> String) -> Repositories {
    let mut repositories = Repositories::new();
    for (image, listed) in images.iter().filter_map(|image| Some((image, image.listed.as_ref()?))) {
        for (name, tag) in image.tagged_names() {
            let tags = repositories.entry(name.familiar_name()).or_default();
            tags.insert(tag.to_owned(), id(listed));
        }
    }
    repositories
}

fn blobs(images: &[Outgoing], mtime: i64) -> Vec<ArchiveMember> {
    let mut members = BTreeMap::new();
    let mut folders = BTreeSet::new();
    let mut folder = String::new();
    for part in BLOBS.split('/') {
        folder.push_str(part);
        folder.push('/');
        folders.insert(folder.clone());
    }
    for image in images {
        for part in image.parts() {
            members.entry(part.descriptor.digest).or_insert(part);
        }
    }
    let folders = folders.into_iter().map(|name| ArchiveMember { name, content: MemberContent::Folder, mtime });
    let files = members.into_iter().map(|(digest, part)| {
        let content = MemberContent::Part(Box::new(part.clone()));
        ArchiveMember { name: blob_path(&digest), content, mtime }
    });
    folders.chain(files).collect()
}
