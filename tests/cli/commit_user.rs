//! `unpack`, `diff` and `commit` as somebody who is not root.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::geteuid;
use tempfile::TempDir;

/// Somebody without any rights.
const NOBODY: u32 = 65534;

/// A folder of somebody's, where they use imgtool.
struct Somebody {
    folder: TempDir,
}

impl Somebody {
    /// Nobody if the tests run as root, else who runs them. In their folder is `odd.tar`: an image with what its owner
    /// may not read.
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
        let program = folder.path().join("imgtool");
        // By another process: one that another test starts while this one writes would keep the file open for writing, and
        // it could not be run.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_imgtool")).arg(&program).status();
        assert!(copied.expect("cp starts").success(), "a copy that everybody may run");
        if geteuid().is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("root may");
        }
        fs::write(folder.path().join("odd.tar"), odd_tar()).expect("a file");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.folder.path())
            .env("IMGTOOL_ROOT", self.path("store"))
            .current_dir(self.folder.path());
        if geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// Runs imgtool as somebody; gives the exit code, and what it printed.
    fn run(&self, args: &[&str]) -> (i32, String) {
        let output = self.command(&self.path("imgtool"), args).output().expect("the binary starts");
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code().expect("an exit code"), text)
    }

    fn ok(&self, args: &[&str]) -> String {
        let (code, text) = self.run(args);
        assert_eq!(code, 0, "imgtool {args:?}: {text}");
        text
    }

    /// Runs another program as somebody.
    fn sh(&self, script: &str) {
        let status = self.command(Path::new("/bin/sh"), &["-c", script]).status().expect("a shell");
        assert!(status.success(), "{script}");
    }
}

/// Says what is not tried here.
fn skip(why: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// Files and directories that not even their owner may read, and others.
fn odd_tar() -> Vec<u8> {
    use imgtool::layer::{EntryKind, Meta, Mtime, TarWriter};
    use std::io::Write as _;
    let mut tar = TarWriter::new(Vec::new());
    let time = Mtime { seconds: 1_000_000_000, nanos: 5 };
    for (name, mode, content) in [
        ("closed/", 0, None),
        ("closed/in/", 0o700, None),
        ("closed/in/file", 0o600, Some("inside")),
        ("listed/", 0o444, None),
        ("listed/file", 0, Some("listed")),
        ("secret", 0, Some("secret")),
        ("empty", 0, Some("")),
        ("written", 0o200, Some("written")),
        ("etc/", 0o755, None),
        ("etc/passwd", 0o644, Some("root:x:0:0::/:/bin/sh\n")),
    ] {
        let size = content.map_or(0, str::len) as u64;
        let kind = if content.is_some() { EntryKind::File } else { EntryKind::Directory };
        let owned = Meta { kind, uid: 7, gid: 8, ..Meta::file(name.as_bytes(), size, mode, time) };
        tar.entry(&owned).expect("memory");
        tar.write_all(content.unwrap_or_default().as_bytes()).expect("memory");
    }
    tar.finish().expect("memory")
}

#[test]
fn a_tree_that_nobody_touched_has_no_changes() {
    let somebody = Somebody::new();
    somebody.ok(&["import", "odd.tar", "odd:1"]);
    for round in 0..40 {
        let name = format!("tree{round}");
        somebody.ok(&["unpack", "odd:1", &name]);
        assert_eq!(somebody.ok(&["diff", &name]), "", "round {round}");
        somebody.sh(&format!("mv {name} moved{round}"));
        assert_eq!(somebody.ok(&["diff", &format!("moved{round}")]), "", "round {round}, moved");
    }
    somebody.ok(&["commit", "-m", "nothing", "moved0", "odd:2"]);
    assert_eq!(somebody.ok(&["diff", "odd:1", "odd:2"]), "");
    assert_eq!(somebody.ok(&["diff", "moved0"]), "");
    if !geteuid().is_root() {
        skip("only root can copy what its owner may not read");
        return;
    }
    let copied = Command::new("cp").arg("-a").arg(somebody.path("moved1")).arg(somebody.path("copy")).status();
    assert!(copied.expect("cp").success());
    let text = somebody.ok(&["diff", "copy"]);
    assert!(text.lines().count() == 1 && text.contains("looks like a copy of"), "{text}");
    somebody.ok(&["commit", "copy", "odd:3"]);
    assert_eq!(somebody.ok(&["diff", "odd:1", "odd:3"]), "");
    assert_eq!(somebody.ok(&["diff", "copy"]), "");
}

#[test]
fn changes_next_to_what_cannot_be_read_lose_nothing() {
    let somebody = Somebody::new();
    somebody.ok(&["import", "odd.tar", "odd:1"]);
    somebody.ok(&["unpack", "odd:1", "tree"]);
    somebody.sh("echo user >> tree/etc/passwd && echo new > tree/etc/new && rm -f tree/empty");
    assert_eq!(somebody.ok(&["diff", "tree"]), "D /empty\nC /etc\nA /etc/new\nC /etc/passwd\n");
    somebody.ok(&["commit", "tree", "odd:2"]);
    let changes = somebody.ok(&["diff", "odd:1", "odd:2"]);
    assert_eq!(changes, "D /empty\nC /etc\nA /etc/new\nC /etc/passwd\n");
    assert_eq!(somebody.ok(&["diff", "tree"]), "");
    somebody.ok(&["unpack", "odd:2", "again"]);
    assert_eq!(somebody.ok(&["diff", "again"]), "");
}

#[test]
fn what_changed_and_cannot_be_read_is_named() {
    let somebody = Somebody::new();
    if geteuid().is_root() {
        somebody.ok(&["import", "odd.tar", "odd:1"]);
        somebody.ok(&["unpack", "odd:1", "tree"]);
        somebody
            .sh("cd tree && echo x > etc/one && chmod 0 etc/one && echo y > two && chmod 0 two && mkdir -m 0 three");
        somebody.sh("cd tree && chmod 600 secret && echo SECRET > secret && touch -d @1000000000.000000005 secret && chmod 0 secret");
        let (code, text) = somebody.run(&["commit", "tree", "odd:2"]);
        assert_eq!(code, 1, "{text}");
        for path in ["/etc/one", "/two", "/three", "/secret"] {
            assert!(text.contains(path), "{path}: {text}");
        }
        somebody.ok(&["commit", "--skip-unreadable", "tree", "odd:2"]);
        // Of the directory that got a file only the time has changed.
        let changes = somebody.ok(&["diff", "--format", "json", "odd:1", "odd:2"]);
        assert_eq!(changes, "[{\"Path\":\"/etc\",\"Kind\":\"changed\",\"Changes\":[\"mtime\"]}]\n");
    } else {
        skip("needs root to be somebody else");
    }
}

/// What is said to be left out is in no layer, neither with its name nor with its mode.
#[test]
fn what_is_left_out_is_not_in_the_layer() {
    if !geteuid().is_root() {
        skip("needs root to be somebody else");
        return;
    }
    let somebody = Somebody::new();
    somebody.ok(&["import", "odd.tar", "odd:1"]);
    let changes = [
        ("mkdir -m 0 new", "/new"),
        (
            "mkdir -m 444 listed.new && chmod 755 listed.new && touch listed.new/x && chmod 444 listed.new",
            "/listed.new",
        ),
        ("mkdir -m 111 entered && chmod 755 entered && touch entered/x && chmod 111 entered", "/entered"),
        ("mkdir -p deep/er && chmod 0 deep/er && touch -d @5 deep", "/deep/er"),
        ("echo x > etc/one && chmod 0 etc/one", "/etc/one"),
        ("echo x > two && ln two three && chmod 0 two", "/three"),
        ("chmod 0 etc", "/etc"),
        ("echo more >> etc/passwd && chmod 0 etc/passwd", "/etc/passwd"),
        ("chmod 0 etc/passwd", "/etc/passwd"),
    ];
    for (place, (script, path)) in changes.into_iter().enumerate() {
        let (tree, image) = (format!("tree{place}"), format!("odd:new{place}"));
        somebody.ok(&["unpack", "odd:1", &tree]);
        somebody.sh(&format!("cd {tree} && {script} && touch kept"));
        let (code, text) = somebody.run(&["diff", &tree]);
        assert!(code == 1 && text.contains(path), "{script}: {text}");
        let text = somebody.ok(&["commit", "--skip-unreadable", &tree, &image]);
        assert!(text.contains(&format!("not in the layer (permission denied): {path}")), "{script}: {text}");
        let expected = match path {
            "/deep/er" => "A /deep\nA /kept\n",
            "/etc/one" => "C /etc\nA /kept\n",
            _ => "A /kept\n",
        };
        assert_eq!(somebody.ok(&["diff", "odd:1", &image]), expected, "{script}");
        // Left out once, and found again.
        let (code, text) = somebody.run(&["diff", &tree]);
        assert!(code == 1 && text.contains(path), "{script}: {text}");
        somebody.sh(&format!("chmod -R u+rwX {tree}"));
    }
}

/// As [`an_empty_file_in_the_place_of_a_device`](crate::commit), where devices cannot be made at all.
#[test]
fn empty_files_and_devices() {
    let somebody = Somebody::new();
    let mut tar = imgtool::layer::TarWriter::new(Vec::new());
    let time = imgtool::layer::Mtime { seconds: 1_000_000_000, nanos: 0 };
    for (name, minor) in [("null", 3), ("zero", 5), ("full", 7)] {
        let kind = imgtool::layer::EntryKind::CharDevice { major: 1, minor };
        tar.entry(&imgtool::layer::Meta { kind, ..imgtool::layer::Meta::file(name.as_bytes(), 0, 0o666, time) })
            .expect("memory");
    }
    fs::write(somebody.path("devices.tar"), tar.finish().expect("memory")).expect("a file");
    somebody.ok(&["import", "devices.tar", "d:1"]);
    for (name, args) in [("own", &[][..]), ("squashed", &["--squash"]), ("named", &["--from", "d:1"])] {
        somebody.ok(&["unpack", "d:1", name]);
        somebody.sh(&format!("cd {name} && rm null && : > null && chmod 600 full"));
        let new = format!("d:{name}");
        somebody.ok(&[&["commit"], args, &[name, &new]].concat());
        let text = somebody.ok(&["diff", "--format", "json", "d:1", &new]);
        let kinds = |path: &str| text.contains(&format!(r#""Path":"/{path}","Kind":"changed","Changes":["type"#));
        assert!(kinds("null") && !kinds("full") && !text.contains("/zero"), "{name}: {text}");
        assert!(text.contains(r#"/full","Kind":"changed","Changes":["mode"]"#), "{name}: {text}");
        // A copy that keeps times is told apart, too.
        somebody.sh(&format!("cp -a {name} copy.{name} && cd copy.{name} && rm zero && : > zero"));
        let (code, text) = somebody.run(&["diff", &format!("copy.{name}")]);
        assert!(code == 0 && text.contains("C /zero") && !text.contains("/full"), "{name}: {text}");
    }
}
