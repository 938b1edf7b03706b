//! `inspect`: docker's JSON of one image and of several.

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::pack;

fn store() -> (Session, TestImage) {
    let image = TestImage::sample("fx/a:1")
        .also_tagged("fx/a:2")
        .with("created", json!("2001-02-03T04:05:06.7890Z"))
        .with("author", json!("An Author <a@x>"))
        .with("variant", json!("v2"));
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[image.clone(), TestImage::of("fx/b:1", "b")])));
    (session, image)
}

#[test]
fn one_image() {
    let (session, image) = store();
    let printed = session.ok(&["inspect", "fx/a:1"]);
    assert!(printed.starts_with("[\n    {\n        \"Id\": \"sha256:"), "four spaces a level: {printed}");
    assert!(printed.ends_with("\n    }\n]\n"), "{printed}");
    let got = session.inspect("fx/a:1");
    for (key, value) in [
        ("Id", json!(image.id())),
        ("RepoTags", json!(["fx/a:1", "fx/a:2"])),
        ("Created", json!("2001-02-03T04:05:06.789Z")),
        ("Author", json!("An Author <a@x>")),
        ("Architecture", json!("amd64")),
        ("Variant", json!("v2")),
        ("Os", json!("linux")),
        ("Size", json!(17)),
        ("RootFS", json!({"Type": "layers", "Layers": image.diff_ids()})),
    ] {
        assert_eq!(got[key], value, "{key}");
    }
    for (key, value) in
        [("Env", json!(["PATH=/bin"])), ("Cmd", json!(["/hello"])), ("Labels", json!({"who": "a <b> & c"}))]
    {
        assert_eq!(got["Config"][key], value, "Config.{key}");
    }
}

#[test]
fn the_comment_is_that_of_the_last_step() {
    let session = Session::new();
    let image = TestImage::of("fx/c:1", "c").with("history", json!([{"created_by": "x", "comment": "said last"}]));
    session.load(&pack(&producers::docker_save(&[image])));
    assert_eq!(session.inspect("fx/c:1")["Comment"], "said last");
}

#[test]
fn several_and_some_that_are_not_there() {
    let (session, image) = store();
    let answer = session.run(&["inspect", "fx/a:1", "rsch/none", "fx/b:1", &image.short()]);
    let found: Vec<Value> = serde_json::from_slice(&answer.stdout).expect("a JSON list");
    let tags: Vec<&Value> = found.iter().map(|one| &one["RepoTags"][0]).collect();
    assert_eq!(tags, ["fx/a:1", "fx/b:1", "fx/a:1"]);
    answer.fails(1, &["rsch/none"]);
    insta::assert_snapshot!(session.transcript(&[
        &["inspect", "rsch/none"],
        &["image", "inspect", "rsch/none"],
        &["image", "inspect", "-f", "{{.Id}}", "rsch/none"],
    ]), @r"
    $ imgtool inspect rsch/none
    []
    ! error: no such object: rsch/none
    [exit 1]
    $ imgtool image inspect rsch/none
    []
    ! error: no such image: rsch/none: No such image: rsch/none:latest
    [exit 1]
    $ imgtool image inspect -f '{{.Id}}' rsch/none

    ! error: no such image: rsch/none: No such image: rsch/none:latest
    [exit 1]
    ");
}

#[test]
fn formats() {
    let (session, image) = store();
    let format = |template: &str| session.ok(&["inspect", "-f", template, "fx/a:1"]);
    assert_eq!(format("{{.Id}}"), format!("{}\n", image.id()));
    assert_eq!(format("{{index .RepoTags 1}} {{.Os}}/{{.Architecture}}"), "fx/a:2 linux/amd64\n");
    assert_eq!(format("{{json .Config.Cmd}}"), "[\"/hello\"]\n");
    assert_eq!(format("{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}"), "who=a <b> & c;\n");
    assert_eq!(format("{{join .Config.Env \" \"}} {{len .RootFS.Layers}}"), "PATH=/bin 2\n");
    let whole: Value = serde_json::from_str(&format("{{json .}}")).expect("a JSON document");
    assert_eq!(whole["Id"], json!(image.id()));
    let list = session.ok(&["inspect", "--format", "json", "fx/a:1"]);
    assert_eq!(list.lines().count(), 1, "json is a compact list");
    assert_eq!(serde_json::from_str::<Value>(&list).expect("JSON")[0]["Id"], json!(image.id()));
    session.run(&["inspect", "-f", "{{.Nope}}", "fx/a:1"]).fails(1, &["template parsing error", "Nope"]);
    session.run(&["inspect", "-f", "{{.Id", "fx/a:1"]).fails(64, &["template parsing error"]);
}

#[test]
fn fields_that_a_configuration_lacks_are_go_s_zero_values() {
    let session = Session::new();
    let image = TestImage::of("fx/bare:1", "x").with("config", json!({"Env": ["A=b"]}));
    session.load(&pack(&producers::docker_save(&[image])));
    // As docker's own client and engine answer.
    for (template, printed) in [
        ("{{.Config.User}}|{{.Config.WorkingDir}}|{{.Config.StopSignal}}", "||"),
        ("{{.Config.Cmd}} {{.Config.Entrypoint}} {{.Config.Shell}}", "[] [] []"),
        ("{{.Config.ExposedPorts}} {{.Config.Volumes}} {{.Config.Labels}}", "map[] map[] map[]"),
        ("{{json .Config.ExposedPorts}} {{json .Config.Labels}} {{json .Config.Healthcheck}}", "null null null"),
        ("{{.Config.Healthcheck}} {{.Config.ArgsEscaped}}", "<nil> false"),
        ("{{.Config.Labels.x}} {{index .Config.Labels \"x\"}} {{len .Config.Volumes}}", "<no value>  0"),
        ("{{if .Config.Entrypoint}}y{{else}}n{{end}}{{range .Config.OnBuild}}{{.}}{{end}}", "n"),
        ("{{.Author}}|{{.Comment}}|{{.Variant}}|{{.OsVersion}}", "|||"),
    ] {
        assert_eq!(session.run(&["inspect", "-f", template, "fx/bare:1"]).text(), format!("{printed}\n"), "{template}");
    }
}

#[test]
fn fields_that_imgtool_does_not_know_are_kept() {
    let session = Session::new();
    let image = TestImage::of("fx/x:1", "x").with("x-future", json!({"deep": [1, 2.50, "\u{1f980}"]}));
    session.load(&pack(&producers::docker_save(std::slice::from_ref(&image))));
    session.ok(&["save", "-o", "x.tar", "fx/x:1"]);
    let members = crate::support::tarball::unpack(&session.read("x.tar"));
    let config = crate::support::tarball::member(&members, &format!("blobs/sha256/{}", image.hex()));
    assert_eq!(config, image.config_bytes(), "the configuration is passed on byte for byte");
}

#[test]
fn a_platform_that_the_image_has_not() {
    let (session, _) = store();
    session.run(&["image", "inspect", "--platform", "linux/arm64", "fx/a:1"]).fails(1, &["linux/arm64"]);
}

#[test]
fn json_is_the_same_whatever_else_a_template_names() {
    let session = Session::new();
    let image =
        TestImage::of("fx/bare:1", "x").with("config", json!({"Env": ["A=b"], "Volumes": {"/z": {}, "/a": {}}}));
    session.load(&pack(&producers::docker_save(&[image])));
    let format = |template: &str| session.ok(&["inspect", "-f", template, "fx/bare:1"]);
    for part in [".Config", ".Config.Labels", ".Config.Volumes", ".Config.Healthcheck", "."] {
        let alone = format(&format!("{{{{json {part}}}}}"));
        for beside in [".Id", ".Author", ".Config.Hostname", ".Config.Tty", "if .Config.Labels}}{{end"] {
            let both = format(&format!("{{{{json {part}}}}}|{{{{{beside}}}}}"));
            assert_eq!(both.split_once('|').map(|(json, _)| json), Some(alone.trim_end()), "{part} beside {beside}");
        }
    }
}
