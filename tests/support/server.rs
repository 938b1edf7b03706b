//! A web server of our own on the loopback, one request a connection.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use super::registry::tls::Certificate;

/// Answers each connection with what `answer` makes of its request line and headers.
pub(crate) fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let (listener, address) = listen();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let request = request(&stream);
            // Who asked may have gone.
            let _ = (&stream).write_all(&answer(&request));
        }
    });
    address
}

/// Gives `body` to whoever asks over TLS for `localhost`; its certificate in PEM, which it has signed itself.
pub(crate) fn serve_secretly(body: Vec<u8>) -> (SocketAddr, String) {
    let certificate = Certificate::self_signed(&["localhost"]);
    let config = certificate.server();
    let (listener, address) = listen();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let session = rustls::ServerConnection::new(Arc::clone(&config)).expect("a session");
            let mut stream = rustls::StreamOwned::new(session, stream);
            if !request(&mut stream).is_empty() {
                let _ = stream.write_all(&ok(&body));
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    (address, certificate.pem())
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

fn request(stream: impl Read) -> String {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).map(|line| line + "\n").collect()
}

/// An answer that is whole.
pub(crate) fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// An answer without a body.
pub(crate) fn empty(status: &str, header: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{header}Content-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
}
