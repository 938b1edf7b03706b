//! Why a request failed.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use super::address::Reach;
use super::names::Forbidden;
use super::url::{Url, UrlError};

/// Why a request failed. URLs are shown without their passwords.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server answered with an error status.
    #[error("{url}: the server answers {status} {reason}{}", asks(*retry_after))]
    Status {
        /// The requested URL.
        url: Url,
        /// The status code.
        status: u16,
        /// Its reason phrase.
        reason: &'static str,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// Too many redirects.
    #[error("{url}: more than {limit} redirects")]
    TooManyRedirects {
        /// The URL of the first request.
        url: Url,
        /// How many redirects are followed.
        limit: usize,
    },
    /// A redirect without a `Location`.
    #[error("{url}: redirect without a Location header")]
    NoLocation {
        /// The requested URL.
        url: Url,
    },
    /// A redirect to an invalid URL.
    #[error("{url}: invalid redirect: {source}")]
    Location {
        /// The requested URL.
        url: Url,
        /// What is wrong with it.
        source: UrlError,
    },
    /// A redirect from `https` to `http`.
    #[error("{from}: redirect from https to insecure {to}")]
    Downgrade {
        /// The requested URL.
        from: Url,
        /// The target of the redirect.
        to: Url,
    },
    /// A server leads to another that is not reached by `https`.
    #[error("{namer} leads to {url}: another server is followed to https only")]
    Insecure {
        /// The server that gave the URL.
        namer: Url,
        /// The URL.
        url: Url,
    },
    /// A server leads to an address that it may not lead to.
    #[error("{namer} leads to {url}, which is at {address}: servers are not followed into this machine or network")]
    Nearer {
        /// The server that gave the URL.
        namer: Url,
        /// The URL.
        url: Url,
        /// The address of its host.
        address: IpAddr,
    },
    /// The address of the proxy is invalid.
    #[error("{url}: invalid proxy: {why}")]
    Proxy {
        /// The requested URL.
        url: Url,
        /// What is wrong.
        why: String,
    },
    /// A document exceeds its size limit.
    #[error("{url}: the response is larger than {limit} bytes")]
    TooLarge {
        /// The requested URL.
        url: Url,
        /// The limit, in bytes.
        limit: u64,
    },
    /// A partial response without a usable `Content-Range`.
    #[error("{url}: partial response without a valid Content-Range")]
    Range {
        /// The requested URL.
        url: Url,
    },
    /// The server's certificate is not trusted.
    #[error("{url}: the server's certificate is not trusted: {why}")]
    Certificate {
        /// The requested URL.
        url: Url,
        /// Why.
        why: String,
    },
    /// The server cannot be reached, or does not answer.
    #[error("{url}: {why}")]
    Connection {
        /// The requested URL.
        url: Url,
        /// Why.
        why: String,
    },
    /// The server does not speak TLS.
    #[error("{url}: the server does not speak TLS")]
    NotTls {
        /// The requested URL.
        url: Url,
    },
    /// A body is not what it should be.
    #[error("{why}")]
    Body {
        /// What is wrong.
        why: String,
    },
    /// The request could not be sent, or the response is malformed.
    #[error("{url}: {why}")]
    Request {
        /// The requested URL.
        url: Url,
        /// Why.
        why: String,
    },
}

impl Error {
    /// Converts an error of `ureq`; `namer` is the server that gave the URL.
    pub(super) fn request(url: &Url, namer: Option<&Url>, source: ureq::Error) -> Self {
        let url = url.clone();
        if let (ureq::Error::Other(inner), Some(namer)) = (&source, namer)
            && let Some(Forbidden(address)) = inner.downcast_ref()
        {
            return Self::forbidden(namer.clone(), url, *address);
        }
        let (why, is_passing) = match source {
            ureq::Error::HostNotFound => ("no such host".to_owned(), false),
            ureq::Error::Timeout(_) => ("the server does not answer".to_owned(), true),
            ureq::Error::Io(error) => plain(&error),
            other => (other.to_string(), false),
        };
        // A TLS error arrives as an I/O error, recognisable only by its text.
        match why.split_once("invalid peer certificate: ") {
            Some((_, why)) => Self::Certificate { url, why: in_words(why) },
            None if why.contains("InvalidContentType") => Self::NotTls { url },
            None if is_passing => Self::Connection { url, why },
            None => Self::Request { url, why },
        }
    }

    /// A server leads to an address that it may not lead to, or only by `https`.
    pub(super) fn forbidden(namer: Url, url: Url, address: IpAddr) -> Self {
        match Reach::of(address) {
            Reach::Public if !url.is_secure() => Self::Insecure { namer, url },
            _ => Self::Nearer { namer, url, address },
        }
    }

    /// Whether the error is transient, so that a retry may help.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Connection { .. } => true,
            Self::Status { status, .. } => is_passing(*status),
            _ => false,
        }
    }
}

/// Whether a status is transient.
pub(super) fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

fn asks(wait: Option<Duration>) -> String {
    wait.map(|wait| format!(", and asks to wait {} seconds", wait.as_secs())).unwrap_or_default()
}

/// The system's message without Rust's `(os error N)`, and whether the error is transient.
fn plain(error: &io::Error) -> (String, bool) {
    let text = error.to_string();
    if text.contains("failed to lookup address information") {
        return ("no such host".to_owned(), text.contains("emporary failure"));
    }
    match error.raw_os_error() {
        Some(code) => {
            let text = text.trim_end_matches(&format!(" (os error {code})")).to_lowercase();
            (text, error.kind() != io::ErrorKind::ConnectionRefused)
        }
        None => (text, error.kind() != io::ErrorKind::InvalidData),
    }
}

/// What is wrong with a certificate, in place of rustls's identifiers.
fn in_words(why: &str) -> String {
    let known = [
        ("UnknownIssuer", "signed by an unknown certificate authority"),
        ("CaUsedAsEndEntity", "self-signed"),
        ("Expired", "expired"),
        ("NotValidYet", "not valid yet"),
        ("Revoked", "revoked"),
    ];
    let found = known.iter().find(|(name, _)| why.contains(name));
    found.map_or_else(|| why.to_owned(), |(_, words)| (*words).to_owned())
}

/// Rewords an error that occurred while reading a body.
pub(super) fn in_body(error: io::Error, stall: Duration) -> io::Error {
    let is_silence = error.kind() == io::ErrorKind::TimedOut
        || matches!(error.get_ref().and_then(|inner| inner.downcast_ref()), Some(ureq::Error::Timeout(_)));
    if error.kind() == io::ErrorKind::UnexpectedEof || error.to_string().contains("disconnected") {
        let text = "the server closed the connection before the end";
        return io::Error::new(io::ErrorKind::UnexpectedEof, text);
    }
    if !is_silence {
        return error;
    }
    let text = format!("the server has sent nothing for {} seconds", stall.as_secs());
    io::Error::new(io::ErrorKind::TimedOut, text)
}
