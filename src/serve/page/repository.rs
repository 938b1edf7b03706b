//! One repository: its tags, and its manifests that have none.

use hyper::StatusCode;

use super::html::Html;
use super::read::Summary;
use super::{frame, names, read, rights};
use crate::oci::Descriptor;
use crate::serve::answer::Answer;
use crate::serve::any_digest::AnyDigest;
use crate::serve::asked::Asked;
use crate::serve::refusal::Refusal;
use crate::serve::repository::RepositoryName;
use crate::serve::route::Target;
use crate::serve::server::Server;

/// How many tags a page has: of each, up to three documents are read.
const PAGE: usize = 100;
/// How many manifests without a tag are listed.
const MAX_UNTAGGED: usize = 100;

/// A row of a table of manifests.
struct Row {
    target: Target,
    descriptor: Descriptor,
    summary: Summary,
}

/// `GET /ui/r/NAME`
pub(super) fn get(server: &Server, asked: &Asked, name: &RepositoryName) -> Result<Answer, Refusal> {
    let shelf = server.shelves.now()?;
    let Some(repository) = shelf.find(name) else {
        return Ok(frame::not_found("There is no such repository here."));
    };
    let pages = repository.tags.len().div_ceil(PAGE).max(1);
    let number = asked.parameter("page").and_then(|text| text.parse().ok()).unwrap_or(1).clamp(1, pages);
    let row = |target: Target, descriptor: &Descriptor| Row {
        target,
        descriptor: descriptor.clone(),
        summary: read::summary(server, descriptor),
    };
    let tags = repository.tags.iter().skip((number - 1) * PAGE).take(PAGE);
    let tags: Vec<Row> = tags.map(|(tag, descriptor)| row(Target::Tag(tag.clone()), descriptor)).collect();
    let untagged = read::untagged(server, repository);
    let untagged_count = untagged.len();
    let by_digest = |descriptor: &Descriptor| Target::Digest(AnyDigest::Sha256(descriptor.digest));
    let untagged: Vec<Row> = untagged.iter().take(MAX_UNTAGGED).map(|one| row(by_digest(one), one)).collect();
    let path = names::of_repository(name);
    Ok(frame::page(StatusCode::OK, name.as_str(), &[(&path, name.as_str())], |main| {
        main.tag("h1", name.as_str());
        stored(main, name);
        if let Some(host) = names::registry(asked) {
            let tag = repository.tags.keys().find(|tag| *tag == "latest").or_else(|| repository.tags.keys().next());
            let tag = tag.map_or_else(|| "TAG".to_owned(), Clone::clone);
            main.tag("p", "Pull an image:");
            frame::command(main, &format!("docker pull {host}/{name}:{tag}"));
        }
        let caption = match (repository.tags.len(), pages) {
            (0, _) => "No tags".to_owned(),
            (1, _) => "1 tag".to_owned(),
            (count, 1) => format!("{count} tags"),
            (count, _) => format!("{count} tags, page {number} of {pages}"),
        };
        manifests(main, server, asked, name, &caption, "Tag", &tags);
        turn(main, &path, number, pages);
        if untagged_count > 0 {
            let caption = format!("{untagged_count} without a tag");
            manifests(main, server, asked, name, &caption, "Manifest", &untagged);
            main.element("p", &[("class", "quiet")], |p| {
                p.text("What has lost its tag can be pulled by its digest until it is collected.");
            });
        }
    }))
}

/// Under which name the images are in the store, if that is another one.
fn stored(main: &mut Html, name: &RepositoryName) {
    let stored = name.in_store().map(|stored| stored.familiar_name()).filter(|stored| stored != name.as_str());
    if let Some(stored) = stored {
        main.element("p", &[("class", "quiet")], |p| {
            p.text("In the store its name is ");
            p.tag("code", &stored);
        });
    }
}

fn manifests(
    main: &mut Html,
    server: &Server,
    asked: &Asked,
    name: &RepositoryName,
    caption: &str,
    kind: &'static str,
    rows: &[Row],
) {
    if rows.is_empty() {
        return main.tag("p", caption);
    }
    let mut heads = vec![kind, "Platforms", "Size", "Created"];
    if kind == "Tag" {
        heads.push("Digest");
    }
    if rights::may_delete(server, asked, name) {
        heads.push("Delete");
    }
    main.table(caption, &heads, rows, |td, row, column| match heads[column] {
        "Tag" | "Manifest" => {
            let href = names::of_image(name, &row.target);
            match &row.target {
                Target::Tag(tag) => td.link(&href, tag),
                Target::Digest(digest) => frame::digest(td, &digest.to_string(), Some(&href)),
            }
        }
        "Platforms" => td.element("ul", &[("class", "chips")], |list| {
            for kind in &row.summary.kinds {
                list.tag("li", kind);
            }
        }),
        "Size" => frame::size(td, row.summary.size),
        "Created" => frame::age(td, row.summary.created),
        "Digest" => frame::digest(td, &row.descriptor.digest.to_string(), None),
        _ => {
            let label = format!("Delete {}", names::of(name, &row.target));
            let href = names::of_delete(name, &row.target);
            let attributes = [("href", href.as_str()), ("class", "danger-link"), ("aria-label", label.as_str())];
            td.element("a", &attributes, |a| a.text("Delete"));
        }
    });
}

fn turn(main: &mut Html, path: &str, number: usize, pages: usize) {
    if pages == 1 {
        return;
    }
    main.element("nav", &[("class", "row"), ("aria-label", "Pages")], |nav| {
        if number > 1 {
            nav.link(&format!("{path}?page={}", number - 1), "Previous");
        }
        nav.tag("span", &format!("Page {number} of {pages}"));
        if number < pages {
            nav.link(&format!("{path}?page={}", number + 1), "Next");
        }
    });
}
