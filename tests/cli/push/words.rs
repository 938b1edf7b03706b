//! Docker's words.

use super::{digest_of, pulls, stored};
use crate::support::image::TestImage;
use crate::support::registry::Registry;
use crate::support::session::Session;

/// The lines of a push, without those of which the order is not fixed.
fn said(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut layers, others): (Vec<String>, Vec<String>) =
        text.lines().map(str::to_owned).partition(|line| line.as_bytes().get(12) == Some(&b':'));
    layers.sort();
    (others, layers)
}

#[test]
fn as_docker_says_it() {
    let (session, registry) = (Session::new(), Registry::start());
    let image = TestImage::sample("x");
    let name = registry.name("team/app:1");
    let digest = stored(&session, &name, &image);
    let (others, layers) = said(&session.ok(&["push", &name]));
    let size = registry.content().repositories["team/app"].manifests[&digest].bytes.len();
    let refers = format!("The push refers to repository [{}]", registry.name("team/app"));
    assert_eq!(others, [refers.clone(), format!("1: digest: {digest} size: {size}")]);
    let ids: Vec<String> = image.diff_ids().iter().map(|id| id["sha256:".len()..][..12].to_owned()).collect();
    let mut expected: Vec<String> =
        ids.iter().flat_map(|id| ["Preparing", "Pushing", "Pushed"].map(|word| format!("{id}: {word}"))).collect();
    expected.sort();
    assert_eq!(layers, expected);
    assert_eq!(digest_of(&registry, "team/app:1"), Some(digest.clone()));
    pulls(&registry, "team/app:1", &image);

    // Once more, and under another tag: everything is there.
    registry.forget();
    let (others, layers) = said(&session.ok(&["push", &name]));
    assert_eq!(others[1], format!("1: digest: {digest} size: {size}"));
    assert_eq!(layers.iter().filter(|line| line.ends_with(": Layer already exists")).count(), 2, "{layers:?}");
    session.ok(&["tag", &name, &registry.name("team/app:2")]);
    session.ok(&["push", &registry.name("team/app:2")]);
    assert_eq!((registry.received(), registry.count("POST", "/uploads/")), (0, 0));
    assert_eq!(digest_of(&registry, "team/app:2"), Some(digest.clone()));

    // Into another repository of the same registry.
    session.ok(&["tag", &name, &registry.name("other:3")]);
    let (_, layers) = said(&session.ok(&["push", &registry.name("other:3")]));
    assert_eq!(layers.iter().filter(|line| line.ends_with(": Mounted from team/app")).count(), 2, "{layers:?}");
    assert_eq!(registry.received(), 0);
    assert_eq!(digest_of(&registry, "other:3"), Some(digest));

    // Quietly: the name alone.
    assert_eq!(session.ok(&["push", "-q", &name]), format!("{name}\n"));
}

#[test]
fn several_names_and_all_tags() {
    let (session, registry) = (Session::new(), Registry::start());
    let image = TestImage::sample("x");
    let digest = stored(&session, &registry.name("app:1"), &image);
    for tag in ["app:2", "app:latest", "apple:4", "other:1"] {
        session.ok(&["tag", &registry.name("app:1"), &registry.name(tag)]);
    }
    let said_all = session.ok(&["push", "-a", &registry.name("app")]);
    let told: Vec<&str> = said_all.lines().filter(|line| line.contains(": digest: ")).collect();
    assert_eq!(told.iter().map(|line| &line[..2]).collect::<Vec<_>>(), ["1:", "2:", "la"], "{said_all}");
    assert_eq!(said_all.matches("The push refers to").count(), 1);
    assert_eq!(digest_of(&registry, "app:latest"), Some(digest.clone()));
    assert!(!registry.content().repositories.contains_key("apple"));
    // As docker: the repository, once.
    assert_eq!(session.ok(&["push", "-qa", &registry.name("app")]), registry.name("app") + "\n");

    session.ok(&["push", "-q", &registry.name("apple:4"), &registry.name("other:1")]);
    assert_eq!(digest_of(&registry, "apple:4"), Some(digest.clone()));
    assert_eq!(digest_of(&registry, "other:1"), Some(digest));
    let text = session.ok(&["push", &registry.name("app")]);
    assert!(text.starts_with("Using default tag: latest\nThe push refers to repository ["), "{text}");
}

#[test]
fn what_cannot_be_pushed() {
    let (session, registry) = (Session::new(), Registry::start());
    let name = registry.name("app:1");
    let app = registry.name("app");
    session.run(&["push", &name]).fails(1, &[&format!("An image does not exist locally with the tag: {app}\n")]);
    session.run(&["push", "-a", &app]).fails(1, &[&format!("An image does not exist locally with the tag: {app}\n")]);
    let digest = stored(&session, &name, &TestImage::sample("x"));
    session.run(&["push", "-a", &name]).fails(1, &["tag can't be used with --all-tags/-a"]);
    session.run(&["push", &format!("{app}@{digest}")]).fails(1, &["cannot push a digest reference"]);
    session.run(&["push"]).fails(1, &["'imgtool push' requires at least 1 argument"]);
    session.run(&["push", "--compress", "none", &name]).fails(1, &["--compress"]);
    session.run(&["push", "App:1"]).fails(1, &["repository name", "must be lowercase"]);
    let typed = format!("docker://{name}");
    session.run(&["push", &typed]).fails(1, &["invalid reference format", &format!("without docker:// here: {name}")]);
    session.run(&["push", &name, "a b"]).fails(1, &["a b: invalid reference format"]);
    session.run(&["pull", &typed, "x:1"]).fails(1, &[&format!("{typed}: invalid reference format"), "hint: "]);
    assert_eq!(registry.log(), [] as [&str; 0], "nobody was asked");
}

#[test]
fn what_came_by_pull_goes_on_as_it_is() {
    let (session, registry, other) = (Session::new(), Registry::start(), Registry::start());
    let image = TestImage::sample("x");
    let pushed = registry.push("team/app:1", &image);
    let (from, to) = (registry.name("team/app:1"), other.name("mirror/app:1"));
    session.ok(&["pull", "-q", &from]);
    session.ok(&["tag", &from, &to]);
    session.ok(&["push", "-q", &to]);
    assert_eq!(digest_of(&other, "mirror/app:1"), Some(pushed.digest()));
    let bytes = |registry: &Registry, repository: &str| {
        let content = registry.content();
        let document = &content.repositories[repository].manifests[&pushed.digest()];
        (document.media_type.clone(), document.bytes.clone())
    };
    assert_eq!(bytes(&other, "mirror/app"), bytes(&registry, "team/app"));
    pulls(&other, "mirror/app:1", &image);
}
