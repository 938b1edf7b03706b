//! All registries: one client for each, made when it is first needed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::authorizer::Scope;
use super::clients::Clients;
use super::endpoint::Endpoint;
use super::repository::Repository;
use super::{Credentials, Error, RegistryHost, RegistrySettings, Secret, paging};
use crate::oci::Reference;

/// The servers of one registry: its mirrors, and its own last.
type Endpoints = Arc<[Arc<Endpoint>]>;

/// The registries that can be reached with some settings. Cloning is cheap; threads may share one. Nothing is connected
/// before it is needed.
#[derive(Clone)]
pub struct Registries {
    clients: Arc<Clients>,
    endpoints: Arc<Mutex<HashMap<RegistryHost, Endpoints>>>,
}

impl Registries {
    /// Those that can be reached with some settings, which are made when they are first needed: reading the certificates
    /// of a machine takes longer than most commands.
    pub fn new(settings: impl FnOnce() -> RegistrySettings + Send + 'static) -> Self {
        Self { clients: Arc::new(Clients::new(Box::new(settings))), endpoints: Arc::default() }
    }

    /// The repository of an image.
    pub fn repository(&self, name: &Reference) -> Result<Repository, Error> {
        Ok(Repository::new(name, self.endpoints(&RegistryHost::of(name))?))
    }

    /// The names of the repositories of a registry, in its order.
    pub fn catalog(&self, host: &RegistryHost) -> Result<Vec<String>, Error> {
        let path = format!("/v2/_catalog?n={}", paging::PAGE);
        let endpoint = self.endpoint(host)?;
        paging::all(&endpoint, Scope::Catalog, host.as_str(), &path, "repositories")
    }

    /// Asks a registry whether it takes these credentials. Returns the refresh token that its token server gives in
    /// place of the password, if it does.
    pub fn verify(&self, host: &RegistryHost, credentials: &Credentials) -> Result<Option<Secret>, Error> {
        let endpoint = Endpoint::of(&self.clients, host, Some(credentials.clone()))?;
        endpoint.ping()?;
        Ok(endpoint.refresh_token())
    }

    /// The registry's own server.
    pub(super) fn endpoint(&self, host: &RegistryHost) -> Result<Arc<Endpoint>, Error> {
        let endpoints = self.endpoints(host)?;
        Ok(Arc::clone(endpoints.last().expect("a registry has an endpoint")))
    }

    /// The mirrors of a registry, and its own server last.
    fn endpoints(&self, host: &RegistryHost) -> Result<Endpoints, Error> {
        let mut known = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(endpoints) = known.get(host) {
            return Ok(Arc::clone(endpoints));
        }
        let mut endpoints = Vec::new();
        for mirror in self.clients.settings().mirrors.iter().filter(|_| host.is_hub()) {
            endpoints.push(Arc::new(Endpoint::mirror(&self.clients, mirror)?));
        }
        endpoints.push(Arc::new(Endpoint::of(&self.clients, host, None)?));
        let endpoints: Endpoints = endpoints.into();
        known.insert(host.clone(), Arc::clone(&endpoints));
        Ok(endpoints)
    }
}

impl std::fmt::Debug for Registries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registries").finish_non_exhaustive()
    }
}

impl Default for Registries {
    /// With the settings of a machine that has none.
    fn default() -> Self {
        Self::new(RegistrySettings::default)
    }
}
