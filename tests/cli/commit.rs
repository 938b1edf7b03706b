//! `commit`: what became of a directory as a new image.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::picture::Picture;
use crate::support::producers::docker_save;
use crate::support::session::{Answer, Session};
use crate::support::tarball::{Member, member, pack, unpack};

fn items() -> Vec<Item> {
    vec![
        Item::dir("etc"),
        Item::file("etc/hosts", "hosts"),
        Item::dir("var"),
        Item::file("var/a", "a"),
        Item::file("var/b", "b"),
        Item::dir("opt"),
        Item::file("opt/x", "x"),
    ]
}

fn base() -> TestImage {
    TestImage::new(&["fx/base:1"]).raw_layer("ADD base", layer(&items())).step("CMD [\"/hello\"]")
}

/// A session with `fx/base:1`, unpacked to `tree`.
fn session() -> Session {
    let session = Session::new();
    session.load(&pack(&docker_save(&[base()])));
    session.ok(&["unpack", "fx/base:1", "tree"]);
    session
}

/// The names in the topmost layer.
fn top_layer(session: &Session, image: &str) -> Vec<String> {
    session.ok(&["save", "-o", "saved.tar", image]);
    let members = unpack(&session.read("saved.tar"));
    let manifest: Value = serde_json::from_slice(member(&members, "manifest.json")).expect("JSON");
    let path = manifest[0]["Layers"].as_array().and_then(|layers| layers.last()).expect("a layer");
    unpack(member(&members, path.as_str().expect("a path"))).into_iter().map(|member: Member| member.name).collect()
}

fn layers(session: &Session, image: &str) -> usize {
    session.inspect(image)["RootFS"]["Layers"].as_array().map_or(0, Vec::len)
}

fn refused(session: &Session, args: &[&str], pieces: &[&str]) -> Answer {
    let before = session.picture();
    let answer = session.run(args);
    answer.fails(1, pieces);
    assert_eq!(answer.out(), "", "{args:?}");
    let changes = crate::support::tree::changes(&before, &session.picture());
    assert!(changes.is_empty(), "{args:?} left traces: {changes:?}");
    answer
}

#[test]
fn an_image_of_as_many_layers_as_can_be_read_gets_no_more() {
    let many = (0..1024).fold(TestImage::new(&["fx/many:1"]), |image, number| {
        image.raw_layer("ADD", layer(&[Item::file("file", number.to_string())]))
    });
    let session = Session::new();
    session.load(&pack(&docker_save(&[many])));
    session.ok(&["unpack", "fx/many:1", "tree"]);
    session.write("tree/new", "new");
    refused(&session, &["commit", "tree", "fx/more:1"], &["too many layers: 1025, the limit is 1024", "--squash"]);
    assert_eq!(session.ok(&["diff", "tree"]), "A /new\n");
}

#[test]
fn the_way_of_the_tutorial() {
    let session = session();
    let add = |name: &str, text: &str| session.write(&format!("tree/{name}"), text);
    add("first", "test_first\n");
    let first = session.ok(&["commit", "-a", "NAME", "-m", "my first commit", "tree", "commit_test:first"]);
    add("second", "test_second\n");
    let second = session.ok(&["commit", "-a", "NAME", "-m", "my second commit", "tree", "commit_test:second"]);
    for id in [&first, &second] {
        assert!(id.starts_with("sha256:") && id.ends_with('\n') && id.len() == 72, "{id}");
    }
    assert_eq!(session.tags(), ["commit_test:first", "commit_test:second", "fx/base:1"]);
    let counts = ["fx/base:1", "commit_test:first", "commit_test:second"].map(|image| layers(&session, image));
    assert_eq!(counts, [1, 2, 3]);
    let inspect = session.inspect("commit_test:second");
    assert_eq!((&inspect["Author"], &inspect["Id"]), (&json!("NAME"), &json!(second.trim())));
    let rows = session.ok(&["history", "--format", "{{.Size}}|{{.CreatedBy}}|{{.Comment}}", "commit_test:second"]);
    assert_eq!(rows, "12B|/hello|my second commit\n11B|/hello|my first commit\n0B|CMD [\"/hello\"]|\n8B|ADD base|\n");
    // 8 bytes of the base, once, and what came on top.
    let total = session.ok(&["system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Size}}"]);
    assert_eq!(total.lines().next(), Some("Images 3 31B"), "{total}");
    let sizes = session.ok(&["images", "--format", "{{.Tag}} {{.Size}}"]);
    assert_eq!(sizes.lines().collect::<std::collections::BTreeSet<_>>(), ["1 8B", "first 19B", "second 31B"].into());
    assert_eq!(session.ok(&["rmi", "commit_test:first"]), "Untagged: commit_test:first\n");
    let removed = session.ok(&["rmi", "commit_test:second"]);
    let words: Vec<&str> = removed.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(words, ["Untagged", "Deleted", "Deleted", "Deleted", "Deleted"], "{removed}");
    assert!(removed.contains(&format!("Deleted: {second}")) && removed.contains(&format!("Deleted: {first}")));
    assert_eq!(session.tags(), ["fx/base:1"]);
    session.ok(&["export", "-o", "base.tar", "fx/base:1"]);
}

#[test]
fn all_kinds_of_changes_are_one_layer() {
    let session = session();
    let at = |name: &str| session.work().join("tree").join(name);
    session.write("tree/etc/hosts", "other");
    fs::remove_file(at("var/a")).expect("a file");
    fs::remove_dir_all(at("opt")).expect("a folder");
    fs::write(at("opt"), "a file now").expect("a file");
    fs::remove_file(at("var/b")).expect("a file");
    fs::create_dir(at("var/b")).expect("a folder");
    symlink("etc/hosts", at("link")).expect("a link");
    fs::hard_link(at("etc/hosts"), at("hard")).expect("a link");
    session.ok(&["commit", "tree", "fx/new:1"]);
    let names = top_layer(&session, "fx/new:1");
    for name in ["etc/", "etc/hosts", "var/", "var/.wh.a", "var/b/", "opt", "link", "hard"] {
        assert!(names.iter().any(|one| one == name), "{name} is not in {names:?}");
    }
    session.ok(&["unpack", "fx/new:1", "again"]);
    let [one, two] = ["tree", "again"].map(|folder| Picture::of_folder(&session.work().join(folder)));
    two.assert_is(&one, "unpacked again");
    assert_eq!(session.ok(&["diff", "tree"]), "");
}

#[test]
fn no_change_is_no_layer() {
    let session = session();
    let id = session.ok(&["commit", "-m", "nothing", "tree", "fx/same:1"]);
    assert_eq!(layers(&session, "fx/same:1"), 1);
    let history = session.history("fx/same:1");
    assert_eq!((history.len(), &history[0]["Size"], &history[0]["Comment"]), (3, &json!("0B"), &json!("nothing")));
    assert_ne!(session.inspect("fx/base:1")["Id"], json!(id.trim()));
}

#[test]
fn a_change_of_metadata_only() {
    let session = session();
    fs::set_permissions(session.work().join("tree/var/a"), fs::Permissions::from_mode(0o600)).expect("a mode");
    assert_eq!(session.ok(&["diff", "tree"]), "C /var\nC /var/a\n");
    session.ok(&["commit", "tree", "fx/new:1"]);
    assert_eq!(top_layer(&session, "fx/new:1"), ["var/", "var/a"]);
    session.ok(&["unpack", "fx/new:1", "again"]);
    let mode = fs::metadata(session.work().join("again/var/a")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
}

#[test]
fn the_config_is_merged_as_docker_does() {
    let config =
        json!({"Cmd": ["/hello"], "Env": ["A=1", "B=2"], "Labels": {"l": "1"}, "ExposedPorts": {"80/tcp": {}}});
    let session = Session::new();
    session.load(&pack(&docker_save(&[base().with("config", config)])));
    session.ok(&["unpack", "fx/base:1", "tree"]);
    session.ok(&[
        "commit",
        "-c",
        "ENV B=3 C=$A",
        "--change",
        "LABEL m=2",
        "-c",
        "EXPOSE 81",
        "-c",
        "WORKDIR /w",
        "-c",
        "CMD [\"x\"]",
        "tree",
        "fx/new:1",
    ]);
    let config = session.inspect("fx/new:1")["Config"].clone();
    let mut variables: Vec<&str> = config["Env"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    variables.sort_unstable();
    assert_eq!(variables, ["A=1", "B=3", "C=1"]);
    assert_eq!(config["Labels"], json!({"l": "1", "m": "2"}));
    assert_eq!(config["ExposedPorts"], json!({"80/tcp": {}, "81/tcp": {}}));
    assert_eq!((&config["WorkingDir"], &config["Cmd"]), (&json!("/w"), &json!(["x"])));
    refused(&session, &["commit", "-c", "RUN x", "tree"], &["RUN is not a valid change command"]);
}

#[test]
fn a_directory_that_nobody_unpacked_is_a_first_layer() {
    let session = Session::new();
    session.write("own/bin/tool", "x");
    let first = session.run(&["commit", "-m", "by hand", "-c", "CMD [\"/bin/tool\"]", "own", "fx/own:1"]);
    assert!(first.stderr.contains("no image was unpacked to own: everything in it is new"), "{}", first.stderr);
    let id = first.ok();
    assert_eq!(layers(&session, "fx/own:1"), 1);
    assert_eq!(session.history("fx/own:1").len(), 1);
    assert_eq!(session.inspect("fx/own:1")["Config"]["Cmd"], json!(["/bin/tool"]));
    assert_eq!(top_layer(&session, id.trim()), ["./", "bin/", "bin/tool"]);
    // From then on it has a base.
    session.write("own/more", "x");
    assert_eq!(session.ok(&["diff", "own"]), "A /more\n");
    session.ok(&["commit", "own", "fx/own:2"]);
    assert_eq!(layers(&session, "fx/own:2"), 2);
}

#[test]
fn from_another_image_or_nothing() {
    let session = session();
    session.write("tree/new", "x");
    session.ok(&["commit", "--from", "scratch", "tree", "fx/flat:1"]);
    assert_eq!(layers(&session, "fx/flat:1"), 1);
    assert_eq!(top_layer(&session, "fx/flat:1").len(), items().len() + 2);
    session.write("other/new", "x");
    session.ok(&["commit", "--from", "fx/base:1", "other", "fx/other:1"]);
    assert_eq!(layers(&session, "fx/other:1"), 2);
    let names = top_layer(&session, "fx/other:1");
    for gone in [".wh.etc", ".wh.opt", ".wh.var", "new"] {
        assert!(names.iter().any(|name| name == gone), "{names:?}");
    }
    refused(&session, &["commit", "--from", "fx/none", "tree"], &["No such image: fx/none:latest"]);
}

#[test]
fn squashed_into_one_layer() {
    let session = session();
    for name in ["one", "two"] {
        session.write(&format!("tree/{name}"), name);
        session.ok(&["commit", "tree", &format!("fx/{name}:1")]);
    }
    fs::remove_file(session.work().join("tree/one")).expect("a file");
    session.ok(&["commit", "--squash", "tree", "fx/squashed:1"]);
    assert_eq!(layers(&session, "fx/squashed:1"), 2, "one above the base");
    assert_eq!(top_layer(&session, "fx/squashed:1"), ["two"]);
    assert_eq!(session.ok(&["diff", "tree"]), "");
}

#[test]
fn what_is_left_out() {
    let session = session();
    session.write("tree/new.log", "x");
    session.write("tree/var/cache/deep", "x");
    session.write("tree/var/b", "changed");
    session.write("tree/kept", "x");
    session.ok(&["commit", "--exclude", "*.log", "--exclude", "/var/*", "tree", "fx/new:1"]);
    // Of var only the time has changed.
    assert_eq!(top_layer(&session, "fx/new:1"), ["kept", "var/"]);
    assert_eq!(session.ok(&["diff", "tree"]), "A /new.log\nC /var\nC /var/b\nA /var/cache\nA /var/cache/deep\n");
}

/// Paths that stay as they are in the base also where the directory above them is gone.
#[test]
fn left_out_below_what_is_gone() {
    let items = [
        Item::dir("a").mode(0o750),
        Item::dir("a/b"),
        Item::file("a/b/deep", "deep"),
        Item::dir("a/c"),
        Item::file("a/c/x", "x"),
        Item::file("a/d", "d"),
        Item::dir("z"),
        Item::file("z/y", "y"),
    ];
    let image = || TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&items));
    for (exclude, in_layer, lines) in [
        ("a/b", &["a/", "a/.wh.c", "a/.wh.d"][..], "C /a\nD /a/c\nD /a/d\n"),
        ("a/b/deep", &["a/", "a/.wh.c", "a/.wh.d"], "C /a\nD /a/c\nD /a/d\n"),
        ("/a/c/x", &["a/", "a/.wh.b", "a/.wh.d"], "C /a\nD /a/b\nD /a/d\n"),
        ("x", &["a/", "a/.wh.b", "a/.wh.d"], "C /a\nD /a/b\nD /a/d\n"),
        ("a/none", &[".wh.a"], "D /a\n"),
        ("a", &[], ""),
    ] {
        let session = Session::new();
        session.load(&pack(&docker_save(&[image()])));
        session.ok(&["unpack", "fx/a:1", "tree"]);
        fs::remove_dir_all(session.work().join("tree/a")).expect("a folder");
        assert_eq!(session.ok(&["diff", "--exclude", exclude, "tree"]), lines, "{exclude}");
        session.ok(&["commit", "--exclude", exclude, "tree", "fx/a:2"]);
        // The root's time is no part of an image.
        let names = if in_layer.is_empty() { Vec::new() } else { top_layer(&session, "fx/a:2") };
        assert_eq!(names, in_layer, "{exclude}");
        assert_eq!(session.ok(&["diff", "fx/a:1", "fx/a:2"]), lines, "{exclude}");
        // What was left out is still a change.
        assert_eq!(session.ok(&["diff", "--exclude", exclude, "tree"]), "", "{exclude}");
        assert_eq!(session.ok(&["diff", "tree"]).contains("D /a"), lines != "D /a\n", "{exclude}");
    }
}

/// An empty file stands for a device where unpacking may not make it; one that somebody made is a file.
#[test]
fn an_empty_file_in_the_place_of_a_device() {
    let nodes =
        || [Item::dir("dev"), Item::new("dev/null", b'3').device(1, 3), Item::new("dev/zero", b'3').device(1, 5)];
    let image = TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&nodes()));
    let session = Session::new();
    session.load(&pack(&docker_save(&[image])));
    for (name, args) in [("own", &[][..]), ("squashed", &["--squash"]), ("named", &["--from", "fx/a:1"])] {
        session.ok(&["unpack", "fx/a:1", name]);
        let null = session.work().join(name).join("dev/null");
        fs::remove_file(&null).expect("an empty file");
        fs::write(&null, "").expect("another empty file");
        let new = format!("fx/{name}:1");
        session.ok(&[&["commit"], args, &[name, &new]].concat());
        let changes = session.ok(&["diff", "--format", "json", "fx/a:1", &new]);
        let changes: Value = serde_json::from_str(&changes).expect("JSON");
        let null = changes.as_array().expect("a list").iter().find(|change| change["Path"] == "/dev/null");
        assert_eq!(null.map(|null| null["Changes"][0].clone()), Some(json!("type")), "{name}: {changes}");
        let zero = changes.as_array().expect("a list").iter().any(|change| change["Path"] == "/dev/zero");
        assert!(!zero, "{name}: {changes}");
        assert_eq!(session.ok(&["diff", name]), "", "{name}");
    }
}

/// A full disk, wherever it is met, leaves the image and what is remembered of the directory as they were, or both new.
#[test]
fn an_image_and_its_snapshot_come_together() {
    let session = session();
    for number in 0..40 {
        session.write(&format!("tree/{number}-{}", "x".repeat(200)), "");
    }
    let mut failed = 0;
    for blocks in 1.. {
        // No file may become longer than that many times 512 bytes.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut command = std::process::Command::new("/bin/sh");
        let imgtool = session.command(&[]);
        command.args(["-c", &script]).arg(imgtool.get_program()).args(["commit", "tree", "fx/new:1"]);
        command.env_clear().current_dir(session.work());
        command.envs(imgtool.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.output().expect("a shell");
        let is_there = session.tags().contains(&"fx/new:1".to_owned());
        let is_known = session.ok(&["diff", "tree"]).is_empty();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!((is_there, is_known), (output.status.success(), output.status.success()), "{blocks}: {text}");
        if output.status.success() {
            break;
        }
        failed += 1;
    }
    assert!(failed > 20, "{failed}");
}

#[test]
fn empty_lists_clear_command_and_entrypoint() {
    let session = Session::new();
    let image = TestImage::sample("fx/a:1").with("config", json!({"Entrypoint": ["/e"], "Cmd": ["c"]}));
    session.load(&pack(&docker_save(&[image])));
    session.ok(&["unpack", "fx/a:1", "tree"]);
    for (change, entrypoint, cmd) in [
        ("CMD []", json!(["/e"]), json!(null)),
        ("ENTRYPOINT []", json!(null), json!(null)),
        ("ENTRYPOINT []\nCMD [\"n\"]", json!(null), json!(["n"])),
    ] {
        let id = session.ok(&["commit", "--from", "fx/a:1", "-c", change, "tree"]);
        let config = &session.inspect(id.trim())["Config"];
        assert_eq!((&config["Entrypoint"], &config["Cmd"]), (&entrypoint, &cmd), "{change}");
    }
}

#[test]
fn as_json() {
    let session = session();
    let base = session.inspect("fx/base:1");
    session.write("tree/new", "x");
    let dry = session.ok(&["commit", "--dry-run", "--format", "json", "tree"]);
    assert_eq!(dry, "[{\"Path\":\"/new\",\"Kind\":\"added\"}]\n");
    let text = session.ok(&["commit", "--format", "json", "tree", "fx/new"]);
    assert_eq!(text.lines().count(), 1);
    let made: Value = serde_json::from_str(&text).expect("JSON");
    let new = session.inspect("fx/new");
    assert_eq!(made["ID"], new["Id"]);
    assert_eq!(made["Layers"], new["RootFS"]["Layers"]);
    assert_eq!(made["Layers"][0], base["RootFS"]["Layers"][0]);
    assert_eq!((&made["Names"], &made["LeftOut"]), (&json!(["fx/new:latest"]), &json!([])));
    assert_eq!(session.ok(&["images", "--digests", "--format", "{{.Digest}}", "fx/new"]).trim(), made["Digest"]);
    let _socket = UnixListener::bind(session.work().join("tree/one")).expect("a socket");
    let made = session.run(&["commit", "--format", "json", "tree"]).ok();
    let made: Value = serde_json::from_str(&made).expect("JSON");
    assert_eq!((&made["Names"], &made["LeftOut"]), (&json!([]), &json!(["/one"])));
}

#[test]
fn a_dry_run_changes_nothing() {
    let session = session();
    session.write("tree/new", "x");
    let before = session.picture();
    assert_eq!(session.ok(&["commit", "--dry-run", "tree", "fx/new:1"]), "A /new\n");
    assert_eq!(session.ok(&["commit", "--dry-run", "--exclude", "new", "tree"]), "");
    assert_eq!(session.picture(), before);
    assert_eq!(session.tags(), ["fx/base:1"]);
}

#[test]
fn the_same_changes_at_the_same_time_are_the_same_image() {
    let session = session();
    session.ok(&["unpack", "fx/base:1", "again"]);
    let commit = |folder: &str, args: &[&str], epoch: Option<&str>| {
        session.write(&format!("{folder}/new"), "x");
        let mut command = session.command(&[&["commit"], args, &[folder]].concat());
        if let Some(epoch) = epoch {
            command.env("SOURCE_DATE_EPOCH", epoch);
        }
        let output = command.output().expect("the binary runs");
        String::from_utf8(output.stdout).expect("an ID")
    };
    let one = commit("tree", &[], Some("1000000000"));
    let two = commit("again", &["--timestamp", "1000000000"], None);
    assert!(one.starts_with("sha256:"));
    assert_eq!(one, two);
    assert_eq!(session.inspect(one.trim())["Created"], json!("2001-09-09T01:46:40Z"));
    session.ok(&["unpack", "fx/base:1", "third"]);
    let three = commit("third", &["--timestamp", "2001-09-09T01:46:40Z"], Some("5"));
    assert_eq!(one, three, "what is typed counts more than the environment");
    for wrong in ["yesterday", "12x"] {
        refused(&session, &["commit", "--timestamp", wrong, "tree"], &["invalid --timestamp"]);
    }
    let mut command = session.command(&["commit", "tree"]);
    let output = command.env("SOURCE_DATE_EPOCH", "soon").output().expect("the binary runs");
    assert!(
        String::from_utf8_lossy(&output.stderr)
            .contains("invalid SOURCE_DATE_EPOCH \"soon\": expected seconds since 1970")
    );
}

#[test]
fn sockets_are_left_out_and_pipes_are_not_opened() {
    let session = session();
    let _one = UnixListener::bind(session.work().join("tree/one")).expect("a socket");
    let _two = UnixListener::bind(session.work().join("tree/two")).expect("a socket");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, session.work().join("tree/fifo"), rustix::fs::FileType::Fifo, mode, 0)
        .expect("a pipe");
    let answer = session.run(&["commit", "tree", "fx/new:1"]);
    assert_eq!(answer.code, 0, "{}", answer.text());
    assert_eq!(answer.stderr, "warning: sockets are not in the layer: /one and 1 more\n");
    assert_eq!(top_layer(&session, "fx/new:1"), ["fifo"]);
}

#[test]
fn what_cannot_be_read() {
    let Some(session) = Session::ordinary() else { return };
    session.load(&pack(&docker_save(&[base()])));
    session.ok(&["unpack", "fx/base:1", "tree"]);
    let secret = session.write("tree/secret", "x");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).expect("a mode");
    session.write("tree/new", "x");
    let words = ["error: cannot read /secret: permission denied", "--skip-unreadable"];
    refused(&session, &["commit", "tree", "fx/new:1"], &words);
    session.run(&["diff", "tree"]).fails(1, &words);
    let answer = session.run(&["commit", "--skip-unreadable", "tree", "fx/new:1"]);
    assert_eq!(answer.code, 0, "{}", answer.text());
    assert_eq!(answer.stderr, "warning: not in the layer (permission denied): /secret\n");
    assert_eq!(top_layer(&session, "fx/new:1"), ["new"]);
}

#[test]
fn a_file_that_is_written_to_is_no_torn_layer() {
    use std::io::Write as _;
    let session = session();
    let mut file = File::create(session.work().join("tree/log")).expect("a file");
    file.write_all(&vec![b'x'; 8 << 20]).expect("room");
    let writer = std::thread::spawn(move || {
        let started = std::time::Instant::now();
        while started.elapsed() < std::time::Duration::from_secs(3) {
            file.write_all(b"more\n").expect("room");
        }
    });
    let before = session.picture();
    let answer = session.run(&["commit", "tree", "fx/new:1"]);
    writer.join().expect("it does not panic");
    answer.fails(1, &["log changed while it was read"]);
    assert_eq!(session.picture(), before);
    session.ok(&["commit", "tree", "fx/new:1"]);
}

#[test]
fn an_ordinary_user_loses_nothing() {
    let Some(session) = Session::ordinary() else { return };
    let items = [
        Item::dir("d").owner(5, 6),
        Item::file("d/a", "a").owner(7, 8).mode(0o4755),
        Item::new("null", b'3').device(1, 3),
    ];
    session.load(&pack(&docker_save(&[TestImage::new(&["fx/a:1"]).raw_layer("ADD", layer(&items))])));
    session.ok(&["unpack", "fx/a:1", "tree"]);
    session.write("tree/d/new", "x");
    session.write("tree/d/a", "changed");
    session.ok(&["commit", "tree", "fx/a:2"]);
    session.ok(&["export", "-o", "x.tar", "fx/a:2"]);
    let tar = Picture::of_tar(&session.work().join("x.tar"));
    let owner = |path: &str| (tar.paths[path.as_bytes()].uid, tar.paths[path.as_bytes()].gid);
    assert_eq!((owner("d"), owner("d/a"), owner("d/new")), ((5, 6), (7, 8), (0, 0)));
    assert_eq!(tar.paths[&b"null"[..]].kind, crate::support::picture::Kind::Char(1, 3));
}

#[test]
fn what_is_not_there() {
    let session = session();
    refused(&session, &["commit", "none"], &["error: open none: no such file or directory"]);
    refused(&session, &["commit", "load.tar"], &["error: open load.tar: not a directory"]);
    for outside in ["./load.tar", "docker-archive:load.tar"] {
        refused(
            &session,
            &["commit", "--from", outside, "tree"],
            &["load.tar is not in the store: a new image is built on stored layers; load it"],
        );
    }
    refused(&session, &["commit", "tree", "UPPER"], &["invalid reference format", "lowercase"]);
    let usage = "Usage:  imgtool commit [OPTIONS] DIR [REPOSITORY[:TAG]]";
    refused(&session, &["commit"], &["'imgtool commit' requires at least 1 and at most 2 arguments", usage]);
    refused(
        &session,
        &["commit", "a", "b", "c"],
        &["'imgtool commit' requires at least 1 and at most 2 arguments", usage],
    );
    session.ok(&["rmi", "fx/base:1"]);
    let words = "the image that tree was unpacked from is not in the store: ";
    refused(&session, &["commit", "tree"], &[words, "load it again, or use --from IMAGE"]);
}

#[test]
fn attributes_whose_name_has_an_equals_sign() {
    let session = Session::new();
    session.load(&pack(&docker_save(&[TestImage::of("fx/a:1", "a")])));
    session.ok(&["unpack", "-q", "fx/a:1", "t"]);
    let set = |name: &str, value: &[u8]| {
        rustix::fs::setxattr(session.work().join("t/text"), name, value, rustix::fs::XattrFlags::empty()).is_ok()
    };
    if !set("user.k=v", b"1") || !set("user.100%", b"") || !set("user.k", b"x") {
        return crate::support::skip("no extended attributes here");
    }
    session.ok(&["commit", "t", "fx/b:1"]);
    session.ok(&["unpack", "-q", "fx/b:1", "u"]);
    session.ok(&["export", "-o", "root.tar", "fx/b:1"]);
    session.ok(&["import", "root.tar", "fx/c:1"]);
    session.ok(&["unpack", "-q", "fx/c:1", "v"]);
    for folder in ["u", "v"] {
        let path = session.work().join(folder).join("text");
        let mut list = vec![0_u8; 1024];
        let length = rustix::fs::listxattr(&path, &mut list[..]).expect("attributes");
        let mut names: Vec<&[u8]> =
            list[..length].split(|byte| *byte == 0).filter(|name| name.starts_with(b"user.")).collect();
        names.sort_unstable();
        assert_eq!(names, [&b"user.100%"[..], b"user.k", b"user.k=v"], "{folder}");
        let mut value = [0_u8; 8];
        let length = rustix::fs::getxattr(&path, "user.k=v", &mut value[..]).expect("a value");
        assert_eq!(&value[..length], b"1");
    }
}
