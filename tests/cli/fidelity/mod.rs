//! Nothing that a layer can say is lost: not by `export`, not by `unpack`, not by `commit`, as root or as anybody else.

mod dialects;
mod files;
mod many;
mod metadata;
mod names;
mod sparse;

use crate::support::image::TestImage;
use crate::support::layer::{Item, layer};
use crate::support::oci::PLAIN_MARK;
use crate::support::packing::Packing;
use crate::support::picture::Picture;
use crate::support::producers::skopeo_layout;
use crate::support::session::Session;
use crate::support::tarball::pack;

/// An image of one layer with those items goes through every way and comes out as it went in.
fn faithful(items: &[Item]) {
    faithful_layers(&[layer(items)], &Picture::of_items(items));
}

/// An image of those layers, which together are what is wanted.
fn faithful_layers(layers: &[Vec<u8>], wanted: &Picture) {
    for packing in [Packing::None, Packing::Gzip] {
        faithful_to(&Session::new(), layers, packing, wanted);
        if let Some(session) = Session::ordinary().filter(|session| !session.is_root()) {
            faithful_to(&session, layers, packing, wanted);
        }
    }
}

fn faithful_to(session: &Session, layers: &[Vec<u8>], packing: Packing, wanted: &Picture) {
    let what = |step: &str| format!("{step}, {packing:?}, {}", if session.is_root() { "root" } else { "ordinary" });
    store(session, layers, packing);
    exports(session, "fx/a:1", wanted, &what("export"));
    unpacks(session, "fx/a:1", "tree", wanted, &what("unpack"));
    exports(session, "./tree", wanted, &what("export of the directory"));
    session.write("tree/zz-added", "x");
    assert_eq!(session.ok(&["diff", "tree"]), "A /zz-added\n", "{}", what("diff"));
    session.ok(&["commit", "tree", "fx/a:2"]);
    assert_eq!(session.ok(&["diff", "tree"]), "", "{}", what("diff after commit"));
    exports(session, "fx/a:2", wanted, &what("export after commit"));
    unpacks(session, "fx/a:2", "again", wanted, &what("unpack after commit"));
    if session.is_root() {
        // Every byte and attribute from the disk, none from the image.
        session.ok(&["commit", "--from", "scratch", "tree", "fx/a:3"]);
        exports(session, "fx/a:3", wanted, &what("export after commit from scratch"));
    }
}

/// Loads the image `fx/a:1` of those layers.
fn store(session: &Session, layers: &[Vec<u8>], packing: Packing) {
    let mut image = TestImage::new(&["fx/a:1"]);
    for layer in layers {
        image = image.raw_layer("ADD layer", layer.clone());
    }
    session.load(&pack(&skopeo_layout(&[image], &[packing]).members(PLAIN_MARK)));
}

fn exports(session: &Session, image: &str, wanted: &Picture, what: &str) {
    session.ok(&["export", "-o", "export.tar", image]);
    Picture::of_tar(&session.work().join("export.tar")).without("zz-added").assert_is(wanted, what);
}

fn unpacks(session: &Session, image: &str, target: &str, wanted: &Picture, what: &str) {
    session.ok(&["unpack", "--devices", image, target]);
    assert_eq!(session.ok(&["diff", target]), "", "{what}: an untouched tree has no changes");
    let found = Picture::of_folder(&session.work().join(target)).without("zz-added");
    if session.is_root() {
        found.assert_is(wanted, what);
    } else {
        found.unprivileged().assert_is(&wanted.clone().unprivileged().visible(), what);
    }
}
