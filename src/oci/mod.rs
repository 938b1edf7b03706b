//! The types of the image specification as plain values: no files, no network, no clock.

pub mod config;
pub mod container_config;
pub mod created;
pub mod descriptor;
pub mod digest;
pub mod document;
pub mod history;
pub mod index;
mod lenient;
pub mod manifest;
pub mod media_type;
pub mod platform;
pub mod reference;
pub mod strict;
pub mod v1;

pub use crate::go::json as go_json;
pub use config::{ConfigError, ImageConfig, Rootfs};
pub use container_config::{ContainerConfig, Healthcheck};
pub use created::{Created, CreatedError};
pub use descriptor::{
    ANNOTATION_BASE_DIGEST, ANNOTATION_BASE_NAME, ANNOTATION_BUILT_ON, ANNOTATION_CREATED, ANNOTATION_DIGEST,
    ANNOTATION_DOCKER_REFERENCE_TYPE, ANNOTATION_IMAGE_NAME, ANNOTATION_PARENT, ANNOTATION_REF_NAME,
    ANNOTATION_SOURCES, ANNOTATION_UNTAGGED, Annotations, Descriptor, REGISTRY_PREFIX,
};
pub use digest::{ChainId, DiffId, Digest, DigestError, Hasher, ImageId, ShortId};
pub use document::{Document, DocumentError, DocumentKind, MAX_DESCRIPTORS};
pub use history::History;
pub use index::Index;
pub use manifest::Manifest;
pub use media_type::MediaType;
pub use platform::{Platform, PlatformError, PlatformFault};
pub use reference::{Reference, ReferenceError};
pub use strict::{CaseRule, JsonError};
pub use v1::{SavedLayer, V1Error, V1Image};
