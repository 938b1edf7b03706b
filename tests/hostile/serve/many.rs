//! Too many of everything: connections, uploads, bodies in flight.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::World;

/// As many connections as this process can have, and not more than wanted.
fn connections(world: &World, wanted: usize) -> Vec<TcpStream> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("up to the maximum it may");
    let most = usize::try_from(maximum.unwrap_or(u64::MAX)).unwrap_or(usize::MAX).saturating_sub(200);
    (0..wanted.min(most)).map(|_| TcpStream::connect(&world.serving.host).expect("it accepts")).collect()
}

#[test]
fn ten_thousand_connections_stop_nobody() {
    let world = World::new(&[]);
    let mut open = connections(&world, 10_000);
    world.serving.get("/v2/").expect(200);
    // Some begin a request, and do not go on.
    for stream in open.iter_mut().step_by(2) {
        let _ = stream.write_all(b"GET /v2/ HTTP/1.1\r\nX: ");
    }
    world.serving.get("/v2/demo/manifests/1").expect(200);
    let more = connections(&world, 1_000);
    world.serving.get("/v2/demo/manifests/1").expect(200);
    drop((open, more));
    world.is_unharmed();
}

#[test]
fn large_heads_of_many_take_no_memory() {
    let world = World::new(&[]);
    let mut open = connections(&world, 4_000);
    let head = format!("GET /v2/ HTTP/1.1\r\nX: {}", "y".repeat(50_000));
    for stream in &mut open {
        // Some are refused.
        let _ = stream.set_nonblocking(true);
        let _ = stream.write(head.as_bytes());
    }
    world.serving.get("/v2/").expect(200);
    drop(open);
    world.is_unharmed();
}

#[test]
fn two_thousand_open_uploads_are_only_files() {
    let world = World::new(&[]);
    let begin = || {
        let begun = world.serving.ask("POST", "/v2/demo/blobs/uploads/", &[], b"").expect(202);
        begun.header("location").to_owned()
    };
    let places: Vec<String> = (0..2_000).map(|_| begin()).collect();
    // Some of them in the middle of a body.
    let mut open = connections(&world, 500);
    for (stream, place) in open.iter_mut().zip(&places) {
        let head = format!("PATCH {place} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("it is sent");
        stream.write_all(&vec![1; 200_000]).expect("it is sent");
    }
    world.serving.get("/v2/").expect(200);
    let last = &places[places.len() - 1];
    let end = format!("{last}?digest={}", crate::support::digest(b"last"));
    world.serving.ask("PUT", &end, &[], b"last").expect(201);
    let peak = world.peak();
    assert!(peak <= super::MEMORY, "it took {peak} KiB");
    drop(open);
    world.is_unharmed();
}

#[test]
fn with_few_descriptors_the_server_still_answers() {
    let session = crate::session();
    let limits = "ulimit -n 300; exec \"$0\" \"$@\"";
    let serving = crate::support::serving::Serving::start_by(&session, &["/bin/sh", "-c", limits], &[]);
    let open: Vec<_> = (0..1_000).map(|_| TcpStream::connect(&serving.host)).collect();
    serving.get("/v2/").expect(200);
    serving.get("/v2/fx/before/manifests/1").expect(200);
    drop(open);
    serving.get("/v2/").expect(200);
}

#[test]
fn a_thousand_connections_that_wait_take_little_memory() {
    let world = World::new(&[]);
    let mut open = connections(&world, 1_000);
    for stream in &mut open {
        stream.write_all(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n").expect("it is sent");
        let mut said = [0; 4096];
        let got = stream.read(&mut said).expect("it answers");
        assert!(said[..got].starts_with(b"HTTP/1.1 200 "));
    }
    let peak = world.peak();
    assert!(peak <= 64 << 10, "it took {peak} KiB");
    drop(open);
    world.is_unharmed();
}
