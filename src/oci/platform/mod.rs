//! Platforms.

mod parse;
mod rank;

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use parse::{PlatformError, PlatformFault};

use super::lenient::or_default;

/// An operating system and CPU architecture, by Go's names ([image-spec,
/// index](https://github.com/opencontainers/image-spec/blob/v1.1.0/image-index.md)).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Platform {
    /// The CPU architecture: `amd64`.
    #[serde(default, deserialize_with = "or_default")]
    pub architecture: String,
    /// The operating system: `linux`.
    #[serde(default, deserialize_with = "or_default")]
    pub os: String,
    /// The version of the operating system, for Windows.
    #[serde(rename = "os.version", default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// Required features of the operating system, for Windows.
    #[serde(rename = "os.features", default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
    /// The variant of the architecture: `v8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// All other fields, unchanged. They are ignored when platforms are compared.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Platform {
    /// A platform without a variant.
    pub fn new(os: &str, architecture: &str) -> Self {
        Self { os: os.to_owned(), architecture: architecture.to_owned(), ..Self::default() }
    }

    /// The platform that this program was compiled for.
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86" => "386",
            "loongarch64" => "loong64",
            "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
            "powerpc64" => "ppc64",
            "mips64" if cfg!(target_endian = "little") => "mips64le",
            "mips" if cfg!(target_endian = "little") => "mipsle",
            other => other,
        };
        Self::new(std::env::consts::OS, architecture).normalized()
    }

    /// The platform with canonical names: `aarch64` becomes `arm64`, whose default variant `v8` is omitted; `arm`
    /// without a variant becomes `v7`.
    #[must_use]
    pub fn normalized(&self) -> Self {
        let (architecture, variant) =
            normal_architecture(&self.architecture, self.variant.as_deref().unwrap_or_default());
        Self { os: normal_os(&self.os), architecture, variant, ..self.clone() }
    }

    /// Whether no operating system or no architecture is given.
    pub fn is_blank(&self) -> bool {
        self.os.is_empty() || self.architecture.is_empty()
    }
}

/// The canonical name of an operating system; the host's if empty.
fn normal_os(os: &str) -> String {
    match os.to_ascii_lowercase().as_str() {
        "" => std::env::consts::OS.to_owned(),
        "macos" => "darwin".to_owned(),
        other => other.to_owned(),
    }
}

/// The canonical names of an architecture and its variant.
fn normal_architecture(architecture: &str, variant: &str) -> (String, Option<String>) {
    let (architecture, variant) = (architecture.to_ascii_lowercase(), variant.to_ascii_lowercase());
    let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "" | "v1") => ("amd64", ""),
        ("x86_64" | "x86-64", other) => ("amd64", other),
        ("aarch64" | "arm64", "" | "8" | "v8" | "v8.0") => ("arm64", ""),
        ("aarch64" | "arm64", "9" | "9.0" | "v9" | "v9.0") => ("arm64", "v9"),
        ("aarch64", other) => ("arm64", other),
        ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
        ("armel", _) | ("arm", "6") => ("arm", "v6"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "8") => ("arm", "v8"),
        (architecture, variant) => (architecture, variant),
    };
    (architecture.to_owned(), Some(variant.to_owned()).filter(|variant| !variant.is_empty()))
}

impl fmt::Display for Platform {
    /// Formats like containerd's `platforms.FormatAll`: `linux/arm/v7`, `windows(10.0.17763+win32k)/amd64`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut features: Vec<&String> = self.os_features.iter().collect();
        features.sort();
        let mut options = self.os_version.clone().unwrap_or_default();
        for feature in features {
            options.extend(["+", feature]);
        }
        let os = if options.is_empty() { self.os.clone() } else { format!("{}({options})", self.os) };
        let parts = [Some(&os), Some(&self.architecture), self.variant.as_ref()];
        let parts: Vec<&str> =
            parts.into_iter().flatten().map(String::as_str).filter(|part| !part.is_empty()).collect();
        f.pad(&parts.join("/"))
    }
}

impl PartialEq for Platform {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Platform {}

impl Hash for Platform {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl Platform {
    /// The fields that are compared.
    fn key(&self) -> (&str, &str, Option<&str>, Option<&str>, &[String]) {
        (&self.os, &self.architecture, self.variant.as_deref(), self.os_version.as_deref(), &self.os_features)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_names_are_put_in_their_place() {
        for (os, architecture, variant, expected) in [
            ("linux", "arm", None, "linux/arm/v7"),
            ("Linux", "aarch64", Some("v8"), "linux/arm64"),
            ("linux", "x86-64", Some("V2"), "linux/amd64/v2"),
        ] {
            let platform = Platform { variant: variant.map(str::to_owned), ..Platform::new(os, architecture) };
            assert_eq!(platform.normalized().to_string(), expected);
        }
    }

    #[test]
    fn unknown_fields_are_kept_and_do_not_count() {
        let json = r#"{"architecture":"amd64","os":"windows","os.version":"10","os.features":["win32k"],"new":[1]}"#;
        let platform: Platform = serde_json::from_str(json).expect("a platform");
        assert_eq!(serde_json::to_string(&platform).expect("JSON"), json);
        assert_eq!(platform, Platform { other: Map::new(), ..platform.clone() });
        let nulls: Platform =
            serde_json::from_str(r#"{"os":"linux","os.features":null,"variant":null}"#).expect("nulls");
        assert_eq!(nulls, Platform::new("linux", ""));
    }
}
