//! `save`: the archive's members byte by byte, where it goes, and that a failed one leaves nothing.

use std::fs;

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::oci::NAME;
use crate::support::packing::Packing;
use crate::support::session::Session;
use crate::support::tarball::{Member, member, pack, unpack};
use crate::support::terminal::{self, Streams};
use crate::support::{digest, hex, producers};

fn with(images: &[TestImage]) -> Session {
    let session = Session::new();
    session.load(&pack(&producers::docker_save(images)));
    session
}

fn json_member(tar: &[u8], name: &str) -> Value {
    serde_json::from_slice(member(&unpack(tar), name)).expect("a JSON document")
}

#[test]
fn one_archive_for_every_reader() {
    let image = TestImage::sample("fx/a:1").also_tagged("quay.io/x/y:2");
    let session = with(std::slice::from_ref(&image));
    session.ok(&["save", "-o", "a.tar", "fx/a:1", "quay.io/x/y:2"]);
    let tar = session.read("a.tar");
    let members = unpack(&tar);
    let names: Vec<&str> = members.iter().map(|m| m.name.as_str()).filter(|name| !name.ends_with('/')).collect();
    assert_eq!(
        names[..4],
        ["oci-layout", "index.json", "manifest.json", "repositories"],
        "what readers need comes first"
    );
    assert!(names[4..].iter().all(|name| name.starts_with("blobs/sha256/")), "{names:?}");
    assert!(names[4..].is_sorted(), "{names:?}");
    for blob in &names[4..] {
        assert_eq!(*blob, format!("blobs/sha256/{}", hex(member(&members, blob))));
    }
    assert_eq!(member(&members, &format!("blobs/sha256/{}", image.hex())), image.config_bytes());

    let entries = json_member(&tar, "manifest.json");
    assert_eq!(entries.as_array().map(Vec::len), Some(1), "two names of one image are one entry");
    assert_eq!(entries[0]["Config"], json!(format!("blobs/sha256/{}", image.hex())));
    assert_eq!(entries[0]["RepoTags"], json!(["fx/a:1", "quay.io/x/y:2"]));
    let layers: Vec<String> = image.layers.iter().map(|layer| format!("blobs/sha256/{}", hex(layer))).collect();
    assert_eq!(entries[0]["Layers"], json!(layers), "layers are plain tar files");

    let top = hex(&image.layers[1]);
    assert_eq!(json_member(&tar, "repositories"), json!({"fx/a": {"1": top}, "quay.io/x/y": {"2": top}}));
    assert_eq!(json_member(&tar, "oci-layout"), json!({"imageLayoutVersion": "1.0.0"}));

    let index = json_member(&tar, "index.json");
    let annotations: Vec<&Value> =
        index["manifests"].as_array().expect("a list").iter().map(|m| &m["annotations"]).collect();
    let name = |n: &str, tag: &str| json!({"io.containerd.image.name": n, "org.opencontainers.image.ref.name": tag});
    assert_eq!(annotations, [&name("docker.io/fx/a:1", "1"), &name("quay.io/x/y:2", "2")]);
    let manifest_name = index["manifests"][0]["digest"].as_str().expect("a digest").replace(':', "/");
    let manifest = json_member(&tar, &format!("blobs/{manifest_name}"));
    assert_eq!(manifest["config"]["digest"], json!(image.id()));
    let digests: Vec<&Value> = manifest["layers"].as_array().expect("a list").iter().map(|l| &l["digest"]).collect();
    assert_eq!(json!(digests), json!(image.diff_ids()));
}

#[test]
fn the_same_bytes_every_time_and_everywhere() {
    let session = with(&[TestImage::sample("fx/a:1"), TestImage::of("fx/b:1", "b")]);
    let args = ["fx/a:1", "fx/b:1"];
    session.ok(&["save", "-o", "one.tar", args[0], args[1]]);
    let one = session.read("one.tar");
    let stdout = session.run(&["save", args[0], args[1]]);
    assert_eq!(digest(&stdout.stdout), digest(&one));
    assert_eq!(stdout.stderr, "", "data on stdout, silence on stderr");
    for target in ["-", "/dev/stdout"] {
        assert_eq!(digest(&session.run(&["save", "-o", target, args[0], args[1]]).stdout), digest(&one), "-o {target}");
    }
    // Another store, filled in another order from another kind of archive.
    let other = Session::new();
    other.load(&pack(&producers::podman(&[TestImage::of("fx/b:1", "b")])));
    other.load(&pack(&producers::docker_25(&[TestImage::sample("fx/a:1")])));
    assert_eq!(digest(&other.run(&["save", args[0], args[1]]).stdout), digest(&one));
    assert!(unpack(&one).iter().all(|m| m.mode == 0o644 || m.mode == 0o755));
}

#[test]
fn what_an_argument_selects() {
    let a = TestImage::of("fx/a:1", "a").also_tagged("fx/a:2");
    let b = TestImage::of("fx/a:3", "b");
    let session = with(&[a.clone(), b.clone()]);
    let tags = |args: &[&str]| {
        let all: Vec<&str> = ["save", "-o", "x.tar"].iter().chain(args).copied().collect();
        session.ok(&all);
        let entries = json_member(&session.read("x.tar"), "manifest.json");
        let mut rows: Vec<(String, Value)> = entries
            .as_array()
            .expect("a list")
            .iter()
            .map(|e| (e["Config"].to_string(), e["RepoTags"].clone()))
            .collect();
        rows.sort_by_key(|row| row.1.to_string());
        rows
    };
    let config = |image: &TestImage| format!("\"blobs/sha256/{}\"", image.hex());
    assert_eq!(
        tags(&["fx/a"]),
        [(config(&a), json!(["fx/a:1", "fx/a:2"])), (config(&b), json!(["fx/a:3"]))],
        "all tags"
    );
    assert_eq!(tags(&["fx/a:2"]), [(config(&a), json!(["fx/a:2"]))]);
    assert_eq!(tags(&["docker.io/fx/a:2"]), [(config(&a), json!(["fx/a:2"]))]);
    assert_eq!(tags(&[&a.id()]), [(config(&a), Value::Null)], "an ID has no name");
    assert_eq!(tags(&[&a.short()]), [(config(&a), Value::Null)]);
    assert_eq!(tags(&["fx/a:1", &a.id()]), [(config(&a), json!(["fx/a:1"]))]);
}

#[test]
fn every_format_loads_again() {
    let image = TestImage::sample("fx/a:1");
    let session = with(std::slice::from_ref(&image));
    for (format, has, has_not) in [
        ("docker", "manifest.json", "nothing of the kind"),
        ("docker-legacy", "repositories", "nothing of the kind"),
        ("oci", "index.json", "manifest.json"),
    ] {
        session.ok(&["save", "--format", format, "-o", "f.tar", "fx/a:1"]);
        let tar = session.read("f.tar");
        let names: Vec<String> = unpack(&tar).into_iter().map(|m| m.name).collect();
        assert!(names.iter().any(|name| name == has), "{format}: {names:?}");
        assert!(!names.iter().any(|name| name == has_not), "{format}: {names:?}");
        let other = Session::new();
        assert_eq!(other.load(&tar), "Loaded image: fx/a:1\n", "{format}");
        assert_eq!(other.ids(), [image.id()], "{format}");
    }
    session.run(&["save", "--format", "zip", "fx/a:1"]).fails(125, &["zip"]);
}

#[test]
fn compressed_layers_on_request() {
    let image = TestImage::new(&["fx/a:1"]).layer("words", &[Member::file("words", "many words ".repeat(10_000))]);
    let session = with(std::slice::from_ref(&image));
    let magic = |tar: &[u8]| {
        let layer = json_member(tar, "manifest.json")[0]["Layers"][0].as_str().expect("a path").to_owned();
        member(&unpack(tar), &layer)[..4].to_vec()
    };
    for (compress, start) in [
        ("gzip", &[0x1f, 0x8b][..]),
        ("gzip:9", &[0x1f, 0x8b]),
        ("zstd", &[0x28, 0xb5, 0x2f, 0xfd]),
        ("zstd:19", &[0x28, 0xb5, 0x2f, 0xfd]),
    ] {
        session.ok(&["save", "--compress", compress, "-o", "c.tar", "fx/a:1"]);
        let tar = session.read("c.tar");
        assert_eq!(magic(&tar)[..start.len()], *start, "{compress}");
        assert!(tar.len() < 20_000, "{compress}: {} bytes", tar.len());
        let other = Session::new();
        other.load(&tar);
        assert_eq!(other.ids(), [image.id()], "{compress}");
        // What was compressed in the store comes out plain unless asked otherwise.
        other.ok(&["save", "-o", "plain.tar", "fx/a:1"]);
        session.ok(&["save", "-o", "plain.tar", "fx/a:1"]);
        assert_eq!(digest(&other.read("plain.tar")), digest(&session.read("plain.tar")), "{compress}");
    }
    for wrong in ["lzma", "gzip:99", "zstd:x"] {
        session.run(&["save", "--compress", wrong, "-o", "w.tar", "fx/a:1"]).fails(1, &[wrong]);
        assert!(!session.work().join("w.tar").exists());
    }
}

/// Docker has no such names: `invalid tag`, and what else it loaded stays without names.
#[test]
fn a_name_with_a_digest_is_in_no_document_of_docker() {
    let image = TestImage::of("fx/a:1", "a");
    let (archive, name) = producers::known_by_digest(&image, "quay.io/x/y");
    let session = Session::new();
    session.load(&pack(&archive));
    for format in ["docker", "docker-legacy", "oci"] {
        session.ok(&["save", "--format", format, "-o", "x.tar", &name]);
        let tar = session.read("x.tar");
        if format != "oci" {
            assert_eq!(json_member(&tar, "manifest.json")[0]["RepoTags"], Value::Null, "{format}");
            let members: Vec<String> = unpack(&tar).into_iter().map(|member| member.name).collect();
            assert!(!members.contains(&"repositories".to_owned()), "{format}: {members:?}");
        }
        if format != "docker-legacy" {
            // Unpacked layers have a manifest of another digest: nothing in that archive has the name.
            let entry = &json_member(&tar, "index.json")["manifests"][0];
            let named = if format == "oci" { json!({NAME: name}) } else { Value::Null };
            assert_eq!(entry["annotations"], named, "{format}");
        }
        let other = Session::new();
        let said = other.load(&tar);
        let named = if format == "oci" { name.clone() } else { format!("ID: {}", image.id()) };
        assert!(said.contains(&named), "{format}: {said}");
        assert_eq!(other.ids(), [image.id()], "{format}");
    }
}

#[test]
fn who_cannot_write_is_told_where_and_of_what() {
    let big = Member::file("big", vec![7; 1 << 20]);
    let session = with(&[TestImage::of("fx/a:1", "a").layer("big", &[big])]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
    let output = session.command(&["save", "fx/a:1"]).stdout(full).output().expect("the binary starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said, "error: standard output: layer 2/2 of fx/a:1: no space left on device\n");
}

#[test]
fn what_is_not_there() {
    let session = with(&[TestImage::of("fx/a:1", "a")]);
    for name in ["rsch/none", "rsch/none:1", "fx/a:2", "0123456789ab"] {
        let answer = session.run(&["save", "-o", "none.tar", "fx/a:1", name]);
        // All tags would have been meant, so none is missed.
        answer.fails(1, &[&format!("No such image: {name}\n")]);
        assert_eq!(files(&session), ["load.tar"], "{name}: no file that looks like an archive, no temporary one");
    }
    session.run(&["save", "-o", "no/dir/x.tar", "fx/a:1"]).fails(1, &["no such file or directory"]);
    session.run(&["save", "fx/UPPER:1"]).fails(1, &["invalid reference format", "lowercase"]);
}

#[test]
fn a_failed_save_keeps_the_old_file() {
    let image = TestImage::of("fx/a:1", "a");
    let session = with(std::slice::from_ref(&image));
    let layer = session.store().join("blobs/sha256").join(hex(&image.layers[0]));
    let mut damaged = fs::read(&layer).expect("the layer is kept as it came");
    damaged[600] ^= 1;
    fs::remove_file(&layer).expect("a writable store");
    fs::write(&layer, damaged).expect("a writable store");
    session.write("old.tar", "an archive from yesterday");
    session.run(&["save", "-o", "old.tar", "fx/a:1"]).fails(1, &[&hex(&image.layers[0])[..12]]);
    assert_eq!(session.read("old.tar"), b"an archive from yesterday");
    assert_eq!(files(&session), ["load.tar", "old.tar"]);
}

#[test]
fn a_layer_damaged_in_the_store_is_never_passed_on_compressed() {
    let image = TestImage::of("fx/a:1", "a");
    let session = Session::new();
    session.load(&pack(
        &producers::skopeo_layout(std::slice::from_ref(&image), &[Packing::Gzip])
            .members("{\"imageLayoutVersion\":\"1.0.0\"}"),
    ));
    let packed = Packing::Gzip.apply(&image.layers[0]);
    let blob = session.store().join("blobs/sha256").join(hex(&packed));
    fs::remove_file(&blob).expect("a writable store");
    fs::write(&blob, &packed[..packed.len() - 9]).expect("a writable store");
    session.run(&["save", "-o", "x.tar", "fx/a:1"]).fails(1, &[]);
    assert!(!session.work().join("x.tar").exists());
}

#[test]
fn a_terminal_is_no_place_for_an_archive() {
    let session = with(&[TestImage::of("fx/a:1", "a")]);
    let streams = Streams { stdin: false, stdout: true, stderr: true };
    let (code, screen) = terminal::run(session.command(&["save", "fx/a:1"]), streams);
    assert_eq!(code, 1);
    assert!(
        screen.trim().ends_with("cowardly refusing to save to a terminal. Use the -o flag or redirect"),
        "{screen}"
    );
}

#[test]
fn a_platform_that_the_image_has_not() {
    let session = with(&[TestImage::of("fx/a:1", "a")]);
    session.ok(&["save", "--platform", "linux/amd64", "-o", "x.tar", "fx/a:1"]);
    session
        .run(&["save", "--platform", "linux/arm64", "-o", "y.tar", "fx/a:1"])
        .fails(1, &["linux/arm64", "linux/amd64"]);
    assert!(!session.work().join("y.tar").exists());
}

fn files(session: &Session) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(session.work())
        .expect("the working folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_link_to_where_the_archive_shall_be_is_followed() {
    let session = with(&[TestImage::sample("fx/a:1")]);
    for (link, target) in [("dangling.tar", "new.tar"), ("present.tar", "old.tar"), ("twice.tar", "dangling.tar")] {
        std::os::unix::fs::symlink(target, session.work().join(link)).expect("a link");
        session.write("old.tar", "old");
        session.ok(&["save", "-o", link, "fx/a:1"]);
        assert!(session.work().join(link).is_symlink(), "{link} is a link still");
        assert!(session.ok(&["history", "-q", &format!("./{link}")]).lines().count() > 0);
    }
    assert!(session.read("new.tar").len() > 1024);
    assert_eq!(session.read("old.tar").len(), 3, "the last link leads elsewhere");
}

/// Where the file system has files without a name, nothing can stay of one that was not finished.
#[test]
fn a_killed_save_leaves_nothing() {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    let big = (0..3).map(|n| Member::file(format!("big{n}"), vec![n; 4 << 20])).collect::<Vec<_>>();
    let session = with(&[TestImage::new(&["fx/a:1"]).layer("big", &big)]);
    if openat(CWD, session.work(), OFlags::TMPFILE | OFlags::RDWR, Mode::RUSR).is_err() {
        return;
    }
    for args in [&["save", "-o", "x.tar", "fx/a:1"][..], &["save", "--compress", "gzip:9", "-o", "x.tar", "fx/a:1"]] {
        let started = std::time::Instant::now();
        session.ok(args);
        let whole = started.elapsed();
        for point in 1..10 {
            let mut child = session.command(args).spawn().expect("the binary starts");
            std::thread::sleep(whole * point / 10);
            child.kill().expect("a child that was not waited for");
            child.wait().expect("it has ended");
            assert_eq!(files(&session), ["load.tar", "x.tar"], "{args:?} at point {point}");
        }
        session.ok(&["history", "./x.tar"]);
    }
}

#[test]
fn layers_have_short_names_on_bars() {
    let session = with(&[TestImage::sample("fx/a:1")]);
    for flags in [&[][..], &["--compress", "zstd"]] {
        let args: Vec<&str> = [&["save", "--progress", "json", "-o", "x.tar", "fx/a:1"][..], flags].concat();
        let events = session.run(&args).stderr;
        let starts = events.lines().filter_map(|line| {
            let event: Value = serde_json::from_str(line).expect("an object");
            (event["event"] == "start").then(|| event["label"].as_str().expect("a text").to_owned())
        });
        let mut labels: Vec<String> = starts.collect();
        labels.sort();
        labels.dedup();
        let mut want = vec!["layer 1/2", "layer 1/2: compressing", "layer 2/2", "layer 2/2: compressing"];
        if flags.is_empty() {
            want.retain(|label| !label.contains("compressing"));
        }
        assert_eq!(labels, want, "{flags:?}");
    }
}
