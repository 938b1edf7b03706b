//! Clients made to mislead `imgtool serve`, or to wear it out: nothing wrong becomes visible, other clients are answered,
//! and the memory is bounded.

mod framing;
mod many;
mod paths;
mod rights;
mod slow;
mod wrong;

use std::io::{Read as _, Write as _};

use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::serving::Serving;
use crate::support::session::Session;
use crate::support::tarball::pack;

/// How much memory the server takes at most, in KiB.
const MEMORY: u64 = 256 << 10;

/// A server with the image `demo:1`.
struct World {
    session: Session,
    serving: Serving,
}

impl World {
    fn new(flags: &[&str]) -> Self {
        let session = Session::new();
        session.load(&pack(&producers::docker_save(&[TestImage::of("demo:1", "was there before")])));
        let serving = Serving::start(&session, flags);
        Self { session, serving }
    }

    /// Sends bytes, and gives all that comes until the server closes.
    fn say(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.serving.connect();
        // The server may have refused before all is sent.
        let _ = stream.write_all(bytes.as_ref());
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        String::from_utf8_lossy(&said).into_owned()
    }

    /// The server answers others, its store is whole, has only these repositories, and it took no more memory than it may.
    #[track_caller]
    fn is_unharmed(&self) {
        let catalog = self.serving.get("/v2/_catalog").expect(200).json();
        assert_eq!(catalog["repositories"], serde_json::json!(["demo"]));
        self.serving.get("/v2/demo/manifests/1").expect(200);
        let peak = self.peak();
        assert!(peak <= MEMORY, "it took {peak} KiB");
        self.session.ok(&["verify"]);
    }

    /// The most memory that the server has had, in KiB.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.serving.pid())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}

/// The statuses of all answers in what was said.
fn statuses(said: &str) -> Vec<&str> {
    said.match_indices("HTTP/1.1 ").map(|(at, _)| &said[at + 9..at + 12]).collect()
}
