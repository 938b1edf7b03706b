//! Credentials for registries, where docker keeps them.

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
