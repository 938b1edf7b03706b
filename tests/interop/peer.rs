//! The other programs: whether they are here, and how to run one.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

/// Tells on stderr that a test was skipped and why, or fails where peers are required.
pub(crate) fn skip(why: &str) {
    let required = std::env::var_os("IMGTOOL_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(!required, "IMGTOOL_REQUIRE_PEERS=1, but {why}");
    unable(why);
}

/// Tells on stderr that a test was skipped because this machine cannot do it, whatever is installed.
pub(crate) fn unable(why: &str) {
    // Not eprintln!, which the test harness would swallow.
    writeln!(std::io::stderr(), "skipped: {why}").expect("stderr is open");
}

/// Whether a program is on the PATH; says so if it is not.
pub(crate) fn installed(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let here = std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    if !here {
        skip(&format!("{name} is not installed"));
    }
    here
}

/// Whether podman and buildah can work: both are there, and we are root.
pub(crate) fn podman_works() -> bool {
    if !installed("podman") || !installed("buildah") {
        return false;
    }
    let root = rustix::process::geteuid().is_root();
    if !root {
        skip("podman is tried as root only");
    }
    root
}

/// Runs a program that must succeed; gives its stdout.
pub(crate) fn ok(command: &mut Command) -> String {
    let output = run(command);
    assert!(
        output.status.success(),
        "{command:?} failed: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// A program with its arguments.
pub(crate) fn program(name: &str, args: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(args).env("TZ", "UTC");
    command
}

/// skopeo, without a signature policy of the machine's.
pub(crate) fn skopeo(args: &[&str]) -> Command {
    let mut command = program("skopeo", &["--insecure-policy"]);
    command.args(args);
    command
}

/// podman or buildah with all its state below `state`.
pub(crate) fn podman(name: &str, state: &Path, args: &[&str]) -> Command {
    let mut command = program(name, &["--storage-driver", "vfs"]);
    command.arg("--root").arg(state.join("root")).arg("--runroot").arg(state.join("run")).args(args);
    command
}
