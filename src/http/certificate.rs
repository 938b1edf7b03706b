//! What is wrong with a server's certificate.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use webpki::EndEntityCert;

/// What is wrong with a server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Distrust {
    /// It is signed by itself only.
    SelfSigned,
    /// It is signed by an authority that is not trusted.
    UnknownAuthority,
    /// It was valid until this day.
    Expired {
        /// The day, as `2026-01-31`.
        on: String,
    },
    /// It will be valid from this day on.
    NotYetValid {
        /// The day.
        on: String,
    },
    /// It is not for this host.
    OtherHost {
        /// The names of the hosts that it is for, or the first of many.
        names: Vec<String>,
    },
    /// Something else.
    Other {
        /// What.
        why: String,
    },
}

impl Distrust {
    pub(super) fn of(error: &CertificateError) -> Self {
        let day = |time: &UnixTime| {
            let time = i64::try_from(time.as_secs()).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
            time.map(|time| time.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
        };
        match error {
            CertificateError::UnknownIssuer => Self::UnknownAuthority,
            CertificateError::ExpiredContext { not_after, .. } => Self::Expired { on: day(not_after) },
            CertificateError::NotValidYetContext { not_before, .. } => Self::NotYetValid { on: day(not_before) },
            CertificateError::NotValidForNameContext { presented, .. } => {
                Self::OtherHost { names: presented.iter().take(MOST_NAMES).map(|name| plain(name)).collect() }
            }
            CertificateError::Other(OtherError(inner)) => match inner.downcast_ref::<SelfSigned>() {
                Some(SelfSigned) => Self::SelfSigned,
                None => Self::Other { why: format!("{inner}") },
            },
            other => Self::Other { why: other.to_string() },
        }
    }
}

/// `a.example` of `DnsName("a.example")`.
fn plain(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    inner.trim_matches('"').to_owned()
}

/// The most names of a certificate that are shown.
const MOST_NAMES: usize = 10;

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SelfSigned => f.write_str("self-signed"),
            Self::UnknownAuthority => f.write_str("signed by an unknown certificate authority"),
            Self::Expired { on } => write!(f, "expired on {on}"),
            Self::NotYetValid { on } => write!(f, "not valid before {on}"),
            Self::OtherHost { names } if names.is_empty() => f.write_str("for no host (a common name alone is none)"),
            Self::OtherHost { names } => write!(f, "for other hosts: {}", names.join(", ")),
            Self::Other { why } => f.write_str(why),
        }
    }
}

/// How a verifier says that a certificate is self-signed.
#[derive(Debug, thiserror::Error)]
#[error("self-signed")]
struct SelfSigned;

const UNKNOWN: rustls::Error = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);

/// Checks the certificates of servers.
#[derive(Debug)]
pub(super) struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    /// Certificates that are trusted themselves, without an authority.
    trusted: Vec<CertificateDer<'static>>,
    /// Whether any certificate is good enough.
    is_unchecked: bool,
}

impl Verifier {
    /// A verifier that trusts what the authorities `roots` sign, and the certificates `trusted`. There must be a root.
    pub(super) fn new(
        roots: RootCertStore,
        trusted: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Self {
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let inner = inner.expect("roots, and no lists of revoked certificates");
        Self { inner, trusted, is_unchecked: false }
    }

    /// A verifier to which any certificate is good enough, as long as the server has the key to it.
    pub(super) fn unchecked(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), trusted: Vec::new(), is_unchecked: true }
    }
}

/// Whether the complaint is that the certificate may sign others, as those that `openssl req -x509` makes. It comes
/// after the check of the dates.
fn is_of_an_authority(error: &rustls::Error) -> bool {
    let rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) = error else { return false };
    matches!(inner.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    EndEntityCert::try_from(certificate).is_ok_and(|certificate| certificate.issuer() == certificate.subject())
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let error = match self.inner.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Ok(verified) => return Ok(verified),
            Err(_) if self.is_unchecked => return Ok(ServerCertVerified::assertion()),
            Err(error) => error,
        };
        let is_of_an_authority = is_of_an_authority(&error);
        // One that has the name of a trusted authority, but was not signed with its key, is as unknown.
        let is_unknown = error == UNKNOWN || error == rustls::Error::InvalidCertificate(CertificateError::BadSignature);
        // As in Go, and so in docker, a certificate that is itself among the trusted needs no signature of another.
        if is_of_an_authority && self.trusted.iter().any(|trusted| trusted == certificate) {
            rustls::client::verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        match is_of_an_authority || is_unknown {
            true if is_self_signed(certificate) => {
                Err(CertificateError::Other(OtherError(Arc::new(SelfSigned))).into())
            }
            true => Err(UNKNOWN),
            false => Err(error),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
