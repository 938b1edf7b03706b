//! Layers that do not come as they should: R12, R14 to R16, R25, R26, R36, R39.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{NAME, World, side_by_side, words};
use crate::support::image::TestImage;
use crate::support::registry::content::Pushed;
use crate::support::registry::reply::Reply;
use crate::support::registry::wire::Request;
use crate::support::tarball::Member;

/// A file that does not pack.
pub(super) fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33).to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// A world whose image has one layer of so many bytes, more or less.
fn world(length: usize) -> World {
    let mut world = World::new();
    world.image = TestImage::new(&["fx/a:1"]).layer("noise", &[Member::file("noise", noise(length))]);
    world.pushed = world.registry.push(NAME, &world.image);
    world
}

/// What the registry has, by digest.
fn blobs(world: &World) -> BTreeMap<String, Arc<Vec<u8>>> {
    world.registry.content().repository("team/app").blobs.clone()
}

/// Whether a request is for the layer of an image.
fn is_layer(request: &Request, pushed: &Pushed) -> bool {
    request.path.ends_with(&pushed.layer(0))
}

#[test]
fn r12_a_layer_with_other_bytes() {
    let world = world(100_000);
    let pushed = world.pushed.clone();
    world.registry.script(move |request, reply| {
        if !is_layer(request, &pushed) || reply.body.is_empty() {
            return reply;
        }
        let mut bytes = reply.body.to_vec();
        *bytes.last_mut().expect("it has some") ^= 1;
        reply.saying(bytes)
    });
    for words in World::fetches(&world.name()) {
        world.registry.forget();
        world.refuses_command(&words, &["team/app", &world.pushed.layer(0)]);
        let asked = world.registry.count("GET", &world.pushed.layer(0));
        assert!(asked <= 2, "the whole once more, and no more than that: {asked}");
    }
}

#[test]
fn r12_a_layer_that_is_wrong_once() {
    let world = world(100_000);
    let pushed = world.pushed.clone();
    world.registry.script(move |request, reply| {
        let mut bytes = reply.body.to_vec();
        if !is_layer(request, &pushed) || request.number > 0 {
            return reply;
        }
        bytes[50_000] ^= 1;
        reply.saying(bytes)
    });
    for words in World::fetches(&world.name()) {
        world.registry.forget();
        world.succeeds(&words, &world.name());
    }
}

#[test]
fn r14_layers_beyond_their_size() {
    for how in 0..4 {
        let world = world(100_000);
        let pushed = world.pushed.clone();
        world.registry.script(move |request, reply| match how {
            _ if !is_layer(request, &pushed) => reply,
            0 => reply.saying(vec![b'x'; 1000]).endless(),
            1 => reply.saying(vec![b'x'; 1 << 20]).with("Content-Length", (1_u64 << 60).to_string()),
            2 => {
                let bytes = [&reply.body[..], b"more"].concat();
                reply.saying(bytes)
            }
            _ => reply.saying(vec![b'x'; 64 << 20]),
        });
        for words in World::fetches(&world.name()) {
            world.registry.forget();
            world.refuses_command(&words, &["team/app", &world.pushed.layer(0)]);
            assert!(world.registry.sent() < 48 << 20, "{how}: {} bytes were sent", world.registry.sent());
        }
    }
}

#[test]
fn r14_descriptors_of_any_size() {
    for size in [0, 1, (1_u64 << 63) - 1, 1 << 40] {
        let world = world(100_000);
        let mut layer = world.pushed.layers[0].clone();
        layer["size"] = json!(size);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": world.pushed.manifest["mediaType"],
            "config": world.pushed.config, "layers": [layer],
        });
        let media_type = world.pushed.manifest["mediaType"].as_str().expect("a text");
        let bytes = manifest.to_string().into_bytes();
        world.registry.content().repository("team/app").put_manifest(Some("1"), media_type, bytes);
        world.refuses(&["team/app"]);
    }
}

#[test]
fn r15_a_layer_that_is_too_short() {
    let world = world(100_000);
    let pushed = world.pushed.clone();
    world.registry.script(move |request, reply| {
        let half = reply.body.len() / 2;
        let bytes = reply.body[..half].to_vec();
        if is_layer(request, &pushed) { reply.saying(bytes) } else { reply }
    });
    world.refuses(&["team/app", &world.pushed.layer(0)]);
}

#[test]
fn r15_a_layer_that_is_not_there() {
    side_by_side(&[404, 403, 410, 200], |status, command| {
        let world = world(1000);
        let pushed = world.pushed.clone();
        world.registry.script(
            move |request, reply| {
                if is_layer(request, &pushed) { Reply::new(status, "") } else { reply }
            },
        );
        world.refuses_command(&command(&world), &["team/app"]);
    });
}

#[test]
fn r16_a_layer_that_hardly_comes() {
    side_by_side(&[0, 1, 2], |how, command| {
        let world = world(100_000);
        let pushed = world.pushed.clone();
        world.registry.script(move |request, reply| match how {
            _ if !is_layer(request, &pushed) => reply,
            0 => reply.paced(1, Duration::from_millis(250)),
            1 => reply.stalled_after(0),
            _ => reply.delayed(Duration::from_secs(3600)),
        });
        world.refuses_command(&command(&world), &["team/app"]);
    });
}

#[test]
fn r16_a_slow_link_has_all_the_time_that_it_needs() {
    let world = world(60_000);
    let pushed = world.pushed.clone();
    world.registry.script(move |request, reply| {
        if is_layer(request, &pushed) { reply.paced(8 << 10, Duration::from_millis(600)) } else { reply }
    });
    // Several times as long as a silent server is waited for.
    world.fetches_well();
}

#[test]
fn r16_a_layer_that_stalls_goes_on() {
    let world = world(300_000);
    let pushed = world.pushed.clone();
    world.registry.script(
        move |request, reply| {
            if is_layer(request, &pushed) { reply.stalled_after(100_000) } else { reply }
        },
    );
    world.fetches_well();
    assert!(world.registry.count("GET", &world.pushed.layer(0)) >= 3, "{:?}", world.registry.log());
}

#[test]
fn r25_a_server_that_knows_no_ranges() {
    let world = world(300_000);
    let pushed = world.pushed.clone();
    let blobs = blobs(&world);
    world.registry.script(move |request, reply| {
        if !is_layer(request, &pushed) {
            return reply;
        }
        let whole = Reply::new(200, blobs[&pushed.layer(0)].to_vec()).with("Content-Type", "application/octet-stream");
        if request.number % 2 == 0 { whole.cut_after(200_000) } else { whole }
    });
    for words in World::fetches(&world.name()) {
        world.registry.forget();
        world.succeeds(&words, &world.name());
        assert_eq!(world.registry.count("GET", &world.pushed.layer(0)), 2, "{:?}", world.registry.log());
    }
}

#[test]
fn r25_a_server_that_wants_no_range_any_more() {
    let world = world(300_000);
    let pushed = world.pushed.clone();
    world.registry.script(move |request, reply| match request.header("range") {
        _ if !is_layer(request, &pushed) => reply,
        // Nobody takes a range from the first byte on for one.
        Some(range) if range != "bytes=0-" => Reply::new(416, "").with("Content-Range", "bytes */300000"),
        _ if request.number == 0 => reply.cut_after(200_000),
        _ => reply,
    });
    for words in World::fetches(&world.name()) {
        world.registry.forget();
        world.succeeds(&words, &world.name());
    }
}

#[test]
fn r25_ranges_that_are_not_those_that_were_asked_for() {
    for range in
        ["bytes 250000-300000/300001", "bytes 0-5/6", "bytes */7", "junk", "bytes 18446744073709551615-1/2", ""]
    {
        let world = world(300_000);
        let pushed = world.pushed.clone();
        world.registry.script(move |request, reply| match request.header("range") {
            _ if !is_layer(request, &pushed) => reply,
            Some(asked) if asked != "bytes=0-" => reply.with("Content-Range", range),
            _ => reply.cut_after(100_000),
        });
        world.refuses(&["team/app"]);
    }
}

#[test]
fn r26_a_layer_that_changes_between_its_parts() {
    for is_forever in [false, true] {
        let world = world(300_000);
        let pushed = world.pushed.clone();
        world.registry.script(move |request, reply| {
            if !is_layer(request, &pushed) {
                return reply;
            }
            let is_part = request.header("range").is_some_and(|range| range != "bytes=0-");
            if is_part {
                let other: Vec<u8> = reply.body.iter().map(|byte| byte ^ 0xff).collect();
                reply.saying(other)
            } else if request.number == 0 || is_forever {
                reply.cut_after(150_000)
            } else {
                reply
            }
        });
        for words in World::fetches(&world.name()) {
            world.registry.forget();
            if is_forever {
                world.refuses_command(&words, &["team/app"]);
                assert!(world.registry.count("GET", &world.pushed.layer(0)) <= 8, "{:?}", world.registry.log());
            } else {
                world.succeeds(&words, &world.name());
            }
        }
    }
}

#[test]
fn r26_what_came_of_another_layer_is_not_kept() {
    let world = world(300_000);
    let pushed = world.pushed.clone();
    // The first run gets other bytes, and no more than a part of them.
    world.registry.script(move |request, reply| {
        let wrong = vec![7; 200_000];
        match is_layer(request, &pushed) {
            true if request.number == 0 => {
                let length = reply.body.len().to_string();
                reply.saying(wrong).with("Content-Length", length)
            }
            true => Reply::error(404, "BLOB_UNKNOWN", "not now"),
            false => reply,
        }
    });
    world.refuses_command(&words(&["pull", &world.name()]), &["team/app"]);
    world.registry.behave();
    world.fetches_well();
}

#[test]
fn r36_a_connection_that_is_cut_again_and_again() {
    let world = world(800_000);
    let pushed = world.pushed.clone();
    world.registry.script(
        move |request, reply| {
            if is_layer(request, &pushed) { reply.cut_after(64 << 10) } else { reply }
        },
    );
    for words in World::fetches(&world.name()) {
        world.registry.forget();
        world.succeeds(&words, &world.name());
        assert!(world.registry.count("GET", &world.pushed.layer(0)) >= 13, "{:?}", world.registry.log());
        let (sent, size) = (world.registry.sent(), world.pushed.size());
        assert!(sent * 100 <= size * 105, "{sent} bytes were sent for {size}");
    }
}

#[test]
fn r36_a_pull_that_broke_goes_on_in_the_next_run() {
    let world = world(800_000);
    let pushed = world.pushed.clone();
    world.registry.script(move |request, reply| match request.header("range") {
        _ if !is_layer(request, &pushed) => reply,
        None => reply.cut_after(500_000),
        // What it would go on with in the same run does not come.
        Some(_) => Reply::error(404, "BLOB_UNKNOWN", "not now"),
    });
    let pull = words(&["pull", &world.name()]);
    world.refuses_command(&pull, &["team/app"]);
    world.registry.behave();
    world.registry.forget();
    let answer = world.run(&pull);
    assert_eq!(answer.code, 0, "{}", answer.text());
    assert_eq!(world.session.inspect(&world.name())["Id"], world.image.id().as_str());
    let sent = world.registry.sent();
    assert!(sent < 320_000, "{sent} bytes were sent though 500,000 were there");
}

#[test]
fn r39_bytes_behind_an_answer() {
    let evil = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 33\r\n\r\n{\"name\":\"x\",\"tags\":[\"evil\",\"bad\"]}";
    for trailing in [evil, "junk", "\r\n\r\n\0"] {
        let world = World::new();
        world.registry.content().page = Some(1);
        world.registry.push("team/app:2", &world.image);
        world.registry.push("team/app:3", &world.image);
        world.registry.script(move |_, reply| reply.trailed_by(trailing.as_bytes()));
        let answer = world.run(&words(&["tags", &world.registry.name("team/app")]));
        assert!(!answer.text().contains("evil"), "what came behind one answer is no other:\n{}", answer.text());
        assert_eq!((answer.code, answer.out().as_str()), (0, "1\n2\n3\n"), "{}", answer.text());
        world.fetches_well();
    }
}
