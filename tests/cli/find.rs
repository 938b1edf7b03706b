//! `find`, `sum` and `cat`: as the tools of every machine, which run in the tree that `unpack` writes.

use std::process::Command;

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::producers::docker_save;
use crate::support::session::Session;
use crate::support::tarball::pack;

fn session() -> Session {
    let lower = [
        Item::dir("etc"),
        Item::file("etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
        Item::file("etc/secret", "key"),
        Item::dir("usr"),
        Item::dir("usr/bin"),
        Item::file("usr/bin/su", "su").mode(0o4755),
        Item::hardlink("usr/bin/su2", "usr/bin/su").mode(0o4755),
        Item::file("usr/bin/wall", "w".repeat(1025)).mode(0o2711),
        Item::symlink("bin", "usr/bin"),
        Item::symlink("dead", "nowhere"),
        Item::symlink("loop", "loop"),
        Item::symlink("usr/up", "../usr"),
        Item::dir("tmp").mode(0o1777),
        Item::file("tmp/all", "").mode(0o666),
        Item::file("tmp/a b", "1"),
        Item::file("tmp/new\nline", "2"),
        Item::file("tmp/back\\slash", "3"),
    ];
    let upper = [Item::whiteout("etc/.wh.secret"), Item::file("etc/zz.conf", "z".repeat(512))];
    let image = TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&lower)).raw_layer("RUN rm", layer(&upper));
    let session = Session::new();
    session.load(&pack(&docker_save(&[image])));
    session.ok(&["unpack", "fx/a:1", "tree"]);
    session
}

/// What the tool of this machine prints in the tree.
fn of_tool(session: &Session, words: &[&str]) -> Vec<u8> {
    let mut tool = Command::new(words[0]);
    tool.args(&words[1..]).current_dir(session.work().join("tree")).env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    tool.output().expect("the tool is on every machine").stdout
}

/// Names that end with NUL bytes, sorted.
fn names(bytes: &[u8]) -> Vec<String> {
    let mut names: Vec<String> =
        bytes.split(|byte| *byte == 0).map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    names.sort();
    names
}

#[test]
fn expressions_mean_what_they_mean_to_gnu_find() {
    let session = session();
    let is_root = rustix::process::geteuid().is_root();
    let expressions = [
        "",
        "-type f",
        "-type d,l",
        "-name *s*",
        "-iname SU*",
        "-name [[:alpha:]]*",
        "-name *\\\\*",
        "-path ./usr/*",
        "-lname *bin",
        "-regex .*/su[0-9]?",
        "-regextype posix-extended -regex .*/(su|all)",
        "-type f -size 1",
        "-type f -size +1k",
        "-type f -size -2 -size +0c",
        "-empty -type f",
        "-perm -4000",
        "-perm /6000",
        "-perm 1777",
        "-perm /a+w ! -type l",
        "-perm u=rw,go=r",
        "-type f -links 2",
        "-samefile usr/bin/su2",
        "-xtype l",
        "-xtype d -type l",
        "-maxdepth 1",
        "-mindepth 2 -maxdepth 2",
        "-name usr -prune -o -type f",
        "( -name su -o -name all ) -type f",
        "! ( -type d -o -type l )",
        "-not -name *a* -a -type f",
        "-type f -newer etc/zz.conf",
        "-type f -newermt 1999-01-01",
        "-type f -mtime +5",
        "-depth -name b*",
        "-false , -name etc",
        "-type f -executable",
        "-type f -user root -gid -5",
    ];
    for expression in expressions.iter().filter(|expression| is_root || !expression.contains("-user")) {
        let words: Vec<&str> = expression.split_whitespace().collect();
        for follow in [None, Some("-L"), Some("-H")] {
            let tool = ["find"].iter().chain(&follow).copied().chain(["."]).chain(words.clone());
            let ours = ["find"].iter().chain(&follow).copied().chain(["fx/a:1", "."]).chain(words.clone());
            let printed = |line: Vec<&str>| {
                // With an `-o`, the action would belong to its right side only.
                let place = line.iter().position(|word| *word == ".").expect("it was put there") + 1;
                let (before, after) = line.split_at(place);
                let has_words = !after.is_empty();
                let open = has_words.then_some("(");
                let mut line: Vec<String> = before.iter().chain(&open).chain(after).map(ToString::to_string).collect();
                line.extend(has_words.then(|| ")".to_owned()));
                line.push("-print0".to_owned());
                line
            };
            let (tool, ours) = (printed(tool.collect()), printed(ours.collect()));
            let tool: Vec<&str> = tool.iter().map(String::as_str).collect();
            let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
            let found = session.run(&ours);
            assert_eq!(names(&found.stdout), names(&of_tool(&session, &tool)), "{ours:?} {}", found.stderr);
        }
    }
}

#[test]
fn formats_are_those_of_gnu_find() {
    let session = session();
    let format =
        "%p|%f|%h|%P|%H|%d|%m|%M|%U|%G|%y|%Y|%l|%n|%10f|%-10f|%05m|%T@|%TY-%Tm-%TdT%TH:%TM:%TS|%t|%%\\t\\101\\0";
    let is_root = rustix::process::geteuid().is_root();
    let format = if is_root { format.to_owned() } else { format.replace("%U|%G|", "") };
    let found = session.run(&["find", "fx/a:1", "usr", "-printf", &format]);
    let times = |bytes: &[u8]| names(bytes);
    assert_eq!(times(&found.stdout), times(&of_tool(&session, &["find", "usr", "-printf", &format])));
}

#[test]
fn what_imgtool_adds() {
    let session = session();
    let lines = |words: &[&str]| {
        let line: Vec<&str> = ["find", "fx/a:1"].iter().chain(words).copied().collect();
        session.ok(&line)
    };
    assert_eq!(lines(&["-setuid"]), "/usr/bin/su\n/usr/bin/su2\n");
    assert_eq!(lines(&["-setgid"]), "/usr/bin/wall\n");
    assert_eq!(lines(&["-world-writable", "-type", "f"]), "/tmp/all\n");
    assert_eq!(lines(&["-layer", "2"]), "/etc/zz.conf\n");
    assert_eq!(lines(&["-user", "root", "-name", "passwd"]), "/etc/passwd\n");
    assert_eq!(lines(&["--layer", "1", "-name", "secret"]), "/etc/secret\n");
    let object = lines(&["-name", "zz*", "--format", "json"]);
    assert!(object.starts_with(r#"{"Path":"/etc/zz.conf","Type":"file","Mode":"0644","#), "{object}");
    assert_eq!(session.ok(&["find", "fx/a:1:/usr/bin", "-name", "su"]), "/usr/bin/su\n");
}

#[test]
fn what_cannot_be_is_said() {
    let session = session();
    let cases: [(&[&str], &str); 11] = [
        (&["-exec", "rm"], "-exec: imgtool runs no programs"),
        (&["-delete"], "-delete: an image is not changed"),
        (&["-atime", "1"], "-atime: files of an image have the time of their last modification only"),
        (&["-nosuch"], "unknown predicate '-nosuch'"),
        (&["-size"], "missing argument to '-size'"),
        (&["-size", "1x"], "-size 1x: expected a number"),
        (&["-user", "nobody"], "-user nobody: expected a user of the image"),
        (&["(", "-name", "x"], "a ')' is missing"),
        (&["-name", "x", "y"], "paths must precede the expression: 'y'"),
        (&["-not"], "something must follow '-not'"),
        (&["-printf", "%i"], "-printf: %i is not known"),
    ];
    for (words, expected) in cases {
        let line: Vec<&str> = ["find", "fx/a:1"].iter().chain(words).copied().collect();
        session.run(&line).fails(1, &[expected]);
    }
    let deep = vec!["("; 300];
    let line: Vec<&str> = ["find", "fx/a:1"].iter().chain(&deep).copied().collect();
    session.run(&line).fails(1, &["more than 200 parentheses"]);
    let answer = session.run(&["find", "-L", "fx/a:1", "/usr", "/nosuch", "-name", "passwd"]);
    assert_eq!(answer.code, 1, "{}", answer.text());
    for words in ["/nosuch: No such file or directory", "/usr/up: a symbolic link leads back"] {
        assert!(answer.stderr.contains(words), "{}", answer.text());
    }
}

#[test]
fn sums_are_those_of_sha256sum() {
    let session = session();
    let sums = session.ok(&["sum", "fx/a:1"]);
    session.write("sums", &sums);
    let mut check = Command::new("sha256sum");
    let checked = check.args(["-c", "--quiet", "../sums"]).current_dir(session.work().join("tree")).status();
    assert!(checked.expect("sha256sum is on every machine").success(), "{sums}");
    assert_eq!(sums.lines().count(), 9, "{sums}");
    let one = session.ok(&["sum", "fx/a:1", "/bin/su"]);
    let tool = String::from_utf8(of_tool(&session, &["sha256sum", "usr/bin/su"])).expect("text");
    assert_eq!(one, tool.replace("usr/bin", "/bin"));
    session.run(&["sum", "fx/a:1", "/nosuch", "/etc/passwd"]).fails(1, &["/nosuch: No such file or directory"]);
}

#[test]
fn contents_in_the_order_of_the_paths() {
    let session = session();
    assert_eq!(session.ok(&["cat", "fx/a:1", "/bin/su", "tmp/a b", "/usr/bin/su2"]), "su1su");
    assert_eq!(session.ok(&["cat", "fx/a:1:/tmp/back\\slash"]), "3");
    assert_eq!(session.ok(&["cat", "--layer", "1", "fx/a:1", "/etc/secret"]), "key");
    let answer = session.run(&["cat", "fx/a:1", "/etc", "/nosuch", "/etc/secret", "/tmp/a b"]);
    assert_eq!((answer.code, answer.out().as_str()), (1, "1"));
    for words in ["/etc: Is a directory", "/nosuch: No such file", "/etc/secret: No such file"] {
        assert!(answer.stderr.contains(words), "{}", answer.text());
    }
    session.run(&["cat", "fx/a:1"]).fails(1, &["no path is given: imgtool cat fx/a:1 PATH"]);
}

/// A file deep in a compressed layer is read from the nearest known place before it the next time.
#[test]
fn a_compressed_layer_is_entered_in_the_middle() {
    let mut state = 7_u64;
    let mut noise = |length: usize| -> Vec<u8> {
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            b"0123456789abcdef"[usize::try_from(state >> 60).expect("four bits")]
        };
        (0..length).map(|_| next()).collect()
    };
    let items = [
        Item::file("a-large", noise(13 << 20)),
        Item::file("deep", "deep content"),
        Item::file("later", noise(6 << 20)),
        Item::file("last", "the last"),
    ];
    let first = Session::new();
    first.load(&pack(&docker_save(&[TestImage::new(&["fx/big:1"]).raw_layer("ADD", layer(&items))])));
    first.ok(&["save", "--compress", "gzip", "-o", "packed.tar", "fx/big:1"]);
    let session = Session::new();
    session.write("packed.tar", first.read("packed.tar"));
    session.ok(&["load", "-q", "-i", "packed.tar"]);
    let kept = || {
        let files = std::fs::read_dir(session.store().join("imgtool/seek")).into_iter().flatten();
        files.map(|entry| entry.expect("a file").path()).collect::<Vec<_>>()
    };
    assert!(kept().is_empty());
    for _ in 0..2 {
        assert_eq!(session.ok(&["cat", "fx/big:1", "/deep"]), "deep content");
        assert_eq!(kept().len(), 1, "places are kept");
    }
    let before = std::fs::metadata(&kept()[0]).expect("a file").len();
    assert_eq!(session.ok(&["cat", "fx/big:1", "/last", "/deep"]), "the lastdeep content");
    assert!(std::fs::metadata(&kept()[0]).expect("a file").len() > before, "more places are added");
    let mut damaged = std::fs::read(&kept()[0]).expect("a file");
    for byte in damaged.iter_mut().skip(60) {
        *byte ^= 0x55;
    }
    std::fs::write(&kept()[0], damaged).expect("a file");
    assert_eq!(session.ok(&["cat", "fx/big:1", "/last"]), "the last", "what is damaged is not used");
    let sums = session.ok(&["sum", "fx/big:1"]);
    assert_eq!(sums, first.ok(&["sum", "fx/big:1"]));
}
