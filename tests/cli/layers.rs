//! `layers`, `which` and `ls --deleted`: what each layer did.

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::producers::docker_save;
use crate::support::session::Session;
use crate::support::tarball::pack;

fn base() -> Vec<Item> {
    vec![
        Item::dir("etc"),
        Item::file("etc/a", "one"),
        Item::file("etc/key", "secret"),
        Item::dir("var"),
        Item::dir("var/log"),
        Item::file("var/log/x", "xx"),
        Item::file("var/log/y", "y"),
        Item::dir("usr"),
        Item::dir("usr/bin"),
        Item::file("usr/bin/su", "su"),
        Item::symlink("bin", "usr/bin"),
    ]
}

fn session() -> Session {
    let second =
        [Item::file("etc/a", "three").mode(0o600), Item::whiteout("etc/.wh.key"), Item::file("usr/bin/su", "su")];
    let third = [Item::whiteout("var/.wh.log"), Item::file("var/log", "now a file"), Item::whiteout("usr/bin/.wh.su")];
    let base = layer(&base());
    let image = TestImage::new(&["fx/a:1"])
        .raw_layer("ADD base", base.clone())
        .raw_layer("RUN change", layer(&second))
        .raw_layer("RUN delete", layer(&third));
    let session = Session::new();
    session.load(&pack(&docker_save(&[image])));
    session.load(&pack(&docker_save(&[TestImage::new(&["fx/b:1"]).raw_layer("ADD base", base)])));
    session
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn what_is_in_each_layer_and_who_shares_it() {
    let session = session();
    let format = "{{.Number}} {{.Files}} {{.Deletes}} {{.Shared}} {{.Size}} {{.CreatedBy}}";
    let found = session.ok(&["layers", "--format", format, "fx/a:1"]);
    assert_eq!(found, "1 6 0 fx/b:1 21B ADD base\n2 2 1 - 7B RUN change\n3 1 2 - 10B RUN delete\n");
    let rows = lines(&session.ok(&["layers", "--format", "json", "fx/a:1"]));
    assert_eq!((&rows[0]["Shared"], &rows[0]["Files"]), (&json!(["fx/b:1"]), &json!(6)));
    let history = session.ok(&["inspect", "--format", "{{json .RootFS.Layers}}", "fx/a:1"]);
    let diff_ids: Value = serde_json::from_str(&history).expect("JSON");
    assert_eq!(json!(rows.iter().map(|row| row["DiffID"].clone()).collect::<Vec<_>>()), diff_ids);
    let table = session.ok(&["layers", "fx/a:1"]);
    assert!(table.starts_with("LAYER     DIGEST "), "{table}");
    session.ok(&["edit", "--label", "a=b", "fx/b:1", "fx/c:1"]);
    let shared = |flags: &[&str]| session.ok(&[&["layers", "--format", "{{.Shared}}"], flags, &["fx/a:1"]].concat());
    assert_eq!(shared(&[]), "fx/b:1 +1\n-\n-\n");
    assert_eq!(shared(&["--no-trunc"]), "fx/b:1,fx/c:1\n-\n-\n");
    assert_eq!(session.ok(&["layers", "--format", "{{.Files}}", "./load.tar"]), "6\n", "an archive as well");
}

#[test]
fn the_life_of_a_file() {
    let session = session();
    let format = "{{.Layer}} {{.Change}} {{.Size}} {{.Difference}} {{.What}} {{.CreatedBy}}";
    let life = |path: &str| session.ok(&["which", "--format", format, "fx/a:1", path]);
    assert_eq!(life("/etc/a"), "1 added 3B +3B  ADD base\n2 changed 5B +2B mode,size,content RUN change\n");
    assert_eq!(life("etc/key"), "1 added 6B +6B  ADD base\n2 deleted - -6B  RUN change\n");
    let su = "1 added 2B +2B  ADD base\n2 rewritten 2B +0B  RUN change\n3 deleted - -2B  RUN delete\n";
    assert_eq!(life("/bin/su"), su, "links on the way are followed");
    assert_eq!(life("/var/log"), "1 added 0B +0B  ADD base\n3 changed 10B +10B type,mode,size,content RUN delete\n");
    assert_eq!(life("/var/log/x"), "1 added 2B +2B  ADD base\n3 deleted - -2B  RUN delete\n");
    let rows = lines(&session.ok(&["which", "--format", "json", "fx/a:1", "/etc/a"]));
    assert_eq!((&rows[1]["Layer"], &rows[1]["Difference"]), (&json!(2), &json!(2)));
    assert_eq!((&rows[1]["What"], &rows[1]["Path"]), (&json!(["mode", "size", "content"]), &json!("/etc/a")));
    let link = session.run(&["which", "fx/a:1", "/bin"]);
    assert!(link.stderr.contains("/bin is a symbolic link to usr/bin"), "{}", link.text());
    assert_eq!(
        session.ok(&["which", "-L", "--format", "{{.Path}}", "fx/a:1", "/bin"]).lines().next(),
        Some("/usr/bin")
    );
    session
        .run(&["which", "fx/a:1", "/nosuch"])
        .fails(1, &["/nosuch: No such file or directory in any layer of fx/a:1"]);
    session.run(&["which", "fx/a:1"]).fails(1, &["one path is needed"]);
}

#[test]
fn what_was_deleted_is_found_and_shown() {
    let session = session();
    let all = session.ok(&["ls", "--deleted", "fx/a:1"]);
    assert_eq!(all, "/etc/key\n/usr/bin/su\n/var/log/x\n/var/log/y\n");
    assert_eq!(session.ok(&["ls", "--deleted", "fx/a:1", "/bin"]), "/usr/bin/su\n");
    assert_eq!(session.ok(&["ls", "--deleted", "fx/b:1"]), "");
    let long = session.ok(&["ls", "-l", "--deleted", "fx/a:1", "/etc"]);
    assert!(long.starts_with("layer 1   deleted by 2            6 ") && long.ends_with(" /etc/key\n"), "{long}");
    let rows = lines(&session.ok(&["ls", "--deleted", "--format", "json", "fx/a:1", "/usr"]));
    assert_eq!((&rows[0]["Layer"], &rows[0]["DeletedBy"]), (&json!(2), &json!(3)));
    assert_eq!(session.ok(&["cat", "--layer", "1", "fx/a:1", "/etc/key"]), "secret");
}

/// Each layer brings a file and deletes that of the layer below.
#[test]
fn hundreds_of_layers() {
    let mut image = TestImage::new(&["fx/many:1"]);
    for number in 0..200_u32 {
        let below = number.checked_sub(1).map(|below| Item::whiteout(format!(".wh.f{below}")));
        let items: Vec<Item> = below.into_iter().chain([Item::file(format!("f{number}"), "x")]).collect();
        image = image.raw_layer(&format!("RUN {number}"), layer(&items));
    }
    let session = Session::new();
    session.load(&pack(&docker_save(&[image])));
    assert_eq!(session.ok(&["ls", "fx/many:1"]), "f199\n");
    assert_eq!(session.ok(&["ls", "--deleted", "fx/many:1"]).lines().count(), 199);
    let life = session.ok(&["which", "--format", "{{.Layer}} {{.Change}} {{.CreatedBy}}", "fx/many:1", "f50"]);
    assert_eq!(life, "51 added RUN 50\n52 deleted RUN 51\n");
    assert_eq!(session.ok(&["layers", "--format", "{{.Files}}", "fx/many:1"]).lines().count(), 200);
    assert_eq!(session.ok(&["cat", "--layer", "50", "fx/many:1", "/f49"]), "x");
}
