//! A session with the binary in a world of its own: no environment, a temporary home, store and working folder.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::tree;

/// A temporary folder with `home/`, `store/` and `work/`, where commands run.
pub(crate) struct Session {
    dir: TempDir,
    /// Who runs the commands, if not who runs the tests.
    user: Option<u32>,
}

/// An ordinary user that every machine has.
const NOBODY: u32 = 65534;

/// What a command answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Session {
    pub(crate) fn new() -> Self {
        super::signals::listen_again();
        let dir = TempDir::new().expect("a temporary folder");
        for name in ["home", "work"] {
            fs::create_dir(dir.path().join(name)).expect("an empty folder");
        }
        Self { dir, user: None }
    }

    /// A session of an ordinary user; none, with one line that says so, if this machine lets nobody else run the binary.
    pub(crate) fn ordinary() -> Option<Self> {
        let mut session = Self::new();
        if !rustix::process::geteuid().is_root() {
            return Some(session);
        }
        for path in [session.dir.path(), &session.dir.path().join("home"), &session.work()] {
            std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).expect("root may");
        }
        session.user = Some(NOBODY);
        if session.command(&["--version"]).output().is_ok_and(|output| output.status.success()) {
            return Some(session);
        }
        super::skip(&format!("no other user may run {}", env!("CARGO_BIN_EXE_imgtool")));
        None
    }

    /// Whether commands run as root.
    pub(crate) fn is_root(&self) -> bool {
        self.user.is_none() && rustix::process::geteuid().is_root()
    }

    /// The working folder of every command.
    pub(crate) fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// The user's own folder.
    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// Writes a file into the working folder.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.work().join(name);
        fs::create_dir_all(path.parent().expect("a file below the working folder")).expect("a folder");
        fs::write(&path, bytes).expect("a writable file");
        path
    }

    /// Reads a file of the working folder.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.work().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imgtool"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.dir.path().join("home"))
            .env("IMGTOOL_ROOT", self.store())
            .env("PATH", "/nonexistent")
            // Nothing may need a second place for its bytes.
            .env("TMPDIR", "/nonexistent")
            .env("TZ", "UTC")
            .current_dir(self.work());
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }

    /// Runs imgtool with nothing on its stdin.
    pub(crate) fn run(&self, args: &[&str]) -> Answer {
        self.run_with(b"", args)
    }

    /// Runs imgtool with `stdin` coming through a pipe.
    pub(crate) fn run_with(&self, stdin: &[u8], args: &[&str]) -> Answer {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut pipe = child.stdin.take().expect("stdin was asked for");
        let bytes = stdin.to_vec();
        // A command that refuses early closes the pipe before all is written: that is no error of the test.
        let writer = std::thread::spawn(move || drop(pipe.write_all(&bytes)));
        let output = child.wait_with_output().expect("the binary ends");
        writer.join().expect("the writer does not panic");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!stderr.contains("panicked at"), "imgtool {args:?} panicked:\n{stderr}");
        let code =
            output.status.code().unwrap_or_else(|| panic!("imgtool {args:?} died of a signal: {}", output.status));
        Answer { code, stdout: output.stdout, stderr }
    }

    /// Runs imgtool and gives its stdout; anything but success fails the test.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        self.run(args).ok()
    }

    /// Writes an archive and loads it; gives what `load` printed.
    pub(crate) fn load(&self, archive: &[u8]) -> String {
        self.write("load.tar", archive);
        self.ok(&["load", "-i", "load.tar"])
    }

    /// Loads an archive that must be refused, and checks that the store stayed as it was, byte for byte.
    pub(crate) fn refuses(&self, archive: &[u8]) -> Answer {
        self.write("refused.tar", archive);
        self.refuses_input("refused.tar")
    }

    /// The same for a path, from a file and, where it is one, from a pipe.
    pub(crate) fn refuses_input(&self, path: &str) -> Answer {
        let before = self.picture();
        let file = self.run(&["load", "-i", path]);
        self.check_refusal(&file, &before);
        if self.work().join(path).is_file() {
            let bytes = self.read(path);
            let piped = self.run_with(&bytes, &["load"]);
            self.check_refusal(&piped, &before);
        }
        file
    }

    fn check_refusal(&self, answer: &Answer, before: &BTreeMap<String, String>) {
        assert_eq!(answer.code, 1, "refused archives end in 1, not so:\n{}", answer.text());
        assert!(!answer.stderr.trim().is_empty(), "a refusal says why");
        assert!(answer.stdout.is_empty(), "a refusal prints no data: {}", answer.out());
        let changes = tree::changes(before, &self.picture());
        assert!(changes.is_empty(), "the refused archive left traces: {changes:#?}\n{}", answer.stderr);
    }

    /// The store, path by path. A store that does not exist yet is the same as an empty one.
    pub(crate) fn picture(&self) -> BTreeMap<String, String> {
        let mut picture = if self.store().exists() { tree::picture(&self.store()) } else { BTreeMap::new() };
        if self.names().is_empty() && !picture.keys().any(|path| path.starts_with("blobs/sha256/")) {
            // An empty layout: its two documents and its folders say nothing.
            for path in ["oci-layout", "index.json", "blobs", "blobs/sha256"] {
                picture.remove(path);
            }
        }
        picture
    }

    /// The store's `index.json`, `null` if there is none.
    pub(crate) fn index(&self) -> Value {
        fs::read(self.store().join("index.json"))
            .map(|bytes| serde_json::from_slice(&bytes).expect("index.json is JSON"))
            .unwrap_or_default()
    }

    fn names(&self) -> Vec<Value> {
        self.index()["manifests"].as_array().cloned().unwrap_or_default()
    }

    /// `repository:tag` of every image, sorted.
    pub(crate) fn tags(&self) -> Vec<String> {
        self.sorted(&["images", "--format", "{{.Repository}}:{{.Tag}}"])
    }

    /// The full ID of every image, sorted, each once.
    pub(crate) fn ids(&self) -> Vec<String> {
        let mut ids = self.sorted(&["images", "-q", "--no-trunc"]);
        ids.dedup();
        ids
    }

    fn sorted(&self, args: &[&str]) -> Vec<String> {
        let mut lines: Vec<String> = self.ok(args).lines().map(ToOwned::to_owned).collect();
        lines.sort();
        lines
    }

    /// `inspect` of one image.
    pub(crate) fn inspect(&self, image: &str) -> Value {
        let all: Value = serde_json::from_str(&self.ok(&["inspect", image])).expect("inspect prints JSON");
        all[0].clone()
    }

    /// `history --no-trunc` as JSON, newest first.
    pub(crate) fn history(&self, image: &str) -> Vec<Value> {
        self.ok(&["history", "--no-trunc", "--format", "{{json .}}", image])
            .lines()
            .map(|line| serde_json::from_str(line).expect("a JSON object a line"))
            .collect()
    }

    /// Runs commands one after the other and prints them with their answers, as a terminal would show them.
    pub(crate) fn transcript(&self, commands: &[&[&str]]) -> String {
        let mut text = String::new();
        for args in commands {
            let shown: Vec<String> = args.iter().map(|arg| quoted(arg)).collect();
            writeln!(text, "$ imgtool {}", shown.join(" ")).expect("writing to a String cannot fail");
            text.push_str(&self.run(args).text());
        }
        self.masked(&text)
    }

    /// Takes out what differs from run to run: where the session lives, and how many years ago it was.
    fn masked(&self, text: &str) -> String {
        let text = text.replace(&self.dir.path().display().to_string(), "[dir]");
        text.lines().fold(String::new(), |all, line| {
            let line = match line.split_once(" years ago") {
                Some((head, tail)) => {
                    format!("{}NN years ago{tail}", head.trim_end_matches(|c: char| c.is_ascii_digit()))
                }
                None => line.to_owned(),
            };
            all + line.trim_end() + "\n"
        })
    }
}

fn quoted(arg: &str) -> String {
    if arg.contains([' ', '{', '|', '*']) { format!("'{arg}'") } else { arg.to_owned() }
}

impl Answer {
    /// stdout of a command that must succeed.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "the command failed:\n{}", self.text());
        self.out()
    }

    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Both streams and the exit code: stdout as it is, each line of stderr behind `! `, the code if it is not 0.
    pub(crate) fn text(&self) -> String {
        let mut text = self.out();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push_str("[no newline]\n");
        }
        for line in self.stderr.lines() {
            writeln!(text, "! {line}").expect("writing to a String cannot fail");
        }
        if self.code != 0 {
            writeln!(text, "[exit {}]", self.code).expect("writing to a String cannot fail");
        }
        text
    }

    /// Checks the exit code and that stderr has every one of these pieces.
    pub(crate) fn fails(&self, code: i32, pieces: &[&str]) {
        assert_eq!(self.code, code, "another exit code was due:\n{}", self.text());
        for piece in pieces {
            assert!(self.stderr.contains(piece), "{piece:?} is not in what it said:\n{}", self.stderr);
        }
    }
}

/// A folder's layout packed as a tar file, as `tar -C DIR -c .` would without its own entry.
pub(crate) fn tar_of(dir: &Path) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_dir_all("", dir).expect("a readable folder");
    builder.into_inner().expect("a tar in memory")
}
