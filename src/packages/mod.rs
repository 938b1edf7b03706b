//! What package managers and compilers write down of what they installed: pure functions from the bytes of a file to the
//! packages that it names.
//!
//! ```text
//! var/lib/dpkg/status ────▶ dpkg::installed ──┐
//! …/dist-info/METADATA ───▶ python::package ──┼──▶ Package { kind, name, version, arch }  ──▶ purl::of
//! a program, a jar ───────▶ go, cargo, java ──┘
//! ```
//!
//! - All bytes come from an untrusted image. No function here panics on any bytes, takes more memory than a
//!   small multiple of them (what is compressed has limits of its own), or more than [`MOST_PACKAGES`] packages.
//! - Text that is no UTF-8 is read with replacement characters: a list with one odd name is better than none.
//! - A file that is not what its name says is an error ([`Unreadable`]); one that names no package gives none.

pub mod apk;
pub mod cargo;
pub mod composer;
pub mod dpkg;
mod elf;
mod fields;
pub mod gem;
pub mod go;
pub mod java;
pub mod node;
pub mod os_release;
pub mod purl;
pub mod python;
pub mod rpm;
mod zip;

pub use elf::is_elf;

use std::fmt;
use std::str::FromStr;

/// The most packages that one file may name. The largest distributions have 70,000 in all.
pub const MOST_PACKAGES: usize = 250_000;

/// A package that is installed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Package {
    /// What installed it.
    pub kind: Kind,
    /// The name; of a Maven artifact `group:artifact`, or only the artifact if its group is not known.
    pub name: String,
    /// The version, as its manager prints it: with an epoch before a colon, if it has one. Empty if it has none.
    pub version: String,
    /// What it was built for, in the words of its manager; empty if it does not say.
    pub arch: String,
    /// Its licence, in the words of its manager or author; empty if it does not say.
    pub license: String,
    /// The bytes that its files take, if its manager says so.
    pub size: Option<u64>,
}

/// The longest licence that is kept, in characters: some write its whole text.
const LONGEST_LICENSE: usize = 200;

impl Package {
    /// What makes it the same package wherever it is recorded: type, name, version and architecture.
    pub fn identity(&self) -> (Kind, &str, &str, &str) {
        (self.kind, &self.name, &self.version, &self.arch)
    }

    /// The group that its name begins with, which may be empty, and the name in it.
    pub fn group_and_name(&self) -> (&str, &str) {
        let separator = match self.kind {
            Kind::Npm | Kind::Composer | Kind::Go => '/',
            Kind::Maven => ':',
            _ => return ("", &self.name),
        };
        self.name.rsplit_once(separator).unwrap_or(("", &self.name))
    }

    fn new(kind: Kind, name: impl Into<String>, version: impl Into<String>, arch: impl Into<String>) -> Self {
        let (name, version, arch) = (name.into(), version.into(), arch.into());
        Self { kind, name, version, arch, license: String::new(), size: None }
    }

    /// With this licence, on one line.
    fn licensed(mut self, license: &str) -> Self {
        let words = license.split_whitespace().flat_map(|word| [" ", word]).skip(1);
        self.license = words.flat_map(str::chars).take(LONGEST_LICENSE).collect();
        self
    }

    /// With the size of its files.
    fn sized(mut self, size: Option<u64>) -> Self {
        self.size = size;
        self
    }
}

/// What installed a package. The order is that of lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// dpkg, of Debian, Ubuntu and distroless images.
    Deb,
    /// apk, of Alpine and Wolfi.
    Apk,
    /// rpm, of Fedora, RHEL, Amazon Linux and SUSE.
    Rpm,
    /// Python: pip and all that write `dist-info` or `egg-info`.
    Python,
    /// Node.js: npm, yarn, pnpm.
    Npm,
    /// Ruby gems.
    Gem,
    /// PHP's composer.
    Composer,
    /// Modules in programs of Go, with its standard library as `stdlib`.
    Go,
    /// Crates in programs of Rust that `cargo auditable` built.
    Cargo,
    /// Jars of Java.
    Maven,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Deb,
        Self::Apk,
        Self::Rpm,
        Self::Python,
        Self::Npm,
        Self::Gem,
        Self::Composer,
        Self::Go,
        Self::Cargo,
        Self::Maven,
    ];

    /// Its word in lists.
    pub fn word(self) -> &'static str {
        self.words()[0]
    }

    /// Its type in package URLs.
    pub fn purl_type(self) -> &'static str {
        match self {
            Self::Python => "pypi",
            Self::Go => "golang",
            Self::Maven => "maven",
            kind => kind.word(),
        }
    }

    /// The words that are taken for it, the first of which is shown.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Deb => &["deb", "dpkg"],
            Self::Apk => &["apk", "alpine"],
            Self::Python => &["python", "pypi", "pip"],
            Self::Npm => &["npm", "node"],
            Self::Gem => &["gem", "ruby"],
            Self::Composer => &["composer", "php"],
            Self::Rpm => &["rpm"],
            Self::Go => &["go", "golang"],
            Self::Cargo => &["cargo", "rust"],
            Self::Maven => &["java", "maven", "jar"],
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A word that names no type of package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown type of package {typed:?}: the types are {known}", known = known())]
pub struct KindError {
    typed: String,
}

fn known() -> String {
    Kind::ALL.map(Kind::word).join(", ")
}

impl FromStr for Kind {
    type Err = KindError;

    fn from_str(typed: &str) -> Result<Self, KindError> {
        let found = Self::ALL.into_iter().find(|kind| kind.words().contains(&typed));
        found.ok_or_else(|| KindError { typed: typed.to_owned() })
    }
}

/// Why a file that should name packages cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not in the format that its name promises.
    #[error("it is not {0}")]
    Not(&'static str),
    /// It is rpm's database of the old kind.
    #[error("it is a Berkeley DB, which is not covered: ask rpm -qa in a container of the image")]
    Berkeley,
    /// What is compressed in it unpacks to too much.
    #[error("it unpacks to more than {0} MiB")]
    Unpacked(u64),
    /// It names more than [`MOST_PACKAGES`] packages.
    #[error("it names more than {MOST_PACKAGES} packages")]
    TooMany,
}

/// Collects packages, up to the limit.
fn collect(packages: impl Iterator<Item = Package>) -> Result<Vec<Package>, Unreadable> {
    let found: Vec<Package> = packages.take(MOST_PACKAGES + 1).collect();
    if found.len() > MOST_PACKAGES { Err(Unreadable::TooMany) } else { Ok(found) }
}

/// Bytes as text without white space around it.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// A number in decimal digits.
fn number(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_one_short_line() {
        let package = Package::new(Kind::Apk, "a", "1", "").licensed(" MIT\n  AND\tBSD ");
        assert_eq!(package.license, "MIT AND BSD");
        assert_eq!(package.licensed(&"x ".repeat(1000)).license.chars().count(), LONGEST_LICENSE);
    }

    #[test]
    fn types_have_several_words() {
        for kind in Kind::ALL {
            assert!(kind.words().iter().all(|word| word.parse() == Ok(kind)));
        }
        let error = "docker".parse::<Kind>().expect_err("no type").to_string();
        assert!(error.starts_with("unknown type of package \"docker\": the types are deb, apk, "), "{error}");
    }

    #[test]
    fn there_is_a_limit_of_packages() {
        let one = || Package::new(Kind::Deb, "a", "1", "all");
        assert_eq!(collect(std::iter::repeat_with(one)), Err(Unreadable::TooMany));
        assert_eq!(collect(std::iter::repeat_with(one).take(2)).map(|all| all.len()), Ok(2));
    }
}
