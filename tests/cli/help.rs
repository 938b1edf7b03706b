//! Help, manual pages, and what is said to a slip of the fingers.

use std::fs;
use std::process::Command;

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::pack;

#[test]
fn a_page_in_dockers_form() {
    let session = Session::new();
    let page = session.ok(&["tag", "--help"]);
    assert_eq!(
        page,
        "\
Usage:  imgtool tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]

Give an image another name

Aliases:
  imgtool image tag, imgtool tag

Examples:
  # Give an image another name
  imgtool tag ubuntu:14.04 base:stable
  # Name it for a registry
  imgtool tag app registry.example/team/app:1.2
  # Name an image by its ID
  imgtool tag 6f88aa08c89e app:found

Global Options:
      --root DIR        Directory of the image store [default: $IMGTOOL_ROOT, or
                        $XDG_DATA_HOME/imgtool, or ~/.local/share/imgtool]
      --progress MODE   How to show progress on standard error (auto, plain, json, none)
"
    );
}

#[test]
fn all_ways_to_ask_lead_to_one_page() {
    let session = Session::new();
    for (one, other) in [
        (&["image", "ls", "--help"][..], &["help", "image", "ls"][..]),
        (&["image", "ls", "-h"], &["image", "list", "--help"]),
        (&["save", "--help"], &["help", "save"]),
        (&["--help"], &["help"]),
        (&["image", "--help"], &["help", "image"]),
    ] {
        let page = session.ok(one);
        assert!(page.starts_with("Usage:  imgtool"), "{page}");
        assert!(page.contains("\nExamples:\n"), "{page}");
        if !other.contains(&"list") {
            assert_eq!(page, session.ok(other), "{one:?}");
        }
        assert!(page.lines().all(|line| line.chars().count() <= 100 || line.contains("imgtool ")), "{page}");
    }
    session.run(&["man"]).fails(1, &["imgtool: 'imgtool man' requires 1 argument"]);
    session.run(&["completion", "tcsh"]).fails(1, &["tcsh", "bash, fish, zsh"]);
    session.run(&["help", "nosuch"]).fails(1, &["unknown command: imgtool nosuch"]);
    let aliases = session.ok(&["images", "--help"]);
    assert!(aliases.contains("\nAliases:\n  imgtool image ls, imgtool image list, imgtool images\n"), "{aliases}");
}

#[test]
fn help_needs_no_home() {
    let session = Session::new();
    for args in [&["--help"][..], &["help", "save"], &["completion", "bash"], &["man", "pages"], &["--version"]] {
        let output = session.command(args).env_remove("HOME").env_remove("IMGTOOL_ROOT").output().expect("it starts");
        assert!(output.status.success(), "{args:?}");
    }
    let output =
        session.command(&["images"]).env_remove("HOME").env_remove("IMGTOOL_ROOT").output().expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: cannot find a directory for the image store: set HOME, or use --root DIR\n"
    );
    let output = session.command(&["images", "--root", "store"]).env_remove("HOME").env_remove("IMGTOOL_ROOT").output();
    assert!(output.expect("it starts").status.success());
}

#[test]
fn a_slip_is_understood() {
    let session = Session::new();
    session
        .run(&["images", "--dijests"])
        .fails(125, &["unknown flag: --dijests\n", "Did you mean --digests?", "Usage:  imgtool images [OPTIONS]"]);
    session.run(&["histroy", "x"]).fails(1, &["unknown command: imgtool histroy\n", "Did you mean 'imgtool history'?"]);

    let image =
        TestImage::of("ubuntu:14.04", "a").also_tagged("ubuntu:22.04").also_tagged("registry.example/team/app:1");
    session.load(&pack(&producers::docker_save(&[image])));
    for (typed, meant) in [
        ("ubunto", Some("ubuntu:14.04")),
        ("ubunto:22.4", Some("ubuntu:22.04")),
        ("ubuntu:24.04", Some("ubuntu:14.04")),
        ("registry.exmaple/team/app:1", Some("registry.example/team/app:1")),
        ("debian", None),
        ("ub", None),
        ("ubuntu/x", Some("ubuntu:14.04")),
    ] {
        for args in
            [&["history", typed][..], &["inspect", typed], &["rmi", typed], &["save", typed], &["tag", typed, "x"]]
        {
            let answer = session.run(args);
            let lines: Vec<&str> = answer.stderr.lines().collect();
            assert_eq!(answer.code, 1, "{args:?}");
            let said = lines[0].to_lowercase();
            assert!(said.contains("no such image: ") || said.contains("no such object: "), "{args:?}: {lines:?}");
            assert_eq!(
                lines.get(1).copied(),
                meant.map(|meant| format!("did you mean {meant}?")).as_deref(),
                "{args:?}"
            );
            assert!(lines.len() <= 2, "{lines:?}");
        }
    }
}

#[test]
fn manual_pages() {
    let session = Session::new();
    let said = session.ok(&["man", "share/man/man1"]);
    let folder = session.work().join("share/man/man1");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("the folder was made")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("a plain name"))
        .collect();
    names.sort();
    assert_eq!(said, format!("{} pages are in share/man/man1\n", names.len()));
    for name in ["imgtool.1", "imgtool-commit.1", "imgtool-image-ls.1", "imgtool-images.1", "imgtool-system-df.1"] {
        assert!(names.iter().any(|found| found == name), "{name} is not among {names:?}");
    }
    for name in &names {
        let text = fs::read_to_string(folder.join(name)).expect("a page");
        let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
        for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "\"EXIT STATUS\"", "ENVIRONMENT", "FILES"] {
            assert!(headings.contains(&heading), "{name} has no {heading}: {headings:?}");
        }
        for (program, args) in [("groff", &["-man", "-ww", "-Tutf8"][..]), ("mandoc", &["-Tlint", "-Wwarning"])] {
            let Ok(output) = Command::new(program).args(args).arg(folder.join(name)).output() else {
                use std::io::Write as _;
                assert!(std::env::var_os("IMGTOOL_REQUIRE_PEERS").is_none(), "{program} is not installed");
                let _ = writeln!(std::io::stderr(), "skipped: {program} is not installed");
                continue;
            };
            let complaints = [output.stderr, if program == "mandoc" { output.stdout } else { Vec::new() }].concat();
            let complaints = String::from_utf8_lossy(&complaints).into_owned();
            let wrong: Vec<&str> = complaints.lines().filter(|line| !line.contains("missing date")).collect();
            assert!(wrong.is_empty(), "{program} says of {name}: {wrong:?}");
        }
    }
    session.run(&["man", "/dev/null/x"]).fails(1, &["/dev/null/x"]);
}
