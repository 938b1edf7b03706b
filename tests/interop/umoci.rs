//! umoci and imgtool unpack the same tree of an image, and make the same layer of the same changes to it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::changes::{Case, base, chroot, coarse, has_shell, is_now, script};
use crate::container::layers;
use crate::diff::{CASES, ODD};
use crate::entries::{Entries, Known, assert_same, of_directory, of_tar};
use crate::export::rich;
use crate::peer::{self, installed, program};
use crate::support::image::{TestImage, canonical};
use crate::support::oci::{Layout, REF_NAME};
use crate::support::packing::Packing;
use crate::support::session::Session;

/// Whether umoci is here and we may unpack as it does: owners, devices and all.
fn works() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        peer::skip("umoci is compared as root only");
    }
    root && installed("umoci")
}

/// A layout with one image, `it`, its layers packed in different ways.
fn layout(session: &Session, image: &TestImage) -> PathBuf {
    let mut layout = Layout::default();
    let manifest = layout.put_image(image, &[Packing::Gzip, Packing::None]);
    layout.name(&manifest, &[(REF_NAME, "it")]);
    let path = session.work().join("layout");
    layout.write(&path);
    path
}

/// Unpacks with both: umoci into `bundle/rootfs`, imgtool into `tree`.
fn unpack(session: &Session, layout: &Path) {
    let image = format!("{}:it", layout.display());
    peer::ok(&mut program(
        "umoci",
        &["unpack", "--image", &image, &session.work().join("bundle").display().to_string()],
    ));
    let ours = ["unpack", "--devices", &format!("oci:{image}"), "tree"];
    // The indexes of layers that are in no store are in a temporary file.
    peer::ok(session.command(&ours).env("TMPDIR", session.work()));
}

fn trees(session: &Session) -> (Entries, Entries) {
    (of_directory(&session.work().join("tree")), of_directory(&session.work().join("bundle/rootfs")))
}

#[test]
fn trees_are_the_same() {
    if !works() {
        return;
    }
    for image in [rich("fx/rich:1"), TestImage::sample("fx/a:1")] {
        let session = Session::new();
        let layout = layout(&session, &image);
        unpack(&session, &layout);
        let (ours, umoci) = trees(&session);
        assert_same(&image.tags[0], ("imgtool", &ours), ("umoci", &umoci), &[]);
    }
}

/// The newest layer of what umoci packed.
fn repacked(session: &Session, layout: &Path) -> Entries {
    let image = format!("{}:new", layout.display());
    let bundle = session.work().join("bundle").display().to_string();
    peer::ok(&mut program("umoci", &["repack", "--image", &image, &bundle]));
    let read = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().expect("a digest");
        std::fs::read(layout.join("blobs").join(digest.replace(':', "/"))).expect("a blob")
    };
    let index: Value = serde_json::from_slice(&session.read("layout/index.json")).expect("JSON");
    let named = |entry: &&Value| entry["annotations"][REF_NAME] == "new";
    let manifest = index["manifests"].as_array().and_then(|all| all.iter().find(named)).expect("it was just made");
    let manifest: Value = serde_json::from_slice(&read(manifest)).expect("JSON");
    let layer = manifest["layers"].as_array().and_then(|layers| layers.last()).expect("layers");
    coarse(of_tar(flate2::read::GzDecoder::new(read(layer).as_slice())))
}

/// The newest layer of what imgtool commits.
fn committed(session: &Session) -> Entries {
    // The tree came from a layout: the new image needs its layers.
    session.ok(&["load", "-q", "-i", "layout"]);
    session.ok(&["commit", "tree", "fx/new:1"]);
    session.ok(&["save", "-o", "new.tar", "fx/new:1"]);
    coarse(of_tar(layers(&session.read("new.tar")).last().expect("a layer").as_slice()))
}

const BELOW_A_FILE: &str = "umoci hides again what went with its directory";
const OTHER_NAME: &str = "umoci packs a file again that only lost another name";

/// Where the layers differ on [`CASES`].
const LAYER: &[Known] = &[
    ("dir-to-fifo/d/.wh.x", "entry", BELOW_A_FILE),
    ("dir-to-file/d/.wh.x", "entry", BELOW_A_FILE),
    ("dir-to-link/d/.wh.x", "entry", BELOW_A_FILE),
    ("replace-link/g", "entry", OTHER_NAME),
    ("unlink-one/f", "entry", OTHER_NAME),
];

fn same_layer(cases: &[Case<'_>], known: &[Known]) {
    let session = Session::new();
    let image = base(cases);
    let layout = layout(&session, &image);
    unpack(&session, &layout);
    let script = script(cases.iter().map(|case| (case.name, case.change)));
    chroot(&session.work().join("tree"), &script);
    chroot(&session.work().join("bundle/rootfs"), &script);
    let (mut ours, mut umoci) = (committed(&session), repacked(&session, &layout));
    // umoci leaves out the directories on the way to a change, if nothing else changed in them.
    let was = coarse(of_tar(image.layers[1].as_slice()));
    ours.retain(|path, entry| umoci.contains_key(path) || entry["kind"] != "directory" || was.get(path) != Some(entry));
    // It gives whiteouts neither mode nor time, and names each path where imgtool may say that a directory is opaque.
    let opaque: Vec<String> =
        ours.keys().filter_map(|path| path.strip_suffix(".wh..wh..opq")).map(ToOwned::to_owned).collect();
    for layer in [&mut ours, &mut umoci] {
        layer.retain(|path, _| !path.contains("/.wh.") || !opaque.iter().any(|folder| path.starts_with(folder)));
        layer.iter_mut().filter(|(path, _)| path.contains("/.wh.")).for_each(|(_, entry)| entry.clear());
    }
    assert_same("layer", ("imgtool", &ours), ("umoci", &umoci), known);
}

#[test]
fn layers_of_plain_changes_hold_the_same() {
    if works() && has_shell() {
        same_layer(CASES, LAYER);
    }
}

#[test]
fn layers_of_odd_changes_hold_the_same() {
    if works() && has_shell() {
        same_layer(ODD, &[]);
    }
}

/// Where the trees of fixtures differ.
const FIXTURES_DIFFER: [(&str, Known); 4] = [
    ("docker20-save.tar", ("t/times/y2300", "time", "Go's nanoseconds end in 2262")),
    ("podman-oci-archive.tar", ("t/times/y2300", "time", "Go's nanoseconds end in 2262")),
    ("docker29-overlay2-save.tar", ("t/times/y2300", "time", "Go's nanoseconds end in 2262")),
    (
        "layer-wh-dir-then-dir.tar",
        ("a/d/deep", "entry", "docker does not take a directory with its whiteout as opaque"),
    ),
];

/// Every archive among the fixtures that has a named image, read by umoci in imgtool's store.
#[test]
fn trees_of_the_fixtures() {
    if !works() {
        return;
    }
    let mut compared = 0;
    for folder in ["docker-archive", "docker-oci", "oci-archive"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder);
        for file in std::fs::read_dir(folder).expect("a folder of fixtures") {
            let path = file.expect("a fixture").path().display().to_string();
            let session = Session::new();
            if session.run(&["load", "-q", "-i", &path]).code != 0 {
                continue;
            }
            for name in session.tags().iter().filter(|name| !name.contains("<none>")).take(1) {
                let image = format!("{}:{}", session.store().display(), canonical(name));
                let bundle = session.work().join("bundle").display().to_string();
                let umoci = peer::run(&mut program("umoci", &["unpack", "--image", &image, &bundle]));
                let said = String::from_utf8_lossy(&umoci.stderr);
                if said.contains("not implemented: application/vnd.docker") {
                    continue; // it knows OCI's manifests only
                }
                assert!(umoci.status.success(), "{path}: {said}");
                session.ok(&["unpack", "--devices", name, "tree"]);
                let (mut ours, umoci) = trees(&session);
                // A folder that no layer has an entry for: umoci makes it now, imgtool in 1970.
                for (path, entry) in umoci.iter().filter(|(_, entry)| entry["kind"] == "directory" && is_now(entry)) {
                    ours.get_mut(path).expect("a folder").insert("time", entry["time"].clone());
                }
                let known =
                    FIXTURES_DIFFER.iter().filter(|(fixture, _)| path.ends_with(fixture)).map(|(_, known)| *known);
                assert_same(&path, ("imgtool", &ours), ("umoci", &umoci), &known.collect::<Vec<_>>());
                compared += 1;
            }
        }
    }
    assert!(compared >= 15, "{compared} images");
}
