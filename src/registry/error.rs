//! Why a registry cannot be used.

use std::path::PathBuf;

use super::{HostError, Refusal, RegistryHost};
use crate::http;
use crate::oci::{Digest, DocumentError, MediaType, Platform};

/// Why a registry cannot be used. No variant holds credentials.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A text that should be a registry is not one.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The network or the protocol failed.
    #[error(transparent)]
    Http(#[from] http::Error),
    /// The server speaks plain HTTP, and the registry may only be reached over TLS.
    #[error("{host}: the server does not speak TLS")]
    PlainHttp {
        /// The registry.
        host: RegistryHost,
    },
    /// A certificate, or the key of one, cannot be read.
    #[error("{path}: {why}", path = path.display())]
    Certificate {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The registry refused a request.
    #[error("{what}: {refusal}")]
    Refused {
        /// What was asked for: a reference, a repository or a registry.
        what: String,
        /// What the registry said.
        refusal: Refusal,
    },
    /// The registry wants credentials, or has refused those that it got.
    #[error("{what}: {refusal}")]
    Unauthorized {
        /// What was asked for.
        what: String,
        /// The registry.
        host: RegistryHost,
        /// What the registry said.
        refusal: Refusal,
        /// Whether credentials were sent.
        with_credentials: bool,
        /// The token server to which credentials were not sent, as it is not of the registry's domain.
        withheld_from: Option<String>,
    },
    /// Credentials were to be checked, and were not sent: the token server is not of the registry's domain.
    #[error("{host}: the credentials were not checked")]
    Withheld {
        /// The registry.
        host: RegistryHost,
        /// The token server.
        server: String,
    },
    /// The token server of a registry is at a URL that is not usable.
    #[error("{host}: invalid token server {realm:?}: {why}")]
    Realm {
        /// The registry.
        host: RegistryHost,
        /// The URL.
        realm: String,
        /// Why.
        why: String,
    },
    /// The token server's answer is not one.
    #[error("{host}: the token server {server} sends no token: {why}")]
    Token {
        /// The registry.
        host: RegistryHost,
        /// The host of the token server.
        server: String,
        /// What is wrong.
        why: String,
    },
    /// There is no such manifest.
    #[error("manifest for {name} not found: {refusal}")]
    NoManifest {
        /// The image, as docker shows it.
        name: String,
        /// What the registry said.
        refusal: Refusal,
    },
    /// A manifest of the format that docker used before 2016.
    #[error(
        "{name} has a manifest of Docker's schema 1 ({media_type}), which is no longer supported: push it again with a \
         docker of version 1.10 to 27"
    )]
    SchemaOne {
        /// The image.
        name: String,
        /// The media type.
        media_type: MediaType,
    },
    /// A document of a media type that is neither a manifest nor an index.
    #[error("{name}: the registry sends {media_type:?}, which is not an image")]
    NotAManifest {
        /// The image.
        name: String,
        /// The media type.
        media_type: String,
    },
    /// The registry and the document do not agree on what it is.
    #[error("{name}: the registry sends it as {announced}, but it says that it is {actual}")]
    MediaTypes {
        /// The image.
        name: String,
        /// The registry's `Content-Type`.
        announced: MediaType,
        /// The document's `mediaType`.
        actual: MediaType,
    },
    /// A manifest is not what the specification says.
    #[error("{name}")]
    Document {
        /// The image.
        name: String,
        /// What is wrong.
        #[source]
        source: DocumentError,
    },
    /// A document does not have the digest that it should have.
    #[error("{name}: the registry sends other bytes than it says: their digest is {actual}, and should be {expected}")]
    Digest {
        /// The image.
        name: String,
        /// The digest that it should have.
        expected: Digest,
        /// The digest of its bytes.
        actual: Digest,
    },
    /// A blob is longer or shorter than its descriptor says.
    #[error("{name}: blob {digest} has {actual} bytes in the registry, and should have {expected}")]
    Size {
        /// The repository.
        name: String,
        /// The blob.
        digest: Digest,
        /// What its descriptor says.
        expected: u64,
        /// How many bytes the registry has, or wants to send.
        actual: u64,
    },
    /// A blob has not come.
    #[error("{name}: blob {digest}")]
    Transfer {
        /// The repository.
        name: String,
        /// Which blob.
        digest: Digest,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A part of a blob that does not continue what was asked for.
    #[error("{name}: blob {digest}: asked for the bytes from {wanted} on, the registry sends those from {sent} on")]
    Range {
        /// The repository.
        name: String,
        /// The blob.
        digest: Digest,
        /// The offset that was asked for.
        wanted: u64,
        /// The offset that came.
        sent: u64,
    },
    /// An index has no image for the platform that was asked for.
    #[error("no matching manifest for {wanted} in the manifest list entries: {name} has {found}", found = listed(found))]
    NoPlatform {
        /// The image.
        name: String,
        /// What was asked for.
        wanted: Box<Platform>,
        /// What there is.
        found: Vec<Platform>,
    },
    /// The server wants the bytes of a blob without encryption.
    #[error(
        "{what}: the registry is reached by https and wants the upload at {location}: it is behind a proxy that does not \
         tell it so; let the proxy send X-Forwarded-Proto: https"
    )]
    UploadDowngrade {
        /// The repository.
        what: String,
        /// Where the upload is to go.
        location: String,
    },
    /// The registry says that it has something else than was sent to it.
    #[error("{what}: the registry says that it has stored {actual}, but {expected} was sent")]
    Stored {
        /// The image or repository.
        what: String,
        /// The digest of what was sent.
        expected: Digest,
        /// The digest that the registry gives.
        actual: Digest,
    },
    /// The server has forgotten an upload several times.
    #[error("{what}: the registry forgets its upload sessions")]
    UploadLost {
        /// The repository.
        what: String,
    },
    /// The bytes of a blob that is sent cannot be read.
    #[error("{what}")]
    UploadSource {
        /// The repository.
        what: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A list that is not one.
    #[error("{what}: invalid answer: {why}")]
    Answer {
        /// What was asked for.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// The next page of a list is on another host, or has been there before.
    #[error("{what}: the next page is at {link}: {why}")]
    Link {
        /// What was asked for.
        what: String,
        /// Where the next page is said to be.
        link: String,
        /// Why it is not fetched.
        why: &'static str,
    },
    /// A list that does not end.
    #[error("{what}: more than {limit} entries")]
    Endless {
        /// What was asked for.
        what: String,
        /// The limit.
        limit: usize,
    },
    /// A registry that tells nobody what it has.
    #[error("{host} does not list its repositories{}; {}", because(refusal.as_ref()), instead_of_catalog(host))]
    NoCatalog {
        /// The registry.
        host: RegistryHost,
        /// What it said, if it was asked.
        refusal: Option<Refusal>,
    },
    /// A registry without Docker's search.
    #[error(
        "{host} has no search: its repositories are listed by imgtool catalog {host}, the tags of one by imgtool tags \
         {host}/REPOSITORY"
    )]
    NoSearch {
        /// The registry.
        host: RegistryHost,
    },
}

fn listed(platforms: &[Platform]) -> String {
    if platforms.is_empty() {
        return "none".to_owned();
    }
    platforms.iter().map(Platform::to_string).collect::<Vec<_>>().join(", ")
}

fn because(refusal: Option<&Refusal>) -> String {
    refusal.map(|refusal| format!(" ({refusal})")).unwrap_or_default()
}

fn instead_of_catalog(host: &RegistryHost) -> String {
    if host.is_hub() {
        return "imgtool search TERM finds some, imgtool tags REPOSITORY lists the tags of one".to_owned();
    }
    format!("the tags of one are listed by imgtool tags {host}/REPOSITORY")
}

impl Error {
    /// What the registry said, if it refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused { refusal, .. } | Self::Unauthorized { refusal, .. } | Self::NoManifest { refusal, .. } => {
                Some(refusal)
            }
            _ => None,
        }
    }

    /// Whether it tells what is wrong with what the registry has, and not why that could not be fetched.
    pub fn is_about_content(&self) -> bool {
        match self {
            Self::Refused { refusal, .. } => refusal.status == 404,
            Self::NoManifest { .. }
            | Self::SchemaOne { .. }
            | Self::NotAManifest { .. }
            | Self::MediaTypes { .. }
            | Self::Document { .. }
            | Self::Digest { .. }
            | Self::Size { .. } => true,
            _ => false,
        }
    }
}
