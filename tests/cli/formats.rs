//! `load` of one image from the archive of every producer, in every compression, from a file and from a pipe.

use serde_json::json;

use crate::support::image::TestImage;
use crate::support::oci::PLAIN_MARK;
use crate::support::packing::Packing;
use crate::support::producers::{self, manifest_json};
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};

const TAG: &str = "fx/sample:1";

/// A producer's name, its members, and whether they tell the image's name.
type Row = (&'static str, Vec<Member>, bool);

fn every_producer(image: &TestImage) -> Vec<Row> {
    let one = std::slice::from_ref(image);
    vec![
        ("docker 1.10 to 24", producers::docker_save(one), true),
        ("docker 25 and later", producers::docker_25(one), true),
        ("docker's containerd store", producers::docker_containerd(image), true),
        ("buildkit docker", producers::buildkit(image, true), true),
        ("buildkit oci", producers::buildkit(image, false), true),
        ("podman docker-archive", producers::podman(one), true),
        ("crane", producers::crane(one), true),
        ("jib", producers::jib(image), true),
        ("nix buildLayeredImage", producers::nix(image, false), true),
        ("nix streamLayeredImage", producers::nix(image, true), true),
        ("rules_oci", producers::rules_oci(image), true),
        ("regctl", producers::regctl(image), true),
        ("podman oci-archive", producers::skopeo_layout(one, &[Packing::Gzip]).members(PLAIN_MARK), true),
        ("oci-archive, zstd", producers::skopeo_layout(one, &[Packing::Zstd]).members(PLAIN_MARK), true),
        (
            "oci-archive, mixed",
            producers::skopeo_layout(one, &[Packing::None, Packing::Zstd]).members(PLAIN_MARK),
            true,
        ),
        ("umoci", producers::umoci_layout(image).members(PLAIN_MARK), false),
    ]
}

/// An image with a layer that comes twice, a step without a layer, and one layer more.
fn image() -> TestImage {
    TestImage::sample(TAG).layer("again", &[Member::file("hello", "hello\n")])
}

fn check(session: &Session, image: &TestImage, tagged: bool, what: &str) {
    assert_eq!(session.ids(), [image.id()], "{what}: the image ID is the digest of the configuration");
    if tagged {
        assert_eq!(session.tags(), image.tags, "{what}");
    }
    let inspect = session.inspect(&image.id());
    assert_eq!(inspect["RootFS"]["Layers"], json!(image.diff_ids()), "{what}");
    assert_eq!(inspect["Config"]["Labels"]["who"], "a <b> & c", "{what}");
    let history = session.history(&image.id());
    let sizes: Vec<&str> = history.iter().map(|row| row["Size"].as_str().expect("a string")).collect();
    assert_eq!(sizes, ["6B", "11B", "0B", "6B"], "{what}");
    assert_eq!(history[0]["ID"], image.id(), "{what}");
    assert_eq!(history[3]["CreatedBy"], "/bin/sh -c #(nop) ADD file:1 in / ", "{what}");
}

#[test]
fn every_producer_from_a_file_and_from_a_pipe() {
    let image = image();
    for (what, members, tagged) in every_producer(&image) {
        let archive = pack(&members);
        let from_file = Session::new();
        let printed = from_file.load(&archive);
        check(&from_file, &image, tagged, what);
        let from_pipe = Session::new();
        assert_eq!(from_pipe.run_with(&archive, &["load"]).ok(), printed, "{what}");
        check(&from_pipe, &image, tagged, what);
        if tagged {
            assert_eq!(printed, format!("Loaded image: {TAG}\n"), "{what}");
        }
    }
}

#[test]
fn every_outer_compression_told_by_content() {
    let image = image();
    let archives = [
        pack(&producers::docker_save(std::slice::from_ref(&image))),
        pack(&producers::skopeo_layout(std::slice::from_ref(&image), &[Packing::Gzip]).members(PLAIN_MARK)),
    ];
    for (archive, packing) in archives.iter().flat_map(|a| Packing::ALL.map(|p| (a, p))) {
        let packed = packing.apply(archive);
        let from_file = Session::new();
        from_file.load(&packed);
        check(&from_file, &image, true, &format!("{packing:?}"));
        let from_pipe = Session::new();
        from_pipe.run_with(&packed, &["load"]).ok();
        check(&from_pipe, &image, true, &format!("{packing:?} through a pipe"));
    }
}

#[test]
fn every_layer_compression_and_all_of_them_mixed() {
    let image = Packing::ALL.iter().fold(TestImage::new(&[TAG]), |image, packing| {
        let name = format!("{packing:?}");
        image.layer(&name.clone(), &[Member::file(&name, name.repeat(100))])
    });
    let paths: Vec<String> = (0..image.layers.len()).map(|n| format!("layer{n}.tar")).collect();
    let mut members: Vec<Member> = paths
        .iter()
        .zip(image.layers.iter().zip(Packing::ALL))
        .map(|(path, (layer, packing))| Member::file(path, packing.apply(layer)))
        .collect();
    members.push(Member::file("config", image.config_bytes()));
    members.push(manifest_json(&[json!({"Config": "config", "RepoTags": [TAG], "Layers": paths})]));
    for packing in Packing::ALL {
        let session = Session::new();
        session.load(&packing.apply(&pack(&members)));
        assert_eq!(session.ids(), [image.id()]);
        assert_eq!(session.inspect(TAG)["RootFS"]["Layers"], json!(image.diff_ids()));
    }
}

#[test]
fn members_in_whatever_order_they_come() {
    let image = image();
    for (what, members, tagged) in every_producer(&image) {
        let mut reversed = members.clone();
        reversed.reverse();
        let mut sorted = members;
        sorted.sort_by_key(|member| std::cmp::Reverse(member.data.len()));
        for members in [reversed, sorted] {
            let session = Session::new();
            session.run_with(&pack(&members), &["load"]).ok();
            check(&session, &image, tagged, &format!("{what}, members in another order"));
        }
    }
}

#[test]
fn dots_before_names_mean_nothing() {
    let image = image();
    let mut members = producers::docker_save(std::slice::from_ref(&image));
    for member in &mut members {
        member.name = format!("./{}", member.name);
    }
    members.insert(0, Member::dir("./"));
    let session = Session::new();
    session.load(&pack(&members));
    check(&session, &image, true, "./ before every name");
}

#[test]
fn docker_before_1_10() {
    let image = image();
    for stdin in [false, true] {
        let session = Session::new();
        let archive = pack(&producers::docker_legacy(std::slice::from_ref(&image)));
        if stdin {
            session.run_with(&archive, &["load"]).ok()
        } else {
            session.load(&archive)
        };
        assert_eq!(session.tags(), [TAG]);
        let inspect = session.inspect(TAG);
        assert_eq!(inspect["RootFS"]["Layers"], json!(image.diff_ids()));
        assert_eq!(inspect["Config"]["Cmd"], json!(["/hello"]));
        // The steps without a layer were layers then, so only three rows are left.
        assert_eq!(session.history(TAG).len(), 3);
    }
}

#[test]
fn several_images_share_their_layers() {
    let base = TestImage::of("fx/base:1", "base");
    let child = TestImage { tags: vec!["fx/child:1".into(), "example.com:5000/x/child:v2".into()], ..base.clone() }
        .layer("more", &[Member::file("more", "more")]);
    let images = [base.clone(), child.clone()];
    let rows = [
        ("docker 1.10 to 24", producers::docker_save(&images)),
        ("docker 25 and later", producers::docker_25(&images)),
        ("podman", producers::podman(&images)),
        ("crane", producers::crane(&images)),
        ("oci-archive", producers::skopeo_layout(&images, &[Packing::Gzip]).members(PLAIN_MARK)),
    ];
    for (what, members) in rows {
        let session = Session::new();
        assert_eq!(
            session.load(&pack(&members)),
            "Loaded image: fx/base:1\nLoaded image: fx/child:1\nLoaded image: example.com:5000/x/child:v2\n",
            "{what}"
        );
        let mut ids = [base.id(), child.id()];
        ids.sort();
        assert_eq!(session.ids(), ids, "{what}");
        assert_eq!(session.tags(), ["example.com:5000/x/child:v2", "fx/base:1", "fx/child:1"], "{what}");
    }
}

#[test]
fn without_names_the_id_is_printed() {
    let image = image().untagged();
    let one = std::slice::from_ref(&image);
    let rows = [
        producers::docker_save(one),
        producers::docker_25(one),
        producers::podman(one),
        producers::skopeo_layout(one, &[Packing::Gzip]).members(PLAIN_MARK),
    ];
    for members in rows {
        let session = Session::new();
        assert_eq!(session.load(&pack(&members)), format!("Loaded image ID: {}\n", image.id()));
        assert_eq!(session.tags(), ["<none>:<none>"]);
    }
}

#[test]
fn a_folder_with_an_oci_layout() {
    let image = image();
    let session = Session::new();
    producers::skopeo_layout(std::slice::from_ref(&image), &[Packing::Gzip]).write(&session.work().join("layout"));
    assert_eq!(session.ok(&["load", "-i", "layout"]), format!("Loaded image: {TAG}\n"));
    check(&session, &image, true, "a folder");
}

#[test]
fn a_layout_of_another_tool_is_a_store() {
    let image = image();
    let session = Session::new();
    producers::skopeo_layout(std::slice::from_ref(&image), &[Packing::Gzip]).write(&session.store());
    check(&session, &image, true, "a layout that skopeo made, as --root");
    let other = Session::new();
    producers::umoci_layout(&image).write(&other.store());
    check(&other, &image, false, "a layout that umoci made, as --root");
}
