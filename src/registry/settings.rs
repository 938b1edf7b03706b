//! How registries are reached.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Credentials, InsecureRegistry, RegistryHost};
use crate::http::{self, Url};

/// Gives the credentials for a registry, which may be asked for on behalf of one of its repositories.
pub type FindCredentials = dyn Fn(&RegistryHost, Option<&str>) -> Option<Credentials> + Send + Sync;

/// How registries are reached, and with which credentials.
#[derive(Clone)]
pub struct RegistrySettings {
    /// Proxies, retries, and the authorities that are trusted for all hosts.
    pub network: http::Settings,
    /// Where the certificates for single registries are: folders as `/etc/docker/certs.d`.
    pub certificates: Vec<PathBuf>,
    /// Files of authorities that are trusted for all registries.
    pub authorities: Vec<PathBuf>,
    /// The registries that may be reached without encryption or without verifying their certificates.
    pub insecure: Vec<InsecureRegistry>,
    /// The mirrors of Docker Hub, which are asked first.
    pub mirrors: Vec<Url>,
    /// The hosts that may have the credentials of all registries which name them as their token server.
    pub token_servers: Vec<String>,
    /// The credentials.
    pub credentials: Arc<FindCredentials>,
}

impl Default for RegistrySettings {
    fn default() -> Self {
        Self {
            network: http::Settings::default(),
            certificates: Vec::new(),
            authorities: Vec::new(),
            insecure: Vec::new(),
            mirrors: Vec::new(),
            token_servers: Vec::new(),
            credentials: Arc::new(|_, _| None),
        }
    }
}

impl RegistrySettings {
    /// Whether the user has said that the registry is insecure.
    pub(super) fn is_insecure(&self, host: &RegistryHost) -> bool {
        self.insecure.iter().any(|insecure| insecure.covers(host))
    }
}

impl fmt::Debug for RegistrySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("RegistrySettings");
        fields.field("insecure", &self.insecure).field("mirrors", &self.mirrors).finish_non_exhaustive()
    }
}
