//! `pull`: what is fetched, what is said, and what is in the store afterwards.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use serde_json::json;

use crate::support::image::TestImage;
use crate::support::oci::INDEX;
use crate::support::packing::Packing;
use crate::support::registry::Registry;
use crate::support::registry::content::{Form, on_platform};
use crate::support::session::Session;
use crate::support::tarball::Member;

/// An image of two layers.
fn image(text: &str) -> TestImage {
    let layer = |name: &str| [Member::file(name, format!("{name} of {text}"))];
    TestImage::new(&["fx/a:1"]).layer("first", &layer("first")).layer("second", &layer("second"))
}

/// The lines, those about layers sorted: layers come in no order.
fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let is_of_layer = |line: &String| line.as_bytes().get(12) == Some(&b':');
    let from = lines.iter().position(is_of_layer).unwrap_or(0);
    let to = lines.iter().rposition(is_of_layer).map_or(from, |at| at + 1);
    lines[from..to].sort();
    lines
}

#[test]
fn an_image_comes_in_dockers_words() {
    let (session, registry) = (Session::new(), Registry::start());
    let pushed = registry.push("team/app:1", &image("one"));
    let name = registry.name("team/app:1");
    let mut expected = vec!["1: Pulling from team/app".to_owned()];
    let mut lines: Vec<String> = Vec::new();
    for layer in 0..2 {
        let id = &pushed.layer(layer)["sha256:".len()..][..12];
        let states = ["Pulling fs layer", "Verifying Checksum", "Download complete", "Pull complete"];
        lines.extend(states.map(|state| format!("{id}: {state}")));
    }
    lines.sort();
    expected.extend(lines);
    expected.push(format!("Digest: {}", pushed.digest()));
    expected.push(format!("Status: Downloaded newer image for {name}"));
    expected.push(name.clone());
    assert_eq!(sorted(&session.ok(&["pull", &name])), expected);
    assert_eq!(session.ids(), [image("one").id()]);

    registry.forget();
    let again = format!(
        "1: Pulling from team/app\nDigest: {}\nStatus: Image is up to date for {name}\n{name}\n",
        pushed.digest()
    );
    assert_eq!(session.ok(&["pull", &name]), again);
    assert_eq!(registry.count("GET", "/manifests/"), 0, "HEAD is enough: {:?}", registry.log());
    assert_eq!(session.ok(&["pull", "-q", &name]), format!("{name}\n"));
}

#[test]
fn a_layer_that_is_there_is_not_fetched() {
    let (session, registry) = (Session::new(), Registry::start());
    registry.push("team/app:1", &image("one"));
    session.ok(&["pull", &registry.name("team/app:1")]);
    let more = image("one").layer("third", &[Member::file("third", "more")]);
    let pushed = registry.push("team/app:2", &more);
    registry.forget();
    let said = session.ok(&["pull", &registry.name("team/app:2")]);
    assert_eq!(said.matches(": Already exists").count(), 2, "{said}");
    assert_eq!(said.matches(": Pull complete").count(), 1, "{said}");
    assert_eq!(registry.count("GET", "/blobs/"), 2, "a configuration and a layer: {:?}", registry.log());
    assert_eq!(registry.count("GET", &pushed.layer(2)), 1);
}

#[test]
fn several_names_and_all_tags() {
    let (session, registry) = (Session::new(), Registry::start());
    registry.push("team/app:1", &image("one"));
    registry.push("team/app:2", &image("two"));
    registry.push("other:latest", &image("three"));
    let (one, other) = (registry.name("team/app:1"), registry.name("other"));
    let said = session.ok(&["pull", "-q", &one, &other]);
    assert_eq!(said, format!("{one}\n{other}:latest\n"));
    let said = session.ok(&["pull", "-a", &registry.name("team/app")]);
    assert!(said.contains("1: Pulling from team/app") && said.contains("2: Pulling from team/app"), "{said}");
    assert_eq!(session.tags().len(), 3);
    session.run(&["pull", "-a", &one]).fails(1, &["tag can't be used with --all-tags/-a"]);
    session.run(&["pull", "scratch"]).fails(1, &["'scratch' is a reserved name"]);
}

#[test]
fn of_an_index_one_platform_comes_and_no_attestation() {
    let (session, registry) = (Session::new(), Registry::start());
    let here = image("here").with("architecture", json!("amd64"));
    let there = image("there").with("architecture", json!("arm64"));
    let index = {
        let mut content = registry.content();
        let repository = content.repository("team/app");
        let [amd64, arm64] = [&here, &there].map(|image| {
            let pushed = repository.put_image(None, image, Form::Oci(Packing::Zstd));
            on_platform(&pushed.manifest, &image.platform())
        });
        let about = image("an attestation");
        let mut about = on_platform(
            &repository.put_image(None, &about, Form::Docker).manifest,
            &json!({"architecture": "unknown", "os": "unknown"}),
        );
        about["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
        repository.put_index("1", INDEX, &[arm64, amd64, about])
    };
    let name = registry.name("team/app:1");
    registry.forget();
    let said = session.ok(&["pull", "--platform", "linux/amd64", &name]);
    let digest = index["digest"].as_str().expect("a digest");
    assert!(said.contains(&format!("Digest: {digest}\n")), "{said}");
    assert_eq!(registry.count("GET", "/manifests/"), 2, "the index and one manifest: {:?}", registry.log());
    assert_eq!(session.inspect(&name)["Id"], json!(here.id()));
    assert_eq!(session.inspect(&name)["RepoDigests"], json!([registry.name(&format!("team/app@{digest}"))]));

    session.ok(&["pull", "--platform", "linux/arm64", &name]);
    for (platform, image) in [("linux/amd64", &here), ("linux/arm64", &there)] {
        let id = session.ok(&["inspect", "--platform", platform, "-f", "{{.Id}}", &name]);
        assert_eq!(id.trim(), image.id(), "{platform}");
    }
    session
        .run(&["pull", "--platform", "linux/s390x", &name])
        .fails(1, &["no matching manifest for linux/s390x in the manifest list entries"]);
}

#[test]
fn a_tag_that_moves_leaves_its_image_without_a_name() {
    let (session, registry) = (Session::new(), Registry::start());
    let name = registry.name("team/app:1");
    let first = registry.push("team/app:1", &image("one"));
    session.ok(&["pull", &name]);
    registry.push("team/app:1", &image("two"));
    let said = session.ok(&["pull", &name]);
    assert!(said.contains("Status: Downloaded newer image for"), "{said}");
    assert_eq!(session.inspect(&name)["Id"], json!(image("two").id()));
    assert_eq!(session.ids().len(), 2, "the first one is still there");
    let by_digest = registry.name(&format!("team/app@{}", first.digest()));
    let said = session.ok(&["pull", &by_digest]);
    assert!(said.starts_with(&format!("{by_digest}: Pulling from team/app\n")), "{said}");
    assert_eq!(session.inspect(&by_digest)["Id"], json!(image("one").id()));
}

#[test]
fn what_is_no_image_is_refused_by_name() {
    let (session, registry) = (Session::new(), Registry::start());
    let schema_one = json!({"schemaVersion": 1, "name": "old", "tag": "1", "fsLayers": [], "history": []});
    let chart = json!({
        "schemaVersion": 2,
        "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": format!("sha256:{}", "0".repeat(64)), "size": 2},
        "layers": [],
    });
    {
        let mut content = registry.content();
        let old = "application/vnd.docker.distribution.manifest.v1+prettyjws";
        content.repository("old").put_manifest(Some("1"), old, schema_one.to_string().into_bytes());
        let manifest = "application/vnd.oci.image.manifest.v1+json";
        content.repository("chart").put_manifest(Some("1"), manifest, chart.to_string().into_bytes());
    }
    session.run(&["pull", &registry.name("old:1")]).fails(1, &["schema 1", "no longer supported"]);
    session.run(&["pull", &registry.name("chart:1")]).fails(1, &["application/vnd.cncf.helm.config.v1+json"]);
    session
        .run(&["pull", &registry.name("none:1")])
        .fails(1, &["manifest for", "none:1 not found", "manifest unknown"]);
    assert_eq!(session.ids().len(), 0);
}

#[test]
fn several_come_at_once_each_in_one_piece() {
    let (session, registry) = (Session::new(), Registry::start());
    let names = ["one", "two", "three"].map(|text| {
        registry.push(&format!("team/{text}:1"), &image(text));
        registry.name(&format!("team/{text}:1"))
    });
    let missing = registry.name("team/none:1");
    let answer = session.run(&["pull", &names[0], &missing, &names[1], &names[2]]);
    let text = answer.out();
    let ours = |line: &&str| line.contains(": Pulling from ") || line.starts_with("Status: ");
    let said: Vec<String> = text.lines().filter(ours).map(str::to_owned).collect();
    let expected: Vec<String> = ["one", "two", "three"]
        .iter()
        .zip(&names)
        .flat_map(|(text, name)| {
            [format!("1: Pulling from team/{text}"), format!("Status: Downloaded newer image for {name}")]
        })
        .collect();
    assert_eq!(said, expected, "{text}");
    answer.fails(1, &[&missing]);
    assert_eq!(session.ids().len(), 3);

    let session = Session::new();
    let answer = session.run(&["--progress", "json", "pull", "-q", &names[0], &names[1]]);
    let done: Vec<&str> =
        answer.stderr.lines().filter(|line| line.starts_with(r#"{"event":"done","image":"#)).collect();
    assert_eq!(done.len(), 2, "{}", answer.stderr);
    answer.ok();
}

#[test]
fn a_name_that_is_typed_twice_is_meant_once() {
    let (session, registry) = (Session::new(), Registry::start());
    registry.push("team/app:latest", &image("one"));
    let name = registry.name("team/app");
    let said = session.ok(&["pull", "-q", &name, &format!("{name}:latest"), &name]);
    assert_eq!(said, format!("{name}:latest\n"));
    assert_eq!(registry.count("GET", "/blobs/"), 3, "{:#?}", registry.log());
    let said = session.ok(&["push", "-q", &name, &format!("{name}:latest")]);
    assert_eq!(said, format!("{name}:latest\n"));
}

#[test]
fn a_layer_that_they_share_is_fetched_once() {
    let (session, registry) = (Session::new(), Registry::start());
    let layer = [Member::file("shared", vec![7; 1 << 20])];
    let names: Vec<String> = (0..4)
        .map(|n| {
            let image = TestImage::new(&["fx/a:1"])
                .layer("shared", &layer)
                .layer("own", &[Member::file("own", format!("{n}"))]);
            registry.push(&format!("app:{n}"), &image);
            registry.name(&format!("app:{n}"))
        })
        .collect();
    let mut args = vec!["pull", "-q", "--jobs", "8"];
    args.extend(names.iter().map(String::as_str));
    session.ok(&args);
    assert_eq!(registry.count("GET", "/blobs/"), 4 + 1 + 4, "configs and layers: {:#?}", registry.log());
    session.ok(&["verify"]);
}

#[test]
fn who_waits_for_another_process_says_so_and_goes_on_if_that_ends() {
    let (session, registry) = (Session::new(), Registry::start());
    let image = TestImage::new(&["fx/a:1"]).layer("large", &[Member::file("large", vec![7; 1 << 20])]);
    let pushed = registry.push("app:1", &image);
    let layer = pushed.layer(0);
    registry.script(
        move |request, reply| {
            if request.path.ends_with(&layer) { reply.stalled_after(100) } else { reply }
        },
    );
    let spawn = || {
        let mut command = session.command(&["pull", &registry.name("app:1")]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let mut first = spawn();
    let kept = || {
        let files = std::fs::read_dir(session.store().join("imgtool/partial")).into_iter().flatten();
        files.filter_map(|file| file.ok()?.metadata().ok()).map(|file| file.len()).sum::<u64>()
    };
    while kept() < 100 {
        assert!(first.try_wait().expect("a child of ours").is_none(), "{:#?}", registry.log());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let mut second = spawn();
    let mut said = BufReader::new(second.stdout.take().expect("a pipe"));
    let mut text = String::new();
    while !text.contains(": Waiting for another imgtool\n") {
        assert!(said.read_line(&mut text).expect("text") > 0, "{text}");
    }
    registry.behave();
    first.kill().expect("a child of ours");
    first.wait().expect("a child of ours");
    said.read_to_string(&mut text).expect("text");
    assert!(second.wait().expect("a child of ours").success(), "{text}");
    assert!(text.contains(": Pull complete\n"), "{text}");
    session.ok(&["verify"]);
}
