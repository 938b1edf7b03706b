//! An image of a registry that is only read: documents are fetched when they are asked for, layers when they are read.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::choice::Choice;
use super::fetched::{self, Failure, Near, PassingBlob, RemoteDocument, RemoteLayer};
use super::{Error, Fetched, Repository};
use crate::image::tree::document;
use crate::image::{
    Blob, BlobSource, Error as ImageError, ImageSource, ImageTree, Inventory, MAX_DESCRIPTORS, MAX_INDEX_DEPTH, Named,
};
use crate::oci::{Descriptor, Digest, Document, Index, Platform, Reference};

/// The most manifests and indexes that are fetched to find the image for a platform: an index that does not say for which
/// platforms its manifests are must not make us fetch thousands.
const MAX_LOOKED_INTO: usize = 100;

/// The image of one name in a registry.
pub struct Remote {
    repository: Repository,
    name: Reference,
    root: Fetched,
    /// The manifests below an index that are read.
    chosen: HashSet<Digest>,
    /// What is nearer; nothing, if all is to come from the registry and to be kept nowhere.
    near: Option<Arc<dyn Near>>,
    /// The layers that were asked for, each once.
    layers: Mutex<HashMap<Digest, RemoteBlob>>,
    failure: Failure,
}

/// A layer, and what fetches it if it is kept.
struct RemoteBlob {
    blob: Blob,
    kept: Option<Arc<RemoteLayer>>,
}

impl Remote {
    /// Fetches the manifest or index of a name, and the indexes in it that are on the way to what is chosen.
    pub fn open(
        repository: &Repository,
        name: &Reference,
        choice: &Choice,
        near: Option<Arc<dyn Near>>,
    ) -> Result<Self, Error> {
        let root = repository.manifest(name)?;
        let descriptor = root.descriptor.clone();
        let mut remote = Self {
            repository: repository.clone(),
            name: name.clone(),
            root,
            chosen: HashSet::new(),
            near,
            layers: Mutex::default(),
            failure: Failure::default(),
        };
        if descriptor.media_type.is_index() {
            let mut found = Vec::new();
            remote.choose(&descriptor, choice, &mut found, 0)?;
            if let (Choice::Is(wanted) | Choice::Fits(wanted), true) = (choice, remote.chosen.is_empty()) {
                let wanted = Box::new(wanted.clone());
                return Err(Error::NoPlatform { name: name.familiar(), wanted, found });
            }
        }
        Ok(remote)
    }

    /// Chooses the descriptors of an index, and of those in it. Adds the platforms that it has to `found`.
    fn choose(
        &mut self,
        index: &Descriptor,
        choice: &Choice,
        found: &mut Vec<Platform>,
        depth: usize,
    ) -> Result<(), Error> {
        let Some(blob) = self.fetch_document(index)? else { return Ok(()) };
        let wrong = |error: ImageError| Error::Answer { what: self.name.familiar(), why: error.to_string() };
        let index: Document<Index> = document("index", index, &blob).map_err(wrong)?;
        let children = &index.value().manifests;
        found
            .extend(children.iter().filter_map(|child| child.platform.clone()).filter(|platform| !platform.is_blank()));
        let chosen = choice.of(children);
        let limit = if *choice == Choice::All { MAX_DESCRIPTORS } else { MAX_LOOKED_INTO };
        if self.chosen.len() + chosen.len() > limit {
            let why = format!("more than {limit} of its manifests would have to be looked into");
            return Err(Error::Answer { what: self.name.familiar(), why });
        }
        for child in chosen {
            let is_new = self.chosen.insert(child.digest);
            if child.media_type.is_index() && is_new && depth < MAX_INDEX_DEPTH {
                self.choose(child, choice, found, depth + 1)?;
            }
        }
        Ok(())
    }

    /// What the name leads to.
    pub fn descriptor(&self) -> &Descriptor {
        &self.root.descriptor
    }

    /// Whether a layer that was asked for would have to be fetched.
    pub fn is_far(&self, digest: &Digest) -> bool {
        let layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        layers.get(digest).is_some_and(|layer| layer.kept.as_ref().is_some_and(|layer| !layer.is_here()))
    }

    /// Fetches a layer that was asked for, if it is neither here nor nearer. `moved` is told how many bytes have come, and
    /// may end it.
    pub fn fetch(&self, digest: &Digest, moved: &dyn Fn(u64) -> io::Result<()>) -> io::Result<()> {
        let layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        let layer = layers.get(digest).and_then(|layer| layer.kept.clone());
        drop(layers);
        layer.map_or(Ok(()), |layer| layer.fetch(moved).map(drop))
    }

    /// The first reason why something could not be fetched, if that says nothing of what the registry has: the network
    /// failed, or the registry refused.
    pub fn failure(&self) -> Option<Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn layer(&self, descriptor: &Descriptor) -> Blob {
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        let known = layers.entry(descriptor.digest).or_insert_with(|| self.new_layer(descriptor));
        known.blob.clone()
    }

    fn new_layer(&self, descriptor: &Descriptor) -> RemoteBlob {
        let (repository, descriptor) = (self.repository.clone(), descriptor.clone());
        let Descriptor { digest, size, .. } = descriptor;
        let Some(near) = self.near.clone() else {
            let passing = PassingBlob { repository, descriptor, failure: Arc::clone(&self.failure) };
            return RemoteBlob { blob: Blob::stream(Arc::new(passing), size), kept: None };
        };
        if RemoteDocument::is_one(&descriptor) {
            let document = RemoteDocument { repository, descriptor, bytes: Mutex::default() };
            return RemoteBlob { blob: Blob::stream(Arc::new(document), size), kept: None };
        }
        let layer = Arc::new(RemoteLayer { repository, descriptor, near, file: Mutex::default() });
        let file = Arc::clone(&layer);
        RemoteBlob { blob: Blob::named(digest, size, file), kept: Some(layer) }
    }

    fn is_read(&self, digest: &Digest) -> bool {
        *digest == self.root.descriptor.digest || self.chosen.contains(digest)
    }

    fn fetch_document(&self, descriptor: &Descriptor) -> Result<Option<Blob>, Error> {
        if descriptor.digest == self.root.descriptor.digest {
            return Ok(Some(Blob::bytes(self.root.bytes.clone())));
        }
        match self.repository.manifest_of(&descriptor.digest) {
            Ok(fetched) => Ok(Some(Blob::bytes(fetched.bytes))),
            Err(Error::NoManifest { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl BlobSource for Remote {
    fn open_blob(&self, descriptor: &Descriptor) -> Result<Option<Blob>, ImageError> {
        let is_document = descriptor.media_type.is_manifest() || descriptor.media_type.is_index();
        if is_document && !self.is_read(&descriptor.digest) {
            return Ok(None);
        }
        if let Some(blob) = self.near.as_ref().and_then(|near| near.blob(descriptor)) {
            return Ok(Some(blob));
        }
        if !is_document {
            return Ok(Some(self.layer(descriptor)));
        }
        self.fetch_document(descriptor).map_err(|error| {
            let what = format!("{}@{}", self.name.familiar_name(), descriptor.digest);
            ImageError::Io { what, source: io::Error::other(fetched::noted(&self.failure, error)) }
        })
    }
}

impl ImageSource for Remote {
    type Error = ImageError;

    fn inventory(&self) -> Result<Inventory, ImageError> {
        let descriptor = self.root.descriptor.clone();
        let tree = ImageTree::read(self, &descriptor)?;
        Ok(Inventory::of(vec![Named { names: vec![self.name.clone()], descriptor: Some(descriptor), tree }]))
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("name", &self.name.familiar()).finish_non_exhaustive()
    }
}
