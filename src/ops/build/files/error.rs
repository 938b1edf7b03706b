//! Why a `COPY` or an `ADD` cannot be done.

use std::io;

use crate::http;
use crate::layer::path::Escaped;
use crate::layer::{EntryPath, IndexError, ScanError};
use crate::oci::Digest;
use crate::store;

/// Why a `COPY` or an `ADD` cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is no such source.
    #[error("\"/{}\": not found in {place}{}", Escaped(.path), excluded(*.is_ignored))]
    NotFound {
        /// The source, from the root of where it should be.
        path: Vec<u8>,
        /// Where it should be.
        place: &'static str,
        /// Whether it is there, but excluded by `.dockerignore`.
        is_ignored: bool,
    },
    /// A source that climbs out of the build context.
    #[error(
        "{source_path:?}: forbidden path outside the build context; move the file into the context, or give a context that has it"
    )]
    Outside {
        /// The source as it was typed.
        source_path: String,
    },
    /// A pattern that cannot be read.
    #[error("{pattern:?}: syntax error in pattern")]
    Pattern {
        /// The pattern.
        pattern: String,
    },
    /// `COPY` of a URL.
    #[error("source can't be a URL for COPY: {url}; use ADD")]
    Url {
        /// The URL.
        url: String,
    },
    /// `ADD` of a git repository.
    #[error(
        "ADD of the git repository {url} is not supported: clone it beside the Dockerfile and COPY it, or ADD the server's archive of it with --unpack"
    )]
    Git {
        /// The URL.
        url: String,
    },
    /// A URL that cannot be read as one.
    #[error("{url:?} is not a URL that ADD can fetch")]
    BadUrl {
        /// What was typed.
        url: String,
    },
    /// A URL without a file name, into a directory.
    #[error("cannot determine filename from url: {url}; give a destination that does not end in /")]
    NameOfUrl {
        /// The URL.
        url: String,
    },
    /// A URL where there is no network.
    #[error("{url} cannot be fetched without a network")]
    Offline {
        /// The URL.
        url: String,
    },
    /// A URL could not be fetched.
    #[error("{url}")]
    Fetch {
        /// The URL.
        url: String,
        /// Why.
        #[source]
        source: http::Error,
    },
    /// A checksum that is none.
    #[error("invalid --checksum {checksum:?}: it is sha256: and 64 hexadecimal digits")]
    Checksum {
        /// What was typed.
        checksum: String,
    },
    /// `--checksum` for something that is not a URL.
    #[error("checksum can't be specified for {what}")]
    ChecksumOf {
        /// What it was given for.
        what: &'static str,
    },
    /// What a URL gave is not what `--checksum` says.
    #[error("digest mismatch: {url} has {actual}, and --checksum says {expected}")]
    Mismatch {
        /// The URL.
        url: String,
        /// The digest of what came.
        actual: Digest,
        /// What was expected.
        expected: Digest,
    },
    /// A user or a group that the image does not know.
    #[error(
        "unable to convert uid/gid chown string to host mapping: can't find {kind} {name:?} in {file} of the image: use a number, or add it before"
    )]
    Unknown {
        /// `uid for user` or `gid for group`.
        kind: &'static str,
        /// The name.
        name: String,
        /// The file that was looked into.
        file: &'static str,
    },
    /// `--chown` that cannot be read.
    #[error("invalid --chown {chown:?}: it is USER, USER:GROUP or :GROUP, each a name or a number")]
    Chown {
        /// What was typed.
        chown: String,
    },
    /// `--chmod` that cannot be read.
    #[error("invalid chmod parameter: {chmod:?}; it is an octal number such as 0644, or symbolic such as u=rwX,go=rX")]
    Chmod {
        /// What was typed.
        chmod: String,
    },
    /// Several sources, and a destination that is not a directory.
    #[error(
        "when using {instruction} with more than one source file, the destination must be a directory and end with a /"
    )]
    ManyToOne {
        /// `COPY` or `ADD`.
        instruction: &'static str,
    },
    /// No source at all.
    #[error(
        "{instruction} requires at least two arguments, but only one was provided. Destination could not be determined"
    )]
    NoSource {
        /// `COPY` or `ADD`.
        instruction: &'static str,
    },
    /// An owner that no file can have.
    #[error("/{}: the owner {uid}:{gid} is out of range", Escaped(.path))]
    Owner {
        /// The destination.
        path: Vec<u8>,
        /// The user.
        uid: u64,
        /// The group.
        gid: u64,
    },
    /// A directory would be copied onto something else.
    #[error("cannot copy to non-directory: /{}", Escaped(.path))]
    ToNonDirectory {
        /// The destination.
        path: Vec<u8>,
    },
    /// A name that would be a whiteout in a layer.
    #[error("/{}: a file whose name begins with .wh. cannot be in a layer, where it would hide another one; leave it out with .dockerignore or --exclude", Escaped(.path))]
    Whiteout {
        /// The destination.
        path: Vec<u8>,
    },
    /// A file would replace a directory.
    #[error("cannot replace the directory /{} with a file", Escaped(.path))]
    OverDirectory {
        /// The destination.
        path: Vec<u8>,
    },
    /// The destination, or a source, leads through something that is not a directory.
    #[error("/{}: not a directory", Escaped(.path))]
    NotADirectory {
        /// What is in the way.
        path: Vec<u8>,
    },
    /// Too many symbolic links.
    #[error("/{}: too many levels of symbolic links", Escaped(.path))]
    Loop {
        /// The path.
        path: Vec<u8>,
    },
    /// A source that is a socket.
    #[error("\"/{}\" is a socket, which cannot be in an image", Escaped(.path))]
    Socket {
        /// The path in the context.
        path: Vec<u8>,
    },
    /// More files than one layer can have.
    #[error("more than {limit} files in one instruction")]
    TooMany {
        /// The limit.
        limit: u64,
    },
    /// More bytes than one layer can have; the holes of sparse files count.
    #[error("{instruction} of more than {limit} bytes, which no layer can have; holes of files count")]
    TooLarge {
        /// `COPY` or `ADD`.
        instruction: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A path deeper or longer than a file system can have.
    #[error("a path of {length} bytes is longer than the {limit} that a file system takes")]
    TooLong {
        /// Its length.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// A file of the context was written to while it was read.
    #[error("\"/{}\" changed while it was read; build again when nothing writes to the context", Escaped(.path))]
    Changed {
        /// The path in the context.
        path: Vec<u8>,
    },
    /// A file of the context cannot be read.
    #[error("\"/{}\" cannot be read", Escaped(.path))]
    Read {
        /// The path in the context.
        path: Vec<u8>,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A layer that is copied from cannot be read.
    #[error("the contents of /{}", Escaped(.path))]
    Contents {
        /// The path in the image.
        path: Vec<u8>,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An archive that cannot be unpacked.
    #[error("{name} cannot be unpacked")]
    Archive {
        /// The archive.
        name: String,
        /// Why.
        #[source]
        source: ScanError,
    },
    /// The record of an archive's members cannot be read again.
    #[error("{name} cannot be unpacked")]
    ArchiveIndex {
        /// The archive.
        name: String,
        /// Why.
        #[source]
        source: IndexError,
    },
    /// A hard link of an archive to something that is not there.
    #[error("{name} cannot be unpacked: {link} is a hard link to {target}, which is not there")]
    LinkTarget {
        /// The archive.
        name: String,
        /// The link.
        link: EntryPath,
        /// Its target.
        target: EntryPath,
    },
    /// A temporary file cannot be written.
    #[error("temporary file in the store's folder imgtool/tmp")]
    Temporary(#[source] io::Error),
    /// The layer cannot be kept.
    #[error(transparent)]
    Store(#[from] store::Error),
}

fn excluded(is_ignored: bool) -> &'static str {
    if is_ignored { ": it is excluded by .dockerignore" } else { "" }
}
