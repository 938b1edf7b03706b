//! The first page: all repositories.

use hyper::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::html::Html;
use super::{frame, names, rights};
use crate::serve::answer::Answer;
use crate::serve::asked::Asked;
use crate::serve::refusal::Refusal;
use crate::serve::repository::RepositoryName;
use crate::serve::server::Server;
use crate::serve::shelf::Repository;

/// How many repositories a page has.
const PAGE: usize = 100;
/// How many tags are named beside a repository.
const TAGS: usize = 4;
/// The longest text that is searched for, in characters.
const MAX_SEARCH: usize = 255;

/// `GET /`
pub(super) fn get(server: &Server, asked: &Asked) -> Result<Answer, Refusal> {
    let shelf = server.shelves.now()?;
    let wanted: String = asked.parameter("q").unwrap_or_default().trim().chars().take(MAX_SEARCH).collect();
    let sought = wanted.to_lowercase();
    let all: Vec<(&RepositoryName, &Repository)> =
        shelf.repositories.iter().filter(|(name, _)| rights::may_read(server, asked, name)).collect();
    let found: Vec<_> = all.iter().copied().filter(|(name, _)| name.as_str().contains(&sought)).collect();
    let pages = found.len().div_ceil(PAGE).max(1);
    let number = asked.parameter("page").and_then(|text| text.parse().ok()).unwrap_or(1).clamp(1, pages);
    let shown: Vec<_> = found.iter().copied().skip((number - 1) * PAGE).take(PAGE).collect();
    Ok(frame::page(StatusCode::OK, "Registry", &[], |main| {
        main.tag("h1", "Repositories");
        if all.is_empty() {
            return empty(main, server, asked);
        }
        search(main, &wanted);
        if found.is_empty() {
            return main.tag("p", &format!("None of {} repositories has “{wanted}” in its name.", all.len()));
        }
        let (first, last) = ((number - 1) * PAGE + 1, (number - 1) * PAGE + shown.len());
        let caption = match (found.len(), pages) {
            (1, _) => "1 repository".to_owned(),
            (count, 1) => format!("{count} repositories"),
            (count, _) => format!("{first} to {last} of {count} repositories"),
        };
        main.table(&caption, &["Repository", "Tags"], &shown, |td, (name, repository), column| match column {
            0 => td.link(&names::of_repository(name), name.as_str()),
            _ => tags(td, repository),
        });
        turn(main, &wanted, number, pages);
        if rights::may_log_in(server, asked) {
            main.element("p", &[], |p| p.link("/ui/login", "Log in"));
        }
    }))
}

fn tags(td: &mut Html, repository: &Repository) {
    let count = repository.tags.len();
    let first: Vec<&str> = repository.tags.keys().take(TAGS).map(String::as_str).collect();
    let more = if count > TAGS { format!(" and {} more", count - TAGS) } else { String::new() };
    let text = if count == 0 { "none".to_owned() } else { first.join(", ") + &more };
    td.element("span", &[("class", "quiet")], |span| span.text(&text));
}

fn search(main: &mut Html, wanted: &str) {
    main.element("form", &[("class", "search"), ("method", "get"), ("action", "/"), ("role", "search")], |form| {
        let label = "Search by name";
        form.leaf(
            "input",
            &[("type", "search"), ("name", "q"), ("value", wanted), ("aria-label", label), ("placeholder", label)],
        );
        form.tag("button", "Search");
    });
}

/// Links to the page before and the page after.
fn turn(main: &mut Html, wanted: &str, number: usize, pages: usize) {
    if pages == 1 {
        return;
    }
    let wanted = utf8_percent_encode(wanted, NON_ALPHANUMERIC);
    let to = |number: usize| format!("/?q={wanted}&page={number}");
    main.element("nav", &[("class", "row"), ("aria-label", "Pages")], |nav| {
        if number > 1 {
            nav.element("a", &[("rel", "prev"), ("href", &to(number - 1))], |a| a.text("Previous"));
        }
        nav.tag("span", &format!("Page {number} of {pages}"));
        if number < pages {
            nav.element("a", &[("rel", "next"), ("href", &to(number + 1))], |a| a.text("Next"));
        }
    });
}

/// What to do with a registry in which nothing is.
fn empty(main: &mut Html, server: &Server, asked: &Asked) {
    let host = names::registry(asked).unwrap_or_else(|| "HOST:PORT".to_owned());
    main.element("div", &[("class", "empty")], |div| {
        div.tag("p", "Nothing is here yet.");
        if server.settings.read_only {
            div.tag("p", "This server takes no pushes. What is loaded into its store appears here:");
            return frame::command(div, "imgtool load -i demo.tar");
        }
        div.tag("p", "Push an image:");
        frame::command(div, &format!("docker tag demo:1 {host}/demo:1\ndocker push {host}/demo:1"));
        div.tag("p", "or load one into the store that is served:");
        frame::command(div, "imgtool load -i demo.tar");
    });
}
