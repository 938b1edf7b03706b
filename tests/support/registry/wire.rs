//! HTTP/1.1 as it comes in: requests, and the streams that carry them.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::SocketAddr;

use percent_encoding::percent_decode_str;

/// A connection, plain or with TLS.
pub(crate) trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path, without the query.
    pub(crate) path: String,
    pub(crate) query: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The request line and the headers, byte for byte.
    pub(crate) head: Vec<u8>,
    pub(crate) body: Vec<u8>,
    /// The address of ours that it came to.
    pub(crate) to: SocketAddr,
    /// How many requests with the same method and path came before.
    pub(crate) number: usize,
}

impl Request {
    /// Reads the next request of a connection, but not its body; `None` at its end, or if what comes is no request.
    pub(super) fn read(stream: &mut BufReader<Box<dyn Stream>>, to: SocketAddr) -> Option<Self> {
        let head = read_head(stream).ok()?;
        let text = String::from_utf8_lossy(&head).into_owned();
        let mut lines = text.lines();
        let mut words = lines.next()?.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let (path, query) = (path.to_owned(), query.to_owned());
        Some(Self { method, path, query, headers, head, body: Vec::new(), to, number: 0 })
    }

    /// Reads the body, or at most so many bytes of it; gives whether that is all.
    pub(super) fn read_body(&mut self, stream: &mut BufReader<Box<dyn Stream>>, most: Option<usize>) -> Option<bool> {
        if self.is_chunked() {
            let (body, is_all) = read_chunks(stream, most).ok()?;
            self.body = body;
            return Some(is_all);
        }
        let length = self.length();
        let wanted = most.unwrap_or(length).min(length);
        stream.take(wanted as u64).read_to_end(&mut self.body).ok()?;
        Some(self.body.len() == length)
    }

    /// How long the body is said to be.
    pub(crate) fn length(&self) -> usize {
        self.header("content-length").map_or(0, |text| text.parse().expect("a length"))
    }

    /// Whether the length of the body is not said, as it comes in chunks.
    pub(crate) fn is_chunked(&self) -> bool {
        self.header("transfer-encoding") == Some("chunked")
    }

    /// Whether the client waits to be told to send the body.
    pub(super) fn waits(&self) -> bool {
        self.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    }

    /// The value of a header; the name is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The parameters of the query, decoded; one that comes several times has several values.
    pub(crate) fn query(&self) -> BTreeMap<String, Vec<String>> {
        form(&self.query)
    }

    /// The first value of a parameter of the query.
    pub(crate) fn param(&self, name: &str) -> Option<String> {
        self.query().remove(name).and_then(|values| values.into_iter().next())
    }

    /// Whether it asks for a blob.
    pub(crate) fn is_for_blob(&self) -> bool {
        self.path.contains("/blobs/")
    }

    /// Whether it is for an upload, wherever the registry has those.
    pub(crate) fn is_for_upload(&self) -> bool {
        ["/uploads/", "/upload/"].iter().any(|part| self.path.contains(part))
    }

    /// Whether it asks for a manifest.
    pub(crate) fn is_for_manifest(&self) -> bool {
        self.path.contains("/manifests/")
    }

    /// All that was said: request line, headers and body.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        [&self.head[..], &self.body].concat()
    }
}

/// `a=1&b=2`, decoded.
pub(super) fn form(text: &str) -> BTreeMap<String, Vec<String>> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        all.entry(decode(name)).or_default().push(decode(value));
    }
    all
}

/// Everything up to the empty line.
fn read_head(stream: &mut BufReader<Box<dyn Stream>>) -> io::Result<Vec<u8>> {
    // A client that tries TLS first waits for an answer.
    if stream.fill_buf()?.first().is_some_and(|first| !first.is_ascii_uppercase()) {
        stream.get_mut().write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n")?;
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut head = Vec::new();
    loop {
        let start = head.len();
        stream.read_until(b'\n', &mut head)?;
        match &head[start..] {
            b"" => return Err(io::ErrorKind::UnexpectedEof.into()),
            b"\r\n" | b"\n" => return Ok(head),
            _ => {}
        }
    }
}

/// A body in chunks, as skopeo sends forms: each behind its length, and nothing behind the last one, which is empty. Not
/// more than so many bytes; gives whether that is all.
fn read_chunks(stream: &mut impl io::BufRead, most: Option<usize>) -> io::Result<(Vec<u8>, bool)> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        let start = body.len();
        body.resize(start + length, 0);
        stream.read_exact(&mut body[start..])?;
        stream.read_line(&mut String::new())?;
        if length == 0 {
            return Ok((body, true));
        }
        if most.is_some_and(|most| body.len() > most) {
            return Ok((body, false));
        }
    }
}
