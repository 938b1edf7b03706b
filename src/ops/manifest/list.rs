//! A manifest list in the store.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use crate::go::json;
use crate::image::{self, ImageTree};
use crate::oci::{
    ANNOTATION_SOURCES, Annotations, Descriptor, Digest, Document, Index, MediaType, Platform, REGISTRY_PREFIX,
    Reference,
};
use crate::ops::manifest_error::ManifestError;
use crate::ops::remove::{self, remove};
use crate::ops::{Context, Error, naming};
use crate::store::{Catalog, Quarantine};

/// The images of a list, and from where they came.
#[derive(Debug, Clone, Default)]
pub(super) struct List {
    pub(super) entries: Vec<Descriptor>,
    pub(super) sources: Sources,
}

impl List {
    /// Adds an image; one of that digest is replaced.
    pub(super) fn put(&mut self, entry: Descriptor, source: Option<Source>) {
        if let Some(source) = source {
            self.sources.0.insert(entry.digest, source);
        }
        match self.entries.iter_mut().find(|known| known.digest == entry.digest) {
            Some(known) => *known = entry,
            None => self.entries.push(entry),
        }
    }

    pub(super) fn has(&self, digest: &Digest) -> bool {
        self.entries.iter().any(|entry| entry.digest == *digest)
    }
}

/// From where an image of a list came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// The name under which it was added.
    pub(super) name: Reference,
    /// Whether it came from a registry, without its layers.
    pub(super) is_far: bool,
}

/// From where the images of a list came. The store's index holds that beside the name of the list, so that it is no part
/// of what is pushed.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources(BTreeMap<Digest, Source>);

impl Sources {
    pub(super) fn of(list: &Descriptor) -> Self {
        let written = list.annotation(ANNOTATION_SOURCES).and_then(|text| serde_json::from_str(text).ok());
        let written: BTreeMap<String, String> = written.unwrap_or_default();
        let source = |text: &str| {
            let name = text.strip_prefix(REGISTRY_PREFIX);
            Some(Source { name: name.unwrap_or(text).parse().ok()?, is_far: name.is_some() })
        };
        Self(written.iter().filter_map(|(digest, text)| Some((digest.parse().ok()?, source(text)?))).collect())
    }

    pub(super) fn get(&self, digest: &Digest) -> Option<&Source> {
        self.0.get(digest)
    }

    /// As it stands in the store's index: those of the images that the list has.
    fn written(&self, list: &List) -> Option<String> {
        let text = |source: &Source| {
            let prefix = if source.is_far { REGISTRY_PREFIX } else { "" };
            format!("{prefix}{}", source.name.canonical())
        };
        let known = self.0.iter().filter(|(digest, _)| list.has(digest));
        let known: BTreeMap<_, _> = known.map(|(digest, source)| (digest.to_string(), text(source))).collect();
        if known.is_empty() { None } else { Some(json::to_string(&known)) }
    }
}

/// Removes a list. Its images stay.
pub fn forget(context: &Context, list: &str) -> Result<(), Error> {
    let name = list_name(list)?;
    existing(context, &*context.store.catalog()?, &name)?.ok_or_else(|| ManifestError::NoList(name.canonical()))?;
    remove(context, &[name.canonical()], remove::RemoveOptions::default())?
        .into_iter()
        .try_for_each(|done| done.map(drop))
}

/// The name of a list as it was typed.
pub(super) fn list_name(typed: &str) -> Result<Reference, Error> {
    naming::checked(typed.parse()?)
}

/// The list of that name, if there is one.
pub(super) fn existing(context: &Context, catalog: &Catalog, name: &Reference) -> Result<Option<List>, Error> {
    let Some(entry) = catalog.find(name) else { return Ok(None) };
    match context.store.tree(entry)? {
        ImageTree::Index { document, .. } => {
            let (entries, sources) = (document.value().manifests.clone(), Sources::of(&entry.descriptor));
            Ok(Some(List { entries, sources }))
        }
        _ => Err(ManifestError::NotAList(name.familiar()).into()),
    }
}

/// Points `name` to the list that `edit` makes.
pub(super) fn change(
    context: &Context,
    name: &Reference,
    edit: impl FnOnce(&Catalog, &Quarantine) -> Result<List, Error>,
) -> Result<(), Error> {
    let quarantine = Quarantine::new(&context.store, context.limits.clone())?;
    let catalog = context.store.catalog()?;
    let before = catalog.find(name).map(|entry| entry.descriptor.clone());
    let mut list = edit(&catalog, &quarantine)?;
    list.entries.sort_by_key(|entry| list.sources.get(&entry.digest).map(|source| dockers_file(&source.name)));
    let document = document(&list.entries).map_err(|source| Error::Image { name: name.familiar(), source: *source })?;
    let media_type = document.value().media_type.clone().unwrap_or(MediaType::OCI_INDEX);
    let mut descriptor = document.descriptor(media_type);
    let sources = list.sources.written(&list).map(|written| (ANNOTATION_SOURCES.to_owned(), written));
    descriptor.annotations.extend(sources);
    quarantine.count_on(needs(context, &catalog, &list))?;
    quarantine.keep_bytes(document.bytes())?;
    quarantine.publish(|catalog| {
        if catalog.find(name).map(|entry| entry.descriptor.clone()) != before {
            return Err(Error::from(ManifestError::Changed(name.canonical())));
        }
        if before.is_some_and(|before| before.digest == descriptor.digest) {
            // The list is the same, what is known of it may be new.
            catalog.untag_all(std::slice::from_ref(name));
        }
        catalog.tag(name, &descriptor, true);
        Ok(())
    })?
}

/// What the store has of the images of a list: it must not go before the list is there.
fn needs(context: &Context, catalog: &Catalog, list: &List) -> HashSet<Digest> {
    let mut needed: HashSet<Digest> = list.entries.iter().map(|entry| entry.digest).collect();
    for entry in catalog.entries() {
        let Ok(tree) = context.store.documents(entry) else { continue };
        if list.has(&entry.descriptor.digest) {
            tree.collect_digests(&mut needed);
        }
        if let ImageTree::Index { children, .. } = &tree {
            let own = children.iter().filter(|child| list.has(&child.descriptor.digest));
            own.for_each(|child| child.tree.collect_digests(&mut needed));
        }
    }
    needed.retain(|digest| context.store.has_blob(digest));
    needed
}

/// The file in which docker's client keeps an image of a list; its lists are in the order of these files.
fn dockers_file(source: &Reference) -> String {
    source.canonical().replace(':', "-").replace('/', "_")
}

/// The list as docker's client writes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    schema_version: u32,
    media_type: MediaType,
    manifests: Vec<WrittenEntry<'a>>,
}

/// An entry, its fields in the order of docker's client. What docker does not know comes behind them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenEntry<'a> {
    media_type: &'a MediaType,
    size: u64,
    digest: &'a Digest,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    urls: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a Annotations,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<&'a Platform>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a MediaType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a str>,
    #[serde(flatten)]
    other: &'a serde_json::Map<String, serde_json::Value>,
}

/// The bytes that docker's client pushes for a list of these images: an index if the first has a manifest of the
/// specification's, else a list of docker's.
fn document(entries: &[Descriptor]) -> Result<Document<Index>, Box<image::Error>> {
    let is_oci = entries.first().is_some_and(|first| first.media_type == MediaType::OCI_MANIFEST);
    let written = Written {
        schema_version: 2,
        media_type: if is_oci { MediaType::OCI_INDEX } else { MediaType::DOCKER_MANIFEST_LIST },
        manifests: entries.iter().map(written_entry).collect(),
    };
    let bytes = json::to_vec_indent(&written, "   ");
    let digest = Digest::of(&bytes);
    Document::parse(bytes).map_err(|source| Box::new(image::Error::Document { what: "index", digest, source }))
}

fn written_entry(entry: &Descriptor) -> WrittenEntry<'_> {
    WrittenEntry {
        media_type: &entry.media_type,
        size: entry.size,
        digest: &entry.digest,
        urls: &entry.urls,
        annotations: &entry.annotations,
        platform: entry.platform.as_ref(),
        artifact_type: entry.artifact_type.as_ref(),
        data: entry.data.as_deref(),
        other: &entry.other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::sample;

    #[test]
    fn a_list_that_somebody_else_changes_meanwhile() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let context = sample::context(folder.path());
        let name = list_name("fx/list:1").expect("a name");
        let entry = |text: &[u8]| Descriptor::new(MediaType::OCI_MANIFEST, Digest::of(text), 1);
        let of = |text| {
            let mut list = List::default();
            list.put(entry(text), None);
            Ok(list)
        };
        change(&context, &name, |_, _| of(b"one")).expect("it is new");
        let wrong = change(&context, &name, |_, _| {
            change(&context, &name, |_, _| of(b"two")).expect("nobody else does");
            of(b"three")
        });
        assert!(matches!(wrong, Err(Error::Manifest(ManifestError::Changed(_)))), "{wrong:?}");
        let catalog = context.store.catalog().expect("it is there");
        let list = existing(&context, &catalog, &name).expect("it can be read").expect("it is there");
        assert!(list.has(&Digest::of(b"two")) && list.entries.len() == 1, "what the other did stays");
    }
}
