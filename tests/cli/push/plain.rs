//! Layers that are stored uncompressed are compressed on their way.

use serde_json::Value;

use super::{digest_of, large, noise, pulls, stored_plain};
use crate::support::image::TestImage;
use crate::support::registry::Registry;
use crate::support::session::Session;
use crate::support::tarball::Member;

fn manifest(registry: &Registry, name: &str) -> Value {
    let digest = digest_of(registry, name).expect("it is there");
    let (repository, _) = name.rsplit_once(':').expect("a tag");
    serde_json::from_slice(&registry.content().repositories[repository].manifests[&digest].bytes).expect("JSON")
}

/// The types of the layers of a manifest, and their first bytes.
fn layers(registry: &Registry, name: &str) -> Vec<(String, [u8; 2])> {
    let manifest = manifest(registry, name);
    let content = registry.content();
    let blobs = &content.repositories[name.rsplit_once(':').expect("a tag").0].blobs;
    let layers = manifest["layers"].as_array().expect("layers").iter();
    layers
        .map(|layer| {
            let bytes = &blobs[layer["digest"].as_str().expect("a digest")];
            assert_eq!(layer["size"], bytes.len());
            (layer["mediaType"].as_str().expect("a type").to_owned(), [bytes[0], bytes[1]])
        })
        .collect()
}

const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";

#[test]
fn with_gzip_or_zstd_and_once() {
    let session = Session::new();
    let image = TestImage::sample("x").layer("more", &[Member::file("more", noise(1, 5 << 20))]);
    for (method, media_type, magic) in [("gzip", GZIP, [0x1f, 0x8b]), ("zstd:5", ZSTD, [0x28, 0xb5])] {
        let registry = Registry::start();
        let name = registry.name("app:1");
        stored_plain(&session, &name, &image);
        let before = session.picture();
        let said = session.ok(&["push", "--compress", method, &name]);
        assert_eq!(layers(&registry, "app:1"), vec![(media_type.to_owned(), magic); 3]);
        let digest = digest_of(&registry, "app:1").expect("it is there");
        assert!(said.contains(&format!("1: digest: {digest} size: ")), "{said}");
        pulls(&registry, "app:1", &image);
        let is_new = |path: &&String| path.starts_with("blobs/") && !before.contains_key(*path);
        assert_eq!(session.picture().keys().find(is_new), None, "nothing is on the disk twice");

        // Once more, under another tag, in another repository, in another registry.
        registry.forget();
        session.ok(&["push", "--compress", method, &name]);
        session.ok(&["tag", &name, &registry.name("app:2")]);
        session.ok(&["push", "--compress", method, &registry.name("app:2")]);
        session.ok(&["tag", &name, &registry.name("other:1")]);
        let said = session.ok(&["push", "--compress", method, &registry.name("other:1")]);
        assert_eq!(said.matches("Mounted from app").count(), 3, "{said}");
        assert_eq!(registry.received(), 0, "{:#?}", registry.log());
        assert_eq!(digest_of(&registry, "other:1"), Some(digest.clone()));
        let second = Registry::start();
        session.ok(&["tag", &name, &second.name("app:1")]);
        session.ok(&["push", "--compress", method, &second.name("app:1")]);
        assert_eq!(digest_of(&second, "app:1"), Some(digest));
    }
}

#[test]
fn the_same_on_any_number_of_cores() {
    if !std::path::Path::new("/usr/bin/taskset").is_file() {
        return crate::support::skip("taskset is not installed");
    }
    let image = large(2, 5 << 20).layer("zeros", &[Member::file("zeros", vec![0; 9 << 20])]);
    let mut digests = Vec::new();
    for cores in ["0", "0-63"] {
        let (session, registry) = (Session::new(), Registry::start());
        let name = registry.name("app:1");
        stored_plain(&session, &name, &image);
        let mut command = std::process::Command::new("/usr/bin/taskset");
        let imgtool = session.command(&["push", "-q", &name]);
        command.args(["-c", cores]).arg(imgtool.get_program()).args(imgtool.get_args()).env_clear();
        for (variable, value) in imgtool.get_envs() {
            command.env(variable, value.expect("it is set"));
        }
        let output = command.current_dir(session.work()).output().expect("taskset");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        digests.push(digest_of(&registry, "app:1"));
        pulls(&registry, "app:1", &image);
    }
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn what_is_remembered_may_be_wrong_or_gone() {
    let (session, registry) = (Session::new(), Registry::start());
    let image = large(3, 2 << 20);
    stored_plain(&session, &registry.name("app:1"), &image);
    session.ok(&["push", "-q", &registry.name("app:1")]);
    let digest = digest_of(&registry, "app:1");
    let folder = session.store().join("imgtool/packed");
    let file = std::fs::read_dir(&folder).expect("a folder").next().expect("a file").expect("readable").path();
    let right = std::fs::read_to_string(&file).expect("text");
    let size: u64 = right.trim().split_once(' ').expect("two words").1.parse().expect("a size");
    let other = format!("sha256:{}", "1".repeat(64));
    for wrong in
        [format!("{other} {size}\n"), format!("{other} {}\n", size + 9), format!("{other} 9\n"), "?".to_owned()]
    {
        std::fs::write(&file, &wrong).expect("writable");
        let registry = Registry::start();
        session.ok(&["tag", &image.id(), &registry.name("app:1")]);
        session.ok(&["push", "-q", &registry.name("app:1")]);
        assert_eq!(digest_of(&registry, "app:1"), digest, "{wrong}");
        assert_eq!(std::fs::read_to_string(&file).expect("text"), right, "it is right again");
    }
}

#[test]
fn a_damaged_layer_is_pushed_under_no_name() {
    let (session, registry) = (Session::new(), Registry::start());
    let image = large(4, 1 << 20);
    stored_plain(&session, &registry.name("app:1"), &image);
    let path = session.store().join("blobs/sha256").join(crate::support::hex(&image.layers[0]));
    let mut bytes = std::fs::read(&path).expect("the layer");
    bytes[500_000] ^= 1;
    std::fs::remove_file(&path).expect("ours");
    std::fs::write(&path, bytes).expect("ours");
    session.run(&["push", &registry.name("app:1")]).fails(1, &["is damaged", "load its image again"]);
    assert_eq!(digest_of(&registry, "app:1"), None);
}

#[test]
fn a_layer_that_an_image_has_twice_is_sent_once() {
    let (session, registry) = (Session::new(), Registry::start());
    let layer = [Member::file("same", noise(5, 1 << 20))];
    let image = TestImage::new(&[]).layer("one", &layer).layer("two", &[Member::dir("d/")]).layer("three", &layer);
    stored_plain(&session, &registry.name("app:1"), &image);
    session.ok(&["push", "-q", &registry.name("app:1")]);
    assert_eq!(registry.count("PUT", "/uploads/"), 3, "two layers and a config: {:#?}", registry.log());
    assert_eq!(layers(&registry, "app:1").len(), 3);
    pulls(&registry, "app:1", &image);
}

#[test]
fn in_bounded_memory() {
    let (session, registry) = (Session::new(), Registry::start());
    let image = (0..5).fold(TestImage::new(&[]), |image, seed| {
        image.layer("large", &[Member::file("large", noise(seed + 60, 24 << 20))])
    });
    stored_plain(&session, &registry.name("app:1"), &image);
    let mut child = session.command(&["push", "-q", &registry.name("app:1")]).spawn().expect("it starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0_u64;
    while child.try_wait().expect("a child of ours").is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let high = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok());
        peak = peak.max(high.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(child.wait().expect("a child of ours").success());
    assert!(peak > 0 && peak <= 128 << 10, "{peak} KiB");
}
