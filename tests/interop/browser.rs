//! The page of `imgtool serve` in a real browser: nothing of an image runs, and it fits on a phone.
//!
//! Chromium is spoken to over its debugging protocol, through a pipe: JSON, each message ended by a zero byte.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::peer;
use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::serving::Serving;
use crate::support::session::Session;
use crate::support::tarball::pack;

/// A browser with one tab.
pub(crate) struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Value,
    count: u64,
    /// What the browser said unasked.
    events: Vec<Value>,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts one; nothing if there is none here.
    pub(crate) fn start() -> Option<Self> {
        if !peer::installed("chromium") {
            return None;
        }
        let profile = tempfile::tempdir().expect("a folder");
        let flags =
            "--headless --no-sandbox --disable-gpu --hide-scrollbars --disable-dev-shm-usage --remote-debugging-pipe";
        // The browser reads from descriptor 3 and writes to descriptor 4.
        let script =
            format!("exec timeout 300 chromium {flags} --user-data-dir=\"$1\" about:blank 3<&0 4>&1 >/dev/null 2>&1");
        let mut child = Command::new("bash")
            .args(["-c", &script, "bash"])
            .arg(profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash starts");
        let (to, from) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let from = BufReader::new(from);
        let mut browser = Self { child, to, from, session: Value::Null, count: 0, events: vec![], _profile: profile };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        browser.session = browser.call("Target.attachToTarget", &attach)["sessionId"].clone();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        Some(browser)
    }

    /// Calls a method of the protocol.
    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.count += 1;
        let mut message = json!({"id": self.count, "method": method, "params": params});
        if !self.session.is_null() {
            message["sessionId"] = self.session.clone();
        }
        self.to.write_all(message.to_string().as_bytes()).expect("the browser listens");
        self.to.write_all(b"\0").expect("the browser listens");
        loop {
            let message = self.read();
            if message["id"] == self.count {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    fn read(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.from.read_until(0, &mut bytes).expect("a message");
        assert_eq!(bytes.pop(), Some(0), "the browser has ended");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    /// Does what loads a page, and waits until all of it is there.
    fn loading(&mut self, load: impl FnOnce(&mut Self)) {
        self.events.clear();
        load(self);
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let message = self.read();
            self.events.push(message);
        }
    }

    pub(crate) fn open(&mut self, url: &str) {
        self.loading(|browser| drop(browser.call("Page.navigate", &json!({"url": url}))));
    }

    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let result = self.call("Runtime.evaluate", &json!({"expression": expression, "returnByValue": true}));
        assert!(result["exceptionDetails"].is_null(), "{result}");
        result["result"]["value"].clone()
    }

    /// Evaluates what ends in a promise, and waits for it.
    pub(crate) fn call_async(&mut self, expression: &str) {
        let params = json!({"expression": format!("(async () => {{ {expression} }})()"), "awaitPromise": true});
        let result = self.call("Runtime.evaluate", &params);
        assert!(result["exceptionDetails"].is_null(), "{result}");
    }

    pub(crate) fn resize(&mut self, width: u32, height: u32) {
        let is_phone = width < 700;
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone});
        self.call("Emulation.setDeviceMetricsOverride", &size);
    }

    pub(crate) fn prefer(&mut self, scheme: &str) {
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", &media);
    }

    pub(crate) fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let text = if key == "Enter" && kind == "keyDown" { "\r" } else { "" };
            let codes = [("Enter", 13), ("Backspace", 8), ("ArrowDown", 40), ("ArrowRight", 39)];
            let code = codes.iter().find(|(name, _)| *name == key).map_or(9, |(_, code)| *code);
            let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text});
            self.call("Input.dispatchKeyEvent", &event);
        }
    }

    /// Whether anything of the page ran, or was kept from running, since it was opened.
    pub(crate) fn alarms(&self) -> Vec<String> {
        const ALARMS: [&str; 4] =
            ["Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Page.javascriptDialogOpening"];
        let loud = self.events.iter().filter(|event| ALARMS.iter().any(|alarm| event["method"] == *alarm));
        loud.map(ToString::to_string).collect()
    }

    /// The paths that were asked for since the page was opened.
    pub(crate) fn asked(&self, host: &str) -> Vec<String> {
        let sent = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        let url = |event: &Value| event["params"]["request"]["url"].as_str().unwrap_or_default().to_owned();
        sent.map(|event| url(event).replace(&format!("http://{host}"), "")).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) const EVIL: [&str; 7] = [
    "<script>document.title='hacked';fetch('/hacked')</script>",
    "\"><img src=/hacked onerror=\"document.title='hacked'\">",
    "' autofocus onfocus='document.title=\"hacked\"' x='",
    "</code></td></table><iframe src=/hacked></iframe>",
    "<svg onload=\"document.title='hacked'\"><style>@import '/hacked';</style>",
    "<meta http-equiv=refresh content=\"0;url=/hacked\"><base href=/hacked/>",
    "{{7*7}}\u{202e}gpj.exe",
];

fn hostile() -> TestImage {
    let labels: serde_json::Map<_, _> = EVIL.iter().map(|text| ((*text).to_owned(), json!(text))).collect();
    let config = json!({"Env": EVIL, "Cmd": EVIL, "Labels": labels, "User": EVIL[0], "WorkingDir": EVIL[1],
        "Entrypoint": [format!("/{}", "long".repeat(5000))]});
    let image = EVIL.iter().fold(TestImage::of("evil/image:1", "x"), |image, text| image.step(text));
    image.with("config", config).with("author", json!(EVIL[0])).with("os", json!(EVIL[1]))
}

fn serving(session: &Session) -> Serving {
    session.load(&pack(&producers::docker_save(&[
        hostile(),
        TestImage::sample("web/frontend:1.4.2").also_tagged("web/frontend:latest"),
        TestImage::of("localhost:5000/a-rather-long-name-of-a-team/and-a-rather-long-name-of-an-application:1", "y"),
    ])));
    Serving::start(session, &[])
}

const PAGES: [&str; 6] = [
    "/",
    "/ui/r/evil/image",
    "/ui/i/evil/image:1",
    "/ui/i/web/frontend:1.4.2",
    "/ui/delete/evil/image:1",
    "/ui/r/localhost_5000/a-rather-long-name-of-a-team/and-a-rather-long-name-of-an-application",
];

#[test]
fn nothing_of_an_image_runs_in_a_browser() {
    let session = Session::new();
    let serving = serving(&session);
    let Some(mut browser) = Browser::start() else { return };
    // The same texts as markup do run: the test would see it.
    let control = session.write("control.html", format!("<title>x</title>{}", EVIL[..5].concat()));
    browser.open(&format!("file://{}", control.display()));
    assert_eq!(browser.evaluate("document.title"), "hacked");
    assert!(!browser.alarms().is_empty());
    for path in PAGES {
        browser.open(&format!("http://{}{path}", serving.host));
        let title = browser.evaluate("document.title");
        assert!(title.as_str().is_some_and(|title| !title.is_empty() && title != "hacked"), "{path}: {title}");
        assert_eq!(browser.evaluate("document.querySelectorAll('script,img,iframe,svg,style,base,object').length"), 0);
        assert_eq!(browser.alarms(), [""; 0], "{path}");
        let asked = browser.asked(&serving.host);
        let known = [path, "/ui/style.css", "/ui/icon.svg", "/favicon.ico"];
        assert!(asked.iter().all(|one| known.contains(&one.as_str())), "{path}: {asked:?}");
    }
    let bare = browser.evaluate("document.body.innerText");
    assert!(bare.as_str().is_some_and(|text| !text.contains('\u{202e}')), "{bare}");
}

#[test]
fn the_page_fits_on_a_phone_and_has_two_schemes() {
    let session = Session::new();
    let serving = serving(&session);
    let Some(mut browser) = Browser::start() else { return };
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    fs::create_dir_all(&folder).expect("a folder");
    for (width, height) in [(360, 740), (1200, 900)] {
        browser.resize(width, height);
        for path in PAGES {
            let mut grounds = Vec::new();
            for scheme in ["light", "dark"] {
                browser.prefer(scheme);
                browser.open(&format!("http://{}{path}", serving.host));
                let wide = browser.evaluate("document.documentElement.scrollWidth");
                assert!(wide.as_u64().is_some_and(|wide| wide <= u64::from(width)), "{path} at {width}: {wide}");
                let ground = "getComputedStyle(document.body).backgroundColor + getComputedStyle(document.body).color";
                grounds.push(browser.evaluate(ground));
                let picture = browser.call("Page.captureScreenshot", &json!({"captureBeyondViewport": true}));
                let picture = picture["data"].as_str().expect("base64").to_owned();
                let name = path.trim_matches('/').replace(['/', ':'], "-");
                // To be looked at.
                fs::write(folder.join(format!("{width}-{scheme}-{name}.png")), decode(&picture)).expect("a file");
            }
            assert_ne!(grounds[0], grounds[1], "{path}");
        }
    }
}

#[test]
fn the_page_works_with_a_keyboard_and_without_scripts() {
    let session = Session::new();
    let serving = serving(&session);
    let Some(mut browser) = Browser::start() else { return };
    browser.open(&format!("http://{}/", serving.host));
    browser.press("Tab");
    assert_eq!(browser.evaluate("document.activeElement.innerText"), "Skip to the content");
    assert!(browser.evaluate("document.activeElement.getBoundingClientRect().left").as_f64().is_some_and(|x| x >= 0.0));
    let outline = "getComputedStyle(document.activeElement).outlineStyle";
    assert_eq!(browser.evaluate(outline), "solid");
    // A search, a tag, and its deletion, with scripts switched off.
    browser.call("Emulation.setScriptExecutionDisabled", &json!({"value": true}));
    browser.open(&format!("http://{}/?q=front", serving.host));
    assert_eq!(browser.evaluate("document.querySelectorAll('tbody tr').length"), 1);
    browser.open(&format!("http://{}/ui/delete/web/frontend:latest", serving.host));
    browser.evaluate("document.querySelector('form button').focus()");
    browser.loading(|browser| browser.press("Enter"));
    assert_eq!(browser.evaluate("location.pathname"), "/ui/r/web/frontend");
    assert_eq!(browser.evaluate("document.querySelectorAll('tbody')[0].innerText.includes('latest')"), false);
    serving.get("/v2/web/frontend/manifests/latest").expect(404);
    serving.get("/v2/web/frontend/manifests/1.4.2").expect(200);
    // Another site cannot do it in the user's name.
    let url = format!("http://{}/ui/delete/web/frontend:1.4.2", serving.host);
    let foreign = session.write("foreign.html", format!("<form method=post action='{url}'><button>x</button></form>"));
    browser.open(&format!("file://{}", foreign.display()));
    browser.evaluate("document.querySelector('button').focus()");
    browser.loading(|browser| browser.press("Enter"));
    assert_eq!(browser.evaluate("document.querySelector('h1').innerText"), "Not from here");
    serving.get("/v2/web/frontend/manifests/1.4.2").expect(200);
}

/// Base64.
fn decode(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
}
