//! What docker says to commands that were typed wrong.

use crate::support::session::Session;

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
