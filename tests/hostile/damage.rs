//! Damage on the way: an archive that was cut or has a flipped bit is refused, or means exactly what it meant before.

use super::{session, slow};
use crate::support::image::TestImage;
use crate::support::oci::PLAIN_MARK;
use crate::support::packing::Packing;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::pack;
use crate::support::tree;

fn image() -> TestImage {
    TestImage::sample("fx/a:1")
}

fn archives() -> Vec<(&'static str, Vec<u8>)> {
    let image = image();
    let one = std::slice::from_ref(&image);
    let docker = pack(&producers::docker_save(one));
    vec![
        ("docker 25", pack(&producers::docker_25(one))),
        ("podman", pack(&producers::podman(one))),
        ("crane", pack(&producers::crane(one))),
        ("oci", pack(&producers::skopeo_layout(one, &[Packing::Zstd]).members(PLAIN_MARK))),
        ("docker, gzip outside", Packing::Gzip.apply(&docker)),
        ("docker, zstd outside", Packing::Zstd.apply(&docker)),
        ("docker", docker),
    ]
}

/// The damaged archive is refused without a trace, or loads the very same image under the same names; tells which.
fn same_or_refused(archive: &[u8], stdin: bool, what: &str) -> bool {
    let loaded = loaded(archive, stdin, what);
    if let Some(session) = &loaded {
        assert_eq!(session.tags(), image().tags, "{what} loads under other names");
    }
    loaded.is_some()
}

/// The same, its names left aside.
fn same_image_or_refused(archive: &[u8], stdin: bool, what: &str) -> bool {
    loaded(archive, stdin, what).is_some()
}

/// The session that loaded the archive, the very same image; `None` if it was refused.
fn loaded(archive: &[u8], stdin: bool, what: &str) -> Option<Session> {
    let session = Session::new();
    session.write("damaged", archive);
    let answer = if stdin { session.run_with(archive, &["load"]) } else { session.run(&["load", "-i", "damaged"]) };
    if answer.code == 0 {
        assert_eq!(session.ids(), [image().id()], "{what} loads something else");
        return Some(session);
    }
    assert_eq!(answer.code, 1, "{what}: {}", answer.text());
    assert!(session.picture().is_empty(), "{what} left traces: {:?}", session.picture());
    None
}

#[test]
fn cut_at_every_block() {
    let (mut tried, mut refused) = (0, 0);
    for (what, archive) in archives() {
        let blocks = (0..archive.len()).step_by(512).flat_map(|at| [at, at + 1]).filter(|at| *at < archive.len());
        // Compressed archives are short: there every 16th byte is tried.
        let fine = (0..archive.len()).step_by(16);
        let cuts: Vec<usize> = if archive.len() < 8192 { fine.collect() } else { blocks.collect() };
        let step = if slow() { 1 } else { 3 };
        for (n, cut) in cuts.into_iter().enumerate().filter(|(n, _)| n % step == 0) {
            let taken =
                same_or_refused(&archive[..cut], n % 2 == 0, &format!("{what} cut at {cut} of {}", archive.len()));
            tried += 1;
            refused += usize::from(!taken);
        }
    }
    // What is lost at the very end says nothing new: the end marker, `repositories`, a manifest.json beside index.json.
    assert!(refused * 4 > tried * 3, "only {refused} of {tried} cuts were refused");
}

#[test]
fn single_bits() {
    let (mut tried, mut refused) = (0, 0);
    let archives = archives();
    let of_each = if slow() { 5000 / archives.len() } else { 36 };
    for (what, archive) in archives {
        let bits = archive.len() * 8;
        let names = names(what, &archive);
        // Steps of a golden ratio reach every part without a generator.
        for n in 1..=of_each {
            let bit = n.wrapping_mul(0x9e37_79b9) % bits;
            let mut flipped = archive.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let what = format!("{what} with bit {bit} flipped");
            let taken = if names.contains(&(bit / 8)) {
                same_image_or_refused(&flipped, n % 2 == 0, &what)
            } else {
                same_or_refused(&flipped, n % 2 == 0, &what)
            };
            tried += 1;
            refused += usize::from(!taken);
        }
    }
    assert!(refused * 5 > tried, "only {refused} of {tried} flips were seen at all");
}

/// Where an archive's names stand without a second place that would tell of a flip: in the data of its only document of names.
fn names(what: &str, archive: &[u8]) -> std::ops::Range<usize> {
    let document: &[u8] = match what {
        "docker" | "podman" | "crane" => b"manifest.json\0",
        "oci" => b"index.json\0",
        _ => return 0..0,
    };
    let header =
        (0..archive.len()).step_by(512).find(|at| archive[*at..].starts_with(document)).expect("a document of names");
    header + 512..header + 512 * 3
}

#[test]
fn gzip_trailers_that_do_not_fit() {
    let image = image();
    let docker = pack(&producers::docker_save(std::slice::from_ref(&image)));
    let good = Packing::Gzip.apply(&docker);
    for at in [good.len() - 8, good.len() - 4] {
        let mut bad = good.clone();
        bad[at] ^= 0xff;
        session().refuses(&bad);
    }
    session().refuses(&good[..good.len() - 8]);
    // The same inside, around a layer: the layer's bytes are right, the wrapping is not.
    let mut members = producers::crane(std::slice::from_ref(&image));
    let layer = members.iter_mut().find(|m| m.name.ends_with(".tar.gz")).expect("a layer");
    let end = layer.data.len();
    layer.data[end - 8] ^= 0xff;
    session().refuses(&pack(&members));
}

#[test]
fn a_load_that_is_killed_leaves_the_images_that_were_there() {
    let session = session();
    let before = session.picture();
    let ids = session.ids();
    let image =
        TestImage::new(&["fx/big:1"]).layer("big", &[crate::support::tarball::Member::file("big", vec![1; 24 << 20])]);
    session.write("big.tar", pack(&producers::docker_save(std::slice::from_ref(&image))));
    let rounds = if slow() { 200 } else { 20 };
    for round in 0..rounds {
        let mut child =
            session.command(&["load", "-i", "big.tar"]).stdout(std::process::Stdio::null()).spawn().expect("it starts");
        std::thread::sleep(std::time::Duration::from_millis(round * 60 / rounds));
        child.kill().expect("a child of ours");
        child.wait().expect("a child of ours");
        for id in &ids {
            assert!(session.ids().contains(id), "round {round}");
        }
        session.ok(&["save", "-o", "still.tar", "fx/before:1"]);
    }
    session.ok(&["load", "-i", "big.tar"]);
    session.ok(&["rmi", "fx/big:1"]);
    session.ok(&["image", "prune", "-f"]);
    let changes = tree::changes(&before, &session.picture());
    assert!(changes.is_empty(), "prune leaves no litter: {changes:?}");
}

#[test]
fn loads_side_by_side_lose_no_name() {
    let session = session();
    let images: Vec<TestImage> = (0..8).map(|n| TestImage::of(&format!("fx/side:{n}"), &format!("side {n}"))).collect();
    let children: Vec<_> = images
        .iter()
        .enumerate()
        .map(|(n, image)| {
            let name = format!("{n}.tar");
            session.write(&name, pack(&producers::docker_save(std::slice::from_ref(image))));
            session
                .command(&["load", "-q", "-i", &name])
                .stdout(std::process::Stdio::null())
                .spawn()
                .expect("it starts")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("a child of ours").success());
    }
    assert_eq!(session.tags().len(), images.len() + 1, "{:?}", session.tags());
    for image in &images {
        session.ok(&["save", "-o", "out.tar", &image.tags[0]]);
    }
}

#[test]
fn a_bomb_is_stopped() {
    if !slow() {
        return;
    }
    let zeros = vec![0; 1200 << 20];
    let bomb = Packing::Zstd.apply(&zeros);
    drop(zeros);
    let members = [
        crate::support::tarball::Member::file("layer", bomb),
        crate::support::tarball::Member::file("config", image().config_bytes()),
        producers::manifest_json(&[
            serde_json::json!({"Config": "config", "RepoTags": null, "Layers": ["layer", "layer"]}),
        ]),
    ];
    session().refuses(&pack(&members));
}
