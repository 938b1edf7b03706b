//! How the network is reached: proxies, certificates, retries.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, parse_pem};

use super::{Names, Retries};

/// How long is waited for a silent server, if nothing else is said.
const STALL: Duration = Duration::from_secs(30);

/// How the network is reached: proxies, certificates, retries.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The proxy for `http`, as `http://[user:password@]host:port`.
    pub http_proxy: Option<String>,
    /// The proxy for `https`.
    pub https_proxy: Option<String>,
    /// The hosts that are reached without a proxy, separated by commas: `example.com,.local,10.0.0.1,*`.
    pub no_proxy: String,
    /// The system's certificate authorities, in DER; if empty, Mozilla's.
    pub roots: Vec<Vec<u8>>,
    /// Certificate authorities that are trusted beside those, in DER.
    pub extra_roots: Vec<Vec<u8>>,
    /// The files and folders that the certificates were read from, for errors.
    pub trust: Vec<PathBuf>,
    /// The client certificate, for servers that ask for one.
    pub identity: Option<Identity>,
    /// When requests are sent again.
    pub retries: Retries,
    /// How long is waited for a silent server: for a connection, an answer, and the next bytes of a body.
    pub stall: Duration,
    /// What is known of servers by their names, shared by the clients that are made of clones of these settings.
    pub names: Names,
}

impl Default for Settings {
    /// No proxy, Mozilla's certificate authorities, several attempts, half a minute of silence.
    fn default() -> Self {
        Self {
            http_proxy: None,
            https_proxy: None,
            no_proxy: String::new(),
            roots: Vec::new(),
            extra_roots: Vec::new(),
            trust: Vec::new(),
            identity: None,
            retries: Retries::default(),
            stall: STALL,
            names: Names::default(),
        }
    }
}

/// A client certificate and its key.
#[derive(Clone)]
pub struct Identity(ClientCert);

/// Why a client certificate or key is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The text has no certificate.
    #[error("no certificate in PEM")]
    NoCertificate,
    /// The text has no private key.
    #[error("no private key in PEM")]
    NoKey,
}

impl Identity {
    /// Reads a certificate chain, the client's own certificate first, and its key, both in PEM.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let certificate = |item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        };
        let chain: Vec<Certificate<'static>> = parse_pem(chain).filter_map(certificate).collect();
        if chain.is_empty() {
            return Err(IdentityError::NoCertificate);
        }
        let key = PrivateKey::from_pem(key).map_err(|_| IdentityError::NoKey)?;
        Ok(Self(ClientCert::new_with_certs(&chain, key)))
    }

    pub(super) fn certificate(&self) -> ClientCert {
        self.0.clone()
    }
}

impl fmt::Debug for Identity {
    /// Leaves the key out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates)", self.0.certs().len())
    }
}
