//! What the first process in the new namespaces does: it mounts everything, and writes `config.json`.
//!
//! ```text
//! FOLDER/box/            a file system in memory, which vanishes with the namespace
//! FOLDER/box/config.json
//! FOLDER/box/rootfs      the overlay
//! FOLDER/box/files/N     what is only in memory: secrets, /etc/hosts …
//! FOLDER/box/trees/N     further overlays, for bind mounts
//! FOLDER/box/state       of the runtime
//! ```

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};
use rustix::process::chdir;

use super::Plan;
use super::failure::Failure;
use super::namespaces::{has_id, is_nested};
use super::plan::{LOG, Layers, Mounted, PlannedMount};
use super::spec::{Bind, SpecMount, spec};
use super::user::{ProcessUser, find_user};
use crate::rootfs::Root;

/// Where cgroups are.
const CGROUPS: &str = "/sys/fs/cgroup";
/// The group of terminals.
const TTY: u64 = 5;

/// Mounts everything; returns the runtime to be started.
pub(super) fn prepare(plan: &Plan) -> Result<Command, Failure> {
    let all = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", all).map_err(Failure::of("making mounts private"))?;
    let quiet = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", "/proc", "proc", quiet, None).map_err(Failure::of("mounting /proc"))?;
    if plan.is_crun {
        // It manages no cgroups here, but refuses to start on systems that have both kinds of them.
        let hidden = mount("tmpfs", CGROUPS, "tmpfs", quiet | MountFlags::RDONLY, None);
        hidden
            .or_else(|error| if error == Errno::NOENT { Ok(()) } else { Err(error) })
            .map_err(Failure::of("hiding cgroups"))?;
    }
    let place = plan.folder.join("box");
    mount("tmpfs", &place, "tmpfs", MountFlags::NODEV, c"mode=755").map_err(Failure::of("mounting a tmpfs"))?;
    let rootfs = folder(&place.join("rootfs"))?;
    plan.root.mount(plan, &rootfs)?;
    let user = user(plan, &rootfs)?;
    let mut mounts = Vec::with_capacity(plan.mounts.len());
    for (number, mount) in plan.mounts.iter().enumerate() {
        mounts.push(ready(plan, &place, number, mount)?);
    }
    let text = spec(plan, &user, &mounts, is_nested(), has_id("gid_map", TTY));
    fs::write(place.join("config.json"), text).map_err(Failure::of("writing config.json"))?;
    Ok(command(plan, &place))
}

fn command(plan: &Plan, place: &Path) -> Command {
    let mut command = Command::new(&plan.runtime);
    command.arg("--root").arg(place.join("state")).arg("--log").arg(plan.folder.join(LOG));
    command.args(["--log-format", "json"]);
    if plan.is_crun {
        command.args(["--cgroup-manager", "disabled"]);
    }
    let name = plan.folder.file_name().unwrap_or_default();
    command.arg("run").arg("--bundle").arg(place).arg(name);
    command
}

fn user(plan: &Plan, rootfs: &Path) -> Result<ProcessUser, Failure> {
    let root = Root::open(rootfs).map_err(Failure::of("opening the root file system"))?;
    let mut user = find_user(&root, &plan.user)?;
    if !has_id("uid_map", user.uid.into()) || !has_id("gid_map", user.gid.into()) {
        return Err(Failure::Unmapped { uid: user.uid, gid: user.gid });
    }
    let is_denied = fs::read_to_string("/proc/self/setgroups").is_ok_and(|text| text.trim() == "deny");
    user.groups.retain(|group| !is_denied && has_id("gid_map", (*group).into()));
    Ok(user)
}

/// Makes the source of a mount.
fn ready(plan: &Plan, place: &Path, number: usize, wanted: &PlannedMount) -> Result<SpecMount, Failure> {
    let PlannedMount { target, what, read_only } = wanted;
    let source = match what {
        Mounted::Memory(size) => {
            return Ok(SpecMount::Memory { target: target.clone(), size: *size, read_only: *read_only });
        }
        Mounted::Path(path) => path.clone(),
        Mounted::Layers(layers, path) => {
            let tree = folder(&place.join("trees").join(number.to_string()))?;
            layers.mount(plan, &tree)?;
            tree.join(path)
        }
        Mounted::Bytes(bytes, mode, uid, gid) => {
            let file = folder(&place.join("files"))?.join(number.to_string());
            let owned = fs::write(&file, bytes)
                .and_then(|()| chown(&file, Some(*uid), Some(*gid)))
                .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(*mode)));
            owned.map_err(Failure::of(&format!("making {target}")))?;
            file
        }
        Mounted::Script(name, text) => {
            let scripts = folder(&place.join("files").join(number.to_string()))?;
            let file = scripts.join(name);
            let written =
                fs::write(&file, text).and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o755)));
            written.map_err(Failure::of(&format!("making {target}")))?;
            scripts
        }
    };
    let source = source.to_string_lossy().into_owned();
    Ok(SpecMount::Bind(Bind { target: target.clone(), source, read_only: *read_only }))
}

fn folder(path: &Path) -> Result<PathBuf, Failure> {
    fs::create_dir_all(path).map_err(Failure::of(&format!("making {}", path.display())))?;
    Ok(path.to_owned())
}

impl Layers {
    fn mount(&self, plan: &Plan, target: &Path) -> Result<(), Failure> {
        if let (true, [only]) = (self.is_plain || self.upper.is_none(), &self.lowers[..]) {
            return mount_bind(only, target).map_err(Failure::of("mounting the root file system"));
        }
        // Paths are relative to the folder that has all trees: they are short, and no letter of them means anything.
        let trees = plan.folder.parent().unwrap_or(Path::new("/"));
        chdir(trees).map_err(Failure::of("entering the folder of trees"))?;
        // What is elsewhere is mounted there first.
        let lowers = near(plan, trees, &self.lowers)?;
        let relative = |path: &PathBuf| {
            let inner = path.strip_prefix(trees).unwrap_or(path);
            inner.to_str().map(str::to_owned).ok_or_else(|| io::Error::from(Errno::INVAL))
        };
        let all = || -> io::Result<String> {
            let lowers: Vec<String> = lowers.iter().map(relative).collect::<io::Result<_>>()?;
            let mut options = format!("lowerdir={}", lowers.join(":"));
            if let Some((upper, work)) = &self.upper {
                options = format!("{options},upperdir={},workdir={}", relative(upper)?, relative(work)?);
            }
            Ok(options)
        };
        let refused = |why: io::Error| Failure::Overlay { why: why.to_string() };
        let options = all().map_err(refused)?;
        mount_overlay(&options, target).map_err(refused)
    }
}

/// The directories, those that are not in the folder of trees mounted in it.
fn near(plan: &Plan, trees: &Path, lowers: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut all = Vec::with_capacity(lowers.len());
    for lower in lowers {
        if lower.starts_with(trees) {
            all.push(lower.clone());
            continue;
        }
        let folders = folder(&plan.folder.join("box/lowers"))?;
        let count = fs::read_dir(&folders).map_err(Failure::of("listing a folder"))?.count();
        let place = folder(&folders.join(count.to_string()))?;
        mount_bind(lower, &place).map_err(Failure::of(&format!("mounting {}", lower.display())))?;
        all.push(place);
    }
    Ok(all)
}

/// Mounts with the first of several sets of options that this kernel knows.
fn mount_overlay(options: &str, target: &Path) -> io::Result<()> {
    let variants: &[&str] = if is_nested() {
        &[",userxattr,volatile", ",userxattr"]
    } else {
        &[
            ",redirect_dir=off,metacopy=off,index=off,xino=off,volatile",
            ",redirect_dir=off,metacopy=off,index=off",
            ",redirect_dir=off",
        ]
    };
    let mut last = io::Error::from(Errno::INVAL);
    for variant in variants {
        let text = CString::new(format!("{options}{variant}")).map_err(io::Error::other)?;
        match mount("overlay", target, "overlay", MountFlags::NODEV, &*text) {
            Ok(()) => return Ok(()),
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}
