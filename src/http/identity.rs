//! Who we are: a client certificate.

use std::fmt;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{Error, InconsistentKeys};

/// A client certificate and its key.
#[derive(Clone)]
pub struct Identity {
    key: Arc<SingleCertAndKey>,
    length: usize,
}

/// Why a client certificate or its key is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The text has no certificate.
    #[error("no certificate in PEM")]
    NoCertificate,
    /// The text has no private key.
    #[error("no private key in PEM")]
    NoKey,
    /// The key is not that of the certificate.
    #[error("the private key is not that of the certificate")]
    OtherKey,
    /// The certificate or its key cannot be used.
    #[error("{why}")]
    Unusable {
        /// Why.
        why: String,
    },
}

/// The certificates of a PEM text, in DER. Everything else in it is skipped.
pub fn certificates_from_pem(pem: &[u8]) -> Vec<Vec<u8>> {
    CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).map(|certificate| certificate.to_vec()).collect()
}

impl Identity {
    /// Reads a certificate chain, the client's own certificate first, and its key, both in PEM.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let chain: Vec<CertificateDer<'static>> =
            certificates_from_pem(chain).into_iter().map(CertificateDer::from).collect();
        if chain.is_empty() {
            return Err(IdentityError::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| IdentityError::NoKey)?;
        let length = chain.len();
        let key = CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => IdentityError::OtherKey,
            other => IdentityError::Unusable { why: other.to_string() },
        })?;
        Ok(Self { key: Arc::new(SingleCertAndKey::from(key)), length })
    }
}

impl Identity {
    pub(super) fn resolver(&self) -> Arc<dyn ResolvesClientCert> {
        Arc::clone(&self.key) as Arc<_>
    }
}

impl fmt::Debug for Identity {
    /// Leaves the key out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates)", self.length)
    }
}
