//! The report about an image, made when it is asked for: one at a time, and none is kept.

use std::sync::TryLockError;

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER};

use super::read::Content;
use super::{frame, image, names, read};
use crate::image::Silent;
use crate::oci::{Manifest, Platform};
use crate::ops::look::Look;
use crate::ops::report::{policy, report};
use crate::serve::answer::{Answer, Content as Body};
use crate::serve::asked::Asked;
use crate::serve::refusal::Refusal;
use crate::serve::repository::RepositoryName;
use crate::serve::route::Target;
use crate::serve::server::Server;

/// `GET /ui/report/NAME:TAG`, `GET /ui/report/NAME@DIGEST`; `?platform=DIGEST` chooses a manifest of an index.
pub(super) fn get(server: &Server, asked: &Asked, name: &RepositoryName, target: &Target) -> Result<Answer, Refusal> {
    let shelf = server.shelves.now()?;
    let found = shelf.find(name).and_then(|repository| read::find(server, repository, target));
    let manifest = match found.map(|descriptor| read::content(server, &descriptor)) {
        Some(Content::Manifest(manifest)) => Some(manifest),
        Some(Content::Index(index)) => {
            let chosen = image::choose(index.value(), asked);
            chosen.and_then(|entry| match read::content(server, entry) {
                Content::Manifest(manifest) => Some(manifest),
                _ => None,
            })
        }
        _ => None,
    };
    let config = manifest.as_ref().and_then(|manifest| Some((manifest, read::config(server, manifest.value())?)));
    let Some((manifest, config)) = config else {
        return Ok(frame::not_found("There is no image here that a report can be about."));
    };
    let alone = match server.reports.try_lock() {
        Ok(alone) => alone,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => {
            let text = "Another report is being made: try again in a moment.";
            let answer = frame::message(StatusCode::SERVICE_UNAVAILABLE, "One at a time", text);
            return Ok(answer.header(RETRY_AFTER, "2"));
        }
    };
    let page = page(server, manifest.value(), &config.value().platform(), &names::of(name, target));
    drop(alone);
    match page {
        Ok(page) => Ok(frame::protected(Answer::new(StatusCode::OK))
            .header(CONTENT_SECURITY_POLICY, format!("{}; frame-ancestors 'none'", policy()))
            .header(CONTENT_TYPE, "text/html; charset=utf-8")
            .header(CACHE_CONTROL, "no-store")
            .content(Body::Bytes(page.into()))),
        Err(error) => {
            server.settings.log.error(&format!("no report about {}: {error}", names::of(name, target)));
            let text = "The image cannot be read; the log of the server says why.";
            Ok(frame::message(StatusCode::INTERNAL_SERVER_ERROR, "No report", text))
        }
    }
}

fn page(server: &Server, manifest: &Manifest, platform: &Platform, name: &str) -> Result<Vec<u8>, crate::ops::Error> {
    let id = manifest.config.digest.to_string();
    let look = Look::open(&server.context, &id, Some(platform), &Silent)?;
    // Another image of the store is not named: who asks may not see it.
    report(&server.context, &look, name, None, None, &Silent)
}
