//! The same images and files for docker and for imgtool.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::engine::Engine;
use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::{Answer, Session, tar_of};
use crate::support::tarball::{Member, pack};

/// Docker's engine and a store of imgtool's, each with the images, and a folder each where the lines are run.
pub(super) struct World<'a> {
    engine: &'a Engine,
    session: Session,
    folder: TempDir,
    ids: Vec<(&'static str, String)>,
}

/// The images, by the names that the cases call their IDs by. Each was made at another time, long ago: what is said of
/// their age does not change between two commands.
fn images() -> Vec<(&'static str, TestImage)> {
    let app = TestImage::sample("fx/app:1").also_tagged("fx/app:2");
    let child = TestImage { tags: vec!["fx/child:1.0-rc.1".into()], ..app.clone() }
        .layer("RUN |2 A=1 /bin/sh -c a command\tthat is longer than any table shows", &[Member::file("more", "more")]);
    let rich = json!({
        "User": "1000:1000", "WorkingDir": "/srv", "StopSignal": "SIGINT",
        "Env": ["PATH=/bin:/usr/bin", "EMPTY=", "QUOTE=\"<&>\""],
        "Entrypoint": ["/bin/sh", "-c"], "Cmd": ["echo \"hi\"", "b c"],
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}}, "Volumes": {"/data": {}},
        "Labels": {"who": "a <b> & c", "org.example.version": "1.2.3", "empty": ""},
        "OnBuild": ["ADD . /src"],
        "Healthcheck": {"Test": ["CMD", "/bin/check"], "Interval": 300_000_000_000_u64, "Retries": 3},
    });
    vec![
        ("A", at(app, "2020-01-02T03:04:05.678Z")),
        ("B", at(TestImage::of("fx/multi:1", "multi").also_tagged("other/multi:1"), "2019-05-06T07:08:09Z")),
        ("C", at(TestImage::of("hello:latest", "hello"), "2021-01-01T00:00:00Z")),
        ("D", at(TestImage::of("", "nameless").untagged(), "2018-01-01T00:00:00Z")),
        ("E", at(child, "2022-02-02T02:02:02.000000002Z").with("author", json!("some one <x@y>"))),
        (
            "F",
            at(TestImage::of("registry.example:5000/ns/rich:v1", &"r".repeat(123_456)), "2017-01-01T00:00:00+02:00")
                .with("config", rich)
                .with("comment", json!("a comment")),
        ),
        ("G", at(TestImage::of("localhost/g:latest", "g"), "1999-12-31T23:59:59Z")),
        (
            "H",
            at(
                TestImage::of("", "other").untagged().with("config", json!({"Labels": {"keep": "yes"}})),
                "2016-01-01T00:00:00Z",
            ),
        ),
    ]
}

/// A family: each image with the name of the one that it was committed on.
fn family() -> Vec<(&'static str, TestImage, Option<&'static str>)> {
    let on = |image: &TestImage, tag: &str, text: &str| {
        TestImage { tags: vec![tag.to_owned()], ..image.clone() }.layer(text, &[Member::file(text, text)])
    };
    let labels = |image: TestImage| image.with("config", json!({"Labels": {"tier": "app"}}));
    let base = TestImage::of("fx/base:1", "base");
    let child = on(&base, "fx/child:1", "child");
    let second = labels(on(&child, "fx/child:2", "the second child"));
    let sibling = on(&base, "fx/sib:1", "the sibling of the child").also_tagged("other/sib:1");
    let tip = labels(on(&second, "", "what has no name")).untagged();
    let step = TestImage { tags: vec!["fx/step:1".into()], ..sibling.clone() }.step("CMD without a layer");
    vec![
        ("P", at(base, "2020-01-01T00:00:00Z"), None),
        ("Q", at(child, "2020-02-01T00:00:00Z"), Some("P")),
        ("R", at(second, "2021-01-01T00:00:00Z"), Some("Q")),
        ("S", at(sibling, "2022-01-01T00:00:00Z"), Some("P")),
        ("T", at(tip, "2023-01-01T00:00:00Z"), Some("R")),
        ("U", at(step, "2024-01-01T00:00:00Z"), Some("S")),
    ]
}

fn at(image: TestImage, time: &str) -> TestImage {
    image.with("created", json!(time))
}

impl<'a> World<'a> {
    /// Everything anew. The engine must be empty.
    pub(super) fn new(engine: &'a Engine) -> Self {
        let images = images();
        let archive = pack(&producers::docker_save(&images.iter().map(|(_, image)| image.clone()).collect::<Vec<_>>()));
        Self::with(engine, &images, &archive)
    }

    /// The images of a family. Docker is told by an archive which was committed on which, imgtool by its index.
    pub(super) fn family(engine: &'a Engine) -> Self {
        let family = family();
        let images: Vec<(&str, TestImage)> = family.iter().map(|(name, image, _)| (*name, image.clone())).collect();
        let id = |wanted: &str| images.iter().find(|(name, _)| *name == wanted).map(|(_, image)| image.id());
        let mut members = producers::docker_save(&images.iter().map(|(_, image)| image.clone()).collect::<Vec<_>>());
        let manifest = members.iter_mut().find(|member| member.name == "manifest.json").expect("docker writes one");
        let mut entries: Vec<Value> = serde_json::from_slice(&manifest.data).expect("JSON");
        for (entry, (.., parent)) in entries.iter_mut().zip(&family) {
            if let Some(parent) = parent.and_then(id) {
                entry["Parent"] = json!(parent);
            }
        }
        *manifest = producers::manifest_json(&entries);
        let world = Self::with(engine, &images, &pack(&members));
        let listed = world.session.ok(&["images", "-a", "--no-trunc", "--digests", "--format", "{{.ID}} {{.Digest}}"]);
        let digests: BTreeMap<&str, &str> = listed.lines().filter_map(|line| line.split_once(' ')).collect();
        let mut index = world.session.index();
        for entry in index["manifests"].as_array_mut().expect("a list") {
            let is_it =
                |(_, image, _): &&(&str, TestImage, Option<&str>)| entry["digest"] == digests[image.id().as_str()];
            let (.., parent) = family.iter().find(is_it).expect("only the family is here");
            if let Some(parent) = parent.and_then(id) {
                entry["annotations"]["org.imgtool.parent"] = json!(digests[parent.as_str()]);
            }
        }
        fs::write(world.session.store().join("index.json"), index.to_string()).expect("a writable store");
        world
    }

    fn with(engine: &'a Engine, images: &[(&'static str, TestImage)], archive: &[u8]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let session = Session::new();
        let tree = folder.path().join("tree");
        fs::create_dir_all(tree.join("etc")).expect("a folder");
        fs::write(tree.join("etc/motd"), "hello\n").expect("a file");
        let rootfs = tar_of(&tree);
        for side in ["docker", "imgtool"] {
            let work = folder.path().join(side).join("work");
            fs::create_dir_all(work.join("folder")).expect("a folder");
            let one = pack(&producers::docker_save(&[at(TestImage::of("new/one:1", "new"), "2015-01-01T00:00:00Z")]));
            let nameless = pack(&producers::docker_save(&[at(
                TestImage::of("", "never seen").untagged(),
                "2014-01-01T00:00:00Z",
            )]));
            let moved =
                pack(&producers::docker_save(&[at(TestImage::of("fx/app:1", "another"), "2013-01-01T00:00:00Z")]));
            for (name, bytes) in [
                ("all.tar", &archive.to_vec()),
                ("one.tar", &one),
                ("nameless.tar", &nameless),
                ("moved.tar", &moved),
                ("rootfs.tar", &rootfs),
                ("junk", &b"junk\n".to_vec()),
            ] {
                fs::write(work.join(name), bytes).expect("a file");
            }
        }
        let program = which("docker");
        for (side, program) in [("docker", program.as_path()), ("imgtool", Path::new(env!("CARGO_BIN_EXE_imgtool")))] {
            fs::create_dir(folder.path().join(side).join("bin")).expect("a folder");
            symlink(program, folder.path().join(side).join("bin/docker")).expect("a link");
        }
        let mut ids: Vec<(&str, String)> = images.iter().map(|(name, image)| (*name, image.id())).collect();
        ids.extend(shared_beginning(&ids).map(|digits| ("TWO", digits)));
        let world = Self { engine, session, folder, ids };
        for answer in [world.docker("docker load -q -i all.tar"), world.imgtool("docker load -q -i all.tar")] {
            assert_eq!(answer.code, 0, "{}", answer.text());
        }
        world
    }

    /// What docker answers.
    pub(super) fn docker(&self, line: &str) -> Answer {
        let template = self.engine.docker(&[]);
        let mut shell = Command::new("sh");
        shell.env_clear();
        for (name, value) in template.get_envs() {
            if let Some(value) = value {
                shell.env(name, value);
            }
        }
        self.run(shell, "docker", line)
    }

    /// What imgtool answers.
    pub(super) fn imgtool(&self, line: &str) -> Answer {
        let mut shell = Command::new("sh");
        shell.env_clear().env("IMGTOOL_ROOT", self.session.store());
        self.run(shell, "imgtool", line)
    }

    fn run(&self, mut shell: Command, side: &str, line: &str) -> Answer {
        let side = self.folder.path().join(side);
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", side.join("bin").display());
        shell.env("PATH", path).env("TZ", "UTC").env("HOME", self.folder.path().join("home"));
        shell.envs(self.ids.iter().map(|(name, id)| (name, id)));
        let output =
            shell.args(["-c", line]).current_dir(side.join("work")).stdin(Stdio::null()).output().expect("sh is there");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Answer { code: output.status.code().unwrap_or(-1), stdout: output.stdout, stderr }
    }
}

/// Digits with which more than one ID begins; of so few images as a family has, none may.
fn shared_beginning(ids: &[(&str, String)]) -> Option<String> {
    let hex: Vec<&str> = ids.iter().map(|(_, id)| id.trim_start_matches("sha256:")).collect();
    let shared = |digits: &&str| hex.iter().filter(|id| id.starts_with(*digits)).count() > 1;
    hex.iter().map(|id| &id[..1]).find(shared).map(str::to_owned)
}

/// Where a program is.
fn which(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file()).expect("it is installed")
}
