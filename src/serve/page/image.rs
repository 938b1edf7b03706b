//! One image: what it is, how to pull it, and what is in it.

use hyper::StatusCode;

use super::html::Html;
use super::read::Content;
use super::{details, frame, names, read, rights};
use crate::oci::{Descriptor, Index, Platform};
use crate::serve::answer::Answer;
use crate::serve::any_digest::AnyDigest;
use crate::serve::asked::Asked;
use crate::serve::refusal::Refusal;
use crate::serve::repository::RepositoryName;
use crate::serve::route::Target;
use crate::serve::server::Server;
use crate::serve::shelf::Repository;

/// How many manifests of an index can be chosen, and how many that refer to an image are listed.
const MAX_LISTED: usize = 100;

/// `GET /ui/i/NAME:TAG`, `GET /ui/i/NAME@DIGEST`; `?platform=DIGEST` chooses a manifest of an index.
pub(super) fn get(server: &Server, asked: &Asked, name: &RepositoryName, target: &Target) -> Result<Answer, Refusal> {
    let shelf = server.shelves.now()?;
    let repository = shelf.find(name);
    let Some((repository, descriptor)) =
        repository.and_then(|repository| Some((repository, read::find(server, repository, target)?)))
    else {
        return Ok(frame::not_found("There is no such image here."));
    };
    let title = names::of(name, target);
    let (home, path) = (names::of_repository(name), names::of_image(name, target));
    let last = match target {
        Target::Tag(tag) => tag.clone(),
        Target::Digest(digest) => digest.to_string().chars().take(19).collect(),
    };
    let content = read::content(server, &descriptor);
    let is_image = match &content {
        Content::Index(index) => choose(index.value(), asked).is_some_and(read::is_image),
        Content::Manifest(manifest) => manifest.value().config.media_type.is_image_config(),
        _ => false,
    };
    Ok(frame::page(StatusCode::OK, &title, &[(&home, name.as_str()), (&path, &last)], |main| {
        main.tag("h1", &title);
        if let Some(host) = names::registry(asked) {
            frame::command(main, &format!("docker pull {host}/{title}"));
        }
        facts(main, server, &descriptor);
        match content {
            Content::Index(index) => {
                let chosen = choose(index.value(), asked);
                chooser(main, index.value(), chosen, &path);
                match chosen {
                    Some(entry) => one(main, server, entry),
                    None => main.tag("p", "None of the index's manifests can be shown."),
                }
                details::annotations(main, "Annotations of the index", &index.value().annotations);
            }
            content => shown(main, server, &descriptor, content),
        }
        if is_image {
            let href = names::of_report(name, target, asked.parameter("platform"));
            main.element("p", &[], |p| p.link(&href, "What takes the space, and every file: a report"));
        }
        referrers(main, server, repository, name, &descriptor);
        if rights::may_delete(server, asked, name) {
            let href = names::of_delete(name, target);
            main.element("p", &[("class", "row")], |p| {
                p.element("a", &[("class", "button danger"), ("href", &href)], |a| a.text("Delete…"));
            });
        }
    }))
}

fn facts(main: &mut Html, server: &Server, descriptor: &Descriptor) {
    let summary = read::summary(server, descriptor);
    main.tag("h2", "Overview");
    main.element("dl", &[], |list| {
        details::term(list, "Digest", |dd| dd.tag("code", &descriptor.digest.to_string()));
        details::term(list, "Type", |dd| dd.tag("code", descriptor.media_type.as_str()));
        details::term(list, "Platforms", |dd| {
            dd.element("ul", &[("class", "chips")], |chips| {
                for kind in &summary.kinds {
                    chips.tag("li", kind);
                }
            });
        });
        details::term(list, "Size", |dd| frame::size(dd, summary.size));
        details::term(list, "Created", |dd| frame::age(dd, summary.created));
    });
}

/// The manifest of an index that is shown: the one that was asked for, that of this machine's platform, or the first.
pub(super) fn choose<'a>(index: &'a Index, asked: &Asked) -> Option<&'a Descriptor> {
    let wanted = asked.parameter("platform");
    let host = Platform::host();
    let by_digest = index.manifests.iter().find(|entry| wanted == Some(entry.digest.to_string().as_str()));
    let images = || index.manifests.iter().filter(|entry| read::is_image(entry));
    let fits = |entry: &&Descriptor| entry.platform.as_ref().is_some_and(|platform| host.matches(platform));
    by_digest.or_else(|| images().find(fits)).or_else(|| images().next()).or_else(|| index.manifests.first())
}

fn chooser(main: &mut Html, index: &Index, chosen: Option<&Descriptor>, path: &str) {
    main.tag("h2", "Platform");
    main.element("nav", &[("aria-label", "Platforms")], |nav| {
        nav.element("ul", &[("class", "chips chooser")], |list| {
            for entry in index.manifests.iter().take(MAX_LISTED) {
                let href = format!("{path}?platform={}", entry.digest);
                let platform = entry.platform.as_ref().filter(|platform| !platform.is_blank());
                let label = match entry.annotation("vnd.docker.reference.type") {
                    Some(kind) => kind.replace("-manifest", ""),
                    None => platform.map_or_else(|| entry.digest.short().to_string(), Platform::to_string),
                };
                list.element("li", &[], |item| {
                    let is_chosen = chosen.is_some_and(|chosen| chosen.digest == entry.digest);
                    let attributes = [("href", href.as_str()), ("aria-current", "true")];
                    item.element("a", &attributes[..if is_chosen { 2 } else { 1 }], |a| a.text(&label));
                });
            }
        });
    });
}

/// A manifest of an index.
fn one(main: &mut Html, server: &Server, entry: &Descriptor) {
    main.element("p", &[("class", "quiet")], |p| {
        p.text("Manifest ");
        p.tag("code", &entry.digest.to_string());
    });
    shown(main, server, entry, read::content(server, entry));
}

fn shown(main: &mut Html, server: &Server, descriptor: &Descriptor, content: Content) {
    match content {
        Content::Manifest(manifest) => match read::config(server, manifest.value()) {
            Some(config) => details::image(main, manifest.value(), config.value()),
            None => details::artifact(main, manifest.value()),
        },
        Content::Index(index) => details::entries(main, index.value()),
        Content::Other(bytes) => details::raw(main, descriptor, &bytes),
        Content::Missing => main.tag("p", "This manifest is not in the store."),
    }
}

/// What refers to an image: signatures, SBOMs and other artifacts about it.
fn referrers(main: &mut Html, server: &Server, repository: &Repository, name: &RepositoryName, about: &Descriptor) {
    let reach = server.shelves.reach(repository);
    let list = reach.referrers.get(&about.digest.to_string()).map(Vec::as_slice).unwrap_or_default();
    let rows: Vec<_> = list.iter().filter_map(|digest| reach.manifests.get(digest)).take(MAX_LISTED).collect();
    if rows.is_empty() {
        return;
    }
    main.table("What refers to it", &["Manifest", "Kind", "Size"], &rows, |td, descriptor, column| {
        let parts = server.shelves.parts(descriptor);
        match column {
            0 => {
                let href = names::of_image(name, &Target::Digest(AnyDigest::Sha256(descriptor.digest)));
                frame::digest(td, &descriptor.digest.to_string(), Some(&href));
            }
            1 => {
                let kind = parts.as_ref().and_then(|parts| parts.artifact_type.as_ref());
                td.tag("span", kind.map_or("unknown", |kind| kind.as_str()));
            }
            _ => frame::size(td, parts.map_or(0, |parts| parts.blobs.iter().map(|need| need.size).sum())),
        }
    });
}
