//! OCI image layouts, in memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::image::TestImage;
use super::packing::Packing;
use super::tarball::Member;
use super::{digest, hex};

pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// The two annotations that carry names.
pub(crate) const NAME: &str = "io.containerd.image.name";
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// `oci-layout` as docker writes it, and as most others do.
pub(crate) const DOCKER_MARK: &str = "{\"imageLayoutVersion\": \"1.0.0\"}";
pub(crate) const PLAIN_MARK: &str = "{\"imageLayoutVersion\":\"1.0.0\"}";

/// Blobs by their hex digests, and the descriptors of `index.json`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    pub(crate) entries: Vec<Value>,
}

impl Layout {
    /// Puts a blob and gives its descriptor.
    pub(crate) fn put(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        self.blobs.insert(hex(bytes), bytes.to_vec());
        descriptor(media_type, bytes)
    }

    pub(crate) fn put_json(&mut self, media_type: &str, document: &Value) -> Value {
        self.put(media_type, document.to_string().as_bytes())
    }

    /// Puts an image's blobs and manifest, its layers packed in turn by `packings`; gives the manifest's descriptor.
    pub(crate) fn put_image(&mut self, image: &TestImage, packings: &[Packing]) -> Value {
        let config = self.put(CONFIG, &image.config_bytes());
        let layers: Vec<Value> = image
            .layers
            .iter()
            .zip(packings.iter().cycle())
            .map(|(layer, packing)| self.put(&format!("{LAYER}{}", packing.media_suffix()), &packing.apply(layer)))
            .collect();
        self.put_json(MANIFEST, &json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}))
    }

    /// Lists a descriptor in `index.json` under a name, in the annotations that `annotate` gives for it.
    pub(crate) fn name(&mut self, descriptor: &Value, annotations: &[(&str, &str)]) {
        let mut entry = descriptor.clone();
        for (key, value) in annotations {
            entry["annotations"][key] = json!(value);
        }
        self.entries.push(entry);
    }

    /// `index.json`.
    pub(crate) fn index(&self) -> Value {
        json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": self.entries})
    }

    /// The layout as members of a tar file: `oci-layout`, `index.json`, then the blobs.
    pub(crate) fn members(&self, mark: &str) -> Vec<Member> {
        let mut members = vec![
            Member::file("oci-layout", mark),
            Member::file("index.json", self.index().to_string()),
            Member::dir("blobs/"),
            Member::dir("blobs/sha256/"),
        ];
        members
            .extend(self.blobs.iter().map(|(hex, bytes)| Member::file(format!("blobs/sha256/{hex}"), bytes.clone())));
        members
    }

    /// Writes the layout as a folder.
    pub(crate) fn write(&self, dir: &Path) {
        let blobs = dir.join("blobs/sha256");
        fs::create_dir_all(&blobs).expect("a writable folder");
        fs::write(dir.join("oci-layout"), PLAIN_MARK).expect("a writable folder");
        fs::write(dir.join("index.json"), self.index().to_string()).expect("a writable folder");
        for (hex, bytes) in &self.blobs {
            fs::write(blobs.join(hex), bytes).expect("a writable folder");
        }
    }
}

pub(crate) fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": digest(bytes), "size": bytes.len()})
}
