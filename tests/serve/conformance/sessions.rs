//! Sessions of uploads: in chunks, streamed, broken, by two at once, and through restarts of the server.

use std::io::Write as _;
use std::net::Shutdown;

use super::Registry;
use crate::support::digest;
use crate::support::serving::Said;

const OCTETS: (&str, &str) = ("Content-Type", "application/octet-stream");

fn patch(registry: &Registry, location: &str, range: &str, bytes: &[u8]) -> Said {
    registry.ask("PATCH", location, &[OCTETS, ("Content-Range", range)], bytes)
}

fn finish(registry: &Registry, location: &str, all: &[u8], last: &[u8]) -> Said {
    registry.ask("PUT", &format!("{location}?digest={}", digest(all)), &[OCTETS], last)
}

#[test]
fn chunks_in_order_and_the_last_one_by_patch_or_by_put() {
    let registry = Registry::new();
    for (last, name) in [("", "one"), ("6789", "two")] {
        let location = registry.begin(name);
        let said = registry.get(&location).expect(204);
        assert_eq!((said.header("range"), said.header("location")), ("0-0", location.as_str()));
        let said = patch(&registry, &location, "0-2", b"012").expect(202);
        assert_eq!((said.header("range"), said.header("location")), ("0-2", location.as_str()));
        let said = patch(&registry, &location, "3-5", b"345").expect(202);
        assert_eq!(said.header("range"), "0-5");
        assert_eq!(registry.get(&location).expect(204).header("range"), "0-5");
        registry.head(&location).expect(204);
        if last.is_empty() {
            patch(&registry, &location, "6-9", b"6789").expect(202);
        }
        let path = format!("{location}?digest={}", digest(b"0123456789"));
        let headers: &[(&str, &str)] = if last.is_empty() { &[] } else { &[OCTETS, ("Content-Range", "6-9")] };
        let said = registry.ask("PUT", &path, headers, last.as_bytes()).expect(201);
        assert_eq!(registry.get(said.header("location")).expect(200).body, b"0123456789");
    }
}

#[test]
fn chunks_out_of_order_are_416_and_change_nothing() {
    let registry = Registry::new();
    let location = registry.begin("demo");
    let refused = |range: &str, at: &str| {
        for method in ["PATCH", "PUT"] {
            let path =
                if method == "PUT" { format!("{location}?digest={}", digest(b"012345")) } else { location.clone() };
            let said = registry.ask(method, &path, &[OCTETS, ("Content-Range", range)], b"345").expect(416);
            assert_eq!((said.header("range"), said.header("location")), (at, location.as_str()), "{method} {range}");
            assert_eq!(registry.get(&location).expect(204).header("range"), at, "{method} {range}");
        }
    };
    // The first chunk begins at 0.
    refused("3-5", "0-0");
    for nonsense in ["x", "5-3", "-3", "3-", "bytes", "0-99999999999999999999"] {
        refused(nonsense, "0-0");
    }
    patch(&registry, &location, "0-2", b"012").expect(202);
    for range in ["0-2", "2-4", "4-6", "1000-1002"] {
        refused(range, "0-2");
    }
    patch(&registry, &location, "3-5", b"345").expect(202);
    finish(&registry, &location, b"012345", b"").expect(201);
}

#[test]
fn a_chunk_is_as_long_as_its_range() {
    let registry = Registry::new();
    let location = registry.begin("demo");
    assert_eq!(patch(&registry, &location, "0-5", b"012").expect(400).code(), "SIZE_INVALID");
    assert_eq!(patch(&registry, &location, "0-1", b"012").expect(400).code(), "SIZE_INVALID");
    patch(&registry, &location, "0-2", b"012").expect(202);
    finish(&registry, &location, b"012", b"").expect(201);
}

#[test]
fn a_stream_of_unknown_length() {
    let registry = Registry::new();
    let location = registry.begin("demo");
    let mut stream = registry.connect();
    let head =
        format!("PATCH {location} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    for part in ["5\r\n01234\r\n", "3\r\n567\r\n", "0\r\n\r\n"] {
        stream.write_all(part.as_bytes()).expect("sent");
    }
    let said = Said::read(&mut stream).expect(202);
    assert_eq!(said.header("range"), "0-7");
    // Without a range, bytes are appended.
    let said = registry.ask("PATCH", &location, &[], b"89").expect(202);
    assert_eq!(said.header("range"), "0-9");
    finish(&registry, &location, b"0123456789", b"").expect(201);
}

#[test]
fn an_upload_is_cancelled() {
    let registry = Registry::new();
    let location = registry.begin("demo");
    registry.ask("PATCH", &location, &[], b"x").expect(202);
    registry.delete(&location).expect(204);
    for method in ["GET", "HEAD", "DELETE"] {
        registry.ask(method, &location, &[], b"").expect(404);
    }
    assert_eq!(registry.ask("PATCH", &location, &[], b"x").expect(404).code(), "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(finish(&registry, &location, b"x", b"").expect(404).code(), "BLOB_UPLOAD_UNKNOWN");
    let left = std::fs::read_dir(registry.session.store().join("imgtool/partial")).expect("a folder").count();
    assert_eq!(left, 0);
}

#[test]
fn an_upload_belongs_to_its_repository() {
    let registry = Registry::new();
    let location = registry.begin("demo");
    let elsewhere = location.replace("/demo/", "/other/");
    registry.get(&elsewhere).expect(404);
    registry.ask("PATCH", &elsewhere, &[], b"x").expect(404);
    registry.delete(&elsewhere).expect(404);
    finish(&registry, &elsewhere, b"", b"").expect(404);
    for id in
        ["..", "%2e%2e%2f%2e%2e", "0", &"0".repeat(32), "00000000-0000-4000-8000-000000000000", &"0".repeat(5_000)]
    {
        registry.get(&format!("/v2/demo/blobs/uploads/{id}")).expect(404);
    }
    registry.get(&location).expect(204);
}

#[test]
fn a_client_that_breaks_in_the_middle_goes_on_from_what_arrived() {
    let registry = Registry::new();
    let location = registry.begin("demo");
    let mut stream = registry.connect();
    let head = format!("PATCH {location} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n0123456789");
    stream.write_all(head.as_bytes()).expect("sent");
    stream.shutdown(Shutdown::Both).expect("closed");
    // It is told, once the server has seen the end.
    while registry.get(&location).expect(204).header("range") != "0-9" {}
    // The request may not be over yet.
    let said = loop {
        let said = patch(&registry, &location, "10-12", b"abc");
        if said.status != 409 {
            break said.expect(202);
        }
    };
    assert_eq!(said.header("range"), "0-12");
    finish(&registry, &location, b"0123456789abc", b"").expect(201);
}

#[test]
fn two_requests_do_not_write_one_upload_at_a_time() {
    let registry = Registry::new();
    let location = registry.begin("demo");
    let mut first = registry.connect();
    let bytes = vec![b'a'; 20_000];
    let head = format!("PATCH {location} HTTP/1.1\r\nHost: x\r\nContent-Length: 20001\r\nConnection: close\r\n\r\n");
    first.write_all(head.as_bytes()).expect("sent");
    first.write_all(&bytes).expect("sent");
    // What has arrived is told although the request goes on.
    while registry.get(&location).expect(204).header("range") == "0-0" {}
    for said in [
        registry.ask("PATCH", &location, &[], b"b"),
        finish(&registry, &location, b"b", b"b"),
        registry.delete(&location),
    ] {
        assert_eq!(said.expect(409).code(), "BLOB_UPLOAD_INVALID");
    }
    first.write_all(b"c").expect("sent");
    assert_eq!(Said::read(&mut first).expect(202).header("range"), "0-20000");
    let all = [bytes, b"cd".to_vec()].concat();
    finish(&registry, &location, &all, b"d").expect(201);
}

#[test]
fn an_upload_goes_on_after_the_server_was_killed() {
    let registry = Registry::new();
    let (patched, streamed) = (registry.begin("demo"), registry.begin("demo"));
    patch(&registry, &patched, "0-4", b"01234").expect(202);
    registry.ask("PATCH", &streamed, &[], b"abc").expect(202);
    let blob = registry.put_blob("demo", b"claimed");
    let registry = registry.restarted();
    assert_eq!(registry.get(&patched).expect(204).header("range"), "0-4");
    patch(&registry, &patched, "0-4", b"01234").expect(416);
    patch(&registry, &patched, "5-9", b"56789").expect(202);
    let registry = registry.restarted();
    finish(&registry, &patched, b"0123456789", b"").expect(201);
    finish(&registry, &streamed, b"abcdef", b"def").expect(201);
    registry.get(&format!("/v2/demo/blobs/{blob}")).expect(200);
}

#[test]
fn many_uploads_are_open_and_none_holds_a_file() {
    let registry = Registry::new();
    let locations: Vec<String> = (0..50).map(|_| registry.begin("demo")).collect();
    let mut streams = Vec::new();
    for location in &locations {
        let mut stream = registry.connect();
        let head =
            format!("PATCH {location} HTTP/1.1\r\nHost: x\r\nContent-Length: 20002\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("sent");
        stream.write_all(&vec![b'a'; 20_000]).expect("sent");
        streams.push(stream);
    }
    for location in &locations {
        while registry.get(location).expect(204).header("range") == "0-0" {}
    }
    let files = || {
        let open = std::fs::read_dir(format!("/proc/{}/fd", registry.pid())).expect("a process");
        let links = open.filter_map(|entry| std::fs::read_link(entry.expect("an entry").path()).ok());
        links.filter(|path| path.to_string_lossy().contains("/partial/")).count()
    };
    while files() > 0 {}
    for (mut stream, location) in streams.into_iter().zip(&locations) {
        stream.write_all(b"bc").expect("sent");
        Said::read(&mut stream).expect(202);
        let all = [vec![b'a'; 20_000], b"bc".to_vec()].concat();
        finish(&registry, location, &all, b"").expect(201);
    }
}
