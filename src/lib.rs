//! Docker's image commands without Docker.

pub mod oci;

pub mod layer;

pub mod image;

pub mod layout;

pub mod archive;
pub mod store;

pub mod ops;
pub mod ui;

pub mod cli;
