//! A proxy for TLS that leads hosts of the world to servers of a test.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A proxy on the loopback, as `HTTPS_PROXY` names one.
pub(crate) struct Tunnel {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Tunnel {
    /// Leads each of these hosts, `index.docker.io:443`, to its server, and refuses all others.
    pub(crate) fn to(servers: &[(&str, SocketAddr)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let servers: BTreeMap<String, SocketAddr> =
            servers.iter().map(|(host, server)| ((*host).to_owned(), *server)).collect();
        let (servers, asked) = (Arc::new(servers), Arc::<Mutex<Vec<String>>>::default());
        let all = Arc::clone(&asked);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (servers, asked) = (Arc::clone(&servers), Arc::clone(&all));
                // A client that went away is nobody's problem.
                thread::spawn(move || drop(lead(&client, &servers, &asked)));
            }
        });
        Self { address, asked }
    }

    /// What `HTTPS_PROXY` is to say.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The hosts that were asked for, each time.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no thread panicked").clone()
    }
}

fn lead(client: &TcpStream, servers: &BTreeMap<String, SocketAddr>, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    // Behind the head the client waits for the answer: nothing else is read by this.
    let lines = BufReader::new(client).lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let host = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    asked.lock().expect("no thread panicked").push(host.to_owned());
    let mut answers = client;
    let Some(server) = servers.get(host) else {
        return answers.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    };
    let server = TcpStream::connect(server)?;
    answers.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let (up, down) = ((client.try_clone()?, server.try_clone()?), (server, client.try_clone()?));
    let pass = |(mut from, mut to): (TcpStream, TcpStream)| {
        let _gone = io::copy(&mut from, &mut to);
        to.shutdown(Shutdown::Write)
    };
    let upwards = thread::spawn(move || pass(up));
    pass(down)?;
    upwards.join().expect("it does not panic")
}
