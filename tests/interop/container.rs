//! Containers of the tests' own engine.

use crate::engine::Engine;
use crate::peer;
use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::session::Session;
use crate::support::tarball::{member, pack, unpack};

/// The same image for both: in the engine, and in a store.
pub(crate) fn load_into_both(engine: &Engine, session: &Session, image: &TestImage) {
    session.load(&pack(&producers::docker_save(std::slice::from_ref(image))));
    engine.ok(&["load", "-q", "-i", &session.work().join("load.tar").display().to_string()]);
}

impl Engine {
    /// What a docker command that must succeed writes to stdout.
    pub(crate) fn bytes(&self, args: &[&str]) -> Vec<u8> {
        let output = peer::run(&mut self.docker(args));
        assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Makes a container, runs `command` in it to its end, and gives its ID. A failing command fails the test.
    pub(crate) fn ran(&self, image: &str, command: &[&str]) -> String {
        let id = self.created(image, command);
        self.ok(&["start", "-a", &id]);
        id
    }

    /// Makes a container that never runs.
    pub(crate) fn created(&self, image: &str, command: &[&str]) -> String {
        let args: Vec<&str> = ["create", "--network", "none", image].iter().chain(command).copied().collect();
        self.ok(&args).trim().to_owned()
    }

    /// What `docker export` of a created container writes.
    pub(crate) fn exported(&self, image: &str) -> Vec<u8> {
        let id = self.created(image, &["/nothing"]);
        let tar = self.bytes(&["export", &id]);
        self.ok(&["rm", &id]);
        tar
    }
}

/// The layers of the only image of an archive, lowest first.
pub(crate) fn layers(archive: &[u8]) -> Vec<Vec<u8>> {
    let members = unpack(archive);
    let manifest: serde_json::Value = serde_json::from_slice(member(&members, "manifest.json")).expect("JSON");
    let paths = manifest[0]["Layers"].as_array().expect("a list").clone();
    paths.iter().map(|path| member(&members, path.as_str().expect("a path")).to_vec()).collect()
}
