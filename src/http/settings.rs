//! How the network is reached.

use std::fmt;
use std::time::Duration;

use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, parse_pem};

/// How the network is reached.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The proxy for `http`, as `http://[user:password@]host:port`.
    pub http_proxy: Option<String>,
    /// The proxy for `https`.
    pub https_proxy: Option<String>,
    /// The hosts that are reached without a proxy, with commas between them: `example.com,.local,10.0.0.1,*`.
    pub no_proxy: String,
    /// The certificate authorities that are trusted, in DER; Mozilla's, if there are none.
    pub roots: Vec<Vec<u8>>,
    /// Who we are, for servers that ask for a certificate.
    pub identity: Option<Identity>,
    /// How long is waited before a request is sent again that failed for a reason that may pass, attempt by attempt.
    pub retries: Vec<Duration>,
}

/// A client certificate and its key.
#[derive(Clone)]
pub struct Identity(ClientCert);

/// Why a text is no client certificate or key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// There is no certificate in it.
    #[error("no certificate in PEM")]
    NoCertificate,
    /// There is no key in it.
    #[error("no private key in PEM")]
    NoKey,
}

impl Identity {
    /// A chain of certificates, the client's own first, and its key, both in PEM.
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
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates)", self.0.certs().len())
    }
}
