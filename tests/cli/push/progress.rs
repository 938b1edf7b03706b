//! Progress never goes beyond the end.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{digest_of, large, stored, stored_plain};
use crate::support::registry::Registry;
use crate::support::registry::reply::Reply;
use crate::support::session::Session;

/// How far each part came, and how far all of them: none beyond its end at any time, and all of them to theirs.
fn check(stderr: &str) {
    let mut total = 0;
    let mut parts: BTreeMap<u64, u64> = BTreeMap::new();
    for line in stderr.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        if event["event"] == "total" {
            total = event["total"].as_u64().expect("it is known");
        }
        if let (Some(id), Some(current)) = (event["id"].as_u64(), event["current"].as_u64()) {
            assert!(event["total"].as_u64().is_some_and(|of| current <= of), "{line}");
            parts.insert(id, current);
        }
    }
    assert_eq!(parts.values().sum::<u64>(), total, "{stderr}");
    assert!(total > 0, "{stderr}");
}

#[test]
fn however_often_bytes_are_sent() {
    let image = large(30, 9 << 20);
    for is_plain in [false, true] {
        let (session, registry) = (Session::new(), Registry::start());
        let name = registry.name("app:1");
        if is_plain {
            stored_plain(&session, &name, &image);
        } else {
            stored(&session, &name, &image);
        }
        registry.content().uploads.manners.keeps = false;
        registry.cut(|request| (request.length() > 1 << 20 && request.number == 0).then_some(request.length() / 2));
        let answer = session.run(&["--progress", "json", "push", &name]);
        check(&answer.stderr);
        answer.ok();
        assert!(digest_of(&registry, "app:1").is_some());
        // Once more: all of it is there at once.
        let answer = session.run(&["--progress", "json", "push", &name]);
        check(&answer.stderr);
        answer.ok();
    }
}

#[test]
fn a_wait_that_a_registry_asks_for_is_told_once() {
    let (session, registry) = (Session::new(), Registry::start());
    let name = registry.name("app:1");
    stored(&session, &name, &large(31, 2 << 20));
    let busy = |method: &'static str| {
        registry.script(move |request, reply| {
            let is_it = request.method == method && request.number == 0 && request.path.contains("/blobs/");
            if is_it { Reply::error(429, "TOOMANYREQUESTS", "later").with("Retry-After", "1") } else { reply }
        });
    };
    // When it is sent a blob, and when it is asked for one.
    for method in ["PUT", "HEAD"] {
        registry.forget();
        busy(method);
        let told = format!("the registry {} asks to wait ", registry.host());
        let target = registry.name(&format!("{}:1", method.to_lowercase()));
        session.ok(&["tag", &name, &target]);
        let answer = session.run(&["push", "-q", &target]);
        assert_eq!(answer.stderr.matches(&told).count(), 1, "{}", answer.stderr);
        answer.ok();
        registry.behave();
    }
    registry.forget();
    busy("HEAD");
    let target = registry.name("json:1");
    session.ok(&["tag", &name, &target]);
    let answer = session.run(&["--progress", "json", "push", "-q", &target]);
    let events: Vec<Value> = answer.stderr.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(
        events.iter().any(|event| event["event"] == "message"
            && event["text"].as_str().is_some_and(|text| text.contains("asks to wait")))
    );
    answer.ok();
}
