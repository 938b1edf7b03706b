//! How TLS is spoken: which authorities are trusted, and who we are.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use super::Settings;
use super::certificate::Verifier;

/// How TLS is spoken.
#[derive(Debug)]
pub(super) struct Tls {
    /// To servers that the user named.
    pub(super) named: Arc<ClientConfig>,
    /// To servers that other servers named: without a client certificate.
    pub(super) foreign: Arc<ClientConfig>,
}

impl Tls {
    pub(super) fn new(settings: &Settings) -> Self {
        let Settings { roots: system, extra_roots: extra, any_certificate, identity, .. } = settings;
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
        let verifier = Verifier::new(roots, trusted, Arc::clone(&provider));
        let unchecked = Arc::new(verifier.unchecked());
        let mut named = config(&provider, Arc::new(verifier));
        let foreign = Arc::new(named.clone());
        if *any_certificate {
            named = config(&provider, unchecked);
        }
        if let Some(identity) = identity {
            named.client_auth_cert_resolver = identity.resolver();
        }
        // Sessions that came about otherwise are not taken up.
        named.resumption = rustls::client::Resumption::default();
        Self { named: Arc::new(named), foreign }
    }
}

fn config(provider: &Arc<CryptoProvider>, verifier: Arc<Verifier>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::clone(provider));
    let builder = builder.with_safe_default_protocol_versions().expect("the provider has suites for TLS 1.2 and 1.3");
    builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
}
