//! Several images at once.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::image::TestImage;
use crate::support::packing::Packing;
use crate::support::registry::Registry;
use crate::support::registry::content::Form;
use crate::support::session::Session;
use crate::support::tarball::Member;

/// Bytes that no compression makes fewer.
pub(super) fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    });
    next.take(size).collect()
}

/// An image with a layer that it shares with others, and one of its own.
fn image(own: u64) -> TestImage {
    let shared = Member::file("shared", noise(1, 3 << 20));
    let own = Member::file("own", noise(own, 2 << 20));
    TestImage::new(&[]).layer("shared", &[shared]).layer("own", &[own])
}

#[test]
fn tags_are_mirrored_at_once_and_a_layer_that_they_share_moves_once() {
    let (session, source, target) = (Session::new(), Registry::start(), Registry::start());
    let pushed: Vec<_> =
        (1..4).map(|n| source.push_as(&format!("team/app:{n}"), &image(10 + n), Form::Oci(Packing::Gzip))).collect();
    target.content().uploads.manners.pause = Some(1 << 20);
    let (from, to) =
        (format!("docker://{}", source.name("team/app")), format!("docker://{}", target.name("there/app")));
    let args = ["copy", "--all-tags", "--jobs", "4", &from, &to];
    let child = session.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let start = Instant::now();
    // The layer that they share, and one of each.
    while target.content().uploads.paused < 4 {
        assert!(start.elapsed() < Duration::from_secs(60), "{:#?}", target.log());
        std::thread::sleep(Duration::from_millis(5));
    }
    target.content().uploads.manners.pause = None;
    let output = child.wait_with_output().expect("a child of ours");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut copied = said.lines().filter(|line| line.starts_with("sha256:"));
    for (n, pushed) in (1..4).zip(&pushed) {
        assert_eq!(copied.next(), Some(format!("{} {to}:{n}", pushed.digest()).as_str()), "in their order: {said}");
        assert_eq!(target.content().repositories["there/app"].tags[&n.to_string()], pushed.digest());
    }
    // What each says stands together.
    let heads: Vec<&str> =
        said.lines().filter(|line| line.starts_with("Copying ") || line.starts_with("sha256:")).collect();
    assert!(heads.chunks(2).all(|two| two[0].starts_with("Copying ") && two[1].starts_with("sha256:")), "{said}");

    // Only what is new moves.
    target.forget();
    let more = source.push_as("team/app:4", &image(20), Form::Oci(Packing::Gzip));
    session.ok(&["copy", "-q", "--all-tags", &from, &to]);
    assert!(target.received() < 3 << 20, "{:#?}", target.log());
    assert_eq!(target.content().repositories["there/app"].tags["4"], more.digest());
}

#[test]
fn a_shared_layer_is_fetched_and_sent_once() {
    let (session, source, target) = (Session::new(), Registry::start(), Registry::start());
    let blobs = |pushed: &[u64]| pushed.iter().sum::<u64>();
    let sizes: Vec<u64> = (1..4)
        .map(|n| source.push_as(&format!("team/app:{n}"), &image(10 + n), Form::Oci(Packing::Gzip)).size())
        .collect();
    let from = format!("docker://{}", source.name("team/app"));
    session.ok(&["copy", "-q", "--all-tags", &from, &format!("docker://{}", target.name("there/app"))]);
    let shared = Packing::Gzip.apply(&image(0).layers[0]).len() as u64;
    assert_eq!(target.received(), blobs(&sizes) - 2 * shared, "{:#?}", target.log());

    // Into the store, too.
    source.forget();
    session.ok(&["copy", "-q", "--all-tags", &from, "team/app"]);
    assert_eq!(source.count("GET", "/blobs/sha256:"), 3 + 1 + 3, "configs and layers: {:#?}", source.log());
}

#[test]
fn an_error_of_one_does_not_keep_the_others() {
    let (session, source, target) = (Session::new(), Registry::start(), Registry::start());
    let pushed = source.push_as("b:1", &image(30), Form::Oci(Packing::Gzip));
    let from = |name: &str| format!("docker://{}", source.name(name));
    let to = format!("docker://{}/", target.name("all"));
    let answer = session.run(&["copy", "-q", &from("a:1"), &from("b:1"), &from("c:1"), &to]);
    assert_eq!(target.content().repositories["all/b"].tags["1"], pushed.digest());
    answer.fails(1, &[&source.name("a:1"), &source.name("c:1")]);
    let answer = session.run(&["copy", "-q", &from("a:1"), &from("b:1"), "kept/"]);
    assert_eq!(session.tags(), ["kept/b:1"]);
    answer.fails(1, &[&source.name("a:1")]);
}
