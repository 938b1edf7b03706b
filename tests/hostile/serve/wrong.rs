//! Content that is not what it is said to be: bodies, digests, ranges, manifests, tags.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;

use serde_json::json;

use super::{World, statuses};
use crate::support::digest;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

#[test]
fn bodies_longer_or_shorter_than_said_acknowledge_nothing_wrong() {
    let world = World::new(&[]);
    let [whole, part] = [digest(b"abcdef"), digest(b"abc")];
    let path = |digest: &str| format!("/v2/demo/blobs/uploads/?digest={digest}");
    // Longer: what is behind is another request, and none that could be one.
    let request = format!("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcdef\r\n\r\n", path(&whole));
    let said = world.say(request);
    assert_eq!(statuses(&said)[0], "400", "{said}");
    // Shorter.
    let mut stream = world.serving.connect();
    let request = format!("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc", path(&part));
    stream.write_all(request.as_bytes()).expect("it is sent");
    stream.shutdown(Shutdown::Write).expect("it is open");
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    assert!(!String::from_utf8_lossy(&said).contains(" 201 "));
    for digest in [whole, part] {
        world.serving.get(&format!("/v2/demo/blobs/{digest}")).expect(404);
    }
    world.is_unharmed();
}

#[test]
fn digests_that_are_wrong_are_refused() {
    let world = World::new(&[]);
    let right = digest(b"content");
    let hex = right.trim_start_matches("sha256:");
    for wrong in [
        digest(b"other"),
        String::new(),
        "sha256:".to_owned(),
        format!("sha256:{}", hex.to_uppercase()),
        format!("sha256:{}", &hex[1..]),
        format!("sha256:{hex}0"),
        format!("SHA256:{hex}"),
        format!("sha1:{}", &hex[..40]),
        format!("md5:{}", &hex[..32]),
        format!("sha512:{hex}"),
        format!("sha384:{}", hex.repeat(2)),
        format!("sha512:{}", hex.repeat(2)),
        format!("sha256:{}", "0".repeat(1 << 14)),
        hex.to_owned(),
    ] {
        let path = format!("/v2/demo/blobs/uploads/?digest={wrong}");
        let said = world.serving.ask("POST", &path, &[], b"content").expect(400);
        assert_eq!(said.code(), "DIGEST_INVALID", "{wrong}");
        let begun = world.serving.ask("POST", "/v2/demo/blobs/uploads/", &[], b"").expect(202);
        let end = format!("{}?digest={wrong}", begun.header("location"));
        world.serving.ask("PUT", &end, &[], b"content").expect(400);
    }
    world.serving.get(&format!("/v2/demo/blobs/{right}")).expect(404);
    let said =
        world.serving.ask("PUT", &format!("/v2/demo/manifests/{right}"), &[("Content-Type", INDEX)], &index(&[]));
    assert_eq!(said.expect(400).code(), "DIGEST_INVALID");
    world.is_unharmed();
}

fn index(manifests: &[serde_json::Value]) -> Vec<u8> {
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).to_string().into_bytes()
}

#[test]
fn ranges_of_all_kinds_give_a_part_or_nothing() {
    let world = World::new(&[]);
    let content: Vec<u8> = (0..=255).collect();
    let path = format!("/v2/demo/blobs/{}", world.serving.put_blob("demo", &content));
    let many = format!("bytes={}", vec!["0-0"; 1000].join(","));
    for range in [
        "bytes=0-0",
        "bytes=255-",
        "bytes=-1",
        "bytes=0-9999999999999999999999",
        "bytes=18446744073709551615-",
        "bytes=18446744073709551614-18446744073709551615",
        "bytes=-18446744073709551615",
        "bytes=-0",
        "bytes=256-",
        "bytes=9-3",
        "bytes=-",
        "bytes=",
        "bytes",
        "=",
        "bytes=a-b",
        "bytes=0x1-2",
        "bytes=+1-2",
        "bytes=1-2-3",
        "bytes=--1",
        "lines=1-2",
        "bytes=0-1,3-4",
        "bytes=\u{e9}-1",
        &many,
    ] {
        let said = world.serving.ask("GET", &path, &[("Range", range)], b"");
        match said.status {
            200 => assert_eq!(said.body, content, "{range}"),
            206 => {
                let place = said.header("content-range").trim_start_matches("bytes ").trim_end_matches("/256");
                let (first, last) = place.split_once('-').expect("a range");
                let [first, last] = [first, last].map(|number| number.parse::<usize>().expect("a number"));
                assert_eq!(said.body, content[first..=last], "{range}");
            }
            status => assert!(status == 416 || status == 400, "{range}: {status}"),
        }
    }
    let begun = world.serving.ask("POST", "/v2/demo/blobs/uploads/", &[], b"").expect(202);
    let place = begun.header("location");
    for range in ["1-9", "-1-9", "9-1", "x", "18446744073709551615-18446744073709551615", "bytes 5-9/10"] {
        let said = world.serving.ask("PATCH", place, &[("Content-Range", range)], b"123456789");
        assert!(matches!(said.status, 400 | 416), "{range}: {}", said.status);
    }
    world.is_unharmed();
}

#[test]
fn manifests_that_name_what_is_not_there_are_not_kept() {
    let world = World::new(&[]);
    let absent = digest(b"nowhere");
    let blob = |size: u64| json!({"mediaType": "application/octet-stream", "digest": absent, "size": size});
    let config = world.serving.put_blob("demo", b"{}");
    let config = json!({"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2});
    for (kind, document) in [
        (MANIFEST, json!({"schemaVersion": 2, "config": blob(7), "layers": []})),
        (MANIFEST, json!({"schemaVersion": 2, "config": config, "layers": [blob(7)]})),
        (MANIFEST, json!({"schemaVersion": 2, "config": config, "layers": [blob(u64::MAX)]})),
        (INDEX, json!({"schemaVersion": 2, "manifests": [blob(7)]})),
    ] {
        let bytes = document.to_string().into_bytes();
        let said = world.serving.ask("PUT", "/v2/new/manifests/1", &[("Content-Type", kind)], &bytes);
        assert!(matches!(said.status, 400 | 404), "{document}: {}", said.status);
        assert_eq!(said.code(), "MANIFEST_BLOB_UNKNOWN", "{document}");
    }
    world.serving.get("/v2/new/manifests/1").expect(404);
    world.is_unharmed();
}

#[test]
fn documents_that_are_huge_or_deep_are_refused() {
    let world = World::new(&[]);
    let put = |bytes: &[u8]| world.serving.ask("PUT", "/v2/demo/manifests/2", &[("Content-Type", INDEX)], bytes);
    let deep = "[".repeat(3 << 20);
    for bytes in
        [deep.as_str(), &format!("{{\"manifests\": {deep}"), &"9".repeat(3 << 20), "\"\\ud800\"", "{}", "null", ""]
    {
        let said = put(bytes.as_bytes()).expect(400);
        assert_eq!(said.code(), "MANIFEST_INVALID");
    }
    put(&vec![b' '; (4 << 20) + 1]).expect(413);
    // Several at a time, each as large as may be.
    let body = format!("{{\"schemaVersion\": 2, \"x\": [{}0]}}", "0,".repeat((4 << 20) / 2 - 100));
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| put(body.as_bytes()).expect(400));
        }
    });
    world.is_unharmed();
}

#[test]
fn a_long_tag_and_a_type_that_would_split_the_answer_are_refused() {
    let world = World::new(&[]);
    let put = |tag: &str, kind: &str, bytes: &[u8]| {
        world.serving.ask("PUT", &format!("/v2/demo/manifests/{tag}"), &[("Content-Type", kind)], bytes)
    };
    let tag = "t".repeat(10 << 10);
    assert_eq!(put(&tag, INDEX, &index(&[])).expect(400).code(), "TAG_INVALID");
    world.serving.get(&format!("/v2/demo/manifests/{tag}")).expect(404);
    let split = json!({"schemaVersion": 2, "mediaType": "a/b\r\nX-Header: y", "manifests": []}).to_string();
    let said = put("2", "application/json", split.as_bytes());
    assert!(said.status == 400 || said.status == 201, "{}", said.status);
    let said = world.serving.get("/v2/demo/manifests/2");
    assert!(!said.headers.contains_key("x-header") && said.status < 500, "{said:?}");
    world.is_unharmed();
}
