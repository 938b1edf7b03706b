//! `export`: the file system of an image, or a folder, as one tar.
//!
//! Nothing is unpacked to the disk, and no content is held: the merged view says what is there, and each layer is read
//! once. So the members stand in an order that layers can follow: first the root, directories, links and devices by path,
//! then files in the order of the layers and of their contents there, last the further names of files by path. The bytes
//! are the same for the same image, however its layers are compressed and wherever the tar goes.

mod folder;
mod stubs;
mod unpacked;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::checkout::{Present, present, tree_folder};
use super::damage::LayerNames;
use super::output::Target;
use super::view_tar::{ViewLayers, ViewTar};
use super::{Context, Error, FoundImage, Location};
use crate::image::{Layer, Progress, Sink};
use crate::layer::overlay::{Overlay, ViewNode};
use crate::layer::{Limits, Meta};
use crate::oci::Platform;
use crate::rootfs::Skipped;

/// Options of `export`.
#[derive(Debug, Clone, Default)]
pub struct ExportOptions {
    /// Only an image for this platform.
    pub platform: Option<Platform>,
    /// Adds the files that docker puts into every container, with this time in seconds since 1970.
    pub stubs: Option<i64>,
}

/// What is to be exported.
pub enum Export {
    /// The file system of an image.
    Image {
        /// Its layers, bottom first.
        layers: Vec<Layer>,
        /// Their merged view.
        view: Box<Overlay>,
        /// The names of its layers for messages.
        names: LayerNames,
        /// The limits for reading layers.
        limits: Limits,
    },
    /// A folder as it is on the disk.
    Folder {
        /// The folder.
        path: PathBuf,
        /// Whether the image that it was unpacked from is no longer in the store.
        is_orphan: bool,
    },
    /// A folder that an image was unpacked to: with owners, devices and so on as its next image would have them.
    Unpacked {
        /// What is in it.
        present: Box<Present>,
    },
}

/// Finds what was typed: an image, or a folder that is no OCI layout. A name that an image has means the image.
pub fn plan(context: &Context, typed: &str, options: &ExportOptions, progress: &dyn Progress) -> Result<Export, Error> {
    let location = Location::parse(typed, Path::exists);
    if let Location::Path(path, _) = &location
        && is_plain_folder(path)
    {
        return folder(context, path);
    }
    let found = match context.find_for(typed, options.platform.as_ref()) {
        Err(Error::NoSuchImage(_) | Error::Reference(_)) if is_plain_folder(Path::new(typed)) => {
            return folder(context, Path::new(typed));
        }
        found => found?,
    };
    plan_found(context, &found, options, progress)
}

/// The same of an image that was found.
pub fn plan_found(
    context: &Context,
    found: &FoundImage,
    options: &ExportOptions,
    progress: &dyn Progress,
) -> Result<Export, Error> {
    let image = found.image(options.platform.as_ref(), &context.host)?;
    context.fetch(found, &[image], progress)?;
    let mut view = context.overlay(found, image)?;
    if let Some(mtime) = options.stubs {
        view = context.overlay_with(found, image, &stubs::entries(&view, mtime))?;
    }
    let (layers, names, limits) = (image.layers.clone(), LayerNames::of(found, image), context.limits.clone());
    Ok(Export::Image { layers, view: Box::new(view), names, limits })
}

fn is_plain_folder(path: &Path) -> bool {
    path.is_dir() && !path.join(crate::layout::LAYOUT_FILE).exists()
}

fn folder(context: &Context, path: &Path) -> Result<Export, Error> {
    // Of an OCI bundle, its root file system.
    let path = tree_folder(path);
    match present(context, &path) {
        Ok(Some(present)) => Ok(Export::Unpacked { present: Box::new(present) }),
        Ok(None) => Ok(Export::Folder { path, is_orphan: false }),
        Err(Error::BaseLost { .. }) => Ok(Export::Folder { path, is_orphan: true }),
        Err(error) => Err(error),
    }
}

impl Export {
    /// The folder, if it is exported as it is on the disk because the image that it was unpacked from is gone.
    pub fn orphan(&self) -> Option<&Path> {
        match self {
            Self::Folder { path, is_orphan: true } => Some(path),
            _ => None,
        }
    }

    /// Writes the tar, and returns what it could not hold.
    pub fn write(&self, target: Target<'_>, progress: &dyn Progress) -> Result<Skipped, Error> {
        let stream = match target {
            Target::File(file) => return self.write_to(Sink::file(file), progress),
            Target::Stream(stream) => stream,
        };
        let mut counted = Counted { stream, count: 0 };
        let written = self.write_to(Sink::stream(&mut counted), progress);
        if written.is_err() && counted.count > 0 {
            // The reader does not learn that this failed, and many readers accept a tar without an end mark. The first
            // error is the one that is reported.
            let _ = counted.write_all(&SPOILT);
        }
        written
    }

    fn write_to<'a>(&self, sink: Sink<'a>, progress: &'a dyn Progress) -> Result<Skipped, Error> {
        let mut output = ViewTar::new(sink, progress);
        let skipped = match self {
            Self::Image { layers, view, names, limits } => {
                let root = Some(view.root()).filter(ViewNode::is_listed);
                let members = root.into_iter().chain(&**view).collect();
                let layers = ViewLayers { layers, names, limits };
                output.members(&members, layers, "export", meta).map(|()| Skipped::default())?
            }
            Self::Folder { path, .. } => folder::write(path, &mut output)?,
            Self::Unpacked { present } => unpacked::write(present, &mut output)?,
        };
        output.finish()?;
        Ok(skipped)
    }
}

/// Bytes that every reader rejects, at any position in a tar.
const SPOILT: [u8; 1536] = [0xff; 1536];

/// A stream that counts the bytes written.
struct Counted<'a> {
    stream: &'a mut dyn Write,
    count: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.stream.write(bytes)?;
        self.count += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn meta(node: ViewNode<'_>) -> Meta {
    let mut meta = node.meta();
    meta.xattrs.retain(|(name, _)| is_portable(name));
    meta
}

/// Whether an extended attribute belongs to the image: overlayfs keeps its own metadata under `trusted.`.
fn is_portable(name: &[u8]) -> bool {
    !name.starts_with(b"trusted.")
}

#[cfg(test)]
mod tests;
