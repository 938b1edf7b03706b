//! `delete`: tags and manifests of registries.

use std::sync::Arc;

use crate::support::image::TestImage;
use crate::support::registry::auth::{Auth, Issuer, user};
use crate::support::registry::records::holds;
use crate::support::registry::uploads::Deletes;
use crate::support::registry::wire::Request;
use crate::support::registry::{Registry, Setup};
use crate::support::session::Session;

/// A registry with an image of two tags, and another image; gives their digests.
fn filled(deletes: Deletes) -> (Registry, String, String) {
    let registry = Registry::start();
    let one = registry.push("team/app:1", &TestImage::sample("x")).digest();
    registry.push("team/app:latest", &TestImage::sample("x"));
    let two = registry.push("team/app:2", &TestImage::of("x", "two")).digest();
    registry.content().uploads.manners.deletes = deletes;
    (registry, one, two)
}

fn tags(registry: &Registry) -> Vec<String> {
    registry.content().repositories["team/app"].tags.keys().cloned().collect()
}

#[test]
fn a_tag_and_only_the_tag() {
    let (registry, one, _) = filled(Deletes::Tags);
    let session = Session::new();
    let name = registry.name("team/app:1");
    assert_eq!(session.ok(&["delete", "--dry-run", &name]), format!("Untagged: {name}\n"));
    assert_eq!(tags(&registry), ["1", "2", "latest"]);
    assert_eq!(session.ok(&["delete", &format!("docker://{name}")]), format!("Untagged: {name}\n"));
    assert_eq!(tags(&registry), ["2", "latest"]);
    assert!(registry.content().repositories["team/app"].manifests.contains_key(&one), "the manifest stays");
    session.run(&["delete", &name]).fails(1, &[&format!("manifest for {name} not found")]);
}

#[test]
fn where_only_manifests_can_be_deleted() {
    let (registry, one, two) = filled(Deletes::Manifests);
    let session = Session::new();
    let name = registry.name("team/app:1");
    let answer = session.run(&["delete", &name]);
    answer.fails(1, &["cannot delete a tag alone", &one, "--manifest", "the tags latest would go with it"]);
    assert_eq!(tags(&registry), ["1", "2", "latest"], "nothing is gone");
    session.run(&["delete", &registry.name("team/app:2")]).fails(1, &[&two, "--manifest\n"]);

    let app = registry.name("team/app");
    let gone = format!("Untagged: {app}:1\nUntagged: {app}:latest\nDeleted: {app}@{one}\n");
    assert_eq!(session.ok(&["delete", "--dry-run", "--manifest", &name]), gone);
    assert_eq!(tags(&registry), ["1", "2", "latest"]);
    let answer = session.run(&["delete", "--manifest", &name]);
    assert!(answer.stderr.contains("registry garbage-collect"), "{}", answer.stderr);
    assert_eq!(answer.ok(), gone);
    assert_eq!(tags(&registry), ["2"]);
    assert!(!registry.content().repositories["team/app"].manifests.contains_key(&one));

    let by_digest = format!("{app}@{two}");
    let gone = format!("Untagged: {app}:2\nDeleted: {by_digest}\n");
    assert_eq!(session.ok(&["delete", &by_digest]), gone);
    assert_eq!(tags(&registry), [] as [&str; 0]);
}

#[test]
fn where_nothing_can_be_deleted() {
    let (registry, one, _) = filled(Deletes::Nothing);
    let session = Session::new();
    let by_digest = format!("{}@{one}", registry.name("team/app"));
    for args in [&["delete", &by_digest][..], &["delete", "--manifest", &registry.name("team/app:1")]] {
        let on = "REGISTRY_STORAGE_DELETE_ENABLED=true";
        session.run(args).fails(1, &["unsupported", "the registry has deletion switched off", on]);
    }
    assert_eq!(tags(&registry), ["1", "2", "latest"]);
}

#[test]
fn what_is_not_said_clearly_is_not_deleted() {
    let (registry, ..) = filled(Deletes::Tags);
    let session = Session::new();
    session.run(&["delete", &registry.name("team/app")]).fails(1, &["has neither tag nor digest"]);
    session.run(&["delete"]).fails(1, &["requires at least 1 argument"]);
    session.run(&["delete", &registry.name("team/none:1")]).fails(1, &["not found"]);
    assert_eq!(registry.count("DELETE", ""), 0);
    // The others are deleted all the same.
    session
        .run(&["delete", &registry.name("team/app:9"), &registry.name("team/app:2")])
        .fails(1, &["team/app:9 not found"]);
    assert_eq!(tags(&registry), ["1", "latest"]);
}

#[test]
fn with_a_token_that_allows_it() {
    let issuer = Arc::new(Issuer::new(user("ada", "hunter2")));
    let registry = Registry::with(Setup { auth: Auth::Bearer(issuer), ..Setup::default() });
    registry.push("team/app:1", &TestImage::sample("x"));
    let session = Session::new();
    session.run(&["delete", &registry.name("team/app:1")]).fails(1, &["imgtool login"]);
    session.run_with(b"hunter2", &["login", "-u", "ada", "--password-stdin", &registry.host()]).ok();
    session.ok(&["delete", &registry.name("team/app:1")]);
    assert_eq!(tags(&registry), [] as [&str; 0]);
    let asks = |request: &Request| holds(&request.bytes(), b"delete") && request.path == "/token";
    assert!(registry.records().iter().any(|record| asks(&record.request)), "{:#?}", registry.log());
}
