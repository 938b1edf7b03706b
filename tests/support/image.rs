//! Small images, made in memory.

use serde_json::{Value, json};

use super::tarball::{Member, pack};
use super::{digest, hex};

/// When every test image was made, unless a test says otherwise. `history` prints `N/A` for it, whatever day it is.
pub(crate) const CREATED: &str = "1999-12-31T23:59:59.5Z";

/// An image: its layers as raw tar files, its configuration, its names.
#[derive(Clone, Debug)]
pub(crate) struct TestImage {
    pub(crate) layers: Vec<Vec<u8>>,
    pub(crate) config: Value,
    pub(crate) tags: Vec<String>,
}

impl TestImage {
    /// An image without layers, for linux/amd64.
    pub(crate) fn new(tags: &[&str]) -> Self {
        Self {
            layers: Vec::new(),
            config: json!({
                "architecture": "amd64",
                "config": {"Env": ["PATH=/bin"], "Cmd": ["/hello"], "Labels": {"who": "a <b> & c"}},
                "created": CREATED,
                "history": [],
                "os": "linux",
                "rootfs": {"type": "layers", "diff_ids": []},
            }),
            tags: tags.iter().map(ToString::to_string).collect(),
        }
    }

    /// The image most tests need: two layers, of 6 and 11 bytes, and a step without a layer.
    pub(crate) fn sample(tag: &str) -> Self {
        Self::new(&[tag])
            .layer("/bin/sh -c #(nop) ADD file:1 in / ", &[Member::file("hello", "hello\n")])
            .step("/bin/sh -c #(nop)  CMD [\"/hello\"]")
            .layer("/bin/sh -c echo", &[Member::dir("etc/"), Member::file("etc/motd", "be welcome\n")])
    }

    /// An image of one layer with one file that holds `text`, so that other texts are other images.
    pub(crate) fn of(tag: &str, text: &str) -> Self {
        Self::new(&[tag]).layer("ADD text", &[Member::file("text", text)])
    }

    pub(crate) fn layer(self, created_by: &str, members: &[Member]) -> Self {
        self.raw_layer(created_by, pack(members))
    }

    pub(crate) fn raw_layer(mut self, created_by: &str, tar: Vec<u8>) -> Self {
        self.push_history(json!({"created": CREATED, "created_by": created_by}));
        list(&mut self.config["rootfs"]["diff_ids"]).push(json!(digest(&tar)));
        self.layers.push(tar);
        self
    }

    /// A history entry that made no layer.
    pub(crate) fn step(mut self, created_by: &str) -> Self {
        self.push_history(json!({"created": CREATED, "created_by": created_by, "empty_layer": true}));
        self
    }

    /// Sets a top-level field of the configuration.
    pub(crate) fn with(mut self, field: &str, value: Value) -> Self {
        self.config[field] = value;
        self
    }

    pub(crate) fn untagged(mut self) -> Self {
        self.tags.clear();
        self
    }

    pub(crate) fn also_tagged(mut self, tag: &str) -> Self {
        self.tags.push(tag.to_owned());
        self
    }

    fn push_history(&mut self, entry: Value) {
        list(&mut self.config["history"]).push(entry);
    }

    pub(crate) fn config_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.config).expect("JSON values serialise")
    }

    /// `sha256:<hex>` of the configuration.
    pub(crate) fn id(&self) -> String {
        digest(&self.config_bytes())
    }

    /// The 64 hex digits of the ID.
    pub(crate) fn hex(&self) -> String {
        hex(&self.config_bytes())
    }

    /// The ID as the tables show it.
    pub(crate) fn short(&self) -> String {
        self.hex()[..12].to_owned()
    }

    pub(crate) fn diff_ids(&self) -> Vec<String> {
        self.layers.iter().map(|l| digest(l)).collect()
    }

    /// The chain IDs, lowest layer first.
    pub(crate) fn chain_ids(&self) -> Vec<String> {
        let mut chain: Vec<String> = Vec::new();
        for diff_id in self.diff_ids() {
            let next = chain.last().map_or(diff_id.clone(), |below| digest(format!("{below} {diff_id}").as_bytes()));
            chain.push(next);
        }
        chain
    }

    pub(crate) fn platform(&self) -> Value {
        json!({"architecture": self.config["architecture"], "os": self.config["os"]})
    }
}

fn list(value: &mut Value) -> &mut Vec<Value> {
    value.as_array_mut().expect("a list by construction")
}

/// The full form of a familiar name: `hello:1` is `docker.io/library/hello:1`.
pub(crate) fn canonical(name: &str) -> String {
    match name.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => name.to_owned(),
        Some(_) => format!("docker.io/{name}"),
        None => format!("docker.io/library/{name}"),
    }
}
