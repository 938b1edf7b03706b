//! Registries that take uploads in their own manner, each whole, cut, and with a token that expires in the middle.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{digest_of, large, pulls, size_of, stored};
use crate::support::registry::auth::{Auth, Issuer, user};
use crate::support::registry::uploads::Manners;
use crate::support::registry::{Registry, Setup};
use crate::support::session::Session;

type Change = fn(&mut Manners, &Registry);

const MANNERS: [(&str, Change); 9] = [
    ("as the specification has it", |_, _| {}),
    ("absolute locations", |manners, registry| manners.origin = registry.url("")),
    ("sessions in the query", |manners, _| manners.queries = true),
    ("absolute, with a query", |manners, registry| (manners.origin, manners.queries) = (registry.url(""), true)),
    ("chunks of at least 5 MiB", |manners, _| manners.least = Some(5 << 20)),
    ("no blob in one piece", |manners, _| manners.only_chunks = Some(405)),
    ("no blob in one piece, in other words", |manners, _| manners.only_chunks = Some(400)),
    ("no more than 4 MiB at once", |manners, _| manners.most = Some(4 << 20)),
    ("201 for a chunk", |manners, _| (manners.chunk, manners.only_chunks) = (201, Some(411))),
];

fn with_manners(registry: &Registry, change: Change) {
    let mut manners = Manners::default();
    change(&mut manners, registry);
    registry.content().uploads.manners = manners;
}

#[test]
fn whole() {
    let image = large(1, 11 << 20);
    for (what, change) in MANNERS {
        let (session, registry) = (Session::new(), Registry::start());
        with_manners(&registry, change);
        let digest = stored(&session, &registry.name("team/app:1"), &image);
        session.ok(&["push", "-q", &registry.name("team/app:1")]);
        assert_eq!(digest_of(&registry, "team/app:1"), Some(digest), "{what}");
        assert!(registry.received() <= size_of(&image) + (1 << 20), "{what}: what is large is sent once");
        assert_eq!(registry.content().uploads.open(), 0, "{what}: every session has ended");
        pulls(&registry, "team/app:1", &image);
    }
}

#[test]
fn cut() {
    let image = large(2, 11 << 20);
    for (what, change) in MANNERS {
        for keeps in [true, false] {
            let (session, registry) = (Session::new(), Registry::start());
            with_manners(&registry, change);
            registry.content().uploads.manners.keeps = keeps;
            // Each request with many bytes breaks in its middle when it comes for the first time, and every other later.
            let seen = Arc::new(AtomicUsize::new(0));
            registry.cut(move |request| {
                let is_one = request.length() > 1 << 20 && seen.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
                is_one.then_some(request.length() / 2)
            });
            let digest = stored(&session, &registry.name("team/app:1"), &image);
            session.ok(&["push", "-q", &registry.name("team/app:1")]);
            assert_eq!(digest_of(&registry, "team/app:1"), Some(digest), "{what}");
            let (came, size) = (registry.received(), size_of(&image));
            assert!(!keeps || came * 100 <= size * 105, "{what}: {came} bytes for {size}");
            registry.behave();
            pulls(&registry, "team/app:1", &image);
        }
    }
}

#[test]
fn with_a_token_that_expires_in_the_middle() {
    let image = large(3, 11 << 20);
    for (what, change) in MANNERS {
        let issuer = Arc::new(Issuer::new(user("ada", "hunter2")));
        let registry = Registry::with(Setup { auth: Auth::Bearer(Arc::clone(&issuer)), ..Setup::default() });
        with_manners(&registry, change);
        let session = Session::new();
        session.run_with(b"hunter2", &["login", "-u", "ada", "--password-stdin", &registry.host()]).ok();
        let digest = stored(&session, &registry.name("team/app:1"), &image);
        // The token ends with each session that is begun, and with each chunk.
        registry.script(move |request, reply| {
            if matches!(request.method.as_str(), "POST" | "PATCH") && reply.status < 300 && request.path != "/token" {
                issuer.revoke();
            }
            reply
        });
        // One at a time: each upload would end the token of the others, again and again.
        session.ok(&["push", "-q", "--jobs", "1", &registry.name("team/app:1")]);
        assert_eq!(digest_of(&registry, "team/app:1"), Some(digest), "{what}");
        let (came, size) = (registry.received(), size_of(&image));
        // The server says it before the bytes of a large request come; those of small ones come anyhow.
        assert!(came <= size + (1 << 20), "{what}: {came} bytes for {size}");
        assert!(registry.log().iter().any(|line| line.ends_with(" 401") && line.contains("/uploads/")), "{what}");
    }
}

#[test]
fn a_server_that_never_says_to_go_on_gets_the_bytes() {
    let image = large(4, 3 << 20);
    let (session, registry) = (Session::new(), Registry::start());
    registry.content().uploads.manners.silent = true;
    let digest = stored(&session, &registry.name("team/app:1"), &image);
    let start = std::time::Instant::now();
    session.ok(&["push", "-q", &registry.name("team/app:1")]);
    assert_eq!(digest_of(&registry, "team/app:1"), Some(digest));
    assert!(start.elapsed() < Duration::from_secs(15));
}
