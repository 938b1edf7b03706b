//! `save`: images go out into an archive.
//!
//! Nothing is copied beforehand: the members of the archive are planned from what is known of the blobs, then written
//! from where they are. Only layers that are to be compressed are read twice, because a digest has to be known before
//! the first byte is written.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::size::compression;
use super::{Context, Error, Found};
use crate::archive::docker_archive;
use crate::archive::output::{Content, Member, Recode};
use crate::archive::write::{self, Listed, Prepared};
use crate::image::{Blob, Child, Image, Layer, Progress, Tree, copy};
use crate::layer::Compression;
use crate::oci::{Descriptor, Digest, Document, Manifest, MediaType, Platform};

/// The forms that an archive can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// What docker 25 and later write, which everybody reads.
    #[default]
    Docker,
    /// What docker 1.10 to 24 wrote.
    DockerLegacy,
    /// An OCI archive, its manifests and layers as they are stored.
    Oci,
}

/// What the person who saves wants.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The form of the archive.
    pub format: Format,
    /// How layers are compressed; by default not at all, and in OCI archives as they are.
    pub compress: Option<Recode>,
    /// Only this platform.
    pub platform: Option<Platform>,
    /// The time of all members, in seconds since 1970.
    pub mtime: i64,
}

/// Plans an archive of the images that were typed: its members, ready to be written.
pub fn plan(
    context: &Context,
    typed: &[String],
    options: &Options,
    progress: &dyn Progress,
) -> Result<Vec<Member>, Error> {
    let mut found: Vec<Found> = Vec::new();
    for typed in typed {
        for image in context.find_all(typed)? {
            add(&mut found, image);
        }
    }
    let mut prepared = Vec::with_capacity(found.len());
    for found in &found {
        prepared.push(Preparer { context, options, progress }.prepare(found)?);
    }
    Ok(match options.format {
        Format::Docker => write::superset(&prepared, options.mtime),
        Format::Oci => write::oci(&prepared, options.mtime),
        Format::DockerLegacy => docker_archive::write::members(&prepared, options.mtime).map_err(Error::Form)?,
    })
}

/// An image that was asked for twice is written once, with all the names under which it was asked for.
fn add(found: &mut Vec<Found>, new: Found) {
    let digest = |found: &Found| found.descriptor.as_ref().map(|descriptor| descriptor.digest);
    match found.iter_mut().find(|known| digest(known).is_some() && digest(known) == digest(&new)) {
        Some(known) => {
            let fresh = new.names.into_iter().filter(|name| !known.names.contains(name)).collect::<Vec<_>>();
            known.names.extend(fresh);
        }
        None => found.push(new),
    }
}

struct Preparer<'a> {
    context: &'a Context,
    options: &'a Options,
    progress: &'a dyn Progress,
}

impl Preparer<'_> {
    fn prepare(&self, found: &Found) -> Result<Prepared, Error> {
        let platform = self.options.platform.as_ref();
        let image = found.image(platform, &self.context.host)?;
        self.check_complete(image, found)?;
        match (&found.tree, &found.descriptor) {
            (Tree::Index { .. }, Some(descriptor))
                if platform.is_none() && self.options.format != Format::DockerLegacy =>
            {
                self.prepare_index(found, descriptor, image)
            }
            _ => self.prepare_image(found, image),
        }
    }

    fn check_complete(&self, image: &Image, found: &Found) -> Result<(), Error> {
        let layers: Vec<String> = image.missing_layers().iter().map(ToString::to_string).collect();
        if layers.is_empty() { Ok(()) } else { Err(Error::MissingLayers { image: found.shown(), layers }) }
    }

    fn prepare_image(&self, found: &Found, image: &Image) -> Result<Prepared, Error> {
        let mut layers = Vec::with_capacity(image.layers.len());
        for (layer, ready) in image.layers.iter().zip(self.recode_all(found, image)?) {
            layers.push((layer.diff_id, ready));
        }
        let described = |(layer, ready): (&Layer, &Ready)| {
            layer.descriptor.as_ref().is_some_and(|descriptor| descriptor.digest == ready.descriptor.digest)
        };
        let manifest = match &image.manifest {
            Some(manifest) if image.layers.iter().zip(layers.iter().map(|(_, ready)| ready)).all(described) => {
                manifest.clone()
            }
            _ => {
                let descriptors = layers.iter().map(|(_, ready)| ready.descriptor.clone()).collect();
                let config = image.config.descriptor(MediaType::OCI_CONFIG);
                Document::make(Manifest::new(MediaType::OCI_MANIFEST, config, descriptors))
            }
        };
        let media_type = manifest.value().media_type.clone().unwrap_or(MediaType::OCI_MANIFEST);
        let mut blobs = BTreeMap::new();
        blobs.insert(*manifest.digest(), Content::Bytes(manifest.bytes().to_vec()));
        blobs.insert(*image.config.digest(), Content::Bytes(image.config.bytes().to_vec()));
        let mut listed = Vec::with_capacity(layers.len());
        for (diff_id, ready) in layers {
            listed.push((diff_id, ready.descriptor.digest));
            blobs.insert(ready.descriptor.digest, ready.content);
        }
        Ok(Prepared {
            names: found.names.clone(),
            descriptor: manifest.descriptor(media_type),
            blobs,
            listed: Listed { config: image.config.clone(), layers: listed },
        })
    }

    /// All platforms of an index. Where layers change on their way out, so do manifests, and the index with them: it is
    /// made anew, without what is not there; else it goes out as it is.
    fn prepare_index(&self, found: &Found, descriptor: &Descriptor, listed: &Image) -> Result<Prepared, Error> {
        let mut blobs = BTreeMap::new();
        let mut layers = Vec::new();
        let mut changed = BTreeMap::new();
        for image in found.tree.images().into_iter().filter(|image| image.is_complete()) {
            let prepared = self.prepare_image(found, image)?;
            if image.id() == listed.id() && digest_of(image) == digest_of(listed) {
                layers = prepared.listed.layers;
            }
            if let Some(old) = digest_of(image).filter(|old| *old != prepared.descriptor.digest) {
                changed.insert(old, prepared.descriptor);
            }
            blobs.extend(prepared.blobs);
        }
        let mut descriptor = descriptor.clone();
        if changed.is_empty() {
            collect(&found.tree, &mut blobs);
        } else if let Some(rewritten) = rewrite(&found.tree, &changed, &mut blobs) {
            (descriptor.digest, descriptor.size) = (rewritten.digest, rewritten.size);
        }
        let listed = Listed { config: listed.config.clone(), layers };
        Ok(Prepared { names: found.names.clone(), descriptor, blobs, listed })
    }

    /// Makes all layers ready, several at a time where they have to be compressed to be measured.
    fn recode_all(&self, found: &Found, image: &Image) -> Result<Vec<Ready>, Error> {
        let (next, results) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
        let work = || {
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(layer) = image.layers.get(place) else { return };
                let ready = self.recode(found, layer, place);
                results.lock().expect("no thread panics while it holds the lock").insert(place, ready);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..copy::threads() {
                scope.spawn(work);
            }
        });
        results.into_inner().expect("no thread panics while it holds the lock").into_values().collect()
    }

    fn recode(&self, found: &Found, layer: &Layer, place: usize) -> Result<Ready, Error> {
        let io_error = |source| Error::Io { what: format!("layer {}", layer.diff_id), source };
        let blob = layer.blob.as_ref().expect("only complete images are prepared");
        let stored = compression(blob).map_err(io_error)?;
        let wanted = match (self.options.compress, self.options.format) {
            (Some(recode), Format::Docker | Format::Oci) => Some(recode),
            (None, Format::Oci) if has_media_type(stored) => None,
            _ => Some(Recode::Unpack),
        };
        let Some(recode) = wanted.filter(|recode| recode.compression() != stored) else {
            return self.as_stored(layer, blob, stored);
        };
        let (digest, size) = match recode {
            Recode::Unpack => (*layer.diff_id.digest(), self.context.layer_size(found, layer)?.tar),
            _ => {
                let id = u64::MAX - place as u64;
                self.progress.start(id, &format!("{}: Compressing", layer.diff_id.short()), None);
                let measured = recode.measure(blob, &|bytes| self.progress.advance(id, bytes));
                self.progress.finish(id, "");
                measured.map_err(io_error)?
            }
        };
        let descriptor = Descriptor::new(layer_type(recode.compression()), digest, size);
        Ok(Ready { descriptor, content: Content::Recoded { blob: blob.clone(), recode, digest, size } })
    }

    fn as_stored(&self, layer: &Layer, blob: &Blob, stored: Compression) -> Result<Ready, Error> {
        let descriptor = match &layer.descriptor {
            Some(descriptor) => descriptor.clone(),
            None if stored == Compression::None => {
                Descriptor::new(layer_type(stored), *layer.diff_id.digest(), blob.size())
            }
            // A compressed layer of a docker-archive: its digest is written nowhere.
            None => {
                let io_error = |source| Error::Io { what: format!("layer {}", layer.diff_id), source };
                let mut reader = blob.open().map_err(io_error)?;
                let (digest, size) = copy::send(&mut reader, &mut std::io::sink(), &|_| {}).map_err(io_error)?;
                Descriptor::new(layer_type(stored), digest, size)
            }
        };
        Ok(Ready { content: Content::Blob(blob.clone(), descriptor.digest), descriptor })
    }
}

/// A layer as it will be written.
struct Ready {
    descriptor: Descriptor,
    content: Content,
}

fn has_media_type(compression: Compression) -> bool {
    !matches!(compression, Compression::Bzip2 | Compression::Xz)
}

fn layer_type(compression: Compression) -> MediaType {
    super::load::layer_type(compression)
}

/// The digest of the manifest that leads to an image.
fn digest_of(image: &Image) -> Option<Digest> {
    image.manifest.as_ref().map(|manifest| *manifest.digest())
}

/// An index in which manifests have other digests. What speaks of them by digest, as attestations do, follows them.
fn rewrite(
    tree: &Tree,
    changed: &BTreeMap<Digest, Descriptor>,
    blobs: &mut BTreeMap<Digest, Content>,
) -> Option<Descriptor> {
    let Tree::Index { document, children } = tree else { return None };
    let mut index = document.value().clone();
    index.manifests.clear();
    for Child { descriptor, tree } in children {
        let mut descriptor = descriptor.clone();
        match tree {
            Tree::Absent | Tree::Other(_) => continue,
            Tree::Image(image) if !image.is_complete() => continue,
            Tree::Image(_) => {
                if let Some(new) = changed.get(&descriptor.digest) {
                    (descriptor.digest, descriptor.size) = (new.digest, new.size);
                    descriptor.media_type = new.media_type.clone();
                }
            }
            Tree::Artifact { .. } => collect(tree, blobs),
            Tree::Index { .. } => {
                let new = rewrite(tree, changed, blobs)?;
                (descriptor.digest, descriptor.size) = (new.digest, new.size);
            }
        }
        follow(&mut descriptor, changed);
        index.manifests.push(descriptor);
    }
    let document = Document::make(index);
    blobs.insert(*document.digest(), Content::Bytes(document.bytes().to_vec()));
    Some(document.descriptor(MediaType::OCI_INDEX))
}

fn follow(descriptor: &mut Descriptor, changed: &BTreeMap<Digest, Descriptor>) {
    for value in descriptor.annotations.values_mut() {
        if let Some(new) = value.parse::<Digest>().ok().and_then(|digest| changed.get(&digest)) {
            *value = new.digest.to_string();
        }
    }
}

fn collect(tree: &Tree, blobs: &mut BTreeMap<Digest, Content>) {
    let mut add = |digest: Digest, blob: &Option<Blob>| {
        if let Some(blob) = blob {
            blobs.insert(digest, Content::Blob(blob.clone(), digest));
        }
    };
    match tree {
        Tree::Image(image) => {
            for layer in &image.layers {
                layer.descriptor.iter().for_each(|descriptor| add(descriptor.digest, &layer.blob));
            }
            for (digest, bytes) in [
                Some((*image.config.digest(), image.config.bytes())),
                image.manifest.as_ref().map(|manifest| (*manifest.digest(), manifest.bytes())),
            ]
            .into_iter()
            .flatten()
            {
                blobs.insert(digest, Content::Bytes(bytes.to_vec()));
            }
        }
        Tree::Index { document, children } => {
            blobs.insert(*document.digest(), Content::Bytes(document.bytes().to_vec()));
            children.iter().for_each(|child| collect(&child.tree, blobs));
        }
        Tree::Artifact { manifest, blobs: parts } => {
            parts.iter().for_each(|(descriptor, blob)| add(descriptor.digest, blob));
            blobs.insert(*manifest.digest(), Content::Bytes(manifest.bytes().to_vec()));
        }
        Tree::Other(_) | Tree::Absent => {}
    }
}
