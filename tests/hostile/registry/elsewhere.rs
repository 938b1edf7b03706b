//! What leads to other hosts: R05, R06, R08, R21, R40.

use serde_json::json;

use super::{NAME, PASSWORD, SECRETS, USER, World, words};
use crate::support::forward::Forward;
use crate::support::image::TestImage;
use crate::support::registry::auth::{Auth, user};
use crate::support::registry::content::DOCKER_MANIFEST;
use crate::support::registry::records::basic;
use crate::support::registry::reply::Reply;
use crate::support::registry::tls::Authority;
use crate::support::registry::{Registry, Setup};

/// Another host of this machine, with the same image.
fn other(image: &TestImage) -> Registry {
    let other = Registry::with(Setup { at: "127.0.0.2".parse().expect("an address"), ..Setup::default() });
    other.push(NAME, image);
    other
}

#[test]
fn r05_urls_of_foreign_layers_are_not_asked() {
    for is_here in [false, true] {
        let world = World::with_password();
        let other = other(&world.image);
        let mut layers = world.pushed.layers.clone();
        let digest = world.pushed.layer(0);
        layers[0]["mediaType"] = json!("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
        layers[0]["urls"] = json!([other.url(&format!("/v2/team/app/blobs/{digest}"))]);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": world.pushed.config, "layers": layers,
        });
        {
            let mut content = world.registry.content();
            let repository = content.repository("team/app");
            repository.put_manifest(Some("1"), DOCKER_MANIFEST, manifest.to_string().into_bytes());
            if !is_here {
                repository.blobs.remove(&digest);
            }
        }
        if is_here {
            world.fetches_well();
        } else {
            world.refuses(&[&digest[..19]]);
        }
        assert_eq!(other.connections(), 0, "nobody came, though the image says so");
    }
}

#[test]
fn r06_a_blob_elsewhere_comes_without_credentials() {
    for world in [World::with_password(), World::with_tokens()] {
        let other = other(&world.image);
        let base = other.url("");
        world.registry.script(move |request, reply| {
            let moves = request.is_for_blob() && reply.status < 300;
            if moves { Reply::redirect(&format!("{base}{}?signature=1", request.path)) } else { reply }
        });
        world.fetches_well();
        assert!(other.count("GET", "/blobs/") >= 3, "{:?}", other.log());
        other.never_heard(&SECRETS);
        other.never_asked_with_credentials();
    }
}

#[test]
fn r06_manifests_elsewhere_come_without_credentials() {
    for world in [World::with_password(), World::with_tokens()] {
        let other = other(&world.image);
        let base = other.url("");
        world.registry.script(move |request, reply| {
            let moves = request.is_for_manifest() && reply.status < 300;
            if moves { Reply::redirect(&format!("{base}{}", request.path)) } else { reply }
        });
        world.fetches_well();
        assert!(other.count("GET", "/manifests/") >= 2, "{:?}", other.log());
        other.never_heard(&SECRETS);
        other.never_asked_with_credentials();
    }
}

#[test]
fn r08_a_next_page_elsewhere_is_not_fetched() {
    for form in ["http://127.0.0.2:PORT", "//127.0.0.2:PORT", "https://127.0.0.2:PORT", "http://169.254.169.254"] {
        let world = World::with_password();
        let other = other(&world.image);
        let base = form.replace("PORT", &other.address().port().to_string());
        world.registry.script(move |request, reply| {
            if reply.status == 200 && request.path.ends_with("list") || request.path.ends_with("_catalog") {
                reply.with("Link", format!("<{base}{}?last=1>; rel=\"next\"", request.path))
            } else {
                reply
            }
        });
        let host = world.host();
        world.refuses_command(&words(&["tags", &world.registry.name("team/app")]), &[&host, "next page"]);
        world.refuses_command(&words(&["catalog", &host]), &[&host, "next page"]);
        assert_eq!(other.connections(), 0, "{form}: nobody came");
    }
}

#[test]
fn r08_pages_come_to_an_end() {
    let world = World::new();
    // Each page says that there is one more, and it is always another one.
    world.registry.script(|request, reply| {
        let number = request.param("page").and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        reply.with("Link", format!("<{}?page={}>; rel=\"next\"", request.path, (number + 1) % 7))
    });
    let name = world.registry.name("team/app");
    world.refuses_command(&words(&["tags", &name]), &[&name]);
    assert!(world.registry.count("GET", "/tags/list") <= 8, "{:?}", world.registry.log());
}

#[test]
fn r21_a_host_that_only_begins_like_another_gets_nothing() {
    let authority = Authority::new();
    let host = "registry.example.com.evil.test";
    let tls = Some(authority.certify(&[host]).server());
    let mut world = World::with(Setup { tls, auth: Auth::Basic(user(USER, PASSWORD)), ..Setup::default() });
    let proxy = Forward::to(&[(&format!("{host}:443"), world.registry.address())]);
    world.session.write("ca.pem", authority.pem());
    world.flags.extend(["--tls-ca".to_owned(), "ca.pem".to_owned()]);
    world.environment.insert("HTTPS_PROXY".to_owned(), proxy.url(None));
    for key in [
        "registry.example.com",
        "https://registry.example.com/v2/",
        "https://registry.example.com.evil/",
        "registry.example.com.evil.tes",
        "evil.test",
        "registry.example.com.evil.test:5000",
        "registry.example.com.evil.test.org",
    ] {
        world.log_in(key);
        for words in World::fetches(&format!("{host}/team/app:1")) {
            world.refuses_command(&words, &[host]);
        }
    }
    world.registry.never_asked_with_credentials();
    // But for its own.
    world.log_in(host);
    world.fetches_well_as(&format!("{host}/team/app:1"));
}

#[test]
fn r21_a_port_that_only_begins_like_another_gets_nothing() {
    let world = World::with(Setup { auth: Auth::Basic(user(USER, PASSWORD)), ..Setup::default() });
    let host = world.host();
    for key in [&host[..host.len() - 1], "127.0.0.1", &format!("{host}0"), &format!("localhost:{}", &host[10..])] {
        world.log_in(key);
        world.refuses(&[&host]);
    }
    world.registry.never_asked_with_credentials();
}

/// A registry that only a proxy can reach.
struct Proxied {
    world: World,
    proxy: Forward,
}

const HOST: &str = "registry.example.test";

impl Proxied {
    fn new() -> Self {
        let authority = Authority::new();
        let tls = Some(authority.certify(&[HOST]).server());
        let mut world = World::with(Setup { tls, auth: Auth::Basic(user(USER, PASSWORD)), ..Setup::default() });
        let proxy = Forward::to(&[(&format!("{HOST}:443"), world.registry.address())]);
        world.session.write("ca.pem", authority.pem());
        world.flags.extend(["--tls-ca".to_owned(), "ca.pem".to_owned()]);
        world.environment.insert("HTTPS_PROXY".to_owned(), proxy.url(Some(("porter", "proxy-secret"))));
        world.log_in(HOST);
        Self { world, proxy }
    }
}

#[test]
fn r40_the_password_of_a_proxy_is_for_the_proxy() {
    let Proxied { world, proxy } = Proxied::new();
    world.fetches_well_as(&format!("{HOST}/team/app:1"));
    let line = format!("proxy-authorization: {}", basic("porter", "proxy-secret")).to_lowercase();
    assert!(proxy.heads().iter().all(|head| head.to_lowercase().contains(&line)), "{:?}", proxy.heads());
    assert_eq!(proxy.asked(), [format!("{HOST}:443")]);
    proxy.never_heard(&SECRETS);
    world.registry.never_heard(&["proxy-secret", "porter"]);
}

#[test]
fn r40_errors_do_not_say_the_password_of_a_proxy() {
    let Proxied { mut world, .. } = Proxied::new();
    for proxy in ["http://porter:proxy-secret@127.0.0.1:1", "http://porter:proxy-secret@", "porter:proxy-secret@[x"] {
        world.environment.insert("HTTPS_PROXY".to_owned(), proxy.to_owned());
        for words in World::fetches(&format!("{HOST}/team/app:1")) {
            let answer = world.refuses_command(&words, &[HOST]);
            assert!(!answer.text().contains("proxy-secret"), "{}", answer.text());
        }
    }
    // A proxy that does not know the registry.
    let proxy = Forward::to(&[]);
    world.environment.insert("HTTPS_PROXY".to_owned(), proxy.url(Some(("porter", "proxy-secret"))));
    for words in World::fetches(&format!("{HOST}/team/app:1")) {
        let answer = world.refuses_command(&words, &[HOST]);
        assert!(!answer.text().contains("proxy-secret"), "{}", answer.text());
    }
    proxy.never_heard(&SECRETS);
}

#[test]
fn r40_this_machine_is_reached_without_a_proxy() {
    let mut world = World::with_password();
    let proxy = Forward::to(&[]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        world.environment.insert(name.to_owned(), proxy.url(None));
    }
    world.fetches_well();
    assert_eq!(proxy.heads(), [""; 0]);
}
