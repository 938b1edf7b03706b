//! Many files.

use std::time::{Duration, Instant};

use super::store;
use crate::support::layer::{Item, layer};
use crate::support::packing::Packing;
use crate::support::picture::Picture;
use crate::support::session::Session;

#[test]
fn a_tree_of_many_files() {
    let (folders, files) = if crate::support::slow() { (400, 500) } else { (100, 200) };
    let mut items = Vec::new();
    for folder in 0..folders {
        items.push(Item::dir(format!("{folder:03}")));
        items.extend(
            (0..files).map(|n| Item::file(format!("{folder:03}/{n}"), if n % 3 == 0 { "" } else { "some content" })),
        );
    }
    let session = Session::new();
    let started = Instant::now();
    store(&session, &[layer(&items)], Packing::None);
    session.ok(&["unpack", "fx/a:1", "tree"]);
    let wanted = Picture::of_items(&items);
    Picture::of_folder(&session.work().join("tree")).assert_is(&wanted, "unpack");
    session.write("tree/007/5", "changed");
    std::fs::remove_file(session.work().join("tree/050/7")).expect("a file of ours");
    session.write("tree/new", "x");
    let changes = "C /007\nC /007/5\nC /050\nD /050/7\nA /new\n";
    assert_eq!(session.ok(&["diff", "tree"]), changes.replace("C /007\nC", "C /007\nC"));
    session.ok(&["commit", "tree", "fx/a:2"]);
    session.ok(&["export", "-o", "export.tar", "fx/a:2"]);
    let exported = Picture::of_tar(&session.work().join("export.tar"));
    exported.assert_is(&Picture::of_folder(&session.work().join("tree")), "export after commit");
    // Not a figure, but quadratic would be seen.
    assert!(started.elapsed() < Duration::from_secs(300), "{:?}", started.elapsed());
}
