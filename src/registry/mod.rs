//! Registries: a client of the OCI distribution API
//! ([specification](https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md)).
//!
//! ```text
//! RegistrySettings ─▶ Registries ─▶ Repository ─▶ manifest, head, tags, referrers: documents
//!                        │             └────────▶ blob: a stream that goes on where a connection broke
//!                        ├─ catalog, search, verify      Remote: an image of a registry as an image::ImageSource
//!                        ▼
//!                     Endpoint, one for each server: the registry, the mirrors of Docker Hub
//!                        └─ Authorizer: challenges ─▶ credentials ─▶ tokens
//! ```
//!
//! A client of our own, on `http`: the crate oci-client brings an asynchronous runtime and more than a hundred crates,
//! does not retry, reads bodies of any size, and sends credentials to whatever token server it is told of.
//!
//! What must never happen: credentials reach an error, a log, or another server than the one that they are for; a
//! registry is reached without encryption that is neither this machine nor said to be insecure; a document or a list is
//! read that has no limit; a document passes that does not match its digest.

mod authorizer;
mod blob;
mod certificates;
mod challenge;
mod choice;
mod clients;
pub mod credentials;
mod delete;
mod endpoint;
mod error;
mod fetched;
mod host;
mod manifest;
mod paging;
mod referrers;
mod refusal;
mod registries;
mod remote;
mod repository;
mod search;
mod secret;
mod settings;
mod site;
mod token;
mod upload;

pub use blob::BlobStream;
pub use choice::Choice;
pub use credentials::Credentials;
pub use delete::Deletion;
pub use error::Error;
pub use fetched::Near;
pub use host::{HostError, InsecureRegistry, RegistryHost};
pub use manifest::Fetched;
pub use referrers::Referrers;
pub use refusal::{Refusal, RefusalError};
pub use registries::Registries;
pub use remote::Remote;
pub use repository::Repository;
pub use search::SearchResult;
pub use secret::Secret;
pub use settings::{FindCredentials, RegistrySettings};
pub use upload::{Arrived, NoSessions, OpenBlob, Sessions, Upload};
