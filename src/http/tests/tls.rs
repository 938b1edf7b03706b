//! Servers with good and bad certificates, and servers that want one of us.

use std::io::Write;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::*;

/// A certificate, and the key to it.
struct Pair {
    params: CertificateParams,
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Pair {
    fn der(&self) -> Vec<u8> {
        self.certificate.to_vec()
    }

    fn pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }

    fn key_pem(&self) -> String {
        pem("PRIVATE KEY", &self.key.serialize_der())
    }

    fn identity(&self) -> Result<Identity, IdentityError> {
        Identity::from_pem(self.pem().as_bytes(), self.key_pem().as_bytes())
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

/// A certificate for `localhost` as `change` makes it, signed by an authority or by itself.
fn made(authority: Option<&Pair>, change: impl FnOnce(&mut CertificateParams)) -> Pair {
    let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    params.distinguished_name.push(DnType::CommonName, "localhost");
    change(&mut params);
    let key = KeyPair::generate().expect("a key");
    let certificate = match authority {
        Some(authority) => params.signed_by(&key, &Issuer::from_params(&authority.params, &authority.key)),
        None => params.self_signed(&key),
    };
    Pair { certificate: certificate.expect("a certificate").der().clone(), params, key }
}

fn authority(name: &str) -> Pair {
    made(None, |params| {
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    })
}

/// How a server with this certificate speaks TLS. It wants one of the clients' authority, if there is one.
fn config(pair: &Pair, clients: Option<&Pair>) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let config = config.with_safe_default_protocol_versions().expect("versions");
    let config = match clients {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.certificate.clone()).expect("a certificate");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            config.with_client_cert_verifier(verifier.expect("roots"))
        }
    };
    let key = PrivateKeyDer::Pkcs8(pair.key.serialize_der().into());
    Arc::new(config.with_single_cert(vec![pair.certificate.clone()], key).expect("a certificate and its key"))
}

type Secret<S> = StreamOwned<ServerConnection, S>;

/// A server that treats what is in its connections as `treat` does, when it was asked.
fn secretly(config: Arc<ServerConfig>, treat: impl Fn(&mut Secret<TcpStream>) + Send + Sync + 'static) -> SocketAddr {
    scripted(move |_, stream| {
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).expect("a session"), stream);
        if !request(&mut stream).is_empty() {
            treat(&mut stream);
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    })
}

/// A server that says who asked it over TLS.
fn serve_secretly(pair: &Pair, clients: Option<&Pair>) -> SocketAddr {
    secretly(config(pair, clients), |stream| {
        let who = stream.conn.peer_certificates().map_or("nobody", |_| "somebody");
        let _ = stream.write_all(ok(who).as_bytes());
    })
}

/// A server that sends what `answer` does over TLS, and a client's settings that trust it.
pub(super) fn trusted(answer: impl Fn(&mut dyn Write) + Send + Sync + 'static) -> (Url, Settings) {
    let pair = made(None, |_| {});
    let at = secretly(config(&pair, None), move |stream| answer(stream));
    (format!("https://localhost:{}/", at.port()).parse().expect("a URL"), trusting(&pair))
}

/// A server `server.invalid` behind `tunnel`, which treats what comes before TLS: its URL, where the tunnel is, and a
/// client's settings that trust the server.
pub(super) fn behind(
    tunnel: impl Fn(&TcpStream) + Send + Sync + 'static,
    answer: impl Fn(&str) -> String + Send + Sync + 'static,
) -> (String, SocketAddr, Settings) {
    let pair = made(None, |params| {
        params.subject_alt_names =
            CertificateParams::new(["server.invalid".to_owned()]).expect("a name").subject_alt_names;
    });
    let config = config(&pair, None);
    let at = scripted(move |_, stream| {
        tunnel(&stream);
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).expect("a session"), stream);
        let asked = request(&mut stream);
        let _ = stream.write_all(answer(&asked).as_bytes());
        stream.conn.send_close_notify();
        let _ = stream.flush();
    });
    ("https://server.invalid/".to_owned(), at, trusting(&pair))
}

/// A proxy that is reached by TLS, and itself is the server at the end of its tunnels: the URL of that, the address of
/// the proxy, and a client's settings that trust both.
pub(super) fn nested() -> (String, String, Settings) {
    let names = ["localhost".to_owned(), "server.invalid".to_owned()];
    let pair = made(None, |params| {
        params.subject_alt_names = CertificateParams::new(names).expect("names").subject_alt_names;
    });
    let inner = config(&pair, None);
    let at = secretly(config(&pair, None), move |tunnel| {
        tunnel.write_all(b"HTTP/1.1 200 Established\r\n\r\n").expect("a client");
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&inner)).expect("a session"), tunnel);
        request(&mut stream);
        let _ = stream.write_all(ok("nested").as_bytes());
        let _ = stream.flush();
    });
    ("https://server.invalid/".to_owned(), format!("https://localhost:{}", at.port()), trusting(&pair))
}

fn trusting(authority: &Pair) -> Settings {
    Settings { roots: vec![authority.der()], retries: Retries::NONE, ..Settings::default() }
}

/// What a server with a certificate is told, if only `trusted` is trusted.
fn verdict(pair: &Pair, trusted: &Pair) -> Result<String, String> {
    let url = format!("https://localhost:{}/", serve_secretly(pair, None).port());
    let prefix = format!("{url}: the server's certificate is not trusted: ");
    get(&url, &trusting(trusted)).map(|(_, text)| text).map_err(|error| error.replacen(&prefix, "", 1))
}

#[test]
fn certificates_are_checked() {
    let known = authority("Known");
    let day = |params: &mut CertificateParams, from, to| {
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 31), date_time_ymd(to, 1, 31));
    };
    let verdict = |pair: &Pair| verdict(pair, &known);
    assert_eq!(verdict(&made(Some(&known), |_| {})), Ok("nobody".to_owned()));
    let no = |pair: &Pair| verdict(pair).expect_err("not trusted");
    assert_eq!(no(&made(Some(&authority("Other")), |_| {})), "signed by an unknown certificate authority");
    assert_eq!(no(&made(Some(&authority("Known")), |_| {})), "signed by an unknown certificate authority");
    assert_eq!(no(&made(None, |_| {})), "self-signed");
    assert_eq!(no(&authority("localhost")), "self-signed");
    assert_eq!(no(&made(Some(&known), |params| day(params, 2001, 2002))), "expired on 2002-01-31");
    assert_eq!(no(&made(Some(&known), |params| day(params, 2901, 2902))), "not valid before 2901-01-31");
    let elsewhere = |params: &mut CertificateParams| {
        params.subject_alt_names = CertificateParams::new(["a.test".into(), "*.b.test".into(), "10.0.0.1".into()])
            .expect("names")
            .subject_alt_names;
    };
    assert_eq!(no(&made(Some(&known), elsewhere)), "for other hosts: a.test, *.b.test, 10.0.0.1");
    let nameless = |params: &mut CertificateParams| params.subject_alt_names.clear();
    assert_eq!(no(&made(Some(&known), nameless)), "for no host (a common name alone is none)");
}

#[test]
fn a_certificate_may_be_trusted_itself() {
    let itself = made(None, |_| {});
    assert_eq!(verdict(&itself, &itself), Ok("nobody".to_owned()));
    assert_eq!(verdict(&made(None, |_| {}), &itself), Err("self-signed".to_owned()), "another of the same name");
    // `openssl req -x509` makes it an authority, too.
    let both = authority("localhost");
    assert_eq!(verdict(&both, &both), Ok("nobody".to_owned()));
    let as_both = |change: &dyn Fn(&mut CertificateParams)| {
        let pair = made(None, |params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            change(params);
        });
        verdict(&pair, &pair).expect_err("not trusted")
    };
    let old = as_both(&|params| params.not_after = date_time_ymd(2002, 1, 31));
    assert_eq!(old, "expired on 2002-01-31");
    let elsewhere = as_both(&|params| {
        params.subject_alt_names = CertificateParams::new(["a.test".to_owned()]).expect("a name").subject_alt_names;
    });
    assert_eq!(elsewhere, "for other hosts: a.test");
}

#[test]
fn authorities_come_beside_the_systems() {
    let (system, extra) = (authority("System"), authority("Extra"));
    let at = |authority| format!("https://localhost:{}/", serve_secretly(&made(Some(authority), |_| {}), None).port());
    let (of_system, of_extra) = (at(&system), at(&extra));
    let alone =
        Settings { trust: vec![PathBuf::from("/etc/ssl/certs"), PathBuf::from("/x/ca.crt")], ..trusting(&system) };
    let why = get(&of_extra, &alone).expect_err("unknown");
    let read = "signed by an unknown certificate authority (certificates were read from /etc/ssl/certs, /x/ca.crt)";
    assert!(why.ends_with(read), "{why}");
    let both = Settings { extra_roots: vec![extra.der()], ..alone };
    assert!(get(&of_system, &both).is_ok() && get(&of_extra, &both).is_ok());
    // Without the system's, Mozilla's are not lost.
    let without = Settings { extra_roots: vec![extra.der()], ..Settings::default() };
    assert!(get(&of_extra, &without).is_ok());
    let why = get(&of_system, &without).expect_err("unknown");
    assert!(why.ends_with("authority (certificates were read from Mozilla's list in imgtool)"), "{why}");
}

#[test]
fn the_user_may_trust_any_certificate() {
    let known = authority("Known");
    let at = |pair: &Pair| format!("https://localhost:{}/", serve_secretly(pair, None).port());
    let own = at(&made(None, |params| params.not_after = date_time_ymd(2002, 1, 31)));
    let named = Settings { any_certificate: true, ..trusting(&known) };
    assert_eq!(get(&own, &named), Ok((Some(6), "nobody".to_owned())));
    assert!(get(&own, &trusting(&known)).is_err());
    // Not where such a server leads to.
    let (from, to) = (own.parse::<Url>().expect("a URL"), at(&made(None, |_| {})).parse::<Url>().expect("a URL"));
    let led = Client::new(&named).send(Request::new(Method::Get, &to).foreign(&from));
    assert!(matches!(led, Err(Error::Certificate { .. })));
}

#[test]
fn who_wants_a_certificate_gets_one() {
    let (servers, clients, others) = (authority("Servers"), authority("Clients"), authority("Others"));
    let server = made(Some(&servers), |_| {});
    let open = serve_secretly(&server, None);
    let at = serve_secretly(&server, Some(&clients));
    let url = format!("https://localhost:{}/", at.port());
    let with = |identity: Option<Identity>| Settings { identity, ..trusting(&servers) };
    let identity = |authority| Some(made(Some(authority), |_| {}).identity().expect("a certificate and its key"));
    assert_eq!(get(&url, &with(identity(&clients))), Ok((Some(8), "somebody".to_owned())));
    for _ in 0..10 {
        let why = get(&url, &with(None)).expect_err("nobody");
        assert_eq!(why, format!("{url}: the server wants a client certificate: CertificateRequired"));
        let why = get(&url, &with(identity(&others))).expect_err("somebody else");
        assert!(why.starts_with(&format!("{url}: the server wants another client certificate: ")), "{why}");
    }

    // It is not shown to servers that the user did not name.
    let asks_for_more = format!("https://localhost:{}/x", open.port());
    let foreign = |namer: &str| {
        let (namer, url) = (namer.parse::<Url>().expect("a URL"), url.parse::<Url>().expect("a URL"));
        let request = Request::new(Method::Get, &url).foreign(&namer);
        Client::new(&with(identity(&clients))).send(request).map(|answer| answer.status())
    };
    assert!(matches!(foreign(&url), Ok(200)));
    assert!(foreign(&asks_for_more).is_err());
}

#[test]
fn what_is_no_certificate_is_said() {
    let (one, other) = (made(None, |_| {}), made(None, |_| {}));
    let read = |chain: &str, key: &str| Identity::from_pem(chain.as_bytes(), key.as_bytes()).map(|_| ());
    assert_eq!(read(&one.pem(), &one.key_pem()), Ok(()));
    assert_eq!(read(&one.pem(), &other.key_pem()), Err(IdentityError::OtherKey));
    assert_eq!(read(&one.key_pem(), &one.key_pem()), Err(IdentityError::NoCertificate));
    assert_eq!(read(&one.pem(), &one.pem()), Err(IdentityError::NoKey));
    assert!(matches!(read(&one.pem(), &pem("PRIVATE KEY", b"none")), Err(IdentityError::Unusable { .. })));
    let text = format!("# comment\n{}{}{}", one.pem(), one.key_pem(), other.pem());
    assert_eq!(certificates_from_pem(text.as_bytes()), [one.der(), other.der()]);
    let broken = format!("-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n{}-----BEGIN", one.pem());
    assert_eq!(certificates_from_pem(broken.as_bytes()), [one.der()]);
    let shown = format!("{:?}", one.identity());
    assert_eq!(shown, "Ok(Identity(1 certificates))");
}

#[test]
fn a_server_without_tls_is_none_of_https() {
    let at = serve(|_| ok(""));
    let error = Client::new(&Settings::default()).get(&format!("https://{at}/").parse().expect("a URL")).map(|_| ());
    assert!(matches!(error, Err(Error::NotTls { .. })), "{error:?}");
    assert!(error.is_err_and(|error| !error.is_passing()));
}

#[test]
fn a_trickle_inside_of_tls_is_a_stall() {
    // The records are cut into single bytes, of which the client can make nothing before a record is complete.
    let pair = made(None, |_| {});
    let config = config(&pair, None);
    let at = scripted(move |_, stream| {
        let socket = stream.try_clone().expect("a socket");
        let mut session = ServerConnection::new(Arc::clone(&config)).expect("a session");
        request(rustls::Stream::new(&mut session, &mut &socket));
        session.writer().write_all(ok(&"x".repeat(9000)).as_bytes()).expect("room");
        let mut records = Vec::new();
        while session.wants_write() {
            session.write_tls(&mut records).expect("memory");
        }
        for byte in records {
            let _ = (&stream).write_all(&[byte]);
            pause(5);
        }
    });
    let url = format!("https://localhost:{}/", at.port()).parse::<Url>().expect("a URL");
    let settings = Settings { stall: Duration::from_millis(300), ..trusting(&pair) };
    let started = std::time::Instant::now();
    let error = Client::new(&settings).get(&url).map(|_| ()).expect_err("too slow");
    assert!(error.is_passing() && started.elapsed() < Duration::from_secs(3), "{error}");
}

#[test]
fn a_body_that_is_cut_without_the_end_of_tls_is_not_whole() {
    let pair = made(None, |_| {});
    let config = config(&pair, None);
    let ask = |ends_well: bool| {
        let config = Arc::clone(&config);
        let at = scripted(move |_, stream| {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).expect("a session"), stream);
            request(&mut stream);
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello").expect("a client");
            if ends_well {
                stream.conn.send_close_notify();
            }
            stream.flush().expect("a client");
        });
        let url = format!("https://localhost:{}/", at.port()).parse::<Url>().expect("a URL");
        Client::new(&trusting(&pair)).get(&url).and_then(|answer| answer.bytes(10))
    };
    assert_eq!(ask(true).expect("a body"), b"hello");
    let error = ask(false).expect_err("a cut");
    assert!(error.to_string().ends_with("the server closed the connection before the end"), "{error}");
}
