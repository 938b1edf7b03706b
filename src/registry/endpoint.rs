//! One server with the distribution API: a registry, or a mirror of one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::authorizer::{Authorizer, Scope};
use super::challenge::choose;
use super::clients::Clients;
use super::{Credentials, Error, Refusal, RegistryHost, Secret};
use crate::http::{self, Client, Method, Request, Response, Url};

/// How often a request is sent whose authorisation is refused.
const MAX_REFUSALS: usize = 3;

/// Sends requests with the authorisation that a server wants.
pub(super) struct Authorize<'a> {
    client: &'a Client,
    header: Option<&'a Secret>,
}

impl Authorize<'_> {
    /// Adds the authorisation to a request.
    pub(super) fn sign<'r>(&self, request: Request<'r>) -> Request<'r> {
        match self.header {
            Some(value) => request.header("authorization", value.reveal()),
            None => request,
        }
    }

    /// Sends a request to another server than the one that wants the authorisation: without it.
    pub(super) fn send_without(&self, request: Request<'_>) -> Result<Response, http::Error> {
        self.client.send(request)
    }

    /// Sends a request to the server itself.
    pub(super) fn send(&self, request: Request<'_>) -> Result<Response, http::Error> {
        self.client.send(self.sign(request))
    }
}

/// A server with the distribution API. Threads may share one.
pub(super) struct Endpoint {
    host: RegistryHost,
    client: Arc<Client>,
    authorizer: Authorizer,
    /// Whether plain HTTP is allowed.
    may_be_plain: bool,
    /// The URL of the API's root, once it is known.
    base: OnceLock<Url>,
    /// Held by the thread that finds it out.
    probing: Mutex<()>,
    /// Whether it has refused chunks of a blob.
    refuses_chunks: AtomicBool,
}

impl Endpoint {
    /// The registry's own server. Does not connect yet.
    pub(super) fn of(clients: &Arc<Clients>, host: &RegistryHost, given: Option<Credentials>) -> Result<Self, Error> {
        let may_be_plain = host.is_loopback() || clients.settings().is_insecure(host);
        let base = OnceLock::new();
        if !may_be_plain {
            let _ = base.set(root(host, true)?);
        }
        let authorizer = Authorizer::new(Arc::clone(clients), host.clone(), given);
        Ok(Self {
            host: host.clone(),
            client: clients.of_host(host)?,
            authorizer,
            may_be_plain,
            base,
            probing: Mutex::default(),
            refuses_chunks: AtomicBool::new(false),
        })
    }

    /// The server at a URL: a mirror, or one that a registry has for something of its own.
    pub(super) fn at(clients: &Arc<Clients>, url: &Url) -> Result<Self, Error> {
        let host = RegistryHost::typed(&url.authority())?;
        let authorizer = Authorizer::new(Arc::clone(clients), host.clone(), None);
        let client = clients.of(url)?;
        Ok(Self {
            host,
            client,
            authorizer,
            may_be_plain: !url.is_secure(),
            base: OnceLock::from(url.clone()),
            probing: Mutex::default(),
            refuses_chunks: AtomicBool::new(false),
        })
    }

    /// The host, as it stands in names.
    pub(super) fn host(&self) -> &RegistryHost {
        &self.host
    }

    /// Whether it has refused chunks of a blob.
    pub(super) fn refuses_chunks(&self) -> bool {
        self.refuses_chunks.load(Ordering::Relaxed)
    }

    /// Takes note that it does.
    pub(super) fn has_refused_chunks(&self) {
        self.refuses_chunks.store(true, Ordering::Relaxed);
    }

    /// It asks to wait, and is waited for.
    pub(super) fn is_waited_for(&self, wait: Duration) {
        self.client.waiting().tell(self.host.as_str(), wait);
    }

    /// A URL below the API's root.
    pub(super) fn url(&self, path: &str) -> Result<Url, Error> {
        let base = self.base()?;
        base.join(path).map_err(|error| Error::Answer { what: self.host.to_string(), why: error.to_string() })
    }

    /// Checks that the server has the API, with the credentials that it wants.
    pub(super) fn ping(&self) -> Result<(), Error> {
        let url = self.url("/v2/")?;
        let what = url.to_string();
        let response = self.send(Scope::Ping, &what, || Request::new(Method::Get, &url))?;
        if response.status() >= 300 {
            return Err(self.refused(&what, Scope::Ping, response));
        }
        match self.authorizer.withheld_from() {
            // What was asked is what anybody may do: nothing is known of the credentials.
            Some(server) => Err(Error::Withheld { host: self.host.clone(), server }),
            None => Ok(()),
        }
    }

    /// The refresh token that the token server gave in place of the password.
    pub(super) fn refresh_token(&self) -> Option<Secret> {
        self.authorizer.refresh_token()
    }

    /// Sends a request with the authorisation that the server wants. The response may have any status but 401. `make`
    /// is called for each time that the request is sent; `what` is named in errors.
    pub(super) fn send<'a>(
        &self,
        scope: Scope<'_>,
        what: &str,
        make: impl Fn() -> Request<'a>,
    ) -> Result<Response, Error> {
        self.exchange(scope, what, &mut |authorize| self.client.send(authorize.sign(make())))
    }

    /// The same, where the request is sent by `send` itself, as its content can be read only once.
    pub(super) fn exchange(
        &self,
        scope: Scope<'_>,
        what: &str,
        send: &mut dyn FnMut(&Authorize<'_>) -> Result<Response, http::Error>,
    ) -> Result<Response, Error> {
        let base = self.base()?;
        let mut refusals = 0;
        loop {
            let authorization = self.authorizer.header(base, scope).map_err(|error| match error {
                Error::Unauthorized { refusal, .. } => self.unauthorized(what, scope, refusal),
                other => other,
            })?;
            let authorize = Authorize { client: &self.client, header: authorization.as_ref() };
            let response = send(&authorize).map_err(|error| self.of_http(error))?;
            if response.status() != 401 {
                return Ok(response);
            }
            refusals += 1;
            let challenge = choose(response.headers("www-authenticate"));
            let goes_on = self.authorizer.refused(challenge, scope, authorization.as_ref());
            if refusals == MAX_REFUSALS || !goes_on {
                return Err(self.unauthorized(what, scope, Refusal::read(response)));
            }
        }
    }

    /// The error of a response that is not a success.
    pub(super) fn refused(&self, what: &str, scope: Scope<'_>, response: Response) -> Error {
        let refusal = Refusal::read(response);
        if refusal.status == 403 {
            return self.unauthorized(what, scope, refusal);
        }
        Error::Refused { what: what.to_owned(), refusal }
    }

    fn unauthorized(&self, what: &str, scope: Scope<'_>, refusal: Refusal) -> Error {
        Error::Unauthorized {
            what: what.to_owned(),
            host: self.host.clone(),
            refusal,
            with_credentials: self.authorizer.has_credentials(scope),
            withheld_from: self.authorizer.withheld_from(),
        }
    }

    fn of_http(&self, error: http::Error) -> Error {
        match error {
            http::Error::NotTls { .. } if !self.may_be_plain => Error::PlainHttp { host: self.host.clone() },
            other => Error::Http(other),
        }
    }

    /// The URL of the API's root. Where plain HTTP is allowed, the server is asked which of the two it speaks: first
    /// without encryption, as some servers wait forever for the end of what they take for a line. No credentials are
    /// sent with that.
    pub(super) fn base(&self) -> Result<&Url, http::Error> {
        if let Some(base) = self.base.get() {
            return Ok(base);
        }
        let _probing = self.probing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(base) = self.base.get() {
            return Ok(base);
        }
        let found = self.probe()?;
        Ok(self.base.get_or_init(|| found))
    }

    fn probe(&self) -> Result<Url, http::Error> {
        let (plain, secure) = (root(&self.host, false)?, root(&self.host, true)?);
        let first = self.knock(&plain);
        match &first {
            // What servers with TLS answer to plain HTTP.
            Ok(response) if response.status() != 400 => {
                let is_moved = response.url().is_secure() && response.url().host() == secure.host();
                return Ok(if is_moved { root_of(response.url()) } else { plain });
            }
            _ => {}
        }
        match (self.knock(&secure), first) {
            (Ok(_), _) => Ok(secure),
            (Err(http::Error::NotTls { .. }), Ok(_)) => Ok(plain),
            (Err(error @ http::Error::Certificate { .. }), _) | (Err(error), Ok(_)) | (_, Err(error)) => Err(error),
        }
    }

    fn knock(&self, root: &Url) -> Result<Response, http::Error> {
        let url = root.join("/v2/").map_err(|source| http::Error::Location { url: root.clone(), source })?;
        self.client.send(Request::new(Method::Get, &url).once())
    }
}

/// The root of the API at a host.
fn root(host: &RegistryHost, is_secure: bool) -> Result<Url, http::Error> {
    let scheme = if is_secure { "https" } else { "http" };
    let url = format!("{scheme}://{}/", host.api()).parse();
    url.map_err(|error: http::UrlError| http::Error::Body { why: format!("{host}: {error}") })
}

/// The root of the server of a URL.
fn root_of(url: &Url) -> Url {
    url.join("/").unwrap_or_else(|_| url.clone())
}
