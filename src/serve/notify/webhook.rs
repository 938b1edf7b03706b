//! An endpoint as it is configured.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::form::Form;
use crate::http::{Url, UrlError};
use crate::oci::Digest;

/// The longest secret, in bytes.
const MAX_SECRET: u64 = 64 << 10;

/// A server that is told what happens: `URL[,format=docker|docker-v2|hub][,secret-file=FILE]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where events are sent.
    pub url: Url,
    /// How they are written.
    pub form: Form,
    /// The file with the secret that they are signed with, if they are.
    pub secret_file: Option<PathBuf>,
}

/// Why a text is not a webhook.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// It does not begin with a URL.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// There is no such format.
    #[error("there is no format {text:?}: it is docker, docker-v2 or hub")]
    Form {
        /// What was said.
        text: String,
    },
    /// An option is given twice.
    #[error("{option} is given twice")]
    Twice {
        /// Which one.
        option: &'static str,
    },
    /// The secret cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Secret {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl FromStr for Webhook {
    type Err = WebhookError;

    fn from_str(text: &str) -> Result<Self, WebhookError> {
        let (mut rest, mut form, mut secret_file) = (text, None, None);
        // The URL may have commas: what is known of options is taken from the end.
        while let Some((before, option)) = rest.rsplit_once(',') {
            if let Some(value) = option.strip_prefix("format=") {
                let value = value.parse().map_err(|()| WebhookError::Form { text: value.to_owned() })?;
                once(&mut form, value, "format")?;
            } else if let Some(value) = option.strip_prefix("secret-file=") {
                once(&mut secret_file, PathBuf::from(value), "secret-file")?;
            } else {
                break;
            }
            rest = before;
        }
        Ok(Self { url: rest.parse()?, form: form.unwrap_or_default(), secret_file })
    }
}

fn once<T>(place: &mut Option<T>, value: T, option: &'static str) -> Result<(), WebhookError> {
    if place.replace(value).is_some() { Err(WebhookError::Twice { option }) } else { Ok(()) }
}

impl Webhook {
    /// Checks that the secret can be read, if there is one.
    pub fn check(&self) -> Result<(), WebhookError> {
        let Some(path) = &self.secret_file else { return Ok(()) };
        read_secret(path).map(drop).map_err(|source| WebhookError::Secret { path: path.clone(), source })
    }

    /// The URL without what may be a secret in it.
    pub(super) fn shown(&self) -> String {
        let scheme = if self.url.is_secure() { "https" } else { "http" };
        let path = self.url.path_and_query();
        let path = path.split_once('?').map_or_else(|| path.to_owned(), |(path, _)| format!("{path}?…"));
        format!("{scheme}://{}{path}", self.url.authority())
    }

    /// The name of the folder that has its events.
    pub(super) fn key(&self) -> String {
        Digest::of(format!("{} {}", self.form.name(), self.url).as_bytes()).hex()[..32].to_owned()
    }
}

/// The secret in a file; a line break at its end is not a part of it. It is read each time, so that it can be changed.
pub(super) fn read_secret(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_SECRET + 1).read_to_end(&mut bytes)?;
    while bytes.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
        bytes.pop();
    }
    if bytes.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "there is no secret in it"));
    }
    if bytes.len() as u64 > MAX_SECRET {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a secret of more than 64 KiB"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed() {
        let read = |text: &str| text.parse::<Webhook>();
        let plain = read("http://ci/hook").expect("a webhook");
        assert_eq!((plain.form, &plain.secret_file), (Form::Docker, &None));
        let all = read("https://ci:8443/a,b?c=d,e,secret-file=/s,format=hub").expect("a webhook");
        assert_eq!(all.url.to_string(), "https://ci:8443/a,b?c=d,e");
        assert_eq!((all.form, all.secret_file.as_deref()), (Form::Hub, Some(Path::new("/s"))));
        assert_eq!(all.shown(), "https://ci:8443/a,b?…");
        for wrong in ["ci", "ftp://ci", "http://ci,format=xml", "http://ci,format=hub,format=hub", ""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert_ne!(plain.key(), Webhook { form: Form::Hub, ..plain.clone() }.key());
        assert!(!read("http://u:pw@ci/x").expect("a webhook").shown().contains("pw"));
    }

    #[test]
    fn a_secret_is_a_line() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("secret");
        let read = |bytes: &[u8]| {
            std::fs::write(&path, bytes).expect("a file");
            read_secret(&path)
        };
        assert_eq!(read(b"open sesame\r\n").expect("a secret"), b"open sesame");
        assert!(read(b"\n").is_err());
        assert!(read(&b"x".repeat(65_537)).is_err());
    }
}
