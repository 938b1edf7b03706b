//! Runs the cases: a store with the base image, and the files of the case.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::context::{FIXED, base, content, lay};
use super::verdict::{self, Made};
use super::{list, object, words};
use crate::support::picture::Picture;
use crate::support::producers::docker_save;
use crate::support::session::{Answer, Session};
use crate::support::{server, tarball};

/// The name of what a case builds.
const IMAGE: &str = "jb/case:latest";

/// Files for `ADD` of a URL, by their paths.
type Served = Arc<Mutex<HashMap<String, Vec<u8>>>>;

/// Where cases run. Those of one build share a store, which speeds them up: each has another name for its files.
pub(super) struct Place {
    session: Session,
    runtime: &'static str,
    /// The archive of the base image, and what is in it.
    archive: Vec<u8>,
    base: Picture,
    served: Served,
    url: String,
}

impl Place {
    pub(super) fn new(busybox: &str, runtime: &'static str) -> Self {
        let session = Session::new();
        let image = base(busybox);
        let layer = session.write("base-layer.tar", &image.layers[0]);
        let base = Picture::of_tar(&layer);
        let archive = tarball::pack(&docker_save(&[image]));
        session.load(&archive);
        let served = Served::default();
        let files = Arc::clone(&served);
        let address = server::serve(move |request| {
            let path = request.split_whitespace().nth(1).unwrap_or_default();
            let path = path.split('?').next().unwrap_or_default().to_owned();
            match files.lock().expect("nobody panics").get(&path) {
                Some(bytes) => answer(bytes),
                None => server::empty("404 Not Found", ""),
            }
        });
        Self { session, runtime, archive, base, served, url: format!("http://{address}") }
    }

    pub(super) fn is_root(&self) -> bool {
        self.session.is_root()
    }

    fn fill(&self, text: &str) -> String {
        text.replace("{{URL}}", &self.url)
    }

    /// Writes the files of a case; gives the folders of its context and of what is beside it.
    fn lay(&self, case: &Value) -> (PathBuf, PathBuf) {
        let top = self.session.work().join(case["name"].as_str().expect("a name"));
        let (ctx, side) = (top.join("ctx"), top.join("side"));
        let fill = |text: &str| self.fill(text);
        lay(object(case, "context"), &ctx, FIXED, &fill);
        lay(object(case, "side"), &side, FIXED, &fill);
        let mut served = self.served.lock().expect("nobody panics");
        *served = object(case, "http").iter().map(|(path, spec)| (path.clone(), content(spec, &fill))).collect();
        (ctx, side)
    }

    /// One build, compared with the engines' answers.
    pub(super) fn single(&self, case: &Value) -> Vec<String> {
        let (ctx, side) = self.lay(case);
        for image in list(case, "images") {
            let tag = image["tag"].as_str().expect("a name");
            let folder = ctx.with_file_name(format!("before-{}", tag.replace([':', '/'], "-")));
            lay(object(image, "context"), &folder, FIXED, &|text| self.fill(text));
            let flags = ["build", "-q", "--network", "none", "--runtime", self.runtime, "-t", tag];
            self.session.ok(&[&flags[..], &[folder.to_str().expect("a path")]].concat());
        }
        let (before, names) = (Picture::of_folder(&ctx), self.session.tags());
        let answer = self.build(case, case, &ctx, &side);
        let mut faults = Vec::new();
        if Picture::of_folder(&ctx) != before {
            faults.push("the context was changed".to_owned());
        }
        let expect = &case["expect"];
        if expect["ok"] == false || expect["ok"] == "either" && answer.code != 0 {
            faults.extend(verdict::error(&answer, expect));
            if self.session.tags() != names {
                faults.push("a build that failed changed names".to_owned());
            }
        } else if answer.code == 0 {
            faults.extend(self.made().faults(case, &self.base));
            faults.extend(self.further(list(case, "post"), &answer));
        } else {
            faults.push(format!("it must build: {}", answer.text()));
        }
        self.session.run(&["rmi", "-f", IMAGE]);
        faults
    }

    /// Several builds one after the other, in a store of their own.
    pub(super) fn scenario(&self, case: &Value) -> Vec<String> {
        let own = Self { session: Session::new(), base: self.base.clone(), url: self.url.clone(), ..self.parts() };
        own.session.load(&own.archive);
        let (ctx, side) = own.lay(case);
        let (mut faults, mut ids) = (Vec::new(), Vec::<String>::new());
        for (number, step) in (1_u64..).zip(list(case, "steps")) {
            let known =
                ["args", "ran", "change", "kept", "files", "post", "config", "fails", "unlike", "same_as", "same_time"];
            assert!(step.as_object().expect("a step").keys().all(|key| known.contains(&key.as_str())), "{step}");
            let when = if step["same_time"] == true { FIXED } else { FIXED + 10 * number };
            if step["change"].is_object() {
                lay(object(step, "change"), &ctx, when, &|text| own.fill(text));
            }
            let answer = own.build(case, step, &ctx, &side);
            let mut found = Vec::new();
            if step["fails"].is_object() {
                found.extend(verdict::error(&answer, &step["fails"]));
                ids.push(String::new());
            } else if answer.code == 0 {
                let made = own.made();
                ids.push(made.document["Id"].as_str().unwrap_or_default().to_owned());
                found.extend(made.files(object(step, "files")));
                found.extend(made.some_config(object(step, "config")));
                found.extend(own.further(list(step, "post"), &answer));
            } else {
                found.push(format!("it must build: {}", answer.text()));
                ids.push(String::new());
            }
            found.extend(verdict::marks(&answer, &words(step, "ran"), &words(step, "kept")));
            let other = |number: &Value| &ids[usize::try_from(number.as_u64().unwrap_or(1) - 1).expect("a number")];
            let last = ids.last().expect("one was added");
            found.extend(
                list(step, "same_as").iter().filter(|n| other(n) != last).map(|n| format!("ID unlike that of {n}")),
            );
            found
                .extend(list(step, "unlike").iter().filter(|n| other(n) == last).map(|n| format!("ID as that of {n}")));
            faults.extend(found.into_iter().map(|fault| format!("build {number}: {fault}")));
        }
        faults
    }

    /// What another place shares with this one.
    fn parts(&self) -> Self {
        Self {
            session: Session::new(),
            runtime: self.runtime,
            archive: self.archive.clone(),
            base: Picture::default(),
            served: Arc::clone(&self.served),
            url: String::new(),
        }
    }

    /// Runs `build` with the arguments of a case, or of a step of it.
    fn build(&self, case: &Value, step: &Value, ctx: &Path, side: &Path) -> Answer {
        let (ctx, side) = (ctx.to_str().expect("a path"), side.to_str().expect("a path"));
        let word = |word: &str| word.replace("{ctx}", ctx).replace("{side}", side);
        let typed: Vec<String> = words(step, "args").into_iter().map(word).collect();
        let mut args = vec!["build", "--runtime", self.runtime, "--progress", "plain", "-t", IMAGE];
        if !typed.iter().any(|arg| arg == "--network") {
            args.extend(["--network", "none"]);
        }
        args.extend(typed.iter().map(String::as_str));
        let place = step["where"].as_str().map_or(ctx.to_owned(), word);
        args.push(&place);
        let mut command = self.session.command(&args);
        for (name, value) in object(case, "env") {
            command.env(name, value.as_str().expect("a text"));
        }
        if let Some(mask) = case["umask"].as_u64() {
            command = with_mask(&command, mask);
        }
        let input = match step["stdin"].as_str() {
            Some("tar") => packed(Path::new(ctx)),
            text => self.fill(text.unwrap_or_default()).into_bytes(),
        };
        run(command, &input)
    }

    /// What was built.
    fn made(&self) -> Made {
        let path = self.session.work().join("flat.tar");
        self.session.ok(&["export", "-o", "flat.tar", IMAGE]);
        Made { document: self.session.inspect(IMAGE), tree: Picture::of_tar(&path), tar: path }
    }

    /// Further checks.
    fn further(&self, checks: &[Value], answer: &Answer) -> Vec<String> {
        let mut faults = Vec::new();
        for check in checks {
            let value = check[1].as_str().expect("a text");
            match check[0].as_str() {
                Some("secret") => faults.extend(self.holder_of(value).map(|path| format!("the secret is in {path}"))),
                Some("silent") if !answer.text().contains(value) => {}
                Some("created") => {
                    let created = self.session.inspect(IMAGE)["Created"].to_string();
                    faults.extend((!created.starts_with(&format!("\"{value}"))).then_some(created));
                }
                _ => faults.push(format!("{check} does not hold: {}", answer.text())),
            }
        }
        faults
    }

    /// A file of the store that has these bytes.
    fn holder_of(&self, needle: &str) -> Option<String> {
        let files = walkdir::WalkDir::new(self.session.store()).into_iter().flatten();
        let mut files = files.filter(|entry| entry.file_type().is_file());
        let has = |path: &Path| {
            let bytes = fs::read(path).unwrap_or_default();
            bytes.windows(needle.len()).any(|part| part == needle.as_bytes())
        };
        files.find(|entry| has(entry.path())).map(|entry| entry.path().display().to_string())
    }
}

/// A file as a server gives it.
fn answer(bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nLast-Modified: Fri, 14 Jul 2017 02:40:00 GMT\r\nConnection: close\r\n\r\n",
        bytes.len()
    );
    [head.as_bytes(), bytes].concat()
}

/// The same command behind a shell that sets its umask.
fn with_mask(command: &Command, mask: u64) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(format!("umask {mask:o}; exec \"$@\"")).arg("sh").arg(command.get_program());
    shell.args(command.get_args()).env_clear();
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(command.get_current_dir().expect("a session has one"));
    shell
}

fn run(mut command: Command, input: &[u8]) -> Answer {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut pipe = child.stdin.take().expect("it was asked for");
    // One that does not read it is no error of the test.
    let _ = pipe.write_all(input);
    drop(pipe);
    let output = child.wait_with_output().expect("it ends");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!stderr.contains("panicked at"), "{stderr}");
    Answer { code: output.status.code().expect("no signal"), stdout: output.stdout, stderr }
}

/// A folder as a tar.
fn packed(folder: &Path) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    tar.follow_symlinks(false);
    tar.append_dir_all(".", folder).expect("a readable folder");
    tar.into_inner().expect("memory")
}
