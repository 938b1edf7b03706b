//! Who may do what: passwords, tokens, rules; and that what is refused tells nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::serving::{Said, Serving};
use crate::support::session::Session;
use crate::support::tarball::pack;

/// Cheap hashes: tests are not attacked.
const COST: u32 = 4;

/// Lines of a file of users.
pub(crate) fn users(users: &[(&str, &str)]) -> String {
    let line = |(user, password): &(&str, &str)| format!("{user}:{}\n", bcrypt::hash(password, COST).expect("a hash"));
    users.iter().map(line).collect()
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// A request with a user's password.
fn ask(serving: &Serving, user: &str, password: &str, method: &str, path: &str) -> Said {
    serving.ask(method, path, &[("Authorization", &basic(user, password))], b"")
}

/// A server with images, and with ada, grace and eve, whose passwords are their names backwards.
fn serve(session: &Session, flags: &[&str]) -> Serving {
    let names = ["demo:1", "team/app:1", "base/os:1", "public/web:1"];
    session.load(&pack(&producers::docker_save(&names.map(|name| TestImage::of(name, name)))));
    session.write("users", users(&[("ada", "ada's"), ("grace", "grace's"), ("eve", "eve's")]));
    Serving::start(session, &[&["--htpasswd", "users"], flags].concat())
}

#[test]
fn without_the_password_nothing_is_answered() {
    let session = Session::new();
    let serving = serve(&session, &[]);
    for path in [
        "/v2/",
        "/v2/_catalog",
        "/v2/demo/tags/list",
        "/v2/nothing/tags/list",
        "/v2/demo/manifests/1",
        "/v2/DEMO/manifests/1",
        "/v2/demo/blobs/uploads/x",
        "/v2/token",
    ] {
        let said = serving.get(path).expect(401);
        assert_eq!(said.header("www-authenticate"), "Basic realm=\"imgtool\"", "{path}");
        assert_eq!(said.code(), "UNAUTHORIZED", "{path}");
        ask(&serving, "ada", "wrong", "GET", path).expect(401);
    }
    serving.ask("POST", "/v2/demo/blobs/uploads/", &[], b"").expect(401);
    serving.ask("DELETE", "/v2/demo/manifests/1", &[], b"").expect(401);
    ask(&serving, "ada", "ada's", "GET", "/v2/").expect(200);
    ask(&serving, "ada", "ada's", "GET", "/v2/demo/manifests/1").expect(200);
    for bad in
        ["Basic", "Basic ", "Basic ====", "Basic YWRh", "Digest x", "Bearer x", &format!("Basic {}", "A".repeat(9000))]
    {
        serving.ask("GET", "/v2/", &[("Authorization", bad)], b"").expect(401);
    }
}

#[test]
fn a_wrong_password_is_answered_like_an_unknown_user() {
    let session = Session::new();
    let serving = serve(&session, &[]);
    let strip = |mut said: Said| {
        said.headers.retain(|name, _| name != "date" && name != "x-request-id");
        (said.status, said.headers, said.body)
    };
    let wrong = strip(ask(&serving, "ada", "eve's", "GET", "/v2/demo/manifests/1"));
    for (user, password) in [("nobody", "x"), ("ada", ""), ("", "x"), ("ada\n", "ada's")] {
        assert_eq!(strip(ask(&serving, user, password, "GET", "/v2/demo/manifests/1")), wrong, "{user}");
    }
}

#[test]
fn the_file_of_users_is_read_again_when_it_changes() {
    let session = Session::new();
    let serving = serve(&session, &[]);
    ask(&serving, "ada", "ada's", "GET", "/v2/").expect(200);
    session.write("users", users(&[("ada", "another password"), ("linus", "new")]));
    while ask(&serving, "linus", "new", "GET", "/v2/").status != 200 {}
    // What was remembered is forgotten.
    ask(&serving, "ada", "ada's", "GET", "/v2/").expect(401);
    ask(&serving, "grace", "grace's", "GET", "/v2/").expect(401);
    // A file that is wrong changes nothing.
    session.write("users", "ada:$apr1$x$y\n");
    ask(&serving, "linus", "new", "GET", "/v2/").expect(200);
    std::fs::remove_file(session.work().join("users")).expect("it is there");
    ask(&serving, "linus", "new", "GET", "/v2/").expect(200);
}

#[test]
fn files_of_users_that_are_wrong_are_refused_with_the_way_out() {
    let session = Session::new();
    for (text, expected) in [
        (
            "# users\nada:$apr1$abc$def\n",
            "users: line 2: the password of ada is MD5 (apr1), and only bcrypt is taken: htpasswd -B FILE ada",
        ),
        ("ada\n", "users: line 1: expected NAME:HASH"),
    ] {
        session.write("users", text);
        session.run(&["serve", "--addr", "127.0.0.1:0", "--htpasswd", "users"]).fails(1, &[expected]);
    }
    session.run(&["serve", "--addr", "127.0.0.1:0", "--htpasswd", "absent"]).fails(1, &["cannot read absent"]);
    session.run(&["serve", "--addr", "127.0.0.1:0", "--anonymous-pull"]).fails(1, &["--htpasswd FILE"]);
}

#[test]
fn everybody_pulls_and_only_users_push() {
    let session = Session::new();
    let serving = serve(&session, &["--anonymous-pull"]);
    // docker asks here first, and fetches a token with its credentials or without any.
    let said = serving.get("/v2/").expect(401);
    let realm = format!("Bearer realm=\"http://{}/v2/token\",service=\"imgtool\"", serving.host);
    assert_eq!(said.header("www-authenticate"), realm);
    let token = |said: Said| format!("Bearer {}", said.expect(200).json()["token"].as_str().expect("a token"));
    let anonymous = token(serving.get("/v2/token?service=imgtool&scope=repository:demo:pull"));
    let ada = token(ask(&serving, "ada", "ada's", "GET", "/v2/token?service=imgtool"));
    ask(&serving, "ada", "wrong", "GET", "/v2/token").expect(401);
    for credentials in [&anonymous, &ada, "Basic Og=="] {
        serving.ask("GET", "/v2/", &[("Authorization", credentials)], b"").expect(200);
        serving.ask("GET", "/v2/demo/manifests/1", &[("Authorization", credentials)], b"").expect(200);
    }
    serving.get("/v2/demo/manifests/1").expect(200);
    serving.get("/v2/_catalog").expect(200);
    let push =
        |credentials: &str| serving.ask("POST", "/v2/demo/blobs/uploads/", &[("Authorization", credentials)], b"");
    push(&anonymous).expect(401);
    push("Basic Og==").expect(401);
    push(&ada).expect(202);
    push(&basic("ada", "ada's")).expect(202);
    serving.ask("DELETE", "/v2/demo/manifests/1", &[("Authorization", &anonymous)], b"").expect(401);
    let forged = ada.replace(&ada[20..24], "AAAA");
    serving.ask("GET", "/v2/demo/manifests/1", &[("Authorization", &forged)], b"").expect(401);
    // A proxy says how it was reached; a name that cannot be one is not said on.
    let behind = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "registry.example.com")];
    let said = serving.ask("GET", "/v2/", &behind, b"").expect(401);
    assert!(said.header("www-authenticate").contains("\"https://registry.example.com/v2/token\""));
    let said = serving.ask("GET", "/v2/", &[("X-Forwarded-Host", "a\"b")], b"").expect(401);
    assert!(!said.header("www-authenticate").contains("a\""), "{said:?}");
}

/// The rules of the tests: a team, a base for all users, and what is public.
fn config() -> String {
    json!({
        "htpasswd": "users",
        "groups": {"team": ["ada", "grace"]},
        "rules": [
            {"who": ["@team"], "repositories": ["team/**", "demo"], "rights": ["push"]},
            {"who": ["grace"], "repositories": ["team/**"], "rights": ["delete"]},
            {"who": ["users"], "repositories": ["base/*"], "rights": ["pull"]},
            {"who": ["anonymous"], "repositories": ["public/**"], "rights": ["pull"]},
        ],
    })
    .to_string()
}

#[test]
fn rules_say_who_may_do_what() {
    let session = Session::new();
    session.write("serve.json", config());
    let serving = serve(&session, &["--config", "serve.json"]);
    let catalog = |user: &str| {
        let path = "/v2/_catalog";
        let said =
            if user.is_empty() { serving.get(path) } else { ask(&serving, user, &format!("{user}'s"), "GET", path) };
        said.expect(200).json()["repositories"].clone()
    };
    assert_eq!(catalog("ada"), json!(["base/os", "demo", "public/web", "team/app"]));
    assert_eq!(catalog("eve"), json!(["base/os", "public/web"]));
    assert_eq!(catalog(""), json!(["public/web"]));
    for (user, method, path, status) in [
        ("ada", "GET", "/v2/team/app/manifests/1", 200),
        ("ada", "GET", "/v2/library/demo/manifests/1", 200),
        ("ada", "POST", "/v2/team/new/blobs/uploads/", 202),
        ("ada", "DELETE", "/v2/team/app/manifests/1", 403),
        ("ada", "POST", "/v2/base/os/blobs/uploads/", 403),
        ("ada", "POST", "/v2/nothing/blobs/uploads/", 403),
        ("eve", "GET", "/v2/team/app/manifests/1", 404),
        ("eve", "GET", "/v2/base/os/manifests/1", 200),
        ("eve", "GET", "/v2/public/web/tags/list", 200),
        ("eve", "DELETE", "/v2/demo/manifests/1", 403),
        ("grace", "DELETE", "/v2/team/app/manifests/1", 202),
    ] {
        ask(&serving, user, &format!("{user}'s"), method, path).expect(status);
    }
    serving.get("/v2/public/web/manifests/1").expect(200);
    serving.get("/v2/base/os/manifests/1").expect(401);
    serving.get("/v2/nothing/manifests/1").expect(401);
}

#[test]
fn what_one_may_not_read_is_as_if_it_were_not_there() {
    let session = Session::new();
    session.write("serve.json", config());
    let serving = serve(&session, &["--config", "serve.json"]);
    let manifest = ask(&serving, "ada", "ada's", "GET", "/v2/team/app/manifests/1").expect(200);
    let (digest, config) =
        (manifest.header("docker-content-digest").to_owned(), manifest.json()["config"]["digest"].clone());
    let config = config.as_str().expect("a digest");
    for path in [
        "tags/list".to_owned(),
        "manifests/1".to_owned(),
        format!("manifests/{digest}"),
        format!("blobs/{config}"),
        format!("referrers/{digest}"),
    ] {
        let answer = |repository: &str| {
            let said = ask(&serving, "eve", "eve's", "GET", &format!("/v2/{repository}/{path}"));
            (said.status, String::from_utf8(said.body).expect("text").replace(repository, "X"))
        };
        assert_eq!(answer("team/app"), answer("team/not"), "{path}");
    }
    // Nor is it mounted: the upload begins instead.
    let mount = |user: &str, target: &str| {
        let path = format!("/v2/{target}/blobs/uploads/?mount={config}&from=team/app");
        ask(&serving, user, &format!("{user}'s"), "POST", &path)
    };
    mount("ada", "demo").expect(201);
    mount("eve", "demo").expect(403);
}

#[test]
fn keys_of_the_config_file_are_the_flags() {
    let session = Session::new();
    for (text, expected) in [
        ("{", "serve.json: it is not valid JSON"),
        (r#"{"htpaswd": "users"}"#, r#"serve.json: unknown key "htpaswd": did you mean "htpasswd"?"#),
        (r#"{"rules": [{"who": "@x", "repositories": "**", "rights": "pull"}], "htpasswd": "users"}"#, "no such group"),
        (r#"{"rules": [{"who": "ada", "repositories": "**", "rights": "pull"}]}"#, "--htpasswd FILE"),
    ] {
        session.write("users", "");
        session.write("serve.json", text);
        session.run(&["serve", "--addr", "127.0.0.1:0", "--config", "serve.json"]).fails(1, &[expected]);
    }
    session.run(&["serve", "--config", "absent.json"]).fails(1, &["absent.json: cannot be read"]);
    session.write("serve.json", r#"{"read-only": true}"#);
    let serving = Serving::start(&session, &["--config", "serve.json"]);
    serving.ask("POST", "/v2/demo/blobs/uploads/", &[], b"").expect(405);
}
