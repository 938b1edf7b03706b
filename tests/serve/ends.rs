//! How the server begins and ends: signals, systemd, sockets.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::Stdio;

use rustix::process::Signal;

use crate::support::digest;
use crate::support::serving::{Said, Serving};
use crate::support::session::Session;

/// How much of a body is sent at first: more than the server gathers before it writes.
const SENT: usize = 300_000;

/// Begins to send a body, which ends with `the end`.
fn begin(stream: &mut std::net::TcpStream, place: &str) {
    let length = SENT + b"the end".len();
    let head = format!("PATCH {place} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("it is sent");
    stream.write_all(&vec![7; SENT]).expect("it is sent");
}

#[test]
fn what_is_being_sent_is_finished_and_idle_connections_end_at_once() {
    let session = Session::new();
    let mut serving = Serving::start(&session, &[]);
    let mut idle = serving.connect();
    let place = serving.ask("POST", "/v2/demo/blobs/uploads/", &[], b"").expect(202).header("location").to_owned();
    let mut busy = serving.connect();
    begin(&mut busy, &place);
    // The request is known to be on its way.
    while serving.get(&place).header("range") == "0-0" {}
    serving.signal(Signal::TERM);
    assert_eq!(idle.read(&mut [0; 1]).expect("the end"), 0);
    busy.write_all(b"the end").expect("it is sent");
    Said::read(&mut busy).expect(202);
    assert_eq!(serving.wait().code(), Some(0));
    let serving = Serving::start(&session, &[]);
    let end = format!("{place}?digest={}", digest(&[vec![7; SENT], b"the end".to_vec()].concat()));
    serving.ask("PUT", &end, &[], b"").expect(201);
}

#[test]
fn what_does_not_end_in_time_can_go_on_later() {
    let session = Session::new();
    let mut serving = Serving::start(&session, &["--stop-timeout", "1"]);
    let place = serving.ask("POST", "/v2/demo/blobs/uploads/", &[], b"").expect(202).header("location").to_owned();
    let mut busy = serving.connect();
    begin(&mut busy, &place);
    while serving.get(&place).header("range") == "0-0" {}
    serving.signal(Signal::TERM);
    assert_eq!(serving.wait().code(), Some(0));
    let serving = Serving::start(&session, &[]);
    assert_ne!(serving.get(&place).expect(204).header("range"), "0-0");
}

#[test]
fn a_hangup_makes_it_read_its_files_again() {
    let session = Session::new();
    let serving = Serving::start(&session, &[]);
    for _ in 0..3 {
        serving.signal(Signal::HUP);
        serving.get("/v2/").expect(200);
    }
}

#[test]
fn a_unix_socket_is_for_its_owner_and_group_and_goes_with_the_server() {
    let session = Session::new();
    let path = session.work().join("serve.sock");
    let mut serving = Serving::start(&session, &["--addr", "unix:serve.sock"]);
    let ask = || {
        let mut stream = UnixStream::connect(&path).expect("it listens");
        stream.write_all(b"GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("it is sent");
        let mut said = String::new();
        stream.read_to_string(&mut said).expect("text");
        said
    };
    while !path.exists() {}
    assert!(ask().starts_with("HTTP/1.1 200 "));
    assert_eq!(path.metadata().expect("it is there").permissions().mode() & 0o777, 0o660);
    serving.signal(Signal::TERM);
    serving.wait();
    assert!(!path.exists());
    // What a killed server leaves is no hindrance.
    let serving = Serving::start(&session, &["--addr", "unix:serve.sock"]);
    serving.signal(Signal::KILL);
    drop(serving);
    let _serving = Serving::start(&session, &["--addr", "unix:serve.sock"]);
    while UnixStream::connect(&path).is_err() {}
    assert!(ask().starts_with("HTTP/1.1 200 "));
}

#[test]
fn sockets_of_systemd_are_listened_at() {
    let session = Session::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let own = session.command(&["serve"]);
    let mut command = std::process::Command::new("/bin/sh");
    command.args(["-c", "exec env LISTEN_PID=$$ LISTEN_FDS=1 \"$0\" \"$@\" 3<&0"]);
    command.arg(own.get_program()).args(own.get_args()).current_dir(session.work()).env_clear();
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("PATH", "/usr/bin:/bin");
    command.stdin(Stdio::from(OwnedFd::from(listener)));
    let serving = Serving::spawn(command, Stdio::null(), std::io::sink());
    assert_eq!(serving.host, address);
    serving.get("/v2/").expect(200);
    // Those of another process are not.
    let other =
        session.command(&["serve", "--addr", "192.0.2.1:1"]).env("LISTEN_PID", "1").env("LISTEN_FDS", "1").output();
    assert!(String::from_utf8_lossy(&other.expect("it runs").stderr).contains("unencrypted"));
}

#[test]
fn systemd_hears_when_it_is_ready_and_when_it_ends() {
    let session = Session::new();
    let path = session.work().join("notify.sock");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(std::time::Duration::from_secs(60))).expect("a timeout");
    let heard = || {
        let mut bytes = [0; 100];
        let length = socket.recv(&mut bytes).expect("it is told");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let variable = format!("NOTIFY_SOCKET={}", path.display());
    let mut serving = Serving::start_by(&session, &["/usr/bin/env", &variable], &[]);
    assert_eq!(heard(), "READY=1");
    serving.signal(Signal::HUP);
    assert_eq!([heard(), heard()], ["RELOADING=1", "READY=1"]);
    serving.signal(Signal::TERM);
    assert_eq!(heard(), "STOPPING=1");
    assert_eq!(serving.wait().code(), Some(0));
}

#[test]
fn without_encryption_only_this_machine_is_served() {
    let session = Session::new();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", ":0", "[::ffff:192.0.2.1]:0"] {
        let ways = ["--tls-cert", "--tls-self-signed", "--insecure"];
        session.run(&["serve", "--addr", address]).fails(1, &ways);
    }
    Serving::start(&session, &["--addr", "0.0.0.0:0", "--insecure"]).get("/v2/").expect(200);
    Serving::start(&session, &["--addr", "[::1]:0"]).get("/v2/").expect(200);
}
