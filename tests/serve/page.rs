//! The page for people: what is on it, and what is not.

use serde_json::json;

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::serving::{Said, Serving};
use crate::support::session::Session;
use crate::support::tarball::pack;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A server with images loaded.
fn serving(images: &[TestImage], flags: &[&str]) -> (Session, Serving) {
    let session = Session::new();
    session.load(&pack(&producers::docker_save(images)));
    let serving = Serving::start(&session, flags);
    (session, serving)
}

/// A page, which must be one.
#[track_caller]
fn text(said: Said) -> String {
    assert_eq!(said.header("content-type"), "text/html; charset=utf-8");
    let policy = said.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    for word in ["form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(word), "{policy}");
    }
    assert_eq!(said.header("x-content-type-options"), "nosniff");
    assert_eq!(said.header("referrer-policy"), "same-origin");
    let text = String::from_utf8(said.body).expect("UTF-8");
    well_formed(&text);
    text
}

/// Whether each element that begins also ends, and no markup is there that we do not write.
#[track_caller]
fn well_formed(page: &str) {
    const VOID: [&str; 3] = ["meta", "link", "input"];
    const KNOWN: [&str; 38] = [
        "html", "head", "title", "body", "a", "header", "nav", "span", "main", "footer", "h1", "h2", "p", "form",
        "input", "button", "table", "caption", "thead", "tbody", "tr", "th", "td", "ul", "li", "dl", "dt", "dd",
        "code", "time", "div", "meta", "link", "section", "strong", "em", "ol", "small",
    ];
    let mut open = Vec::new();
    let rest = page.strip_prefix("<!DOCTYPE html>\n").expect("a doctype");
    for piece in rest.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').unwrap_or_else(|| panic!("no end: {piece}"));
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{page}");
            continue;
        }
        let name = tag.split(' ').next().expect("a name");
        assert!(KNOWN.contains(&name), "<{tag}> is not ours");
        assert!(!tag.contains(" on") && !tag.contains("javascript:") && !tag.contains(" style="), "<{tag}>");
        if !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert_eq!(open, [""; 0]);
}

#[test]
fn an_empty_store_says_how_to_push() {
    let session = Session::new();
    let serving = Serving::start(&session, &[]);
    let page = text(serving.get("/").expect(200));
    assert!(page.contains(&format!("docker push {}/demo:1", serving.host)), "{page}");
    let read_only = Serving::start(&session, &["--read-only"]);
    let page = text(read_only.get("/").expect(200));
    assert!(!page.contains("docker push") && page.contains("imgtool load"), "{page}");
}

#[test]
fn repositories_tags_and_images_are_shown() {
    let images = [TestImage::sample("demo:1").also_tagged("demo:2"), TestImage::of("localhost:5000/far:1", "x")];
    let (_session, serving) = serving(&images, &[]);
    let list = text(serving.get("/").expect(200));
    for part in ["<caption>2 repositories</caption>", "href=\"/ui/r/demo\"", "href=\"/ui/r/localhost_5000/far\""] {
        assert!(list.contains(part), "{part}: {list}");
    }
    let repository = text(serving.get("/ui/r/demo").expect(200));
    let pull = format!("docker pull {}/demo:1", serving.host);
    for part in ["<caption>2 tags</caption>", "href=\"/ui/i/demo:1\"", "linux/amd64", "1999-12-31T23:59:59Z", &pull] {
        assert!(repository.contains(part), "{part}: {repository}");
    }
    let far = text(serving.get("/ui/r/localhost_5000/far").expect(200));
    assert!(far.contains(&format!("docker pull {}/localhost_5000/far:1", serving.host)), "{far}");
    assert!(far.contains("In the store its name is <code>localhost:5000/far</code>"), "{far}");
    let image = text(serving.get("/ui/i/demo:1").expect(200));
    for part in [
        pull.as_str(),
        "Layers and history: 2 layers",
        "/bin/sh -c #(nop)  CMD [&quot;/hello&quot;]",
        "PATH=/bin",
        "[&quot;/hello&quot;]",
        "a &lt;b&gt; &amp; c",
        "<h2>Config</h2>",
    ] {
        assert!(image.contains(part), "{part}: {image}");
    }
    // By digest, too.
    let digest = serving.ask("HEAD", "/v2/demo/manifests/1", &[], b"").expect(200);
    let digest = digest.header("docker-content-digest").to_owned();
    let by_digest = text(serving.get(&format!("/ui/i/demo@{digest}")).expect(200));
    assert!(by_digest.contains(&format!("docker pull {}/demo@{digest}", serving.host)), "{by_digest}");
    for missing in ["/ui/r/none", "/ui/i/demo:none", "/ui/i/none:1", "/ui/x", "/nothing", "/ui/r/../etc", "/ui/i/demo"]
    {
        let page = text(serving.get(missing).expect(404));
        assert!(page.contains("<h1>Not found</h1>"), "{missing}: {page}");
    }
}

#[test]
fn what_comes_from_an_image_is_text() {
    let evil =
        ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onclick='x", "a\u{202e}b", "</td></table>"];
    let labels: serde_json::Map<_, _> = evil.iter().map(|text| ((*text).to_owned(), json!(text))).collect();
    let config = json!({
        "Env": evil, "Cmd": evil, "Entrypoint": evil, "Labels": labels, "User": evil[0], "WorkingDir": evil[1],
        "ExposedPorts": {evil[0]: {}}, "Volumes": {evil[1]: {}}, "StopSignal": evil[2], "Shell": evil,
        "Healthcheck": {"Test": evil},
    });
    let mut image = TestImage::of("demo:1", "x").with("config", config).with("author", json!(evil[0]));
    for text in evil {
        image = image.step(text);
    }
    let image = image.with("architecture", json!(evil[0])).with("os", json!(evil[1])).with("variant", json!(evil[3]));
    let (_session, serving) = serving(&[image], &[]);
    for path in ["/", "/ui/r/demo", "/ui/i/demo:1", "/ui/delete/demo:1"] {
        let page = text(serving.get(path).expect(200));
        assert!(!page.contains('\u{202e}') && !page.contains("<script") && !page.contains("<img"), "{path}: {page}");
    }
    let page = text(serving.get("/ui/i/demo:1").expect(200));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.contains("a\\u{202e}b"), "{page}");
    // What is in a request is text as well.
    for path in ["/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "/?page=%3Cscript%3E", "/ui/r/%3Cscript%3E"] {
        let page = text(serving.get(path));
        assert!(!page.contains("<script"), "{path}: {page}");
    }
    let page = text(serving.ask("GET", "/ui/r/demo", &[("X-Forwarded-Host", "\"><script>")], b"").expect(200));
    assert!(!page.contains("<script"), "{page}");
}

#[test]
fn a_large_label_makes_no_large_page() {
    let config = json!({"Labels": {"big": "B".repeat(100_000)}, "Env": ["X=".to_owned() + &"é".repeat(50_000)]});
    let (_session, serving) = serving(&[TestImage::of("demo:1", "x").with("config", config)], &[]);
    let page = text(serving.get("/ui/i/demo:1").expect(200));
    assert!(page.len() < 20_000, "{}", page.len());
    assert!(page.contains("… 100000 bytes in all"), "{page}");
}

#[test]
fn a_thousand_repositories_have_pages_and_a_search() {
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[TestImage::of("demo:1", "x")])));
    let mut index = session.index();
    let entry = index["manifests"][0].clone();
    let entries = index["manifests"].as_array_mut().expect("a list");
    for n in 0..1000 {
        let mut entry = entry.clone();
        for (_, value) in entry["annotations"].as_object_mut().expect("names") {
            *value = json!(format!("docker.io/team/app-{n:04}:1"));
        }
        entries.push(entry);
    }
    std::fs::write(session.store().join("index.json"), index.to_string()).expect("a file");
    let serving = Serving::start(&session, &[]);
    let first = text(serving.get("/").expect(200));
    assert!(first.contains("1 to 100 of 1001 repositories"), "{first}");
    assert_eq!(first.matches("href=\"/ui/r/").count(), 100);
    assert!(first.contains("href=\"/?q=&amp;page=2\"") && !first.contains("Previous"), "{first}");
    let last = text(serving.get("/?page=99").expect(200));
    assert!(last.contains("Page 11 of 11") && last.contains("app-0999") && !last.contains("Next"), "{last}");
    let found = text(serving.get("/?q=APP-077").expect(200));
    assert!(found.contains("<caption>10 repositories</caption>"), "{found}");
    let none = text(serving.get("/?q=nothing").expect(200));
    assert!(none.contains("None of 1001 repositories has “nothing” in its name."), "{none}");
}

#[test]
fn an_index_has_a_chooser_of_platforms_and_referrers_are_listed() {
    let session = Session::new();
    let serving = Serving::start(&session, &[]);
    let mut entries = Vec::new();
    for (os, architecture) in [("linux", "amd64"), ("linux", "arm64")] {
        let config = json!({"os": os, "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": []},
            "config": {"Env": [format!("ARCH={architecture}")]}});
        let config = config.to_string();
        let digest = serving.put_blob("demo", config.as_bytes());
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [], "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": config.len()}});
        let manifest = manifest.to_string();
        let digest = crate::support::digest(manifest.as_bytes());
        serving.put_manifest("demo", &digest, MANIFEST, manifest.as_bytes());
        entries.push(json!({"mediaType": MANIFEST, "digest": digest, "size": manifest.len(),
            "platform": {"os": os, "architecture": architecture}}));
    }
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).to_string();
    let digest = serving.put_manifest("demo", "1", INDEX, index.as_bytes());
    let empty = serving.put_blob("demo", b"{}");
    let about = json!({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/x.sbom", "layers": [],
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": empty, "size": 2},
        "subject": {"mediaType": INDEX, "digest": digest, "size": index.len()}});
    let about = about.to_string();
    serving.put_manifest("demo", &crate::support::digest(about.as_bytes()), MANIFEST, about.as_bytes());
    let repository = text(serving.get("/ui/r/demo").expect(200));
    assert!(repository.contains("linux/amd64") && repository.contains("linux/arm64"), "{repository}");
    assert!(!repository.contains("without a tag"), "{repository}");
    let arm = entries[1]["digest"].as_str().expect("a digest");
    let page = text(serving.get(&format!("/ui/i/demo:1?platform={arm}")).expect(200));
    assert!(page.contains(&format!("href=\"/ui/i/demo:1?platform={arm}\" aria-current=\"true\"")), "{page}");
    assert!(page.contains("ARCH=arm64") && !page.contains("ARCH=amd64"), "{page}");
    assert!(page.contains("application/x.sbom"), "{page}");
    // A tag that moves leaves a manifest without one.
    let other = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entries[0]]}).to_string();
    serving.put_manifest("demo", "1", INDEX, other.as_bytes());
    let repository = text(serving.get("/ui/r/demo").expect(200));
    assert!(repository.contains("<caption>1 without a tag</caption>"), "{repository}");
    assert!(repository.contains(&format!("href=\"/ui/i/demo@{digest}\"")), "{repository}");
}

#[test]
fn deleting_asks_first_and_believes_no_other_site() {
    let (session, serving) = serving(&[TestImage::of("demo:1", "x").also_tagged("demo:2")], &[]);
    let page = text(serving.get("/ui/delete/demo:1").expect(200));
    assert!(page.contains("<form method=\"post\" action=\"/ui/delete/demo:1\""), "{page}");
    let own = format!("http://{}", serving.host);
    let post = |headers: &[(&str, &str)]| serving.ask("POST", "/ui/delete/demo:1", headers, b"");
    for foreign in [
        &[][..],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Sec-Fetch-Site", "none")],
        &[("Origin", "http://evil.example")],
        &[("Origin", "null")],
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", own.as_str())],
    ] {
        let page = text(post(foreign).expect(403));
        assert!(page.contains("nothing was deleted"), "{page}");
    }
    serving.get("/v2/demo/manifests/1").expect(200);
    assert_eq!(post(&[("Origin", own.as_str())]).expect(303).header("location"), "/ui/r/demo");
    serving.get("/v2/demo/manifests/1").expect(404);
    serving.get("/v2/demo/manifests/2").expect(200);
    assert_eq!(session.tags(), ["demo:2"]);
    text(post(&[("Sec-Fetch-Site", "same-origin")]).expect(404));
}

#[test]
fn where_nothing_is_deleted_there_is_no_button() {
    for flag in ["--read-only", "--no-delete"] {
        let (_session, serving) = serving(&[TestImage::of("demo:1", "x")], &[flag]);
        for path in ["/ui/r/demo", "/ui/i/demo:1"] {
            let page = text(serving.get(path).expect(200));
            assert!(!page.contains("Delete"), "{flag} {path}: {page}");
        }
        let own = [("Sec-Fetch-Site", "same-origin")];
        text(serving.get("/ui/delete/demo:1").expect(403));
        text(serving.ask("POST", "/ui/delete/demo:1", &own, b"").expect(403));
        serving.get("/v2/demo/manifests/1").expect(200);
    }
}

#[test]
fn pages_can_only_be_read_and_have_what_readers_need() {
    let (_session, serving) = serving(&[TestImage::sample("demo:1")], &[]);
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let said = serving.ask(method, "/ui/r/demo", &[], b"").expect(405);
        assert_eq!(said.header("allow"), "GET, HEAD");
    }
    assert_eq!(serving.ask("HEAD", "/", &[], b"").expect(200).body, b"");
    // What is asked for below the API is no page.
    assert_eq!(serving.get("/v2/no/such/path").expect(404).code(), "UNSUPPORTED");
    for path in ["/", "/ui/r/demo", "/ui/i/demo:1"] {
        let page = text(serving.get(path).expect(200));
        for part in ["<html lang=\"en\">", "name=\"viewport\"", "href=\"#content\"", "<main id=\"content\">"] {
            assert!(page.contains(part), "{path}: {part}");
        }
        assert_eq!(page.matches("<h1>").count(), 1, "{path}");
        assert_eq!(page.matches("<table").count(), page.matches("<caption>").count(), "{path}");
    }
    assert_eq!(serving.get("/ui/style.css").expect(200).header("content-type"), "text/css; charset=utf-8");
    assert_eq!(serving.get("/ui/icon.svg").expect(200).header("content-type"), "image/svg+xml");
}

#[test]
fn who_may_see_and_delete_is_what_the_api_says() {
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[TestImage::of("demo:1", "x"), TestImage::of("secret/a:1", "y")])));
    session.write("users", crate::access::users(&[("ada", "right"), ("bob", "right")]));
    let rules = json!([
        {"who": ["ada"], "repositories": ["**"], "rights": ["push", "delete"]},
        {"who": ["bob"], "repositories": ["demo"], "rights": ["pull"]},
    ]);
    let config = json!({"htpasswd": "users", "rules": rules}).to_string();
    session.write("serve.json", config);
    let serving = Serving::start(&session, &["--config", "serve.json"]);
    for path in ["/", "/ui/r/demo", "/ui/i/demo:1", "/ui/r/none", "/ui/delete/demo:1"] {
        let said = serving.get(path).expect(401);
        assert!(said.header("www-authenticate").starts_with("Basic "), "{path}");
        assert!(!text(said).contains("demo:1"), "{path}");
    }
    serving.get("/ui/style.css").expect(200);
    serving.get("/metrics").expect(401);
    serving.get("/healthz").expect(200);
    let as_user = |user: &str, method: &str, path: &str| {
        use base64::Engine as _;
        let given = base64::engine::general_purpose::STANDARD.encode(format!("{user}:right"));
        let headers = [("Authorization", format!("Basic {given}")), ("Sec-Fetch-Site", "same-origin".to_owned())];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        serving.ask(method, path, &headers, b"")
    };
    let page = text(as_user("bob", "GET", "/").expect(200));
    assert!(page.contains("/ui/r/demo") && !page.contains("secret"), "{page}");
    assert!(!text(as_user("bob", "GET", "/ui/r/demo").expect(200)).contains("Delete"));
    text(as_user("bob", "GET", "/ui/i/secret/a:1").expect(404));
    text(as_user("bob", "GET", "/ui/delete/secret/a:1").expect(404));
    for method in ["GET", "POST"] {
        text(as_user("bob", method, "/ui/delete/demo:1").expect(403));
    }
    assert!(text(as_user("ada", "GET", "/ui/i/secret/a:1").expect(200)).contains("Delete…"));
    as_user("ada", "POST", "/ui/delete/secret/a:1").expect(303);
    assert!(!session.tags().contains(&"secret/a:1".to_owned()), "{:?}", session.tags());
    as_user("bob", "GET", "/metrics").expect(200);
}

#[test]
fn where_everybody_may_look_one_can_log_in() {
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[TestImage::of("demo:1", "x")])));
    session.write("users", crate::access::users(&[("ada", "right")]));
    let serving = Serving::start(&session, &["--htpasswd", "users", "--anonymous-pull"]);
    let page = text(serving.get("/").expect(200));
    assert!(page.contains("href=\"/ui/login\"") && page.contains("/ui/r/demo"), "{page}");
    assert!(serving.get("/ui/login").expect(401).header("www-authenticate").starts_with("Basic "));
    assert!(serving.get("/ui/delete/demo:1").expect(401).header("www-authenticate").starts_with("Basic "));
    let right = [("Authorization", "Basic YWRhOnJpZ2h0")];
    assert_eq!(serving.ask("GET", "/ui/login", &right, b"").expect(303).header("location"), "/");
    let page = text(serving.ask("GET", "/", &right, b"").expect(200));
    assert!(!page.contains("/ui/login"), "{page}");
}
