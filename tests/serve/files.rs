//! Blobs on their way out: whole, in parts, one behind the other, and to clients that go away.

use std::io::{Read as _, Write as _};

use crate::support::serving::{Said, Serving};
use crate::support::session::Session;

/// More than a connection sends at once, and not a round number.
fn blob() -> Vec<u8> {
    (0..5_000_003_u32).map(|at| u8::try_from((at.wrapping_mul(2_654_435_761) >> 24) & 0xff).expect("a byte")).collect()
}

#[test]
fn a_large_blob_comes_whole_and_in_parts() {
    let session = Session::new();
    let serving = Serving::start(&session, &[]);
    let blob = blob();
    let path = format!("/v2/demo/blobs/{}", serving.put_blob("demo", &blob));
    let whole = serving.get(&path).expect(200);
    assert_eq!(whole.header("content-length"), blob.len().to_string());
    assert!(whole.body == blob);
    for (range, part) in [
        ("bytes=0-0", &blob[..1]),
        ("bytes=1048575-1048577", &blob[1_048_575..1_048_578]),
        ("bytes=4000000-", &blob[4_000_000..]),
        ("bytes=-3", &blob[blob.len() - 3..]),
        ("bytes=1000000-99999999", &blob[1_000_000..]),
    ] {
        let said = serving.ask("GET", &path, &[("Range", range)], b"").expect(206);
        assert!(said.body == part, "{range}: {} bytes", said.body.len());
    }
}

#[test]
fn answers_on_one_connection_are_not_mixed() {
    let session = Session::new();
    let serving = Serving::start(&session, &[]);
    let blobs = [blob(), b"small".to_vec(), Vec::new()];
    let digests: Vec<String> = blobs.iter().map(|blob| serving.put_blob("demo", blob)).collect();
    let mut stream = serving.connect();
    let request =
        |method: &str, path: String, close: &str| format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{close}\r\n");
    let mut all = String::new();
    for _ in 0..3 {
        for digest in &digests {
            all += &request("GET", format!("/v2/demo/blobs/{digest}"), "");
            all += &request("HEAD", format!("/v2/demo/blobs/{digest}"), "");
        }
    }
    all += &request("GET", "/v2/".to_owned(), "Connection: close\r\n");
    // All are asked before the first answer is read.
    stream.write_all(all.as_bytes()).expect("the requests are sent");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("the answers");
    let mut rest = &rest[..];
    for _ in 0..3 {
        for blob in &blobs {
            for body in [&blob[..], b""] {
                let end = rest.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
                assert!(rest.starts_with(b"HTTP/1.1 200 OK\r\n"), "{:?}", String::from_utf8_lossy(&rest[..end]));
                assert!(rest[end..].starts_with(body));
                rest = &rest[end + body.len()..];
            }
        }
    }
    assert!(rest.ends_with(b"{}"));
}

#[test]
fn a_client_that_goes_away_disturbs_nobody() {
    let session = Session::new();
    let serving = Serving::start(&session, &[]);
    let blob = blob();
    let path = format!("/v2/demo/blobs/{}", serving.put_blob("demo", &blob));
    let mut slow = serving.connect();
    write!(slow, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("a request");
    for _ in 0..20 {
        let mut gone = serving.connect();
        write!(gone, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").expect("a request");
        gone.read_exact(&mut [0; 1000]).expect("a part");
    }
    assert!(Said::read(&mut slow).expect(200).body == blob);
}
