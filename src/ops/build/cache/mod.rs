//! The build cache: what the steps of builds made, in the store and in images that carry it to other machines.
//!
//! ```text
//! ROOT/imgtool/build/steps ◀─ remembered by each build ─▶ --cache-to: an image with the layers and a field of its config
//!                          ◀──────────────────────────── --cache-from: looked up when the store knows nothing
//! ```

mod carried;
mod carry;
mod lookup;

pub(super) use carried::CarriedSteps;
pub use carry::{CacheExtent, UsedStep, carry};
pub(super) use carry::{forget, inline, unnamed};
pub(super) use lookup::{Known, StepCache};

/// The field of an image's config in which steps are carried.
const FIELD: &str = "imgtool.build.cache.v1";

/// A step that an image carries.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct CarriedStep {
    /// What identifies it: hexadecimal digits.
    key: String,
    /// When it was made.
    created: crate::oci::Created,
    /// The place of its layer among those of the image, from the bottom, from 0; none if it made none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layer: Option<usize>,
}
