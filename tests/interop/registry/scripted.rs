//! The registry of our own tests is one: skopeo and docker pull from it, however it asks who they are.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::{engine, peer};
use crate::support::chaos::{Chaos, Trouble};
use crate::support::image::TestImage;
use crate::support::oci;
use crate::support::packing::Packing;
use crate::support::registry::auth::{Auth, Issuer, user};
use crate::support::registry::content::{Form, on_platform};
use crate::support::registry::tls::{Authority, Certificate};
use crate::support::registry::{Registry, Setup};
use crate::support::session::Session;

const USER: &str = "ada";
const PASSWORD: &str = "love lace:1";

/// Every way of asking.
fn ways() -> Vec<(&'static str, Auth)> {
    vec![
        ("nobody", Auth::Nobody),
        ("basic", Auth::Basic(user(USER, PASSWORD))),
        ("bearer", Auth::Bearer(Issuer::new(user(USER, PASSWORD)).into())),
    ]
}

#[test]
fn skopeo_pulls_lists_and_inspects() {
    if !peer::installed("skopeo") {
        return;
    }
    let image = TestImage::sample("fx/a:1");
    for (way, auth) in ways() {
        let registry = Registry::with(Setup { auth, ..Setup::default() });
        registry.content().page = Some(1);
        let docker = registry.push("team/app:docker", &image);
        let oci = registry.push_as("team/app:oci", &image, Form::Oci(Packing::Zstd));
        let list = [on_platform(&oci.manifest, &image.platform())];
        registry.content().repository("team/app").put_index("index", oci::INDEX, &list);
        let session = Session::new();
        let creds = format!("{USER}:{PASSWORD}");
        let place = |tag: &str| format!("docker://{}", registry.name(&format!("team/app:{tag}")));
        for (tag, pushed) in [("docker", &docker), ("oci", &oci), ("index", &oci)] {
            let to = format!("dir:{}", session.work().join(tag).display());
            let from = place(tag);
            let flags = ["--src-tls-verify=false", "--src-creds", &creds, "--override-arch", "amd64"];
            peer::ok(&mut peer::skopeo(&[&["copy"][..], &flags, &[&from, &to]].concat()));
            let raw = peer::ok(&mut peer::skopeo(&["inspect", "--raw", &to]));
            let raw: Value = serde_json::from_str(&raw).expect("a manifest");
            assert_eq!(raw["config"]["digest"], pushed.config["digest"], "{way} {tag}");
        }
        let flags = ["list-tags", "--tls-verify=false", "--creds", &creds];
        let repository = format!("docker://{}", registry.name("team/app"));
        let tags = peer::ok(&mut peer::skopeo(&[&flags[..], &[&repository]].concat()));
        let tags: Value = serde_json::from_str(&tags).expect("JSON");
        assert_eq!(tags["Tags"], serde_json::json!(["docker", "index", "oci"]), "{way}: page by page");
        if way == "nobody" {
            registry.never_asked_with_credentials();
        } else {
            let flags = ["inspect", "--tls-verify=false", "--raw", "--creds", "ada:wrong"];
            let answer = peer::run(&mut peer::skopeo(&[&flags[..], &[&place("oci")]].concat()));
            assert!(!answer.status.success(), "{way} lets everybody in");
        }
    }
}

#[test]
fn certificates_are_what_they_say() {
    if !peer::installed("skopeo") {
        return;
    }
    let (ours, other) = (Authority::new(), Authority::new());
    let session = Session::new();
    session.write("ca/ca.crt", ours.pem());
    let folder = session.work().join("ca");
    let client = ours.certify(&["client.test"]);
    for (what, server, is_good) in [
        ("good", ours.certify(&["127.0.0.1"]).server(), true),
        ("another authority", other.certify(&["127.0.0.1"]).server(), false),
        ("another name", ours.certify(&["elsewhere.test"]).server(), false),
        ("expired", ours.certify_in_the_past(&["127.0.0.1"]).server(), false),
        ("self-signed", Certificate::self_signed(&["127.0.0.1"]).server(), false),
        ("with a client's", ours.certify(&["127.0.0.1"]).server_for(&ours), false),
        ("with a client's", ours.certify(&["127.0.0.1"]).server_for(&ours), true),
    ] {
        if what == "with a client's" && is_good {
            session.write("ca/client.cert", client.pem());
            session.write("ca/client.key", client.key_pem());
        }
        let registry = Registry::with(Setup { tls: Some(server), ..Setup::default() });
        registry.push("team/app:1", &TestImage::sample("fx/a:1"));
        let place = format!("docker://{}", registry.name("team/app:1"));
        let folder = folder.display().to_string();
        let answer = peer::run(&mut peer::skopeo(&["inspect", "--raw", "--cert-dir", &folder, &place]));
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert_eq!(answer.status.success(), is_good, "{what}: {said}");
    }
}

#[test]
fn docker_pulls_and_searches() {
    let Some(engine) = engine::engine() else { return };
    let image = TestImage::sample("fx/a:1");
    for (way, auth) in ways() {
        let registry = Registry::with(Setup { auth, ..Setup::default() });
        let pushed = registry.push("team/app:1", &image);
        registry.content().found =
            vec![serde_json::json!({"name": "team/app", "description": "an app", "star_count": 3})];
        let name = registry.name("team/app:1");
        if way != "nobody" {
            engine.ok(&["login", "-u", USER, "-p", PASSWORD, &registry.host()]);
        }
        let said = engine.ok(&["pull", &name]);
        assert!(said.contains(&format!("Digest: {}\n", pushed.digest())), "{way}: {said}");
        let found = engine.ok(&["search", &registry.name("app")]);
        assert!(found.contains("team/app"), "{way}: {found}");
        engine.ok(&["rmi", &name]);
    }
}

const ASKED: &[u8] = b"GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// How much comes back for a request, up to the end of the connection.
fn ask(chaos: &Chaos) -> usize {
    let mut stream = TcpStream::connect(chaos.address()).expect("it listens");
    stream.write_all(ASKED).expect("it reads");
    let mut all = Vec::new();
    // A cut may come as a reset.
    let _cut = stream.read_to_end(&mut all);
    all.len()
}

#[test]
fn the_proxy_cuts_where_it_is_told_to() {
    let registry = Registry::start();
    let chaos = Chaos::before(registry.address());
    let whole = ask(&chaos);
    assert!(whole > 100, "{whole}");
    chaos.make(Trouble { cut: Some(100), ..Trouble::default() });
    assert_eq!(ask(&chaos), 100);
    assert_eq!(chaos.down(), whole as u64 + 100);
    assert_eq!(chaos.connections(), 2);
    assert_eq!(chaos.up(), 2 * ASKED.len() as u64);
    chaos.make(Trouble { delay: Duration::from_millis(300), ..Trouble::default() });
    let start = Instant::now();
    assert_eq!(ask(&chaos), whole);
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
}
