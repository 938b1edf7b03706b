//! Pull-through: what is not here is fetched from another registry, once, and verified before it looks whole.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::registry::Registry;
use crate::support::registry::Setup;
use crate::support::registry::auth::{self, Auth};
use crate::support::registry::content::{DOCKER_LIST, DOCKER_MANIFEST, Pushed, on_platform};
use crate::support::registry::reply::Reply;
use crate::support::serving::{Said, Serving};
use crate::support::session::Session;

/// A server in front of a registry.
fn before(upstream: &Registry, session: &Session, flags: &[&str]) -> Serving {
    let host = upstream.host();
    Serving::start(session, &[&["--proxy", &host], flags].concat())
}

/// A layer that takes several reads.
fn large() -> Vec<u8> {
    (0..3_000_001_u32).map(|at| u8::try_from((at.wrapping_mul(2_654_435_761) >> 24) & 0xff).expect("a byte")).collect()
}

/// A blob of a repository of the upstream, and the path to it.
fn put_large(upstream: &Registry) -> (Vec<u8>, String, String) {
    let bytes = large();
    let descriptor = upstream.content().repository("team/app").put_blob("application/octet-stream", bytes.clone());
    let digest = descriptor["digest"].as_str().expect("a digest").to_owned();
    (bytes, format!("/v2/team/app/blobs/{digest}"), digest)
}

fn layer_path(pushed: &Pushed) -> String {
    format!("/v2/team/app/blobs/{}", pushed.layer(0))
}

/// The body that came, of an answer that may have been cut.
fn is_cut(said: &Said) -> bool {
    said.header("content-length").parse::<usize>().expect("a length") > said.body.len()
}

#[test]
fn an_image_is_fetched_once_and_then_it_is_here() {
    let (upstream, session, client) = (Registry::start(), Session::new(), Session::new());
    let pushed = upstream.push("team/app:1", &TestImage::of("x:1", "a"));
    let serving = before(&upstream, &session, &[]);
    client.ok(&["pull", &format!("{}/team/app:1", serving.host)]);
    let name = upstream.name("team/app:1");
    // The name comes when the last blob is here.
    while !session.tags().contains(&name) {
        thread::yield_now();
    }
    assert_eq!(session.inspect(&name)["Id"], client.inspect(&format!("{}/team/app:1", serving.host))["Id"]);
    session.ok(&["verify"]);
    for path in [layer_path(&pushed), format!("/v2/team/app/manifests/{}", pushed.digest())] {
        assert_eq!(
            upstream.count("GET", path.trim_start_matches("/v2/team/app/")),
            usize::from(path.contains("blobs"))
        );
        serving.get(&path).expect(200);
    }
    assert_eq!(upstream.count("GET", "/manifests/1"), 1);
    upstream.forget();
    let other = Session::new();
    other.ok(&["pull", &format!("{}/team/app:1", serving.host)]);
    assert_eq!(upstream.count("", ""), 0, "nothing is asked again before its time: {:?}", upstream.log());
    drop(upstream);
    drop(serving);
    // After a restart, and without the upstream: as it was.
    let host = name.split('/').next().expect("a host").to_owned();
    let serving = Serving::start(&session, &["--proxy", &host]);
    let said = serving.get("/v2/team/app/manifests/1").expect(200);
    assert_eq!(said.header("warning"), "110 - \"Response is Stale\"");
    assert_eq!(said.header("docker-content-digest"), pushed.digest());
    serving.get(&format!("/v2/team/app/manifests/{}", pushed.digest())).expect(200);
    serving.get(&layer_path(&pushed)).expect(200);
    assert_eq!(serving.get("/v2/team/app/tags/list").expect(200).json()["tags"], json!(["1"]));
}

#[test]
fn many_who_ask_at_once_get_it_while_it_comes() {
    let (upstream, session) = (Registry::start(), Session::new());
    let (bytes, path, digest) = put_large(&upstream);
    upstream.push("team/app:1", &TestImage::of("x:1", "a"));
    upstream.script(|request, honest| {
        if request.is_for_blob() && request.method == "GET" {
            return honest.paced(64 << 10, Duration::from_millis(2));
        }
        honest
    });
    let serving = before(&upstream, &session, &[]);
    thread::scope(|scope| {
        let asked: Vec<_> = (0..20)
            .map(|number| {
                let (serving, path) = (&serving, &path);
                scope.spawn(move || {
                    let which = if number % 2 == 0 { path.as_str() } else { "/v2/team/app/manifests/1" };
                    serving.get(which).expect(200).body
                })
            })
            .collect();
        for (number, asked) in asked.into_iter().enumerate() {
            let body = asked.join().expect("an answer");
            assert!(number % 2 == 1 || body == bytes);
        }
    });
    assert_eq!(upstream.count("GET", &digest), 1);
    assert_eq!(upstream.count("GET", "/manifests/1"), 1);
    assert_eq!(serving.ask("GET", &path, &[("Range", "bytes=5-9")], b"").expect(206).body, &bytes[5..10]);
}

#[test]
fn a_part_of_what_is_not_here_and_its_head() {
    let (upstream, session) = (Registry::start(), Session::new());
    let (bytes, path, _) = put_large(&upstream);
    let serving = before(&upstream, &session, &[]);
    let head = serving.ask("HEAD", &path, &[], b"").expect(200);
    assert_eq!(head.header("content-length"), bytes.len().to_string());
    assert_eq!(upstream.sent(), 0, "a HEAD request fetches nothing");
    let part = serving.ask("GET", &path, &[("Range", "bytes=-7")], b"").expect(206);
    assert_eq!(part.body, &bytes[bytes.len() - 7..]);
}

#[test]
fn a_transfer_that_breaks_goes_on() {
    let (upstream, session) = (Registry::start(), Session::new());
    let (bytes, path, _) = put_large(&upstream);
    upstream.script(|request, honest| {
        let cuts = request.is_for_blob() && request.method == "GET" && request.number < 3;
        if cuts { honest.cut_after(700_000) } else { honest }
    });
    let serving = before(&upstream, &session, &[]);
    assert!(serving.get(&path).expect(200).body == bytes);
    assert!(upstream.sent() < 2 * bytes.len() as u64, "what has come is not sent again");
}

#[test]
fn who_waits_for_a_slow_upstream_keeps_nobody_else() {
    let (upstream, session) = (Registry::start(), Session::new());
    let (_, path, digest) = put_large(&upstream);
    upstream.script(|request, honest| {
        if request.is_for_blob() && request.method == "GET" { honest.stalled_after(1_000_000) } else { honest }
    });
    let serving = before(&upstream, &session, &[]);
    // More than there are threads.
    let waiting: Vec<_> = (0..700)
        .map(|_| {
            let mut stream = serving.connect();
            write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").expect("a request");
            stream
        })
        .collect();
    for mut stream in &waiting {
        // All have what has come so far.
        stream.read_exact(&mut vec![0; 500_000]).expect("a part");
    }
    serving.get("/healthz").expect(200);
    assert_eq!(serving.get("/v2/_catalog").expect(200).json()["repositories"], json!([]));
    assert_eq!(upstream.count("GET", &digest), 1);
}

#[test]
fn wrong_bytes_never_look_whole_and_are_not_kept() {
    let (upstream, session) = (Registry::start(), Session::new());
    let (bytes, path, digest) = put_large(&upstream);
    let lies = Arc::new(AtomicBool::new(true));
    let told = Arc::clone(&lies);
    upstream.script(move |request, honest| {
        if request.is_for_blob() && request.method == "GET" && told.load(Ordering::Relaxed) {
            let mut wrong = honest.body.to_vec();
            wrong[5] ^= 1;
            return honest.saying(wrong);
        }
        honest
    });
    let serving = before(&upstream, &session, &[]);
    let mut stream = serving.connect();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("a request");
    let mut got = Vec::new();
    // It may be cut before the head of the answer is out.
    let _ = stream.read_to_end(&mut got);
    let head = got.windows(4).position(|four| four == b"\r\n\r\n").map_or(got.len(), |at| at + 4);
    assert!(got.len() - head < bytes.len(), "{} bytes of {}", got.len() - head, bytes.len());
    let hex = digest.trim_start_matches("sha256:");
    assert!(!session.store().join("blobs/sha256").join(hex).exists());
    lies.store(false, Ordering::Relaxed);
    assert!(serving.get(&path).expect(200).body == bytes, "the next one who asks gets the right bytes");
}

#[test]
fn a_blob_that_is_too_long_is_refused() {
    let (upstream, session) = (Registry::start(), Session::new());
    let pushed = upstream.push("team/app:1", &TestImage::of("x:1", "a"));
    upstream.script(|request, honest| {
        if request.is_for_blob() && request.method == "GET" {
            let longer = [&honest.body[..], b"more"].concat();
            return honest.saying(longer);
        }
        honest
    });
    let serving = before(&upstream, &session, &[]);
    serving.get("/v2/team/app/manifests/1").expect(200);
    let said = serving.get(&layer_path(&pushed));
    assert!(said.status == 502 || is_cut(&said), "{}", said.status);
}

#[test]
fn what_is_not_there_is_not_asked_for_again_at_once() {
    let (upstream, session) = (Registry::start(), Session::new());
    upstream.push("team/app:1", &TestImage::of("x:1", "a"));
    let serving = before(&upstream, &session, &[]);
    for _ in 0..3 {
        let said = serving.get("/v2/team/app/manifests/none").expect(404);
        assert_eq!(said.code(), "MANIFEST_UNKNOWN");
    }
    assert_eq!(upstream.count("GET", "/manifests/none"), 1);
    let blob = format!("/v2/team/app/blobs/sha256:{}", "0".repeat(64));
    assert_eq!(serving.get(&blob).expect(404).code(), "BLOB_UNKNOWN");
    assert_eq!(serving.get("/v2/team/none/tags/list").expect(404).code(), "NAME_UNKNOWN");
}

#[test]
fn who_may_not_ask_the_upstream_is_told_so_without_a_challenge() {
    let users = auth::user("me", "pw");
    let upstream = Registry::with(Setup { auth: Auth::Basic(users), ..Setup::default() });
    let session = Session::new();
    upstream.push("team/app:1", &TestImage::of("x:1", "a"));
    let serving = before(&upstream, &session, &[]);
    let said = serving.get("/v2/team/app/manifests/1").expect(404);
    assert!(!said.headers.contains_key("www-authenticate"));
    assert!(String::from_utf8_lossy(&said.body).contains(&upstream.host()), "{said:?}");
    drop(serving);
    session.ok(&["login", "-u", "me", "-p", "pw", &upstream.host()]);
    before(&upstream, &session, &[]).get("/v2/team/app/manifests/1").expect(200);
}

#[test]
fn a_tag_is_asked_for_again_by_head_and_served_as_it_was_if_that_fails() {
    let (upstream, session) = (Registry::start(), Session::new());
    let first = upstream.push("team/app:1", &TestImage::of("x:1", "a"));
    let serving = before(&upstream, &session, &["--proxy-ttl", "0"]);
    let digest = |said: &Said| said.header("docker-content-digest").to_owned();
    assert_eq!(digest(&serving.get("/v2/team/app/manifests/1").expect(200)), first.digest());
    assert_eq!(digest(&serving.get("/v2/team/app/manifests/1").expect(200)), first.digest());
    assert_eq!((upstream.count("GET", "/manifests/1"), upstream.count("HEAD", "/manifests/1")), (1, 1));
    let second = upstream.push("team/app:1", &TestImage::of("x:1", "b"));
    assert_eq!(digest(&serving.get("/v2/team/app/manifests/1").expect(200)), second.digest());
    for status in [429, 500, 503] {
        upstream.script(move |_, _| Reply::error(status, "TOOMANYREQUESTS", "later").with("Retry-After", "3600"));
        let said = serving.get("/v2/team/app/manifests/1").expect(200);
        assert_eq!(digest(&said), second.digest(), "{status}");
        assert_eq!(said.header("warning"), "110 - \"Response is Stale\"");
        assert_eq!(serving.get("/v2/team/app/manifests/2").status, if status == 429 { 429 } else { 502 });
    }
    upstream.behave();
    let said = serving.get("/v2/team/app/manifests/1").expect(200);
    assert!(!said.headers.contains_key("warning"), "{said:?}");
    upstream.content().repository("team/app").tags.remove("1");
    assert_eq!(serving.get("/v2/team/app/manifests/1").expect(404).code(), "MANIFEST_UNKNOWN");
    let metrics = String::from_utf8(serving.get("/metrics").expect(200).body).expect("text");
    assert!(metrics.contains("imgtool_proxy_stale_total 3\n"), "{metrics}");
}

#[test]
fn of_an_index_one_platform_is_enough_for_its_name() {
    let (upstream, session) = (Registry::start(), Session::new());
    let (amd, arm) = {
        let mut content = upstream.content();
        let repository = content.repository("team/app");
        let mut put = |text: &str| {
            repository.put_image(None, &TestImage::of("x:1", text), crate::support::registry::content::Form::Docker)
        };
        let (amd, arm) = (put("amd"), put("arm"));
        let listed = [
            on_platform(&amd.manifest, &json!({"os": "linux", "architecture": "amd64"})),
            on_platform(&arm.manifest, &json!({"os": "linux", "architecture": "arm64"})),
        ];
        repository.put_index("1", DOCKER_LIST, &listed);
        (amd, arm)
    };
    let serving = before(&upstream, &session, &[]);
    let index = serving.get("/v2/team/app/manifests/1").expect(200);
    assert_eq!(index.header("content-type"), DOCKER_LIST);
    assert!(session.tags().is_empty());
    let said = serving.get(&format!("/v2/team/app/manifests/{}", amd.digest())).expect(200);
    assert_eq!(said.header("content-type"), DOCKER_MANIFEST);
    for blob in amd.layers.iter().chain([&amd.config]) {
        serving.get(&format!("/v2/team/app/blobs/{}", blob["digest"].as_str().expect("a digest"))).expect(200);
    }
    while session.tags() != [upstream.name("team/app:1")] {
        thread::yield_now();
    }
    assert_eq!(upstream.count("GET", &arm.digest()), 0);
}

#[test]
fn what_is_fetched_from_elsewhere_takes_no_pushes_and_the_rest_of_the_store_does() {
    let (upstream, session) = (Registry::start(), Session::new());
    let serving = before(&upstream, &session, &[]);
    let said = serving.ask("POST", "/v2/team/app/blobs/uploads/", &[], b"").expect(405);
    assert_eq!(said.code(), "UNSUPPORTED");
    assert!(String::from_utf8_lossy(&said.body).contains("nothing can be pushed here"));
    serving.ask("PUT", "/v2/team/app/manifests/1", &[("Content-Type", DOCKER_MANIFEST)], b"{}").expect(405);
    serving.put_blob("ghcr.io/team/app", b"mine");
    let digest = crate::support::digest(b"mine");
    serving.get(&format!("/v2/ghcr.io/team/app/blobs/{digest}")).expect(200);
    serving.get(&format!("/v2/team/app/blobs/{digest}?ns=ghcr.io")).expect(200);
    assert_eq!(upstream.count("GET", "/blobs/"), 0);
}

#[test]
fn the_tags_are_those_of_the_upstream() {
    let (upstream, session) = (Registry::start(), Session::new());
    for tag in ["3", "1", "2"] {
        upstream.push(&format!("team/app:{tag}"), &TestImage::of("x:1", tag));
    }
    let serving = before(&upstream, &session, &[]);
    let tags = |path: &str| -> Value { serving.get(path).expect(200).json()["tags"].clone() };
    assert_eq!(tags("/v2/team/app/tags/list"), json!(["1", "2", "3"]));
    assert_eq!(tags("/v2/team/app/tags/list?n=1&last=1"), json!(["2"]));
}
