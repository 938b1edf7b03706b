//! Images for several platforms: which one is meant, where the index and the configs do not say the same.

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::oci::{INDEX, Layout, MANIFEST, PLAIN_MARK, REF_NAME};
use crate::support::packing::Packing;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::pack;

/// What official images were before 2021: the index tells the variants of ARM, most configs do not.
const VARIANTS: [(&str, &str, Option<&str>); 5] =
    [("amd64", "", None), ("arm", "v5", None), ("arm", "v6", None), ("arm", "v7", Some("v7")), ("arm64", "v8", None)];

/// The file `f` of each image says its platform.
fn images() -> Vec<(TestImage, Value)> {
    let image = |(architecture, variant, in_config): (&str, &str, Option<&str>)| {
        let text = format!("{architecture}{variant}");
        let mut image = TestImage::of("fx/m:1", &text).with("architecture", json!(architecture));
        if let Some(variant) = in_config {
            image = image.with("variant", json!(variant));
        }
        let mut platform = json!({"os": "linux", "architecture": architecture});
        if !variant.is_empty() {
            platform["variant"] = json!(variant);
        }
        (image, platform)
    };
    VARIANTS.into_iter().map(image).collect()
}

/// Entries of all images in a layout.
fn entries(layout: &mut Layout) -> Vec<Value> {
    let described = |(image, platform): (TestImage, Value)| {
        let mut descriptor = layout.put_image(&image, &[Packing::Gzip]);
        descriptor["platform"] = platform;
        descriptor
    };
    images().into_iter().map(described).collect()
}

/// One name, an index under it.
fn nested() -> Vec<u8> {
    let mut layout = Layout::default();
    let entries = entries(&mut layout);
    let index = layout.put_json(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}));
    layout.name(&index, &[(REF_NAME, "docker.io/fx/m:1")]);
    pack(&layout.members(PLAIN_MARK))
}

/// The same images beside each other in `index.json`, all of one name.
fn flat() -> Vec<u8> {
    let mut layout = Layout::default();
    for entry in entries(&mut layout) {
        layout.name(&entry, &[(REF_NAME, "docker.io/fx/m:1")]);
    }
    pack(&layout.members(PLAIN_MARK))
}

/// What the file of the image says that is exported.
fn exported(session: &Session, platform: Option<&str>, image: &str) -> String {
    let mut args = vec!["export", "-o", "root.tar"];
    args.extend(platform.iter().flat_map(|platform| ["--platform", *platform]));
    args.push(image);
    session.ok(&args);
    let members = crate::support::tarball::unpack(&session.read("root.tar"));
    let text = members.iter().find(|member| !member.data.is_empty()).map(|member| member.data.clone());
    String::from_utf8(text.expect("a file")).expect("text")
}

#[test]
fn the_index_decides_in_the_store_and_in_place() {
    for archive in [nested(), flat()] {
        let session = Session::new();
        session.write("m.tar", &archive);
        session.ok(&["load", "-q", "-i", "m.tar"]);
        for image in ["fx/m:1", "./m.tar"] {
            for (platform, text) in [
                ("linux/amd64", "amd64"),
                ("linux/x86_64", "amd64"),
                ("linux/arm/v5", "armv5"),
                ("linux/arm/v6", "armv6"),
                ("linux/armel", "armv6"),
                ("linux/arm/v7", "armv7"),
                ("linux/arm", "armv7"),
                ("linux/armhf", "armv7"),
                ("linux/arm64", "arm64v8"),
                ("linux/aarch64", "arm64v8"),
            ] {
                assert_eq!(exported(&session, Some(platform), image), text, "{platform} of {image}");
            }
            session.run(&["export", "--platform", "linux/arm/v8", "-o", "x.tar", image]).fails(1, &["linux/arm/v8"]);
        }
        assert_eq!(session.ids().len(), 1, "one image, whatever its platforms");
    }
}

#[test]
fn every_command_goes_by_the_index() {
    let session = Session::new();
    session.load(&nested());
    let v6 = &images()[2].0;
    let of_v6 = |args: &[&str]| session.ok(&[args, &["--platform", "linux/arm/v6", "fx/m:1"]].concat());
    assert_eq!(of_v6(&["image", "inspect", "-f", "{{.Id}}"]).trim(), v6.id());
    let described = of_v6(&[
        "image",
        "inspect",
        "-f",
        "{{.Descriptor.MediaType}} {{json .Descriptor.Platform}} {{json .Manifests}}",
    ]);
    assert_eq!(
        described,
        format!("{MANIFEST} {{\"architecture\":\"arm\",\"os\":\"linux\",\"variant\":\"v6\"}} null\n")
    );
    assert!(of_v6(&["history", "--no-trunc", "-q"]).contains(&v6.id()));
    session.ok(&["unpack", "-q", "--platform", "linux/arm/v6", "fx/m:1", "t"]);
    session.ok(&["save", "--platform", "linux/arm/v6", "-o", "v6.tar", "fx/m:1"]);
    assert_eq!(session.ok(&["diff", "--platform", "linux/arm/v6", "fx/m:1", "./v6.tar"]), "");
    let tree = session.ok(&["images", "--tree"]);
    for platform in ["linux/amd64", "linux/arm/v5", "linux/arm/v6", "linux/arm/v7", "linux/arm64/v8"] {
        assert!(tree.contains(platform), "{platform} in {tree}");
    }

    // What was saved, and what was committed on it, is still for that platform.
    let other = Session::new();
    other.ok(&["load", "-q", "-i", &session.work().join("v6.tar").display().to_string()]);
    for (session, image) in [(&other, "fx/m:1"), (&session, "fx/child:1")] {
        if image == "fx/child:1" {
            session.write("t/f", "changed");
            session.ok(&["commit", "t", image]);
        }
        session.ok(&["image", "inspect", "--platform", "linux/arm/v6", image]);
        session.run(&["image", "inspect", "--platform", "linux/arm/v7", image]).fails(1, &["linux/arm/v6"]);
    }
}

#[test]
fn a_platform_that_was_loaded_alone_keeps_it() {
    for archive in [nested(), flat()] {
        for (platform, text) in [("linux/arm/v5", "armv5"), ("linux/arm/v6", "armv6"), ("linux/arm", "armv7")] {
            let session = Session::new();
            session.write("m.tar", &archive);
            session.ok(&["load", "-q", "-i", "m.tar", "--platform", platform]);
            assert_eq!(exported(&session, None, "fx/m:1"), text);
            assert_eq!(exported(&session, Some(platform), "fx/m:1"), text);
        }
    }
}

#[test]
fn an_annotation_changes_what_is_selected() {
    let session = Session::new();
    let amd = TestImage::of("fx/amd:1", "amd");
    let arm = TestImage::of("fx/arm:1", "arm").with("architecture", json!("arm64"));
    session.load(&pack(&producers::docker_save(&[amd, arm.clone()])));
    session.ok(&["manifest", "create", "fx/both", "fx/amd:1", "fx/arm:1"]);
    session.ok(&["manifest", "annotate", "fx/both", "fx/arm:1", "--arch", "arm", "--variant", "v6"]);
    let id = |platform| session.run(&["image", "inspect", "--platform", platform, "-f", "{{.Id}}", "fx/both"]);
    assert_eq!(id("linux/arm/v6").ok().trim(), arm.id());
    id("linux/arm64").fails(1, &["linux/arm64", "linux/arm/v6"]);
    assert!(session.ok(&["images", "--tree"]).contains("linux/arm/v6"));
}

#[test]
fn load_takes_the_images_that_have_the_platform() {
    let amd = TestImage::of("fx/e:amd64", "amd64");
    let arm = TestImage::of("fx/e:arm64", "arm64").with("architecture", json!("arm64"));
    let archive = pack(&producers::docker_save(&[amd, arm]));
    let session = Session::new();
    session.write("e.tar", &archive);
    let load = |platforms| session.run(&["load", "-q", "-i", "e.tar", "--platform", platforms]);
    load("linux/s390x").fails(1, &["linux/s390x", "the archive", "linux/amd64, linux/arm64"]);
    load("linux/arm64,linux/s390x").fails(1, &["linux/s390x"]);
    assert!(session.tags().is_empty(), "nothing came of what failed");
    assert_eq!(load("linux/arm64").ok(), "Loaded image: fx/e:arm64\n");
    assert_eq!(session.tags(), ["fx/e:arm64"]);
    assert_eq!(load("linux/arm64,linux/amd64").ok(), "Loaded image: fx/e:amd64\nLoaded image: fx/e:arm64\n");

    assert_eq!(exported(&session, Some("linux/arm64"), "./e.tar"), "arm64", "in place, the platform chooses");
    session.run(&["export", "-o", "x.tar", "./e.tar"]).fails(1, &["fx/e:amd64", "fx/e:arm64"]);
    session.run(&["export", "--platform", "linux/s390x", "-o", "x.tar", "./e.tar"]).fails(1, &["fx/e:amd64"]);
    session.ok(&["save", "--platform", "linux/arm64", "-o", "arm.tar", "./e.tar"]);
    assert_eq!(exported(&session, None, "./arm.tar"), "arm64");
}

#[test]
fn one_platform_more_leaves_the_others() {
    for archive in [nested(), flat()] {
        let session = Session::new();
        session.write("m.tar", &archive);
        let load = |platform| session.ok(&["load", "-q", "-i", "m.tar", "--platform", platform]);
        let digest = || session.inspect("fx/m:1")["Descriptor"]["digest"].clone();
        load("linux/arm/v6");
        let index = digest();
        assert_eq!(load("linux/arm64"), "Loaded image: fx/m:1\n", "no name moved");
        assert_eq!(digest(), index);
        for (platform, text) in [("linux/arm/v6", "armv6"), ("linux/arm64", "arm64v8")] {
            assert_eq!(exported(&session, Some(platform), "fx/m:1"), text);
        }
        session.run(&["export", "--platform", "linux/arm/v7", "-o", "x.tar", "fx/m:1"]).fails(1, &["linux/arm/v7"]);

        // As saved, the platform is alone in its archive; its index is still known here.
        session.ok(&["save", "--platform", "linux/arm64", "-o", "arm64.tar", "fx/m:1"]);
        session.ok(&["load", "-q", "-i", "arm64.tar", "--platform", "linux/arm64"]);
        assert_eq!(digest(), index);
        session.ok(&["image", "prune", "-f"]);
        assert_eq!(exported(&session, Some("linux/arm/v6"), "fx/m:1"), "armv6");
    }
}

#[test]
fn another_image_of_the_name_does_not_take_platforms_with_it() {
    let session = Session::new();
    session.load(&nested());
    let amd64 = &images()[0].0;
    assert_eq!(session.load(&pack(&producers::docker_save(std::slice::from_ref(amd64)))), "Loaded image: fx/m:1\n");
    session.run(&["image", "inspect", "--platform", "linux/arm64", "fx/m:1"]).fails(1, &["linux/arm64"]);
    let index = session.index();
    let digests: Vec<&str> =
        index["manifests"].as_array().expect("entries").iter().filter_map(|entry| entry["digest"].as_str()).collect();
    assert_eq!(digests.len(), 2, "the index that had the name before is still there: {digests:?}");
}
