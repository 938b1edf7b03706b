//! A certificate authority of our own: kept in a folder of the store, so that clients trust it once.
//!
//! ```text
//! ROOT/imgtool/tls/ca.crt   the authority, good for ten years: what clients trust
//!                  ca.key   its key, readable by its owner only
//! ```
//!
//! The server's own certificate is made when it starts, and anew every month while it runs; its key is only in memory.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::chain::{TlsError, config, read};

/// The authority's files.
const CERTIFICATE: &str = "ca.crt";
const KEY: &str = "ca.key";
/// What the authority calls itself.
const AUTHORITY: &str = "imgtool serve";
/// How many years the authority is good.
const YEARS: i32 = 10;
/// When a certificate, which is good for a year, is made anew.
const RENEWAL: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// By these names a machine reaches itself.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// An authority, and the names that it signs certificates for.
#[derive(Debug)]
pub(super) struct SelfSigned {
    folder: PathBuf,
    names: Vec<String>,
    made: Mutex<Option<Instant>>,
}

impl SelfSigned {
    /// Opens the authority in a folder, or makes one.
    pub(super) fn open(folder: PathBuf, names: Vec<String>) -> Result<Self, TlsError> {
        for name in &names {
            let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:*".contains(&b));
            if !is_name {
                return Err(TlsError::Name { name: name.clone() });
            }
        }
        let authority = Self { folder, names, made: Mutex::default() };
        if !authority.certificate_path().exists() {
            authority.make()?;
        }
        Ok(authority)
    }

    pub(super) fn certificate_path(&self) -> PathBuf {
        self.folder.join(CERTIFICATE)
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// A server with a new certificate.
    pub(super) fn certify(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let path = self.certificate_path();
        let authority = CertificateDer::from_pem_slice(&read(&path)?)
            .map_err(|_| TlsError::NoCertificate { path: path.clone() })?;
        let key_path = self.folder.join(KEY);
        let pem = String::from_utf8_lossy(&read(&key_path)?).into_owned();
        let key = KeyPair::from_pem(&pem).map_err(|_| TlsError::NoKey { path: key_path })?;
        let issuer = Issuer::new(authority_params(0)?, key);
        let own = KeyPair::generate().map_err(|error| failed(&error))?;
        let names = self.names.iter().map(String::as_str).chain(OWN_NAMES).map(ToOwned::to_owned);
        let mut params = CertificateParams::new(names.collect::<Vec<_>>()).map_err(|error| failed(&error))?;
        params.distinguished_name.push(DnType::CommonName, self.names.first().map_or(OWN_NAMES[0], String::as_str));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        limit(&mut params, 1);
        let certificate = params.signed_by(&own, &issuer).map_err(|error| failed(&error))?;
        let own = PrivateKeyDer::Pkcs8(own.serialize_der().into());
        let made = config(vec![certificate.der().clone(), authority], own);
        *self.made.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        made.map_err(|error| TlsError::Unusable { path, why: error.to_string() })
    }

    /// A server with a new certificate, if the old one is a month old.
    pub(super) fn renewed(&self) -> Option<Result<Arc<ServerConfig>, TlsError>> {
        let is_new = self.made.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|at| at.elapsed() < RENEWAL);
        (!is_new).then(|| self.certify())
    }

    fn make(&self) -> Result<(), TlsError> {
        let key = KeyPair::generate().map_err(|error| failed(&error))?;
        let certificate = authority_params(YEARS)?.self_signed(&key).map_err(|error| failed(&error))?;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|source| TlsError::Read { path: self.folder.clone(), source })?;
        // The certificate is last: it says that the authority is whole.
        write(&self.folder.join(KEY), key.serialize_pem().as_bytes(), 0o600)?;
        write(&self.certificate_path(), certificate.pem().as_bytes(), 0o644)
    }
}

fn failed(error: &rcgen::Error) -> TlsError {
    TlsError::Make { why: error.to_string() }
}

/// The authority, good for so many years from now.
fn authority_params(years: i32) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::new(Vec::new()).map_err(|error| failed(&error))?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, AUTHORITY);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    limit(&mut params, years);
    Ok(params)
}

/// Makes a certificate good from yesterday for so many years.
fn limit(params: &mut CertificateParams, years: i32) {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let date = |date: jiff::civil::Date, years: i32| {
        let number = |number: i8| u8::try_from(number).unwrap_or(1);
        // Every month has 28 days.
        date_time_ymd(i32::from(date.year()) + years, number(date.month()), number(date.day()).min(28))
    };
    params.not_before = date(today.yesterday().unwrap_or(today), 0);
    params.not_after = date(today, years);
}

/// Writes a file that is whole or not there.
fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), TlsError> {
    let new = path.with_extension("new");
    let write = || -> io::Result<()> {
        let _ = fs::remove_file(&new);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().map_err(|source| TlsError::Read { path: path.to_owned(), source })
}
