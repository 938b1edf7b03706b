//! The platforms of images in lists.

use super::list::{List, change, existing, list_name};
use super::member::in_store;
use crate::oci::{Digest, Platform, Reference};
use crate::ops::manifest_error::ManifestError;
use crate::ops::{Context, Error};
use crate::registry;
use crate::store::Catalog;

/// The platform fields to set for an image in a list; others are kept.
#[derive(Debug, Clone, Default)]
pub struct Annotation {
    /// The operating system.
    pub os: Option<String>,
    /// The processor.
    pub architecture: Option<String>,
    /// The processor's variant.
    pub variant: Option<String>,
    /// The version of the operating system.
    pub os_version: Option<String>,
    /// What the operating system must have.
    pub os_features: Vec<String>,
}

/// Sets the platform of an image in a list.
pub fn annotate(context: &Context, typed_list: &str, image: &str, annotation: &Annotation) -> Result<(), Error> {
    let name = list_name(typed_list)?;
    let missing = || Error::from(ManifestError::NotInList { image: image.to_owned(), list: typed_list.to_owned() });
    change(context, &name, |catalog, _| {
        let mut list = existing(context, catalog, &name)?.ok_or_else(missing)?;
        let meant = meant(context, catalog, &list, image)?;
        let mut found = false;
        for entry in list.entries.iter_mut().filter(|entry| meant.contains(&entry.digest)) {
            let platform = entry.platform.take().unwrap_or_else(|| Platform::new("", ""));
            entry.platform = Some(annotated(platform, annotation)?);
            found = true;
        }
        if found { Ok(list) } else { Err(missing()) }
    })
}

/// The digests that what was typed may stand for: itself; what was added under that name; what the store has, or else
/// the registry.
fn meant(context: &Context, catalog: &Catalog, list: &List, typed: &str) -> Result<Vec<Digest>, Error> {
    let typed = typed.strip_prefix("docker://").unwrap_or(typed);
    let name = typed.parse::<Reference>().ok().filter(|name| !name.looks_like_id());
    let digest = typed.parse::<Digest>().ok().or_else(|| name.as_ref()?.digest().copied());
    if let Some(digest) = digest.filter(|digest| list.has(digest)) {
        return Ok(vec![digest]);
    }
    let Some(name) = name.map(Reference::with_default_tag) else {
        return match in_store(context, catalog, typed) {
            Err(Error::NoSuchImage(_)) => Ok(Vec::new()),
            found => Ok(found?.into_iter().map(|(entry, _)| entry.digest).collect()),
        };
    };
    let under_name =
        list.entries.iter().filter(|entry| list.sources.get(&entry.digest).is_some_and(|source| source.name == name));
    let under_name: Vec<Digest> = under_name.map(|entry| entry.digest).collect();
    if !under_name.is_empty() {
        return Ok(under_name);
    }
    match in_store(context, catalog, typed) {
        Err(Error::NoSuchImage(_)) => {}
        found => return Ok(found?.into_iter().map(|(entry, _)| entry.digest).collect()),
    }
    // A list that was made here knows its images by name; one that came from elsewhere does not.
    if name.digest().is_some() || list.entries.iter().all(|entry| list.sources.get(&entry.digest).is_some()) {
        return Ok(Vec::new());
    }
    match context.registries.repository(&name)?.digest(&name) {
        Err(registry::Error::NoManifest { .. }) => Ok(Vec::new()),
        digest => Ok(digest?.into_iter().collect()),
    }
}

fn annotated(platform: Platform, annotation: &Annotation) -> Result<Platform, Error> {
    let Annotation { os, architecture, variant, os_version, os_features } = annotation.clone();
    // As docker's client: what was typed, not what came of it.
    let typed = [os.as_deref().unwrap_or_default(), architecture.as_deref().unwrap_or_default()].join("/");
    let platform = Platform {
        os: os.unwrap_or(platform.os),
        architecture: architecture.unwrap_or(platform.architecture),
        variant: variant.or(platform.variant),
        os_version: os_version.or(platform.os_version),
        os_features: if os_features.is_empty() { platform.os_features } else { os_features },
        other: platform.other,
    };
    let known = PLATFORMS.iter().any(|(os, architectures)| {
        *os == platform.os && architectures.split(' ').any(|known| known == platform.architecture)
    });
    if known { Ok(platform) } else { Err(ManifestError::UnsupportedPlatform(typed).into()) }
}

/// The systems that docker takes, each with its processors: those of Go.
const PLATFORMS: [(&str, &str); 14] = [
    ("aix", "ppc64"),
    ("android", "386 amd64 arm arm64"),
    ("darwin", "386 amd64 arm arm64"),
    ("dragonfly", "amd64"),
    ("freebsd", "386 amd64 arm"),
    ("illumos", "amd64"),
    ("ios", "arm64"),
    ("js", "wasm"),
    ("linux", "386 amd64 arm arm64 loong64 mips mipsle mips64 mips64le ppc64 ppc64le riscv64 s390x"),
    ("netbsd", "386 amd64 arm"),
    ("openbsd", "386 amd64 arm"),
    ("plan9", "386 amd64"),
    ("solaris", "amd64"),
    ("windows", "386 amd64 arm arm64"),
];
