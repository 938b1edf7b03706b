//! Requests: what is sent, and to whom.

use super::*;

#[test]
fn a_file_comes_with_its_size() {
    let at = serve(|request| ok(request.lines().next().unwrap_or_default()));
    let got = get(&format!("http://{at}/x.tar?y#z"), &Settings::default());
    assert_eq!(got, Ok((Some(21), "GET /x.tar?y HTTP/1.1".to_owned())));
    let at = serve(|_| "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_owned());
    assert_eq!(get(&format!("http://{at}/"), &Settings::default()), Ok((None, "abc".to_owned())));
}

#[test]
fn who_asks_is_told_to_the_server() {
    let at = serve(ok);
    let (_, request) = get(&format!("http://Aladdin:open%20sesame@{at}/"), &Settings::default()).expect("an answer");
    assert!(request.contains("authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\n"), "{request}");
    assert!(request.contains(&format!("user-agent: {}\n", agents::USER_AGENT)), "{request}");
    assert!(!request.contains("accept-encoding: gzip"), "{request}");
}

#[test]
fn redirects_are_followed_to_an_end() {
    let at = serve(|request| match request.split(' ').nth(1) {
        Some("/a/b") => redirect("../c"),
        Some("/c") => redirect("/d?e"),
        Some("/d?e") => ok("here"),
        Some("/round") => redirect("/round"),
        Some("/file") => redirect("file:///etc/passwd"),
        Some("/nowhere") => "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n".to_owned(),
        _ => "HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n".to_owned(),
    });
    let get = |path: &str| get(&format!("http://{at}{path}"), &Settings::default());
    assert_eq!(get("/a/b"), Ok((Some(4), "here".to_owned())));
    assert_eq!(get("/round"), Err(format!("http://{at}/round: more than 10 redirects")));
    let file = "invalid redirect: only http and https URLs are supported";
    assert_eq!(get("/file"), Err(format!("http://{at}/file: {file}")));
    assert_eq!(get("/nowhere"), Err(format!("http://{at}/nowhere: redirect without a Location header")));
    assert_eq!(get("/none"), Err(format!("http://{at}/none: the server answers 404 Not Found")));
}

#[test]
fn secure_places_lead_to_secure_ones_only() {
    let lead = |to: &str| {
        let answer = ureq::http::Response::builder().status(302).header("location", to);
        let answer = answer.body(ureq::Body::builder().data("")).expect("a response");
        Response::new("https://a/x".parse().expect("a URL"), answer, Duration::ZERO).redirect()
    };
    assert!(lead("/y").is_ok_and(|to| to.is_some_and(|to| to.is_secure())));
    assert!(lead("https://b/y").is_ok_and(|to| to.is_some_and(|to| to.is_secure())));
    let error = lead("http://a/y").expect_err("a downgrade");
    assert_eq!(error.to_string(), "https://a/x: redirect from https to insecure http://a/y");
}

#[test]
fn credentials_stay_with_their_server() {
    let other = serve(ok);
    let at = serve(move |request| match request.split(' ').nth(1) {
        Some("/away") => redirect(&format!("http://{other}/x")),
        Some("/near") => redirect("/x"),
        _ => ok(request),
    });
    let ask = |path: &str| {
        let url = format!("http://me:pw@{at}{path}").parse::<Url>().expect("a URL");
        let request = Request::new(Method::Get, &url).header("cookie", "c=1").header("accept", "text/plain");
        let answer = Client::new(&Settings::default()).send(request).expect("an answer");
        String::from_utf8(answer.bytes(10_000).expect("short")).expect("text")
    };
    let near = ask("/near");
    assert!(near.contains("authorization: Basic") && near.contains("cookie: c=1"), "{near}");
    let away = ask("/away");
    assert!(
        !away.contains("authorization") && !away.contains("cookie") && away.contains("accept: text/plain"),
        "{away}"
    );
}

#[test]
fn contents_are_sent() {
    let at = serve_whole();
    let url = format!("http://{at}/upload").parse::<Url>().expect("a URL");
    let client = Client::new(&Settings::default());
    let send = |request: Request<'_>| {
        let answer = client.send(request).expect("an answer").success().expect("success");
        String::from_utf8(answer.bytes(10_000).expect("short")).expect("text")
    };
    assert_eq!(send(Request::new(Method::Put, &url).bytes(b"bytes")), "PUT /upload HTTP/1.1 5 bytes");
    assert_eq!(
        send(Request::new(Method::Patch, &url).stream(&mut &b"stream"[..], 6)),
        "PATCH /upload HTTP/1.1 6 stream"
    );
    assert_eq!(send(Request::new(Method::Post, &url)), "POST /upload HTTP/1.1 0 ");
}

#[test]
fn a_transfer_goes_on() {
    let at = serve(|request| {
        let whole = "0123456789";
        match request.lines().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok()) {
            Some(from) if !request.contains(" /all ") => {
                let rest: &str = &whole[from..];
                let range = format!("HTTP/1.1 206 Partial\r\nContent-Range: bytes {from}-9/10\r\n");
                ok(rest).replace("HTTP/1.1 200 OK\r\n", &range)
            }
            _ => ok(whole),
        }
    });
    let ask = |path: &str, offset: u64| {
        let url = format!("http://{at}{path}").parse::<Url>().expect("a URL");
        let request = Request::new(Method::Get, &url).from_offset(offset);
        let answer = Client::new(&Settings::default()).send(request).expect("an answer");
        let start = answer.starts_at().expect("it is said");
        (start, String::from_utf8(answer.bytes(10).expect("short")).expect("text"))
    };
    assert_eq!(ask("/", 4), (4, "456789".to_owned()));
    assert_eq!(ask("/", 0), (0, "0123456789".to_owned()));
    assert_eq!(ask("/all", 4), (0, "0123456789".to_owned()), "not every server knows ranges");
}

/// A server that echoes the request line, the content's length and the content.
fn serve_whole() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(&stream);
            let lines = reader.by_ref().lines().map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let length =
                head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let mut content = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut content).expect("the content");
            let text = String::from_utf8_lossy(&content).into_owned();
            let _ = (&stream).write_all(ok(&format!("{} {} {text}", head[0], content.len())).as_bytes());
        }
    });
    address
}
