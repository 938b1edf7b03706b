//! Requests to local test servers.

use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::*;

mod bodies;
mod connections;
mod foreign;
mod proxies;
mod requests;
mod retries;
mod tls;

/// A server that answers one request a connection, with what `answer` makes of its line and headers.
fn serve(answer: impl Fn(&str) -> String + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let request = request(&stream);
            // The client may have disconnected.
            let _ = (&stream).write_all(answer(&request).as_bytes());
        }
    });
    address
}

/// A server that treats each connection as `treat` does, in a thread of its own. The first has the number 0.
fn scripted(treat: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let treat = Arc::new(treat);
    thread::spawn(move || {
        for (number, stream) in listener.incoming().map_while(Result::ok).enumerate() {
            let treat = Arc::clone(&treat);
            thread::spawn(move || treat(number, stream));
        }
    });
    address
}

/// Sends text, unless the client has gone.
fn send(mut stream: &TcpStream, text: &str) -> bool {
    stream.write_all(text.as_bytes()).is_ok()
}

fn pause(milliseconds: u64) {
    thread::sleep(Duration::from_millis(milliseconds));
}

/// The line and headers of a request. Content that came with them is lost.
fn request(stream: impl Read) -> String {
    head(&mut BufReader::new(stream))
}

fn head(reader: &mut impl BufRead) -> String {
    let lines = reader.lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).map(|line| line + "\n").collect()
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

/// Settings that do not wait long for a server, and do not ask it again.
fn impatient() -> Settings {
    Settings { stall: Duration::from_millis(300), retries: Retries::NONE, ..Settings::default() }
}

fn get(url: &str, settings: &Settings) -> Result<(Option<u64>, String), String> {
    let url = url.parse::<Url>().expect("a URL");
    let response = Client::new(settings).get(&url).map_err(|error| error.to_string())?;
    let (size, mut text) = (response.size(), String::new());
    response.into_body().read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok((size, text))
}
