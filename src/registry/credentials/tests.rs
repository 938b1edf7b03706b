//! The store with files and helpers as users have them, and as they should not be.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::cancel::{Ended, Token};

/// A home with a config and helpers.
struct World(tempfile::TempDir);

/// Long enough for every helper that answers at all, on a machine that is busy.
const TIME: Duration = Duration::from_secs(20);

/// A helper that keeps one login in a file beside it, as it gets it.
const KEEPS: &str = r#"d=$(dirname "$0")
echo "$1" >> "$d/asked"
case $1 in
    store) cat > "$d/kept" ;;
    get) cat > /dev/null; [ -f "$d/kept" ] && cat "$d/kept" || { echo "credentials not found in native keychain"; exit 1; } ;;
    erase) cat > /dev/null; rm "$d/kept" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
esac"#;

impl World {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn with_config(config: &str) -> Self {
        let world = Self::new();
        fs::create_dir(world.path(".docker")).expect("a folder");
        world.write(".docker/config.json", config);
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a writable file");
        fs::set_permissions(self.path(name), Permissions::from_mode(0o600)).expect("a file of ours");
    }

    fn config(&self) -> String {
        fs::read_to_string(self.path(".docker/config.json")).expect("a config")
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).expect("it exists").permissions().mode() & 0o777
    }

    /// Makes a helper. Another process writes it: a program that is open for writing, if only in a child that another
    /// test has just begun, cannot be run.
    fn helper(&self, name: &str, script: &str) {
        let file = self.path(&format!("docker-credential-{name}"));
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", "printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1\" && chmod 755 \"$1\"", "sh"])
            .arg(file)
            .arg(script);
        assert!(command.stdin(Stdio::null()).status().expect("a shell").success());
    }

    fn sources(&self) -> Sources {
        Sources {
            config: Some(self.path(".docker/config.json")),
            podman: vec![self.path("auth.json")],
            path: self.0.path().into(),
            helper_time: TIME,
            ..Sources::default()
        }
    }

    fn store(&self) -> CredentialStore {
        CredentialStore::new(self.sources())
    }
}

fn server() -> ServerKey {
    ServerKey::of("registry.example")
}

fn password(text: &str) -> LoginSecret {
    LoginSecret::Password(Secret::new(text))
}

/// User and password, or the token, and the warnings.
fn shown(found: Found) -> (String, Vec<String>) {
    let text = match found.credentials {
        Some(Credentials::Password { user, password }) => format!("{user}:{}", password.reveal()),
        Some(Credentials::IdentityToken(token)) => format!("identity {}", token.reveal()),
        Some(Credentials::RegistryToken(token)) => format!("registry {}", token.reveal()),
        None => "nobody".to_owned(),
    };
    (text, found.warnings.iter().map(chain).collect())
}

/// An error with its causes.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn found(world: &World) -> (String, Vec<String>) {
    shown(world.store().get(&server(), Some("team/app")))
}

#[test]
fn a_login_is_kept_found_and_forgotten() {
    let world = World::new();
    let store = world.store();
    assert_eq!(shown(store.get(&server(), None)), ("nobody".to_owned(), vec![]));
    let stored = store.store(&server(), "ada", &password("hunter2")).expect("a writable home");
    assert_eq!(stored.place, Place::File(world.path(".docker/config.json")));
    assert!(stored.is_changed && stored.link_to.is_none() && !stored.was_exposed);
    assert_eq!(
        world.config(),
        "{\n\t\"auths\": {\n\t\t\"registry.example\": {\n\t\t\t\"auth\": \"YWRhOmh1bnRlcjI=\"\n\t\t}\n\t}\n}"
    );
    assert_eq!((world.mode(".docker"), world.mode(".docker/config.json")), (0o700, 0o600));
    assert_eq!(shown(store.get(&server(), None)), ("ada:hunter2".to_owned(), vec![]));
    assert!(!store.store(&server(), "ada", &password("hunter2")).expect("a writable home").is_changed);
    assert_eq!(store.servers(), ["registry.example"]);

    store.erase(&server()).expect("a writable home");
    assert_eq!(shown(store.get(&server(), None)), ("nobody".to_owned(), vec![]));
    assert_eq!(world.config(), "{\n\t\"auths\": {}\n}");
    let left: Vec<_> =
        fs::read_dir(world.path(".docker")).expect("a folder").flatten().map(|file| file.file_name()).collect();
    assert_eq!(left, ["config.json"]);
}

#[test]
fn nothing_is_made_to_forget_nothing() {
    let world = World::new();
    world.store().erase(&server()).expect("nothing to do");
    assert!(!world.path(".docker").exists());
}

#[test]
fn places_in_their_order() {
    let auth = |user: &str| format!(r#"{{"registry.example":{{"username":"{user}","password":"x"}}}}"#);
    let world = World::with_config(&format!(r#"{{"auths":{}}}"#, auth("docker")));
    world.write("auth.json", &format!(r#"{{"auths":{}}}"#, auth("podman")));
    let variable = Some(Secret::new(format!(r#"{{"auths":{}}}"#, auth("variable"))));
    let with = |sources: Sources| shown(CredentialStore::new(sources).get(&server(), None)).0;
    assert_eq!(with(Sources { variable: variable.clone(), ..world.sources() }), "variable:x");
    assert_eq!(with(world.sources()), "docker:x");
    assert_eq!(with(Sources { config: None, ..world.sources() }), "podman:x");
    assert_eq!(with(Sources::default()), "nobody");
    let other = Some(Secret::new(r#"{"auths":{"other.example":{"auth":"eDp5"}}}"#));
    assert_eq!(with(Sources { variable: other, ..world.sources() }), "docker:x");

    let both = CredentialStore::new(Sources { variable, ..world.sources() });
    assert!(both.is_overridden());
    let erased = both.erase(&server()).expect("a writable home");
    let podman = world.path("auth.json").display().to_string();
    assert_eq!(erased.remaining, ["$DOCKER_AUTH_CONFIG".to_owned(), podman]);
}

#[test]
fn podmans_file_knows_parts_of_a_server() {
    let world = World::new();
    world.write(
        "auth.json",
        r#"{"auths":{"registry.example/team":{"auth":"dGVhbTp4"},"docker.io":{"auth":"aHViOng="}}}"#,
    );
    let store = world.store();
    assert_eq!(shown(store.get(&server(), Some("team/app"))).0, "team:x");
    assert_eq!(shown(store.get(&server(), Some("teams/app"))).0, "nobody");
    assert_eq!(shown(store.get(&server(), None)).0, "nobody");
    assert_eq!(shown(store.get(&ServerKey::hub(), Some("library/ubuntu"))).0, "hub:x");
}

#[test]
fn a_helper_keeps_the_login() {
    let world = World::with_config("{\n\t\"credsStore\": \"keeps\"\n}");
    world.helper("keeps", KEEPS);
    let store = world.store();
    let stored = store.store(&server(), "ada", &password("hun\"ter2")).expect("a helper that works");
    assert_eq!(stored.place, Place::Helper("keeps".to_owned()));
    let expected = "{\n\t\"credsStore\": \"keeps\",\n\t\"auths\": {\n\t\t\"registry.example\": {}\n\t}\n}";
    assert_eq!(world.config(), expected);
    let kept = fs::read_to_string(world.path("kept")).expect("it was kept");
    assert_eq!(kept, r#"{"ServerURL":"registry.example","Username":"ada","Secret":"hun\"ter2"}"#);
    for _ in 0..3 {
        assert_eq!(shown(store.get(&server(), None)), ("ada:hun\"ter2".to_owned(), vec![]));
    }
    assert_eq!(fs::read_to_string(world.path("asked")).expect("it was asked"), "store\nget\n", "each is asked once");

    store.store(&server(), "ada", &LoginSecret::IdentityToken(Secret::new("t"))).expect("a helper that works");
    assert_eq!(shown(store.get(&server(), None)).0, "identity t");
    store.erase(&server()).expect("a helper that works");
    assert!(!world.path("kept").exists() && !world.config().contains("registry.example"));
    store.erase(&server()).expect("nothing to forget is no failure");
    assert_eq!(shown(store.get(&server(), None)), ("nobody".to_owned(), vec![]));
}

#[test]
fn a_login_leaves_no_password_beside_the_helper() {
    let world = World::with_config(
        r#"{"auths":{"registry.example":{"auth":"YWRhOm9sZA=="}},"credHelpers":{"registry.example":"keeps"}}"#,
    );
    world.helper("keeps", KEEPS);
    assert_eq!(found(&world).0, "ada:old", "what the helper does not have may be in the file");
    world.store().store(&server(), "ada", &password("new")).expect("a helper that works");
    assert_eq!(found(&world).0, "ada:new");
    assert!(!world.config().contains("YWRhOm9sZA"), "{}", world.config());
}

#[test]
fn helpers_that_do_not_work_are_told_and_public_images_still_come() {
    let cases: [(&str, &str, &str); 12] = [
        ("exit 3", "exit status 3", ""),
        (
            "echo 'pass not initialized: exit status 1'; exit 1",
            "exit status 1: pass not initialized: exit status 1",
            "",
        ),
        ("echo hunter2; exit 1", "exit status 1", "hunter2"),
        (r#"echo '{"Username": "ada", "Secret": "hunter2" }'; exit 1"#, "exit status 1", "hunter2"),
        ("echo 'no \x1b[31mkeys at all' >&2; exit 2", r"exit status 2: no \u{1b}[31mkeys at all", ""),
        ("kill -9 $$", "ended by signal 9", ""),
        (
            "echo hunter2",
            "it prints 8 bytes that are no credentials: expected a JSON object with Username and Secret",
            "hunter2",
        ),
        (r#"echo '{"Username":"ada","Secret":["hunter2"]}'"#, "it prints 40 bytes that are no credentials", "hunter2"),
        ("true", "it prints 0 bytes that are no credentials", ""),
        ("yes hunter2", "it prints more than 1048576 bytes, and was ended", "hunter2"),
        ("exec sh -c 'yes hunter2 >&2'", "it has not answered for", "hunter2"),
        ("sleep 600", "it has not answered for", ""),
    ];
    thread::scope(|scope| {
        for (script, expected, secret) in cases {
            scope.spawn(move || {
                let world = World::with_config(r#"{"credsStore":"broken"}"#);
                world.helper("broken", script);
                let is_endless = expected.contains("not answered");
                let helper_time = if is_endless { Duration::from_secs(1) } else { TIME };
                let store = CredentialStore::new(Sources { helper_time, ..world.sources() });
                let (credentials, warnings) = shown(store.get(&server(), None));
                assert_eq!(credentials, "nobody", "{script}");
                assert!(
                    warnings[0].starts_with(&format!("docker-credential-broken: {expected}")),
                    "{script}: {warnings:?}"
                );
                assert!(secret.is_empty() || !warnings[0].contains(secret), "{script}: {warnings:?}");
                assert_eq!(warnings.len(), 1, "{warnings:?}");
                assert_eq!(shown(store.get(&server(), None)).1, [""; 0], "it is told once");

                let error = store.store(&server(), "ada", &password("hunter3"));
                if script != "true" && script != "echo hunter2" && !script.ends_with("]}'") {
                    let error = chain(&error.expect_err("a login is not lost silently"));
                    assert!(error.starts_with("docker-credential-broken: "), "{error}");
                    assert!(!world.config().contains("registry.example"));
                }
            });
        }
    });
}

#[test]
fn what_a_file_has_is_forgotten_even_if_a_helper_fails() {
    let world = World::with_config(r#"{"credsStore":"none","auths":{"https://registry.example/v1/":{"auth":"eDp5"}}}"#);
    world.store().erase(&server()).expect_err("the helper may still have it");
    assert_eq!(world.config(), "{\n\t\"credsStore\": \"none\",\n\t\"auths\": {}\n}");
}

#[test]
fn a_helper_that_is_not_there() {
    let world =
        World::with_config(r#"{"credsStore":"none","credHelpers":{"bad.example":"../../bin/sh","x.example":"plain"}}"#);
    let missing = "docker-credential-none: it is not installed: no such program in PATH";
    assert_eq!(found(&world), ("nobody".to_owned(), vec![missing.to_owned()]));
    assert_eq!(chain(&world.store().erase(&server()).expect_err("it may still have it")), missing);
    let (_, warnings) = shown(world.store().get(&ServerKey::of("bad.example"), None));
    assert_eq!(warnings, ["docker-credential-../../bin/sh: this is not the name of a credential helper"]);
    // A file that is no program.
    world.write("docker-credential-plain", "#!/bin/sh\n");
    let (_, warnings) = shown(world.store().get(&ServerKey::of("x.example"), None));
    assert_eq!(warnings, ["docker-credential-plain: it is not installed: no such program in PATH"]);

    world.helper("none", KEEPS);
    let relative = CredentialStore::new(Sources { path: ".:".into(), ..world.sources() });
    assert_eq!(shown(relative.get(&server(), None)).1, [missing], "the working folder is not searched");
}

#[test]
fn a_secret_that_a_helper_says_is_not_shown() {
    let world = World::with_config(r#"{"credsStore":"tells"}"#);
    world.helper("tells", "echo \"cannot keep this: $(cat)\" >&2; exit 1");
    let error = world.store().store(&server(), "ada", &password("hunter2")).expect_err("it fails");
    assert_eq!(chain(&error), "docker-credential-tells: exit status 1");
}

/// Whether a process with that word in its command line runs.
fn runs(word: &str) -> bool {
    let processes = fs::read_dir("/proc").expect("Linux").flatten();
    processes
        .filter_map(|process| fs::read(process.path().join("cmdline")).ok())
        .any(|line| line.split(|byte| *byte == 0).any(|argument| argument == word.as_bytes()))
}

#[test]
fn a_helper_that_hangs_is_ended_with_all_that_it_started() {
    let world = World::with_config(r#"{"credsStore":"hangs"}"#);
    // A time that no other run of these tests uses.
    let time = format!("86399.{}", std::process::id());
    world.helper("hangs", &format!("sleep {time} & sleep {time}"));
    let store = CredentialStore::new(Sources { helper_time: Duration::from_secs(1), ..world.sources() });
    let started = Instant::now();
    let (_, warnings) = shown(store.get(&server(), None));
    assert_eq!(warnings, ["docker-credential-hangs: it has not answered for 1 seconds, and was ended"]);
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    // Who was killed is still to be seen for a moment.
    let ended = Instant::now();
    while runs(&time) {
        assert!(ended.elapsed() < Duration::from_secs(5), "it still runs");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn cancelling_ends_a_helper() {
    let world = World::with_config(r#"{"credsStore":"hangs"}"#);
    world.helper("hangs", "sleep 86399.5; true");
    let job = Token::new();
    let store = CredentialStore::new(Sources { job: job.clone(), ..world.sources() });
    thread::scope(|scope| {
        let found = scope.spawn(|| shown(store.get(&server(), None)));
        while !runs("86399.5") {
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(job.cancel(), Ended::Clean);
        // It was killed when the job ended; the kernel may take its time on a busy machine.
        let killed = Instant::now();
        while runs("86399.5") && killed.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_millis(5));
        }
        assert!(!runs("86399.5"), "it has ended with the job");
        let (_, warnings) = found.join().expect("no panic");
        assert_eq!(warnings, ["docker-credential-hangs: interrupted"]);
    });
}

#[test]
fn what_a_helper_leaves_behind_is_not_waited_for() {
    let world = World::with_config(r#"{"credsStore":"agent"}"#);
    world.helper("agent", r#"sleep 20 & echo '{"Username":"ada","Secret":"hunter2"}'"#);
    let started = Instant::now();
    assert_eq!(found(&world).0, "ada:hunter2");
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}

#[test]
fn a_config_that_is_not_understood_is_left_alone() {
    for (json, why) in [
        ("{\"auths\": hunter2", "it is not JSON (line 1, column 11)"),
        ("[]", "it is not a JSON object"),
        ("{\"auths\": []}", "auths is not what it should be"),
    ] {
        let world = World::with_config(json);
        let expected = format!("{}: {why}", world.path(".docker/config.json").display());
        assert_eq!(found(&world), ("nobody".to_owned(), vec![expected.clone()]));
        let error = world.store().store(&server(), "ada", &password("hunter2")).expect_err("it is refused");
        assert_eq!(error.to_string(), expected);
        assert_eq!(world.store().erase(&server()).expect_err("it is refused").to_string(), expected);
        assert_eq!(world.config(), json);
    }
    let world =
        World::with_config(r#"{"auths":{"registry.example":{"auth":"hunter2!"},"other.example":{"auth":"eDp5"}}}"#);
    let (credentials, warnings) = found(&world);
    assert_eq!(credentials, "nobody");
    assert!(
        warnings[0].ends_with(
            "the entry of registry.example cannot be used: auth is not base64; imgtool login writes it anew"
        )
    );
    assert!(!warnings[0].contains("hunter2"));
    let other = world.store().get(&ServerKey::of("other.example"), None);
    assert_eq!(shown(other), ("x:y".to_owned(), vec![]), "one bad entry spoils no other");
    world.store().store(&server(), "ada", &password("hunter2")).expect("it is written anew");
    assert_eq!(found(&world).0, "ada:hunter2");
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let world = World::with_config(&format!("{{\"x\": \"{}\"}}", "x".repeat(5 << 20)));
    let (_, warnings) = found(&world);
    assert!(warnings[0].ends_with("config.json: the file is larger than 4194304 bytes"), "{warnings:?}");
}

#[test]
fn a_config_that_others_can_read_is_told_and_closed() {
    let json = r#"{"auths":{"registry.example":{"auth":"YWRhOmh1bnRlcjI="}}}"#;
    let world = World::with_config(json);
    let path = world.path(".docker/config.json");
    for (mode, is_told) in [(0o644, true), (0o640, true), (0o604, true), (0o600, false), (0o400, false), (0o622, false)]
    {
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("a file of ours");
        let warning = format!("{0} holds credentials and can be read by others: chmod 600 {0}", path.display());
        let store = world.store();
        assert_eq!(
            shown(store.get(&server(), None)),
            ("ada:hunter2".to_owned(), is_told.then_some(warning).into_iter().collect())
        );
        assert_eq!(shown(store.get(&server(), None)).1, [""; 0], "it is told once");
        assert_eq!(shown(store.get(&ServerKey::of("other.example"), None)).1, [""; 0]);
        let stored = world.store().store(&server(), "ada", &password("hunter2")).expect("it is ours");
        assert!(!stored.is_changed);
        assert_eq!(
            (stored.was_exposed, world.mode(".docker/config.json")),
            (is_told, if is_told { mode & 0o600 } else { mode })
        );
    }
}

#[test]
fn a_symbolic_link_is_followed_and_stays() {
    let world = World::new();
    fs::create_dir_all(world.path(".docker")).expect("a folder");
    fs::create_dir_all(world.path("dotfiles")).expect("a folder");
    symlink("../dotfiles/link", world.path(".docker/config.json")).expect("a link");
    symlink("config.json", world.path("dotfiles/link")).expect("a link");
    let target = world.path(".docker/../dotfiles/config.json");
    for text in [None, Some("{\"x\": 1}")] {
        if let Some(text) = text {
            world.write("dotfiles/config.json", text);
        }
        let stored = world.store().store(&server(), "ada", &password("hunter2")).expect("a writable folder");
        assert_eq!(stored.link_to.and_then(|path| path.canonicalize().ok()), target.canonicalize().ok());
        assert!(world.path(".docker/config.json").is_symlink() && world.path("dotfiles/link").is_symlink());
        assert_eq!(found(&world).0, "ada:hunter2");
        assert_eq!(world.mode("dotfiles/config.json"), 0o600);
    }
    assert!(world.config().contains("\"x\": 1"));

    let world = World::new();
    fs::create_dir_all(world.path(".docker")).expect("a folder");
    symlink("config.json", world.path(".docker/config.json")).expect("a link");
    let error = world.store().store(&server(), "ada", &password("hunter2")).expect_err("a loop has no end");
    assert!(matches!(error, Error::Read { .. } | Error::Write { .. }), "{error:?}");
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let world = World::new();
    fs::write(world.path(".docker"), "not a folder").expect("a file");
    let error = world.store().store(&server(), "ada", &password("hunter2")).expect_err("no folder");
    assert!(matches!(error, Error::Write { .. }), "{error:?}");
    assert_eq!(found(&world), ("nobody".to_owned(), vec![]));
    let none = CredentialStore::new(Sources::default());
    assert!(matches!(none.store(&server(), "ada", &password("x")), Err(Error::NoConfig)));
}

#[test]
fn logins_at_the_same_time_lose_nothing() {
    let world = World::new();
    thread::scope(|scope| {
        for n in 0..16 {
            let store = world.store();
            scope.spawn(move || {
                let server = ServerKey::of(&format!("h{n}"));
                store.store(&server, "ada", &password("hunter2")).expect("a writable home");
                if n % 2 == 0 {
                    store.erase(&server).expect("a writable home");
                }
            });
        }
    });
    let expected: Vec<String> = (0..16).filter(|n| n % 2 == 1).map(|n| format!("h{n}")).collect();
    let mut servers = world.store().servers();
    servers.sort_by_key(|server| server[1..].parse::<u32>().ok());
    assert_eq!(servers, expected);
}

#[test]
fn a_job_that_was_cancelled_keeps_nothing() {
    let world = World::new();
    let job = Token::new();
    job.cancel();
    let store = CredentialStore::new(Sources { job, ..world.sources() });
    store.store(&server(), "ada", &password("hunter2")).expect_err("it was cancelled");
    assert_eq!(fs::read_dir(world.path(".docker")).expect("a folder").count(), 0);
}

#[test]
fn nothing_that_is_printed_has_a_secret() {
    let world = World::with_config(r#"{"auths":{"registry.example":{"auth":"YWRhOmh1bnRlcjI="}}}"#);
    let variable = Some(Secret::new(r#"{"auths":{"x":{"auth":"eDpodW50ZXIy"}}}"#));
    let store = CredentialStore::new(Sources { variable, ..world.sources() });
    let printed = format!("{:?} {store:?} {:?}", store.get(&server(), None), password("hunter2"));
    for secret in ["hunter2", "aHVudGVyMg", "eDpodW50ZXIy", "YWRhOmh1bnRlcjI"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    assert!(Path::new("/proc/self").exists());
}
