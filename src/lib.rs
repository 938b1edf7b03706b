//! Docker's image commands without Docker.

pub mod oci;
