//! `tags` and `catalog`: lists of a registry, page by page.

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::registry::auth::{Auth, Issuer, user};
use crate::support::registry::reply::Reply;
use crate::support::registry::{Registry, Setup};
use crate::support::session::Session;
use crate::support::terminal::{self, Streams};
use crate::support::tunnel::Tunnel;

/// A registry that gives two names at a time.
fn registry() -> Registry {
    let registry = Registry::start();
    registry.content().page = Some(2);
    for tag in ["team/app:1", "team/app:2", "team/app:3-é", "team/app:latest", "team/app:old", "other:1", "x/y/z:1"] {
        registry.push(tag, &TestImage::of("fx/a:1", tag));
    }
    registry
}

fn page(names: &[&str], link: &str) -> Reply {
    Reply::json(200, &json!({"name": "team/app", "tags": names})).with("Link", link)
}

#[test]
fn lists_come_page_by_page() {
    let (session, registry) = (Session::new(), registry());
    let repository = registry.name("team/app");
    let tags = "1\n2\n3-é\nlatest\nold\n";
    assert_eq!(session.ok(&["tags", &repository]), tags);
    assert_eq!(session.ok(&["tags", &format!("docker://{repository}")]), tags);
    assert_eq!(session.ok(&["catalog", &registry.host()]), "other\nteam/app\nx/y/z\n");
    assert_eq!(session.ok(&["catalog", &format!("http://{}/v2/", registry.host())]), "other\nteam/app\nx/y/z\n");
    let asked = registry.log().into_iter().filter(|line| line.contains("/tags/")).count();
    assert_eq!(asked, 6, "three pages, twice");
    let parsed = |args: &[&str]| serde_json::from_str::<Value>(&session.ok(args)).expect("one object");
    assert_eq!(
        parsed(&["tags", "--format", "json", &repository]),
        json!({"Repository": repository, "Tags": ["1", "2", "3-é", "latest", "old"]})
    );
    assert_eq!(
        parsed(&["catalog", "--format=json", &registry.host()]),
        json!({"Registry": registry.host(), "Repositories": ["other", "team/app", "x/y/z"]})
    );
    let empty = Registry::start();
    assert_eq!(session.ok(&["catalog", &empty.host()]), "");
    assert_eq!(parsed(&["catalog", "--format=json", &empty.host()])["Repositories"], json!([]));
}

#[test]
fn the_next_page_is_where_the_link_leads() {
    let (session, registry) = (Session::new(), registry());
    let (repository, here) = (registry.name("team/app"), registry.url(""));
    let tags = |second: &str| {
        let second = format!("{second}; rel=\"next\"");
        registry.script(move |request, honest| match request.path.as_str() {
            "/v2/team/app/tags/list" if request.query.contains("more") => page(&["c"], ""),
            "/v2/team/app/tags/list" => page(&["a", "b"], &second),
            "/elsewhere" => page(&["d"], ""),
            _ => honest,
        });
        session.run(&["tags", &repository])
    };
    for link in [
        "</v2/team/app/tags/list?n=1000&more=1>".to_owned(),
        "<list?more>".to_owned(),
        "<?more>".to_owned(),
        format!("<{here}/v2/team/app/tags/list?more=1>"),
        "</first>; rel=first, <list?more>".to_owned(),
    ] {
        assert_eq!(tags(&link).ok(), "a\nb\nc\n", "{link}");
    }
    assert_eq!(tags("</elsewhere>").ok(), "a\nb\nd\n");
    let other = Registry::start();
    for link in [
        other.url("/v2/team/app/tags/list?more"),
        "https://registry.example/".to_owned(),
        "//evil.example/x".to_owned(),
    ] {
        let said = tags(&format!("<{link}>"));
        said.fails(1, &[&repository, "the next page is at", "that is another server"]);
        assert_eq!(said.stdout.len(), 0, "all or nothing");
    }
    assert_eq!(other.log(), [""; 0]);
    tags("<list?n=1000>").fails(1, &["the next page is at", "it was fetched already"]);
}

#[test]
fn lists_have_an_end() {
    let (session, registry) = (Session::new(), registry());
    let repository = registry.name("team/app");
    // Each page leads to another one.
    registry.script(|request, honest| {
        if request.path != "/v2/team/app/tags/list" {
            return honest;
        }
        let names: Vec<String> = (0..20_000).map(|tag| format!("{}-{tag}", request.number)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        page(&names, &format!("<list?page={}>; rel=next", request.number + 1))
    });
    session.run(&["tags", &repository]).fails(1, &[&repository, "more than 1000000 entries"]);
    registry.script(|_, _| Reply::new(200, "{\"tags\": [".to_owned() + &"\"a\",".repeat(1 << 14)).endless());
    session.run(&["tags", &repository]).fails(1, &["larger than"]);
    registry.script(|_, _| Reply::new(200, "[").endless_headers());
    session.run(&["tags", &repository]).fails(1, &[]);
}

#[test]
fn what_is_no_list_is_an_error() {
    let (session, registry) = (Session::new(), registry());
    let (repository, host) = (registry.name("team/app"), registry.host());
    session.run(&["tags", &registry.name("none")]).fails(1, &[&registry.name("none"), "repository name not known"]);
    session.run(&["tags", &registry.name("team/app:1")]).fails(1, &["is one image, not a repository", &repository]);
    session.run(&["tags", "Upper"]).fails(1, &["repository name (library/Upper) must be lowercase"]);
    session.run(&["catalog", "a/b"]).fails(1, &["\"a/b\" is not the host of a registry: expected HOST[:PORT]"]);
    session.run(&["tags"]).fails(1, &["'imgtool tags' requires 1 argument"]);
    for (reply, words) in [
        (Reply::new(200, "<html>"), "invalid answer: expected value"),
        (Reply::json(200, &json!({"tags": "a", "repositories": "a"})), "invalid answer: no list"),
        (Reply::json(200, &json!({"tags": [1], "repositories": [1]})), "invalid answer: 1 in"),
        (Reply::error(403, "DENIED", "not for you"), "denied: not for you"),
        (Reply::new(400, "").with("Content-Type", "text/html"), "the server answers 400"),
    ] {
        registry.script(move |request, honest| if request.path == "/v2/" { honest } else { reply.clone() });
        session.run(&["tags", &repository]).fails(1, &[&repository, words]);
        session.run(&["catalog", &host]).fails(1, &[&host, words]);
    }
    registry.script(|request, honest| if request.path == "/v2/" { honest } else { Reply::new(404, "") });
    let said = session.run(&["catalog", &host]);
    let expected = format!(
        "error: {host} does not list its repositories (the server answers 404 Not Found); the tags of one are listed by \
         imgtool tags {host}/REPOSITORY\n"
    );
    assert_eq!((said.code, said.stderr), (1, expected));
}

#[test]
fn docker_hub_lists_nothing_and_is_not_asked() {
    let (session, tunnel) = (Session::new(), Tunnel::to(&[]));
    for host in ["docker.io", "https://index.docker.io/v1/", "registry-1.docker.io"] {
        let mut command = session.command(&["catalog", host]);
        let output = command.env("HTTPS_PROXY", tunnel.url()).output().expect("the binary starts");
        let expected = "error: docker.io does not list its repositories; imgtool search TERM finds some, imgtool tags \
                        REPOSITORY lists the tags of one\n";
        assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
    }
    assert_eq!(tunnel.asked(), [""; 0]);
}

#[test]
fn each_list_has_a_token_of_its_own() {
    let session = Session::new();
    let issuer = std::sync::Arc::new(Issuer::new(user("ada", "hunter2")));
    let registry = Registry::with(Setup { auth: Auth::Bearer(issuer), ..Setup::default() });
    registry.push("team/app:1", &TestImage::of("fx/a:1", "a"));
    let login = format!("imgtool login {}", registry.host());
    session.run(&["catalog", &registry.host()]).fails(1, &["authentication required", &login]);
    session.run_with(b"hunter2", &["login", "-u", "ada", "--password-stdin", &registry.host()]).ok();
    registry.forget();
    assert_eq!(session.ok(&["catalog", &registry.host()]), "team/app\n");
    assert_eq!(session.ok(&["tags", &registry.name("team/app")]), "1\n");
    let asked = registry.records().into_iter().filter(|record| record.request.path == "/token");
    let asked: Vec<String> = asked.map(|record| String::from_utf8_lossy(&record.request.body).into_owned()).collect();
    let scopes = ["registry%3Acatalog%3A%2A", "repository%3Ateam%2Fapp%3Apull"];
    assert_eq!(asked.len(), scopes.len(), "{asked:?}");
    assert!(asked.iter().zip(scopes).all(|(asked, scope)| asked.contains(&format!("scope={scope}&"))), "{asked:?}");
}

#[test]
fn what_a_terminal_would_act_on_is_escaped() {
    let (session, registry) = (Session::new(), Registry::start());
    let names = json!(["a\u{1b}[2J", "b\u{202e}c\nd", "é"]);
    registry.script(move |request, honest| match request.path.as_str() {
        "/v2/" => honest,
        _ => Reply::json(200, &json!({"tags": names, "repositories": names})),
    });
    let (host, repository) = (registry.host(), registry.name("team/app"));
    for args in [["tags", &repository], ["catalog", &host]] {
        let streams = Streams { stdin: false, stdout: true, stderr: false };
        let (_, shown) = terminal::run(session.command(&args), streams);
        assert_eq!(shown, "a\\x1b[2J\r\nb\\u202ec\\nd\r\né\r\n");
        assert_eq!(session.ok(&args), "a\\x1b[2J\nb\\u202ec\\nd\né\n", "in a pipe a line is a name, too");
    }
    registry.script(|_, _| Reply::error(404, "NAME\u{1b}[2J", "no\u{7}"));
    let streams = Streams { stdin: false, stdout: false, stderr: true };
    let (_, shown) = terminal::run(session.command(&["tags", &repository]), streams);
    assert!(shown.contains("name\\x1b[2j: no\\x07") && !shown.contains("\u{1b}[2"), "{shown:?}");
}
