//! Whatever image: saved and loaded again it is the same image, from every format, packing and way in.
//!
//! `PROPTEST_CASES` sets how many images are tried.

#[path = "../support/mod.rs"]
mod support;

use proptest::prelude::*;
use serde_json::json;
use support::image::TestImage;
use support::oci::PLAIN_MARK;
use support::packing::Packing;
use support::producers;
use support::session::Session;
use support::tarball::{Member, member, pack, unpack};

/// A few cases by default: each runs a dozen commands.
fn cases() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(24);
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() }
}

fn any_member() -> impl Strategy<Value = Member> {
    let name = "[a-z]{1,8}(/[a-z]{1,8}){0,2}";
    prop_oneof![
        4 => (name, proptest::collection::vec(any::<u8>(), 0..2000)).prop_map(|(name, data)| Member::file(name, data)),
        1 => name.prop_map(|name| Member::dir(name + "/")),
        1 => (name, "[a-z/.]{1,12}").prop_map(|(name, target)| Member::symlink(name, target)),
        1 => name.prop_map(|name| Member::file(format!("{name}/.wh.gone"), Vec::new())),
    ]
}

prop_compose! {
    /// An image with up to five layers, some alike, and a configuration with any text in it.
    fn any_image(tags: &'static str)(
        layers in proptest::collection::vec(proptest::collection::vec(any_member(), 0..4), 0..5),
        again in any::<bool>(),
        steps in 0_usize..3,
        tags in proptest::collection::btree_set(tags, 1..4),
        text in "\\PC{0,20}",
        number in any::<i64>(),
    ) -> TestImage {
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        let mut image = TestImage::new(&tags).with("author", json!(text)).with("x-number", json!(number));
        image.config["config"]["Labels"]["text"] = json!(text);
        for layer in &layers {
            image = image.layer(&text, &deduplicated(layer));
        }
        if let (true, Some(layer)) = (again, image.layers.first().cloned()) {
            image = image.raw_layer("once more", layer);
        }
        (0..steps).fold(image, |image, n| image.step(&format!("ENV step={n}")))
    }
}

/// One entry a name, and nothing below what is no folder: layers are not what is tried here.
fn deduplicated(members: &[Member]) -> Vec<Member> {
    let mut kept: Vec<Member> = Vec::new();
    for member in members {
        let name = member.name.trim_end_matches('/');
        let clashes = |other: &Member| {
            let other = other.name.trim_end_matches('/');
            other == name || name.starts_with(&format!("{other}/")) || other.starts_with(&format!("{name}/"))
        };
        if !kept.iter().any(clashes) {
            kept.push(member.clone());
        }
    }
    kept
}

fn written_by(producer: usize, image: &TestImage) -> Vec<u8> {
    let one = std::slice::from_ref(image);
    pack(&match producer % 7 {
        0 => producers::docker_save(one),
        1 => producers::docker_25(one),
        2 => producers::podman(one),
        3 => producers::crane(one),
        4 => producers::nix(image, true),
        5 => producers::regctl(image),
        _ => producers::skopeo_layout(one, &[Packing::Gzip, Packing::Zstd, Packing::None]).members(PLAIN_MARK),
    })
}

/// The image is in the store with all that makes it itself.
fn is_there(session: &Session, image: &TestImage) -> Result<(), TestCaseError> {
    prop_assert_eq!(session.ids(), [image.id()]);
    let mut tags = image.tags.clone();
    tags.sort();
    prop_assert_eq!(session.tags(), tags);
    let inspect = session.inspect(&image.id());
    // docker leaves out what is empty.
    prop_assert_eq!(inspect["RootFS"]["Layers"].as_array().cloned().unwrap_or_default(), image.diff_ids());
    prop_assert_eq!(inspect["Author"].as_str().unwrap_or_default(), &image.config["author"]);
    let blob =
        std::fs::read(session.store().join("blobs/sha256").join(image.hex())).expect("the configuration is a blob");
    prop_assert_eq!(blob, image.config_bytes());
    Ok(())
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn an_image_stays_itself(image in any_image("fx/[a-z]{1,6}:[a-z0-9]{1,6}"), producer in 0_usize..7, packing in 0_usize..5) {
        let first = Session::new();
        let archive = Packing::ALL[packing].apply(&written_by(producer, &image));
        first.run_with(&archive, &["load", "-q"]).ok();
        is_there(&first, &image)?;

        let from_file = Session::new();
        from_file.load(&archive);
        prop_assert_eq!(from_file.picture(), first.picture(), "a file and a pipe make the same store");

        for format in ["", "docker", "docker-legacy", "oci"] {
            let mut args = vec!["save"];
            if !format.is_empty() {
                args.extend(["--format", format]);
            }
            args.extend(image.tags.iter().map(String::as_str));
            let saved = first.run(&args);
            prop_assert_eq!(saved.code, 0, "{}: {}", format, saved.stderr);
            prop_assert_eq!(&first.run(&args).stdout, &saved.stdout, "{}: saved twice, the same bytes", format);
            let second = Session::new();
            second.run_with(&saved.stdout, &["load", "-q"]).ok();
            is_there(&second, &image)?;
        }
        for compress in ["gzip", "zstd:1"] {
            let saved = first.run(&["save", "--compress", compress, &image.tags[0]]);
            prop_assert_eq!(saved.code, 0, "{}: {}", compress, saved.stderr);
            let second = Session::new();
            second.run_with(&saved.stdout, &["load", "-q"]).ok();
            prop_assert_eq!(second.ids(), [image.id()]);
        }
    }

    #[test]
    fn several_images_stay_apart(
        a in any_image("fx/a:[a-z0-9]{1,6}"),
        b in any_image("quay\\.io/x/b:[a-z0-9]{1,6}"),
        producer in 0_usize..3,
    ) {
        let images = [a.clone(), b.clone()];
        let session = Session::new();
        session.load(&pack(&match producer {
            0 => producers::docker_save(&images),
            1 => producers::docker_25(&images),
            _ => producers::crane(&images),
        }));
        session.ok(&["save", "-o", "both.tar", "fx/a", "quay.io/x/b"]);
        let saved = session.read("both.tar");
        let second = Session::new();
        second.load(&saved);
        let mut ids = vec![a.id(), b.id()];
        ids.sort();
        ids.dedup();
        prop_assert_eq!(second.ids(), ids);
        prop_assert_eq!(second.tags(), session.tags());
        let members = unpack(&saved);
        for image in images {
            prop_assert_eq!(member(&members, &format!("blobs/sha256/{}", image.hex())), image.config_bytes());
        }
    }

    #[test]
    fn removing_what_was_loaded_leaves_nothing(image in any_image("fx/[a-z]{1,6}:1"), producer in 0_usize..7) {
        let session = Session::new();
        session.load(&written_by(producer, &image));
        session.ok(&["rmi", "-f", &image.id()]);
        prop_assert_eq!(session.ids(), [""; 0]);
        prop_assert!(session.picture().is_empty(), "{:?}", session.picture());
    }
}
