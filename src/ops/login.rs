//! `login` and `logout`: credentials that the registry takes are kept, and forgotten again.

use super::{Context, Error};
use crate::registry::credentials::{CredentialStore, Erased, LoginSecret, ServerKey, Stored};
use crate::registry::{self, Credentials, RegistryHost, Secret};

/// Asks the registry whether it takes a user's password, and keeps it, or the token that it gives in its place. Nothing
/// is kept that was refused.
pub fn login(
    context: &Context,
    store: &CredentialStore,
    server: &ServerKey,
    user: &str,
    password: &Secret,
) -> Result<Stored, Error> {
    let host = RegistryHost::typed(server.host()).map_err(registry::Error::from)?;
    let credentials = Credentials::Password { user: user.to_owned(), password: password.clone() };
    let token = context.registries.verify(&host, &credentials)?;
    let secret = token.map_or_else(|| LoginSecret::Password(password.clone()), LoginSecret::IdentityToken);
    Ok(store.store(server, user, &secret)?)
}

/// Forgets the credentials for a registry.
pub fn logout(store: &CredentialStore, server: &ServerKey) -> Result<Erased, Error> {
    Ok(store.erase(server)?)
}
