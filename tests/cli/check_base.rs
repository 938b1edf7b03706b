//! `check-base`: whether an image stands on what its base is now.

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::producers::docker_save;
use crate::support::registry::Registry;
use crate::support::session::Session;
use crate::support::tarball::pack;

const NAME: &str = "org.opencontainers.image.base.name";
const DIGEST: &str = "org.opencontainers.image.base.digest";

fn base(tag: &str, version: &str) -> TestImage {
    TestImage::new(&[tag])
        .raw_layer("ADD base", layer(&[Item::file("same", "same")]))
        .raw_layer("RUN install", layer(&[Item::file("version", version)]))
}

fn app(base: TestImage) -> TestImage {
    let mut image = base.raw_layer("COPY app", layer(&[Item::file("app", "app")]));
    image.tags = vec!["fx/app:1".to_owned()];
    image
}

fn load(session: &Session, images: &[TestImage]) {
    session.load(&pack(&docker_save(images)));
}

/// A store with a base and an image that names it.
fn session() -> Session {
    let session = Session::new();
    load(&session, &[base("fx/base:1", "1"), app(base("", "1"))]);
    name(&session, "docker.io/fx/base:1");
    session
}

/// Has the annotations of the image name a base as it is in the store.
fn name(session: &Session, base: &str) {
    let digest = digest(session, base);
    session.ok(&[
        "edit",
        "--annotation",
        &format!("{NAME}={base}"),
        "--annotation",
        &format!("{DIGEST}={digest}"),
        "fx/app:1",
    ]);
}

fn digest(session: &Session, image: &str) -> String {
    session.inspect(image)["Descriptor"]["digest"].as_str().expect("a digest").to_owned()
}

fn json_of(session: &Session, args: &[&str], code: i32) -> Value {
    let answer = session.run(&[&["check-base", "--format", "json"], args].concat());
    assert_eq!(answer.code, code, "{}", answer.stderr);
    serde_json::from_str(&answer.out()).expect("JSON")
}

#[test]
fn a_base_that_moved_is_outdated_until_the_image_is_on_it() {
    let session = session();
    let old = digest(&session, "fx/base:1");
    assert_eq!(
        session.ok(&["check-base", "fx/app:1"]),
        format!(
            "\
Image:     fx/app:1
Base:      fx/base:1, as its annotations say
Built on:  {old}, 2 layers, created 1999-12-31T23:59:59.5Z
Now:       {old}, 2 layers, created 1999-12-31T23:59:59.5Z, in the store
Layers:    2 of the base, 1 own
Status:    up to date
"
        )
    );
    load(&session, &[base("fx/base:1", "2")]);
    let new = digest(&session, "fx/base:1");
    let answer = session.run(&["check-base", "fx/app:1"]);
    assert_eq!(answer.code, 1);
    let out = answer.out();
    for line in [
        &format!("Built on:  {old}, 2 layers"),
        &format!("Now:       {new}, 2 layers"),
        "Layers:    2 of the base, 1 own",
        "Status:    outdated: 1 of 2 layers are new, in place of 1\n",
    ] {
        assert!(out.contains(line), "{line}: {out}");
    }
    assert_eq!(answer.stderr, "hint: to put its own layers on it: imgtool rebase fx/app:1 --onto fx/base:1\n");
    session.ok(&["rebase", "fx/app:1", "--onto", "fx/base:1"]);
    let found = json_of(&session, &["fx/app:1"], 0);
    assert_eq!(found["Now"], found["BuiltOn"]);
    assert_eq!(
        (&found["OwnLayers"], &found["SharedLayers"], &found["FoundBy"], &found["Outdated"]),
        (&json!(1), &json!(2), &json!("annotations"), &json!(false))
    );
    assert_eq!(found["Now"]["Digest"], new);
    // The name leads to something lower.
    let lower = TestImage::new(&["fx/base:1"]).raw_layer("ADD base", layer(&[Item::file("same", "same")]));
    load(&session, &[lower]);
    let answer = session.run(&["check-base", "fx/app:1"]);
    assert_eq!(answer.code, 1);
    assert!(answer.out().contains("Status:    outdated: 1 of its layers are gone\n"), "{}", answer.out());
}

#[test]
fn other_settings_and_other_bytes_of_the_same_layers() {
    let session = session();
    // The same image in another form: its manifest is another one, and the base is the same.
    session.ok(&["save", "--format", "oci", "--compress", "gzip", "-o", "base.tar", "fx/base:1"]);
    session.ok(&["rmi", "fx/base:1"]);
    session.ok(&["load", "-q", "-i", "base.tar"]);
    let found = json_of(&session, &["fx/app:1"], 0);
    assert_eq!((found["BuiltOn"]["Digest"] == found["Now"]["Digest"], &found["OwnLayers"]), (false, &json!(1)));
    session.ok(&["edit", "--env", "A=1", "fx/base:1"]);
    let answer = session.run(&["check-base", "fx/app:1"]);
    assert_eq!(answer.code, 1);
    assert!(
        answer.out().contains("Status:    outdated: the layers are the same, but not the settings\n"),
        "{}",
        answer.out()
    );
}

#[test]
fn a_base_that_is_typed_may_be_anywhere() {
    let session = Session::new();
    load(&session, &[app(base("", "1")), base("fx/base:1", "1"), base("fx/base:2", "2")]);
    session.ok(&["save", "-o", "1.tar", "fx/base:1"]);
    session.ok(&["save", "--format", "oci", "-o", "2.tar", "fx/base:2"]);
    assert_eq!(json_of(&session, &["fx/app:1", "./1.tar"], 0)["Place"], "file");
    let answer = session.run(&["check-base", "fx/app:1", "oci-archive:2.tar"]);
    assert_eq!(answer.code, 1);
    for line in [
        "Built on:  not known\n",
        "Layers:    3, of which the lowest 1 are of the base now\n",
        "outdated: 1 of 2 layers are new\n",
    ] {
        assert!(answer.out().contains(line), "{line}: {}", answer.out());
    }
    assert!(
        answer.stderr.ends_with("imgtool rebase fx/app:1 --onto oci-archive:2.tar --from OLDBASE\n"),
        "{}",
        answer.stderr
    );
    load(&session, &[TestImage::of("fx/other:1", "other")]);
    let answer = session.run(&["check-base", "fx/app:1", "fx/other:1"]);
    assert_eq!(answer.code, 1);
    assert!(
        answer.out().contains("outdated, or built on something else: it has none of the 1 layers"),
        "{}",
        answer.out()
    );
    session.ok(&["save", "-o", "app.tar", "fx/app:1"]);
    assert_eq!(json_of(&session, &["./app.tar", "fx/base:1"], 0)["OwnLayers"], 1);
}

#[test]
fn without_a_word_of_the_image_its_layers_tell() {
    let session = Session::new();
    load(&session, &[app(base("", "1")), base("fx/base:1", "1")]);
    let found = json_of(&session, &["fx/app:1"], 0);
    assert_eq!((&found["Base"], &found["FoundBy"]), (&json!("fx/base:1"), &json!("layers")));
    // The name has moved on, and what the image stands on has none.
    load(&session, &[base("fx/base:1", "2")]);
    session
        .run(&["check-base", "fx/app:1"])
        .fails(2, &["no tag tells what is to be there now", "hint: imgtool check-base IMAGE BASE"]);
    assert_eq!(json_of(&session, &["fx/app:1", "fx/base:1"], 1)["SharedLayers"], 1);
    session.ok(&["image", "prune", "-f"]);
    session
        .run(&["check-base", "fx/app:1"])
        .fails(2, &["cannot tell what fx/app:1 is built on: it does not name its base"]);
    session.run(&["check-base", "fx/nosuch"]).fails(2, &["No such image: fx/nosuch"]);
    session.run(&["check-base"]).fails(1, &["requires"]);
}

#[test]
fn what_was_built_here_stands_on_the_image_of_from() {
    let session = Session::new();
    load(&session, &[base("fx/base:1", "1")]);
    session.write("context/Dockerfile", "FROM fx/base:1 AS first\nENV A=1\nFROM first\nCOPY Dockerfile /app\n");
    session.ok(&["build", "-q", "-t", "fx/app:1", "context"]);
    let found = json_of(&session, &["fx/app:1"], 0);
    assert_eq!(
        (&found["Base"], &found["FoundBy"], &found["OwnLayers"]),
        (&json!("fx/base:1"), &json!("build"), &json!(1))
    );
    load(&session, &[base("fx/base:1", "2")]);
    assert_eq!(json_of(&session, &["fx/app:1"], 1)["BuiltOn"]["Layers"], 2);
    session.ok(&["tag", "fx/app:1", "fx/other:1"]);
    session.ok(&["rebase", "fx/other:1"]);
    json_of(&session, &["fx/other:1"], 0);
    // Only the store knows.
    session.ok(&["save", "--format", "oci", "-o", "app.tar", "fx/app:1"]);
    session.ok(&["build", "-q", "-o", "type=oci,dest=built.tar", "context"]);
    for archive in ["app.tar", "built.tar"] {
        let bytes = session.read(archive);
        assert!(!bytes.windows(11).any(|bytes| bytes == b"org.imgtool"), "{archive} tells it");
    }
}

#[test]
fn what_was_committed_stands_on_its_parent() {
    let session = Session::new();
    load(&session, &[base("fx/base:1", "1")]);
    session.ok(&["tag", "fx/base:1", "fx/lower:1"]);
    session.ok(&["unpack", "fx/base:1", "tree"]);
    session.write("tree/more", "more");
    session.ok(&["commit", "tree", "fx/middle:1"]);
    session.write("tree/most", "most");
    session.ok(&["commit", "tree", "fx/app:1"]);
    // Both are below it, and one is its parent.
    let found = json_of(&session, &["fx/app:1"], 0);
    assert_eq!(
        (&found["Base"], &found["FoundBy"], &found["OwnLayers"]),
        (&json!("fx/middle:1"), &json!("parent"), &json!(1))
    );
}

#[test]
fn labels_count_where_there_are_no_annotations() {
    let session = Session::new();
    let labels = json!({"Labels": {NAME: "fx/base"}});
    load(&session, &[app(base("", "1")).with("config", labels), base("fx/base:latest", "1")]);
    let found = json_of(&session, &["fx/app:1"], 0);
    assert_eq!((&found["Base"], &found["FoundBy"]), (&json!("fx/base:latest"), &json!("labels")));
    load(&session, &[base("fx/base:latest", "2")]);
    assert_eq!(json_of(&session, &["fx/app:1"], 1)["SharedLayers"], 1);
    session.ok(&["rebase", "fx/app:1", "--from", &base("", "1").id(), "--onto", "fx/base"]);
    assert_eq!(session.inspect("fx/app:1")["Config"]["Labels"][NAME], "docker.io/fx/base:latest");
    json_of(&session, &["fx/app:1"], 0);
}

#[test]
fn the_registry_is_asked_for_what_is_not_here() {
    let (session, registry) = (Session::new(), Registry::start());
    let (base_name, app_name) = (registry.name("team/base:1"), registry.name("team/app:1"));
    registry.push("team/base:1", &base("x", "1"));
    session.ok(&["pull", "-q", &base_name]);
    load(&session, &[app(base("", "1"))]);
    name(&session, &base_name);
    session.ok(&["tag", "fx/app:1", &app_name]);
    session.ok(&["push", "-q", &app_name]);
    registry.push("team/base:1", &base("x", "2"));
    // The store has that name as it was.
    assert_eq!(json_of(&session, &[&app_name], 0)["Place"], "store");
    let found = json_of(&session, &["--remote", &app_name], 1);
    assert_eq!((&found["Place"], &found["BuiltOn"]["Layers"]), (&json!("registry"), &json!(2)));
    let elsewhere = Session::new();
    registry.forget();
    let answer = elsewhere.run(&["check-base", &format!("docker://{app_name}")]);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    assert!(answer.out().contains("outdated: 1 of 2 layers are new, in place of 1"), "{}", answer.out());
    assert!(answer.stderr.ends_with(&format!("imgtool rebase docker://{app_name} --onto docker://{base_name}\n")));
    assert!(!elsewhere.store().exists(), "no layer is fetched");
    registry.content().repository("team/base").tags.clear();
    elsewhere
        .run(&["check-base", &format!("docker://{app_name}")])
        .fails(2, &["the base of", "could not be looked up"]);
}

/// An image names what it likes: no file is read for that, no address asked, and what is printed is escaped.
#[test]
fn what_an_image_says_is_a_name_and_no_more() {
    let (session, registry) = (Session::new(), Registry::start());
    load(&session, &[app(base("", "1")), base("fx/base:1", "1")]);
    session.ok(&["save", "--format", "oci", "-o", "base.tar", "fx/base:1"]);
    let path = session.work().join("base.tar").display().to_string();
    for hostile in [
        path.clone(),
        "./base.tar".to_owned(),
        format!("oci-archive:{path}"),
        "docker-archive:base.tar:x".to_owned(),
        "a\x1b[31m\nb".to_owned(),
    ] {
        session.ok(&["edit", "--annotation", &format!("{NAME}={hostile}"), "fx/app:1"]);
        for args in [&["check-base", "fx/app:1"][..], &["rebase", "fx/app:1", "--onto", "fx/base:1"]] {
            let code = if args[0] == "rebase" { 1 } else { 2 };
            let answer = session.run(args);
            answer.fails(
                code,
                &["fx/app:1 does not tell what it is built on: its org.opencontainers.image.base.name is", "hint: "],
            );
            assert!(!answer.stderr.contains('\x1b') && answer.stderr.lines().count() == 2, "{}", answer.stderr);
        }
    }
    for host in [registry.host(), registry.host_as("localhost"), "[::1]:1".to_owned(), "10.0.0.1".to_owned()] {
        session.ok(&["edit", "--annotation", &format!("{NAME}={host}/team/base:1"), "fx/app:1"]);
        session.run(&["check-base", "fx/app:1"]).fails(2, &["is not asked only because an image names it"]);
        session.run(&["check-base", "--remote", "fx/app:1"]).fails(2, &["is not asked only because an image names it"]);
    }
    assert_eq!(registry.records().len(), 0, "nothing was asked");
    // The user may say so.
    registry.push("team/base:1", &base("x", "1"));
    session.ok(&["check-base", "fx/app:1", &format!("docker://{}", registry.name("team/base:1"))]);
    session.ok(&[
        "edit",
        "--annotation",
        &format!("{DIGEST}=sha256:x"),
        "--annotation",
        &format!("{NAME}-"),
        "fx/app:1",
    ]);
    session.run(&["check-base", "fx/app:1"]).fails(2, &["base.digest is \"sha256:x\""]);
}
