//! Which files of an image are records of packages.

use crate::layer::overlay::ViewNode;
use crate::packages::{Kind, java};

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// dpkg's list of all packages, or of one in distroless images.
    Dpkg,
    Apk,
    Python,
    Npm,
    Gem,
    Composer,
    Rpm,
    /// A program that may say what it is made of.
    Program,
    Jar,
}

/// 1 MiB.
const MIB: u64 = 1 << 20;
/// The permission bits of programs.
const EXECUTABLE: u32 = 0o111;
/// Programs that were made of packages are larger.
const LEAST_PROGRAM: u64 = 16 << 10;

impl Format {
    /// The lists of whole systems, at their places; symbolic links on the way are followed.
    pub(super) const DATABASES: &[(&[u8], Self)] = &[
        (b"var/lib/dpkg/status", Self::Dpkg),
        (b"lib/apk/db/installed", Self::Apk),
        (b"usr/lib/apk/db/installed", Self::Apk),
        (b"var/lib/rpm/rpmdb.sqlite", Self::Rpm),
        (b"var/lib/rpm/Packages.db", Self::Rpm),
        (b"var/lib/rpm/Packages", Self::Rpm),
        (b"usr/lib/sysimage/rpm/rpmdb.sqlite", Self::Rpm),
        (b"usr/lib/sysimage/rpm/Packages.db", Self::Rpm),
        (b"usr/lib/sysimage/rpm/Packages", Self::Rpm),
        (b"usr/share/rpm/rpmdb.sqlite", Self::Rpm),
    ];

    /// That of any other file, by its name and where it is.
    pub(super) fn of(node: ViewNode<'_>) -> Option<Self> {
        let name = node.name();
        let parent = node.parent()?;
        match name {
            // pip moves what it removes to a name with a tilde; if it is stopped, that stays.
            _ if parent.name().starts_with(b"~") && is_python(name) => None,
            b"METADATA" if parent.name().ends_with(b".dist-info") => Some(Self::Python),
            b"PKG-INFO" if parent.name().ends_with(b".egg-info") || parent.name() == b"EGG-INFO" => Some(Self::Python),
            b"package.json" => is_module(parent).then_some(Self::Npm),
            b"installed.json" if parent.name() == b"composer" => Some(Self::Composer),
            _ if name.ends_with(b".egg-info") => Some(Self::Python),
            _ if name.ends_with(b".gemspec") => is_specifications(parent).then_some(Self::Gem),
            _ if java::is_jar(name) => Some(Self::Jar),
            _ if is_of_distroless(name, parent) => Some(Self::Dpkg),
            _ => (node.mode() & EXECUTABLE != 0 && node.size() >= LEAST_PROGRAM).then_some(Self::Program),
        }
    }

    /// The types of packages that it may name.
    pub(super) fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Dpkg => &[Kind::Deb],
            Self::Apk => &[Kind::Apk],
            Self::Python => &[Kind::Python],
            Self::Npm => &[Kind::Npm],
            Self::Gem => &[Kind::Gem],
            Self::Composer => &[Kind::Composer],
            Self::Rpm => &[Kind::Rpm],
            Self::Program => &[Kind::Go, Kind::Cargo],
            Self::Jar => &[Kind::Maven],
        }
    }

    /// The largest file that is read: it is held in memory while it is.
    pub(super) fn most(self) -> u64 {
        match self {
            // All of Debian would have 60 MiB.
            Self::Dpkg | Self::Apk => 128 * MIB,
            Self::Python | Self::Npm | Self::Gem => 4 * MIB,
            Self::Composer => 16 * MIB,
            // 500 packages take 20 MiB.
            Self::Rpm => 512 * MIB,
            Self::Program | Self::Jar => 256 * MIB,
        }
    }

    /// Whether it lists the packages of a whole system.
    pub(super) fn is_database(self) -> bool {
        matches!(self, Self::Dpkg | Self::Apk | Self::Rpm)
    }
}

fn is_python(name: &[u8]) -> bool {
    matches!(name, b"METADATA" | b"PKG-INFO")
}

/// Whether a directory is that of a Node.js package: directly in `node_modules`, or in a scope there.
fn is_module(directory: ViewNode<'_>) -> bool {
    let Some(above) = directory.parent() else { return false };
    let is_modules = |directory: Option<ViewNode<'_>>| directory.is_some_and(|found| found.name() == b"node_modules");
    if above.name().starts_with(b"@") { is_modules(above.parent()) } else { is_modules(Some(above)) }
}

/// Whether rubygems keeps its specifications in a directory: `specifications`, or `default` in it.
fn is_specifications(directory: ViewNode<'_>) -> bool {
    let above = directory.parent().filter(|_| directory.name() == b"default");
    above.unwrap_or(directory).name() == b"specifications"
}

/// Whether a file lists one package in `var/lib/dpkg/status.d`; beside it are lists of files.
fn is_of_distroless(name: &[u8], directory: ViewNode<'_>) -> bool {
    directory.name() == b"status.d"
        && !name.ends_with(b".md5sums")
        && directory.path_bytes() == b"var/lib/dpkg/status.d"
}
