//! Several images at once.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{digest_of, large, pulls, size_of, stored};
use crate::support::image::TestImage;
use crate::support::registry::Registry;
use crate::support::session::Session;

#[test]
fn an_error_of_one_does_not_keep_the_others() {
    let (session, registry) = (Session::new(), Registry::start());
    let names = ["a:1", "b:2", "c"].map(|name| registry.name(name));
    let digests = ["a", "c"].map(|name| {
        let typed = if name == "a" { names[0].clone() } else { format!("{}:latest", names[2]) };
        stored(&session, &typed, &TestImage::sample(name))
    });
    let answer = session.run(&["push", &names[0], &names[1], &names[2]]);
    assert_eq!(
        (digest_of(&registry, "a:1"), digest_of(&registry, "c:latest")),
        (Some(digests[0].clone()), Some(digests[1].clone()))
    );
    let text = answer.out();
    let said: Vec<&str> = text.lines().filter(|line| line.as_bytes().get(12) != Some(&b':')).collect();
    let heads = [
        "The push refers to repository [",
        "1: digest: ",
        "Using default tag: latest",
        "The push refers to ",
        "latest: digest: ",
    ];
    assert!(said.len() == heads.len() && said.iter().zip(heads).all(|(line, head)| line.starts_with(head)), "{said:?}");
    answer.fails(1, &[&format!("An image does not exist locally with the tag: {}\n", registry.name("b"))]);

    // Each is named that went wrong.
    let (other, another) = (registry.name("x:1"), registry.name("y:1"));
    let answer = session.run(&["push", "-q", &other, &names[0], &another]);
    assert_eq!(answer.out(), format!("{}\n", names[0]));
    answer.fails(1, &[&registry.name("x"), &registry.name("y")]);
}

/// Waits until the registry holds back so many uploads.
fn wait_for(registry: &Registry, paused: usize) {
    let start = Instant::now();
    while registry.content().uploads.paused < paused {
        assert!(start.elapsed() < Duration::from_secs(60), "{:#?}", registry.log());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn their_blobs_go_at_once_but_no_more_than_jobs() {
    let (session, registry) = (Session::new(), Registry::start());
    let names: Vec<String> = (0..4).map(|number| registry.name(&format!("app{number}:1"))).collect();
    let images: Vec<TestImage> = (0..4).map(|number| large(40 + number, 2 << 20)).collect();
    for (name, image) in names.iter().zip(&images) {
        stored(&session, name, image);
    }
    registry.content().uploads.manners.pause = Some(1 << 20);
    let mut args = vec!["push", "-q", "--jobs", "3"];
    args.extend(names.iter().map(String::as_str));
    let child = session.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    wait_for(&registry, 3);
    let begun = registry.content().uploads.paused;
    registry.content().uploads.manners.pause = None;
    let output = child.wait_with_output().expect("a child of ours");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(begun, 3, "no more than --jobs");
    let said = names.join("\n") + "\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), said, "in the order of the names");
    for (number, image) in images.iter().enumerate() {
        pulls(&registry, &format!("app{number}:1"), image);
    }
}

#[test]
fn a_blob_that_they_share_goes_once() {
    let (session, registry) = (Session::new(), Registry::start());
    let image = large(50, 3 << 20);
    let names = ["one:1", "one:2", "two:1", "three:1"].map(|name| registry.name(name));
    stored(&session, &names[0], &image);
    names[1..].iter().for_each(|name| drop(session.ok(&["tag", &names[0], name])));
    let mut args = vec!["push", "-q"];
    args.extend(names.iter().map(String::as_str));
    session.ok(&args);
    assert_eq!(registry.received(), size_of(&image), "{:#?}", registry.log());
    pulls(&registry, "three:1", &image);
}

#[test]
fn programs_are_told_which_layer_of_which_image() {
    let (session, registry) = (Session::new(), Registry::start());
    let names = ["a:1", "b:1"].map(|name| registry.name(name));
    let digests: Vec<String> =
        names.iter().enumerate().map(|(n, name)| stored(&session, name, &large(60 + n as u64, 1 << 20))).collect();
    let answer = session.run(&["--progress", "json", "push", &names[0], &names[1]]);
    let events: Vec<Value> = answer.stderr.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    for (name, digest) in names.iter().zip(&digests) {
        let of_it: Vec<&Value> = events.iter().filter(|event| event["image"] == name.as_str()).collect();
        let done = of_it.last().expect("events");
        assert_eq!((&done["event"], &done["digest"]), (&"done".into(), &digest.as_str().into()), "{events:#?}");
        let ended: Vec<&&Value> = of_it.iter().filter(|event| event["event"] == "finish").collect();
        assert_eq!(ended.len(), 2, "a layer and the config: {of_it:#?}");
        assert!(
            ended.iter().all(|event| event["action"] == "push" && event["current"] == event["total"]),
            "{of_it:#?}"
        );
        assert!(ended.iter().all(|event| event["layer"].as_str().is_some_and(|layer| layer.starts_with("sha256:"))));
    }
    let totals: Vec<u64> =
        events.iter().filter(|event| event["event"] == "total").filter_map(|event| event["total"].as_u64()).collect();
    let all: u64 =
        events.iter().filter(|event| event["event"] == "finish").filter_map(|event| event["total"].as_u64()).sum();
    assert_eq!(totals.last(), Some(&all), "one total for all: {totals:?}");
    answer.ok();
}

#[test]
fn two_pushes_of_one_blob_do_not_end_each_other() {
    let (session, registry) = (Session::new(), Registry::start());
    let (name, image) = (registry.name("app:1"), large(80, 3 << 20));
    stored(&session, &name, &image);
    session.ok(&["tag", &name, &registry.name("app:2")]);
    registry.content().uploads.manners.pause = Some(1 << 20);
    let spawn = |name: &str| {
        let mut command = session.command(&["push", name]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let first = spawn(&name);
    wait_for(&registry, 1);
    let mut second = spawn(&registry.name("app:2"));
    let mut said = BufReader::new(second.stdout.take().expect("a pipe"));
    let mut text = String::new();
    while !text.contains(": Waiting for another imgtool\n") {
        assert!(said.read_line(&mut text).expect("text") > 0, "{text}");
    }
    registry.content().uploads.manners.pause = None;
    said.read_to_string(&mut text).expect("text");
    assert!(second.wait().expect("a child of ours").success(), "{text}");
    assert!(text.contains(": Layer already exists\n"), "{text}");
    let first = first.wait_with_output().expect("a child of ours");
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let (came, size) = (registry.received(), size_of(&image));
    assert!(came * 100 <= size * 105, "{came} bytes for {size}: {:#?}", registry.log());
    let left = std::fs::read_dir(session.store().join("imgtool/sending")).expect("a folder").count();
    assert_eq!(left, 0);
}
