mod opaque;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::bench::Bench;
use super::*;
use crate::image::Silent;
use crate::layer::Mtime;
use crate::ops::checkout::{CompareTo, diff};
use crate::ops::prune::{self, prune};
use crate::ops::remove::{self, remove};
use crate::rootfs::{DiskChange, DiskChangeKind, LayerTar};

fn options() -> CommitOptions {
    CommitOptions {
        compare: Compare::default(),
        author: "me".to_owned(),
        message: "why".to_owned(),
        changes: Vec::new(),
        created: Created::from_unix_seconds(1_000_000_000).expect("a time"),
        latest: None,
        name: None,
    }
}

/// A bench with `base`, an image of a few files, and `tree`, which was unpacked from it.
fn unpacked() -> Bench {
    let bench = Bench::new();
    let base = bench.path("base");
    fs::create_dir_all(base.join("d/e")).expect("folders");
    for (name, content) in [("a", "one"), ("d/b", "two"), ("d/e/c", "three")] {
        fs::write(base.join(name), content).expect("a file");
    }
    fs::hard_link(base.join("a"), base.join("d/link")).expect("a link");
    let named = CommitOptions { name: Some("base:1".parse().expect("a name")), ..options() };
    commit(&bench.context, &base, &named, &Silent).expect("a commit");
    bench.unpack("base:1", "tree");
    bench
}

/// Docker's lines, with `P` for directories on the way and `T` for those of which only the time changed.
fn lines(changes: &[DiskChange]) -> Vec<String> {
    let letter = |kind| match kind {
        DiskChangeKind::Added => 'A',
        DiskChangeKind::Changed => 'C',
        DiskChangeKind::Deleted => 'D',
        DiskChangeKind::Touched => 'T',
        DiskChangeKind::Parent => 'P',
    };
    changes.iter().map(|change| format!("{} /{}", letter(change.kind), change.path)).collect()
}

fn changes_of(bench: &Bench, name: &str, compare: &Compare) -> Vec<String> {
    lines(&diff(&bench.context, &bench.path(name), compare).expect("a diff").changes)
}

fn entries(bench: &Bench, id: ImageId) -> Vec<String> {
    let found = bench.context.find(&id.to_string()).expect("an image");
    let image = found.image(None, &bench.context.host).expect("an image");
    let layer = image.layers.last().and_then(|layer| layer.blob.as_ref()).expect("a layer");
    let mut tar = crate::layer::TarReader::new(layer.open().expect("a layer"), &crate::layer::Limits::default());
    let mut names = Vec::new();
    while let Some(raw) = tar.next().expect("a tar") {
        names.push(String::from_utf8_lossy(&raw.name).into_owned());
    }
    names
}

#[test]
fn whiteouts_come_before_their_siblings_and_links_with_their_files() {
    let bench = unpacked();
    let tree = bench.path("tree");
    fs::remove_file(tree.join("d/b")).expect("a file");
    fs::write(tree.join("d/a"), "new").expect("a file");
    fs::write(tree.join("a"), "ONE").expect("a file");
    let committed = commit(&bench.context, &tree, &options(), &Silent).expect("a commit");
    assert_eq!(entries(&bench, committed.id), ["a", "d/", "d/.wh.b", "d/a", "d/link"]);
}

#[test]
fn a_directory_in_the_place_of_a_file_and_the_reverse() {
    let bench = unpacked();
    let tree = bench.path("tree");
    fs::remove_dir_all(tree.join("d/e")).expect("a folder");
    fs::write(tree.join("d/e"), "file").expect("a file");
    fs::remove_file(tree.join("d/b")).expect("a file");
    fs::create_dir(tree.join("d/b")).expect("a folder");
    fs::write(tree.join("d/b/x"), "x").expect("a file");
    assert_eq!(changes_of(&bench, "tree", &Compare::default()), ["P /", "T /d", "C /d/b", "A /d/b/x", "C /d/e"]);
}

#[test]
fn the_same_length_and_time_do_not_hide_other_content() {
    let bench = unpacked();
    let path = bench.path("tree/d/b");
    let modified = fs::metadata(&path).and_then(|found| found.modified()).expect("a time");
    fs::write(&path, "TWO").expect("a file");
    fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(modified)).expect("a time");
    assert_eq!(changes_of(&bench, "tree", &Compare::default()), ["P /", "P /d", "C /d/b"]);
}

#[test]
fn a_touched_file_is_unchanged_when_its_time_is_put_back() {
    let bench = unpacked();
    let path = bench.path("tree/d/b");
    let mode = fs::metadata(&path).expect("a file").permissions();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
    fs::set_permissions(&path, mode).expect("a mode");
    assert!(bench.is_unchanged("tree"));
}

#[test]
fn a_tree_that_was_moved_is_known_and_one_that_is_like_it_too() {
    let bench = unpacked();
    fs::rename(bench.path("tree"), bench.path("moved")).expect("a rename");
    let found = diff(&bench.context, &bench.path("moved"), &Compare::default()).expect("a diff");
    assert_eq!((lines(&found.changes), found.copy_of), (Vec::new(), None));
    bench.unpack("base:1", "other");
    let snapshots = bench.path("store/imgtool/snapshots");
    let place = fs::metadata(bench.path("other")).expect("a folder");
    fs::remove_file(snapshots.join(format!("{:x}-{:x}", dev(&place), place.ino()))).expect("its snapshot");
    let found = diff(&bench.context, &bench.path("other"), &Compare::default()).expect("a diff");
    assert_eq!(lines(&found.changes), Vec::<String>::new());
    assert!(found.copy_of.is_some());
    fs::create_dir(bench.path("else")).expect("a folder");
    fs::write(bench.path("else/a"), "one").expect("a file");
    assert_eq!(changes_of(&bench, "else", &Compare::default()), ["A /", "A /a"]);
}

fn dev(found: &fs::Metadata) -> u64 {
    let dev = found.dev();
    u64::from(rustix::fs::major(dev)) << 32 | u64::from(rustix::fs::minor(dev))
}

#[test]
fn a_copy_of_a_tree_without_content_is_known_too() {
    let bench = Bench::new();
    let base = bench.path("base");
    fs::create_dir_all(base.join("d/e")).expect("folders");
    fs::write(base.join("d/empty"), "").expect("a file");
    symlink("d", base.join("link")).expect("a link");
    let named = CommitOptions { name: Some("base:1".parse().expect("a name")), ..options() };
    commit(&bench.context, &base, &named, &Silent).expect("a commit");
    bench.unpack("base:1", "tree");
    let copied = std::process::Command::new("cp").arg("-a").arg(bench.path("tree")).arg(bench.path("copy")).status();
    assert!(copied.expect("cp").success());
    fs::remove_dir_all(bench.path("tree")).expect("a tree");
    let found = diff(&bench.context, &bench.path("copy"), &Compare::default()).expect("a diff");
    assert!(found.copy_of.is_some());
    assert_eq!(lines(&found.changes), [""; 0]);
}

#[test]
fn of_several_trees_that_a_copy_is_like_it_is_of_the_one_with_most_of_it() {
    let bench = Bench::new();
    let base = bench.path("base");
    fs::create_dir_all(&base).expect("folders");
    for number in 0..130 {
        fs::create_dir(base.join(format!("e{number}"))).expect("a folder");
    }
    fs::write(base.join("content"), "content").expect("a file");
    let named = |name: &str| CommitOptions { name: Some(name.parse().expect("a name")), ..options() };
    commit(&bench.context, &base, &named("more:1"), &Silent).expect("a commit");
    fs::remove_file(base.join("content")).expect("a file");
    commit(&bench.context, &base, &named("less:1"), &Silent).expect("a commit");
    bench.unpack("more:1", "tree");
    bench.unpack("less:1", "later");
    let copied = std::process::Command::new("cp").arg("-a").arg(bench.path("tree")).arg(bench.path("copy")).status();
    assert!(copied.expect("cp").success());
    let found = diff(&bench.context, &bench.path("copy"), &Compare::default()).expect("a diff");
    assert!(found.copy_of.expect("a tree").ends_with("tree"));
    assert_eq!(lines(&found.changes), [""; 0]);
}

#[test]
fn a_base_that_goes_before_the_commit_begins_is_told() {
    let bench = unpacked();
    fs::write(bench.path("tree/new"), "new").expect("a file");
    let store = &bench.context.store;
    let alone = store.lock_exclusive().expect("nobody else is there");
    let committed = std::thread::scope(|scope| {
        let committing = scope.spawn(|| commit(&bench.context, &bench.path("tree"), &options(), &Silent));
        std::thread::sleep(std::time::Duration::from_millis(200));
        let mut catalog = crate::store::Catalog::clone(&*store.catalog().expect("a catalog"));
        let base = catalog.entries()[0].descriptor.digest;
        catalog.remove_all(&std::collections::HashSet::from([base]));
        store.replace(&alone, &catalog).expect("a catalog");
        drop(alone);
        committing.join().expect("no panic")
    });
    assert!(matches!(committed, Err(Error::BaseLost { .. })), "{committed:?}");
    assert!(store.catalog().expect("a catalog").entries().is_empty());
}

#[test]
fn hard_links_of_two_commits_are_not_taken_for_one_file() {
    let bench = unpacked();
    let tree = bench.path("tree");
    for (one, other) in [("n", "m"), ("o", "d/p"), ("q", "d/e/r")] {
        fs::write(tree.join(one), one).expect("a file");
        fs::hard_link(tree.join(one), tree.join(other)).expect("a link");
        commit(&bench.context, &tree, &options(), &Silent).expect("a commit");
        assert_eq!(changes_of(&bench, "tree", &Compare::default()), [""; 0], "after {one}");
    }
}

#[test]
fn another_base_and_none_at_all() {
    let bench = unpacked();
    fs::write(bench.path("tree/new"), "x").expect("a file");
    let compare = |to| Compare { to, ..Compare::default() };
    assert_eq!(changes_of(&bench, "tree", &compare(CompareTo::Image("base:1".to_owned()))), ["P /", "A /new"]);
    assert_eq!(changes_of(&bench, "tree", &compare(CompareTo::Scratch)).len(), 8);
}

#[test]
fn what_no_layer_can_have() {
    let bench = unpacked();
    let _socket = UnixListener::bind(bench.path("tree/d/socket")).expect("a socket");
    let found = diff(&bench.context, &bench.path("tree"), &Compare::default()).expect("a diff");
    assert_eq!((lines(&found.changes), found.skipped.sockets.len()), (vec!["P /".to_owned(), "T /d".to_owned()], 1));
    fs::write(bench.path("tree/d/.wh.b"), "").expect("a file");
    let error = commit(&bench.context, &bench.path("tree"), &options(), &Silent).expect_err("a whiteout");
    assert!(matches!(error, Error::Rootfs(rootfs::Error::WhiteoutName { .. })), "{error}");
}

#[test]
fn excluded_changes_wait_for_the_next_commit() {
    let bench = unpacked();
    let tree = bench.path("tree");
    fs::write(tree.join("d/b"), "changed").expect("a file");
    fs::write(tree.join("new.log"), "new").expect("a file");
    fs::remove_file(tree.join("d/e/c")).expect("a file");
    let exclude = ["*.log", "d"].map(str::to_owned).to_vec();
    let without = CommitOptions { compare: Compare { exclude, ..Compare::default() }, ..options() };
    let committed = commit(&bench.context, &tree, &without, &Silent).expect("a commit");
    assert_eq!(entries(&bench, committed.id), ["./", "a", "d/", "d/b", "d/e/", "d/e/c", "d/link"], "nothing is new");
    let left = changes_of(&bench, "tree", &Compare::default());
    assert_eq!(left, ["P /", "P /d", "C /d/b", "T /d/e", "D /d/e/c", "A /new.log"]);
}

#[test]
fn no_change_is_no_layer() {
    let bench = unpacked();
    let committed = commit(&bench.context, &bench.path("tree"), &options(), &Silent).expect("a commit");
    let found = bench.context.find(&committed.id.to_string()).expect("an image");
    let config = found.image(None, &bench.context.host).expect("an image").config.value().clone();
    let last = config.history.last().expect("an entry");
    assert_eq!((config.rootfs.diff_ids.len(), config.history.len(), last.empty_layer), (1, 2, true));
    assert_eq!((&*last.author, &*last.comment, &*config.author, &*config.comment), ("me", "why", "me", ""));
}

#[test]
fn the_same_changes_are_the_same_image() {
    let bench = unpacked();
    let fixed = CommitOptions { latest: Some(1_000_000_000), ..options() };
    let mut ids = Vec::new();
    for name in ["tree", "again"] {
        if name == "again" {
            bench.unpack("base:1", name);
        }
        fs::write(bench.path(name).join("x"), "x").expect("a file");
        symlink("x", bench.path(name).join("y")).expect("a link");
        ids.push(commit(&bench.context, &bench.path(name), &fixed, &Silent).expect("a commit").id);
    }
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn a_base_that_is_gone_is_told() {
    let bench = unpacked();
    let all = remove::RemoveOptions { force: true, ..remove::RemoveOptions::default() };
    remove(&bench.context, &["base:1".to_owned()], all).expect("a store")[0].as_ref().expect("an image");
    let error = commit(&bench.context, &bench.path("tree"), &options(), &Silent).expect_err("no base");
    assert!(matches!(error, Error::BaseLost { .. }), "{error}");
}

#[test]
fn squashed_are_the_layers_and_not_the_config() {
    let bench = unpacked();
    let tree = bench.path("tree");
    fs::write(tree.join("one"), "1").expect("a file");
    let changes = Edit::parse_all(&["ENV A=b".to_owned()]).expect("a change");
    let first = commit(&bench.context, &tree, &CommitOptions { changes, ..options() }, &Silent).expect("a commit");
    fs::write(tree.join("two"), "2").expect("a file");
    let squash = Compare { squash: true, ..Compare::default() };
    let second =
        commit(&bench.context, &tree, &CommitOptions { compare: squash, ..options() }, &Silent).expect("a commit");
    let config = |id: ImageId| {
        let found = bench.context.find(&id.to_string()).expect("an image");
        let config = found.image(None, &bench.context.host).expect("an image").config.value().clone();
        (config.config.and_then(|config| config.env), config.rootfs.diff_ids.len(), config.history.len())
    };
    assert_eq!(config(first.id), (Some(vec!["A=b".to_owned()]), 2, 2));
    assert_eq!(config(second.id), (Some(vec!["A=b".to_owned()]), 2, 2));
    assert_eq!(entries(&bench, second.id), ["one", "two"]);
}

#[test]
fn snapshots_go_with_their_images() {
    let bench = unpacked();
    fs::write(bench.path("tree/x"), "x").expect("a file");
    let named = CommitOptions { name: Some("next".parse().expect("a name")), ..options() };
    commit(&bench.context, &bench.path("tree"), &named, &Silent).expect("a commit");
    bench.unpack("base:1", "other");
    fs::rename(bench.path("other"), bench.path("moved")).expect("a rename");
    fs::write(bench.path("moved/y"), "y").expect("a file");
    let is_old = |path: &std::path::Path| !path.to_string_lossy().contains("/tmp/read-");
    let count = |folder: &str| {
        let entries = fs::read_dir(bench.path("store/imgtool").join(folder)).into_iter().flatten();
        entries.filter(|entry| entry.as_ref().is_ok_and(|entry| is_old(&entry.path()))).count()
    };
    let prune = |all| prune(&bench.context, &prune::PruneOptions { all, ..Default::default() }).expect("a store").bytes;
    fs::write(bench.path("store/imgtool/tmp/snapshot-1-1"), "old").expect("a draft");
    assert_eq!((prune(false), count("snapshots"), count("tmp")), (3, 3, 0));
    let all = remove::RemoveOptions { force: true, ..remove::RemoveOptions::default() };
    remove(&bench.context, &["next".to_owned()], all).expect("a store")[0].as_ref().expect("an image");
    assert!(prune(false) > 0);
    assert_eq!(
        (count("snapshots"), changes_of(&bench, "moved", &Compare::default())),
        (2, vec!["P /".to_owned(), "A /y".to_owned()])
    );
    let lost = |name: &str| match diff(&bench.context, &bench.path(name), &Compare::default()) {
        Err(Error::BaseLost { .. }) => true,
        other => panic!("{other:?}"),
    };
    assert!(lost("tree") && prune(true) > 0 && lost("tree") && lost("moved"));
    assert_eq!(count("snapshots"), 0);
    let scratch = CommitOptions { compare: Compare { to: CompareTo::Scratch, ..Compare::default() }, ..options() };
    commit(&bench.context, &bench.path("tree"), &scratch, &Silent).expect("a commit");
    assert_eq!((count("snapshots"), bench.is_unchanged("tree")), (1, true));
}

#[test]
fn a_tree_of_a_pruned_image_is_known_when_the_image_is_there_again() {
    let bench = unpacked();
    fs::write(bench.path("tree/y"), "y").expect("a file");
    prune(&bench.context, &prune::PruneOptions { all: true, ..Default::default() }).expect("a store");
    let named = CommitOptions { name: Some("base:1".parse().expect("a name")), ..options() };
    commit(&bench.context, &bench.path("base"), &named, &Silent).expect_err("its image is gone");
    let scratch = Compare { to: CompareTo::Scratch, ..Compare::default() };
    commit(&bench.context, &bench.path("base"), &CommitOptions { compare: scratch, ..named }, &Silent)
        .expect("a commit");
    assert_eq!(changes_of(&bench, "tree", &Compare::default()), ["P /", "A /y"]);
}

#[test]
fn a_sparse_file_is_as_long_and_as_sparse() {
    use std::os::unix::fs::FileExt as _;
    const LONG: u64 = 300 << 20;
    let bench = unpacked();
    let file = fs::File::create(bench.path("tree/sparse")).expect("a file");
    file.set_len(LONG).expect("a length");
    file.write_all_at(b"in the middle", LONG / 2 + 7).expect("a write");
    let id = commit(&bench.context, &bench.path("tree"), &options(), &Silent).expect("a commit").id;
    bench.unpack(&id.to_string(), "again");
    let again = fs::File::open(bench.path("again/sparse")).expect("a file");
    let found = again.metadata().expect("a file");
    let mut middle = [1; 20];
    again.read_exact_at(&mut middle, LONG / 2).expect("a file");
    assert_eq!((found.len(), &middle), (LONG, b"\0\0\0\0\0\0\0in the middle"));
    let store =
        walkdir::WalkDir::new(bench.path("store")).into_iter().flatten().filter_map(|entry| entry.metadata().ok());
    let blocks: u64 = store.map(|found| found.blocks()).sum();
    if file.metadata().expect("a file").blocks() < 1000 {
        assert!(found.blocks() < 10_000 && blocks < 10_000, "{} and {blocks} blocks", found.blocks());
    }
    assert!(bench.is_unchanged("tree") && bench.is_unchanged("again"));
}

#[test]
fn an_image_stays_as_long_as_one_that_was_committed_on_it() {
    let bench = unpacked();
    let tree = bench.path("tree");
    for name in ["first", "second"] {
        fs::write(tree.join(name), name).expect("a file");
        let named = CommitOptions { name: Some(name.parse().expect("a name")), ..options() };
        commit(&bench.context, &tree, &named, &Silent).expect("a commit");
    }
    let rmi = |name: &str| -> Vec<String> {
        let events = remove(&bench.context, &[name.to_owned()], remove::RemoveOptions::default()).expect("a store");
        let events = events.into_iter().next().expect("one name").expect("an image");
        let word = |event: remove::RemovalEvent| format!("{event:?}").split('(').next().expect("a word").to_owned();
        events.into_iter().map(word).collect()
    };
    assert_eq!(rmi("first"), ["Untagged"]);
    assert_eq!(rmi("second"), ["Untagged", "DeletedImage", "DeletedLayer", "DeletedImage", "DeletedLayer"]);
    assert_eq!(rmi("base:1"), ["Untagged", "DeletedImage", "DeletedLayer"]);
}

#[test]
fn what_changes_while_it_is_read_is_refused() {
    let bench = unpacked();
    let tree = bench.path("tree");
    fs::write(tree.join("d/b"), "changed").expect("a file");
    let changes = diff(&bench.context, &tree, &Compare::default()).expect("a diff").changes;
    fs::write(tree.join("d/b"), "changed again").expect("a file");
    assert!(matches!(read_layer(&tree, &changes), Some(rootfs::Error::Changed { .. })));
    fs::remove_file(tree.join("d/b")).expect("a file");
    assert!(matches!(read_layer(&tree, &changes), Some(rootfs::Error::Changed { .. })));
    symlink("/etc/passwd", tree.join("d/b")).expect("a link");
    assert!(read_layer(&tree, &changes).is_some(), "links are not followed");
}

fn read_layer(tree: &Path, changes: &[DiskChange]) -> Option<rootfs::Error> {
    let root = rootfs::Root::open(tree).expect("a folder");
    let mut tar = LayerTar::new(&root, changes, Mtime::default());
    let read = std::io::copy(&mut tar, &mut std::io::sink());
    assert!(read.is_err(), "a torn layer");
    tar.take_error()
}

/// The property test once more as somebody who is not root, by this very program.
#[test]
fn commit_and_unpack_are_inverse_for_ordinary_users() {
    use std::os::unix::process::CommandExt as _;
    const NOBODY: u32 = 65534;
    if !rustix::process::geteuid().is_root() {
        return; // as is the test itself
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("root may");
    // Where it was built may be nobody's business.
    let program = folder.path().join("test");
    fs::copy(std::env::current_exe().expect("a program"), &program).expect("a copy");
    let output = std::process::Command::new(&program)
        .args(["--exact", "ops::commit::proptests::commit_and_unpack_are_inverse"])
        .env("TMPDIR", folder.path())
        .current_dir(folder.path())
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .expect("a program");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}
