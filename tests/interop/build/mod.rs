//! The same Dockerfile and the same context, built by docker's `BuildKit`, by docker's classic builder and by imgtool: the
//! same files, the same config, the same history, and failures where docker fails.

mod cases;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use crate::engine::{Engine, engine};
use crate::entries::{Entries, of_tar};
use crate::peer;
use crate::support::session::Session;
use crate::support::slow;
use cases::{BUILDKIT, CLASSIC, Case};

/// The time of all files of contexts: what is newer was made by a build.
const OLD: Duration = Duration::from_secs(1_000_000_000);

/// The base of cases that run programs.
const BUSYBOX: &str = "/bin/busybox";

/// What came of a build.
#[derive(Debug)]
struct Outcome {
    files: Entries,
    config: Map<String, Value>,
    /// What each step was made by, and whether it made no layer.
    history: Vec<String>,
}

#[test]
fn buildkit_builds_the_same() {
    let Some(engine) = engine() else { return };
    if !peer::installed("curl") || !peer::installed("runc") && !peer::installed("crun") {
        return;
    }
    let wrong = compare(BUILDKIT, &engine, |context, case, name| buildkit(&engine, context, case, name), true);
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), BUILDKIT.len(), wrong.join("\n"));
}

#[test]
fn the_classic_builder_builds_the_same() {
    let Some(engine) = engine() else { return };
    let wrong = compare(CLASSIC, &engine, |context, case, name| classic(&engine, context, case, name), false);
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), CLASSIC.len(), wrong.join("\n"));
}

/// Builds each case with docker and with imgtool; gives a text for each that differs.
fn compare(
    cases: &[Case],
    engine: &Engine,
    docker: impl Fn(&Path, &Case, &str) -> Result<(), String> + Sync,
    with_history: bool,
) -> Vec<String> {
    let step = if slow() { 1 } else { SHORT };
    let chosen: Vec<(usize, &Case)> = cases.iter().enumerate().step_by(step).collect();
    let share = chosen.len().div_ceil(AT_ONCE);
    std::thread::scope(|scope| {
        let docker = &docker;
        let compare = |share| scope.spawn(move || compare_some(share, engine, docker, with_history));
        let all: Vec<_> = chosen.chunks(share).map(compare).collect();
        all.into_iter().flat_map(|share| share.join().expect("it ends")).collect()
    })
}

/// How many cases are built at once.
const AT_ONCE: usize = 4;

/// Without `IMGTOOL_SLOW_TESTS=1` one of so many cases is built.
const SHORT: usize = 3;

fn compare_some(
    cases: &[(usize, &Case)],
    engine: &Engine,
    docker: impl Fn(&Path, &Case, &str) -> Result<(), String>,
    with_history: bool,
) -> Vec<String> {
    let session = Session::new();
    let mut wrong = Vec::new();
    for (number, case) in cases {
        let context = session.work().join(format!("context-{number}"));
        write_context(&context, case);
        let name = format!("case:{number}");
        let theirs = docker(&context, case, &name).map(|()| of_docker(engine, &session, &name));
        let ours = imgtool(&session, &context, case, &name).map(|()| of_imgtool(&session, &name));
        let problem = match (theirs, ours) {
            (Ok(theirs), Ok(ours)) => difference(&theirs, &ours, with_history),
            (Err(_), Err(_)) => None,
            (Err(why), Ok(_)) => Some(format!("docker fails: {why}")),
            (Ok(_), Err(why)) => Some(format!("imgtool fails: {why}")),
        };
        wrong.extend(problem.map(|problem| format!("--- {}\n{}\n{problem}", case.name, case.dockerfile)));
    }
    wrong
}

/// `path = content`, `path 755 = content`, `path -> target`, `path/`, `path < folder` (a tar of a folder, compressed as
/// the path says).
fn write_context(folder: &Path, case: &Case) {
    fs::create_dir_all(folder).expect("a folder");
    let put = |path: &str| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        path
    };
    fs::write(folder.join("Dockerfile"), case.dockerfile).expect("a file");
    if case.dockerfile.contains("busybox") {
        fs::copy(BUSYBOX, folder.join("busybox")).expect("busybox-static is installed");
    }
    for file in case.files {
        if let Some((path, target)) = file.split_once(" -> ") {
            symlink(target, put(path)).expect("a link");
        } else if let Some((path, content)) = file.split_once(" = ") {
            let with_mode =
                path.rsplit_once(' ').and_then(|(path, mode)| Some((path, u32::from_str_radix(mode, 8).ok()?)));
            let (path, mode) = with_mode.unwrap_or((path, 0o644));
            let path = put(path);
            fs::write(&path, content).expect("a file");
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("a mode");
        } else if let Some((path, packed)) = file.split_once(" < ") {
            let words = ["--owner=3", "--group=4", "--mtime=@1000000000", "-caf"];
            let mut pack = peer::program("tar", &words);
            peer::ok(pack.arg(put(path)).arg("-C").arg(folder.join(packed)).arg("."));
        } else {
            fs::create_dir_all(put(file.trim_end_matches('/'))).expect("a folder");
        }
    }
    for entry in walkdir::WalkDir::new(folder).contents_first(true) {
        let entry = entry.expect("a file of ours");
        if entry.file_type().is_symlink() {
            continue;
        }
        if entry.file_type().is_dir() {
            fs::set_permissions(entry.path(), Permissions::from_mode(0o755)).expect("a mode");
        }
        let times = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + OLD);
        File::open(entry.path()).and_then(|file| file.set_times(times)).expect("a time");
    }
}

/// Builds with `BuildKit`: the engine takes a tar as the context, if no client serves one.
fn buildkit(engine: &Engine, context: &Path, case: &Case, name: &str) -> Result<(), String> {
    let tar = context.with_extension("tar");
    let mut pack = peer::program("tar", &["--owner=0", "--group=0", "-cf"]);
    peer::ok(pack.arg(&tar).arg("-C").arg(context).arg("."));
    let target = case.target.map(|target| format!("&target={target}")).unwrap_or_default();
    let pairs: Map<String, Value> = case.args.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
    let pairs = percent(&Value::from(pairs).to_string());
    let query = format!("version=2&networkmode=host&t={name}{target}&buildargs={pairs}");
    let output = engine.post(&format!("/v1.40/build?{query}"), &tar);
    let failed = output.lines().find(|line| line.contains("\"error\""));
    failed.map_or(Ok(()), |line| Err(line.to_owned()))
}

/// All bytes as a query has them.
fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        write!(all, "%{byte:02X}").expect("it is a String");
        all
    })
}

fn classic(engine: &Engine, context: &Path, case: &Case, name: &str) -> Result<(), String> {
    let context = context.display().to_string();
    let output = peer::run(&mut engine.docker(&arguments(case, name, &context)));
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

fn imgtool(session: &Session, context: &Path, case: &Case, name: &str) -> Result<(), String> {
    let context = context.display().to_string();
    let mut command = session.command(&arguments(case, name, &context));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let output = peer::run(command.env("PATH", path));
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

fn arguments<'a>(case: &'a Case, name: &'a str, context: &'a str) -> Vec<&'a str> {
    let mut arguments = vec!["build", "-t", name];
    for (key, value) in case.args {
        arguments.extend(["--build-arg", Box::leak(format!("{key}={value}").into_boxed_str())]);
    }
    if let Some(target) = case.target {
        arguments.extend(["--target", target]);
    }
    arguments.push(context);
    arguments
}

/// The words by which both programs are asked for the history.
const HISTORY: [&str; 5] = ["history", "--no-trunc", "--human=false", "--format", "{{.CreatedBy}}"];

/// What docker built. Its `save` cannot write an image without layers.
fn of_docker(engine: &Engine, session: &Session, name: &str) -> Outcome {
    let described: Value = serde_json::from_str(&engine.ok(&["inspect", name])).expect("JSON");
    let files = if described[0]["RootFS"]["Layers"].as_array().is_none_or(Vec::is_empty) {
        Entries::new()
    } else {
        let saved = peer::run(&mut engine.docker(&["save", name])).stdout;
        let archive = session.write("theirs.tar", saved);
        files(session, &format!("docker-archive:{}", archive.display()))
    };
    let history = engine.ok(&[&HISTORY[..], &[name]].concat());
    Outcome { files, config: normal(&described[0]["Config"]), history: history.lines().map(str::to_owned).collect() }
}

fn of_imgtool(session: &Session, name: &str) -> Outcome {
    let config = normal(&session.inspect(name)["Config"]);
    let history = session.ok(&[&HISTORY[..], &[name]].concat());
    Outcome { files: files(session, name), config, history: history.lines().map(str::to_owned).collect() }
}

/// What is in an image, wherever it is.
fn files(session: &Session, image: &str) -> Entries {
    let exported = session.run(&["export", image]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    let mut files = of_tar(exported.stdout.as_slice());
    for entry in files.values_mut() {
        let is_old = entry["time"] == format!("{}.000000000", OLD.as_secs());
        entry.insert("time", if is_old { "old" } else { "new" }.to_owned());
        // The time of a directory changes with what is put into it.
        if entry["kind"] != "file" {
            entry.remove("time");
        }
    }
    files
}

/// The fields that a build decides; what is empty is not there.
fn normal(config: &Value) -> Map<String, Value> {
    const FIELDS: [&str; 12] = [
        "Cmd",
        "Entrypoint",
        "Env",
        "ExposedPorts",
        "Healthcheck",
        "Labels",
        "OnBuild",
        "Shell",
        "StopSignal",
        "User",
        "Volumes",
        "WorkingDir",
    ];
    let is_empty = |value: &Value| match value {
        // The directory in which programs run without any.
        Value::String(text) if text == "/" => true,
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    let fields = config.as_object().into_iter().flatten();
    let kept = fields.filter(|(key, value)| FIELDS.contains(&key.as_str()) && !is_empty(value));
    kept.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Where this engine mounts something for programs, and leaves the directories: `BuildKit` since 0.11 leaves no trace.
const MOUNT_POINTS: [&str; 6] = ["b", "dev", "etc", "proc", "sys", "t"];

/// A line of the history as this engine and newer ones have it: without the flags of COPY and the fields of a health check.
fn comparable(line: &str) -> String {
    let is_new = |word: &&str| word.starts_with("--chown=") || word.starts_with("--chmod=");
    match line.split_once(' ') {
        Some(("ADD" | "COPY", _)) => line.split(' ').filter(|word| !is_new(word)).collect::<Vec<_>>().join(" "),
        Some(("HEALTHCHECK", _)) => "HEALTHCHECK".to_owned(),
        _ => line.to_owned(),
    }
}

fn difference(theirs: &Outcome, ours: &Outcome, with_history: bool) -> Option<String> {
    let mut wrong = Vec::new();
    let paths: BTreeSet<&String> = theirs.files.keys().chain(ours.files.keys()).collect();
    for path in paths {
        let (theirs, ours) = (theirs.files.get(path), ours.files.get(path));
        let is_trace = ours.is_none() && MOUNT_POINTS.contains(&path.as_str());
        if theirs != ours && !is_trace {
            wrong.push(format!("{path}: docker {theirs:?}\n    imgtool {ours:?}"));
        }
    }
    if theirs.config != ours.config {
        wrong.push(format!("config: docker {:?}\n    imgtool {:?}", theirs.config, ours.config));
    }
    let lines = |outcome: &Outcome| outcome.history.iter().map(|line| comparable(line)).collect::<Vec<_>>();
    if with_history && lines(theirs) != lines(ours) {
        wrong.push(format!("history: docker {:#?}\n    imgtool {:#?}", theirs.history, ours.history));
    }
    (!wrong.is_empty()).then(|| wrong.join("\n"))
}
