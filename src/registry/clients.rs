//! The HTTP clients, one for each host: each has its own certificates.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::certificates::{Certificates, authorities};
use super::{Error, RegistryHost, RegistrySettings};
use crate::http::{self, Client, Url};

/// Makes the settings.
type MakeSettings = Box<dyn FnOnce() -> RegistrySettings + Send>;

/// The HTTP clients of all hosts.
pub(super) struct Clients {
    settings: LazyLock<RegistrySettings, MakeSettings>,
    clients: Mutex<HashMap<RegistryHost, Arc<Client>>>,
}

impl Clients {
    /// Those of settings that are made when they are first needed.
    pub(super) fn new(settings: MakeSettings) -> Self {
        Self { settings: LazyLock::new(settings), clients: Mutex::default() }
    }

    pub(super) fn settings(&self) -> &RegistrySettings {
        &self.settings
    }

    /// The client for the host of a URL.
    pub(super) fn of(&self, url: &Url) -> Result<Arc<Client>, Error> {
        self.of_host(&RegistryHost::typed(&url.authority())?)
    }

    /// The client for a registry.
    pub(super) fn of_host(&self, host: &RegistryHost) -> Result<Arc<Client>, Error> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(host) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(Client::new(&self.network(host)?));
        clients.insert(host.clone(), Arc::clone(&client));
        Ok(client)
    }

    /// The settings of the network with the certificates for a host.
    fn network(&self, host: &RegistryHost) -> Result<http::Settings, Error> {
        let mut network = self.settings.network.clone();
        let found = Certificates::of(host, &self.settings.certificates)?;
        for path in &self.settings.authorities {
            network.extra_roots.extend(authorities(path)?);
            network.trust.push(path.clone());
        }
        network.extra_roots.extend(found.roots);
        network.trust.extend(found.read);
        network.any_certificate = self.settings.is_insecure(host);
        if found.identity.is_some() {
            network.identity = found.identity;
        }
        Ok(network)
    }
}
