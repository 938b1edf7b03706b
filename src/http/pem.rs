//! Certificates in PEM.

use ureq::tls::{PemItem, parse_pem};

/// The certificates of a PEM text, in DER. Everything else in it is skipped.
pub fn certificates_from_pem(pem: &[u8]) -> Vec<Vec<u8>> {
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate.der().to_vec()),
        _ => None,
    };
    parse_pem(pem).filter_map(certificate).collect()
}
