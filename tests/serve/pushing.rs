//! Images as a client pushes them, step by step.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::digest;
use crate::support::image::TestImage;
use crate::support::serving::Serving;

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// An image of one layer.
pub(crate) struct Image {
    pub(crate) config: Vec<u8>,
    pub(crate) layer: Vec<u8>,
    pub(crate) manifest: Vec<u8>,
}

impl Image {
    /// Other texts are other images.
    pub(crate) fn of(text: &str) -> Self {
        Self::with(&TestImage::of("x:1", text), &json!({}))
    }

    /// The same image, with more fields in its manifest.
    pub(crate) fn with(image: &TestImage, more: &Value) -> Self {
        let (config, layer) = (image.config.to_string().into_bytes(), image.layers[0].clone());
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", &layer)],
        });
        manifest.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        Self { config, layer, manifest: manifest.to_string().into_bytes() }
    }

    pub(crate) fn digest(&self) -> String {
        digest(&self.manifest)
    }

    /// Pushes it under a tag, or by its digest, and returns its digest.
    pub(crate) fn push(&self, serving: &Serving, repository: &str, tag: Option<&str>) -> String {
        for blob in [&self.config, &self.layer] {
            serving.put_blob(repository, blob);
        }
        let own = self.digest();
        serving.put_manifest(repository, tag.unwrap_or(&own), MANIFEST, &self.manifest)
    }
}

pub(crate) fn descriptor(kind: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": kind, "digest": digest(bytes), "size": bytes.len()})
}

/// An index of images.
pub(crate) fn index(images: &[&Image]) -> Vec<u8> {
    let manifests: Vec<Value> = images.iter().map(|image| descriptor(MANIFEST, &image.manifest)).collect();
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).to_string().into_bytes()
}

/// Pushes something that is about a manifest, by its digest, and returns that.
pub(crate) fn push_referrer(serving: &Serving, repository: &str, text: &str, about: &[u8]) -> String {
    let config = serving.put_blob(repository, b"{}");
    let layer = serving.put_blob(repository, text.as_bytes());
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": "test/note",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2},
        "layers": [{"mediaType": "text/plain", "digest": layer, "size": text.len()}],
        "subject": descriptor(MANIFEST, about),
    });
    let bytes = manifest.to_string().into_bytes();
    serving.put_manifest(repository, &digest(&bytes), MANIFEST, &bytes)
}

/// Not by HEAD: a client that asks so counts on the manifest.
pub(crate) fn status(serving: &Serving, repository: &str, reference: &str) -> u16 {
    serving.get(&format!("/v2/{repository}/manifests/{reference}")).status
}

/// Waits until something is so; how long that takes does not matter.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}: never");
        std::thread::sleep(Duration::from_millis(5));
    }
}
