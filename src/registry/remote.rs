//! An image of a registry that is only read: documents are fetched when they are asked for, layers when they are read.

use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use super::{BlobStream, Error, Fetched, Repository, manifest};
use crate::image::tree::document;
use crate::image::{
    Blob, BlobSource, Error as ImageError, ImageSource, ImageTree, Inventory, MAX_DESCRIPTORS, MAX_INDEX_DEPTH, Named,
    Reopen,
};
use crate::oci::{ANNOTATION_DOCKER_REFERENCE_TYPE, Descriptor, Digest, Document, Hasher, Index, Platform, Reference};

/// The most manifests and indexes that are fetched to find the image for a platform: an index that does not say for which
/// platforms its manifests are must not make us fetch thousands.
const MAX_LOOKED_INTO: usize = 100;

/// Gives blobs that are nearer than the registry.
pub type Nearer = dyn Fn(&Descriptor) -> Option<Blob> + Send + Sync;

/// Which images of an index are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// All.
    All,
    /// The one that suits a platform best, else the first.
    Suits(Platform),
    /// The one that suits a platform best. That there is none is an error.
    Fits(Platform),
    /// The one for exactly that platform. That there is none is an error.
    Is(Platform),
}

impl Choice {
    /// The descriptors to follow.
    pub fn of<'a>(&self, children: &'a [Descriptor]) -> Vec<&'a Descriptor> {
        let is_image = |child: &&Descriptor| child.annotation(ANNOTATION_DOCKER_REFERENCE_TYPE).is_none();
        let of_platform = |child: &'a Descriptor| Some((child, child.platform.as_ref()?));
        let known = || children.iter().filter(is_image).filter_map(of_platform);
        let best = match self {
            Self::All => return children.iter().collect(),
            Self::Suits(wanted) | Self::Fits(wanted) => {
                let ranked = known().filter_map(|(child, platform)| Some((wanted.rank(platform)?, child)));
                ranked.min_by_key(|(rank, _)| *rank).map(|(_, child)| child)
            }
            Self::Is(wanted) => {
                let exact = known().filter(|(_, platform)| wanted.matches(platform));
                exact.min_by_key(|(_, platform)| wanted.unasked_features(platform)).map(|(child, _)| child)
            }
        };
        if let Some(best) = best {
            return vec![best];
        }
        // What has no platform has to be looked into.
        let unknown: Vec<&Descriptor> =
            children.iter().filter(is_image).filter(|child| child.platform.is_none()).collect();
        match self {
            Self::Suits(_) if unknown.is_empty() => children.iter().find(is_image).into_iter().collect(),
            _ => unknown,
        }
    }
}

/// The image of one name in a registry.
pub struct Remote {
    repository: Repository,
    name: Reference,
    root: Fetched,
    /// The manifests below an index that are read.
    chosen: HashSet<Digest>,
    nearer: Arc<Nearer>,
}

impl Remote {
    /// Fetches the manifest or index of a name, and the indexes in it that are on the way to what is chosen.
    pub fn open(
        repository: &Repository,
        name: &Reference,
        choice: &Choice,
        nearer: Arc<Nearer>,
    ) -> Result<Self, Error> {
        let root = repository.manifest(name)?;
        let descriptor = root.descriptor.clone();
        let mut remote =
            Self { repository: repository.clone(), name: name.clone(), root, chosen: HashSet::new(), nearer };
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
        if let Some(blob) = (self.nearer)(descriptor) {
            return Ok(Some(blob));
        }
        if is_document {
            let what = || format!("{}@{}", self.name.familiar_name(), descriptor.digest);
            return self
                .fetch_document(descriptor)
                .map_err(|error| ImageError::Io { what: what(), source: io::Error::other(error) });
        }
        let layer = RemoteBlob {
            repository: self.repository.clone(),
            descriptor: descriptor.clone(),
            fetched: Mutex::default(),
        };
        Ok(Some(Blob::stream(Arc::new(layer), descriptor.size)))
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

/// A blob that is fetched when it is first read, and read from there again: a document from memory, a layer from a file
/// without a name.
struct RemoteBlob {
    repository: Repository,
    descriptor: Descriptor,
    fetched: Mutex<Option<Blob>>,
}

impl Reopen for RemoteBlob {
    fn reopen(&self) -> io::Result<Box<dyn Read + Send>> {
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let blob = match &*fetched {
            Some(blob) => blob.clone(),
            None => fetched.insert(self.fetch()?).clone(),
        };
        drop(fetched);
        Ok(Box::new(blob.open()?))
    }

    fn pass_on(&self, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        let fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match fetched {
            Some(blob) => Ok(Box::new(blob.pass_on(offset)?)),
            None => self.stream(offset),
        }
    }
}

impl RemoteBlob {
    /// Streams the bytes. Those from the beginning on are verified at their end.
    fn stream(&self, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        let stream = self.repository.blob(&self.descriptor, offset).map_err(io::Error::other)?;
        if offset > 0 {
            return Ok(Box::new(stream));
        }
        let name = self.shown();
        Ok(Box::new(VerifiedStream { stream, expected: self.descriptor.clone(), hasher: Hasher::new(), at: 0, name }))
    }

    fn shown(&self) -> String {
        format!("{}: blob of {} bytes", self.repository.name().familiar(), self.descriptor.size)
    }

    /// Fetches the blob, and once more if it is not what it should be.
    fn fetch(&self) -> io::Result<Blob> {
        let (blob, actual) = self.fetch_once()?;
        if actual == self.descriptor.digest {
            return Ok(blob);
        }
        let (blob, actual) = self.fetch_once()?;
        if actual == self.descriptor.digest {
            return Ok(blob);
        }
        Err(io::Error::other(Error::Digest { name: self.shown(), expected: self.descriptor.digest, actual }))
    }

    fn fetch_once(&self) -> io::Result<(Blob, Digest)> {
        let Descriptor { size, media_type, .. } = &self.descriptor;
        let mut stream = self.repository.blob(&self.descriptor, 0).map_err(io::Error::other)?;
        if !media_type.is_layer() && *size <= manifest::LIMIT {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes)?;
            let actual = Digest::of(&bytes);
            return Ok((Blob::bytes(bytes), actual));
        }
        let mut hashed = HashedWriter { inner: tempfile::tempfile()?, hasher: Hasher::new() };
        io::copy(&mut stream, &mut hashed)?;
        Ok((Blob::range(Arc::new(hashed.inner), 0, *size), hashed.hasher.finish()))
    }
}

/// A stream of a whole blob. If it is another blob, the end of it is an error and is not passed on.
struct VerifiedStream {
    stream: BlobStream,
    expected: Descriptor,
    hasher: Hasher,
    at: u64,
    name: String,
}

impl Read for VerifiedStream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.stream.read(into)?;
        self.hasher.update(&into[..got]);
        self.at += got as u64;
        if got > 0 && self.at == self.expected.size {
            let (expected, actual) = (self.expected.digest, self.hasher.clone().finish());
            if actual != expected {
                return Err(io::Error::other(Error::Digest { name: self.name.clone(), expected, actual }));
            }
        }
        Ok(got)
    }
}

/// Hashes what is written.
struct HashedWriter<W> {
    inner: W,
    hasher: Hasher,
}

impl<W: io::Write> io::Write for HashedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
