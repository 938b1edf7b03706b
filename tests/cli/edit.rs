//! `edit`: another config on the same layers.

use serde_json::{Value, json};

use crate::remade::{layers, steps};
use crate::support::image::TestImage;
use crate::support::oci::{self, Layout};
use crate::support::packing::Packing;
use crate::support::producers::docker_save;
use crate::support::registry::Registry;
use crate::support::session::Session;
use crate::support::tarball::pack;

fn session() -> Session {
    let session = Session::new();
    session.load(&pack(&docker_save(&[TestImage::sample("fx/a:1")])));
    session
}

fn config(session: &Session, image: &str) -> Value {
    session.inspect(image)["Config"].clone()
}

#[test]
fn settings_are_set_and_removed_on_the_same_layers() {
    let session = session();
    let before = layers(&session, "fx/a:1");
    let id = session.ok(&[
        "edit",
        "--env",
        "A=1 2",
        "--env",
        "PATH-",
        "--label",
        "who-",
        "--label",
        "x=y",
        "--cmd",
        r#"["/new"]"#,
        "--user",
        "65534",
        "--workdir",
        "/srv",
        "--expose",
        "80-82/udp",
        "--volume",
        "/data",
        "--stop-signal",
        "SIGINT",
        "--healthcheck",
        "none",
        "--created",
        "0",
        "fx/a:1",
        "fx/b:1",
    ]);
    let image = session.inspect("fx/b:1");
    assert_eq!((image["Id"].as_str(), image["Created"].as_str()), (Some(id.trim()), Some("1970-01-01T00:00:00Z")));
    let config = &image["Config"];
    assert_eq!((&config["Env"], &config["Cmd"]), (&json!(["A=1 2"]), &json!(["/new"])));
    assert_eq!((&config["Labels"], &config["User"]), (&json!({"x": "y"}), &json!("65534")));
    assert_eq!(config["ExposedPorts"], json!({"80/udp": {}, "81/udp": {}, "82/udp": {}}));
    assert_eq!((&config["Volumes"], &config["StopSignal"]), (&json!({"/data": {}}), &json!("SIGINT")));
    assert_eq!((&config["Healthcheck"]["Test"], &config["WorkingDir"]), (&json!(["NONE"]), &json!("/srv")));
    assert_eq!(layers(&session, "fx/b:1"), before);
    let (command, _) = &steps(&session, "fx/b:1")[0];
    assert!(command.starts_with("imgtool edit --env 'A=1 2' --env PATH- --label who-"), "{command}");

    let back = [
        "edit",
        "--env",
        "A-",
        "--label",
        "x-",
        "--cmd",
        "-",
        "--user",
        "-",
        "--workdir",
        "-",
        "--expose",
        "80-82/udp-",
        "--volume",
        "/data-",
        "--stop-signal",
        "-",
        "--healthcheck",
        "-",
        "fx/b:1",
        "fx/c:1",
    ];
    session.ok(&back);
    let empty = self::config(&session, "fx/c:1");
    for field in ["Env", "Cmd", "Labels", "Volumes", "Entrypoint"] {
        assert!(empty[field].is_null() || empty[field] == json!([]) || empty[field] == json!({}), "{field}: {empty}");
    }
    assert!(empty["Healthcheck"].is_null() && empty["ExposedPorts"].is_null(), "{empty}");
}

#[test]
fn without_a_name_the_name_moves() {
    let session = session();
    let old = session.inspect("fx/a:1")["Id"].clone();
    let id = session.ok(&["edit", "--env", "A=1", "fx/a:1"]);
    assert_eq!(session.inspect("fx/a:1")["Id"].as_str(), Some(id.trim()));
    let unnamed = session.ok(&["edit", "--env", "B=1", old.as_str().expect("an ID")]);
    let names: Vec<String> = session.tags().into_iter().filter(|name| !name.contains("<none>")).collect();
    assert_eq!(names, ["fx/a:1"], "an ID moves no name");
    assert_eq!(config(&session, unnamed.trim())["Env"], json!(["PATH=/bin", "B=1"]));
    session.run(&["edit", "fx/a:1"]).fails(1, &["nothing to change in fx/a:1"]);
}

#[test]
fn the_same_edit_gives_the_same_bytes() {
    let session = session();
    let edit =
        |name: &str| session.ok(&["edit", "--label", "x=1", "--created", "1000", "--format", "json", "fx/a:1", name]);
    let parse = |line: String| serde_json::from_str::<Value>(&line).expect("JSON");
    let (one, other) = (parse(edit("fx/b:1")), parse(edit("fx/c:1")));
    assert_eq!((&one["ID"], &one["Digest"], &one["Layers"]), (&other["ID"], &other["Digest"], &other["Layers"]));
    assert_eq!(one["Names"], json!(["fx/b:1"]));
}

#[test]
fn what_is_not_there_and_what_goes_with_another_is_told() {
    let session = session();
    let answer = session.run(&["edit", "--env", "NONE-", "--annotation", "none-", "fx/a:1", "fx/b:1"]);
    assert_eq!(answer.code, 0);
    assert!(answer.stderr.contains("the image has no variable NONE to remove"), "{}", answer.stderr);
    assert!(answer.stderr.contains("the image has no annotation none to remove"), "{}", answer.stderr);
    let answer = session.run(&["edit", "--entrypoint", "[\"/e\"]", "fx/a:1", "fx/b:1"]);
    assert!(answer.stderr.contains("the new entrypoint cleared the command [\"/hello\"]"), "{}", answer.stderr);
    assert!(config(&session, "fx/b:1")["Cmd"].is_null());
    for (flags, expected) in [
        (["--env", "A"], "invalid --env \"A\": expected NAME=VALUE, or NAME- to remove it"),
        (["--annotation", "="], "invalid --annotation \"=\": expected NAME=VALUE, or NAME- to remove it"),
        (["--expose", "x"], "invalid containerPort: x"),
    ] {
        session.run(&["edit", flags[0], flags[1], "fx/a:1", "fx/d:1"]).fails(1, &[expected]);
    }
}

#[test]
fn a_history_is_stripped_to_one_empty_step_a_layer() {
    let session = session();
    session.ok(&[
        "edit",
        "--history-strip",
        "--author",
        "me",
        "--arch",
        "arm64",
        "--variant",
        "v8",
        "fx/a:1",
        "fx/b:1",
    ]);
    assert_eq!(steps(&session, "fx/b:1"), vec![(String::new(), String::new()); 2]);
    let image = session.inspect("fx/b:1");
    assert_eq!(
        (&image["Author"], &image["Architecture"], &image["Variant"]),
        (&json!("me"), &json!("arm64"), &json!("v8"))
    );
    session.ok(&["save", "-o", "b.tar", "fx/b:1"]);
    session.ok(&["verify", "./b.tar"]);
}

#[test]
fn annotations_are_kept_and_changed_and_archives_need_not_be_loaded() {
    let session = session();
    session.ok(&["edit", "--annotation", "a=1", "--annotation", "b=2", "fx/a:1", "fx/b:1"]);
    session.ok(&["save", "--format", "oci", "-o", "b.tar", "fx/b:1"]);
    session.ok(&["edit", "--annotation", "a-", "--env", "X=1", "oci-archive:b.tar", "fx/c:1"]);
    let manifest: Value = serde_json::from_str(&session.ok(&["manifest", "inspect", "fx/c:1"])).expect("JSON");
    assert_eq!(manifest["annotations"], json!({"b": "2"}));
    assert_eq!(layers(&session, "fx/c:1"), layers(&session, "fx/a:1"));
}

/// An index of images for two platforms and an attestation, as an archive.
fn index(session: &Session) {
    let mut layout = Layout::default();
    let amd = TestImage::sample("x");
    let arm = TestImage::of("x", "arm").with("architecture", json!("arm64"));
    let mut entries: Vec<Value> = Vec::new();
    for image in [&amd, &arm] {
        let mut entry = layout.put_image(image, &[Packing::Gzip]);
        entry["platform"] = image.platform();
        entries.push(entry);
    }
    let config = layout.put_json("application/vnd.in-toto+json", &json!({}));
    let about = json!({"schemaVersion": 2, "mediaType": oci::MANIFEST, "config": config, "layers": []});
    let mut about = layout.put_json(oci::MANIFEST, &about);
    about["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    about["platform"] = json!({"architecture": "unknown", "os": "unknown"});
    entries[1]["annotations"] = json!({"kept": "yes"});
    entries.push(about);
    let index =
        layout.put_json(oci::INDEX, &json!({"schemaVersion": 2, "mediaType": oci::INDEX, "manifests": entries}));
    layout.name(&index, &[(oci::NAME, "docker.io/fx/all:1")]);
    session.write("all.tar", pack(&layout.members(oci::DOCKER_MARK)));
    session.ok(&["load", "-q", "-i", "all.tar"]);
}

#[test]
fn all_platforms_are_edited_in_the_same_way() {
    let session = Session::new();
    index(&session);
    let edit = |image: &str, name: &[&str]| {
        session.run(&[&["edit", "--all", "--created", "7", "--env", "A=1", "--label", "x-", image], name].concat())
    };
    let answer = edit("fx/all:1", &["fx/new:1"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_eq!(
        answer.stderr,
        "linux/amd64: the image has no label x to remove\nlinux/arm64: the image has no label x to remove\n\
         left out what is about the images as they were: 1 of the index\n"
    );
    let blob = session.store().join("blobs").join(answer.out().trim().replace(':', "/"));
    let list: Value = serde_json::from_slice(&std::fs::read(blob).expect("the index")).expect("JSON");
    let manifests = list["manifests"].as_array().expect("a list");
    let platforms: Vec<&Value> = manifests.iter().map(|entry| &entry["platform"]["architecture"]).collect();
    assert_eq!(platforms, [&json!("amd64"), &json!("arm64")]);
    assert_eq!(manifests[1]["annotations"], json!({"kept": "yes"}));
    for platform in ["linux/amd64", "linux/arm64"] {
        let environment = |image: &str| {
            session.ok(&[
                "inspect",
                "--platform",
                platform,
                "-f",
                "{{json .Config.Env}} {{json .RootFS.Layers}}",
                image,
            ])
        };
        let (before, after) = (environment("fx/all:1"), environment("fx/new:1"));
        assert_eq!(after, before.replace(r#"["PATH=/bin"]"#, r#"["PATH=/bin","A=1"]"#));
        session.ok(&["verify", "fx/new:1"]);
    }
    // The same bytes from an archive, and under the same name.
    let digest = answer.out();
    assert_eq!(edit("./all.tar", &["fx/other:1"]).out(), digest);
    assert_eq!(edit("fx/all:1", &[]).out(), digest);
    let platforms = session.ok(&["inspect", "--platform", "linux/arm64", "-f", "{{json .Config.Env}}", "fx/all:1"]);
    assert!(platforms.contains("A=1"), "{platforms}");
    let json = session.ok(&["edit", "--all", "--format", "json", "--env", "A-", "fx/new:1", "fx/json:1"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["Names"], &json["Images"][1]["Platform"]), (&json!(["fx/json:1"]), &json!("linux/arm64")));
}

#[test]
fn all_platforms_need_an_index_that_is_whole() {
    let session = session();
    index(&session);
    let edit = |more: &[&str]| session.run(&[&["edit", "--all", "--env", "A=1"], more].concat());
    edit(&["fx/a:1"]).fails(1, &["fx/a:1 is an image for one platform: edit it without --all"]);
    edit(&["--arch", "arm", "fx/all:1"]).fails(1, &["are about one platform, and not for --all"]);
    edit(&["--platform", "linux/arm64", "fx/all:1"]).fails(1, &["are about one platform"]);
    session.run(&["edit", "--env", "A=1", "fx/all:1"]).fails(1, &["is for linux/amd64, linux/arm64"]);
}

#[test]
fn all_platforms_of_an_image_in_a_registry_are_fetched() {
    let (session, registry) = (Session::new(), Registry::start());
    index(&session);
    let name = registry.name("team/all:1");
    session.ok(&["tag", "fx/all:1", &name]);
    session.ok(&["push", "-q", &name]);
    let elsewhere = Session::new();
    elsewhere.ok(&["edit", "--all", "--env", "A=1", &format!("docker://{name}"), "fx/new:1"]);
    for platform in ["linux/amd64", "linux/arm64"] {
        assert!(elsewhere.ok(&["inspect", "--platform", platform, "fx/new:1"]).contains("A=1"));
    }
    elsewhere.ok(&["verify", "fx/new:1"]);
}
