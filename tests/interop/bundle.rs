//! Runtimes start what `imgtool unpack --bundle` makes, and it runs as in docker.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::changes::{has_shell, shell};
use crate::container::load_into_both;
use crate::engine::engine;
use crate::peer::{self, installed, program};
use crate::rich::{Node, layer};
use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::pack;

/// What a process can tell of how it was started.
const PROBE: &str = "#!/bin/sh
echo \"arguments: $0 $*\"
echo \"user: $(id -u) groups: $(id -g) $(id -G)\"
echo \"folder: $(pwd)\"
echo \"umask: $(umask)\"
env | grep -v -e ^HOSTNAME= -e ^SHLVL= -e ^PWD= -e ^_= | sort
grep -e ^Cap -e ^NoNewPrivs /proc/self/status
echo x 2>/dev/null >/srv/mine && echo may write || echo may not write
test -c /dev/null && test -d /proc/1 && test -d /sys/kernel && echo mounted
exit 7
";

fn image(tag: &str, config: &Value) -> TestImage {
    let nodes = [
        Node::file("bin/probe", PROBE).mode(0o755),
        Node::dir("etc"),
        Node::file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:an app:/home/app:/bin/sh\n"),
        Node::file("etc/group", "root:x:0:\napp:x:1001:\nextra:x:50:root,app\nmore:x:60:app\n"),
        Node::dir("home"),
        Node::dir("home/app").owner(1000, 1001),
        Node::dir("srv").owner(1000, 1001).mode(0o750),
    ];
    TestImage::new(&[tag])
        .raw_layer("a shell", shell().to_vec())
        .raw_layer("users", layer(&nodes))
        .with("config", config.clone())
}

/// A runtime with its state in a folder of the test's.
fn run(runtime: &str, session: &Session, bundle: &Path) -> Output {
    let state = session.work().join("state").display().to_string();
    let id = format!("imgtool-test-{}", std::process::id());
    peer::run(program(runtime, &["--root", &state, "run", "--bundle"]).arg(bundle).arg(id))
}

/// Whether a runtime starts a bundle of its own here. Its absence is told by [`installed`]; a machine on which it does
/// nothing is no fault of ours.
fn works(runtime: &str) -> bool {
    if !installed(runtime) {
        return false;
    }
    if !rustix::process::geteuid().is_root() {
        peer::skip(&format!("{runtime} is tried as root"));
        return false;
    }
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[image("fx/probe:1", &json!({}))])));
    let own = session.work().join("own");
    fs::create_dir(&own).expect("a folder of ours");
    session.ok(&["unpack", "fx/probe:1", "own/rootfs"]);
    peer::ok(program(runtime, &["spec"]).current_dir(&own));
    let mut spec: Value = serde_json::from_slice(&session.read("own/config.json")).expect("JSON");
    spec["process"]["terminal"] = json!(false);
    spec["process"]["args"] = json!(["/bin/true"]);
    session.write("own/config.json", spec.to_string());
    let output = run(runtime, &session, &own);
    if !output.status.success() {
        peer::unable(&format!("{runtime} starts nothing here: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    output.status.success()
}

/// Configurations, each with what docker and a bundle of imgtool's must make the same of.
fn configs() -> Vec<Value> {
    vec![
        json!({"Cmd": ["/bin/probe"]}),
        json!({"Cmd": ["a", "b c"], "Entrypoint": ["/bin/probe", "<&>"], "Env": ["A=b", "PATH=/bin", "C=d e"]}),
        json!({"Cmd": ["probe"], "User": "app", "WorkingDir": "/srv", "Env": ["LANG=ü"]}),
        json!({"Cmd": ["probe"], "User": "app:extra", "WorkingDir": "/home/app"}),
        json!({"Cmd": ["probe"], "User": "1000"}),
        json!({"Cmd": ["probe"], "User": "4321:8765", "Env": ["HOME=/elsewhere"]}),
        json!({"Cmd": ["probe"], "User": "0:60"}),
        json!({"Cmd": ["probe"], "WorkingDir": "/made/for/it"}),
    ]
}

fn text(output: &Output) -> String {
    format!(
        "{}{}{:?}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        output.status.code()
    )
}

#[test]
fn it_runs_as_in_docker() {
    let Some(mut engine) = engine() else { return };
    if !has_shell() || !works("runc") {
        return;
    }
    for config in configs() {
        let session = Session::new();
        load_into_both(&engine, &session, &image("fx/run:1", &config));
        session.ok(&["unpack", "--devices", "--bundle", "fx/run:1", "bundle"]);
        let docker = peer::run(&mut engine.docker(&["run", "--rm", "--network", "none", "fx/run:1"]));
        let ours = run("runc", &session, &session.work().join("bundle"));
        assert_eq!(text(&ours), text(&docker), "{config}");
        assert_eq!(ours.status.code(), Some(7), "{config}");
        engine.forget_all();
    }
}

#[test]
fn crun_runs_it() {
    if !has_shell() || !works("crun") {
        return;
    }
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[image("fx/run:1", &configs()[2])])));
    session.ok(&["unpack", "--bundle", "fx/run:1", "bundle"]);
    let output = run("crun", &session, &session.work().join("bundle"));
    assert_eq!(output.status.code(), Some(7), "{}", text(&output));
    assert!(text(&output).contains("user: 1000 groups: 1001"), "{}", text(&output));
}

#[test]
fn users_that_are_not_there() {
    let Some(engine) = engine() else { return };
    let session = Session::new();
    for user in ["nobody-knows", "app:nobody-knows"] {
        load_into_both(&engine, &session, &image("fx/run:1", &json!({"Cmd": ["/bin/probe"], "User": user})));
        let docker = peer::run(&mut engine.docker(&["run", "--rm", "--network", "none", "fx/run:1"]));
        assert!(!docker.status.success(), "{user}");
        session.run(&["unpack", "--bundle", "fx/run:1", "bundle"]).fails(1, &["nobody-knows"]);
        assert!(!session.work().join("bundle").exists(), "nothing is left behind");
    }
}

/// Who is nobody on this machine.
const SOMEONE: &str = "54321";

/// Runs a program as an ordinary user whose all is in `home`.
fn as_someone(home: &Path, words: &[&str]) -> Output {
    let user = ["--reuid", SOMEONE, "--regid", SOMEONE, "--clear-groups", "--"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut command = program("setpriv", &user);
    command.args(words).current_dir(home).env_clear().env("PATH", path).env("HOME", home);
    peer::run(command.env("XDG_RUNTIME_DIR", home).env("IMGTOOL_ROOT", home.join("store")))
}

#[test]
fn an_ordinary_user_runs_it() {
    if !has_shell() || !works("runc") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let home = folder.path();
    // The checkout may be where nobody else gets to.
    // By another process: one that another test starts meanwhile would keep the file open for writing.
    peer::ok(program("cp", &[env!("CARGO_BIN_EXE_imgtool")]).arg(home.join("imgtool")));
    fs::write(home.join("image.tar"), pack(&producers::docker_save(&[image("fx/run:1", &configs()[0])])))
        .expect("a file");
    fs::set_permissions(home, fs::Permissions::from_mode(0o755)).expect("a folder of ours");
    peer::ok(program("chown", &["-R", SOMEONE]).arg(home));
    let ok = |words: &[&str]| {
        let output = as_someone(home, words);
        assert!(output.status.success(), "{words:?}: {}", text(&output));
    };
    ok(&["./imgtool", "load", "-q", "-i", "image.tar"]);
    ok(&["./imgtool", "unpack", "--bundle", "fx/run:1", "bundle"]);
    ok(&["./imgtool", "unpack", "fx/run:1", "own"]);
    ok(&["mkdir", "probe"]);
    ok(&["mv", "own", "probe/rootfs"]);
    ok(&["runc", "spec", "--rootless", "--bundle", "probe"]);
    let path = home.join("probe/config.json");
    let mut spec: Value = serde_json::from_slice(&fs::read(&path).expect("runc wrote it")).expect("JSON");
    spec["process"]["terminal"] = json!(false);
    spec["process"]["args"] = json!(["/bin/true"]);
    fs::write(&path, spec.to_string()).expect("a file of ours");
    let runc =
        |bundle| as_someone(home, &["runc", "--root", "state", "run", "--bundle", bundle, "imgtool-test-rootless"]);
    let own = runc("probe");
    if !own.status.success() {
        return peer::unable(&format!("runc starts nothing for an ordinary user here: {}", text(&own)));
    }
    let output = runc("bundle");
    assert_eq!(output.status.code(), Some(7), "{}", text(&output));
    for line in ["arguments: /bin/probe", "user: 0 groups: 0 0", "folder: /", "mounted"] {
        assert!(text(&output).lines().any(|said| said.trim() == line), "{line}: {}", text(&output));
    }
}
