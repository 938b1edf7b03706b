//! Damaged layers: which layer of which image it is, which file, and what helps.

use std::io;

use super::{Error, FoundImage, ImagePlace};
use crate::image::Image;
use crate::image::contents::is_damage;
use crate::layer::path::Escaped;
use crate::{rootfs, store};

/// Names the layers of an image in errors about damage.
#[derive(Debug, Clone)]
pub struct LayerNames {
    image: String,
    place: ImagePlace,
    /// The digest of each layer's blob, or its diff ID where that is unknown.
    layers: Vec<String>,
}

impl LayerNames {
    /// Those of an image that was found.
    pub fn of(found: &FoundImage, image: &Image) -> Self {
        let name = |layer: &crate::image::Layer| match &layer.descriptor {
            Some(descriptor) => descriptor.digest.to_string(),
            None => layer.diff_id.to_string(),
        };
        let layers = image.layers.iter().map(name).collect();
        Self { image: found.shown(), place: found.place, layers }
    }

    /// The error of a layer, by its place from the bottom, that has this problem.
    pub fn damaged(&self, layer: usize, problem: String) -> Error {
        let way_out = match self.place {
            ImagePlace::Store => "load the image again to repair it",
            ImagePlace::File => "get it again from where it came from",
            ImagePlace::Registry => "push it again to the registry",
        };
        let digest = self.layers.get(layer).cloned().unwrap_or_default();
        Error::DamagedLayer { image: self.image.clone(), number: layer + 1, digest, problem, way_out }
    }

    /// Why a content of a layer could not be read, or could not be written elsewhere.
    pub fn of_content(&self, layer: usize, path: &[u8], source: io::Error) -> Error {
        let path = Escaped(path);
        match source.kind() {
            _ if !is_damage(&source) => Error::Io { what: path.to_string(), source },
            io::ErrorKind::UnexpectedEof => self.damaged(layer, format!("it ends before the end of {path}")),
            _ => self.damaged(layer, format!("{path} {source}")),
        }
    }

    /// Why a layer cannot be read at all.
    pub fn of_layer(&self, layer: usize, source: io::Error) -> Error {
        if is_damage(&source) {
            return self.damaged(layer, source.to_string());
        }
        Error::Io { what: format!("layer {} of {}", layer + 1, self.image), source }
    }

    /// The same for errors of what was done with the layers on disk.
    pub fn of_rootfs(&self, error: rootfs::Error) -> Error {
        match error {
            rootfs::Error::Damaged { layer, path, source } => self.of_content(layer, path.as_bytes(), source),
            rootfs::Error::Layer { layer, source } => self.of_layer(layer, source),
            other => other.into(),
        }
    }

    /// The same for errors of the store.
    pub fn of_store(&self, layer: usize, error: store::Error) -> Error {
        match error {
            store::Error::DamagedLayer { problem, .. } => self.damaged(layer, problem),
            other => other.into(),
        }
    }
}
