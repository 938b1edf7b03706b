//! What completes an argument, said where the argument is.

use clap::builder::ArgExt;

/// What an argument may be, said where the argument is: `#[arg(add = Completes::Images)]`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Completes {
    /// A file.
    Files,
    /// A directory.
    Dirs,
    /// An image, by its name in the store, or a file.
    Images,
    /// An image or a directory.
    ImagesOrDirs,
    /// A registry that docker's config knows.
    Servers,
    /// One of these words; others may do too.
    Words(&'static [&'static str]),
    /// Of several arguments, one after the other, what each may be. No more follow.
    Each(&'static [Completes]),
}

impl ArgExt for Completes {}

impl Completes {
    /// A flag with which images are chosen.
    pub(super) const FILTER: Self =
        Self::Words(&["before=", "dangling=true", "label!=", "label=", "reference=", "since=", "until="]);
    /// How a list is printed.
    pub(super) const FORMAT: Self = Self::Words(&["json", "table"]);
    /// A platform of those that images are mostly made for.
    pub(super) const PLATFORM: Self =
        Self::Words(&["linux/386", "linux/amd64", "linux/arm/v7", "linux/arm64", "linux/ppc64le", "linux/s390x"]);
}
