//! What docker says to commands that were typed wrong.

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::pack;

#[test]
fn wrong_numbers_of_arguments() {
    let session = Session::new();
    for (args, said) in [
        (&["save"][..], "imgtool: 'imgtool save' requires at least 1 argument"),
        (&["load", "x"], "imgtool: 'imgtool load' accepts no arguments"),
        (&["history"], "imgtool: 'imgtool history' requires 1 argument"),
        (&["history", "a", "b"], "imgtool: 'imgtool history' requires 1 argument"),
        (&["inspect"], "imgtool: 'imgtool inspect' requires at least 1 argument"),
        (&["image", "inspect"], "imgtool: 'imgtool image inspect' requires at least 1 argument"),
        (&["tag", "a"], "imgtool: 'imgtool tag' requires 2 arguments"),
        (&["rmi"], "imgtool: 'imgtool rmi' requires at least 1 argument"),
        (&["images", "a", "b"], "imgtool: 'imgtool images' requires at most 1 argument"),
        (&["image", "prune", "a"], "imgtool: 'imgtool image prune' accepts no arguments"),
    ] {
        let answer = session.run(args);
        answer.fails(1, &[said, "Usage:  imgtool", "--help' for more information"]);
        assert_eq!(answer.out(), "", "{args:?}");
    }
}

#[test]
fn unknown_flags_and_commands() {
    let session = Session::new();
    for command in ["save", "load", "images", "history", "inspect", "tag", "rmi"] {
        session.run(&[command, "--bogus"]).fails(125, &["unknown flag: --bogus", &format!("imgtool {command} --help")]);
    }
    session
        .run(&["nosuch"])
        .fails(1, &["imgtool: unknown command: imgtool nosuch", "Run 'imgtool --help' for more information"]);
    session.run(&["image", "nosuch"]).fails(1, &["imgtool: unknown command: imgtool image nosuch"]);
}

#[test]
fn help_and_version() {
    let session = Session::new();
    let help = session.ok(&["--help"]);
    for command in ["load", "save", "images", "history", "inspect", "tag", "rmi", "image"] {
        assert!(help.contains(command), "{command} is not in\n{help}");
        let own = session.ok(&[command, "--help"]);
        assert!(own.contains("Usage:"), "{own}");
    }
    assert!(session.ok(&["--version"]).contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_store_is_where_one_says() {
    let session = Session::new();
    let image = crate::support::image::TestImage::of("fx/a:1", "a");
    session.write("a.tar", crate::support::tarball::pack(&crate::support::producers::docker_save(&[image])));
    session.ok(&["--root", "elsewhere", "load", "-i", "a.tar"]);
    assert!(session.work().join("elsewhere/index.json").exists());
    assert_eq!(session.ids(), [""; 0], "--root goes before IMGTOOL_ROOT");
    let mut command = session.command(&["load", "-i", "a.tar"]);
    command.env_remove("IMGTOOL_ROOT");
    assert!(command.status().expect("the binary starts").success());
    let home = session.work().parent().expect("the session's folder").join("home");
    assert!(home.join(".local/share/imgtool/index.json").exists());
    let mut command = session.command(&["load", "-i", "a.tar"]);
    command.env_remove("IMGTOOL_ROOT").env("XDG_DATA_HOME", session.work().join("data"));
    assert!(command.status().expect("the binary starts").success());
    assert!(session.work().join("data/imgtool/index.json").exists());
}

#[test]
fn slips_get_the_right_command() {
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[TestImage::sample("fx/a:1")])));
    session.write("a.tar", b"");
    std::fs::create_dir(session.work().join("tree")).expect("a folder");
    for (args, code, hint) in [
        (&["load", "a.tar"][..], 1, "did you mean imgtool load -i a.tar?"),
        (&["image", "load", "-q", "a.tar"], 1, "did you mean imgtool image load -i a.tar?"),
        (&["load", "-o", "a.tar"], 125, "the archive to load is named by -i, --input"),
        (&["save", "-i", "b.tar", "fx/a:1"], 125, "the file to write is named by -o, --output"),
        (&["export", "--input=b.tar", "fx/a:1"], 125, "the file to write is named by -o, --output"),
        (&["save", "fx/a:1", "b.tar"], 1, "did you mean imgtool save -o b.tar fx/a:1?"),
        (&["save", "b.tar"], 1, "did you mean imgtool save -o b.tar IMAGE?"),
        (&["import", "-i", "a.tar"], 125, "the archive is named without a flag: import FILE [NAME]"),
        (&["import", "base:1", "a.tar"], 1, "did you mean imgtool import a.tar base:1?"),
        (
            &["commit", "app:2", "tree"],
            1,
            "tree is the directory, app:2 the name: did you mean imgtool commit tree app:2?",
        ),
        (
            &["commit", "tree", "app", "2"],
            1,
            "tree is the directory, app the name: did you mean imgtool commit tree app?",
        ),
        (
            &["container", "commit", "x", "y", "z"],
            1,
            "the first argument is the directory, the second the name: imgtool container commit DIR NAME[:TAG]",
        ),
        (&["save", "-o", "no/such/x.tar", "fx/a:1"], 1, "no does not exist. Create it: mkdir -p no/such"),
        (&["export", "-o", "tree/such/x.tar", "fx/a:1"], 1, "tree/such does not exist. Create it: mkdir -p tree/such"),
    ] {
        let answer = session.run(args);
        answer.fails(code, &[&format!("hint: {hint}\n")]);
        assert_eq!(answer.stderr.matches("hint: ").count(), 1, "{args:?}: {}", answer.stderr);
    }
    assert_eq!(session.run(&["commit", "tree", "app:2", "--from", "scratch"]).code, 0, "no slip, no hint");
}

#[test]
fn only_what_is_near_is_suggested() {
    let session = Session::new();
    for (args, near) in [
        (&["rmi", "--forse"][..], Some("Did you mean --force?")),
        (&["rmi", "--format", "x"], None),
        (&["histroy"], Some("Did you mean 'imgtool history'?")),
        (&["image", "prun"], Some("Did you mean 'imgtool image prune'?")),
        (&["verfiy-all"], None),
        (&["zzz"], None),
    ] {
        let said = session.run(args).stderr;
        assert_eq!(said.lines().find(|line| line.starts_with("Did you mean")), near, "{args:?}: {said}");
    }
    let compose = session.run(&["compose", "up"]).stderr;
    assert!(!compose.contains("build"), "{compose}");
}

#[test]
fn container_commit_and_export_are_commit_and_export() {
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&[TestImage::sample("fx/a:1")])));
    session.ok(&["unpack", "fx/a:1", "tree"]);
    std::fs::write(session.work().join("tree/new"), "new").expect("a file");
    assert_eq!(session.ok(&["container", "diff", "tree"]), "A /new\n");
    session.ok(&["container", "commit", "tree", "fx/a:2"]);
    session.ok(&["container", "export", "-o", "new.tar", "fx/a:2"]);
    assert_eq!(session.read("new.tar"), session.run(&["export", "fx/a:2"]).stdout);
    for word in ["run", "ls", "ps", "exec", "rm", "prune", "inspect", "logs", "stats"] {
        let answer = session.run(&["container", word, "-it", "x"]);
        answer.fails(1, &[&format!("imgtool container {word}: imgtool ")]);
    }
    session.run(&["container", "comit"]).fails(1, &["Did you mean 'imgtool container commit'?"]);
    assert!(session.ok(&["commit", "--help"]).contains("Aliases:\n  imgtool container commit, imgtool commit\n"));
}
