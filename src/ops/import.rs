//! `import`: the tar of a root file system becomes an image of one layer.
//!
//! The layer's bytes are kept as they came, so that the same tar always gives the same diff ID.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::load::layer_type;
use super::{Context, Error};
use crate::fetch::{self, Url};
use crate::image::edit::{self, Change, Step};
use crate::image::{Blob, Progress};
use crate::layer::EntryPath;
use crate::oci::{
    ContainerConfig, Created, Descriptor, Digest, Document, ImageConfig, ImageId, Manifest, MediaType, Platform,
    Reference,
};
use crate::store::{KeptLayer, Quarantine};

/// Where the tar is.
pub enum Input {
    /// A file.
    Path(PathBuf),
    /// Something that is read once.
    Stream(Box<dyn Read + Send>),
    /// A file on a web server.
    Url(Box<Url>, fetch::Settings),
}

/// What the person who imports wants.
#[derive(Debug, Clone)]
pub struct Options {
    /// The changes of the config.
    pub changes: Vec<Change>,
    /// What is said about the image.
    pub comment: String,
    /// When it is made.
    pub created: Created,
    /// What it runs on; what this machine is, or the image of `config_from`, if nothing is said.
    pub platform: Option<Platform>,
    /// The image whose config is taken over.
    pub config_from: Option<String>,
    /// Its name.
    pub name: Option<Reference>,
}

/// An image that was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The digest of its config.
    pub id: ImageId,
    /// The digest of its manifest.
    pub digest: Digest,
}

/// Imports the tar of a root file system.
pub fn import(context: &Context, input: Input, options: &Options, progress: &dyn Progress) -> Result<Imported, Error> {
    let name = options.name.clone().map(super::tag::checked).transpose()?;
    let (base, config) = configs(context, options)?;
    let quarantine = Quarantine::new(&context.store, context.limits.clone())?;
    let what = shown(&input);
    let layer = take(&quarantine, input, &what, progress)?;
    check(&quarantine, &layer, &what)?;
    let step = Step {
        layer: Some(layer.diff_id),
        created: Some(options.created),
        comment: options.comment.clone(),
        ..Step::default()
    };
    let config = edit::flat(&base, config, step);
    let manifest = Document::make(manifest(&config, &layer));
    quarantine.keep_bytes(config.bytes())?;
    quarantine.keep_bytes(manifest.bytes())?;
    let descriptor = manifest.descriptor(MediaType::OCI_MANIFEST);
    quarantine.publish(|catalog| {
        match &name {
            Some(name) => drop(catalog.tag(name, &descriptor, false)),
            None => catalog.add(&descriptor),
        }
        Ok::<_, Error>(())
    })??;
    Ok(Imported { id: ImageId::new(*config.digest()), digest: *manifest.digest() })
}

/// The config that the new one is made of, and how a container is run, with the changes made.
fn configs(context: &Context, options: &Options) -> Result<(ImageConfig, ContainerConfig), Error> {
    let mut base = match &options.config_from {
        None => edit::scratch(options.platform.as_ref().unwrap_or(&context.host)),
        Some(typed) => {
            let found = context.find(typed)?;
            found.image(None, &context.host)?.config.value().clone()
        }
    };
    if let (Some(_), Some(platform)) = (&options.config_from, &options.platform) {
        let ImageConfig { architecture, os, variant, os_version, os_features, .. } = edit::scratch(platform);
        base = ImageConfig { architecture, os, variant, os_version, os_features, ..base };
    }
    let mut config = base.config.take().unwrap_or_default();
    edit::apply(&mut config, &options.changes)?;
    Ok((base, config))
}

/// What the input is called in messages.
fn shown(input: &Input) -> String {
    match input {
        Input::Path(path) => path.display().to_string(),
        Input::Stream(_) => "standard input".to_owned(),
        Input::Url(url, _) => url.to_string(),
    }
}

fn take(quarantine: &Quarantine, input: Input, what: &str, progress: &dyn Progress) -> Result<KeptLayer, Error> {
    let moved = |bytes| progress.advance(0, bytes);
    let start = |label: &str, size: Option<u64>| {
        progress.total(size);
        progress.start(0, label, size);
    };
    let (mut stream, label, size) = match input {
        Input::Stream(stream) => (stream, "Importing", None),
        Input::Url(url, settings) => {
            progress.message(&format!("Downloading from {url}"));
            let download = fetch::open(&url, &settings)?;
            (download.body, "Downloading", download.size)
        }
        Input::Path(path) => {
            let file = open(&path)?;
            let metadata = file.metadata().map_err(|source| Error::Open { path, source })?;
            if metadata.is_file() {
                start("Importing", Some(metadata.len()));
                let blob = Blob::range(Arc::new(file), 0, metadata.len());
                let kept = quarantine.keep_layer(&blob, true, what, &moved)?;
                progress.finish(0, "");
                return Ok(kept);
            }
            (Box::new(file) as Box<dyn Read + Send>, "Importing", None)
        }
    };
    start(label, size);
    let kept = quarantine.keep_layer_once(&mut *stream, what, &moved)?;
    progress.finish(0, "");
    Ok(kept)
}

fn open(path: &Path) -> Result<File, Error> {
    if path.is_dir() {
        return Err(Error::Folder { path: path.to_owned() });
    }
    File::open(path).map_err(|source| Error::Open { path: path.to_owned(), source })
}

/// Looks whether the layer can be all of an image.
fn check(quarantine: &Quarantine, layer: &KeptLayer, what: &str) -> Result<(), Error> {
    let diff_id = layer.diff_id;
    let mut marks = Marks::default();
    for entry in quarantine.entries(&layer.digest).map_err(|source| Error::LayerIndex { diff_id, source })? {
        let entry = entry.map_err(|source| Error::LayerIndex { diff_id, source })?;
        if entry.whiteout().is_some() {
            return Err(Error::WhiteoutInRootfs { what: what.to_owned(), path: entry.path.to_string() });
        }
        marks.look(&entry.path);
    }
    if let Some(member) = marks.archive() {
        return Err(Error::NotARootfs { what: what.to_owned(), member });
    }
    match layer.missing_link_targets.first() {
        Some(target) => Err(Error::DanglingLink { diff_id, target: EntryPath::to_string(target) }),
        None => Ok(()),
    }
}

/// What tells an archive of images from a root file system: files that no system has at its root, two of them.
#[derive(Default)]
struct Marks {
    manifest: bool,
    repositories: bool,
    oci_layout: bool,
    index: bool,
    layer: bool,
}

impl Marks {
    fn look(&mut self, path: &EntryPath) {
        let path = path.as_bytes();
        match path {
            b"manifest.json" => self.manifest = true,
            b"repositories" => self.repositories = true,
            b"oci-layout" => self.oci_layout = true,
            b"index.json" => self.index = true,
            // Layers have the names of digests, in a folder or with an ending.
            _ => self.layer |= has_digest(path),
        }
    }

    /// The member that gives an archive away.
    fn archive(&self) -> Option<&'static str> {
        match self {
            Self { oci_layout: true, index: true, .. } => Some("oci-layout"),
            Self { manifest: true, layer: true, .. } => Some("manifest.json"),
            Self { repositories: true, layer: true, .. } => Some("repositories"),
            _ => None,
        }
    }
}

/// Whether a path begins as a member of an image archive does: a digest's 64 hexadecimal digits, or `blobs/sha256`.
fn has_digest(path: &[u8]) -> bool {
    let is_hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    let name = path.strip_prefix(b"sha256:").unwrap_or(path);
    name.get(..64).is_some_and(is_hex) || path.starts_with(b"blobs/sha256/") || path.ends_with(b"/layer.tar")
}

fn manifest(config: &Document<ImageConfig>, layer: &KeptLayer) -> Manifest {
    let layer = Descriptor::new(layer_type(layer.compression), layer.digest, layer.size);
    Manifest::new(MediaType::OCI_MANIFEST, config.descriptor(MediaType::OCI_CONFIG), vec![layer])
}
