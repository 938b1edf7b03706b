//! `unpack`: an image becomes a directory, or with `--bundle` an OCI bundle.

pub mod bundle;
mod into;
mod tree;

pub use into::unpack_into;
pub use tree::{UnpackImageOptions, UnpackReport, unpack};
