//! Registries that lie, forget, refuse and lead astray.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{digest_of, large, pulls, size_of, stored, stored_plain};
use crate::support::image::TestImage;
use crate::support::registry::auth::{Auth, user};
use crate::support::registry::reply::Reply;
use crate::support::registry::tls::Authority;
use crate::support::registry::wire::Request;
use crate::support::registry::{Registry, Setup};
use crate::support::session::Session;

const PASSWORD: &str = "hunter2 of ada";

fn is(request: &Request, method: &str, part: &str) -> bool {
    request.method == method && request.path.contains(part)
}

/// A registry with a password, and a session that knows it.
fn asking() -> (Session, Registry) {
    let registry = Registry::with(Setup { auth: Auth::Basic(user("ada", PASSWORD)), ..Setup::default() });
    let session = Session::new();
    session.run_with(PASSWORD.as_bytes(), &["login", "-u", "ada", "--password-stdin", &registry.host()]).ok();
    registry.forget();
    (session, registry)
}

/// A push that must fail; nothing has the name afterwards.
fn fails(session: &Session, registry: &Registry, pieces: &[&str]) {
    let answer = session.run(&["push", "-q", &registry.name("team/app:1")]);
    answer.fails(1, pieces);
    assert!(!answer.stderr.contains(PASSWORD), "{}", answer.stderr);
    assert_eq!(digest_of(registry, "team/app:1"), None);
}

#[test]
fn a_location_on_another_host_gets_the_bytes_and_no_credentials() {
    let (session, registry) = asking();
    let other = Registry::start();
    let image = TestImage::sample("x");
    stored(&session, &registry.name("team/app:1"), &image);
    let place = other.url("/elsewhere/1?sig=a%2Fb");
    registry.script(move |request, reply| {
        if is(request, "POST", "/blobs/uploads/") { reply.with("Location", place.as_str()) } else { reply }
    });
    other.script(|request, _| Reply::new(if request.method == "PUT" { 201 } else { 404 }, ""));
    // The bytes are not where they should be, which the registry says of the manifest.
    fails(&session, &registry, &["manifest blob unknown"]);
    assert_eq!(other.count("PUT", "/elsewhere/1"), 3);
    assert!(other.log().iter().all(|line| line.contains("?sig=a%2Fb&digest=sha256")), "{:#?}", other.log());
    other.never_asked_with_credentials();
    other.never_heard(&[PASSWORD]);
    assert!(registry.count("POST", "/uploads/") > 0);
}

#[test]
fn a_location_that_falls_from_https_to_http_is_refused() {
    let authority = Authority::new();
    let tls = Some(authority.certify(&["127.0.0.1"]).server());
    let registry = Registry::with(Setup { tls, ..Setup::default() });
    let session = Session::new();
    let ca = session.write("ca.crt", authority.pem()).display().to_string();
    stored(&session, &registry.name("team/app:1"), &TestImage::sample("x"));
    registry.content().uploads.manners.origin = format!("http://{}", registry.host());
    let answer = session.run(&["--tls-ca", &ca, "push", "-q", &registry.name("team/app:1")]);
    answer.fails(1, &["wants the upload at http://127.0.0.1", "X-Forwarded-Proto: https"]);
    assert_eq!(registry.received(), 0);
    registry.content().uploads.manners.origin = registry.url("");
    session.ok(&["--tls-ca", &ca, "push", "-q", &registry.name("team/app:1")]);
}

#[test]
fn another_digest_than_was_sent() {
    let (session, registry) = asking();
    stored(&session, &registry.name("team/app:1"), &TestImage::sample("x"));
    let zero = format!("sha256:{}", "0".repeat(64));
    for (method, part) in [("PUT", "/blobs/uploads/"), ("PUT", "/manifests/")] {
        let said = zero.clone();
        registry.script(move |request, reply| {
            if is(request, method, part) { reply.with("Docker-Content-Digest", said.as_str()) } else { reply }
        });
        let answer = session.run(&["push", "-q", &registry.name("team/app:1")]);
        answer.fails(1, &["the registry says that it has stored sha256:0000", "was sent"]);
    }
}

#[test]
fn ranges_that_lie_change_nothing() {
    let image = large(5, 9 << 20);
    // What is said while all goes well does not count; what is said after a cut is tried, and the digest decides.
    for lie in ["0-99999999", "0-0", "0-6291455", "5-7", "0-18446744073709551615", "bytes=0-x"] {
        for is_cut in [false, true] {
            let (session, registry) = (Session::new(), Registry::start());
            let digest = stored(&session, &registry.name("team/app:1"), &image);
            registry.content().uploads.manners.only_chunks = Some(405);
            registry.script(move |request, reply| {
                let is_session = request.path.contains("/blobs/uploads/") && reply.status < 300;
                if is_session && request.method != "PUT" { reply.with("Range", lie) } else { reply }
            });
            if is_cut {
                let seen = AtomicUsize::new(0);
                registry.cut(move |request| {
                    let is_first = request.method == "PATCH" && seen.fetch_add(1, Ordering::Relaxed) == 1;
                    is_first.then_some(1 << 20)
                });
            }
            session.ok(&["push", "-q", &registry.name("team/app:1")]);
            assert_eq!(digest_of(&registry, "team/app:1"), Some(digest), "{lie} {is_cut}");
            registry.behave();
            pulls(&registry, "team/app:1", &image);
        }
    }
}

#[test]
fn a_session_that_is_lost_is_begun_again_and_one_that_never_stays_ends_the_push() {
    let image = large(6, 9 << 20);
    let (session, registry) = (Session::new(), Registry::start());
    let digest = stored(&session, &registry.name("team/app:1"), &image);
    registry.content().uploads.manners.only_chunks = Some(405);
    registry.script(|request, reply| {
        let is_second = is(request, "PATCH", "/uploads/1") && request.number == 1;
        if is_second { Reply::error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry") } else { reply }
    });
    session.ok(&["push", "-q", &registry.name("team/app:1")]);
    assert_eq!(digest_of(&registry, "team/app:1"), Some(digest));

    let (session, registry) = (Session::new(), Registry::start());
    stored(&session, &registry.name("team/app:1"), &image);
    registry.script(|request, reply| {
        let is_one = matches!(request.method.as_str(), "PUT" | "PATCH") && request.path.contains("/uploads/");
        if is_one || request.method == "HEAD" {
            Reply::error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        } else {
            reply
        }
    });
    fails(&session, &registry, &["the registry forgets its upload sessions"]);
    assert!(registry.count("POST", "/uploads/") < 20, "{:#?}", registry.log());
}

#[test]
fn an_answer_that_is_lost_is_no_reason_to_send_all_again() {
    let image = large(7, 5 << 20);
    let (session, registry) = (Session::new(), Registry::start());
    let digest = stored(&session, &registry.name("team/app:1"), &image);
    registry.script(
        |request, reply| {
            if is(request, "PUT", "/blobs/uploads/") && request.number == 0 { reply.hung_up() } else { reply }
        },
    );
    session.ok(&["push", "-q", &registry.name("team/app:1")]);
    assert_eq!(digest_of(&registry, "team/app:1"), Some(digest));
    assert!(registry.received() <= size_of(&image), "{:#?}", registry.log());
}

#[test]
fn a_mount_that_is_refused_is_an_upload() {
    let image = TestImage::sample("x");
    for status in [400, 403, 404, 405, 500] {
        let (session, registry) = (Session::new(), Registry::start());
        let digest = stored(&session, &registry.name("team/app:1"), &image);
        session.ok(&["push", "-q", &registry.name("team/app:1")]);
        session.ok(&["tag", &registry.name("team/app:1"), &registry.name("other:1")]);
        registry.script(move |request, reply| {
            let is_mount = request.param("mount").is_some();
            if is_mount { Reply::error(status, "DENIED", "no mounts here") } else { reply }
        });
        session.ok(&["push", "-q", &registry.name("other:1")]);
        assert_eq!(digest_of(&registry, "other:1"), Some(digest), "{status}");
    }
    // One that does not mount begins a session, which is used.
    let (session, registry) = (Session::new(), Registry::start());
    registry.content().uploads.manners.mounts = false;
    stored(&session, &registry.name("team/app:1"), &image);
    session.ok(&["tag", &registry.name("team/app:1"), &registry.name("other:1")]);
    session.ok(&["push", "-q", &registry.name("other:1")]);
    assert_eq!(registry.count("POST", "/uploads/"), 3, "{:#?}", registry.log());
    assert_eq!(registry.content().uploads.open(), 0);
}

#[test]
fn what_a_busy_server_asks_for_is_done() {
    let image = large(8, 2 << 20);
    let (session, registry) = (Session::new(), Registry::start());
    let digest = stored(&session, &registry.name("team/app:1"), &image);
    registry.script(|request, reply| {
        if is(request, "PUT", "/blobs/uploads/") && request.number == 0 {
            return Reply::error(503, "UNAVAILABLE", "later").with("Retry-After", "2");
        }
        reply
    });
    let start = Instant::now();
    session.ok(&["push", "-q", &registry.name("team/app:1")]);
    assert!(start.elapsed() >= Duration::from_secs(2));
    assert_eq!(digest_of(&registry, "team/app:1"), Some(digest));
}

#[test]
fn what_fails_in_the_middle_is_tried_again() {
    let image = large(17, 5 << 20);
    for (status, is_plain) in [500, 504, 429, 408].into_iter().flat_map(|is| [(is, false), (is, true)]) {
        let (session, registry) = (Session::new(), Registry::start());
        let name = registry.name("team/app:1");
        if is_plain {
            stored_plain(&session, &name, &image);
        } else {
            stored(&session, &name, &image);
        }
        // What begins the first upload, what ends it, the first chunk, and the manifest.
        let seen = [const { AtomicUsize::new(0) }; 4];
        registry.refuse(move |request| {
            let kind = match (request.method.as_str(), request.is_for_upload()) {
                ("POST", _) => 0,
                ("PUT", true) => 1,
                ("PATCH", _) => 2,
                ("PUT", false) => 3,
                _ => return None,
            };
            let is_first = seen[kind].fetch_add(1, Ordering::Relaxed) == 0;
            is_first.then(|| Reply::error(status, "UNAVAILABLE", "later").with("Retry-After", "0"))
        });
        session.ok(&["push", "-q", &name]);
        registry.behave();
        assert!(registry.log().iter().any(|line| line.ends_with(&format!(" {status}"))), "{status}");
        pulls(&registry, "team/app:1", &image);
    }
}

#[test]
fn who_does_not_know_what_is_expected_is_not_asked() {
    let image = large(18, 5 << 20);
    for is_plain in [false, true] {
        let (session, registry) = (Session::new(), Registry::start());
        let name = registry.name("team/app:1");
        if is_plain {
            stored_plain(&session, &name, &image);
        } else {
            stored(&session, &name, &image);
        }
        // As old proxies do; and chunks are refused, so that what is compressed comes at once.
        registry.refuse(|request| {
            let is_part = request.header("content-range").is_some();
            match request.header("expect") {
                Some(_) => Some(Reply::new(417, "<html>Expectation Failed</html>")),
                None => is_part.then(|| Reply::error(405, "UNSUPPORTED", "no parts")),
            }
        });
        session.ok(&["push", "-q", &name]);
        assert!(registry.log().iter().any(|line| line.ends_with(" 417")), "{:#?}", registry.log());
        registry.behave();
        pulls(&registry, "team/app:1", &image);
    }
}

#[test]
fn what_somebody_else_has_sent_meanwhile_is_there() {
    let image = large(19, 2 << 20);
    for status in [400, 409] {
        let (session, registry) = (Session::new(), Registry::start());
        let name = registry.name("team/app:1");
        let digest = stored(&session, &name, &image);
        // The blob is there, and the one who sent it is told that it was before.
        registry.script(move |request, reply| {
            let is_one = is(request, "PUT", "/blobs/uploads/") && reply.status == 201;
            if is_one { Reply::error(status, "BLOB_EXISTS", "layer already exists") } else { reply }
        });
        session.ok(&["push", "-q", &name]);
        assert_eq!(digest_of(&registry, "team/app:1"), Some(digest));
        assert!(registry.received() <= size_of(&image), "{:#?}", registry.log());
    }
}

#[test]
fn bytes_that_count_only_in_chunks_come_in_chunks() {
    let image = large(20, 5 << 20);
    let (session, registry) = (Session::new(), Registry::start());
    let name = registry.name("team/app:1");
    let digest = stored(&session, &name, &image);
    // What comes with the end is not looked at.
    registry.refuse(|request| {
        let is_one = is(request, "PUT", "/blobs/uploads/") && request.length() > 0;
        is_one.then(|| Reply::error(400, "DIGEST_INVALID", "provided digest did not match uploaded content"))
    });
    session.ok(&["push", "-q", &name]);
    assert_eq!(digest_of(&registry, "team/app:1"), Some(digest));
    registry.behave();
    pulls(&registry, "team/app:1", &image);
}

#[test]
fn refusals_in_the_registrys_words() {
    let (session, registry) = asking();
    stored(&session, &registry.name("team/app:1"), &TestImage::sample("x"));
    for (method, part, status, code, words) in [
        ("POST", "/blobs/uploads/", 403, "DENIED", "denied: only reading"),
        ("PUT", "/blobs/uploads/", 422, "SIZE_INVALID", "size invalid: only reading"),
        ("PUT", "/manifests/", 400, "MANIFEST_INVALID", "manifest invalid: only reading"),
    ] {
        registry.script(
            move |request, reply| {
                if is(request, method, part) { Reply::error(status, code, "only reading") } else { reply }
            },
        );
        let answer = session.run(&["push", "-q", &registry.name("team/app:1")]);
        answer.fails(1, &[words]);
    }
}

#[test]
fn too_large_even_for_a_chunk() {
    let image = large(9, 9 << 20);
    let (session, registry) = (Session::new(), Registry::start());
    stored(&session, &registry.name("team/app:1"), &image);
    registry.content().uploads.manners.most = Some(50 << 10);
    fails(&session, &registry, &["413", "client_max_body_size"]);
    assert!(registry.received() < 1 << 20, "what is refused is not sent");
    // A layer that is compressed on its way is told the same.
    let (session, registry) = (Session::new(), Registry::start());
    stored_plain(&session, &registry.name("team/app:1"), &image);
    registry.content().uploads.manners.most = Some(50 << 10);
    fails(&session, &registry, &["413", "client_max_body_size"]);
}

#[test]
fn a_proxy_that_takes_little_at_once_gets_little_at_once() {
    let image = large(12, 9 << 20);
    for is_plain in [false, true] {
        let (session, registry) = (Session::new(), Registry::start());
        let name = registry.name("team/app:1");
        if is_plain {
            stored_plain(&session, &name, &image);
        } else {
            stored(&session, &name, &image);
        }
        registry.content().uploads.manners.most = Some(1 << 20);
        session.ok(&["push", "-q", &name]);
        let (came, size) = (registry.received(), size_of(&image));
        assert!(came * 100 <= size * 105, "{came} bytes for {size}: {:#?}", registry.log());
        pulls(&registry, "team/app:1", &image);
    }
}

#[test]
fn what_is_moved_goes_on_with_its_bytes() {
    let image = large(13, 3 << 20);
    for status in [301, 307, 308] {
        for is_plain in [false, true] {
            let (session, registry) = asking();
            let name = registry.name("team/app:1");
            if is_plain {
                stored_plain(&session, &name, &image);
            } else {
                stored(&session, &name, &image);
            }
            // Each request that writes is led to another path.
            registry.script(move |request, reply| {
                let writes = matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
                if writes && request.param("moved").is_none() {
                    let query = if request.query.is_empty() { String::new() } else { format!("&{}", request.query) };
                    return Reply::new(status, "").with("Location", format!("{}?moved=1{query}", request.path));
                }
                reply
            });
            session.ok(&["push", "-q", &name]);
            registry.behave();
            assert!(digest_of(&registry, "team/app:1").is_some(), "{status}: {:#?}", registry.log());
        }
    }
}

#[test]
fn who_may_only_write_can_push() {
    for status in [400, 401, 403, 405] {
        let (session, registry) = asking();
        let digest = stored(&session, &registry.name("team/app:1"), &TestImage::sample("x"));
        registry.script(move |request, reply| {
            let reads = is(request, "HEAD", "/blobs/") && request.header("authorization").is_some();
            if reads {
                Reply::error(status, "DENIED", "only writing").with("WWW-Authenticate", "Basic realm=\"x\"")
            } else {
                reply
            }
        });
        session.ok(&["push", "-q", &registry.name("team/app:1")]);
        assert_eq!(digest_of(&registry, "team/app:1"), Some(digest), "{status}");
    }
}

#[test]
fn locations_that_say_nothing() {
    let image = large(14, 9 << 20);
    for said in ["", " ", "#part", "?"] {
        let (session, registry) = (Session::new(), Registry::start());
        stored(&session, &registry.name("team/app:1"), &image);
        registry.script(
            move |request, reply| {
                if is(request, "POST", "/uploads/") { reply.with("Location", said) } else { reply }
            },
        );
        fails(&session, &registry, &[&registry.host()]);
        assert!(registry.log().len() < 60, "{said:?}: {:#?}", registry.log());
    }
    // But where the session is known, it need not be said again; and a fragment says nothing.
    for said in ["", "/v2/team/app/blobs/uploads/1#part"] {
        let (session, registry) = (Session::new(), Registry::start());
        stored(&session, &registry.name("team/app:1"), &large(14, 9 << 20));
        registry.content().uploads.manners.only_chunks = Some(405);
        registry.script(move |request, reply| {
            let is_one = is(request, "PATCH", "/uploads/1") && reply.status < 300;
            if is_one { reply.with("Location", said) } else { reply }
        });
        session.ok(&["push", "-q", "--jobs", "1", &registry.name("team/app:1")]);
        registry.behave();
        pulls(&registry, "team/app:1", &image);
    }
}

#[test]
fn what_takes_no_chunks_gets_all_at_once() {
    let image = large(15, 9 << 20);
    // Refused with the chunk, and with the end of the upload: too late for what was sent.
    for (method, status) in [("PATCH", 405), ("PATCH", 400), ("PUT", 400)] {
        let (session, registry) = (Session::new(), Registry::start());
        let name = registry.name("team/app:1");
        stored_plain(&session, &name, &image);
        registry.refuse(move |request| {
            let is_part = request.header("content-range").is_some();
            (method == "PATCH" && is_part).then(|| Reply::error(status, "UNSUPPORTED", "no parts"))
        });
        // And what comes at once is cut once, too: it is compressed again.
        let seen = AtomicUsize::new(0);
        registry
            .cut(move |request| (request.is_chunked() && seen.fetch_add(1, Ordering::Relaxed) == 0).then_some(5 << 20));
        registry.script(move |request, reply| {
            let in_parts = method == "PUT" && is(request, "PUT", "/uploads/1");
            if in_parts { Reply::error(status, "SIZE_INVALID", "a part is too small") } else { reply }
        });
        session.ok(&["push", "-q", "--jobs", "1", &name]);
        registry.behave();
        pulls(&registry, "team/app:1", &image);
        // One that is compressed already, whose connection breaks: all of it comes again.
        let other = registry.name("team/other:1");
        stored(&session, &other, &large(16, 5 << 20));
        let seen = AtomicUsize::new(0);
        registry.refuse(|request| {
            let is_part = request.header("content-range").is_some();
            is_part.then(|| Reply::error(405, "UNSUPPORTED", "no parts"))
        });
        registry.cut(move |request| {
            (request.length() > 1 << 20 && seen.fetch_add(1, Ordering::Relaxed) == 0).then_some(1 << 20)
        });
        session.ok(&["push", "-q", &other]);
        registry.behave();
        pulls(&registry, "team/other:1", &large(16, 5 << 20));
    }
}

#[test]
fn chunks_without_measure_are_refused() {
    let (session, registry) = (Session::new(), Registry::start());
    stored(&session, &registry.name("team/app:1"), &TestImage::sample("x"));
    registry.content().uploads.manners.least = Some(1 << 40);
    fails(&session, &registry, &["OCI-Chunk-Min-Length 1099511627776 is more than"]);
}

#[test]
fn a_damaged_layer_is_not_the_registrys_fault() {
    let (session, registry) = (Session::new(), Registry::start());
    let image = large(10, 2 << 20);
    stored(&session, &registry.name("team/app:1"), &image);
    let layer = crate::support::packing::Packing::Gzip.apply(&image.layers[0]);
    let path = session.store().join("blobs/sha256").join(crate::support::hex(&layer));
    let mut bytes = std::fs::read(&path).expect("the layer");
    bytes[1 << 20] ^= 1;
    std::fs::remove_file(&path).expect("ours");
    std::fs::write(&path, bytes).expect("ours");
    fails(&session, &registry, &["is damaged", "load its image again"]);
}

#[test]
fn nobody_asks_a_registry_without_end() {
    let image = large(11, 2 << 20);
    let (session, registry) = (Session::new(), Registry::start());
    stored(&session, &registry.name("team/app:1"), &image);
    // It breaks each time, and says that it has everything but the last byte: progress that is none.
    let size = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&size);
    registry.cut(move |request| {
        let is_large = request.length() > 1 << 20;
        if is_large {
            seen.fetch_max(request.length(), Ordering::Relaxed);
        }
        is_large.then_some(request.length() / 2)
    });
    registry.script(move |request, reply| {
        let end = size.load(Ordering::Relaxed).saturating_sub(2);
        if is(request, "GET", "/uploads/") { reply.with("Range", format!("0-{end}")) } else { reply }
    });
    session.run(&["push", "-q", &registry.name("team/app:1")]).fails(1, &[&registry.host()]);
    assert!(registry.log().len() < 60, "{:#?}", registry.log());
}
