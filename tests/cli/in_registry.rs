//! `docker://NAME`: images of a registry that are read where they are.

use std::io::Read as _;
use std::process::Stdio;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::image::TestImage;
use crate::support::oci;
use crate::support::packing::Packing;
use crate::support::producers;
use crate::support::registry::Registry;
use crate::support::registry::content::{DOCKER_LIST, Form, Pushed, on_platform};
use crate::support::registry::reply::Reply;
use crate::support::session::Session;
use crate::support::tarball::{Member, pack};
use crate::support::tree;

/// Three layers, one of which hides what is below, and one that is there twice.
fn image(tag: &str) -> TestImage {
    let repeated = [Member::dir("again/")];
    TestImage::new(&[tag])
        .layer(
            "ADD base",
            &[Member::dir("etc/"), Member::file("etc/a", vec![b'a'; 200_000]), Member::file("gone", "x")],
        )
        .layer("ADD again", &repeated)
        .step("CMD")
        .layer("RUN rm gone", &[Member::file(".wh.gone", ""), Member::symlink("link", "etc/a")])
        .layer("ADD again", &repeated)
}

/// A registry with that image, and its name there.
fn world() -> (Session, Registry, Pushed, String) {
    let registry = Registry::start();
    let pushed = registry.push("team/app:1", &image("fx/a:1"));
    let place = format!("docker://{}", registry.name("team/app:1"));
    (Session::new(), registry, pushed, place)
}

/// How often each blob was asked for.
fn fetched(registry: &Registry) -> Vec<(String, usize)> {
    let mut all: Vec<(String, usize)> = Vec::new();
    for record in registry.records().into_iter().filter(|record| record.request.is_for_blob()) {
        let digest = record.request.path.rsplit('/').next().unwrap_or_default().to_owned();
        match all.iter_mut().find(|(known, _)| *known == digest) {
            Some((_, count)) => *count += 1,
            None => all.push((digest, 1)),
        }
    }
    all.sort();
    all
}

/// The config and each layer, once.
fn each_once(pushed: &Pushed) -> Vec<(String, usize)> {
    let digest = |descriptor: &Value| descriptor["digest"].as_str().expect("a digest").to_owned();
    let mut all: Vec<(String, usize)> =
        pushed.layers.iter().chain([&pushed.config]).map(|descriptor| (digest(descriptor), 1)).collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn looking_fetches_no_layer() {
    let (session, registry, pushed, place) = world();
    let name = registry.name("team/app:1");
    let history = session.ok(&["history", "--no-trunc", "--format", "{{.CreatedBy}} {{.Size}}", &place]);
    let size = |layer: usize| pushed.layers[layer]["size"].as_u64().expect("a size");
    let again = size(1);
    let expected =
        format!("ADD again {again}B\nRUN rm gone {}B\nCMD 0B\nADD again {again}B\nADD base {}B\n", size(2), size(0));
    assert_eq!(history, expected, "sizes are those of the blobs");
    let inspected = session.inspect(&place);
    assert_eq!(inspected["RepoTags"], json!([name]));
    assert_eq!(inspected["RepoDigests"], json!([format!("{}@{}", registry.name("team/app"), pushed.digest())]));
    assert_eq!(inspected["Id"], json!(image("fx/a:1").id()));
    session.ok(&["manifest", "inspect", &place]);
    session.ok(&["manifest", "inspect", "-v", &place]);
    let config = pushed.config["digest"].as_str().expect("a digest").to_owned();
    assert_eq!(fetched(&registry), [(config, 3)], "the config for history, inspect and -v, and no layer");
    assert!(!session.store().exists(), "nothing is written");
    session.ok(&["pull", "-q", &name]);
    let mut stored = session.inspect(&name);
    stored["Size"] = inspected["Size"].clone();
    stored["Descriptor"].as_object_mut().expect("a descriptor").remove("annotations");
    assert_eq!(stored, inspected, "as it would be in the store");
}

#[test]
fn an_export_fetches_each_layer_once() {
    let (session, registry, pushed, place) = world();
    let other = Session::new();
    other.load(&pack(&producers::docker_save(&[image("fx/a:1")])));
    let expected = other.run(&["export", "fx/a:1"]).stdout;
    assert!(session.run(&["export", &place]).stdout == expected, "the bytes of any other export");
    assert_eq!(fetched(&registry), each_once(&pushed));
    session.ok(&["export", "-o", "file.tar", &place]);
    assert!(session.read("file.tar") == expected, "into a file");
    assert_eq!(session.picture().len(), 0, "nothing stays in the store");
    let stubs = session.run(&["export", "--docker-stubs", &place]);
    assert!(stubs.stdout == other.run(&["export", "--docker-stubs", "fx/a:1"]).stdout);
}

#[test]
fn layers_come_together() {
    let (session, registry, _, place) = world();
    // Each layer waits until three were asked for.
    let (waiting, all_here) = (Arc::new(Mutex::new(0)), Arc::new(Condvar::new()));
    registry.script(move |request, honest| {
        if request.is_for_blob() && honest.body.first() == Some(&0x1f) {
            let mut here = waiting.lock().expect("no test panics here");
            *here += 1;
            all_here.notify_all();
            let (here, _) = all_here
                .wait_timeout_while(here, Duration::from_secs(20), |here| *here < 3)
                .expect("no test panics here");
            if *here < 3 {
                return Reply::error(404, "ALONE", "layers come one by one");
            }
        }
        honest
    });
    assert!(session.run(&["export", &place]).stdout.len() > 200_000);
}

#[test]
fn save_writes_what_pull_and_save_would() {
    let (registry, puller) = (Registry::start(), Session::new());
    let (amd, arm) = (image("fx/a:1"), TestImage::of("fx/b:1", "arm").with("architecture", json!("arm64")));
    registry.push("team/app:docker", &amd);
    let zstd = registry.push_as("team/app:zstd", &amd, Form::Oci(Packing::Zstd));
    registry.push_as("team/app:plain", &amd, Form::Oci(Packing::None));
    let other = registry.push_as("team/app:arm", &arm, Form::Oci(Packing::Gzip));
    let entries = [on_platform(&zstd.manifest, &amd.platform()), on_platform(&other.manifest, &arm.platform())];
    registry.content().repository("team/app").put_index("index", oci::INDEX, &entries);
    registry.content().repository("team/app").put_index("list", DOCKER_LIST, &entries[1..]);
    for tag in ["docker", "zstd", "plain", "index", "list"] {
        let (session, name) = (Session::new(), registry.name(&format!("team/app:{tag}")));
        let platform: &[&str] = if tag == "list" { &["--platform", "linux/arm64"] } else { &[] };
        puller.ok(&[&["pull", "-q"], platform, &[&name]].concat());
        for format in [&["--format", "docker"][..], &["--format", "oci"], &["--format", "oci", "--compress", "gzip"]] {
            let save = |session: &Session, name: &str| session.run(&[&["save"], format, platform, &[name]].concat());
            registry.forget();
            let saved = save(&session, &format!("docker://{name}"));
            assert!(
                saved.code == 0 && saved.stdout == save(&puller, &name).stdout,
                "{tag} {format:?} {}",
                saved.stderr
            );
            assert!(fetched(&registry).iter().all(|(_, count)| *count == 1), "{tag}: {:?}", registry.log());
        }
        let place = format!("docker://{name}");
        session.ok(&[&["save", "--format", "oci", "-o", "oci.tar"], platform, &[&place]].concat());
        session.ok(&["load", "-i", "oci.tar"]);
        let digest =
            |session: &Session| session.ok(&["images", "--digests", "--format", "{{.Tag}} {{.Digest}}", &name]);
        // Of a list, a platform is the image of that platform.
        assert!(tag == "list" || digest(&session) == digest(&puller), "{tag}: digests survive");
    }
}

#[test]
fn what_the_store_has_is_not_fetched() {
    let (session, registry, pushed, place) = world();
    let child = image("fx/a:2").layer("ADD more", &[Member::file("more", "more")]);
    let child = registry.push("team/app:2", &child);
    session.ok(&["pull", "-q", &registry.name("team/app:1")]);
    registry.forget();
    let expected = session.run(&["export", &registry.name("team/app:1")]).stdout;
    assert!(session.run(&["export", &place]).stdout == expected);
    assert_eq!(fetched(&registry), [], "{}: the store has all of it", pushed.digest());
    session.ok(&["export", "-o", "2.tar", &format!("docker://{}", registry.name("team/app:2"))]);
    let mut new = vec![(child.layer(4), 1), (child.config["digest"].as_str().expect("a digest").to_owned(), 1)];
    new.sort();
    assert_eq!(fetched(&registry), new);
}

#[test]
fn unpack_and_diff_take_images_of_registries() {
    let (session, registry, _, place) = world();
    session.ok(&["unpack", "-q", &place, "tree"]);
    session.ok(&["pull", "-q", &registry.name("team/app:1")]);
    session.ok(&["unpack", "-q", &registry.name("team/app:1"), "same"]);
    let picture = |folder: &str| tree::picture(&session.work().join(folder));
    assert_eq!(picture("tree"), picture("same"));
    // Now the store has the image that the directory is of.
    assert_eq!(session.ok(&["diff", "tree"]), "");

    let fresh = Session::new();
    registry.push("team/app:2", &image("fx/a:2").layer("ADD more", &[Member::file("etc/more", "more")]));
    let newer = format!("docker://{}", registry.name("team/app:2"));
    assert_eq!(fresh.ok(&["diff", &place, &newer]), "C /etc\nA /etc/more\n");
    fresh.ok(&["unpack", "-q", &place, "tree"]);
    assert_eq!(fresh.ok(&["diff", "--from", &newer, "tree"]), "C /etc\nD /etc/more\n");
    let refused = fresh.run(&["commit", "--from", &place, "tree", "fx/new:1"]);
    refused.fails(1, &[&format!("error: {place} is not in the store"), "pull it, and use --from with its name"]);
}

#[test]
fn a_platform_is_chosen() {
    let (session, registry) = (Session::new(), Registry::start());
    let (amd, arm) =
        (TestImage::of("fx/a:1", "amd"), TestImage::of("fx/a:1", "arm").with("architecture", json!("arm64")));
    let pushed = [&amd, &arm].map(|image| registry.push_as("team/app:x", image, Form::Oci(Packing::Gzip)));
    let entries =
        [on_platform(&pushed[0].manifest, &amd.platform()), on_platform(&pushed[1].manifest, &arm.platform())];
    registry.content().repository("team/app").put_index("all", oci::INDEX, &entries);
    let place = format!("docker://{}", registry.name("team/app:all"));
    registry.forget();
    let text = |args: &[&str]| String::from_utf8_lossy(&session.run(args).stdout).into_owned();
    assert!(text(&["export", "--platform", "linux/arm64", &place]).contains("arm"));
    assert_eq!(fetched(&registry), each_once(&pushed[1]), "nothing of the other platform");
    let format = ["inspect", "--platform", "linux/arm64", "-f", "{{.Id}}", &place];
    assert_eq!(session.ok(&format), arm.id() + "\n");
    for verb in ["export", "history", "inspect", "save"] {
        let answer = session.run(&[verb, "--platform", "linux/s390x", &place]);
        answer.fails(
            1,
            &["no matching manifest for linux/s390x in the manifest list entries", "linux/amd64, linux/arm64"],
        );
        assert_eq!(answer.out(), if verb == "inspect" { "[]\n" } else { "" }, "{verb}");
    }
}

#[test]
fn verify_reads_all_that_a_registry_has() {
    let (session, registry) = (Session::new(), Registry::start());
    let (amd, arm) = (image("fx/a:1"), image("fx/a:1").with("architecture", json!("arm64")));
    let pushed = [&amd, &arm].map(|image| registry.push_as("team/app:x", image, Form::Oci(Packing::Zstd)));
    let entries =
        [on_platform(&pushed[0].manifest, &amd.platform()), on_platform(&pushed[1].manifest, &arm.platform())];
    registry.content().repository("team/app").put_index("all", oci::INDEX, &entries);
    let name = registry.name("team/app:all");
    let place = format!("docker://{name}");
    session.ok(&["pull", "-q", &name]);
    registry.forget();
    assert_eq!(session.ok(&["verify", &place]), format!("{name}: OK\n"));
    let mut expected = [each_once(&pushed[0]), each_once(&pushed[1])].concat();
    expected.sort();
    expected.dedup();
    assert_eq!(fetched(&registry), expected, "both platforms, whatever the store has, each blob once");
    registry.push("team/app:plain", &amd);
    assert_eq!(
        Session::new().ok(&["verify", "--format", "json", &format!("docker://{}", registry.name("team/app:plain"))]),
        format!("{{\"Image\":\"{}\",\"OK\":true,\"Damage\":[]}}\n", registry.name("team/app:plain"))
    );
}

/// What `verify` says of a registry that answers otherwise for one blob.
fn verified(of: fn(&Pushed) -> String, answer: impl Fn(Reply) -> Reply + Send + Sync + 'static) -> (i32, String) {
    let (session, registry, pushed, place) = world();
    let digest = of(&pushed);
    registry.script(move |request, honest| if request.path.ends_with(&digest) { answer(honest) } else { honest });
    let answer = session.run(&["verify", &place]);
    (answer.code, answer.text().replace(&registry.host(), "HOST"))
}

#[test]
fn verify_tells_damage_from_a_bad_network() {
    let layer: fn(&Pushed) -> String = |pushed| pushed.layer(0);
    let config: fn(&Pushed) -> String = |pushed| pushed.config["digest"].as_str().expect("a digest").to_owned();
    let damaged = "! error: the image is damaged: push it again to the registry\n[exit 1]\n";
    let changed = |reply: Reply| {
        let mut bytes = reply.body.to_vec();
        bytes[100] ^= 1;
        reply.saying(bytes)
    };
    let missing = |_: Reply| Reply::error(404, "BLOB_UNKNOWN", "blob unknown to registry");
    for (of, answer, word) in [
        (layer, Box::new(changed) as Box<dyn Fn(Reply) -> Reply + Send + Sync>, "changed"),
        (layer, Box::new(missing), "missing"),
        (config, Box::new(changed), "changed"),
        (config, Box::new(missing), "blob unknown to registry"),
    ] {
        let (code, text) = verified(of, answer);
        assert!(code == 1 && text.contains(word) && text.ends_with(damaged), "{text}");
        assert!(text.starts_with("HOST/team/app:1: "), "{text}");
    }
    let refused = |_: Reply| Reply::error(403, "DENIED", "not for you");
    let manifest: fn(&Pushed) -> String = |_| "/manifests/1".to_owned();
    for of in [layer, config, manifest] {
        let (code, text) = verified(of, refused);
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("! hint: ")).collect();
        assert_eq!((code, lines.len()), (1, 2), "{text}");
        assert!(lines[0].starts_with("! error: HOST/team/app") && lines[0].ends_with("denied: not for you"), "{text}");
    }
}

#[test]
fn verify_follows_an_index_to_its_end() {
    let (session, registry) = (Session::new(), Registry::start());
    let (amd, arm) =
        (TestImage::of("fx/a:1", "amd"), TestImage::of("fx/a:1", "arm").with("architecture", json!("arm64")));
    let pushed = [&amd, &arm].map(|image| registry.push_as("team/app:x", image, Form::Oci(Packing::Gzip)));
    let entries =
        [on_platform(&pushed[0].manifest, &amd.platform()), on_platform(&pushed[1].manifest, &arm.platform())];
    registry.content().repository("team/app").put_index("all", oci::INDEX, &entries);
    let place = format!("docker://{}", registry.name("team/app:all"));
    let second = pushed[1].digest();
    for (status, word) in [(404, "is not there"), (403, "denied")] {
        let second = second.clone();
        registry.script(move |request, honest| {
            if request.path.ends_with(&second) { Reply::error(status, "DENIED", "not for you") } else { honest }
        });
        let answer = session.run(&["verify", &place]);
        answer.fails(1, &["error: "]);
        assert!(answer.text().contains(word), "{}", answer.text());
        assert_eq!(answer.text().contains("damaged"), status == 404, "{}", answer.text());
    }
}

#[test]
fn a_transfer_that_fails_is_told_in_one_line() {
    let (session, registry, pushed, place) = world();
    let (layer, name) = (pushed.layer(0), registry.name("team/app:1"));
    let size = usize::try_from(pushed.layers[0]["size"].as_u64().expect("a size")).expect("small");
    let lines = |answer: &crate::support::session::Answer| {
        assert_eq!((answer.code, answer.stdout.len()), (1, 0), "{}", answer.text());
        answer.stderr.lines().filter(|line| !line.starts_with("hint: ")).map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    for (reply, words) in [
        (Reply::error(404, "BLOB_UNKNOWN", "blob unknown to registry"), "blob unknown to registry"),
        (Reply::error(403, "DENIED", "not for you"), "denied: not for you"),
        (Reply::new(200, "other bytes, and fewer"), "22 bytes"),
        (Reply::new(200, vec![7; size]), "other bytes than it says"),
    ] {
        let digest = layer.clone();
        registry.script(move |request, honest| if request.path.ends_with(&digest) { reply.clone() } else { honest });
        for args in
            [&["export", &place][..], &["save", &place], &["unpack", "-q", &place, "tree"], &["diff", &place, &place]]
        {
            let said = lines(&session.run(args));
            assert_eq!(said.len(), 1, "{args:?} {said:?}");
            assert!(said[0].starts_with(&format!("error: layer 1 of {name}: ")) && said[0].contains(words), "{said:?}");
            assert!(said[0].matches(words).count() == 1, "{said:?}");
        }
        assert!(!session.work().join("tree").exists());
    }
}

#[test]
fn a_transfer_that_breaks_goes_on() {
    let (session, registry, pushed, place) = world();
    let layer = pushed.layer(0);
    registry.script(
        move |request, honest| {
            if request.path.ends_with(&layer) && request.number == 0 { honest.cut_after(100) } else { honest }
        },
    );
    assert!(session.run(&["export", &place]).stdout.len() > 200_000);
    assert!(registry.sent() <= pushed.size() * 105 / 100, "{} of {}", registry.sent(), pushed.size());
}

#[test]
fn a_reader_that_goes_away_is_no_news() {
    let (session, _registry, _, place) = world();
    for verb in ["export", "save"] {
        let mut child = session.command(&[verb, &place]);
        let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let mut pipe = child.stdout.take().expect("it was asked for");
        pipe.read_exact(&mut [0; 100]).expect("it writes");
        drop(pipe);
        let start = Instant::now();
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{verb}");
        assert_eq!(output.status.code(), Some(141), "{verb}");
        assert!(start.elapsed() < Duration::from_secs(5), "{verb}");
    }
}

#[test]
fn progress_shows_the_layers() {
    let (session, _registry, pushed, place) = world();
    let said = session.run(&["--progress", "plain", "export", "-o", "x.tar", &place]).stderr;
    for layer in [0, 1, 2] {
        let short = &pushed.layer(layer)["sha256:".len()..][..12];
        assert!(said.contains(&format!("{short}: Downloading")), "{said}");
    }
    assert_eq!(session.run(&["export", "-o", "x.tar", &place]).stderr, "", "nothing where nobody looks");
}

#[test]
fn verbs_that_are_for_the_store_say_so() {
    let (session, registry, _, place) = world();
    let repository = registry.name("team/app");
    let said = session.run(&["images", &place]);
    said.fails(
        1,
        &[
            "images lists what is in the store",
            &format!("imgtool tags {repository}"),
            &format!("imgtool inspect {place}"),
        ],
    );
    for args in [
        &["tag", &place, "fx/b:1"][..],
        &["rmi", &place],
        &["load", "-i", &place],
        &["images", "docker://"],
        &["verify", "docker://"],
        &["history", "docker://Upper"],
    ] {
        let answer = session.run(args);
        assert_eq!(answer.code, 1, "{args:?} {}", answer.text());
        assert_eq!(
            answer.stderr.lines().filter(|line| line.starts_with("error: ")).count(),
            1,
            "{args:?} {}",
            answer.stderr
        );
    }
    assert_eq!(registry.log(), [""; 0], "none of them asks");
    for verb in ["export", "history", "inspect", "save", "verify", "manifest inspect"] {
        let none = format!("docker://{}", registry.name("team/none:1"));
        let args: Vec<&str> = verb.split(' ').chain([none.as_str()]).collect();
        session.run(&args).fails(1, &["team/none:1"]);
    }
}
