//! The history of an image.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Created;
use super::lenient::{is_false, or_default};

/// One step of an image's history
/// ([image-spec, config](https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md#properties)), written in the
/// order of Docker's struct.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// When the step was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Created>,
    /// The author; empty if unknown.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// The command that made the layer.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub created_by: String,
    /// A comment.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// Whether the step made no layer.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_false")]
    pub empty_layer: bool,
    /// All other fields, unchanged.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl History {
    /// What the step was: its command, or its comment if it has none, as with what `docker import` makes.
    pub fn what_it_was(&self) -> &str {
        if self.created_by.is_empty() { &self.comment } else { &self.created_by }
    }
}
