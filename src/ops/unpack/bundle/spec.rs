//! The `config.json` of a bundle
//! ([runtime-spec, config](https://github.com/opencontainers/runtime-spec/blob/v1.1.0/config.md), made of an image's
//! config as [image-spec, conversion](https://github.com/opencontainers/image-spec/blob/v1.1.0/conversion.md) says).

use serde_json::{Map, Value, json};

use crate::oci::{ContainerConfig, ImageConfig};
use crate::runtime::ProcessUser;
use crate::runtime::confinement::{CAPABILITIES, MASKED, PATH, READ_ONLY};

/// The text of `config.json`. `host` is the ordinary user who will run it; none if root will.
pub(super) fn spec(image: &ImageConfig, user: &ProcessUser, host: Option<(u32, u32)>) -> String {
    let default = ContainerConfig::default();
    let config = image.config.as_ref().unwrap_or(&default);
    let spec = json!({
        "ociVersion": "1.0.2",
        "process": process(config, user, host),
        "root": { "path": "rootfs", "readonly": false },
        "hostname": "imgtool",
        "mounts": mounts(host),
        "annotations": annotations(image, config),
        "linux": linux(host),
    });
    let mut text = serde_json::to_string_pretty(&spec).expect("a value is JSON");
    text.push('\n');
    text
}

fn process(config: &ContainerConfig, user: &ProcessUser, host: Option<(u32, u32)>) -> Value {
    let words = |words: &Option<Vec<String>>| words.clone().unwrap_or_default();
    let mut args = words(&config.entrypoint);
    args.extend(words(&config.cmd));
    if args.is_empty() {
        args.push("sh".to_owned());
    }
    let mut env = words(&config.env);
    let has = |env: &[String], name: &str| env.iter().any(|variable| variable.starts_with(name));
    if !has(&env, "PATH=") {
        env.insert(0, PATH.to_owned());
    }
    if let Some(home) = user.home.as_ref().filter(|_| !has(&env, "HOME=")) {
        env.push(format!("HOME={home}"));
    }
    // An ordinary user's namespace has no other group, and runtimes refuse to start with one.
    let groups = if host.is_some() { &[][..] } else { &user.groups };
    let directory = if config.working_dir.is_empty() { "/" } else { &config.working_dir };
    json!({
        "terminal": false,
        "user": { "uid": user.uid, "gid": user.gid, "additionalGids": groups },
        "args": args,
        "env": env,
        "cwd": directory,
        "capabilities": { "bounding": CAPABILITIES, "effective": CAPABILITIES, "permitted": CAPABILITIES },
        "rlimits": [{ "type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024 }],
        "noNewPrivileges": false,
    })
}

fn mounts(host: Option<(u32, u32)>) -> Value {
    let tty = if host.is_some() {
        vec!["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
    } else {
        vec!["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]
    };
    let mut mounts = vec![
        json!({ "destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"] }),
        json!({ "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
            "options": ["nosuid", "strictatime", "mode=755", "size=65536k"] }),
        json!({ "destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": tty }),
        json!({ "destination": "/dev/shm", "type": "tmpfs", "source": "shm",
            "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"] }),
        json!({ "destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
            "options": ["nosuid", "noexec", "nodev"] }),
    ];
    // An ordinary user owns no network, and the system's files belong to it.
    mounts.push(match host {
        None => json!({ "destination": "/sys", "type": "sysfs", "source": "sysfs",
            "options": ["nosuid", "noexec", "nodev", "ro"] }),
        Some(_) => json!({ "destination": "/sys", "type": "none", "source": "/sys",
            "options": ["rbind", "nosuid", "noexec", "nodev", "ro"] }),
    });
    Value::Array(mounts)
}

fn linux(host: Option<(u32, u32)>) -> Value {
    let mut kinds = vec!["pid", "ipc", "uts", "mount"];
    kinds.push(if host.is_some() { "user" } else { "network" });
    let namespaces: Vec<Value> = kinds.into_iter().map(|kind| json!({ "type": kind })).collect();
    let mut linux = json!({ "namespaces": namespaces, "maskedPaths": MASKED, "readonlyPaths": READ_ONLY });
    match host {
        None => linux["resources"] = json!({ "devices": [{ "allow": false, "access": "rwm" }] }),
        Some((uid, gid)) => {
            linux["uidMappings"] = json!([{ "containerID": 0, "hostID": uid, "size": 1 }]);
            linux["gidMappings"] = json!([{ "containerID": 0, "hostID": gid, "size": 1 }]);
        }
    }
    linux
}

fn annotations(image: &ImageConfig, config: &ContainerConfig) -> Value {
    let mut annotations = Map::new();
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            annotations.insert(format!("org.opencontainers.image.{name}"), json!(value));
        }
    };
    add("os", &image.os);
    add("architecture", &image.architecture);
    add("variant", image.variant.as_deref().unwrap_or_default());
    add("author", &image.author);
    add("created", &image.created.map(|created| created.to_string()).unwrap_or_default());
    add("stopSignal", &config.stop_signal);
    let ports: Vec<&str> = config.exposed_ports.iter().flatten().map(String::as_str).collect();
    add("exposedPorts", &ports.join(","));
    for (name, value) in config.labels.iter().flatten() {
        annotations.insert(name.clone(), json!(value));
    }
    Value::Object(annotations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_is_turned_into_a_process() {
        let config = ContainerConfig {
            entrypoint: Some(vec!["/e".to_owned()]),
            cmd: Some(vec!["a b".to_owned()]),
            env: Some(vec!["A=1".to_owned()]),
            working_dir: "/w".to_owned(),
            ..ContainerConfig::default()
        };
        let user = ProcessUser { uid: 7, gid: 8, groups: vec![9], home: Some("/h".to_owned()) };
        let image = ImageConfig { config: Some(config), os: "linux".to_owned(), ..ImageConfig::default() };
        let as_root: Value = serde_json::from_str(&spec(&image, &user, None)).expect("JSON");
        assert_eq!(as_root["process"]["user"], json!({ "uid": 7, "gid": 8, "additionalGids": [9] }));
        let spec: Value = serde_json::from_str(&spec(&image, &user, Some((1000, 100)))).expect("JSON");
        assert_eq!(spec["process"]["args"], json!(["/e", "a b"]));
        assert_eq!(spec["process"]["env"], json!([PATH, "A=1", "HOME=/h"]));
        assert_eq!(spec["process"]["cwd"], "/w");
        assert_eq!(spec["process"]["user"], json!({ "uid": 7, "gid": 8, "additionalGids": [] }));
        assert_eq!(spec["linux"]["uidMappings"][0]["hostID"], 1000);
        assert_eq!(spec["annotations"]["org.opencontainers.image.os"], "linux");
    }
}
