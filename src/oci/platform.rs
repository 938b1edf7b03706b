//! What an image runs on.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient::or_default;

/// Why a text is not a platform, in containerd's words, which are docker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: invalid argument", fault.about(text))]
pub struct PlatformError {
    /// What was to be a platform.
    pub text: String,
    /// What is wrong with it.
    pub fault: PlatformFault,
}

/// What is wrong with a text that was to be a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlatformFault {
    /// There is an asterisk in it.
    Wildcard,
    /// It has more than three parts.
    Parts,
    /// Its first part has characters that no system has, or none.
    System(String),
    /// A further part has characters that no part has, or none.
    Component(String),
    /// It has one part that nobody knows.
    Unknown,
}

impl PlatformFault {
    fn about(&self, text: &str) -> String {
        match self {
            Self::Wildcard => format!("{text:?}: wildcards not yet supported"),
            Self::Parts => format!("{text:?}: cannot parse platform specifier"),
            Self::System(part) => format!(
                "{part:?} is an invalid OS component of {text:?}: OSAndVersion specifier component must match {:?}",
                r"^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.-]*)\))?$"
            ),
            Self::Component(part) => format!(
                "{part:?} is an invalid component of {text:?}: platform specifier component must match {:?}",
                "^[A-Za-z0-9_.-]+$"
            ),
            Self::Unknown => format!("{text:?}: unknown operating system or architecture"),
        }
    }
}

/// An operating system on a processor, in Go's words
/// ([image-spec, index](https://github.com/opencontainers/image-spec/blob/v1.1.0/image-index.md)).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Platform {
    /// The processor: `amd64`.
    #[serde(default, deserialize_with = "or_default")]
    pub architecture: String,
    /// The operating system: `linux`.
    #[serde(default, deserialize_with = "or_default")]
    pub os: String,
    /// The version of the operating system, for Windows.
    #[serde(rename = "os.version", default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// What the operating system must have, for Windows.
    #[serde(rename = "os.features", default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
    /// The variant of the processor: `v8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Fields that no specification names, as they came. They do not count when platforms are compared.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The operating systems that Go knows, with which a single word is told from an architecture.
const KNOWN_OS: &[&str] = &[
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "windows",
    "zos",
];

/// The architectures that Go knows.
const KNOWN_ARCH: &[&str] = &[
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "arm64",
    "arm64be",
    "armbe",
    "loong64",
    "mips",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "mipsle",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
];

impl Platform {
    /// A platform without a variant.
    pub fn new(os: &str, architecture: &str) -> Self {
        Self { os: os.to_owned(), architecture: architecture.to_owned(), ..Self::default() }
    }

    /// What this program was compiled for.
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

    /// The same platform in the words that are used most: `aarch64` is `arm64`, whose variant `v8` goes without saying;
    /// `arm` alone is `v7`.
    #[must_use]
    pub fn normalized(&self) -> Self {
        let (architecture, variant) =
            normal_architecture(&self.architecture, self.variant.as_deref().unwrap_or_default());
        Self { os: normal_os(&self.os), architecture, variant, ..self.clone() }
    }

    /// Whether an image for `other` is what was asked for. Whoever asks for no variant gets the default one.
    pub fn matches(&self, other: &Self) -> bool {
        let (asked, offered) = (self.normalized(), other.normalized());
        let same_version = match (&asked.os_version, &offered.os_version) {
            (Some(asked), Some(offered)) => asked == offered,
            _ => true,
        };
        asked.os == offered.os
            && asked.architecture == offered.architecture
            && asked.variant == offered.variant
            && same_version
    }

    /// How well an image for `offered` serves who asks for this platform: 0 is exactly, more is worse, `None` is not at
    /// all. Processors run their predecessors' programs, as containerd's `platforms.Only` has it.
    pub fn rank(&self, offered: &Self) -> Option<u32> {
        let asked = self.normalized();
        let good_enough = successors(&asked.architecture, asked.variant.as_deref().unwrap_or_default());
        let at = good_enough.into_iter().position(|(architecture, variant)| {
            Self { architecture: architecture.to_owned(), variant: Some(variant), ..asked.clone() }.matches(offered)
        })?;
        u32::try_from(at).ok()
    }
}

/// What a processor runs, best first. An empty variant is the default one.
fn successors<'a>(architecture: &'a str, variant: &str) -> Vec<(&'a str, String)> {
    let version: Option<u32> = variant.strip_prefix('v').and_then(|digits| digits.parse().ok());
    let down_to = |least: u32, name: &'static str| {
        let below = version.filter(|version| *version <= 9).unwrap_or(0);
        (least..below).rev().map(move |version| (name, format!("v{version}")))
    };
    let mut list = vec![(architecture, variant.to_owned())];
    match architecture {
        "amd64" => {
            list.extend(down_to(1, "amd64"));
            list.push(("386", String::new()));
        }
        "arm" => list.extend(down_to(5, "arm")),
        "arm64" => {
            if !variant.is_empty() {
                list.push(("arm64", String::new()));
            }
            list.extend(["v8", "v7", "v6", "v5"].map(|variant| ("arm", variant.to_owned())));
        }
        _ => {}
    }
    list
}

/// The usual name of an operating system.
fn normal_os(os: &str) -> String {
    match os.to_ascii_lowercase().as_str() {
        "macos" => "darwin".to_owned(),
        other => other.to_owned(),
    }
}

/// The usual names of an architecture and its variant.
fn normal_architecture(architecture: &str, variant: &str) -> (String, Option<String>) {
    let (architecture, variant) = (architecture.to_ascii_lowercase(), variant.to_ascii_lowercase());
    let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "" | "v1") => ("amd64", ""),
        ("x86_64" | "x86-64", other) => ("amd64", other),
        ("aarch64" | "arm64", "" | "8" | "v8" | "v8.0") => ("arm64", ""),
        ("aarch64" | "arm64", "9" | "v9" | "v9.0") => ("arm64", "v9"),
        ("aarch64", other) => ("arm64", other),
        ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
        ("armel", _) | ("arm", "6") => ("arm", "v6"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "8") => ("arm", "v8"),
        (architecture, variant) => (architecture, variant),
    };
    (architecture.to_owned(), Some(variant.to_owned()).filter(|variant| !variant.is_empty()))
}

impl FromStr for Platform {
    type Err = PlatformError;

    /// Reads `os[(version)][/arch[/variant]]` or `arch`, as containerd's `platforms.Parse` does.
    fn from_str(text: &str) -> Result<Self, PlatformError> {
        parse(text).map_err(|fault| PlatformError { text: text.to_owned(), fault })
    }
}

/// Reads a platform; what is not said is the host's.
fn parse(text: &str) -> Result<Platform, PlatformFault> {
    if text.contains('*') {
        return Err(PlatformFault::Wildcard);
    }
    let parts: Vec<&str> = text.splitn(4, '/').collect();
    let system = split_version(parts[0]).filter(|(os, _)| is_word(os, "_-"));
    let (os, os_version) = system.ok_or_else(|| PlatformFault::System(parts[0].to_owned()))?;
    if let Some(part) = text.split('/').skip(1).find(|part| !is_word(part, "_.-")) {
        return Err(PlatformFault::Component(part.to_owned()));
    }
    let mut platform = Platform { os_version, ..Platform::new(&normal_os(os), "") };
    match parts[1..] {
        [] => {
            let word = Platform::new(std::env::consts::OS, text).normalized();
            if KNOWN_OS.contains(&platform.os.as_str()) {
                platform.architecture = Platform::host().architecture;
            } else if KNOWN_ARCH.contains(&word.architecture.as_str()) {
                platform = word.without_default_variant();
            } else {
                return Err(PlatformFault::Unknown);
            }
        }
        [architecture] => {
            (platform.architecture, platform.variant) = normal_architecture(architecture, "");
            platform = platform.without_default_variant();
        }
        [architecture, variant] => {
            (platform.architecture, platform.variant) = normal_architecture(architecture, variant);
            if platform.architecture == "arm64" && platform.variant.is_none() {
                platform.variant = Some("v8".to_owned());
            }
        }
        _ => return Err(PlatformFault::Parts),
    }
    Ok(platform)
}

impl Platform {
    /// Takes back the `v7` that nobody asked for by name.
    fn without_default_variant(mut self) -> Self {
        if self.architecture == "arm" && self.variant.as_deref() == Some("v7") {
            self.variant = None;
        }
        self
    }
}

/// Splits `windows(10.0.17763)` into the system and its version.
fn split_version(text: &str) -> Option<(&str, Option<String>)> {
    let Some((os, rest)) = text.split_once('(') else {
        return Some((text, None));
    };
    let version = rest.strip_suffix(')')?;
    is_word(version, "_.-").then(|| (os, Some(version.to_owned())))
}

/// Whether a text is one or more letters, digits and those marks.
fn is_word(text: &str, marks: &str) -> bool {
    !text.is_empty() && text.chars().all(|char| char.is_ascii_alphanumeric() || marks.contains(char))
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [Some(&self.os), Some(&self.architecture), self.variant.as_ref()];
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
    /// What counts when platforms are compared.
    fn key(&self) -> (&str, &str, Option<&str>, Option<&str>, &[String]) {
        (&self.os, &self.architecture, self.variant.as_deref(), self.os_version.as_deref(), &self.os_features)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Platform {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn platforms_are_read_and_shown() {
        for (text, shown) in [
            ("linux/amd64", "linux/amd64"),
            ("Linux/x86_64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"),
            ("linux/amd64/v3", "linux/amd64/v3"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64/v8"),
            ("linux/arm64/8", "linux/arm64/v8"),
            ("linux/arm64/v9", "linux/arm64/v9"),
            ("linux/arm", "linux/arm"),
            ("linux/armhf", "linux/arm"),
            ("linux/armel", "linux/arm/v6"),
            ("linux/arm/7", "linux/arm/v7"),
            ("linux/arm/v6", "linux/arm/v6"),
            ("linux/i386", "linux/386"),
            ("macos/arm64", "darwin/arm64"),
            ("windows(10.0.17763)/amd64", "windows/amd64"),
            ("made-up/processor", "made-up/processor"),
        ] {
            assert_eq!(read(text).to_string(), shown, "{text}");
        }
        assert_eq!(read("windows(10.0.17763)/amd64").os_version.as_deref(), Some("10.0.17763"));
    }

    #[test]
    fn what_is_not_said_is_the_hosts() {
        let host = Platform::host();
        assert_eq!(read("linux").architecture, host.architecture);
        for (text, architecture) in [("amd64", "amd64"), ("x86_64", "amd64"), ("aarch64", "arm64"), ("s390x", "s390x")]
        {
            assert_eq!((read(text).os, read(text).architecture), (host.os.clone(), architecture.to_owned()));
        }
    }

    #[test]
    fn what_is_no_platform_is_refused_with_the_reason() {
        let system = r#"OSAndVersion specifier component must match "^([A-Za-z0-9_-]+)(?:\\(([A-Za-z0-9_.-]*)\\))?$""#;
        let component = r#"platform specifier component must match "^[A-Za-z0-9_.-]+$""#;
        for (text, reason) in [
            ("x/y/z/w", r#""x/y/z/w": cannot parse platform specifier"#.to_owned()),
            ("linux/*", r#""linux/*": wildcards not yet supported"#.to_owned()),
            ("", format!(r#""" is an invalid OS component of "": {system}"#)),
            ("/amd64", format!(r#""" is an invalid OS component of "/amd64": {system}"#)),
            ("linux/", format!(r#""" is an invalid component of "linux/": {component}"#)),
            ("linux//v8", format!(r#""" is an invalid component of "linux//v8": {component}"#)),
            ("linux/am d64", format!(r#""am d64" is an invalid component of "linux/am d64": {component}"#)),
            ("windows(10/amd64", format!(r#""windows(10" is an invalid OS component of "windows(10/amd64": {system}"#)),
            ("vax", r#""vax": unknown operating system or architecture"#.to_owned()),
        ] {
            let error = text.parse::<Platform>().expect_err(text);
            assert_eq!(error.to_string(), format!("{reason}: invalid argument"));
        }
    }

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
    fn who_asks_for_no_variant_gets_the_default_one() {
        for (asked, offered, expected) in [
            ("linux/arm64", "linux/arm64/v8", true),
            ("linux/arm64/v8", "linux/arm64", true),
            ("linux/arm", "linux/arm/v7", true),
            ("linux/arm", "linux/arm/v6", false),
            ("linux/amd64", "linux/amd64/v1", true),
            ("linux/amd64", "linux/amd64/v2", false),
            ("linux/amd64", "linux/386", false),
            ("linux/amd64", "windows/amd64", false),
            ("windows(10)/amd64", "windows/amd64", true),
            ("windows(10)/amd64", "windows(11)/amd64", false),
        ] {
            assert_eq!(read(asked).matches(&read(offered)), expected, "{asked} {offered}");
        }
    }

    #[test]
    fn processors_run_their_predecessors_programs() {
        for (asked, offered, rank) in [
            ("linux/amd64", "linux/amd64", Some(0)),
            ("linux/amd64", "linux/386", Some(1)),
            ("linux/386", "linux/amd64", None),
            ("linux/amd64/v3", "linux/amd64/v2", Some(1)),
            ("linux/amd64/v3", "linux/amd64", Some(2)),
            ("linux/amd64", "linux/amd64/v2", None),
            ("linux/arm/v8", "linux/arm/v8", Some(0)),
            ("linux/arm/v8", "linux/arm", Some(1)),
            ("linux/arm/v8", "linux/arm/v5", Some(3)),
            ("linux/arm/v6", "linux/arm/v7", None),
            ("linux/arm64", "linux/arm64/v8", Some(0)),
            ("linux/arm64", "linux/arm/v7", Some(2)),
            ("linux/arm64/v9", "linux/arm64", Some(1)),
            ("linux/arm64", "linux/arm64/v9", None),
            ("linux/s390x", "linux/s390x", Some(0)),
            ("linux/amd64", "darwin/amd64", None),
            ("linux/amd64/v4294967295", "linux/amd64", None),
        ] {
            assert_eq!(read(asked).rank(&read(offered)), rank, "{asked} {offered}");
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
