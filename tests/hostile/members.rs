//! The outer archive is a table of members, never extracted: paths that climb, links, special files, duplicates.

use serde_json::json;
use tar::EntryType;

use super::session;
use crate::support::hex;
use crate::support::image::TestImage;
use crate::support::producers::{docker_save, manifest_json};
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};

/// An image of one layer, and the members of an archive that calls its layer `path`.
fn calling_the_layer(path: &str) -> (TestImage, Vec<Member>) {
    let image = TestImage::of("fx/a:1", "a");
    let members = vec![
        Member::file("config.json", image.config_bytes()),
        manifest_json(&[json!({"Config": "config.json", "RepoTags": image.tags, "Layers": [path]})]),
    ];
    (image, members)
}

fn refused(members: &[Member], what: &str) {
    let session = session();
    let answer = session.refuses(&pack(members));
    assert!(answer.stderr.lines().count() <= 3, "{what}: one error, not a flood:\n{}", answer.stderr);
}

fn taken(members: &[Member], image: &TestImage, what: &str) {
    for stdin in [false, true] {
        let session = Session::new();
        let archive = pack(members);
        if stdin {
            session.run_with(&archive, &["load"]).ok()
        } else {
            session.load(&archive)
        };
        assert_eq!(session.ids(), [image.id()], "{what}");
    }
}

#[test]
fn a_member_that_climbs_out() {
    for name in ["../evil", "a/../../evil", "blobs/sha256/../../../evil", "..", "./../evil"] {
        let (image, mut members) = calling_the_layer("layer.tar");
        members.push(Member::file("layer.tar", image.layers[0].clone()));
        members.push(Member::file(name, "nobody asked for this one"));
        refused(&members, name);
    }
}

#[test]
fn a_path_in_the_manifest_that_climbs_out() {
    let secret = Session::new();
    let outside = secret.write("secret.tar", pack(&[Member::file("text", "a")]));
    let outside = outside.display().to_string();
    for path in
        ["../layer.tar", "/etc/passwd", "/dev/zero", "/proc/self/environ", "", ".", "..", "a/../../layer.tar", &outside]
    {
        let (_, members) = calling_the_layer(path);
        refused(&members, path);
    }
    let image = TestImage::of("fx/a:1", "a");
    for config in ["../config.json", "/etc/hostname", ""] {
        let entry = json!({"Config": config, "RepoTags": ["fx/a:1"], "Layers": ["layer.tar"]});
        refused(&[manifest_json(&[entry]), Member::file("layer.tar", image.layers[0].clone())], config);
    }
}

#[test]
fn links_inside_the_archive_are_followed_in_its_table() {
    let (image, mut members) = calling_the_layer("x/layer.tar");
    members.push(Member::file("real.tar", image.layers[0].clone()));
    for link in [Member::symlink("x/layer.tar", "../real.tar"), Member::hardlink("x/layer.tar", "real.tar")] {
        let mut members = members.clone();
        members.push(link.clone());
        taken(&members, &image, &format!("{link:?}"));
        // The same with the link before what it points to.
        members.rotate_right(1);
        taken(&members, &image, &format!("{link:?} first"));
    }
}

#[test]
fn links_that_lead_nowhere_or_out() {
    for link in [
        Member::symlink("layer.tar", "/etc/passwd"),
        Member::symlink("layer.tar", "../../../../../../etc/passwd"),
        Member::symlink("layer.tar", "layer.tar"),
        Member::symlink("layer.tar", "absent.tar"),
        Member::symlink("layer.tar", ""),
        Member::hardlink("layer.tar", "/etc/passwd"),
        Member::hardlink("layer.tar", "../x"),
        Member::hardlink("layer.tar", "layer.tar"),
    ] {
        let (_, mut members) = calling_the_layer("layer.tar");
        let what = format!("{link:?}");
        members.push(link);
        refused(&members, &what);
    }
    // A chain of 100 links that ends well is too long, a ring never ends.
    let (image, mut members) = calling_the_layer("l0");
    members.extend((0..100).map(|n| Member::symlink(format!("l{n}"), format!("l{}", n + 1))));
    members.push(Member::file("l100", image.layers[0].clone()));
    refused(&members, "100 links");
    let (_, mut members) = calling_the_layer("a");
    members.extend([Member::symlink("a", "b"), Member::symlink("b", "c"), Member::symlink("c", "a")]);
    refused(&members, "a ring");
}

#[test]
fn a_member_that_passes_through_a_symlink() {
    let (image, mut members) = calling_the_layer("dir/layer.tar");
    members.push(Member::symlink("dir", "elsewhere"));
    members.push(Member::file("dir/layer.tar", image.layers[0].clone()));
    refused(&members, "a file below a symlink");
}

#[test]
fn special_files_named_and_not_named() {
    for kind in [EntryType::Fifo, EntryType::Char, EntryType::Block, EntryType::Directory] {
        let (_, mut members) = calling_the_layer("layer.tar");
        members.push(Member::special("layer.tar", kind));
        refused(&members, &format!("{kind:?} as a layer"));

        let (image, mut members) = calling_the_layer("layer.tar");
        members.insert(0, Member::special("something", kind));
        members.push(Member::file("layer.tar", image.layers[0].clone()));
        taken(&members, &image, &format!("{kind:?} that nobody names"));
    }
}

#[test]
fn one_name_twice() {
    let (image, mut members) = calling_the_layer("layer.tar");
    members.push(Member::file("layer.tar", image.layers[0].clone()));
    let mut twice = members.clone();
    twice.push(Member::file("layer.tar", image.layers[0].clone()));
    taken(&twice, &image, "the same bytes twice");

    let other = pack(&[Member::file("text", "b")]);
    for name in ["layer.tar", "./layer.tar", "x/../layer.tar"] {
        for at in [0, members.len()] {
            let mut members = members.clone();
            members.insert(at, Member::file(name, other.clone()));
            refused(&members, &format!("two different {name}"));
        }
    }
    let other = TestImage::of("fx/a:1", "b");
    let mut two = docker_save(std::slice::from_ref(&image));
    two.extend(docker_save(&[other]));
    refused(&two, "two archives in one: two manifest.json");
}

#[test]
fn a_configuration_whose_name_lies() {
    let image = TestImage::of("fx/a:1", "a");
    for name in [
        format!("{}.json", "0".repeat(64)),
        format!("sha256:{}", "0".repeat(64)),
        format!("blobs/sha256/{}", "0".repeat(64)),
    ] {
        let members = [
            Member::file(&name, image.config_bytes()),
            Member::file("layer.tar", image.layers[0].clone()),
            manifest_json(&[json!({"Config": name, "RepoTags": image.tags, "Layers": ["layer.tar"]})]),
        ];
        refused(&members, &name);
    }
}

#[test]
fn a_layer_whose_name_lies() {
    let (image, _) = calling_the_layer("");
    let other = pack(&[Member::file("text", "b")]);
    let name = format!("blobs/sha256/{}", hex(&image.layers[0]));
    let (_, mut members) = calling_the_layer(&name);
    members.push(Member::file(&name, other));
    refused(&members, "a blob with other bytes");
}

#[test]
fn sizes_that_are_no_sizes() {
    let (image, mut members) = calling_the_layer("layer.tar");
    members.push(Member::file("layer.tar", image.layers[0].clone()));
    let good = pack(&members);
    // The size field of the first header, rewritten as it stands with a checksum that is right.
    for size in [
        &b"77777777777\0"[..],
        b"-0000000001\0",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"00000000zz9\0",
    ] {
        let mut bad = good.clone();
        bad[124..136].copy_from_slice(size);
        bad[148..156].copy_from_slice(b"        ");
        let sum: u32 = bad[..512].iter().map(|byte| u32::from(*byte)).sum();
        bad[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        session().refuses(&bad);
    }
}
