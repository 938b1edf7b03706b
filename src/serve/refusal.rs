//! Answers that refuse: the error codes of the distribution specification.

use std::fmt;
use std::io::{self, ErrorKind};

use hyper::StatusCode;
use serde_json::{Value, json};

use super::answer::Answer;

/// The specification's error codes ([distribution-spec, error
/// codes](https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#error-codes)), and those of
/// distribution's own that clients know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    BlobUnknown,
    BlobUploadInvalid,
    BlobUploadUnknown,
    Denied,
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    NameInvalid,
    NameUnknown,
    PaginationNumberInvalid,
    RangeInvalid,
    SizeInvalid,
    TagInvalid,
    TooManyRequests,
    Unauthorized,
    Unknown,
    Unsupported,
}

impl Code {
    fn status(self) -> StatusCode {
        match self {
            Self::BlobUnknown
            | Self::BlobUploadUnknown
            | Self::ManifestBlobUnknown
            | Self::ManifestUnknown
            | Self::NameUnknown => StatusCode::NOT_FOUND,
            Self::Denied => StatusCode::FORBIDDEN,
            Self::BlobUploadInvalid
            | Self::DigestInvalid
            | Self::ManifestInvalid
            | Self::NameInvalid
            | Self::PaginationNumberInvalid
            | Self::SizeInvalid
            | Self::TagInvalid => StatusCode::BAD_REQUEST,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::RangeInvalid => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unsupported => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::BlobUnknown => "BLOB_UNKNOWN",
            Self::BlobUploadInvalid => "BLOB_UPLOAD_INVALID",
            Self::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::Denied => "DENIED",
            Self::DigestInvalid => "DIGEST_INVALID",
            Self::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            Self::ManifestInvalid => "MANIFEST_INVALID",
            Self::ManifestUnknown => "MANIFEST_UNKNOWN",
            Self::NameInvalid => "NAME_INVALID",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::PaginationNumberInvalid => "PAGINATION_NUMBER_INVALID",
            Self::RangeInvalid => "RANGE_INVALID",
            Self::SizeInvalid => "SIZE_INVALID",
            Self::TagInvalid => "TAG_INVALID",
            Self::TooManyRequests => "TOOMANYREQUESTS",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Unknown => "UNKNOWN",
            Self::Unsupported => "UNSUPPORTED",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::BlobUnknown => "blob unknown to registry",
            Self::BlobUploadInvalid => "blob upload invalid",
            Self::BlobUploadUnknown => "blob upload unknown to registry",
            Self::Denied => "requested access to the resource is denied",
            Self::DigestInvalid => "provided digest did not match uploaded content",
            Self::ManifestBlobUnknown => "manifest references a manifest or blob unknown to registry",
            Self::ManifestInvalid => "manifest invalid",
            Self::ManifestUnknown => "manifest unknown to registry",
            Self::NameInvalid => "invalid repository name",
            Self::NameUnknown => "repository name not known to registry",
            Self::PaginationNumberInvalid => "invalid number of results requested",
            Self::RangeInvalid => "invalid content range",
            Self::SizeInvalid => "provided length did not match content length",
            Self::TagInvalid => "manifest tag did not match URI",
            Self::TooManyRequests => "too many requests",
            Self::Unauthorized => "authentication required",
            Self::Unknown => "unknown error",
            Self::Unsupported => "the operation is unsupported",
        }
    }
}

/// Why a request is refused, as the client is told.
#[derive(Debug)]
pub(super) struct Refusal {
    code: Code,
    message: Option<String>,
    /// One error for each.
    details: Vec<Value>,
    status: Option<StatusCode>,
    headers: Vec<(hyper::header::HeaderName, String)>,
    /// What went wrong here, for the log alone.
    cause: Option<String>,
}

impl Refusal {
    /// With this code's own words.
    pub(super) fn new(code: Code) -> Self {
        Self { code, message: None, details: vec![Value::Null], status: None, headers: Vec::new(), cause: None }
    }

    /// With these words instead.
    pub(super) fn because(code: Code, message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..Self::new(code) }
    }

    /// Something went wrong here: the client is told only that, or that there is no room, and the log what.
    pub(super) fn broken(error: &(dyn std::error::Error + 'static)) -> Self {
        let chain = std::iter::successors(Some(error), |error| error.source());
        let words: Vec<String> = chain.clone().map(ToString::to_string).collect();
        let kind = chain.filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind).last();
        let told = match kind {
            Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
                Self::because(Code::Unknown, "the disk of the registry is full")
                    .status(StatusCode::INSUFFICIENT_STORAGE)
            }
            Some(ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied) => {
                let why = "the registry may not write to its store";
                Self::because(Code::Unknown, why).status(StatusCode::SERVICE_UNAVAILABLE)
            }
            _ => Self::new(Code::Unknown),
        };
        Self { cause: Some(words.join(": ")), ..told }
    }

    /// What went wrong here, if anything did.
    pub(super) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// What the refusal is about.
    pub(super) fn detail(self, detail: Value) -> Self {
        Self { details: vec![detail], ..self }
    }

    /// An error for each of these.
    pub(super) fn each(self, details: Vec<Value>) -> Self {
        Self { details, ..self }
    }

    /// Its code.
    pub(super) fn code(&self) -> Code {
        self.code
    }

    /// Another status than the code's own.
    pub(super) fn status(self, status: StatusCode) -> Self {
        Self { status: Some(status), ..self }
    }

    /// A header.
    pub(super) fn header(mut self, name: hyper::header::HeaderName, value: impl fmt::Display) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// The answer.
    pub(super) fn into_answer(self) -> Answer {
        let message = self.message.as_deref().unwrap_or(self.code.message());
        let error = |detail| json!({"code": self.code.as_str(), "message": message, "detail": detail});
        let errors: Vec<Value> = self.details.iter().map(error).collect();
        let status = self.status.unwrap_or(self.code.status());
        let mut answer = Answer::json(status, &json!({"errors": errors}));
        for (name, value) in self.headers {
            answer = answer.header(name, value);
        }
        answer
    }
}

impl From<crate::store::Error> for Refusal {
    fn from(error: crate::store::Error) -> Self {
        Self::broken(&error)
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Self::broken(&error)
    }
}
