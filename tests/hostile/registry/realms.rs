//! Where a registry says that tokens are: R01 to R04.

use std::ffi::OsStr;
use std::fs;
use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustls::ServerConfig;

use super::{PASSWORD, SECRETS, USER, World};
use crate::support::forward::Forward;
use crate::support::registry::auth::{Auth, Issuer, user};
use crate::support::registry::records::basic;
use crate::support::registry::reply::Reply;
use crate::support::registry::tls::Authority;
use crate::support::registry::{Registry, Setup};
use crate::support::skip;

/// An issuer that gives tokens to everybody.
fn issuer() -> Arc<Issuer> {
    Arc::new(Issuer { public: vec!["team/app".to_owned()], ..Issuer::new(user(USER, PASSWORD)) })
}

/// A registry that sends its clients to `realm` for tokens of an issuer.
fn sending_to(realm: &str, issuer: Arc<Issuer>) -> Setup {
    Setup { auth: Auth::Bearer(issuer), realm: Some(realm.to_owned()), ..Setup::default() }
}

/// A server that gives the tokens of an issuer.
fn giver(issuer: Arc<Issuer>, tls: Option<Arc<ServerConfig>>) -> Registry {
    Registry::with(Setup { auth: Auth::Bearer(issuer), tls, ..Setup::default() })
}

#[test]
fn r01_a_realm_on_another_host_gets_no_credentials() {
    // Not even a token of everybody's.
    let issuer = Arc::new(Issuer::new(user(USER, PASSWORD)));
    let elsewhere = Setup { at: "127.0.0.2".parse().expect("an address"), ..Setup::default() };
    let other = Registry::with(Setup { auth: Auth::Bearer(issuer.clone()), ..elsewhere });
    let setup = Setup { auth: Auth::Bearer(issuer), realm: Some(other.url("/token")), ..Setup::default() };
    let mut world = World::with(setup);
    world.log_in(&world.host());
    world.refuses(&["127.0.0.1", "127.0.0.2"]);
    assert!(other.connections() > 0, "it is asked what everybody may do");
    other.never_heard(&SECRETS);
    other.never_asked_with_credentials();
    world.registry.never_heard(&[PASSWORD]);
    // It is the registry's own after all.
    world.flags.extend(["--token-server".to_owned(), "127.0.0.2".to_owned()]);
    world.fetches_well();
    world.registry.never_heard(&[PASSWORD]);
}

/// The world beyond this machine: a proxy leads `registry.example.test` to our registry with TLS, and `token.example.test` to
/// a server that would give tokens.
struct Abroad {
    world: World,
    proxy: Forward,
    token: Registry,
}

impl Abroad {
    /// `realm` is where the registry says that tokens are.
    fn new(realm: &str) -> Self {
        let authority = Authority::new();
        let issuer = issuer();
        let tls = Some(authority.certify(&["registry.example.test"]).server());
        let mut world = World::with(Setup { tls, ..sending_to(realm, Arc::clone(&issuer)) });
        let token = giver(issuer, Some(authority.certify(&["token.example.test"]).server()));
        let proxy = Forward::to(&[
            ("registry.example.test:443", world.registry.address()),
            ("token.example.test:443", token.address()),
            ("token.example.test:80", token.address()),
        ]);
        world.session.write("ca.pem", authority.pem());
        world.flags.extend(["--tls-ca".to_owned(), "ca.pem".to_owned()]);
        for name in ["HTTPS_PROXY", "HTTP_PROXY"] {
            world.environment.insert(name.to_owned(), proxy.url(None));
        }
        world.log_in("registry.example.test");
        Self { world, proxy, token }
    }

    fn refuses(&self, pieces: &[&str]) {
        for words in World::fetches("registry.example.test/team/app:1") {
            self.world.refuses_command(&words, pieces);
        }
    }

    fn fetches(&self) {
        self.world.fetches_well_as("registry.example.test/team/app:1");
    }
}

#[test]
fn r02_a_realm_without_tls_is_not_asked() {
    let abroad = Abroad::new("http://token.example.test/token");
    abroad.refuses(&["registry.example.test", "http://token.example.test", "https only"]);
    assert_eq!(abroad.proxy.asked(), ["registry.example.test:443"]);
    assert_eq!(abroad.token.connections(), 0);
}

#[test]
fn r03_realms_of_this_machine_and_its_network_are_not_asked() {
    let here = giver(issuer(), None);
    let port = here.address().port();
    for realm in [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fe80::1]/token",
        "https://[fd00:ec2::254]/token",
        "https://[::ffff:169.254.169.254]/token",
        "https://2852039166/token",
        "https://0xa9.0xfe.0xa9.0xfe/token",
        "https://10.0.0.1/token",
        "https://172.16.0.1/token",
        "https://192.168.1.1/token",
        "https://100.100.100.200/token",
        "https://[fd00::1]/token",
        &format!("http://127.0.0.1:{port}/token"),
        &format!("https://127.0.0.1:{port}/token"),
        &format!("https://localhost:{port}/token"),
        &format!("http://0.0.0.0:{port}/token"),
        &format!("https://0/token:{port}"),
        &format!("https://[::]:{port}/token"),
        &format!("https://[::1]:{port}/token"),
        &format!("https://2130706433:{port}/token"),
    ] {
        let abroad = Abroad::new(realm);
        abroad.refuses(&["registry.example.test", "leads to"]);
        assert_eq!(abroad.proxy.asked(), ["registry.example.test:443"], "{realm}");
    }
    assert_eq!(here.connections(), 0, "nobody came");
}

/// A file of hosts in place of the machine's, for one command in a world of its own; none where that is not allowed.
fn with_hosts(command: &Command, hosts: &str, folder: &Path) -> Option<Command> {
    let file = folder.join("hosts");
    fs::write(&file, hosts).expect("a file");
    let script = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
    let inside = |args: &[&OsStr]| {
        let mut inside = Command::new("unshare");
        inside.args(["--mount", "--map-root-user", "sh", "-c", script]).arg(&file).args(args);
        inside
    };
    let works = inside(&["true".as_ref()]).output().is_ok_and(|output| output.status.success());
    if !works {
        skip("this machine lets nobody have hosts of their own");
        return None;
    }
    let args: Vec<_> = [command.get_program()].into_iter().chain(command.get_args()).collect();
    let mut inside = inside(&args);
    inside.env_clear().current_dir(command.get_current_dir().expect("a folder"));
    inside.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // unshare and mount themselves have to be found.
    inside.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    Some(inside)
}

#[test]
fn r03_names_that_lead_there_are_not_asked() {
    for address in ["169.254.169.254", "0.0.0.0", "10.0.0.1", "fd00::1", "192.168.1.1", "100.64.0.1"] {
        let world = World::with(sending_to("https://token.test/token", issuer()));
        world.log_in(&world.host());
        for words in World::fetches(&world.name()) {
            let hosts = format!("127.0.0.1 localhost\n{address} token.test\n");
            let Some(mut command) = with_hosts(&world.command(&words), &hosts, &world.session.work()) else { return };
            let output = command.output().expect("it starts");
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{address}: {said}");
            assert!(said.contains("not followed into this machine or network"), "{address}: {said}");
            assert!(said.contains("token.test"), "{address}: {said}");
        }
    }
}

/// An address of this machine that others may know; none if it has none.
fn outer_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: the system only chooses from where it would be.
    socket.connect("198.51.100.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback()).then_some(address)
}

#[test]
fn r03_a_registry_of_the_network_does_not_lead_to_this_machine() {
    let Some(at) = outer_address() else { return skip("this machine has no address in a network") };
    let authority = Authority::new();
    let here = giver(issuer(), Some(authority.certify(&["localhost", "127.0.0.1"]).server()));
    for host in ["127.0.0.1", "localhost"] {
        let realm = format!("https://{host}:{}/token", here.address().port());
        let mut world = World::with(Setup { at, ..sending_to(&realm, issuer()) });
        world.session.write("ca.pem", authority.pem());
        let flags = ["--tls-ca", "ca.pem", "--insecure-registry", &world.host()].map(ToOwned::to_owned);
        world.flags.extend(flags);
        world.refuses(&[&world.host(), "not followed into this machine or network"]);
    }
    assert_eq!(here.connections(), 0, "nobody came");
}

#[test]
fn r04_a_token_server_that_leads_there_is_not_followed() {
    let here = giver(issuer(), None);
    let port = here.address().port();
    for target in [
        "http://169.254.169.254/".to_owned(),
        "https://169.254.169.254/".to_owned(),
        format!("http://127.0.0.1:{port}/token"),
        format!("https://localhost:{port}/token"),
        "https://10.0.0.1/token".to_owned(),
    ] {
        let abroad = Abroad::new("https://token.example.test/token");
        let to = target.clone();
        abroad.token.script(move |_, _| Reply::redirect(&to));
        abroad.refuses(&["token.example.test"]);
        let asked: Vec<String> = abroad.proxy.asked();
        assert_eq!(asked, ["registry.example.test:443", "token.example.test:443"], "{target}");
        abroad.token.behave();
    }
    assert_eq!(here.connections(), 0, "nobody came");
}

#[test]
fn a_token_server_of_the_same_domain_is_asked() {
    // What the tests above would refuse in vain, if nothing were ever asked there.
    let abroad = Abroad::new("https://token.example.test/token");
    abroad.fetches();
    let asked = abroad.token.records();
    assert!(asked.iter().any(|record| record.request.header("authorization") == Some(&basic(USER, PASSWORD))));
    abroad.world.registry.never_heard(&[PASSWORD]);
    abroad.proxy.never_heard(&SECRETS);
}
