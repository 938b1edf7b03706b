//! Deleting a tag or a manifest: a page that asks, and a form that does it.

use hyper::StatusCode;
use hyper::header::{HOST, HeaderName, ORIGIN};

use super::{frame, names, read, rights};
use crate::serve::answer::Answer;
use crate::serve::api;
use crate::serve::asked::Asked;
use crate::serve::refusal::{Code, Refusal};
use crate::serve::repository::RepositoryName;
use crate::serve::route::Target;
use crate::serve::server::Server;

/// Where a request comes from, as browsers say it: no page can say it otherwise.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// `GET /ui/delete/…`: asks.
pub(super) fn ask(server: &Server, asked: &Asked, name: &RepositoryName, target: &Target) -> Result<Answer, Refusal> {
    check(server, asked, name)?;
    let shelf = server.shelves.now()?;
    let found = shelf.find(name).and_then(|repository| read::find(server, repository, target));
    let Some(descriptor) = found else { return Ok(frame::not_found("There is no such image here.")) };
    let (what, path) = (names::of(name, target), names::of_delete(name, target));
    let home = names::of_repository(name);
    let title = format!("Delete {what}?");
    Ok(frame::page(StatusCode::OK, &title, &[(&home, name.as_str())], |main| {
        main.tag("h1", &title);
        match target {
            Target::Tag(_) => main.element("p", &[], |p| {
                p.text("The tag is removed. Its manifest ");
                p.tag("code", &descriptor.digest.to_string());
                p.text(" and what only that needs go when the store is collected; other tags stay.");
            }),
            Target::Digest(_) => main.tag("p", "The manifest and all tags that lead to it are removed."),
        }
        main.element("form", &[("method", "post"), ("action", &path), ("class", "row")], |form| {
            form.element("button", &[("type", "submit"), ("class", "danger")], |button| button.text("Delete"));
            form.element("a", &[("class", "button plain"), ("href", &home)], |a| a.text("Keep it"));
        });
    }))
}

/// `POST /ui/delete/…`: does it.
pub(super) fn post(server: &Server, asked: &Asked, name: &RepositoryName, target: &Target) -> Result<Answer, Refusal> {
    check(server, asked, name)?;
    if !is_from_here(asked) {
        let text = "The request did not come from a page of this registry, so that nothing was deleted.";
        return Ok(frame::message(StatusCode::FORBIDDEN, "Not from here", text));
    }
    api::manifests::delete(server, asked, name, target)?;
    let shelf = server.shelves.now()?;
    let next = if shelf.find(name).is_some() { names::of_repository(name) } else { "/".to_owned() };
    Ok(frame::redirect(&next))
}

fn check(server: &Server, asked: &Asked, name: &RepositoryName) -> Result<(), Refusal> {
    if rights::may_delete(server, asked, name) {
        return Ok(());
    }
    // Who has not logged in yet may do so.
    server.access.check_user(asked)?;
    Err(Refusal::new(Code::Denied))
}

/// Whether the form was sent from a page of ours. Browsers send credentials along with forms of any page: what others
/// ask for must not be done in the user's name.
fn is_from_here(asked: &Asked) -> bool {
    if let Some(site) = asked.header(FETCH_SITE) {
        return site == "same-origin";
    }
    let origin = asked.header(ORIGIN).and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(_, host)| Some(host) == asked.header(HOST))
}
