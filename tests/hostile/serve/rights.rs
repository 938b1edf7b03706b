//! Users who reach for what is others'.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::serving::{Said, Serving};
use crate::support::session::Session;
use crate::support::tarball::pack;

/// ada and grace push to `team/*`, eve to `eve/*`; their passwords are their names.
fn serve(session: &Session) -> Serving {
    let hash = |user: &str| format!("{user}:{}\n", bcrypt::hash(user, 4).expect("a hash"));
    session.write("users", ["ada", "grace", "eve"].map(hash).concat());
    let rules = json!([
        {"who": ["ada", "grace"], "repositories": "team/*", "rights": "push"},
        {"who": "eve", "repositories": "eve/*", "rights": ["push", "delete"]},
    ]);
    session.write("serve.json", json!({"htpasswd": "users", "rules": rules}).to_string());
    session.load(&pack(&producers::docker_save(&[TestImage::of("team/app:1", "secret")])));
    Serving::start(session, &["--config", "serve.json"])
}

fn ask(serving: &Serving, user: &str, method: &str, path: &str, body: &[u8]) -> Said {
    let basic = format!("Basic {}", STANDARD.encode(format!("{user}:{user}")));
    serving.ask(method, path, &[("Authorization", &basic), ("Content-Type", "application/octet-stream")], body)
}

#[test]
fn an_upload_is_only_its_users() {
    let session = Session::new();
    let serving = serve(&session);
    let place =
        ask(&serving, "ada", "POST", "/v2/team/app/blobs/uploads/", b"").expect(202).header("location").to_owned();
    ask(&serving, "ada", "PATCH", &place, b"ada's").expect(202);
    // grace may push there, too, and knows the ID.
    let end = format!("{place}?digest={}", crate::support::digest(b"ada's"));
    for (method, path) in [("GET", &place), ("PATCH", &place), ("PUT", &end), ("DELETE", &place)] {
        let said = ask(&serving, "grace", method, path, b"").expect(404);
        assert_eq!(said.code(), "BLOB_UPLOAD_UNKNOWN", "{method}");
    }
    // Nor is it reached by another repository.
    let elsewhere = place.replace("team/app", "team/other");
    ask(&serving, "ada", "GET", &elsewhere, b"").expect(404);
    ask(&serving, "ada", "PUT", &end, b"").expect(201);
}

#[test]
fn what_one_may_not_read_is_not_mounted_or_named_in_a_manifest() {
    let session = Session::new();
    let serving = serve(&session);
    let manifest = ask(&serving, "ada", "GET", "/v2/team/app/manifests/1", b"").expect(200);
    let (digest, document) = (manifest.header("docker-content-digest").to_owned(), manifest.json());
    let config = document["config"]["digest"].as_str().expect("a digest").to_owned();
    let uploaded = ask(
        &serving,
        "ada",
        "POST",
        &format!("/v2/team/app/blobs/uploads/?digest={}", crate::support::digest(b"x")),
        b"x",
    );
    uploaded.expect(201);
    for blob in [&config, &digest, &crate::support::digest(b"x")] {
        for from in ["&from=team/app", "&from=team/../team/app", "", "&from=eve/x&from=team/app"] {
            let path = format!("/v2/eve/x/blobs/uploads/?mount={blob}{from}");
            ask(&serving, "eve", "POST", &path, b"").expect(202);
        }
        ask(&serving, "eve", "GET", &format!("/v2/eve/x/blobs/{blob}"), b"").expect(404);
    }
    // The manifest names blobs that are in the store, but not in this repository.
    let path = "/v2/eve/x/manifests/1";
    let basic = format!("Basic {}", STANDARD.encode("eve:eve"));
    let kind = document["mediaType"].as_str().expect("a type");
    let said = serving.ask("PUT", path, &[("Authorization", &basic), ("Content-Type", kind)], &manifest.body);
    assert_eq!(said.code(), "MANIFEST_BLOB_UNKNOWN");
    let catalog = ask(&serving, "eve", "GET", "/v2/_catalog", b"").expect(200).json();
    assert_eq!(catalog["repositories"], json!([]));
    assert_eq!(session.inspect("team/app:1")["RepoTags"], json!(["team/app:1"]));
}

#[test]
fn a_flood_of_wrong_passwords_stops_nobody_who_is_known() {
    let session = Session::new();
    let serving = serve(&session);
    ask(&serving, "ada", "GET", "/v2/", b"").expect(200);
    let wrong = format!("Basic {}", STANDARD.encode("ada:wrong"));
    std::thread::scope(|scope| {
        for _ in 0..200 {
            scope.spawn(|| {
                let said = serving.ask("GET", "/v2/", &[("Authorization", &wrong)], b"");
                assert!(matches!(said.status, 401 | 429), "{}", said.status);
            });
        }
        // Meanwhile.
        for _ in 0..20 {
            ask(&serving, "ada", "GET", "/v2/team/app/manifests/1", b"").expect(200);
        }
    });
}
