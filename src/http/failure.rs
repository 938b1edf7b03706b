//! What an error of `ureq` or TLS means.

use std::io;
use std::time::Duration;

use rustls::{AlertDescription, InvalidMessage};
use ureq::Timeout;

use super::body::BodyError;
use super::certificate::Distrust;
use super::line::Broken;
use super::names::{Forbidden, Unresolved};
use super::{Error, Url, proxy};

/// The circumstances in which a request failed.
pub(super) struct Failed<'a> {
    pub(super) url: &'a Url,
    /// The server that gave the URL.
    pub(super) namer: Option<&'a Url>,
    pub(super) proxy: Option<&'a ureq::Proxy>,
    /// What the trusted certificates were read from.
    pub(super) trust: &'a [String],
    pub(super) has_identity: bool,
    pub(super) stall: Duration,
}

impl Failed<'_> {
    pub(super) fn error(&self, source: &ureq::Error) -> Error {
        match source {
            ureq::Error::Timeout(reason) => self.silence(*reason),
            ureq::Error::Io(error) => self.io(error),
            // `proxy server responded 407/407`
            ureq::Error::ConnectProxyFailed(why) => match why.rsplit('/').next().and_then(|text| text.parse().ok()) {
                Some(status) => self.refused_by_proxy(status),
                None => self.by_proxy("does not answer", None),
            },
            ureq::Error::LargeResponseHeader(..) => self.malformed("the header of the response is too long"),
            ureq::Error::Protocol(error) => self.malformed(&format!("the server does not answer in HTTP: {error}")),
            ureq::Error::Other(inner) => match (inner.downcast_ref(), self.namer) {
                (Some(Forbidden(address)), Some(namer)) => Error::forbidden(namer.clone(), self.url.clone(), *address),
                _ => self.unresolved(inner.downcast_ref(), source),
            },
            other => self.malformed(&other.to_string()),
        }
    }

    fn malformed(&self, why: &str) -> Error {
        Error::Request { url: self.url.clone(), why: why.to_owned() }
    }

    fn connection(&self, why: &str, is_passing: bool) -> Error {
        Error::Connection { url: self.url.clone(), why: why.to_owned(), is_passing }
    }

    /// The proxy's fault if there is one, else the server's.
    fn unreached(&self, why: &str, is_passing: bool) -> Error {
        match self.proxy {
            Some(_) => self.by_proxy(&format!("cannot be reached: {why}"), None),
            None => self.connection(why, is_passing),
        }
    }

    fn by_proxy(&self, why: &str, status: Option<u16>) -> Error {
        let proxy = self.proxy.map(proxy::shown).unwrap_or_default();
        Error::Proxy { url: self.url.clone(), proxy, why: why.to_owned(), status }
    }

    fn silence(&self, reason: Timeout) -> Error {
        let seconds = self.stall.as_secs_f32();
        match reason {
            Timeout::Resolve => self.unreached(&format!("its name is not resolved in {seconds} seconds"), true),
            Timeout::Connect => self.unreached(&format!("no connection in {seconds} seconds"), true),
            _ => self.connection(&format!("the server does not answer in {seconds} seconds"), true),
        }
    }

    fn unresolved(&self, name: Option<&Unresolved>, source: &ureq::Error) -> Error {
        match name {
            Some(name) if self.proxy.is_some() => self.unreached("no such host", name.is_passing),
            Some(Unresolved { is_passing: true }) => self.connection("no answer from the name service", true),
            Some(_) => Error::NoHost { url: self.url.clone() },
            None => self.malformed(&source.to_string()),
        }
    }

    fn io(&self, error: &io::Error) -> Error {
        let inner = error.get_ref();
        if let Some(error) = inner.and_then(|inner| inner.downcast_ref()) {
            return self.tls(error);
        }
        if let Some(broken) = Broken::of(error) {
            return self.connection(&broken.to_string(), broken != Broken::Endless);
        }
        match error.raw_os_error() {
            Some(code) => {
                let why = error.to_string().trim_end_matches(&format!(" (os error {code})")).to_lowercase();
                self.unreached(&why, error.kind() != io::ErrorKind::ConnectionRefused)
            }
            None if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.connection(&BodyError::Closed { left: None }.to_string(), true)
            }
            // The words of a proxy of the SOCKS kind.
            None if self.proxy.is_some() => self.by_proxy(&format!("does not connect: {error}"), None),
            None => self.malformed(&error.to_string()),
        }
    }

    fn tls(&self, error: &rustls::Error) -> Error {
        let url = self.url.clone();
        match error {
            rustls::Error::InvalidCertificate(error) => {
                Error::Certificate { url, problem: Distrust::of(error), trust: self.trust.to_vec() }
            }
            rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Error::NotTls { url },
            rustls::Error::AlertReceived(alert) if is_about_clients(*alert) => {
                Error::ClientCertificate { url, had_one: self.has_identity, why: format!("{alert:?}") }
            }
            other => self.malformed(&format!("TLS: {other}")),
        }
    }

    /// The proxy's own answer.
    pub(super) fn refused_by_proxy(&self, status: u16) -> Error {
        let reason = ureq::http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        let hint = match (status, self.proxy.is_some_and(|proxy| proxy.username().is_some())) {
            (407, true) => ": its user or password is wrong",
            (407, false) => ": it wants a user and password, as http://USER:PASSWORD@HOST:PORT",
            _ => "",
        };
        self.by_proxy(&format!("answers {status} {}{hint}", reason.unwrap_or_default()), Some(status))
    }
}

/// Whether a server complains about the client's certificate.
fn is_about_clients(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::NoCertificate
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
    )
}
