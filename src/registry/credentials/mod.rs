//! Credentials for registries, where docker keeps them: its `config.json`, its credential helpers, and to be read only,
//! podman's `auth.json`.
//!
//! ```text
//! get:    $DOCKER_AUTH_CONFIG ─▶ config.json ───────────────────────────▶ podman's auth.json, the same way
//!                                  credHelpers[server], else credsStore: a helper
//!                                  auths[server]
//! store:  a helper, if config.json names one for the server, else auths[server]
//! ```
//!
//! What must never happen: credentials are given to another server than theirs, as the one whose name only begins the
//! same; a secret is in an argument of a program, or in an error; a config that we do not understand is overwritten, or
//! what others wrote into it is lost; somebody else may read what we write.

mod config_file;
mod entry;
mod error;
mod helper;
mod object;
mod process;
mod replace;
mod server_key;
mod store;

pub use entry::EntryError;
pub use error::{Error, HelperProblem};
pub use server_key::{ServerKey, ServerKeyError};
pub use store::{CredentialStore, Erased, Found, Place, Sources, Stored};

use super::Secret;

/// Credentials for one registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A user and a password.
    Password {
        /// The user.
        user: String,
        /// The password, or an access token in its place.
        password: Secret,
    },
    /// A refresh token, which a token server exchanges for access tokens.
    IdentityToken(Secret),
    /// A bearer token, sent as it is.
    RegistryToken(Secret),
}

/// What is kept of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginSecret {
    /// The password.
    Password(Secret),
    /// The refresh token that the server gave in place of the password.
    IdentityToken(Secret),
}

#[cfg(test)]
mod tests;
