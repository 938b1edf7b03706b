//! Progress never goes beyond the end.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{digest_of, large, stored, stored_plain};
use crate::support::registry::Registry;
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
