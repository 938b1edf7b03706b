//! What manifests of any kind are linked to, read without asking whether they are images.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use serde_json::Value;

use super::{Error, Store};
use crate::image::{Blob, BlobSource as _, MAX_INDEX_DEPTH, collect_from_unknown};
use crate::oci::strict::MAX_DOCUMENT;
use crate::oci::{Descriptor, Digest, MediaType};

/// What one manifest is linked to.
#[derive(Debug, Default)]
pub(super) struct Link {
    /// The manifests of an index.
    pub(super) manifests: Vec<Descriptor>,
    /// What it is about.
    pub(super) subject: Option<Digest>,
    /// All digests in it but that of its subject.
    pub(super) mentioned: HashSet<Digest>,
}

/// What manifests are linked to, remembered: their bytes never change.
#[derive(Debug, Default)]
pub struct Links(Mutex<HashMap<Digest, Arc<Link>>>);

/// How many manifests are remembered.
const MAX_KNOWN: usize = 20_000;

impl Links {
    /// What a blob is linked to; nothing if it is no JSON, none if it is not there. It is an error if it has other
    /// content than its digest says.
    pub(super) fn of(&self, store: &Store, digest: &Digest) -> Result<Option<Arc<Link>>, Error> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(digest) {
            // It may have been deleted since.
            return Ok(store.has_blob(digest).then(|| Arc::clone(known)));
        }
        let image_error = |source| Error::Image { name: digest.to_string(), source };
        let blob = store.open_blob(&Descriptor::new(MediaType::default(), *digest, 0)).map_err(image_error)?;
        let Some(blob) = blob else { return Ok(None) };
        // No manifest is larger.
        let link = if blob.size() > MAX_DOCUMENT as u64 { Link::default() } else { read(store, digest, &blob)? };
        let link = Arc::new(link);
        let mut known = lock();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(*digest, Arc::clone(&link));
        Ok(Some(link))
    }

    /// Adds manifests and all that are below them, present or not.
    pub(super) fn below(
        &self,
        store: &Store,
        roots: impl IntoIterator<Item = Digest>,
        into: &mut HashSet<Digest>,
    ) -> Result<(), Error> {
        let mut rest: Vec<Digest> = roots.into_iter().collect();
        while let Some(digest) = rest.pop() {
            if into.insert(digest)
                && let Some(link) = self.of(store, &digest)?
            {
                rest.extend(link.manifests.iter().map(|child| child.digest));
            }
        }
        Ok(())
    }
}

fn read(store: &Store, digest: &Digest, blob: &Blob) -> Result<Link, Error> {
    let bytes = blob.read_all(MAX_DOCUMENT as u64).map_err(Error::io(store.root()))?;
    let actual = Digest::of(&bytes);
    if actual != *digest {
        return Err(Error::Digest { expected: *digest, actual });
    }
    let mut link = Link::default();
    parse(store, bytes, 0, &mut link)?;
    Ok(link)
}

fn parse(store: &Store, bytes: Vec<u8>, depth: usize, link: &mut Link) -> Result<(), Error> {
    let Ok(value) = serde_json::from_slice::<Value>(&bytes) else { return Ok(()) };
    collect_from_unknown(&Blob::bytes(bytes), &mut link.mentioned);
    if depth == 0 {
        link.subject = named(store, &value["subject"])?;
    }
    for child in value["manifests"].as_array().into_iter().flatten() {
        let Some(digest) = named(store, child)? else { continue };
        let kind = child["mediaType"].as_str().unwrap_or_default().to_owned();
        let size = child["size"].as_u64().unwrap_or_default();
        link.manifests.push(Descriptor::new(MediaType::from(kind), digest, size));
        // A manifest that is embedded need not be in the store, but what it needs may be.
        let embedded = child["data"].as_str().filter(|_| depth < MAX_INDEX_DEPTH);
        if let Some(Ok(bytes)) = embedded.map(|data| base64::engine::general_purpose::STANDARD.decode(data)) {
            parse(store, bytes, depth + 1, link)?;
        }
    }
    Ok(())
}

/// The blob of a descriptor, which may name it by SHA-512.
fn named(store: &Store, descriptor: &Value) -> Result<Option<Digest>, Error> {
    let Some(text) = descriptor["digest"].as_str() else { return Ok(None) };
    match text.strip_prefix("sha512:") {
        Some(hex) => store.alias(hex),
        None => Ok(text.parse().ok()),
    }
}
