//! `imgtool serve` as a child of the test, and a client that says exactly what a test wants to be said.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use super::session::Session;

/// A running server, killed when it is dropped.
pub(crate) struct Serving {
    child: Child,
    /// `127.0.0.1:PORT`
    pub(crate) host: String,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: u16,
    /// By their names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Serving {
    /// Serves the store of `session` at a free port of the loopback.
    pub(crate) fn start(session: &Session, flags: &[&str]) -> Self {
        Self::start_logging(session, flags, Stdio::null())
    }

    /// As [`Serving::start`], and the log of requests goes there.
    pub(crate) fn start_logging(session: &Session, flags: &[&str], log: Stdio) -> Self {
        Self::start_telling(session, flags, log, std::io::sink())
    }

    /// As [`Serving::start_logging`], and what it says on standard error goes to `told`.
    pub(crate) fn start_telling(
        session: &Session,
        flags: &[&str],
        log: Stdio,
        told: impl std::io::Write + Send + 'static,
    ) -> Self {
        let mut command = session.command(&["serve", "--addr", "127.0.0.1:0"]);
        command.args(flags).stdin(Stdio::null());
        Self::spawn(command, log, told)
    }

    /// As [`Serving::start`], by another program that is given the command.
    pub(crate) fn start_by(session: &Session, by: &[&str], flags: &[&str]) -> Self {
        let own = session.command(&["serve", "--addr", "127.0.0.1:0"]);
        let mut command = std::process::Command::new(by[0]);
        command.args(&by[1..]).arg(own.get_program()).args(own.get_args()).args(flags).env_clear();
        command
            .envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .current_dir(session.work())
            .stdin(Stdio::null());
        Self::spawn(command, Stdio::null(), std::io::sink())
    }

    /// As [`Serving::start_telling`], by a command as it is.
    pub(crate) fn spawn(
        mut command: std::process::Command,
        log: Stdio,
        mut told: impl std::io::Write + Send + 'static,
    ) -> Self {
        let mut child = command.stdout(log).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let mut lines = BufReader::new(child.stderr.take().expect("stderr was asked for"));
        let mut seen = String::new();
        let host = loop {
            let before = seen.len();
            let got = lines.read_line(&mut seen).expect("lines");
            assert!(got > 0, "the server does not say where it listens:\n{seen}");
            if let Some((_, rest)) = seen[before..].split_once("://") {
                break rest.trim().trim_end_matches('/').to_owned();
            }
        };
        // Nobody may block on a pipe that is full.
        thread::spawn(move || std::io::copy(&mut lines, &mut told));
        Self { child, host }
    }

    /// The value of a series of `/metrics`, if it is there and a whole number.
    pub(crate) fn metric(&self, series: &str) -> Option<u64> {
        let text = String::from_utf8(self.get("/metrics").expect(200).body).expect("text");
        text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.pid()).expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, signal).expect("it runs");
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        self.child.wait().expect("a child of ours")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end and waits until it has.
    pub(crate) fn stop(mut self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.pid()).expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is there");
        self.child.wait().expect("it ends");
    }

    /// Kills it, as `kill -9` does.
    pub(crate) fn kill(&self) {
        let pid = i32::try_from(self.pid()).ok().and_then(rustix::process::Pid::from_raw).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is there");
    }

    /// Sends a request in plain HTTP and reads the answer. `Host`, `Content-Length` and `Connection: close` are added.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Said {
        let mut head =
            vec![format!("{method} {path} HTTP/1.1"), format!("Host: {}", self.host), "Connection: close".to_owned()];
        head.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
        if !body.is_empty() || matches!(method, "PUT" | "POST" | "PATCH") {
            head.push(format!("Content-Length: {}", body.len()));
        }
        let mut stream = self.connect();
        stream.write_all((head.join("\r\n") + "\r\n\r\n").as_bytes()).expect("the head is sent");
        // A server may refuse before it has read all.
        let _ = stream.write_all(body);
        Said::read(&mut stream)
    }

    /// The same of a server that may be killed: none if there is no answer.
    pub(crate) fn attempt(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Said> {
        let extra: String = headers.iter().map(|(name, value)| [*name, ": ", *value, "\r\n"].concat()).collect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{extra}Content-Length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        let mut stream = TcpStream::connect(&self.host).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
        stream.write_all(head.as_bytes()).ok()?;
        let _ = stream.write_all(body);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        Said::parse(&bytes)
    }

    pub(crate) fn get(&self, path: &str) -> Said {
        self.ask("GET", path, &[], b"")
    }

    /// A connection, for what no client sends.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.host).expect("the server accepts");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        stream
    }

    /// Uploads a blob in one request and returns its digest.
    pub(crate) fn put_blob(&self, repository: &str, bytes: &[u8]) -> String {
        let digest = super::digest(bytes);
        let path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
        self.ask("POST", &path, &[("Content-Type", "application/octet-stream")], bytes).expect(201);
        digest
    }

    /// Puts a manifest and returns its digest.
    pub(crate) fn put_manifest(&self, repository: &str, reference: &str, kind: &str, bytes: &[u8]) -> String {
        let path = format!("/v2/{repository}/manifests/{reference}");
        self.ask("PUT", &path, &[("Content-Type", kind)], bytes).expect(201);
        super::digest(bytes)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Said {
    /// Reads an answer to the end of the connection.
    pub(crate) fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        // A connection that is reset behind the answer does not take it back.
        let _ = stream.read_to_end(&mut bytes);
        Self::parse(&bytes).unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(&bytes)))
    }

    /// An answer; none if its head is not whole.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok())?;
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        Some(Self { status, headers, body: bytes[end + 4..].to_vec() })
    }

    /// The answer, whose status must be this.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?} {}", self.headers, String::from_utf8_lossy(&self.body));
        self
    }

    /// A header.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name}: {:?}", self.headers))
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// The code of the first error in the body.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        self.json()["errors"][0]["code"].as_str().expect("a code").to_owned()
    }
}
