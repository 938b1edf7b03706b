//! Why a request failed.

use std::net::IpAddr;
use std::time::Duration;

use super::address::Reach;
use super::body::BodyError;
use super::certificate::Distrust;
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
    #[error(
        "{url}: the address of the proxy is invalid: it must be [SCHEME://][USER:PASSWORD@]HOST[:PORT], with the \
             scheme http, https, socks5 or socks5h, and special characters in percent encoding"
    )]
    InvalidProxy {
        /// The requested URL.
        url: Url,
    },
    /// The proxy cannot be reached, or does not connect to the server.
    #[error("{url}: the proxy {proxy} {why}")]
    Proxy {
        /// The requested URL.
        url: Url,
        /// The proxy, without its user and password.
        proxy: String,
        /// What it did, as a phrase with a verb.
        why: String,
        /// Its answer, if it speaks HTTP and gave one.
        status: Option<u16>,
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
    #[error("{url}: the server's certificate is not trusted: {problem}{}", read_from(problem, trust))]
    Certificate {
        /// The requested URL.
        url: Url,
        /// What is wrong with the certificate.
        problem: Distrust,
        /// What the trusted certificates were read from.
        trust: Vec<String>,
    },
    /// The server of an `https` URL does not speak TLS: most likely, it is to be reached by `http`.
    #[error("{url}: the server does not speak TLS")]
    NotTls {
        /// The requested URL.
        url: Url,
    },
    /// The server wants a client certificate, or another one.
    #[error("{url}: the server wants {}: {why}", if *had_one { "another client certificate" } else { "a client certificate" })]
    ClientCertificate {
        /// The requested URL.
        url: Url,
        /// Whether it was given one.
        had_one: bool,
        /// How it says so.
        why: String,
    },
    /// There is no such host.
    #[error("{url}: no such host")]
    NoHost {
        /// The requested URL.
        url: Url,
    },
    /// The server cannot be reached, or does not answer.
    #[error("{url}: {why}")]
    Connection {
        /// The requested URL.
        url: Url,
        /// Why.
        why: String,
        /// Whether a retry may help.
        is_passing: bool,
    },
    /// The body of a response does not come as it should.
    #[error("{url}: {source}")]
    Transfer {
        /// The requested URL.
        url: Url,
        /// What happened.
        source: BodyError,
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
            Self::Connection { is_passing, .. } => *is_passing,
            Self::Transfer { source, .. } => source.is_passing(),
            Self::Status { status, .. } | Self::Proxy { status: Some(status), .. } => is_passing(*status),
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

/// Where an authority would have to be that is not known.
fn read_from(problem: &Distrust, trust: &[String]) -> String {
    match problem {
        Distrust::SelfSigned | Distrust::UnknownAuthority if !trust.is_empty() => {
            format!(" (certificates were read from {})", trust.join(", "))
        }
        _ => String::new(),
    }
}
