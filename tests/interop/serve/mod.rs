//! `imgtool serve` as the registry of docker, containerd, podman, buildah, skopeo, umoci, and imgtool itself.

mod lists;
mod logins;
mod many;
mod nginx;
mod pairs;
mod tools;

use std::path::Path;

use crate::peer;
use crate::support::image::TestImage;
use crate::support::producers;
use crate::support::serving::Serving;
use crate::support::session::Session;
use crate::support::tarball::pack;

/// A server, and the session whose store it serves.
struct Registry {
    session: Session,
    serving: Serving,
}

impl Registry {
    fn new() -> Self {
        let session = Session::new();
        let serving = Serving::start(&session, &[]);
        Self { session, serving }
    }

    /// A reference here: `127.0.0.1:PORT/team/app:1`.
    fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.serving.host)
    }

    /// The digest of a manifest, as the server says.
    fn digest(&self, repository: &str, reference: &str) -> String {
        let said = self.serving.get(&format!("/v2/{repository}/manifests/{reference}")).expect(200);
        assert_eq!(said.header("docker-content-digest"), crate::support::digest(&said.body));
        said.header("docker-content-digest").to_owned()
    }

    /// The ID of an image.
    fn id(&self, repository: &str, reference: &str) -> String {
        let said = self.serving.get(&format!("/v2/{repository}/manifests/{reference}")).expect(200);
        said.json()["config"]["digest"].as_str().expect("an image").to_owned()
    }

    /// The media type of a manifest.
    fn kind(&self, repository: &str, reference: &str) -> String {
        let said = self.serving.get(&format!("/v2/{repository}/manifests/{reference}")).expect(200);
        said.header("content-type").to_owned()
    }
}

/// skopeo, for a registry without TLS. `prefix` is `src-`, `dest-` or nothing.
fn skopeo(verb: &[&str], prefix: &str, rest: &[&str]) -> String {
    let insecure = format!("--{prefix}tls-verify=false");
    peer::ok(&mut peer::skopeo(&[verb, &[&insecure], rest].concat()))
}

/// podman or buildah, with its state in a folder; the first of `args` is the verb, which talks to a registry.
fn podman(name: &str, state: &Path, args: &[&str]) -> String {
    peer::ok(&mut peer::podman(name, state, &[&args[..1], &["--tls-verify=false"], &args[1..]].concat()))
}

/// Writes the image as an archive of docker's into a folder.
fn archive(folder: &Path, image: &TestImage) -> String {
    let path = folder.join(format!("{}.tar", image.short()));
    std::fs::write(&path, pack(&producers::docker_save(std::slice::from_ref(image)))).expect("a file");
    path.display().to_string()
}
