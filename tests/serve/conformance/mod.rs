//! What the distribution specification requires, each as a request in plain HTTP.
//!
//! The tests are named for the requirements of [distribution-spec
//! 1.1](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md); what is said of `tag=` and of
//! `OCI-Tag` is of its next version.

mod discovery;
mod management;
mod pull;
mod push;
mod round;
mod sessions;
mod sha512;

use serde_json::{Value, json};

use crate::support::serving::{Said, Serving};
use crate::support::session::Session;

pub(super) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(super) const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
pub(super) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(super) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(super) const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// A server, and the session whose store it serves.
pub(super) struct Registry {
    pub(super) session: Session,
    pub(super) serving: Serving,
}

impl std::ops::Deref for Registry {
    type Target = Serving;

    fn deref(&self) -> &Serving {
        &self.serving
    }
}

impl Registry {
    pub(super) fn new() -> Self {
        Self::with(&[])
    }

    pub(super) fn with(flags: &[&str]) -> Self {
        let session = Session::new();
        let serving = Serving::start(&session, flags);
        Self { session, serving }
    }

    /// The same store behind a new server; the old one was killed.
    pub(super) fn restarted(self) -> Self {
        let Self { session, serving } = self;
        drop(serving);
        let serving = Serving::start(&session, &[]);
        Self { session, serving }
    }

    pub(super) fn head(&self, path: &str) -> Said {
        self.ask("HEAD", path, &[], b"")
    }

    pub(super) fn delete(&self, path: &str) -> Said {
        self.ask("DELETE", path, &[], b"")
    }

    /// Begins an upload and returns where it goes on.
    pub(super) fn begin(&self, repository: &str) -> String {
        let said = self.ask("POST", &format!("/v2/{repository}/blobs/uploads/"), &[], b"").expect(202);
        said.header("location").to_owned()
    }

    /// Puts an artifact with one layer of these bytes; its annotations and its subject are in `more`.
    pub(super) fn put_artifact(&self, repository: &str, reference: &str, layer: &[u8], more: &Value) -> String {
        let (config, layer) = (self.put_blob(repository, b"{}"), (self.put_blob(repository, layer), layer.len()));
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": EMPTY, "digest": config, "size": 2},
            "layers": [{"mediaType": "application/x-thing", "digest": layer.0, "size": layer.1}],
        });
        manifest.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let bytes = manifest.to_string().into_bytes();
        // By digest, unless there is a tag.
        let reference = if reference.is_empty() { crate::support::digest(&bytes) } else { reference.to_owned() };
        self.put_manifest(repository, &reference, OCI_MANIFEST, &bytes)
    }

    /// Puts an image without layers, with a label of its own; returns its digest.
    pub(super) fn put_image(&self, repository: &str, reference: &str, label: &str) -> String {
        let bytes = self.image(repository, label);
        let reference = if reference.is_empty() { crate::support::digest(&bytes) } else { reference.to_owned() };
        self.put_manifest(repository, &reference, OCI_MANIFEST, &bytes)
    }

    /// The manifest of an image without layers, whose config is uploaded.
    pub(super) fn image(&self, repository: &str, label: &str) -> Vec<u8> {
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": {"Labels": {"test": label}},
            "rootfs": {"type": "layers", "diff_ids": []},
        });
        let config = config.to_string().into_bytes();
        let digest = self.put_blob(repository, &config);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": OCI_CONFIG, "digest": digest, "size": config.len()},
            "layers": [],
        });
        manifest.to_string().into_bytes()
    }

    /// Puts an index of these manifests, under a tag.
    pub(super) fn put_index(&self, repository: &str, tag: &str, manifests: &[(&str, usize)]) -> String {
        let entry = |(digest, size): &(&str, usize)| json!({"mediaType": OCI_MANIFEST, "digest": digest, "size": size});
        let entries: Vec<Value> = manifests.iter().map(entry).collect();
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries});
        self.put_manifest(repository, tag, OCI_INDEX, index.to_string().as_bytes())
    }

    pub(super) fn size_of(&self, repository: &str, digest: &str) -> usize {
        let said = self.head(&format!("/v2/{repository}/manifests/{digest}")).expect(200);
        said.header("content-length").parse().expect("a number")
    }
}
