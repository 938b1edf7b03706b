//! Docker's v1 images, from before Docker 1.10: each layer is an image with an ID, a parent and a `json` of its own.
//!
//! ```text
//! repositories                  {"name":{"tag":"<id>"}}
//! <id>/VERSION                  1.0
//! <id>/json                     a V1Image
//! <id>/layer.tar
//! ```
//!
//! Docker up to 24 still wrote these folders beside `manifest.json`, and up to 28 converted archives that had nothing
//! else to images with a config. Both are implemented here byte for byte as in Docker 20.10, since IDs are digests of
//! the results.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Map;
use serde_json::value::RawValue;

use super::go_json::{Spelling, to_vec_spelled};
use super::lenient::{is_zero, or_default};
use super::strict::{self, JsonError, MAX_DOCUMENT};
use super::{ChainId, ContainerConfig, Created, DiffId, Digest, History, Rootfs};

/// The first version of Docker whose `json` files are used directly, not re-serialised through Docker's own struct.
const FIRST_TRUSTED_VERSION: [i64; 3] = [1, 8, 3];

/// The keys of [`V1Image`], which Go matches ignoring case.
const KEYS: &[&str] = &[
    "id",
    "parent",
    "comment",
    "created",
    "container",
    "container_config",
    "docker_version",
    "author",
    "config",
    "architecture",
    "variant",
    "os",
    "Size",
];

/// The keys of v1 images that configs do not have.
const V1_ONLY: &[&str] = &["id", "parent", "Size", "parent_id", "layer_id", "throwaway"];

/// The keys of configs that v1 images do not have.
const CONFIG_ONLY: &[&str] = &["rootfs", "history", "os.version", "os.features"];

/// Why a v1 image cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid v1 image: {0}")]
pub struct V1Error(JsonError);

impl From<JsonError> for V1Error {
    fn from(fault: JsonError) -> Self {
        Self(fault)
    }
}

/// A v1 image: one layer. The fields are in the order of Docker 20.10's struct.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct V1Image {
    /// The id: 64 hex digits.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The ID of the parent image; empty if there is none.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub parent: String,
    /// The commit message.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// When it was made.
    #[serde(default = "Created::go_zero", deserialize_with = "created")]
    pub created: Created,
    /// The ID of the committed container.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub container: String,
    /// The settings of that container.
    #[serde(default, deserialize_with = "or_default")]
    pub container_config: ContainerConfig,
    /// The version of Docker that made it.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub docker_version: String,
    /// Who made it.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// The default settings of containers of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<ContainerConfig>,
    /// The CPU architecture.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub architecture: String,
    /// The variant of the architecture.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// The operating system.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub os: String,
    /// The size of the layer.
    #[serde(rename = "Size", default, deserialize_with = "or_default", skip_serializing_if = "is_zero")]
    pub size: i64,
}

/// One folder of an archive that Docker 1.10 to 24 wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedLayer {
    /// Its name: the id as 64 hex digits.
    pub id: String,
    /// Its file `json`.
    pub json: Vec<u8>,
}

impl V1Image {
    /// An image with only a creation time.
    pub fn new(created: Created) -> Self {
        Self {
            id: String::new(),
            parent: String::new(),
            comment: String::new(),
            created,
            container: String::new(),
            container_config: ContainerConfig::default(),
            docker_version: String::new(),
            author: String::new(),
            config: None,
            architecture: String::new(),
            variant: String::new(),
            os: String::new(),
            size: 0,
        }
    }

    /// Parses a `json` file, or the fields that a config shares with one, as Go does: unknown fields are dropped.
    pub fn parse(json: &[u8]) -> Result<Self, V1Error> {
        raw_fields(json)?; // refuses an array, which serde would take for the fields in their order
        let mut image: Self = strict::from_slice_folded(json, MAX_DOCUMENT, KEYS)?;
        forget_unknown(&mut image.container_config);
        if let Some(config) = &mut image.config {
            forget_unknown(config);
        }
        Ok(image)
    }

    /// The `json` file, as Go writes it.
    pub fn to_json(&self) -> Vec<u8> {
        marshal(self)
    }
}

/// The config that Docker 20.10 makes from the topmost v1 image.
///
/// Everything in `json` is kept except what is specific to v1 images; layers and history, bottom and oldest first, come
/// from the caller. For images by Docker before 1.8.3, unknown fields are dropped.
pub fn config_from_v1(json: &[u8], diff_ids: &[DiffId], history: &[History]) -> Result<Vec<u8>, V1Error> {
    #[derive(Deserialize)]
    struct Version {
        #[serde(default, deserialize_with = "or_default")]
        docker_version: String,
    }
    /// Docker's struct omits an empty list.
    #[derive(Serialize)]
    struct Layers<'a> {
        r#type: &'static str,
        #[serde(skip_serializing_if = "<[DiffId]>::is_empty")]
        diff_ids: &'a [DiffId],
    }

    let mut fields = raw_fields(json)?;
    let version: Version = strict::from_slice_folded(json, MAX_DOCUMENT, &["docker_version"])?;
    if !is_trusted(&version.docker_version) {
        fields = raw_fields(&V1Image::parse(json)?.to_json())?;
    }
    for key in V1_ONLY {
        fields.remove(*key);
    }
    fields.insert("rootfs".to_owned(), raw(&Layers { r#type: "layers", diff_ids }));
    fields.insert("history".to_owned(), raw(history));
    Ok(marshal(&fields))
}

/// The history step for a v1 image.
pub fn history_from_v1(json: &[u8], empty_layer: bool) -> Result<History, V1Error> {
    let image = V1Image::parse(json)?;
    Ok(History {
        created: Some(image.created),
        author: image.author,
        created_by: image.container_config.cmd.unwrap_or_default().join(" "),
        comment: image.comment,
        empty_layer,
        other: Map::new(),
    })
}

/// The ID that Docker gives a v1 image: the digest of its JSON without the ID, with its chain ID and its parent.
pub fn create_id(image: &V1Image, layer: ChainId, parent: Option<&Digest>) -> Digest {
    let anonymous = V1Image { id: String::new(), ..image.clone() };
    let mut fields = raw_fields(&anonymous.to_json()).expect("what was just written is JSON");
    fields.insert("layer_id".to_owned(), raw(&layer));
    if let Some(parent) = parent {
        fields.insert("parent".to_owned(), raw(parent));
    }
    Digest::of(&marshal(&fields))
}

/// The v1 JSON of a schema 1 manifest: the config without newer fields, with an ID.
pub fn v1_from_config(
    config_json: &[u8],
    id: &Digest,
    parent: Option<&Digest>,
    throwaway: bool,
) -> Result<Vec<u8>, V1Error> {
    let mut fields = raw_fields(config_json)?;
    for key in CONFIG_ONLY {
        fields.remove(*key);
    }
    fields.insert("id".to_owned(), raw(&id.hex()));
    if let Some(parent) = parent {
        fields.insert("parent".to_owned(), raw(&parent.hex()));
    }
    if throwaway {
        fields.insert("throwaway".to_owned(), raw(&true));
    }
    Ok(marshal(&fields))
}

/// The v1 folders that Docker 20.10's `save` writes for an image, bottom layer first.
///
/// Only the topmost has the fields of the config; those below only have 1970 as creation time.
pub fn saved_layers(config_json: &[u8]) -> Result<Vec<SavedLayer>, V1Error> {
    #[derive(Deserialize)]
    struct Layers {
        rootfs: Rootfs,
    }
    // The parent in a config is the image that it was built on, unrelated to the parent of a layer.
    let top = V1Image { parent: String::new(), ..V1Image::parse(config_json)? };
    let layers: Layers = strict::from_slice(config_json, MAX_DOCUMENT)?;
    let epoch = Created::from_unix_seconds(0).expect("the epoch is a time");
    let chain = ChainId::of(&layers.rootfs.diff_ids);
    let mut parent: Option<Digest> = None;
    let mut saved = Vec::with_capacity(chain.len());
    for (at, layer) in chain.iter().enumerate() {
        let mut image = if at + 1 == chain.len() { top.clone() } else { V1Image::new(epoch) };
        let id = create_id(&image, *layer, parent.as_ref());
        image.id = id.hex();
        image.parent = parent.map(|parent| parent.hex()).unwrap_or_default();
        image.os.clone_from(&top.os);
        saved.push(SavedLayer { id: id.hex(), json: image.to_json() });
        parent = Some(id);
    }
    Ok(saved)
}

/// Drops the fields that Docker's structs do not have.
fn forget_unknown(config: &mut ContainerConfig) {
    config.other.clear();
    if let Some(healthcheck) = &mut config.healthcheck {
        healthcheck.other.clear();
    }
}

/// Whether this is Docker 1.8.3 or later. Parts are compared as numbers; anything else counts as 0.
fn is_trusted(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let first_three: [i64; 3] = std::array::from_fn(|_| parts.next().unwrap_or(0));
    // Further parts could only make the version later, which changes nothing.
    first_three >= FIRST_TRUSTED_VERSION
}

/// The fields of an object with their raw values, sorted by key as Go sorts maps.
fn raw_fields(json: &[u8]) -> Result<BTreeMap<String, Box<RawValue>>, JsonError> {
    strict::from_slice(json, MAX_DOCUMENT)
}

/// A value as raw JSON.
fn raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    let json = String::from_utf8(marshal(value)).expect("JSON is UTF-8");
    RawValue::from_string(json).expect("what was just written is JSON")
}

/// JSON as the Go of Docker 20.10 writes it.
fn marshal<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    to_vec_spelled(value, Spelling::MarshalBefore122)
}

/// Reads a time; `null` is Go's zero time.
fn created<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Created, D::Error> {
    Option::<Created>::deserialize(from).map(|created| created.unwrap_or_else(Created::go_zero))
}

#[cfg(test)]
mod tests {
    use super::*;

    // The three images of an archive that Docker 1.9 wrote, bottom first (moby's integration-cli/testdata/emptyLayer.tar,
    // Apache-2.0).
    /// Imported by Docker 0.4, at an offset from UTC.
    const BASE: &str = concat!(
        r##"{"id":"17d1436ef796af2fc2210cc37c4672e5aa1b62cb08ac4b95dd15372321105a66","comment":"Imported fro"##,
        r##"m -","created":"2013-06-13T14:03:50.821769-07:00","container_config":{"Hostname":"","Domainname""##,
        r##":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,"Tty":false,"OpenStd"##,
        r##"in":false,"StdinOnce":false,"Env":null,"Cmd":null,"Image":"","Volumes":null,"WorkingDir":"","Ent"##,
        r##"rypoint":null,"OnBuild":null,"Labels":null},"docker_version":"0.4.0","architecture":"x86_64","la"##,
        r##"yer_id":"sha256:74db925ddbf25d3b8815535598afc9b43b5cd220f194703dd8bde424f93aac8c"}"##
    );

    /// Its layer file is empty.
    const MAINTAINER: &str = concat!(
        r##"{"id":"9c7cb910d84346a3fbf3cc2be046f44bf0af7f11eb8db2ef1f45e93c1202faac","parent":"17d1436ef796a"##,
        r##"f2fc2210cc37c4672e5aa1b62cb08ac4b95dd15372321105a66","created":"2014-10-01T20:46:13.51090041Z",""##,
        r##"container":"fed991d241a9e03e1b38c985a9b9300d144b375c7ff41d5f3c49b27d6250e16d","container_config""##,
        r##":{"Hostname":"fed991d241a9","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,""##,
        r##"AttachStderr":false,"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":["PATH=/usr/local/sbin"##,
        r##":/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],"Cmd":["/bin/sh","-c","#(nop) MAINTAINER The Cen"##,
        r##"tOS Project \u003ccloud-ops@centos.org\u003e - ami_creator"],"Image":"511136ea3c5a64f264b78b5433"##,
        r##"614aec563103b4d4702f3ba7d4d2698e22c158","Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuil"##,
        r##"d":[],"Labels":null},"docker_version":"1.2.0","author":"The CentOS Project \u003ccloud-ops@cento"##,
        r##"s.org\u003e - ami_creator","config":{"Hostname":"fed991d241a9","Domainname":"","User":"","Attach"##,
        r##"Stdin":false,"AttachStdout":false,"AttachStderr":false,"Tty":false,"OpenStdin":false,"StdinOnce""##,
        r##":false,"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],"Cmd":null,"I"##,
        r##"mage":"511136ea3c5a64f264b78b5433614aec563103b4d4702f3ba7d4d2698e22c158","Volumes":null,"Working"##,
        r##"Dir":"","Entrypoint":null,"OnBuild":[],"Labels":null},"architecture":"amd64","os":"linux","paren"##,
        r##"t_id":"sha256:17d1436ef796af2fc2210cc37c4672e5aa1b62cb08ac4b95dd15372321105a66","layer_id":"sha2"##,
        r##"56:1775fca35fb6a4d31c541746eaea63c5cb3c00280c8b5a351d4e944cdca7489d"}"##
    );

    /// Its layer file has four bytes.
    const ADD: &str = concat!(
        r##"{"id":"25445a0fc5025c3917a0cd6e307d92322540e0da691614312ddea22511b71513","parent":"9c7cb910d8434"##,
        r##"6a3fbf3cc2be046f44bf0af7f11eb8db2ef1f45e93c1202faac","created":"2015-03-04T21:38:56.769279623Z","##,
        r##""container":"cd2c5e92b2a0ef081f7acfe660aeaafbd8498c4428fd1ec130def86e7c9a48f6","container_config"##,
        r##"":{"Hostname":"cd2c5e92b2a0","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"##,
        r##""AttachStderr":false,"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":["PATH=/usr/local/sbi"##,
        r##"n:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],"Cmd":["/bin/sh","-c","#(nop) ADD file:2b2b2620"##,
        r##"9d285cd1a96e8168dfb25338aa09155d0a9a6ed54a94be0bd9914461 in /"],"Image":"5b12ef8fd57065237a68330"##,
        r##"39acc0e7f68e363c15d8abb5cacce7143a1f7de8a","Volumes":null,"WorkingDir":"","Entrypoint":null,"OnB"##,
        r##"uild":[],"Labels":null},"docker_version":"1.4.1","author":"The CentOS Project \u003ccloud-ops@ce"##,
        r##"ntos.org\u003e - ami_creator","config":{"Hostname":"cd2c5e92b2a0","Domainname":"","User":"","Att"##,
        r##"achStdin":false,"AttachStdout":false,"AttachStderr":false,"Tty":false,"OpenStdin":false,"StdinOn"##,
        r##"ce":false,"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],"Cmd":null"##,
        r##","Image":"5b12ef8fd57065237a6833039acc0e7f68e363c15d8abb5cacce7143a1f7de8a","Volumes":null,"Work"##,
        r##"ingDir":"","Entrypoint":null,"OnBuild":[],"Labels":null},"architecture":"amd64","os":"linux","Si"##,
        r##"ze":215725104,"parent_id":"sha256:9c7cb910d84346a3fbf3cc2be046f44bf0af7f11eb8db2ef1f45e93c1202fa"##,
        r##"ac","layer_id":"sha256:7bd4f13333ba078de4fd536af062446ff873b28e886d9250f518f54f7e33d236"}"##
    );

    /// The digests of the layers of that archive.
    const DIFF_IDS: [&str; 3] = [
        "sha256:f624397841595b2369935cbd47fde10171ff91347afa9a5c793275d3765e8e0d",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "sha256:3b90aed61465a1f294fdd312108c1e7f476b3e1b7246c8eebc0f537dec42f2de",
    ];

    /// The config of an image that Docker 20.10 saved.
    const CONFIG: &str = concat!(
        r##"{"comment":"tricky layer, no binaries","created":"2026-11-21T10:10:09.065282255Z","container":"4"##,
        r##"799f02c38550a7e8d4ed7206bb214d0c512a508983fb4e54abcc4b9016d0546","container_config":{"Hostname":"##,
        r##""","Domainname":"","User":"1000","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,""##,
        r##"ExposedPorts":{"80/tcp":{}},"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":["A=b","B=c"],"##,
        r##""Cmd":["a b","c"],"Image":"","Volumes":{"/data":{}},"WorkingDir":"/t","Entrypoint":["/e"],"OnBui"##,
        r##"ld":[],"Labels":{"io.buildah.version":"1.28.2","l":"two words"}},"author":"An Author","config":{"##,
        r##""Hostname":"","Domainname":"","User":"1000","AttachStdin":false,"AttachStdout":false,"AttachStde"##,
        r##"rr":false,"ExposedPorts":{"80/tcp":{}},"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":["A"##,
        r##"=b","B=c"],"Cmd":["a b","c"],"Image":"","Volumes":{"/data":{}},"WorkingDir":"/t","Entrypoint":[""##,
        r##"/e"],"OnBuild":[],"Labels":{"io.buildah.version":"1.28.2","l":"two words"}},"architecture":"amd6"##,
        r##"4","os":"linux","parent":"sha256:d277cde59d04f9c1a40444af4464242120da18b91a779753c1bbb484a4bdcd9"##,
        r##"1","rootfs":{"type":"layers","diff_ids":["sha256:23efc0e251b30b589961b7b6bcdb94afea7a20a9e8e7c84"##,
        r##"9284d8f79cb05f490","sha256:9200bc145331c7df2f047beba4b3aa1330c14fb747d38267d467f46278ccd237","sh"##,
        r##"a256:1c3a00ab7c6937d1686d43685154336350acb19b0dc4dfbcc3826b7145535b93"]},"history":[{"created":""##,
        r##"2026-11-21T10:10:08.556362197Z","comment":"tricky layer, no binaries"},{"created":"2026-11-21T10"##,
        r##":10:08.920016128Z","author":"An Author","created_by":"buildah step 1","comment":"FROM localhost/"##,
        r##"fx/nogpl:base"},{"created":"2026-11-21T10:10:09.067290962Z","author":"An Author","created_by":"/"##,
        r##"bin/sh","comment":"FROM localhost/fx/nogpl:step1"}]}"##
    );

    fn diff_ids() -> Vec<DiffId> {
        DIFF_IDS.iter().map(|text| text.parse().expect("a digest")).collect()
    }

    /// The config of the image whose layers are the first `count` of the archive's.
    fn config_of(count: usize) -> Vec<u8> {
        let jsons = &[BASE, MAINTAINER, ADD][..count];
        let step = |json: &&str| history_from_v1(json.as_bytes(), false).expect("a v1 image");
        let history: Vec<History> = jsons.iter().map(step).collect();
        config_from_v1(jsons[count - 1].as_bytes(), &diff_ids()[..count], &history).expect("a v1 image")
    }

    /// The IDs that `docker load` of Docker 20.10 gave the three images.
    #[test]
    fn an_old_image_gets_the_id_that_docker_gives_it() {
        let ids = [
            "sha256:e93bb34ecc6eb92603a2ef4ce8f2bb5c41673f69f92b4e4ed661386a2d31696d",
            "sha256:c815505e38713d48fe3a497a874d725ba8fd8df1e5c1e7273adc7dff6baa3af6",
            "sha256:a9e31d6f186fbbe2468c9961316dba93971266d344ba960f68911df6e29b564c",
        ];
        for (at, id) in ids.iter().enumerate() {
            let config = config_of(at + 1);
            assert_eq!(Digest::of(&config).to_string(), *id, "{}", String::from_utf8_lossy(&config));
        }
    }

    /// The folders that `docker save` of Docker 20.10 then wrote, and the sizes of their `json`.
    #[test]
    fn a_saved_image_has_the_folders_that_docker_makes() {
        let saved = saved_layers(&config_of(3)).expect("a config");
        let found: Vec<(&str, usize)> = saved.iter().map(|layer| (layer.id.as_str(), layer.json.len())).collect();
        let expected = [
            ("7140b784a1432366a6b01322ded5554094de1908c500ac489f0f97ae5e6ddbd4", 401),
            ("23a55e109457613578cf93681d4fde1cf43cf67d033977b7747dd982ce9bdfec", 477),
            ("8f2d0ff685a66c6784a19f2faf1500ae639ee6d61acabc9352db169b89654cda", 1341),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_saved_image_has_the_files_that_docker_makes() {
        const NOTHING: &str = concat!(
            r#""container_config":{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"#,
            r#""AttachStderr":false,"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":null,"Image":"","#,
            r#""Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":null},"os":"linux"}"#
        );
        let saved = saved_layers(CONFIG.as_bytes()).expect("a config");
        let ids: Vec<&str> = saved.iter().map(|layer| layer.id.as_str()).collect();
        let expected = [
            "d46d9484792ace071ef9611bd7d17998f959e41db2182a0d67af14d2f73e5442",
            "322a4849735b1a2a9b7361bc4080e16f6da8d57011d5726d9815fe92558df3dc",
            "7d2a539aea4b4174e56e83ca5e19b9045e81f069e7eed44f7747b011709b2f70",
        ];
        assert_eq!(ids, expected);
        let json = |at: usize| String::from_utf8_lossy(&saved[at].json).into_owned();
        assert_eq!(json(0), format!(r#"{{"id":"{}","created":"1970-01-01T00:00:00Z",{NOTHING}"#, ids[0]));
        let parent = format!(r#"{{"id":"{}","parent":"{}","created":"1970-01-01T00:00:00Z",{NOTHING}"#, ids[1], ids[0]);
        assert_eq!(json(1), parent);
        // The topmost file is the config up to its parent, after the two ids.
        let common = CONFIG.split_once(r#","parent":"#).expect("the config has a parent").0;
        assert_eq!(json(2), format!(r#"{{"id":"{}","parent":"{}",{}}}"#, ids[2], ids[1], &common[1..]));
    }

    #[test]
    fn from_docker_1_8_3_on_the_fields_stay_as_they_are() {
        let json =
            br#"{ "os" : "linux", "new": { "b": "<", "a": 1.50 }, "id": "x", "docker_version": "1.8.3", "Size": 3 }"#;
        let config = config_from_v1(json, &[], &[]).expect("a v1 image");
        let expected = concat!(
            r#"{"docker_version":"1.8.3","history":[],"new":{"b":"\u003c","a":1.50},"os":"linux","#,
            r#""rootfs":{"type":"layers"}}"#
        );
        assert_eq!(String::from_utf8_lossy(&config), expected);
    }

    #[test]
    fn before_docker_1_8_3_what_it_does_not_know_is_dropped() {
        let json = br#"{"os":"linux","new":1,"Docker_Version":"1.8.2","config":{"Memory":1,"Cmd":"sh"}}"#;
        let config = config_from_v1(json, &[], &[]).expect("a v1 image");
        let value: serde_json::Value = serde_json::from_slice(&config).expect("JSON");
        assert_eq!(value.get("new"), None);
        assert_eq!(value["created"], "0001-01-01T00:00:00Z");
        assert_eq!(value["docker_version"], "1.8.2");
        assert_eq!(value["config"]["Cmd"], serde_json::json!(["sh"]));
        assert_eq!(value["config"].get("Memory"), None);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        for (version, trusted) in [
            ("", false),
            ("1.8.2", false),
            ("1.8", false),
            ("1.8.3", true),
            ("1.8.3-rc1", false),
            ("1.8.10", true),
            ("1.10", true),
            ("17.05.0-ce", true),
            ("dev", false),
        ] {
            assert_eq!(is_trusted(version), trusted, "{version:?}");
        }
    }

    #[test]
    fn history_tells_the_command_words_joined() {
        let history = history_from_v1(MAINTAINER.as_bytes(), true).expect("a v1 image");
        assert_eq!(
            history.created_by,
            "/bin/sh -c #(nop) MAINTAINER The CentOS Project <cloud-ops@centos.org> - ami_creator"
        );
        assert_eq!(history.author, "The CentOS Project <cloud-ops@centos.org> - ami_creator");
        assert!(history.empty_layer);
        assert_eq!(history_from_v1(BASE.as_bytes(), false).expect("a v1 image").comment, "Imported from -");
    }

    #[test]
    fn a_config_is_told_in_the_old_way() {
        let (id, parent) = (Digest::of(b"id"), Digest::of(b"parent"));
        let json = br#"{"rootfs":{},"history":[],"os":"linux","parent":"sha256:0","os.version":"1"}"#;
        let v1 = v1_from_config(json, &id, Some(&parent), true).expect("a config");
        let expected = format!(r#"{{"id":"{}","os":"linux","parent":"{}","throwaway":true}}"#, id.hex(), parent.hex());
        assert_eq!(String::from_utf8_lossy(&v1), expected);
        // Without a given parent, that of the config stays.
        let v1 = v1_from_config(br#"{"parent":"sha256:0"}"#, &id, None, false).expect("a config");
        assert_eq!(String::from_utf8_lossy(&v1), format!(r#"{{"id":"{}","parent":"sha256:0"}}"#, id.hex()));
    }

    #[test]
    fn what_is_no_image_is_refused() {
        for json in ["", "[]", "null", "{", r#"{"id":1}"#, r#"{"created":"today"}"#, r#"{"id":"a","ID":"b"}"#] {
            assert!(history_from_v1(json.as_bytes(), false).is_err(), "{json}");
            assert!(config_from_v1(json.as_bytes(), &[], &[]).is_err(), "{json}");
        }
        assert!(saved_layers(b"{}").is_err());
    }
}
