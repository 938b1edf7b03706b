//! Media types: what kind of content a blob has.
//!
//! The names are the image specification's ([media
//! types](https://github.com/opencontainers/image-spec/blob/v1.1.0/media-types.md)) and Docker's older ones for the
//! same things ([schema 2](https://distribution.github.io/distribution/spec/manifest-v2-2/)). An unknown media type is
//! kept unchanged.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A media type, such as `application/vnd.oci.image.manifest.v1+json`. The default is empty: no media type.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaType(Cow<'static, str>);

macro_rules! media_types {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        impl MediaType {
            $($(#[$doc])* pub const $name: Self = Self(Cow::Borrowed($text));)*

            /// All media types that have a constant here.
            pub const KNOWN: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

media_types! {
    /// An OCI image manifest.
    OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
    /// An OCI image index.
    OCI_INDEX = "application/vnd.oci.image.index.v1+json";
    /// An OCI image's config.
    OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
    /// An OCI layer, not compressed.
    OCI_LAYER_TAR = "application/vnd.oci.image.layer.v1.tar";
    /// An OCI layer, compressed with gzip.
    OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
    /// An OCI layer, compressed with zstd.
    OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd";
    /// A non-distributable OCI layer, not compressed.
    OCI_NONDISTRIBUTABLE_TAR = "application/vnd.oci.image.layer.nondistributable.v1.tar";
    /// A non-distributable OCI layer, compressed with gzip.
    OCI_NONDISTRIBUTABLE_GZIP = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    /// A non-distributable OCI layer, compressed with zstd.
    OCI_NONDISTRIBUTABLE_ZSTD = "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd";
    /// The two bytes `{}`, where a descriptor is required and there is nothing to describe.
    EMPTY = "application/vnd.oci.empty.v1+json";
    /// Docker's image manifest, schema 2.
    DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker's manifest list: an index.
    DOCKER_MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// Docker's image config.
    DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
    /// Docker's layer, not compressed.
    DOCKER_LAYER_TAR = "application/vnd.docker.image.rootfs.diff.tar";
    /// Docker's layer, compressed with gzip, as registries have it.
    DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    /// Docker's layer, compressed with zstd, as containerd and buildkit write it.
    DOCKER_LAYER_ZSTD = "application/vnd.docker.image.rootfs.diff.tar.zstd";
    /// Docker's foreign layer, fetched from another URL, not compressed.
    DOCKER_FOREIGN_TAR = "application/vnd.docker.image.rootfs.foreign.diff.tar";
    /// Docker's foreign layer, compressed with gzip.
    DOCKER_FOREIGN_GZIP = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    /// Docker's foreign layer, compressed with zstd.
    DOCKER_FOREIGN_ZSTD = "application/vnd.docker.image.rootfs.foreign.diff.tar.zstd";
}

impl MediaType {
    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether no media type was given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is an index or Docker's manifest list.
    pub fn is_index(&self) -> bool {
        *self == Self::OCI_INDEX || *self == Self::DOCKER_MANIFEST_LIST
    }

    /// Whether this is a manifest, OCI's or Docker's schema 2.
    pub fn is_manifest(&self) -> bool {
        *self == Self::OCI_MANIFEST || *self == Self::DOCKER_MANIFEST
    }

    /// Whether this is an image's config, OCI's or Docker's.
    pub fn is_image_config(&self) -> bool {
        *self == Self::OCI_CONFIG || *self == Self::DOCKER_CONFIG
    }

    /// Whether this is a layer: a tar in any of the known compressions, foreign or not.
    pub fn is_layer(&self) -> bool {
        const PLAIN: &[MediaType] = &[
            MediaType::OCI_LAYER_TAR,
            MediaType::OCI_LAYER_GZIP,
            MediaType::OCI_LAYER_ZSTD,
            MediaType::DOCKER_LAYER_TAR,
            MediaType::DOCKER_LAYER_GZIP,
            MediaType::DOCKER_LAYER_ZSTD,
        ];
        PLAIN.contains(self) || self.is_foreign()
    }

    /// The specification's name for a layer that docker names otherwise. A type that is not docker's stays.
    #[must_use]
    pub fn layer_in_oci(&self) -> Self {
        const NAMES: &[(MediaType, MediaType)] = &[
            (MediaType::DOCKER_LAYER_TAR, MediaType::OCI_LAYER_TAR),
            (MediaType::DOCKER_LAYER_GZIP, MediaType::OCI_LAYER_GZIP),
            (MediaType::DOCKER_LAYER_ZSTD, MediaType::OCI_LAYER_ZSTD),
            (MediaType::DOCKER_FOREIGN_TAR, MediaType::OCI_NONDISTRIBUTABLE_TAR),
            (MediaType::DOCKER_FOREIGN_GZIP, MediaType::OCI_NONDISTRIBUTABLE_GZIP),
            (MediaType::DOCKER_FOREIGN_ZSTD, MediaType::OCI_NONDISTRIBUTABLE_ZSTD),
        ];
        NAMES.iter().find(|(docker, _)| docker == self).map_or_else(|| self.clone(), |(_, oci)| oci.clone())
    }

    /// Whether this is a foreign or non-distributable layer, whose content is not distributed with the image.
    pub fn is_foreign(&self) -> bool {
        const FOREIGN: &[MediaType] = &[
            MediaType::OCI_NONDISTRIBUTABLE_TAR,
            MediaType::OCI_NONDISTRIBUTABLE_GZIP,
            MediaType::OCI_NONDISTRIBUTABLE_ZSTD,
            MediaType::DOCKER_FOREIGN_TAR,
            MediaType::DOCKER_FOREIGN_GZIP,
            MediaType::DOCKER_FOREIGN_ZSTD,
        ];
        FOREIGN.contains(self)
    }
}

impl From<String> for MediaType {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl From<&str> for MediaType {
    fn from(text: &str) -> Self {
        Self(Cow::Owned(text.to_owned()))
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for MediaType {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MediaType {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layer_of_dockers_has_a_name_in_the_specification() {
        for known in MediaType::KNOWN.iter().filter(|known| known.is_layer()) {
            let oci = known.layer_in_oci();
            assert!(oci.as_str().starts_with("application/vnd.oci."), "{known}");
            assert_eq!((oci.is_layer(), oci.is_foreign()), (true, known.is_foreign()), "{known}");
        }
    }

    #[test]
    fn each_known_type_is_of_one_kind() {
        for known in MediaType::KNOWN {
            let kinds = [known.is_index(), known.is_manifest(), known.is_image_config(), known.is_layer()];
            let expected = usize::from(*known != MediaType::EMPTY);
            assert_eq!(kinds.iter().filter(|kind| **kind).count(), expected, "{known}");
        }
    }

    #[test]
    fn foreign_layers_are_layers() {
        let foreign: Vec<_> = MediaType::KNOWN.iter().filter(|known| known.is_foreign()).collect();
        assert_eq!(foreign.len(), 6);
        assert!(foreign.iter().all(|known| known.is_layer()));
    }

    #[test]
    fn what_is_not_known_is_kept_and_is_of_no_kind() {
        let text = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
        let read: MediaType = serde_json::from_str(&format!("{text:?}")).expect("a JSON string");
        assert_eq!(read.as_str(), text);
        assert!(!(read.is_index() || read.is_manifest() || read.is_image_config() || read.is_layer()));
        assert_eq!(serde_json::to_string(&read).expect("a string"), format!("{text:?}"));
    }

    #[test]
    fn what_was_read_equals_the_constant() {
        assert_eq!(MediaType::from("application/vnd.oci.image.index.v1+json"), MediaType::OCI_INDEX);
        assert!(MediaType::default().is_empty());
    }
}
