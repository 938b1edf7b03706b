//! Logins, and the helpers that keep them, around a pull: R19, R20, R22, R23. Their words are tested in `tests/cli`.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{PASSWORD, SECRETS, USER, World, side_by_side, words};
use crate::support::registry::auth::{Auth, Issuer, user};
use crate::support::registry::records::{basic, spellings};
use crate::support::registry::{Registry, Setup};

/// Logs in with the password on stdin; gives the exit code and what was said on stderr.
fn log_in(world: &World, host: &str) -> (i32, String) {
    let file = world.session.write("password", PASSWORD);
    let login = words(&["login", "-u", USER, "--password-stdin", host]);
    let mut command = world.command(&login);
    let output = command.stdin(fs::File::open(file).expect("a file")).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for secret in SECRETS {
        assert!(!spellings(secret).iter().any(|spelling| said.contains(spelling)), "it says {secret}: {said}");
    }
    (output.status.code().expect("it was not killed"), said)
}

#[test]
fn r19_what_is_for_one_registry_is_not_sent_to_another() {
    let issuer = Arc::new(Issuer::new(user(USER, PASSWORD)));
    let at = "127.0.0.2".parse().expect("an address");
    let other = Registry::with(Setup { at, auth: Auth::Bearer(Arc::clone(&issuer)), ..Setup::default() });
    for realm in [other.url("/token"), "https://index.docker.io/v1/".to_owned()] {
        let world = World::with(Setup {
            auth: Auth::Bearer(Arc::clone(&issuer)),
            realm: Some(realm.clone()),
            ..Setup::default()
        });
        // A login elsewhere must not be taken for one here either.
        world.log_in(&other.host());
        let before = fs::read(world.session.home().join(".docker/config.json")).expect("a file");
        let mut world = world;
        // Nothing may leave this machine in a test.
        world.environment.insert("HTTPS_PROXY".to_owned(), "http://127.0.0.1:1".to_owned());
        let (code, said) = log_in(&world, &world.host());
        assert_eq!(code, 1, "{said}");
        assert_eq!(fs::read(world.session.home().join(".docker/config.json")).expect("a file"), before, "{said}");
        world.refuses(&[]);
        world.registry.never_heard(&[PASSWORD]);
    }
    other.never_heard(&SECRETS);
    other.never_asked_with_credentials();
}

#[test]
fn r20_images_of_everybody_come_whatever_a_helper_does() {
    let issuer = Issuer { public: vec!["team/app".to_owned()], ..Issuer::new(user(USER, PASSWORD)) };
    let mut world = World::with(Setup { auth: Auth::Bearer(issuer.into()), ..Setup::default() });
    let folder = world.session.work().join("bin");
    fs::create_dir(&folder).expect("a folder");
    world.environment.insert("PATH".to_owned(), folder.display().to_string());
    world.environment.insert("IMGTOOL_HELPER_TIMEOUT".to_owned(), "1".to_owned());
    for (key, config) in
        [("credsStore", json!({"credsStore": "odd"})), ("credHelpers", json!({"credHelpers": {world.host(): "odd"}}))]
    {
        world.configure(&config);
        for (what, script) in [
            ("missing", None),
            ("failing", Some("echo no keys here >&2; exit 1")),
            ("knows nothing", Some("echo credentials not found in native keychain; exit 1")),
            ("hanging", Some("/bin/sleep 3600")),
            ("junk", Some("echo '<html>'")),
            ("half", Some("printf '{\"Username\":\"ada\",'")),
            ("endless", Some("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done")),
        ] {
            let path = folder.join("docker-credential-odd");
            match script {
                Some(script) => write_program(&path, script),
                None => drop(fs::remove_file(&path)),
            }
            let answer = world.run(&words(&["pull", &world.name()]));
            assert_eq!(answer.code, 0, "{key} {what}:\n{}", answer.text());
            let is_told = answer.stderr.contains("docker-credential-odd");
            assert_eq!(is_told, what != "knows nothing", "{key} {what}:\n{}", answer.text());
            world.session.ok(&["rmi", &world.name()]);
        }
    }
    world.registry.never_heard(&[PASSWORD]);
}

/// Makes a script; another process writes it, since what is open for writing cannot be run.
fn write_program(path: &std::path::Path, script: &str) {
    let text = format!("#!/bin/sh\n{script}\n");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "printf %s \"$2\" > \"$1\" && chmod 755 \"$1\"", "sh"]).arg(path).arg(text);
    assert!(command.status().expect("a shell").success());
}

#[test]
fn r22_the_file_of_logins_is_for_its_owner_and_is_replaced_whole() {
    let world = World::with(Setup { auth: Auth::Basic(user(USER, PASSWORD)), ..Setup::default() });
    let path = world.session.home().join(".docker/config.json");
    world.configure(&json!({"auths": {"other.test": {"auth": "eDp5"}}, "detachKeys": "ctrl-e,e"}));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a file of ours");
    let before = fs::metadata(&path).expect("a file").ino();
    let (code, said) = log_in(&world, &world.host());
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("config.json"), "a file that all could read is told: {said}");
    let after = fs::metadata(&path).expect("a file");
    assert_eq!(after.permissions().mode() & 0o7777, 0o600);
    assert_ne!(after.ino(), before, "another file in its place");
    let text = fs::read_to_string(&path).expect("a file");
    assert!(text.contains("eDp5") && text.contains("ctrl-e,e"), "what others wrote is kept: {text}");
    let beside: Vec<_> = fs::read_dir(path.parent().expect("a folder")).expect("a folder").collect();
    assert_eq!(beside.len(), 1, "nothing is left beside it: {beside:?}");
    world.fetches_well();
    // A link is told, and stays one.
    let real = world.session.home().join("real.json");
    fs::rename(&path, &real).expect("a folder of ours");
    std::os::unix::fs::symlink(&real, &path).expect("a folder of ours");
    let (code, said) = log_in(&world, &world.host());
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("config.json"), "{said}");
    assert_eq!(fs::metadata(&real).expect("a file").permissions().mode() & 0o7777, 0o600);
}

#[test]
fn r23_passwords_are_in_no_list_of_processes() {
    let mut world = World::with(Setup { auth: Auth::Basic(user(USER, PASSWORD)), ..Setup::default() });
    let folder = world.session.work().join("bin");
    fs::create_dir(&folder).expect("a folder");
    world.environment.insert("PATH".to_owned(), folder.display().to_string());
    // A helper that keeps what it is told, tells how it was called, and takes its time.
    let kept = world.session.work().join("kept");
    let script = format!(
        "echo \"$0 $*\" >> {kept}.args; /bin/cat /proc/self/environ >> {kept}.args
        case $1 in store) /bin/cat > {kept};; get) /bin/cat > /dev/null; /bin/cat {kept};; esac; /bin/sleep 0.3",
        kept = kept.display()
    );
    write_program(&folder.join("docker-credential-kept"), &script);
    world.configure(&json!({"credsStore": "kept"}));
    let (code, said) = log_in(&world, &world.host());
    assert_eq!(code, 0, "{said}");
    let mut child = world
        .command(&words(&["pull", &world.name()]))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut lines = Vec::new();
    while child.try_wait().expect("a child of ours").is_none() {
        lines.extend(command_lines());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(lines.iter().any(|line| line.contains("docker-credential-kept")), "the helper was seen");
    let called = fs::read(kept.with_extension("args")).expect("the helper was called");
    lines.push(String::from_utf8_lossy(&called).into_owned());
    for secret in [PASSWORD, &basic(USER, PASSWORD)["Basic ".len()..]] {
        assert!(!lines.iter().any(|line| line.contains(secret)), "{secret} is in {lines:?}");
    }
}

/// What every process of this machine was called with.
fn command_lines() -> Vec<String> {
    let all = fs::read_dir("/proc").expect("Linux").filter_map(Result::ok);
    let lines = all.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).collect()
}

#[test]
fn r23_progress_says_no_secret() {
    for world in [World::with_password(), World::with_tokens()] {
        for mode in ["json", "plain"] {
            world.succeeds(&words(&["pull", "--progress", mode, &world.name()]), &world.name());
        }
    }
}

#[test]
fn r23_errors_say_no_secret() {
    side_by_side(&[false, true], |has_tokens, command| {
        let world = if has_tokens { World::with_tokens() } else { World::with_password() };
        world.registry.script(|request, reply| if request.is_for_blob() { reply.hung_up() } else { reply });
        world.refuses_command(&command(&world), &[&world.host()]);
    });
}
