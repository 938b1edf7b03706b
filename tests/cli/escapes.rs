//! Text from an image cannot control the terminal: it is escaped there, and as it is in pipes and JSON.

use serde_json::json;

use crate::support::image::TestImage;
use crate::support::oci::{Layout, REF_NAME};
use crate::support::packing::Packing;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};
use crate::support::terminal::{self, Streams};

/// A title, a bell, a carriage return, a C1 introducer, and two characters that turn text around.
const RUDE: &str = "\u{1b}]0;pwned\u{7}\rgone\u{9b}31m\u{202e}txt\u{2066}";

fn session() -> Session {
    let image = TestImage::new(&["fx/a:1"])
        .layer(&format!("RUN {RUDE}"), &[Member::file(format!("etc/{RUDE}"), "x")])
        .with("author", json!(RUDE))
        .with("comment", json!(RUDE))
        .with("config", json!({"Labels": {"rude": RUDE, RUDE: "y"}, "Env": [format!("X={RUDE}")]}));
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[image, TestImage::new(&["fx/b:1"])])));
    let mut layout = Layout::default();
    let named = layout.put_image(&TestImage::of("x", "a"), &[Packing::None]);
    layout.name(&named, &[(REF_NAME, RUDE)]);
    layout.write(&session.work().join("foreign"));
    session
}

/// What a terminal would act upon. It makes `\r\n` of line ends itself.
fn commands_in(screen: &str) -> Vec<char> {
    let acts =
        |c: &char| (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    screen.replace("\r\n", "\n").chars().filter(acts).collect()
}

const SHOWING: [&[&str]; 9] = [
    &["history", "--no-trunc", "fx/a:1"],
    &["history", "--format", "{{.CreatedBy}}", "fx/a:1"],
    &["history", "--format", "json", "fx/a:1"],
    &["inspect", "fx/a:1"],
    &["inspect", "-f", "{{.Author}} {{.Config.Labels}} {{.Config.Env}}", "fx/a:1"],
    &["inspect", "-f", "{{json .Config}}", "fx/a:1"],
    &["diff", "fx/b:1", "fx/a:1"],
    &["diff", "--format", "json", "fx/b:1", "fx/a:1"],
    &["--root", "foreign", "images"],
];

/// The same for the commands that look at files.
const LOOKING: [&[&str]; 14] = [
    &["ls", "fx/a:1", "/etc"],
    &["ls", "-lR", "fx/a:1"],
    &["ls", "-R", "--format", "json", "fx/a:1"],
    &["tree", "fx/a:1"],
    &["tree", "--format", "json", "fx/a:1"],
    &["find", "fx/a:1"],
    &["find", "fx/a:1", "-ls"],
    &["find", "fx/a:1", "-printf", "%p %f\\n"],
    &["find", "fx/a:1", "--format", "json"],
    &["grep", "x", "fx/a:1"],
    &["grep", "-l", "x", "fx/a:1"],
    &["sum", "fx/a:1"],
    &["layers", "--no-trunc", "fx/a:1"],
    &["layers", "--format", "json", "fx/a:1"],
];

#[test]
fn names_of_files_are_escaped_on_a_terminal() {
    let session = session();
    let streams = Streams { stdin: false, stdout: true, stderr: true };
    let path = format!("/etc/{RUDE}");
    let which: &[&str] = &["which", "fx/a:1", &path];
    for args in LOOKING.into_iter().chain([which, &["which", "--format", "json", "fx/a:1", &path]]) {
        let quiet = [&["--progress", "none"], args].concat();
        let (code, screen) = terminal::run(session.command(&quiet), streams);
        assert_eq!(code, 0, "{args:?}: {screen}");
        assert!(screen.contains("pwned"), "{args:?} shows the text: {screen}");
        assert_eq!(commands_in(&screen), Vec::<char>::new(), "{args:?}: {screen:?}");
    }
}

#[test]
fn on_a_terminal_it_is_escaped() {
    let session = session();
    let streams = Streams { stdin: false, stdout: true, stderr: true };
    for args in SHOWING {
        // Bars move the cursor, which is their work.
        let quiet = [&["--progress", "none"], args].concat();
        let (code, screen) = terminal::run(session.command(&quiet), streams);
        assert_eq!(code, 0, "{args:?}: {screen}");
        assert!(screen.contains("pwned"), "{args:?} shows the text: {screen}");
        assert_eq!(commands_in(&screen), Vec::<char>::new(), "{args:?}: {screen:?}");
    }
    for args in [
        &["history", RUDE][..],
        &["inspect", RUDE],
        &["rmi", RUDE],
        &["--progress", "none", "save", "-o", "x.tar", RUDE],
        &["history", "oci:foreign:nosuch"],
        &["images", "--format", &format!("{{{{{RUDE}}}}}")],
        &["--progress", "none", "unpack", "oci:foreign", "/dev/null/x"],
        &[RUDE],
        &["images", &format!("--{RUDE}")],
    ] {
        let mut command = session.command(args);
        // Colours are ours and not the image's.
        command.env("NO_COLOR", "1");
        let (code, screen) = terminal::run(command, streams);
        assert_ne!(code, 0, "{args:?}: {screen}");
        assert_eq!(commands_in(&screen), Vec::<char>::new(), "{args:?}: {screen:?}");
    }
}

#[test]
fn in_a_pipe_it_is_as_it_is() {
    let session = session();
    for args in SHOWING {
        let text = session.ok(args);
        // A table's cells and JSON have their own words for some of it.
        let kept = if text.contains("\\u001b") { "\u{202e}txt\u{2066}" } else { RUDE };
        assert!(text.contains(kept), "{args:?}: {text:?}");
    }
    let history = session.history("fx/a:1");
    assert_eq!(history[0]["CreatedBy"], format!("RUN {RUDE}"));
    assert_eq!(session.inspect("fx/a:1")["Config"]["Labels"]["rude"], RUDE);
}

#[test]
fn lines_of_load_and_progress() {
    let session = session();
    let archive = pack(&producers::docker_save(&[TestImage::of("fx/c:1", "c").with("author", json!(RUDE))]));
    session.write("c.tar", archive);
    for mode in ["auto", "plain"] {
        let streams = Streams { stdin: false, stdout: true, stderr: true };
        let (code, screen) = terminal::run(session.command(&["load", "--progress", mode, "-i", "c.tar"]), streams);
        assert_eq!(code, 0, "{screen}");
        assert!(screen.contains("Loaded image: fx/c:1\r\n"), "{screen:?}");
        assert!(!screen.contains(['\u{7}', '\u{9b}', '\u{202e}']), "{screen:?}");
    }
}

#[test]
fn colours_are_only_where_they_are_wanted() {
    let session = Session::new();
    let on = Streams { stdin: false, stdout: true, stderr: true };
    for (no_color, coloured) in [(None, true), (Some(""), true), (Some("1"), false), (Some("0"), false)] {
        let mut command = session.command(&["history", "nosuch"]);
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        let screen = terminal::run(command, on).1;
        assert_eq!(screen.contains("\u{1b}["), coloured, "NO_COLOR={no_color:?}: {screen:?}");
    }
    assert!(!session.run(&["history", "nosuch"]).stderr.contains('\u{1b}'), "no terminal, no colours");
}
