//! What is served beside the API: whether the server works, what it counts, what others are still to be told, and the page for people.

use std::sync::Arc;

use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use hyper::{Method, StatusCode};

use super::access::TOKEN_PATH;
use super::answer::{Answer, Content};
use super::asked::Asked;
use super::page::Page;
use super::prometheus;
use super::refusal::{Code, Refusal};
use super::server::{Server, blocking};

/// What a path beside the API names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Beside {
    /// `/healthz`
    Health,
    /// `/metrics`
    Metrics,
    /// `/notifications`: the events that wait for those who are to be told.
    Notifications,
    /// A page for people.
    Page(Page),
    /// `/v2/token`
    Token,
    /// Nothing, for a client of the API.
    Nothing,
}

impl Beside {
    pub(super) fn parse(path: &str) -> Self {
        match path {
            "/healthz" => Self::Health,
            "/metrics" => Self::Metrics,
            "/notifications" => Self::Notifications,
            TOKEN_PATH => Self::Token,
            path if path.starts_with("/v2/") => Self::Nothing,
            path => Self::Page(Page::parse(path)),
        }
    }

    /// Its name in the metrics.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Metrics => "metrics",
            Self::Page(Page::Nothing) | Self::Nothing => "other",
            Self::Page(_) => "page",
            Self::Notifications => "notifications",
            Self::Token => "token",
        }
    }

    /// Whether people read it.
    pub(super) fn is_page(&self) -> bool {
        matches!(self, Self::Page(_))
    }

    /// The answer.
    pub(super) async fn answer(self, server: &Arc<Server>, asked: &Arc<Asked>) -> Result<Answer, Refusal> {
        let reads = matches!(asked.method, Method::GET | Method::HEAD);
        match self {
            Self::Page(page) => page.answer(server, asked).await,
            Self::Nothing => {
                Err(Refusal::because(Code::Unsupported, "the API has no such path").status(StatusCode::NOT_FOUND))
            }
            _ if !reads => Ok(Answer::new(StatusCode::METHOD_NOT_ALLOWED).header(ALLOW, "GET, HEAD")),
            Self::Health => blocking(server, asked, |server, _| Ok(health(server))).await,
            Self::Metrics => {
                server.access.check_user(asked)?;
                blocking(server, asked, |server, _| prometheus::get(server)).await
            }
            Self::Notifications => {
                server.access.check_user(asked)?;
                blocking(server, asked, |server, _| Ok(Answer::json(StatusCode::OK, &server.events.waiting()))).await
            }
            Self::Token => server.access.token(asked),
        }
    }
}

/// `GET /healthz`: whether the store can be read, and written to if anybody may.
fn health(server: &Server) -> Answer {
    let store = server.store();
    let read = server.shelves.now().map(drop);
    let usable = read.and_then(|()| if server.settings.read_only { Ok(()) } else { store.probe() });
    let (status, words) = match usable {
        Ok(()) => (StatusCode::OK, "ok\n"),
        Err(error) => {
            let cause = Refusal::broken(&error).cause().unwrap_or_default().to_owned();
            server.settings.log.error(&format!("not healthy: {cause}"));
            (StatusCode::SERVICE_UNAVAILABLE, "the store cannot be used: see the log\n")
        }
    };
    Answer::new(status)
        .header(CONTENT_TYPE, "text/plain; charset=utf-8")
        .header(CACHE_CONTROL, "no-store")
        .content(Content::Bytes(words.into()))
}
