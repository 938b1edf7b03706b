//! `unpack`: an image becomes a directory, or with `--bundle` an OCI bundle.

pub mod bundle;
mod tree;

pub use tree::{UnpackImageOptions, UnpackReport, unpack};
