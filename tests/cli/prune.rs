//! `image prune`: what nobody names any more.

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::pack;

/// A store where `fx/a:1` was loaded twice, so that the older image has no name.
fn store() -> (Session, TestImage, TestImage) {
    let (old, new) = (TestImage::of("fx/a:1", "the old one"), TestImage::of("fx/a:1", "new"));
    let session = Session::new();
    session.load(&pack(&producers::docker_save(std::slice::from_ref(&old))));
    session.load(&pack(&producers::docker_save(std::slice::from_ref(&new))));
    (session, old, new)
}

/// What the blobs take on disk.
fn blob_bytes(session: &Session) -> u64 {
    let blobs = std::fs::read_dir(session.store().join("blobs/sha256")).expect("a store");
    blobs.map(|blob| blob.expect("an entry").metadata().expect("a file").len()).sum()
}

/// docker's form of a few thousand bytes, four digits.
fn kilobytes(bytes: u64) -> String {
    assert!((1000..10_000).contains(&bytes), "{bytes}");
    let digits = format!("{}.{:03}", bytes / 1000, bytes % 1000);
    format!("{}kB", digits.trim_end_matches('0'))
}

#[test]
fn removes_images_without_a_name() {
    let (session, old, new) = store();
    let before = blob_bytes(&session);
    let printed = session.ok(&["image", "prune", "-f"]);
    assert_eq!(
        printed,
        format!(
            "Deleted Images:\ndeleted: {}\ndeleted: {}\n\nTotal reclaimed space: {}\n",
            old.id(),
            old.chain_ids()[0],
            kilobytes(before - blob_bytes(&session))
        )
    );
    assert_eq!(session.ids(), [new.id()]);
    assert_eq!(session.ok(&["image", "prune", "--force"]), "Total reclaimed space: 0B\n");
}

#[test]
fn asks_first() {
    let question = "WARNING! This will remove all dangling images.\nAre you sure you want to continue? [y/N] ";
    for (typed, left) in [("n\n", 2), ("\n", 2), ("yes\n", 2), ("", 2), ("y\n", 1), ("Y\n", 1)] {
        let (session, ..) = store();
        let answer = session.run_with(typed.as_bytes(), &["image", "prune"]);
        assert!((answer.out() + &answer.stderr).contains(question), "{typed:?}: {}", answer.text());
        assert_eq!(session.ids().len(), left, "{typed:?}");
        assert_eq!(answer.code, 0, "{typed:?}: {}", answer.text());
    }
}

#[test]
fn all_images_with_a() {
    let (session, ..) = store();
    let before = blob_bytes(&session);
    let printed = session.ok(&["image", "prune", "-a", "-f"]);
    assert!(printed.contains("untagged: fx/a:1\n"), "{printed}");
    assert!(printed.ends_with(&format!("\nTotal reclaimed space: {}\n", kilobytes(before))), "{printed}");
    assert_eq!(session.ids(), [""; 0]);
    assert!(!session.picture().keys().any(|path| path.starts_with("blobs/sha256/")), "{:?}", session.picture());
}

#[test]
fn takes_away_what_a_killed_load_left() {
    let (session, _, new) = store();
    session.ok(&["image", "prune", "-f"]);
    let clean = session.picture();
    let orphan = session.store().join("blobs/sha256").join("0".repeat(64));
    std::fs::write(&orphan, "bytes that no name leads to").expect("a writable store");
    session.ok(&["image", "prune", "-f"]);
    assert_eq!(session.picture(), clean);
    assert_eq!(session.ids(), [new.id()]);
}

/// Four images of one repository and one of another, a year apart, and one without a name.
fn repositories() -> Session {
    let session = Session::new();
    let at = |name: &str, year: u32| {
        TestImage::of(name, name).with("created", serde_json::json!(format!("{year}-02-03T04:05:06Z")))
    };
    let images = [
        at("fx/a:1", 2001),
        at("fx/a:2", 2002),
        at("fx/a:3", 2003).also_tagged("fx/b:old"),
        at("fx/a:4", 2004),
        at("fx/b:1", 2000),
        at("", 2010).untagged(),
    ];
    session.load(&pack(&producers::docker_save(&images)));
    session
}

#[test]
fn keeps_the_newest_of_each_repository() {
    for (args, left) in [
        (&["--keep", "1"][..], &["fx/a:3", "fx/a:4", "fx/b:old"][..]),
        (&["--keep", "2"], &["fx/a:3", "fx/a:4", "fx/b:1", "fx/b:old"]),
        (&["--keep", "9"], &["fx/a:1", "fx/a:2", "fx/a:3", "fx/a:4", "fx/b:1", "fx/b:old"]),
        (&["--keep", "0"], &[]),
        (&["--keep", "1", "--filter", "reference=fx/b"], &["fx/a:1", "fx/a:2", "fx/a:3", "fx/a:4", "fx/b:old"]),
        (&["--keep", "1", "--filter", "until=2002-01-01"], &["fx/a:2", "fx/a:3", "fx/a:4", "fx/b:old"]),
    ] {
        let session = repositories();
        session.ok(&[&["image", "prune", "-f"], args].concat());
        let tags: Vec<String> = session.tags().into_iter().filter(|tag| tag != "<none>:<none>").collect();
        assert_eq!(tags, left, "{args:?}");
    }
    repositories().run(&["image", "prune", "--keep", "few"]).fails(125, &["few"]);
    let session = repositories();
    let asked = session.run_with(b"n\n", &["image", "prune", "--keep", "2"]);
    assert!(asked.ok().starts_with("WARNING! This will remove all images but the 2 newest of each repository.\n"));
    assert_eq!(session.tags().len(), 7);
}

#[test]
fn a_dry_run_says_what_would_be_done() {
    for args in
        [&["image", "prune", "-f"][..], &["image", "prune", "-f", "-a"], &["image", "prune", "-f", "--keep", "1"]]
    {
        let session = repositories();
        let before = session.picture();
        let told = session.ok(&[args, &["--dry-run"]].concat());
        assert_eq!(session.picture(), before, "{args:?}");
        assert_eq!(told, session.ok(args), "{args:?}");
        assert_ne!(session.picture(), before, "{args:?}");
    }
    let session = repositories();
    let told = session.ok(&["image", "prune", "--dry-run"]);
    assert!(told.starts_with("Deleted Images:\n"), "nobody is asked whether nothing shall be done: {told}");
}

/// Parts of blobs wait a day for their transfer to go on; with `-a` they do not wait.
#[test]
fn old_parts_of_blobs_expire() {
    let (session, ..) = store();
    session.ok(&["image", "prune", "-f"]);
    let hour = std::time::Duration::from_secs(60 * 60);
    for (hex, hours) in [("a", 23), ("b", 25)] {
        let path = session.write(&format!("../store/imgtool/partial/{}", hex.repeat(64)), [b'x'; 5000]);
        let file = std::fs::File::options().write(true).open(path).expect("a file");
        file.set_modified(std::time::SystemTime::now() - hour * hours).expect("a time");
    }
    let freed = "Total reclaimed space: 5kB\n";
    assert_eq!(session.ok(&["image", "prune", "--dry-run"]), freed);
    assert_eq!(session.ok(&["image", "prune", "-f"]), freed);
    let left = || {
        let left = std::fs::read_dir(session.store().join("imgtool/partial")).expect("a folder");
        left.map(|entry| entry.expect("an entry").file_name()).collect::<Vec<_>>()
    };
    assert_eq!(left(), ["a".repeat(64).as_str()]);
    session.ok(&["image", "prune", "-af"]);
    assert!(left().is_empty());
}
