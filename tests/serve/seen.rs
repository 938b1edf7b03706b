//! What is seen of a server: its log, its health and its metrics.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use crate::support::serving::Serving;
use crate::support::session::Session;

/// A server whose log goes to a file.
struct Logged {
    serving: Serving,
    log: PathBuf,
    _folder: tempfile::TempDir,
}

impl Logged {
    fn start(session: &Session, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        let file = File::create(&log).expect("a file");
        Self { serving: Serving::start_logging(session, flags, file.into()), log, _folder: folder }
    }

    /// The log, once it has so many lines.
    fn lines(&self, count: usize) -> Vec<String> {
        loop {
            let text = fs::read_to_string(&self.log).expect("a file");
            if text.matches('\n').count() >= count {
                return text.lines().map(ToOwned::to_owned).collect();
            }
            std::thread::yield_now();
        }
    }
}

#[test]
fn each_request_is_a_line_as_web_servers_write_it() {
    let session = Session::new();
    let logged = Logged::start(&session, &[]);
    let forwarded =
        [("X-Forwarded-For", "6.6.6.6, 10.1.2.3"), ("X-Request-Id", "abc-1"), ("User-Agent", "me\"\\\u{202e}")];
    logged.serving.ask("GET", "/v2/?account=secret", &forwarded, b"").expect(200);
    let bytes = b"some bytes";
    logged.serving.put_blob("demo", bytes);
    let lines = logged.lines(2);
    let fields: Vec<&str> = lines[0].split('"').collect();
    assert!(fields[0].starts_with("10.1.2.3 - - ["), "{}", lines[0]);
    assert!(fields[0].ends_with(" +0000] "), "{}", lines[0]);
    assert_eq!((fields[1], fields[2], fields[3]), ("GET /v2/ HTTP/1.1", " 200 2 ", "-"));
    assert_eq!(fields[5], "me\\x22\\x5C\\xE2\\x80\\xAE");
    assert!(fields[6].starts_with(" 0 0.") && fields[6].ends_with(" abc-1"), "{}", lines[0]);
    assert!(lines[1].starts_with("127.0.0.1 - - ["), "{}", lines[1]);
    assert!(lines[1].contains("\"POST /v2/demo/blobs/uploads/ HTTP/1.1\" 201 0 "), "{}", lines[1]);
    assert!(lines[1].split('"').nth(6).expect("a tail").starts_with(&format!(" {} ", bytes.len())), "{}", lines[1]);
}

#[test]
fn neither_credentials_nor_queries_are_logged() {
    for format in ["plain", "json"] {
        let session = Session::new();
        let logged = Logged::start(&session, &["--log", format]);
        let headers = [("Authorization", "Basic YWRhOnNlY3JldA=="), ("Cookie", "session=secret")];
        logged.serving.ask("GET", "/v2/?token=secret", &headers, b"");
        logged.serving.ask("GET", "http://ada:secret@x/v2/", &headers, b"");
        logged.serving.ask("GET", "/v2/x/manifests/1?digest=secret", &headers, b"");
        let text = logged.lines(3).join("\n");
        assert!(!text.contains("secret") && !text.contains("YWRh"), "{text}");
    }
}

#[test]
fn each_request_is_an_object_in_json() {
    let session = Session::new();
    let logged = Logged::start(&session, &["--log", "json"]);
    let said = logged.serving.ask("GET", "/v2/demo/tags/list", &[("User-Agent", "curl/8")], b"").expect(404);
    let line: Value = serde_json::from_str(&logged.lines(1)[0]).expect("JSON");
    let got = |key: &str| line[key].clone();
    assert_eq!(got("path"), "/v2/demo/tags/list");
    assert_eq!((got("method"), got("agent"), got("client")), ("GET".into(), "curl/8".into(), "127.0.0.1".into()));
    assert_eq!((got("status"), got("sent")), (404.into(), said.body.len().into()));
    assert_eq!(got("id"), said.header("x-request-id"));
    assert!(got("seconds").is_f64() && got("user").is_null(), "{line}");
}

#[test]
fn a_log_that_nobody_reads_keeps_no_request_waiting() {
    let session = Session::new();
    // A pipe that is full from the start.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK).expect("a flag");
    while (&writer).write(&[b'x'; 4096]).is_ok() {}
    rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::empty()).expect("a flag");
    let serving = Serving::start_logging(&session, &[], Stdio::from(writer));
    for _ in 0..20 {
        serving.get("/v2/").expect(200);
    }
    drop(reader);
    // Nobody is there any more.
    while serving.metric("imgtool_log_lines_dropped_total").is_none_or(|dropped| dropped < 20) {
        serving.get("/v2/").expect(200);
    }
}

#[test]
fn health_is_what_the_store_can_do() {
    let session = Session::new();
    let serving = Serving::start(&session, &[]);
    assert_eq!(serving.get("/healthz").expect(200).body, b"ok\n");
    serving.ask("POST", "/healthz", &[], b"").expect(405);
    serving.ask("HEAD", "/healthz", &[], b"").expect(200);
    let partial = session.store().join("imgtool/partial");
    fs::remove_dir_all(&partial).expect("it was made");
    fs::write(&partial, "in the way").expect("a file");
    let said = serving.get("/healthz").expect(503);
    assert!(!String::from_utf8_lossy(&said.body).contains("partial"), "{:?}", said.body);
    fs::remove_file(&partial).expect("it is there");
    serving.get("/healthz").expect(200);
}

#[test]
fn what_breaks_here_is_told_to_the_log_alone() {
    let session = Session::new();
    let folder = tempfile::tempdir().expect("a folder");
    let stderr = folder.path().join("stderr");
    let serving =
        Serving::start_telling(&session, &["--log", "json"], Stdio::null(), File::create(&stderr).expect("a file"));
    serving.put_blob("demo", b"x");
    fs::write(session.store().join("index.json"), "{ no json").expect("a file");
    let said = serving.get("/v2/demo/tags/list").expect(500);
    assert_eq!(said.code(), "UNKNOWN");
    let text = String::from_utf8_lossy(&said.body).into_owned();
    assert!(!text.contains("index.json"), "{text}");
    let told = loop {
        let text = fs::read_to_string(&stderr).expect("a file");
        if let Some(line) = text.lines().find(|line| line.contains("index.json") && line.ends_with('}')) {
            break serde_json::from_str::<Value>(line).expect("JSON");
        }
        std::thread::yield_now();
    };
    assert_eq!(told["level"], "error");
    assert_eq!((&told["method"], &told["path"]), (&"GET".into(), &"/v2/demo/tags/list".into()));
    assert_eq!(told["id"], said.header("x-request-id"));
}

#[test]
fn metrics_are_what_prometheus_reads() {
    let session = Session::new();
    let serving = Serving::start(&session, &[]);
    serving.put_blob("demo", b"12345");
    serving.get("/v2/nothing/tags/list").expect(404);
    // What ends after its answer was read is counted a little later.
    let counted = |series: &str| loop {
        if let Some(value) = serving.metric(series) {
            break value;
        }
    };
    assert_eq!(counted(r#"imgtool_http_requests_total{route="upload",method="POST",code="201"}"#), 1);
    assert_eq!(counted(r#"imgtool_http_requests_total{route="tags",method="GET",code="404"}"#), 1);
    assert_eq!(counted(r#"imgtool_http_received_bytes_total{route="upload"}"#), 5);
    assert_eq!(counted(r#"imgtool_http_request_duration_seconds_bucket{route="upload",le="+Inf"}"#), 1);
    assert_eq!(counted("imgtool_repositories"), 0);
    let said = serving.get("/metrics").expect(200);
    assert_eq!(said.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = String::from_utf8(said.body).expect("text");
    let mut kinds = std::collections::BTreeMap::new();
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a kind");
            assert_eq!(kinds.insert(name, kind), None, "{name} is told once");
        } else if !line.starts_with("# HELP ") {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            let name = series.split('{').next().expect("a name");
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| name.strip_suffix(end).filter(|name| kinds.get(name) == Some(&"histogram")));
            let kind = kinds.get(family.unwrap_or(name)).unwrap_or_else(|| panic!("no type: {line}"));
            assert_eq!(*kind == "counter", name.ends_with("_total"), "{line}");
        }
    }
    // Names that a client invents make no new series.
    let before = text.lines().filter(|line| line.contains("route=\"other\"")).count();
    for n in 0..5 {
        serving.ask("BREW", &format!("/{n}"), &[], b"").expect(404);
    }
    let after = String::from_utf8(serving.get("/metrics").expect(200).body).expect("text");
    let after = after.lines().filter(|line| line.contains("route=\"other\"")).count();
    assert!(after <= before + 20, "{before} {after}");
}
