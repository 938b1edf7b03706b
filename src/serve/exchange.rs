//! One request and its answer.

use std::sync::Arc;

use hyper::header::{ALLOW, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};

use super::access;
use super::answer::Answer;
use super::api;
use super::api::drain;
use super::asked::Asked;
use super::beside::Beside;
use super::incoming::Incoming;
use super::page;
use super::peer::Peer;
use super::proxy::upstream::Upstream;
use super::proxy::{blobs, lists, manifests};
use super::refusal::{Code, Refusal};
use super::route::Route;
use super::seen::Seen;
use super::server::{Server, blocking};
use super::settings::Settings;

/// Tells docker's clients that this is a registry of the second version.
const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// How the client reached a proxy, or us.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Answers a request; whether only the head of the answer is wanted; and who watches it until its end.
pub(super) async fn answer(
    server: Arc<Server>,
    peer: Peer,
    request: Request<hyper::body::Incoming>,
) -> (Answer, bool, Seen) {
    let (mut parts, body) = request.into_parts();
    if peer.is_encrypted {
        parts.headers.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
    }
    let mut asked = Asked::new(parts.method, &parts.uri, parts.headers, Arc::clone(&peer.address));
    let (route, beside) = (Route::parse(&asked.path), Beside::parse(&asked.path));
    let label = match &route {
        Some(Ok(route)) => route.label(),
        Some(Err(_)) => "invalid",
        None => beside.label(),
    };
    let mut seen = Seen::begin(&server, &peer.address, &asked, label);
    let mut body = Incoming::new(body, seen.received());
    let (is_head, is_api) = (asked.is_head(), route.is_some());
    let is_page = !is_api && beside.is_page();
    let answer = match server.access.identify(&asked.headers, seen.client()).await {
        Ok(who) => {
            seen.is_of(who.user());
            asked.who = who;
            let asked = Arc::new(asked);
            match route {
                Some(route) => api_answer(&server, &asked, route, body).await,
                None => beside.answer(&server, &asked).await,
            }
        }
        Err(refusal) => {
            drain(&asked, &mut body).await;
            // Browsers ask for a password.
            Err(if is_page { access::login() } else { refusal })
        }
    };
    let answer = answer.unwrap_or_else(|refusal| {
        if let Some(why) = refusal.cause() {
            seen.failed(why);
        }
        if is_page { page::refused(refusal) } else { refusal.into_answer() }
    });
    let answer = if is_api { answer.header(API_VERSION, "registry/2.0") } else { answer };
    (answer, is_head, seen)
}

/// Answers a request of the API.
async fn api_answer(
    server: &Arc<Server>,
    asked: &Arc<Asked>,
    route: Result<Route, Refusal>,
    mut body: Incoming,
) -> Result<Answer, Refusal> {
    let refusal = match route {
        Ok(route) => {
            let route = match &server.upstream {
                Some(upstream) => route.renamed(|name| upstream.place(name, asked.parameter("ns"))),
                None => route,
            };
            return dispatch(server, asked, route, body).await;
        }
        // What cannot be a tag is none that could be found.
        Err(refusal) if refusal.code() == Code::TagInvalid && asked.method != Method::PUT => {
            Refusal::new(Code::ManifestUnknown)
        }
        Err(refusal) => {
            drain(asked, &mut body).await;
            refusal
        }
    };
    // Nothing is told to who has not said who it is.
    server.access.check_name(asked).and(Err(refusal))
}

async fn dispatch(
    server: &Arc<Server>,
    asked: &Arc<Asked>,
    route: Route,
    mut body: Incoming,
) -> Result<Answer, Refusal> {
    if let Err(refusal) = server.access.check(asked, &route).and_then(|()| check(&server.settings, asked, &route)) {
        drain(asked, &mut body).await;
        return Err(refusal);
    }
    if let Some(upstream) = &server.upstream
        && route.name().is_some_and(|name| upstream.covers(name))
    {
        return through(server, upstream, asked, route, body).await;
    }
    serve(server, asked, route, body).await
}

/// Answers what is asked of a repository of the upstream: what is not here is fetched.
async fn through(
    server: &Arc<Server>,
    upstream: &Arc<Upstream>,
    asked: &Arc<Asked>,
    route: Route,
    mut body: Incoming,
) -> Result<Answer, Refusal> {
    let (shared, upstream, asking) = (Arc::clone(server), Arc::clone(upstream), Arc::clone(upstream));
    // It is never closed.
    let _asking = asking.asking.acquire().await;
    let reads = matches!(asked.method, Method::GET | Method::HEAD);
    match route {
        Route::Manifest(name, target) if reads => {
            let get = move |server: &Server, asked: &Asked| manifests::get(server, &upstream, asked, &name, &target);
            blocking(server, asked, get).await
        }
        Route::Blob(name, digest) if reads => {
            let get = move |_: &Server, asked: &Asked| blobs::get(&shared, &upstream, asked, &name, &digest);
            blocking(server, asked, get).await
        }
        Route::Tags(name) if reads => {
            let get = move |server: &Server, asked: &Asked| lists::tags(server, &upstream, asked, &name);
            blocking(server, asked, get).await
        }
        route if reads || asked.method == Method::DELETE || asked.method == Method::OPTIONS => {
            serve(server, asked, route, body).await
        }
        _ => {
            drain(asked, &mut body).await;
            let why = format!("nothing can be pushed here: this repository is fetched from {}", upstream.host());
            Err(Refusal::because(Code::Unsupported, why).header(ALLOW, "GET, HEAD, DELETE"))
        }
    }
}

/// Answers what is asked of the store.
async fn serve(server: &Arc<Server>, asked: &Arc<Asked>, route: Route, mut body: Incoming) -> Result<Answer, Refusal> {
    let reads = matches!(asked.method, Method::GET | Method::HEAD);
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
            blocking(server, asked, move |server, asked| api::uploads::cancel(server, asked, &name, &id)).await
        }
        (_, Route::Upload(name, id)) if reads => {
            blocking(server, asked, move |server, asked| api::uploads::status(server, asked, &name, &id)).await
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
