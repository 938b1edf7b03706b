//! Proxies, and what they get to see.

use std::sync::mpsc;

use super::*;

#[test]
fn a_proxy_is_asked_where_one_is_set() {
    let proxy = serve(|request| ok(request.lines().next().unwrap_or_default()));
    let settings = Settings { http_proxy: Some(format!("http://{proxy}").into()), ..Settings::default() };
    let (_, line) = get("http://nowhere.invalid/x", &settings).expect("the proxy answers");
    assert_eq!(line, "GET http://nowhere.invalid/x HTTP/1.1");
    let settings = Settings { no_proxy: "invalid".to_owned(), ..settings };
    assert!(get("http://nowhere.invalid/x", &settings).is_err());
    let settings = Settings { http_proxy: Some("::".to_owned().into()), ..Settings::default() };
    assert!(get("http://nowhere.invalid/x", &settings).expect_err("no proxy").contains("proxy"));
}

fn through(proxy: &str) -> Settings {
    let proxy = Some(ProxyAddress::from(proxy.to_owned()));
    Settings { http_proxy: proxy.clone(), https_proxy: proxy, ..impatient() }
}

#[test]
fn plain_requests_are_sent_to_the_proxy() {
    let (told, heard) = mpsc::channel();
    let proxy = scripted(move |_, stream| {
        let mut reader = BufReader::new(&stream);
        loop {
            let asked = head(&mut reader);
            if asked.is_empty() {
                return;
            }
            let length = asked.contains("content-length: 5").then_some(5);
            reader.read_exact(&mut vec![0; length.unwrap_or(0)]).expect("the content");
            told.send(asked).expect("a listener");
            send(&stream, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        }
    });
    let settings = through(&format!("http://me:hunter2@{proxy}"));
    let client = Client::new(&settings);
    assert!(!format!("{settings:?} {client:?}").contains("hunter2"));
    let url = "http://you:sesame@nowhere.invalid:5000/x?y".parse::<Url>().expect("a URL");
    for request in [Request::new(Method::Get, &url), Request::new(Method::Put, &url).bytes(b"bytes")] {
        let method = request.method.name();
        assert_eq!(client.send(request).and_then(|answer| answer.bytes(5)).expect("an answer"), b"hello");
        let asked = heard.recv().expect("a request");
        let start =
            format!("{method} http://nowhere.invalid:5000/x?y HTTP/1.1\nProxy-Authorization: Basic bWU6aHVudGVyMg==\n");
        assert!(asked.starts_with(&start), "{asked}");
        assert!(asked.contains("authorization: Basic eW91OnNlc2FtZQ==\n"), "{asked}");
        assert!(asked.contains("host: nowhere.invalid:5000\n"), "{asked}");
    }
    let refusing = serve(|_| "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n".to_owned());
    let why = get("http://nowhere.invalid/", &through(&format!("http://me:hunter2@{refusing}"))).expect_err("refused");
    let start = format!("the proxy http://{refusing} answers 407 Proxy Authentication Required: its user or password");
    assert!(why.contains(&start), "{why}");
}

#[test]
fn each_gets_its_own_credentials() {
    let (told, heard) = mpsc::channel();
    let tunnel = move |stream: &TcpStream| {
        told.send(request(stream)).expect("a listener");
        send(stream, "HTTP/1.1 200 Established\r\n\r\n");
    };
    let (url, proxy, settings) = tls::behind(tunnel, ok);
    let settings = Settings { https_proxy: through(&format!("http://me:hunter2@{proxy}")).https_proxy, ..settings };
    let request = get(&url.replace("://", "://you:sesame@"), &settings).expect("an answer").1;
    let tunnel = heard.recv().expect("a tunnel");
    assert!(tunnel.starts_with("CONNECT server.invalid:443 HTTP/1.1\n"), "{tunnel}");
    assert!(tunnel.contains("Proxy-Authorization: Basic bWU6aHVudGVyMg==\n"), "{tunnel}");
    assert_eq!(tunnel.to_lowercase().matches("authorization").count(), 1, "{tunnel}");
    assert!(request.contains("authorization: Basic eW91OnNlc2FtZQ==\n"), "{request}");
    assert_eq!(request.to_lowercase().matches("authorization").count(), 1, "{request}");
}

#[test]
fn a_proxy_may_be_reached_by_tls() {
    let (proxy, settings) = tls::trusted(|stream| stream.write_all(ok("hello").as_bytes()).expect("a client"));
    let settings = Settings { http_proxy: Some(proxy.to_string().into()), ..settings };
    assert_eq!(get("http://nowhere.invalid/", &settings), Ok((Some(5), "hello".to_owned())));
    // A tunnel within, to a server that the tunnel makes of itself.
    let (url, proxy, settings) = tls::nested();
    let settings = Settings { https_proxy: Some(proxy.into()), ..settings };
    assert_eq!(get(&url, &settings), Ok((Some(6), "nested".to_owned())));
    let unknown = Settings { roots: Vec::new(), ..settings };
    assert!(get(&url, &unknown).expect_err("not trusted").contains("not trusted"));
}

#[test]
fn it_is_said_that_it_was_the_proxy() {
    let answering = |status: &'static str| serve(move |_| format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"));
    let error = |proxy: &str| {
        let url = "https://nowhere.invalid/x".parse::<Url>().expect("a URL");
        Client::new(&through(proxy)).get(&url).map(|_| ()).expect_err("no answer")
    };
    let at = answering("407 Proxy Authentication Required");
    let start =
        format!("https://nowhere.invalid/x: the proxy http://{at} answers 407 Proxy Authentication Required: it");
    let why = error(&format!("http://{at}")).to_string();
    assert_eq!(why, format!("{start} wants a user and password, as http://USER:PASSWORD@HOST:PORT"));
    let why = error(&format!("http://me:hunter2@{at}"));
    assert_eq!(why.to_string(), format!("{start}s user or password is wrong"));
    assert!(!format!("{why:?}").contains("hunter2") && !why.is_passing());
    let why = error(&format!("http://{}", answering("502 Bad Gateway")));
    assert!(why.to_string().ends_with("answers 502 Bad Gateway") && why.is_passing(), "{why}");
    let why = error("http://me:hunter2@127.0.0.1:1").to_string();
    assert!(why.ends_with("the proxy http://127.0.0.1:1 cannot be reached: connection refused"), "{why}");
    let why = error("http://me:hunter2@proxy.invalid:3128").to_string();
    assert!(why.contains("the proxy http://proxy.invalid:3128 cannot be reached: "), "{why}");
    let why = error("http://me:hunter2@[").to_string();
    assert!(why.contains("the address of the proxy is invalid") && !why.contains("hunter2"), "{why}");
}

/// A proxy of the SOCKS kind ([RFC 1928](https://www.rfc-editor.org/rfc/rfc1928)) that wants a user and password, and
/// answers itself with the address that it was to connect to.
fn socks() -> SocketAddr {
    scripted(|_, stream| {
        let take = |count: usize| {
            let mut bytes = vec![0; count];
            (&stream).read_exact(&mut bytes).expect("more bytes");
            bytes
        };
        let say = |bytes: &[u8]| (&stream).write_all(bytes).expect("a client");
        let methods = take(2);
        if !take(methods[1].into()).contains(&2) {
            return say(&[5, 0xff]);
        }
        say(&[5, 2]);
        let user = take(2)[1];
        let user = take(user.into());
        let password = take(1)[0];
        if (user, take(password.into())) != (b"me".to_vec(), b"hunter2".to_vec()) {
            return say(&[1, 1]);
        }
        say(&[1, 0]);
        let host = match take(4)[3] {
            1 => take(4).iter().map(u8::to_string).collect::<Vec<_>>().join("."),
            3 => {
                let length = take(1)[0];
                String::from_utf8(take(length.into())).expect("a name")
            }
            other => format!("an address of kind {other}"),
        };
        let port = take(2);
        say(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        request(&stream);
        send(&stream, &ok(&format!("{host} {}", u16::from_be_bytes([port[0], port[1]]))));
    })
}

#[test]
fn proxies_of_the_socks_kind() {
    let at = socks();
    let asked = |scheme: &str, user: &str, url: &str| get(url, &through(&format!("{scheme}://{user}{at}")));
    let text = |answer: Result<(Option<u64>, String), String>| answer.expect("an answer").1;
    assert_eq!(text(asked("socks5h", "me:hunter2@", "http://nowhere.invalid/")), "nowhere.invalid 80");
    assert_eq!(text(asked("socks5", "me:hunter2@", "http://192.0.2.7:8080/")), "192.0.2.7 8080");
    let why = asked("socks5", "me:hunter2@", "http://nowhere.invalid/").expect_err("no such host");
    assert!(why.contains("no such host") || why.contains("name"), "{why}");
    let why = asked("socks5h", "me:wrong@", "http://nowhere.invalid/").expect_err("a wrong password");
    assert!(why.ends_with("does not connect: password authentication failed") && !why.contains("wrong@"), "{why}");
    let why = asked("socks5h", "", "http://nowhere.invalid/").expect_err("no password");
    assert!(why.contains(&format!("the proxy socks5h://{at} does not connect: ")), "{why}");
}

#[test]
fn what_others_name_is_checked_as_far_as_it_can_be() {
    let proxy = serve(|_| "HTTP/1.1 200 Established\r\n\r\n".to_owned());
    let settings = through(&format!("http://{proxy}"));
    let led = |namer: &str, to: &str| {
        let (namer, to) = (namer.parse::<Url>().expect("a URL"), to.parse::<Url>().expect("a URL"));
        Client::new(&settings).send(Request::new(Method::Get, &to).foreign(&namer)).map(|_| ()).expect_err("no TLS")
    };
    for to in ["https://169.254.169.254/", "https://10.0.0.1/", "https://[fd00:ec2::254]/", "https://127.0.0.1:1/"] {
        assert!(matches!(led("https://registry.invalid/", to), Error::Nearer { .. }), "{to}");
    }
    assert!(matches!(led("https://registry.invalid/", "http://token.invalid/"), Error::Insecure { .. }));
    assert!(matches!(led("http://127.0.0.1:1/", "http://token.invalid/"), Error::Insecure { .. }));
    let asked = led("https://registry.invalid/", "https://token.invalid/");
    assert!(matches!(asked, Error::Connection { .. }), "{asked}");
}
