//! The network: `http` and `https`, with TLS, proxies, limits, retries and ranges. It knows nothing of registries and
//! images.
//!
//! ```text
//! Settings ─▶ Client ─▶ send(Request) ─▶ Response ─▶ bytes(limit), a document
//!              │            │                  └───▶ into_body(), a stream that must not end early
//!              │            └─ redirects of GET and HEAD; retries of repeatable requests
//!              └─ keeps connections; may be shared by threads
//! ```
//!
//! What must never happen: a certificate goes unchecked, unless the user says so; a redirect leads from `https` to
//! `http`, or redirects never end; a server leads us to what only we can reach; credentials are sent to another server;
//! a server that is silent, or as good as silent, blocks us forever; a server decides how much memory is used; a
//! truncated file passes as complete; a password from a URL or of a proxy is shown.

mod address;
mod agents;
mod body;
mod certificate;
mod client;
mod error;
mod failure;
mod forward;
mod identity;
mod line;
mod names;
mod proxy;
mod request;
mod response;
mod retry;
mod settings;
mod tls;
mod url;
mod waiting;

pub use body::{Body, BodyError};
pub use certificate::Distrust;
pub use client::Client;
pub use error::Error;
pub use identity::{Identity, IdentityError, certificates_from_pem};
pub use names::Names;
pub use proxy::ProxyAddress;
pub use request::{Method, Request};
pub use response::Response;
pub use retry::Retries;
pub use settings::Settings;
pub use url::{Url, UrlError};
pub use waiting::Waiting;

#[cfg(test)]
mod tests;
