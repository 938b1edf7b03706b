//! The settings of a container: Docker's `container.Config`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::lenient::{is_false, is_zero, or_default};

/// What a container made from the image runs, and with what.
///
/// The fields, their order and which of them are left out when empty are those of Docker 20.10's `container.Config`; the
/// image specification's
/// [`config`](https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md#properties) is a part of them. A list
/// that is `None` is `null` in JSON, which is not the same bytes as an empty one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(clippy::struct_excessive_bools, reason = "the fields are Docker's")]
pub struct ContainerConfig {
    /// The host name of the container.
    #[serde(default, deserialize_with = "or_default")]
    pub hostname: String,
    /// The domain name of the container.
    #[serde(default, deserialize_with = "or_default")]
    pub domainname: String,
    /// The user that the process runs as: `user`, `uid`, `user:group`, `uid:gid`.
    #[serde(default, deserialize_with = "or_default")]
    pub user: String,
    /// Whether standard input is attached.
    #[serde(default, deserialize_with = "or_default")]
    pub attach_stdin: bool,
    /// Whether standard output is attached.
    #[serde(default, deserialize_with = "or_default")]
    pub attach_stdout: bool,
    /// Whether standard error is attached.
    #[serde(default, deserialize_with = "or_default")]
    pub attach_stderr: bool,
    /// The ports that the image listens on: `port/protocol`.
    #[serde(default, with = "set", skip_serializing_if = "is_empty_set")]
    pub exposed_ports: Option<BTreeSet<String>>,
    /// Whether a terminal is allocated.
    #[serde(default, deserialize_with = "or_default")]
    pub tty: bool,
    /// Whether standard input stays open.
    #[serde(default, deserialize_with = "or_default")]
    pub open_stdin: bool,
    /// Whether standard input closes after the first client left.
    #[serde(default, deserialize_with = "or_default")]
    pub stdin_once: bool,
    /// The environment: `NAME=value`.
    #[serde(default)]
    pub env: Option<Vec<String>>,
    /// The command, or the arguments of the entrypoint.
    #[serde(default, deserialize_with = "words")]
    pub cmd: Option<Vec<String>>,
    /// How the container's health is checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// Whether the command is already escaped, for Windows.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_false")]
    pub args_escaped: bool,
    /// The image that the container was created from, as it was typed.
    #[serde(default, deserialize_with = "or_default")]
    pub image: String,
    /// The directories that are volumes.
    #[serde(default, with = "set")]
    pub volumes: Option<BTreeSet<String>>,
    /// The directory in which the command runs.
    #[serde(default, deserialize_with = "or_default")]
    pub working_dir: String,
    /// What is run with the command as its arguments.
    #[serde(default, deserialize_with = "words")]
    pub entrypoint: Option<Vec<String>>,
    /// Whether networking is disabled.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_false")]
    pub network_disabled: bool,
    /// The MAC address of the container.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub mac_address: String,
    /// Dockerfile instructions that run when an image is built on this one.
    #[serde(default)]
    pub on_build: Option<Vec<String>>,
    /// The labels.
    #[serde(default, deserialize_with = "labels")]
    pub labels: Option<BTreeMap<String, String>>,
    /// The signal that stops the container.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub stop_signal: String,
    /// How many seconds after that signal the container is killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i64>,
    /// The shell for the shell form of `RUN`, `CMD` and `ENTRYPOINT`.
    #[serde(default, deserialize_with = "words", skip_serializing_if = "is_empty_list")]
    pub shell: Option<Vec<String>>,
    /// All other fields, unchanged.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// How to see that a container is well. Durations are in nanoseconds; 0 is Docker's default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Healthcheck {
    /// The test: `["NONE"]`, `["CMD", args…]` or `["CMD-SHELL", command]`; empty to inherit.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<String>,
    /// The time between two tests.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_zero")]
    pub interval: i64,
    /// The timeout of one test.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_zero")]
    pub timeout: i64,
    /// The start-up time during which failures do not count.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_zero")]
    pub start_period: i64,
    /// The time between two tests during start-up.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_zero")]
    pub start_interval: i64,
    /// How many failures in a row make the container unhealthy.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_zero")]
    pub retries: i64,
    /// All other fields, unchanged.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Whether Go's `omitempty` omits this map.
#[expect(clippy::ref_option, reason = "serde's skip_serializing_if passes a reference")]
fn is_empty_set(set: &Option<BTreeSet<String>>) -> bool {
    set.as_ref().is_none_or(BTreeSet::is_empty)
}

/// Whether Go's `omitempty` omits this list.
#[expect(clippy::ref_option, reason = "serde's skip_serializing_if passes a reference")]
fn is_empty_list(list: &Option<Vec<String>>) -> bool {
    list.as_ref().is_none_or(Vec::is_empty)
}

/// Reads a list of strings or a single string, as Docker's `strslice` does.
fn words<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a list of strings or a string")]
    enum Words {
        List(Vec<String>),
        One(String),
    }
    Ok(Option::<Words>::deserialize(from)?.map(|words| match words {
        Words::List(list) => list,
        Words::One(word) => vec![word],
    }))
}

/// Reads labels; one without a value (`null`) is empty, as in Go.
fn labels<'de, D: Deserializer<'de>>(from: D) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    let labels = Option::<BTreeMap<String, Option<String>>>::deserialize(from)?;
    Ok(labels.map(|labels| labels.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect()))
}

/// A set of names, in Go a map to empty structs: `{"80/tcp":{}}`.
mod set {
    use super::{BTreeMap, BTreeSet, Deserialize, Deserializer, Map, Serializer, Value};

    #[expect(clippy::ref_option, reason = "serde's `with` passes a reference")]
    pub(super) fn serialize<S: Serializer>(set: &Option<BTreeSet<String>>, to: S) -> Result<S::Ok, S::Error> {
        match set {
            None => to.serialize_none(),
            Some(set) => to.collect_map(set.iter().map(|name| (name, Map::<String, Value>::new()))),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<BTreeSet<String>>, D::Error> {
        type Struct = Option<Map<String, Value>>;
        Ok(Option::<BTreeMap<String, Struct>>::deserialize(from)?.map(|map| map.into_keys().collect()))
    }
}
