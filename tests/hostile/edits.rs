//! Images and tars made to mislead `edit`, `squash`, `append`, `strip`, `analyze`, `report` and `diff --content`.

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::producers::docker_save;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};
use crate::support::tree;

const RUDE: &str = "\u{1b}[31m\u{7}\u{202e}\n";

fn session(field: &str, value: Value) -> Session {
    let image = TestImage::of("fx/a:1", "text").with(field, value);
    let session = Session::new();
    session.load(&pack(&docker_save(&[image])));
    session
}

/// Every command that makes another image of this one, or shows it, works; what it does not touch stays.
#[test]
fn odd_configurations_are_edited_and_shown() {
    let history: Vec<Value> = std::iter::once(json!({"created_by": RUDE}))
        .chain((0..5000).map(|_| json!({"created_by": "e", "empty_layer": true})))
        .collect();
    for (field, value) in [
        (
            "config",
            json!({"Env": ["NO", "=x", "A=1", "A=2", "", format!("{RUDE}={RUDE}")], "Labels": {RUDE: RUDE, "": ""}}),
        ),
        (
            "config",
            json!({"Env": null, "Cmd": null, "Entrypoint": null, "Labels": null, "Volumes": null, "OnBuild": null}),
        ),
        ("config", json!({"ExposedPorts": {"99999999/tcp": {}, RUDE: {}}, "WorkingDir": "../..", "User": RUDE})),
        ("config", Value::Null),
        ("history", Value::Null),
        ("history", json!(history)),
        ("created", json!("9999-12-31T23:59:59Z")),
    ] {
        let session = session(field, value.clone());
        let before = session.inspect("fx/a:1")["Config"]["Env"].clone();
        session.ok(&["edit", "--label", "who=me", "--stop-signal", "SIGINT", "fx/a:1", "fx/edited:1"]);
        let edited = session.inspect("fx/edited:1")["Config"].clone();
        assert_eq!(edited["Env"], before, "{field} {value}");
        assert_eq!((&edited["Labels"]["who"], &edited["StopSignal"]), (&json!("me"), &json!("SIGINT")));
        session.ok(&["edit", "--env", "NEW=1", "--cmd", "-", "--history-strip", "fx/a:1", "fx/other:1"]);
        let environment = session.inspect("fx/other:1")["Config"]["Env"].clone();
        assert!(environment.as_array().expect("a list").contains(&json!("NEW=1")), "{environment}");
        session.ok(&["squash", "fx/a:1", "fx/squashed:1"]);
        session.ok(&["strip", "fx/a:1", "fx/stripped:1", "--remove", "text"]);
        assert_eq!(session.ok(&["cat", "fx/squashed:1", "/text"]), "text");
        assert_eq!(session.ok(&["ls", "fx/stripped:1"]), "");
        session.ok(&["analyze", "--format", "json", "fx/a:1"]);
        session.ok(&["layers", "fx/a:1"]);
        session.ok(&["report", "fx/a:1", "fx/other:1", "-o", "report.html"]);
        session.ok(&["diff", "--config", "--content", "fx/a:1", "fx/edited:1"]);
    }
}

#[test]
fn what_is_appended_stays_inside_of_the_image() {
    let lower = [Item::dir("etc"), Item::file("etc/a", "a"), Item::symlink("l", "/etc"), Item::file("dir/x", "x")];
    let session = Session::new();
    session.load(&pack(&docker_save(&[TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&lower))])));
    let before = session.picture();
    let refused: [(&str, Vec<Item>, &str); 7] = [
        ("climbs", vec![Item::file("../out", "x")], "leads outside the image"),
        ("climbs-late", vec![Item::file("a/../../out", "x")], "leads outside the image"),
        ("link", vec![Item::hardlink("h", "../../etc/passwd")], "leads outside the image"),
        ("lost", vec![Item::hardlink("h", "nosuch")], "hard link to nosuch"),
        ("nameless", vec![Item::whiteout("etc/.wh.")], "whiteout without a name"),
        ("dots", vec![Item::whiteout("etc/.wh...")], "whiteout without a name"),
        ("root", vec![Item::symlink(".", "/etc")], "the root of the image is not a directory"),
    ];
    for (name, items, expected) in refused {
        session.write(&format!("{name}.tar"), layer(&items));
        session.run(&["append", "fx/a:1", "fx/new:1", &format!("{name}.tar")]).fails(1, &[expected]);
        let changes = tree::changes(&before, &session.picture());
        assert!(changes.is_empty(), "{name}: {changes:?}");
    }
    for (bytes, expected) in [
        (layer(&[Item::file("f", [7; 5000])])[..2000].to_vec(), "truncated"),
        (b"junk".repeat(1000), "not a tar archive"),
        (Vec::new(), "is empty"),
    ] {
        session.write("bad.tar", bytes);
        session.run(&["append", "fx/a:1", "fx/new:1", "bad.tar"]).fails(1, &["bad.tar", expected]);
    }
    let taken: [(&str, Vec<Item>, &str); 6] = [
        ("absolute", vec![Item::file("/etc/b", "x")], "dir\ndir/x\netc\netc/a\netc/b\nl\n"),
        ("out", vec![Item::symlink("ln", "../../../etc/passwd")], "dir\ndir/x\netc\netc/a\nl\nln\n"),
        (
            "through",
            vec![Item::symlink("ln", "/etc"), Item::file("ln/b", "")],
            "dir\ndir/x\netc\netc/a\netc/b\nl\nln\n",
        ),
        ("whiteout", vec![Item::whiteout("etc/.wh.a")], "dir\ndir/x\netc\nl\n"),
        ("opaque", vec![Item::whiteout("dir/.wh..wh..opq")], "dir\netc\netc/a\nl\n"),
        ("all", vec![Item::whiteout(".wh.etc"), Item::whiteout(".wh.dir"), Item::whiteout(".wh.l")], ""),
    ];
    for (name, items, expected) in taken {
        session.write(&format!("{name}.tar"), layer(&items));
        session.ok(&["append", "fx/a:1", "fx/new:1", &format!("{name}.tar")]);
        let found = session.ok(&["find", "fx/new:1", "/", "-mindepth", "1", "-printf", "%P\\n"]);
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn hostile_names_and_contents_in_analyses() {
    let members = [
        Member::dir(RUDE),
        Member::file(format!("{RUDE}/<script>alert(1)</script>"), format!("{RUDE}<script>\n")),
        Member::file("binary", b"\0\xff".repeat(100)),
    ];
    let changed =
        [Member::file(format!("{RUDE}/<script>alert(1)</script>"), "other\n"), Member::file("binary", "text\n")];
    let image = |tag: &str| TestImage::new(&[tag]).layer(&format!("RUN {RUDE}"), &members);
    let other = image("fx/b:1").layer("RUN", &changed);
    let session = Session::new();
    session.load(&pack(&docker_save(&[image("fx/a:1"), other])));
    session.ok(&["report", "fx/a:1", "fx/b:1", "-o", "report.html"]);
    let page = String::from_utf8(session.read("report.html")).expect("UTF-8");
    assert!(!page.contains("<script>alert(1)"), "a name became markup");
    let diff = session.ok(&["diff", "--content", "fx/a:1", "fx/b:1"]);
    assert!(diff.contains("+other"), "{diff}");
    let analysis: Value = serde_json::from_str(&session.ok(&["analyze", "--format", "json", "fx/b:1"])).expect("JSON");
    assert!(analysis.is_object());
}
