//! `report` in a real browser: nothing of an image runs, nothing is asked of a network, and a keyboard is enough.

use serde_json::{Value, json};

use crate::browser::{Browser, EVIL};
use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::producers::docker_save;
use crate::support::serving::Serving;
use crate::support::session::Session;
use crate::support::tarball::pack;

/// dpkg's list of 1,000 packages, of which one has this version.
fn status(version: &str) -> String {
    use std::fmt::Write as _;
    let mut status =
        format!("Package: upgraded\nStatus: install ok installed\nInstalled-Size: 70\nVersion: {version}\n");
    for number in 1..1000 {
        let _ = write!(
            status,
            "\nPackage: lib{number}\nStatus: install ok installed\nInstalled-Size: {number}\nVersion: 1\n"
        );
    }
    status
}

/// Hostile names of files, links, labels and steps, and a tree to walk through.
fn session() -> Session {
    let names = EVIL.iter().map(|text| text.replace('/', "\u{2044}"));
    let mut items: Vec<Item> = names.map(|name| Item::file(format!("evil/{name}"), vec![1; 5000])).collect();
    items.push(Item::file("usr/lib/large", vec![2; 90_000]));
    items.push(Item::file("usr/lib/small", vec![3; 900]));
    items.push(Item::file("etc/motd", "hello"));
    items.push(Item::file("etc/os-release", format!("ID=x\nPRETTY_NAME=\"X {}\"\nSUPPORT_END=2020-05-13\n", EVIL[4])));
    items.push(Item::file("var/lib/dpkg/status", status("1.0")));
    for (at, text) in EVIL.iter().enumerate() {
        let package = json!({"name": text, "version": text, "license": text});
        items.push(Item::file(format!("app/node_modules/{at}/package.json"), package.to_string()));
    }
    let labels = json!({EVIL[0]: EVIL[1], "org.opencontainers.image.base.name": format!("debian:12{}", EVIL[1])});
    let config = json!({"Env": EVIL, "Cmd": EVIL, "Labels": labels, "User": EVIL[2]});
    let old = TestImage::new(&["fx/old:1"]).raw_layer(EVIL[0], layer(&items));
    let upper = [
        Item::file("etc/motd", "hello again"),
        Item::whiteout("usr/lib/.wh.small"),
        Item::file("var/lib/dpkg/status", status("2.0")),
    ];
    let mut new = old.clone().raw_layer(EVIL[3], layer(&upper)).with("config", config);
    new.tags = vec!["fx/new:1".to_owned()];
    let session = Session::new();
    session.load(&pack(&docker_save(&[old, new])));
    session
}

fn check(browser: &mut Browser, place: &str) {
    assert_eq!(browser.alarms(), [""; 0], "{place}");
    assert_eq!(browser.evaluate("document.querySelectorAll('img,iframe,svg,base,object').length"), 0, "{place}");
    assert_eq!(browser.evaluate("document.scripts.length"), 2, "{place}");
    let title = browser.evaluate("document.title");
    assert!(title.as_str().is_some_and(|title| title.ends_with("image report")), "{place}: {title}");
}

#[test]
fn a_report_shows_all_runs_nothing_and_needs_no_mouse() {
    let session = session();
    session.ok(&["report", "-o", "page.html", "fx/old:1", "fx/new:1"]);
    let Some(mut browser) = Browser::start() else { return };
    let url = format!("file://{}", session.work().join("page.html").display());
    for (width, scheme) in [(1200, "light"), (390, "dark")] {
        browser.resize(width, 900);
        browser.prefer(scheme);
        browser.open(&url);
        check(&mut browser, scheme);
        assert_eq!(browser.asked(""), [url.as_str()]);
        let wide = browser.evaluate("document.documentElement.scrollWidth");
        assert!(wide.as_u64().is_some_and(|wide| wide <= u64::from(width)), "{width}: {wide}");
    }
    let text = browser.evaluate("document.body.innerText").as_str().unwrap_or_default().to_owned();
    for part in ["0 added, 8 changed and 1 deleted since fx/old:1", "/usr/lib/small", EVIL[0], "\\u{202e}gpj.exe"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains('\u{202e}'));
    // Into the largest directory and out again.
    let crumbs = "document.getElementById('crumbs').textContent";
    browser.evaluate("document.querySelector('#map button').focus()");
    browser.press("Enter");
    assert!(browser.evaluate(crumbs).as_str().is_some_and(|at| at.starts_with("/usr90.0 kB in 1 files")));
    browser.press("Backspace");
    assert!(browser.evaluate(crumbs).as_str().is_some_and(|at| at.ends_with(" kB in 18 files")));
    // A file is searched for, and says which layers brought and changed it.
    let search = "const s = document.getElementById('search'); s.value = 'etc/m layer:2'; s.focus();
        s.dispatchEvent(new Event('input')); await new Promise(done => setTimeout(done, 300));";
    browser.call_async(search);
    browser.press("ArrowDown");
    let detail = browser.evaluate("document.getElementById('detail').textContent");
    let detail = detail.as_str().unwrap_or_default();
    assert!(detail.starts_with("/etc/motd 11 B\nbrought by layer 1: <script>"), "{detail}");
    assert!(detail.contains("changed by layer 2: </code></td>"), "{detail}");
}

#[test]
fn packages_and_their_age_are_shown_searched_and_compared() {
    let session = session();
    session.ok(&["report", "-o", "page.html", "fx/old:1", "fx/new:1"]);
    let Some(mut browser) = Browser::start() else { return };
    browser.open(&format!("file://{}", session.work().join("page.html").display()));
    check(&mut browser, "packages");
    let text = |browser: &mut Browser, id: &str| {
        let text = browser.evaluate(&format!("document.getElementById('{id}').innerText"));
        text.as_str().unwrap_or_default().to_owned()
    };
    let about = text(&mut browser, "packages-about");
    assert!(about.starts_with("1 007 packages are recorded: 1 000 deb, 7 npm."), "{about}");
    let changes = text(&mut browser, "package-changes");
    assert!(changes.contains("0 packages added, 0 removed, 1 with another version."), "{changes}");
    assert!(changes.contains("1.0 → 2.0") && changes.contains("upgraded"), "{changes}");
    let age = text(&mut browser, "age");
    assert!(age.contains("as the image says, debian:12\"><img src=/hacked"), "{age}");
    assert!(age.contains("X <svg onload=") && age.contains("cared for until 2020-05-13: that is over"), "{age}");
    // Only what is seen of the list is there.
    let rows = browser.evaluate("document.querySelectorAll('#package-list .row').length");
    assert!(rows.as_u64().is_some_and(|rows| (10..60).contains(&rows)), "{rows}");
    browser.evaluate("document.querySelector('#package-orders button:nth-child(2)').click()");
    let list = text(&mut browser, "package-list");
    assert!(list.contains("lib999") && list.contains("1.02 MB"), "the largest first: {list}");
    browser.call_async(
        "const s = document.getElementById('package-search'); s.value = 'hacked layer:1'; s.focus();
        s.dispatchEvent(new Event('input')); await new Promise(done => setTimeout(done, 300));",
    );
    assert_eq!(text(&mut browser, "package-found"), "6 found");
    browser.press("Enter");
    let detail = text(&mut browser, "package-detail");
    assert!(
        detail.contains("brought by layer 1: <script>") && detail.contains("recorded in /app/node_modules/"),
        "{detail}"
    );
    check(&mut browser, "a package");
}

#[test]
fn the_page_of_serve_leads_to_it() {
    let session = session();
    let serving = Serving::start(&session, &[]);
    let Some(mut browser) = Browser::start() else { return };
    browser.open(&format!("http://{}/ui/i/fx/new:1", serving.host));
    let href: Value = browser.evaluate("document.querySelector('a[href^=\"/ui/report/\"]').getAttribute('href')");
    assert_eq!(href, "/ui/report/fx/new:1");
    browser.open(&format!("http://{}/ui/report/fx/new:1", serving.host));
    check(&mut browser, "serve");
    let asked = browser.asked(&serving.host);
    assert!(
        asked.iter().all(|path| ["/ui/report/fx/new:1", "/ui/icon.svg", "/favicon.ico"].contains(&path.as_str())),
        "{asked:?}"
    );
    assert_eq!(browser.evaluate("document.getElementById('name').textContent"), "fx/new:1");
    serving.get("/ui/report/fx/none:1").expect(404);
}
