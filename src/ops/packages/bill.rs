//! A bill of materials: what the formats for it have in common.

use crate::oci::{Created, Digest, Hasher, Reference};
use crate::ops::installed::{Installed, InstalledPackage};
use crate::ops::look::Look;
use crate::packages::purl::purl;

/// The program that wrote the bill.
pub(super) const TOOL: &str = "imgtool";
/// Its version.
pub(super) const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");

/// What goes into a bill of materials.
#[derive(Debug)]
pub struct Bill<'a> {
    /// The image as people call it.
    pub(super) name: String,
    /// The digest of its manifest; where it has none, its ID.
    pub(super) digest: Digest,
    /// The package URL of the image, if it has a name.
    pub(super) purl: Option<String>,
    /// Its packages and distribution.
    pub(super) installed: &'a Installed,
    /// When the bill is made.
    pub(super) created: Created,
}

impl<'a> Bill<'a> {
    /// The bill of an image, made at this time.
    pub fn new(look: &Look, installed: &'a Installed, created: Created) -> Self {
        let manifest = look.image.manifest.as_ref().map(|manifest| *manifest.digest());
        let digest = manifest.unwrap_or(*look.image.config.digest());
        let reference = look.found.names.first().or(look.found.all_names.first());
        let purl = reference.map(|name| image_purl(name, &digest, &look.image.platform().architecture));
        Self { name: look.found.shown(), digest, purl, installed, created }
    }

    /// The time to the second, as both formats want it.
    pub(super) fn time(&self) -> String {
        self.created.timestamp().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// A digest of all that is in the bill: the same bill has the same.
    pub(super) fn fingerprint(&self) -> String {
        let mut hasher = Hasher::new();
        hasher.update(format!("{}\n{}\n{}\n", self.name, self.digest, self.time()).as_bytes());
        for package in &self.installed.packages {
            hasher.update(id(package).as_bytes());
            hasher.update(b"\n");
        }
        hex(&hasher.finish())
    }
}

/// A name for a package that no other of the bill has.
pub(super) fn id(found: &InstalledPackage) -> String {
    let package = &found.package;
    let mut hasher = Hasher::new();
    for part in [package.kind.word(), &package.name, &package.version, &package.arch] {
        hasher.update(part.as_bytes());
        hasher.update(b"\0");
    }
    format!("{}-{}", package.kind, &hex(&hasher.finish())[..24])
}

/// The digits of a digest.
pub(super) fn hex(digest: &Digest) -> String {
    let text = digest.to_string();
    text.rsplit(':').next().unwrap_or_default().to_owned()
}

/// `pkg:oci/debian@sha256:…?repository_url=docker.io/library/debian&tag=12`
fn image_purl(reference: &Reference, digest: &Digest, arch: &str) -> String {
    let repository = reference.name();
    let name = repository.rsplit('/').next().unwrap_or_default().to_lowercase();
    let tag = reference.tag().unwrap_or_default().to_owned();
    let mut qualifiers = [("arch", arch.to_owned()), ("repository_url", repository.clone()), ("tag", tag)];
    purl("oci", "", &name, &digest.to_string(), &mut qualifiers)
}
