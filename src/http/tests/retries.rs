//! Requests that are sent again.

use std::time::Instant;

use super::*;

#[test]
fn what_may_pass_is_asked_again() {
    let count = Arc::new(AtomicUsize::new(0));
    let answered = Arc::clone(&count);
    let at = serve(move |request| {
        let number = answered.fetch_add(1, Ordering::SeqCst);
        let status = if request.contains(" /never ") { "404 Gone" } else { "503 Busy" };
        let refuse = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        if number < 2 { refuse } else { ok("at last") }
    });
    let client = |attempts: u32| {
        let retries = Retries { attempts, delay: Duration::from_millis(1), ..Retries::default() };
        Client::new(&Settings { retries, ..Settings::default() })
    };
    let ask = |method: Method, path: &str, attempts: u32| {
        count.store(0, Ordering::SeqCst);
        let url = format!("http://{at}{path}").parse::<Url>().expect("a URL");
        let status = client(attempts).send(Request::new(method, &url)).expect("an answer").status();
        (status, count.load(Ordering::SeqCst))
    };
    assert_eq!(ask(Method::Get, "/", 3), (200, 3));
    assert_eq!(ask(Method::Get, "/", 2), (503, 2));
    assert_eq!(ask(Method::Get, "/never", 3), (404, 1));
    assert_eq!(ask(Method::Post, "/", 3), (503, 1), "what does something is not done twice");
}

/// A client that sends a request three times, with hardly a wait.
fn persistent() -> Client {
    let retries = Retries { attempts: 3, delay: Duration::from_millis(1), ..Retries::default() };
    Client::new(&Settings { retries, stall: Duration::from_millis(300), ..Settings::default() })
}

/// A server that answers with these lines and counts the requests.
fn counting(answer: &'static str) -> (Url, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let at = serve(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    });
    (format!("http://{at}/").parse().expect("a URL"), count)
}

#[test]
fn every_transient_status_is_asked_again() {
    for (answer, times) in [
        ("408 Request Timeout", 3),
        ("425 Too Early", 3),
        ("429 Too Many Requests", 3),
        ("500 Internal Server Error", 3),
        ("502 Bad Gateway", 3),
        ("503 Service Unavailable", 3),
        ("504 Gateway Timeout", 3),
        ("501 Not Implemented", 1),
        ("400 Bad Request", 1),
        ("401 Unauthorized", 1),
    ] {
        let (url, count) = counting(answer);
        let error = persistent().get(&url).map(|_| ()).expect_err("no success");
        assert!(answer.starts_with(&error.to_string().split(' ').nth(4).unwrap_or("?").to_owned()), "{error}");
        assert_eq!((count.load(Ordering::SeqCst), error.is_passing()), (times, times > 1), "{answer}");
    }
}

#[test]
fn the_caller_says_what_may_be_repeated() {
    let (url, count) = counting("503 Service Unavailable");
    let times = |request: Request<'_>| {
        count.store(0, Ordering::SeqCst);
        assert_eq!(persistent().send(request).expect("an answer").status(), 503);
        count.load(Ordering::SeqCst)
    };
    assert_eq!(times(Request::new(Method::Get, &url).once()), 1);
    assert_eq!(times(Request::new(Method::Head, &url)), 3);
    assert_eq!(times(Request::new(Method::Post, &url).bytes(b"x").repeatable()), 3);
    assert_eq!(times(Request::new(Method::Put, &url).bytes(b"x")), 1);
    assert_eq!(times(Request::new(Method::Put, &url).stream(&mut &b"x"[..], 1).repeatable()), 1);
}

#[test]
fn servers_get_the_time_that_they_ask_for() {
    let (url, count) = counting("429 Too Many Requests\r\nRetry-After: 1");
    let retries = Retries { attempts: 2, delay: Duration::ZERO, ..Retries::default() };
    let started = Instant::now();
    let client = Client::new(&Settings { retries, ..Settings::default() });
    assert!(client.get(&url).is_err());
    assert!(started.elapsed() >= Duration::from_secs(1) && count.load(Ordering::SeqCst) == 2);

    // But not all that they ask for.
    let (url, count) = counting("429 Too Many Requests\r\nRetry-After: 1000000000\r\nRateLimit-Remaining: 0;w=21600");
    let answer = persistent().send(Request::new(Method::Get, &url)).expect("an answer");
    assert_eq!(answer.header("ratelimit-remaining"), Some("0;w=21600"));
    let error = answer.success().map(|_| ()).expect_err("no success").to_string();
    assert!(error.ends_with("429 Too Many Requests, and asks to wait 1000000000 seconds"), "{error}");
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn a_time_is_given_in_seconds_or_as_a_date() {
    let asked = |retry_after: &str, date: &str| {
        let answer = ureq::http::Response::builder().header("retry-after", retry_after).header("date", date);
        let answer = answer.body(ureq::Body::builder().data("")).expect("a response");
        Response::new("https://a/x".parse().expect("a URL"), answer, Duration::ZERO).retry_after()
    };
    let seconds = |count| Some(Duration::from_secs(count));
    let now = "Sun, 06 Nov 1994 08:49:37 GMT";
    assert_eq!(asked("120", now), seconds(120));
    assert_eq!(asked(" 0 ", now), seconds(0));
    assert_eq!(asked("Sun, 06 Nov 1994 08:50:37 GMT", now), seconds(60));
    assert_eq!(asked("Sun, 06 Nov 1994 08:48:37 GMT", now), seconds(0));
    assert_eq!(asked("999999999999999999999999", now), Some(Duration::MAX));
    for junk in ["", "-1", "1.5", "soon", "Sun, 06 Nov 1994", "Sun, 99 Nov 1994 08:49:37 GMT"] {
        assert_eq!(asked(junk, now), None, "{junk}");
    }
    assert_eq!(asked("Sun, 06 Nov 1994 08:50:37 GMT", "now"), None);
}

#[test]
fn a_document_that_is_cut_is_asked_for_again() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let at = scripted(move |number, stream| {
        counted.fetch_add(1, Ordering::SeqCst);
        let asked = request(&stream);
        let text = match number {
            _ if asked.contains("/missing") => ok("not here").replace("200 OK", "404 Not Found"),
            0 | 1 => ok("whole").replace("whole", "who"),
            _ => ok("whole"),
        };
        send(&stream, &text);
    });
    let url = |path: &str| format!("http://{at}{path}").parse::<Url>().expect("a URL");
    let ask = |url: &Url, limit: u64| persistent().send(Request::new(Method::Get, url).whole(limit));
    let answer = ask(&url("/"), 5).expect("an answer");
    assert_eq!((answer.size(), answer.header("content-length")), (Some(5), Some("5")));
    assert_eq!((answer.bytes(5).expect("a body"), count.load(Ordering::SeqCst)), (b"whole".to_vec(), 3));
    assert!(matches!(ask(&url("/"), 4), Err(Error::TooLarge { limit: 4, .. })));
    assert_eq!(count.load(Ordering::SeqCst), 4);
    assert_eq!(ask(&url("/missing"), 4).expect("an answer").status(), 404);
}

#[test]
fn a_server_that_hangs_up_is_asked_again() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let at = scripted(move |number, stream| {
        counted.fetch_add(1, Ordering::SeqCst);
        request(&stream);
        match number {
            0 => {}
            1 => assert!(send(&stream, "HTTP/1.1 200 O")),
            _ => assert!(send(&stream, &ok("at last"))),
        }
    });
    let url = format!("http://{at}/").parse::<Url>().expect("a URL");
    let answer = persistent().get(&url).and_then(|answer| answer.bytes(10));
    assert_eq!(answer.expect("an answer"), b"at last");
    assert_eq!(count.load(Ordering::SeqCst), 3);
}
