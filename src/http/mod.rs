//! The network: `http` and `https`, with TLS, proxies, limits, retries and ranges. It knows no registry and no image.
//!
//! ```text
//! Settings ─▶ Client ─▶ send(Request) ─▶ Response ─▶ bytes(limit), a document
//!              │            │                  └───▶ into_body(), a stream that must not end early
//!              │            └─ redirects of GET and HEAD; retries of what can be sent twice
//!              └─ keeps connections; may be shared by threads
//! ```
//!
//! What must never happen: a certificate is not checked; a redirect leads from `https` to `http`, or on and on; a header
//! with credentials goes to another server; a server that falls silent holds us for ever; a server decides how much
//! memory is taken; a file that arrived in part is taken for a whole one; a password that stood in a URL is shown.

mod agents;
mod body;
mod client;
mod error;
mod request;
mod response;
mod settings;
mod url;

pub use body::Body;
pub use client::Client;
pub use error::Error;
pub use request::{Method, Request};
pub use response::Response;
pub use settings::{Identity, IdentityError, Settings};
pub use url::{Url, UrlError};

use std::time::Duration;

/// How long a server may be silent: before it answers, and between two pieces of a file.
const SILENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
