//! One request and its answer.

use std::sync::Arc;

use hyper::header::{ALLOW, HeaderName};
use hyper::{Method, Request, StatusCode};

use super::answer::Answer;
use super::api;
use super::api::drain;
use super::asked::Asked;
use super::beside::Beside;
use super::incoming::Incoming;
use super::page;
use super::refusal::{Code, Refusal};
use super::route::Route;
use super::seen::Seen;
use super::server::{Server, blocking};
use super::settings::Settings;

/// Tells docker's clients that this is a registry of the second version.
const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// Answers a request; whether only the head of the answer is wanted; and who watches it until its end.
pub(super) async fn answer(
    server: Arc<Server>,
    peer: Arc<str>,
    request: Request<hyper::body::Incoming>,
) -> (Answer, bool, Seen) {
    let (parts, body) = request.into_parts();
    let asked = Arc::new(Asked::new(parts.method, &parts.uri, parts.headers, Arc::clone(&peer)));
    let (route, beside) = (Route::parse(&asked.path), Beside::parse(&asked.path));
    let label = match &route {
        Some(Ok(route)) => route.label(),
        Some(Err(_)) => "invalid",
        None => beside.label(),
    };
    let seen = Seen::begin(&server, &peer, &asked, label);
    let mut body = Incoming::new(body, seen.received());
    let (is_api, is_page) = (route.is_some(), route.is_none() && beside.is_page());
    let answer = match route {
        Some(Ok(route)) => dispatch(&server, &asked, route, body).await,
        // What cannot be a tag is none that could be found.
        Some(Err(refusal)) if refusal.code() == Code::TagInvalid && asked.method != Method::PUT => {
            Err(Refusal::new(Code::ManifestUnknown))
        }
        Some(Err(refusal)) => {
            drain(&asked, &mut body).await;
            Err(refusal)
        }
        None if asked.path.starts_with("/v2/") => {
            Err(Refusal::because(Code::Unsupported, "the API has no such path").status(StatusCode::NOT_FOUND))
        }
        None => beside.answer(&server, &asked).await,
    };
    let answer = answer.unwrap_or_else(|refusal| {
        if let Some(why) = refusal.cause() {
            seen.failed(why);
        }
        if is_page { page::refused(refusal) } else { refusal.into_answer() }
    });
    let answer = if is_api { answer.header(API_VERSION, "registry/2.0") } else { answer };
    (answer, asked.is_head(), seen)
}

async fn dispatch(
    server: &Arc<Server>,
    asked: &Arc<Asked>,
    route: Route,
    mut body: Incoming,
) -> Result<Answer, Refusal> {
    let reads = matches!(asked.method, Method::GET | Method::HEAD);
    if let Err(refusal) = check(&server.settings, asked, &route) {
        drain(asked, &mut body).await;
        return Err(refusal);
    }
    match (&asked.method, route) {
        (&Method::PUT, Route::Manifest(name, target)) => api::put::put(server, asked, name, target, body).await,
        (&Method::DELETE, Route::Manifest(name, target)) => {
            blocking(server, asked, move |server, asked| api::manifests::delete(server, asked, &name, &target)).await
        }
        (&Method::DELETE, Route::Blob(name, digest)) => {
            blocking(server, asked, move |server, asked| api::blobs::delete(server, asked, &name, &digest)).await
        }
        (&Method::POST, Route::Uploads(name)) => api::uploads::begin(server, asked, name, body).await,
        (&Method::PATCH, Route::Upload(name, id)) => api::uploads::append(server, asked, name, id, body).await,
        (&Method::PUT, Route::Upload(name, id)) => api::uploads::finish(server, asked, name, id, body).await,
        (&Method::DELETE, Route::Upload(name, id)) => {
            blocking(server, asked, move |server, _| api::uploads::cancel(server, &name, &id)).await
        }
        (_, Route::Upload(name, id)) if reads => {
            blocking(server, asked, move |server, _| api::uploads::status(server, &name, &id)).await
        }
        (_, Route::Base) if reads => Ok(Answer::json(StatusCode::OK, &serde_json::json!({}))),
        (_, Route::Catalog) if reads => blocking(server, asked, api::lists::catalog).await,
        (_, Route::Tags(name)) if reads => {
            blocking(server, asked, move |server, asked| api::lists::tags(server, asked, &name)).await
        }
        (_, Route::Manifest(name, target)) if reads => {
            blocking(server, asked, move |server, asked| api::manifests::get(server, asked, &name, &target)).await
        }
        (_, Route::Blob(name, digest)) if reads => {
            blocking(server, asked, move |server, asked| api::blobs::get(server, asked, &name, &digest)).await
        }
        (_, Route::Referrers(name, digest)) if reads => {
            blocking(server, asked, move |server, asked| api::referrers::get(server, asked, &name, &digest)).await
        }
        (&Method::OPTIONS, route) => Ok(Answer::new(StatusCode::NO_CONTENT).header(ALLOW, allowed(&route))),
        (_, route) => {
            drain(asked, &mut body).await;
            Err(Refusal::new(Code::Unsupported).header(ALLOW, allowed(&route)))
        }
    }
}

/// Refuses what the server was started without.
fn check(settings: &Settings, asked: &Asked, route: &Route) -> Result<(), Refusal> {
    let deletes = asked.method == Method::DELETE && !matches!(route, Route::Upload(..));
    let writes = !matches!(asked.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if settings.read_only && writes {
        return Err(Refusal::because(Code::Unsupported, "this registry is read-only").header(ALLOW, "GET, HEAD"));
    }
    if settings.no_delete && deletes {
        let rest = allowed(route).trim_end_matches(", DELETE");
        return Err(Refusal::because(Code::Unsupported, "this registry deletes nothing").header(ALLOW, rest));
    }
    Ok(())
}

/// The methods that a path has.
fn allowed(route: &Route) -> &'static str {
    match route {
        Route::Base | Route::Catalog | Route::Tags(_) | Route::Referrers(..) => "GET, HEAD",
        Route::Manifest(..) => "GET, HEAD, PUT, DELETE",
        Route::Blob(..) => "GET, HEAD, DELETE",
        Route::Uploads(_) => "POST",
        Route::Upload(..) => "GET, HEAD, PATCH, PUT, DELETE",
    }
}
