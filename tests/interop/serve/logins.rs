//! Passwords that `htpasswd` wrote, and pulls without any, for docker, podman and skopeo.

use std::process::Command;

use super::archive;
use crate::engine::engine;
use crate::peer;
use crate::support::image::TestImage;
use crate::support::serving::Serving;
use crate::support::session::Session;

/// A server with one user, whose file `htpasswd` wrote with these flags.
fn serve(session: &Session, flags: &[&str]) -> Serving {
    session.write("users", peer::ok(Command::new("htpasswd").args(["-Bbn", "ada", "a secret"])));
    Serving::start(session, &[&["--htpasswd", "users"], flags].concat())
}

#[test]
fn what_htpasswd_writes_by_default_is_refused_with_the_flag_to_use() {
    if !peer::installed("htpasswd") {
        return;
    }
    let session = Session::new();
    for flags in ["-bn", "-sbn", "-dbn"] {
        session.write("users", peer::ok(Command::new("htpasswd").args([flags, "ada", "secret"])));
        session
            .run(&["serve", "--addr", "127.0.0.1:0", "--htpasswd", "users"])
            .fails(1, &["users: line 1", "htpasswd -B"]);
    }
}

#[test]
fn podman_and_skopeo_log_in_and_pull_without() {
    if !["htpasswd", "skopeo", "podman"].iter().all(|name| peer::installed(name)) {
        return;
    }
    let session = Session::new();
    let serving = serve(&session, &["--anonymous-pull"]);
    let from = format!("docker-archive:{}", archive(&session.work(), &TestImage::of("a:1", "a")));
    let name = format!("docker://{}/team/app:1", serving.host);
    let file = session.work().join("auth.json").display().to_string();
    let skopeo = |flags: &[&str]| peer::run(&mut peer::skopeo(flags)).status.success();
    let login = |password: &str| {
        let flags = ["login", "--tls-verify=false", "--authfile", &file, "-u", "ada", "-p", password, &serving.host];
        peer::run(&mut peer::program("podman", &flags)).status.success()
    };
    assert!(!skopeo(&["copy", "--dest-tls-verify=false", "--dest-no-creds", &from, &name]));
    assert!(!login("wrong"));
    assert!(login("a secret"));
    assert!(skopeo(&["copy", "--dest-tls-verify=false", "--dest-authfile", &file, &from, &name]));
    assert!(skopeo(&["inspect", "--tls-verify=false", "--no-creds", &name]));
}

#[test]
fn docker_logs_in_and_pulls_without() {
    let Some(docker) = engine().filter(|_| peer::installed("htpasswd")) else { return };
    let session = Session::new();
    for (flags, pulls) in [(&["--anonymous-pull"][..], true), (&[], false)] {
        let serving = serve(&session, flags);
        docker.ok(&["load", "-q", "-i", &archive(&session.work(), &TestImage::of("a:1", "a"))]);
        let name = format!("{}/team/app:1", serving.host);
        docker.ok(&["tag", "a:1", &name]);
        let works = |args: &[&str]| peer::run(&mut docker.docker(args)).status.success();
        assert!(!works(&["push", "-q", &name]));
        assert!(!works(&["login", "-u", "ada", "-p", "wrong", &serving.host]));
        docker.ok(&["login", "-u", "ada", "-p", "a secret", &serving.host]);
        docker.ok(&["push", "-q", &name]);
        docker.ok(&["logout", &serving.host]);
        docker.ok(&["rmi", &name, "a:1"]);
        assert_eq!(works(&["pull", "-q", &name]), pulls, "{flags:?}");
        if pulls {
            docker.ok(&["rmi", &name]);
        }
    }
}
