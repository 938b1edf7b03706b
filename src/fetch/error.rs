//! Why a file cannot be had.

use std::io;

use super::SILENCE;
use super::url::{Url, UrlError};

/// Why a file cannot be had. URLs are shown without their passwords.
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
    /// The proxy's address is none.
    #[error("{url}: the proxy for it")]
    Proxy {
        /// What was asked for.
        url: Url,
        /// What is wrong.
        #[source]
        source: Box<ureq::Error>,
    },
    /// The server cannot prove who it is.
    #[error("{url}: the server's certificate is not trusted: {why}")]
    Certificate {
        /// What was asked for.
        url: Url,
        /// Why.
        why: String,
    },
    /// There is no such server, or it does not answer.
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
        let why = match source {
            ureq::Error::HostNotFound => "there is no such host".to_owned(),
            ureq::Error::Timeout(_) => "the server does not answer".to_owned(),
            ureq::Error::Io(error) => plain(&error),
            other => other.to_string(),
        };
        // Below the client an error of TLS is one of input and output, with nothing but its words.
        match why.split_once("invalid peer certificate: ") {
            Some((_, why)) => Self::Certificate { url, why: in_words(why) },
            None if why.contains("InvalidContentType") => {
                Self::Request { url, why: "the server does not speak TLS".to_owned() }
            }
            None => Self::Request { url, why },
        }
    }
}

/// The system's words without Rust's number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    if text.contains("failed to lookup address information") {
        return "there is no such host".to_owned();
    }
    match error.raw_os_error() {
        Some(code) => text.trim_end_matches(&format!(" (os error {code})")).to_lowercase(),
        None => text,
    }
}

/// What is wrong with a certificate, where rustls has but a name for it.
fn in_words(why: &str) -> String {
    let known = [
        ("UnknownIssuer", "nobody that we know has signed it"),
        ("CaUsedAsEndEntity", "nobody but itself has signed it"),
        ("Expired", "it has expired"),
        ("NotValidYet", "it is not valid yet"),
        ("Revoked", "it was revoked"),
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
