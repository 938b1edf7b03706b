//! What docker makes of images that imgtool made of others: containers have the same files, or just the ones that were
//! appended or not removed; and umoci and skopeo read them.

use serde_json::{Value, json};

use crate::container::load_into_both;
use crate::engine::{Engine, engine};
use crate::entries::{Entries, assert_same, of_tar};
use crate::export::rich;
use crate::peer::{self, installed, program};
use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::session::Session;

/// What docker makes anew for each container.
const STUBS: [&str; 12] = [
    ".dockerenv",
    "dev",
    "dev/console",
    "dev/pts",
    "dev/shm",
    "etc",
    "etc/hostname",
    "etc/hosts",
    "etc/mtab",
    "etc/resolv.conf",
    "proc",
    "sys",
];

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
