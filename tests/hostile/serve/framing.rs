//! Requests that two readers take differently, and heads without end.

use std::io::{Read as _, Write as _};

use super::{World, statuses};

/// What follows in the same bytes, and is no request of its own.
const HIDDEN: &str = "GET /v2/demo/tags/list HTTP/1.1\r\nHost: hidden\r\n\r\n";

#[test]
fn a_request_within_a_request_is_not_answered() {
    let world = World::new(&[]);
    let length = HIDDEN.len();
    let chunked = "Transfer-Encoding: chunked\r\n";
    let hidden = format!("0\r\n\r\n{HIDDEN}");
    for head in [
        format!("{chunked}Content-Length: {}\r\n\r\n{hidden}", hidden.len()),
        format!("Content-Length: {}\r\n{chunked}\r\n{hidden}", hidden.len()),
        format!("Content-Length: 0\r\nContent-Length: {length}\r\n\r\n{HIDDEN}"),
        format!("Content-Length: {length}\r\nContent-Length: 0\r\n\r\n{HIDDEN}"),
        format!("Content-Length: 0\r\nContent-Length: 0\r\n\r\n{HIDDEN}"),
        format!("Content-Length: 0, {length}\r\n\r\n{HIDDEN}"),
        format!("Content-Length: +0\r\n\r\n{HIDDEN}"),
        format!("Content-Length : {length}\r\n\r\n{HIDDEN}"),
        format!("Transfer-Encoding: xchunked\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: chunked, identity\r\n\r\n{hidden}"),
        format!("{chunked}{chunked}\r\n{hidden}"),
        format!("Transfer-Encoding:\r\n chunked\r\n\r\n{hidden}"),
        format!("X: y\nContent-Length: {length}\r\n\r\n{HIDDEN}"),
        format!("X: y\rContent-Length: {length}\r\n\r\n{HIDDEN}"),
        format!("X: y\r\n Content-Length: {length}\r\n\r\n{HIDDEN}"),
        format!("{chunked}\r\n0x0\r\n\r\n{HIDDEN}"),
        format!("{chunked}\r\n0\n\n{HIDDEN}"),
        format!("{chunked}\r\n3\r\nabcd\r\n0\r\n\r\n{HIDDEN}"),
    ] {
        let said = world.say(format!("POST /v2/demo/blobs/uploads/ HTTP/1.1\r\nHost: x\r\n{head}"));
        let statuses = statuses(&said);
        // One whose head is good may have been answered before its body turned out to be bad.
        assert!(statuses.len() <= 1 || statuses == ["202", "400"], "{head:?}: {said}");
        assert!(!said.contains("\"tags\""), "{head:?}: {said}");
    }
    world.is_unharmed();
}

#[test]
fn heads_without_end_are_refused() {
    let world = World::new(&[]);
    for line in ["X-Header: value\r\n".repeat(10), format!("X: {}", "y".repeat(1000))] {
        let mut stream = world.serving.connect();
        let mut sent = stream.write_all(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n");
        for _ in 0..100_000 {
            sent = sent.and_then(|()| stream.write_all(line.as_bytes()));
        }
        assert!(sent.is_err(), "nobody stopped it");
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        let said = String::from_utf8_lossy(&said);
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 431 "), "{said}");
    }
    let long = world.say(format!("GET /v2/{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(60_000)));
    assert!(statuses(&long).iter().all(|status| status.starts_with('4')), "{long}");
    world.is_unharmed();
}

#[test]
fn other_protocols_end_at_once() {
    let world = World::new(&[]);
    assert!(world.say("GET /v2/ HTTP/1.0\r\n\r\n").contains(" 200 "));
    for bytes in [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /v2/ HTTP/0.9\r\n\r\n",
        b"GET /v2/ HTTP/9.9\r\n\r\n",
        b"GET\r\n\r\n",
        b"\r\n\r\n\r\n\0\0\0\0",
        b"SSH-2.0-x\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\nConnection: close\r\n\r\n",
        b"TRACE /v2/ HTTP/1.1\r\nHost: x\r\nX-Secret: y\r\nConnection: close\r\n\r\n",
        b"GET /v2/ HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings, close\r\n\r\n",
    ] {
        let said = world.say(bytes);
        let is_upgrade = bytes.windows(3).any(|three| three == b"h2c");
        let statuses = statuses(&said);
        assert!(statuses.len() <= 1 && (is_upgrade || !said.contains(" 200 ")), "{bytes:?}: {said}");
        assert!(!said.contains(" 101 ") && !said.contains("X-Secret"), "{bytes:?}: {said}");
    }
    world.is_unharmed();
}
