//! `rebase`: the own layers of an image on another base.

use serde_json::{Value, json};

use crate::remade::{differences, layers, random_image, steps};
use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::oci;
use crate::support::packing::Packing;
use crate::support::producers::docker_save;
use crate::support::registry::Registry;
use crate::support::registry::content::{Form, on_platform};
use crate::support::session::{Answer, Session};
use crate::support::tarball::pack;

const NAME: &str = "org.opencontainers.image.base.name";
const DIGEST: &str = "org.opencontainers.image.base.digest";

/// A base of two layers, in one of its versions.
fn base(tag: &str, version: &str) -> TestImage {
    let lowest = [Item::dir("etc"), Item::file("etc/release", "1"), Item::symlink("bin", "usr/bin")];
    let upper = [Item::dir("usr"), Item::dir("usr/bin"), Item::file("usr/bin/sh", version)];
    TestImage::new(&[tag])
        .raw_layer("ADD base", layer(&lowest))
        .step(&format!("ENV VERSION={version}"))
        .raw_layer("RUN install", layer(&upper))
        .step("CMD sh")
        .with("config", config(&[("PATH", "/bin"), ("VERSION", version)], "sh"))
}

/// The image with layers of its own on top.
fn on(base: TestImage, tag: &str) -> TestImage {
    let own = [Item::dir("app"), Item::file("app/run", "run"), Item::file("etc/app", "app")];
    let mut image = base
        .step("ENV MODE=fast")
        .raw_layer("COPY app", layer(&own))
        .raw_layer("RUN make", layer(&[Item::file("app/made", "made"), Item::hardlink("app/link", "app/run")]))
        .step("CMD run");
    image.tags = vec![tag.to_owned()];
    let version = image.config["config"]["Env"][1].as_str().expect("a variable").to_owned();
    image.with("config", json!({"Env": ["PATH=/bin", version, "MODE=fast"], "Cmd": ["run"], "User": "app"}))
}

fn config(variables: &[(&str, &str)], cmd: &str) -> Value {
    let variables: Vec<String> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    json!({"Env": variables, "Cmd": [cmd]})
}

fn load(session: &Session, images: &[TestImage]) {
    session.load(&pack(&docker_save(images)));
}

/// A store with two versions of a base, and an image on the first.
fn session() -> Session {
    let session = Session::new();
    let (old, new) = (base("fx/base:1", "1"), base("fx/base:2", "2"));
    load(&session, &[on(old.clone(), "fx/app:1"), old, new]);
    session
}

/// What was told, of an answer that succeeded.
fn told(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    answer.stderr.lines().collect()
}

fn annotations(session: &Session, image: &str) -> Value {
    let manifest: Value = serde_json::from_str(&session.ok(&["manifest", "inspect", image])).expect("JSON");
    manifest["annotations"].clone()
}

#[test]
fn the_own_layers_are_on_the_new_base() {
    let session = session();
    let answer = session.run(&["rebase", "fx/app:1", "fx/app:2", "--onto", "fx/base:2"]);
    assert_eq!(
        told(&answer),
        ["fx/app:1 is built on fx/base:1 (2 layers), by its layers: its own 2 layers on fx/base:2 (2 layers)"]
    );
    let (before, new) = (layers(&session, "fx/app:1"), layers(&session, "fx/base:2"));
    let after = layers(&session, "fx/app:2");
    assert_eq!(after, [&new[..], &before[2..]].concat());
    let commands: Vec<String> = steps(&session, "fx/app:2").into_iter().map(|(command, _)| command).rev().collect();
    assert_eq!(
        commands,
        [
            "ADD base",
            "ENV VERSION=2",
            "RUN install",
            "CMD sh",
            "ENV MODE=fast",
            "COPY app",
            "RUN make",
            "CMD run",
            "imgtool rebase --onto fx/base:2"
        ]
    );
    let config = &session.inspect("fx/app:2")["Config"];
    assert_eq!(config["Env"], json!(["PATH=/bin", "VERSION=2", "MODE=fast"]));
    assert_eq!((&config["Cmd"], &config["User"]), (&json!(["run"]), &json!("app")));
    // It is what a build on the new base would have made.
    load(&session, &[on(base("fx/base:2", "2"), "fx/built:2")]);
    assert_eq!(differences(&session, "fx/built:2", "fx/app:2"), Vec::<String>::new());
    assert_eq!(session.ok(&["diff", "--config", "fx/built:2", "fx/app:2"]), "");
    session.ok(&["verify", "fx/app:2"]);
}

#[test]
fn the_new_image_names_its_base_and_is_put_on_the_next_without_a_word() {
    let session = session();
    session.ok(&["rebase", "fx/app:1", "--onto", "fx/base:2"]);
    let descriptor = session.inspect("fx/base:2")["Descriptor"]["digest"].clone();
    let names = json!({NAME: "docker.io/fx/base:2", DIGEST: descriptor});
    assert_eq!(annotations(&session, "fx/app:1"), names);
    load(&session, &[base("fx/base:2", "3")]);
    let answer = session.run(&["rebase", "fx/app:1", "fx/app:3"]);
    assert_eq!(
        told(&answer)[0],
        "fx/app:1 is built on an earlier fx/base:2 (2 layers), as its annotations say: its own 2 layers on fx/base:2 (2 layers)"
    );
    assert_eq!(session.inspect("fx/app:3")["Config"]["Env"][1], "VERSION=3");
    let count = steps(&session, "fx/app:3").iter().filter(|(command, _)| command.starts_with("imgtool rebase")).count();
    assert_eq!(count, 1, "only the last one is told");
    let answer = session.run(&["rebase", "fx/app:3", "fx/app:4"]);
    assert_eq!(told(&answer)[1], "this is the base that it is built on");
    // An image that does not name its base has none to go on to.
    load(&session, &[on(base("fx/base:1", "1"), "fx/app:1")]);
    session.run(&["rebase", "fx/app:1"]).fails(1, &["fx/app:1 does not name its base: --onto BASE says"]);
}

#[test]
fn the_same_bytes_each_time_from_any_place() {
    let session = session();
    session.ok(&["save", "-o", "app.tar", "fx/app:1"]);
    session.ok(&["save", "--format", "oci", "--compress", "gzip", "-o", "old.tar", "fx/base:1"]);
    session.ok(&["save", "-o", "base.tar", "fx/base:2"]);
    let rebase = |image: &str, from: &str, onto: &str, name: &str| {
        session.ok(&["rebase", "--created", "7", image, name, "--from", from, "--onto", onto])
    };
    let id = rebase("fx/app:1", "fx/base:1", "fx/base:2", "fx/b:1");
    assert_eq!(rebase("./app.tar", "oci-archive:old.tar", "./base.tar", "fx/c:1"), id);
    assert_eq!(
        session.ok(&[
            "rebase",
            "--created",
            "7",
            "--old_base",
            "fx/base:1",
            "--new_base",
            "fx/base:2",
            "-t",
            "fx/d:1",
            "fx/app:1"
        ]),
        id
    );
    assert_eq!(annotations(&session, "fx/c:1"), annotations(&session, "fx/b:1"));
    session.ok(&["save", "--format", "docker-legacy", "-o", "base.tar", "fx/base:2"]);
    assert_eq!(rebase("fx/app:1", "fx/base:1", "./base.tar", "fx/c:1"), id);
    assert_eq!(annotations(&session, "fx/c:1"), json!({NAME: "docker.io/fx/base:2"}), "no manifest, no digest");
    session.run(&["rebase", "-t", "fx/e:1", "fx/app:1", "fx/e:2", "--onto", "fx/base:2"]).fails(1, &["NAME or --tag"]);
}

#[test]
fn what_it_is_built_on_is_said_or_found_or_asked_for() {
    let session = session();
    let other = TestImage::new(&["fx/other:1"]).raw_layer("x", layer(&[Item::file("x", "x")]));
    let taller = on(base("fx/base:1", "1"), "fx/taller:1").raw_layer("more", layer(&[Item::file("y", "y")]));
    load(&session, &[other, taller]);
    let onto =
        |image: &str, from: &str| session.run(&["rebase", image, "fx/new:1", "--from", from, "--onto", "fx/base:2"]);
    let diff_id = |image: &str, layer: usize| {
        session.inspect(image)["RootFS"]["Layers"][layer].as_str().expect("a layer").to_owned()
    };
    onto("fx/app:1", "fx/base:2").fails(
        1,
        &[
            "fx/app:1 is not built on fx/base:2: they part at layer 2, which is",
            &diff_id("fx/app:1", 1),
            &diff_id("fx/base:2", 1),
            "hint: --from OLDBASE",
        ],
    );
    onto("fx/base:1", "fx/app:1").fails(1, &["fx/base:1 is not built on fx/app:1: fx/base:1 has no layer 3, which is"]);
    onto("fx/app:1", "fx/nosuch:1").fails(1, &["No such image: fx/nosuch:1"]);
    let rebase = |image: &str, onto: &str| session.run(&["rebase", image, "fx/new:1", "--onto", onto]);
    rebase("fx/other:1", "fx/base:2").fails(
        1,
        &["cannot tell what fx/other:1 is built on: it does not name its base, and no image in the store has its lowest layers", "hint: --from"],
    );
    // Two images are below it, of which one has the name of the new base.
    rebase("fx/taller:1", "fx/other:1").fails(
        1,
        &["fx/taller:1 may be built on any of these: ", "fx/app:1 (4 layers)", "fx/base:1 (2 layers)", "hint: --from"],
    );
    assert!(
        told(&rebase("fx/taller:1", "fx/base:2"))[0].starts_with("fx/taller:1 is built on fx/base:1 (2 layers), by")
    );
    // Of two with the same layers, the one whose history is that of the image.
    session.ok(&["edit", "--env", "A=1", "fx/base:1", "fx/edited:1"]);
    assert!(told(&rebase("fx/app:1", "fx/other:1"))[0].starts_with("fx/app:1 is built on fx/base:1 (2 layers), by"));
    assert_eq!(session.inspect("fx/new:1")["RootFS"]["Layers"].as_array().map(Vec::len), Some(3));
}

#[test]
fn an_image_from_scratch_gets_a_base() {
    let session = session();
    let flat = TestImage::new(&["fx/flat:1"]).raw_layer("COPY tool", layer(&[Item::file("tool", "tool")]));
    load(&session, &[flat]);
    let answer = session.run(&["rebase", "fx/flat:1", "--from", "scratch", "--onto", "fx/base:2"]);
    assert!(told(&answer)[0].starts_with("fx/flat:1 is built on scratch (0 layers), as given: its own 1 layer on"));
    assert_eq!(layers(&session, "fx/flat:1").len(), 3);
    assert_eq!(session.inspect("fx/flat:1")["Config"]["Cmd"], json!(["/hello"]));
}

#[test]
fn what_may_be_wrong_is_told() {
    let session = Session::new();
    let status = "var/lib/dpkg/status";
    let lowest = |tag: &str, version: &str, more: &[Item]| {
        let mut items =
            vec![Item::file(status, version), Item::file("etc/passwd", "same"), Item::file("both", version)];
        items.extend(more.iter().cloned());
        TestImage::new(&[tag]).raw_layer("base", layer(&items)).with(
            "config",
            json!({"Env": ["PATH=/bin", format!("V={version}")], "OnBuild": if version == "2" { json!(["RUN x"]) } else { json!(null) }}),
        )
    };
    let old = lowest("fx/base:1", "1", &[Item::dir("lib"), Item::file("lib/a", "a"), Item::file("gone", "x")]);
    let new = lowest(
        "fx/base:2",
        "2",
        &[Item::symlink("lib", "usr/lib"), Item::file("usr/lib/a", "a"), Item::file("fresh", "2")],
    );
    let own = [
        Item::file(status, "1 and mine"),
        Item::file("etc/passwd", "mine"),
        Item::file("both", "mine"),
        Item::file("lib/b", "b"),
        Item::whiteout(".wh.gone"),
        Item::file("fresh\x1b[31m", "no"),
        Item::file("fresh", "mine"),
    ];
    let mut app = old.clone().raw_layer("own", layer(&own));
    app.tags = vec!["fx/app:1".to_owned()];
    let app = app.with("config", json!({"Env": ["PATH=/bin", "V=mine"]}));
    load(&session, &[app, old, new]);
    let answer = session.run(&["rebase", "fx/app:1", "--onto", "fx/base:2"]);
    assert_eq!(
        told(&answer)[1..],
        [
            "warning: variable V: what fx/app:1 sets is kept, and fx/base:2 has changed it, too",
            "warning: fx/base:2 has ONBUILD instructions, which only a build carries out",
            "warning: the list of installed packages is that of fx/app:1: package managers and scanners will not see what \
             fx/base:2 has: /var/lib/dpkg/status",
            "warning: a directory of fx/app:1 takes the place of another kind of file in fx/base:2, or the other way: /lib",
            "warning: fx/app:1 has its own, and fx/base:2 others than the old base: /both, /fresh",
            "warning: fx/app:1 deletes what fx/base:2 does not have; it may be elsewhere there: /gone",
        ]
    );
    assert_eq!(session.inspect("fx/app:1")["Config"]["OnBuild"], Value::Null);
}

#[test]
fn a_link_to_a_file_of_the_old_base_only_is_refused() {
    let session = Session::new();
    let old = TestImage::new(&["fx/base:1"]).raw_layer("base", layer(&[Item::file("a", "a")]));
    let new = TestImage::new(&["fx/base:2"]).raw_layer("base", layer(&[Item::file("b", "b")]));
    let mut app = old.clone().raw_layer("link", layer(&[Item::hardlink("c", "a")]));
    app.tags = vec!["fx/app:1".to_owned()];
    load(&session, &[app, old, new]);
    let before = session.picture();
    session
        .run(&["rebase", "fx/app:1", "--onto", "fx/base:2"])
        .fails(1, &["the layers of fx/app:1 do not fit on fx/base:2: layer 1: hard link c to a, which does not exist"]);
    assert_eq!(session.picture(), before);
}

#[test]
fn a_dry_run_lists_the_layers_and_makes_nothing() {
    let session = session();
    let before = session.picture();
    let listed = session.ok(&["rebase", "--dry-run", "fx/app:1", "--onto", "fx/base:2"]);
    let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split('\t').collect()).collect();
    let whose: Vec<(&str, &str)> = lines.iter().map(|line| (line[0], line[1])).collect();
    assert_eq!(whose, [("1", "base"), ("2", "base"), ("3", "own"), ("4", "own")]);
    assert_eq!(lines[1][2], session.inspect("fx/base:2")["RootFS"]["Layers"][1]);
    let json = session.ok(&["rebase", "--dry-run", "--format", "json", "fx/app:1", "--onto", "fx/base:2"]);
    let last: Value = serde_json::from_str(json.lines().last().expect("a line")).expect("JSON");
    assert_eq!(last, json!({"Layer": 4, "From": "own", "DiffID": session.inspect("fx/app:1")["RootFS"]["Layers"][3]}));
    assert_eq!(session.picture(), before);
}

#[test]
fn a_base_for_another_platform_is_refused() {
    let session = session();
    load(&session, &[base("fx/base:arm", "2").with("architecture", json!("arm64"))]);
    session
        .run(&["rebase", "fx/app:1", "fx/new:1", "--from", "fx/base:1", "--onto", "fx/base:arm"])
        .fails(1, &["fx/base:arm is not for linux/amd64, as fx/app:1 is: it is for linux/arm64"]);
}

#[test]
fn images_of_a_registry_are_put_on_each_other() {
    let (session, registry) = (Session::new(), Registry::start());
    let (old, new) = (base("fx/base:1", "1"), base("fx/base:2", "2"));
    registry.push("team/app:1", &on(old.clone(), "fx/app:1"));
    registry.push("team/base:1", &old);
    let amd = registry.push_as("team/base:amd", &new, Form::Oci(Packing::Gzip));
    let arm = registry.push_as(
        "team/base:arm",
        &base("x", "3").with("architecture", json!("arm64")),
        Form::Oci(Packing::Gzip),
    );
    let entries = [
        on_platform(&arm.manifest, &json!({"architecture": "arm64", "os": "linux"})),
        on_platform(&amd.manifest, &new.platform()),
    ];
    registry.content().repository("team/base").put_index("2", oci::INDEX, &entries);
    let at = |name: &str| format!("docker://{}", registry.name(name));
    session.ok(&["rebase", &at("team/app:1"), "fx/app:2", "--from", &at("team/base:1"), "--onto", &at("team/base:2")]);
    let index = session.ok(&["inspect", "-f", "{{json .RepoDigests}}", &at("team/base:2")]);
    let said = annotations(&session, "fx/app:2");
    assert_eq!(said[NAME], registry.name("team/base:2"));
    assert!(index.contains(said[DIGEST].as_str().expect("a digest")), "{index} {said}");
    assert_eq!(session.inspect("fx/app:2")["Config"]["Env"][1], "VERSION=2");
    assert_eq!(session.inspect("fx/app:2")["Architecture"], "amd64");
    // The old base is not in the store: it is found by its digest in the registry of the image.
    session.ok(&["tag", "fx/app:2", &registry.name("team/app:2")]);
    session.ok(&["push", "-q", &registry.name("team/app:2")]);
    let elsewhere = Session::new();
    let answer = elsewhere.run(&["rebase", &at("team/app:2"), "fx/app:3", "--onto", &at("team/base:1")]);
    assert!(told(&answer)[0].contains("as its annotations say"), "{answer:?}");
    load(&session, &[on(old, "fx/app:1")]);
    assert_eq!(differences_of(&session, &elsewhere), Vec::<String>::new());
}

/// How the rebased image differs from the one that was first.
fn differences_of(session: &Session, elsewhere: &Session) -> Vec<String> {
    elsewhere.ok(&["save", "-o", "back.tar", "fx/app:3"]);
    session.write("back.tar", elsewhere.read("back.tar"));
    differences(session, "fx/app:1", "./back.tar")
}

/// What builders note in a config is about the layers at their places.
#[test]
fn what_is_noted_of_layers_is_not_said_of_others() {
    let session = Session::new();
    let noted = on(base("fx/base:1", "1"), "fx/app:1")
        .with("moby.buildkit.cache.v0", json!("x"))
        .with("imgtool.build.cache.v1", json!([]))
        .with("x.other", json!(1));
    load(&session, &[noted, base("fx/base:1", "1"), base("fx/base:2", "2")]);
    session.write("more/file", "more");
    let make = |args: &[&str]| {
        let id = session.ok(args);
        let blob = session.store().join("blobs").join(id.trim().replace(':', "/"));
        let config: Value = serde_json::from_slice(&std::fs::read(blob).expect("a config")).expect("JSON");
        ["moby.buildkit.cache.v0", "imgtool.build.cache.v1", "x.other"].map(|field| config.get(field).is_some())
    };
    for args in [
        &["rebase", "fx/app:1", "fx/new:1", "--onto", "fx/base:2"][..],
        &["squash", "fx/app:1", "fx/new:1"],
        &["strip", "--remove", "etc", "fx/app:1", "fx/new:1"],
    ] {
        assert_eq!(make(args), [false, false, true], "{args:?}");
    }
    for args in [&["edit", "--env", "A=1", "fx/app:1", "fx/new:1"][..], &["append", "fx/app:1", "fx/new:1", "more"]] {
        assert_eq!(make(args), [true, true, true], "{args:?}");
    }
}

/// For any layers: the files are those that come of putting the upper layers on the new base.
#[test]
fn any_layers_on_any_base_are_what_the_stack_of_them_is() {
    let session = Session::new();
    let mut refused = 0;
    for seed in 1..=8 {
        let (old, new) = (random_image("fx/old:1", seed, 2), random_image("fx/new:1", seed + 100, 3));
        let whole = random_image("fx/app:1", seed, 4);
        assert_eq!(whole.layers[..2], old.layers[..]);
        let stacked = whole.layers[2..].iter().fold(new.clone(), |image, layer| image.raw_layer("own", layer.clone()));
        let expected = TestImage { tags: vec!["fx/expected:1".to_owned()], ..stacked };
        load(&session, &[old, new, whole]);
        let answer = session.run(&["rebase", "fx/app:1", "fx/rebased:1", "--from", "fx/old:1", "--onto", "fx/new:1"]);
        if answer.code != 0 {
            assert!(answer.stderr.contains("do not fit on fx/new:1"), "seed {seed}: {}", answer.stderr);
            refused += 1;
            continue;
        }
        load(&session, &[expected]);
        assert_eq!(differences(&session, "fx/expected:1", "fx/rebased:1"), Vec::<String>::new(), "seed {seed}");
        assert_eq!(layers(&session, "fx/expected:1"), layers(&session, "fx/rebased:1"), "seed {seed}");
    }
    assert!(refused < 4, "{refused} of 8");
}
