//! Images in tar files, in every form that tools have written.
//!
//! ```text
//! manifest.json, <config>, <layers>              docker 1.10 and later, podman, skopeo, crane, kaniko, jib, nix …
//! index.json, oci-layout, blobs/sha256/<hex>     OCI archives: podman, skopeo, buildkit
//! both at once                                   docker 25 and later, containerd, buildkit, regctl
//! repositories, <id>/{VERSION,json,layer.tar}    docker up to 1.9
//! ```
//!
//! A new format goes beside these: a module with a `read` that turns a [`TarIndex`] into
//! [`Named`] images, and a line in [`ImageSource::inventory`] of the index that recognises it by its
//! members.

pub mod docker_archive;
pub mod oci_archive;
pub mod open;
pub mod output;
mod reconcile;
pub mod spool;
pub mod tar_index;
pub mod write;

use std::io;

pub use open::{Archive, open_file, open_stream};
pub use output::{ArchiveMember, MemberContent};
pub use tar_index::TarIndex;

use crate::image::source::settled;
use crate::image::{Error as ImageError, ImageSource, Inventory, Named};
use crate::layer::{PathError, TarError};
use crate::oci::{Digest, DocumentError, JsonError};

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes cannot be read or decompressed.
    #[error(transparent)]
    Read(io::Error),
    /// The outer tar is damaged.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// A member's name leads out of the archive.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The input is not an image archive.
    #[error("invalid archive: does not contain a manifest.json, index.json or repositories")]
    NotAnArchive,
    /// The archive holds a root file system, as `export` writes it.
    #[error("not an archive of images, but a root file system")]
    RootFs,
    /// An archive that lists no images has no end mark either.
    #[error(
        "the archive is truncated: it has no end-of-archive mark, and no manifest.json, index.json or repositories"
    )]
    CutShort,
    /// What is missing was probably behind the place where the archive was cut.
    #[error("the archive is truncated: it has no end-of-archive mark")]
    Truncated {
        /// What is missing.
        source: Box<Error>,
    },
    /// A pipe can be loaded, but not read in place: it can be read only once.
    #[error("not a regular file: it can be loaded, but not looked into")]
    NotSeekable,
    /// Nothing was read.
    #[error("the archive is empty")]
    Empty,
    /// Two members have one name and different bytes.
    #[error("the archive has two different members named {name}")]
    Duplicate {
        /// The name, escaped.
        name: String,
    },
    /// A member cannot be read.
    #[error("member {name}")]
    Member {
        /// The name, escaped.
        name: String,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// A member lies below another one that is not a directory.
    #[error("member {name} lies below {link}, which is no folder")]
    ThroughLink {
        /// The member, escaped.
        name: String,
        /// The other member, escaped.
        link: String,
    },
    /// A member that is needed is not a regular file.
    #[error("member {name} is not a regular file")]
    NotAFile {
        /// The member, escaped.
        name: String,
    },
    /// Links lead in a circle, or too far.
    #[error("member {name:?} is reached by too many links")]
    TooManyLinks {
        /// Where the links began.
        name: String,
    },
    /// A name longer than any system allows.
    #[error("a member's name has more than {limit} bytes")]
    NameTooLong {
        /// The limit.
        limit: usize,
    },
    /// More members, or longer names, than any archive needs.
    #[error("more than {limit} members, or too long names")]
    TooManyMembers {
        /// The limit.
        limit: usize,
    },
    /// A member that is needed is not there.
    #[error("member {name:?} is missing")]
    Missing {
        /// The member.
        name: String,
    },
    /// A JSON file of the archive's own is wrong.
    #[error("{name}: {source}")]
    Json {
        /// The member.
        name: String,
        /// What is wrong.
        source: JsonError,
    },
    /// A config or index is wrong.
    #[error("{name}: {source}")]
    Document {
        /// The member.
        name: String,
        /// What is wrong.
        source: DocumentError,
    },
    /// `manifest.json` is `null`.
    #[error("invalid manifest, manifest cannot be null (but can be [])")]
    NullManifest,
    /// There is no image in the archive.
    #[error("the archive holds no image")]
    NoImage,
    /// The archive holds no image, only artifacts: charts, signatures and the like.
    #[error("the archive holds no image, only {}", .kinds.join(", ").escape_debug())]
    OnlyArtifacts {
        /// Their media types.
        kinds: Vec<String>,
    },
    /// A name is invalid, or has no tag.
    #[error("invalid tag {tag:?}")]
    InvalidTag {
        /// The name as the archive has it.
        tag: String,
    },
    /// A file's bytes are not what its name says.
    #[error("member {name:?} has other content: its digest is {actual}")]
    WrongName {
        /// The member.
        name: String,
        /// The digest of its bytes.
        actual: Digest,
    },
    /// `manifest.json` lists another number of layers than the config has diff IDs.
    #[error("invalid manifest, layers length mismatch: expected {diff_ids}, got {layers}")]
    LayerCount {
        /// How many diff IDs the config has.
        diff_ids: usize,
        /// How many layers are listed.
        layers: usize,
    },
    /// More layers than any image has.
    #[error("{layers} layers are more than the {limit} allowed", limit = crate::image::MAX_LAYERS)]
    TooManyLayers {
        /// How many there are.
        layers: usize,
    },
    /// `manifest.json` and `index.json` describe different images.
    #[error("manifest.json and index.json do not agree: {what}; readers would see different images")]
    Disagree {
        /// On what.
        what: String,
    },
    /// The version in `oci-layout` is unknown.
    #[error("unknown version of the OCI image layout")]
    LayoutVersion,
    /// An image of docker 1.9 or before is wrong.
    #[error("image {id:?} of the old format: {why}")]
    Legacy {
        /// Its id, as the archive has it.
        id: String,
        /// What is wrong.
        why: String,
    },
    /// An image of an OCI layout cannot be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A member could not be kept in the store.
    #[error(transparent)]
    Take(Box<dyn std::error::Error + Send + Sync>),
}

impl ImageSource for TarIndex {
    type Error = Error;

    fn inventory(&self) -> Result<Inventory, Error> {
        match self.read_inventory() {
            Err(source @ (Error::Missing { .. } | Error::Image(ImageError::Missing { .. })))
                if !self.has_end_mark() =>
            {
                Err(Error::Truncated { source: Box::new(source) })
            }
            read => read,
        }
    }
}

impl TarIndex {
    fn read_inventory(&self) -> Result<Inventory, Error> {
        let (docker, oci) = (self.has(docker_archive::MANIFEST), self.has(oci_archive::INDEX));
        let all = match (docker, oci) {
            (true, true) => reconcile::agree(listed_for_docker(self)?, oci_archive::read(self)?)?,
            (true, false) => docker_archive::read(self)?,
            (false, true) => oci_archive::read(self)?,
            (false, false) if docker_archive::legacy::is_legacy(self) => docker_archive::legacy::read(self)?,
            (false, false) if self.is_empty() => return Err(Error::Empty),
            (false, false) if self.looks_like_a_root() => return Err(Error::RootFs),
            (false, false) if !self.has_end_mark() => return Err(Error::CutShort),
            (false, false) => return Err(Error::NotAnArchive),
        };
        Ok(Inventory::of(settled(all)?))
    }
}

/// The images of `manifest.json`, which may be an empty list where there is an `index.json`.
fn listed_for_docker(index: &TarIndex) -> Result<Vec<Named>, Error> {
    match docker_archive::read(index) {
        Err(Error::NoImage) => Ok(Vec::new()),
        read => read,
    }
}

/// Refuses a place that holds no image, and says what it holds.
pub fn require_images(inventory: Inventory) -> Result<Inventory, Error> {
    if !inventory.images.is_empty() {
        return Ok(inventory);
    }
    match inventory.artifact_kinds() {
        kinds if kinds.is_empty() => Err(Error::NoImage),
        kinds => Err(Error::OnlyArtifacts { kinds }),
    }
}
