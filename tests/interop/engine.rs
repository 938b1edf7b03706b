//! A docker engine of our own, in a temporary folder, for as long as the tests run.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{images, peer};

/// How long an engine may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running dockerd.
pub(crate) struct Engine {
    folder: TempDir,
    child: Child,
    /// Whether it has the images of these tests, loaded from an archive, and no others.
    full: bool,
}

static ENGINE: OnceLock<Option<Mutex<Engine>>> = OnceLock::new();

/// What docker saved of the images that it built, all in one archive.
static ARCHIVE: OnceLock<Vec<u8>> = OnceLock::new();

/// The engine, for one test at a time, without any image; `None` (and a line on stderr) where there is none.
pub(crate) fn engine() -> Option<MutexGuard<'static, Engine>> {
    let mut guard = lock()?;
    guard.forget_all();
    Some(guard)
}

/// The engine with the images of [`images::make`], loaded as any archive is: it knows nothing of having built them.
/// Gives the archive too. Building takes long and is done once.
pub(crate) fn full_engine() -> Option<(MutexGuard<'static, Engine>, &'static [u8])> {
    let mut guard = lock()?;
    let archive = ARCHIVE.get_or_init(|| {
        guard.forget_all();
        images::make(&guard);
        let save: Vec<&str> = ["save"].into_iter().chain(images::TAGS).collect();
        let output = peer::run(&mut guard.docker(&save));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    });
    if !guard.full {
        guard.forget_all();
        let path = guard.folder.path().join("all.tar");
        fs::write(&path, archive).expect("a writable folder");
        guard.ok(&["load", "-q", "-i", &path.display().to_string()]);
        guard.full = true;
    }
    Some((guard, archive))
}

fn lock() -> Option<MutexGuard<'static, Engine>> {
    let engine = ENGINE.get_or_init(|| Engine::start().map(Mutex::new)).as_ref()?;
    // A test that failed holding the engine leaves it usable.
    Some(engine.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

impl Engine {
    fn start() -> Option<Self> {
        if !peer::installed("dockerd") || !peer::installed("docker") {
            return None;
        }
        if !rustix::process::geteuid().is_root() {
            peer::skip("docker's engine needs root");
            return None;
        }
        // overlay2 counts sizes as docker installations do; vfs works where overlays do not.
        let started = ["overlay2", "vfs"].into_iter().find_map(Self::start_with);
        if started.is_none() {
            peer::skip("dockerd does not start here");
        }
        started
    }

    fn start_with(driver: &str) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("imgtool-dockerd-").tempdir().expect("a temporary folder");
        let at = |name: &str| folder.path().join(name).display().to_string();
        fs::create_dir(folder.path().join("home")).expect("a folder");
        // Where there is an entry, docker keeps passwords in this file and asks no desktop for a place.
        fs::write(folder.path().join("home/config.json"), r#"{"auths":{"nobody.invalid":{"auth":"bm86Ym9keQ=="}}}"#)
            .expect("a file");
        let log = File::create(folder.path().join("log")).expect("a file");
        let child = Command::new("dockerd")
            .args(["--data-root", &at("data"), "--exec-root", &at("exec"), "--pidfile", &at("pid")])
            .args(["--host", &format!("unix://{}", at("sock")), "--storage-driver", driver])
            .args(["--bridge=none", "--iptables=false", "--ip-masq=false"])
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn()
            .ok()?;
        let mut engine = Self { folder, child, full: false };
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if peer::run(&mut engine.docker(&["version"])).status.success() {
                watch(engine.child.id(), engine.folder.path().to_owned());
                return Some(engine);
            }
            if engine.child.try_wait().expect("a child of ours").is_some() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        None
    }

    /// docker's client, talking to this engine.
    pub(crate) fn docker(&self, args: &[&str]) -> Command {
        let mut command = peer::program("docker", args);
        command
            .env("DOCKER_HOST", format!("unix://{}", self.folder.path().join("sock").display()))
            .env("DOCKER_CONFIG", self.folder.path().join("home"))
            .env("DOCKER_BUILDKIT", "0")
            .env_remove("DOCKER_DEFAULT_PLATFORM");
        command
    }

    /// The client of the containerd that this engine has started.
    pub(crate) fn ctr(&self, args: &[&str]) -> Command {
        let mut command = peer::program("ctr", &["--address"]);
        command
            .arg(self.folder.path().join("exec/containerd/containerd.sock"))
            .args(["--namespace", "tests"])
            .args(args);
        command
    }

    /// Runs a docker command that must succeed; gives its stdout.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        peer::ok(&mut self.docker(args))
    }

    /// Sends a tar to the engine itself, as no command of the client does; gives the answer.
    pub(crate) fn post(&self, place: &str, tar: &std::path::Path) -> String {
        let socket = self.folder.path().join("sock").display().to_string();
        let body = format!("@{}", tar.display());
        let url = format!("http://docker{place}");
        let header = "Content-Type: application/x-tar";
        let words = ["-sS", "--unix-socket", &socket, "-X", "POST", "-H", header, "--data-binary", &body, &url];
        peer::ok(&mut peer::program("curl", &words))
    }

    /// Removes every container and image, so that each test starts from nothing and knows what it loaded.
    pub(crate) fn forget_all(&mut self) {
        self.full = false;
        for id in self.ok(&["ps", "-a", "-q", "--no-trunc"]).lines() {
            self.ok(&["rm", "-f", id]);
        }
        // Docker counts what builds left.
        self.ok(&["builder", "prune", "-a", "-f"]);
        // Docker counts them, also those that containers left behind.
        self.ok(&["volume", "prune", "-f"]);
        let ids = self.ok(&["images", "-a", "-q", "--no-trunc"]);
        for id in ids.lines() {
            // Children go with their parents; what is gone already is no failure.
            peer::run(&mut self.docker(&["rmi", "-f", id]));
        }
        assert_eq!(self.ok(&["images", "-a", "-q"]), "", "the engine is empty");
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        stop(self.child.id());
        // It ends in a moment, or it was gone before.
        let _ended = self.child.wait();
    }
}

/// Statics are never dropped: a shell waits for this process to end, stops the engine and removes its folder.
fn watch(engine: u32, folder: PathBuf) {
    let script = "( while kill -0 \"$1\" 2>/dev/null; do sleep 0.3; done
        kill \"$2\" 2>/dev/null; while kill -0 \"$2\" 2>/dev/null; do sleep 0.1; done
        rm -rf \"$3\" ) </dev/null >/dev/null 2>&1 &";
    let (tests, engine) = (std::process::id().to_string(), engine.to_string());
    peer::ok(Command::new("sh").args(["-c", script, "watch", &tests, &engine]).arg(folder));
}

fn stop(id: u32) {
    peer::run(&mut peer::program("kill", &[&id.to_string()]));
}
