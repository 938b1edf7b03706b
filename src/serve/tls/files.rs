//! A certificate and its key in files, read again when they change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{Error, InconsistentKeys, ServerConfig};

use super::chain::{TlsError, config, read};

/// A certificate and its key.
#[derive(Debug)]
pub(super) struct Files {
    certificate: PathBuf,
    key: PathBuf,
    seen: Mutex<Stamp>,
}

type Stamp = [Option<(SystemTime, u64)>; 2];

impl Files {
    pub(super) fn new(certificate: PathBuf, key: PathBuf) -> Self {
        Self { certificate, key, seen: Mutex::default() }
    }

    pub(super) fn read(&self) -> Result<Arc<ServerConfig>, TlsError> {
        // Taken first: files that are replaced meanwhile are read again.
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = self.stamp();
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(&read(&self.certificate)?).filter_map(Result::ok).collect();
        if chain.is_empty() {
            return Err(TlsError::NoCertificate { path: self.certificate.clone() });
        }
        config(chain, key(&self.key)?).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                TlsError::OtherKey { certificate: self.certificate.clone(), key: self.key.clone() }
            }
            other => TlsError::Unusable { path: self.certificate.clone(), why: other.to_string() },
        })
    }

    /// What is in the files, if they have changed.
    pub(super) fn reread(&self) -> Option<Result<Arc<ServerConfig>, TlsError>> {
        let is_same = *self.seen.lock().unwrap_or_else(PoisonError::into_inner) == self.stamp();
        (!is_same).then(|| self.read())
    }

    fn stamp(&self) -> Stamp {
        [&self.certificate, &self.key].map(|path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }
}

/// The key in a file.
fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let pem = read(path)?;
    if let Ok(key) = PrivateKeyDer::from_pem_slice(&pem)
        && !is_encrypted(&pem)
    {
        return Ok(key);
    }
    let path = path.to_owned();
    Err(if is_encrypted(&pem) { TlsError::EncryptedKey { path } } else { TlsError::NoKey { path } })
}

fn is_encrypted(pem: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pem);
    text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED")
}
