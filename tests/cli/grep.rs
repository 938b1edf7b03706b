//! `grep` and `tree`: as the tool of every machine, which runs in the tree that `unpack` writes.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::producers::docker_save;
use crate::support::session::Session;
use crate::support::tarball::pack;

fn session() -> Session {
    let lower = [
        Item::dir("etc"),
        Item::file("etc/passwd", "root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\napp:x:1000:1000::/:/bin/sh\n"),
        Item::file("etc/key", "PRIVATE KEY\n"),
        Item::file("etc/empty", ""),
        Item::dir("usr"),
        Item::dir("usr/bin"),
        Item::file("usr/bin/su", "\x7fELF\0\0root\nroot\n"),
        Item::file("usr/bin/last", "no end of root"),
        Item::hardlink("usr/bin/second", "usr/bin/last"),
        Item::symlink("bin", "usr/bin"),
        Item::symlink("usr/dead", "nowhere"),
        Item::file("usr/words", "Root roots\n\nun-root\ngrüß root\na.b a+b a{2}\n"),
    ];
    let numbers: String = (1..=20).map(|number| number.to_string() + "\n").collect();
    let lower = lower.into_iter().chain([Item::file("usr/numbers", numbers)]).collect::<Vec<_>>();
    let upper = [Item::whiteout("etc/.wh.key"), Item::file("etc/more", "root again\n")];
    let image = TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&lower)).raw_layer("RUN", layer(&upper));
    let session = Session::new();
    session.load(&pack(&docker_save(&[image])));
    session.ok(&["unpack", "fx/a:1", "tree"]);
    session
}

fn sorted(text: &[u8]) -> Vec<String> {
    let mut lines: Vec<String> = String::from_utf8_lossy(text).split('\n').map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn lines_and_exit_codes_are_those_of_gnu_grep() {
    let session = session();
    let cases: [&[&str]; 54] = [
        &["root", "etc/passwd"],
        &["root", "etc/passwd", "etc/more"],
        &["-n", "sh$", "etc/passwd"],
        &["-r", "root", "."],
        &["-rn", "root", "etc", "usr"],
        &["-rl", "root", "."],
        &["-rL", "root", "."],
        &["-rc", "root", "."],
        &["-ri", "ROOT", "usr/words"],
        &["-w", "root", "usr/words"],
        &["-wi", "root", "usr/words"],
        &["-x", "un-root", "usr/words"],
        &["-rv", "root", "etc"],
        &["-vc", "root", "usr/words"],
        &["", "usr/words", "etc/empty"],
        &["^$", "usr/words"],
        &["-o", "roo[a-z]*", "usr/words"],
        &["-no", "gr..", "usr/words"],
        &["-F", "a.b", "usr/words"],
        &["-F", "a{2}", "usr/words"],
        &["-E", "root|app", "etc/passwd"],
        &["root|app", "etc/passwd"],
        &["root\\|app", "etc/passwd"],
        &["-E", "x:[0-9]{2,}:", "etc/passwd"],
        &["x:[0-9]\\{2,\\}:", "etc/passwd"],
        &["x:[0-9]\\+:", "etc/passwd"],
        &["-E", "^(root|app):", "etc/passwd"],
        &["\\<a", "usr/words"],
        &["a+b", "usr/words"],
        &["[[:upper:]]oot", "usr/words"],
        &["-e", "app", "-e", "daemon", "etc/passwd"],
        &["-c", "root", "usr/bin/su"],
        &["-a", "root", "usr/bin/su"],
        &["-l", "root", "usr/bin/su"],
        &["root", "usr/bin/su"],
        &["-I", "root", "usr/bin/su"],
        &["-r", "end", "usr/bin"],
        &["-r", "root", "bin"],
        &["-R", "end", "."],
        &["-m1", "x", "etc/passwd", "etc/more"],
        &["-h", "root", "etc/passwd", "etc/more"],
        &["-H", "root", "etc/more"],
        &["-q", "root", "etc/passwd"],
        &["-q", "nothing", "etc/passwd"],
        &["-r", "nothing", "."],
        &["root", "etc"],
        &["root", "nosuch", "etc/more"],
        &["-s", "root", "nosuch"],
        &["-r", "--include", "pass*", "root", "."],
        &["-rZl", "--exclude=*s*", "root", "."],
        &["--include=*.txt", "root", "etc/passwd"],
        &["--exclude=pass*", "root", "etc/passwd", "etc/more"],
        &["-r", "--exclude-dir=bin", "root", "."],
        &["-rl", "--exclude-dir=e*", "root", "etc", "usr"],
    ];
    compare(&session, &cases, sorted);
}

/// The order counts, too, of lines and of files of one layer.
#[test]
fn lines_around_a_match_are_those_of_gnu_grep() {
    let session = session();
    let cases: [&[&str]; 24] = [
        &["-A1", "4", "usr/numbers"],
        &["-B1", "4", "usr/numbers"],
        &["-C1", "4", "usr/numbers"],
        &["-1", "5", "usr/numbers"],
        &["-12", "5", "usr/numbers"],
        &["-A0", "5", "usr/numbers"],
        &["-nC2", "^1$\\|^20$", "usr/numbers"],
        &["-nB3", "-A1", "7", "usr/numbers"],
        &["-A1", "-C3", "9$", "usr/numbers"],
        &["-HnA1", "0", "usr/numbers"],
        &["-m2", "-A2", "1", "usr/numbers"],
        &["-m1", "-C1", "1", "usr/numbers"],
        &["-vC1", "[1-8]", "usr/numbers"],
        &["-oC1", "5", "usr/numbers"],
        &["-cC1", "5", "usr/numbers"],
        &["-lC1", "5", "usr/numbers"],
        &["-C1", "nothing", "usr/numbers"],
        &["-B9", "no end", "usr/bin/last"],
        &["-A9", "no end", "usr/bin/last"],
        &["-C1", "root", "etc/passwd", "usr/words"],
        &["-nC1", "sh$\\|^2$", "etc/passwd", "usr/numbers"],
        &["-C1", "--group-separator=##", "9", "usr/numbers"],
        &["-C1", "--no-group-separator", "9", "usr/numbers"],
        &["-aC1", "root", "usr/bin/su"],
    ];
    compare(&session, &cases, |text| vec![String::from_utf8_lossy(text).into_owned()]);
}

/// Compares what is printed, as `shape` sees it, and the exit code.
fn compare(session: &Session, cases: &[&[&str]], shape: fn(&[u8]) -> Vec<String>) {
    for case in cases {
        // The image stands behind the pattern, or before the paths if that is a flag's.
        let flags = case.iter().take_while(|word| word.starts_with('-')).count();
        let valued = flags > 0 && case[flags - 1] == "--include";
        let behind = if case[0] == "-e" { 4 } else { flags + 1 + usize::from(valued) };
        let (before, paths) = case.split_at(behind);
        let ours: Vec<&str> = ["grep"].iter().chain(before).chain(&["fx/a:1"]).chain(paths).copied().collect();
        let mut tool = Command::new("grep");
        let tool = tool.args(*case).current_dir(session.work().join("tree")).env("LC_ALL", "C.UTF-8").output();
        let tool = tool.expect("grep is on every machine");
        let found = session.run(&ours);
        assert_eq!(shape(&found.stdout), shape(&tool.stdout), "{ours:?} {}", found.stderr);
        assert_eq!(Some(found.code), tool.status.code(), "{ours:?} {}", found.stderr);
    }
}

#[test]
fn what_grep_says_besides() {
    let session = session();
    assert_eq!(session.ok(&["grep", "again", "fx/a:1"]), "/etc/more:root again\n", "without a path, all files");
    assert_eq!(session.ok(&["grep", "--layer", "1", "-l", "PRIVATE", "fx/a:1"]), "/etc/key\n");
    let line: Value =
        serde_json::from_str(&session.ok(&["grep", "--format", "json", "again", "./load.tar"])).expect("JSON");
    assert_eq!(line, json!({"Path": "/etc/more", "Line": 1, "Text": "root again"}));
    let lines = session.ok(&["grep", "-A1", "--format", "json", "^9", "fx/a:1", "/usr/numbers"]);
    let last: Value = serde_json::from_str(lines.lines().last().expect("a line")).expect("JSON");
    assert_eq!(last, json!({"Path": "/usr/numbers", "Line": 10, "Text": "10", "Context": true}));
    session.run(&["grep", "\\(a\\)\\1", "fx/a:1"]).fails(2, &["references to groups (\\1) are not supported"]);
    session.run(&["grep", "-E", "(", "fx/a:1"]).fails(2, &["unclosed group"]);
    session.run(&["grep", "a", "fx/nosuch:1"]).fails(2, &["No such image: fx/nosuch:1"]);
    let binary = session.run(&["grep", "root", "fx/a:1", "usr/bin/su"]);
    assert_eq!((binary.code, binary.out().as_str()), (0, ""));
    assert!(binary.stderr.contains("usr/bin/su: binary file matches"), "{}", binary.text());
}

#[test]
fn a_tree_with_sizes() {
    let session = session();
    let tree = "/\n├── bin -> usr/bin\n├── etc\n│   ├── empty\n│   ├── more\n│   └── passwd\n└── usr\n    ├── bin\n    │   ├── last\n    │   ├── second\n    │   └── su\n    ├── dead -> nowhere\n    ├── numbers\n    └── words\n\n3 directories, 10 files\n";
    assert_eq!(session.ok(&["tree", "fx/a:1"]), tree);
    let sizes = "/usr\n├── [   30]  bin\n├── [    7]  dead -> nowhere\n├── [   51]  numbers\n└── [   45]  words\n\n1 directory, 3 files\n";
    let found = session.ok(&["tree", "--du", "--depth", "1", "fx/a:1", "/usr"]);
    assert_eq!(found.split_once("]  ").map(|(_, rest)| rest), Some(sizes), "hard links count once");
    assert_eq!(session.ok(&["tree", "-d", "-L", "1", "fx/a:1"]), "/\n├── etc\n└── usr\n\n2 directories\n");
    let last = session.ok(&["tree", "--format", "json", "fx/a:1", "/usr/bin"]);
    let first: Value = serde_json::from_str(last.lines().next().expect("a line")).expect("JSON");
    assert_eq!((&first["Depth"], &first["Total"], &first["Path"]), (&json!(0), &json!(30), &json!("/usr/bin")));
    session.run(&["tree", "fx/a:1", "/nosuch"]).fails(1, &["/nosuch: No such file or directory"]);
}
