//! Sends requests, with retries and redirects.

use std::thread;
use std::time::Duration;

use ureq::SendBody;
use ureq::http;

use super::agents::Agents;
use super::request::RequestContent;
use super::{Error, Method, Request, Response, Settings, Url};

/// The most redirects that are followed, as in Go's client.
const MAX_REDIRECTS: usize = 10;
/// The longest `Retry-After` that is honoured.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// Headers with credentials, which are never sent to another server.
const CREDENTIALS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// An HTTP client. Threads may share one; connections are reused.
#[derive(Debug)]
pub struct Client {
    agents: Agents,
    retries: Vec<Duration>,
}

impl Client {
    /// A client with these settings. Does not connect yet.
    pub fn new(settings: &Settings) -> Self {
        Self { agents: Agents::new(settings), retries: settings.retries.clone() }
    }

    /// Gets a file, following redirects. Any status but success is an error.
    pub fn get(&self, url: &Url) -> Result<Response, Error> {
        self.send(Request::new(Method::Get, url).header("accept", "*/*"))?.success()
    }

    /// Sends a request and returns the response, whatever its status. Redirects of GET and HEAD are followed; those of
    /// other methods are returned as they are.
    pub fn send(&self, request: Request<'_>) -> Result<Response, Error> {
        if !request.can_repeat() {
            return self.exchange(request);
        }
        let Request { method, url, mut headers, .. } = request;
        let mut at = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.persist(method, &at, &headers)?;
            let Some(to) = response.redirect()? else { return Ok(response) };
            if !to.is_same_server(&at) {
                headers.retain(|(name, _)| !CREDENTIALS.contains(&name.to_ascii_lowercase().as_str()));
            }
            at = to;
        }
        Err(Error::TooManyRedirects { url: url.clone(), limit: MAX_REDIRECTS })
    }

    /// Sends a repeatable request, retrying transient failures.
    fn persist(&self, method: Method, url: &Url, headers: &[(&'static str, String)]) -> Result<Response, Error> {
        let mut waits = self.retries.iter();
        loop {
            let request = Request { headers: headers.to_vec(), ..Request::new(method, url) };
            let answer = self.exchange(request);
            let wanted = match &answer {
                Ok(response) if response.is_passing() => response.retry_after().unwrap_or_default(),
                Err(error) if error.is_passing() => Duration::ZERO,
                _ => return answer,
            };
            let Some(wait) = waits.next() else { return answer };
            thread::sleep(wanted.min(MAX_WAIT).max(*wait));
        }
    }

    /// Sends a request once, without retries or redirects.
    fn exchange(&self, request: Request<'_>) -> Result<Response, Error> {
        let Request { method, url, headers, content } = request;
        let mut builder = http::Request::builder().method(method.name()).uri(url.target());
        if let Some(value) = url.authorization() {
            builder = builder.header("authorization", value);
        }
        for (name, value) in &headers {
            builder = builder.header(*name, value);
        }
        let agent = self.agents.of(url)?;
        let invalid = |error: http::Error| Error::Request { url: url.clone(), why: error.to_string() };
        let answer = match content {
            RequestContent::Nothing if method.is_safe() || method == Method::Delete => {
                agent.run(builder.body(()).map_err(invalid)?)
            }
            RequestContent::Nothing => agent.run(builder.body(&[][..]).map_err(invalid)?),
            RequestContent::Bytes(bytes) => agent.run(builder.body(bytes).map_err(invalid)?),
            RequestContent::Stream(mut stream, size) => {
                let body = SendBody::from_reader(&mut stream);
                agent.run(builder.header("content-length", size).body(body).map_err(invalid)?)
            }
        };
        match answer {
            Ok(answer) => Ok(Response::new(url.clone(), answer)),
            Err(error) => Err(Error::request(url, error)),
        }
    }
}
