//! Registries: the OCI distribution API, as a client.

pub mod credentials;
mod secret;

pub use credentials::Credentials;
pub use secret::Secret;
