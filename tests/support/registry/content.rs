//! What a registry has: repositories with manifests and blobs, built from test images.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::super::digest;
use super::super::image::TestImage;
use super::super::oci;
use super::super::packing::Packing;
use super::uploads::Uploads;

pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(crate) const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
pub(crate) const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
pub(crate) const SIGNED_SCHEMA_1: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";

/// All repositories, by name.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) repositories: BTreeMap<String, Repository>,
    /// The most names that are given at once.
    pub(crate) page: Option<usize>,
    /// What a search finds; nothing, and there is none.
    pub(crate) found: Vec<Value>,
    /// What is on its way, and how it is taken.
    pub(crate) uploads: Uploads,
}

/// A repository. Tags lead to digests of manifests.
#[derive(Debug, Default)]
pub(crate) struct Repository {
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) manifests: BTreeMap<String, Document>,
    pub(crate) blobs: BTreeMap<String, Arc<Vec<u8>>>,
}

/// A manifest or an index, with the media type that it was pushed with.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) media_type: String,
    pub(crate) bytes: Vec<u8>,
}

/// How an image is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// Docker's manifest, schema 2, with gzip layers.
    Docker,
    /// The specification's, with its layers in this packing.
    Oci(Packing),
}

/// What a registry has of an image that was pushed.
#[derive(Clone, Debug)]
pub(crate) struct Pushed {
    /// The manifest's descriptor.
    pub(crate) manifest: Value,
    /// The configuration's.
    pub(crate) config: Value,
    /// Those of the layers, lowest first.
    pub(crate) layers: Vec<Value>,
}

impl Pushed {
    /// The manifest's digest.
    pub(crate) fn digest(&self) -> String {
        text(&self.manifest["digest"])
    }

    /// The digest of a layer, counted from the lowest.
    pub(crate) fn layer(&self, number: usize) -> String {
        text(&self.layers[number]["digest"])
    }

    /// The bytes of the layers and the configuration.
    pub(crate) fn size(&self) -> u64 {
        self.layers.iter().chain([&self.config]).map(|blob| blob["size"].as_u64().expect("a size")).sum()
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a digest by construction").to_owned()
}

impl Content {
    pub(crate) fn repository(&mut self, name: &str) -> &mut Repository {
        self.repositories.entry(name.to_owned()).or_default()
    }
}

impl Repository {
    /// Puts a blob and gives its descriptor.
    pub(crate) fn put_blob(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let descriptor = oci::descriptor(media_type, &bytes);
        self.blobs.insert(text(&descriptor["digest"]), Arc::new(bytes));
        descriptor
    }

    /// Puts a manifest, under a tag if there is one, and gives its descriptor.
    pub(crate) fn put_manifest(&mut self, tag: Option<&str>, media_type: &str, bytes: Vec<u8>) -> Value {
        let descriptor = oci::descriptor(media_type, &bytes);
        if let Some(tag) = tag {
            self.tags.insert(tag.to_owned(), digest(&bytes));
        }
        self.manifests.insert(digest(&bytes), Document { media_type: media_type.to_owned(), bytes });
        descriptor
    }

    /// Puts an image with all that it needs.
    pub(crate) fn put_image(&mut self, tag: Option<&str>, image: &TestImage, form: Form) -> Pushed {
        let (manifest_type, config_type, packing) = match form {
            Form::Docker => (DOCKER_MANIFEST, DOCKER_CONFIG, Packing::Gzip),
            Form::Oci(packing) => (oci::MANIFEST, oci::CONFIG, packing),
        };
        let layer_type = match form {
            Form::Docker => DOCKER_LAYER.to_owned(),
            Form::Oci(_) => format!("application/vnd.oci.image.layer.v1.tar{}", packing.media_suffix()),
        };
        let config = self.put_blob(config_type, image.config_bytes());
        let layers: Vec<Value> =
            image.layers.iter().map(|layer| self.put_blob(&layer_type, packing.apply(layer))).collect();
        let manifest = self.put_document(tag, manifest_type, &json!({"config": config, "layers": layers}));
        Pushed { manifest, config, layers }
    }

    /// Puts an index of docker's or of the specification's, as the media type says.
    pub(crate) fn put_index(&mut self, tag: &str, media_type: &str, manifests: &[Value]) -> Value {
        self.put_document(Some(tag), media_type, &json!({"manifests": manifests}))
    }

    /// Puts a manifest with these fields and those that all have, indented as docker does.
    fn put_document(&mut self, tag: Option<&str>, media_type: &str, fields: &Value) -> Value {
        let mut document = json!({"schemaVersion": 2, "mediaType": media_type});
        for (name, value) in fields.as_object().expect("an object by construction") {
            document[name] = value.clone();
        }
        let bytes = serde_json::to_vec_pretty(&document).expect("JSON values serialise");
        self.put_manifest(tag, media_type, bytes)
    }

    /// The manifest that a tag or a digest leads to, with its digest.
    pub(super) fn manifest(&self, reference: &str) -> Option<(&str, &Document)> {
        let digest = self.tags.get(reference).map_or(reference, String::as_str);
        self.manifests.get_key_value(digest).map(|(digest, document)| (digest.as_str(), document))
    }
}

/// The descriptor of a manifest, with the platform of its image.
pub(crate) fn on_platform(descriptor: &Value, platform: &Value) -> Value {
    let mut descriptor = descriptor.clone();
    descriptor["platform"] = platform.clone();
    descriptor
}

/// A repository and a tag: `team/app:1`.
pub(super) fn split(name: &str) -> (&str, &str) {
    name.rsplit_once(':').unwrap_or((name, "latest"))
}
