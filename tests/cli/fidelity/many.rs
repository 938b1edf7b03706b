//! Many files.

use std::time::{Duration, Instant};

use super::{store, unpacks};
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
    unpacks(&session, "fx/a:1", "tree", &Picture::of_items(&items), "unpack");
    session.write("tree/007/5", "changed");
    std::fs::remove_file(session.work().join("tree/050/7")).expect("a file of ours");
    session.write("tree/new", "x");
    assert_eq!(session.ok(&["diff", "tree"]), "C /007\nC /007/5\nC /050\nD /050/7\nA /new\n");
    session.ok(&["commit", "tree", "fx/a:2"]);
    session.ok(&["export", "-o", "export.tar", "fx/a:2"]);
    let exported = Picture::of_tar(&session.work().join("export.tar"));
    let tree = Picture::of_folder(&session.work().join("tree"));
    exported.unprivileged().assert_is(&tree.unprivileged(), "export after commit");
    // Not a figure, but quadratic would be seen.
    assert!(started.elapsed() < Duration::from_secs(300), "{:?}", started.elapsed());
}
