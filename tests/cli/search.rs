//! `search`: what is asked, what is shown, and what is said where there is no search.

use serde_json::{Value, json};

use crate::support::registry::auth::{Auth, user};
use crate::support::registry::reply::Reply;
use crate::support::registry::tls::Authority;
use crate::support::registry::{Registry, Setup};
use crate::support::session::Session;
use crate::support::terminal::{self, Streams};
use crate::support::tunnel::Tunnel;

fn found() -> Vec<Value> {
    let long = "the app\nof the team, of which there is much more to say than a table has room for";
    vec![
        json!({"name": "team/app", "description": long, "star_count": 3, "is_official": false, "is_automated": false}),
        json!({"name": "app", "description": "an official app", "star_count": 10, "is_official": true}),
        json!({"name": "old/app", "description": null, "star_count": 7, "is_automated": true}),
        json!({"name": "app/日本語", "description": "日本語日本語日本語日本語日本語日本語日本語日本語日本語"}),
    ]
}

fn registry() -> Registry {
    let registry = Registry::start();
    registry.content().found = found();
    registry
}

#[test]
fn a_search_is_shown_as_docker_shows_it() {
    let (session, registry) = (Session::new(), registry());
    let term = registry.name("app");
    let table = "\
NAME         DESCRIPTION                                     STARS     OFFICIAL
team/app     the app of the team, of which there is much …   3
app          an official app                                 10        [OK]
old/app                                                      7
app/日本語   日本語日本語日本語日本語日本語日本語日本語日…   0
";
    let shown = |args: &[&str]| {
        let text = session.ok(&[&["search"], args, &[&term]].concat());
        text.lines().map(|line| line.trim_end().to_owned() + "\n").collect::<String>()
    };
    assert_eq!(shown(&[]), table);
    assert_eq!(shown(&["--format", "table"]), table);
    assert_eq!(
        shown(&["--format", "{{.Name}} {{.StarCount}} {{.IsOfficial}}", "-f", "stars=7"]),
        "app 10 [OK]\nold/app 7\n"
    );
    let json = r#"{"Description":"an official app","IsOfficial":"true","Name":"app","StarCount":"10"}"#;
    for format in ["json", "{{json .}}"] {
        assert_eq!(shown(&["--format", format, "--filter", "is-official=true"]), format!("{json}\n"));
    }
    assert_eq!(shown(&["--format", "{{json .IsOfficial}}", "-f", "stars=8"]), "\"[OK]\"\n");
    assert!(
        shown(&["--no-trunc"]).contains("the app of the team, of which there is much more to say than a table has")
    );
    assert_eq!(shown(&["-f", "stars=4", "-f", "stars=8", "--format", "{{.Name}}"]), "app\n");
    assert_eq!(shown(&["-f", "is-official=false", "-f", "stars=1", "--format", "{{.Name}}"]), "team/app\nold/app\n");
    assert_eq!(shown(&["-f", "stars=99"]), "NAME      DESCRIPTION   STARS     OFFICIAL\n");
}

#[test]
fn what_is_asked() {
    let (session, registry) = (Session::new(), registry());
    let asked = |args: &[&str], term: &str| {
        registry.forget();
        session.run(&[&["search", "-f", "stars=0"], args, &[&registry.name(term)]].concat());
        let searches = registry.log().into_iter().filter(|line| line.contains("/v1/"));
        searches.collect::<Vec<_>>()
    };
    assert_eq!(asked(&[], "app"), ["GET /v1/search?q=app&n=25 200"]);
    assert_eq!(asked(&["--limit", "0"], "app"), ["GET /v1/search?q=app&n=25 200"], "0 is docker's default");
    assert_eq!(asked(&["--limit", "-1"], "app"), ["GET /v1/search?q=app&n=25 200"]);
    assert_eq!(asked(&["--limit=100"], "library/a b&c"), ["GET /v1/search?q=library%2Fa+b%26c&n=100 200"]);
    assert_eq!(asked(&["--limit", "101"], "app"), [""; 0]);
    let limited = session.ok(&["search", "--limit", "1", "--format", "{{.Name}}", &registry.name("app")]);
    assert_eq!(limited, "team/app\n");
    // A server that sends more than it was asked for.
    registry.script(
        |_, reply| if reply.status == 200 { reply.saying(json!({"results": found()}).to_string()) } else { reply },
    );
    let limited = session.ok(&["search", "--limit", "2", "--format", "{{.Name}}", &registry.name("app")]);
    assert_eq!(limited, "team/app\napp\n");
}

#[test]
fn mistakes_in_dockers_words() {
    let session = Session::new();
    for (args, code, words) in [
        (&["--limit", "101", "127.0.0.1:1/a"][..], 1, "error: limit 101 is outside the range of [1, 100]\n"),
        (
            &["-f", "stars=x", "a"],
            1,
            "error: invalid filter 'stars=x'\nhint: supported filters: is-official= and stars=\n",
        ),
        (
            &["-f", "is-official=maybe", "a"],
            1,
            "error: invalid filter 'is-official=[maybe]'\nhint: supported filters: is-official= and stars=\n",
        ),
        (
            &["-f", "nosuch=1", "a"],
            1,
            "error: invalid filter 'nosuch'\nhint: supported filters: is-official= and stars=\n",
        ),
        (
            &["https://registry.example/a"],
            1,
            "error: invalid repository name: repository name (https://registry.example/a) should not have a scheme\n",
        ),
    ] {
        let answer = session.run(&[&["search"], args].concat());
        assert_eq!((answer.code, answer.stderr.as_str()), (code, words), "{args:?}");
    }
    for (args, pieces) in [
        (
            &["--limit", "x", "a"][..],
            r#"invalid argument "x" for "--limit" flag: strconv.ParseInt: parsing "x": invalid syntax"#,
        ),
        (
            &["--limit", "9999999999999999999", "a"],
            r#"for "--limit" flag: strconv.ParseInt: parsing "9999999999999999999": value out of range"#,
        ),
        (
            &["-f", "stars", "a"],
            r#"invalid argument "stars" for "-f, --filter" flag: bad format of filter (expected name=value)"#,
        ),
    ] {
        session.run(&[&["search"], args].concat()).fails(125, &[pieces, "Usage:  imgtool search [OPTIONS] TERM"]);
    }
    session.run(&["search"]).fails(1, &["imgtool: 'imgtool search' requires 1 argument"]);
    let registry = registry();
    let automated = session.run(&["search", "-f", "is-automated=true", "--format", "{{.Name}}", &registry.name("app")]);
    let warning = "WARNING: the \"is-automated\" filter is deprecated, and searching for \"is-automated=true\" will not \
                   yield any results in future.\n";
    assert_eq!((automated.out().as_str(), automated.stderr.as_str()), ("old/app\n", warning));
    let unknown = session.run(&["search", "--format", "{{.IsAutomated}}", &registry.name("app")]);
    unknown.fails(1, &["can't evaluate field IsAutomated in type *registry.searchContext"]);
}

#[test]
fn a_registry_without_search_says_what_it_has_instead() {
    let (session, registry) = (Session::new(), Registry::start());
    let host = registry.host();
    let expected = format!(
        "error: {host} has no search: its repositories are listed by imgtool catalog {host}, the tags of one by imgtool \
         tags {host}/REPOSITORY\n"
    );
    let said = || {
        let answer = session.run(&["search", &registry.name("app")]);
        assert_eq!((answer.code, answer.stdout.len()), (1, 0));
        answer.stderr
    };
    assert_eq!(said(), expected, "a path that is not there");
    for reply in [
        Reply::new(200, "<!DOCTYPE html><html>a page for people</html>").with("Content-Type", "text/html"),
        Reply::new(200, ""),
        Reply::new(405, ""),
        Reply::json(200, &json!({})),
        Reply::json(200, &json!(["a"])),
    ] {
        registry.script(move |request, honest| if request.path == "/v1/search" { reply.clone() } else { honest });
        assert_eq!(said(), expected);
    }
    for (reply, words) in [
        (Reply::new(503, ""), "the server answers 503 Service Unavailable"),
        (Reply::error(403, "DENIED", "not for you"), "denied: not for you"),
        (Reply::json(200, &json!({"results": 5})), "invalid answer: no list \"results\""),
        (Reply::json(200, &json!({"results": [5]})), "invalid answer: 5 in \"results\""),
        (Reply::new(200, "[".repeat(1 << 16)).endless(), "larger than 4194304 bytes"),
    ] {
        registry.script(move |request, honest| if request.path == "/v1/search" { reply.clone() } else { honest });
        let said = said();
        assert!(said.contains(&registry.host()) && said.contains(words), "{said}");
    }
}

#[test]
fn credentials_are_sent_where_they_are_asked_for() {
    let session = Session::new();
    let registry = Registry::with(Setup { auth: Auth::Basic(user("ada", "hunter2")), ..Setup::default() });
    registry.content().found = found();
    registry.script(|request, honest| {
        if request.path == "/v1/search" && request.header("authorization").is_none() {
            return Reply::error(401, "UNAUTHORIZED", "authentication required")
                .with("WWW-Authenticate", "Basic realm=\"r\"");
        }
        honest
    });
    let term = registry.name("app");
    session
        .run(&["search", &term])
        .fails(1, &["authentication required", &format!("imgtool login {}", registry.host())]);
    session.run_with(b"hunter2", &["login", "-u", "ada", "--password-stdin", &registry.host()]).ok();
    assert!(session.ok(&["search", "--format", "{{.Name}}", &term]).starts_with("team/app\n"));
}

#[test]
fn what_is_searched_in_docker_hub() {
    let (session, authority) = (Session::new(), Authority::new());
    session.write("ca.pem", authority.pem());
    let tls = Some(authority.certify(&["index.docker.io"]).server());
    let hub = Registry::with(Setup { tls, ..Setup::default() });
    hub.content().found = found();
    let tunnel = Tunnel::to(&[("index.docker.io:443", hub.address())]);
    let search = |term: &str| {
        hub.forget();
        let args = ["--tls-ca", "ca.pem", "search", "--format", "{{.Name}}", term];
        let output = session.command(&args).env("HTTPS_PROXY", tunnel.url()).output().expect("the binary starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (String::from_utf8_lossy(&output.stdout).into_owned(), said, hub.log())
    };
    let asked = |query: &str| vec![format!("GET /v1/search?q={query}&n=25 200")];
    assert_eq!(search("team/app"), ("team/app\n".to_owned(), String::new(), asked("team%2Fapp")));
    for term in ["library/old", "docker.io/old", "index.docker.io/library/old"] {
        assert_eq!(search(term), ("old/app\n".to_owned(), String::new(), asked("old")), "{term}");
    }
    assert!(tunnel.asked().iter().all(|host| host == "index.docker.io:443"), "{:?}", tunnel.asked());
    // It does have a search, even if it says otherwise for once.
    hub.script(|_, _| Reply::new(404, ""));
    assert_eq!(search("app").1, "error: docker.io: the server answers 404 Not Found\n");
}

#[test]
fn what_a_terminal_would_act_on_is_escaped() {
    let (session, registry) = (Session::new(), Registry::start());
    registry.content().found =
        vec![json!({"name": "app\u{1b}[2J\nfake", "description": "a\u{1b}]0;title\u{7}b", "star_count": 1})];
    let term = registry.name("app");
    let streams = Streams { stdin: false, stdout: true, stderr: false };
    let (_, shown) = terminal::run(session.command(&["search", &term]), streams);
    assert!(shown.contains("app\\x1b[2J\\nfake") && shown.contains("a\\x1b]0;title\\x07b"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    assert!(session.ok(&["search", &term]).contains("app\u{1b}[2J"), "a pipe gets it as it is");
}
