//! Connections: made, kept, lost.

use std::sync::Barrier;

use super::*;

#[test]
fn a_server_that_is_not_there() {
    let at = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let error = get(&format!("http://{at}/"), &Settings::default()).expect_err("nobody listens");
    assert!(error.starts_with(&format!("http://{at}/: ")) && error.contains("refused"), "{error}");
}

/// A server that keeps connections, and answers each request with `answer`. Counts the connections.
fn keeping(answer: impl Fn(usize, &str) -> Option<String> + Send + Sync + 'static) -> (Url, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let at = scripted(move |number, stream| {
        counted.fetch_add(1, Ordering::SeqCst);
        loop {
            let asked = request(&stream);
            let Some(text) = Some(asked).filter(|asked| !asked.is_empty()).and_then(|asked| answer(number, &asked))
            else {
                return;
            };
            send(&stream, &text);
        }
    });
    (format!("http://{at}/").parse().expect("a URL"), count)
}

fn kept(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn one_connection_serves_many_requests() {
    let (url, count) = keeping(|_, asked| {
        Some(match asked.split(' ').nth(1) {
            Some("/chunked") => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_owned(),
            Some("/moved") => "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 5\r\n\r\nmoved".to_owned(),
            _ if asked.starts_with("HEAD") => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".to_owned(),
            _ => kept("hello"),
        })
    });
    let client = Client::new(&impatient());
    for path in ["/", "/", "/chunked", "/moved", "/"] {
        let url = url.join(path).expect("a URL");
        assert!(client.get(&url).and_then(|answer| answer.bytes(10)).is_ok_and(|bytes| !bytes.is_empty()), "{path}");
    }
    assert_eq!(client.send(Request::new(Method::Head, &url)).expect("an answer").status(), 200);
    // A reader that knows the size reads no further.
    let mut body = client.get(&url).expect("an answer").into_body();
    body.read_exact(&mut [0; 5]).expect("five bytes");
    assert!(client.get(&url).is_ok());
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn as_many_are_kept_as_are_used_at_a_time() {
    let (url, count) = keeping(|_, _| Some(kept("hello")));
    let (client, all) = (Client::new(&impatient()), Barrier::new(8));
    let (client, all, url) = (&client, &all, &url);
    for _ in 0..3 {
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(move || {
                    all.wait();
                    let answer = client.get(url).expect("an answer");
                    all.wait();
                    assert_eq!(answer.bytes(10).expect("a body"), b"hello");
                });
            }
        });
    }
    assert_eq!(count.load(Ordering::SeqCst), 8);
}

#[test]
fn a_connection_with_more_than_was_said_is_not_used_again() {
    let (url, count) = keeping(|_, _| Some(kept("hello") + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"));
    let client = Client::new(&impatient());
    for number in 1..=3 {
        assert_eq!(client.get(&url).and_then(|answer| answer.bytes(10)).expect("a body"), b"hello");
        assert_eq!(count.load(Ordering::SeqCst), number);
    }
}

#[test]
fn a_kept_connection_that_is_closed_meanwhile_is_replaced_at_once() {
    // The first connection answers one request, and is closed when the second comes.
    let asked = Arc::new(AtomicUsize::new(0));
    let (url, count) = keeping(move |number, _| {
        let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
        (number > 0 || first).then(|| kept("hello"))
    });
    let client = Client::new(&impatient());
    let status = |request: Request<'_>| client.send(request).map(|answer| (answer.status(), answer.bytes(10).is_ok()));
    assert!(matches!(status(Request::new(Method::Get, &url)), Ok((200, true))));
    assert!(matches!(status(Request::new(Method::Get, &url).once()), Ok((200, true))));
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[test]
fn what_may_have_been_done_is_not_done_again() {
    let asked = Arc::new(AtomicUsize::new(0));
    let (url, count) = keeping(move |number, _| {
        let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
        (number > 0 || first).then(|| kept("hello"))
    });
    let client = Client::new(&impatient());
    assert!(client.get(&url).and_then(|answer| answer.bytes(10)).is_ok());
    let error = client.send(Request::new(Method::Post, &url)).map(|_| ()).expect_err("no answer");
    assert!(error.to_string().ends_with("the server closed the connection") && error.is_passing(), "{error}");
    assert_eq!(count.load(Ordering::SeqCst), 1);
}
