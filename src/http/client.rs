//! Requests are sent, again if need be, and followed to where redirects lead.

use std::thread;
use std::time::Duration;

use ureq::SendBody;
use ureq::http;

use super::agents::Agents;
use super::request::RequestContent;
use super::{Error, Method, Request, Response, Settings, Url};

/// How many redirects are followed; as many as Go's client does.
const MAX_REDIRECTS: usize = 10;
/// No longer is waited because a server wants it.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// Headers that say who asks, and are for one server only.
const CREDENTIALS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// Sends requests. Threads may share one; connections are used again.
#[derive(Debug)]
pub struct Client {
    agents: Agents,
    retries: Vec<Duration>,
}

impl Client {
    /// A client that reaches the network so. Nothing is connected yet.
    pub fn new(settings: &Settings) -> Self {
        Self { agents: Agents::new(settings), retries: settings.retries.clone() }
    }

    /// Asks for a file, and for where redirects say that it is. An answer that is no success is an error.
    pub fn get(&self, url: &Url) -> Result<Response, Error> {
        self.send(Request::new(Method::Get, url).header("accept", "*/*"))?.success()
    }

    /// Sends a request and gives the answer, whatever its status. Redirects of GET and HEAD are followed; those of other
    /// methods are an answer like any other.
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

    /// Sends a request that can be repeated until there is an answer that will not be another one soon.
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

    /// Sends a request once.
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
