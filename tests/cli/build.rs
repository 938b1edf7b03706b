//! `build`: a Dockerfile becomes an image.

mod cases;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::run_tools;
use crate::support::session::{Answer, Session};
use crate::support::tree::changes;

/// The variable that makes times fixed.
const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// A session with files in the folder `ctx`.
fn session(files: &[(&str, &str)]) -> Session {
    let session = Session::new();
    write(&session, files);
    session
}

fn write(session: &Session, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = session.work().join("ctx").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
}

/// Builds the folder with the name `app`.
fn build(session: &Session, flags: &[&str]) -> Answer {
    let args: Vec<&str> = ["build", "-t", "app"].iter().chain(flags).chain(&["ctx"]).copied().collect();
    let answer = session.run(&args);
    assert_eq!(answer.code, 0, "{args:?}: {}", answer.stderr);
    answer
}

/// A build that must fail, and change nothing.
fn refused(session: &Session, flags: &[&str], pieces: &[&str]) {
    let before = session.picture();
    let args: Vec<&str> = ["build", "-t", "app"].iter().chain(flags).chain(&["ctx"]).copied().collect();
    session.run(&args).fails(1, pieces);
    let after = session.picture();
    let left: Vec<String> = changes(&before, &after).into_iter().filter(|path| path.contains("index.json")).collect();
    assert!(left.is_empty(), "{args:?} changed {left:?}");
}

fn config(session: &Session) -> Value {
    session.inspect("app")["Config"].clone()
}

/// The names and the contents of the files of an image.
fn files(session: &Session, image: &str) -> Vec<(String, String)> {
    let exported = session.run(&["export", image]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    let mut all = Vec::new();
    for entry in tar::Archive::new(exported.stdout.as_slice()).entries().expect("a tar") {
        let mut entry = entry.expect("a member");
        let name = entry.path().expect("a name").display().to_string();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).expect("a content");
        all.push((name, String::from_utf8_lossy(&bytes).into_owned()));
    }
    all.sort();
    all
}

fn file(session: &Session, image: &str, name: &str) -> Option<String> {
    files(session, image).into_iter().find(|(known, _)| known.trim_end_matches('/') == name).map(|(_, text)| text)
}

/// The lines of `--progress plain` that say so.
fn cached(answer: &Answer) -> usize {
    answer.stderr.lines().filter(|line| line.ends_with(" CACHED")).count()
}

#[test]
fn the_spring_boot_dockerfile() {
    let dockerfile =
        "FROM scratch\nARG JAR_FILE=./*.jar\nCOPY ${JAR_FILE} app.jar\nENTRYPOINT [\"java\",\"-jar\",\"/app.jar\"]\n";
    let session = session(&[("Dockerfile", dockerfile), ("demo-0.0.1.jar", "jar"), ("notes.txt", "no")]);
    let answer = build(&session, &[]);
    assert!(answer.stderr.contains("[2/2] COPY ${JAR_FILE} app.jar"), "{}", answer.stderr);
    assert_eq!(files(&session, "app"), [("app.jar".to_owned(), "jar".to_owned())]);
    assert_eq!(config(&session)["Entrypoint"], serde_json::json!(["java", "-jar", "/app.jar"]));
    let history = session.ok(&["history", "--no-trunc", "--format", "{{.CreatedBy}}", "app"]);
    let expected =
        ["ENTRYPOINT [\"java\" \"-jar\" \"/app.jar\"]", "COPY ./*.jar app.jar # buildkit", "ARG JAR_FILE=./*.jar"];
    assert_eq!(history.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn stages_and_what_is_not_needed() {
    let dockerfile = "FROM scratch AS Parts\nCOPY a /deep/a\nFROM missing.invalid/never:1 AS unused\nCOPY nothing /\nFROM scratch\nCOPY --from=parts /deep/ /got/\nCOPY --from=0 /deep/a /b\n";
    let session = session(&[("Dockerfile", dockerfile), ("a", "A")]);
    build(&session, &[]);
    let names: Vec<String> = files(&session, "app").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["b", "got/", "got/a"]);
    build(&session, &["--target", "PARTS"]);
    assert_eq!(file(&session, "app", "deep/a").as_deref(), Some("A"));
    refused(&session, &["--target", "nothing"], &["target stage \"nothing\" could not be found", "Parts, unused"]);
}

#[test]
fn variables() {
    let dockerfile = "ARG G=global\nFROM scratch\nARG A=default\nARG G\nARG LOST\nENV B=${A}-b C=${G} D=${LOST:-none} A=env\nLABEL all=\"$A $B $C $D\"\n";
    let session = session(&[("Dockerfile", dockerfile)]);
    let label = |flags: &[&str]| {
        let answer = build(&session, flags);
        (config(&session)["Labels"]["all"].as_str().unwrap_or_default().to_owned(), answer.stderr)
    };
    assert_eq!(label(&[]).0, "env default-b global none");
    let flags = ["--build-arg", "A=x y", "--build-arg", "G=g", "--build-arg", "LOST=found", "--build-arg", "OTHER=1"];
    let (text, said) = label(&flags);
    assert_eq!(text, "env x y-b g found");
    assert!(said.contains("one or more build-args OTHER were not consumed"), "{said}");
}

#[test]
fn what_was_made_is_not_made_again() {
    let dockerfile = "FROM scratch\nCOPY a /a\nWORKDIR /w\nCOPY b b\nLABEL x=1\n";
    let session = session(&[("Dockerfile", dockerfile), ("a", "A"), ("b", "B")]);
    assert_eq!(cached(&build(&session, &[])), 0);
    let first = session.inspect("app")["Id"].clone();
    assert_eq!(cached(&build(&session, &[])), 3);
    assert_eq!(session.inspect("app")["Id"], first, "the same image");
    // Another time is no other content.
    let touched = fs::File::options().write(true).open(session.work().join("ctx/b")).expect("a file");
    touched.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("a time");
    assert_eq!(cached(&build(&session, &[])), 3);
    write(&session, &[("b", "new")]);
    assert_eq!(cached(&build(&session, &[])), 2);
    assert_eq!(file(&session, "app", "w/b").as_deref(), Some("new"));
    assert_eq!(cached(&build(&session, &["--no-cache"])), 0);
    // Layers of remembered steps stay when images are pruned.
    session.ok(&["rmi", "app"]);
    session.ok(&["image", "prune", "-a", "-f"]);
    assert_eq!(cached(&build(&session, &[])), 3);
    session.ok(&["verify", "app"]);
    session.ok(&["rmi", "app"]);
    let freed = session.ok(&["builder", "prune", "-f"]);
    assert!(freed.starts_with("Total reclaimed space: ") && !freed.contains(" 0B"), "{freed}");
    assert!(!session.picture().keys().any(|path| path.starts_with("blobs/sha256/")), "nothing needs a blob");
    assert_eq!(cached(&build(&session, &[])), 0);
}

#[test]
fn the_same_bytes_in_two_stores() {
    let dockerfile = "FROM scratch\nCOPY . /all\nWORKDIR /new\nCMD [\"/x\"]\n";
    let id = || {
        let session = session(&[("Dockerfile", dockerfile), ("d/x", "x")]);
        let output = session.command(&["build", "-q", "ctx"]).env(EPOCH, "1000000000").output().expect("it starts");
        let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(session.inspect(&id)["Created"].as_str().is_some_and(|time| time.starts_with("2001-09-09T01:46:40")));
        id
    };
    assert_eq!(id(), id());
}

#[test]
fn contexts_from_elsewhere() {
    let session = session(&[("Dockerfile", "FROM scratch\nCOPY a /a\n"), ("a", "A")]);
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_dir_all(".", session.work().join("ctx")).expect("a tar");
    let tar = tar.into_inner().expect("a tar");
    session.run_with(&tar, &["build", "-t", "tar", "-"]).ok();
    assert_eq!(file(&session, "tar", "a").as_deref(), Some("A"));
    session.run_with(b"FROM scratch\nLABEL a=b\n", &["build", "-t", "alone", "-"]).ok();
    session.run_with(b"FROM scratch\nCOPY a /given\n", &["build", "-t", "given", "-f", "-", "ctx"]).ok();
    assert_eq!(file(&session, "given", "given").as_deref(), Some("A"));
    session.run(&["build", "-f", "-", "-"]).fails(1, &["can't use stdin for both build context and dockerfile"]);
    fs::write(session.work().join("ctx/.dockerignore"), "*\n!a\n").expect("a file");
    write(&session, &[("b", "B"), ("Dockerfile", "FROM scratch\nCOPY . /\n")]);
    build(&session, &[]);
    assert_eq!(files(&session, "app"), [("a".to_owned(), "A".to_owned())]);
}

#[test]
fn errors_show_the_lines() {
    let cases: [(&str, &[&str]); 8] = [
        (
            "FROM scratch\nRNU x\n",
            &["Dockerfile:2", "   2 | >>> RNU x", "unknown instruction: RNU (did you mean RUN?)"],
        ),
        ("FROM scratch\nCOPY nothing /\n", &["Dockerfile:2", ">>> COPY nothing /", "\"/nothing\": not found"]),
        ("FROM scratch\nCOPY ../x /\n", &["Dockerfile:2", "x"]),
        ("FROM scratch AS me\nCOPY --from=me /a /\n", &["circular dependency detected on stage: me"]),
        ("FROM Base\n", &["failed to parse stage name \"Base\"", "lowercase"]),
        ("ARG X\nFROM ${X}\n", &["base name (${X}) should not be blank"]),
        ("FROM scratch\nENV ${A:?must be there}=1\n", &["must be there"]),
        ("# escape=x\nFROM scratch\n", &["invalid escape token"]),
    ];
    for (dockerfile, pieces) in cases {
        let session = session(&[("Dockerfile", dockerfile), ("a", "A")]);
        refused(&session, &[], pieces);
    }
    let session = Session::new();
    session.run(&["build", "ctx"]).fails(1, &["ctx"]);
    session.run(&["build"]).fails(1, &["build"]);
}

#[test]
fn answers_for_scripts() {
    let session = session(&[("Dockerfile", "FROM scratch\nCMD [\"/x\"]\n")]);
    let answer = session.run(&[
        "build",
        "-q",
        "--iidfile",
        "id",
        "-t",
        "a:1",
        "-t",
        "b:2",
        "--label",
        "k=v",
        "--memory",
        "1g",
        "ctx",
    ]);
    assert_eq!((answer.code, answer.out().trim()), (0, String::from_utf8_lossy(&session.read("id")).trim()));
    assert!(answer.stderr.contains("without effect in imgtool: --memory"), "{}", answer.stderr);
    assert_eq!(session.inspect("a:1")["Id"], session.inspect("b:2")["Id"]);
    assert_eq!(session.inspect("b:2")["Config"]["Labels"]["k"], "v");
    let checked = session.run(&["build", "--check", "ctx"]);
    assert_eq!((checked.code, checked.out().trim()), (0, "Check complete, no warnings found."));
    write(&session, &[("Dockerfile", "FROM scratch\nMAINTAINER me\n")]);
    let checked = session.run(&["build", "--check", "ctx"]);
    assert_eq!(checked.code, 1);
    assert!(checked.out().contains("WARNING: MaintainerDeprecated"), "{}", checked.out());
    assert!(build(&session, &[]).stderr.contains(" - MaintainerDeprecated: "));
}

/// Puts the program into the context.
fn put_busybox(session: &Session, busybox: &str) {
    fs::copy(busybox, session.work().join("ctx/busybox")).expect("a copy");
    fs::set_permissions(session.work().join("ctx/busybox"), fs::Permissions::from_mode(0o755)).expect("a mode");
}

#[test]
fn ctrl_c_ends_the_program_and_leaves_nothing() {
    let Some((busybox, runtime)) = run_tools() else { return };
    let dockerfile = "FROM scratch\nCOPY busybox /bin/sh\nRUN echo be''gun; while :; do :; done\n";
    let session = session(&[("Dockerfile", dockerfile)]);
    put_busybox(&session, busybox);
    let mut command = session.command(&["build", "--runtime", runtime, "-t", "app", "ctx"]);
    let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
    let mut said = BufReader::new(child.stderr.take().expect("it was asked for"));
    let mut line = String::new();
    while !line.ends_with(" begun\n") {
        line.clear();
        assert_ne!(said.read_line(&mut line).expect("lines"), 0, "the program begins");
    }
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process number")).expect("not zero");
    kill_process(pid, Signal::INT).expect("it runs");
    assert_eq!(child.wait().expect("it ends").signal(), Some(Signal::INT.as_raw()));
    let is_left = |path: &String| path.contains("/tmp-") || path.starts_with("imgtool/tmp/");
    let left: Vec<String> = session.picture().into_keys().filter(is_left).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(session.index()["manifests"].as_array().map_or(0, Vec::len), 0, "no image is there");
}

#[test]
fn programs_run() {
    let Some((busybox, runtime)) = run_tools() else { return };
    let dockerfile = "FROM scratch AS base\nCOPY busybox /bin/sh\nRUN echo one > /one && echo said-$((1+1))\nFROM base\nRUN --mount=type=secret,id=token read -r t < /run/secrets/token && echo ${#t} > /length\nUSER 7\nRUN exit 3\n";
    let session = session(&[("Dockerfile", dockerfile)]);
    put_busybox(&session, busybox);
    fs::write(session.work().join("token"), "very-secret-words\n").expect("a file");
    let answer = build(&session, &["--runtime", runtime, "--target", "base"]);
    assert!(answer.stderr.contains("said-2"), "{}", answer.stderr);
    assert_eq!(file(&session, "app", "one").as_deref(), Some("one\n"));
    let flags = ["--runtime", runtime, "--secret", "id=token,src=token"];
    refused(
        &session,
        &flags,
        &[
            "Dockerfile:7",
            ">>> RUN exit 3",
            "process \"/bin/sh -c exit 3\" did not complete successfully: exit code: 3",
        ],
    );
    // What was made before the failure is used, and the secret is nowhere.
    let whole = dockerfile.replace("RUN exit 3\n", "");
    write(&session, &[("Dockerfile", &whole)]);
    let answer = build(&session, &flags);
    assert_eq!(cached(&answer), 3, "{}", answer.stderr);
    assert_eq!(file(&session, "app", "length").as_deref(), Some("17\n"));
    for entry in walkdir::WalkDir::new(session.store()) {
        let entry = entry.expect("a readable store");
        if entry.file_type().is_file() {
            let bytes = fs::read(entry.path()).expect("a file");
            let has = bytes.windows(17).any(|part| part == b"very-secret-words");
            assert!(!has, "{}", entry.path().display());
        }
    }
}

#[test]
fn a_stage_that_fails_ends_the_programs_of_the_others() {
    let Some((busybox, runtime)) = run_tools() else { return };
    let dockerfile = "FROM scratch AS base\nCOPY busybox /bin/sh\nFROM base AS slow\nRUN sleep 600 && echo > /x\nFROM base AS bad\nRUN sleep 0.5 && exit 3\nFROM scratch\nCOPY --from=slow /x /\nCOPY --from=bad /y /\n";
    let session = session(&[("Dockerfile", dockerfile)]);
    put_busybox(&session, busybox);
    let answer = session.run(&["build", "--runtime", runtime, "--progress=plain", "-t", "app", "ctx"]);
    answer.fails(1, &["Dockerfile:6", "exit code: 3"]);
    // With one processor the other stage has not begun.
    let begun = answer.stderr.lines().filter(|line| line.contains("RUN sleep 600")).count() > 0;
    assert_eq!(answer.stderr.contains(" CANCELED"), begun, "{}", answer.stderr);
}

#[test]
fn a_name_that_would_hide_a_file_is_refused() {
    let session = session(&[("Dockerfile", "FROM scratch\nCOPY d /d\n"), ("d/.wh.x", ""), ("d/x", "1")]);
    refused(&session, &[], &["/d/.wh.x", "begins with .wh.", "--exclude"]);
    write(&session, &[(".dockerignore", "**/.wh.*\n")]);
    build(&session, &[]);
    assert_eq!(file(&session, "app", "d/x").as_deref(), Some("1"));
}

#[test]
fn a_base_for_another_platform_is_told() {
    let session = session(&[("Dockerfile", "FROM scratch\nCOPY a /a\n"), ("a", "A")]);
    session.ok(&["build", "-q", "-t", "arm:1", "--platform", "linux/arm64/v8", "ctx"]);
    write(&session, &[("Dockerfile", "FROM arm:1\nLABEL a=b\n")]);
    let answer = session.run(&["build", "--check", "ctx"]);
    answer.fails(1, &[]);
    let said = String::from_utf8_lossy(&answer.stdout);
    assert!(said.contains("InvalidBaseImagePlatform"), "{said}");
}

#[test]
fn a_pipe_in_a_context_is_not_waited_for() {
    let session = session(&[("Dockerfile", "FROM scratch\nCOPY a /a\n"), ("a", "A")]);
    let pipe = session.work().join("ctx/.dockerignore");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).expect("a pipe");
    refused(&session, &[], &[".dockerignore is not a file"]);
}
