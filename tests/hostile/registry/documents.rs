//! Manifests and other documents that are not what they should be: R11 to R13, R17, R18, R24, R27 to R30.

use std::time::Duration;

use serde_json::{Value, json};

use super::{NAME, World, side_by_side, words};
use crate::support::digest;
use crate::support::image::TestImage;
use crate::support::oci;
use crate::support::packing::Packing;
use crate::support::registry::content::{DOCKER_LIST, DOCKER_MANIFEST, Form, SIGNED_SCHEMA_1, on_platform};
use crate::support::registry::records::Record;
use crate::support::registry::reply::Reply;
use crate::support::terminal::{self, Streams};

/// A digest that nothing has.
fn other_digest() -> String {
    digest(b"something else")
}

#[test]
fn r11_another_digest_in_the_header() {
    let world = World::new();
    world.registry.script(|request, reply| {
        if request.is_for_manifest() { reply.with("Docker-Content-Digest", other_digest()) } else { reply }
    });
    world.refuses(&[NAME, &other_digest()]);
}

#[test]
fn r11_a_header_that_is_no_digest_says_nothing() {
    for header in ["", "junk", "sha256:", "md5:d41d8cd98f00b204e9800998ecf8427e"] {
        let world = World::new();
        world.registry.script(move |_, reply| reply.with("Docker-Content-Digest", header));
        world.fetches_well();
    }
}

#[test]
fn r12_other_bytes_than_the_header_says() {
    let world = World::new();
    world.registry.script(|request, reply| {
        let body = String::from_utf8_lossy(&reply.body).into_owned();
        if request.is_for_manifest() && reply.status == 200 { reply.saying(body + "\n") } else { reply }
    });
    world.refuses(&[NAME, &world.pushed.digest()]);
}

#[test]
fn r12_other_bytes_than_the_name_says() {
    let world = World::new();
    let name = world.registry.name(&format!("team/app@{}", world.pushed.digest()));
    world.fetches_well_as(&name);
    let other = world.registry.push("team/app:2", &TestImage::of("fx/b:1", "b"));
    let bytes = world.registry.content().repository("team/app").manifests[&other.digest()].bytes.clone();
    world.registry.script(move |request, reply| {
        // In itself it is right.
        let reply = reply.with("Docker-Content-Digest", digest(&bytes));
        if request.is_for_manifest() { reply.saying(bytes.clone()) } else { reply }
    });
    for words in World::fetches(&name) {
        world.refuses_command(&words, &["team/app", &world.pushed.digest()]);
    }
}

#[test]
fn r12_a_configuration_with_other_bytes() {
    let world = World::new();
    let config = world.image.id();
    let path = format!("/v2/team/app/blobs/{config}");
    world.registry.script(move |request, reply| {
        let body = String::from_utf8_lossy(&reply.body).replace("amd64", "arm64");
        if request.path == path { reply.saying(body) } else { reply }
    });
    world.refuses(&["team/app", &config]);
    assert!(world.registry.count("GET", &config) <= 4, "twice for each command: {:?}", world.registry.log());
}

#[test]
fn r13_manifests_without_end() {
    for announced in [None, Some(1_u64 << 60), Some(5 << 20)] {
        let world = World::new();
        world.registry.script(move |request, reply| match announced {
            _ if !request.is_for_manifest() => reply,
            None => reply.endless(),
            Some(length) if request.method == "HEAD" => reply.with("Content-Length", length.to_string()),
            Some(length) => reply.saying(vec![b' '; 5 << 20]).with("Content-Length", length.to_string()),
        });
        for words in World::fetches(&world.name()) {
            world.registry.forget();
            world.refuses_command(&words, &[&world.host(), "team/app"]);
            let sent: u64 = world.registry.records().iter().map(Record::sent).sum();
            // The limit, and what the system takes on the way.
            assert!(sent < 24 << 20, "{announced:?}: {sent} bytes were sent");
        }
    }
}

#[test]
fn r17_headers_without_end() {
    for part in ["/v2/", "/manifests/", "/blobs/"] {
        let world = World::new();
        world.registry.script(move |request, reply| {
            let is_meant = if part == "/v2/" { request.path == part } else { request.path.contains(part) };
            if is_meant { reply.endless_headers() } else { reply }
        });
        world.refuses(&[&world.host()]);
    }
}

#[test]
fn r18_errors_without_end_and_with_escapes() {
    let escapes = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\nerror: everything is fine\u{202e}\u{9b}31m";
    let document = json!({"errors": [{"code": format!("DENIED{escapes}"), "message": escapes.repeat(1000)}]});
    for status in [400, 403, 404, 500] {
        for is_endless in [false, true] {
            let world = World::new();
            let document = document.clone();
            world.registry.script(move |request, reply| {
                if !request.is_for_manifest() {
                    return reply;
                }
                let refusal = Reply::json(status, &document).with("Docker-Ratelimit-Source", "\u{1b}[31m");
                if is_endless { refusal.endless() } else { refusal }
            });
            for words in World::fetches(&world.name()) {
                let answer = world.refuses_command(&words, &[&world.host()]);
                let odd = answer
                    .stderr
                    .chars()
                    .find(|letter| (letter.is_control() && *letter != '\n') || ['\u{202e}', '\u{9b}'].contains(letter));
                assert_eq!(odd, None, "{status}: {:?}", answer.stderr);
                assert!(answer.stderr.len() < 8 << 10, "{status}: {} bytes of error", answer.stderr.len());
            }
        }
    }
}

#[test]
fn r18_tags_with_escapes_are_shown_as_text() {
    let world = World::new();
    let tags = json!({"name": "x\u{1b}[2J", "tags": ["1", "\u{1b}[2J\u{1b}]0;owned\u{7}", "a\nb"]});
    world.registry.script(
        move |request, reply| {
            if request.path.ends_with("/list") { reply.saying(tags.to_string()) } else { reply }
        },
    );
    let command = world.command(&words(&["tags", &world.registry.name("team/app")]));
    let (code, seen) = terminal::run(command, Streams { stdin: false, stdout: true, stderr: true });
    assert_eq!(code, 0, "{seen:?}");
    assert!(seen.starts_with("1\r\n") && !seen.contains("\u{1b}[2J") && !seen.contains('\u{7}'), "{seen:?}");
    assert_eq!(terminal::shown(&seen).len(), 3, "a line for each tag: {seen:?}");
}

/// Zeros, packed small.
fn bomb(megabytes: usize) -> Vec<u8> {
    Packing::Gzip.apply(&vec![0; megabytes << 20])
}

#[test]
fn r24_bombs_of_gzip() {
    let bomb = bomb(200);
    for part in ["/manifests/", "/blobs/", "/token", "/list"] {
        let world = World::with_tokens();
        let bytes = bomb.clone();
        world.registry.script(move |request, reply| {
            if request.path.contains(part) && reply.status == 200 {
                reply.saying(bytes.clone()).with("Content-Encoding", "gzip")
            } else {
                reply
            }
        });
        if part == "/list" {
            let name = world.registry.name("team/app");
            world.refuses_command(&words(&["tags", &name]), &[&world.host()]);
        } else {
            world.refuses(&[&world.host()]);
        }
    }
}

#[test]
fn r24_layers_that_are_called_encoded_are_taken_as_they_are() {
    let world = World::new();
    world.registry.script(
        |request, reply| {
            if request.is_for_blob() { reply.with("Content-Encoding", "gzip") } else { reply }
        },
    );
    world.fetches_well();
}

#[test]
fn r27_a_tag_that_moves() {
    let world = World::new();
    let name = world.name();
    world.run(&words(&["pull", &name])).ok();
    let (middle, last) = (TestImage::of("fx/b:1", "middle"), TestImage::of("fx/c:1", "last"));
    let (middle, pushed) = (world.registry.push("team/app:2", &middle), world.registry.push(NAME, &last));
    // Who asks for the head hears of one image, who asks for the whole gets another.
    world.registry.script(move |request, reply| {
        if request.method == "HEAD" && request.is_for_manifest() {
            let size = middle.manifest["size"].to_string();
            reply.with("Docker-Content-Digest", middle.digest()).with("Content-Length", size)
        } else {
            reply
        }
    });
    let answer = world.run(&words(&["pull", &name]));
    assert_eq!(answer.code, 0, "{}", answer.text());
    let shown = world.session.inspect(&name);
    assert_eq!(shown["Id"], last.id().as_str());
    let repository = world.registry.name("team/app");
    assert_eq!(shown["RepoDigests"], json!([format!("{repository}@{}", pushed.digest())]));
    assert!(answer.out().contains(&format!("Digest: {}", pushed.digest())), "{}", answer.text());
}

#[test]
fn r28_documents_that_are_two_things() {
    let world = World::new();
    let list = |media_type: &str| {
        let manifests = [on_platform(&world.pushed.manifest, &world.image.platform())];
        json!({
            "schemaVersion": 2, "mediaType": media_type, "manifests": manifests,
            "config": world.pushed.config, "layers": world.pushed.layers,
        })
    };
    let both = list(DOCKER_LIST);
    let mut nothing = both.clone();
    nothing.as_object_mut().expect("an object").remove("mediaType");
    let manifest = world.registry.content().repository("team/app").manifests[&world.pushed.digest()].bytes.clone();
    for (what, announced, bytes) in [
        ("an index that has layers", DOCKER_LIST, both.to_string().into_bytes()),
        ("a manifest that has manifests", DOCKER_MANIFEST, list(DOCKER_MANIFEST).to_string().into_bytes()),
        ("an index called a manifest", DOCKER_MANIFEST, both.to_string().into_bytes()),
        ("a manifest called an index", DOCKER_LIST, manifest.clone()),
        ("a manifest called another manifest", oci::MANIFEST, manifest.clone()),
        ("both, and called nothing", "application/json", nothing.to_string().into_bytes()),
        ("a manifest called schema 1", SIGNED_SCHEMA_1, manifest.clone()),
        ("a web page", "text/html", b"<html>log in first</html>".to_vec()),
        ("a manifest with a duplicate key", DOCKER_MANIFEST, twice(&manifest)),
        ("bytes behind it", DOCKER_MANIFEST, [&manifest[..], b"{}"].concat()),
    ] {
        world.registry.content().repository("team/app").put_manifest(Some("1"), announced, bytes);
        for words in World::fetches(&world.name()) {
            let answer = world.refuses_command(&words, &["team/app"]);
            assert!(!answer.stderr.contains("os error"), "{what}: {}", answer.stderr);
        }
    }
    // What says nothing of itself is what it is.
    world.registry.content().repository("team/app").put_manifest(Some("1"), DOCKER_MANIFEST, manifest);
    for announced in ["application/json", "text/plain; charset=utf-8", "application/octet-stream"] {
        world.registry.script(
            move |request, reply| {
                if request.is_for_manifest() { reply.with("Content-Type", announced) } else { reply }
            },
        );
        world.fetches_well();
    }
}

/// A manifest that has its configuration twice.
fn twice(manifest: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(manifest).into_owned();
    let config = json!({"mediaType": "application/x", "digest": other_digest(), "size": 1});
    text.replacen("\"config\"", &format!("\"config\": {config}, \"config\""), 1).into_bytes()
}

/// Descriptors of manifests that are not there, each for another platform.
fn strangers(count: usize, with_platform: bool) -> Vec<Value> {
    (0..count)
        .map(|number| {
            let bytes = number.to_string();
            let descriptor = oci::descriptor(oci::MANIFEST, bytes.as_bytes());
            let platform = json!({"os": "linux", "architecture": format!("strange{number}")});
            if with_platform { on_platform(&descriptor, &platform) } else { descriptor }
        })
        .collect()
}

#[test]
fn r29_a_list_of_ten_thousand() {
    // Ten thousand descriptors are kept while one is looked for.
    let mut world = World { memory: 128 << 10, ..World::new() };
    world.flags.clear();
    let mut list = strangers(9_999, true);
    list.push(on_platform(&world.pushed.manifest, &world.image.platform()));
    world.registry.content().repository("team/app").put_index("1", oci::INDEX, &list);
    let words = words(&["pull", "--platform", "linux/amd64", &world.name()]);
    world.succeeds(&words, &world.name());
    let asked = world.registry.count("GET", "/manifests/");
    assert!(asked <= 3, "{asked} manifests were fetched");
}

#[test]
fn r29_a_list_of_ten_thousand_that_does_not_say_what_for() {
    let world = World::new();
    world.registry.content().repository("team/app").put_index("1", oci::INDEX, &strangers(10_000, false));
    world.refuses(&["team/app"]);
    let asked = world.registry.count("GET", "/manifests/");
    assert!(asked <= 210, "{asked} manifests were fetched");
}

#[test]
fn r29_more_than_there_may_be() {
    let world = World::new();
    // As short as they can be, to be within the limit on bytes.
    let list: Vec<Value> = strangers(25_000, false);
    world.registry.content().repository("team/app").put_index("1", oci::INDEX, &list);
    world.refuses(&["team/app"]);
    let asked = world.registry.count("GET", "/manifests/");
    assert!(asked <= 100, "{asked} manifests were fetched");
}

#[test]
fn r29_lists_in_lists() {
    let world = World::new();
    let mut inner = on_platform(&world.pushed.manifest, &world.image.platform());
    for depth in 0..20 {
        inner =
            world.registry.content().repository("team/app").put_index(&format!("depth{depth}"), oci::INDEX, &[inner]);
    }
    for words in World::fetches(&world.registry.name("team/app:depth19")) {
        world.refuses_command(&words, &["team/app"]);
    }
    world.fetches_well_as(&world.registry.name("team/app:depth2"));
}

#[test]
fn r30_digests_of_other_algorithms() {
    let world = World::new();
    let manifest = world.registry.content().repository("team/app").manifests[&world.pushed.digest()].bytes.clone();
    let text = String::from_utf8(manifest).expect("JSON");
    for (hash, length) in [("sha512", 128), ("md5", 32), ("SHA256", 64), ("sha256", 63), ("../../sha256", 64)] {
        let digest = format!("{hash}:{}", "0a".repeat(64)[..length].to_owned());
        for which in [world.pushed.layer(1), world.image.id()] {
            let bytes = text.replace(&which, &digest).into_bytes();
            world.registry.content().repository("team/app").put_manifest(Some("1"), DOCKER_MANIFEST, bytes);
            world.refuses(&["team/app", &digest]);
        }
        let name = world.registry.name(&format!("team/app@{digest}"));
        for words in World::fetches(&name) {
            world.refuses_command(&words, &[]);
        }
    }
}

#[test]
fn a_document_that_stalls_is_not_waited_for() {
    let cases = ["/v2/", "/manifests/", "/token"].map(|part| [0, 1, 2].map(|how| (part, how)));
    side_by_side(cases.as_flattened(), |(part, how), command| {
        let world = World::with_tokens();
        world.registry.script(move |request, reply| {
            let is_meant = if part == "/v2/" { request.path == part } else { request.path.contains(part) };
            match how {
                _ if !is_meant => reply,
                0 => reply.delayed(Duration::from_secs(3600)),
                1 => reply.stalled_after(10),
                _ => reply.paced(1, Duration::from_millis(300)),
            }
        });
        // The root is asked for a word only: what it says is not read.
        if part == "/v2/" && how > 0 {
            world.succeeds(&command(&world), &world.name());
        } else {
            world.refuses_command(&command(&world), &[&world.host()]);
        }
    });
}

#[test]
fn images_of_all_forms_come() {
    for form in [Form::Docker, Form::Oci(Packing::Gzip), Form::Oci(Packing::Zstd), Form::Oci(Packing::None)] {
        let world = World::new();
        world.registry.push_as(NAME, &world.image, form);
        world.fetches_well();
    }
}
