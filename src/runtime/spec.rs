//! The `config.json` of a run
//! ([runtime-spec, config](https://github.com/opencontainers/runtime-spec/blob/v1.1.0/config.md)).
//!
//! There is no seccomp filter: runtimes are built without it on some systems, and a filter of docker's would have to be
//! kept up to date. Capabilities, masked paths and namespaces are docker's.

use serde_json::{Value, json};

use super::confinement::{CAPABILITIES, MASKED, PATH, READ_ONLY};
use super::{Network, Plan, ProcessUser};

/// The host name of all runs: what is built does not depend on the machine.
pub const HOST: &str = "buildkitsandbox";

/// A bind mount whose source is ready.
pub(super) struct Bind {
    pub(super) target: String,
    pub(super) source: String,
    pub(super) read_only: bool,
}

/// What is mounted, besides the usual.
pub(super) enum SpecMount {
    Bind(Bind),
    Memory { target: String, size: Option<u64>, read_only: bool },
}

/// The text of `config.json`. `groups` says whether further groups can be had, `nested` whether this is a user
/// namespace, and `has_tty_group` whether the group 5 is in it.
pub(super) fn spec(
    plan: &Plan,
    user: &ProcessUser,
    mounts: &[SpecMount],
    nested: bool,
    has_tty_group: bool,
) -> Vec<u8> {
    let mut kinds = vec!["pid", "ipc", "uts", "mount"];
    if plan.network == Network::None {
        kinds.push("network");
    }
    let namespaces: Vec<Value> = kinds.into_iter().map(|kind| json!({ "type": kind })).collect();
    let mut all = usual(plan.network, nested, has_tty_group);
    all.extend(mounts.iter().map(mount));
    let spec = json!({
        "ociVersion": "1.0.2",
        "process": process(plan, user),
        "root": { "path": "rootfs", "readonly": false },
        "hostname": HOST,
        "mounts": all,
        "linux": { "namespaces": namespaces, "maskedPaths": MASKED, "readonlyPaths": READ_ONLY },
    });
    serde_json::to_vec(&spec).expect("a value is JSON")
}

fn process(plan: &Plan, user: &ProcessUser) -> Value {
    let mut env = plan.env.clone();
    let has = |env: &[String], name: &str| env.iter().any(|variable| variable.starts_with(name));
    if !has(&env, "PATH=") {
        env.insert(0, PATH.to_owned());
    }
    if !has(&env, "HOME=") {
        env.push(format!("HOME={}", user.home.as_deref().filter(|home| !home.is_empty()).unwrap_or("/")));
    }
    let limit = |limit: &super::Ulimit| json!({ "type": format!("RLIMIT_{}", limit.name.to_ascii_uppercase()), "soft": limit.soft, "hard": limit.hard });
    let limits: Vec<Value> = plan.ulimits.iter().map(limit).collect();
    // Only root has capabilities, as in docker: a program that another user starts gets none.
    let capabilities: &[&str] = if user.uid == 0 { &CAPABILITIES } else { &[] };
    json!({
        "terminal": false,
        "user": { "uid": user.uid, "gid": user.gid, "umask": 0o022, "additionalGids": user.groups },
        "args": plan.args,
        "env": env,
        "cwd": if plan.cwd.is_empty() { "/" } else { &plan.cwd },
        "capabilities": { "bounding": CAPABILITIES, "effective": capabilities, "permitted": capabilities },
        "rlimits": limits,
        "noNewPrivileges": false,
    })
}

fn usual(network: Network, nested: bool, has_tty_group: bool) -> Vec<Value> {
    let mut tty = vec!["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"];
    if has_tty_group {
        tty.push("gid=5");
    }
    // The network's files belong to the system where the network does.
    let sys = if nested && network == Network::Host {
        json!({ "destination": "/sys", "type": "none", "source": "/sys",
            "options": ["rbind", "nosuid", "noexec", "nodev", "ro"] })
    } else {
        json!({ "destination": "/sys", "type": "sysfs", "source": "sysfs",
            "options": ["nosuid", "noexec", "nodev", "ro"] })
    };
    vec![
        json!({ "destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"] }),
        json!({ "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
            "options": ["nosuid", "strictatime", "mode=755", "size=65536k"] }),
        json!({ "destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": tty }),
        json!({ "destination": "/dev/shm", "type": "tmpfs", "source": "shm",
            "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"] }),
        json!({ "destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
            "options": ["nosuid", "noexec", "nodev"] }),
        sys,
    ]
}

fn mount(mount: &SpecMount) -> Value {
    let access = |read_only: &bool| if *read_only { "ro" } else { "rw" };
    match mount {
        SpecMount::Bind(Bind { target, source, read_only }) => json!({
            "destination": target, "type": "bind", "source": source,
            "options": ["rbind", "rprivate", access(read_only)],
        }),
        SpecMount::Memory { target, size, read_only } => {
            let mut options = vec!["nosuid".to_owned(), "mode=1777".to_owned(), access(read_only).to_owned()];
            options.extend(size.map(|size| format!("size={size}")));
            json!({ "destination": target, "type": "tmpfs", "source": "tmpfs", "options": options })
        }
    }
}
