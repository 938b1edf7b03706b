//! Why there is no answer, or none that is of use.

use std::io;

use super::SILENCE;
use super::url::{Url, UrlError};

/// Why there is no answer, or none that is of use. URLs are shown without their passwords.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server has no such file, or does not give it.
    #[error("{url}: the server answers {status} {reason}")]
    Status {
        /// What was asked for.
        url: Url,
        /// The status.
        status: u16,
        /// What it means.
        reason: &'static str,
    },
    /// Redirects lead on and on.
    #[error("{url}: more than {limit} redirects")]
    TooManyRedirects {
        /// What was asked for first.
        url: Url,
        /// How many are followed.
        limit: usize,
    },
    /// A redirect does not say where to.
    #[error("{url}: a redirect that leads nowhere")]
    NoLocation {
        /// What was asked for.
        url: Url,
    },
    /// A redirect leads to something that is no URL.
    #[error("{url}: a redirect to something else: {source}")]
    Location {
        /// What was asked for.
        url: Url,
        /// What is wrong with it.
        source: UrlError,
    },
    /// A redirect leads to a place that everybody on the way can read and change.
    #[error("{from}: redirect to {to}, which is not secure")]
    Downgrade {
        /// What was asked for.
        from: Url,
        /// Where it leads.
        to: Url,
    },
    /// The address of the proxy is invalid.
    #[error("{url}: invalid proxy: {why}")]
    Proxy {
        /// What was asked for.
        url: Url,
        /// What is wrong.
        why: String,
    },
    /// A document is longer than a document of its kind may be.
    #[error("{url}: the answer has more than {limit} bytes")]
    TooLarge {
        /// What was asked for.
        url: Url,
        /// How many bytes it may have.
        limit: u64,
    },
    /// The server sends a part and does not say which.
    #[error("{url}: the server sends a part of the file without saying which")]
    Range {
        /// What was asked for.
        url: Url,
    },
    /// The server cannot prove who it is.
    #[error("{url}: the server's certificate is not trusted: {why}")]
    Certificate {
        /// What was asked for.
        url: Url,
        /// Why.
        why: String,
    },
    /// There is no such server, or it does not answer now.
    #[error("{url}: {why}")]
    Connection {
        /// What was asked for.
        url: Url,
        /// Why.
        why: String,
    },
    /// The request cannot be sent, or the answer is not understood.
    #[error("{url}: {why}")]
    Request {
        /// What was asked for.
        url: Url,
        /// Why.
        why: String,
    },
}

impl Error {
    /// What kept a request from being answered.
    pub(super) fn request(url: &Url, source: ureq::Error) -> Self {
        let url = url.clone();
        let (why, is_passing) = match source {
            ureq::Error::HostNotFound => ("no such host".to_owned(), false),
            ureq::Error::Timeout(_) => ("the server does not answer".to_owned(), true),
            ureq::Error::Io(error) => plain(&error),
            other => (other.to_string(), false),
        };
        // Below the client an error of TLS is one of input and output, with nothing but its words.
        match why.split_once("invalid peer certificate: ") {
            Some((_, why)) => Self::Certificate { url, why: in_words(why) },
            None if why.contains("InvalidContentType") => {
                Self::Request { url, why: "the server does not speak TLS".to_owned() }
            }
            None if is_passing => Self::Connection { url, why },
            None => Self::Request { url, why },
        }
    }

    /// Whether the same request may be answered soon.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Connection { .. })
    }
}

/// The system's words without Rust's number, and whether the error may pass.
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

/// What is wrong with a certificate, for the names that rustls has for it.
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

/// Says of an error in a body what it is about.
pub(super) fn in_body(error: io::Error) -> io::Error {
    let is_silence = error.kind() == io::ErrorKind::TimedOut
        || matches!(error.get_ref().and_then(|inner| inner.downcast_ref()), Some(ureq::Error::Timeout(_)));
    if error.kind() == io::ErrorKind::UnexpectedEof || error.to_string().contains("disconnected") {
        let text = "the server closed the connection before the end";
        return io::Error::new(io::ErrorKind::UnexpectedEof, text);
    }
    if !is_silence {
        return error;
    }
    let text = format!("the server has sent nothing for {} seconds", SILENCE.as_secs());
    io::Error::new(io::ErrorKind::TimedOut, text)
}
