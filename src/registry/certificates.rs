//! Certificates for one registry, from the folders where docker and podman look for them.
//!
//! ```text
//! /etc/docker/certs.d/HOST[:PORT]/NAME.crt    an authority that is trusted for this registry
//!                                 NAME.cert   the client's certificate
//!                                 NAME.key    its key
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Error, RegistryHost};
use crate::http::{Identity, certificates_from_pem};

/// What the folders have for one registry.
#[derive(Debug, Default)]
pub(super) struct Certificates {
    /// The authorities, in DER.
    pub(super) roots: Vec<Vec<u8>>,
    /// The client's certificate.
    pub(super) identity: Option<Identity>,
    /// The folders that were read.
    pub(super) read: Vec<PathBuf>,
}

impl Certificates {
    /// Reads the folders of a registry below each of `places`. Those that do not exist or may not be read are skipped.
    pub(super) fn of(host: &RegistryHost, places: &[PathBuf]) -> Result<Self, Error> {
        let mut found = Self::default();
        for place in places {
            for name in [host.as_str(), host.api()] {
                let folder = place.join(name);
                if !found.read.contains(&folder) {
                    found.add(&folder)?;
                }
            }
        }
        Ok(found)
    }

    fn add(&mut self, folder: &Path) -> Result<(), Error> {
        let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        self.read.push(folder.to_owned());
        for file in files {
            match file.extension().and_then(|extension| extension.to_str()) {
                Some("crt") => self.roots.extend(authorities(&file)?),
                Some("cert") => self.identity = Some(identity(&file)?),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The certificates of a file, in DER.
pub(super) fn authorities(path: &Path) -> Result<Vec<Vec<u8>>, Error> {
    let found = certificates_from_pem(&read(path)?);
    if found.is_empty() {
        return Err(Error::Certificate { path: path.to_owned(), why: "no certificate in PEM".to_owned() });
    }
    Ok(found)
}

fn identity(certificate: &Path) -> Result<Identity, Error> {
    let key = certificate.with_extension("key");
    let wrong =
        |error: crate::http::IdentityError| Error::Certificate { path: certificate.to_owned(), why: error.to_string() };
    Identity::from_pem(&read(certificate)?, &read(&key)?).map_err(wrong)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error: io::Error| Error::Certificate { path: path.to_owned(), why: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_a_registry() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let here = folder.path().join("localhost:5000");
        fs::create_dir(&here).expect("a folder");
        let write = |name: &str, text: &str| fs::write(here.join(name), text).expect("a file");
        write("ca.crt", &made.cert.pem());
        write("client.cert", &made.cert.pem());
        write("README", "not read");
        let host = RegistryHost::typed("localhost:5000").expect("a host");
        let places = [folder.path().to_owned(), folder.path().join("none")];
        let error = Certificates::of(&host, &places).expect_err("no key");
        assert!(error.to_string().contains("client.key"), "{error}");
        write("client.key", &made.signing_key.serialize_pem());
        let found = Certificates::of(&host, &places).expect("certificates");
        assert_eq!((found.roots.len(), found.identity.is_some(), found.read.len()), (1, true, 1));
        let other = Certificates::of(&RegistryHost::typed("localhost").expect("a host"), &places).expect("none");
        assert_eq!((other.roots.len(), other.identity.is_some(), other.read.len()), (0, false, 0));
        write("ca.crt", "junk");
        assert!(Certificates::of(&host, &places).is_err());
    }
}
