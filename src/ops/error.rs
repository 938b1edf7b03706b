//! Errors of the verbs.

use std::io;
use std::path::PathBuf;

use super::copy_error::CopyError;
use super::delete_error::DeleteError;
use super::files_error::FilesError;
use super::listed::{listed, other_platform};
use super::manifest_error::ManifestError;
use super::remake_error::RemakeError;
use super::search_error::SearchError;
use crate::archive;
use crate::http;
use crate::image;
use crate::image::edit::ChangeError;
use crate::layer::{IndexError, OverlayError, ScanError};
use crate::layout;
use crate::oci::{ConfigError, DiffId, Digest, Platform, ReferenceError};
use crate::registry;
use crate::rootfs;
use crate::store;

/// What can go wrong. The texts are docker's where docker has one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A file of an image cannot be shown.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// An image cannot be made of others.
    #[error(transparent)]
    Remake(#[from] RemakeError),
    /// An archive or layout that was named cannot be read.
    #[error("{path}")]
    Input {
        /// The archive, as it was named.
        path: String,
        /// Why.
        #[source]
        source: archive::Error,
    },
    /// A layout that was named cannot be read.
    #[error(transparent)]
    Layout(#[from] layout::Error),
    /// An image cannot be read.
    #[error("{name}")]
    Image {
        /// The image, as it was named.
        name: String,
        /// Why.
        #[source]
        source: image::Error,
    },
    /// A layer is not a valid layer.
    #[error("layer {diff_id}")]
    Layer {
        /// The layer.
        diff_id: DiffId,
        /// Why.
        #[source]
        source: ScanError,
    },
    /// A file that was named cannot be opened.
    #[error("open {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// An image cannot be put into the form that was asked for.
    #[error(transparent)]
    Form(archive::Error),
    /// An image cannot be prepared for writing.
    #[error(transparent)]
    Outgoing(#[from] image::outgoing::OutgoingError),
    /// An archive cannot be written.
    #[error("{path}")]
    Output {
        /// Where it was to be.
        path: String,
        /// Why.
        #[source]
        source: archive::output::ArchiveWriteError,
    },
    /// The output itself cannot be written.
    #[error("{what}")]
    Io {
        /// Which output.
        what: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A root file system cannot be written or read.
    #[error(transparent)]
    Rootfs(#[from] rootfs::Error),
    /// The image that a directory was unpacked from is not in the store.
    #[error("the image that {directory} was unpacked from is not in the store: {id}; load it again, or use --from IMAGE", directory = directory.display())]
    BaseLost {
        /// The directory.
        directory: PathBuf,
        /// The image.
        id: String,
    },
    /// The base of a new image is not in the store.
    #[error(
        "{typed} is not in the store: a new image is built on stored layers; {verb} it, and use --from with its name"
    )]
    BaseOutside {
        /// What was typed.
        typed: String,
        /// The command that brings it into the store.
        verb: &'static str,
    },
    /// The user of an image's config is not in the image.
    #[error(transparent)]
    Runtime(#[from] crate::runtime::Error),
    /// No image has that name or id.
    #[error("No such image: {0}")]
    NoSuchImage(String),
    /// A list of images that only registries have.
    #[error(
        "{0} is a manifest list, and its images are not in the store: pull the one that is needed first (imgtool manifest \
         push {0} needs none)"
    )]
    OnlyListed(String),
    /// An archive has no image of that name.
    #[error("{archive} has no image {wanted}; it has {found}", found = listed(found))]
    NotInArchive {
        /// The archive.
        archive: String,
        /// What was asked for.
        wanted: String,
        /// What is there.
        found: Vec<String>,
    },
    /// An archive has several images where one is needed.
    #[error("{archive} has {count} images: say which with {archive}:NAME or {archive}:@N; it has {found}", count = found.len(), found = listed(found))]
    SeveralInArchive {
        /// The archive.
        archive: String,
        /// What is there.
        found: Vec<String>,
    },
    /// The beginning of an id is the beginning of several.
    #[error("ambiguous reference: {0} is the beginning of more than one image ID")]
    Ambiguous(String),
    /// A filter that docker does not know, or whose value it cannot read.
    #[error("invalid filter{}", if .0.is_empty() { String::new() } else { format!(" '{}'", .0) })]
    InvalidFilter(String),
    /// Images that cannot be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// A search that cannot be made.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// An invalid time.
    #[error("failed to parse value as time or duration: {0:?}")]
    NoTime(String),
    /// Docker takes one time only.
    #[error("more than one until filter specified")]
    SeveralUntil,
    /// A pattern for names with an unclosed set or a trailing backslash.
    #[error("syntax error in pattern")]
    Pattern,
    /// A name that was typed as a tag is invalid.
    #[error("error parsing reference: {typed:?} is not a valid repository/tag")]
    NotATag {
        /// What was typed.
        typed: String,
        /// Why.
        #[source]
        source: ReferenceError,
    },
    /// An invalid reference.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The store has no image of the repository that is to be pushed.
    #[error("An image does not exist locally with the tag: {0}")]
    NoLocalTag(String),
    /// The store has other images of the repository, and none with the tag that is to be pushed.
    #[error("tag does not exist: {0}")]
    NoSuchTag(String),
    /// Something in a registry cannot be deleted.
    #[error(transparent)]
    Delete(#[from] DeleteError),
    /// A name with a tag or digest where a repository is needed.
    #[error("{typed} is one image, not a repository: expected {repository}")]
    NotARepository {
        /// What was typed.
        typed: String,
        /// The repository of that image.
        repository: String,
    },
    /// A tag that would later be read as a digest.
    #[error("refusing to create an ambiguous tag using digest algorithm as name")]
    AmbiguousTag,
    /// A tag cannot be a reference with a digest.
    #[error("refusing to create a tag with a digest reference")]
    TagWithDigest,
    /// A config's history does not fit its layers.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A layer's diff ID is not the one in the config.
    #[error("invalid diffID for layer {layer}: expected \"{expected}\", got \"{actual}\"")]
    DiffId {
        /// Which layer, from the bottom, beginning with 0.
        layer: usize,
        /// What the config says.
        expected: DiffId,
        /// What was found.
        actual: DiffId,
    },
    /// A layer is damaged.
    #[error("layer {number} of {image} ({digest}) is damaged: {problem}; {way_out}")]
    DamagedLayer {
        /// The image, as it was named.
        image: String,
        /// Which layer, from the bottom, beginning with 1.
        number: usize,
        /// The digest of the layer.
        digest: String,
        /// What is wrong with it.
        problem: String,
        /// What helps.
        way_out: &'static str,
    },
    /// The layers of an image cannot be merged to a file system.
    #[error("{image}")]
    Overlay {
        /// The image.
        image: String,
        /// Why.
        #[source]
        source: OverlayError,
    },
    /// A blob does not match its digest.
    #[error("{what} {expected} is damaged: its digest is {actual}")]
    Digest {
        /// What the blob is.
        what: &'static str,
        /// What its descriptor says.
        expected: Digest,
        /// What was found.
        actual: Digest,
    },
    /// An image was removed while it was being read.
    #[error("{image} was removed from the store meanwhile")]
    RemovedMeanwhile {
        /// The image's name or ID.
        image: String,
    },
    /// Layers of an image are not there.
    #[error(transparent)]
    MissingLayers(#[from] image::MissingLayers),
    /// A hard link leads to a file that no layer has.
    #[error("layer {diff_id}: hard link to {target}, which is in no layer below")]
    DanglingLink {
        /// The layer.
        diff_id: DiffId,
        /// Where the link leads, escaped.
        target: String,
    },
    /// The base has the largest number of layers allowed.
    #[error("too many layers: {layers}, the limit is {limit}; use --squash", limit = image::MAX_LAYERS)]
    TooManyLayers {
        /// How many there would be.
        layers: usize,
    },
    /// A change of a config cannot be made.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// A name that no image can have.
    #[error("'{0}' is a reserved name")]
    ReservedName(&'static str),
    /// A registry does not let an image be pulled; it may not even say whether it is there.
    #[error("pull access denied for {name}, repository does not exist or may require 'docker login'")]
    PullDenied {
        /// The repository.
        name: String,
        /// What the registry said.
        #[source]
        source: registry::Error,
    },
    /// A registry cannot be used, or does not have what was asked for.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// Credentials cannot be read or kept.
    #[error(transparent)]
    Credentials(#[from] registry::credentials::Error),
    /// A file cannot be downloaded.
    #[error(transparent)]
    Http(#[from] http::Error),
    /// The new index of a layer cannot be read.
    #[error("the index of layer {diff_id}")]
    LayerIndex {
        /// The layer.
        diff_id: DiffId,
        /// Why.
        #[source]
        source: IndexError,
    },
    /// An archive of images where the tar of one root file system is needed.
    #[error("{what} is an image archive, not a tar of a root file system: it contains {member}")]
    NotARootfs {
        /// The input.
        what: String,
        /// The member that shows it.
        member: &'static str,
    },
    /// No bytes where the tar of a root file system is needed.
    #[error("{what} is empty: expected a tar of a root file system")]
    Nothing {
        /// The input.
        what: String,
    },
    /// A whiteout in a tar that must be a whole root file system.
    #[error("{what} is an image layer, not a tar of a root file system: it contains the whiteout {path}")]
    WhiteoutInRootfs {
        /// The input.
        what: String,
        /// The whiteout, escaped.
        path: String,
    },
    /// A folder where the tar of a root file system is needed.
    #[error("{path} is a directory")]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// A name belongs to another image and must not be moved.
    #[error("{0} already exists and names another image; without --no-clobber the name moves")]
    TagTaken(String),
    /// Two images of one archive would get the same name.
    #[error("two images would both be named {0}")]
    SameName(String),
    /// No image for the platforms asked for.
    #[error("requested platform(s) ([{wanted}]) not found in {image}: it has {found}", wanted = listed(wanted), found = listed(found))]
    Platform {
        /// The image.
        image: String,
        /// What was asked for.
        wanted: Vec<Platform>,
        /// What there is.
        found: Vec<Platform>,
    },
    /// A manifest or a list that is not there, or cannot be made.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// An image is for other platforms than the one asked for.
    #[error("image with reference {image} was found but {}", other_platform(wanted, found))]
    OtherPlatform {
        /// The image.
        image: String,
        /// What was asked for.
        wanted: Box<Platform>,
        /// What there is.
        found: Vec<Platform>,
    },
    /// The same, where the image was to be saved.
    #[error("no suitable export target found for platform {wanted}: {image} has {found}", found = listed(found))]
    NoExportTarget {
        /// The image.
        image: String,
        /// What was asked for.
        wanted: Box<Platform>,
        /// What there is.
        found: Vec<Platform>,
    },
    /// An ID whose image has names in several repositories, without `--force`.
    #[error("conflict: unable to delete {id} (must be forced) - image is referenced in multiple repositories")]
    Conflict {
        /// The image, short.
        id: String,
        /// All its names.
        names: Vec<String>,
    },
    /// An image with children: others were committed on it.
    #[error("conflict: unable to delete {id} (cannot be forced) - image has dependent child images")]
    DependentChildren {
        /// The image, short.
        id: String,
        /// The images that were committed on it: a name of each, or its short ID.
        children: Vec<String>,
    },
}

impl Error {
    /// Whether a registry does not take the credentials that it got.
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Registry(registry::Error::Unauthorized { .. }))
    }
}
