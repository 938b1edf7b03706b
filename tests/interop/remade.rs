//! What docker makes of images that imgtool made of others: containers have the same files, or just the ones that were
//! appended or not removed; and umoci and skopeo read them.

use serde_json::{Value, json};

use crate::container::load_into_both;
use crate::engine::{Engine, engine};
use crate::entries::{Entries, assert_same, of_tar};
use crate::export::{STUBS, rich};
use crate::peer::{self, installed, program};
use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::session::Session;

/// The files of a container of an image; what docker makes for each container has no time.
fn files(engine: &Engine, image: &str) -> Entries {
    let mut files = of_tar(engine.exported(image).as_slice());
    for stub in STUBS {
        files.get_mut(stub).map(|entry| entry.remove("time"));
    }
    files
}

/// The files of a container of an image of the store.
fn files_of(engine: &Engine, session: &Session, image: &str) -> Entries {
    session.ok(&["save", "-o", "made.tar", image]);
    engine.ok(&["load", "-q", "-i", &session.work().join("made.tar").display().to_string()]);
    files(engine, image)
}

#[test]
fn a_squashed_image_has_the_same_files() {
    let Some(engine) = engine() else { return };
    let session = Session::new();
    load_into_both(&engine, &session, &rich("fx/rich:1"));
    let before = files(&engine, "fx/rich:1");
    for from in ["1", "2", "4", "5"] {
        session.ok(&["squash", "--from", from, "fx/rich:1", "fx/squashed:1"]);
        let after = files_of(&engine, &session, "fx/squashed:1");
        assert_same(&format!("from {from}"), ("before", &before), ("squashed", &after), &[]);
    }
}

#[test]
fn what_is_appended_is_there_and_what_is_stripped_is_not() {
    let Some(engine) = engine() else { return };
    let session = Session::new();
    load_into_both(&engine, &session, &TestImage::sample("fx/a:1"));
    let before = files(&engine, "fx/a:1");
    session.write("x.tar", layer(&[Item::dir("opt"), Item::file("opt/x", "x"), Item::hardlink("opt/y", "opt/x")]));
    session.ok(&["append", "fx/a:1", "fx/more:1", "x.tar"]);
    let more = files_of(&engine, &session, "fx/more:1");
    let mut new = more.keys().filter(|path| !before.contains_key(*path)).map(|path| path.trim_matches('/'));
    assert_eq!([new.next(), new.next(), new.next(), new.next()], [Some("opt"), Some("opt/x"), Some("opt/y"), None]);
    session.ok(&["strip", "--remove", "opt", "fx/more:1", "fx/less:1"]);
    assert_same("stripped", ("before", &before), ("stripped", &files_of(&engine, &session, "fx/less:1")), &[]);
    session.ok(&["strip", "--remove", "opt/x", "fx/more:1", "fx/linked:1"]);
    let linked = files_of(&engine, &session, "fx/linked:1");
    assert!(linked.keys().any(|path| path.ends_with("opt/y")) && !linked.keys().any(|path| path.ends_with("opt/x")));
}

#[test]
fn docker_reads_the_config_of_an_edited_image() {
    let Some(engine) = engine() else { return };
    let session = Session::new();
    load_into_both(&engine, &session, &TestImage::sample("fx/a:1"));
    session.ok(&[
        "edit",
        "--env",
        "A=1",
        "--env",
        "PATH-",
        "--cmd",
        "-",
        "--entrypoint",
        "[\"/e\"]",
        "--user",
        "7",
        "--expose",
        "80",
        "--history-strip",
        "fx/a:1",
        "fx/b:1",
    ]);
    files_of(&engine, &session, "fx/b:1");
    let inspected: Value = serde_json::from_str(&engine.ok(&["inspect", "fx/b:1"])).expect("JSON");
    let config = &inspected[0]["Config"];
    assert_eq!(
        (&config["Env"], &config["Cmd"], &config["Entrypoint"]),
        (&json!(["A=1"]), &json!(null), &json!(["/e"]))
    );
    assert_eq!((&config["User"], &config["ExposedPorts"]), (&json!("7"), &json!({"80/tcp": {}})));
    assert_eq!(engine.ok(&["history", "-q", "fx/b:1"]).lines().count(), 2);
    assert_eq!(inspected[0]["Id"], session.inspect("fx/b:1")["Id"]);
}

#[test]
fn docker_runs_on_what_was_put_on_another_base() {
    let Some(engine) = engine() else { return };
    let session = Session::new();
    let base = |tag: &str, version: &str| {
        TestImage::new(&[tag])
            .raw_layer("ADD base", layer(&[Item::dir("opt"), Item::file("opt/version", version)]))
            .raw_layer("RUN more", layer(&[Item::file(format!("opt/only-{version}"), version)]))
    };
    let own = layer(&[Item::file("opt/app", "app"), Item::whiteout("opt/.wh.version")]);
    let on = |tag: &str, version: &str| {
        let mut image = base("", version).raw_layer("COPY app", own.clone());
        image.tags = vec![tag.to_owned()];
        image
    };
    for image in [base("fx/base:1", "1"), base("fx/base:2", "2"), on("fx/app:1", "1"), on("fx/built:2", "2")] {
        load_into_both(&engine, &session, &image);
    }
    session.ok(&["rebase", "fx/app:1", "fx/app:2", "--onto", "fx/base:2"]);
    let rebased = files_of(&engine, &session, "fx/app:2");
    assert_same("rebased", ("built", &files(&engine, "fx/built:2")), ("rebased", &rebased), &[]);
    let inspected: Value = serde_json::from_str(&engine.ok(&["inspect", "fx/app:2"])).expect("JSON");
    assert_eq!(inspected[0]["Id"], session.inspect("fx/app:2")["Id"]);
    assert_eq!(inspected[0]["RootFS"]["Layers"], session.inspect("fx/built:2")["RootFS"]["Layers"]);
    let history = engine.ok(&["history", "--no-trunc", "--format", "{{.CreatedBy}}", "fx/app:2"]);
    assert_eq!(history, "imgtool rebase --onto fx/base:2\nCOPY app\nRUN more\nADD base\n");
    if installed("skopeo") {
        session.ok(&["copy", "fx/app:2", "oci:layout:it"]);
        let place = format!("oci:{}:it", session.work().join("layout").display());
        let manifest = peer::ok(&mut program("skopeo", &["inspect", "--raw", &place]));
        let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
        assert_eq!(manifest["annotations"]["org.opencontainers.image.base.name"], "docker.io/fx/base:2");
        assert_eq!(manifest["layers"].as_array().map(Vec::len), Some(3));
    }
}

/// buildah writes the annotations that name a base.
#[test]
fn what_buildah_says_of_a_base_is_understood() {
    if !peer::podman_works() {
        return;
    }
    let session = Session::new();
    let state = session.work().join("podman");
    let buildah = |args: &[&str]| peer::ok(peer::podman("buildah", &state, args).current_dir(session.work()));
    let build = |name: &str, file: &str| {
        session.write("context/Containerfile", file);
        buildah(&["bud", "-q", "--pull-never", "--isolation", "chroot", "-t", name, "context"]);
        buildah(&["push", "-q", name, &format!("oci-archive:built.tar:{name}")]);
        session.ok(&["load", "-q", "-i", "built.tar"]);
        std::fs::remove_file(session.work().join("built.tar")).expect("it was written");
    };
    session.write("context/file", "1");
    build("localhost/fx/base:1", "FROM scratch\nCOPY file /file\nENV A=1\n");
    build("localhost/fx/app:1", "FROM localhost/fx/base:1\nCOPY file /app\nENV B=2\n");
    let check = |code: i32| {
        let answer = session.run(&["check-base", "--format", "json", "localhost/fx/app:1"]);
        assert_eq!(answer.code, code, "{}", answer.stderr);
        serde_json::from_str::<Value>(&answer.out()).expect("JSON")
    };
    let found = check(0);
    assert_eq!((&found["Base"], &found["FoundBy"]), (&json!("localhost/fx/base:1"), &json!("annotations")));
    session.write("context/file", "2");
    build("localhost/fx/base:1", "FROM scratch\nCOPY file /file\nENV A=2\n");
    assert_eq!(check(1)["SharedLayers"], 0);
    session.ok(&["rebase", "localhost/fx/app:1"]);
    assert_eq!(check(0)["OwnLayers"], 1);
    let config = &session.inspect("localhost/fx/app:1")["Config"];
    let variables = config["Env"].as_array().expect("variables");
    assert!(variables.contains(&json!("A=2")) && variables.contains(&json!("B=2")), "{variables:?}");
}

#[test]
fn umoci_and_skopeo_read_what_was_made() {
    if !installed("umoci") || !installed("skopeo") {
        return;
    }
    let session = Session::new();
    session
        .load(&crate::support::tarball::pack(&crate::support::producers::docker_save(&[TestImage::sample("fx/a:1")])));
    session.write("x.tar", layer(&[Item::file("x", "x")]));
    session.ok(&["append", "fx/a:1", "fx/b:1", "x.tar"]);
    session.ok(&["squash", "--from", "2", "fx/b:1", "fx/c:1"]);
    session.ok(&["strip", "--remove", "hello", "fx/c:1", "fx/d:1"]);
    session.ok(&["edit", "--env", "A=1", "fx/d:1", "fx/e:1"]);
    session.ok(&["copy", "fx/e:1", "oci:layout:it"]);
    let layout = session.work().join("layout").display().to_string();
    let stat = peer::ok(&mut program("umoci", &["stat", "--json", "--image", &format!("{layout}:it")]));
    let stat: Value = serde_json::from_str(&stat).expect("JSON");
    let commands: Vec<&str> =
        stat["history"].as_array().expect("steps").iter().filter_map(|step| step["created_by"].as_str()).collect();
    let ours = ["imgtool squash --from 2", "imgtool strip --remove hello", "imgtool edit --env A=1"];
    assert!(commands.ends_with(&ours), "{commands:?}");
    let inspected = peer::ok(&mut program("skopeo", &["inspect", &format!("oci:{layout}:it")]));
    let inspected: Value = serde_json::from_str(&inspected).expect("JSON");
    assert_eq!(inspected["Layers"].as_array().map(Vec::len), Some(2));
}
