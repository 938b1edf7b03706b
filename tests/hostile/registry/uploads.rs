//! What registries do to those who write: R07, R34, R35, and the rules of reading where they hold for writing, too: R06,
//! R09, R10, R18, R31, R36.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{NAME, PASSWORD, SECRETS, USER, World, words};
use crate::support::image::TestImage;
use crate::support::registry::auth::{Auth, user};
use crate::support::registry::reply::Reply;
use crate::support::registry::tls::Authority;
use crate::support::registry::wire::Request;
use crate::support::registry::{Registry, Setup};
use crate::support::tarball::Member;

/// The name under which an image is written.
const NEW: &str = "team/new:1";

fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(step).take(size).collect()
}

/// A registry to write to, another one from which is copied, and an image in the store.
struct Writer {
    world: World,
    source: Registry,
}

impl Writer {
    fn to(world: World) -> Self {
        Self::with(world, &TestImage::sample("fx/a:1"))
    }

    fn with(world: World, image: &TestImage) -> Self {
        let source = Registry::start();
        source.push(NAME, image);
        world.session.ok(&["pull", "-q", &source.name(NAME)]);
        world.session.ok(&["tag", &source.name(NAME), &world.registry.name(NEW)]);
        Self { world, source }
    }

    /// The commands that write the image.
    fn writes(&self) -> [Vec<String>; 2] {
        let new = self.world.registry.name(NEW);
        let from = format!("docker://{}", self.source.name(NAME));
        [words(&["push", &new]), words(&["copy", &from, &format!("docker://{new}")])]
    }

    /// Each command that writes is refused, and the registry has nothing under the name.
    fn refuses(&self, pieces: &[&str]) {
        for command in self.writes() {
            self.world.refuses_command(&command, pieces);
            assert!(!self.is_there(), "{command:?}");
        }
    }

    /// Each command writes the image, which then is taken away again.
    fn writes_well(&self) {
        for command in self.writes() {
            let answer = self.world.run(&command);
            assert_eq!(answer.code, 0, "{command:?}: {}", answer.text());
            let digest = self.source.content().repositories["team/app"].tags["1"].clone();
            let mut content = self.world.registry.content();
            let repository = content.repositories.remove("team/new").expect("it was written");
            assert_eq!(repository.tags["1"], digest, "{command:?}");
            let wanted = &self.source.content().repositories["team/app"].blobs;
            assert!(wanted.iter().all(|(digest, bytes)| repository.blobs.get(digest) == Some(bytes)), "{command:?}");
        }
    }

    fn is_there(&self) -> bool {
        self.world.registry.content().repositories.get("team/new").is_some_and(|new| !new.tags.is_empty())
    }
}

fn is(request: &Request, method: &str, part: &str) -> bool {
    request.method == method && request.path.contains(part)
}

fn is_upload(request: &Request) -> bool {
    request.path.contains("/blobs/uploads/")
}

/// Another host of this machine, which says that it takes everything.
fn other() -> Registry {
    let other = Registry::with(Setup { at: "127.0.0.2".parse().expect("an address"), ..Setup::default() });
    other.script(|request, _| Reply::new(if request.method == "GET" { 404 } else { 201 }, ""));
    other
}

#[test]
fn r07_an_upload_on_another_host_goes_there_without_credentials() {
    for world in [World::with_password(), World::with_tokens()] {
        let (writer, other) = (Writer::to(world), other());
        let place = other.url("/place?sig=a%2Fb");
        writer.world.registry.script(move |request, reply| {
            if is(request, "POST", "/uploads/") { reply.with("Location", place.as_str()) } else { reply }
        });
        // The bytes are there and not here: the registry says so of the manifest.
        writer.refuses(&["manifest blob unknown"]);
        assert!(other.count("PUT", "/place") > 0);
        other.never_heard(&SECRETS);
        other.never_asked_with_credentials();
    }
}

#[test]
fn r07_an_upload_that_falls_from_https_to_http_is_refused() {
    let authority = Authority::new();
    let tls = Some(authority.certify(&["127.0.0.1"]).server());
    let mut world = World::with(Setup { tls, auth: Auth::Basic(user(USER, PASSWORD)), ..Setup::default() });
    world.log_in(&world.host());
    let ca = world.session.write("ca.pem", authority.pem());
    world.flags.extend(["--tls-ca".to_owned(), ca.display().to_string()]);
    let (writer, other) = (Writer::to(world), other());
    for base in [other.url(""), format!("http://{}", writer.world.host())] {
        let place = base.clone();
        writer.world.registry.script(move |request, reply| {
            let is_one = is(request, "POST", "/uploads/");
            if is_one { reply.with("Location", format!("{place}/place")) } else { reply }
        });
        writer.refuses(&["http://", "X-Forwarded-Proto: https"]);
        // Nor if the bytes are led there.
        writer.world.registry.behave();
        writer
            .world
            .registry
            .refuse(move |request| is(request, "PUT", "/uploads/").then(|| Reply::redirect(&format!("{base}/place"))));
        writer.refuses(&["https", "http://"]);
        writer.world.registry.behave();
    }
    assert_eq!(other.connections(), 0);
}

#[test]
fn r07_not_even_a_redirect_gets_credentials() {
    // Of what begins an upload, of its bytes, and of a manifest.
    for (method, part) in [("POST", "/uploads/"), ("PUT", "/uploads/"), ("PUT", "/manifests/")] {
        let (writer, other) = (Writer::to(World::with_password()), other());
        let base = other.url("");
        writer.world.registry.refuse(move |request| {
            let to = format!("{base}/elsewhere{}", request.path);
            is(request, method, part).then(|| Reply::redirect(&to))
        });
        for command in writer.writes() {
            writer.world.run(&command);
            assert!(!writer.is_there());
        }
        assert!(other.count(method, "/elsewhere/") > 0, "{method} {part}");
        other.never_heard(&SECRETS);
        other.never_asked_with_credentials();
    }
}

#[test]
fn r07_what_is_to_be_deleted_is_deleted_nowhere_else() {
    let (world, other) = (World::with_password(), other());
    let base = other.url("");
    world.registry.refuse(move |request| {
        (request.method == "DELETE").then(|| Reply::redirect(&format!("{base}{}", request.path)))
    });
    for command in [words(&["delete", &world.name()]), words(&["delete", "--manifest", &world.name()])] {
        world.refuses_command(&command, &[&world.host()]);
    }
    assert_eq!(other.connections(), 0);
    assert_eq!(world.registry.content().repositories["team/app"].tags.len(), 1);
}

#[test]
fn r34_another_digest_than_was_sent_is_an_error() {
    let zero = format!("sha256:{}", "0".repeat(64));
    for part in ["/blobs/uploads/", "/manifests/"] {
        let (writer, said) = (Writer::to(World::with_password()), zero.clone());
        writer.world.registry.script(move |request, reply| {
            let is_one = is(request, "PUT", part) && reply.status == 201;
            if is_one { reply.with("Docker-Content-Digest", said.as_str()) } else { reply }
        });
        for command in writer.writes() {
            writer.world.refuses_command(&command, &["has stored sha256:0000", "was sent"]);
            writer.world.registry.content().repositories.remove("team/new");
        }
    }
}

#[test]
fn r34_a_manifest_that_is_another_one_is_not_deleted_for_it() {
    // It says of a tag that it leads to a manifest with a digest that is none.
    let world = World::with_password();
    for digest in ["sha256:1", "sha256:../../x", "md5:0"] {
        world.registry.script(move |request, reply| {
            let is_one = request.method == "HEAD" && request.is_for_manifest();
            if is_one { reply.with("Docker-Content-Digest", digest) } else { reply }
        });
        let answer = world.run(&words(&["delete", "--manifest", &world.name()]));
        let deleted = world.registry.records().into_iter().filter(|record| record.request.method == "DELETE");
        for record in deleted {
            let honest = world.pushed.digest();
            assert!(record.request.path.ends_with(&honest), "{digest}: {}\n{}", record.line(), answer.text());
        }
    }
}

#[test]
fn r35_ranges_that_lie_change_nothing() {
    let image = TestImage::new(&[]).layer("large", &[Member::file("large", noise((1 << 20) + (200 << 10)))]);
    for lie in ["0-99999999", "0-0", "5-7", "0-18446744073709551615", "bytes=0-x"] {
        for is_cut in [false, true] {
            let writer = Writer::with(World::new(), &image);
            writer.world.registry.script(move |request, reply| {
                let is_one = is_upload(request) && request.method != "PUT" && reply.status < 300;
                if is_one { reply.with("Range", lie) } else { reply }
            });
            let seen = AtomicUsize::new(0);
            writer.world.registry.cut(move |request| {
                let is_first = request.length() > 1 << 20 && seen.fetch_add(1, Ordering::Relaxed).is_multiple_of(3);
                (is_cut && is_first).then_some(1 << 20)
            });
            writer.writes_well();
        }
    }
}

#[test]
fn r36_a_connection_that_breaks_again_and_again() {
    let image = TestImage::new(&[]).layer("large", &[Member::file("large", noise(300 << 10))]);
    let writer = Writer::with(World::new(), &image);
    writer.world.registry.cut(|request| (request.length() > 64 << 10).then_some(64 << 10));
    writer.writes_well();
}

#[test]
fn r09_r10_uploads_that_lead_in_a_circle_end() {
    for (method, part) in [("POST", "/uploads/"), ("PUT", "/uploads/"), ("PUT", "/manifests/")] {
        for is_refusal in [false, true] {
            let writer = Writer::to(World::with_password());
            writer.world.registry.refuse(move |request| {
                if !is(request, method, part) {
                    return None;
                }
                if is_refusal {
                    let refusal = Reply::error(401, "UNAUTHORIZED", "again");
                    return Some(refusal.with("WWW-Authenticate", "Basic realm=\"x\""));
                }
                let next = request.param("turn").and_then(|turn| turn.parse().ok()).map_or(0, |turn: u64| turn + 1);
                Some(Reply::redirect(&format!("{}?turn={next}", request.path)))
            });
            writer.refuses(&[]);
            let log = writer.world.registry.log();
            assert!(log.len() < 160, "{method} {part} {is_refusal}: {}", log.len());
        }
    }
}

#[test]
fn r18_r31_refusals_that_never_end_or_ask_for_ages() {
    for (method, part) in [("POST", "/uploads/"), ("PUT", "/uploads/"), ("PUT", "/manifests/")] {
        for status in [400, 403, 429, 503] {
            let writer = Writer::to(World::new());
            writer.world.registry.refuse(move |request| {
                let refusal = Reply::new(status, "\u{1b}[2Jred \u{7}".repeat(1000)).with("Retry-After", "1000000000");
                let refusal = if status < 429 { refusal.endless() } else { refusal };
                is(request, method, part).then_some(refusal)
            });
            for command in writer.writes() {
                let answer = writer.world.refuses_command(&command, &[]);
                assert!(!answer.text().contains('\u{1b}'), "{}", answer.text());
            }
        }
    }
    let world = World::new();
    world.registry.refuse(|request| (request.method == "DELETE").then(|| Reply::new(400, "\u{1b}[2J").endless()));
    let answer = world.refuses_command(&words(&["delete", &world.name()]), &[]);
    assert!(!answer.text().contains('\u{1b}'), "{}", answer.text());
}
