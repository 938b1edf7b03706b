//! `docker save` → imgtool → `docker load`: the same images, names, histories and configuration bytes.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::engine::{Engine, engine, full_engine};
use crate::images;
use crate::support::image::TestImage;
use crate::support::packing::Packing;
use crate::support::session::Session;
use crate::support::tarball::{member, pack, unpack};
use crate::support::{digest, producers};

/// ID by name of every image that the engine has.
fn listed(engine: &Engine) -> BTreeMap<String, String> {
    let rows = engine.ok(&["images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"]);
    rows.lines()
        .map(|row| row.split_once(' ').expect("two fields"))
        .map(|(name, id)| (name.into(), id.into()))
        .collect()
}

fn histories(engine: &Engine) -> Vec<String> {
    images::EACH
        .iter()
        .map(|name| {
            engine.ok(&[
                "history",
                "--no-trunc",
                "--format",
                "{{.ID}} {{.CreatedAt}} {{.CreatedBy}} {{.Size}} {{.Comment}}",
                name,
            ])
        })
        .collect()
}

/// The configurations in a docker archive, by their digests.
fn configs(tar: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let members = unpack(tar);
    let entries: Value = serde_json::from_slice(member(&members, "manifest.json")).expect("JSON");
    let of = |entry: &Value| member(&members, entry["Config"].as_str().expect("a path")).to_vec();
    entries.as_array().expect("a list").iter().map(of).map(|config| (digest(&config), config)).collect()
}

fn load_into(engine: &Engine, session: &Session, name: &str) -> String {
    engine.ok(&["load", "-i", &session.work().join(name).display().to_string()])
}

#[test]
fn there_and_back_again() {
    let Some((mut engine, archive)) = full_engine() else { return };
    let (names, rows) = (listed(&engine), histories(&engine));
    assert_eq!(names.keys().cloned().collect::<Vec<_>>(), sorted(&images::TAGS));

    let session = Session::new();
    session.run_with(archive, &["load"]).ok();
    assert_eq!(session.tags(), sorted(&images::TAGS));
    for (name, id) in &names {
        assert_eq!(session.inspect(name)["Id"], Value::from(id.as_str()), "{name}");
    }
    let save: Vec<&str> = ["save", "-o", "back.tar"].into_iter().chain(images::TAGS).collect();
    session.ok(&save);
    assert_eq!(configs(&session.read("back.tar")), configs(archive), "configurations keep their bytes");

    engine.forget_all();
    load_into(&engine, &session, "back.tar");
    assert_eq!(listed(&engine), names, "IDs and tags come back");
    assert_eq!(histories(&engine), rows, "histories come back");
}

#[test]
fn docker_loads_every_format_that_it_knows() {
    let Some(mut engine) = engine() else { return };
    let image = TestImage::sample("fx/a:1").also_tagged("quay.io/x/y:2");
    let session = Session::new();
    session.load(&pack(&producers::docker_25(std::slice::from_ref(&image))));
    for flags in [&[][..], &["--format", "docker"], &["--format", "docker-legacy"], &["--compress", "gzip"]] {
        let args: Vec<&str> =
            ["save", "-o", "x.tar"].iter().chain(flags).copied().chain(["fx/a:1", "quay.io/x/y:2"]).collect();
        session.ok(&args);
        load_into(&engine, &session, "x.tar");
        let want: BTreeMap<String, String> = image.tags.iter().map(|tag| (tag.clone(), image.id())).collect();
        assert_eq!(listed(&engine), want, "{flags:?}");
        engine.forget_all();
    }
}

#[test]
fn docker_loads_several_images_and_those_without_a_name() {
    let Some(engine) = engine() else { return };
    let images = [TestImage::sample("fx/a:1"), TestImage::of("fx/b:1", "b")];
    let session = Session::new();
    session.load(&pack(&producers::docker_save(&images)));
    session.ok(&["save", "-o", "two.tar", "fx/a:1", &images[1].id()]);
    let said = load_into(&engine, &session, "two.tar");
    assert!(said.contains("Loaded image: fx/a:1"), "{said}");
    let names = listed(&engine);
    assert_eq!(names.get("fx/a:1"), Some(&images[0].id()));
    assert_eq!(names.get("<none>:<none>"), Some(&images[1].id()));
}

#[test]
fn docker_loads_an_image_that_is_known_by_digest() {
    let Some(mut engine) = engine() else { return };
    let image = TestImage::sample("fx/a:1");
    let (archive, name) = producers::known_by_digest(&image, "quay.io/x/y");
    let session = Session::new();
    session.load(&pack(&archive));
    for format in ["docker", "docker-legacy"] {
        session.ok(&["save", "--format", format, "-o", "x.tar", &name]);
        let said = load_into(&engine, &session, "x.tar");
        assert_eq!(said, format!("Loaded image ID: {}\n", image.id()), "{format}");
        engine.forget_all();
    }
}

#[test]
fn both_convert_a_layout_of_docker_1_9_to_the_same_image() {
    let Some(engine) = engine() else { return };
    let version = engine.ok(&["version", "--format", "{{.Server.Version}}"]);
    let major: u32 = version.split('.').next().and_then(|n| n.parse().ok()).unwrap_or(0);
    if major >= 29 {
        crate::peer::skip("docker 29 does not read archives of docker 1.9");
        return;
    }
    let image = TestImage::sample("fx/legacy:1");
    let session = Session::new();
    session.load(&pack(&producers::docker_legacy(&[image])));
    load_into(&engine, &session, "load.tar");
    assert_eq!(listed(&engine)["fx/legacy:1"], session.inspect("fx/legacy:1")["Id"].as_str().expect("an ID"));
}

#[test]
fn a_delta_that_docker_takes_imgtool_takes() {
    let Some(engine) = engine() else { return };
    let base = TestImage::of("fx/base:1", "base");
    let child = TestImage { tags: vec!["fx/child:1".into()], ..base.clone() }
        .layer("more", &[crate::support::tarball::Member::file("more", "more")]);
    let session = Session::new();
    session.load(&pack(&producers::docker_save(std::slice::from_ref(&base))));
    load_into(&engine, &session, "load.tar");
    let delta = producers::without_layers(producers::docker_save(std::slice::from_ref(&child)), &base.layers);
    session.write("delta.tar", pack(&delta));
    assert_eq!(session.ok(&["load", "-i", "delta.tar"]), load_into(&engine, &session, "delta.tar"));
    assert_eq!(listed(&engine)["fx/child:1"], child.id());
}

#[test]
fn both_say_the_same_when_they_load() {
    let Some(engine) = engine() else { return };
    let old = TestImage::of("fx/a:1", "old").also_tagged("localhost:5000/a:2");
    let new = TestImage::of("fx/a:1", "new");
    let session = Session::new();
    for archive in [
        pack(&producers::docker_save(&[old.clone(), TestImage::of("fx/b:1", "b")])),
        pack(&producers::docker_save(std::slice::from_ref(&new))),
        pack(&producers::podman(&[TestImage::of("", "nameless").untagged()])),
        Packing::Gzip.apply(&pack(&producers::crane(std::slice::from_ref(&old)))),
    ] {
        assert_eq!(session.load(&archive), load_into(&engine, &session, "load.tar"));
    }
    let names = engine.ok(&["images", "-a", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"]);
    let ours = session.ok(&["images", "-a", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"]);
    assert_eq!(sorted_lines(&ours), sorted_lines(&names));
}

#[test]
fn the_archives_made_for_these_tests_are_archives_to_docker_too() {
    let Some(mut engine) = engine() else { return };
    let image =
        TestImage::sample("fx/a:1").layer("again", &[crate::support::tarball::Member::file("hello", "hello\n")]);
    let one = std::slice::from_ref(&image);
    for (what, members) in [
        ("docker 1.10 to 24", producers::docker_save(one)),
        ("docker 25 and later", producers::docker_25(one)),
        ("docker's containerd store", producers::docker_containerd(&image)),
        ("buildkit", producers::buildkit(&image, true)),
        ("podman", producers::podman(one)),
        ("crane", producers::crane(one)),
        ("jib", producers::jib(&image)),
        ("nix buildLayeredImage", producers::nix(&image, false)),
        ("nix streamLayeredImage", producers::nix(&image, true)),
        ("rules_oci", producers::rules_oci(&image)),
        ("regctl", producers::regctl(&image)),
    ] {
        let session = Session::new();
        session.write("x.tar", pack(&members));
        load_into(&engine, &session, "x.tar");
        assert_eq!(listed(&engine).values().collect::<Vec<_>>(), [&image.id()], "{what}");
        engine.forget_all();
    }
}

fn sorted(names: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = names.iter().map(ToString::to_string).collect();
    names.sort();
    names
}

fn sorted_lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}
