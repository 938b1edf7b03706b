//! The page for people: what repositories there are, what is in an image, and how to pull it.
//!
//! ```text
//! /                   list        the repositories, with search and paging
//! /ui/r/NAME          repository  its tags, what has lost its tag, how to pull
//! /ui/i/NAME:TAG      image       its platforms, layers, history, config, and what refers to it
//! /ui/report/NAME:TAG report      what takes the space of it: a page with a script of its own, made on request
//! /ui/delete/NAME:TAG delete      asks, and with POST does it
//! ```
//!
//! The pages are made here, and all but the report need no script and allow none. What is shown comes from whoever pushed: it goes through
//! [`html`], which knows no text that is not escaped. Who may see or delete something by the API may do so here.

mod delete;
mod details;
mod frame;
mod html;
mod image;
mod list;
mod names;
mod read;
mod report;
mod repository;
mod rights;

use std::sync::Arc;

use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use hyper::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use super::answer::{Answer, Content};
use super::asked::Asked;
use super::refusal::Refusal;
use super::repository::RepositoryName;
use super::route::Target;
use super::server::{Server, blocking};

const STYLE: &str = include_str!("style.css");
const ICON: &str = include_str!("icon.svg");

/// What a path of the page names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Page {
    /// `/`
    List,
    /// `/ui/r/NAME`
    Repository(RepositoryName),
    /// `/ui/i/NAME:TAG`, `/ui/i/NAME@DIGEST`
    Image(RepositoryName, Target),
    /// `/ui/report/NAME:TAG`, `/ui/report/NAME@DIGEST`
    Report(RepositoryName, Target),
    /// `/ui/delete/NAME:TAG`, `/ui/delete/NAME@DIGEST`
    Delete(RepositoryName, Target),
    /// `/ui/login`: asks for a password where everybody may look, and leads to the list.
    Login,
    /// `/ui/style.css`
    Style,
    /// `/ui/icon.svg`
    Icon,
    /// Nothing.
    Nothing,
}

impl Page {
    pub(super) fn parse(path: &str) -> Self {
        match path {
            "/" => return Self::List,
            "/ui/login" => return Self::Login,
            "/ui/style.css" => return Self::Style,
            "/ui/icon.svg" => return Self::Icon,
            _ => {}
        }
        let Ok(path) = percent_decode_str(path).decode_utf8() else { return Self::Nothing };
        let found = if let Some(name) = path.strip_prefix("/ui/r/") {
            RepositoryName::parse(name).map(Self::Repository)
        } else if let Some(image) = path.strip_prefix("/ui/i/") {
            names::parse(image).map(|(name, target)| Self::Image(name, target))
        } else if let Some(image) = path.strip_prefix("/ui/report/") {
            names::parse(image).map(|(name, target)| Self::Report(name, target))
        } else {
            let image = path.strip_prefix("/ui/delete/").and_then(names::parse);
            image.map(|(name, target)| Self::Delete(name, target))
        };
        found.unwrap_or(Self::Nothing)
    }

    /// The answer. What goes wrong here is told as a page, too.
    pub(super) async fn answer(self, server: &Arc<Server>, asked: &Arc<Asked>) -> Result<Answer, Refusal> {
        let (reads, deletes) = (matches!(asked.method, Method::GET | Method::HEAD), matches!(self, Self::Delete(..)));
        let is_form = deletes && asked.method == Method::POST;
        if !(reads || is_form || self == Self::Nothing) {
            let allowed = if deletes { "GET, HEAD, POST" } else { "GET, HEAD" };
            let text = "This page can only be read.";
            let answer = frame::message(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", text);
            return Ok(answer.header(ALLOW, allowed));
        }
        match &self {
            Self::List => server.access.check_visitor(asked)?,
            Self::Login => server.access.check_user(asked)?,
            Self::Repository(name) | Self::Image(name, _) | Self::Report(name, _) | Self::Delete(name, _) => {
                server.access.check_reader(asked, name)?;
            }
            Self::Style | Self::Icon | Self::Nothing => {}
        }
        blocking(server, asked, move |server, asked| match self {
            Self::List => list::get(server, asked),
            Self::Repository(name) => repository::get(server, asked, &name),
            Self::Image(name, target) => image::get(server, asked, &name, &target),
            Self::Report(name, target) => report::get(server, asked, &name, &target),
            Self::Delete(name, target) if reads => delete::ask(server, asked, &name, &target),
            Self::Delete(name, target) => delete::post(server, asked, &name, &target),
            Self::Login => Ok(frame::redirect("/")),
            Self::Style => Ok(file("text/css; charset=utf-8", STYLE)),
            Self::Icon => Ok(file("image/svg+xml", ICON)),
            Self::Nothing => Ok(frame::not_found("There is no such page.")),
        })
        .await
    }
}

/// The page for a request that failed.
pub(super) fn refused(refusal: Refusal) -> Answer {
    let (status, headers) = {
        let answer = refusal.into_answer();
        (answer.status, answer.headers)
    };
    let (title, text) = match status {
        StatusCode::UNAUTHORIZED => ("Log in", "This needs a user of the registry and a password."),
        StatusCode::TOO_MANY_REQUESTS => ("Too many requests", "Try again in a while."),
        StatusCode::FORBIDDEN => ("Not allowed", "You may not do that."),
        StatusCode::NOT_FOUND => ("Not found", "There is no such image here."),
        status if status.is_server_error() => {
            ("Something went wrong", "The log of the server says what, under the ID in the header X-Request-Id.")
        }
        _ => ("This does not work", "The registry refuses that."),
    };
    let mut answer = frame::message(status, title, text);
    for (name, value) in &headers {
        if *name != CONTENT_TYPE && *name != hyper::header::CONTENT_LENGTH {
            answer.headers.insert(name.clone(), value.clone());
        }
    }
    answer
}

fn file(kind: &str, text: &'static str) -> Answer {
    frame::protected(Answer::new(StatusCode::OK))
        .header(CONTENT_TYPE, kind)
        .header(CACHE_CONTROL, "max-age=300")
        .content(Content::Bytes(text.into()))
}
