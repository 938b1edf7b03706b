//! All registries: one client for each, made when it is first needed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::authorizer::Scope;
use super::clients::Clients;
use super::endpoint::Endpoint;
use super::repository::Repository;
use super::{
    Credentials, Error, InsecureRegistry, RegistryHost, RegistrySettings, SearchResult, Secret, paging, search,
};
use crate::http::{Client, Retries, Url};
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

    /// The same registries, one more of which may be insecure. Nothing that is known of them is shared.
    pub fn trusting(&self, insecure: InsecureRegistry) -> Self {
        let clients = Arc::clone(&self.clients);
        Self::new(move || {
            let mut settings = clients.settings().clone();
            settings.insecure.push(insecure);
            settings
        })
    }

    /// The same registries without mirrors, asked again after failures as `retries` says. Nothing that is known of them is
    /// shared.
    pub fn direct(&self, retries: Retries) -> Self {
        let clients = Arc::clone(&self.clients);
        Self::new(move || {
            let mut settings = clients.settings().clone();
            settings.network.retries = retries;
            settings.mirrors.clear();
            settings
        })
    }

    /// The repository of an image.
    pub fn repository(&self, name: &Reference) -> Result<Repository, Error> {
        Ok(Repository::new(name, self.endpoints(&RegistryHost::of(name))?))
    }

    /// The names of the repositories of a registry, in its order.
    pub fn catalog(&self, host: &RegistryHost) -> Result<Vec<String>, Error> {
        let no_catalog = |refusal| Error::NoCatalog { host: host.clone(), refusal };
        // It refuses everybody, after several questions.
        if host.is_hub() {
            return Err(no_catalog(None));
        }
        let path = format!("/v2/_catalog?n={}", paging::PAGE);
        let listed = paging::all(&*self.endpoint(host)?, Scope::Catalog, host.as_str(), &path, "repositories");
        listed.map_err(|error| match error {
            Error::Refused { refusal, .. } if refusal.is_of_path() => no_catalog(Some(refusal)),
            other => other,
        })
    }

    /// The repositories that a registry finds for a term, in its order, no more than `limit`.
    pub fn search(&self, host: &RegistryHost, term: &str, limit: usize) -> Result<Vec<SearchResult>, Error> {
        if !host.is_hub() {
            return search::search(&*self.endpoint(host)?, term, limit);
        }
        search::search(&Endpoint::at(&self.clients, &search::hub(host)?)?, term, limit)
    }

    /// Asks a registry whether it takes these credentials. Returns the refresh token that its token server gives in
    /// place of the password, if it does.
    pub fn verify(&self, host: &RegistryHost, credentials: &Credentials) -> Result<Option<Secret>, Error> {
        let endpoint = Endpoint::of(&self.clients, host, Some(credentials.clone()))?;
        endpoint.ping()?;
        Ok(endpoint.refresh_token())
    }

    /// The HTTP client for the server of a URL, with the proxies and certificates that a registry there is reached with.
    pub fn client(&self, url: &Url) -> Result<Arc<Client>, Error> {
        self.clients.of(url)
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
            endpoints.push(Arc::new(Endpoint::at(&self.clients, mirror)?));
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
