//! Directories that were removed and made again.

use super::*;

#[test]
fn a_directory_that_was_made_again_is_opaque_if_nothing_of_it_is_left() {
    type Act = fn(&Path);
    let remake = |tree: &Path, name: &str| {
        fs::remove_dir_all(tree.join(name)).expect("a folder");
        fs::create_dir(tree.join(name)).expect("a folder");
    };
    let table: [(&str, Act, &[&str]); 6] = [
        ("made again", |_| {}, &["d/", "d/.wh..wh..opq"]),
        ("with something new", |d| fs::write(d.join("n"), "n").expect("a file"), &["d/", "d/.wh..wh..opq", "d/n"]),
        ("with an old name", |d| fs::create_dir(d.join("e")).expect("a folder"), &["d/", "d/.wh..wh..opq", "d/e/"]),
        (
            "only what was in it is gone",
            |d| {
                fs::remove_dir(d).expect("a folder");
                fs::rename(d.with_file_name("old"), d).expect("a folder");
                fs::remove_dir_all(d.join("e")).expect("a folder");
            },
            &["d/", "d/.wh.e"],
        ),
        (
            "something is as it was",
            |d| {
                fs::create_dir(d.join("e")).expect("a folder");
                fs::rename(d.with_file_name("old").join("e/c"), d.join("e/c")).expect("a file");
            },
            &["d/", "d/.wh.b", "d/.wh.link", "d/e/"],
        ),
        (
            "a directory in the place of a file",
            |d| {
                fs::remove_dir(d).expect("a folder");
                fs::rename(d.with_file_name("old"), d).expect("a folder");
                remake_file(&d.join("b"));
            },
            &["d/", "d/b/", "d/b/.wh..wh..opq", "d/b/x"],
        ),
    ];
    for (what, act, expected) in table {
        let bench = unpacked();
        let tree = bench.path("tree");
        fs::rename(tree.join("d"), tree.join("old")).expect("a rename");
        fs::create_dir(tree.join("d")).expect("a folder");
        act(&tree.join("d"));
        let _ = fs::remove_dir_all(tree.join("old"));
        let committed = commit(&bench.context, &tree, &options(), &Silent).expect("a commit");
        assert_eq!(entries(&bench, committed.id), expected, "{what}");
        bench.unpack(&committed.id.to_string(), "again");
        let names = |name: &str| -> Vec<_> {
            let walk = walkdir::WalkDir::new(bench.path(name)).sort_by_file_name();
            walk.into_iter()
                .map(|entry| entry.expect("a path").path().strip_prefix(bench.path(name)).map(Path::to_owned))
                .collect()
        };
        assert_eq!(names("again"), names("tree"), "{what}");
    }
    let bench = unpacked();
    // The number of the inode is likely the same again.
    remake(&bench.path("tree"), "d");
    let lines = changes_of(&bench, "tree", &Compare::default());
    assert_eq!(lines, ["P /", "T /d", "D /d/b", "D /d/e", "D /d/link"]);
    let committed = commit(&bench.context, &bench.path("tree"), &options(), &Silent).expect("a commit");
    assert_eq!(entries(&bench, committed.id), ["d/", "d/.wh..wh..opq"]);
}

fn remake_file(path: &Path) {
    fs::remove_file(path).expect("a file");
    fs::create_dir(path).expect("a folder");
    fs::write(path.join("x"), "x").expect("a file");
}

#[test]
fn a_copy_has_no_opaque_directories() {
    let bench = unpacked();
    for name in ["f", "g", "h"] {
        fs::write(bench.path("tree").join(name), name).expect("a file");
    }
    commit(&bench.context, &bench.path("tree"), &options(), &Silent).expect("a commit");
    let copied = std::process::Command::new("cp").arg("-a").arg(bench.path("tree")).arg(bench.path("copy")).status();
    assert!(copied.expect("cp").success());
    fs::remove_dir_all(bench.path("copy/d/e")).expect("a folder");
    fs::remove_file(bench.path("copy/d/b")).expect("a file");
    fs::remove_file(bench.path("copy/d/link")).expect("a file");
    let committed = commit(&bench.context, &bench.path("copy"), &options(), &Silent).expect("a commit");
    assert_eq!(entries(&bench, committed.id), ["d/", "d/.wh.b", "d/.wh.e", "d/.wh.link"]);
}
