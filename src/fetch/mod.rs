//! Files from web servers: `http` and `https`, as a stream that is read once.
//!
//! What must never happen: a certificate is not checked; a redirect leads from `https` to `http`, or on and on; a
//! server that falls silent holds us for ever; a file that arrived in part is taken for a whole one; a password that
//! stood in a URL is shown.

mod error;
mod url;

use std::io::{self, Read};
use std::time::Duration;

use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy};

pub use error::Error;
pub use url::{Url, UrlError};

/// How many redirects are followed; as many as Go's client does.
const MAX_REDIRECTS: usize = 10;
/// How long a name or a connection may take.
const CONNECT: Duration = Duration::from_secs(30);
/// How long a server may be silent: before it answers, and between two pieces of a file.
const SILENCE: Duration = Duration::from_secs(60);
/// What we are called by servers.
const USER_AGENT: &str = concat!("imgtool/", env!("CARGO_PKG_VERSION"));

/// How the network is reached.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The proxy for `http`, as `http://[user:password@]host:port`.
    pub http_proxy: Option<String>,
    /// The proxy for `https`.
    pub https_proxy: Option<String>,
    /// The hosts that are reached without a proxy, with commas between them: `example.com,.local,10.0.0.1,*`.
    pub no_proxy: String,
    /// The certificates that are trusted, in DER; Mozilla's, if there are none.
    pub roots: Vec<Vec<u8>>,
}

/// A file that is on its way.
pub struct Download {
    /// Its size in bytes, if the server said it.
    pub size: Option<u64>,
    /// Its bytes. An end before the size is an error.
    pub body: Box<dyn Read + Send>,
}

/// Asks for a file, and for where redirects say that it is.
pub fn open(url: &Url, settings: &Settings) -> Result<Download, Error> {
    let mut at = url.clone();
    for _ in 0..=MAX_REDIRECTS {
        let response = ask(&at, settings)?;
        let status = response.status();
        if status.is_success() {
            return Ok(download(response.into_body()));
        }
        if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Err(Error::Status {
                url: at,
                status: status.as_u16(),
                reason: status.canonical_reason().unwrap_or(""),
            });
        }
        at = next(at, &response)?;
    }
    Err(Error::TooManyRedirects { url: url.clone(), limit: MAX_REDIRECTS })
}

/// Where a redirect leads.
fn next(from: Url, response: &ureq::http::Response<Body>) -> Result<Url, Error> {
    let location = response.headers().get("location").and_then(|value| value.to_str().ok());
    let Some(location) = location else { return Err(Error::NoLocation { url: from }) };
    let to = match from.join(location) {
        Ok(to) => to,
        Err(source) => return Err(Error::Location { url: from, source }),
    };
    if from.is_secure() && !to.is_secure() {
        return Err(Error::Downgrade { from, to });
    }
    Ok(to)
}

fn ask(url: &Url, settings: &Settings) -> Result<ureq::http::Response<Body>, Error> {
    let failed = |source| Error::request(url, source);
    let agent = agent(settings, proxy(url, settings)?);
    let request = agent.get(url.target()).header("accept", "*/*");
    let request = match url.authorization() {
        Some(value) => request.header("authorization", value),
        None => request,
    };
    request.call().map_err(failed)
}

/// A client of one request.
fn agent(settings: &Settings, proxy: Option<Proxy>) -> Agent {
    let roots = match settings.roots.as_slice() {
        [] => RootCerts::WebPki,
        roots => RootCerts::from(roots.iter().map(|der| Certificate::from_der(der).to_owned())),
    };
    let config = Agent::config_builder()
        .user_agent(USER_AGENT)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .proxy(proxy)
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .timeout_per_write(Some(SILENCE));
    config.build().new_agent()
}

/// The proxy that a URL is asked for through.
fn proxy(url: &Url, settings: &Settings) -> Result<Option<Proxy>, Error> {
    let proxy = if url.is_secure() { &settings.https_proxy } else { &settings.http_proxy };
    let Some(proxy) = proxy.as_ref().filter(|_| !url.is_direct(&settings.no_proxy)) else { return Ok(None) };
    let proxy = Proxy::new(proxy).map_err(|source| Error::Proxy { url: url.clone(), source: Box::new(source) })?;
    Ok(Some(proxy))
}

fn download(body: Body) -> Download {
    let size = body.content_length();
    Download { size, body: Box::new(Whole { body: body.into_reader(), left: size }) }
}

/// A body that must not end early.
struct Whole<R> {
    body: R,
    left: Option<u64>,
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.body.read(buffer).map_err(error::in_body)?;
        match &mut self.left {
            Some(left) if got == 0 && *left > 0 && !buffer.is_empty() => {
                let text = format!("the server closed the connection, {left} bytes before the end");
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
            }
            Some(left) => *left = left.saturating_sub(got as u64),
            None => {}
        }
        Ok(got)
    }
}

#[cfg(test)]
mod tests;
