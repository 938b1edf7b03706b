//! One request from its head to the last byte of its answer: what the log and the metrics are told of it.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::header::{HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Response};
use jiff::Timestamp;

use super::answer::AnswerBody;
use super::asked::Asked;
use super::log::Record;
use super::server::Server;

/// Where a proxy tells who asked it.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The name of a request, in answers and in logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest ID that a proxy may give a request.
const MAX_ID: usize = 64;
/// What is logged of a request whose client went away before it was answered, as nginx does.
const GONE: u16 = 499;

/// A request that is being answered; told to the log and the metrics when it is dropped.
#[derive(Debug)]
pub(super) struct Seen {
    server: Arc<Server>,
    time: Timestamp,
    begun: Instant,
    client: String,
    method: Method,
    path: String,
    agent: Vec<u8>,
    id: String,
    route: &'static str,
    user: Option<String>,
    received: Arc<AtomicU64>,
    status: u16,
    sent: u64,
}

impl Seen {
    /// A request that has arrived from `peer`. `route` says what kind of request it is.
    pub(super) fn begin(server: &Arc<Server>, peer: &str, asked: &Asked, route: &'static str) -> Self {
        server.metrics.begin();
        let (peer, is_near) = parse_peer(peer);
        let id = asked.header(REQUEST_ID).filter(|id| is_near && is_id(id)).map(ToOwned::to_owned);
        let client = is_near.then(|| forwarded_for(&asked.headers)).flatten();
        Self {
            server: Arc::clone(server),
            time: Timestamp::now(),
            begun: Instant::now(),
            client: client.map_or(peer, |address| address.to_string()),
            method: asked.method.clone(),
            path: asked.path.clone(),
            agent: asked.headers.get(USER_AGENT).map(|agent| agent.as_bytes().to_vec()).unwrap_or_default(),
            id: id.unwrap_or_else(|| server.metrics.next_id()),
            route,
            user: None,
            received: Arc::default(),
            status: GONE,
            sent: 0,
        }
    }

    /// The address of who asks, as far as it is known.
    pub(super) fn client(&self) -> &str {
        &self.client
    }

    /// It is a user's.
    pub(super) fn is_of(&mut self, user: Option<&str>) {
        self.user = user.map(ToOwned::to_owned);
    }

    /// How many bytes of the body have been read.
    pub(super) fn received(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.received)
    }

    /// Tells the log what went wrong here.
    pub(super) fn failed(&self, why: &str) {
        self.server.settings.log.failure(self.method.as_str(), &self.path, &self.id, why);
    }

    /// The answer, which is watched until its last byte.
    pub(super) fn answered(mut self, response: Response<AnswerBody>) -> Response<Watched> {
        let (mut parts, body) = response.into_parts();
        self.status = parts.status.as_u16();
        if let Ok(id) = HeaderValue::from_str(&self.id) {
            parts.headers.insert(REQUEST_ID, id);
        }
        Response::from_parts(parts, Watched { body, seen: self })
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        let (took, received) = (self.begun.elapsed(), self.received.load(Ordering::Relaxed));
        self.server.metrics.end(self.route, &self.method, self.status, received, self.sent, took);
        self.server.settings.log.request(&Record {
            time: self.time,
            client: &self.client,
            user: self.user.as_deref(),
            method: self.method.as_str(),
            path: &self.path,
            status: self.status,
            received,
            sent: self.sent,
            took,
            agent: &self.agent,
            id: &self.id,
        });
    }
}

/// The body of an answer, counted while it is sent.
#[derive(Debug)]
pub(super) struct Watched {
    body: AnswerBody,
    seen: Seen,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => self.seen.sent += frame.data_ref().map_or(0, |bytes| bytes.len() as u64),
            Some(Err(error)) => self.seen.failed(&format!("the answer ended early: {error}")),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The address of a peer without its port, and whether what it says of others is believed: a proxy on this machine.
fn parse_peer(peer: &str) -> (String, bool) {
    match peer.parse::<std::net::SocketAddr>() {
        Ok(address) => (address.ip().to_canonical().to_string(), address.ip().to_canonical().is_loopback()),
        Err(_) => (peer.to_owned(), peer == "unix"),
    }
}

/// Who asked the proxy: the last address, since all before it are what the client said.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all(FORWARDED_FOR).iter().next_back()?.to_str().ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}

fn is_id(id: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(is_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proxy_on_this_machine_tells_who_asked_it() {
        assert_eq!(parse_peer("127.0.0.1:80"), ("127.0.0.1".to_owned(), true));
        assert_eq!(parse_peer("[::ffff:127.0.0.1]:80"), ("127.0.0.1".to_owned(), true));
        assert_eq!(parse_peer("10.0.0.1:80"), ("10.0.0.1".to_owned(), false));
        assert_eq!(parse_peer("unix"), ("unix".to_owned(), true));
    }

    #[test]
    fn the_last_address_is_the_proxys_own_word() {
        let mut headers = HeaderMap::new();
        assert_eq!(forwarded_for(&headers), None);
        headers.append(FORWARDED_FOR, HeaderValue::from_static("6.6.6.6, 10.0.0.9"));
        assert_eq!(forwarded_for(&headers), "10.0.0.9".parse().ok());
        headers.append(FORWARDED_FOR, HeaderValue::from_static("\"><script>"));
        assert_eq!(forwarded_for(&headers), None);
    }
}
