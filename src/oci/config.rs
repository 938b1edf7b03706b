//! An image's config: what it is, how it runs, what its layers are and where they came from.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::lenient::{list, or_default};
use super::{ContainerConfig, Created, DiffId, History, Platform};

/// Why a well-formed config is inconsistent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The history has more non-empty steps than there are layers.
    #[error("too many non-empty layers in History section")]
    TooManyLayersInHistory {
        /// How many layers the config has.
        layers: usize,
    },
}

/// An image's config
/// ([image-spec, config](https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md)) with Docker's own fields.
///
/// The fields stand in the order in which Docker writes them, which is by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// The CPU architecture, by Go's name: `amd64`.
    #[serde(default, deserialize_with = "or_default")]
    pub architecture: String,
    /// Who made the image.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// The commit message.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// The default settings of containers of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<ContainerConfig>,
    /// The ID of the committed container, in Docker's own images.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub container: String,
    /// The settings of the committed container, in Docker's own images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_config: Option<ContainerConfig>,
    /// When the image was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Created>,
    /// The version of Docker that made it.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub docker_version: String,
    /// How the image came to be, oldest first.
    #[serde(default, deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<History>,
    /// The operating system, by Go's name: `linux`.
    #[serde(default, deserialize_with = "or_default")]
    pub os: String,
    /// Required features of the operating system, for Windows.
    #[serde(rename = "os.features", default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
    /// The version of the operating system, for Windows.
    #[serde(rename = "os.version", default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// The layers.
    #[serde(deserialize_with = "object")]
    pub rootfs: Rootfs,
    /// The variant of the architecture: `v8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// All other fields, unchanged.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The layers of an image, by their diff IDs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rootfs {
    /// Always `layers`.
    #[serde(rename = "type", default = "layers", deserialize_with = "layers_only")]
    pub kind: String,
    /// The digests of the layers' uncompressed tars, bottom first.
    #[serde(default, deserialize_with = "or_default")]
    pub diff_ids: Vec<DiffId>,
}

impl Rootfs {
    /// A root file system of those layers, bottom first.
    pub fn new(diff_ids: Vec<DiffId>) -> Self {
        Self { kind: layers(), diff_ids }
    }
}

impl Default for Rootfs {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

/// Reads an object; refuses the array of field values that serde would accept as well.
fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<T, D::Error> {
    let fields = Map::<String, Value>::deserialize(from)?;
    T::deserialize(Value::Object(fields)).map_err(serde::de::Error::custom)
}

/// The only defined type of root file system.
fn layers() -> String {
    "layers".to_owned()
}

/// Reads the type of a root file system, which must be `layers`.
fn layers_only<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    match Option::<String>::deserialize(from)?.as_deref() {
        None | Some("" | "layers") => Ok(layers()),
        Some(other) => {
            Err(serde::de::Error::custom(format_args!("unsupported rootfs type {other:?}: expected layers")))
        }
    }
}

impl ImageConfig {
    /// What the image runs on.
    pub fn platform(&self) -> Platform {
        Platform {
            variant: self.variant.clone().filter(|variant| !variant.is_empty()),
            os_version: self.os_version.clone().filter(|version| !version.is_empty()),
            os_features: self.os_features.clone(),
            ..Platform::new(&self.os, &self.architecture)
        }
    }

    /// Each step of the history, oldest first, with the index of its layer in `rootfs.diff_ids`.
    ///
    /// A history may have fewer non-empty steps than there are layers, and is often missing.
    pub fn layer_history(&self) -> Result<Vec<(&History, Option<usize>)>, ConfigError> {
        let layers = self.rootfs.diff_ids.len();
        let mut next = 0..layers;
        let mut pairs = Vec::with_capacity(self.history.len());
        for step in &self.history {
            let layer = if step.empty_layer {
                None
            } else {
                Some(next.next().ok_or(ConfigError::TooManyLayersInHistory { layers })?)
            };
            pairs.push((step, layer));
        }
        Ok(pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Document, go_json};
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn read(json: &str) -> ImageConfig {
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
    }

    /// A config as Docker 20.10's `commit` writes it, with other values.
    #[test]
    fn a_config_is_written_as_docker_writes_it() {
        let container = concat!(
            r#"{"Hostname":"h","Domainname":"","User":"1000","AttachStdin":false,"AttachStdout":true,"AttachStderr":true,"#,
            r#""ExposedPorts":{"443/tcp":{},"80/tcp":{}},"Tty":false,"OpenStdin":false,"StdinOnce":false,"#,
            r#""Env":["A=\u003cb\u003e"],"Cmd":["a b","c"],"Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":1000},"#,
            r#""ArgsEscaped":true,"Image":"","Volumes":{"/data":{}},"WorkingDir":"/t","Entrypoint":null,"#,
            r#""NetworkDisabled":true,"MacAddress":"m","OnBuild":[],"Labels":{"a":"1","b":"2"},"StopSignal":"SIGINT","#,
            r#""StopTimeout":0,"Shell":["/bin/sh"]}"#
        );
        let json = format!(
            concat!(
                r#"{{"architecture":"arm64","author":"a","comment":"c","config":{0},"container":"d","container_config":{0},"#,
                r#""created":"2026-11-21T10:10:09.06Z","docker_version":"20.10.24","history":[{{"#,
                r#""created":"2026-11-21T10:10:08Z","author":"a","created_by":"/bin/sh","comment":"c","empty_layer":true}}],"#,
                r#""os":"linux","os.features":["f"],"os.version":"v","rootfs":{{"type":"layers","diff_ids":["{1}"]}},"#,
                r#""variant":"v8","parent":"p"}}"#
            ),
            container, EMPTY
        );
        let config = read(&json);
        assert_eq!(String::from_utf8_lossy(&go_json::to_vec(&config)), json);
        assert_eq!(config.other["parent"], "p");
        assert_eq!(config.platform().to_string(), "linux(v+f)/arm64/v8");
        assert_eq!(config.platform().os_version.as_deref(), Some("v"));
    }

    #[test]
    fn an_empty_container_config_is_written_as_docker_writes_it() {
        let expected = concat!(
            r#"{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,"#,
            r#""Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":null,"Image":"","Volumes":null,"#,
            r#""WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":null}"#
        );
        let written = go_json::to_vec(&ContainerConfig::default());
        assert_eq!(String::from_utf8_lossy(&written), expected);
        assert_eq!(serde_json::from_slice::<ContainerConfig>(&written).expect("a config"), ContainerConfig::default());
    }

    #[test]
    fn a_config_is_read_forgivingly() {
        let config = read(concat!(
            r#"{"rootfs":{"diff_ids":null},"author":null,"history":[null],"config":{"User":null,"Cmd":"sh","#,
            r#""Entrypoint":null,"Shell":[],"Volumes":{"/v":null},"ExposedPorts":{},"Labels":{"a":null},"#,
            r#""Healthcheck":{"Retries":null},"Memory":3},"created":null,"variant":""}"#
        ));
        assert_eq!(config.rootfs, Rootfs::default());
        assert_eq!(config.created, None);
        assert_eq!(config.platform().variant, None);
        let container = config.config.expect("a container config");
        assert_eq!(container.cmd, Some(vec!["sh".to_owned()]));
        assert_eq!(container.entrypoint, None);
        assert_eq!(container.volumes, Some(["/v".to_owned()].into()));
        assert_eq!(container.labels, Some([("a".to_owned(), String::new())].into()));
        assert_eq!(container.other["Memory"], 3);
    }

    #[test]
    fn what_is_no_config_is_refused_with_the_reason() {
        for (json, expected) in [
            ("{}", "no rootfs, so it is not the config of an image"),
            (r#"{"rootfs":null}"#, "no rootfs, so it is not the config of an image"),
            (r#"{"rootfs":{"type":"base"}}"#, r#"unsupported rootfs type "base": expected layers"#),
            (r#"{"rootfs":["layers",[]]}"#, "invalid type: sequence, expected a map"),
            (r#"{"rootfs":{},"created":"today"}"#, r#"invalid time "today": expected RFC 3339"#),
            (r#"{"rootfs":{},"config":{"Cmd":[1]}}"#, "expected a list of strings or a string"),
            (r#"{"rootfs":{},"config":{"Volumes":{"/v":1}}}"#, "invalid type: integer `1`, expected a map"),
            (r#"{"rootfs":{"diff_ids":["x"]}}"#, r#"invalid digest "x""#),
        ] {
            let error = Document::<ImageConfig>::parse(json.as_bytes().to_vec()).expect_err(json).to_string();
            assert!(error.starts_with(&format!("invalid image config: {expected}")), "{json}: {error}");
        }
    }

    /// A config with this many layers and a step for each flag, non-empty where it is `true`.
    fn with_history(layers: usize, steps: &[bool]) -> ImageConfig {
        let diff_id: DiffId = EMPTY.parse().expect("a digest");
        let step = |makes_layer: &bool| History { empty_layer: !makes_layer, ..History::default() };
        ImageConfig {
            rootfs: Rootfs::new(vec![diff_id; layers]),
            history: steps.iter().map(step).collect(),
            ..ImageConfig::default()
        }
    }

    #[test]
    fn history_is_paired_with_the_layers_it_made() {
        for (layers, steps, expected) in [
            (2, &[true, false, true][..], vec![Some(0), None, Some(1)]),
            (2, &[true], vec![Some(0)]),
            (1, &[], vec![]),
            (0, &[false, false], vec![None, None]),
        ] {
            let config = with_history(layers, steps);
            let pairs = config.layer_history().expect("enough layers");
            assert_eq!(pairs.into_iter().map(|(_, layer)| layer).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_history_of_more_layers_than_there_are_is_refused() {
        let error = with_history(1, &[true, false, true]).layer_history().expect_err("two of one");
        assert_eq!(error, ConfigError::TooManyLayersInHistory { layers: 1 });
        assert_eq!(error.to_string(), "too many non-empty layers in History section");
    }
}
