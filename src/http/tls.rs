//! TLS: which authorities are trusted, and who we are.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, Error, InconsistentKeys, RootCertStore};

use super::certificate::Verifier;

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

impl fmt::Debug for Identity {
    /// Leaves the key out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates)", self.length)
    }
}

/// How TLS is spoken.
#[derive(Debug)]
pub(super) struct Tls {
    /// To servers that the user named.
    pub(super) named: Arc<ClientConfig>,
    /// To servers that other servers named: without a client certificate.
    pub(super) foreign: Arc<ClientConfig>,
}

impl Tls {
    /// Trusts `system`'s authorities (Mozilla's, if there are none) and `extra`, all in DER.
    pub(super) fn new(system: &[Vec<u8>], extra: &[Vec<u8>], identity: Option<&Identity>) -> Self {
        let der = |certificates: &[Vec<u8>]| -> Vec<CertificateDer<'static>> {
            certificates.iter().cloned().map(CertificateDer::from).collect()
        };
        let mut roots = RootCertStore::empty();
        // What is no certificate is left out: a system has hundreds.
        roots.add_parsable_certificates(der(system));
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        roots.add_parsable_certificates(der(extra));
        let trusted = system.iter().chain(extra).cloned().map(CertificateDer::from).collect();
        let provider = Arc::new(ring::default_provider());
        let verifier = Arc::new(Verifier::new(roots, trusted, Arc::clone(&provider)));
        let mut named = config(&provider, &verifier);
        let foreign = Arc::new(named.clone());
        if let Some(identity) = identity {
            named.client_auth_cert_resolver = Arc::clone(&identity.key) as Arc<_>;
            // Sessions are not shared with those that are without it.
            named.resumption = rustls::client::Resumption::default();
        }
        Self { named: Arc::new(named), foreign }
    }
}

fn config(provider: &Arc<CryptoProvider>, verifier: &Arc<Verifier>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::clone(provider));
    let builder = builder.with_safe_default_protocol_versions().expect("the provider has suites for TLS 1.2 and 1.3");
    builder.dangerous().with_custom_certificate_verifier(Arc::clone(verifier) as Arc<_>).with_no_client_auth()
}
