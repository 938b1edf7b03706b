//! `history`: rows newest first, sizes and times in docker's units.

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};

fn store() -> (Session, TestImage) {
    let image = TestImage::sample("fx/a:1")
        .layer(
            "RUN a command that is longer than forty-five columns\tand has a tab",
            &[Member::file("big", vec![7; 6010])],
        )
        .with("created", json!("2001-02-03T04:05:06Z"));
    let session = Session::new();
    session.load(&pack(&producers::docker_save(std::slice::from_ref(&image))));
    (session, image)
}

#[test]
fn the_table() {
    let (session, _) = store();
    insta::assert_snapshot!(session.transcript(&[
        &["history", "fx/a:1"],
        &["image", "history", "--no-trunc", "fx/a:1"],
        &["history", "-H=false", "fx/a:1"],
        &["history", "-q", "fx/a:1"],
        &["history", "-q", "--no-trunc", "fx/a:1"],
        &["history", "--format", "{{.ID}} {{.Size}} {{.CreatedSince}} {{.CreatedAt}}", "fx/a:1"],
    ]), @r#"
    $ imgtool history fx/a:1
    IMAGE          CREATED   CREATED BY                                      SIZE      COMMENT
    3289b208227a   N/A       RUN a command that is longer than forty-five…   6.01kB
    <missing>      N/A       /bin/sh -c echo                                 11B
    <missing>      N/A       /bin/sh -c #(nop)  CMD ["/hello"]               0B
    <missing>      N/A       /bin/sh -c #(nop) ADD file:1 in /               6B
    $ imgtool image history --no-trunc fx/a:1
    IMAGE                                                                     CREATED   CREATED BY                                                           SIZE      COMMENT
    sha256:3289b208227a97ef6723d33f072e2c79c7899cf127727ce18565b748bb511b7b   N/A       RUN a command that is longer than forty-five columns and has a tab   6.01kB
    <missing>                                                                 N/A       /bin/sh -c echo                                                      11B
    <missing>                                                                 N/A       /bin/sh -c #(nop)  CMD ["/hello"]                                    0B
    <missing>                                                                 N/A       /bin/sh -c #(nop) ADD file:1 in /                                    6B
    $ imgtool history -H=false fx/a:1
    IMAGE          CREATED AT             CREATED BY                                      SIZE      COMMENT
    3289b208227a   1999-12-31T23:59:59Z   RUN a command that is longer than forty-five…   6010
    <missing>      1999-12-31T23:59:59Z   /bin/sh -c echo                                 11
    <missing>      1999-12-31T23:59:59Z   /bin/sh -c #(nop)  CMD ["/hello"]               0
    <missing>      1999-12-31T23:59:59Z   /bin/sh -c #(nop) ADD file:1 in /               6
    $ imgtool history -q fx/a:1
    3289b208227a
    <missing>
    <missing>
    <missing>
    $ imgtool history -q --no-trunc fx/a:1
    sha256:3289b208227a97ef6723d33f072e2c79c7899cf127727ce18565b748bb511b7b
    <missing>
    <missing>
    <missing>
    $ imgtool history --format '{{.ID}} {{.Size}} {{.CreatedSince}} {{.CreatedAt}}' fx/a:1
    3289b208227a 6.01kB N/A 1999-12-31T23:59:59Z
    <missing> 11B N/A 1999-12-31T23:59:59Z
    <missing> 0B N/A 1999-12-31T23:59:59Z
    <missing> 6B N/A 1999-12-31T23:59:59Z
    "#);
}

#[test]
fn rows_as_json() {
    let (session, image) = store();
    let lines = session.ok(&["history", "--format", "json", "fx/a:1"]);
    let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    assert_eq!(rows.len(), 4);
    assert_eq!(
        rows[2],
        json!({
            "Comment": "",
            "CreatedAt": "1999-12-31T23:59:59Z",
            "CreatedBy": "/bin/sh -c #(nop)  CMD [\"/hello\"]",
            "CreatedSince": "N/A",
            "ID": "<missing>",
            "Size": "0B",
        })
    );
    assert_eq!(rows[0]["ID"], image.short());
    assert_eq!(rows[0]["Size"], "6.01kB");
}

#[test]
fn an_image_by_its_id() {
    let (session, image) = store();
    let by_name = session.ok(&["history", "fx/a:1"]);
    for id in [image.id(), image.short(), image.hex(), image.id()[..17].to_owned()] {
        assert_eq!(session.ok(&["history", &id]), by_name, "{id}");
    }
}

#[test]
fn sizes_count_what_docker_counts() {
    let members = [
        Member::dir("d/"),
        Member::file("d/a", vec![0; 1000]),
        Member::hardlink("d/b", "d/a"),
        Member::file("d/c", vec![0; 5000]),
        Member::symlink("d/l", "0123456789"),
        Member::file("d/.wh.gone", Vec::new()),
        Member::special("d/fifo", tar::EntryType::Fifo),
    ];
    let image = TestImage::new(&["fx/sizes:1"]).layer("sizes", &members);
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[image])));
    assert_eq!(session.ok(&["history", "-H=false", "--format", "{{.Size}}", "fx/sizes:1"]), "6010\n");
    assert_eq!(session.ok(&["images", "--format", "{{.Size}}"]), "6.01kB\n");
    assert_eq!(session.inspect("fx/sizes:1")["Size"], 6010);
}

#[test]
fn histories_that_do_not_fit_the_layers() {
    let session = Session::new();
    let fewer = TestImage::sample("fx/fewer:1").with("history", json!([{"created_by": "only one"}]));
    let none = TestImage::sample("fx/none:1").with("history", Value::Null);
    session.load(&pack(&producers::docker_save(&[fewer, none])));
    assert_eq!(session.history("fx/fewer:1").len(), 1);
    assert!(session.history("fx/none:1").is_empty());
    let row = json!({"created_by": "a step"});
    let more = TestImage::of("fx/more:1", "more").with("history", json!([row, row, row]));
    session.write("more.tar", pack(&producers::docker_save(&[more])));
    // docker loads it and then cannot show its history; refusing it at once is as good.
    if session.run(&["load", "-i", "more.tar"]).code == 0 {
        session.run(&["history", "fx/more:1"]).fails(1, &["too many non-empty layers in History section"]);
    }
}

#[test]
fn what_is_not_there() {
    let (session, _) = store();
    session.run(&["history", "rsch/none"]).fails(1, &["No such image: rsch/none:latest"]);
    session.run(&["history", "fx/a:2"]).fails(1, &["No such image: fx/a:2"]);
    session.run(&["history", "ffffffffffff"]).fails(1, &["No such image: ffffffffffff:latest"]);
}

#[test]
fn what_was_committed_here_is_known_by_its_parents() {
    let (session, image) = store();
    session.ok(&["unpack", "fx/a:1", "tree"]);
    let commit = |content: &str| {
        session.write("tree/new", content);
        session.ok(&["commit", "tree", content]).trim().to_owned()
    };
    let (first, second) = (commit("first"), commit("second"));
    let history = session.ok(&["history", "-q", "--no-trunc", "second"]);
    assert_eq!(
        history.lines().collect::<Vec<_>>(),
        [&second, &first, &image.id(), "<missing>", "<missing>", "<missing>"]
    );
    assert_eq!(session.ok(&["inspect", "-f", "{{.Parent}}", "second"]).trim(), first);
    session.ok(&["save", "-o", "second.tar", "second"]);
    let archived = session.ok(&["history", "-q", "--no-trunc", "./second.tar"]);
    assert_eq!(archived.lines().nth(1), Some("<missing>"), "an archive knows no parents");
}
