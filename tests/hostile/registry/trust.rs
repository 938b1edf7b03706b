//! Who a server is, and whether others can listen: R32, R33.

use super::{PASSWORD, SECRETS, USER, World};
use crate::support::forward::Forward;
use crate::support::registry::auth::{Auth, user};
use crate::support::registry::reply::Reply;
use crate::support::registry::tls::{Authority, Certificate};
use crate::support::registry::{Registry, Setup};

const HOST: &str = "registry.example.test";

/// A registry as everybody sees it, at `registry.example.test`, for whose password there is a login.
fn abroad(setup: Setup) -> (World, Forward) {
    let mut world = World::with(Setup { auth: Auth::Basic(user(USER, PASSWORD)), ..setup });
    let (secure, plain) = (format!("{HOST}:443"), format!("{HOST}:80"));
    let address = world.registry.address();
    let proxy = Forward::to(&[(&secure, address), (&plain, address)]);
    for name in ["HTTPS_PROXY", "HTTP_PROXY"] {
        world.environment.insert(name.to_owned(), proxy.url(None));
    }
    world.log_in(HOST);
    (world, proxy)
}

fn name() -> String {
    format!("{HOST}/team/app:1")
}

#[test]
fn r32_certificates_that_are_not_to_be_trusted() {
    let (ours, others) = (Authority::new(), Authority::new());
    let unknown = ["self-signed", "another authority"];
    for (what, why, certificate) in [
        ("for another name", "elsewhere.test", ours.certify(&["elsewhere.test"])),
        ("for a part of the name", "example.test", ours.certify(&["example.test"])),
        ("for too little of the name", "*.test", ours.certify(&["*.test"])),
        ("expired", "expired", ours.certify_in_the_past(&[HOST])),
        ("self-signed", "self-signed", Certificate::self_signed(&[HOST])),
        ("another authority", "authority", others.certify(&[HOST])),
    ] {
        let (mut world, _proxy) = abroad(Setup { tls: Some(certificate.server()), ..Setup::default() });
        world.session.write("ca.pem", ours.pem());
        world.flags.extend(["--tls-ca".to_owned(), "ca.pem".to_owned()]);
        for words in World::fetches(&name()) {
            let answer = world.refuses_command(&words, &[HOST, "certificate", why]);
            let is_named = answer.stderr.contains("ca.pem");
            assert!(is_named || !unknown.contains(&what), "the files that were read are named:\n{}", answer.stderr);
        }
        assert!(world.registry.records().is_empty(), "{what}: nothing was said");
    }
}

#[test]
fn r32_a_certificate_that_is_to_be_trusted() {
    let ours = Authority::new();
    for host in [HOST, "*.example.test"] {
        let (mut world, _proxy) = abroad(Setup { tls: Some(ours.certify(&[host]).server()), ..Setup::default() });
        for words in World::fetches(&name()) {
            world.refuses_command(&words, &[HOST, "certificate"]);
        }
        world.session.write("ca.pem", ours.pem());
        world.flags.extend(["--tls-ca".to_owned(), "ca.pem".to_owned()]);
        world.fetches_well_as(&name());
    }
}

#[test]
fn r32_whoever_wants_it_may_trust_a_registry_of_an_unknown_authority() {
    let tls = Some(Certificate::self_signed(&["elsewhere.test"]).server());
    let (mut world, _proxy) = abroad(Setup { tls, ..Setup::default() });
    world.flags.extend(["--insecure-registry".to_owned(), HOST.to_owned()]);
    world.fetches_well_as(&name());
    // Only that one: what it leads to is not meant.
    let other = Registry::with(Setup {
        at: "127.0.0.2".parse().expect("an address"),
        tls: Some(Certificate::self_signed(&["127.0.0.2"]).server()),
        ..Setup::default()
    });
    let base = other.url("");
    world.registry.script(move |request, reply| {
        if request.is_for_blob() { Reply::redirect(&format!("{base}{}", request.path)) } else { reply }
    });
    for words in World::fetches(&name()) {
        world.refuses_command(&words, &["127.0.0.2"]);
    }
    assert!(other.records().is_empty(), "nothing was said");
}

#[test]
fn r32_a_client_has_a_certificate_of_its_own() {
    let ours = Authority::new();
    let world = World::with(Setup { tls: Some(ours.certify(&["127.0.0.1"]).server_for(&ours)), ..Setup::default() });
    world.refuses(&[&world.host()]);
    let client = ours.certify(&["client.test"]);
    let folder = world.session.home().join(".config/docker/certs.d").join(world.host());
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, text) in [("ca.crt", ours.pem()), ("client.cert", client.pem()), ("client.key", client.key_pem())] {
        std::fs::write(folder.join(name), text).expect("a file");
    }
    world.fetches_well();
}

#[test]
fn r33_without_tls_only_where_it_is_said() {
    let (mut world, proxy) = abroad(Setup::default());
    for words in World::fetches(&name()) {
        world.refuses_command(&words, &[HOST, "--insecure-registry"]);
    }
    assert!(world.registry.records().is_empty(), "nothing was said: {:?}", world.registry.log());
    proxy.never_heard(&SECRETS);
    // For another one it does not count.
    world.flags.extend(["--insecure-registry".to_owned(), "other.example.test".to_owned()]);
    for words in World::fetches(&name()) {
        world.refuses_command(&words, &[HOST, "--insecure-registry"]);
    }
    assert!(world.registry.records().is_empty(), "nothing was said: {:?}", world.registry.log());
    world.flags.extend(["--insecure-registry".to_owned(), HOST.to_owned()]);
    world.fetches_well_as(&name());
}

#[test]
fn r33_a_redirect_does_not_lead_out_of_tls() {
    let ours = Authority::new();
    let (mut world, proxy) = abroad(Setup { tls: Some(ours.certify(&[HOST]).server()), ..Setup::default() });
    world.session.write("ca.pem", ours.pem());
    world.flags.extend(["--tls-ca".to_owned(), "ca.pem".to_owned()]);
    for part in ["/manifests/", "/blobs/"] {
        world.registry.script(move |request, reply| {
            if request.path.contains(part) && reply.status < 300 {
                Reply::redirect(&format!("http://{HOST}{}", request.path))
            } else {
                reply
            }
        });
        for words in World::fetches(&name()) {
            world.refuses_command(&words, &[HOST, "http://"]);
        }
    }
    assert!(proxy.heads().iter().all(|head| head.starts_with("CONNECT ")), "{:?}", proxy.heads());
}
