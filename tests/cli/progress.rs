//! Progress: on a terminal's stderr, elsewhere only when asked for.

use serde_json::Value;

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};
use crate::support::terminal::{self, Streams};

fn session() -> Session {
    let image = TestImage::new(&["fx/a:1"]).layer("big", &[Member::file("big", vec![9; 3 << 20])]);
    let session = Session::new();
    session.write("a.tar", pack(&producers::docker_save(&[image])));
    session
}

#[test]
fn nothing_where_nobody_looks() {
    let session = session();
    for args in [
        &["load", "-i", "a.tar"][..],
        &["load", "-i", "a.tar", "--progress", "none"],
        &["save", "-o", "b.tar", "fx/a:1"],
    ] {
        assert_eq!(session.run(args).stderr, "", "{args:?}");
    }
}

#[test]
fn plain_lines_when_asked_for() {
    let session = session();
    let answer = session.run(&["load", "-i", "a.tar", "--progress", "plain"]);
    assert!(!answer.stderr.trim().is_empty());
    assert!(!answer.stderr.contains(['\u{1b}', '\r']), "plain means plain: {:?}", answer.stderr);
    assert_eq!(answer.ok(), "Loaded image: fx/a:1\n", "stdout is the data alone");
}

#[test]
fn json_objects_when_asked_for() {
    let session = session();
    for args in
        [&["load", "-i", "a.tar", "--progress", "json"][..], &["save", "-o", "b.tar", "--progress", "json", "fx/a:1"]]
    {
        let answer = session.run(args);
        assert!(answer.stderr.lines().count() >= 1, "{args:?}");
        for line in answer.stderr.lines() {
            let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert!(event.is_object(), "{line}");
        }
        answer.ok();
    }
}

#[test]
fn bars_on_a_terminal() {
    let session = session();
    let streams = Streams { stdin: false, stdout: false, stderr: true };
    let (code, screen) = terminal::run(session.command(&["load", "-i", "a.tar"]), streams);
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("MB"), "bytes are shown: {screen:?}");
    let (code, screen) = terminal::run(session.command(&["load", "-q", "-i", "a.tar"]), streams);
    assert_eq!((code, screen.trim()), (0, ""), "quiet is quiet");
    let (_, screen) = terminal::run(session.command(&["load", "--progress", "none", "-i", "a.tar"]), streams);
    assert_eq!(screen.trim(), "");
}

#[test]
fn load_waits_for_no_terminal() {
    let session = session();
    let streams = Streams { stdin: true, stdout: false, stderr: true };
    let (code, screen) = terminal::run(session.command(&["load"]), streams);
    assert_eq!(code, 1);
    assert!(screen.trim().ends_with("requested load from stdin, but stdin is empty"), "{screen}");
}

#[test]
fn an_unknown_kind_is_refused() {
    session().run(&["load", "-i", "a.tar", "--progress", "loud"]).fails(125, &["loud"]);
}
