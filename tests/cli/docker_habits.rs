//! What scripts that were written for docker take for granted.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::pack;

fn store() -> Session {
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[TestImage::of("fx/a:1", "a")])));
    session
}

#[test]
fn flags_for_the_daemon_do_nothing_and_that_is_said_once() {
    let session = store();
    let plain = session.ok(&["images"]);
    for (args, flags) in [
        (&["-H", "tcp://x:1", "images"][..], "--host is"),
        (&["--host=unix:///x", "--host", "y", "images"], "--host is"),
        (&["-c", "other", "-D", "images"], "--context, --debug are"),
        (&["--config", "/x", "--tls", "-l", "debug", "images"], "--log-level, --tls are"),
        (&["--tls", "--tlsverify=false", "--tlscacert", "/x", "images"], "--tls, --tlscacert are"),
        (&["images", "--disable-content-trust"], "--disable-content-trust is"),
        (&["images", "--disable-content-trust=false"], "--disable-content-trust is"),
    ] {
        let answer = session.run(args);
        assert_eq!(answer.stderr, format!("{flags} ignored: imgtool uses no daemon\n"), "{args:?}");
        assert_eq!((answer.code, answer.out()), (0, plain.clone()), "{args:?}");
    }
    session.run(&["images", "-H", "x"]).fails(125, &["unknown shorthand flag: 'H' in -H"]);
}

#[test]
fn no_container_is_paused() {
    let session = Session::new();
    session.write("tree/a", "a");
    for flag in ["--pause", "-p", "--pause=false", "--no-pause"] {
        let answer = session.run(&["commit", flag, "--from", "scratch", "tree"]);
        let name = if flag == "--no-pause" { flag } else { "--pause" };
        assert_eq!(answer.stderr, format!("{name} is ignored: imgtool uses no daemon\n"), "{flag}");
        answer.ok();
    }
    session
        .run(&["commit", "-p", "--no-pause", "tree"])
        .fails(1, &["conflicting options: --no-pause and --pause cannot be used together"]);
}

#[test]
fn what_is_not_here_says_what_to_do_instead() {
    let session = Session::new();
    for (args, advice) in [
        (&["run", "--rm", "-it", "ubuntu", "sh"][..], "imgtool unpack"),
        (&["ps", "-a"], "imgtool cannot run containers"),
        (&["volume", "ls"], "images only"),
    ] {
        let answer = session.run(args);
        answer.fails(1, &[advice]);
        assert_eq!((answer.stderr.lines().count(), answer.out().as_str()), (1, ""), "{args:?}");
    }
}

#[test]
fn called_docker_it_calls_itself_docker() {
    let session = Session::new();
    let program = session.work().join("docker");
    symlink(env!("CARGO_BIN_EXE_imgtool"), &program).expect("a link");
    let say = |args: &[&str]| {
        let output =
            Command::new(&program).args(args).env("IMGTOOL_ROOT", session.store()).output().expect("it starts");
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
    };
    assert!(say(&["tag"]).starts_with("docker: 'docker tag' requires 2 arguments\n\nUsage:  docker tag SOURCE"));
    assert!(say(&["nosuch"]).starts_with("docker: unknown command: docker nosuch\n"));
    assert!(say(&["images", "ls"]).contains("did you mean \"docker image ls\"?"));
    assert_eq!(say(&["-v"]), format!("imgtool {}\n", env!("CARGO_PKG_VERSION")), "it does not pretend to be docker");
}

#[test]
fn version_and_info() {
    let session = store();
    let version = env!("CARGO_PKG_VERSION");
    for flag in ["-v", "-V", "--version"] {
        assert_eq!(session.ok(&[flag]), format!("imgtool {version}\n"));
    }
    assert!(session.ok(&["version"]).contains(&format!(" Version:           {version}\n")));
    assert_eq!(session.ok(&["version", "--format", "{{.Server.Version}}"]), format!("{version}\n"));
    assert_eq!(session.ok(&["version", "-f", "{{.Client.Os}}"]), "linux\n");
    session.run(&["version", "-f", "{{.Nope}}"]).fails(1, &["can't evaluate field Nope"]);
    session.run(&["version", "-f", "{{"]).fails(64, &["template parsing error"]);
    let root = session.store().display().to_string();
    for command in [&["info"][..], &["system", "info"]] {
        let info = session.ok(command);
        assert!(info.contains(" Images: 1\n") && info.contains(&format!(" Docker Root Dir: {root}\n")), "{info}");
    }
    assert_eq!(session.ok(&["info", "-f", "{{.Images}} {{.DockerRootDir}}"]), format!("1 {root}\n"));
}

#[test]
fn groups_alone_and_help() {
    let session = Session::new();
    for group in ["image", "system", "manifest"] {
        let answer = session.run(&[group]);
        assert!(answer.stderr.contains(&format!("Usage:  imgtool {group} COMMAND\n")), "{}", answer.text());
        assert_eq!((answer.code, answer.out().as_str()), (0, ""), "docker's help that nobody asked for is no data");
    }
    assert_eq!(session.ok(&["help", "tag"]), session.ok(&["tag", "--help"]));
    assert_eq!(session.ok(&["help"]), session.ok(&["--help"]));
}

#[test]
fn other_platforms_than_there_are() {
    let session = store();
    for command in [&["image", "inspect"][..], &["history"]] {
        let args: Vec<&str> = command.iter().copied().chain(["--platform", "linux/arm64", "fx/a:1"]).collect();
        let wrong = "image with reference fx/a:1 was found but its platform (linux/amd64) does not match the specified \
                     platform (linux/arm64)";
        session.run(&args).fails(1, &[wrong]);
    }
    session
        .run(&["save", "--platform", "linux/arm64", "fx/a:1"])
        .fails(1, &["no suitable export target found for platform linux/arm64"]);
    session.run(&["rmi", "--platform", "linux/amd64", "fx/a:1"]).fails(1, &["removed with all its platforms"]);
    assert_eq!(session.tags(), ["fx/a:1"]);
}
