//! Encrypted connections: TLS 1.2 and 1.3 by rustls, with a certificate from files or of an authority of our own.

mod chain;
mod files;
mod self_signed;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;

pub use self::chain::TlsError;
use self::files::Files;

use self::self_signed::SelfSigned;
use super::settings::TlsSettings;

/// How connections are encrypted now.
#[derive(Debug)]
pub(super) struct Tls {
    source: Source,
    config: Mutex<Arc<ServerConfig>>,
}

#[derive(Debug)]
enum Source {
    Files(Files),
    SelfSigned(SelfSigned),
}

impl Tls {
    /// `folder` is where an authority of our own is kept.
    pub(super) fn open(settings: &TlsSettings, folder: PathBuf) -> Result<Self, TlsError> {
        let (source, config) = match settings {
            TlsSettings::Files { certificate, key } => {
                let files = Files::new(certificate.clone(), key.clone());
                let config = files.read()?;
                (Source::Files(files), config)
            }
            TlsSettings::SelfSigned { names } => {
                let authority = SelfSigned::open(folder, names.clone())?;
                let config = authority.certify()?;
                (Source::SelfSigned(authority), config)
            }
        };
        Ok(Self { source, config: Mutex::new(config) })
    }

    /// Reads the files again if they have changed, or makes a new certificate when it is time; tells what came of it.
    /// What is wrong leaves the certificate as it was.
    pub(super) fn reread(&self) -> Option<Result<(), TlsError>> {
        let new = match &self.source {
            Source::Files(files) => files.reread()?,
            Source::SelfSigned(authority) => authority.renewed()?,
        };
        Some(new.map(|new| *self.config.lock().unwrap_or_else(PoisonError::into_inner) = new))
    }

    /// For one connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// The certificate of our own authority, and the names that it signs certificates for; if there is one.
    pub(super) fn authority(&self) -> Option<(PathBuf, Vec<String>)> {
        match &self.source {
            Source::Files(_) => None,
            Source::SelfSigned(authority) => Some((authority.certificate_path(), authority.names().to_vec())),
        }
    }
}

/// Whether the first byte of a connection is that of a TLS handshake.
pub(super) fn is_handshake(first: u8) -> bool {
    first == 0x16
}
