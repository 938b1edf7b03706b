//! Encrypted connections: certificates from files, and of an authority of our own.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::mpsc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::registry::tls::{Authority, Certificate};
use crate::support::serving::Serving;
use crate::support::session::Session;
use crate::support::tarball::pack;

/// What the server answers to `GET /v2/` of a client that trusts an authority; nothing, if they do not agree.
fn ask(serving: &Serving, authority: &str, version: &'static SupportedProtocolVersion) -> Option<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).expect("a certificate")).expect("a certificate");
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let config = builder.with_protocol_versions(&[version]).expect("a version");
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut stream = StreamOwned::new(connection, TcpStream::connect(&serving.host).expect("it accepts"));
    stream.write_all(b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut said = Vec::new();
    stream.read_to_end(&mut said).ok()?;
    Some(String::from_utf8_lossy(&said).into_owned())
}

fn write(session: &Session, certificate: &Certificate) {
    session.write("server.crt", certificate.pem());
    session.write("server.key", certificate.key_pem());
}

const FILES: [&str; 4] = ["--tls-cert", "server.crt", "--tls-key", "server.key"];

#[test]
fn both_versions_are_spoken_and_plain_requests_are_told_so() {
    let (session, client, authority) = (Session::new(), Session::new(), Authority::new());
    session.load(&pack(&producers::docker_save(&[TestImage::of("demo:1", "a")])));
    write(&session, &authority.certify(&["localhost", "127.0.0.1"]));
    let serving = Serving::start(&session, &FILES);
    for version in [&TLS12, &TLS13] {
        let said = ask(&serving, &authority.pem(), version).expect("an answer");
        assert!(said.starts_with("HTTP/1.1 200 "), "{version:?}: {said}");
    }
    assert_eq!(ask(&serving, &Authority::new().pem(), &TLS13), None);
    let said = serving.get("/v2/").expect(400);
    assert!(String::from_utf8_lossy(&said.body).contains("https://"), "{said:?}");
    client.write("ca.pem", authority.pem());
    client.ok(&["pull", "--tls-ca", "ca.pem", &format!("{}/demo:1", serving.host)]);
    client.ok(&["tag", &format!("{}/demo:1", serving.host), &format!("{}/new:1", serving.host)]);
    client.ok(&["push", "--tls-ca", "ca.pem", &format!("{}/new:1", serving.host)]);
    assert_eq!(session.inspect("new:1")["Id"], session.inspect("demo:1")["Id"]);
}

#[test]
fn the_certificate_is_read_again_when_it_changes_and_a_broken_one_is_not_taken() {
    let (session, first, second) = (Session::new(), Authority::new(), Authority::new());
    write(&session, &first.certify(&["localhost"]));
    let serving = Serving::start(&session, &FILES);
    assert!(ask(&serving, &first.pem(), &TLS13).is_some());
    write(&session, &second.certify(&["localhost"]));
    while ask(&serving, &second.pem(), &TLS13).is_none() {}
    assert!(ask(&serving, &first.pem(), &TLS13).is_none());
    session.write("server.key", first.certify(&["localhost"]).key_pem());
    serving.signal(rustix::process::Signal::HUP);
    for _ in 0..20 {
        assert!(ask(&serving, &second.pem(), &TLS13).is_some());
    }
}

#[test]
fn certificates_that_cannot_be_used_are_refused_with_the_way_out() {
    let (session, authority) = (Session::new(), Authority::new());
    let certificate = authority.certify(&["localhost"]);
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let (pem, key) = (certificate.pem(), certificate.key_pem());
    for (chain, key, expected) in [
        ("", &*key, "server.crt: there is no certificate in PEM"),
        (&key, &key, "server.crt: there is no certificate in PEM"),
        (&pem, "", "server.key: there is no private key in PEM"),
        (&pem, &pem, "server.key: there is no private key in PEM"),
        (&pem, encrypted, "server.key: the private key is encrypted: openssl pkey -in server.key"),
        (&pem, &authority.certify(&["x"]).key_pem(), "is not that of the certificate in server.crt"),
    ] {
        session.write("server.crt", chain);
        session.write("server.key", key);
        session.run(&[&["serve", "--addr", "127.0.0.1:0"], &FILES[..]].concat()).fails(1, &[expected]);
    }
    let serve = |flags: &[&str]| session.run(&[&["serve", "--addr", "127.0.0.1:0"], flags].concat());
    serve(&["--tls-cert", "server.crt"]).fails(1, &["--tls-key FILE"]);
    serve(&["--tls-key", "server.key"]).fails(1, &["--tls-cert FILE"]);
    serve(&["--tls-cert", "absent", "--tls-key", "absent"]).fails(1, &["cannot read absent"]);
    serve(&["--tls-self-signed", "a b"]).fails(1, &["is not the name or the IP address of a server"]);
}

/// A writer whose lines arrive elsewhere.
struct Lines(mpsc::Sender<String>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_authority_of_its_own_is_made_once_and_told_how_to_trust() {
    let session = Session::new();
    let (sender, told) = mpsc::channel();
    let flags = ["--tls-self-signed", "registry.example.com,192.0.2.7"];
    let serving = Serving::start_telling(&session, &flags, std::process::Stdio::null(), Lines(sender));
    let file = |name: &str| session.store().join("imgtool/tls").join(name);
    let authority = std::fs::read_to_string(file("ca.crt")).expect("the authority");
    assert_eq!(file("ca.key").metadata().expect("its key").permissions().mode() & 0o777, 0o600);
    assert!(ask(&serving, &authority, &TLS13).expect("an answer").starts_with("HTTP/1.1 200 "));
    let port = serving.host.rsplit(':').next().expect("a port").to_owned();
    let wanted = format!("docker pull 192.0.2.7:{port}/IMAGE");
    let mut heard = String::new();
    while !heard.contains(&wanted) {
        heard += &told.recv().expect("it is told");
    }
    assert!(heard.contains(&format!("sudo mkdir -p /etc/docker/certs.d/registry.example.com:{port}\n")), "{heard}");
    assert!(heard.contains(&format!("/etc/docker/certs.d/registry.example.com:{port}/ca.crt\n")), "{heard}");
    drop(serving);
    let serving = Serving::start(&session, &flags);
    assert!(ask(&serving, &authority, &TLS12).is_some());
    session.ok(&["verify"]);
    session.ok(&["image", "prune", "-f"]);
    assert!(file("ca.key").exists());
}
