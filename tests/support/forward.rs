//! A proxy of the kind that `$HTTPS_PROXY` and `$HTTP_PROXY` name. Its names lead where a test wants, so that a server on
//! the loopback can be one of the wide world; and it remembers what it was told.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::registry::records::{holds, spellings};

/// A proxy on the loopback. Its threads end with the tests.
pub(crate) struct Forward {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

type Routes = BTreeMap<String, SocketAddr>;

impl Forward {
    /// A proxy that knows these servers by `name:port`, and no others.
    pub(crate) fn to(routes: &[(&str, SocketAddr)]) -> Self {
        let routes: Routes = routes.iter().map(|(name, address)| ((*name).to_owned(), *address)).collect();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let heads = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&heads);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (routes, heard) = (routes.clone(), Arc::clone(&heard));
                // Who asked may have gone.
                thread::spawn(move || drop(forward(client, &routes, &heard)));
            }
        });
        Self { address, heads }
    }

    /// `http://127.0.0.1:PORT`, with a user and a password if it is asked with them.
    pub(crate) fn url(&self, user: Option<(&str, &str)>) -> String {
        let user = user.map(|(user, password)| format!("{user}:{password}@")).unwrap_or_default();
        format!("http://{user}{}", self.address)
    }

    /// What each connection began with: the request line and the headers.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The servers that were asked for, each once, in order of their names.
    pub(crate) fn asked(&self) -> Vec<String> {
        let mut all: Vec<String> = self.heads().iter().filter_map(|head| target(head).map(|(name, _)| name)).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Fails if a secret was ever said here, in whatever spelling.
    pub(crate) fn never_heard(&self, secrets: &[&str]) {
        for head in self.heads() {
            for secret in secrets {
                let heard = spellings(secret).iter().any(|spelling| holds(head.as_bytes(), spelling.as_bytes()));
                assert!(!heard, "the proxy heard {secret:?}:\n{head}");
            }
        }
    }
}

/// The server that is asked for, with its port, and the path there; none if all that follows is for it.
fn target(head: &str) -> Option<(String, Option<String>)> {
    let mut words = head.lines().next()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    if method == "CONNECT" {
        return Some((target.to_owned(), None));
    }
    let (host, path) = target.strip_prefix("http://")?.split_once('/')?;
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    Some((host, Some(format!("{method} /{path} HTTP/1.1"))))
}

fn forward(mut client: TcpStream, routes: &Routes, log: &Mutex<Vec<String>>) -> io::Result<()> {
    let head = read_head(&mut client)?;
    log.lock().unwrap_or_else(PoisonError::into_inner).push(head.clone());
    let found = target(&head).and_then(|(name, line)| Some((routes.get(&name)?, line)));
    let Some((server, line)) = found else {
        return client.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let mut server = TcpStream::connect(server)?;
    match line {
        None => client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?,
        Some(line) => {
            let rest = head.lines().skip(1).filter(|line| !line.to_ascii_lowercase().starts_with("proxy-"));
            let lines: Vec<&str> = [line.as_str()].into_iter().chain(rest).collect();
            // One request a connection: the next one may be for another server.
            let lines = lines.join("\r\n").trim_end().to_owned();
            server.write_all(format!("{lines}\r\nConnection: close\r\n\r\n").as_bytes())?;
        }
    }
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ended = io::copy(&mut from, &mut to);
        let _ended = to.shutdown(Shutdown::Write);
    });
    let _ended = io::copy(&mut server, &mut client);
    client.shutdown(Shutdown::Both)
}

/// Everything up to the empty line, and no byte of what follows.
fn read_head(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
