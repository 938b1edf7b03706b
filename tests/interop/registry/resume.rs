//! Pulls that break: what has come is not fetched again, and nothing is left behind, wherever one was killed.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::pulls::{imgtool, log_in};
use super::pushers::{archive, raw, skopeo_push};
use super::servers::{Kind, Server};
use crate::peer;
use crate::support::chaos::{Chaos, Trouble};
use crate::support::image::TestImage;
use crate::support::session::Session;
use crate::support::tarball::Member;
use crate::support::{slow, tree};

/// A registry behind a proxy, and what is to be pulled from it.
struct Broken {
    server: Server,
    chaos: Chaos,
    image: TestImage,
    /// How many bytes its blobs have.
    size: u64,
}

/// An image with three layers of these sizes, that do not pack.
fn image(lengths: [usize; 3]) -> TestImage {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    lengths.into_iter().enumerate().fold(TestImage::new(&["fx/a:1"]), |image, (number, length)| {
        let bytes: Vec<u8> = std::iter::repeat_with(&mut next).take(length / 8).flatten().collect();
        image.layer("noise", &[Member::file(format!("noise{number}"), bytes)])
    })
}

impl Broken {
    fn new(kind: Kind, lengths: [usize; 3]) -> Option<Self> {
        if !peer::installed("skopeo") {
            return None;
        }
        let server = Server::start(kind)?;
        let image = image(lengths);
        let session = Session::new();
        skopeo_push(&server, &archive(&session.work(), &image), "team/app:1", &[]);
        let manifest: serde_json::Value = serde_json::from_slice(&raw(&server, "team/app:1")).expect("JSON");
        let blobs = manifest["layers"].as_array().expect("layers").iter().chain([&manifest["config"]]);
        let size = blobs.map(|blob| blob["size"].as_u64().expect("a size")).sum();
        let chaos = Chaos::before(server.host.parse().expect("an address"));
        Some(Self { server, chaos, image, size })
    }

    /// The image's name through the proxy.
    fn name(&self) -> String {
        format!("{}/team/app:1", self.chaos.address())
    }

    fn session(&self) -> Session {
        let session = Session::new();
        log_in(&session, &self.server, &self.chaos.address().to_string());
        session
    }

    /// Pulls again and again until it ends well; gives how often.
    fn pull_until_it_is_there(&self, session: &Session) -> usize {
        for count in 1..=20 {
            let answer = imgtool(session, &self.server, &["pull", "--stall-timeout", "1", &self.name()]);
            if answer.code == 0 {
                assert_eq!(session.inspect(&self.name())["Id"], self.image.id().as_str());
                session.ok(&["verify", &self.name()]);
                return count;
            }
            assert!(answer.stderr.contains("team/app"), "{}", answer.text());
        }
        panic!("twenty pulls were not enough");
    }

    /// Fails if more came through the proxy than an honest count of the blobs and a twentieth.
    fn moved_no_more_than_it_had_to(&self, what: &str) {
        let moved = self.chaos.down();
        assert!(moved * 100 <= self.size * 105, "{what}: {moved} bytes were moved for {}", self.size);
    }

    /// A pull that is running.
    fn begin(&self, session: &Session) -> Child {
        let mut command = session.command(&["pull", &self.name()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
    }
}

#[test]
fn connections_that_are_cut() {
    // Where there is TLS, what has come of a record goes with it: they must not be cut too often.
    for (kind, cut) in
        [(Kind::Plain, 256 << 10), (Kind::Token, 256 << 10), (Kind::Tls, 800 << 10), (Kind::Nginx, 800 << 10)]
    {
        let Some(broken) = Broken::new(kind, [4 << 20, 2 << 20, 100_000]) else { return };
        let session = broken.session();
        let before = broken.chaos.down();
        broken.chaos.make(Trouble { cut: Some(cut), ..Trouble::default() });
        let runs = broken.pull_until_it_is_there(&session);
        let connections = broken.chaos.connections();
        assert!(connections > 6, "{kind:?}: {connections} connections in {runs} runs");
        assert!(broken.chaos.down() - before >= broken.size, "{kind:?}: all of it came through the proxy");
        broken.moved_no_more_than_it_had_to(&format!("{kind:?}"));
    }
}

#[test]
fn connections_that_stall() {
    let Some(broken) = Broken::new(Kind::Plain, [3 << 20, 1 << 20, 100_000]) else { return };
    let session = broken.session();
    broken.chaos.make(Trouble { stall: Some(1 << 20), ..Trouble::default() });
    broken.pull_until_it_is_there(&session);
    broken.moved_no_more_than_it_had_to("stalls");
}

/// Lets a pull run for a moment and kills it. Gives whether it was still running.
fn kill_after(mut child: Child, moment: Duration, signal: Signal) -> bool {
    let start = Instant::now();
    while start.elapsed() < moment {
        if child.try_wait().expect("a child of ours").is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let id = Pid::from_child(&child);
    // It may end in just this moment.
    let _gone = kill_process(id, signal);
    !child.wait().expect("a child of ours").success()
}

/// Whether the store says that it has nothing: what may lie there is garbage.
fn has_no_image(session: &Session) -> bool {
    session.tags().is_empty() && session.index()["manifests"].as_array().is_none_or(Vec::is_empty)
}

#[test]
fn killed_again_and_again_it_goes_on() {
    for signal in [Signal::KILL, Signal::INT] {
        let Some(broken) = Broken::new(Kind::Plain, [6 << 20, 4 << 20, 100_000]) else { return };
        let session = broken.session();
        broken.chaos.make(Trouble { delay: Duration::from_millis(6), ..Trouble::default() });
        let mut killed = 0;
        for _ in 0..5 {
            killed += usize::from(kill_after(broken.begin(&session), Duration::from_millis(300), signal));
            assert!(has_no_image(&session), "{signal:?}: half an image is seen");
        }
        assert_eq!(killed, 5, "{signal:?}: a pull was too fast for this test");
        broken.pull_until_it_is_there(&session);
        broken.moved_no_more_than_it_had_to(&format!("{signal:?}"));
    }
}

#[test]
fn killed_anywhere_it_leaves_nothing() {
    let Some(broken) = Broken::new(Kind::Plain, [2 << 20, 1 << 20, 100_000]) else { return };
    broken.chaos.make(Trouble { delay: Duration::from_millis(1), ..Trouble::default() });
    let whole = broken.session();
    let start = Instant::now();
    assert!(broken.begin(&whole).wait().expect("a child of ours").success());
    let mut time = start.elapsed();
    let expected = tree_of(&whole);
    let points = if slow() { 110 } else { 15 };
    let (mut killed, mut point) = (0, 0_u32);
    while killed < points {
        point += 1;
        assert!(point < 4 * points, "only {killed} of {point} pulls were killed");
        let session = broken.session();
        // All over the time that a pull takes, in no order.
        let moment = time.mul_f64(f64::from(point) * 0.618_034 % 1.0);
        let was_killed = kill_after(broken.begin(&session), moment, Signal::KILL);
        killed += u32::from(was_killed);
        if !was_killed {
            // The machine has less to do than before.
            time = time.mul_f64(0.9);
        }
        // An image is there, or it is not.
        let is_there = !has_no_image(&session);
        if is_there {
            session.ok(&["verify", &broken.name()]);
        }
        if point % 2 == 1 && !is_there {
            // What waits for the next pull goes only with everything.
            session.ok(&["image", "prune", "-f"]);
            let left = session.picture();
            assert!(left.keys().all(|path| path.starts_with("imgtool/partial/")), "{point}: prune left {left:?}");
            session.ok(&["image", "prune", "-af"]);
            assert!(session.picture().is_empty(), "{point}: prune left {:?}", session.picture());
        }
        broken.pull_until_it_is_there(&session);
        session.ok(&["image", "prune", "-f"]);
        let changes = tree::changes(&expected, &tree_of(&session));
        assert!(changes.is_empty(), "{point}: {changes:#?}");
        session.ok(&["rmi", &broken.name()]);
        session.ok(&["image", "prune", "-f"]);
        assert!(session.picture().is_empty(), "{point}: {:?}", session.picture());
    }
}

/// The store, but for the document of names, which has times in it.
fn tree_of(session: &Session) -> BTreeMap<String, String> {
    let mut picture = session.picture();
    picture.remove("index.json");
    picture
}
