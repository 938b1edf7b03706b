//! Parses platforms as users type them.

use std::str::FromStr;

use super::{Platform, normal_architecture, normal_os};

/// Why a text is not a platform, with containerd's messages, which docker prints.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: invalid argument", fault.about(text))]
pub struct PlatformError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub fault: PlatformFault,
}

/// What is wrong with a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlatformFault {
    /// It has a wildcard `*`.
    Wildcard,
    /// It has more than three parts.
    Parts,
    /// Its first part, the operating system, is empty or has invalid characters.
    System(String),
    /// A further part is empty or has invalid characters.
    Component(String),
    /// It is one part, which is neither a known operating system nor a known architecture.
    Unknown,
}

impl PlatformFault {
    fn about(&self, text: &str) -> String {
        match self {
            Self::Wildcard => format!("{text:?}: wildcards not yet supported"),
            Self::Parts => format!("{text:?}: cannot parse platform specifier"),
            Self::System(part) => format!(
                "{part:?} is an invalid OS component of {text:?}: OSAndVersion specifier component must match {:?}",
                r"^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$"
            ),
            Self::Component(part) => format!(
                "{part:?} is an invalid component of {text:?}: platform specifier component must match {:?}",
                "^[A-Za-z0-9_.-]+$"
            ),
            Self::Unknown => format!("{text:?}: unknown operating system or architecture"),
        }
    }
}

/// The operating systems that Go knows, to tell them from architectures when only one part is given.
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

impl FromStr for Platform {
    type Err = PlatformError;

    /// Reads `os[(version[+feature…])][/arch[/variant]]` or `arch`, as containerd's `platforms.Parse` does.
    fn from_str(text: &str) -> Result<Self, PlatformError> {
        parse(text).map_err(|fault| PlatformError { text: text.to_owned(), fault })
    }
}

/// Parses a platform; missing parts are the host's.
fn parse(text: &str) -> Result<Platform, PlatformFault> {
    if text.contains('*') {
        return Err(PlatformFault::Wildcard);
    }
    let parts: Vec<&str> = text.splitn(4, '/').collect();
    let system = split_options(parts[0]).filter(|(os, ..)| is_word(os, "_-"));
    let (os, os_version, os_features) = system.ok_or_else(|| PlatformFault::System(parts[0].to_owned()))?;
    if let Some(part) = text.split('/').skip(1).find(|part| !is_word(part, "_.-")) {
        return Err(PlatformFault::Component(part.to_owned()));
    }
    let mut platform = Platform { os_version, os_features, ..Platform::new(&normal_os(os), "") };
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
    /// Removes the default variant `v7` that normalising added.
    fn without_default_variant(mut self) -> Self {
        if self.architecture == "arm" && self.variant.as_deref() == Some("v7") {
            self.variant = None;
        }
        self
    }
}

/// Splits `windows(10.0.17763+win32k)` into operating system, version and features.
fn split_options(text: &str) -> Option<(&str, Option<String>, Vec<String>)> {
    let Some((os, rest)) = text.split_once('(') else {
        return Some((text, None, Vec::new()));
    };
    let mut options = rest.strip_suffix(')')?.split('+');
    let version = options.next().filter(|version| version.is_empty() || is_word(version, "_.%-"))?;
    let features: Vec<&str> = options.collect();
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let all_words = features.iter().all(|feature| is_word(feature, "_.%-"));
    let version = Some(decoded(version)).filter(|version| !version.is_empty());
    all_words.then(|| (os, version, features.into_iter().map(decoded).collect()))
}

/// Whether a text consists of letters, digits and `marks`, and is not empty.
fn is_word(text: &str, marks: &str) -> bool {
    !text.is_empty() && text.chars().all(|char| char.is_ascii_alphanumeric() || marks.contains(char))
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
            ("windows(10.0.17763)/amd64", "windows(10.0.17763)/amd64"),
            ("windows(10.0.17763+win32k)/amd64", "windows(10.0.17763+win32k)/amd64"),
            ("windows(+b+a)/amd64", "windows(+a+b)/amd64"),
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
        let system = r#"OSAndVersion specifier component must match "^([A-Za-z0-9_-]+)(?:\\(([A-Za-z0-9_.%-]*)((?:\\+[A-Za-z0-9_.%-]+)*)\\))?$""#;
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
}
