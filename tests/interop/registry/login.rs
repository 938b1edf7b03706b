//! Logins that others read, and logins of others: docker, podman, skopeo, and one of docker's helpers.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::pushers::{archive, skopeo, skopeo_push};
use super::servers::{Kind, PASSWORD, Server, USER};
use crate::peer;
use crate::support::image::TestImage;
use crate::support::session::Session;

const ASKING: [Kind; 3] = [Kind::Password, Kind::Nginx, Kind::Token];

/// Runs a command with the password on its standard input.
fn with_password(mut command: Command) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("it was asked for");
    stdin.write_all(PASSWORD.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
    output
}

/// The folder of docker's config in a session.
fn docker_config(session: &Session) -> PathBuf {
    session.work().join("../home/.docker")
}

/// imgtool, with what it needs to reach the server.
fn imgtool(session: &Session, server: &Server, args: &[&str]) -> Command {
    let ca = server.trust().map(|folder| folder.join("ca.crt").display().to_string());
    let trust: Vec<&str> = ca.iter().flat_map(|ca| ["--tls-ca", ca.as_str()]).collect();
    session.command(&[&trust, args].concat())
}

/// What skopeo and podman need to know of the server, but for who we are.
fn trust(server: &Server, prefix: &str) -> Vec<String> {
    server.flags(prefix).into_iter().filter(|flag| !flag.contains("creds=")).collect()
}

/// The lines that `tags` prints, or what it says if it fails.
fn tags(mut command: Command) -> Result<String, String> {
    let output = peer::run(&mut command);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// docker's client with that folder of its config, and no helper that it could find by itself.
fn docker(config: &Path, args: &[&str]) -> Option<Command> {
    if !peer::installed("docker") {
        return None;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let docker = std::env::split_paths(&path).map(|folder| folder.join("docker")).find(|path| path.is_file())?;
    let mut command = Command::new(docker);
    command.arg("--config").arg(config).args(args).env("PATH", "/nonexistent").env_remove("DOCKER_HOST");
    Some(command)
}

/// podman or skopeo logs in and writes a file.
fn login_of(program: &str, server: &Server, file: &Path, place: &str) {
    let mut command = Command::new(program);
    command
        .arg("login")
        .args(trust(server, ""))
        .args(["-u", USER, "--password-stdin", "--authfile"])
        .arg(file)
        .arg(place);
    with_password(command);
}

#[test]
fn others_read_our_login() {
    if !peer::installed("skopeo") || !peer::installed("podman") {
        return;
    }
    let image = TestImage::sample("fx/a:1");
    for kind in ASKING {
        let Some(server) = Server::start(kind) else { return };
        let session = Session::new();
        with_password(imgtool(&session, &server, &["login", "-u", USER, "--password-stdin", &server.host]));
        let file = docker_config(&session).join("config.json");
        let authfile = |prefix: &str| format!("--{prefix}authfile={}", file.display());

        let archive = archive(&session.work(), &image);
        let push = [trust(&server, "dest-"), vec![authfile("dest-")]].concat();
        let name = format!("docker://{}", server.name("team/app:1"));
        skopeo("copy", &push, &[&format!("docker-archive:{archive}"), &name]);
        let pull = [trust(&server, ""), vec![authfile("")]].concat();
        assert!(skopeo("inspect", &pull, &["--raw", &name]).contains(image.id().as_str()), "{kind:?}");

        let mut command = Command::new("podman");
        let answer = peer::ok(command.arg("login").args(&pull).args(["--get-login", &server.host]));
        assert_eq!(answer.trim(), USER);
        // What the issuer gave in place of the password is of no use to podman here, and it says so.
        if kind != Kind::Token {
            let mut command = Command::new("podman");
            let answer = peer::ok(command.arg("login").args(&pull).arg(&server.host));
            assert!(answer.contains("Existing credentials are valid"), "{kind:?}: {answer}");
        }

        // docker's client would read a certificate from /etc only.
        if !kind.is_secure() {
            let inspect = ["manifest", "inspect", "--insecure", &server.name("team/app:1")];
            let Some(mut command) = docker(&docker_config(&session), &inspect) else { return };
            assert!(peer::ok(&mut command).contains(image.id().as_str()), "{kind:?}");
        }
        peer::ok(&mut imgtool(&session, &server, &["logout", &server.host]));
        let mut command = Command::new("podman");
        let answer = peer::run(command.arg("login").args(&pull).args(["--get-login", &server.host]));
        assert!(!answer.status.success(), "{kind:?}: the login is still there");
    }
}

#[test]
fn we_read_the_logins_of_podman_and_skopeo() {
    if !peer::installed("skopeo") || !peer::installed("podman") {
        return;
    }
    let image = TestImage::sample("fx/a:1");
    for kind in ASKING {
        let Some(server) = Server::start(kind) else { return };
        let session = Session::new();
        skopeo_push(&server, &archive(&session.work(), &image), "team/app:1", &[]);
        let name = server.name("team/app");
        let none = tags(imgtool(&session, &server, &["tags", &name])).expect_err("nobody may");
        assert!(none.contains("imgtool login"), "{kind:?}: {none}");
        for program in ["podman", "skopeo"] {
            let file = session.work().join(format!("{program}.json"));
            login_of(program, &server, &file, &server.host);
            let mut command = imgtool(&session, &server, &["tags", &name]);
            command.env("REGISTRY_AUTH_FILE", &file);
            assert_eq!(tags(command), Ok("1\n".to_owned()), "{kind:?} {program}\n{}", server.log());
        }
        // Where podman looks by itself, and for a part of the registry only.
        let runtime = session.work().join("runtime/containers");
        fs::create_dir_all(&runtime).expect("a folder");
        login_of("podman", &server, &runtime.join("auth.json"), &server.name("team"));
        for (name, is_ours) in [(&name, true), (&server.name("teams/app"), false)] {
            let mut command = imgtool(&session, &server, &["tags", name]);
            command.env("XDG_RUNTIME_DIR", session.work().join("runtime"));
            let answer = tags(command);
            assert_eq!(answer.is_ok(), is_ours, "{kind:?} {name}: {answer:?}");
        }
    }
}

#[test]
fn we_read_the_login_of_docker_and_docker_keeps_ours() {
    let image = TestImage::sample("fx/a:1");
    let Some(server) = Server::start(Kind::Password) else { return };
    if !peer::installed("skopeo") {
        return;
    }
    let session = Session::new();
    skopeo_push(&server, &archive(&session.work(), &image), "team/app:1", &[]);
    let config = docker_config(&session);
    let login = ["login", "-u", USER, "--password-stdin", &server.host];
    let Some(command) = docker(&config, &login) else { return };
    with_password(command);
    let name = server.name("team/app");
    assert_eq!(tags(imgtool(&session, &server, &["tags", &name])), Ok("1\n".to_owned()));

    // What docker wrote is what we write, byte for byte.
    let written = fs::read_to_string(config.join("config.json")).expect("docker wrote it");
    peer::ok(&mut imgtool(&session, &server, &["logout", &server.host]));
    let with_ours = with_password(imgtool(&session, &server, &login));
    assert_eq!(String::from_utf8_lossy(&with_ours.stdout), "Login Succeeded\n");
    assert_eq!(fs::read_to_string(config.join("config.json")).expect("we wrote it"), written);
    peer::ok(&mut docker(&config, &["logout", &server.host]).expect("it was there"));
    assert!(tags(imgtool(&session, &server, &["tags", &name])).is_err(), "docker has forgotten it");
    let empty = fs::read_to_string(config.join("config.json")).expect("docker wrote it");
    with_password(imgtool(&session, &server, &login));
    peer::ok(&mut imgtool(&session, &server, &["logout", &server.host]));
    assert_eq!(fs::read_to_string(config.join("config.json")).expect("we wrote it"), empty);
}

#[test]
fn a_helper_of_dockers() {
    let Some(server) = Server::start(Kind::Password) else { return };
    if !peer::installed("docker-credential-secretservice") {
        return;
    }
    let session = Session::new();
    let config = docker_config(&session);
    fs::create_dir_all(&config).expect("a folder");
    fs::write(config.join("config.json"), "{\"credsStore\": \"secretservice\"}").expect("a file");
    let run = |args: &[&str]| {
        let mut command = imgtool(&session, &server, args);
        // There is no session of a desktop here: the helper fails.
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        peer::run(&mut command)
    };
    for args in
        [&["login", "-u", USER, "-p", PASSWORD, &server.host][..], &["login", &server.host], &["logout", &server.host]]
    {
        let answer = run(args);
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert_eq!(answer.status.code(), Some(1), "{said}");
        assert!(
            said.contains("docker-credential-secretservice: exit status 1: ") && !said.contains(PASSWORD),
            "{said}"
        );
    }
    let answer = run(&["tags", &server.name("team/app")]);
    let said = String::from_utf8_lossy(&answer.stderr).into_owned();
    assert!(said.starts_with("warning: docker-credential-secretservice: exit status 1: "), "{said}");
    assert!(said.contains("; going on without it\n"), "{said}");
}
