//! What archives and layouts hold, and under which names: loaded and looked at in place, it is the same.

use base64::Engine as _;
use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::oci::{CONFIG, INDEX, Layout, MANIFEST, NAME, PLAIN_MARK, REF_NAME};
use crate::support::packing::Packing;
use crate::support::producers::{docker_25, docker_save, manifest_json, skopeo_layout};
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};
use crate::support::{digest, hex};

const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// An entry of `manifest.json` for the blobs of a layout.
fn item(layout: &Layout, manifest: &Value, tags: &Value) -> Value {
    let digest = manifest["digest"].as_str().expect("a digest");
    let document: Value = serde_json::from_slice(&layout.blobs[&digest["sha256:".len()..]]).expect("a manifest");
    let path =
        |blob: &Value| format!("blobs/sha256/{}", &blob["digest"].as_str().expect("a digest")["sha256:".len()..]);
    let layers: Vec<String> = document["layers"].as_array().expect("layers").iter().map(path).collect();
    json!({"Config": path(&document["config"]), "RepoTags": tags, "Layers": layers})
}

fn archive(layout: &Layout, items: &[Value]) -> Vec<u8> {
    let mut members = layout.members(PLAIN_MARK);
    members.push(manifest_json(items));
    pack(&members)
}

/// The digest of each name of a store, sorted.
fn digests(session: &Session) -> Vec<String> {
    let mut lines: Vec<String> = session
        .ok(&["images", "--digests", "--format", "{{.Repository}}:{{.Tag}} {{.Digest}}"])
        .lines()
        .map(ToOwned::to_owned)
        .collect();
    lines.sort();
    lines
}

#[test]
fn a_manifest_json_without_names_contradicts_nothing() {
    let image = TestImage::sample("");
    let mut layout = Layout::default();
    let manifest = layout.put_image(&image, &[Packing::Gzip]);
    layout.name(&manifest, &[(NAME, "docker.io/library/hello:1"), (REF_NAME, "1")]);
    let mut nothing = item(&layout, &manifest, &json!(null));
    let null = archive(&layout, &[nothing.clone()]);
    let empty = archive(&layout, &[item(&layout, &manifest, &json!([]))]);
    nothing.as_object_mut().expect("an object").remove("RepoTags");
    for bytes in [null, empty, archive(&layout, &[nothing])] {
        let session = Session::new();
        assert_eq!(session.load(&bytes), "Loaded image: hello:1\n");
        assert_eq!(session.inspect("./load.tar")["RepoTags"], json!(["hello:1"]));
    }
}

#[test]
fn each_name_of_one_config_leads_to_its_own_manifest() {
    let image = TestImage::sample("");
    let mut layout = Layout::default();
    let packed = layout.put_image(&image, &[Packing::Gzip]);
    let plain = layout.put_image(&image, &[Packing::None]);
    let of_two = layout.put_json(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [packed]}));
    let all = [("packed", &packed), ("plain", &plain), ("index", &of_two)];
    for (word, descriptor) in all {
        layout.name(descriptor, &[(NAME, &format!("docker.io/two/{word}:1")), (REF_NAME, "1")]);
    }
    let mut expected: Vec<String> =
        all.iter().map(|(word, of)| format!("two/{word}:1 {}", of["digest"].as_str().expect("a digest"))).collect();
    expected.sort();
    for items in [
        vec![item(&layout, &packed, &json!(["two/packed:1", "two/plain:1", "two/index:1"]))],
        vec![item(&layout, &packed, &json!(["two/plain:1"]))],
        vec![item(&layout, &packed, &json!(["two/packed:1"])), item(&layout, &plain, &json!(["two/plain:1"]))],
        vec![item(&layout, &plain, &json!(null))],
    ] {
        let session = Session::new();
        session.load(&archive(&layout, &items));
        assert_eq!(digests(&session), expected);
        for (word, of) in all {
            let by_digest = format!("two/{word}@{}", of["digest"].as_str().expect("a digest"));
            assert_eq!(session.inspect(&by_digest)["Id"], json!(image.id()), "{by_digest}");
            assert_eq!(session.inspect(&format!("./load.tar:{by_digest}"))["Id"], json!(image.id()), "{by_digest}");
        }
    }
}

/// What may lie beside an image, by the kind that it is called by.
fn artifacts(layout: &mut Layout, subject: &Value) -> Vec<(&'static str, Value)> {
    let empty = layout.put(EMPTY, b"{}");
    let mut put = |config: Value, layer: &str, more: Value| {
        let mut manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config});
        manifest["layers"] = json!([layout.put(layer, layer.as_bytes())]);
        for (key, value) in more.as_object().expect("an object") {
            manifest[key] = value.clone();
        }
        layout.put_json(MANIFEST, &manifest)
    };
    let plain = json!({"mediaType": CONFIG, "digest": empty["digest"], "size": 2});
    let typed = |media_type: &str| json!({"mediaType": media_type, "digest": empty["digest"], "size": 2});
    let cosign = "application/vnd.dev.cosign.simplesigning.v1+json";
    let helm = "application/vnd.cncf.helm.config.v1+json";
    let notary = "application/vnd.cncf.notary.signature";
    let attested = "application/vnd.in-toto+json";
    let mut found = vec![
        (cosign, put(plain.clone(), cosign, json!({}))),
        (helm, put(typed(helm), "application/vnd.cncf.helm.chart.content.v1.tar+gzip", json!({}))),
        (notary, put(empty.clone(), "application/jose+json", json!({"artifactType": notary, "subject": subject}))),
        ("vnd.unknown", put(empty.clone(), "text/plain", json!({"artifactType": "application/vnd.unknown"}))),
        (attested, put(plain, attested, json!({}))),
    ];
    let soci = json!({"artifactType": "application/vnd.amazon.soci.index.v1+json", "blobs": [], "subject": subject});
    found.push(("soci", layout.put_json("application/vnd.oci.artifact.manifest.v1+json", &soci)));
    let mut referrer = found[2].1.clone();
    referrer["artifactType"] = json!(notary);
    let fallback = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [referrer]});
    found.push((notary, layout.put_json(INDEX, &fallback)));
    found
}

#[test]
fn what_lies_beside_an_image_is_no_image() {
    let image = TestImage::sample("");
    let mut layout = Layout::default();
    let manifest = layout.put_image(&image, &[Packing::Gzip]);
    layout.name(&manifest, &[(REF_NAME, "app:1")]);
    for (at, (_, artifact)) in artifacts(&mut layout, &manifest).into_iter().enumerate() {
        let tag = format!("sha256-{}.{at}", &manifest["digest"].as_str().expect("a digest")["sha256:".len()..]);
        layout.name(&artifact, &[(REF_NAME, &tag)]);
    }
    let session = Session::new();
    layout.write(&session.work().join("layout"));
    assert_eq!(session.load(&pack(&layout.members(PLAIN_MARK))), "Loaded image: app:1\n");
    assert_eq!(session.ok(&["load", "-i", "layout"]), "Loaded image: app:1\n");
    assert_eq!(session.tags(), ["app:1"]);
    for place in ["./load.tar", "oci:layout", "./layout", "./load.tar:@0", "./load.tar:app:1"] {
        assert_eq!(session.inspect(place)["RepoTags"], json!(["app:1"]), "{place}");
        assert_eq!(session.history(place).len(), 3, "{place}");
        session.ok(&["export", "-o", "root.tar", place]);
        session.ok(&["save", "-o", "saved.tar", place]);
    }
    session.run(&["history", "./load.tar:@1"]).fails(1, &["app:1"]);
}

#[test]
fn an_archive_without_images_says_what_it_holds() {
    let mut layout = Layout::default();
    let subject = layout.put_image(&TestImage::sample(""), &[Packing::Gzip]);
    for (kind, artifact) in artifacts(&mut layout.clone(), &subject) {
        let mut only = Layout::default();
        artifacts(&mut only, &subject);
        only.name(&artifact, &[(REF_NAME, "thing:1")]);
        let session = Session::new();
        only.write(&session.work().join("layout"));
        session.refuses(&pack(&only.members(PLAIN_MARK))).fails(1, &["holds no image, only", kind]);
        session.refuses_input("layout").fails(1, &["holds no image, only", kind]);
        for place in ["./refused.tar", "oci:layout"] {
            session.run(&["history", place]).fails(1, &["holds no image, only", kind]);
        }
    }
}

#[test]
fn an_attestation_in_an_index_is_no_platform() {
    let image = TestImage::sample("");
    let mut layout = Layout::default();
    let real = layout.put_image(&image, &[Packing::Gzip]);
    // As buildkit writes it, but with no layer that would give it away.
    let mut attestation = layout.put_image(&TestImage::new(&[]).with("os", json!("unknown")), &[]);
    attestation["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    attestation["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [attestation, real]});
    let index = layout.put_json(INDEX, &index);
    layout.name(&index, &[(REF_NAME, "app:1")]);
    let session = Session::new();
    session.load(&pack(&layout.members(PLAIN_MARK)));
    assert!(!session.ok(&["images", "--tree"]).contains("unknown"));
    assert_eq!(session.inspect("./load.tar")["Id"], json!(image.id()));
}

#[test]
fn a_name_with_a_digest_must_be_the_image_s() {
    let image = TestImage::sample("");
    let mut layout = Layout::default();
    let manifest = layout.put_image(&image, &[Packing::Gzip]);
    let own = manifest["digest"].as_str().expect("a digest").to_owned();
    let index = layout.put_json(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest]}));
    let other = digest(b"something else");
    let named = |descriptor: &Value, name: &str| {
        let mut layout = layout.clone();
        layout.name(descriptor, &[(NAME, name)]);
        layout
    };
    for descriptor in [&manifest, &index] {
        let session = Session::new();
        let name = format!("quay.io/x/y:1@{own}");
        session.load(&pack(&named(descriptor, &name).members(PLAIN_MARK)));
        let by_digest = format!("quay.io/x/y@{}", descriptor["digest"].as_str().expect("a digest"));
        for typed in ["quay.io/x/y:1", &by_digest, "./load.tar:quay.io/x/y:1"] {
            assert_eq!(session.inspect(typed)["Id"], json!(image.id()), "{typed}");
        }
        session.refuses(&pack(&named(descriptor, &format!("quay.io/x/y:1@{other}")).members(PLAIN_MARK)));
        session.refuses(&pack(&named(descriptor, &format!("quay.io/x/y@{other}")).members(PLAIN_MARK)));
    }
    let tags = |name: String| {
        let with = named(&manifest, "quay.io/x/y:1");
        archive(&with, &[item(&with, &manifest, &json!([name]))])
    };
    let session = Session::new();
    session.load(&tags(format!("quay.io/x/y:1@{own}")));
    assert_eq!(session.tags(), ["quay.io/x/y:1"]);
    session.refuses(&tags(format!("quay.io/x/y:1@{other}")));
    session.refuses(&tags(format!("quay.io/x/y@{other}")));
}

#[test]
fn a_digest_that_nothing_can_be_held_against_is_forgotten() {
    let image = TestImage::sample("");
    let digest = digest(b"the manifest of a registry");
    let config = Member::file("config.json", image.config_bytes());
    let layers = image.layers.iter().map(|layer| Member::file(format!("{}.tar", hex(layer)), layer.clone()));
    let members: Vec<Member> = layers.chain([config]).collect();
    let paths: Vec<String> = image.layers.iter().map(|layer| format!("{}.tar", hex(layer))).collect();
    for (name, printed) in [
        (format!("quay.io/x/y@{digest}"), format!("Loaded image ID: {}\n", image.id())),
        (format!("quay.io/x/y:1@{digest}"), "Loaded image: quay.io/x/y:1\n".to_owned()),
    ] {
        let mut members = members.clone();
        members.push(manifest_json(&[json!({"Config": "config.json", "RepoTags": [name], "Layers": paths})]));
        let session = Session::new();
        assert_eq!(session.load(&pack(&members)), printed);
        session.run(&["inspect", &format!("quay.io/x/y@{digest}")]).fails(1, &["no such object"]);
    }
}

#[test]
fn what_could_be_an_id_is_no_name() {
    let (image, other) = (TestImage::sample(""), TestImage::of("", "other"));
    let mut layout = Layout::default();
    let manifest = layout.put_image(&image, &[Packing::Gzip]);
    let second = layout.put_image(&other, &[Packing::Gzip]);
    // The first image calls itself by the ID of the second.
    for name in [other.id(), other.hex(), format!("docker.io/library/{}", other.hex()), format!("x@{}", other.hex())] {
        let mut layout = layout.clone();
        layout.name(&manifest, &[(REF_NAME, &name)]);
        layout.name(&second, &[(REF_NAME, "second:1")]);
        let session = Session::new();
        layout.write(&session.work().join("layout"));
        for load in ["layout", "layout.tar"] {
            session.write("layout.tar", pack(&layout.members(PLAIN_MARK)));
            session.ok(&["load", "-i", load]);
        }
        assert_eq!(session.tags(), ["<none>:<none>", "second:1"], "{name}");
        for typed in [other.id(), other.hex(), format!("oci:layout:{}", other.id())] {
            assert_eq!(session.inspect(&typed)["Id"], json!(other.id()), "{name}: {typed}");
        }
    }
    let members = |tag: String| {
        let item = item(&layout, &manifest, &json!([tag]));
        layout
            .members(PLAIN_MARK)
            .into_iter()
            .filter(|member| member.name != "index.json")
            .chain([manifest_json(&[item])])
    };
    for tag in [other.id(), format!("{}:1", other.hex()), format!("docker.io/library/{}:1", other.hex())] {
        let archive: Vec<Member> = members(tag).collect();
        Session::new().refuses(&pack(&archive)).fails(1, &["invalid tag"]);
    }
}

#[test]
fn a_blob_in_its_descriptor_is_that_blob() {
    let image = TestImage::sample("");
    let mut layout = Layout::default();
    let manifest = layout.put_image(&image, &[Packing::Gzip]);
    let hex = manifest["digest"].as_str().expect("a digest")["sha256:".len()..].to_owned();
    let document: Value = serde_json::from_slice(&layout.blobs[&hex]).expect("a manifest");
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let with = |data: &str, drop_config: bool| {
        let (mut layout, mut document) = (layout.clone(), document.clone());
        document["config"]["data"] = json!(data);
        let manifest = layout.put_json(MANIFEST, &document);
        layout.name(&manifest, &[(REF_NAME, "app:1")]);
        if drop_config {
            layout.blobs.remove(&image.hex());
        }
        pack(&layout.members(PLAIN_MARK))
    };
    let right = base64(&image.config_bytes());
    for drop_config in [false, true] {
        let session = Session::new();
        session.load(&with(&right, drop_config));
        assert_eq!(session.inspect("app:1")["Id"], json!(image.id()));
        assert_eq!(session.inspect("./load.tar")["Id"], json!(image.id()));
        for wrong in
            [base64(b"{}"), base64(&TestImage::of("", "x").config_bytes()), "?".to_owned(), right.replace('=', "")]
        {
            if wrong != right {
                session.refuses(&with(&wrong, drop_config)).fails(1, &["the data in its descriptor is not that blob"]);
            }
        }
    }
}

#[test]
fn images_lists_what_a_place_holds() {
    let old = TestImage::of("fx/old:1", "old").with("created", json!("2001-02-03T04:05:06Z"));
    let new =
        TestImage::sample("fx/new:1").also_tagged("quay.io/x/new:2").with("created", json!("2011-02-03T04:05:06Z"));
    let images = [old.clone(), new.clone()];
    let session = Session::new();
    session.write("docker.tar", pack(&docker_save(&images)));
    session.write("both.tar", pack(&docker_25(&images)));
    let layout = skopeo_layout(&images, &[Packing::Gzip]);
    session.write("oci.tar", pack(&layout.members(PLAIN_MARK)));
    layout.write(&session.work().join("layout"));
    for (packing, name) in [(Packing::Gzip, "gz"), (Packing::Xz, "xz"), (Packing::Zstd, "zst")] {
        session.write(&format!("docker.tar.{name}"), packing.apply(&session.read("docker.tar")));
    }
    for place in
        ["./docker.tar", "docker-archive:docker.tar", "./both.tar", "oci-archive:oci.tar", "./oci.tar", "./layout"]
            .into_iter()
            .chain(["oci:layout", "./docker.tar.gz", "./docker.tar.xz", "docker-archive:docker.tar.zst"])
    {
        let format = "{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}}";
        let list = |more: &[&str]| session.ok(&[&["images", "--format", format, place], more].concat());
        let line = |name: &str, image: &TestImage, size: &str| format!("{name} {} {size}\n", image.short());
        let (first, second) = (line("fx/new:1", &new, "17B"), line("quay.io/x/new:2", &new, "17B"));
        let nameless = line("fx/old:1", &old, "3B");
        assert_eq!(list(&[]), format!("{first}{second}{nameless}"), "{place}");
        assert_eq!(list(&["-f", "before=fx/new:1"]), nameless, "{place}");
        assert_eq!(list(&["-f", "since=fx/old:1", "-f", "reference=quay.io/x/*"]), second, "{place}");
        assert_eq!(session.ok(&["images", "-q", "--no-trunc", place]), format!("{0}\n{0}\n{1}\n", new.id(), old.id()));
        assert!(session.ok(&["images", "--tree", place]).contains("fx/old:1"), "{place}");
        let one = if place.starts_with("oci") { "docker.io/fx/old:1" } else { "fx/old:1" };
        assert_eq!(list_one(&session, &format!("{place}:{one}")), "fx/old:1\n");
        session.run(&["images", "-f", "before=fx/none:1", place]).fails(1, &["fx/none:1"]);
    }
    let digest = |place: &str| session.ok(&["images", "--digests", "--format", "{{.Digest}}", place]);
    assert_eq!(digest("./docker.tar"), "<none>\n<none>\n<none>\n");
    assert!(digest("./layout").lines().all(|line| line.starts_with("sha256:")));
    assert!(!session.store().exists(), "looking makes no store");
    session.run(&["images", "./nothing.tar"]).fails(1, &["nothing.tar"]);
    let hint = session.run(&["images", "docker.tar"]);
    assert!(hint.stderr.contains("imgtool images ./docker.tar"), "{}", hint.stderr);
}

fn list_one(session: &Session, place: &str) -> String {
    session.ok(&["images", "--format", "{{.Repository}}:{{.Tag}}", place])
}
