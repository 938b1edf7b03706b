//! `docker commit` of a container and `imgtool commit` of a tree: the same configuration and history; and docker runs
//! what imgtool committed.

use std::fs::File;

use serde_json::{Value, json};

use crate::changes::{coarse, has_shell, shell, sorted};
use crate::container::{layers, load_into_both};
use crate::engine::{Engine, engine};
use crate::entries::{Known, assert_same, of_tar};
use crate::export::rich;
use crate::peer::{self, program};
use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::{member, pack, unpack};

/// Fields of the configuration's document that only docker 20.10 writes, and why.
const ONLY_DOCKER: [(&str, &str); 3] = [
    ("container", "names a container that is gone"),
    ("container_config", "says how that container was made"),
    ("docker_version", "not written since docker 29"),
];

/// Fields of `config` that only docker 20.10 writes: how the container was made, and what it was made of.
const ONLY_CONTAINER: [&str; 4] = ["Hostname", "AttachStdout", "AttachStderr", "Image"];

/// Where the layers differ that hold everything.
const EVERYTHING: [Known; 1] =
    [("kinds/noted", "xattrs", "docker drops user.* attributes from the layers that it makes")];

/// Arguments of `commit`.
const ARGS: &[&[&str]] = &[
    &[],
    &["-a", "An Author <a@x>", "-m", "a message <&> ü"],
    &["-a", "", "-m", ""],
    &["-m", "two\nlines\tand a tab"],
    &["-c", "CMD [\"/n\"]"],
    &["-c", "CMD a b"],
    &["-c", "CMD []"],
    &["-c", "ENTRYPOINT [\"/e\"]"],
    &["-c", "ENTRYPOINT e f"],
    &["-c", "ENTRYPOINT []"],
    &["-c", "ENTRYPOINT [\"/e\"]", "-c", "CMD [\"c\"]"],
    &["-c", "CMD [\"c\"]", "-c", "ENTRYPOINT [\"/e\"]"],
    &["-c", "ENV NEW=1"],
    &["-c", "ENV A=replaced NEW=\"two words\""],
    &["-c", "ENV PATH=/opt:$PATH B=${A}/x"],
    &["-c", "ENV A="],
    &["-c", "EXPOSE 80 81/udp"],
    &["-c", "EXPOSE 9000-9002"],
    &["-c", "LABEL who=\"some one else\" new=1"],
    &["-c", "LABEL who="],
    &["-c", "VOLUME /v /data"],
    &["-c", "VOLUME [\"/a b\"]"],
    &["-c", "USER 7:8"],
    &["-c", "USER root"],
    &["-c", "WORKDIR sub/dir"],
    &["-c", "WORKDIR /abs"],
    &["-c", "WORKDIR ../up"],
    &["-c", "ONBUILD RUN more"],
    &["-c", "HEALTHCHECK NONE"],
    &["-c", "HEALTHCHECK CMD other"],
    &["-c", "HEALTHCHECK --interval=9s --retries=9 CMD [\"other\", \"x\"]"],
    &["-c", "HEALTHCHECK --timeout=1s CMD other"],
    &["-a", "me", "-c", "CMD x", "-c", "ENV Z=z", "-c", "EXPOSE 1", "-c", "USER u", "-c", "LABEL z=z", "-m", "all"],
    &["-c", "RUN x"],
    &["-c", "CMD ok", "-c", "MAINTAINER x"],
    &["-c", "ENV"],
];

/// Empty lists, which docker ignores, and the fields that they clear here, as they do in a Dockerfile.
const CLEARING: [(&[&str], &[&str]); 2] =
    [(&["-c", "CMD []"], &["Cmd"]), (&["-c", "ENTRYPOINT []"], &["Cmd", "Entrypoint"])];

fn full(tag: &str) -> TestImage {
    let config = json!({
        "User": "1000:1000",
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
        "Env": ["PATH=/bin:/usr/bin", "A=b", "EMPTY="],
        "Cmd": ["/hello", "a  b", "<&>"],
        "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 5_000_000_000_u64, "Timeout": 3_000_000_000_u64, "Retries": 4},
        "Volumes": {"/data": {}},
        "WorkingDir": "/srv",
        "Entrypoint": ["/bin/entry"],
        "OnBuild": ["RUN early"],
        "Shell": ["/bin/other", "-c"],
        "Labels": {"who": "a <b> & c", "empty": ""},
        "StopSignal": "SIGUSR1",
    });
    // Docker takes the shell and the triggers of an image into no container, and so into no commit.
    TestImage::sample(tag).with("config", config).with("author", json!("the first"))
}

fn plain(tag: &str) -> TestImage {
    TestImage::sample(tag).with("config", json!({"Cmd": ["/hello"]}))
}

/// The configuration without what says nothing and what is known to be docker's alone, times as `T`.
fn document(archive: &[u8]) -> Value {
    let members = unpack(archive);
    let manifest: Value = serde_json::from_slice(member(&members, "manifest.json")).expect("JSON");
    let bytes = member(&members, manifest[0]["Config"].as_str().expect("a path"));
    let mut document: Value = serde_json::from_slice(bytes).expect("JSON");
    let fields = document.as_object_mut().expect("an object");
    fields.retain(|name, _| ONLY_DOCKER.iter().all(|(known, _)| name != known));
    let config = fields["config"].as_object_mut().expect("an object");
    config.retain(|name, value| !ONLY_CONTAINER.contains(&name.as_str()) && !says_nothing(value));
    fields.insert("created".into(), json!("T"));
    fields["history"].as_array_mut().and_then(|rows| rows.last_mut()).expect("a row")["created"] = json!("T");
    // Of the layer only whether it is there: it has times of today.
    fields["rootfs"] = json!(fields["rootfs"]["diff_ids"].as_array().map(Vec::len));
    document
}

fn says_nothing(value: &Value) -> bool {
    [json!(null), json!(false), json!(""), json!([]), json!({})].contains(value)
}

/// What both say of a commit with these arguments: the document, or the refusal in lower case.
fn outcomes(
    engine: &Engine,
    session: &Session,
    image: &str,
    container: &str,
    args: &[&str],
) -> [Result<Value, String>; 2] {
    let tree = session.work().join("tree");
    if tree.exists() {
        std::fs::remove_dir_all(&tree).expect("a tree of ours");
    }
    session.ok(&["unpack", image, "tree"]);
    session.write("tree/first", "test_first\n");
    let commit = |what| ["commit"].iter().chain(args).copied().chain([what, "fx/new:1"]).collect::<Vec<&str>>();
    let docker = peer::run(&mut engine.docker(&commit(container)));
    let docker = if docker.status.success() {
        Ok(document(&engine.bytes(&["save", "fx/new:1"])))
    } else {
        let said = String::from_utf8_lossy(&docker.stderr).trim().to_lowercase();
        Err(said.trim_start_matches("error response from daemon: ").to_owned())
    };
    let answer = session.run(&commit("tree"));
    let ours = if answer.code == 0 {
        session.ok(&["save", "-o", "new.tar", "fx/new:1"]);
        Ok(document(&session.read("new.tar")))
    } else {
        Err(answer.stderr.trim().to_lowercase().trim_start_matches("error: ").to_owned())
    };
    [docker, ours]
}

#[test]
fn configurations_are_the_same() {
    let Some(engine) = engine() else { return };
    // Each takes a while, and an image that says little has little to merge.
    for (image, step) in [(full("fx/full:1"), 1), (plain("fx/plain:1"), 3)] {
        let session = Session::new();
        load_into_both(&engine, &session, &image);
        let container = engine.created(&image.tags[0], &[]);
        let first = session.write("first", "test_first\n").display().to_string();
        engine.ok(&["cp", &first, &format!("{container}:/first")]);
        let mut wrong = Vec::new();
        for args in ARGS.iter().step_by(step) {
            let [mut docker, ours] = outcomes(&engine, &session, &image.tags[0], &container, args);
            for (_, fields) in CLEARING.iter().filter(|(clearing, _)| clearing == args) {
                let config = docker.as_mut().ok().and_then(|docker| docker["config"].as_object_mut());
                config.expect("docker takes it").retain(|name, _| !fields.contains(&name.as_str()));
            }
            if docker != ours {
                wrong.push(format!("{} {args:?}\n  docker:  {docker:?}\n  imgtool: {ours:?}", image.tags[0]));
            }
        }
        assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    }
}

/// Docker makes an image's volumes and working folder when it makes a container: here there are none.
#[test]
fn without_a_change_there_is_no_layer() {
    let Some(engine) = engine() else { return };
    let session = Session::new();
    load_into_both(&engine, &session, &plain("fx/plain:1"));
    let container = engine.created("fx/plain:1", &[]);
    session.ok(&["unpack", "fx/plain:1", "tree"]);
    engine.ok(&["commit", "-m", "nothing", &container, "fx/new:1"]);
    session.ok(&["commit", "-m", "nothing", "tree", "fx/new:1"]);
    session.ok(&["save", "-o", "new.tar", "fx/new:1"]);
    let (docker, ours) = (document(&engine.bytes(&["save", "fx/new:1"])), document(&session.read("new.tar")));
    assert_eq!(ours, docker);
    assert_eq!(ours["rootfs"], 2, "two layers as before");
}

/// The tutorial of docker's users: one line, then one more, each an image of its own.
#[test]
fn docker_runs_what_was_committed() {
    let Some(engine) = engine() else { return };
    if !has_shell() {
        return;
    }
    let base = TestImage::new(&["fx/ubuntu:14.04"]).raw_layer("a shell", shell().to_vec());
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[base])));
    session.ok(&["unpack", "fx/ubuntu:14.04", "tree"]);
    session.write("tree/first", "test_first\n");
    session.ok(&["commit", "-a", "some one", "-m", "my first commit", "tree", "commit_test:first"]);
    session.write("tree/first", "test_first\ntest_second\n");
    session.ok(&[
        "commit",
        "-a",
        "some one",
        "-m",
        "my second commit",
        "-c",
        "CMD [\"/bin/cat\", \"/first\"]",
        "tree",
        "commit_test:second",
    ]);
    session.ok(&["save", "-o", "both.tar", "commit_test"]);
    engine.ok(&["load", "-q", "-i", &session.work().join("both.tar").display().to_string()]);
    let run = ["run", "--rm", "--network", "none"];
    let run = |args: &[&str]| engine.ok(&[&run[..], args].concat());
    assert_eq!(run(&["commit_test:first", "/bin/cat", "/first"]), "test_first\n");
    assert_eq!(run(&["commit_test:second"]), "test_first\ntest_second\n");
    for (tag, layers) in [("first", 2), ("second", 3)] {
        let name = format!("commit_test:{tag}");
        let inspect = ["image", "inspect", "-f", "{{.Id}} {{len .RootFS.Layers}} {{.Author}} {{.Size}}", name.as_str()];
        let ours = session.ok(&inspect);
        assert_eq!(ours, engine.ok(&inspect));
        assert!(ours.contains(&format!(" {layers} some one ")), "{ours}");
        let history = [
            "history",
            "--no-trunc",
            "--format",
            "{{.CreatedAt}} {{.CreatedBy}} {{.Size}} {{.Comment}}",
            name.as_str(),
        ];
        assert_eq!(session.ok(&history), engine.ok(&history));
    }
}

/// Docker takes apart what it is given, and packs it again.
#[test]
fn everything_that_can_be_added() {
    let Some(engine) = engine() else { return };
    let session = Session::new();
    load_into_both(&engine, &session, &TestImage::sample("fx/a:1"));
    let container = engine.created("fx/a:1", &[]);
    session.ok(&["unpack", "fx/a:1", "tree"]);
    for layer in &rich("fx/rich:1").layers[..3] {
        let path = session.write("layer.tar", layer);
        let into = format!("{container}:/");
        peer::ok(engine.docker(&["cp", "-", &into]).stdin(File::open(&path).expect("a file of ours")));
        let args = ["--xattrs", "--xattrs-include=*", "--numeric-owner", "--same-permissions", "-xf"];
        peer::ok(program("tar", &args).arg(&path).current_dir(session.work().join("tree")));
    }
    let lines = sorted(&engine.ok(&["diff", &container]));
    assert_eq!(sorted(&session.ok(&["diff", "tree"])), lines);
    engine.ok(&["commit", &container, "fx/new:1"]);
    session.ok(&["commit", "tree", "fx/new:1"]);
    session.ok(&["save", "-o", "new.tar", "fx/new:1"]);
    let [docker, ours] = [engine.bytes(&["save", "fx/new:1"]), session.read("new.tar")]
        .map(|archive| coarse(of_tar(layers(&archive).last().expect("a layer").as_slice())));
    assert_same("layer", ("imgtool", &ours), ("docker", &docker), &EVERYTHING);
}
