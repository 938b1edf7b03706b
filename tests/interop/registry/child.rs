//! A server as a child of the tests, which ends with them whatever happens.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a program until its own input ends, which the tests hold open; then nothing is left of either.
const KEEPER: &str = "folder=$1; shift; \"$@\" </dev/null & server=$!
    read -r nothing; kill $server 2>/dev/null; wait $server; rm -rf \"$folder\"";

/// A running server in a folder of its own.
pub(super) struct Served {
    folder: TempDir,
    keeper: Child,
    /// Open as long as the server runs.
    lifeline: Option<ChildStdin>,
}

/// A folder for a server's files, which other users may enter too: some servers give up being root.
pub(super) fn folder() -> TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::Builder::new().prefix("imgtool-registry-").tempdir().expect("a temporary folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a folder of ours");
    folder
}

impl Served {
    /// Runs `command` until this is dropped. `ready` reads its log and tells when it has started, and what it found.
    pub(super) fn start<T>(folder: TempDir, command: &[&str], ready: impl Fn(&str) -> Option<T>) -> (Self, T) {
        let log = File::create(folder.path().join("log")).expect("a file");
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(folder.path())
            .args(command)
            .current_dir(folder.path())
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn()
            .expect("a shell");
        let lifeline = keeper.stdin.take();
        let served = Self { folder, keeper, lifeline };
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(found) = ready(&served.log()) {
                return (served, found);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{command:?} does not start:\n{}", served.log());
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(super) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.file("log")).unwrap_or_default()).into_owned()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.lifeline = None;
        // It ends in a moment, or it was gone before.
        let _ended = self.keeper.wait();
    }
}
