//! Servers that lead to other servers.

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::*;

/// A name service in which hostile names have the addresses that they say they have: `10-0-0-1.evil.test`. All others
/// are this machine.
#[derive(Debug)]
struct Hosts;

impl Resolver for Hosts {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let said = host.strip_suffix(".evil.test").map(|text| match text.strip_prefix("six-") {
            Some(six) => six.replace('-', ":"),
            None => text.replace('-', "."),
        });
        let ip = said.as_deref().unwrap_or(host).parse().unwrap_or(std::net::Ipv4Addr::LOCALHOST.into());
        let mut found = self.empty();
        found.push(SocketAddr::new(ip, uri.port_u16().unwrap_or(443)));
        Ok(found)
    }
}

fn settings() -> Settings {
    Settings { names: Names::by(Hosts), stall: Duration::from_secs(2), retries: Retries::NONE, ..Settings::default() }
}

fn url(text: &str) -> Url {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What comes of a URL that the server at `namer` gave.
fn led(namer: &str, to: &str, settings: &Settings) -> Result<u16, String> {
    let (namer, to) = (url(namer), url(to));
    let answer = Client::new(settings).send(Request::new(Method::Get, &to).foreign(&namer));
    answer.map(|answer| answer.status()).map_err(|error| error.to_string())
}

#[test]
fn no_server_leads_into_a_network() {
    let nearer = |namer: &str, to: &str, address: &str| {
        let end = format!("which is at {address}: servers are not followed into this machine or network");
        let why = led(namer, to, &settings()).expect_err(to);
        assert!(why.starts_with(&format!("{namer} leads to ")) && why.ends_with(&end), "{to}: {why}");
    };
    let public = "https://8.8.8.8/";
    for address in ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "100.100.100.200", "0.0.0.0"] {
        nearer(public, &format!("https://{address}/"), address);
        nearer(public, &format!("https://{}.evil.test/", address.replace('.', "-")), address);
    }
    for address in ["::", "::1", "fd00:ec2::254", "fd12::1", "fe80::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"] {
        nearer(public, &format!("https://[{address}]/"), address);
    }
    nearer(public, "https://six-fd00-ec2--254.evil.test/", "fd00:ec2::254");
    // The forms that inet_aton takes.
    for form in ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "0xA9.254.0251.254"] {
        nearer(public, &format!("https://{form}/"), "169.254.169.254");
    }
    for namer in ["http://127.0.0.1:5000/", "https://10.0.0.1/", "http://localhost/", "https://10-0-0-1.evil.test/"] {
        nearer(namer, "https://169.254.169.254/latest/meta-data/", "169.254.169.254");
        nearer(namer, "https://169-254-169-254.evil.test/", "169.254.169.254");
        nearer(namer, "https://[::]/", "::");
    }
    nearer("http://127.0.0.1:5000/", "https://10.0.0.1/", "10.0.0.1");
    nearer("https://10.0.0.1/", "https://127-0-0-1.evil.test/", "127.0.0.1");
}

#[test]
fn only_servers_of_this_machine_lead_to_plain_http() {
    let at = serve(|_| ok(""));
    for namer in ["https://8.8.8.8/", "https://10.0.0.1/", "https://8-8-8-8.evil.test/"] {
        let why = led(namer, &format!("http://{at}/token"), &settings()).expect_err(namer);
        let text = format!("{namer} leads to http://{at}/token: another server is followed to https only");
        assert_eq!(why, text);
    }
    assert_eq!(led("http://127.0.0.1:1/", &format!("http://{at}/"), &settings()), Ok(200));
    assert_eq!(led("http://registry.test/", &format!("http://{at}/"), &settings()), Ok(200));
    for public in ["http://8-8-8-8.evil.test/", "http://8.8.8.8/"] {
        let why = led("http://127.0.0.1:1/", public, &settings()).expect_err("plain");
        assert!(why.ends_with("another server is followed to https only"), "{why}");
    }
}

#[test]
fn a_server_may_lead_to_itself() {
    let at = serve(|_| ok(""));
    let itself = format!("http://{at}/");
    assert_eq!(led(&itself, &format!("{itself}token"), &settings()), Ok(200));
    // Not even what it says of itself counts: this is another server.
    let other = format!("http://localhost:{}/", at.port());
    assert!(led("https://8.8.8.8/", &other, &settings()).is_err());
}

#[test]
fn redirects_are_held_to_the_same_rule() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let near = serve(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        ok("near")
    });
    let at = serve(move |request| match request.split(' ').nth(1) {
        Some("/near") => redirect(&format!("http://{near}/x")),
        Some("/metadata") => redirect("http://169.254.169.254/latest/"),
        Some("/hostile") => redirect("https://169-254-169-254.evil.test/latest/"),
        Some("/mapped") => redirect("https://[::ffff:169.254.169.254]/"),
        Some("/private") => redirect("https://10.0.0.1/"),
        _ => redirect(&format!("http://localhost:{}/near", near.port())),
    });
    let get = |path: &str| get(&format!("http://{at}{path}"), &settings());
    assert_eq!(get("/near"), Ok((Some(4), "near".to_owned())));
    for path in ["/metadata", "/hostile", "/mapped", "/private"] {
        let why = get(path).expect_err(path);
        assert!(why.starts_with(&format!("http://{at}{path} leads to ")), "{why}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn a_server_does_not_become_a_neighbour_by_a_change_of_its_name() {
    let names = Names::by(Hosts);
    let known = |host: &str| names.reach(host);
    let resolve = |text: &str| {
        let uri = text.parse().expect("a URI");
        names.resolve(&uri, &Config::default(), NextTimeout::default()).expect("an address")
    };
    assert_eq!(known("8-8-8-8.evil.test"), None);
    resolve("https://8-8-8-8.evil.test");
    assert_eq!(known("8-8-8-8.evil.test"), Some(address::Reach::Public));

    let changed = Names::by(Changing(std::sync::atomic::AtomicBool::new(false)));
    let settings = Settings { names: changed, ..settings() };
    let client = Client::new(&settings);
    let evil = url("https://evil.test/");
    for _ in 0..2 {
        // Its address is public at first, then private.
        let uri = evil.target();
        settings.names.resolve(&uri, &Config::default(), NextTimeout::default()).expect("an address");
    }
    let to = url("https://10.0.0.7/");
    let why = client.send(Request::new(Method::Get, &to).foreign(&evil)).map(|_| ()).expect_err("nearer");
    assert!(matches!(why, Error::Nearer { .. }), "{why}");
}

/// A name service that gives a public address first, then private ones.
#[derive(Debug)]
struct Changing(std::sync::atomic::AtomicBool);

impl Resolver for Changing {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let is_later = self.0.swap(true, Ordering::SeqCst);
        let mut found = self.empty();
        found.push(SocketAddr::from((if is_later { [10, 0, 0, 1] } else { [8, 8, 8, 8] }, 443)));
        Ok(found)
    }
}
