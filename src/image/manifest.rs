//! The manifest of a new image, or of one whose layers were recompressed.

use super::Image;
use crate::oci::{Descriptor, Document, ImageConfig, Manifest, MediaType};

/// The manifest of an image with this config and these layers, bottom first: `own` where it describes just those, so
/// that its digest survives, else a new one.
pub fn describe(
    own: Option<&Document<Manifest>>,
    config: &Document<ImageConfig>,
    layers: Vec<Descriptor>,
) -> Document<Manifest> {
    own.filter(|own| describes(own.value(), config, &layers)).cloned().unwrap_or_else(|| {
        let config = config.descriptor(MediaType::OCI_CONFIG);
        Document::make(Manifest::new(MediaType::OCI_MANIFEST, config, layers))
    })
}

/// The descriptor of a manifest.
pub fn descriptor(manifest: &Document<Manifest>) -> Descriptor {
    manifest.descriptor(manifest.value().media_type.clone().unwrap_or(MediaType::OCI_MANIFEST))
}

impl Image {
    /// The manifest of the image with its layers as they are described here; see [`describe`].
    pub fn manifest_with(&self, layers: Vec<Descriptor>) -> Document<Manifest> {
        describe(self.manifest.as_ref(), &self.config, layers)
    }
}

fn describes(manifest: &Manifest, config: &Document<ImageConfig>, layers: &[Descriptor]) -> bool {
    let digests = manifest.layers.iter().map(|layer| layer.digest);
    manifest.config.digest == *config.digest() && digests.eq(layers.iter().map(|layer| layer.digest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::edit;
    use crate::oci::{Digest, Platform};

    #[test]
    fn an_own_manifest_is_kept_where_it_is_true() {
        let config = Document::make(edit::scratch(&Platform::new("linux", "amd64")));
        let layer = |bytes: &[u8]| Descriptor::new(MediaType::OCI_LAYER_TAR, Digest::of(bytes), bytes.len() as u64);
        let mut own = Manifest::new(
            MediaType::DOCKER_MANIFEST,
            config.descriptor(MediaType::DOCKER_CONFIG),
            vec![layer(b"1"), layer(b"2")],
        );
        own.annotations.insert("a".to_owned(), "b".to_owned());
        let own = Document::make(own);
        let kept = describe(Some(&own), &config, vec![layer(b"1"), layer(b"2")]);
        assert_eq!(kept.bytes(), own.bytes());
        assert_eq!(descriptor(&kept).media_type, MediaType::DOCKER_MANIFEST);
        for layers in [vec![layer(b"1")], vec![layer(b"2"), layer(b"1")], vec![layer(b"1"), layer(b"3")]] {
            let made = describe(Some(&own), &config, layers.clone());
            assert_eq!((&made.value().layers, made.value().annotations.len()), (&layers, 0));
            assert_eq!(descriptor(&made).media_type, MediaType::OCI_MANIFEST);
        }
        let other = Document::make(edit::scratch(&Platform::new("linux", "arm64")));
        assert_ne!(describe(Some(&own), &other, vec![layer(b"1"), layer(b"2")]).bytes(), own.bytes());
    }
}
