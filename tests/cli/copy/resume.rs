//! Copies that are killed go on where they were.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::several::noise;
use crate::support::image::TestImage;
use crate::support::packing::Packing;
use crate::support::registry::Registry;
use crate::support::registry::content::Form;
use crate::support::session::Session;
use crate::support::tarball::Member;

/// An image of three layers.
fn image() -> TestImage {
    [(70, 2), (71, 3), (72, 4)].iter().fold(TestImage::new(&[]), |image, (seed, mib)| {
        let name = format!("layer{seed}");
        image.layer(&name, &[Member::file(&name, noise(*seed, mib << 20))])
    })
}

/// Begins a copy, and kills it when the target has so many bytes of each layer and waits for more.
fn killed(session: &Session, target: &Registry, args: &[&str], at: usize) {
    target.content().uploads.manners.pause = Some(at);
    let mut child = session.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let start = Instant::now();
    while target.content().uploads.paused < 3 {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing comes: {:#?}", target.log());
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("a child of ours");
    child.wait().expect("a child of ours");
    let mut content = target.content();
    (content.uploads.manners.pause, content.uploads.paused) = (None, 0);
    drop(content);
    // The server finds out that nobody is there.
    while target.records().iter().filter(|record| record.status == 0).count() < 3 {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn from_registry_to_registry() {
    let (session, source, target) = (Session::new(), Registry::start(), Registry::start());
    let pushed = source.push_as("team/app:1", &image(), Form::Oci(Packing::Gzip));
    let (from, to) =
        (format!("docker://{}", source.name("team/app:1")), format!("docker://{}", target.name("there/app:1")));
    let args = ["copy", "-q", from.as_str(), to.as_str()];
    killed(&session, &target, &args, 3 << 19);
    source.forget();
    session.ok(&args);
    assert_eq!(target.content().repositories["there/app"].tags["1"], pushed.digest());
    let (came, size) = (target.received(), pushed.size());
    assert!(came * 100 <= size * 105, "{came} bytes for {size}: {:#?}", target.log());
    // What the target has is not fetched again either.
    let fetched = source.sent();
    assert!(fetched < size - 3 * (5 << 18), "{fetched} bytes of {size}: {:#?}", source.log());
    session.ok(&["verify", &to]);
}

#[test]
fn from_a_registry_into_the_store() {
    let (session, source) = (Session::new(), Registry::start());
    let pushed = source.push_as("team/app:1", &image(), Form::Oci(Packing::Gzip));
    let layers: Vec<String> = (0..3).map(|number| pushed.layer(number)).collect();
    source.script(move |request, reply| {
        if layers.iter().any(|layer| request.path.ends_with(layer)) { reply.stalled_after(3 << 19) } else { reply }
    });
    let args = ["copy", "-q", &format!("docker://{}", source.name("team/app:1")), "kept:1"];
    let mut child = session.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let partial = session.store().join("imgtool/partial");
    let kept = || {
        let files = std::fs::read_dir(&partial).into_iter().flatten().filter_map(Result::ok);
        files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum::<u64>()
    };
    let start = Instant::now();
    while kept() < 3 * (3 << 19) {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing comes: {:#?}", source.log());
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("a child of ours");
    child.wait().expect("a child of ours");
    source.behave();
    session.ok(&args);
    let (fetched, size) = (source.sent(), pushed.size());
    assert!(fetched * 100 <= size * 105, "{fetched} bytes for {size}: {:#?}", source.log());
    assert_eq!(kept(), 0);
    session.ok(&["verify", "kept:1"]);
}
