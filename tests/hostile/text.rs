//! Words from an archive never reach a terminal as they are, not in errors either.

use serde_json::json;

use super::session;
use crate::support::image::TestImage;
use crate::support::producers::{docker_save, manifest_json};
use crate::support::tarball::{Member, pack};

fn check(said: &str) {
    let bad: Vec<char> = said
        .chars()
        .filter(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .collect();
    assert!(bad.is_empty(), "{bad:?} came through in {said:?}");
    assert!(said.lines().count() <= 3, "{said:?}");
}

#[test]
fn in_errors() {
    let image = TestImage::of("fx/a:1", "a");
    let rude = "\u{1b}[31m\u{7}\r\u{202e}\nerror: all is well\n";
    let layer = Member::file("layer", image.layers[0].clone());
    let config = Member::file("config", image.config_bytes());
    for members in [
        vec![manifest_json(&[json!({"Config": "config", "RepoTags": [format!("fx/{rude}:1")], "Layers": ["layer"]})])],
        vec![manifest_json(&[json!({"Config": rude, "RepoTags": ["fx/a:1"], "Layers": ["layer"]})])],
        vec![manifest_json(&[json!({"Config": "config", "RepoTags": ["fx/a:1"], "Layers": [rude]})])],
        vec![manifest_json(&[json!({"Config": "config", "RepoTags": ["fx/a:1"], rude: rude, "Layers": 7})])],
        vec![Member::symlink(rude, "layer"), Member::file(format!("{rude}/x"), "below")],
        vec![Member::file(format!("../{rude}"), "out")],
    ] {
        let mut all = vec![layer.clone(), config.clone()];
        all.extend(members);
        check(&session().refuses(&pack(&all)).stderr);
    }
    for field in ["created", "os", "architecture"] {
        let image = TestImage::of("fx/a:1", "a").with(field, json!([rude]));
        check(&session().refuses(&pack(&docker_save(&[image]))).stderr);
    }
}

#[test]
fn in_what_was_typed() {
    let session = session();
    for args in [
        &["history", "fx/\u{1b}[31m:1"][..],
        &["save", "-o", "x", "a\rb"],
        &["load", "-i", "no\u{7}file"],
        &["tag", "fx/before:1", "x\u{1b}"],
    ] {
        let answer = session.run(args);
        assert_eq!(answer.code, 1, "{args:?}");
        check(&answer.stderr);
    }
}
