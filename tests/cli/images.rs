//! `images`: the table, its filters, its formats.

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::oci::{INDEX, Layout, REF_NAME};
use crate::support::packing::Packing;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};
use crate::support::terminal::{self, Streams};

/// An image of four platforms under one name.
const MULTI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/oci-layout/made-multi-platform-nested");

/// Three images of different years, one with two names, one without any.
fn store() -> Session {
    let session = Session::new();
    let images = [
        TestImage::of("fx/old:1", "old").with("created", json!("2001-02-03T04:05:06.789Z")),
        TestImage::sample("fx/new:1")
            .also_tagged("quay.io/x/new:latest")
            .with("created", json!("2011-02-03T04:05:06Z")),
        TestImage::of("", "nameless, and in the middle").untagged().with("created", json!("2005-02-03T04:05:06Z")),
    ];
    session.load(&pack(&producers::docker_save(&images)));
    session
}

#[test]
fn the_table() {
    let session = store();
    insta::assert_snapshot!(session.transcript(&[
        &["images"],
        &["image", "ls", "fx/old"],
        &["images", "--digests", "fx/none"],
        &["images", "-q"],
        &["images", "--no-trunc", "-q", "fx/new"],
        &["images", "fx/none"],
    ]), @r"
    $ imgtool images
    REPOSITORY      TAG       IMAGE ID       CREATED        SIZE
    fx/new          1         80fdc4160f16   NN years ago   17B
    quay.io/x/new   latest    80fdc4160f16   NN years ago   17B
    <none>          <none>    d5a9103d4202   NN years ago   27B
    fx/old          1         5db0f25d295f   NN years ago   3B
    $ imgtool image ls fx/old
    REPOSITORY   TAG       IMAGE ID       CREATED        SIZE
    fx/old       1         5db0f25d295f   NN years ago   3B
    $ imgtool images --digests fx/none
    REPOSITORY   TAG       DIGEST    IMAGE ID   CREATED   SIZE
    $ imgtool images -q
    80fdc4160f16
    80fdc4160f16
    d5a9103d4202
    5db0f25d295f
    $ imgtool images --no-trunc -q fx/new
    sha256:80fdc4160f16b1bc1764358abc18d945d90a179899fba6c836a831ac43429ce3
    $ imgtool images fx/none
    REPOSITORY   TAG       IMAGE ID   CREATED   SIZE
    ");
}

#[test]
fn an_empty_store_has_a_header_and_no_rows() {
    let session = Session::new();
    insta::assert_snapshot!(session.transcript(&[&["images"], &["images", "-q"], &["image", "list", "-a"]]), @r"
    $ imgtool images
    REPOSITORY   TAG       IMAGE ID   CREATED   SIZE
    $ imgtool images -q
    $ imgtool image list -a
    REPOSITORY   TAG       IMAGE ID   CREATED   SIZE
    ");
    assert!(!session.store().exists(), "looking makes no store");
}

#[test]
fn formats() {
    let session = store();
    insta::assert_snapshot!(session.transcript(&[
        &["images", "--format", "{{.Repository}}:{{.Tag}} {{.Size}} {{.CreatedAt}}"],
        &["images", "--format", r"table {{.Tag}}\t{{.ID}}", "fx/old"],
        &["images", "--format", r"{{.ID}}\t{{upper .Repository}}\n", "fx/old"],
        &["images", "--format", "{{.Nope}}"],
        &["images", "--format", "{{.ID"],
    ]), @r#"
    $ imgtool images --format '{{.Repository}}:{{.Tag}} {{.Size}} {{.CreatedAt}}'
    fx/new:1 17B 2011-02-03 04:05:06 +0000 UTC
    quay.io/x/new:latest 17B 2011-02-03 04:05:06 +0000 UTC
    <none>:<none> 27B 2005-02-03 04:05:06 +0000 UTC
    fx/old:1 3B 2001-02-03 04:05:06 +0000 UTC
    $ imgtool images --format 'table {{.Tag}}\t{{.ID}}' fx/old
    TAG       IMAGE ID
    1         5db0f25d295f
    $ imgtool images --format '{{.ID}}\t{{upper .Repository}}\n' fx/old
    5db0f25d295f	FX/OLD

    $ imgtool images --format '{{.Nope}}'
    ! error: template parsing error: template: :1:2: executing "" at <.Nope>: can't evaluate field Nope in type *formatter.imageContext
    [exit 1]
    $ imgtool images --format '{{.ID'
    ! error: template parsing error: template: :1: unclosed action
    [exit 1]
    "#);
    let rows: Vec<Value> = session
        .ok(&["images", "--format", "json", "fx/old"])
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object a line"))
        .collect();
    assert_eq!(rows.len(), 1);
    let keys: Vec<&String> = rows[0].as_object().expect("an object").keys().collect();
    assert!(keys.is_sorted(), "{keys:?}");
    for (key, value) in [
        ("Repository", "fx/old"),
        ("Tag", "1"),
        ("Size", "3B"),
        ("CreatedAt", "2001-02-03 04:05:06 +0000 UTC"),
        ("Containers", "N/A"),
        ("SharedSize", "N/A"),
        ("UniqueSize", "N/A"),
    ] {
        assert_eq!(rows[0][key], value, "{key}");
    }
    assert_eq!(
        session.ok(&["images", "--format", "{{json .}}", "fx/old"]),
        session.ok(&["images", "--format", "json", "fx/old"])
    );
}

#[test]
fn a_word_that_is_a_command_gets_a_hint() {
    let session = store();
    let answer = session.run(&["images", "ls"]);
    assert_eq!(answer.code, 0);
    assert_eq!(answer.stderr.trim(), "No images found matching \"ls\": did you mean \"imgtool image ls\"?");
}

#[test]
fn the_tree() {
    let session = store();
    session.ok(&["load", "-q", "-i", MULTI]);
    let tree = session.ok(&["images", "--tree"]);
    assert!(tree.starts_with("IMAGE"), "{tree}");
    for piece in
        ["DISK USAGE", "CONTENT SIZE", "fx/new:1", "multi:latest", "├─ linux/amd64", "└─ windows(10.0.17763.1)/amd64"]
    {
        assert!(tree.contains(piece), "{piece} is not in\n{tree}");
    }
    session.run(&["images", "--tree", "-q"]).fails(1, &["--quiet is not yet supported with --tree"]);
    session.run(&["images", "--tree", "--no-trunc"]).fails(1, &["--no-trunc is not yet supported with --tree"]);
    session.run(&["images", "--tree", "--format", "json"]).fails(1, &["--format is not yet supported with --tree"]);
}

#[test]
fn what_platforms_share_counts_once() {
    let base = TestImage::new(&[]).layer("base", &[Member::file("base", "b".repeat(200_000))]);
    let amd = base.clone().layer("amd64", &[Member::file("bin", "a".repeat(1_000))]);
    let arm = base.layer("arm64", &[Member::file("bin", "b".repeat(2_000))]).with("architecture", json!("arm64"));
    let mut layout = Layout::default();
    let manifests = [&amd, &arm].map(|image| {
        let mut manifest = layout.put_image(image, &[Packing::None]);
        manifest["platform"] = image.platform();
        manifest
    });
    let blobs: usize = layout.blobs.values().map(Vec::len).sum();
    let index = layout.put_json(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}));
    layout.name(&index, &[(REF_NAME, "docker.io/fx/two:1")]);
    let session = Session::new();
    layout.write(&session.store());
    let kilobytes = |bytes: usize| format!("{}kB", (bytes + 500) / 1000);
    let tree = session.ok(&["images", "--tree"]);
    let line = tree.lines().find(|line| line.starts_with("fx/two:1")).expect("the image");
    let columns: Vec<&str> = line.split_whitespace().skip(2).collect();
    assert_eq!(columns, [kilobytes(blobs + 203_000), kilobytes(blobs)], "{tree}");
    let summary = session.ok(&["system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Size}}"]);
    assert!(summary.starts_with("Images 1 203kB\n"), "{summary}");
    let row = "{{range .Images}}{{.Size}} {{.SharedSize}} {{.UniqueSize}}{{end}}";
    assert_eq!(session.ok(&["system", "df", "-v", "--format", row]).trim(), "203kB 0B 203kB");
}

#[test]
fn text_of_an_image_cannot_drive_the_terminal() {
    let session = Session::new();
    let image = TestImage::new(&["fx/a:1"])
        .layer("RUN \u{1b}[2Jclear\r\u{7}bell \u{202e}ltr\nnew line", &[])
        .with("author", json!("\u{1b}]0;title\u{7}"));
    session.load(&pack(&producers::docker_save(&[image])));
    let streams = Streams { stdin: false, stdout: true, stderr: true };
    for args in [&["history", "--no-trunc", "fx/a:1"][..], &["history", "fx/a:1"], &["images"], &["inspect", "fx/a:1"]]
    {
        let (_, screen) = terminal::run(session.command(args), streams);
        let screen = screen.replace("\r\n", "\n");
        let bad: Vec<char> = screen.chars().filter(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}').collect();
        assert!(bad.is_empty(), "imgtool {args:?} printed {bad:?}:\n{screen}");
        if args[0] == "history" {
            assert_eq!(screen.lines().count(), 2, "a new line makes no new row");
        }
    }
}

#[test]
fn sorted_as_one_likes() {
    let session = Session::new();
    let image = |name: &str, size: usize, year: u32| {
        TestImage::of(name, &"x".repeat(size)).with("created", json!(format!("{year}-02-03T04:05:06Z")))
    };
    let images =
        [image("fx/b:1", 30, 2003).also_tagged("fx/z:1"), image("fx/a:1", 10, 2002), image("fx/c:1", 20, 2004)];
    let nameless = image("", 5, 2001).untagged();
    session.load(&pack(&producers::docker_save(&[&images[..], &[nameless]].concat())));
    for (args, expected) in [
        (&[][..], "c b z a <none>"),
        (&["--sort", "created"], "c b z a <none>"),
        (&["--sort", "created", "--reverse"], "<none> a b z c"),
        (&["--sort", "size"], "b z c a <none>"),
        (&["--sort=size", "--reverse"], "<none> a c b z"),
        (&["--sort", "name"], "a b c z <none>"),
        (&["--sort", "name", "--filter", "reference=fx/[a-c]"], "a b c"),
    ] {
        let text = session.ok(&[&["images", "--format", "{{.Repository}}"], args].concat());
        let names: Vec<&str> = text.lines().map(|line| line.trim_start_matches("fx/")).collect();
        assert_eq!(names.join(" "), expected, "{args:?}");
    }
    session.run(&["images", "--sort", "colour"]).fails(125, &["colour"]);
}

/// Bazel, Nixery and others write no time, or Go's zero time. What docker's client 28.2 and engine 20.10 print.
#[test]
fn an_image_without_a_time_of_creation() {
    let session = Session::new();
    let at = |name: &str, created: Value| TestImage::of(name, name).with("created", created);
    session.load(&pack(&producers::docker_save(&[
        at("none:1", Value::Null),
        at("zero:1", json!("0001-01-01T00:00:00Z")),
        at("old:1", json!("1960-01-01T00:00:00Z")),
        at("epoch:1", json!("1970-01-01T00:00:00Z")),
    ])));
    let since = |name: &str| session.ok(&["images", "--format", "{{.CreatedSince}}|{{.CreatedAt}}", name]);
    for name in ["none:1", "zero:1"] {
        assert_eq!(since(name), "|0001-01-01 00:00:00 +0000 UTC\n");
        for list in [&["images", name][..], &["images", "--digests", name], &["history", name], &["system", "df", "-v"]]
        {
            let table = session.ok(list);
            assert!(table.contains(" N/A ") && !table.contains("292"), "{list:?}: {table}");
        }
        let row = session.ok(&["images", "--format", "json", name]);
        assert!(row.contains(r#""CreatedSince":"","#), "{row}");
    }
    assert!(since("old:1").ends_with(" years ago|1960-01-01 00:00:00 +0000 UTC\n"), "{}", since("old:1"));
    assert!(since("epoch:1").ends_with(" years ago|1970-01-01 00:00:00 +0000 UTC\n"), "{}", since("epoch:1"));
    assert_eq!(session.ok(&["inspect", "-f", "{{.Created}}|{{json .Created}}", "none:1"]), "|\"\"\n");
}
