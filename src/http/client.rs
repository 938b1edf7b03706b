//! Sends requests, with retries and redirects.

use std::thread;
use std::time::Duration;

use ureq::http;
use ureq::unversioned::transport::NextTimeout;
use ureq::{Agent, SendBody};

use super::address::Reach;
use super::agents::{Agents, IDLE};
use super::failure::Failed;
use super::line::{self, Broken};
use super::names::{Giver, Names, literal};
use super::request::RequestContent;
use super::retry::Waits;
use super::{Error, Request, Response, Retries, Settings, Url, Waiting};

/// The most redirects that are followed, as in Go's client.
const MAX_REDIRECTS: usize = 10;
/// Where certificates are from if the system has none.
const MOZILLA: &str = "Mozilla's list in imgtool";
/// Headers with credentials, which are never sent to another server.
const CREDENTIALS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// An HTTP client. Threads may share one; connections are reused.
#[derive(Debug)]
pub struct Client {
    agents: Agents,
    names: Names,
    retries: Retries,
    waiting: Waiting,
    stall: Duration,
    /// What the trusted certificates were read from.
    trust: Vec<String>,
    has_identity: bool,
}

impl Client {
    /// A client with these settings. Does not connect yet.
    pub fn new(settings: &Settings) -> Self {
        let Settings { names, retries, waiting, stall, trust, roots, identity, .. } = settings;
        let files = trust.iter().map(|path| path.display().to_string());
        Self {
            agents: Agents::new(settings),
            names: names.clone(),
            retries: retries.clone(),
            waiting: waiting.clone(),
            stall: *stall,
            trust: roots.is_empty().then(|| MOZILLA.to_owned()).into_iter().chain(files).collect(),
            has_identity: identity.is_some(),
        }
    }

    /// Who is told when a server asks to wait.
    pub fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// Gets a file, following redirects. Any status but success is an error.
    pub fn get(&self, url: &Url) -> Result<Response, Error> {
        self.send(Request::new(super::Method::Get, url).header("accept", "*/*"))?.success()
    }

    /// Sends a request and returns the response, whatever its status. Redirects of GET and HEAD are followed; those of
    /// other methods are returned as they are, unless the request says otherwise ([`Request::sent_on`]).
    pub fn send(&self, mut request: Request<'_>) -> Result<Response, Error> {
        let mut waits = self.retries.begin();
        if !request.follows() {
            return self.persist(&mut request, &mut waits);
        }
        let (first, mut at) = (request.url, request.url.clone());
        let bytes = if let RequestContent::Bytes(bytes) = request.content { Some(bytes) } else { None };
        for _ in 0..=MAX_REDIRECTS {
            let content = bytes.map_or(RequestContent::Nothing, RequestContent::Bytes);
            let mut step = Request { url: &at, content, ..request };
            let response = self.persist(&mut step, &mut waits)?;
            if !step.goes_on_after(response.status()) {
                return Ok(response);
            }
            let Some(to) = response.redirect()? else { return Ok(response) };
            response.discard();
            request = Request { url: first, content: RequestContent::Nothing, ..step };
            if !to.is_same_server(&at) {
                request.headers.retain(|(name, _)| !CREDENTIALS.contains(&name.to_ascii_lowercase().as_str()));
                request.namer = Some(at);
            }
            at = to;
        }
        Err(Error::TooManyRedirects { url: first.clone(), limit: MAX_REDIRECTS })
    }

    /// Sends a request, and again after transient failures.
    fn persist(&self, request: &mut Request<'_>, waits: &mut Waits) -> Result<Response, Error> {
        loop {
            let answer = self.exchange(request).and_then(|response| response.whole(request.whole));
            let asked = match &answer {
                Ok(response) if response.is_passing() => response.retry_after(),
                Err(error) if error.is_passing() => None,
                _ => return answer,
            };
            if !request.repeats() {
                return answer;
            }
            let Some(wait) = waits.next(asked) else { return answer };
            if asked.is_some() {
                self.waiting.tell(&request.url.authority(), wait);
            }
            if let Ok(response) = answer {
                response.discard();
            }
            thread::sleep(wait);
        }
    }

    /// Sends a request once, without retries or redirects.
    fn exchange(&self, request: &mut Request<'_>) -> Result<Response, Error> {
        let url = request.url;
        let giver = self.giver(request)?;
        let agent = self.agents.of(url, giver)?;
        let mut answer = run(agent, request)?;
        for _ in 0..IDLE {
            // A connection that was kept, and that the server closed at the same moment. It has not seen the request.
            match &answer {
                Err(ureq::Error::Io(error)) if Broken::of(error) == Some(Broken::Stale) && request.is_harmless() => {
                    answer = run(agent, request)?;
                }
                _ => break,
            }
        }
        let (namer, proxy, trust) = (request.namer.as_ref(), self.agents.proxy(url)?, &self.trust);
        let has_identity = self.has_identity && giver == Giver::User;
        let failed = Failed { url, namer, proxy, trust, has_identity, stall: self.stall };
        match answer {
            // Only proxies answer so.
            Ok(answer) if answer.status() == 407 && proxy.is_some() => Err(failed.refused_by_proxy(407)),
            Ok(answer) => Ok(Response::new(url.clone(), answer, self.stall)),
            Err(error) => Err(failed.error(&error)),
        }
    }

    /// Who gave the URL of a request. Refuses what can be refused without resolving the name of its host.
    fn giver(&self, request: &Request<'_>) -> Result<Giver, Error> {
        let url = request.url;
        let Some(namer) = request.namer.as_ref().filter(|namer| !namer.is_same_server(url)) else {
            return Ok(Giver::User);
        };
        let from = self.reach(namer)?;
        let is_proxied = self.agents.proxy(url)?.is_some();
        if !url.is_secure() && (from != Reach::Loopback || is_proxied) {
            return Err(Error::Insecure { namer: namer.clone(), url: url.clone() });
        }
        match literal(url.host()) {
            Some(address) if !from.may_lead_to(Reach::of(address), url.is_secure()) => {
                Err(Error::forbidden(namer.clone(), url.clone(), address))
            }
            _ => Ok(Giver::Server(from)),
        }
    }

    /// From where a server can be reached. One that only a proxy knows is treated as one that everybody reaches.
    fn reach(&self, url: &Url) -> Result<Reach, Error> {
        if let Some(reach) = self.names.reach(url.host()) {
            return Ok(reach);
        }
        if self.agents.proxy(url)?.is_none() {
            let agent = self.agents.of(url, Giver::User)?;
            let timeout = NextTimeout { after: self.stall.into(), ..NextTimeout::default() };
            // Whatever comes of it, it is known afterwards, or not.
            let _ = self.names.resolve(&url.target(), agent.config(), timeout);
        }
        Ok(self.names.reach(url.host()).unwrap_or(Reach::Public))
    }
}

type Answer = Result<http::Response<ureq::Body>, ureq::Error>;

fn run(agent: &Agent, request: &mut Request<'_>) -> Result<Answer, Error> {
    line::begin();
    let Request { method, url, headers, content, .. } = request;
    let mut builder = http::Request::builder().method(method.name()).uri(url.target());
    if let Some(value) = url.authorization() {
        builder = builder.header("authorization", value);
    }
    for (name, value) in headers {
        builder = builder.header(*name, value.as_str());
    }
    let invalid = |error: http::Error| Error::Request { url: url.clone(), why: error.to_string() };
    Ok(match content {
        RequestContent::Nothing if method.has_no_content() => agent.run(builder.body(()).map_err(invalid)?),
        RequestContent::Nothing => agent.run(builder.body(&[][..]).map_err(invalid)?),
        RequestContent::Bytes(bytes) => agent.run(builder.body(&**bytes).map_err(invalid)?),
        RequestContent::Stream(stream, size) => {
            let body = SendBody::from_reader(stream);
            if let Some(size) = size {
                builder = builder.header("content-length", *size);
            }
            agent.run(builder.body(body).map_err(invalid)?)
        }
    })
}
