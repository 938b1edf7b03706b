//! Certificates, good and bad, and servers that show them.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// A certificate authority of a test.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

/// A certificate with its key.
pub(crate) struct Certificate {
    chain: CertificateDer<'static>,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are valid");
        params.distinguished_name.push(rcgen::DnType::CommonName, "authority of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate").der().clone();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// A certificate for hosts, names or addresses, from 1975 to 4096.
    pub(crate) fn certify(&self, hosts: &[&str]) -> Certificate {
        self.sign(&params(hosts))
    }

    /// One that was good up to the year 2000.
    pub(crate) fn certify_in_the_past(&self, hosts: &[&str]) -> Certificate {
        let mut params = params(hosts);
        params.not_after = date_time_ymd(2000, 1, 1);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Certificate {
        let key = KeyPair::generate().expect("a key");
        let chain = params.signed_by(&key, &self.issuer).expect("a certificate").der().clone();
        Certificate { chain, key }
    }

    /// Its certificate, as a file of authorities has it.
    pub(crate) fn pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }
}

fn params(hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    CertificateParams::new(hosts).expect("names of a test are valid")
}

impl Certificate {
    /// One that nobody else has signed.
    pub(crate) fn self_signed(hosts: &[&str]) -> Self {
        let key = KeyPair::generate().expect("a key");
        let chain = params(hosts).self_signed(&key).expect("a certificate").der().clone();
        Self { chain, key }
    }

    pub(crate) fn pem(&self) -> String {
        pem("CERTIFICATE", &self.chain)
    }

    pub(crate) fn key_pem(&self) -> String {
        pem("PRIVATE KEY", self.key.serialized_der())
    }

    /// The certificate, as it is.
    pub(crate) fn der(&self) -> &[u8] {
        &self.chain
    }

    /// The key in PKCS #8.
    pub(crate) fn key_der(&self) -> &[u8] {
        self.key.serialized_der()
    }

    /// A server that shows it to everybody.
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        self.config(WebPkiClientVerifier::no_client_auth())
    }

    /// A server that shows it, and talks only to clients with a certificate of an authority.
    pub(crate) fn server_for(&self, clients: &Authority) -> Arc<ServerConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(clients.certificate.clone()).expect("a certificate of ours");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        self.config(verifier.build().expect("an authority"))
    }

    fn config(&self, clients: Arc<dyn rustls::server::danger::ClientCertVerifier>) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().expect("versions").with_client_cert_verifier(clients);
        let key = PrivateKeyDer::Pkcs8(self.key.serialize_der().into());
        Arc::new(config.with_single_cert(vec![self.chain.clone()], key).expect("a certificate and its key"))
    }
}

/// DER as text.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in STANDARD.encode(der).as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).expect("ASCII"));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}
