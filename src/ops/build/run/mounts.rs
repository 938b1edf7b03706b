//! What is mounted for a `RUN`, and the places that must be there for it.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read as _;
use std::net::IpAddr;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

use super::RunError;
use super::caches::{self, Cache};
use super::command::SCRIPTS;
use super::place::resolve;
use super::request::{Below, BindSource, RunMount, RunRequest};
use super::scratch::Scratch;
use super::trees::{Stack, Trees};
use crate::cancel::Token;
use crate::dockerfile::{MountKind, SecretSpec};
use crate::layer::EntryPath;
use crate::layer::overlay::ViewNode;
use crate::runtime::{HOST, Layers, Mounted, PlannedMount};
use crate::store::Store;

/// The most of a host's /etc/resolv.conf.
const LONGEST: u64 = 1 << 20;
/// What the runtime mounts; in these nothing needs a place.
const SYSTEM: [&str; 3] = ["dev", "proc", "sys"];
/// Where an SSH agent's socket is.
const AGENT: &str = "/run/buildkit/ssh_agent.";

/// What is mounted for a `RUN`.
#[derive(Default)]
pub(super) struct Mounts {
    pub(super) planned: Vec<PlannedMount>,
    /// Variables of secrets and agents.
    pub(super) env: Vec<String>,
    /// Where something is mounted, and whether it is a directory.
    pub(super) places: Vec<(EntryPath, bool)>,
    /// What must not be deleted meanwhile.
    stacks: Vec<Stack>,
    /// By their names: one that is mounted twice is locked once.
    caches: HashMap<String, Cache>,
    /// Sources that were mounted already.
    agents: HashMap<String, String>,
}

/// What mounts are made of.
pub(super) struct Sources<'a> {
    pub(super) store: &'a Store,
    pub(super) trees: &'a Trees,
    pub(super) scratch: &'a Scratch,
    pub(super) job: &'a Token,
}

impl Mounts {
    /// All that a request mounts, and the files that every program finds.
    pub(super) fn of(request: &RunRequest<'_>, sources: &Sources<'_>) -> Result<Self, RunError> {
        let mut mounts = Self::default();
        for place in SYSTEM {
            mounts.places.push((EntryPath::new(place.as_bytes()).expect("a name"), true));
        }
        let file = |text: String| Mounted::Bytes(text.into_bytes(), 0o644, 0, 0);
        mounts.add(request, "/etc/hosts", file(hosts(&request.hosts)), false, false)?;
        mounts.add(request, "/etc/resolv.conf", file(resolvers()), false, false)?;
        mounts.add(request, "/etc/hostname", file(format!("{HOST}\n")), false, false)?;
        for (number, mount) in request.mounts.iter().enumerate() {
            mounts.mount(request, sources, number, mount)?;
        }
        if let Some((name, text)) = &request.script {
            let script = Mounted::Script(name.replace('/', "_"), text.clone().into_bytes());
            mounts.add(request, SCRIPTS, script, true, true)?;
        }
        Ok(mounts)
    }

    fn mount(
        &mut self,
        request: &RunRequest<'_>,
        sources: &Sources<'_>,
        number: usize,
        mount: &RunMount<'_>,
    ) -> Result<(), RunError> {
        let read_only = mount.spec.read_only;
        let target = mount.spec.target.as_deref().unwrap_or_default();
        match &mount.spec.kind {
            MountKind::Bind { source, .. } => {
                let (what, is_directory) = self.bind(sources, number, mount, source)?;
                self.add(request, target, what, is_directory, read_only)
            }
            MountKind::Cache(spec) => {
                if !self.caches.contains_key(&spec.id) {
                    let cache = caches::take(sources.store, sources.trees, spec, mount, sources.job)?;
                    self.caches.insert(spec.id.clone(), cache);
                }
                let what = Mounted::Path(self.caches[&spec.id].folder.clone());
                self.add(request, target, what, true, read_only)
            }
            MountKind::Tmpfs { size } => self.add(request, target, Mounted::Memory(*size), true, read_only),
            MountKind::Secret(spec) => self.secret(request, spec, mount.spec.target.as_deref()),
            MountKind::Ssh(spec) => self.agent(request, spec, mount.spec.target.as_deref()),
        }
    }

    fn bind(
        &mut self,
        sources: &Sources<'_>,
        number: usize,
        mount: &RunMount<'_>,
        source: &str,
    ) -> Result<(Mounted, bool), RunError> {
        let is_written = !mount.spec.read_only;
        // What is written to a bind mount is discarded.
        let upper = || -> Result<Option<(PathBuf, PathBuf)>, RunError> {
            let folder = sources.scratch.path.join(format!("bind-{number}"));
            let pair = (folder.join("upper"), folder.join("work"));
            for path in [&pair.0, &pair.1] {
                fs::create_dir_all(path).map_err(RunError::io(path))?;
            }
            Ok(Some(pair))
        };
        let upper = if is_written { upper()? } else { None };
        match &mount.source {
            Some(BindSource::Folder(folder)) => {
                let (top, path, is_directory) = inside(folder, source)?;
                if !is_written {
                    return Ok((Mounted::Path(top.join(&path)), is_directory));
                }
                let layers = Layers { lowers: vec![top], upper, is_plain: false };
                Ok((Mounted::Layers(layers, path), is_directory))
            }
            Some(BindSource::Layers(below)) => {
                let (path, is_directory) = of_image(below, source)?;
                let stack = sources.trees.stack(below, sources.job)?;
                let layers = Layers { lowers: stack.lowers.clone(), upper, is_plain: false };
                self.stacks.push(stack);
                Ok((Mounted::Layers(layers, path), is_directory))
            }
            None => Err(RunError::NoSource { path: source.to_owned(), place: "the build context" }),
        }
    }

    fn secret(&mut self, request: &RunRequest<'_>, spec: &SecretSpec, target: Option<&str>) -> Result<(), RunError> {
        let Some(value) = request.secrets.get(&spec.id) else {
            return if spec.required { Err(RunError::NoSecret { id: spec.id.clone() }) } else { Ok(()) };
        };
        if let Some(name) = &spec.env {
            self.env.push(format!("{name}={}", String::from_utf8_lossy(value)));
        }
        if spec.env.is_some() && target.is_none() {
            return Ok(());
        }
        let named = spec.id.rsplit('/').next().unwrap_or_default();
        let target = target.map_or_else(|| format!("/run/secrets/{named}"), |target| format!("/{target}"));
        let what = Mounted::Bytes(value.clone(), spec.mode, spec.uid, spec.gid);
        self.add(request, &target, what, false, true)
    }

    fn agent(&mut self, request: &RunRequest<'_>, spec: &SecretSpec, target: Option<&str>) -> Result<(), RunError> {
        let Some(socket) = request.agents.get(&spec.id) else {
            return if spec.required { Err(RunError::NoAgent { id: spec.id.clone() }) } else { Ok(()) };
        };
        let target = target.map_or_else(|| format!("{AGENT}{}", self.agents.len()), str::to_owned);
        if self.agents.is_empty() {
            self.env.push(format!("SSH_AUTH_SOCK={target}"));
        }
        self.agents.insert(spec.id.clone(), target.clone());
        self.add(request, &target, Mounted::Path(socket.clone()), false, false)
    }

    /// Mounts something at a path, which is relative to the working directory.
    fn add(
        &mut self,
        request: &RunRequest<'_>,
        target: &str,
        what: Mounted,
        is_directory: bool,
        read_only: bool,
    ) -> Result<(), RunError> {
        let typed = if target.starts_with('/') { target.to_owned() } else { format!("{}/{target}", request.cwd) };
        let (place, node) = resolve(&request.below.view, &typed)?;
        let wrong = |why: &str| Err(RunError::Target { path: typed.clone(), why: why.to_owned() });
        if place.is_root() {
            return wrong("it is the root");
        }
        match node.map(|node| node.is_directory()) {
            Some(true) if !is_directory => return wrong("it is a directory, and what is mounted is not"),
            Some(false) if is_directory => return wrong("it is not a directory"),
            _ => {}
        }
        let path = place.as_bytes();
        let Ok(target) = std::str::from_utf8(path) else { return wrong("its name is not UTF-8") };
        let first = target.split('/').next().unwrap_or_default();
        if !SYSTEM.contains(&first) {
            self.places.push((place.clone(), is_directory));
        }
        self.planned.push(PlannedMount { target: format!("/{target}"), what, read_only });
        Ok(())
    }
}

/// A path of an image without symbolic links, and whether it is a directory.
fn of_image(below: &Below<'_>, source: &str) -> Result<(PathBuf, bool), RunError> {
    let (path, node) = resolve(&below.view, source)?;
    let node = node.ok_or_else(|| RunError::NoSource { path: source.to_owned(), place: "the stage or image" })?;
    Ok((PathBuf::from(OsStr::from_bytes(path.as_bytes())), ViewNode::is_directory(&node)))
}

/// A folder and a path in it without symbolic links, and whether it is a directory. Links do not lead out of the
/// folder.
fn inside(folder: &Path, source: &str) -> Result<(PathBuf, PathBuf, bool), RunError> {
    let root = File::open(folder).map_err(RunError::io(folder))?;
    let name = source.trim_start_matches('/');
    let name = if name.is_empty() { "." } else { name };
    let missing = || RunError::NoSource { path: source.to_owned(), place: "the build context" };
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let found = openat2(&root, name, flags, Mode::empty(), ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS);
    let found = found.map_err(|_| missing())?;
    let whole = |fd: &OwnedFd| fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).map_err(RunError::io(folder));
    let (top, path) = (whole(&root.into())?, whole(&found)?);
    let is_directory = File::from(found).metadata().map_err(RunError::io(folder))?.is_dir();
    let path = path.strip_prefix(&top).map_err(|_| missing())?.to_owned();
    Ok((top, path, is_directory))
}

/// /etc/hosts as docker's builder writes it. Addresses that are none are left to the caller to refuse.
fn hosts(further: &[(String, String)]) -> String {
    let mut text = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n".to_owned();
    for (name, address) in further.iter().filter(|(_, address)| address.parse::<IpAddr>().is_ok()) {
        text.extend([address, "\t", name, "\n"]);
    }
    text
}

/// The resolvers of this machine.
fn resolvers() -> String {
    let mut text = String::new();
    let read = File::open("/etc/resolv.conf").map(|file| file.take(LONGEST).read_to_string(&mut text));
    if read.is_ok_and(|read| read.is_ok()) { text } else { String::new() }
}
