//! Bodies and headers of servers that are slow, hostile, or broken.

use std::time::Instant;

use super::*;

#[test]
fn a_file_that_ends_early_is_an_error() {
    let at = serve(|_| ok("whole").replace("whole", "who"));
    let error = get(&format!("http://{at}/"), &Settings::default()).expect_err("two bytes are missing");
    assert!(error.contains("closed the connection") || error.contains("disconnected"), "{error}");
    let at = serve(|_| "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab".to_owned());
    assert!(get(&format!("http://{at}/"), &Settings::default()).is_err());
}

#[test]
fn documents_have_a_limit() {
    let said = serve(|_| ok("12345"));
    let unsaid = serve(|_| "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n12345".to_owned());
    for at in [said, unsaid] {
        let url = format!("http://{at}/").parse::<Url>().expect("a URL");
        let bytes = |limit| Client::new(&Settings::default()).get(&url).expect("an answer").bytes(limit);
        assert_eq!(bytes(5).expect("not more"), b"12345");
        assert!(matches!(bytes(4), Err(Error::TooLarge { limit: 4, .. })));
    }
}

/// A server that treats each connection so after it was asked, and what its URL is.
fn after_asking(treat: impl Fn(&TcpStream) + Send + Sync + 'static) -> Url {
    let at = scripted(move |_, stream| {
        request(&stream);
        treat(&stream);
    });
    format!("http://{at}/").parse().expect("a URL")
}

/// A server that says this when it was asked.
fn saying(text: String) -> Url {
    after_asking(move |stream| {
        send(stream, &text);
    })
}

/// How the body of an answer breaks, and after how many bytes.
fn broken(url: &Url) -> (usize, std::io::ErrorKind, BodyError) {
    let mut body = Client::new(&impatient()).get(url).expect("an answer").into_body();
    let mut bytes = Vec::new();
    let error = body.read_to_end(&mut bytes).expect_err("a broken body");
    let again = body.read(&mut [0]).expect_err("no end");
    assert_eq!(BodyError::of(&again), BodyError::of(&error));
    (bytes.len(), error.kind(), BodyError::of(&error).expect("how").clone())
}

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#[test]
fn it_is_told_how_a_body_breaks() {
    use std::io::ErrorKind::{ConnectionReset, InvalidData, TimedOut, UnexpectedEof};

    let closed = saying(format!("{HEAD}ab"));
    assert_eq!(broken(&closed), (2, UnexpectedEof, BodyError::Closed { left: Some(8998) }));
    let closed = saying(format!("{CHUNKED}5\r\nab"));
    assert_eq!(broken(&closed), (2, UnexpectedEof, BodyError::Closed { left: None }));
    let silent = after_asking(|stream| {
        send(stream, &format!("{HEAD}abc"));
        pause(1000);
    });
    assert_eq!(broken(&silent), (3, TimedOut, BodyError::Silent { time: impatient().stall }));
    let junk = saying(format!("{CHUNKED}3\r\nabc\r\nxyz\r\n"));
    assert!(matches!(broken(&junk), (_, InvalidData, BodyError::Malformed { .. })));
    // A connection that is closed with unread bytes is reset.
    let reset = scripted(|_, stream| {
        (&stream).read_exact(&mut [0]).expect("a byte");
        send(&stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcd");
        pause(50);
    });
    let reset = format!("http://{reset}/").parse().expect("a URL");
    assert_eq!(broken(&reset), (4, ConnectionReset, BodyError::Reset), "it is not the end");
}

#[test]
fn a_trickle_is_a_stall() {
    let drip = |piece: usize, wait: u64| {
        after_asking(move |stream| {
            send(stream, HEAD);
            let piece = "x".repeat(piece);
            while send(stream, &piece) {
                pause(wait);
            }
        })
    };
    let started = Instant::now();
    let (got, kind, error) = broken(&drip(1, 10));
    assert!(got < 1024 && kind == std::io::ErrorKind::TimedOut, "{got} {error}");
    assert_eq!(error.to_string(), "the server sends less than 1024 bytes in 0.3 seconds");
    assert!(started.elapsed() < Duration::from_secs(2));
    // Slow, and longer than the time of a stall, but honest.
    let url = drip(1000, 60);
    let mut body = Client::new(&impatient()).get(&url).expect("an answer").into_body();
    assert_eq!(std::io::copy(&mut body, &mut std::io::sink()).expect("all"), 9000);
    assert!(started.elapsed() > impatient().stall);
    // It is too slow for a document.
    let document = Client::new(&Settings { stall: Duration::from_millis(100), ..impatient() });
    let error = document.get(&url).and_then(|answer| answer.bytes(10_000)).expect_err("too slow");
    assert!(matches!(error, Error::Transfer { source: BodyError::TooLong { .. }, .. }), "{error}");
    assert!(error.is_passing());
}

#[test]
fn headers_have_an_end() {
    let asks = |treat: fn(&TcpStream)| {
        let started = Instant::now();
        let error = Client::new(&impatient()).get(&after_asking(treat)).map(|_| ()).expect_err("no answer");
        assert!(started.elapsed() < Duration::from_secs(3), "{error}");
        error
    };
    let endless = asks(|stream| {
        send(stream, "HTTP/1.1 200 OK\r\n");
        while send(stream, "X-More: and more\r\n") {}
    });
    assert!(!endless.is_passing(), "{endless}");
    let long = asks(|stream| {
        send(stream, "HTTP/1.1 200 OK\r\nX-Long: ");
        while send(stream, &"x".repeat(1000)) {}
    });
    assert!(long.to_string().ends_with("the header of the response is too long"), "{long}");
    let many = asks(|stream| {
        send(stream, &format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(1000)));
    });
    assert!(matches!(many, Error::Request { .. }), "{many}");
    let slow = asks(|stream| {
        send(stream, "HTTP/1.1 200 OK\r\n");
        while send(stream, "X: y\r\n") {
            pause(10);
        }
    });
    assert!(matches!(slow, Error::Connection { is_passing: true, .. }), "{slow}");
    let hints = asks(|stream| while send(stream, "HTTP/1.1 103 Early Hints\r\n\r\n") {});
    assert!(!hints.to_string().is_empty());
    let nothing = asks(|_| pause(1000));
    assert!(nothing.is_passing(), "{nothing}");
    let junk = asks(|stream| {
        send(stream, "SSH-2.0-OpenSSH_9.6\r\n");
    });
    assert!(junk.to_string().contains("the server does not answer in HTTP"), "{junk}");
}

#[test]
fn what_follows_the_last_chunk_has_an_end() {
    let url = after_asking(|stream| {
        send(stream, &format!("{CHUNKED}3\r\nabc\r\n0\r\n"));
        while send(stream, "X-More: and more\r\n") {}
    });
    let (3, _, BodyError::Malformed { why }) = broken(&url) else { panic!("{:?}", broken(&url)) };
    assert_eq!(why, "the server sends what is no content");
    // A few lines are allowed.
    let url = saying(format!("{CHUNKED}3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"));
    let answer = Client::new(&impatient()).get(&url).and_then(|answer| answer.bytes(10));
    assert_eq!(answer.expect("a body"), b"abc");
}

#[test]
fn compressed_bytes_are_bytes() {
    // What gzip makes of a megabyte of zeros, or the beginning of it.
    let bomb = "\u{1f}\u{8}\u{0}bomb";
    let url = after_asking(move |stream| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", bomb.len());
        send(stream, &(head + bomb));
    });
    let answer = Client::new(&impatient()).get(&url).expect("an answer");
    assert_eq!((answer.size(), answer.header("content-encoding")), (Some(7), Some("gzip")));
    assert_eq!(answer.bytes(7).expect("a body"), bomb.as_bytes());
}

#[test]
fn sizes_that_contradict_each_other_are_refused() {
    for header in
        ["Content-Length: 2\r\nContent-Length: 3", "Content-Length: -1", "Content-Length: 99999999999999999999"]
    {
        let url = saying(format!("HTTP/1.1 200 OK\r\n{header}\r\n\r\nabc"));
        assert!(Client::new(&impatient()).get(&url).is_err(), "{header}");
    }
}
