//! Webhooks: each event once and in order, whatever happens to those who are told and to the server itself.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::serving::Serving;
use crate::support::session::Session;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A request that came, and whether it was answered with 2xx.
#[derive(Clone, Debug)]
struct Got {
    head: String,
    body: Vec<u8>,
    taken: bool,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    fn event(&self) -> Value {
        self.json()["events"][0].clone()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let is_it = |line: &&str| line.to_ascii_lowercase().starts_with(&format!("{name}: "));
        self.head.lines().find(is_it).map(|line| line.split_once(": ").expect("a header").1)
    }
}

/// What is answered to the requests that come: the number of those before, and what the answer is. Nothing, and the
/// connection is closed without one.
type Answer = dyn Fn(usize) -> Option<&'static str> + Send + Sync;

/// A receiver of events.
struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    got: Mutex<(Vec<Got>, bool)>,
    changed: Condvar,
    answer: Box<Answer>,
}

const OK: &str = "204 No Content\r\n";

impl Receiver {
    fn start() -> Self {
        Self::answering(|_| Some(OK))
    }

    fn answering(answer: impl Fn(usize) -> Option<&'static str> + Send + Sync + 'static) -> Self {
        Self::listening(TcpListener::bind("127.0.0.1:0").expect("a port"), answer)
    }

    fn listening(
        listener: TcpListener,
        answer: impl Fn(usize) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared { got: Mutex::default(), changed: Condvar::new(), answer: Box::new(answer) });
        let all = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if all.got().1 {
                    return;
                }
                let all = Arc::clone(&all);
                thread::spawn(move || all.serve(&stream));
            }
        });
        Self { address, shared }
    }

    fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The requests, once there are so many that were taken.
    #[track_caller]
    fn wait(&self, taken: usize) -> Vec<Got> {
        let few = |got: &mut (Vec<Got>, bool)| got.0.iter().filter(|got| got.taken).count() < taken;
        let got = self.shared.got();
        let (got, late) = self
            .shared
            .changed
            .wait_timeout_while(got, Duration::from_secs(60), few)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!late.timed_out(), "{taken} were awaited: {:#?}", got.0);
        got.0.clone()
    }

    /// The tags of the pushes that were taken, once there are so many.
    #[track_caller]
    fn tags(&self, taken: usize) -> Vec<String> {
        let taken = self.wait(taken).into_iter().filter(|got| got.taken);
        let tag = |got: Got| got.event()["target"]["tag"].as_str().map(str::to_owned);
        taken.filter_map(tag).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.got().1 = true;
        let _woken = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn got(&self) -> MutexGuard<'_, (Vec<Got>, bool)> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if reader.read_line(&mut head).unwrap_or(0) == 0 {
                    return;
                }
            }
            let length = head
                .to_ascii_lowercase()
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ").and_then(|length| length.parse::<usize>().ok()));
            let mut body = vec![0; length.expect("a length")];
            reader.read_exact(&mut body).expect("a body");
            let mut got = self.got();
            let answer = (self.answer)(got.0.len()).filter(|_| !got.1);
            got.0.push(Got { head, body, taken: answer.is_some_and(|answer| answer.starts_with('2')) });
            self.changed.notify_all();
            drop(got);
            let Some(answer) = answer else { return };
            let answer = format!("HTTP/1.1 {answer}Content-Length: 0\r\n\r\n");
            if (&mut &*stream).write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// Pushes an image of its own under each of these tags.
fn push(serving: &Serving, tags: impl IntoIterator<Item = u32>) {
    for tag in tags {
        let manifest = manifest(serving, tag);
        serving.put_manifest("team/app", &tag.to_string(), MANIFEST, manifest.as_bytes());
    }
}

/// A manifest whose blobs are uploaded.
fn manifest(serving: &Serving, number: u32) -> String {
    let config = format!("{{\"number\":{number}}}");
    let digest = serving.put_blob("team/app", config.as_bytes());
    let config =
        json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": config.len()});
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}).to_string()
}

fn numbers(numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
    numbers.into_iter().map(|number| number.to_string()).collect()
}

/// What is said of the one endpoint, once `is_it` holds.
fn report(serving: &Serving, is_it: impl Fn(&Value) -> bool) -> Value {
    loop {
        let report = serving.get("/notifications").expect(200).json()["endpoints"][0].clone();
        if is_it(&report) {
            return report;
        }
        thread::yield_now();
    }
}

#[test]
fn what_happens_is_told_in_the_envelope_of_distribution() {
    let session = Session::new();
    let receiver = Receiver::start();
    let serving = Serving::start(&session, &["--notify", &receiver.url()]);
    push(&serving, [1]);
    let manifest = manifest(&serving, 1);
    let digest = crate::support::digest(manifest.as_bytes());
    let blob = serde_json::from_str::<Value>(&manifest).expect("JSON")["config"].clone();
    let blob_digest = blob["digest"].as_str().expect("a digest");
    serving.get("/v2/team/app/manifests/1").expect(200);
    serving.ask("HEAD", "/v2/team/app/manifests/1", &[], b"").expect(200);
    let mount = format!("/v2/other/blobs/uploads/?mount={blob_digest}&from=team/app");
    serving.ask("POST", &mount, &[], b"").expect(201);
    serving.ask("DELETE", "/v2/team/app/manifests/1", &[("User-Agent", "test/1")], b"").expect(202);
    serving.ask("DELETE", &format!("/v2/team/app/manifests/{digest}"), &[], b"").expect(202);
    serving.ask("DELETE", &format!("/v2/other/blobs/{blob_digest}"), &[], b"").expect(202);
    let got = receiver.wait(8);
    assert_eq!(got.len(), 8, "a HEAD request pulls nothing");
    for got in &got {
        assert!(got.head.starts_with("POST /hook HTTP/1.1\r\n"), "{}", got.head);
        assert_eq!(got.header("content-type"), Some("application/vnd.docker.distribution.events.v1+json"));
        assert_eq!(
            got.header("idempotency-key"),
            Some(&*format!("\"{}\"", got.event()["id"].as_str().expect("an id")))
        );
        assert_eq!(got.header("x-hub-signature-256"), None);
        assert!(got.event()["timestamp"].as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()));
    }
    let events: Vec<Value> = got.iter().map(Got::event).collect();
    let actions: Vec<&str> = events.iter().map(|event| event["action"].as_str().expect("an action")).collect();
    assert_eq!(actions, ["push", "push", "push", "pull", "mount", "delete", "delete", "delete"]);
    let host = &serving.host;
    let size = blob["size"].as_u64().expect("a size");
    assert_eq!(
        events[0]["target"],
        json!({
            "mediaType": "application/octet-stream", "size": size, "digest": blob_digest, "length": size,
            "repository": "team/app", "url": format!("http://{host}/v2/team/app/blobs/{blob_digest}"),
        })
    );
    let pushed = json!({
        "mediaType": MANIFEST, "size": manifest.len(), "digest": digest, "length": manifest.len(),
        "repository": "team/app", "url": format!("http://{host}/v2/team/app/manifests/{digest}"), "tag": "1",
        "references": [{"mediaType": blob["mediaType"], "size": size, "digest": blob_digest}],
    });
    assert_eq!(events[1]["target"], pushed);
    let mut pulled = pushed;
    pulled.as_object_mut().expect("an object").remove("references");
    assert_eq!(events[3]["target"], pulled);
    assert_eq!(events[4]["target"]["fromRepository"], "team/app");
    assert_eq!(events[4]["target"]["repository"], "other");
    assert_eq!(events[5]["target"], json!({"repository": "team/app", "tag": "1"}));
    assert_eq!(events[6]["target"], json!({"repository": "team/app", "digest": digest}));
    assert_eq!(events[7]["target"], json!({"repository": "other", "digest": blob_digest}));
    let request = &events[5]["request"];
    assert_eq!((&request["method"], &request["host"]), (&json!("DELETE"), &json!(host)));
    assert_eq!(request["useragent"], "test/1");
    assert!(request["addr"].as_str().is_some_and(|addr| addr.starts_with("127.0.0.1:")), "{request}");
    assert_eq!(events[0]["actor"], json!({}));
    assert_eq!(events[0]["source"]["instanceID"], events[7]["source"]["instanceID"]);
    let report = report(&serving, |report| report["waiting"] == 0);
    assert_eq!(report["delivered"], 8);
    assert_eq!(report["events"], json!([]));
}

#[test]
fn the_form_of_docker_hub_and_the_signature() {
    let session = Session::new();
    let receiver = Receiver::start();
    let secret = session.write("secret", "It's a Secret to Everybody\n");
    let hub = format!("{},format=hub,secret-file={}", receiver.url(), secret.display());
    let serving = Serving::start(&session, &["--notify", &hub]);
    push(&serving, [7]);
    serving.get("/v2/team/app/manifests/7").expect(200);
    push(&serving, [8]);
    let got = receiver.wait(2);
    assert_eq!(got.iter().map(|got| got.json()["push_data"]["tag"].clone()).collect::<Vec<_>>(), ["7", "8"]);
    assert_eq!(got[0].json()["repository"]["repo_name"], "team/app");
    for got in &got {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"It's a Secret to Everybody");
        let hex =
            got.header("x-hub-signature-256").and_then(|value| value.strip_prefix("sha256=")).expect("a signature");
        let bytes: Vec<u8> =
            (0..32).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex digits")).collect();
        ring::hmac::verify(&key, &got.body, &bytes).expect("the signature is right");
    }
    let report = report(&serving, |report| report["waiting"] == 0);
    assert_eq!(report["signed"], true);
    assert!(!report.to_string().contains("Everybody"));
}

#[test]
fn what_cannot_be_told_to_is_refused_at_once() {
    let session = Session::new();
    for (notify, why) in [
        ("ci.example.com/hook", "only http and https"),
        ("http://ci.example.com/hook,format=xml", "there is no format \"xml\": it is docker, docker-v2 or hub"),
        ("http://ci.example.com/hook,secret-file=/nonexistent", "/nonexistent: "),
    ] {
        let answer = session.run(&["serve", "--addr", "127.0.0.1:0", "--notify", notify]);
        assert_ne!(answer.code, 0, "{notify}");
        assert!(answer.stderr.contains(why), "{notify}: {}", answer.stderr);
    }
}

#[test]
fn an_endpoint_that_is_down_blocks_nobody_and_gets_all_when_it_is_up() {
    let session = Session::new();
    let up = Receiver::start();
    // Nobody listens there until the port is used again.
    let down = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let url = format!("http://user:password@{down}/hook?token=secret");
    let serving = Serving::start(&session, &["--notify", &url, "--notify", &up.url()]);
    push(&serving, 1..=5);
    assert_eq!(up.tags(10), numbers(1..=5));
    let report = report(&serving, |report| report["failures"].as_u64() > Some(1));
    assert_eq!(report["waiting"], 10);
    assert_eq!(report["delivered"], 0);
    assert_eq!(report["events"].as_array().map(Vec::len), Some(10));
    assert_eq!(report["events"][1]["tag"], "1");
    assert!(report["lastError"].as_str().is_some_and(|why| why.contains("refused")), "{report}");
    assert!(!report.to_string().contains("secret") && !report.to_string().contains("password"), "{report}");
    let receiver = Receiver::listening(TcpListener::bind(down).expect("the same port"), |_| Some(OK));
    assert_eq!(receiver.tags(10), numbers(1..=5));
    assert_eq!(receiver.wait(10).len(), 10);
    assert!(receiver.wait(10)[0].head.contains("token=secret"));
}

#[test]
fn a_silent_endpoint_blocks_nobody() {
    let session = Session::new();
    let up = Receiver::start();
    // It is connected to, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", silent.local_addr().expect("an address"));
    let serving = Serving::start(&session, &["--notify", &url, "--notify", &up.url()]);
    push(&serving, 1..=5);
    assert_eq!(up.tags(10), numbers(1..=5));
    let report = report(&serving, |_| true);
    assert_eq!((&report["waiting"], &report["delivered"], &report["failures"]), (&json!(10), &json!(0), &json!(0)));
}

#[test]
fn an_event_comes_again_until_it_is_taken_and_the_next_one_waits() {
    let session = Session::new();
    let receiver = Receiver::answering(|number| match number {
        0 => Some("500 Internal Server Error\r\n"),
        1 => Some("503 Service Unavailable\r\nRetry-After: 0\r\n"),
        2 => None,
        3 => Some("307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/elsewhere\r\n"),
        _ => Some(OK),
    });
    let serving = Serving::start(&session, &["--notify", &receiver.url()]);
    push(&serving, [1, 2]);
    let got = receiver.wait(4);
    let ids: Vec<Value> = got.iter().map(|got| got.event()["id"].clone()).collect();
    assert_eq!(got.len(), 8);
    assert!(ids[..5].iter().all(|id| *id == ids[0]), "{ids:?}");
    assert!(ids[4..].windows(2).all(|two| two[0] != two[1]), "{ids:?}");
    assert!(got[..5].iter().all(|got| got.body == ids_body(&got.body, &ids[0])), "the same bytes each time");
    assert_eq!(receiver.tags(4), numbers([1, 2]));
    assert_eq!(report(&serving, |report| report["waiting"] == 0)["failures"], 4);
}

/// The body, if it is of that event.
fn ids_body(body: &[u8], id: &Value) -> Vec<u8> {
    let parsed: Value = serde_json::from_slice(body).expect("JSON");
    assert_eq!(&parsed["events"][0]["id"], id);
    body.to_vec()
}

#[test]
fn what_waits_survives_the_end_of_the_server() {
    let session = Session::new();
    let down = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let url = format!("http://{down}/hook");
    for round in 0..4 {
        // Killed, as it is dropped.
        let serving = Serving::start(&session, &["--notify", &url]);
        push(&serving, [2 * round + 1, 2 * round + 2]);
        report(&serving, |report| report["waiting"] == 4 * (round + 1));
    }
    let receiver = Receiver::listening(TcpListener::bind(down).expect("the same port"), |_| Some(OK));
    let serving = Serving::start(&session, &["--notify", &url]);
    push(&serving, [9]);
    assert_eq!(receiver.tags(18), numbers(1..=9));
    assert_eq!(receiver.wait(18).len(), 18, "each once");
    report(&serving, |report| report["waiting"] == 0);
}

#[test]
fn a_server_that_is_killed_while_it_tells_sends_one_event_twice_at_most() {
    let session = Session::new();
    let receiver = Receiver::start();
    let mut pushed = Vec::new();
    for round in 0..10_u32 {
        let serving = Serving::start(&session, &["--notify", &receiver.url()]);
        let tags = 5 * round + 1..=5 * round + 5;
        push(&serving, tags.clone());
        pushed.extend(tags);
        // At some time while they are told.
        receiver.wait(10 * round as usize + 1 + round as usize);
        drop(serving);
    }
    let serving = Serving::start(&session, &["--notify", &receiver.url()]);
    report(&serving, |report| report["waiting"] == 0);
    let got = receiver.wait(100);
    let mut ids: Vec<Value> = got.iter().map(|got| got.event()["id"].clone()).collect();
    let all = ids.len();
    // What comes again comes directly behind itself.
    ids.dedup();
    assert!(all - ids.len() <= 10, "one for each time that it was killed: {all} for {}", ids.len());
    assert_eq!(ids.len(), 100);
    let mut tags: Vec<String> =
        got.iter().filter_map(|got| got.event()["target"]["tag"].as_str().map(str::to_owned)).collect();
    tags.dedup();
    assert_eq!(tags, numbers(pushed));
}

#[test]
fn a_server_that_is_asked_to_end_tells_nothing_twice() {
    let session = Session::new();
    let receiver = Receiver::start();
    for round in 0..5_u32 {
        let serving = Serving::start(&session, &["--notify", &receiver.url()]);
        push(&serving, [2 * round + 1, 2 * round + 2]);
        serving.stop();
    }
    let serving = Serving::start(&session, &["--notify", &receiver.url()]);
    report(&serving, |report| report["waiting"] == 0);
    assert_eq!(receiver.wait(20).len(), 20);
    assert_eq!(receiver.tags(20), numbers(1..=10));
}

#[test]
fn pushes_at_once_are_told_in_the_order_in_which_they_became_visible() {
    let session = Session::new();
    let receiver = Receiver::start();
    let serving = Serving::start(&session, &["--notify", &receiver.url()]);
    let manifests: Vec<String> = (0..8).map(|number| manifest(&serving, number)).collect();
    thread::scope(|scope| {
        for manifest in &manifests {
            let serving = &serving;
            scope.spawn(move || serving.put_manifest("team/app", "latest", MANIFEST, manifest.as_bytes()));
        }
    });
    let got = receiver.wait(16);
    let last = &got.last().expect("events").event()["target"]["digest"];
    let visible = serving.ask("HEAD", "/v2/team/app/manifests/latest", &[], b"").expect(200);
    assert_eq!(*last, json!(visible.header("docker-content-digest")));
}
