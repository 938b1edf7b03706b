//! Real registries: distribution's, as people set it up.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::child::{Served, folder};
use super::token::{ISSUER, SERVICE, Signer};
use crate::peer;
use crate::support::registry::auth::{Auth, Issuer, user};
use crate::support::registry::tls::Authority;
use crate::support::registry::{Registry, Setup};

pub(crate) const USER: &str = "ada";
pub(crate) const PASSWORD: &str = "love lace:1";

/// The ways in which a registry is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Plain HTTP, for everybody.
    Plain,
    /// Plain HTTP, with users in a file.
    Password,
    /// TLS, for everybody.
    Tls,
    /// Behind nginx, which speaks TLS and asks for the password.
    Nginx,
    /// Plain HTTP, with tokens of an issuer.
    Token,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [Self::Plain, Self::Password, Self::Tls, Self::Nginx, Self::Token];

    pub(super) fn asks(self) -> bool {
        !matches!(self, Self::Plain | Self::Tls)
    }

    pub(super) fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Nginx)
    }
}

/// A registry, with what stands beside it. The fields end in order: first what is in front.
pub(super) struct Server {
    pub(super) kind: Kind,
    /// `127.0.0.1:PORT`
    pub(super) host: String,
    front: Option<Served>,
    registry: Served,
    /// Who gives its tokens.
    pub(super) issuer: Option<Registry>,
}

impl Server {
    /// Starts one; `None`, with a line that says so, if what it needs is not installed.
    pub(super) fn start(kind: Kind) -> Option<Self> {
        Self::start_with(kind, false)
    }

    /// One behind nginx that takes requests of so many bytes at most, as nginx has it: `1m`.
    pub(super) fn start_limited(most: &str) -> Option<Self> {
        Self::start_as(Kind::Nginx, false, most)
    }

    /// The same as `start`; whether manifests can be deleted.
    pub(super) fn start_with(kind: Kind, deletes: bool) -> Option<Self> {
        Self::start_as(kind, deletes, "0")
    }

    fn start_as(kind: Kind, deletes: bool, most: &str) -> Option<Self> {
        let needed: &[&str] = match kind {
            Kind::Plain | Kind::Tls | Kind::Token => &["docker-registry"],
            Kind::Password => &["docker-registry", "htpasswd"],
            Kind::Nginx => &["docker-registry", "htpasswd", "nginx"],
        };
        if !needed.iter().all(|name| peer::installed(name)) {
            return None;
        }
        let folder = folder();
        let (mut http, mut auth, mut issuer) = (String::new(), String::new(), None);
        match kind {
            Kind::Plain | Kind::Nginx => {}
            Kind::Password => {
                let file = write_passwords(folder.path());
                auth = format!("auth:\n  htpasswd:\n    realm: basic-realm\n    path: {}\n", file.display());
            }
            Kind::Tls => {
                write_certificate(folder.path());
                let at = folder.path().display();
                http = format!("  tls:\n    certificate: {at}/server.crt\n    key: {at}/server.key\n");
            }
            Kind::Token => {
                let (server, text) = start_issuer(folder.path());
                (issuer, auth) = (Some(server), text);
            }
        }
        let (registry, address) = start_registry(folder, &http, &auth, deletes);
        let (front, host) = match kind {
            Kind::Nginx => start_nginx(&address, most),
            _ => (None, address),
        };
        Some(Self { kind, host, front, registry, issuer })
    }

    /// A reference here: `127.0.0.1:PORT/team/app:1`.
    pub(super) fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.host)
    }

    /// A folder with `ca.crt`, if its certificate needs one.
    pub(super) fn trust(&self) -> Option<PathBuf> {
        let served = self.front.as_ref().unwrap_or(&self.registry);
        self.kind.is_secure().then(|| served.file("ca"))
    }

    /// What skopeo and podman need to know of it; `prefix` is `src-`, `dest-` or nothing.
    pub(super) fn flags(&self, prefix: &str) -> Vec<String> {
        let mut flags = match self.trust() {
            Some(folder) => vec![format!("--{prefix}cert-dir={}", folder.display())],
            None => vec![format!("--{prefix}tls-verify=false")],
        };
        if self.kind.asks() {
            flags.push(format!("--{prefix}creds={USER}:{PASSWORD}"));
        }
        flags
    }

    /// What it has written about itself, for a test that failed.
    pub(super) fn log(&self) -> String {
        self.registry.log()
    }
}

fn start_registry(folder: TempDir, http: &str, auth: &str, deletes: bool) -> (Served, String) {
    let root = folder.path().join("data");
    let storage =
        format!("storage:\n  filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: {deletes}\n", root.display());
    let config = format!("version: 0.1\n{storage}http:\n  addr: 127.0.0.1:0\n{http}{auth}");
    let path = folder.path().join("config.yml");
    fs::write(&path, config).expect("a file");
    Served::start(folder, &["docker-registry", "serve", &path.display().to_string()], |log| {
        let (_, rest) = log.split_once("listening on ")?;
        rest.split_once(['"', ',', ' ', '\n']).map(|(address, _)| address.to_owned())
    })
}

/// nginx as the tutorials set it up, with TLS and a password, before another server; it ends with the first value.
pub(crate) fn nginx_before(address: &str) -> Option<(Box<dyn std::any::Any>, String)> {
    if !["htpasswd", "nginx"].iter().all(|name| peer::installed(name)) {
        return None;
    }
    let (nginx, host) = start_nginx(address, "0");
    Some((Box::new(nginx), host))
}

/// nginx as the tutorials set it up before a registry.
fn start_nginx(registry: &str, most: &str) -> (Option<Served>, String) {
    // A port that is free now may be taken in a moment: then another one is.
    for _ in 0..5 {
        let folder = folder();
        write_passwords(folder.path());
        write_certificate(folder.path());
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        let host = free.to_string();
        let text = include_str!("nginx.conf")
            .replace("FOLDER", &folder.path().display().to_string())
            .replace("REGISTRY", registry)
            .replace("MOST", most)
            .replace("LISTEN", &host);
        let path = folder.path().join("nginx.conf").display().to_string();
        fs::write(&path, text).expect("a file");
        let command = ["nginx", "-c", &path, "-e", "stderr", "-g", "daemon off;"];
        let (served, is_up) = Served::start(folder, &command, |log| {
            let failed = log.contains("[emerg]");
            (failed || TcpStream::connect(free).is_ok()).then_some(!failed)
        });
        if is_up {
            return (Some(served), host);
        }
        assert!(served.log().contains("Address already in use"), "{}", served.log());
    }
    panic!("no port stays free");
}

/// The issuer of tokens, and what the registry is told of it.
fn start_issuer(folder: &Path) -> (Registry, String) {
    let signer = Signer::new();
    let bundle = folder.join("issuer.crt");
    fs::write(&bundle, signer.bundle()).expect("a file");
    let mint = move |user: &str, scopes: &[_]| signer.sign(user, scopes);
    let issuer =
        Issuer { service: SERVICE.to_owned(), mint: Some(Box::new(mint)), ..Issuer::new(user(USER, PASSWORD)) };
    let server = Registry::with(Setup { auth: Auth::Bearer(issuer.into()), ..Setup::default() });
    let auth = format!(
        "auth:\n  token:\n    realm: {}\n    service: {SERVICE}\n    issuer: {ISSUER}\n    rootcertbundle: {}\n",
        server.url("/token"),
        bundle.display()
    );
    (server, auth)
}

/// `htpasswd`, with the only hashes that the registry reads.
fn write_passwords(folder: &Path) -> PathBuf {
    let path = folder.join("htpasswd");
    fs::write(&path, peer::ok(Command::new("htpasswd").args(["-Bbn", USER, PASSWORD]))).expect("a file");
    path
}

/// `server.crt`, `server.key`, and `ca/ca.crt` for those who ask.
fn write_certificate(folder: &Path) {
    let authority = Authority::new();
    let certificate = authority.certify(&["127.0.0.1", "localhost"]);
    fs::create_dir(folder.join("ca")).expect("a folder");
    for (name, text) in
        [("server.crt", certificate.pem()), ("server.key", certificate.key_pem()), ("ca/ca.crt", authority.pem())]
    {
        fs::write(folder.join(name), text).expect("a file");
    }
}
