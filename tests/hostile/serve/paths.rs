//! Names, tags and IDs that are paths, or far too long.

use super::{World, statuses};
use crate::support::tree;

#[test]
fn no_path_leads_out_of_the_store() {
    let world = World::new(&[]);
    world.session.write("secret", "the secret");
    let secret = world.session.work().join("secret").display().to_string();
    let long = "a".repeat(10_000);
    let mut targets = vec![
        format!("/v2/demo/blobs/uploads/..%2f..%2findex.json"),
        format!("/v2/demo/blobs/uploads/%2e%2e"),
        format!("/v2/demo/blobs/uploads/x%00y"),
        format!("/v2/demo/blobs/uploads/{long}"),
        format!("/v2/demo/blobs/uploads{secret}"),
        format!("/v2/demo/blobs/sha256:{}", "../".repeat(20)),
        format!("/v2/demo/blobs/sha256%3a..%2f..%2findex.json"),
        format!("/v2/{long}/manifests/1"),
        format!("/v2/demo/manifests/{long}"),
        "/v2/%ff/manifests/1".to_owned(),
        "/v2/%/manifests/1".to_owned(),
        "/v2/demo%0d%0aX-Header:%20y/manifests/1".to_owned(),
        "/v2/demo/manifests/1%0d%0aX-Header:%20y".to_owned(),
        "/v2/demo\\..\\x/manifests/1".to_owned(),
        "/v2/demo/referrers/..".to_owned(),
        "http://evil.example/v2/../manifests/1".to_owned(),
        "*".to_owned(),
        "//v2//demo//manifests//1".to_owned(),
        "/ui/r/..%2f..%2fx".to_owned(),
        "/ui/i/..%2f..%2fx:1".to_owned(),
    ];
    for trick in ["..", ".", "%2e%2e", "%2e%2e%2f%2e%2e", "%00", "a%00b", "a%2f..%2f..", "...", "~", "-", "%252e%252e"]
    {
        for end in ["manifests/1", "tags/list", "blobs/uploads/"] {
            targets.push(format!("/v2/{trick}/{end}"));
            targets.push(format!("/v2/demo/{trick}/{end}"));
        }
        targets.push(format!("/v2/demo/manifests/{trick}"));
    }
    let before = tree::picture(&world.session.work());
    for target in &targets {
        for method in ["GET", "PUT", "POST", "PATCH", "DELETE"] {
            let request = format!(
                "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\
                 Content-Type: application/json\r\n\r\n{{}}"
            );
            let said = world.say(request);
            let statuses = statuses(&said);
            let is_refused = statuses.len() == 1 && statuses[0].starts_with('4');
            assert!(is_refused, "{method} {target}: {said}");
            assert!(!said.contains("the secret") && !said.contains("\r\nX-Header"), "{method} {target}: {said}");
        }
    }
    assert_eq!(tree::picture(&world.session.work()), before);
    world.is_unharmed();
}
