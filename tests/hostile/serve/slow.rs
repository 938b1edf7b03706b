//! Clients that stall: before a request, in its head, in its body, and while they are answered.

use std::io::{Read as _, Write as _};

use super::World;

const IMPATIENT: [&str; 2] = ["--client-timeout", "1"];

#[test]
fn who_does_not_finish_a_head_is_dropped() {
    let world = World::new(&IMPATIENT);
    for begun in ["", "G", "GET /v2/ HTTP/1.1\r\nHost: x\r\nX: ", "GET /v2/ HTTP/1.1\r\nHost: x\r\n"] {
        let said = world.say(begun);
        assert!(!said.contains(" 200 "), "{begun:?}: {said}");
    }
    world.is_unharmed();
}

#[test]
fn a_body_that_stalls_is_dropped_and_the_upload_goes_on_from_there() {
    let world = World::new(&IMPATIENT);
    let begun = world.serving.ask("POST", "/v2/demo/blobs/uploads/", &[], b"").expect(202);
    let place = begun.header("location").to_owned();
    let said = world.say(format!("PATCH {place} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234"));
    assert!(!said.contains(" 202 "), "{said}");
    let status = world.serving.get(&place).expect(204);
    assert_eq!(status.header("range"), "0-4");
    world.serving.ask("PATCH", &place, &[("Content-Range", "5-9")], b"56789").expect(202);
    let end = format!("{place}?digest={}", crate::support::digest(b"0123456789"));
    world.serving.ask("PUT", &end, &[], b"").expect(201);
    world.is_unharmed();
}

#[test]
fn who_does_not_take_an_answer_is_dropped() {
    let world = World::new(&IMPATIENT);
    // More than the buffers of both sockets hold.
    let digest = world.serving.put_blob("demo", &vec![7; 32 << 20]);
    let mut stream = world.serving.connect();
    let request = format!("GET /v2/demo/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is sent");
    // This connection, and the one that asks.
    while world.serving.metric("imgtool_http_connections") != Some(1) {}
    let mut got = Vec::new();
    let _ = stream.read_to_end(&mut got);
    assert!(got.len() < 32 << 20, "{}", got.len());
    world.is_unharmed();
}
