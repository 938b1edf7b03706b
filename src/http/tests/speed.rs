//! What a large body costs, against the same bytes from a bare socket. Run with
//! `cargo test --lib http::tests::speed -- --ignored --nocapture`.

use std::time::Instant;

use super::*;

const SIZE: usize = 1 << 30;

/// A server that sends a body of 1 GiB.
fn large() -> SocketAddr {
    scripted(|_, mut stream| {
        request(&stream);
        send(&stream, &format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"));
        let piece = vec![7; 1 << 20];
        for _ in 0..SIZE >> 20 {
            stream.write_all(&piece).expect("a client");
        }
    })
}

/// The processor time that this thread has used.
fn used() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    Duration::from_nanos(text.split(' ').next().and_then(|text| text.parse().ok()).expect("nanoseconds"))
}

fn measure(what: &str, mut read: impl FnMut(&mut [u8]) -> usize) {
    let (mut buffer, mut got) = (vec![0; 256 << 10], 0);
    let (started, before) = (Instant::now(), used());
    while got < SIZE {
        match read(&mut buffer) {
            0 => break,
            count => got += count,
        }
    }
    assert!(got >= SIZE);
    let cpu = used().saturating_sub(before);
    let text =
        format!("{what}: {:.3} s, {:.3} s of processor time\n", started.elapsed().as_secs_f64(), cpu.as_secs_f64());
    std::io::stderr().write_all(text.as_bytes()).expect("standard error");
}

#[test]
#[ignore = "a measurement"]
fn a_large_body_costs_little_more_than_a_bare_socket() {
    for _ in 0..3 {
        let mut bare = TcpStream::connect(large()).expect("a server");
        bare.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("a server");
        measure("bare socket", |buffer| bare.read(buffer).expect("bytes"));
        let url = format!("http://{}/", large()).parse::<Url>().expect("a URL");
        let mut body = Client::new(&Settings::default()).get(&url).expect("an answer").into_body();
        measure("http", |buffer| body.read(buffer).expect("bytes"));
        let (url, settings) = tls::trusted(|stream| {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n");
            stream.write_all(head.as_bytes()).expect("a client");
            let piece = vec![7; 1 << 20];
            for _ in 0..SIZE >> 20 {
                stream.write_all(&piece).expect("a client");
            }
        });
        let mut body = Client::new(&settings).get(&url).expect("an answer").into_body();
        measure("https", |buffer| body.read(buffer).expect("bytes"));
    }
}
